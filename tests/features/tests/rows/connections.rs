//! The life of a connection: E1 to E7, E9 to E11, E16 to E18.

use domain::ChannelKind;
use features::{Hub, Shop, goods};
use jiff::SignedDuration;
use marketplace_sim::SimulatedShop as _;
use marketplace_sim::amazon::AmazonShop;
use serde_json::{Value, json};

use crate::{rows, set_aside};

rows![
    e1_amazon_is_connected_in_the_countries_that_the_deployment_opens,
    e2_another_currency_is_refused_by_name,
    e3_a_channel_that_collects_taxes_needs_them_counted,
    e4_consent_ends_with_an_active_connection,
    e4_denial_leaves_no_connection,
    e5_what_is_there_comes_in_on_time,
    e6_a_sync_every_four_hours_unless_told_otherwise,
    e7_exactly_eight_intervals,
    e9_items_or_orders_by_hand,
    e10_by_hand_on_all_connections,
    e11_a_period_of_ones_own,
    e16_a_disabled_connection_fetches_and_pushes_nothing,
    e17_enabled_again_it_is_as_it_was,
    e18_one_read_tells_all_of_a_connection,
];

async fn linked(on: ChannelKind) -> (Hub, Shop, marketplace_sim::Sold, String) {
    let hub = Hub::new().await;
    let item = hub.item("MUG", "Mug", 20).await;
    let mut shop = Shop::open(&hub, on, "north");
    let sold = shop.add(goods("MUG", "Mug", 3));
    shop.connect(&hub).await;
    hub.sync(&shop.connection, "items").await;
    (hub, shop, sold, item)
}

/// After connecting.
fn first_sync_minutes(on: ChannelKind) -> i64 {
    if on == ChannelKind::Amazon { 15 } else { 30 }
}

async fn syncs(hub: &Hub, kind: &str) -> Vec<Value> {
    hub.list(&format!("/v1/syncs?kind={kind}")).await
}

const US: &str = "ATVPDKIKX0DER";
const UK: &str = "A1F83G8C2ARO7P";
const INDIA: &str = "A21TJRUUN4KGV";
const GERMANY: &str = "A1PA6795UKMFR9";

/// A seller of these marketplaces, and what connects them.
fn seller(hub: &Hub, name: &str, marketplaces: &'static [&'static str]) -> Value {
    let shop = AmazonShop::new(hub.clock.reader(), features::shop::CURRENCY).in_marketplaces(marketplaces);
    let credentials = shop.credentials();
    let host = format!("{name}.amazon.example");
    hub.shops.add(&host, std::sync::Arc::new(shop));
    json!({"channel": "amazon", "name": name, "endpoint": format!("https://{host}"),
        "marketplace": marketplaces, "credentials": credentials})
}

async fn e1_amazon_is_connected_in_the_countries_that_the_deployment_opens(on: ChannelKind) {
    if on != ChannelKind::Amazon {
        // What is opened by country is Amazon's.
        let hub = Hub::with_editions("DE").await;
        Shop::open(&hub, on, "north").connect(&hub).await;
        return;
    }
    let hub = Hub::new().await;
    for (name, open) in [("us", &[US]), ("uk", &[UK]), ("india", &[INDIA])] {
        hub.post("/v1/connections", seller(&hub, name, open)).await.ok();
    }
    let both = seller(&hub, "both", &[UK, GERMANY]);
    let mut waiting = both.clone();
    waiting["credentials"] = json!({});
    for input in [both, waiting] {
        let refused = hub.post("/v1/connections", input).await.refused(422, "marketplace_not_enabled");
        assert_eq!(refused["errors"][0]["pointer"], "/marketplace/1", "{refused}");
        let says = refused["detail"].as_str().unwrap();
        assert!(
            ["Amazon DE", "GB,IN,US", "add DE to AmazonMarketplaces"].iter().all(|part| says.contains(part))
        );
    }
    assert_eq!(hub.list("/v1/connections").await.len(), 3);
    let open = Hub::with_editions("UK,DE").await;
    open.post("/v1/connections", seller(&open, "both", &[UK, GERMANY])).await.ok();
    let refused = open.post("/v1/connections", seller(&open, "us", &[US])).await;
    refused.refused(422, "marketplace_not_enabled");
}

async fn e2_another_currency_is_refused_by_name(on: ChannelKind) {
    let hub = Hub::new().await;
    let shop = Shop::open_in(&hub, on, "north", "USD");
    hub.post("/v1/connections", shop.input()).await.refused(422, "currency_mismatch");
    assert!(hub.list("/v1/connections").await.is_empty());
}

async fn e3_a_channel_that_collects_taxes_needs_them_counted(on: ChannelKind) {
    let hub = Hub::new().await;
    hub.patch("/v1/organization", json!({"taxes_enabled": false})).await.ok();
    let shop = Shop::open(&hub, on, "north");
    let answer = hub.post("/v1/connections", shop.input()).await;
    if on == ChannelKind::Amazon {
        answer.refused(422, "taxes_disabled");
        assert!(hub.list("/v1/connections").await.is_empty());
    } else {
        answer.ok();
    }
}

/// A connection that brings nothing of the merchant's, and its channel's page of consent.
async fn before_consent(on: ChannelKind) -> (Hub, Shop, url::Url) {
    let hub = Hub::new().await;
    let mut shop = Shop::open(&hub, on, "north");
    let mut input = shop.input();
    let credentials = input["credentials"].as_object_mut().unwrap();
    for of_the_merchant in
        ["refresh_token", "access_token", "selling_partner_id", "shop_id", "consumer_key", "consumer_secret"]
    {
        credentials.remove(of_the_merchant);
    }
    if on == ChannelKind::Shopify {
        // A custom application's keys alone would be let in without a page: the deployment's application has one.
        credentials.clear();
    }
    let waiting = hub.post("/v1/connections", input).await.ok();
    assert_eq!(waiting["status"], "needs_authorization");
    shop.connection = waiting["id"].as_str().unwrap().to_owned();
    let page = hub.post(&format!("{}/authorize", shop.path()), json!({})).await.ok();
    (hub, shop, page["authorization_url"].as_str().unwrap().parse().unwrap())
}

/// What the channel's server brings by itself, before it sends the merchant's browser anywhere.
async fn post_what_is_brought(hub: &Hub, shop: &Shop) {
    for delivery in shop.shop.take_deliveries() {
        let to: url::Url = delivery.url.parse().unwrap();
        let path = format!("{}?{}", to.path(), to.query().unwrap());
        let body = serde_json::from_slice(&delivery.body).unwrap();
        let answer = hub.send(None, "POST", &path, Some(body), &[]).await;
        // WooCommerce takes the keys back for any other answer.
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// The merchant's browser comes back, without a key.
async fn come_back(hub: &Hub, way_back: &url::Url) -> features::hub::Answer {
    let path = format!("{}?{}", way_back.path(), way_back.query().unwrap());
    hub.send(None, "GET", &path, None, &[]).await
}

async fn e4_consent_ends_with_an_active_connection(on: ChannelKind) {
    let (hub, shop, page) = before_consent(on).await;
    let way_back = shop.shop.consent(&page).expect("the channel shows its page");
    post_what_is_brought(&hub, &shop).await;
    let connection = come_back(&hub, &way_back).await.ok();
    assert_eq!((&connection["status"], &connection["id"]), (&json!("active"), &json!(shop.connection)));
    assert_eq!(hub.get(&shop.path()).await.ok()["status"], "active");
    shop.add(goods("MUG", "Mug", 3));
    hub.sync(&shop.connection, "items").await;
    hub.listing(&shop.connection, "MUG").await;
    come_back(&hub, &way_back).await.refused(422, "consent_unknown");
}

async fn e4_denial_leaves_no_connection(on: ChannelKind) {
    let (hub, shop, page) = before_consent(on).await;
    let Some(way_back) = shop.shop.deny(&page) else {
        return set_aside("e4 denied", on, "who does not consent is not sent back");
    };
    come_back(&hub, &way_back).await.refused(409, "consent_denied");
    assert!(hub.list("/v1/connections").await.is_empty());
}

async fn e5_what_is_there_comes_in_on_time(on: ChannelKind) {
    let hub = Hub::new().await;
    let mut shop = Shop::open(&hub, on, "north");
    shop.add(goods("MUG", "Mug", 3));
    let connection = shop.connect(&hub).await;
    let minutes = first_sync_minutes(on);
    let due = hub.app.clock.now().checked_add(SignedDuration::from_mins(minutes)).unwrap();
    assert_eq!(connection["next_sync_at"], due.to_string());
    hub.pass(SignedDuration::from_mins(minutes)).await;
    for kind in ["items", "orders"] {
        let syncs = syncs(&hub, kind).await;
        assert_eq!((syncs.len(), &syncs[0]["state"]), (1, &json!("succeeded")), "{kind}: {syncs:?}");
    }
    hub.listing(&shop.connection, "MUG").await;
}

async fn e6_a_sync_every_four_hours_unless_told_otherwise(on: ChannelKind) {
    let (hub, shop, _, _) = linked(on).await;
    assert_eq!(hub.get(&shop.path()).await.ok()["sync_interval_minutes"], 240);
    hub.pass(SignedDuration::from_mins(first_sync_minutes(on) + 1)).await;
    let scheduled = async || {
        let scheduled = syncs(&hub, "orders").await;
        scheduled.iter().filter(|sync| sync["trigger"] != "manual" && sync["trigger"] != "webhook").count()
    };
    assert_eq!(scheduled().await, 1);
    hub.pass(SignedDuration::from_mins(238)).await;
    assert_eq!(scheduled().await, 1);
    hub.pass(SignedDuration::from_mins(2)).await;
    assert_eq!(scheduled().await, 2);
    hub.pass(SignedDuration::from_mins(240)).await;
    assert_eq!(scheduled().await, 3);
}

async fn e7_exactly_eight_intervals(on: ChannelKind) {
    let (hub, shop, _, _) = linked(on).await;
    for minutes in [30, 60, 90, 120, 150, 180, 210, 240] {
        let changed = hub.patch(&shop.path(), json!({"sync_interval_minutes": minutes})).await.ok();
        assert_eq!(changed["sync_interval_minutes"], minutes);
    }
    for minutes in [0, 15, 29, 45, 100, 239, 241, 300, 1440] {
        let refused = hub.patch(&shop.path(), json!({"sync_interval_minutes": minutes})).await;
        refused.refused(422, "invalid_field");
    }
}

async fn e9_items_or_orders_by_hand(on: ChannelKind) {
    let (hub, shop, _, _) = linked(on).await;
    for kind in ["items", "orders", "stock"] {
        let answer = hub.post(&format!("{}/sync", shop.path()), json!({"kind": kind})).await;
        assert_eq!((answer.status, &answer.body["kind"]), (202, &json!(kind)), "{}", answer.body);
        assert!(answer.body["id"].as_str().unwrap().starts_with("syn_"));
        hub.settle().await;
    }
    let refused = hub.post(&format!("{}/sync", shop.path()), json!({"kind": "everything"})).await;
    assert_eq!(refused.status, 422);
}

async fn e10_by_hand_on_all_connections(on: ChannelKind) {
    let (hub, north, _, _) = linked(on).await;
    let mut others = [Shop::open(&hub, on, "south"), Shop::open(&hub, on, "east")];
    for shop in &mut others {
        shop.connect(&hub).await;
    }
    hub.post(&format!("{}/disable", others[1].path()), json!({})).await.ok();
    let before = syncs(&hub, "items").await.len();
    hub.sync_with(&north.connection, json!({"kind": "items", "all_connections": true})).await;
    let after = syncs(&hub, "items").await;
    assert_eq!(after.len() - before, 2, "one on each that is enabled");
    assert!(after.iter().any(|sync| sync["connection_id"] == others[0].connection));
}

async fn e11_a_period_of_ones_own(on: ChannelKind) {
    let (hub, shop, _, item) = linked(on).await;
    // Of goods that no item is known for: nothing is pushed for them, which would look at all new orders first.
    let sold = shop.add(goods("TEE", "Tee", 5));
    hub.sync(&shop.connection, "items").await;
    let mut placed = Vec::new();
    for _ in 0..3 {
        hub.clock.advance(SignedDuration::from_hours(24));
        placed.push((shop.shop.sell(&[(sold.clone(), 1)]), hub.app.clock.now()));
        shop.shop.take_deliveries();
    }
    hub.clock.advance(SignedDuration::from_hours(24));
    let around = |at: domain::Timestamp, minutes: i64| {
        at.checked_add(SignedDuration::from_mins(minutes)).unwrap().to_string()
    };
    let body = json!({"kind": "orders", "from": around(placed[1].1, -60), "to": around(placed[1].1, 60)});
    for _ in 0..2 {
        hub.sync_with(&shop.connection, body.clone()).await;
        let orders = hub.list("/v1/orders").await;
        assert_eq!((orders.len(), &orders[0]["external_id"]), (1, &json!(placed[1].0)));
        assert_eq!(hub.stock(&item).await, (20, 0));
    }
    let backwards =
        json!({"kind": "orders", "from": around(placed[1].1, 60), "to": around(placed[1].1, -60)});
    let refused = hub.post(&format!("{}/sync", shop.path()), backwards).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
}

async fn e16_a_disabled_connection_fetches_and_pushes_nothing(on: ChannelKind) {
    let (hub, shop, sold, item) = linked(on).await;
    let disabled = hub.post(&format!("{}/disable", shop.path()), json!({})).await.ok();
    assert_eq!(disabled["status"], "inactive");
    shop.shop.take_calls();
    shop.shop.sell(&[(sold.clone(), 1)]);
    hub.adjust(&item, 5).await;
    hub.pass(SignedDuration::from_hours(5)).await;
    assert!(shop.shop.take_calls().is_empty());
    assert_eq!(hub.stock(&item).await, (25, 0));
    hub.post(&format!("{}/sync", shop.path()), json!({"kind": "items"}))
        .await
        .refused(409, "connection_inactive");
    let pushed = hub.list(&format!("/v1/items/{item}/listings")).await;
    assert_eq!(
        (&pushed[0]["push_state"], &pushed[0]["reason"]),
        (&json!("disabled"), &json!("connection_inactive"))
    );
}

async fn e17_enabled_again_it_is_as_it_was(on: ChannelKind) {
    let (hub, shop, sold, item) = linked(on).await;
    hub.patch(&shop.path(), json!({"sync_interval_minutes": 60, "stock_rule": {"buffer": 2}})).await.ok();
    hub.settle().await;
    hub.post(&format!("{}/disable", shop.path()), json!({})).await.ok();
    let order = shop.shop.sell(&[(sold.clone(), 4)]);
    hub.pass(SignedDuration::from_hours(2)).await;
    let enabled = hub.post(&format!("{}/enable", shop.path()), json!({})).await.ok();
    assert_eq!((&enabled["status"], &enabled["sync_interval_minutes"]), (&json!("active"), &json!(60)));
    assert_eq!(hub.listing(&shop.connection, "MUG").await["item_id"], item);
    hub.pass(SignedDuration::from_mins(65)).await;
    let orders = hub.list("/v1/orders").await;
    assert_eq!((orders.len(), &orders[0]["external_id"]), (1, &json!(order)));
    assert_eq!(hub.stock(&item).await, (20, 4));
    assert_eq!(shop.shop.quantity(&sold), Some(14));
}

async fn e18_one_read_tells_all_of_a_connection(on: ChannelKind) {
    let (hub, shop, _, _) = linked(on).await;
    let connection = hub.get(&shop.path()).await.ok();
    for field in [
        "id",
        "channel",
        "name",
        "endpoint",
        "marketplace",
        "currency",
        "status",
        "sync_interval_minutes",
        "next_sync_at",
        "stock_sync",
        "modules",
        "location_mapping",
        "auto_create",
        "drift",
        "fba",
        "stock_rule",
        "import",
    ] {
        assert!(connection.get(field).is_some(), "{field} is missing: {connection}");
    }
    assert!(!connection.to_string().contains("cs_") && connection.get("credentials").is_none());
}
