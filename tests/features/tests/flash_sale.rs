//! Hot items: one thing that sells everywhere at once. Every order moves the same level, so that they meet there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use domain::ChannelKind;
use engine::{EngineFaults, Fault};
use features::{Hub, Shop, goods};
use jiff::SignedDuration;
use marketplace_sim::Sold;

/// What is left fits on Etsy, which shows 999 at most.
const ON_HAND: i64 = 2_500;
/// On each of five channels: 2,000 in all.
const ORDERS: i64 = 400;
const WAVES: i64 = 8;
/// Of so many transactions one meets another at first, as on DynamoDB, and is refused whole: as many as a channel has orders.
const MEETS_ANOTHER: u32 = 3;
/// By when all that was sold must be known, on channels that allow some calls a second.
const MINUTES_MAX: usize = 60;

#[tokio::test(start_paused = true)]
async fn two_thousand_orders_of_one_item_in_a_minute_are_taken_once_each_and_none_beyond_stock() {
    let faults = EngineFaults::new();
    let hub = Hub::with_faults(&faults).await;
    let item = hub.item("MUG", "Mug", ON_HAND).await;
    let mut shops: Vec<(Shop, Sold)> = Vec::new();
    for kind in ChannelKind::ALL {
        let mut shop = Shop::open(&hub, kind, "north");
        let sold = shop.add(goods("MUG", "Mug", 3));
        shop.connect(&hub).await;
        hub.sync(&shop.connection, "items").await;
        shops.push((shop, sold));
    }
    hub.settle().await;
    for _ in 0..ORDERS {
        faults.after("TransactWriteItems", MEETS_ANOTHER - 1, 1, Fault::conflict_on(1));
    }
    for _ in 0..WAVES {
        for (shop, sold) in &shops {
            for _ in 0..ORDERS / WAVES {
                shop.shop.sell(&[(sold.clone(), 1)]);
            }
        }
        hub.clock.advance(SignedDuration::from_secs(60 / WAVES));
        hub.rush().await;
    }
    let taken = ORDERS * i64::try_from(shops.len()).unwrap();
    let mut minutes = 0;
    loop {
        let level = hub.stock(&item).await;
        let shown: Vec<Option<i64>> = shops.iter().map(|(shop, sold)| shop.shop.quantity(sold)).collect();
        if level == (ON_HAND, taken) && shown.iter().all(|shown| *shown == Some(ON_HAND - taken)) {
            break;
        }
        minutes += 1;
        assert!(minutes <= MINUTES_MAX, "only {level:?} is known, and the shops show {shown:?}");
        hub.pass(SignedDuration::from_mins(1)).await;
    }
    println!("every order is known and told {minutes} minutes after the last");
    assert_eq!(faults.pending(), 0, "no transaction met another");
    assert_eq!(hub.list("/v1/orders").await.len(), usize::try_from(taken).unwrap());
    assert!(hub.list("/v1/dead-letters").await.is_empty());
}
