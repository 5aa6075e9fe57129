use channels::woocommerce::Woocommerce;
use channels::{Channel, StockBatch, StockOutcome, StockTarget};
use domain::Quantity;
use domain::listing::ListingRef;
use serde_json::{Value, json};

use crate::replay::{Replay, Setup, exchange, recorded};

fn target(product: u64, variation: Option<u64>, quantity: i64) -> StockTarget {
    StockTarget {
        listing: ListingRef {
            external_id: product.to_string(),
            variation_id: variation.map(|id| id.to_string()),
        },
        stock_ref: None,
        quantity: Quantity::new(quantity).unwrap(),
        expected: None,
        locations: Vec::new(),
    }
}

/// A variation that shows its parent's stock.
fn sharing(parent: u64, variation: u64, quantity: i64) -> StockTarget {
    StockTarget { stock_ref: Some(parent.to_string()), ..target(parent, Some(variation), quantity) }
}

async fn push(exchange: Value, targets: Vec<StockTarget>) -> Vec<String> {
    let replay = Replay::of([exchange]);
    let mut plan = Woocommerce.plan_stock(targets, &channels::Pace::default());
    assert_eq!(plan.len(), 1);
    let batch: StockBatch = plan.remove(0);
    let outcomes = Woocommerce.push_stock(&Setup::new().shop(&replay), "key", &batch).await.unwrap();
    replay.done();
    let word = |outcome: &StockOutcome| match outcome {
        StockOutcome::Accepted => "accepted".to_owned(),
        StockOutcome::Stale { .. } => "stale".to_owned(),
        StockOutcome::Rejected { code, .. } => format!("rejected {code}"),
        StockOutcome::Failed { code, .. } => format!("failed {code}"),
        StockOutcome::Submitted { ticket } => format!("submitted {ticket}"),
    };
    outcomes.iter().map(word).collect()
}

/// The recorded answer, whatever was asked for it.
fn answer(name: &str) -> Value {
    let mut exchange = recorded(name);
    exchange["request"]["body"] = Value::Null;
    exchange
}

/// The recorded answer to a single request, as a batch gives it.
fn item(name: &str) -> Value {
    let body = recorded(name)["response"]["body"].clone();
    exchange("POST", "products/batch", json!({}), 200, json!({ "update": [body] }))
}

#[tokio::test]
async fn a_number_is_accepted_when_the_shop_shows_it() {
    let targets = vec![target(11, None, 30), target(12, None, 4), target(24, None, 0)];
    assert_eq!(push(answer("stock-batch-ok"), targets).await, ["accepted"; 3]);
    let targets = vec![target(28, Some(29), 7), target(28, Some(31), 1)];
    assert_eq!(push(recorded("variations-batch-ok"), targets).await, ["accepted"; 2]);
}

#[tokio::test]
async fn each_target_fails_alone() {
    let targets = vec![target(999_999, None, 1), target(11, None, 32), target(29, None, 2)];
    let outcomes = push(answer("stock-batch-item-errors"), targets).await;
    assert_eq!(outcomes, ["rejected listing_gone", "accepted", "rejected listing_gone"]);
    let targets = vec![target(28, Some(35), 7), target(28, Some(999_999), 1), target(28, Some(31), 3)];
    let outcomes = push(answer("variations-batch-item-errors"), targets).await;
    assert_eq!(outcomes, ["rejected listing_gone", "rejected listing_gone", "accepted"]);
    let outcomes = push(answer("variations-batch-missing-parent"), vec![target(999_999, Some(29), 7)]).await;
    assert_eq!(outcomes, ["rejected listing_gone"]);
}

#[tokio::test]
async fn a_number_that_was_not_taken_is_not_accepted() {
    assert_eq!(
        push(item("stock-put-unmanaged"), vec![target(21, None, 9)]).await,
        ["rejected stock_not_managed"]
    );
    assert_eq!(push(item("stock-put-one"), vec![target(11, None, 41)]).await, ["failed number_not_taken"]);
    let mut shared = item("stock-put-variation-of-managed-parent");
    shared["request"]["path"] = json!("/wp-json/wc/v3/products/28/variations/batch");
    assert_eq!(push(shared, vec![target(28, Some(30), 3)]).await, ["failed stock_moved_to_parent"]);
    // The answer that `_fields` would leave: the work is done, and nothing says so.
    let replay = Replay::of([exchange("POST", "products/batch", json!({}), 200, json!([]))]);
    let batch = StockBatch { group: None, targets: vec![target(11, None, 31)] };
    assert!(Woocommerce.push_stock(&Setup::new().shop(&replay), "key", &batch).await.is_err());
}

#[tokio::test]
async fn shared_stock_is_written_once_on_the_parent() {
    let mut exchange = item("stock-put-parent-of-variations");
    exchange["request"]["body"] = json!({ "update": [{ "id": 28, "stock_quantity": 18 }] });
    let outcomes = push(exchange.clone(), vec![sharing(28, 30, 18), sharing(28, 32, 18)]).await;
    assert_eq!(outcomes, ["accepted"; 2]);
    // Two items behind one number: the lower is shown, and the other is told why.
    let outcomes = push(exchange, vec![sharing(28, 30, 50), sharing(28, 32, 18)]).await;
    assert_eq!(outcomes, ["rejected stock_shared", "accepted"]);
}

#[tokio::test]
async fn what_is_shown_is_read_in_the_order_asked() {
    let after = recorded("variations-list-after-parent-put")["response"]["body"].clone();
    let products = json!([
        { "id": 28, "manage_stock": true, "stock_quantity": 18 },
        { "id": 11, "manage_stock": true, "stock_quantity": -2 },
        { "id": 21, "manage_stock": false, "stock_quantity": null },
    ]);
    let replay = Replay::of([
        exchange("GET", "products", json!({ "include": "21,28,11,999", "status": "any" }), 200, products),
        exchange("GET", "products/28/variations", json!({ "include": "29" }), 200, after.clone()),
    ]);
    let targets = [
        target(21, None, 0),
        sharing(28, 30, 0),
        target(28, Some(29), 0),
        target(11, None, 0),
        target(999, None, 0),
    ];
    let shown = Woocommerce.read_stock(&Setup::new().shop(&replay), &targets).await.unwrap();
    replay.done();
    let own =
        after.as_array().unwrap().iter().find(|one| one["id"] == 29).unwrap()["stock_quantity"].as_i64();
    assert_eq!(shown, [None, Some(18), own, Some(-2), None]);
}
