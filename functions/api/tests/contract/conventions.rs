//! What holds of every route.

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn without_a_valid_key_there_is_nothing() {
    let world = World::new().await;
    for key in [None, Some("ms_wrong"), Some(crate::world::OPERATOR_KEY)] {
        let answer = world.request(key, "GET", "/v1/items", None, &[]).await;
        answer.refused(401, "unauthorized", None);
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    world.request(Some(&world.key), "POST", "/v1/organizations", Some(json!({})), &[]).await.refused(
        401,
        "unauthorized",
        None,
    );
    assert_eq!(world.request(None, "GET", "/healthz", None, &[]).await.status, 200);
    assert_eq!(world.request(None, "GET", "/openapi.json", None, &[]).await.status, 200);
}

#[tokio::test]
async fn each_scope_opens_its_own_routes() {
    let world = World::new().await;
    let made = world.post("/v1/api-keys", json!({"name": "reader", "scopes": ["read"]})).await.ok();
    let reader = made["api_key"].as_str().unwrap();
    assert_eq!(world.request(Some(reader), "GET", "/v1/items", None, &[]).await.status, 200);
    for (method, path, body) in [
        ("POST", "/v1/items", json!({"sku": "A", "name": "A"})),
        ("PATCH", "/v1/organization", json!({})),
        ("GET", "/v1/api-keys", json!({})),
        ("POST", "/v1/connections", json!({})),
        ("GET", "/v1/orders/ord_1_2/customer", json!({})),
    ] {
        let answer = world.request(Some(reader), method, path, Some(body), &[]).await;
        answer.refused(403, "scope_missing", None);
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let world = World::new().await;
    world.get("/v1/nothing").await.refused(404, "not_found", None);
    world.get("/").await.refused(404, "not_found", None);
    world.get("/v1/items/itm_1").await.refused(404, "not_found", None);
    world.get("/v1/items/rubbish").await.refused(404, "not_found", None);
    world.get("/v1/items/%ff").await.refused(404, "not_found", None);
    let answer = world.request(Some(&world.key), "PUT", "/v1/items", Some(json!({})), &[]).await;
    answer.refused(405, "method_not_allowed", None);
    assert!(answer.header("allow").contains("GET"), "{:?}", answer.headers);
}

#[tokio::test]
async fn bodies_are_json_of_a_megabyte_at_most() {
    let world = World::new().await;
    let big = json!({"sku": "A", "name": "x".repeat(1024 * 1024)});
    world.post("/v1/items", big.clone()).await.refused(413, "body_too_large", None);
    let keyed = world.request(Some(&world.key), "POST", "/v1/items", Some(big), &[("idempotency-key", "k")]);
    keyed.await.refused(413, "body_too_large", None);
    let text = [("content-type", "text/plain")];
    let answer = world.request(Some(&world.key), "POST", "/v1/items", Some(json!({})), &text).await;
    answer.refused(415, "unsupported_media_type", None);
}

#[tokio::test]
async fn parameters_are_known_by_name_and_bounded() {
    let world = World::new().await;
    for (path, code, pointer) in [
        ("/v1/items?colour=red", "unknown_parameter", "/colour"),
        ("/v1/organization?x=1", "unknown_parameter", "/x"),
        ("/v1/items?limit=0", "invalid_field", "/limit"),
        ("/v1/items?limit=201", "invalid_field", "/limit"),
        ("/v1/items?limit=ten", "invalid_field", "/limit"),
        ("/v1/items?limit=1&limit=2", "invalid_field", "/limit"),
        ("/v1/items?cursor=stale", "invalid_cursor", "/cursor"),
        ("/v1/listings?status=lost", "invalid_field", "/status"),
        ("/v1/listings?match=perhaps", "invalid_field", "/match"),
        ("/v1/listings?push_state=odd", "invalid_field", "/push_state"),
        ("/v1/listings?connection_id=itm_1", "invalid_field", "/connection_id"),
        ("/v1/orders?frozen=maybe", "invalid_field", "/frozen"),
        ("/v1/orders?source=web", "invalid_field", "/source"),
        ("/v1/syncs?from=yesterday", "invalid_field", "/from"),
        ("/v1/syncs?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "invalid_period", "/to"),
    ] {
        world.get(path).await.refused(400, code, Some(pointer));
    }
}

#[tokio::test]
async fn a_list_goes_on_with_its_cursor_and_no_other() {
    let world = World::new().await;
    for sku in ["A", "B", "C"] {
        world.item(sku).await;
    }
    let first = world.get("/v1/items?limit=2").await.ok();
    assert_eq!(first["data"].as_array().unwrap().len(), 2);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = world.get(&format!("/v1/items?limit=2&cursor={cursor}")).await.ok();
    let pages = [&first, &second].map(|page| page["data"].as_array().unwrap().clone()).concat();
    let mut skus: Vec<&str> = pages.iter().map(|item| item["sku"].as_str().unwrap()).collect();
    skus.sort_unstable();
    assert_eq!(skus, ["A", "B", "C"]);
    assert!(second["next_cursor"].is_null());
    let (_, other) = world.new_organization("EUR").await;
    let path = format!("/v1/items?cursor={cursor}");
    world.request(Some(&other), "GET", &path, None, &[]).await.refused(
        400,
        "invalid_cursor",
        Some("/cursor"),
    );
    world.get(&format!("/v1/orders?cursor={cursor}")).await.refused(400, "invalid_cursor", Some("/cursor"));
}

#[tokio::test]
async fn a_change_can_be_made_dependent_on_what_was_seen() {
    let world = World::new().await;
    let path = format!("/v1/items/{}", world.item("A").await);
    let tag = world.get(&path).await.header("etag").to_owned();
    assert!(tag.starts_with('"'));
    let unchanged = world.request(Some(&world.key), "GET", &path, None, &[("if-none-match", &tag)]).await;
    assert_eq!(unchanged.status, 304);
    let rename = |tag: String, name: &'static str| {
        let (world, path) = (&world, &path);
        async move {
            let headers = [("if-match", tag.as_str())];
            world.request(Some(&world.key), "PATCH", path, Some(json!({"name": name})), &headers).await
        }
    };
    let renamed = rename(tag.clone(), "Second").await;
    assert_eq!(renamed.status, 200, "{}", renamed.body);
    rename(tag.clone(), "Third").await.refused(412, "precondition_failed", None);
    rename(renamed.header("etag").to_owned(), "Third").await.ok();
    let headers = [("if-match", tag.as_str())];
    world.request(Some(&world.key), "DELETE", &path, None, &headers).await.refused(
        412,
        "precondition_failed",
        None,
    );
    assert_eq!(world.get(&path).await.ok()["name"], "Third");
}

#[tokio::test]
async fn every_answer_has_an_id_and_is_not_kept_by_caches() {
    let world = World::new().await;
    for path in ["/v1/items", "/v1/nothing"] {
        let answer = world.get(path).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-request-id").len(), 32);
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_busy_is_503_and_says_when() {
    let world = World::new().await;
    world.faults.next("Query", 1_000, engine::Fault::Throttled);
    let answer = world.get("/v1/items").await;
    answer.refused(503, "temporarily_unavailable", None);
    assert_eq!(answer.header("retry-after"), "1");
}
