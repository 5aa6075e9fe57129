//! The merchant's consent: from the channel's own page to credentials (OAuth 2.0, RFC 6749 section 4.1, with PKCE, RFC
//! 7636, where the channel takes it).

use std::collections::BTreeMap;

use async_trait::async_trait;
use url::Url;

use crate::{ChannelError, Credentials, Shop};

/// What the channel's page is asked with.
#[derive(Debug, Clone, Copy)]
pub struct ConsentRequest<'a> {
    /// Where the channel sends the merchant back to.
    pub redirect_uri: &'a Url,
    /// Unguessable; comes back with the answer.
    pub state: &'a str,
    /// SHA-256 of the verifier, base64url without padding (method `S256`).
    pub code_challenge: &'a str,
}

/// What the merchant came back with.
#[derive(Debug, Clone, Copy)]
pub struct ConsentAnswer<'a> {
    /// The callback's query, as it came; with what the channel's own server posted to it, where that brings the answer.
    pub query: &'a BTreeMap<String, String>,
    /// As in the request.
    pub redirect_uri: &'a Url,
    pub code_verifier: &'a str,
}

#[async_trait]
pub trait Consent: Send + Sync {
    /// The page where the merchant consents. `shop.credentials` hold at least the application's keys.
    fn page(&self, shop: &Shop<'_>, request: &ConsentRequest<'_>) -> Result<Url, ChannelError>;

    /// Whether the merchant said no, by what the callback was called with.
    fn is_denied(&self, query: &BTreeMap<String, String>) -> bool {
        query.contains_key("error")
    }

    /// Trades the answer for credentials: those of `shop`, with what the channel gave.
    async fn redeem(&self, shop: &Shop<'_>, answer: &ConsentAnswer<'_>) -> Result<Credentials, ChannelError>;
}
