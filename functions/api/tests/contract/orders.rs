//! Orders, and who bought.

use std::collections::{BTreeMap, BTreeSet};

use app::Clock as _;
use domain::fulfilment::{LineProgress, StockDeductedOn};
use domain::order::{Buyer, ChannelOrderState, OrderState, PaymentStatus};
use domain::order_document::DocumentCounts;
use domain::push::Acknowledged;
use domain::{ChannelKind, ConnectionId, ItemId, Money, OrderId, Quantity};
use marketplace_sim::SimulatedShop as _;
use serde_json::{Value, json};
use store::link::Stored;
use store::order::{Order, OrderLine, Origin};

use crate::fba_world::Amazon;
use crate::world::{Selling, World, eur};

pub async fn order(world: &World, connection: &ConnectionId, number: &str, frozen: bool) -> OrderId {
    let id = OrderId::of(connection, number).unwrap();
    let now = world.app.clock.now();
    let order = Order {
        id: id.clone(),
        origin: Origin::Channel { connection_id: connection.clone(), external_id: number.to_owned() },
        number: format!("#{number}"),
        state: OrderState::Confirmed,
        channel_state: ChannelOrderState::Confirmed,
        unknown_state: None,
        fulfilled_by: domain::channel::Fulfilment::Mfn,
        tracking: Vec::new(),
        payment: PaymentStatus::Paid,
        currency: eur(),
        total: Some(Money::parse("19.98", eur()).unwrap()),
        lines: vec![OrderLine {
            id: "1".to_owned(),
            listing: None,
            item_id: None,
            parts: None,
            sku: Some("A".to_owned()),
            title: "Mug".to_owned(),
            quantity: Quantity::new(2).unwrap(),
            shipped: Quantity::ZERO,
            unit_price_minor: Some(999),
            tax_minor: Some(160),
            done: LineProgress::default(),
            elsewhere: Vec::new(),
            untracked: false,
        }],
        location_id: world.primary().await.parse().unwrap(),
        frozen,
        applied: BTreeMap::new(),
        complete: true,
        erased: false,
        no_stock_effect: false,
        deducted_on: StockDeductedOn::Shipment,
        contact_id: None,
        documents: DocumentCounts::default(),
        comments: Vec::new(),
        placed_at: now,
        changed_at: now,
        imported_at: now,
        version: 1,
    };
    let nothing = BTreeSet::new();
    world.app.store.save_order(&world.organization, &order, &[], &nothing, &nothing).await.unwrap();
    id
}

#[tokio::test]
async fn orders_are_listed_and_read_without_who_bought() {
    let world = World::new().await;
    let connection = world.connect().await;
    let frozen = order(&world, &connection, "1001", true).await;
    order(&world, &connection, "1002", false).await;
    let buyer = Buyer { name: Some("Ada Lovelace".to_owned()), ..Buyer::default() };
    world.app.store.put_buyer(&world.organization, &frozen, &buyer, None).await.unwrap();
    let read = world.get(&format!("/v1/orders/{frozen}")).await.ok();
    assert_eq!(
        (&read["number"], &read["frozen"], &read["source"]),
        (&json!("#1001"), &json!(true), &json!("marketplace"))
    );
    assert_eq!(read["payment"], json!({"status": "paid", "comment": "Paid"}));
    assert_eq!(read["warnings"][0]["line_ids"], json!(["1"]));
    assert_eq!(read["lines"][0]["unit_price"], json!({"amount": "9.99", "currency": "EUR"}));
    assert_eq!(read["totals"]["tax"]["amount"], "1.60");
    assert_eq!(read["contact"]["display_name"], "WooCommerce - Customer");
    assert!(!read.to_string().contains("Ada"));
    for (query, count) in [
        ("", 2),
        ("frozen=true", 1),
        ("state=void", 0),
        ("q=1002", 1),
        ("source=marketplace", 2),
        ("source=manual", 0),
        ("connection_id=con_other", 0),
    ] {
        let list = world.get(&format!("/v1/orders?{query}")).await.ok();
        assert_eq!(list["data"].as_array().unwrap().len(), count, "{query}");
        assert!(!list.to_string().contains("Ada"));
    }
}

#[tokio::test]
async fn who_bought_is_shown_on_demand_until_it_expires() {
    let world = World::new().await;
    let connection = world.connect().await;
    let id = order(&world, &connection, "1001", false).await;
    let path = format!("/v1/orders/{id}/customer");
    world.get(&path).await.refused(404, "not_found", None);
    let buyer = Buyer { name: Some("Ada Lovelace".to_owned()), ..Buyer::default() };
    world.app.store.put_buyer(&world.organization, &id, &buyer, None).await.unwrap();
    let shown = world.get(&path).await.ok();
    assert_eq!((&shown["name"], &shown["email"]), (&json!("Ada Lovelace"), &Value::Null));
    let past = "2026-01-31T00:00:00Z".parse().unwrap();
    world.app.store.set_buyer_expiry(&world.organization, &id, Some(past), world.app_now()).await.unwrap();
    world.get(&path).await.refused(404, "not_found", None);
}

/// The shop takes units off with an order and puts them back with its cancellation. A number that we told in between,
/// without knowing of either, is one too high by then; and no stock moves here that would have it told again.
#[tokio::test]
async fn an_order_that_is_first_seen_cancelled_has_its_listings_told_again() {
    let world = World::new().await;
    let item = world.stocked("A", 5).await;
    let shop = world.selling("one.example", &[("A", 1)]).await;
    world.settle().await;
    world.clock.advance_minutes(1);
    let order = shop.sell("A", 1);
    assert_eq!(shop.shows("A"), 4);
    shop.edit("A", 5);
    world.clock.advance_minutes(1);
    shop.shop.cancel(&order);
    assert_eq!(shop.shows("A"), 6);
    import(&world, &shop).await;
    assert_eq!((world.levels(&item).await, shop.shows("A")), ((5, 0, 5), 5));
}

/// The shop's orders are fetched, and what comes of it is done.
async fn import(world: &World, shop: &Selling) {
    let path = format!("/v1/connections/{}/sync", shop.connection);
    world.post(&path, json!({"kind": "orders"})).await.ok();
    world.work().await;
}

/// A shop takes the units off when an order is paid, which moves nothing here; that another line of it changed in the same
/// minute tells nobody of them.
#[tokio::test]
async fn a_line_that_stays_is_told_again_where_another_moves() {
    let world = World::new().await;
    let mug = world.stocked("MUG", 9).await;
    let tee = world.stocked("TEE", 9).await;
    let shop = world.selling("one.example", &[("MUG", 1), ("TEE", 1)]).await;
    world.settle().await;
    world.clock.advance_minutes(1);
    let order = shop.shop.sell_unpaid(&[(shop.sold["MUG"].clone(), 1), (shop.sold["TEE"].clone(), 2)]);
    import(&world, &shop).await;
    world.moved(&[&mug, &tee]).await;
    world.work().await;
    assert_eq!((shop.shows("MUG"), shop.shows("TEE")), (8, 7));
    world.clock.advance_minutes(1);
    shop.shop.edit(&order, 0, 4);
    shop.shop.pay(&order);
    assert_eq!(shop.shows("TEE"), 5, "the shop has taken two off once more");
    import(&world, &shop).await;
    world.moved(&[&mug]).await;
    world.work().await;
    assert_eq!((shop.shows("MUG"), shop.shows("TEE")), (5, 7));
}

/// A line is raised, a number is told that knows nothing of it, and the line is lowered again: the shop puts back on top
/// of that number what it had taken, and the order is as it was.
#[tokio::test]
async fn a_line_that_was_raised_and_lowered_again_has_its_listing_told_again() {
    let world = World::new().await;
    let mug = world.stocked("MUG", 4).await;
    let shop = world.selling("one.example", &[("MUG", 1)]).await;
    world.settle().await;
    world.clock.advance_minutes(1);
    let order = shop.sell("MUG", 2);
    import(&world, &shop).await;
    world.moved(&[&mug]).await;
    world.work().await;
    assert_eq!(shop.shows("MUG"), 2);
    world.clock.advance_minutes(5);
    shop.shop.edit(&order, 0, 4);
    assert_eq!(shop.shows("MUG"), 0);
    // What a push does that looked at the orders just before.
    let newer = Acknowledged { quantity: Quantity::new(2).unwrap(), version: 2, at: world.clock.now() };
    let (item, listing): (ItemId, _) = (mug.parse().unwrap(), shop.listing("MUG"));
    let told = world.app.store.acknowledge(&world.organization, &item, &listing, &newer);
    assert_eq!(told.await.unwrap(), Stored::Stored);
    shop.edit("MUG", 2);
    world.clock.advance_minutes(1);
    shop.shop.edit(&order, 0, 2);
    assert_eq!(shop.shows("MUG"), 4);
    import(&world, &shop).await;
    assert_eq!((world.levels(&mug).await, shop.shows("MUG")), ((4, 2, 2), 2));
}

#[tokio::test]
async fn a_line_cancelled_before_the_order_was_seen_has_its_listing_told_again() {
    let amazon = Amazon::new().await;
    let world = &amazon.world;
    let (mug, sold_mug) = amazon.item("MUG", 10, 3, false).await;
    let (tee, sold_tee) = amazon.item("TEE", 10, 3, false).await;
    world.moved(&[&mug, &tee]).await;
    world.work_of(ChannelKind::Amazon).await;
    let shown = || (amazon.sim.quantity(&sold_mug), amazon.sim.quantity(&sold_tee));
    assert_eq!(shown(), (Some(10), Some(10)));
    let order = amazon.sim.sell(&[(sold_mug.clone(), 1), (sold_tee.clone(), 2)]);
    // Told in between, by who did not know of the order; then the channel puts the units back on top.
    amazon.sim.set_quantity(&sold_tee, 10);
    amazon.sim.edit(&order, 1, 0);
    assert_eq!(amazon.sim.quantity(&sold_tee), Some(12));
    amazon.import(&order).await;
    world.moved(&[&mug]).await;
    world.work_of(ChannelKind::Amazon).await;
    assert_eq!(shown(), (Some(9), Some(10)));
}
