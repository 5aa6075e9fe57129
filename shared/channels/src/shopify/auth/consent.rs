//! The merchant's consent: Shopify's page for an application that asks for scopes, and what comes back from it.
//!
//! Shopify takes no PKCE. It signs the way back instead, with the application's secret, and names the shop that the
//! merchant consented for, which must be the one that was asked.

use async_trait::async_trait;
use aws_lc_rs::hmac;
use url::Url;

use super::{LOCATION_ID, token};
use crate::shopify::{Shopify, address};
use crate::{ChannelError, Consent, ConsentAnswer, ConsentRequest, Credentials, ErrorKind, Shop};

/// What the application does with a shop, and no more.
const SCOPES: [&str; 7] = [
    "read_products",
    "read_inventory",
    "write_inventory",
    "read_locations",
    "read_orders",
    "read_merchant_managed_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
];

/// Asks for a token that ends and is renewed: what public applications must use. The parameter is not in Shopify's
/// stored documentation, only in what others send.
const EXPIRING: (&str, &str) = ("expiring", "1");

const PAGE: &str = "ask for the merchant's consent";
const REDEEM: &str = "redeem the merchant's consent";

#[async_trait]
impl Consent for Shopify {
    fn page(&self, shop: &Shop<'_>, request: &ConsentRequest<'_>) -> Result<Url, ChannelError> {
        let client_id = key(shop, PAGE, "client_id")?;
        let mut page: Url = address(shop.endpoint, "admin/oauth/authorize").parse().map_err(|error| {
            ChannelError::new(ErrorKind::Rejected, PAGE, "the shop's address cannot be extended")
                .caused_by(error)
        })?;
        page.query_pairs_mut()
            .append_pair("client_id", client_id)
            .append_pair("scope", &SCOPES.join(","))
            .append_pair("redirect_uri", request.redirect_uri.as_str())
            .append_pair("state", request.state);
        Ok(page)
    }

    async fn redeem(&self, shop: &Shop<'_>, answer: &ConsentAnswer<'_>) -> Result<Credentials, ChannelError> {
        let refused = |detail: &str| ChannelError::new(ErrorKind::Unauthorized, REDEEM, detail);
        let (client_id, client_secret) =
            (key(shop, REDEEM, "client_id")?, key(shop, REDEEM, "client_secret")?);
        let Some(code) = answer.query.get("code").filter(|code| !code.is_empty()) else {
            return Err(refused("the merchant did not consent"));
        };
        if !is_signed(answer, client_secret) {
            return Err(refused("the way back is not signed by Shopify"));
        }
        if answer.query.get("shop").map(String::as_str) != shop.endpoint.host_str() {
            return Err(refused("the merchant consented for another shop"));
        }
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", client_id)
            .append_pair("client_secret", client_secret)
            .append_pair("code", code)
            .append_pair(EXPIRING.0, EXPIRING.1)
            .finish();
        let answer = token(shop, REDEEM, form).await?;
        // Of earlier tokens nothing may stay beside the new ones: one that lasts would seem to end.
        let kept = shop
            .credentials
            .expose()
            .into_iter()
            .filter(|(field, _)| ["client_id", "client_secret", LOCATION_ID].contains(field));
        let kept = kept.map(|(field, value)| (field.to_owned(), value.to_owned())).collect();
        Ok(answer.into_credentials(Credentials::from_exposed(kept), shop.now))
    }
}

fn key<'a>(
    shop: &'a Shop<'_>,
    operation: &'static str,
    field: &'static str,
) -> Result<&'a str, ChannelError> {
    shop.credentials.get(field).ok_or_else(|| {
        ChannelError::new(ErrorKind::Unauthorized, operation, "the application's id or secret is missing")
    })
}

/// `hmac`: hexadecimal HMAC-SHA256 of the other parameters, sorted, as a query string.
fn is_signed(answer: &ConsentAnswer<'_>, secret: &str) -> bool {
    let Some(signature) = answer.query.get("hmac").and_then(|text| bytes_of(text)) else { return false };
    let mut signed = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in answer.query.iter().filter(|(name, _)| *name != "hmac") {
        signed.append_pair(name, value);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, signed.finish().as_bytes(), &signature).is_ok()
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}
