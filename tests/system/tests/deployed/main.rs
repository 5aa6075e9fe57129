//! The stack as `sam deploy` makes it, spoken to through its HTTP API: its compiled functions behind real queues, the
//! table's stream and the schedule, on a double of AWS. `.ci/deploy-double` deploys it and then runs this, one test at a
//! time: three of them deploy anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod deployed;

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use deployed::{Code, Deployed};
use reqwest::Method;
use serde_json::json;
use system::{Hub, Market, Post, STORY, eventually, settled};

/// The schedule ticks once a minute, and a mapping of a queue asks it every few seconds.
const A_TICK: Duration = Duration::from_secs(150);
/// Long ago, as the table's rows have it, and as its index sorts it.
const DUE: &str = "2026-01-01T00:00:00Z";
const DUE_NS: i64 = 1_767_225_600_000_000_000;
const ORDERS_DURING_AN_UPDATE: i64 = 40;

/// Where nothing is deployed there is nothing to try.
macro_rules! deployed {
    () => {
        match Deployed::from_env() {
            Some(deployed) => deployed,
            None => {
                println!("set aside: nothing is deployed; .ci/deploy-double deploys and runs this");
                return;
            }
        }
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listing_follows_each_change() {
    let deployed = deployed!();
    let mut market = Market::open_on(deployed.hub().await).await;
    for (step, levels) in STORY {
        for request in market.act(step, Post::Once).await {
            market.hub.send(request).await.done();
        }
        market.levels_become(levels).await;
        settled(&market.hub, &market.shops()).await;
    }
    market.assert_ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_started_by_the_schedule() {
    let deployed = deployed!();
    let market = Market::open_on(deployed.hub().await).await;
    let connection = market.north.connection.as_str();
    make_due(&deployed, &market.hub, connection).await;
    eventually("a sync that nobody asked for", A_TICK, async || {
        let syncs = market.hub.list(&format!("/v1/syncs?connection_id={connection}")).await;
        let by_schedule = |sync: &&serde_json::Value| {
            ["schedule", "initial"].iter().any(|trigger| sync["trigger"] == *trigger)
                && sync["state"] == "succeeded"
        };
        syncs.iter().find(by_schedule).map(drop).ok_or_else(|| format!("{syncs:?}"))
    })
    .await;
}

/// No test can move the clock of what is deployed, so the connection's row says that it was due long ago.
async fn make_due(deployed: &Deployed, hub: &Hub, connection: &str) {
    let shown = hub.get(&format!("/v1/connections/{connection}")).await;
    assert!(shown["next_sync_at"].is_string(), "{shown}");
    // Keys have the ids without what tells their kinds apart.
    let organization = hub.get("/v1/organization").await["id"].as_str().expect("an id").to_owned();
    let organization = organization.trim_start_matches("org_");
    let text = |text: String| AttributeValue::S(text);
    deployed
        .dynamodb()
        .update_item()
        .table_name(&deployed.main_table)
        .key("pk", text(format!("O#{organization}")))
        .key("sk", text(format!("CON#{connection}")))
        .update_expression("SET next_sync_at = :at, isk = :isk")
        .condition_expression("attribute_exists(isk)")
        .expression_attribute_values(":at", text(DUE.to_owned()))
        .expression_attribute_values(
            ":isk",
            text(format!("{DUE_NS:020}#{organization}#{}", connection.trim_start_matches("con_"))),
        )
        .send()
        .await
        .expect("the connection's row");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_while_orders_come_loses_none() {
    let deployed = deployed!();
    let market = Market::open_on(deployed.hub().await).await;
    let mug = market.sold("north", "MUG");
    adjust(&market, 200).await;
    market.levels_become([(220, 0), (30, 0)]).await;
    // The double ends the programs that run when their code is replaced, which AWS does not: their messages come again.
    for work in ["order-import", "stock-push"] {
        deployed.hasten(work, 20, 20).await;
    }
    let mut update = deployed.deploy(Code::Next);
    let mut sold = 0;
    while update.try_wait().expect("it runs").is_none() || sold < ORDERS_DURING_AN_UPDATE / 4 {
        if sold < ORDERS_DURING_AN_UPDATE {
            market.north.shop.sell(&[(mug.clone(), 1)]);
            sold += 1;
        }
        for request in market.north.notifications(&market.hub, Post::Once) {
            let again = request.try_clone();
            // A channel asks again where it is not answered.
            if market.hub.send(request).await.status >= 300 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                market.hub.send(again.expect("a body of bytes")).await.done();
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(update.wait().expect("it ran").success(), "the update failed");
    market.levels_become([(220, sold), (30, 0)]).await;
    settled(&market.hub, &market.shops()).await;
    assert_eq!(market.hub.list("/v1/orders").await.len() as i64, sold);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bad_release_gave_up_is_put_back_after_the_rollback() {
    let deployed = deployed!();
    let market = Market::open_on(deployed.hub().await).await;
    // Six runs of stock-push and thirteen receives would take the test hours.
    deployed.hasten("stock-push", 1, 2).await;
    assert!(deployed.deploy(Code::Broken("stock-push")).wait().expect("it ran").success());
    adjust(&market, 3).await;
    let letters = eventually("work that was given up", A_TICK, async || {
        let letters = market.hub.whole("/v1/dead-letters").await;
        if letters.len() >= 2 { Ok(letters) } else { Err(format!("{letters:?}")) }
    })
    .await;
    assert!(letters.iter().all(|letter| letter["task"] == "push_listings"), "{letters:?}");
    assert_ne!(market.north.shop.quantity(&market.sold("north", "MUG")), Some(23));
    assert!(deployed.deploy(Code::First).wait().expect("it ran").success());
    for letter in market.hub.whole("/v1/dead-letters").await {
        let id = letter["id"].as_str().expect("an id");
        market.hub.post(&format!("/v1/dead-letters/{id}/redrive"), json!({})).await.done();
    }
    market.levels_become([(23, 0), (30, 0)]).await;
    settled(&market.hub, &market.shops()).await;
    eventually("no dead letter is left", A_TICK, async || {
        let letters = market.hub.whole("/v1/dead-letters").await;
        if letters.is_empty() { Ok(()) } else { Err(format!("{letters:?}")) }
    })
    .await;
}

/// The secret alone changes no function, and neither does a parameter unless a version is made of it: this fails where the
/// alias goes on with the version of before.
#[tokio::test(flavor = "multi_thread")]
async fn the_operator_s_key_is_changed_without_a_moment_without_one() {
    let deployed = deployed!();
    let hub = deployed.hub().await;
    let (old, new) = (deployed.operator_key(), "another-key-of-the-operator-for-this-test");
    assert_eq!(takes(&hub, [old, new]).await, [true, false]);
    deployed.set_operator_key(new).await;
    let mut update = deployed.deploy(Code::Generation("2"));
    while update.try_wait().expect("it runs").is_none() {
        let taken = takes(&hub, [old, new]).await;
        assert!(taken.contains(&true), "neither key is taken");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(update.wait().expect("it ran").success(), "the update failed");
    assert_eq!(takes(&hub, [old, new]).await, [false, true]);
    deployed.set_operator_key(old).await;
    assert!(deployed.deploy(Code::First).wait().expect("it ran").success());
    assert_eq!(takes(&hub, [old, new]).await, [true, false]);
}

/// Which of the keys may make organizations. None is made: there is no such time zone.
async fn takes(hub: &Hub, keys: [&str; 2]) -> [bool; 2] {
    let body = json!({ "name": "None", "base_currency": "EUR", "country": "DE", "time_zone": "nowhere" });
    let mut taken = [false; 2];
    for (key, taken) in keys.into_iter().zip(&mut taken) {
        let request = hub.request_as(key, Method::POST, "/v1/organizations").json(&body);
        let status = hub.send(request).await.status;
        assert!([401, 422].contains(&status), "neither refused nor taken: {status}");
        *taken = status == 422;
    }
    taken
}

/// So many mugs are found.
async fn adjust(market: &Market, delta: i64) {
    let mug = market.hub.item_by_sku("MUG").await.expect("an item")["id"].clone();
    let body = market.hub.adjustment(json!({ "item_id": mug, "delta": delta })).await;
    market.hub.post("/v1/adjustments", body).await.done();
}
