//! One record that cannot be read fails alone.

use serde_json::Value;
use system::{Hub, Shop, goods};

async fn failed(hub: &Hub, sync: &Value) -> Vec<Value> {
    hub.list(&format!("/v1/syncs/{}/records?outcome=failed", sync["id"].as_str().unwrap())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_cannot_be_read_fails_alone_is_named_and_comes_in_once_it_is_mended() {
    let hub = Hub::start().await;
    let mut woocommerce = Shop::woocommerce("north").await;
    let mut shopify = Shop::shopify("east").await;
    for shop in [&mut woocommerce, &mut shopify] {
        shop.add(goods("FIRST", "First", "5.00", 3));
        let too_long = "X".repeat(300);
        let bad = shop.add(goods(&too_long, "Bad", "5.00", 3));
        shop.add(goods("LAST", "Last", "5.00", 3));
        shop.connect(&hub).await;

        let sync = hub.sync(&shop.connection, "items").await;
        assert_eq!(sync["state"], "partial", "{sync}");
        assert_eq!(
            (&sync["records"]["synced"], &sync["records"]["failed"]),
            (&2.into(), &1.into()),
            "{sync}"
        );
        let named = failed(&hub, &sync).await;
        assert_eq!(named.len(), 1, "{named:?}");
        let external_id = named[0]["external_id"].as_str().unwrap();
        assert!(external_id.contains(&bad.external_id), "{named:?}");
        assert_eq!((&named[0]["code"], &named[0]["title"]), (&"invalid_sku".into(), &"Bad".into()));
        assert!(!named[0]["reason"].as_str().unwrap().is_empty(), "{named:?}");
        shop.listing(&hub, "FIRST").await;
        shop.listing(&hub, "LAST").await;

        shop.shop.rename(&bad, Some(Some("MENDED".to_owned())), None);
        let sync = hub.sync(&shop.connection, "items").await;
        assert_eq!((&sync["state"], &sync["records"]["synced"]), (&"succeeded".into(), &3.into()), "{sync}");
        shop.listing(&hub, "MENDED").await;
    }
}
