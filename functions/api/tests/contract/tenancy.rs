//! No key reaches another organization's row.

use domain::listing::Match;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn an_id_of_another_organization_is_an_id_of_nothing() {
    let world = World::new().await;
    let connection = world.connect().await;
    let item = world.item("A").await;
    let home = world.primary().await;
    let listing = world.listing(&connection, 1, Some("B"), Match::Unmatched).await;
    let sync = world.post(&format!("/v1/connections/{connection}/sync"), json!({"kind": "items"})).await.ok();
    let sync = sync["id"].as_str().unwrap();
    let lines = json!([{"item_id": item, "delta": 1}]);
    let adjusted = world.post("/v1/adjustments", json!({"location_id": home, "lines": lines})).await.ok();
    let adjustment = adjusted["id"].as_str().unwrap();
    let lines = json!([{"item_id": item, "quantity": 2}]);
    let received = json!({"location_id": home, "lines": lines});
    let received = world.post("/v1/purchase-receives", received).await.ok();
    let receive = received["id"].as_str().unwrap();
    let there = world.post("/v1/locations", json!({"name": "There", "kind": "warehouse"})).await.ok();
    let moved =
        json!({"from_location_id": home, "to_location_id": there["id"], "lines": lines, "in_transit": true});
    let moved = world.post("/v1/transfers", moved).await.ok();
    let transfer = moved["id"].as_str().unwrap();
    let check = world.post("/v1/verify", json!({})).await.ok();
    let check = check["id"].as_str().unwrap();
    let key = world.get("/v1/api-keys").await.ok()["data"][0]["id"].as_str().unwrap().to_owned();
    let (_, other) = world.new_organization("EUR").await;
    for (method, path) in [
        ("GET", format!("/v1/items/{item}")),
        ("PATCH", format!("/v1/items/{item}")),
        ("DELETE", format!("/v1/items/{item}")),
        ("GET", format!("/v1/items/{item}/stock")),
        ("GET", format!("/v1/items/{item}/movements")),
        ("GET", format!("/v1/items/{item}/listings")),
        ("GET", format!("/v1/items/{item}/availability")),
        ("POST", format!("/v1/items/{item}/push")),
        ("GET", format!("/v1/locations/{home}")),
        ("PATCH", format!("/v1/locations/{home}")),
        ("DELETE", format!("/v1/locations/{home}")),
        ("GET", format!("/v1/adjustments/{adjustment}")),
        ("POST", format!("/v1/adjustments/{adjustment}/void")),
        ("GET", format!("/v1/purchase-receives/{receive}")),
        ("POST", format!("/v1/purchase-receives/{receive}/void")),
        ("GET", format!("/v1/transfers/{transfer}")),
        ("POST", format!("/v1/transfers/{transfer}/receive")),
        ("POST", format!("/v1/transfers/{transfer}/void")),
        ("GET", format!("/v1/verify/{check}")),
        ("GET", format!("/v1/syncs/{check}")),
        ("GET", format!("/v1/connections/{connection}")),
        ("PATCH", format!("/v1/connections/{connection}")),
        ("DELETE", format!("/v1/connections/{connection}")),
        ("POST", format!("/v1/connections/{connection}/enable")),
        ("POST", format!("/v1/connections/{connection}/disable")),
        ("GET", format!("/v1/syncs/{sync}")),
        ("GET", format!("/v1/syncs/{sync}/records")),
        ("POST", format!("/v1/syncs/{sync}/resync")),
        ("POST", format!("/v1/syncs/{sync}/approve")),
        ("POST", format!("/v1/syncs/{sync}/cancel")),
        ("POST", format!("/v1/connections/{connection}/reconcile")),
        ("PATCH", format!("/v1/listings/{listing}")),
        ("POST", format!("/v1/listings/{listing}/release")),
        ("GET", format!("/v1/listings/{listing}")),
        ("POST", format!("/v1/listings/{listing}/confirm")),
        ("POST", format!("/v1/listings/{listing}/unlink")),
        ("GET", format!("/v1/api-keys/{key}")),
        ("DELETE", format!("/v1/api-keys/{key}")),
    ] {
        let body = (method != "GET").then(|| json!({}));
        let answer = world.request(Some(&other), method, &path, body, &[]).await;
        assert_eq!(
            (answer.status, answer.body["code"].as_str()),
            (404, Some("not_found")),
            "{method} {path}"
        );
    }
    let own = world.request(Some(&other), "GET", "/v1/organization", None, &[]).await.ok();
    let lines = json!([{"item_id": item, "delta": 1}]);
    let body = json!({"location_id": own["primary_location_id"], "lines": lines});
    let answer = world.request(Some(&other), "POST", "/v1/adjustments", Some(body), &[]).await;
    answer.refused(404, "not_found", Some("/lines/0/item_id"));
    for list in [
        "items",
        "listings",
        "connections",
        "syncs",
        "adjustments",
        "purchase-receives",
        "transfers",
        "drift",
        "orders",
    ] {
        let answer = world.request(Some(&other), "GET", &format!("/v1/{list}"), None, &[]).await.ok();
        assert_eq!(answer["data"], json!([]), "{list}");
    }
}
