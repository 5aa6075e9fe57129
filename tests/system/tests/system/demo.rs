//! `cargo run`: the demo.

use std::time::Duration;

use system::{Hub, eventually};

/// From the first start to a demo that sells; in a debug build on a busy machine.
const DEMO: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_links_sells_and_pushes_by_itself_and_survives_a_kill() {
    let mut hub = Hub::start_with(&["--demo-pause", "1"]).await;
    eventually("linked listings that show their number, and orders", DEMO, async || {
        let linked = hub.list("/v1/listings?status=linked").await.len();
        let in_sync = hub.list("/v1/listings?push_state=in_sync").await.len();
        let orders = hub.list("/v1/orders").await.len();
        if linked >= 10 && in_sync >= 5 && orders >= 3 {
            Ok(())
        } else {
            Err(format!("{linked} linked, {in_sync} in sync, {orders} orders"))
        }
    })
    .await;
    let items: Vec<_> = hub.list("/v1/items").await.iter().map(|item| item["id"].clone()).collect();
    let orders: Vec<_> = hub.list("/v1/orders").await.iter().map(|order| order["id"].clone()).collect();
    assert_eq!(items.len(), 8);

    hub.kill_and_restart().await;
    let now: Vec<_> = hub.list("/v1/items").await.iter().map(|item| item["id"].clone()).collect();
    assert_eq!(now, items);
    let kept = hub.list("/v1/orders").await;
    assert!(orders.iter().all(|id| kept.iter().any(|order| order["id"] == *id)), "{kept:?}");
    // And it sells on, in new shops.
    eventually("more orders", DEMO, async || {
        let now = hub.list("/v1/orders").await.len();
        if now > kept.len() { Ok(()) } else { Err(format!("{now} orders")) }
    })
    .await;
    assert!(!hub.log().contains("the demo ended"), "{}", hub.log());
}
