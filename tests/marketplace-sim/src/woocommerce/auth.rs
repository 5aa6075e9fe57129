//! Who calls: Basic or the query over https, OAuth 1.0a over http; and the page of consent that makes the keys.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde_json::json;
use url::Url;

use super::Context;
use super::answer::Refusal;
use super::query::Query;
use super::state::Pending;

/// How far an OAuth timestamp may be from the shop's clock, in seconds.
const SKEW_MAX_S: i64 = 15 * 60;

impl Context<'_> {
    /// Refuses whoever may not read and write.
    pub fn authorize(&mut self, request: &Request<Bytes>, query: &Query) -> Result<(), Refusal> {
        let unknown =
            || Refusal::new(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.");
        if self.state.revoked {
            return Err(unknown());
        }
        if request.uri().scheme_str() == Some("https") {
            let (key, secret) = plain_credentials(request, query).ok_or_else(unknown)?;
            let (known_key, known_secret) = self.keys();
            return match (key == known_key, secret == known_secret) {
                (false, _) => Err(unknown()),
                (true, false) => Err(refused("Consumer secret is invalid.")),
                (true, true) => Ok(()),
            };
        }
        let field = |name: &str| query.get(name).unwrap_or_default();
        match field("oauth_consumer_key") {
            "" => return Err(unknown()),
            key if key != self.keys().0 => return Err(refused("Consumer key is invalid.")),
            _ => {}
        }
        if self.signature(request, query) != field("oauth_signature") {
            return Err(refused("Invalid signature - provided signature does not match."));
        }
        let sent_at: i64 = field("oauth_timestamp").parse().unwrap_or(0);
        if (sent_at - self.now.as_second()).abs() > SKEW_MAX_S {
            return Err(refused("Invalid timestamp."));
        }
        if !self.state.nonces.insert(field("oauth_nonce").to_owned()) {
            return Err(refused("Invalid nonce - nonce has already been used."));
        }
        Ok(())
    }

    /// Key and secret that open the shop now.
    pub fn keys(&self) -> (String, String) {
        let first = || (self.options.consumer_key.clone(), self.options.consumer_secret.clone());
        self.state.keys.clone().unwrap_or_else(first)
    }

    /// `/wc-auth/v1/authorize`: where the merchant who agreed, or did not, is sent. New keys go to the callback by a POST.
    /// `None` for a page that the shop would not show.
    pub fn way_back(&mut self, page: &Url, consents: bool) -> Option<Url> {
        let asked: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
        let given = |name: &str| asked.get(name).filter(|text| !text.is_empty());
        given("app_name")?;
        let right = page.path().ends_with("/wc-auth/v1/authorize")
            && given("scope").is_some_and(|scope| ["read", "write", "read_write"].contains(&scope.as_str()));
        let (user_id, callback) = (given("user_id").filter(|_| right)?, given("callback_url")?);
        let mut back: Url = given("return_url")?.parse().ok()?;
        if !callback.starts_with("https://") {
            return None;
        }
        if consents {
            self.state.revoked = false;
            self.state.keys_made += 1;
            let made = self.state.keys_made;
            let (key, secret) = (format!("ck_{made:040x}"), format!("cs_{made:040x}"));
            let body = json!({
                "key_id": made, "user_id": user_id, "consumer_key": key, "consumer_secret": secret,
                "key_permissions": given("scope"),
            });
            self.state.keys = Some((key, secret));
            self.state.pending.push(Pending::Keys { callback: callback.clone(), body });
        }
        let success = if consents { "1" } else { "0" };
        back.query_pairs_mut().append_pair("success", success).append_pair("user_id", user_id);
        Some(back)
    }

    fn signature(&self, request: &Request<Bytes>, query: &Query) -> String {
        let host = request.uri().authority().map(|authority| authority.as_str());
        let host = host.or_else(|| request.headers().get("host")?.to_str().ok()).unwrap_or_default();
        let address = format!("http://{host}{}", request.uri().path());
        let mut pairs: Vec<String> = query
            .0
            .iter()
            .filter(|(name, _)| name != "oauth_signature")
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        pairs.sort();
        let base = [request.method().as_str(), &encoded(&address), &encoded(&pairs.join("&"))].join("&");
        let key = hmac::Key::new(hmac::HMAC_SHA256, format!("{}&", self.keys().1).as_bytes());
        STANDARD.encode(hmac::sign(&key, base.as_bytes()))
    }
}

fn refused(message: &str) -> Refusal {
    Refusal::new(401, "woocommerce_rest_authentication_error", message)
}

fn plain_credentials(request: &Request<Bytes>, query: &Query) -> Option<(String, String)> {
    if let Some(basic) = request.headers().get("authorization") {
        let decoded = STANDARD.decode(basic.to_str().ok()?.strip_prefix("Basic ")?).ok()?;
        let (key, secret) =
            String::from_utf8(decoded).ok()?.split_once(':').map(|(k, s)| (k.to_owned(), s.to_owned()))?;
        return Some((key, secret));
    }
    Some((query.get("consumer_key")?.to_owned(), query.get("consumer_secret")?.to_owned()))
}

/// As PHP's `rawurlencode`.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
