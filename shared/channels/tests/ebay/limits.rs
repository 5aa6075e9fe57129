//! What eBay lets through: the size of a call, revisions of a listing, calls in a day.

use std::time::Duration;

use channels::ebay::{Ebay, limits};
use channels::{Channel, ErrorKind, OrderQuery, Retry, StockOutcome, Tokens};
use marketplace_sim::ebay::{Api, Options};
use marketplace_sim::{SimulatedShop, Sold};

use crate::bench::{Bench, mug};

fn one_a_call(options: Options) -> Options {
    Options { batch_max: 1, ..options }
}

/// eBay's text says 25 here and 1 there.
#[tokio::test]
async fn where_ebay_takes_one_item_a_call_that_is_found_out_once() {
    let mut bench = Bench::with(one_a_call).await;
    let sold: Vec<Sold> = (0..30).flat_map(|n| bench.sim.add(mug(n))).collect();
    let wanted: Vec<_> = sold.iter().map(|sold| (sold, 3)).collect();
    let targets = bench.targets(&wanted).await;
    bench.take_calls();
    let outcomes = bench.push(targets.clone()).await;
    assert_eq!(outcomes, vec![StockOutcome::Accepted; 30]);
    assert!(sold.iter().all(|sold| bench.sim.quantity(sold) == Some(3)));
    // One refused, then one for each item.
    assert_eq!(bench.take_calls().len(), 1 + 30);
    bench.push(targets.clone()).await;
    assert_eq!(bench.take_calls().len(), 30);
    // After a day it is tried again.
    bench.pass(Duration::from_secs(25 * 3_600));
    bench.credentials = Ebay.refresh(&bench.shop()).await.unwrap();
    bench.take_calls();
    bench.push(targets).await;
    assert_eq!(bench.take_calls().len(), 1 + 30);
}

/// A refusal of a whole call for one of its items is not taken for one of its size.
#[tokio::test]
async fn an_item_that_ebay_refuses_fails_alone() {
    let bench = Bench::new().await;
    let sold: Vec<Sold> = (0..3).flat_map(|n| bench.sim.add(mug(n))).collect();
    let targets = bench.targets(&[(&sold[0], 3), (&sold[1], 3), (&sold[2], 3)]).await;
    bench.sim.delete(&sold[1]);
    bench.take_calls();
    let outcomes = bench.push(targets).await;
    let rejected =
        |outcome: &StockOutcome| matches!(outcome, StockOutcome::Rejected { code: "listing_gone", .. });
    assert_eq!(outcomes.iter().map(rejected).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(bench.take_calls().len(), 1);
}

#[tokio::test]
async fn a_listing_s_revisions_of_a_day_are_kept_and_the_last_are_for_zero() {
    let mut bench = Bench::new().await;
    let sold = bench.sim.add(mug(1)).remove(0);
    let other = bench.sim.add(mug(2)).remove(0);
    let both = bench.targets(&[(&sold, 5), (&other, 5)]).await;
    let (this, zero) = (vec![both[0].clone()], bench.targets(&[(&sold, 0)]).await);
    let mut taken = 0;
    while bench.push(this.clone()).await == [StockOutcome::Accepted] {
        taken += 1;
    }
    assert_eq!(taken, limits::REVISIONS - limits::REVISIONS_FOR_ZERO);
    bench.take_calls();
    let outcomes = bench.push(both).await;
    assert!(
        matches!(outcomes[0], StockOutcome::Failed { code: "daily_revisions_spent", .. }),
        "{outcomes:?}"
    );
    assert_eq!(outcomes[1], StockOutcome::Accepted);
    for _ in 0..limits::REVISIONS_FOR_ZERO {
        assert_eq!(bench.push(zero.clone()).await, [StockOutcome::Accepted]);
    }
    bench.take_calls();
    assert!(matches!(bench.push(zero.clone()).await[0], StockOutcome::Failed { .. }));
    assert!(bench.take_calls().is_empty(), "what eBay would refuse is not sent");
    // Another process spent them: eBay's own refusal is read the same way.
    bench.pace = channels::Pace::default();
    let refused = bench.push(zero.clone()).await;
    assert!(matches!(refused[0], StockOutcome::Failed { code: "daily_revisions_spent", .. }), "{refused:?}");
    // Midnight in California.
    bench.pass(Duration::from_secs(21 * 3_600));
    bench.credentials = Ebay.refresh(&bench.shop()).await.unwrap();
    assert_eq!(bench.push(zero).await, [StockOutcome::Accepted]);
}

/// Within 5 % of what the published quota allows for 10,000 listings: 400 calls at 2,000,000 a day.
#[tokio::test]
async fn pacing_takes_as_long_as_the_quota_asks() {
    let bench = Bench::new().await;
    let sold = bench.sim.add(mug(1)).remove(0);
    let target = bench.targets(&[(&sold, 5)]).await.remove(0);
    bench.pass_a_minute();
    let begun = bench.now();
    for call in 0..400 {
        let mut target = target.clone();
        target.listing.external_id = format!("listing {call}");
        bench.push(vec![target]).await;
    }
    let took_ms = bench.now().duration_since(begun).as_millis();
    let bound_ms = 400 * 86_400_000 / i128::from(limits::INVENTORY_CALLS);
    assert!((took_ms - bound_ms).abs() * 100 <= bound_ms * 5, "{took_ms} ms instead of {bound_ms} ms");
}

/// Whoever waits as told never draws a 429, however long it goes on.
#[tokio::test]
async fn no_quota_is_overrun_by_one_who_waits() {
    let bench = Bench::new().await;
    bench.sim.take_calls();
    for _ in 0..2_000 {
        let ids = OrderQuery::Ids(vec!["1".to_owned()]);
        bench.patiently(async || Ebay.fetch_orders(&bench.shop(), &ids, None).await).await;
    }
    assert!(bench.sim.take_calls().iter().all(|call| call.status == 200));
}

/// Another merchant of the application used the quota up.
#[tokio::test]
async fn a_quota_that_others_used_up_is_waited_for() {
    let bench = Bench::new().await;
    let sold = bench.sim.add(mug(1)).remove(0);
    let targets = bench.targets(&[(&sold, 5)]).await;
    bench.pass_a_minute();
    bench.sim.limit(Api::Inventory, 0);
    bench.sim.limit(Api::Fulfillment, 0);
    let batch = Ebay.plan_stock(targets, &channels::Pace::default()).remove(0);
    let error = Ebay.push_stock(&bench.shop(), "key", &batch).await.unwrap_err();
    assert_eq!((error.kind, error.retry), (ErrorKind::Throttled, Retry::Backoff));
    let error =
        Ebay.fetch_orders(&bench.shop(), &OrderQuery::Ids(vec!["1".to_owned()]), None).await.unwrap_err();
    assert_eq!((error.kind, error.retry), (ErrorKind::Throttled, Retry::Backoff));
}
