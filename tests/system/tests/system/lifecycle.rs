//! Starting, stopping, new keys, reset.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use system::{Hub, Post, SOON, Shop, goods, settled};

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_stops_it_cleanly_within_seconds_and_what_it_had_is_still_there() {
    let mut hub = Hub::start().await;
    let item = hub.item("MUG", "Mug", 7).await;
    let status = hub.stop(Duration::from_secs(10)).await;
    assert!(status.success(), "{status}");
    assert_eq!(hub.restart(&[]).await, None, "keys are shown once");
    assert_eq!(hub.get(&format!("/v1/items/{item}/stock")).await["on_hand"], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn show_keys_makes_new_keys_and_replaces_the_operators() {
    let mut hub = Hub::start().await;
    hub.stop(Duration::from_secs(10)).await;
    let (key, operator_key) = hub.restart(&["--show-keys"]).await.expect("new keys");
    assert!(key != hub.key && operator_key != hub.operator_key);
    let organization = hub.get("/v1/organization").await;
    let same = hub.send(hub.request_as(&key, Method::GET, "/v1/organization")).await.done();
    assert_eq!(same, organization);
    let other =
        json!({ "name": "Other", "base_currency": "EUR", "country": "DE", "time_zone": "Europe/Berlin" });
    let create = |key: &str| hub.send(hub.request_as(key, Method::POST, "/v1/organizations").json(&other));
    create(&hub.operator_key).await.refused(401, "unauthorized", None);
    assert!(create(&operator_key).await.done()["api_key"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_empties_everything_but_the_key_and_the_organization() {
    let mut hub = Hub::start().await;
    let organization = hub.get("/v1/organization").await;
    hub.item("MUG", "Mug", 7).await;
    let mut shop = Shop::woocommerce("north").await;
    shop.add(goods("MUG", "Mug", "5.00", 3));
    shop.connect(&hub).await;
    hub.sync(&shop.connection, "items").await;
    settled(&hub, &[&shop]).await;

    let reset = hub.post("/_local/reset", json!(null)).await;
    assert_eq!(reset.status, 204, "{}", reset.body);
    assert_eq!(hub.whole("/v1/connections").await, Vec::<serde_json::Value>::new());
    for path in ["/v1/items", "/v1/listings", "/v1/syncs", "/v1/orders", "/v1/adjustments"] {
        assert_eq!(hub.list(path).await, Vec::<serde_json::Value>::new(), "{path}");
    }
    assert_eq!(hub.get("/v1/organization").await, organization);

    // It works on: the same SKU, the same shop, also after a restart.
    hub.item("MUG", "Mug", 9).await;
    shop.connect(&hub).await;
    hub.sync(&shop.connection, "items").await;
    settled(&hub, &[&shop]).await;
    hub.kill_and_restart().await;
    shop.shop.sell(&[(sold(&shop.listing(&hub, "MUG").await), 2)]);
    // The shop tells the connection of before the reset too: there is none.
    for request in shop.notifications(&hub, Post::Once) {
        let status = hub.send(request).await.status;
        assert!([204, 404].contains(&status), "{status}");
    }
    system::eventually("the sale is seen", SOON, async || {
        let orders = hub.list("/v1/orders").await;
        if orders.len() == 1 { Ok(()) } else { Err(format!("{orders:?}")) }
    })
    .await;
    settled(&hub, &[&shop]).await;
}

fn sold(listing: &serde_json::Value) -> marketplace_sim::Sold {
    let external_id = listing["external_id"].as_str().unwrap().to_owned();
    marketplace_sim::Sold { external_id, variation_id: None }
}
