//! Orders: shipped in part, with values nobody knows, by many ids.

use channels::ebay::Ebay;
use channels::{Channel, OrderQuery};
use domain::order::ChannelOrderState;
use domain::schedule::Window;
use marketplace_sim::SimulatedShop;

use crate::bench::{Bench, mug};

#[tokio::test]
async fn units_sent_in_part_are_counted_by_their_shipments() {
    let bench = Bench::new().await;
    let sold = bench.sim.add(mug(1)).remove(0);
    let order = bench.sim.sell(&[(sold.clone(), 5), (sold, 1)]);
    bench.pass_a_minute();
    bench.sim.fulfil_line(&order, 0, 2);
    bench.sim.fulfil_line(&order, 0, 1);
    bench.take_calls();
    let orders = bench.orders().await;
    let units: Vec<_> =
        orders[0].lines.iter().map(|line| (line.quantity.get(), line.shipped.get())).collect();
    assert_eq!((orders[0].state, units), (ChannelOrderState::PartFulfilled, vec![(5, 3), (1, 0)]));
    assert_eq!(bench.take_calls(), ["GET order", "GET order/{id}/shipping_fulfillment"]);
}

/// A difference of seconds is not heard from eBay's answers, so no span may end where eBay's future may begin.
#[tokio::test]
async fn orders_come_though_ebay_s_clock_is_behind_ours() {
    let bench = Bench::new().await;
    let sold = bench.sim.add(mug(1)).remove(0);
    let order = bench.sim.sell(&[(sold, 1)]);
    bench.pass_a_minute();
    let mut shop = bench.shop();
    shop.now = shop.now.checked_add(jiff::SignedDuration::from_secs(9)).unwrap();
    let from = shop.now.checked_sub(jiff::SignedDuration::from_hours(1)).unwrap();
    let query = OrderQuery::Changed(Window { from, to: shop.now });
    let page = Ebay.fetch_orders(&shop, &query, None).await.unwrap();
    let found: Vec<_> = page.records.into_iter().map(|record| record.unwrap().external_id).collect();
    assert_eq!(found, [order]);
}

#[tokio::test]
async fn what_nobody_knows_yet_is_pending_and_reported() {
    let bench = Bench::new().await;
    let sold = bench.sim.add(mug(1)).remove(0);
    let order = bench.sim.sell(&[(sold, 1)]);
    for (field, value) in [
        ("orderPaymentStatus", "PAID_BY_MOONLIGHT"),
        ("orderFulfillmentStatus", "TELEPORTING"),
        ("cancelState", "RECONSIDERED"),
    ] {
        bench.sim.set_order_field(&order, field, value);
        let found = bench.orders().await.remove(0);
        assert_eq!(found.state, ChannelOrderState::Pending, "{value}");
        assert!(found.unknown_state.unwrap().contains(value));
        bench.sim.set_order_field(
            &order,
            field,
            match field {
                "orderPaymentStatus" => "PAID",
                "orderFulfillmentStatus" => "NOT_STARTED",
                _ => "NONE_REQUESTED",
            },
        );
    }
    assert_eq!(bench.orders().await[0].state, ChannelOrderState::Confirmed);
}

#[tokio::test]
async fn fifty_ids_are_one_call() {
    let bench = Bench::new().await;
    let sold = bench.sim.add(mug(1)).remove(0);
    bench.sim.set_quantity(&sold, 500);
    let ids: Vec<String> = (0..101).map(|_| bench.sim.sell(&[(sold.clone(), 1)])).collect();
    bench.take_calls();
    let query = OrderQuery::Ids(ids.clone());
    let (mut found, mut cursor) = (0, None);
    loop {
        let page = Ebay.fetch_orders(&bench.shop(), &query, cursor.as_ref()).await.unwrap();
        found += page.records.len();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((found, bench.take_calls().len()), (101, 3));
}

/// What changed while the walk stood still is not in the span any more, and nothing behind it is skipped.
#[tokio::test]
async fn a_large_backlog_comes_in_few_calls_and_in_order() {
    let bench = Bench::new().await;
    let sold = bench.sim.add(mug(1)).remove(0);
    bench.sim.set_quantity(&sold, 5_000);
    for _ in 0..900 {
        bench.sim.sell(&[(sold.clone(), 1)]);
        bench.pass(std::time::Duration::from_millis(7_300));
    }
    bench.take_calls();
    let found = bench.orders().await;
    assert_eq!(found.len(), 900);
    assert!(found.is_sorted_by_key(|order| order.changed_at));
    let calls = bench.take_calls().len();
    assert!(calls <= 20, "{calls} calls for 900 orders");
}
