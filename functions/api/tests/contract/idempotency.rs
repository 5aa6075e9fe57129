//! The first answer again.

use std::collections::BTreeSet;

use app::organization::NewApiKey;
use serde_json::json;
use store::api_key::Scope;

use crate::world::{OPERATOR_KEY, World};

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

#[tokio::test]
async fn a_retry_after_a_crash_makes_no_second_key() {
    let world = World::new().await;
    let body = json!({"name": "ERP", "scopes": ["read"]});
    // The key is there; its answer was lost with the process, before it was kept.
    let content = app::secret::digest(&format!("POST /v1/api-keys\n{body}"));
    let now = world.app.clock.now();
    world.app.store.begin_idempotent(&world.organization, "k", &content, now).await.unwrap();
    let id = app::id::of_request(now, &format!("{} k", world.organization));
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
