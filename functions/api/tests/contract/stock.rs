//! Stock, its ledger, adjustments, availability.

use app::Clock as _;
use app::work::Attempt;
use domain::listing::Match;
use domain::push::Acknowledged;
use domain::{ItemId, ListingId, Quantity, Timestamp};
use marketplace_sim::{Fault, SimulatedShop as _};
use queue::message::PushTarget;
use serde_json::{Value, json};

use crate::world::World;

#[track_caller]
fn level(stock: &Value) -> (i64, i64, i64) {
    let of = |name: &str| stock[name].as_i64().unwrap();
    (of("on_hand"), of("committed"), of("available"))
}

#[tokio::test]
async fn opening_stock_and_adjustments_are_movements_that_sum_to_the_levels() {
    let world = World::new().await;
    let home = world.primary().await;
    let made = world
        .post(
            "/v1/items",
            json!({"sku": "A", "name": "A", "opening_stock": [{"location_id": home, "quantity": 10}]}),
        )
        .await
        .ok();
    let path = format!("/v1/items/{}", made["id"].as_str().unwrap());
    assert_eq!(level(&world.get(&format!("{path}/stock")).await.ok()), (10, 0, 10));
    let adjust = |line: Value| {
        let body = json!({"location_id": home, "lines": [line], "reason": "count", "reference": "C-1"});
        world.post("/v1/adjustments", body)
    };
    let adjusted = adjust(json!({"item_id": made["id"], "delta": -3})).await;
    assert_eq!(adjusted.status, 201, "{}", adjusted.body);
    assert_eq!(world.get(adjusted.header("location")).await.ok(), adjusted.body);
    let set = adjust(json!({"item_id": made["id"], "set_to": 25})).await.ok();
    assert_eq!((&set["lines"][0]["delta"], &set["lines"][0]["set_to"]), (&json!(18), &json!(25)));
    let stock = world.get(&format!("{path}/stock")).await.ok();
    assert_eq!((level(&stock), stock["levels"].as_array().unwrap().len()), ((25, 0, 25), 1));
    let movements = world.get(&format!("{path}/movements")).await.ok();
    let deltas: Vec<i64> =
        movements["data"].as_array().unwrap().iter().map(|m| m["on_hand_delta"].as_i64().unwrap()).collect();
    let mut sorted = deltas.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [-3, 10, 18]);
    let reasons: Vec<&str> =
        movements["data"].as_array().unwrap().iter().map(|m| m["reason"].as_str().unwrap()).collect();
    assert!(reasons.contains(&"opening_stock") && reasons.contains(&"adjustment"), "{reasons:?}");
    assert_eq!(world.get("/v1/adjustments").await.ok()["data"].as_array().unwrap().len(), 2);
    world.delete(&path).await.refused(409, "item_in_use", None);
}

#[tokio::test]
async fn an_adjustment_is_done_whole_or_not_at_all() {
    let world = World::new().await;
    let home = world.primary().await;
    let (a, b) = (world.item("A").await, world.item("B").await);
    let post = |lines: Value| world.post("/v1/adjustments", json!({"location_id": home, "lines": lines}));
    let short = post(json!([{"item_id": a, "delta": 5}, {"item_id": b, "delta": -1}])).await;
    short.refused(409, "not_enough_stock", Some("/lines/1/delta"));
    assert_eq!(level(&world.get(&format!("/v1/items/{a}/stock")).await.ok()), (0, 0, 0));
    let below = json!({"location_id": home, "lines": [{"item_id": b, "delta": -1}], "allow_negative": true});
    world.post("/v1/adjustments", below).await.ok();
    assert_eq!(level(&world.get(&format!("/v1/items/{b}/stock")).await.ok()), (-1, 0, -1));
    for (lines, status, code, pointer) in [
        (json!([]), 422, "invalid_field", "/lines"),
        (json!([{"item_id": a}]), 422, "invalid_field", "/lines/0"),
        (json!([{"item_id": a, "delta": 1, "set_to": 1}]), 422, "invalid_field", "/lines/0"),
        (json!([{"item_id": a, "delta": 0}]), 422, "invalid_field", "/lines/0/delta"),
        (json!([{"item_id": a, "delta": 1_000_000_000}]), 422, "invalid_field", "/lines/0/delta"),
        (json!([{"item_id": a, "delta": i64::MIN}]), 422, "invalid_field", "/lines/0/delta"),
        (json!([{"item_id": a, "set_to": -1}]), 422, "invalid_field", "/lines/0/set_to"),
        (
            json!([{"item_id": a, "delta": 1}, {"item_id": a, "delta": 1}]),
            422,
            "invalid_field",
            "/lines/1/item_id",
        ),
        (json!([{"item_id": "itm_nothing", "delta": 1}]), 404, "not_found", "/lines/0/item_id"),
        (json!(vec![json!({"item_id": a, "delta": 1}); 46]), 422, "invalid_field", "/lines"),
    ] {
        post(lines).await.refused(status, code, Some(pointer));
    }
    let nowhere = json!({"location_id": "loc_nowhere", "lines": [{"item_id": a, "delta": 1}]});
    world.post("/v1/adjustments", nowhere).await.refused(404, "not_found", Some("/location_id"));
}

#[tokio::test]
async fn a_number_is_explained_and_how_it_stands_is_told() {
    let world = World::new().await;
    let connection = world.connect().await;
    let home = world.primary().await;
    let item = world.item("A").await;
    let lines = json!([{"item_id": item, "set_to": 15}]);
    world.post("/v1/adjustments", json!({"location_id": home, "lines": lines})).await.ok();
    let path = format!("/v1/connections/{connection}");
    world.patch(&path, json!({"stock_rule": {"percent": 50, "buffer": 2}})).await.ok();
    let why = world.get(&format!("/v1/items/{item}/availability?connection_id={connection}")).await.ok();
    assert_eq!(why["result"], 5);
    assert_eq!(why["rule"], json!({"percent": 50, "buffer": 2, "max_listed": null}));
    let steps: Vec<i64> =
        why["steps"].as_array().unwrap().iter().map(|step| step["value"].as_i64().unwrap()).collect();
    assert_eq!(steps, [15, 7, 5, 5]);
    assert_eq!(why["locations"][0]["location_id"], home);
    assert_eq!(world.get(&format!("/v1/items/{item}/availability")).await.ok()["result"], 15);
    let listing = world.listing(&connection, 1, Some("A"), Match::SkuMatched).await;
    world.post(&format!("/v1/listings/{listing}/link"), json!({"item_id": item})).await.ok();
    let listings = world.get(&format!("/v1/items/{item}/listings")).await.ok();
    let one = &listings["data"][0];
    assert_eq!((&one["desired_quantity"], &one["push_state"]), (&json!(5), &json!("pending")));
    assert_eq!((&one["pushed_quantity"], &one["linked_by"]), (&Value::Null, &json!("person")));
    let pending = world.get("/v1/listings?push_state=pending").await.ok();
    assert_eq!(
        (&pending["data"][0]["id"], &pending["data"][0]["reason"]),
        (&json!(listing), &json!("push_pending"))
    );
    assert!(pending["data"][0]["since"].is_string());
    assert_eq!(world.get("/v1/listings?push_state=failed").await.ok()["data"], json!([]));
    world.patch(&path, json!({"location_mapping": {"mode": "none"}})).await.ok();
    let disabled = world.get("/v1/listings?push_state=disabled").await.ok();
    assert_eq!(disabled["data"][0]["reason"], "no_locations_mapped");
    let why = world.get(&format!("/v1/items/{item}/availability?connection_id={connection}")).await.ok();
    assert_eq!((&why["result"], &why["not_pushed"]), (&Value::Null, &json!("no_locations_mapped")));
    let other = format!("/v1/items/{item}/availability?connection_id=con_other");
    world.get(&other).await.refused(404, "not_found", None);
    let pushed = world.post(&format!("/v1/items/{item}/push"), json!({})).await;
    assert_eq!((pushed.status, pushed.body["listings"][0]["id"].as_str()), (202, Some(listing.as_str())));
}

/// A read that lags behind makes an older number of what was acknowledged already; sent, it stands over the newer one.
/// Taken for told, it would stay there until the stock moves again.
#[tokio::test]
async fn a_number_that_replaced_a_newer_one_is_not_taken_for_told() {
    let world = World::new().await;
    let item = world.stocked("A", 8).await;
    let shop = world.selling("one.example", &[("A", 1)]).await;
    world.settle().await;
    assert_eq!(shop.shows("A"), 8);
    // Another function knew more than what is read here: its number was taken.
    let newer = Acknowledged { quantity: Quantity::new(5).unwrap(), version: 99, at: world.clock.now() };
    let (item_id, listing_id): (ItemId, ListingId) = (item.parse().unwrap(), shop.listing("A"));
    world.app.store.acknowledge(&world.organization, &item_id, &listing_id, &newer).await.unwrap();
    shop.edit("A", 5);
    let targets = vec![PushTarget { item_id, listing_id, version: 0 }];
    let attempt = Attempt { deadline: Timestamp::MAX, receive_count: 1 };
    let pushed = world.app.push_listings(&world.organization, &shop.connection, targets, false, &attempt);
    let error = pushed.await.expect_err("the listing is told again");
    assert_eq!(error.code(), "channel_unavailable", "{error}");
}

/// Whoever had the message before may have told the shop a number and died before noting it; another has noted the right
/// one since.
#[tokio::test]
async fn what_was_received_before_is_told_whatever_is_noted() {
    let world = World::new().await;
    let item = world.stocked("A", 8).await;
    let shop = world.selling("one.example", &[("A", 1)]).await;
    world.settle().await;
    shop.edit("A", 9);
    for (receive_count, shows) in [(1, 9), (2, 8)] {
        let targets =
            vec![PushTarget { item_id: item.parse().unwrap(), listing_id: shop.listing("A"), version: 1 }];
        let attempt = Attempt { deadline: Timestamp::MAX, receive_count };
        let pushed = world.app.push_listings(&world.organization, &shop.connection, targets, false, &attempt);
        pushed.await.unwrap();
        assert_eq!(shop.shows("A"), shows, "received {receive_count} times");
    }
}

/// A channel that fails between two calls has taken what went with the first.
#[tokio::test]
async fn only_what_was_not_taken_has_failed() {
    let world = World::new().await;
    // WooCommerce takes a hundred at once.
    let skus: Vec<String> = (0..102).map(|n| format!("S{n}")).collect();
    let mut items = Vec::new();
    for sku in &skus {
        items.push(world.stocked(sku, 8).await);
    }
    let goods: Vec<(&str, i64)> = skus.iter().map(|sku| (sku.as_str(), 1)).collect();
    let shop = world.selling("one.example", &goods).await;
    let target = |(item, sku): (&String, &String)| PushTarget {
        item_id: item.parse().unwrap(),
        listing_id: shop.listing(sku),
        version: 1,
    };
    let targets: Vec<PushTarget> = items.iter().zip(&skus).map(target).collect();
    // The look at the orders, the first hundred; and then the shop is out of order.
    for fault in [Fault::Pass, Fault::Pass, Fault::Status(500)] {
        shop.shop.faults().push(fault);
    }
    let attempt = Attempt { deadline: Timestamp::MAX, receive_count: 1 };
    let pushed = world.app.push_listings(&world.organization, &shop.connection, targets, true, &attempt);
    assert_eq!(pushed.await.expect_err("the shop is out of order").code(), "channel_unavailable");
    let failed = world.get("/v1/listings?push_state=failed&limit=200").await.ok();
    assert_eq!(failed["data"].as_array().unwrap().len(), 2, "{failed}");
    assert_eq!(skus.iter().filter(|sku| shop.shows(sku) == 8).count(), 100);
}
