//! Stock at several of the seller's inventory locations.

use channels::ebay::Ebay;
use channels::{Channel, ShownAt, StockAt, StockOutcome, StockTarget};
use domain::{ChannelLocationId, Quantity};
use marketplace_sim::SimulatedShop;

use crate::bench::{Bench, mug};

fn at(key: &str, quantity: i64) -> StockAt {
    StockAt {
        location: key.parse().unwrap(),
        quantity: Quantity::new(quantity).unwrap(),
        shown: ShownAt::Unknown,
    }
}

fn placed(target: StockTarget, locations: Vec<StockAt>) -> StockTarget {
    StockTarget { locations, ..target }
}

#[tokio::test]
async fn enabled_locations_can_be_mapped_and_the_first_is_home() {
    let bench = Bench::new().await;
    for number in 0..120 {
        bench.sim.open_location(&format!("store-{number}"));
    }
    bench.sim.disable_location("store-7");
    let found = bench.patiently(async || Ebay.locations(&bench.shop()).await).await;
    assert_eq!((found.len(), found[0].id.as_str()), (120, "home"), "all pages, without the disabled one");
    assert!(found.iter().all(|one| one.id.as_str() != "store-7"));
    assert_eq!(Ebay.home_location(&bench.facts).unwrap().as_str(), "home");
}

#[tokio::test]
async fn home_is_looked_for_no_further_than_it_is_found() {
    let bench = Bench::new().await;
    for number in 0..120 {
        bench.sim.open_location(&format!("store-{number}"));
    }
    let looked = async || {
        bench.take_calls();
        let facts = bench.patiently(async || Ebay.identify(&bench.shop()).await).await.facts;
        let pages = bench.take_calls().into_iter().filter(|call| call == "GET location").count();
        (Ebay.home_location(&facts).unwrap().to_string(), pages)
    };
    assert_eq!(looked().await, ("home".to_owned(), 1));
    bench.sim.disable_location("home");
    (0..105).for_each(|number| bench.sim.disable_location(&format!("store-{number}")));
    assert_eq!(looked().await, ("store-105".to_owned(), 2));
}

#[tokio::test]
async fn a_number_is_told_with_where_it_lies() {
    let bench = Bench::new().await;
    bench.sim.open_location("store");
    let sold = [1, 2].map(|number| bench.sim.add(mug(number)).remove(0));
    bench.sim.distribute(&sold[0], &["home", "store"]);
    bench.sim.set_fulfillment_days(&sold[0], "store", 2);
    let mut targets = bench.targets(&[(&sold[0], 7), (&sold[1], 5)]).await;
    let spread = placed(targets.remove(0), vec![at("store", 3), at("home", 4)]);
    bench.pass_a_minute();
    bench.take_calls();
    let outcomes = bench.push(vec![spread.clone(), targets.remove(0)]).await;
    assert_eq!(outcomes, [StockOutcome::Accepted, StockOutcome::Accepted]);
    assert_eq!(bench.take_calls(), ["POST bulk_get_inventory_item", "POST bulk_update_price_quantity"]);
    let kept = |n: usize, key: &str| bench.sim.kept_at(&sold[n], key);
    assert_eq!((kept(0, "home"), kept(0, "store")), (Some((4, None)), Some((3, Some(2)))));
    assert_eq!(
        (kept(1, "home"), bench.sim.quantity(&sold[1])),
        (None, Some(5)),
        "the other is told one number"
    );

    bench.pass_a_minute();
    let asked: Vec<ChannelLocationId> = ["home", "store", "attic"].map(|key| key.parse().unwrap()).into();
    let looked = Ebay.read_stock_at(&bench.shop(), &asked, std::slice::from_ref(&spread)).await.unwrap();
    let there: Vec<ShownAt> = asked.iter().map(|location| looked[0].at[location]).collect();
    assert_eq!(there, [ShownAt::Number(4), ShownAt::Number(3), ShownAt::Number(0)]);
    assert_eq!(looked[0].total(), Some(7));
    bench.sim.set_offer_quantity(&sold[0], 1);
    bench.pass_a_minute();
    let looked = Ebay.read_stock_at(&bench.shop(), &asked, std::slice::from_ref(&spread)).await.unwrap();
    assert_eq!(looked[0].total(), Some(1), "what buyers see");
    bench.sim.delete(&sold[0]);
    bench.pass_a_minute();
    let looked = Ebay.read_stock_at(&bench.shop(), &asked, &[spread]).await.unwrap();
    assert_eq!(looked[0].total(), None, "gone");
}

#[tokio::test]
async fn what_is_spread_is_not_set_in_one_number() {
    let bench = Bench::new().await;
    let sold = bench.sim.add(mug(1)).remove(0);
    bench.sim.distribute(&sold, &["home", "store"]);
    let target = bench.targets(&[(&sold, 7)]).await.remove(0);
    bench.pass_a_minute();
    let outcomes = bench.push(vec![target.clone()]).await;
    assert!(matches!(outcomes[0], StockOutcome::Rejected { code: "several_locations", .. }), "{outcomes:?}");
    bench.sim.disable_location("store");
    bench.pass_a_minute();
    let outcomes = bench.push(vec![placed(target, vec![at("home", 4), at("store", 3)])]).await;
    assert!(matches!(outcomes[0], StockOutcome::Rejected { code: "channel_rejected", .. }), "{outcomes:?}");
    assert_eq!(bench.sim.quantity(&sold), Some(9), "left as it was");
}
