//! Notifications: subscribing to them, and believing them.

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::{Number, json};
use url::Url;

use super::Operation;
use super::error::printable;
use super::wire::{NotificationBody, WebhookCreateData, WebhooksListData};
use crate::{ChannelError, Credentials, ErrorKind, Hint, Notification, Shop, WebhookRefused, WebhookUpkeep};

pub(super) static LIST: Operation = Operation {
    name: "list webhook subscriptions",
    document: include_str!("queries/webhooks_list.graphql"),
    cost: 52,
};
pub(super) static CREATE: Operation = Operation {
    name: "create a webhook subscription",
    document: include_str!("queries/webhook_create.graphql"),
    cost: 11,
};

/// Topics, and the fields that their notifications are cut down to: no buyer's data is sent to us twice. Time of change
/// is among them so that two changes never look like the same notification. `ORDERS_EDITED` has none to conceal.
///
/// Not `PRODUCTS_UPDATE`: it comes for every change of stock, our own writes and each sale included, and would have the
/// catalogue read again for each. What was edited is found by the next item sync.
const TOPICS: [(&str, &[&str]); 7] = [
    ("ORDERS_CREATE", &["id", "updated_at"]),
    ("ORDERS_UPDATED", &["id", "updated_at"]),
    ("ORDERS_CANCELLED", &["id", "updated_at"]),
    ("ORDERS_EDITED", &[]),
    ("REFUNDS_CREATE", &["id", "order_id", "created_at"]),
    ("PRODUCTS_CREATE", &["id", "updated_at"]),
    ("APP_UNINSTALLED", &["id"]),
];

/// Shopify deletes a subscription whose deliveries keep failing, so what is missing is made again.
pub(super) async fn ensure(shop: &Shop<'_>, callback: &Url) -> Result<WebhookUpkeep, ChannelError> {
    let topics: Vec<&str> = TOPICS.iter().map(|(topic, _)| *topic).collect();
    let variables = json!({ "uri": callback.as_str(), "topics": topics });
    let data: WebhooksListData = LIST.call(shop, &variables).await?;
    let there: BTreeSet<String> = data
        .webhook_subscriptions
        .nodes
        .into_iter()
        .filter(|node| node.uri == callback.as_str())
        .map(|node| node.topic)
        .collect();
    let mut upkeep = WebhookUpkeep::default();
    for (topic, fields) in TOPICS.iter().filter(|(topic, _)| !there.contains(*topic)) {
        let subscription = json!({ "uri": callback.as_str(), "format": "JSON", "includeFields": fields });
        let variables = json!({ "topic": topic, "subscription": subscription });
        let data: WebhookCreateData = CREATE.call(shop, &variables).await?;
        let payload = data.webhook_subscription_create.ok_or_else(|| {
            ChannelError::new(ErrorKind::Malformed, CREATE.name, "the answer says nothing of the mutation")
        })?;
        match payload.user_errors.first() {
            None => upkeep.restored += 1,
            // Another worker was faster.
            Some(error) if error.message.contains("already been taken") => {}
            Some(error) => {
                let code = error.code.as_deref().map(printable).unwrap_or_default();
                let detail = format!("shopify refused the subscription to {topic} {code}");
                return Err(ChannelError::new(ErrorKind::Rejected, CREATE.name, detail.trim_end()));
            }
        }
    }
    Ok(upkeep)
}

/// Shopify signs with the application's secret.
pub(super) fn read(
    credentials: &Credentials,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Notification, WebhookRefused> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signature = text("x-shopify-hmac-sha256").ok_or(WebhookRefused::Unsigned)?;
    let signature = STANDARD.decode(signature).map_err(|_| WebhookRefused::BadSignature)?;
    let secret = credentials.get("client_secret").ok_or(WebhookRefused::BadSignature)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, body, &signature).map_err(|_| WebhookRefused::BadSignature)?;
    let body = || serde_json::from_slice::<NotificationBody>(body).map_err(|_| WebhookRefused::Unreadable);
    let hint = match text("x-shopify-topic").unwrap_or_default() {
        "app/uninstalled" => Hint::Revoked,
        topic if topic.starts_with("products/") => Hint::Listings,
        "refunds/create" => order(body()?.order_id)?,
        "orders/edited" => order(body()?.order_edit.map(|edit| edit.order_id))?,
        topic if topic.starts_with("orders/") => order(body()?.id)?,
        _ => Hint::Nothing,
    };
    Ok(Notification { delivery_id: text("x-shopify-webhook-id").map(str::to_owned), account: None, hint })
}

fn order(id: Option<Number>) -> Result<Hint, WebhookRefused> {
    let id = id.and_then(|id| id.as_u64()).ok_or(WebhookRefused::Unreadable)?;
    Ok(Hint::Orders(vec![id.to_string()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "shpss_secret";

    fn credentials() -> Credentials {
        Credentials::default().with("client_secret", SECRET)
    }

    fn signed(topic: &str, body: &str) -> HeaderMap {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), body.as_bytes());
        let mut headers = HeaderMap::new();
        headers.insert("x-shopify-hmac-sha256", STANDARD.encode(tag.as_ref()).parse().unwrap());
        headers.insert("x-shopify-topic", topic.parse().unwrap());
        headers.insert("x-shopify-webhook-id", "d-1".parse().unwrap());
        headers
    }

    #[test]
    fn each_topic_has_its_hint() {
        let orders = |id: &str| Ok(Hint::Orders(vec![id.to_owned()]));
        let table = [
            ("orders/create", r#"{"id":9007199254740993}"#, orders("9007199254740993")),
            ("orders/updated", r#"{"id":5}"#, orders("5")),
            ("orders/edited", r#"{"order_edit":{"id":1,"order_id":5}}"#, orders("5")),
            ("refunds/create", r#"{"id":1,"order_id":5}"#, orders("5")),
            ("products/update", r#"{"id":5}"#, Ok(Hint::Listings)),
            ("app/uninstalled", r#"{"id":5}"#, Ok(Hint::Revoked)),
            ("carts/create", "{}", Ok(Hint::Nothing)),
            ("orders/create", "{}", Err(WebhookRefused::Unreadable)),
            ("orders/create", "not json", Err(WebhookRefused::Unreadable)),
        ];
        for (topic, body, expected) in table {
            let read = read(&credentials(), &signed(topic, body), body.as_bytes());
            assert_eq!(read.map(|notification| notification.hint), expected, "{topic} {body}");
        }
    }

    #[test]
    fn only_what_shopify_signed_is_believed() {
        let headers = signed("orders/create", r#"{"id":5}"#);
        let notification = read(&credentials(), &headers, br#"{"id":5}"#).unwrap();
        assert_eq!(notification.delivery_id.as_deref(), Some("d-1"));
        assert_eq!(read(&credentials(), &headers, br#"{"id":6}"#), Err(WebhookRefused::BadSignature));
        let other = Credentials::default().with("client_secret", "other");
        assert_eq!(read(&other, &headers, br#"{"id":5}"#), Err(WebhookRefused::BadSignature));
        assert_eq!(read(&credentials(), &HeaderMap::new(), b"{}"), Err(WebhookRefused::Unsigned));
        let mut garbled = headers;
        garbled.insert("x-shopify-hmac-sha256", "***".parse().unwrap());
        assert_eq!(read(&credentials(), &garbled, br#"{"id":5}"#), Err(WebhookRefused::BadSignature));
    }
}
