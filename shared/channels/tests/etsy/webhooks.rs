//! Notifications, signed as by Standard Webhooks.

use std::time::Duration;

use channels::etsy::Etsy;
use channels::{Channel, Hint, Notification, WebhookRefused};
use http::{HeaderMap, HeaderName};
use marketplace_sim::Delivery;
use secrecy::SecretString;

use crate::bench::Bench;

async fn read(bench: &Bench, delivery: &Delivery) -> Result<Notification, WebhookRefused> {
    let mut headers = HeaderMap::new();
    for (name, value) in &delivery.headers {
        headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    Etsy.read_webhook(&bench.shop(), &SecretString::from("ours"), &headers, &delivery.body).await
}

fn body(event: &str, shop: &str) -> String {
    let url = "https://api.etsy.com/v3/application/shops/42424242/receipts/345";
    format!(r#"{{"event_type":"{event}","resource_url":"{url}","shop_id":{shop}}}"#)
}

#[tokio::test]
async fn each_event_of_an_order_names_it() {
    let bench = Bench::new().await;
    let order = Ok(Hint::Orders(vec!["345".to_owned()]));
    let table = [
        (body("order.paid", "42424242"), order.clone()),
        (body("order.canceled", "42424242"), order.clone()),
        (body("order.shipped", "42424242"), order.clone()),
        (body("order.delivered", "42424242"), order.clone()),
        (body("ORDER_PAID", "\"42424242\""), order),
        (body("listing.updated", "42424242"), Ok(Hint::Nothing)),
        // The application's endpoint is told of all its shops.
        (body("order.paid", "7"), Ok(Hint::Nothing)),
        (r#"{"event_type":"order.paid"}"#.to_owned(), Err(WebhookRefused::Unreadable)),
        ("[]".to_owned(), Err(WebhookRefused::Unreadable)),
    ];
    for (body, expected) in table {
        let told = read(&bench, &bench.sim.signed_delivery("msg_1", &body)).await;
        let id = told.as_ref().ok().and_then(|told| told.delivery_id.clone());
        assert_eq!(id.is_some_and(|id| id == "msg_1"), told.is_ok());
        assert_eq!(told.map(|told| told.hint), expected, "{body}");
    }
}

#[tokio::test]
async fn what_is_signed_is_the_id_the_time_and_the_body() {
    let bench = Bench::new().await;
    let genuine = bench.sim.signed_delivery("msg_1", &body("order.paid", "42424242"));
    assert!(read(&bench, &genuine).await.is_ok());
    let with = |name: &str, value: &str| {
        let mut delivery = genuine.clone();
        delivery.headers.insert(name.to_owned(), value.to_owned());
        delivery
    };
    let sent_at: i64 = genuine.headers["webhook-timestamp"].parse().unwrap();
    for forged in [
        with("webhook-id", "msg_2"),
        with("webhook-timestamp", &(sent_at + 1).to_string()),
        with("webhook-timestamp", "soon"),
        with("webhook-signature", "v1,AAAA"),
        Delivery { body: bytes::Bytes::from_static(b"{}"), ..genuine.clone() },
    ] {
        assert_eq!(read(&bench, &forged).await, Err(WebhookRefused::BadSignature), "{forged:?}");
    }
    for missing in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut delivery = genuine.clone();
        delivery.headers.remove(missing);
        assert_eq!(read(&bench, &delivery).await, Err(WebhookRefused::Unsigned), "{missing}");
    }
    // Several signatures while a secret is being changed, with or without a version.
    let tag = genuine.headers["webhook-signature"].trim_start_matches("v1,").to_owned();
    assert!(read(&bench, &with("webhook-signature", &format!("v1,AAAA v1,{tag}"))).await.is_ok());
    assert!(read(&bench, &with("webhook-signature", &tag)).await.is_ok());
}

#[tokio::test]
async fn a_stale_notification_is_refused() {
    let bench = Bench::new().await;
    let delivery = bench.sim.signed_delivery("msg_1", &body("order.paid", "42424242"));
    bench.pass(Duration::from_secs(300));
    assert!(read(&bench, &delivery).await.is_ok());
    bench.pass(Duration::from_secs(1));
    assert_eq!(read(&bench, &delivery).await, Err(WebhookRefused::BadSignature));
}

#[tokio::test]
async fn without_the_endpoint_s_secret_nothing_is_believed() {
    let mut bench = Bench::new().await;
    let delivery = bench.sim.signed_delivery("msg_1", &body("order.paid", "42424242"));
    for secret in ["whsec_", "whsec_!", "whsec_b3RoZXI="] {
        bench.credentials = bench.credentials.clone().with("webhook_secret", secret);
        assert_eq!(read(&bench, &delivery).await, Err(WebhookRefused::BadSignature), "{secret}");
    }
}
