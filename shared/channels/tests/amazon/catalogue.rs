//! The catalogue: by search, or by report where it is too large for one.

use channels::amazon::Amazon;
use channels::{Channel, Cursor, ErrorKind, Retry};
use domain::channel::Fulfilment;
use domain::listing::ChannelStatus;
use jiff::SignedDuration;
use marketplace_sim::{Fault, Goods, SimulatedShop};

use crate::stage::{Stage, mug};

/// More listings than a search pages through come as a report, in slices of which each is a page.
#[tokio::test]
async fn a_large_catalogue_comes_as_a_report() {
    let stage = Stage::with(|sim| sim.working_for(SignedDuration::from_mins(20))).await;
    // Some 1.3 MB of report: two slices.
    let long = "x".repeat(400);
    for number in 0..2_500 {
        stage.sim.add(Goods { title: format!("Mug {number} {long}"), ..mug(number) });
    }
    stage.sim.add_fba(Goods { sku: Some("FBA".to_owned()), ..mug(1) });
    stage.sim.take_calls();
    let pages = stage.pages().await;
    let calls = stage.sim.take_calls();
    let of = |name: &str| calls.iter().filter(|call| call.operation == name && call.status < 400).count();
    assert_eq!((of("searchListingsItems"), of("createReport"), of("getReportDocument")), (1, 1, 2));
    // 20 minutes of work are looked at a few times, each later than the one before.
    assert!((2..=8).contains(&of("getReport")), "{} looks", of("getReport"));
    assert!(calls.iter().all(|call| call.status != 429));
    assert!(pages.iter().all(|page| page.next.as_ref().is_none_or(|Cursor(text)| text.len() < 1_024)));
    let found: Vec<_> = pages.into_iter().flat_map(|page| page.records).map(Result::unwrap).collect();
    assert_eq!(found.len(), 2_501);
    let skus: std::collections::BTreeSet<_> =
        found.iter().map(|one| one.reference.external_id.clone()).collect();
    assert_eq!(skus.len(), 2_501);
    let fba = found.iter().find(|one| one.reference.external_id == "FBA").unwrap();
    assert_eq!((fba.fulfilment, fba.stock_ref.as_deref()), (Fulfilment::Fba, Some("AMAZON_NA")));
    assert!(found.iter().filter(|one| one.fulfilment == Fulfilment::Mfn).all(|one| one.stock_ref.is_none()));
}

/// The same listing is the same listing, whichever way it came.
#[tokio::test]
async fn search_and_report_tell_the_same() {
    let stage = Stage::new().await;
    for number in 0..3 {
        stage.sim.add(Goods { quantity: Some(i64::try_from(number).unwrap()), ..mug(number) });
    }
    let gone = stage.sim.add(mug(9)).remove(0);
    stage.sim.suppress(&gone);
    let searched = stage.listings().await;
    let mut cursor = Some(Cursor(r#"{"in":"report"}"#.to_owned()));
    let mut reported = Vec::new();
    while let Some(at) = cursor {
        let page =
            stage.patiently(async || Amazon.fetch_listings(&stage.shop(), None, Some(&at)).await).await;
        reported.extend(page.records.into_iter().map(Result::unwrap));
        cursor = page.next;
    }
    assert_eq!(reported, searched);
    let statuses: Vec<_> = searched.iter().map(|one| one.status).collect();
    assert_eq!(
        statuses,
        [ChannelStatus::Active, ChannelStatus::Active, ChannelStatus::Active, ChannelStatus::Inactive]
    );
}

/// While the report is made, the work rests and says for how long.
#[tokio::test]
async fn a_report_in_the_making_is_waited_for() {
    let stage = Stage::new().await;
    let first = Amazon
        .fetch_listings(&stage.shop(), None, Some(&Cursor(r#"{"in":"report"}"#.to_owned())))
        .await
        .unwrap();
    let error = Amazon.fetch_listings(&stage.shop(), None, first.next.as_ref()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(matches!(error.retry, Retry::After(_)), "{error:?}");
    // An answer that is lost asks for nothing twice that matters.
    stage.sim.faults().push(Fault::DropAnswer);
    let error = Amazon.fetch_listings(&stage.shop(), None, first.next.as_ref()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
}

/// A SKU in two marketplaces is one listing; one that only the second shows is told there.
#[tokio::test]
async fn l14_one_sku_in_two_marketplaces_is_one_listing() {
    let ids = ["A1F83G8C2ARO7P", "A1PA6795UKMFR9"];
    let mut stage = Stage::with(|sim| sim.in_marketplaces(&ids)).await;
    stage.marketplaces = ids.iter().map(|id| (*id).to_owned()).collect();
    stage.sim.add(mug(1));
    let german = stage.sim.add(mug(2)).remove(0);
    stage.sim.show_only_in(&german, &ids[1..]);
    let found = stage.listings().await;
    let places: Vec<_> =
        found.iter().map(|one| (one.reference.external_id.as_str(), one.stock_ref.as_deref())).collect();
    assert_eq!(places, [("MUG-1", None), ("MUG-2", Some(ids[1]))]);
    stage.sim.take_calls();
    let targets: Vec<_> = found
        .iter()
        .map(|one| channels::StockTarget {
            stock_ref: one.stock_ref.clone(),
            ..crate::stage::target(&german, 7)
        })
        .zip(&found)
        .map(|(target, one)| channels::StockTarget { listing: one.reference.clone(), ..target })
        .collect();
    for batch in Amazon.plan_stock(targets, &channels::Pace::default()) {
        assert_eq!(stage.push(&batch).await, [channels::StockOutcome::Accepted]);
    }
    assert_eq!(stage.sim.take_calls().len(), 2, "each SKU is told once");
    assert_eq!(stage.sim.quantity(&german), Some(7));
}

/// What merchants write comes through a report as it does through a search.
#[tokio::test]
async fn titles_in_any_script_survive_the_report() {
    let stage = Stage::new().await;
    stage
        .sim
        .add(Goods { title: "商品 Größe 🧵".to_owned(), sku: Some("A/B 1,2".to_owned()), ..mug(1) });
    let mut cursor = Some(Cursor(r#"{"in":"report"}"#.to_owned()));
    let mut found = Vec::new();
    while let Some(at) = cursor {
        let page =
            stage.patiently(async || Amazon.fetch_listings(&stage.shop(), None, Some(&at)).await).await;
        found.extend(page.records.into_iter().map(Result::unwrap));
        cursor = page.next;
    }
    assert_eq!(
        (found[0].title.as_str(), found[0].reference.external_id.as_str()),
        ("商品 Größe 🧵", "A/B 1,2")
    );
}

/// Every page of a search, whole or of what changed, is asked for and answered as the model says.
#[tokio::test]
async fn a_search_is_paged_through() {
    let stage = Stage::new().await;
    let sold: Vec<_> = (0..45).flat_map(|number| stage.sim.add(mug(number))).collect();
    assert_eq!((stage.pages().await.len(), stage.listings().await.len()), (3, 45));
    stage.pass(std::time::Duration::from_secs(3_600 / 2));
    let since = stage.now();
    for one in &sold[..21] {
        stage.sim.set_quantity(one, 1);
    }
    stage.pass(std::time::Duration::from_secs(60));
    let window = domain::schedule::Window::new(since, stage.now()).unwrap();
    for window in [window, window.open_ended()] {
        let (mut found, mut cursor) = (0, None);
        loop {
            let ask = async || Amazon.fetch_listings(&stage.shop(), Some(window), cursor.as_ref()).await;
            let page = stage.patiently(ask).await;
            found += page.records.len();
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, 21);
    }
}
