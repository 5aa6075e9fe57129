//! A channel that fails delays itself alone, and what it missed is made up for.

use jiff::SignedDuration;
use marketplace_sim::Fault;
use serde_json::json;
use system::{Market, Post, SOON, STORY, Shop, Step, assert_laws, eventually, settled};

async fn tell(market: &mut Market, step: Step) {
    for request in market.act(step, Post::Once).await {
        market.hub.send(request).await.done();
    }
}

/// That the listings of `shops` show what they must, whatever the others do.
async fn these_follow(market: &Market, shops: &[&Shop]) {
    for item in market.hub.list("/v1/items").await {
        let path = format!("/v1/items/{}/listings", item["id"].as_str().unwrap());
        eventually(&format!("{} is right where the channel works", item["sku"]), SOON, async || {
            let listings = market.hub.whole(&path).await;
            let behind = listings.iter().find(|listing| {
                shops.iter().any(|shop| listing["connection_id"] == shop.connection)
                    && (listing["push_state"] != "in_sync"
                        || listing["pushed_quantity"] != listing["desired_quantity"])
            });
            behind.map_or(Ok(()), |listing| Err(listing.to_string()))
        })
        .await;
    }
}

async fn status(market: &Market, shop: &Shop) -> serde_json::Value {
    market.hub.get(&format!("/v1/connections/{}", shop.connection)).await["status"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_without_a_channel_delays_only_it_and_ends_the_same() {
    let mut market = Market::open().await;
    market.south.shop.faults().always(Some(Fault::Status(503)));
    for (step, levels) in STORY {
        tell(&mut market, step).await;
        if matches!(step, Step::MugsFound | Step::NorthSells) {
            market.levels_become(levels).await;
            these_follow(&market, &[&market.north, &market.east]).await;
        }
    }
    for _ in 0..6 {
        market.hub.advance(SignedDuration::from_mins(10)).await;
        these_follow(&market, &[&market.north, &market.east]).await;
    }
    assert_eq!(status(&market, &market.south).await, "active");
    market.south.shop.faults().always(None);
    market.hours_pass().await;
    market.assert_ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_answers_html_or_429_delays_itself_alone() {
    for fault in [Fault::Html, Fault::Throttle { retry_after_s: Some(120) }] {
        let mut market = Market::open().await;
        market.north.shop.faults().always(Some(fault));
        tell(&mut market, Step::MugsFound).await;
        market.levels_become(STORY[0].1).await;
        these_follow(&market, &[&market.south, &market.east]).await;
        market.north.shop.faults().always(None);
        market.hub.advance(SignedDuration::from_mins(16)).await;
        settled(&market.hub, &market.shops()).await;
        assert_eq!(status(&market, &market.north).await, "active");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_after_the_work_was_done_changes_nothing() {
    let mut market = Market::open().await;
    market.north.shop.faults().push(Fault::Cut);
    market.east.shop.faults().push(Fault::Cut);
    for (step, _) in STORY {
        tell(&mut market, step).await;
    }
    market.hours_pass().await;
    market.assert_ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_wait_for_new_ones_and_then_everything_is_made_up_for() {
    let mut market = Market::open().await;
    market.north.shop.faults().always(Some(Fault::Status(401)));
    tell(&mut market, Step::MugsFound).await;
    eventually("north needs authorization", SOON, async || {
        let status = status(&market, &market.north).await;
        if status == "needs_authorization" { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    these_follow(&market, &[&market.south, &market.east]).await;
    let mug = market.north.listing(&market.hub, "MUG").await;
    let mug = market.hub.get(&format!("/v1/listings/{}", mug["id"].as_str().unwrap())).await;
    assert_eq!(
        (&mug["push_state"], &mug["reason"]),
        (&json!("disabled"), &json!("needs_authorization")),
        "{mug}"
    );

    // It does not call on, hour after hour, with what was refused.
    market.north.shop.take_calls();
    market.hub.advance(SignedDuration::from_hours(5)).await;
    these_follow(&market, &[&market.south, &market.east]).await;
    assert_eq!(market.north.shop.take_calls(), []);

    let path = format!("/v1/connections/{}", market.north.connection);
    let credentials = json!({ "credentials": market.north.shop.credentials() });
    market.hub.patch(&path, credentials.clone()).await.refused(
        422,
        "credentials_refused",
        Some("/credentials"),
    );
    market.north.shop.faults().always(None);
    assert_eq!(market.hub.patch(&path, credentials).await.done()["status"], "active");
    settled(&market.hub, &market.shops()).await;
    assert_laws(&market.hub, &market.shops()).await;
}
