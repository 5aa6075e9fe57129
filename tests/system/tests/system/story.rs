//! An adjustment, orders, an edit, a cancellation: every listing follows, and each order exists once.

use system::{Market, Post, STORY, settled};

/// Tells the hub of each step and waits for its effect everywhere before the next.
async fn told(post: Post) {
    let mut market = Market::open().await;
    for (step, levels) in STORY {
        for request in market.act(step, post).await {
            market.hub.send(request).await.done();
        }
        market.levels_become(levels).await;
        settled(&market.hub, &market.shops()).await;
    }
    market.assert_ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listing_follows_each_change_the_selling_one_included() {
    told(Post::Once).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_announced_twice_and_out_of_order_exists_once() {
    let mut market = Market::open().await;
    let mut late = Vec::new();
    for (step, _) in STORY {
        let requests = market.act(step, Post::Doubled).await;
        // Every third piece of news arrives after all others.
        for (n, request) in requests.into_iter().enumerate() {
            if n % 3 == 2 { late.push(request) } else { drop(market.hub.send(request).await.done()) }
        }
    }
    for request in late.into_iter().rev() {
        market.hub.send(request).await.done();
    }
    market.assert_ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_nobody_announced_are_found_by_the_next_poll() {
    let mut market = Market::open().await;
    for (step, _) in STORY {
        for request in market.act(step, Post::Lost).await {
            market.hub.send(request).await.done();
        }
    }
    market.calm_hours_pass().await;
    market.assert_ended().await;
}
