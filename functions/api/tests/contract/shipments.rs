//! Shipments made here, told to the channels of their orders: seen, tried again, in the history.

use domain::ChannelKind;
use marketplace_sim::{Fault, SimulatedShop};
use queue::{Queue as _, QueueName, Work};
use serde_json::{Value, json};

use crate::shop::{Shop, attempt};
use crate::world::World;

const QUEUE: QueueName = QueueName { work: Work::ShipmentPush, channel: ChannelKind::Woocommerce };

/// A shop with an order of two mugs, which are of an item.
async fn sold(world: &World) -> (Shop, String) {
    let shop = world.shop("shop.example").await;
    let sold = shop.goods(Some("A"), "Mug A", 20);
    world.sync_items(&shop).await;
    world.post(&format!("/v1/listings/{}/confirm", shop.listing(&sold)), json!({})).await.ok();
    let order = shop.sim.sell(&[(sold, 2)]);
    world.import(&shop, &order).await;
    (shop, order)
}

async fn ship(world: &World, shop: &Shop, order: &str) -> Value {
    let path = format!("/v1/orders/{}/shipments", shop.order(order));
    let body = json!({"carrier": "DHL", "tracking_number": "T-1", "shipped_at": "2026-02-01T09:00:00Z"});
    world.post(&path, body).await.ok()
}

async fn push(world: &World, shop: &Shop) -> Result<(), app::AppError> {
    world.app.push_shipments(&world.organization, &shop.connection, &attempt()).await
}

async fn shown(world: &World, shipment: &Value) -> Value {
    world.get(&format!("/v1/shipments/{}", shipment["id"].as_str().unwrap())).await.ok()
}

async fn messages(world: &World) -> usize {
    world.queue.receive(QUEUE, 10, std::time::Duration::from_secs(1)).await.unwrap().len()
}

#[tokio::test]
async fn g4_a_shipment_made_here_reaches_the_channel_with_carrier_and_tracking() {
    let world = World::new().await;
    let (shop, order) = sold(&world).await;
    let shipment = ship(&world, &shop, &order).await;
    assert_eq!((&shipment["push_state"], messages(&world).await), (&json!("pending"), 1));
    assert_eq!(shop.sim.shipments(&order), []);
    push(&world, &shop).await.unwrap();
    let told = shop.sim.shipments(&order);
    assert_eq!(told.len(), 1);
    let has = |text: &Option<String>, part: &str| text.as_ref().is_some_and(|text| text.contains(part));
    assert!(has(&told[0].carrier, "DHL") && has(&told[0].tracking_number, "T-1"), "{told:?}");
    let after = shown(&world, &shipment).await;
    assert_eq!((&after["push_state"], &after["code"]), (&json!("in_sync"), &Value::Null));
    // Told again by a doubled message, or by the order's next import: nothing.
    push(&world, &shop).await.unwrap();
    assert_eq!(shop.sim.shipments(&order).len(), 1);
    let path = format!("/v1/syncs?kind=shipments&connection_id={}", shop.connection);
    let syncs = world.get(&path).await.ok();
    assert_eq!(syncs["data"].as_array().unwrap().len(), 1);
    let sync = &syncs["data"][0];
    assert_eq!((&sync["state"], &sync["records"]["synced"]), (&json!("succeeded"), &json!(1)));
    let path = format!("/v1/syncs/{}", sync["id"].as_str().unwrap());
    let records = world.get(&format!("{path}/records")).await.ok();
    assert_eq!(records["data"][0]["order_id"], json!(shop.order(&order)));
    world.post(&format!("{path}/resync"), json!({})).await.refused(409, "not_fetched", None);
}

#[tokio::test]
async fn g4_a_channel_that_is_down_is_told_later_and_the_cause_is_seen() {
    let world = World::new().await;
    let (shop, order) = sold(&world).await;
    let shipment = ship(&world, &shop, &order).await;
    for _ in 0..20 {
        shop.sim.faults().push(Fault::Status(503));
    }
    push(&world, &shop).await.unwrap_err();
    let waiting = shown(&world, &shipment).await;
    assert_eq!(
        (&waiting["push_state"], &waiting["code"]),
        (&json!("pending"), &json!("channel_unavailable"))
    );
    assert!(waiting["reason"].as_str().unwrap().contains("tried again"), "{waiting}");
    while !matches!(shop.sim.faults().take(), Fault::Pass) {}
    push(&world, &shop).await.unwrap();
    assert_eq!(shown(&world, &shipment).await["push_state"], "in_sync");
    assert_eq!(shop.sim.shipments(&order).len(), 1);
}

#[tokio::test]
async fn g4_a_lost_message_is_made_good_by_the_next_order_sync() {
    let world = World::new().await;
    let (shop, order) = sold(&world).await;
    let shipment = ship(&world, &shop, &order).await;
    let taken = world.queue.receive(QUEUE, 10, std::time::Duration::from_secs(1)).await.unwrap();
    world.queue.delete(QUEUE, taken.into_iter().map(|message| message.receipt).collect()).await.unwrap();
    let path = format!("/v1/connections/{}/sync", shop.connection);
    let sync = world.post(&path, json!({"kind": "orders"})).await.ok();
    let id = sync["id"].as_str().unwrap().parse().unwrap();
    world.app.run_order_sync(&world.organization, &id, &attempt()).await.unwrap();
    assert_eq!(messages(&world).await, 1);
    push(&world, &shop).await.unwrap();
    assert_eq!(shown(&world, &shipment).await["push_state"], "in_sync");
}

#[tokio::test]
async fn g4_a_refused_shipment_fails_where_it_is_seen_and_a_person_tries_again() {
    let world = World::new().await;
    let (shop, order) = sold(&world).await;
    let shipment = ship(&world, &shop, &order).await;
    // As a refusal of the channel is kept.
    for _ in 0..3 {
        shop.sim.faults().push(Fault::Status(400));
    }
    push(&world, &shop).await.unwrap();
    let failed = shown(&world, &shipment).await;
    assert_eq!(failed["push_state"], "failed", "{failed}");
    assert!(failed["code"].is_string() && failed["since"].is_string());
    let syncs = world.get("/v1/syncs?kind=shipments&outcome=failed").await.ok();
    assert_eq!(syncs["data"].as_array().unwrap().len(), 1);
    while !matches!(shop.sim.faults().take(), Fault::Pass) {}
    push(&world, &shop).await.unwrap();
    assert_eq!(shown(&world, &shipment).await["push_state"], "failed", "nothing is tried unasked");
    let path = format!("/v1/shipments/{}/push", shipment["id"].as_str().unwrap());
    let again = world.post(&path, json!({})).await;
    assert_eq!((again.status, &again.body["push_state"]), (202, &json!("pending")));
    push(&world, &shop).await.unwrap();
    assert_eq!(shown(&world, &shipment).await["push_state"], "in_sync");
    assert_eq!(shop.sim.shipments(&order).len(), 1);
}

#[tokio::test]
async fn a_connection_that_does_not_tell_shipments_says_so() {
    let world = World::new().await;
    let (shop, order) = sold(&world).await;
    let path = format!("/v1/connections/{}", shop.connection);
    world.patch(&path, json!({"modules": {"shipments": false}})).await.ok();
    let shipment = ship(&world, &shop, &order).await;
    assert_eq!((&shipment["push_state"], &shipment["code"]), (&json!("disabled"), &json!("module_inactive")));
    assert_eq!(messages(&world).await, 0);
    push(&world, &shop).await.unwrap();
    assert_eq!(shop.sim.shipments(&order), []);
}
