//! Whose stock a connection shows, and where its orders take theirs from (features D8, D11, F17 to F21).

use marketplace_sim::SimulatedShop as _;
use serde_json::{Value, json};

use crate::world::{Selling, World};

async fn map(world: &World, shop: &Selling, mapping: Value) -> crate::world::Answer {
    world.patch(&format!("/v1/connections/{}", shop.connection), json!({"location_mapping": mapping})).await
}

async fn sell_one(world: &World, shop: &Selling) -> Value {
    world.clock.advance_minutes(1);
    let order = shop.sell("A", 1);
    world.post(&format!("/v1/connections/{}/sync", shop.connection), json!({"kind": "orders"})).await.ok();
    world.work().await;
    world.get(&format!("/v1/orders/{}", domain::OrderId::of(&shop.connection, &order).unwrap())).await.ok()
}

#[tokio::test]
async fn f17_f18_f19_f20_f21_a_mapping_decides_where_orders_go_and_whose_stock_is_shown() {
    let world = World::new().await;
    let home = world.primary().await;
    let item = world.stocked("A", 3).await;
    let shop = world.selling("one.example", &[("A", 1)]).await;
    // F18: with a single location there is nothing to map.
    let alone = map(&world, &shop, json!({"mode": "selected", "location_ids": [home]})).await;
    alone.refused(409, "single_location", None);

    let (b, c) = (world.warehouse("B").await, world.warehouse("C").await);
    for (location, quantity) in [(&b, 4), (&c, 9)] {
        let body = json!({"location_id": location, "lines": [{"item_id": item, "quantity": quantity}]});
        world.post("/v1/purchase-receives", body).await.ok();
    }
    // F17: nothing mapped, the organization's stock and the primary location.
    world.settle().await;
    assert_eq!(shop.shows("A"), 16);
    let before = sell_one(&world, &shop).await;
    assert_eq!(before["location_id"], home);

    // D8, F19: those of two locations, and orders of the first of them.
    let mapped = map(&world, &shop, json!({"mode": "selected", "location_ids": [b, home]})).await.ok();
    assert_eq!(mapped["location_mapping"]["order_location_id"], b);
    world.work().await;
    assert_eq!(shop.shows("A"), 6);
    let there = sell_one(&world, &shop).await;
    assert_eq!(there["location_id"], b);
    assert_eq!(
        world.get(&format!("/v1/orders/{}", before["id"].as_str().unwrap())).await.ok()["location_id"],
        home
    );

    // F20: another location.
    map(&world, &shop, json!({"location_ids": [c]})).await.ok();
    world.work().await;
    assert_eq!(shop.shows("A"), 9);
    assert_eq!(sell_one(&world, &shop).await["location_id"], c);

    // D11: none, said as such; nothing is sent.
    map(&world, &shop, json!({"mode": "none"})).await.ok();
    world.work().await;
    shop.pushes();
    world.settle().await;
    assert_eq!(shop.pushes(), 0);

    // F21: as at first.
    map(&world, &shop, json!({"mode": "all"})).await.ok();
    world.work().await;
    assert_eq!(shop.shows("A"), 13);
    assert_eq!(sell_one(&world, &shop).await["location_id"], home);
    world.delete(&format!("/v1/locations/{c}")).await.refused(409, "location_in_use", None);
}

#[tokio::test]
async fn d8_each_channel_shows_its_own_locations_and_fba_only_by_name() {
    let world = World::new().await;
    let home = world.primary().await;
    let item = world.stocked("A", 3).await;
    let b = world.warehouse("B").await;
    let fba = world.post("/v1/locations", json!({"name": "FBA", "kind": "fba"})).await.ok();
    for (location, quantity) in [(&json!(b), 4), (&fba["id"], 50)] {
        let body = json!({"location_id": location, "lines": [{"item_id": item, "quantity": quantity}]});
        world.post("/v1/purchase-receives", body).await.ok();
    }
    let (one, two) =
        (world.selling("one.example", &[("A", 1)]).await, world.selling("two.example", &[("A", 1)]).await);
    map(&world, &two, json!({"mode": "selected", "location_ids": [b, fba["id"]]})).await.ok();
    world.settle().await;
    assert_eq!((one.shows("A"), two.shows("A")), (7, 54));
    assert_eq!(one.shop.orders().len(), 0);
    assert!(world.on_hand_at(&item, &home).await == 3);
}
