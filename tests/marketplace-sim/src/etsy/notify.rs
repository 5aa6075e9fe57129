//! Notifications, as Etsy signs them.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;

use super::state::State;
use super::{SHOP_ID, WEBHOOK_SECRET};
use crate::Delivery;

impl State {
    pub fn tell(&mut self, event: &str, receipt: u64, now: Timestamp) {
        let Some(url) = self.endpoint.clone() else { return };
        let resource = format!("https://api.etsy.com/v3/application/shops/{SHOP_ID}/receipts/{receipt}");
        let body = json!({ "event_type": event, "resource_url": resource, "shop_id": SHOP_ID }).to_string();
        let id = format!("msg_{}", self.id());
        self.deliveries.push(signed(url, &id, &body, now));
    }
}

/// A delivery signed at `now`.
pub(super) fn signed(url: String, id: &str, body: &str, now: Timestamp) -> Delivery {
    let secret = WEBHOOK_SECRET.strip_prefix("whsec_").unwrap_or(WEBHOOK_SECRET);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(secret).expect("base64"));
    let sent_at = now.as_second().to_string();
    let tag = hmac::sign(&key, format!("{id}.{sent_at}.{body}").as_bytes());
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", sent_at),
        ("webhook-signature", format!("v1,{}", STANDARD.encode(tag.as_ref()))),
    ];
    let headers: BTreeMap<String, String> =
        headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Delivery { url, headers, body: Bytes::from(body.to_owned()) }
}
