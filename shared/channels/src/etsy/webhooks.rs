//! Notifications: believing them. They are registered by hand, in Etsy's developer portal, for the application and not
//! for a shop: what is about another shop than the connection's is taken and means nothing.
//!
//! Signed as by Standard Webhooks: HMAC-SHA256 of `id.timestamp.body` by the endpoint's secret, `whsec_…`.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use jiff::SignedDuration;
use serde_json::Value;

use super::number;
use super::wire::Event;
use crate::{ACCOUNT, Hint, Notification, Shop, WebhookRefused};

/// The credential that the merchant copies from the portal.
const SECRET: &str = "webhook_secret";
const SECRET_PREFIX: &str = "whsec_";
/// A notification older or newer than this is not believed: it may be an old one, sent again by another.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// Signatures of one notification that are looked at: a rotated secret makes two.
const SIGNATURES_MAX: usize = 8;

pub(super) fn read(
    shop: &Shop<'_>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Notification, WebhookRefused> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signatures = text("webhook-signature").ok_or(WebhookRefused::Unsigned)?;
    let (Some(id), Some(sent_at)) = (text("webhook-id"), text("webhook-timestamp")) else {
        return Err(WebhookRefused::Unsigned);
    };
    let sent_s: i64 = sent_at.parse().map_err(|_| WebhookRefused::BadSignature)?;
    if shop.now.as_second().abs_diff(sent_s) > TOLERANCE.as_secs().unsigned_abs() {
        return Err(WebhookRefused::BadSignature);
    }
    let key = key(shop).ok_or(WebhookRefused::BadSignature)?;
    let signed = [id.as_bytes(), b".", sent_at.as_bytes(), b".", body].concat();
    let genuine = signatures.split_ascii_whitespace().take(SIGNATURES_MAX).any(|signature| {
        let signature = signature.strip_prefix("v1,").unwrap_or(signature);
        STANDARD.decode(signature).is_ok_and(|tag| hmac::verify(&key, &signed, &tag).is_ok())
    });
    if !genuine {
        return Err(WebhookRefused::BadSignature);
    }
    let event: Event = serde_json::from_slice(body).map_err(|_| WebhookRefused::Unreadable)?;
    Ok(Notification { delivery_id: Some(id.to_owned()), account: None, hint: hint(shop, &event)? })
}

fn key(shop: &Shop<'_>) -> Option<hmac::Key> {
    let secret = shop.credentials.get(SECRET)?;
    let bytes = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret)).ok()?;
    (!bytes.is_empty()).then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

fn hint(shop: &Shop<'_>, event: &Event) -> Result<Hint, WebhookRefused> {
    // `order.paid` now, `ORDER_PAID` in Etsy's first text on it.
    let kind = event.event_type.to_ascii_lowercase().replace('_', ".");
    let of_shop = match &event.shop_id {
        Some(Value::String(text)) => number(text),
        Some(id) => id.as_u64(),
        None => None,
    };
    let ours = shop.facts.get(ACCOUNT).and_then(|account| number(account));
    if of_shop.is_some() && of_shop != ours || !kind.starts_with("order.") {
        return Ok(Hint::Nothing);
    }
    let order = event.resource_url.as_deref().and_then(receipt_id).ok_or(WebhookRefused::Unreadable)?;
    Ok(Hint::Orders(vec![order.to_string()]))
}

/// The receipt that an address names. The address itself is never called: it is another's word.
fn receipt_id(address: &str) -> Option<u64> {
    let path = address.split(['?', '#']).next()?;
    let mut parts = path.split('/').skip_while(|part| *part != "receipts").skip(1);
    number(parts.next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_its_receipt() {
        for (address, id) in [
            ("https://api.etsy.com/v3/application/shops/12/receipts/345", Some(345)),
            ("https://openapi.etsy.com/v3/application/shops/12/receipts/345?legacy=1", Some(345)),
            ("/v3/shops/12/receipts/345/", Some(345)),
            ("https://evil.example/receipts/../../345", None),
            ("https://api.etsy.com/v3/application/shops/12", None),
            ("", None),
        ] {
            assert_eq!(receipt_id(address), id, "{address}");
        }
    }
}
