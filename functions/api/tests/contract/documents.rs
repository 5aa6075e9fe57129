//! Purchase receives, transfers, and voiding: posted whole or not at all, reversed and never deleted.

use domain::listing::Match;
use serde_json::{Value, json};

use crate::world::World;

/// The ledger of the item summed, which must be its levels.
async fn assert_replays(world: &World, item: &str) {
    let movements = world.get(&format!("/v1/items/{item}/movements?limit=200")).await.ok();
    let movements = movements["data"].as_array().unwrap().clone();
    let sum: i64 = movements.iter().map(|movement| movement["on_hand_delta"].as_i64().unwrap()).sum();
    assert_eq!(sum, world.levels(item).await.0);
}

#[tokio::test]
async fn d1_a_purchase_receive_puts_goods_on_hand_and_its_void_takes_them_off() {
    let world = World::new().await;
    let home = world.primary().await;
    let (a, b) = (world.item("A").await, world.item("B").await);
    let lines = json!([{"item_id": a, "quantity": 5}, {"item_id": b, "quantity": 2}]);
    let body = json!({"location_id": home, "lines": lines, "reference": "PO-7"});
    let made = world.post("/v1/purchase-receives", body).await;
    assert_eq!((made.status, &made.body["state"]), (201, &json!("posted")), "{}", made.body);
    assert_eq!(world.get(made.header("location")).await.ok(), made.body);
    assert_eq!((world.levels(&a).await.0, world.levels(&b).await.0), (5, 2));
    let movements = world.get(&format!("/v1/items/{a}/movements")).await.ok();
    let movement = &movements["data"][0];
    assert_eq!(movement["reason"], "purchase_received");
    assert_eq!(movement["source"], json!({"type": "purchase_receive", "id": made.body["id"]}));
    let void = format!("{}/void", made.header("location"));
    world
        .post("/v1/adjustments", json!({"location_id": home, "lines": [{"item_id": b, "delta": -1}]}))
        .await
        .ok();
    world.post(&void, json!({})).await.refused(409, "not_enough_stock", Some("/lines/1"));
    assert_eq!(world.levels(&a).await.0, 5, "nothing is half done");
    world
        .post("/v1/adjustments", json!({"location_id": home, "lines": [{"item_id": b, "delta": 1}]}))
        .await
        .ok();
    let voided = world.post(&void, json!({})).await.ok();
    assert_eq!((&voided["state"], voided["voided"]["by"].is_string()), (&json!("void"), true));
    assert_eq!((world.levels(&a).await.0, world.levels(&b).await.0), (0, 0));
    world.post(&void, json!({})).await.refused(409, "document_void", None);
    assert_eq!(world.get("/v1/purchase-receives").await.ok()["data"][0], voided);
    assert_replays(&world, &a).await;
}

#[tokio::test]
async fn a_transfer_moves_at_once_or_by_way_of_being_in_transit() {
    let world = World::new().await;
    let (home, there) = (world.primary().await, world.warehouse("There").await);
    let item = world.stocked("A", 10).await;
    let transfer = |quantity: i64, in_transit: bool| {
        let lines = json!([{"item_id": item, "quantity": quantity}]);
        let body = json!({"from_location_id": home, "to_location_id": there, "lines": lines, "in_transit": in_transit});
        world.post("/v1/transfers", body)
    };
    transfer(11, false).await.refused(409, "not_enough_stock", Some("/lines/0/quantity"));
    let at_once = transfer(3, false).await.ok();
    assert_eq!((&at_once["state"], &at_once["lines"][0]["received"]), (&json!("received"), &json!(3)));
    assert_eq!((world.on_hand_at(&item, &home).await, world.on_hand_at(&item, &there).await), (7, 3));

    let sent = transfer(6, true).await;
    let path = sent.header("location").to_owned();
    assert_eq!(
        (&sent.body["state"], &sent.body["lines"][0]["in_transit"]),
        (&json!("in_transit"), &json!(6))
    );
    assert_eq!((world.on_hand_at(&item, &home).await, world.on_hand_at(&item, &there).await), (1, 3));
    let receive = async |quantity: i64| {
        let lines = json!([{"item_id": item, "quantity": quantity}]);
        world.post(&format!("{path}/receive"), json!({"lines": lines})).await
    };
    receive(7).await.refused(422, "invalid_field", Some("/lines/0/quantity"));
    let part = receive(4).await.ok();
    assert_eq!((&part["state"], &part["lines"][0]["in_transit"]), (&json!("in_transit"), &json!(2)));
    assert_eq!(world.on_hand_at(&item, &there).await, 7);
    let whole = world.post(&format!("{path}/receive"), json!({})).await.ok();
    assert_eq!((&whole["state"], whole["received_at"].is_string()), (&json!("received"), true));
    assert_eq!(world.on_hand_at(&item, &there).await, 9);
    world.post(&format!("{path}/receive"), json!({})).await.refused(409, "not_in_transit", None);
    let voided = world.post(&format!("{path}/void"), json!({})).await.ok();
    assert_eq!(voided["state"], "void");
    assert_eq!((world.on_hand_at(&item, &home).await, world.on_hand_at(&item, &there).await), (7, 3));
    world.post(&format!("{path}/receive"), json!({})).await.refused(409, "document_void", None);
    assert_replays(&world, &item).await;
}

#[tokio::test]
async fn a_transfer_in_transit_that_is_voided_gives_back_what_left() {
    let world = World::new().await;
    let (home, there) = (world.primary().await, world.warehouse("There").await);
    let item = world.stocked("A", 10).await;
    let lines = json!([{"item_id": item, "quantity": 6}]);
    let body = json!({"from_location_id": home, "to_location_id": there, "lines": lines, "in_transit": true});
    let sent = world.post("/v1/transfers", body).await;
    let path = sent.header("location").to_owned();
    world.post(&format!("{path}/receive"), json!({"lines": [{"item_id": item, "quantity": 2}]})).await.ok();
    world.post(&format!("{path}/void"), json!({})).await.ok();
    assert_eq!((world.on_hand_at(&item, &home).await, world.on_hand_at(&item, &there).await), (10, 0));
}

#[tokio::test]
async fn an_adjustment_is_voided_with_the_leave_that_it_was_posted_with() {
    let world = World::new().await;
    let home = world.primary().await;
    let item = world.stocked("A", 5).await;
    let adjust = |line: Value, negative: bool| {
        let body = json!({"location_id": home, "lines": [line], "allow_negative": negative});
        world.post("/v1/adjustments", body)
    };
    let set = adjust(json!({"item_id": item, "set_to": 8}), false).await;
    world.post(&format!("{}/void", set.header("location")), json!({})).await.ok();
    assert_eq!(world.levels(&item).await.0, 5);
    let found = adjust(json!({"item_id": item, "delta": 4}), false).await;
    adjust(json!({"item_id": item, "delta": -7}), false).await.ok();
    let void = format!("{}/void", found.header("location"));
    world.post(&void, json!({})).await.refused(409, "not_enough_stock", Some("/lines/0"));
    let lenient = adjust(json!({"item_id": item, "delta": 4}), true).await;
    adjust(json!({"item_id": item, "delta": -5}), false).await.ok();
    let voided = world.post(&format!("{}/void", lenient.header("location")), json!({})).await.ok();
    assert_eq!((&voided["state"], world.levels(&item).await.0), (&json!("void"), -3));
}

#[tokio::test]
async fn a9_no_document_takes_an_unconfirmed_item() {
    let world = World::new().await;
    let connection = world.connect().await;
    let (home, there) = (world.primary().await, world.warehouse("There").await);
    let waiting = world.listing(&connection, 1, Some("W"), Match::Unmatched).await;
    let linked = world.listing(&connection, 2, Some("L"), Match::Unmatched).await;
    let item = world.item("I").await;
    world.post(&format!("/v1/listings/{linked}/link"), json!({"item_id": item})).await.ok();
    for (named, code) in [(waiting.as_str(), "unconfirmed_item"), (linked.as_str(), "listing_not_item")] {
        let quantity = json!([{"item_id": named, "quantity": 1}]);
        for (path, body) in [
            ("adjustments", json!({"location_id": home, "lines": [{"item_id": named, "delta": 1}]})),
            ("purchase-receives", json!({"location_id": home, "lines": quantity})),
            ("transfers", json!({"from_location_id": home, "to_location_id": there, "lines": quantity})),
        ] {
            let refused = world.post(&format!("/v1/{path}"), body).await;
            refused.refused(422, code, Some("/lines/0/item_id"));
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_document_is_named() {
    let world = World::new().await;
    let (home, there) = (world.primary().await, world.warehouse("There").await);
    let item = world.stocked("A", 5).await;
    let one = json!([{"item_id": item, "quantity": 1}]);
    let many: Vec<Value> = (0..46).map(|_| json!({"item_id": item, "quantity": 1})).collect();
    for (path, body, status, code, pointer) in [
        ("purchase-receives", json!({"location_id": home, "lines": []}), 422, "invalid_field", "/lines"),
        ("purchase-receives", json!({"location_id": home, "lines": many}), 422, "invalid_field", "/lines"),
        (
            "purchase-receives",
            json!({"location_id": "loc_x", "lines": one}),
            404,
            "not_found",
            "/location_id",
        ),
        (
            "purchase-receives",
            json!({"location_id": home, "lines": [{"item_id": item, "quantity": 0}]}),
            422,
            "invalid_field",
            "/lines/0/quantity",
        ),
        (
            "purchase-receives",
            json!({"location_id": home, "lines": [{"item_id": "itm_x", "quantity": 1}]}),
            404,
            "not_found",
            "/lines/0/item_id",
        ),
        (
            "transfers",
            json!({"from_location_id": home, "to_location_id": home, "lines": one}),
            422,
            "invalid_field",
            "/to_location_id",
        ),
        (
            "transfers",
            json!({"from_location_id": home, "to_location_id": there, "lines": [{"item_id": item, "quantity": 1}, {"item_id": item, "quantity": 1}]}),
            422,
            "invalid_field",
            "/lines/1/item_id",
        ),
    ] {
        world.post(&format!("/v1/{path}"), body).await.refused(status, code, Some(pointer));
    }
    assert_eq!(world.levels(&item).await.0, 5);
}
