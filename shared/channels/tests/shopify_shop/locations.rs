//! Stock at several locations of the shop.

use super::*;
use channels::{ShownAt, StockAt};
use domain::ChannelLocationId;

fn at(location: u64, quantity: i64, shown: ShownAt) -> StockAt {
    StockAt {
        location: location.to_string().parse().unwrap(),
        quantity: Quantity::new(quantity).unwrap(),
        shown,
    }
}

fn placed(listing: &FetchedListing, locations: Vec<StockAt>) -> StockTarget {
    let sum = locations.iter().map(|one| one.quantity.units()).sum();
    StockTarget { locations, ..target(listing, sum, None) }
}

async fn shown(bench: &Bench, location: u64, targets: &[StockTarget]) -> Vec<ShownAt> {
    let location: ChannelLocationId = location.to_string().parse().unwrap();
    let asked = std::slice::from_ref(&location);
    let looked = Shopify.read_stock_at(&bench.shop(), asked, targets).await.unwrap();
    looked.into_iter().map(|one| one.at[&location]).collect()
}

fn calls(bench: &Bench) -> Vec<String> {
    bench.sim.take_calls().into_iter().map(|call| call.operation).collect()
}

#[tokio::test]
async fn the_shop_s_own_open_locations_can_be_mapped() {
    let bench = Bench::new();
    let store = bench.sim.open_location("Store");
    let closed = bench.sim.open_location("Closed");
    bench.sim.close_location(closed);
    let found = Shopify.locations(&bench.shop()).await.unwrap();
    let found: Vec<_> = found.iter().map(|one| (one.id.as_str(), one.name.as_str())).collect();
    assert_eq!(found, [("501", "Warehouse"), (store.to_string().as_str(), "Store")]);
    assert_eq!(Shopify.home_location(&bench.facts).unwrap().as_str(), "501");
}

#[tokio::test]
async fn each_location_is_set_and_what_it_does_not_keep_is_stocked_there() {
    let bench = Bench::new();
    let store = bench.sim.open_location("Store");
    let attic = bench.sim.open_location("Attic");
    let sold = bench.sim.add(mug("MUG", 5)).remove(0);
    let listing = bench.listings(None).await.remove(0);
    let parts = |store_shows| {
        vec![at(501, 3, ShownAt::Number(5)), at(store, 4, store_shows), at(attic, 0, ShownAt::NotStocked)]
    };
    let target = placed(&listing, parts(ShownAt::NotStocked));
    let seen = [
        shown(&bench, 501, std::slice::from_ref(&target)).await[0],
        shown(&bench, store, std::slice::from_ref(&target)).await[0],
    ];
    assert_eq!(seen, [ShownAt::Number(5), ShownAt::NotStocked]);
    calls(&bench);
    assert_eq!(bench.push("one", vec![target.clone()]).await, [StockOutcome::Accepted]);
    assert_eq!(calls(&bench), ["mutation inventorySetQuantities", "mutation inventoryActivate"]);
    let quantities = [501, store, attic].map(|location| bench.sim.quantity_at(&sold, location));
    assert_eq!(quantities, [Some(3), Some(4), None], "nothing to show is nothing to stock");
    // The same batch once more, after an answer that was lost.
    assert_eq!(bench.push("one", vec![target.clone()]).await, [StockOutcome::Accepted]);
    assert_eq!(bench.sim.quantity(&sold), Some(7));
    // Stocked there meanwhile: Shopify does not say what is there, and nothing is overwritten.
    let again = bench.push("two", vec![placed(&listing, vec![at(store, 9, ShownAt::NotStocked)])]).await;
    assert!(matches!(again[0], StockOutcome::Rejected { code: "not_stocked_at_location", .. }), "{again:?}");
    assert_eq!(bench.sim.quantity_at(&sold, store), Some(4));
}

#[tokio::test]
async fn a_location_that_shows_another_number_undoes_the_call_and_nothing_is_stocked_elsewhere() {
    let bench = Bench::new();
    let store = bench.sim.open_location("Store");
    let sold: Vec<_> = ["A", "B"].map(|sku| bench.sim.add(mug(sku, 5)).remove(0)).into();
    bench.sim.set_quantity_at(&sold[1], store, 2);
    let listings = bench.listings(None).await;
    let first = placed(&listings[0], vec![at(501, 1, ShownAt::Number(5)), at(store, 2, ShownAt::NotStocked)]);
    let second = placed(&listings[1], vec![at(501, 1, ShownAt::Number(5)), at(store, 3, ShownAt::Number(1))]);
    let outcomes = bench.push("one", vec![first, second]).await;
    assert!(matches!(outcomes[0], StockOutcome::Failed { code: "batch_not_applied", .. }), "{outcomes:?}");
    assert!(matches!(outcomes[1], StockOutcome::Stale { .. }), "{outcomes:?}");
    let all = sold.iter().flat_map(|one| [501, store].map(|location| bench.sim.quantity_at(one, location)));
    assert_eq!(all.collect::<Vec<_>>(), [Some(5), None, Some(5), Some(2)]);
}

#[tokio::test]
async fn a_location_that_keeps_it_no_more_or_is_closed_is_looked_at_again() {
    let bench = Bench::new();
    let (store, attic) = (bench.sim.open_location("Store"), bench.sim.open_location("Attic"));
    let sold = bench.sim.add(mug("MUG", 5)).remove(0);
    bench.sim.set_quantity_at(&sold, attic, 2);
    bench.sim.close_location(attic);
    let listing = bench.listings(None).await.remove(0);
    for parts in [vec![at(store, 3, ShownAt::Number(1))], vec![at(attic, 0, ShownAt::Number(2))]] {
        let target = placed(&listing, parts);
        let outcomes = bench.push(&format!("{target:?}"), vec![target.clone()]).await;
        assert!(matches!(outcomes[0], StockOutcome::Stale { .. }), "{outcomes:?}");
        let location = target.locations[0].location.as_str().parse().unwrap();
        assert_eq!(shown(&bench, location, &[target]).await, [ShownAt::NotStocked]);
    }
    let gone = bench.push("gone", vec![placed(&listing, vec![at(attic, 1, ShownAt::Number(2))])]).await;
    assert!(matches!(gone[0], StockOutcome::Rejected { code: "invalid_location", .. }), "{gone:?}");
}

#[tokio::test]
async fn new_goods_at_many_locations_wait_for_the_bucket_once_and_whole() {
    let bench = Bench::new();
    let store = bench.sim.open_location("Store");
    for n in 0..150 {
        bench.sim.add(mug(&format!("MUG-{n}"), 5));
    }
    let listings = bench.listings(None).await;
    let targets = listings.iter().map(|listing| {
        placed(listing, vec![at(501, 1, ShownAt::Number(5)), at(store, 2, ShownAt::NotStocked)])
    });
    let batches = Shopify.plan_stock(targets.collect(), &Pace::default());
    assert_eq!(batches.iter().map(|batch| batch.targets.len()).collect::<Vec<_>>(), [100, 50]);
    calls(&bench);
    for (n, batch) in batches.iter().enumerate() {
        let key = n.to_string();
        let done = bench.patiently(async || Shopify.push_stock(&bench.shop(), &key, batch).await).await;
        assert!(done.iter().all(|outcome| *outcome == StockOutcome::Accepted));
    }
    assert_eq!(calls(&bench).len(), 152, "no call was made twice");
}

#[tokio::test]
async fn f17_an_order_says_which_location_ships_it() {
    let bench = Bench::new();
    let store = bench.sim.open_location("Store");
    let sold = bench.sim.add(mug("MUG", 5)).remove(0);
    bench.sim.set_quantity_at(&sold, store, 9);
    let there = bench.sim.sell_at(store, &[(sold.clone(), 2)]);
    let by_itself = bench.sim.sell(&[(sold.clone(), 1)]);
    assert_eq!((bench.sim.quantity_at(&sold, 501), bench.sim.quantity_at(&sold, store)), (Some(4), Some(7)));
    let too_many = bench.sim.sell(&[(sold, 6)]);
    let ids = [there.clone(), by_itself.clone(), too_many.clone(), "77".to_owned()];
    let assigned = Shopify.assigned_locations(&bench.shop(), &ids).await.unwrap();
    let assigned: BTreeMap<_, _> = assigned.iter().map(|(id, at)| (id.as_str(), at.as_str())).collect();
    let store = store.to_string();
    let expected = [(there.as_str(), store.as_str()), (&by_itself, "501"), (&too_many, &store)];
    assert_eq!(assigned, BTreeMap::from(expected));
}
