//! A page reads no more of a large catalogue than of a small one.

use std::ops::Range;

use domain::listing::Match;

use crate::browser::Browser;
use crate::world::World;

/// More than a number counts before it says that there are more.
const FEW: Range<u32> = 1_000..2_050;
const MANY: Range<u32> = 2_050..3_200;

const PAGES: [&str; 9] = [
    "/",
    "/listings",
    "/listings?match=unmatched",
    "/listings?status=linked",
    "/items",
    "/orders",
    "/stock",
    "/connections",
    "/keys",
];

/// Requests to the table and thousandths of read units, by page.
async fn costs(world: &World, browser: &Browser) -> Vec<(u64, u64)> {
    let mut costs = Vec::new();
    for page in PAGES {
        world.meter.take();
        browser.get(page).await.ok();
        let usage = world.meter.take();
        let requests = usage.calls.values().map(|calls| calls.done + calls.refused).sum();
        costs.push((requests, usage.reads().milli()));
    }
    costs
}

#[tokio::test]
async fn a_page_reads_no_more_of_a_larger_catalogue() {
    let world = World::new().await;
    let shop = world.connect().await;
    for number in FEW {
        world.listing(&shop, number, None, Match::Unmatched).await;
    }
    let browser = Browser::signed_in(&world).await;
    let few = costs(&world, &browser).await;
    for number in MANY {
        world.listing(&shop, number, None, Match::Unmatched).await;
    }
    let many = costs(&world, &browser).await;
    browser.get("/").await.shows("999+");
    browser.get("/listings").await.shows("999+");
    println!("page: requests and read units of {} listings, of {}", FEW.len(), FEW.len() + MANY.len());
    for (page, (few, many)) in PAGES.into_iter().zip(few.into_iter().zip(many)) {
        println!(
            "{page}: {} {}.{:03}, {} {}.{:03}",
            few.0,
            few.1 / 1_000,
            few.1 % 1_000,
            many.0,
            many.1 / 1_000,
            many.1 % 1_000
        );
        assert_eq!(many.0, few.0, "requests of {page}");
        assert!(many.1 <= few.1 + 1_000, "read units of {page}: {} and {}", few.1, many.1);
    }
}
