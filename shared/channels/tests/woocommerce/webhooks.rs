use channels::woocommerce::Woocommerce;
use channels::{Channel, Hint, Notification, WebhookRefused};
use http::HeaderMap;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::replay::{Replay, Setup, exchange, recorded};

async fn read(delivery: &Value, secret: &str, body: &str) -> Result<Notification, WebhookRefused> {
    let mut headers = HeaderMap::new();
    for (name, value) in delivery["request"]["headers"].as_object().unwrap() {
        let name: http::HeaderName = name.to_lowercase().parse().unwrap();
        headers.insert(name, value.as_str().unwrap().parse().unwrap());
    }
    let (setup, nobody, secret) = (Setup::new(), Replay::of([]), SecretString::from(secret));
    Woocommerce.read_webhook(&setup.shop(&nobody), &secret, &headers, body.as_bytes()).await
}

fn key_and_body(delivery: &Value) -> (&str, &str) {
    let key = delivery.get("signing_key").or(delivery.get("secret")).and_then(Value::as_str).unwrap();
    (key, delivery["request"]["raw_body"].as_str().unwrap())
}

#[tokio::test]
async fn every_recorded_delivery_verifies_and_says_what_to_read_again() {
    let names = [
        "webhooks-delivery-order-created",
        "webhooks-delivery-order-updated",
        "webhooks-delivery-order-updated-before-created",
        "webhooks-delivery-order-updated-refund",
        "webhooks-delivery-order-deleted",
        "webhooks-delivery-product-created",
        "webhooks-delivery-product-updated",
        "webhooks-delivery-product-updated-by-sale",
        "webhooks-delivery-product-updated-by-sale-variation",
        "webhooks-delivery-product-updated-variation",
        "webhooks-delivery-product-deleted",
        "webhooks-delivery-odd-secret",
        "webhooks-delivery-entity-secret",
        "webhooks-delivery-new-secret",
    ];
    for name in names {
        let delivery = recorded(name);
        let (key, body) = key_and_body(&delivery);
        let hint = match name.contains("-order-") {
            true => Hint::Orders(vec![serde_json::from_str::<Value>(body).unwrap()["id"].to_string()]),
            false => Hint::Listings,
        };
        let notification =
            read(&delivery, key, body).await.unwrap_or_else(|refused| panic!("{name}: {refused}"));
        let id = delivery["request"]["headers"]["X-WC-Webhook-Delivery-ID"].as_str().map(str::to_owned);
        assert_eq!((notification.hint, notification.delivery_id), (hint, id), "{name}");
        assert_eq!(
            read(&delivery, key, &format!("{body} ")).await,
            Err(WebhookRefused::BadSignature),
            "{name}"
        );
        assert_eq!(read(&delivery, "another", body).await, Err(WebhookRefused::BadSignature), "{name}");
    }
}

#[tokio::test]
async fn the_greeting_is_taken_and_nothing_else_unsigned_is() {
    let ping = recorded("webhooks-ping");
    let greeting = Notification { delivery_id: None, account: None, hint: Hint::Nothing };
    assert_eq!(read(&ping, "wh_secret_0123456789", "webhook_id=1").await, Ok(greeting));
    assert_eq!(read(&ping, "wh_secret_0123456789", "webhook_id=1&id=5").await, Err(WebhookRefused::Unsigned));
    let mut delivery = recorded("webhooks-delivery-order-deleted");
    delivery["request"]["headers"].as_object_mut().unwrap().remove("X-WC-Webhook-Signature");
    assert_eq!(read(&delivery, "wh_secret_0123456789", r#"{"id":66}"#).await, Err(WebhookRefused::Unsigned));
}

#[tokio::test]
async fn what_is_missing_or_off_is_registered_and_counted() {
    let webhook = |id: u64, topic: &str, status: &str| json!({ "id": id, "topic": topic, "status": status, "delivery_url": "https://sync.example/hooks/woocommerce/1" });
    let mut list = recorded("webhooks-list");
    list["response"]["body"] = json!([
        webhook(1, "order.created", "active"), webhook(2, "order.updated", "active"),
        webhook(6, "product.created", "disabled"), webhook(7, "product.updated", "active"),
        { "id": 9, "topic": "order.deleted", "status": "active", "delivery_url": "https://elsewhere.example/" },
    ]);
    let secret = SecretString::from("s3cret");
    let mut created = exchange("POST", "webhooks", json!({}), 201, webhook(10, "order.deleted", "active"));
    created["request"]["body"] = json!({
        "name": "masterstock order.deleted", "topic": "order.deleted", "secret": "s3cret", "status": "active",
        "delivery_url": "https://sync.example/hooks/woocommerce/1",
    });
    let mut switched_on = recorded("webhooks-put-active");
    switched_on["request"]["body"] = json!({ "status": "active", "secret": "s3cret" });
    let replay = Replay::of([list, created, switched_on]);
    let callback = "https://sync.example/hooks/woocommerce/1".parse().unwrap();
    let upkeep = Woocommerce.ensure_webhooks(&Setup::new().shop(&replay), &callback, &secret).await.unwrap();
    replay.done();
    assert_eq!(upkeep.restored, 2);
}

#[tokio::test]
async fn the_recorded_shop_has_its_webhooks_already() {
    let list = recorded("webhooks-list");
    let callback = "https://sync.example/hooks/woocommerce/1".parse().unwrap();
    let replay = Replay::of([list]);
    let upkeep =
        Woocommerce.ensure_webhooks(&Setup::new().shop(&replay), &callback, &SecretString::from("s")).await;
    replay.done();
    assert_eq!(upkeep.unwrap().restored, 0);
}
