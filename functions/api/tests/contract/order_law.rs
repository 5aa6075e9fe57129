//! The law of orders through the whole import: the exhaustive form, on the rule alone, is in `app`.

use domain::Quantity;
use domain::order::{ChannelOrderState, FetchedOrder, PaymentStatus};
use serde_json::Value;

use crate::contacts::fetched;
use crate::world::World;

/// What remains comparable of an order that was told otherwise.
fn outcome(shown: &Value) -> Value {
    let mut shown = shown.clone();
    for own in ["id", "external_id", "number", "imported_at"] {
        shown[own] = Value::Null;
    }
    shown
}

fn sequences(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in sequences(n - 1) {
        for at in 0..=shorter.len() {
            let mut longer = shorter.clone();
            longer.insert(at, n - 1);
            all.push(longer);
        }
    }
    all
}

#[tokio::test]
async fn l9_however_an_order_is_told_it_and_its_stock_end_in_one_state() {
    let world = World::new().await;
    let item = world.stocked("A", 1_000).await;
    let shop = world.shop("shop.example").await;
    let sold = shop.goods(Some("A"), "Item A", 1_000);
    world.sync_items(&shop).await;
    let listing = domain::listing::ListingRef { external_id: sold.external_id, variation_id: None };
    let placed_at = world.app_now();
    // Created, paid, edited, refunded in part; then cancelled, or fulfilled.
    let states = |id: &str, last: ChannelOrderState| -> Vec<FetchedOrder> {
        let told = [
            (ChannelOrderState::Pending, PaymentStatus::Pending, 3),
            (ChannelOrderState::Confirmed, PaymentStatus::Paid, 5),
            (ChannelOrderState::Confirmed, PaymentStatus::PartRefunded, 4),
            (last, PaymentStatus::PartRefunded, 4),
        ];
        let state = |(n, (state, payment, quantity)): (i64, (ChannelOrderState, PaymentStatus, i64))| {
            let mut order = fetched(&world, id, state, placed_at);
            order.changed_at = placed_at.checked_add(jiff::SignedDuration::from_secs(n)).unwrap();
            order.payment = payment;
            order.lines[0].listing = Some(listing.clone());
            order.lines[0].quantity = Quantity::new(quantity).unwrap();
            order
        };
        (1..).zip(told).map(state).collect()
    };
    for (last, on_hand, committed) in [
        (ChannelOrderState::Cancelled, 0, 0),
        (ChannelOrderState::Fulfilled, -4, 0),
        (ChannelOrderState::Confirmed, 0, 4),
    ] {
        let mut expected = None;
        for (n, sequence) in sequences(4).into_iter().enumerate() {
            let id = format!("{}{n}", format!("{last:?}").to_lowercase());
            let states = states(&id, last);
            let before = world.level(&item).await;
            for (at, state) in sequence.iter().enumerate() {
                world.import_fetched(&shop, &states[*state]).await;
                world.import_fetched(&shop, &states[sequence[at.saturating_sub(1)]]).await;
            }
            let after = world.level(&item).await;
            assert_eq!((after.0 - before.0, after.1 - before.1), (on_hand, committed), "{sequence:?}");
            let shown = world.get(&format!("/v1/orders/{}", shop.order(&id))).await.ok();
            let expected = expected.get_or_insert_with(|| outcome(&shown));
            assert_eq!(outcome(&shown), *expected, "{sequence:?}");
        }
    }
    let movements = world.get(&format!("/v1/items/{item}/movements?limit=200")).await.ok();
    assert_eq!(movements["next_cursor"].is_null(), movements["data"].as_array().unwrap().len() < 200);
}
