//! Invoices, packages, shipments, returns: what each does to an order and to the stock.

use marketplace_sim::SimulatedShop;
use serde_json::{Value, json};

use crate::world::World;

/// A manual order of three A and two B, with twenty of each on hand.
struct Sale<'w> {
    world: &'w World,
    path: String,
    a: String,
    b: String,
}

impl<'w> Sale<'w> {
    async fn new(world: &'w World) -> Self {
        let (a, b) = (world.stocked("A", 20).await, world.stocked("B", 20).await);
        let lines = json!([{"item_id": a, "quantity": 3}, {"item_id": b, "quantity": 2}]);
        let made = world.post("/v1/orders", json!({"lines": lines})).await.ok();
        Self { world, path: format!("/v1/orders/{}", made["id"].as_str().unwrap()), a, b }
    }

    async fn post(&self, kind: &str, body: Value) -> crate::world::Answer {
        self.world.post(&format!("{}/{kind}", self.path), body).await
    }

    async fn shown(&self) -> Value {
        self.world.get(&self.path).await.ok()
    }

    async fn levels(&self) -> [(i64, i64); 2] {
        [self.world.level(&self.a).await, self.world.level(&self.b).await]
    }
}

fn line(id: &str, quantity: i64) -> Value {
    json!({"line_id": id, "quantity": quantity})
}

#[tokio::test]
async fn d1_a_shipment_takes_goods_off_the_stock_and_states_follow() {
    let world = World::new().await;
    let sale = Sale::new(&world).await;
    assert_eq!(sale.levels().await, [(20, 3), (20, 2)]);
    let packed = sale.post("packages", json!({"lines": [line("1", 3)]})).await;
    assert_eq!(packed.status, 201, "{}", packed.body);
    assert_eq!((&packed.body["kind"], &packed.body["state"]), (&json!("package"), &json!("packed")));
    assert_eq!(world.get(packed.header("location")).await.ok(), packed.body);
    assert_eq!(sale.shown().await["state"], "confirmed");
    let second = sale.post("packages", json!({})).await.ok();
    assert_eq!(second["lines"], json!([{"line_id": "2", "item_id": sale.b, "quantity": 2}]));
    assert_eq!((&sale.shown().await["state"], sale.levels().await), (&json!("packed"), [(20, 3), (20, 2)]));
    let first = packed.body["id"].clone();
    let shipment = json!({"package_ids": [first], "carrier": "DHL", "tracking_number": "T1"});
    let part = sale.post("shipments", shipment).await;
    assert_eq!(part.status, 201, "{}", part.body);
    assert_eq!((&part.body["package_ids"], &part.body["push_state"]), (&json!([first]), &Value::Null));
    assert_eq!(sale.levels().await, [(17, 0), (20, 2)]);
    let shown = sale.shown().await;
    assert_eq!((&shown["state"], &shown["lines"][0]["shipped_quantity"]), (&json!("packed"), &json!(3)));
    let path = format!("/v1/packages/{}", first.as_str().unwrap());
    let package = world.get(&path).await.ok();
    assert_eq!((&package["shipment_id"], &package["state"]), (&part.body["id"], &json!("shipped")));
    let rest = sale.post("shipments", json!({"carrier": "UPS"})).await.ok();
    assert_eq!((&rest["number"], &rest["package_ids"]), (&json!(2), &json!([second["id"]])));
    assert_eq!((&sale.shown().await["state"], sale.levels().await), (&json!("shipped"), [(17, 0), (18, 0)]));
    for shipment in [&part.body, &rest] {
        let path = format!("/v1/shipments/{}/deliver", shipment["id"].as_str().unwrap());
        let delivered = world.post(&path, json!({"delivered_at": "2026-02-03T08:00:00Z"})).await.ok();
        assert_eq!(delivered["delivered_at"], "2026-02-03T08:00:00Z");
        assert_eq!(world.post(&path, json!({})).await.ok(), delivered, "once more");
    }
    assert_eq!(sale.shown().await["state"], "delivered");
    sale.post("invoices", json!({})).await.ok();
    assert_eq!(sale.shown().await["state"], "fulfilled");
    assert_eq!(sale.levels().await, [(17, 0), (18, 0)]);
    world.assert_replays(&sale.a).await;
    world.assert_replays(&sale.b).await;
    for (kind, count) in [("packages", 2), ("shipments", 2), ("invoices", 1), ("returns", 0)] {
        let listed = world.get(&format!("{}/{kind}", sale.path)).await.ok();
        assert_eq!(listed["data"].as_array().unwrap().len(), count, "{kind}");
    }
}

#[tokio::test]
async fn d1_where_stock_is_deducted_on_invoice_an_invoice_moves_it_and_a_shipment_does_not() {
    let world = World::new().await;
    world.patch("/v1/organization", json!({"stock_deducted_on": "invoice"})).await.ok();
    let sale = Sale::new(&world).await;
    sale.post("shipments", json!({"carrier": "DHL"})).await.ok();
    assert_eq!(sale.levels().await, [(20, 3), (20, 2)]);
    let part = sale.post("invoices", json!({"lines": [line("1", 2)]})).await.ok();
    assert_eq!(part["kind"], "invoice");
    assert_eq!(sale.levels().await, [(18, 1), (20, 2)]);
    // A choice made later leaves the orders that are there as they are.
    world.patch("/v1/organization", json!({"stock_deducted_on": "shipment"})).await.ok();
    sale.post("invoices", json!({})).await.ok();
    assert_eq!(sale.levels().await, [(17, 0), (18, 0)]);
    world.assert_replays(&sale.a).await;
}

#[tokio::test]
async fn more_than_is_left_is_refused_with_the_line() {
    let world = World::new().await;
    let sale = Sale::new(&world).await;
    for (kind, code) in [("invoices", "over_invoice"), ("packages", "over_package")] {
        let refused = sale.post(kind, json!({"lines": [line("1", 1), line("2", 3)]})).await;
        refused.refused(409, code, Some("/lines/1/quantity"));
    }
    let refused = sale.post("shipments", json!({"carrier": "DHL", "lines": [line("1", 4)]})).await;
    refused.refused(409, "over_shipment", Some("/lines/0/quantity"));
    sale.post("returns", json!({"lines": [line("1", 1)]})).await.refused(
        409,
        "over_return",
        Some("/lines/0/quantity"),
    );
    sale.post("packages", json!({"lines": [line("1", 2)]})).await.ok();
    let refused = sale.post("shipments", json!({"carrier": "DHL", "lines": [line("1", 2)]})).await;
    refused.refused(409, "over_shipment", Some("/lines/0/quantity"));
    sale.post("shipments", json!({"carrier": "DHL"})).await.ok();
    sale.post("shipments", json!({"carrier": "DHL"})).await.refused(409, "nothing_left", None);
    sale.post("packages", json!({})).await.refused(409, "nothing_left", None);
    for (kind, body, status, code, pointer) in [
        ("packages", json!({"lines": []}), 422, "invalid_field", "/lines"),
        ("packages", json!({"lines": [line("9", 1)]}), 404, "not_found", "/lines/0/line_id"),
        ("packages", json!({"lines": [line("1", 0)]}), 422, "invalid_field", "/lines/0/quantity"),
        ("packages", json!({"lines": [line("1", -1)]}), 422, "invalid_field", "/lines/0/quantity"),
        (
            "invoices",
            json!({"lines": [line("1", 1), line("1", 1)]}),
            422,
            "invalid_field",
            "/lines/1/line_id",
        ),
        ("shipments", json!({}), 422, "missing_field", "/carrier"),
        ("shipments", json!({"carrier": " "}), 422, "invalid_field", "/carrier"),
        ("shipments", json!({"carrier": "DHL", "package_ids": []}), 422, "invalid_field", "/package_ids"),
        (
            "shipments",
            json!({"carrier": "DHL", "package_ids": ["pkg_x_9"]}),
            404,
            "not_found",
            "/package_ids/0",
        ),
        (
            "shipments",
            json!({"carrier": "DHL", "package_ids": ["itm_1"]}),
            422,
            "invalid_field",
            "/package_ids/0",
        ),
    ] {
        sale.post(kind, body).await.refused(status, code, Some(pointer));
    }
    assert_eq!(sale.levels().await, [(17, 0), (18, 0)]);
}

#[tokio::test]
async fn a_package_leaves_once() {
    let world = World::new().await;
    let sale = Sale::new(&world).await;
    let package = sale.post("packages", json!({"lines": [line("1", 1)]})).await.ok()["id"].clone();
    let ship = || sale.post("shipments", json!({"carrier": "DHL", "package_ids": [package]}));
    ship().await.ok();
    ship().await.refused(409, "package_shipped", None);
    assert_eq!(sale.levels().await, [(19, 2), (20, 2)]);
}

#[tokio::test]
async fn a_request_that_is_tried_again_makes_one_paper() {
    let world = World::new().await;
    let sale = Sale::new(&world).await;
    let path = format!("{}/shipments", sale.path);
    let body = json!({"carrier": "DHL", "lines": [line("1", 1)]});
    let headers = [("idempotency-key", "k1")];
    let request = || world.request(Some(&world.key), "POST", &path, Some(body.clone()), &headers);
    let first = request().await.ok();
    // The first attempt did its work and died before it answered: its key is in use for a minute, then counts as dead.
    world.app.store.abandon_idempotent(&world.organization, "k1").await.unwrap();
    assert_eq!(request().await.ok()["id"], first["id"]);
    assert_eq!(sale.levels().await, [(19, 2), (20, 2)]);
    let shipments = world.get(&path).await.ok();
    assert_eq!(shipments["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn returns_go_back_into_stock_or_not() {
    let world = World::new().await;
    let sale = Sale::new(&world).await;
    sale.post("shipments", json!({"carrier": "DHL"})).await.ok();
    let broken = json!({"lines": [line("1", 1)], "restock": false, "reason": "broken"});
    let broken = sale.post("returns", broken).await;
    assert_eq!(broken.status, 201, "{}", broken.body);
    assert_eq!((&broken.body["restock"], &broken.body["reason"]), (&json!(false), &json!("broken")));
    assert_eq!(sale.levels().await, [(17, 0), (18, 0)]);
    let whole = sale.post("returns", json!({})).await.ok();
    assert_eq!(whole["lines"].as_array().unwrap().len(), 2);
    assert_eq!(sale.levels().await, [(19, 0), (20, 0)]);
    let movements = world.get(&format!("/v1/items/{}/movements", sale.b)).await.ok();
    let found = movements["data"]
        .as_array()
        .unwrap()
        .iter()
        .any(|movement| movement["reason"] == "order_returned" && movement["on_hand_delta"] == 2);
    assert!(found, "{movements}");
    assert_eq!(sale.shown().await["lines"][0]["returned_quantity"], 3);
    sale.post("returns", json!({})).await.refused(409, "nothing_left", None);
    world.assert_replays(&sale.a).await;
}

#[tokio::test]
async fn a_marketplace_order_shipped_here_and_told_fulfilled_by_its_channel_leaves_once() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    let sold = shop.goods(Some("A"), "Mug A", 20);
    world.sync_items(&shop).await;
    let item = world.post(&format!("/v1/listings/{}/confirm", shop.listing(&sold)), json!({})).await.ok();
    let item = item["item_id"].as_str().unwrap().to_owned();
    let order = shop.sim.sell(&[(sold, 5)]);
    world.import(&shop, &order).await;
    assert_eq!(world.level(&item).await, (20, 5));
    let path = format!("/v1/orders/{}", shop.order(&order));
    let line_id = world.get(&path).await.ok()["lines"][0]["id"].clone();
    let lines = json!([{"line_id": line_id, "quantity": 2}]);
    let shipped =
        world.post(&format!("{path}/shipments"), json!({"carrier": "DHL", "lines": lines})).await.ok();
    assert_eq!(shipped["push_state"], "pending");
    assert_eq!(world.level(&item).await, (18, 3));
    // The channel takes a part of what is left back, and then calls the rest fulfilled.
    world.clock.advance_hours(1);
    shop.sim.edit(&order, 0, 4);
    assert_eq!(world.import(&shop, &order).await["lines"][0]["quantity"], 4);
    assert_eq!(world.level(&item).await, (18, 2));
    world.clock.advance_hours(1);
    shop.sim.fulfil(&order);
    let shown = world.import(&shop, &order).await;
    assert_eq!((&shown["state"], &shown["editable"]), (&json!("fulfilled"), &json!(false)));
    assert_eq!(world.level(&item).await, (16, 0));
    world.post(&format!("{path}/shipments"), json!({"carrier": "DHL"})).await.refused(
        409,
        "nothing_left",
        None,
    );
    world.post(&format!("{path}/void"), json!({})).await.refused(409, "order_of_channel", None);
    world.assert_replays(&item).await;
    let lines = json!([{"line_id": line_id, "quantity": 1}]);
    world.post(&format!("{path}/returns"), json!({"lines": lines})).await.ok();
    assert_eq!(world.level(&item).await, (17, 0));
    // What comes back is not forgotten when the channel tells the order again.
    world.import(&shop, &order).await;
    assert_eq!(world.level(&item).await, (17, 0));
}

#[tokio::test]
async fn of_a_channel_s_order_the_location_alone_is_changed_here() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    let sold = shop.goods(Some("A"), "Mug A", 20);
    world.sync_items(&shop).await;
    let item = world.post(&format!("/v1/listings/{}/confirm", shop.listing(&sold)), json!({})).await.ok();
    let item = item["item_id"].as_str().unwrap().to_owned();
    let order = shop.sim.sell(&[(sold, 5)]);
    assert_eq!(world.import(&shop, &order).await["editable"], json!(true));
    let path = format!("/v1/orders/{}", shop.order(&order));
    world.patch(&path, json!({"number": "N"})).await.refused(409, "order_of_channel", None);
    let place =
        world.post("/v1/locations", json!({"name": "Shop", "kind": "warehouse"})).await.ok()["id"].clone();
    assert_eq!(world.patch(&path, json!({"location_id": place})).await.ok()["location_id"], place);
    world.clock.advance_hours(1);
    shop.sim.edit(&order, 0, 4);
    assert_eq!(world.import(&shop, &order).await["location_id"], place);
    let stock = world.get(&format!("/v1/items/{item}/stock")).await.ok();
    for level in stock["levels"].as_array().unwrap() {
        let expected = if level["location_id"] == place { 4 } else { 0 };
        assert_eq!(level["committed"], expected, "{stock}");
    }
    let comment = world.post(&format!("{path}/comments"), json!({"text": "gift"})).await.ok();
    assert_eq!(comment["comments"], json!(["Paid", "gift"]));
    world.clock.advance_hours(1);
    shop.sim.edit(&order, 0, 3);
    assert_eq!(world.import(&shop, &order).await["comments"], json!(["Paid", "gift"]));
    world.post(&format!("{path}/shipments"), json!({"carrier": "DHL"})).await.ok();
    let home = world.primary().await;
    world.patch(&path, json!({"location_id": home})).await.refused(409, "order_partly_shipped", None);
}
