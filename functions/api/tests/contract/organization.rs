//! The organization, its keys and locations.

use serde_json::json;

use crate::world::{OPERATOR_KEY, World};

#[tokio::test]
async fn settings_are_read_and_changed() {
    let world = World::new().await;
    let before = world.get("/v1/organization").await.ok();
    assert_eq!((&before["base_currency"], &before["taxes_enabled"]), (&json!("EUR"), &json!(false)));
    assert_eq!(
        (&before["order_sync"], &before["auto_link"]),
        (&json!("confirmed_and_fulfilled"), &json!("sku_or_name"))
    );
    let change = json!({"taxes_enabled": true, "order_sync": "confirmed", "auto_link": "off", "time_zone": "Asia/Tokyo"});
    let after = world.patch("/v1/organization", change).await.ok();
    assert_eq!((&after["taxes_enabled"], &after["order_sync"]), (&json!(true), &json!("confirmed")));
    assert_eq!(after["name"], before["name"]);
    for (change, status, pointer) in [
        (json!({"time_zone": "Mars/Olympus"}), 422, "/time_zone"),
        (json!({"country": "Germany"}), 422, "/country"),
        (json!({"base_currency": "euro"}), 422, "/base_currency"),
        (json!({"auto_link": "always"}), 422, "/auto_link"),
        (json!({"name": null}), 422, "/name"),
        (json!({"id": "org_1"}), 422, "/id"),
        (json!({"primary_location_id": "loc_nowhere"}), 404, "/primary_location_id"),
    ] {
        let answer = world.patch("/v1/organization", change).await;
        assert_eq!(
            (answer.status, answer.body["errors"][0]["pointer"].as_str()),
            (status, Some(pointer)),
            "{}",
            answer.body
        );
    }
    world.item("A").await;
    let changed = world.patch("/v1/organization", json!({"base_currency": "USD"})).await;
    changed.refused(409, "base_currency_in_use", None);
    let bad = json!({"name": "X", "base_currency": "EUR", "country": "DE", "time_zone": "nowhere"});
    let answer = world.request(Some(OPERATOR_KEY), "POST", "/v1/organizations", Some(bad), &[]).await;
    answer.refused(422, "invalid_field", Some("/time_zone"));
}

#[tokio::test]
async fn a_key_is_shown_once_and_opens_until_it_is_deleted() {
    let world = World::new().await;
    let made = world.post("/v1/api-keys", json!({"name": "ERP", "scopes": ["read", "admin"]})).await;
    assert_eq!(made.status, 201);
    let secret = made.body["api_key"].as_str().unwrap();
    let path = made.header("location");
    assert_eq!(world.get(path).await.ok().get("api_key"), None);
    assert_eq!(world.get("/v1/api-keys").await.ok()["data"].as_array().unwrap().len(), 2);
    let wider = json!({"name": "More", "scopes": ["pii"]});
    let answer = world.request(Some(secret), "POST", "/v1/api-keys", Some(wider), &[]).await;
    answer.refused(403, "scope_not_held", Some("/scopes"));
    assert_eq!(world.request(Some(secret), "GET", "/v1/items", None, &[]).await.status, 200);
    assert_eq!(world.delete(path).await.status, 204);
    world.request(Some(secret), "GET", "/v1/items", None, &[]).await.refused(401, "unauthorized", None);
    let own = world.get("/v1/api-keys").await.ok()["data"][0]["id"].as_str().unwrap().to_owned();
    world.delete(&format!("/v1/api-keys/{own}")).await.refused(409, "last_admin_key", None);
    world.post("/v1/api-keys", json!({"name": "x", "scopes": []})).await.refused(
        422,
        "invalid_field",
        Some("/scopes"),
    );
}

#[tokio::test]
async fn a_location_in_use_stays() {
    let world = World::new().await;
    let home = world.primary().await;
    let made = world.post("/v1/locations", json!({"name": "Berlin", "address": "Allee 1"})).await;
    assert_eq!((made.status, &made.body["is_primary"]), (201, &json!(false)));
    let path = made.header("location").to_owned();
    let item = world.item("A").await;
    let adjust = |set_to: u32| {
        let lines = json!([{"item_id": item, "set_to": set_to}]);
        world.post("/v1/adjustments", json!({"location_id": made.body["id"], "lines": lines}))
    };
    adjust(4).await.ok();
    world.delete(&path).await.refused(409, "location_in_use", None);
    adjust(0).await.ok();
    assert_eq!(
        world.patch(&path, json!({"is_primary": true, "name": "Potsdam"})).await.ok()["is_primary"],
        true
    );
    world.delete(&path).await.refused(409, "location_is_primary", None);
    world.patch(&path, json!({"is_primary": false})).await.refused(409, "location_is_primary", None);
    world.patch(&path, json!({"kind": "fba"})).await.refused(422, "invalid_field", Some("/kind"));
    world.patch("/v1/organization", json!({"primary_location_id": home})).await.ok();
    assert_eq!(world.delete(&path).await.status, 204);
    assert_eq!(world.get("/v1/locations").await.ok()["data"].as_array().unwrap().len(), 1);
}
