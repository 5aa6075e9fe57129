//! Published limits: the adapter's, the simulation's and the models' numbers agree, and pacing draws no refusal.

use std::time::Duration;

use channels::amazon::OPERATIONS;
use channels::{Channel, OrderQuery};
use domain::Timestamp;
use domain::schedule::Window;
use marketplace_sim::SimulatedShop;
use marketplace_sim::amazon::PUBLISHED;

use crate::model::file;
use crate::stage::{Stage, mug, target};

/// The adapter never assumes more than is published; `createFeed` assumes less, for this type of feed is limited further.
#[test]
fn the_adapter_keeps_what_the_simulation_enforces() {
    for operation in OPERATIONS {
        let limit = operation.limit;
        let (_, rate, burst) = PUBLISHED.iter().find(|(name, ..)| *name == limit.name).unwrap();
        assert_eq!(i64::from(limit.rate_micro), rate * 100, "{}", limit.name);
        if limit.name == "createFeed" {
            assert_eq!((limit.burst, *burst), (5, 15));
        } else {
            assert_eq!(i64::from(limit.burst), *burst, "{}", limit.name);
        }
    }
    assert_eq!(OPERATIONS.len(), PUBLISHED.len());
}

/// What the models' texts say: `| 0.0056 | 20 |`.
#[test]
fn the_numbers_are_those_of_the_models() {
    for name in [
        "listingsItems_2021-08-01.json",
        "orders_2026-01-01.json",
        "ordersV0.json",
        "feeds_2021-06-30.json",
        "reports_2021-06-30.json",
        "notifications.json",
        "sellers.json",
        "fbaInventory.json",
        "fulfillmentOutbound_2020-07-01.json",
        "fulfillmentInbound_2024-03-20.json",
    ] {
        let Some(model) = file(name) else { return };
        let operations =
            model["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
        for operation in operations.filter(|one| one["deprecated"] != true) {
            let id = operation["operationId"].as_str().unwrap_or_default();
            let Some((_, rate, burst)) = PUBLISHED.iter().find(|(name, ..)| *name == id) else { continue };
            let text = operation["description"].as_str().unwrap_or_default();
            let row = text
                .lines()
                .filter(|line| line.starts_with('|'))
                .find(|line| line.contains(|c: char| c.is_ascii_digit()));
            let numbers: Vec<&str> =
                row.unwrap().split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect();
            let told: rust_decimal::Decimal = numbers[0].parse().unwrap();
            assert_eq!(
                told * rust_decimal::Decimal::from(10_000),
                rust_decimal::Decimal::from(*rate),
                "{id}"
            );
            assert_eq!(numbers[1].parse::<i64>().unwrap(), *burst, "{id}");
        }
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> i128 {
    to.duration_since(from).as_millis() / 1_000
}

/// 105 PATCHes take what 5 a second with a burst of 5 allow, and no more; 22 searches of orders the same.
#[tokio::test]
async fn pacing_adds_what_the_limits_ask_and_draws_no_refusal() {
    let stage = Stage::new().await;
    let sold: Vec<_> = (0..105).flat_map(|n| stage.sim.add(mug(n))).collect();
    let started = stage.now();
    let targets = sold.iter().map(|sold| target(sold, 3)).collect();
    for batch in channels::amazon::Amazon.plan_stock(targets, &channels::Pace::default()) {
        stage.push(&batch).await;
    }
    assert_eq!(seconds(started, stage.now()), 20);
    let started = stage.now();
    let window = Window::new("2026-11-21T00:00:00Z".parse().unwrap(), stage.now()).unwrap();
    for _ in 0..22 {
        stage.order_page(&OrderQuery::Changed(window)).await;
    }
    assert_eq!(seconds(started, stage.now()), 357);
    assert_eq!(stage.refused(), Vec::<String>::new());
}

/// A refusal that another process drew empties the bucket here as well.
#[tokio::test]
async fn after_a_refusal_the_operation_s_own_interval_is_waited_for() {
    let stage = Stage::new().await;
    let id = stage.sim.add(mug(1)).remove(0);
    for _ in 0..30 {
        let other = channels::Pace::default();
        let shop = channels::Shop { pace: &other, ..stage.shop() };
        let query = OrderQuery::Ids(vec!["902-0000000-0000099".to_owned()]);
        channels::amazon::Amazon.fetch_orders(&shop, &query, None).await.unwrap();
    }
    let query = OrderQuery::Ids(vec![id.external_id]);
    let error = channels::amazon::Amazon.fetch_orders(&stage.shop(), &query, None).await.unwrap_err();
    assert_eq!(error.retry, channels::Retry::After(Duration::from_secs(2)));
    assert_eq!(stage.refused(), ["getOrder"]);
    stage.pass(Duration::from_secs(1));
    let error = channels::amazon::Amazon.fetch_orders(&stage.shop(), &query, None).await.unwrap_err();
    assert_eq!(error.retry, channels::Retry::After(Duration::from_secs(1)));
    assert_eq!(stage.refused(), Vec::<String>::new());
}
