//! What is told of a merchant's day, from the real stream of the real handlers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use app::connection_settings::SettingsPatch;
use app::event_bus::{BusError, EventBus};
use async_trait::async_trait;
use aws::event::StreamEvent;
use bench::clock::BenchClock;
use bench::wire::Wire;
use bench::world::World;
use domain::ChannelKind;
use domain::event::{Event, EventKind};
use domain::sync::SyncKind;
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{Goods, SimulatedShop};

#[derive(Default)]
struct Ear {
    heard: Mutex<Vec<Event>>,
    deaf: Mutex<bool>,
}

#[async_trait]
impl EventBus for Ear {
    async fn tell(&self, events: &[Event]) -> Result<(), BusError> {
        if *self.deaf.lock().unwrap() {
            return Err(BusError { refused: events.len(), of: events.len(), source: None });
        }
        self.heard.lock().unwrap().extend_from_slice(events);
        Ok(())
    }
}

async fn told(stream: StreamEvent) -> Vec<Event> {
    let ear = Ear::default();
    let answer = event_publish::handle(&ear, stream).await;
    assert!(answer.batch_item_failures.is_empty());
    ear.heard.into_inner().unwrap()
}

async fn day() -> anyhow::Result<(World, Arc<WoocommerceShop>)> {
    let clock = BenchClock::default();
    let shop = Arc::new(WoocommerceShop::new(Options::new(clock.reader())));
    let goods = |sku: &str, quantity| Goods {
        sku: Some(sku.to_owned()),
        title: format!("Goods {sku}"),
        price: "9.50".to_owned(),
        quantity: Some(quantity),
        ..Goods::default()
    };
    let mug = shop.add(goods("MUG", 7)).remove(0);
    let world = World::new(clock, Wire::to(shop.clone())).await?;
    let settings = SettingsPatch { auto_create: Some(true), ..SettingsPatch::default() };
    let connection = world.connect(ChannelKind::Woocommerce, shop.credentials(), settings).await?;
    world.settle(&connection).await?;
    // A listing that nobody resolved, and orders of both.
    let waits = SettingsPatch { auto_create: Some(false), ..SettingsPatch::default() };
    let patch = app::connection::ConnectionPatch { settings: waits, ..Default::default() };
    world.app.change_connection(&world.organization.id, &connection.id, None, patch).await?;
    let tee = shop.add(goods("TEE", 5)).remove(0);
    world.sync(&connection, SyncKind::Items).await?;
    for lines in [vec![(mug.clone(), 2)], vec![(mug, 1), (tee, 1)]] {
        let order = shop.sell(&lines);
        world.import(&connection, &order).await?;
    }
    let store = &world.app.store;
    store.mark_needs_authorization(&world.organization.id, &connection.id, "refused").await?;
    Ok((world, shop))
}

#[tokio::test]
async fn what_was_stored_is_told_once_each_and_in_order() {
    let (world, _shop) = day().await.unwrap();
    let events = told(world.stream().unwrap()).await;
    let names: Vec<&str> = events.iter().map(|event| event.kind.name()).collect();
    assert_eq!(
        names,
        [
            // The mug comes in, and is made an item with 7 of it when the sync has read all.
            "ListingUnconfirmed",
            "StockChanged",
            "ListingUnconfirmed",
            "OrderImported",
            "StockChanged",
            "OrderImported",
            "OrderFrozen",
            "StockChanged",
            "ConnectionNeedsAuthorization",
        ],
        "{events:#?}"
    );
    let numbers: Vec<(i64, i64, i64)> = events
        .iter()
        .filter_map(|event| match event.kind {
            EventKind::StockChanged { on_hand, committed, available, .. } => {
                Some((on_hand, committed, available))
            }
            _ => None,
        })
        .collect();
    assert_eq!(numbers, [(7, 0, 7), (7, 2, 5), (7, 3, 4)]);
    let ids: BTreeSet<&String> = events.iter().map(|event| &event.id).collect();
    assert_eq!(ids.len(), events.len());
    assert!(events.iter().all(|event| event.organization_id == world.organization.id));
}

#[tokio::test]
async fn the_same_record_is_the_same_event() {
    let (world, _shop) = day().await.unwrap();
    assert_eq!(told(world.stream().unwrap()).await, told(world.stream().unwrap()).await);
}

#[tokio::test]
async fn a_bus_that_takes_nothing_is_asked_again_from_the_first_record_on() {
    let (world, _shop) = day().await.unwrap();
    let stream = world.stream().unwrap();
    let first = stream.records[0].dynamodb.sequence_number.clone();
    let ear = Ear::default();
    *ear.deaf.lock().unwrap() = true;
    let answer = event_publish::handle(&ear, stream).await;
    assert_eq!(answer.batch_item_failures[0].item_identifier, first);
}

#[tokio::test]
async fn nothing_of_a_buyer_is_told() {
    let (world, shop) = day().await.unwrap();
    let text = serde_json::to_string(&told(world.stream().unwrap()).await).unwrap();
    let order: serde_json::Value = {
        let credentials = shop.credentials();
        let query = format!(
            "consumer_key={}&consumer_secret={}",
            credentials["consumer_key"], credentials["consumer_secret"]
        );
        let uri = format!("https://shop.example/wp-json/wc/v3/orders?{query}");
        let answer = shop.handle(http::Request::get(uri).body(Default::default()).unwrap());
        serde_json::from_slice::<serde_json::Value>(answer.body()).unwrap()[0].clone()
    };
    let personal: Vec<String> = ["billing", "shipping"]
        .iter()
        .flat_map(|part| order[part].as_object().unwrap().values())
        .filter_map(|value| value.as_str().filter(|text| text.len() > 3).map(str::to_owned))
        .collect();
    assert!(personal.len() > 5, "the simulated buyer has no data: {order}");
    for value in personal {
        assert!(!text.contains(&value), "{value} is told");
    }
}
