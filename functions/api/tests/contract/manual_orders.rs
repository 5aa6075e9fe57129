//! Orders of a person's making.

use domain::order::Buyer;
use serde_json::{Value, json};

use crate::world::World;

async fn order(world: &World, lines: Value) -> Value {
    world.post("/v1/orders", json!({"lines": lines})).await.ok()
}

#[tokio::test]
async fn a_manual_order_commits_stock_as_a_channel_s_does() {
    let world = World::new().await;
    let (a, b) = (world.stocked("A", 10).await, world.stocked("B", 10).await);
    let input = json!({
        "lines": [
            {"item_id": a, "quantity": 2},
            {"item_id": b, "quantity": 1, "unit_price": {"amount": "7.50", "currency": "EUR"},
             "tax": {"amount": "1.20", "currency": "EUR"}, "title": "Painted"},
            {"item_id": a, "quantity": 1},
        ],
        "number": "W-7", "payment_status": "paid", "placed_at": "2026-01-15T08:00:00Z", "comments": ["Call first"],
    });
    let made = world.post("/v1/orders", input).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(world.get(made.header("location")).await.ok(), made.body);
    let made = made.body;
    assert_eq!((&made["source"], &made["state"]), (&json!("manual"), &json!("confirmed")));
    assert_eq!((&made["number"], &made["connection_id"]), (&json!("W-7"), &Value::Null));
    assert_eq!((&made["editable"], &made["frozen"]), (&json!(true), &json!(false)));
    assert_eq!(made["payment"], json!({"status": "paid", "comment": "Paid"}));
    assert_eq!(made["comments"], json!(["Paid", "Call first"]));
    assert_eq!(made["lines"][1]["title"], "Painted");
    assert_eq!(made["lines"][0]["unit_price"], json!({"amount": "5.00", "currency": "EUR"}));
    assert_eq!(made["totals"]["total"], json!({"amount": "23.70", "currency": "EUR"}));
    assert_eq!(made["location_id"], json!(world.primary().await));
    assert_eq!((world.level(&a).await, world.level(&b).await), ((10, 3), (10, 1)));
    world.assert_replays(&a).await;
}

#[tokio::test]
async fn a_request_that_is_tried_again_makes_one_order() {
    let world = World::new().await;
    let item = world.stocked("A", 10).await;
    let body = json!({"lines": [{"item_id": item, "quantity": 2}]});
    let headers = [("idempotency-key", "k1")];
    let post = || world.request(Some(&world.key), "POST", "/v1/orders", Some(body.clone()), &headers);
    let first = post().await.ok();
    assert_eq!(post().await.ok()["id"], first["id"]);
    assert_eq!(world.level(&item).await, (10, 2));
}

#[tokio::test]
async fn a9_an_order_takes_items_and_nothing_else() {
    let world = World::new().await;
    let item = world.stocked("A", 10).await;
    let listing = "lst_x_1";
    let line = |line: Value| json!({"lines": [line]});
    for (body, status, code, pointer) in [
        (line(json!({"item_id": listing, "quantity": 1})), 422, "invalid_field", "/lines/0/item_id"),
        (line(json!({"listing_id": listing, "quantity": 1})), 422, "unknown_field", "/lines/0/listing_id"),
        (line(json!({"item_id": "itm_none", "quantity": 1})), 404, "not_found", "/lines/0/item_id"),
        (line(json!({"item_id": item, "quantity": 0})), 422, "invalid_field", "/lines/0/quantity"),
        (line(json!({"item_id": item, "quantity": -1})), 422, "invalid_field", "/lines/0/quantity"),
        (line(json!({"item_id": item, "quantity": 1, "id": "1"})), 422, "invalid_field", "/lines/0/id"),
        (
            line(
                json!({"item_id": item, "quantity": 1, "unit_price": {"amount": "1.00", "currency": "USD"}}),
            ),
            422,
            "invalid_price",
            "/lines/0/unit_price/currency",
        ),
        (json!({"lines": []}), 422, "invalid_field", "/lines"),
        (json!({"lines": vec![json!({"item_id": item, "quantity": 1}); 46]}), 422, "invalid_field", "/lines"),
        (
            json!({"lines": [{"item_id": item, "quantity": 1}], "location_id": "loc_none"}),
            404,
            "not_found",
            "/location_id",
        ),
        (
            json!({"lines": [{"item_id": item, "quantity": 1}], "contact": {"id": "ctc_none"}}),
            404,
            "not_found",
            "/contact/id",
        ),
        (
            json!({"lines": [{"item_id": item, "quantity": 1}], "contact": {"phone": "1"}}),
            422,
            "invalid_field",
            "/contact",
        ),
        (
            json!({"lines": [{"item_id": item, "quantity": 1}], "contact": {"email": "none"}}),
            422,
            "invalid_field",
            "/contact/email",
        ),
        (
            json!({"lines": [{"item_id": item, "quantity": 1}], "payment_status": "refunded"}),
            422,
            "invalid_field",
            "/payment_status",
        ),
    ] {
        world.post("/v1/orders", body).await.refused(status, code, Some(pointer));
    }
    assert_eq!(world.level(&item).await, (10, 0));
}

#[tokio::test]
async fn a_change_moves_only_the_difference() {
    let world = World::new().await;
    let (a, b) = (world.stocked("A", 10).await, world.stocked("B", 10).await);
    let made = order(&world, json!([{"item_id": a, "quantity": 3}])).await;
    let path = format!("/v1/orders/{}", made["id"].as_str().unwrap());
    let lines = json!([{"id": "1", "item_id": a, "quantity": 2}, {"item_id": b, "quantity": 4}]);
    let changed = world.patch(&path, json!({"lines": lines, "payment_status": "paid"})).await.ok();
    assert_eq!((world.level(&a).await, world.level(&b).await), ((10, 2), (10, 4)));
    assert_eq!(changed["lines"][1]["id"], "2");
    assert_eq!(changed["totals"]["total"]["amount"], "30.00");
    assert_eq!(changed["payment"]["comment"], "Paid");
    let place =
        world.post("/v1/locations", json!({"name": "Shop", "kind": "warehouse"})).await.ok()["id"].clone();
    world.patch(&path, json!({"location_id": place})).await.ok();
    let stock = world.get(&format!("/v1/items/{a}/stock")).await.ok();
    let committed = |at: &Value| {
        let level = stock["levels"].as_array().unwrap().iter().find(|level| level["location_id"] == *at);
        level.unwrap()["committed"].as_i64().unwrap()
    };
    assert_eq!((committed(&json!(world.primary().await)), committed(&place)), (0, 2));
    world.assert_replays(&a).await;
    let tag = world.get(&path).await.header("etag").to_owned();
    let change = |tag: String, number: &'static str| {
        let (world, path) = (&world, &path);
        async move {
            let headers = [("if-match", tag.as_str())];
            world.request(Some(&world.key), "PATCH", path, Some(json!({"number": number})), &headers).await
        }
    };
    assert_eq!(change(tag.clone(), "N-1").await.ok()["number"], "N-1");
    change(tag, "N-2").await.refused(412, "precondition_failed", None);
}

#[tokio::test]
async fn void_gives_the_commitment_back_and_ends_the_order() {
    let world = World::new().await;
    let item = world.stocked("A", 10).await;
    let made = order(&world, json!([{"item_id": item, "quantity": 3}])).await;
    let path = format!("/v1/orders/{}", made["id"].as_str().unwrap());
    let void = world.post(&format!("{path}/void"), json!({})).await.ok();
    assert_eq!((&void["state"], &void["editable"]), (&json!("void"), &json!(false)));
    assert_eq!(void["payment"]["status"], "voided");
    assert_eq!(world.level(&item).await, (10, 0));
    assert_eq!(world.post(&format!("{path}/void"), json!({})).await.ok(), void);
    world.patch(&path, json!({"number": "N"})).await.refused(409, "order_not_editable", None);
    world.post(&format!("{path}/packages"), json!({})).await.refused(409, "order_void", None);
    let shipped = order(&world, json!([{"item_id": item, "quantity": 2}])).await;
    let path = format!("/v1/orders/{}", shipped["id"].as_str().unwrap());
    let lines = json!([{"line_id": "1", "quantity": 1}]);
    world.post(&format!("{path}/shipments"), json!({"carrier": "DHL", "lines": lines})).await.ok();
    world.post(&format!("{path}/void"), json!({})).await.refused(409, "order_shipped", None);
    world.post(&format!("{path}/returns"), json!({})).await.ok();
    world.post(&format!("{path}/void"), json!({})).await.ok();
    assert_eq!(world.level(&item).await, (10, 0));
    world.assert_replays(&item).await;
}

#[tokio::test]
async fn h6_a_clone_carries_goods_and_nobody_s_data() {
    let world = World::new().await;
    let item = world.stocked("A", 10).await;
    let input = json!({"lines": [{"item_id": item, "quantity": 3}], "comments": ["for Ada"],
        "contact": {"name": "Ada Lovelace", "email": "ada@example.org"}});
    let made = world.post("/v1/orders", input).await.ok();
    let id = made["id"].as_str().unwrap();
    assert!(made["contact"]["id"].is_string());
    let clone = world.post(&format!("/v1/orders/{id}/clone"), json!({})).await;
    assert_eq!(clone.status, 201, "{}", clone.body);
    let clone = clone.body;
    assert_ne!(clone["id"], made["id"]);
    assert_eq!((&clone["lines"], &clone["source"]), (&made["lines"], &json!("manual")));
    assert_eq!((&clone["contact"]["id"], &clone["comments"]), (&Value::Null, &json!(["Payment pending"])));
    assert_eq!(world.level(&item).await, (10, 6));
    let path = format!("/v1/orders/{}/customer", clone["id"].as_str().unwrap());
    world.get(&path).await.refused(404, "not_found", None);
    let shown = world.get(&format!("/v1/orders/{id}/customer")).await.ok();
    assert_eq!(shown["email"], "ada@example.org");
}

#[tokio::test]
async fn comments_are_kept_in_their_order_and_bounded() {
    let world = World::new().await;
    let item = world.stocked("A", 10).await;
    let made = order(&world, json!([{"item_id": item, "quantity": 1}])).await;
    let path = format!("/v1/orders/{}/comments", made["id"].as_str().unwrap());
    for n in 1..=20 {
        let answer = world.post(&path, json!({"text": format!("note {n}")})).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    world.post(&path, json!({"text": "one more"})).await.refused(409, "too_many_comments", None);
    world.post(&path, json!({"text": " "})).await.refused(422, "invalid_field", Some("/text"));
    let listed = world.get(&format!("{path}?limit=2")).await.ok();
    assert_eq!(listed["data"][1]["text"], "note 2");
    assert!(listed["next_cursor"].is_string());
    assert_eq!(world.level(&item).await, (10, 1));
}

#[tokio::test]
async fn an_order_closed_by_hand_counts_as_gone_and_its_buyer_expires() {
    let world = World::new().await;
    let item = world.stocked("A", 10).await;
    let input = json!({"lines": [{"item_id": item, "quantity": 3}], "contact": {"name": "Ada"}});
    let made = world.post("/v1/orders", input).await.ok();
    let id = made["id"].as_str().unwrap();
    let closed = world.post(&format!("/v1/orders/{id}/fulfil"), json!({})).await.ok();
    assert_eq!(closed["state"], "fulfilled");
    assert_eq!(world.level(&item).await, (7, 0));
    let path = format!("/v1/orders/{id}/customer");
    assert_eq!(world.get(&path).await.ok()["name"], "Ada");
    world.clock.advance_hours(29 * 24);
    assert_eq!(world.get(&path).await.status, 200);
    world.clock.advance_hours(2 * 24);
    world.get(&path).await.refused(404, "not_found", None);
}

#[tokio::test]
async fn an_order_left_in_the_middle_is_gone_on_with() {
    let world = World::new().await;
    let item = world.stocked("A", 10).await;
    let made = order(&world, json!([{"item_id": item, "quantity": 3}])).await;
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let store = &world.app.store;
    let before = store.order(&world.organization, &id).await.unwrap().unwrap();
    // As a crash between two of the transactions of a large order leaves it.
    let mut half = before.clone();
    half.lines[0].quantity = domain::Quantity::new(5).unwrap();
    half.complete = false;
    half.version += 1;
    let nothing = std::collections::BTreeSet::new();
    store.save_order(&world.organization, &half, &[], &nothing, &nothing).await.unwrap();
    assert_eq!(world.get(&format!("/v1/orders/{id}")).await.ok()["lines"][0]["quantity"], 5);
    assert_eq!(world.level(&item).await, (10, 5));
    world.assert_replays(&item).await;
    assert_eq!(store.buyer(&world.organization, &id, world.app_now()).await.unwrap(), None::<Buyer>);
}
