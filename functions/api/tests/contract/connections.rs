//! Connections and channels.

use serde_json::{Value, json};

use domain::ChannelKind;
use marketplace_sim::{Fault, SimulatedShop};
use queue::{Queue, QueueName, Work};

use crate::world::{World, connection_input};

fn with(mut body: Value, change: impl FnOnce(&mut Value)) -> Value {
    change(&mut body);
    body
}

#[tokio::test]
async fn every_channel_says_what_it_can_do() {
    let world = World::new().await;
    let list = world.get("/v1/channels").await.ok();
    let woocommerce = list["data"].as_array().unwrap().iter().find(|c| c["key"] == "woocommerce").unwrap();
    assert_eq!(
        (&woocommerce["authorization"], &woocommerce["batch_limits"]["stock"]),
        (&json!("api_key"), &json!(100))
    );
}

#[tokio::test]
async fn a_connection_starts_with_the_defaults_and_hides_its_credentials() {
    let world = World::new().await;
    world.open_shop("shop.example", "EUR");
    let made = world.post("/v1/connections", connection_input()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let body = &made.body;
    assert_eq!((&body["status"], &body["stock_sync"]), (&json!("active"), &json!("active")));
    assert_eq!((&body["sync_interval_minutes"], &body["auto_create"]), (&json!(240), &json!(false)));
    assert_eq!(body["next_sync_at"], "2026-02-01T10:30:00Z");
    assert_eq!(
        body["location_mapping"],
        json!({"mode": "all", "location_ids": [], "order_location_id": null, "channel_locations": []})
    );
    assert_eq!(body["stock_rule"], json!({"percent": 100, "buffer": 0, "max_listed": null}));
    assert_eq!(body["modules"], json!({"items": true, "orders": true, "stock": true, "shipments": true}));
    assert_eq!((&body["drift"], &body["fba"]), (&json!("overwrite"), &Value::Null));
    assert!(!made.body.to_string().contains("cs_test") && body.get("credentials").is_none());
    assert_eq!(world.get(made.header("location")).await.ok(), made.body);
    let again = with(connection_input(), |body| body["endpoint"] = json!("https://SHOP.example/"));
    world.post("/v1/connections", again).await.refused(409, "already_connected", None);
}

#[tokio::test]
async fn nothing_is_stored_of_a_connection_that_does_not_work() {
    let world = World::new().await;
    let shop = world.open_shop("shop.example", "EUR");
    world.open_shop("dollar.example", "USD");
    for (body, code, pointer) in [
        (with(connection_input(), |b| b["channel"] = json!("bazaar")), "invalid_field", "/channel"),
        // Hosted: the marketplace is where it is, and this deployment lets nobody say otherwise.
        (with(connection_input(), |b| b["channel"] = json!("ebay")), "invalid_field", "/endpoint"),
        (with(connection_input(), |b| b["channel"] = json!("amazon")), "taxes_disabled", "/channel"),
        (with(connection_input(), |b| b["endpoint"] = json!("ftp://x")), "invalid_field", "/endpoint"),
        (
            with(connection_input(), |b| b["endpoint"] = json!("https://a:b@x.example")),
            "invalid_field",
            "/endpoint",
        ),
        (with(connection_input(), |b| b["endpoint"] = Value::Null), "invalid_field", "/endpoint"),
        (
            with(connection_input(), |b| b["endpoint"] = json!("https://dollar.example")),
            "currency_mismatch",
            "/endpoint",
        ),
        (
            with(connection_input(), |b| b["credentials"]["consumer_key"] = json!("ck_wrong")),
            "credentials_refused",
            "/credentials",
        ),
        (
            with(connection_input(), |b| b["credentials"] = json!({"consumer_key": "ck"})),
            "invalid_credentials",
            "/credentials/consumer_secret",
        ),
        (
            with(connection_input(), |b| b["credentials"]["password"] = json!("x")),
            "invalid_credentials",
            "/credentials/password",
        ),
        (with(connection_input(), |b| b["credentials"] = json!("x")), "invalid_field", "/credentials"),
    ] {
        world.post("/v1/connections", body).await.refused(422, code, Some(pointer));
    }
    let gone = with(connection_input(), |b| b["endpoint"] = json!("https://nobody.example"));
    let answer = world.post("/v1/connections", gone).await;
    answer.refused(422, "channel_unavailable", None);
    assert_eq!(answer.header("retry-after"), "30");
    for fault in [Fault::Html, Fault::Status(404), Fault::Status(500)] {
        shop.faults().push(fault.clone());
        let answer = world.post("/v1/connections", connection_input()).await;
        assert_eq!(answer.status, 422, "{fault:?} {}", answer.body);
    }
    assert_eq!(world.get("/v1/connections").await.ok()["data"], json!([]));
}

async fn stock_syncs(world: &World) -> usize {
    let queue = QueueName { work: Work::StockPush, channel: ChannelKind::Woocommerce };
    let received = world.queue.receive(queue, 10, std::time::Duration::from_secs(1)).await.unwrap();
    let receipts = received.iter().map(|message| message.receipt.clone()).collect();
    world.queue.delete(queue, receipts).await.unwrap();
    received.iter().filter(|message| message.body.contains("sweep_stock")).count()
}

#[tokio::test]
async fn settings_change_one_by_one_and_other_numbers_are_swept() {
    let world = World::new().await;
    let id = world.connect().await;
    let path = format!("/v1/connections/{id}");
    let change = json!({"name": "Shop 2", "modules": {"orders": false}, "auto_create": true, "drift": "hold",
        "import": {"archived": true}, "sync_interval_minutes": 30});
    let after = world.patch(&path, change).await.ok();
    assert_eq!((&after["name"], &after["drift"]), (&json!("Shop 2"), &json!("hold")));
    assert_eq!(after["modules"], json!({"items": true, "orders": false, "stock": true, "shipments": true}));
    assert_eq!(after["import"], json!({"out_of_stock": false, "archived": true}));
    assert_eq!(stock_syncs(&world).await, 0);
    world.patch(&path, json!({"stock_rule": {"buffer": 1, "max_listed": 5}})).await.ok();
    assert_eq!(stock_syncs(&world).await, 1);
    let after = world.patch(&path, json!({"stock_rule": {"max_listed": null}})).await.ok();
    assert_eq!(after["stock_rule"], json!({"percent": 100, "buffer": 1, "max_listed": null}));
    for (change, code, pointer) in [
        (json!({"sync_interval_minutes": 45}), "invalid_field", "/sync_interval_minutes"),
        (json!({"stock_rule": {"percent": 101}}), "invalid_field", "/stock_rule/percent"),
        (json!({"stock_rule": {"buffer": -1}}), "invalid_field", "/stock_rule/buffer"),
        (json!({"stock_rule": null}), "invalid_field", "/stock_rule"),
        (json!({"location_mapping": {"mode": "some"}}), "invalid_field", "/location_mapping/mode"),
        (json!({"location_mapping": {"place": 1}}), "unknown_field", "/location_mapping/place"),
        (json!({"status": "active"}), "unknown_field", "/status"),
        (json!({"endpoint": "https://other.example"}), "unknown_field", "/endpoint"),
        (
            json!({"credentials": {"consumer_key": "ck_x", "consumer_secret": "cs_x"}}),
            "credentials_refused",
            "/credentials",
        ),
    ] {
        world.patch(&path, change).await.refused(422, code, Some(pointer));
    }
}

#[tokio::test]
async fn a_mapping_needs_something_to_select_from_and_takes_the_orders_along() {
    let world = World::new().await;
    let path = format!("/v1/connections/{}", world.connect().await);
    let home = world.primary().await;
    let select = |ids: Value| json!({"location_mapping": {"mode": "selected", "location_ids": ids}});
    world.patch(&path, select(json!([home]))).await.refused(409, "single_location", None);
    let other = world.post("/v1/locations", json!({"name": "Other"})).await.ok()["id"].clone();
    let mapped = world.patch(&path, select(json!([other]))).await.ok();
    let expected = json!({"mode": "selected", "location_ids": [other], "order_location_id": other,
        "channel_locations": []});
    assert_eq!(mapped["location_mapping"], expected);
    let in_use = world.delete(&format!("/v1/locations/{}", other.as_str().unwrap())).await;
    in_use.refused(409, "location_in_use", None);
    let unknown = world.patch(&path, select(json!(["loc_x"]))).await;
    unknown.refused(404, "not_found", Some("/location_mapping/location_ids/0"));
    let back = world.patch(&path, json!({"location_mapping": {"mode": "all"}})).await.ok();
    assert_eq!(
        back["location_mapping"],
        json!({"mode": "all", "location_ids": [], "order_location_id": null, "channel_locations": []})
    );
}

#[tokio::test]
async fn disabled_and_enabled_again_with_everything_kept() {
    let world = World::new().await;
    let path = format!("/v1/connections/{}", world.connect().await);
    world.patch(&path, json!({"stock_rule": {"buffer": 3}})).await.ok();
    let off = world.post(&format!("{path}/disable"), json!({})).await.ok();
    assert_eq!((&off["status"], &off["next_sync_at"]), (&json!("inactive"), &Value::Null));
    world.post(&format!("{path}/sync"), json!({"kind": "items"})).await.refused(
        409,
        "connection_inactive",
        None,
    );
    let on = world.post(&format!("{path}/enable"), json!({})).await.ok();
    assert_eq!((&on["status"], &on["next_sync_at"]), (&json!("active"), &json!("2026-02-01T10:30:00Z")));
    assert_eq!(on["stock_rule"]["buffer"], 3);
    assert_eq!(world.delete(&path).await.status, 204);
    world.get(&path).await.refused(404, "not_found", None);
    world.post(&format!("{path}/enable"), json!({})).await.refused(404, "not_found", None);
}
