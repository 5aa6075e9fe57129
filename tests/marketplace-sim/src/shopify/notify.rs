//! Webhooks: who asked for what, and what is sent.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::state::State;
use super::tokens::CLIENT_SECRET;
use crate::Delivery;

#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub id: u64,
    /// `ORDERS_CREATE`.
    pub topic: String,
    pub uri: String,
    /// Empty for all.
    pub include_fields: Vec<String>,
}

impl State {
    /// Sends `body` to whoever subscribed to the topic, `orders/create`.
    pub fn tell(&mut self, topic: &str, body: Value, now: Timestamp) {
        let name = topic.replace('/', "_").to_uppercase();
        let subscribed: Vec<Subscription> =
            self.subscriptions.iter().filter(|subscription| subscription.topic == name).cloned().collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
        for subscription in subscribed {
            let mut body = body.clone();
            if let (Value::Object(fields), false) = (&mut body, subscription.include_fields.is_empty()) {
                fields.retain(|name, _| subscription.include_fields.contains(name));
            }
            let body = Bytes::from(body.to_string());
            let signature = STANDARD.encode(hmac::sign(&key, &body).as_ref());
            let id = self.id();
            let headers = [
                ("content-type", "application/json".to_owned()),
                ("x-shopify-topic", topic.to_owned()),
                ("x-shopify-hmac-sha256", signature),
                ("x-shopify-shop-domain", "simulated.myshopify.com".to_owned()),
                ("x-shopify-webhook-id", format!("wh-{id}")),
                ("x-shopify-event-id", format!("ev-{id}")),
                ("x-shopify-api-version", super::API_VERSION.to_owned()),
                ("x-shopify-triggered-at", now.to_string()),
            ];
            self.deliveries.push(Delivery {
                url: subscription.uri,
                headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
                body,
            });
        }
    }
}
