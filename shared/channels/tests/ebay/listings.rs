//! Listings: made elsewhere, in other places, of other marketplaces.

use channels::ebay::Ebay;
use channels::{Channel, StockOutcome};
use marketplace_sim::{Goods, SimulatedShop, Variation};

use crate::bench::{Bench, mug};

#[tokio::test]
async fn what_was_made_elsewhere_is_reported_by_name_and_what_is_ours_is_not() {
    let bench = Bench::new().await;
    bench.sim.add(mug(1));
    let variation =
        |sku: &str| Variation { sku: Some(sku.to_owned()), price: "1".to_owned(), ..Variation::default() };
    bench.sim.add(Goods {
        title: "Shirt".to_owned(),
        variations: vec![variation("S"), variation("M")],
        ..Goods::default()
    });
    let with_sku = bench.sim.list_elsewhere(Some("OLD-1"), "Tea & cake");
    let without = bench.sim.list_elsewhere(None, "Odd lot");
    let (found, failed) = bench.listings().await;
    assert_eq!(found.len(), 3);
    let reported: Vec<_> =
        failed.iter().map(|one| (one.external_id.clone(), one.code.as_str(), one.title.as_deref())).collect();
    assert_eq!(
        reported,
        [(with_sku, "made_elsewhere", Some("Tea & cake")), (without, "made_elsewhere", Some("Odd lot"))]
    );
    assert!(failed[0].reason.contains("Migrate"), "{}", failed[0].reason);
}

#[tokio::test]
async fn that_ebay_does_not_tell_what_else_is_on_sale_stops_no_sync() {
    let bench = Bench::new().await;
    bench.sim.add(mug(1));
    let first = Ebay.fetch_listings(&bench.shop(), None, None).await.unwrap();
    assert_eq!(first.records.len(), 1);
    bench.pass_a_minute();
    bench.sim.faults().push(marketplace_sim::Fault::Status(403));
    let second = Ebay.fetch_listings(&bench.shop(), None, first.next.as_ref()).await.unwrap();
    let codes: Vec<_> = second.records.into_iter().map(|record| record.unwrap_err().code).collect();
    assert_eq!((codes, second.next), (vec!["listings_elsewhere_unknown".to_owned()], None));
}

#[tokio::test]
async fn offers_of_other_marketplaces_are_left_to_their_connection() {
    let mut bench = Bench::new().await;
    bench.sim.add(mug(1));
    bench.marketplaces = vec!["EBAY_US".to_owned()];
    let (found, failed) = bench.listings().await;
    assert!(found.is_empty() && failed.is_empty(), "{found:?} {failed:?}");
    // Its own marketplace, in a currency that is not the connection's.
    let bench =
        Bench::with(|options| marketplace_sim::ebay::Options { currency: "CHF".to_owned(), ..options }).await;
    bench.sim.add(mug(1));
    let (found, failed) = bench.listings().await;
    assert!(found.is_empty());
    assert_eq!(failed[0].code, "currency_mismatch");
}

#[tokio::test]
async fn stock_at_one_location_is_set_there_and_at_several_left_alone() {
    let bench = Bench::new().await;
    let one = bench.sim.add(mug(1)).remove(0);
    let several = bench.sim.add(mug(2)).remove(0);
    bench.sim.distribute(&one, &["berlin"]);
    bench.sim.distribute(&several, &["berlin", "hamburg"]);
    let targets = bench.targets(&[(&one, 4), (&several, 5)]).await;
    bench.take_exchanges();
    let outcomes = bench.push(targets).await;
    assert_eq!(outcomes[0], StockOutcome::Accepted);
    assert!(matches!(outcomes[1], StockOutcome::Rejected { code: "several_locations", .. }), "{outcomes:?}");
    let (request, _) = bench.take_exchanges().remove(0);
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(body["requests"].as_array().unwrap().len(), 1);
    let available = &body["requests"][0]["shipToLocationAvailability"];
    assert_eq!(available["availabilityDistributions"][0]["merchantLocationKey"], "berlin");
    assert_eq!((bench.sim.quantity(&one), bench.sim.quantity(&several)), (Some(4), Some(9)));
}

/// Buyers can have the lesser of the item's and the offer's number: both are set, and the lesser is read.
#[tokio::test]
async fn item_and_offer_are_one_number_for_us() {
    let bench = Bench::new().await;
    let sold = bench.sim.add(mug(1)).remove(0);
    bench.sim.set_offer_quantity(&sold, 2);
    let targets = bench.targets(&[(&sold, 7)]).await;
    assert_eq!(bench.listings().await.0[0].quantity.unwrap().get(), 2);
    bench.pass_a_minute();
    assert_eq!(Ebay.read_stock(&bench.shop(), &targets).await.unwrap(), [Some(2)]);
    assert_eq!(bench.push(targets).await, [StockOutcome::Accepted]);
    assert_eq!(bench.sim.quantity(&sold), Some(7));
}
