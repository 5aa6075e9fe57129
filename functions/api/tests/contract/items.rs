//! Items.

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn an_item_is_made_read_changed_and_deleted() {
    let world = World::new().await;
    let made = world
        .post(
            "/v1/items",
            json!({"sku": " MUG-1 ", "name": "Mug", "selling_price": {"amount": "12.5", "currency": "EUR"},
                "barcode": "4006381333931", "reorder_level": 3,
                "group": {"id": "mugs", "attributes": [{"name": "Colour", "value": "Red"}]}}),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = made.header("location").to_owned();
    assert_eq!(made.body["sku"], "MUG-1");
    assert_eq!(made.body["selling_price"], json!({"amount": "12.50", "currency": "EUR"}));
    assert_eq!(made.body["kind"], "simple");
    let read = world.get(&path).await;
    assert_eq!((&read.body, read.header("etag")), (&made.body, made.header("etag")));
    let changed = world.patch(&path, json!({"name": "Big mug", "barcode": null})).await.ok();
    assert_eq!((changed["name"].as_str(), &changed["barcode"]), (Some("Big mug"), &Value::Null));
    assert_eq!(changed["group"], made.body["group"]);
    assert_eq!(world.delete(&path).await.status, 204);
    world.get(&path).await.refused(404, "not_found", None);
    world.item("mug-1").await;
}

#[tokio::test]
async fn a_sku_is_one_item_s_whatever_its_case() {
    let world = World::new().await;
    let first = world.item("Mug 1").await;
    let taken = world.post("/v1/items", json!({"sku": "mug  1", "name": "Other"})).await;
    taken.refused(409, "sku_taken", None);
    assert!(taken.body["detail"].as_str().unwrap().contains(&first));
    let second = world.item("Mug 2").await;
    let path = format!("/v1/items/{second}");
    world.patch(&path, json!({"sku": "MUG 1"})).await.refused(409, "sku_taken", None);
    assert_eq!(world.patch(&path, json!({"sku": "Mug 3"})).await.status, 200);
    world.item("Mug 2").await;
}

#[tokio::test]
async fn items_are_found_by_sku_name_and_part() {
    let world = World::new().await;
    for (sku, name) in [("A-1", "Red mug"), ("A-2", "Blue mug"), ("B-1", "Plate")] {
        world.post("/v1/items", json!({"sku": sku, "name": name})).await.ok();
    }
    for (query, found) in [
        ("sku=a-1", vec!["A-1"]),
        ("sku=a-", vec![]),
        ("name=BLUE%20%20mug", vec!["A-2"]),
        ("q=mug", vec!["A-1", "A-2"]),
        ("q=b-", vec!["B-1"]),
        ("q=a-&name=plate", vec![]),
    ] {
        let list = world.get(&format!("/v1/items?{query}")).await.ok();
        let skus: Vec<&str> =
            list["data"].as_array().unwrap().iter().map(|i| i["sku"].as_str().unwrap()).collect();
        assert_eq!(skus, found, "{query}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_item_is_named() {
    let world = World::new().await;
    world.item("TAKEN").await;
    let nowhere = "loc_nowhere";
    let home = world.primary().await;
    let long = "x".repeat(501);
    let usd = json!({"amount": "1.00", "currency": "USD"});
    let price = |amount: &str| json!({"sku": "A", "name": "A", "selling_price": {"amount": amount, "currency": "EUR"}});
    for (body, status, code, pointer) in [
        (json!({"name": "A"}), 422, "missing_field", "/sku"),
        (json!({"sku": "", "name": "A"}), 422, "invalid_field", "/sku"),
        (json!({"sku": "x".repeat(256), "name": "A"}), 422, "invalid_field", "/sku"),
        (json!({"sku": 7, "name": "A"}), 422, "invalid_field", "/sku"),
        (json!({"sku": "A", "name": long}), 422, "invalid_field", "/name"),
        (json!({"sku": "A", "name": "a\u{0}b"}), 422, "invalid_field", "/name"),
        (json!({"sku": "A", "name": "A", "colour": 1}), 422, "unknown_field", "/colour"),
        (
            json!({"sku": "A", "name": "A", "selling_price": usd}),
            422,
            "invalid_price",
            "/selling_price/currency",
        ),
        (price("-1.00"), 422, "invalid_price", "/selling_price/amount"),
        (price("1.001"), 422, "invalid_price", "/selling_price/amount"),
        (price("99999999999999999999"), 422, "invalid_price", "/selling_price/amount"),
        (price("ten"), 422, "invalid_price", "/selling_price/amount"),
        (json!({"sku": "A", "name": "A", "selling_price": 5}), 422, "invalid_field", "/selling_price"),
        (json!({"sku": "A", "name": "A", "reorder_level": 1.5}), 422, "invalid_field", "/reorder_level"),
        (
            json!({"sku": "A", "name": "A", "reorder_level": 1_000_000_000}),
            422,
            "invalid_field",
            "/reorder_level",
        ),
        (json!({"sku": "A", "name": "A", "kind": "bundle"}), 422, "invalid_field", "/components"),
        (
            json!({"sku": "A", "name": "A", "opening_stock": [{"location_id": nowhere, "quantity": 1}]}),
            404,
            "not_found",
            "/opening_stock/0/location_id",
        ),
        (
            json!({"sku": "A", "name": "A", "opening_stock": [{"location_id": home, "quantity": -1}]}),
            422,
            "invalid_field",
            "/opening_stock/0/quantity",
        ),
        (
            json!({"sku": "A", "name": "A", "opening_stock":
                [{"location_id": home, "quantity": 1}, {"location_id": home, "quantity": 1}]}),
            422,
            "invalid_field",
            "/opening_stock/1/location_id",
        ),
        (
            json!({"sku": "A", "name": "A", "group": {"id": "g", "attributes": [
                {"name": "a", "value": "1"}, {"name": "b", "value": "1"}, {"name": "c", "value": "1"},
                {"name": "d", "value": "1"}]}}),
            422,
            "invalid_field",
            "/group/attributes",
        ),
    ] {
        world.post("/v1/items", body).await.refused(status, code, Some(pointer));
    }
    let list = world.get("/v1/items").await.ok();
    assert_eq!(list["data"].as_array().unwrap().len(), 1, "nothing is half done");
}
