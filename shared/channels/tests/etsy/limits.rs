//! The application's limits, by the second and by the day.

use std::time::Duration;

use channels::etsy::Etsy;
use channels::{Channel, ErrorKind, Retry};
use marketplace_sim::SimulatedShop;

use crate::bench::{Bench, mug, target};

#[tokio::test]
async fn pacing_draws_no_refusal_and_costs_no_more_than_the_limit() {
    let bench = Bench::with_limits(10, 10_000).await;
    let sold: Vec<_> = (0..60).map(|_| bench.sim.add(mug(3)).remove(0)).collect();
    let began = bench.now();
    bench.sim.take_calls();
    for (n, sold) in (0..).zip(&sold) {
        // Numbers that are there already take one call, others two, the last unit three.
        let quantity = [3, 7, 0][n % 3];
        assert!(
            bench
                .push(vec![target(sold, quantity, Some(3))])
                .await
                .iter()
                .all(|one| { *one == channels::StockOutcome::Accepted })
        );
    }
    let calls = bench.sim.take_calls();
    assert!(calls.iter().all(|call| call.status == 200), "a call was refused");
    assert_eq!(calls.len(), 20 * (1 + 2 + 3));
    let took_ms = bench.now().as_millisecond() - began.as_millisecond();
    let least_ms = i64::try_from(calls.len() - 10).unwrap() * 100;
    assert!(took_ms <= least_ms * 105 / 100 + 300, "{took_ms} ms where {least_ms} would do");
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
