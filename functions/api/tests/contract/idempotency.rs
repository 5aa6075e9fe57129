//! The first answer again.

use std::collections::BTreeSet;

use app::organization::NewApiKey;
use app::transfer::Arrival;
use domain::Quantity;
use domain::stock::Actor;
use serde_json::{Value, json};
use store::api_key::Scope;

use crate::fba_world::Amazon;
use crate::world::{Answer, OPERATOR_KEY, World};

#[tokio::test]
async fn the_same_request_is_done_once() {
    let world = World::new().await;
    let post = |key: &'static str, sku: &'static str| {
        let world = &world;
        async move {
            let body = json!({"sku": sku, "name": "A"});
            let headers = [("idempotency-key", key)];
            world.request(Some(&world.key), "POST", "/v1/items", Some(body), &headers).await
        }
    };
    let first = post("k-1", "A").await;
    let again = post("k-1", "A").await;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    for header in ["etag", "location", "content-type"] {
        assert_eq!(first.header(header), again.header(header));
    }
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    post("k-1", "B").await.refused(422, "idempotency_key_reused", None);
    post("k-2", "A").await.refused(409, "sku_taken", None);
    assert_eq!(world.delete(first.header("location")).await.status, 204);
    post("k-2", "A").await.refused(409, "sku_taken", None);
    assert_eq!(post("k-3", "A").await.status, 201);
    let long = "k".repeat(256);
    let headers = [("idempotency-key", long.as_str())];
    let answer = world.request(Some(&world.key), "POST", "/v1/items", Some(json!({})), &headers).await;
    answer.refused(400, "invalid_idempotency_key", None);
    let (_, other) = world.new_organization("EUR").await;
    let headers = [("idempotency-key", "k-1")];
    let body = json!({"sku": "C", "name": "C"});
    assert_eq!(world.request(Some(&other), "POST", "/v1/items", Some(body), &headers).await.status, 201);
}

#[tokio::test]
async fn while_the_first_runs_and_after_a_day() {
    let world = World::new().await;
    let headers = [("idempotency-key", "k")];
    let body = json!({"sku": "A", "name": "A"});
    let send = || world.request(Some(&world.key), "POST", "/v1/items", Some(body.clone()), &headers);
    let digest = "another request";
    let now = world.app.clock.now();
    world.app.store.begin_idempotent(&world.organization, "k", digest, now).await.unwrap();
    assert!([409, 422].contains(&send().await.status));
    world.app.store.abandon_idempotent(&world.organization, "k").await.unwrap();
    assert_eq!(send().await.status, 201);
    world.clock.advance_hours(25);
    send().await.refused(409, "sku_taken", None);
}

#[tokio::test]
async fn an_outage_is_not_held_on_to() {
    let world = World::new().await;
    let headers = [("idempotency-key", "k")];
    let send = || {
        world.request(
            Some(&world.key),
            "POST",
            "/v1/connections",
            Some(crate::world::connection_input()),
            &headers,
        )
    };
    send().await.refused(422, "channel_unavailable", None);
    world.open_shop("shop.example", "EUR");
    assert_eq!(send().await.status, 201);
}

#[tokio::test]
async fn a_secret_is_given_again_to_who_asked_for_it_alone() {
    let world = World::new().await;
    let headers = [("idempotency-key", "k")];
    let body = json!({"name": "ERP", "scopes": ["read", "admin"]});
    let send = |key: String| {
        let (world, body) = (&world, body.clone());
        async move { world.request(Some(&key), "POST", "/v1/api-keys", Some(body), &headers).await }
    };
    let first = send(world.key.clone()).await;
    assert_eq!(send(world.key.clone()).await.body, first.body);
    let made = first.body["api_key"].as_str().unwrap().to_owned();
    send(made).await.refused(422, "idempotency_key_reused", None);
    let body = json!({"name": "Second", "base_currency": "EUR", "country": "DE", "time_zone": "UTC"});
    let make =
        || world.request(Some(OPERATOR_KEY), "POST", "/v1/organizations", Some(body.clone()), &headers);
    assert_eq!(make().await.ok(), make().await.ok());
}

/// The id of a request under the key `k` that has begun; what it did is there, its answer was lost with the process.
async fn begun(world: &World, path: &str, body: &Value) -> String {
    let content = app::secret::digest(&format!("POST {path}\n{body}"));
    let now = world.app.clock.now();
    world.app.store.begin_idempotent(&world.organization, "k", &content, now).await.unwrap();
    app::id::of_request(now, &format!("{} k", world.organization))
}

/// A part of what was sent arrives by a request that dies, and is asked again twice.
async fn assert_arrives_once(world: &World, sent: &Answer, item: &str, location: &str) {
    let path = format!("{}/receive", sent.header("location"));
    let body = json!({"lines": [{"item_id": item, "quantity": 2}]});
    let request = Some(begun(world, &path, &body).await);
    let lines = Some(vec![(item.parse().unwrap(), Quantity::new(2).unwrap())]);
    let arrival = Arrival { lines, request };
    let (organization, actor) = (&world.organization, Actor::ApiKey("key_a".to_owned()));
    let id = sent.body["id"].as_str().unwrap();
    if path.starts_with("/v1/transfers") {
        world.app.receive_transfer(organization, &actor, &id.parse().unwrap(), &arrival).await.unwrap();
    } else {
        world.app.receive_inbound(organization, &actor, &id.parse().unwrap(), &arrival).await.unwrap();
    }
    world.clock.advance_minutes(2);
    let headers = [("idempotency-key", "k")];
    for _ in 0..2 {
        let again = world.request(Some(&world.key), "POST", &path, Some(body.clone()), &headers).await.ok();
        assert_eq!((&again["lines"][0]["received"], &again["state"]), (&json!(2), &json!("in_transit")));
        assert_eq!(world.on_hand_at(item, location).await, 2);
    }
    world.post(&path, body).await.ok();
    assert_eq!(world.on_hand_at(item, location).await, 4);
}

#[tokio::test]
async fn goods_that_arrived_are_counted_once_after_a_crash() {
    let world = World::new().await;
    let (home, there) = (world.primary().await, world.warehouse("There").await);
    let item = world.stocked("A", 9).await;
    let lines = json!([{"item_id": item, "quantity": 6}]);
    let transfer =
        json!({"from_location_id": home, "to_location_id": there, "lines": lines, "in_transit": true});
    let sent = world.post("/v1/transfers", transfer).await;
    assert_arrives_once(&world, &sent, &item, &there).await;

    let amazon = Amazon::tracking().await;
    let (item, _) = amazon.item("A", 9, 0, true).await;
    let home = amazon.world.primary().await;
    let lines = json!([{"item_id": item, "quantity": 6}]);
    let inbound = json!({"connection_id": amazon.connection, "from_location_id": home, "lines": lines});
    let sent = amazon.world.post("/v1/inbound-shipments", inbound).await;
    assert_arrives_once(&amazon.world, &sent, &item, &amazon.location).await;
}

#[tokio::test]
async fn a_retry_after_a_crash_makes_no_second_key() {
    let world = World::new().await;
    let body = json!({"name": "ERP", "scopes": ["read"]});
    let id = begun(&world, "/v1/api-keys", &body).await;
    let scopes: BTreeSet<_> = [Scope::Read].into();
    let new = NewApiKey { name: "ERP".to_owned(), scopes: scopes.clone(), id: Some(id) };
    let made = world.app.create_api_key(&world.organization, &scopes, new).await.unwrap().key;
    world.clock.advance_minutes(2);
    let headers = [("idempotency-key", "k")];
    let send = || world.request(Some(&world.key), "POST", "/v1/api-keys", Some(body.clone()), &headers);
    for _ in 0..2 {
        let refused = send().await;
        refused.refused(409, "api_key_made_before", None);
        assert!(refused.body["detail"].as_str().unwrap().contains(made.id.as_str()));
    }
    let keys = world.app.store.api_keys(&world.organization).await.unwrap();
    assert_eq!(keys.iter().filter(|key| key.name == "ERP").count(), 1);
}
