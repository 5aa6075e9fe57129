//! Bundles: made of items, sold alone or together, reserved once.

use domain::OrderId;
use marketplace_sim::SimulatedShop as _;
use serde_json::{Value, json};

use crate::world::World;

async fn bundle(world: &World, sku: &str, components: &[(&str, i64)]) -> String {
    let components: Vec<Value> =
        components.iter().map(|(item, quantity)| json!({"item_id": item, "quantity": quantity})).collect();
    let body =
        json!({"sku": sku, "name": format!("Bundle {sku}"), "kind": "bundle", "components": components});
    world.post("/v1/items", body).await.ok()["id"].as_str().unwrap().to_owned()
}

async fn result(world: &World, item: &str) -> i64 {
    world.get(&format!("/v1/items/{item}/availability")).await.ok()["result"].as_i64().unwrap()
}

#[tokio::test]
async fn l11_a_bundle_shows_its_scarcest_component_taken_together_through_all_levels() {
    let world = World::new().await;
    let (mug, tea) = (world.stocked("MUG", 10).await, world.stocked("TEA", 9).await);
    let set = bundle(&world, "SET", &[(&mug, 1), (&tea, 2)]).await;
    let hamper = bundle(&world, "HAMPER", &[(&set, 1), (&tea, 1)]).await;
    assert_eq!((result(&world, &set).await, result(&world, &hamper).await), (4, 3));
    let why = world.get(&format!("/v1/items/{hamper}/availability")).await.ok();
    let components = why["components"].as_array().unwrap();
    let of = |item: &str| components.iter().find(|component| component["item_id"] == item).unwrap().clone();
    assert_eq!((&of(&tea)["quantity"], &of(&tea)["available"]), (&json!(3), &json!(9)));
    assert_eq!((&of(&mug)["quantity"], &of(&mug)["available"]), (&json!(1), &json!(10)));
    assert_eq!(
        (&why["steps"][0], &why["locations"]),
        (&json!({"step": "available", "value": 3}), &json!([]))
    );
    let read = world.get(&format!("/v1/items/{set}")).await.ok();
    assert_eq!(read["kind"], "bundle");
    assert_eq!(read["components"], json!([{"item_id": mug, "quantity": 1}, {"item_id": tea, "quantity": 2}]));
    assert_eq!(world.levels(&set).await, (0, 0, 0));
    world.delete(&format!("/v1/items/{tea}")).await.refused(409, "item_in_use", None);
    world.delete(&format!("/v1/items/{set}")).await.refused(409, "item_in_use", None);
    assert_eq!(world.delete(&format!("/v1/items/{hamper}")).await.status, 204);
    assert_eq!(world.delete(&format!("/v1/items/{set}")).await.status, 204);
}

#[tokio::test]
async fn l11_what_is_wrong_with_a_bundle_is_named() {
    let world = World::new().await;
    let home = world.primary().await;
    let mug = world.stocked("MUG", 10).await;
    let inner = bundle(&world, "INNER", &[(&mug, 1)]).await;
    let outer = bundle(&world, "OUTER", &[(&inner, 1)]).await;
    let circle = json!({"components": [{"item_id": outer, "quantity": 1}]});
    let path = format!("/v1/items/{inner}");
    world.patch(&path, circle).await.refused(422, "bundle_cycle", Some("/components"));
    let own = json!({"components": [{"item_id": inner, "quantity": 1}]});
    world.patch(&path, own).await.refused(422, "bundle_cycle", Some("/components"));
    world.patch(&path, json!({"components": []})).await.refused(422, "invalid_field", Some("/components"));
    let made = json!({"components": [{"item_id": inner, "quantity": 1}]});
    world.patch(&format!("/v1/items/{mug}"), made).await.refused(422, "invalid_field", Some("/components"));
    let body =
        |components: Value| json!({"sku": "X", "name": "X", "kind": "bundle", "components": components});
    for (components, status, code, pointer) in [
        (json!([]), 422, "invalid_field", "/components"),
        (json!([{"item_id": mug, "quantity": 0}]), 422, "invalid_field", "/components/0/quantity"),
        (json!([{"item_id": "itm_x", "quantity": 1}]), 404, "not_found", "/components/0/item_id"),
        (
            json!([{"item_id": mug, "quantity": 1}, {"item_id": mug, "quantity": 1}]),
            422,
            "invalid_field",
            "/components/1/item_id",
        ),
    ] {
        world.post("/v1/items", body(components)).await.refused(status, code, Some(pointer));
    }
    let mut stocked = body(json!([{"item_id": mug, "quantity": 1}]));
    stocked["opening_stock"] = json!([{"location_id": home, "quantity": 1}]);
    world.post("/v1/items", stocked).await.refused(422, "bundle_has_no_stock", Some("/opening_stock"));
    let received = json!({"location_id": home, "lines": [{"item_id": inner, "quantity": 1}]});
    world.post("/v1/purchase-receives", received).await.refused(
        422,
        "bundle_has_no_stock",
        Some("/lines/0/item_id"),
    );
    let mut nested = outer;
    for n in 0..3 {
        nested = bundle(&world, &format!("DEEP{n}"), &[(&nested, 1)]).await;
    }
    world.post("/v1/items", body(json!([{"item_id": nested, "quantity": 1}]))).await.refused(
        422,
        "invalid_bundle",
        Some("/components"),
    );
}

#[tokio::test]
async fn l11_a_bundle_sold_reserves_its_components_and_every_bundle_above_follows() {
    let world = World::new().await;
    let (mug, tea) = (world.stocked("MUG", 10).await, world.stocked("TEA", 12).await);
    let set = bundle(&world, "SET", &[(&mug, 1), (&tea, 2)]).await;
    let hamper = bundle(&world, "HAMPER", &[(&set, 1), (&tea, 1)]).await;
    let shop = world.selling("one.example", &[("MUG", 1), ("TEA", 1), ("SET", 1), ("HAMPER", 1)]).await;
    world.settle().await;
    let shown = || ["MUG", "TEA", "SET", "HAMPER"].map(|sku| shop.shows(sku));
    assert_eq!(shown(), [10, 12, 6, 4]);

    world.clock.advance_minutes(1);
    let order = shop.sell("SET", 2);
    world.post(&format!("/v1/connections/{}/sync", shop.connection), json!({"kind": "orders"})).await.ok();
    world.work().await;
    assert_eq!((world.levels(&mug).await, world.levels(&tea).await), ((10, 2, 8), (12, 4, 8)));
    assert_eq!(world.levels(&set).await, (0, 0, 0));
    // A change of the tea alone reaches both bundles above it.
    world.moved(&[&tea]).await;
    world.work().await;
    world.moved(&[&mug]).await;
    world.work().await;
    assert_eq!(shown(), [8, 8, 4, 2]);
    for item in [&mug, &tea, &set, &hamper] {
        let why =
            world.get(&format!("/v1/items/{item}/availability?connection_id={}", shop.connection)).await.ok();
        let listings = world.get(&format!("/v1/items/{item}/listings")).await.ok();
        assert_eq!(why["result"], listings["data"][0]["pushed_quantity"]);
        assert_eq!(listings["data"][0]["push_state"], "in_sync", "{listings}");
    }

    // The bundle is made otherwise afterwards; the order holds what it was taken with, and gives back just that.
    let changed = json!({"components": [{"item_id": mug, "quantity": 5}]});
    world.patch(&format!("/v1/items/{set}"), changed).await.ok();
    world.moved(&[&set]).await;
    world.work().await;
    assert_eq!((shop.shows("SET"), shop.shows("HAMPER")), (1, 1));
    world.clock.advance_minutes(1);
    shop.shop.cancel(&order);
    world.post(&format!("/v1/connections/{}/sync", shop.connection), json!({"kind": "orders"})).await.ok();
    world.work().await;
    assert_eq!((world.levels(&mug).await, world.levels(&tea).await), ((10, 0, 10), (12, 0, 12)));
    let id = OrderId::of(&shop.connection, &order).unwrap();
    let kept = world.app.store.order(&world.organization, &id).await.unwrap().unwrap();
    assert_eq!(kept.lines[0].parts.as_ref().unwrap().len(), 2);
}
