use channels::woocommerce::Woocommerce;
use channels::{Channel, ChannelError, ErrorKind, Retry, ShopIdentity};
use serde_json::Value;

use crate::replay::{Replay, Setup, recorded};

async fn identify(exchanges: Vec<Value>) -> Result<ShopIdentity, ChannelError> {
    let replay = Replay::of(exchanges);
    let found = Woocommerce.identify(&Setup::new().shop(&replay)).await;
    replay.done();
    found
}

#[tokio::test]
async fn a_shop_says_who_it_is() {
    let found = identify(["index-get-no-auth", "currency-current", "system-status"].map(recorded).to_vec())
        .await
        .unwrap();
    assert_eq!(found.name, "Fictional Outfitters");
    assert_eq!(found.currency.as_str(), "EUR");
    assert_eq!(found.time_zone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(found.version.as_deref(), Some("WooCommerce 11.0.1"));
}

#[tokio::test]
async fn a_shop_that_hides_its_version_is_a_shop_all_the_same() {
    let mut hidden = recorded("error-key-of-subscriber");
    hidden["request"]["path"] = "/wp-json/wc/v3/system_status".into();
    let found =
        identify(vec![recorded("index-get-no-auth"), recorded("currency-current"), hidden]).await.unwrap();
    assert_eq!(found.version, None);
}

#[tokio::test]
async fn what_is_no_such_shop_is_told_apart() {
    for name in ["index-get-plain-permalinks", "index-get-without-woocommerce"] {
        let error = identify(vec![recorded(name)]).await.unwrap_err();
        assert_eq!((error.kind, error.retry), (ErrorKind::NotThisChannel, Retry::Never), "{name}");
    }
}

#[tokio::test]
async fn each_recorded_error_says_what_to_do() {
    use std::time::Duration;
    let cases = [
        ("error-unknown-key", ErrorKind::Unauthorized, Retry::Never),
        ("error-no-auth", ErrorKind::Unauthorized, Retry::Never),
        ("error-basic-over-http", ErrorKind::Unauthorized, Retry::Never),
        ("error-wrong-secret", ErrorKind::Unauthorized, Retry::Never),
        ("error-read-only-key-write", ErrorKind::Forbidden, Retry::Never),
        ("error-key-of-subscriber", ErrorKind::Forbidden, Retry::Never),
        ("error-oauth1-old-timestamp", ErrorKind::Unavailable, Retry::Backoff),
        ("error-no-route", ErrorKind::NotThisChannel, Retry::Never),
        ("error-without-woocommerce", ErrorKind::NotThisChannel, Retry::Never),
        ("error-maintenance-json", ErrorKind::Unavailable, Retry::After(Duration::from_secs(600))),
        ("error-maintenance-html", ErrorKind::Unavailable, Retry::After(Duration::from_secs(600))),
        ("error-database-down-json", ErrorKind::Unavailable, Retry::Backoff),
        ("error-database-down-html", ErrorKind::Unavailable, Retry::Backoff),
        ("products-list-per-page-101", ErrorKind::Rejected, Retry::Never),
        ("stock-batch-101", ErrorKind::Rejected, Retry::Never),
    ];
    for (name, kind, retry) in cases {
        let mut exchange = recorded(name);
        exchange["request"] = serde_json::json!({
            "method": "GET", "path": "/wp-json/wc/v3/products", "query": {}, "body": null,
        });
        let replay = Replay::of([exchange]);
        let error = Woocommerce.fetch_listings(&Setup::new().shop(&replay), None, None).await.unwrap_err();
        assert_eq!((error.kind, error.retry), (kind, retry), "{name}");
        assert!(!format!("{error:?}").contains("ck_"), "{name}");
    }
}
