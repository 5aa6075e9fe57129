//! Stock: by PATCH and by feed.

use std::time::Duration;

use channels::amazon::Amazon;
use channels::{Channel, StockBatch, StockOutcome, StockTarget};
use marketplace_sim::{Fault, Goods, SimulatedShop, Sold};

use crate::stage::{Stage, mug, target};

fn many(stage: &Stage, count: usize) -> Vec<Sold> {
    (0..count).flat_map(|number| stage.sim.add(mug(number))).collect()
}

fn feed_of(targets: Vec<StockTarget>) -> StockBatch {
    let mut plan = Amazon.plan_stock(targets, &channels::Pace::default());
    assert_eq!(plan.len(), 1);
    plan.remove(0)
}

fn ticket(outcome: &StockOutcome) -> &str {
    match outcome {
        StockOutcome::Submitted { ticket } => ticket,
        other => panic!("{other:?}"),
    }
}

/// One feed carries them all; until Amazon has worked on it nothing is known, then each SKU's own result is.
#[tokio::test]
async fn a_feed_is_answered_later_sku_by_sku() {
    let stage = Stage::new().await;
    let sold = many(&stage, 200);
    stage.sim.delete(&sold[3]);
    stage.sim.take_calls();
    let batch = feed_of(sold.iter().zip(0..).map(|(sold, quantity)| target(sold, quantity)).collect());
    let outcomes = stage.push(&batch).await;
    let feed = ticket(&outcomes[0]).to_owned();
    assert!(outcomes.iter().all(|outcome| ticket(outcome) == feed));
    assert_eq!(stage.sim.take_calls().len(), 3, "a document, its content, a feed");
    assert_eq!(Amazon.stock_result(&stage.shop(), &feed).await.unwrap(), None);
    assert_eq!(stage.sim.quantity(&sold[9]), Some(5), "nothing was applied yet");
    stage.pass(Duration::from_secs(60));
    let result = Amazon.stock_result(&stage.shop(), &feed).await.unwrap().unwrap();
    assert_eq!(result.others, StockOutcome::Accepted);
    let named: Vec<_> = result.named.into_iter().collect();
    assert!(
        matches!(&named[..], [(listing, StockOutcome::Rejected { code: "listing_gone", .. })] if listing.external_id == "MUG-3"),
        "{named:?}"
    );
    assert_eq!(stage.sim.quantity(&sold[9]), Some(9));
}

/// A feed that Amazon does not know any more failed, and is not waited for.
#[tokio::test]
async fn a_feed_that_is_gone_is_not_waited_for() {
    let stage = Stage::new().await;
    let result = Amazon.stock_result(&stage.shop(), "1").await.unwrap().unwrap();
    assert!(matches!(result.others, StockOutcome::Failed { code: "feed_not_processed", .. }));
}

/// What Amazon ships is refused before anybody is asked, alone and among many.
#[tokio::test]
async fn an_fba_listing_is_never_told_a_number() {
    let stage = Stage::new().await;
    let fba = stage.sim.add_fba(Goods { sku: Some("FBA".to_owned()), ..mug(1) }).remove(0);
    let listing = stage.listings().await.remove(0);
    let refused = StockTarget { stock_ref: listing.stock_ref, ..target(&fba, 7) };
    let sold = many(&stage, 200);
    stage.sim.take_calls();
    for targets in
        [vec![refused.clone()], sold.iter().map(|one| target(one, 1)).chain([refused.clone()]).collect()]
    {
        for batch in Amazon.plan_stock(targets, &channels::Pace::default()) {
            let outcomes = stage.push(&batch).await;
            for (told, outcome) in batch.targets.iter().zip(outcomes) {
                let is_refused =
                    matches!(outcome, StockOutcome::Rejected { code: "fulfilled_by_amazon", .. });
                assert_eq!(is_refused, told.listing.external_id == "FBA", "{outcome:?}");
            }
        }
    }
    stage.pass(Duration::from_secs(60));
    assert_eq!(stage.sim.quantity(&fba), Some(5));
}

/// A lost answer to a feed leads to another feed of the same numbers.
#[tokio::test]
async fn a_feed_whose_answer_is_lost_is_submitted_again() {
    let stage = Stage::new().await;
    let sold = many(&stage, 151);
    let batch = feed_of(sold.iter().map(|sold| target(sold, 8)).collect());
    for lost in 0..3 {
        for _ in 0..lost {
            stage.sim.faults().push(Fault::Pass);
        }
        stage.sim.faults().push(Fault::DropAnswer);
        let error = Amazon.push_stock(&stage.shop(), "key", &batch).await.unwrap_err();
        assert_eq!(error.kind, channels::ErrorKind::Unavailable, "the answer to call {lost}");
    }
    let outcomes = stage.push(&batch).await;
    stage.pass(Duration::from_secs(60));
    let result = Amazon.stock_result(&stage.shop(), ticket(&outcomes[0])).await.unwrap().unwrap();
    assert_eq!((result.others, result.named.len()), (StockOutcome::Accepted, 0));
    assert!(sold.iter().all(|sold| stage.sim.quantity(sold) == Some(8)));
}

/// Numbers are read 20 at a time; one with a comma, which a list cannot hold, by itself.
#[tokio::test]
async fn numbers_are_read_in_the_fewest_calls() {
    let stage = Stage::new().await;
    let mut sold = many(&stage, 41);
    sold.extend(stage.sim.add(Goods { sku: Some("A,B".to_owned()), quantity: Some(77), ..mug(1) }));
    let targets: Vec<_> = sold.iter().map(|sold| target(sold, 0)).collect();
    stage.sim.take_calls();
    let shown = stage.patiently(async || Amazon.read_stock(&stage.shop(), &targets).await).await;
    let calls: Vec<String> = stage.sim.take_calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(calls, ["searchListingsItems", "searchListingsItems", "getListingsItem", "getListingsItem"]);
    assert_eq!((shown[0], shown[40], shown[41]), (Some(5), Some(5), Some(77)));
}
