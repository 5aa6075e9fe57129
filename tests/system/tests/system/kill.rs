//! `kill -9` at any moment: the same end.

use std::time::Duration;

use marketplace_sim::Goods;
use system::{Hub, Market, Post, STORY, Shop, Step, goods};

/// The same moments for the same seed.
struct Moments(u64);

impl Moments {
    /// Up to `max_ms` from now.
    async fn next(&mut self, max_ms: u64) {
        // Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // When exactly is what is tried out here: what the hub is in the middle of cannot be asked.
        tokio::time::sleep(Duration::from_millis((self.0 >> 33) % max_ms)).await;
    }
}

/// Kills the hub in the middle of what each step brings about. An adjustment has been answered by then: what becomes of
/// one that has not is a matter of its idempotency key, not of the pipeline.
async fn killed_throughout(seed: u64) {
    let mut market = Market::open().await;
    let mut moments = Moments(seed);
    for (step, _) in STORY {
        let mut requests = market.act(step, Post::Once).await;
        if matches!(step, Step::MugsFound | Step::TeesCounted) {
            for request in requests.drain(..) {
                market.hub.send(request).await.done();
            }
        }
        let telling = tokio::spawn(async move {
            for request in requests {
                // What the hub does not take is lost: a shop does not try again.
                let _ = request.send().await;
            }
        });
        moments.next(400).await;
        market.hub.kill_and_restart().await;
        telling.await.unwrap();
    }
    market.hours_pass().await;
    market.assert_ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_killed_at_every_step_ends_with_the_same_levels_orders_and_listings() {
    killed_throughout(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_killed_at_every_step_at_other_moments_ends_the_same_too() {
    killed_throughout(20_260_731).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_sync_that_is_killed_again_and_again_fetches_every_listing_once() {
    const LISTINGS: usize = 450;
    let mut hub = Hub::start().await;
    let mut shop = Shop::woocommerce("large").await;
    for n in 0..LISTINGS {
        shop.add(Goods { barcode: None, ..goods(&format!("SKU-{n}"), &format!("Thing {n}"), "1.00", 5) });
    }
    shop.connect(&hub).await;
    let path = format!("/v1/connections/{}/sync", shop.connection);
    let sync = hub.post(&path, serde_json::json!({ "kind": "items" })).await.done();
    let mut moments = Moments(7);
    for _ in 0..3 {
        moments.next(300).await;
        hub.kill_and_restart().await;
    }
    let sync = hub.finished(sync["id"].as_str().unwrap()).await;
    assert_eq!(sync["state"], "succeeded", "{sync}");
    assert_eq!(sync["records"]["synced"], LISTINGS, "{sync}");
    let listings = hub.list("/v1/listings").await;
    let mut skus: Vec<&str> = listings.iter().map(|listing| listing["sku"].as_str().unwrap()).collect();
    skus.sort_unstable();
    skus.dedup();
    assert_eq!((listings.len(), skus.len()), (LISTINGS, LISTINGS));
}
