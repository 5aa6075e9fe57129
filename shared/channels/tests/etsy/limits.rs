//! The application's limits, by the second and by the day.

use std::time::Duration;

use channels::StockOutcome::Accepted;
use channels::etsy::Etsy;
use channels::{Channel, ErrorKind, Retry};
use marketplace_sim::SimulatedShop;

use crate::bench::{Bench, mug, target};

#[tokio::test]
async fn pacing_draws_no_refusal_and_takes_no_longer_than_the_limit() {
    let bench = Bench::with_limits(10, 10_000).await;
    let sold: Vec<_> = (0..60).map(|_| bench.sim.add(mug(3)).remove(0)).collect();
    let began = bench.now();
    for sold in &sold {
        assert_eq!(bench.push(vec![target(sold, 7, Some(3))]).await, [Accepted]);
    }
    let calls = bench.sim.take_calls();
    assert!(calls.iter().all(|call| call.status == 200), "a call was refused");
    assert_eq!(calls.len(), 2 * 60 + 1);
    let took_ms = bench.now().as_millisecond() - began.as_millisecond();
    assert!(
        (11_000..=11_550).contains(&took_ms),
        "{took_ms} ms where 110 calls beyond the first ten are 11 s"
    );
}

/// Numbers that are there already take one call, others two, the last unit and the first again three.
#[tokio::test]
async fn operations_of_any_length_draw_no_refusal() {
    let bench = Bench::with_limits(10, 10_000).await;
    let sold: Vec<_> = (0..30).map(|_| bench.sim.add(mug(3)).remove(0)).collect();
    for (from, to) in [(3, 3), (3, 7), (7, 0), (0, 2)] {
        for sold in &sold {
            assert_eq!(bench.push(vec![target(sold, to, Some(from))]).await, [Accepted]);
        }
        bench.patiently(async || Etsy.fetch_listings(&bench.shop(), None, None).await).await;
    }
    let calls = bench.sim.take_calls();
    assert!(calls.iter().all(|call| call.status == 200), "a call was refused");
    assert_eq!(calls.len(), 30 * (1 + 2 + 3 + 3) + 4 + 1);
}

#[tokio::test]
async fn a_day_s_calls_used_up_are_waited_for_and_no_call_is_wasted() {
    let bench = Bench::with_limits(10, 4).await;
    for _ in 0..4 {
        Etsy.fetch_orders(&bench.shop(), &bench.all_time(), None).await.unwrap();
    }
    bench.sim.take_calls();
    let error = Etsy.fetch_orders(&bench.shop(), &bench.all_time(), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert_eq!(error.retry, Retry::After(Duration::from_secs(7_200)));
    assert!(bench.sim.take_calls().is_empty(), "a call was sent all the same");
}

/// Others use the application too: their calls are in no header of ours until we are refused.
#[tokio::test]
async fn a_refusal_for_the_day_waits_as_told() {
    let mut bench = Bench::with_limits(10, 1).await;
    Etsy.fetch_orders(&bench.shop(), &bench.all_time(), None).await.unwrap();
    bench.pace = channels::Pace::default();
    let error = Etsy.fetch_orders(&bench.shop(), &bench.all_time(), None).await.unwrap_err();
    assert_eq!((error.kind, error.retry), (ErrorKind::Throttled, Retry::After(Duration::from_secs(86_400))));
    bench.sim.take_calls();
    assert!(Etsy.fetch_orders(&bench.shop(), &bench.all_time(), None).await.is_err());
    assert!(bench.sim.take_calls().is_empty(), "the day is over, and it was tried again");
}
