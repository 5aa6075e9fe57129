//! Rubbish, and what belongs to others.

use reqwest::Method;
use serde_json::{Value, json};
use system::{Hub, Shop, goods, notification};

/// Status, code, and the pointer of what is wrong.
type Refusal = (u16, &'static str, Option<&'static str>);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_by_name_and_never_with_a_500() {
    let hub = Hub::start().await;
    let item = hub.item("MUG", "Mug", 5).await;
    let location = hub.primary_location().await;
    let line = |line: Value| json!({ "location_id": location, "lines": [line] });
    let name = "n".repeat(501);
    let sku = "s".repeat(256);
    let cases: Vec<(&str, &str, Value, Refusal)> = vec![
        ("POST", "/v1/items", json!({}), (422, "missing_field", None)),
        ("POST", "/v1/items", json!([]), (422, "invalid_field", None)),
        ("POST", "/v1/items", json!({ "sku": "", "name": "x" }), (422, "invalid_field", Some("/sku"))),
        ("POST", "/v1/items", json!({ "sku": sku, "name": "x" }), (422, "invalid_field", Some("/sku"))),
        ("POST", "/v1/items", json!({ "sku": "a", "name": name }), (422, "invalid_field", Some("/name"))),
        (
            "POST",
            "/v1/items",
            json!({ "sku": "a", "name": "x", "colour": "red" }),
            (422, "unknown_field", Some("/colour")),
        ),
        (
            "POST",
            "/v1/items",
            json!({ "sku": "a", "name": "x", "opening_stock": [{ "location_id": location, "quantity": 1.5 }] }),
            (422, "invalid_field", Some("/opening_stock/0/quantity")),
        ),
        (
            "POST",
            "/v1/items",
            json!({ "sku": "a", "name": "x", "opening_stock": [{ "location_id": location, "quantity": 1_000_000_000_i64 }] }),
            (422, "invalid_field", Some("/opening_stock/0/quantity")),
        ),
        (
            "POST",
            "/v1/items",
            json!({ "sku": "a", "name": "x", "selling_price": { "amount": "1.234", "currency": "USD" } }),
            (422, "invalid_price", Some("/selling_price/amount")),
        ),
        ("POST", "/v1/items", json!({ "sku": " mug ", "name": "x" }), (409, "sku_taken", None)),
        (
            "POST",
            "/v1/adjustments",
            line(json!({ "item_id": item, "delta": 0 })),
            (422, "invalid_field", Some("/lines/0/delta")),
        ),
        (
            "POST",
            "/v1/adjustments",
            line(json!({ "item_id": item })),
            (422, "invalid_field", Some("/lines/0")),
        ),
        (
            "POST",
            "/v1/adjustments",
            line(json!({ "item_id": item, "delta": -6 })),
            (409, "not_enough_stock", Some("/lines/0/delta")),
        ),
        (
            "POST",
            "/v1/adjustments",
            line(json!({ "item_id": "itm_0", "delta": 1 })),
            (404, "not_found", Some("/lines/0/item_id")),
        ),
        (
            "POST",
            "/v1/adjustments",
            line(json!({ "item_id": 7, "delta": 1 })),
            (422, "invalid_field", Some("/lines/0/item_id")),
        ),
        (
            "POST",
            "/v1/connections",
            json!({ "channel": "woocommerce", "name": "x", "endpoint": "nonsense", "credentials": { "consumer_key": "a", "consumer_secret": "b" } }),
            (422, "invalid_field", Some("/endpoint")),
        ),
        (
            "POST",
            "/v1/connections",
            json!({ "channel": "woocommerce", "name": "x", "endpoint": "http://127.0.0.1:9", "credentials": { "consumer_key": "a" } }),
            (422, "invalid_credentials", Some("/credentials/consumer_secret")),
        ),
        (
            "POST",
            "/v1/connections",
            json!({ "channel": "market", "name": "x", "credentials": {} }),
            (422, "invalid_field", Some("/channel")),
        ),
        (
            "POST",
            "/v1/listings/bulk",
            json!({ "action": "confirm", "listing_ids": [] }),
            (422, "invalid_field", Some("/listing_ids")),
        ),
        ("GET", "/v1/items?limit=0", Value::Null, (400, "invalid_field", Some("/limit"))),
        ("GET", "/v1/items?limit=many", Value::Null, (400, "invalid_field", Some("/limit"))),
        ("GET", "/v1/items?colour=red", Value::Null, (400, "unknown_parameter", Some("/colour"))),
        ("GET", "/v1/listings?status=lost", Value::Null, (400, "invalid_field", Some("/status"))),
        ("GET", "/v1/nothing", Value::Null, (404, "not_found", None)),
        ("GET", "/v1/items/itm_0", Value::Null, (404, "not_found", None)),
        ("GET", "/v1/items/%00%ff", Value::Null, (404, "not_found", None)),
        ("GET", "/v1/orders/..%2f..", Value::Null, (404, "not_found", None)),
        ("DELETE", "/v1/organization", Value::Null, (405, "method_not_allowed", None)),
        ("POST", "/_local/clock", json!({ "advance": "-PT1H" }), (422, "invalid_field", None)),
        ("POST", "/_local/clock", json!({ "advance": "soon" }), (422, "invalid_field", None)),
    ];
    for (method, path, body, (status, code, pointer)) in cases {
        let mut request = hub.request(method.parse().unwrap(), path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = hub.send(request).await;
        println!("{method} {path} {body}: {} {}", answer.status, answer.body);
        answer.refused(status, code, pointer);
    }
    let json = |text: &str| {
        let request = hub.request(Method::POST, "/v1/items").header("content-type", "application/json");
        hub.send(request.body(text.to_owned()))
    };
    json("{").await.refused(400, "malformed_json", None);
    json("").await.refused(400, "malformed_json", None);
    json(&"[".repeat(100_000)).await.refused(422, "invalid_field", None);
    let huge = format!(r#"{{"sku":"a","name":"{}"}}"#, "n".repeat(1024 * 1024));
    json(&huge).await.refused(413, "body_too_large", None);
    let form = hub.request(Method::POST, "/v1/items").header("content-type", "text/plain").body("sku=a");
    hub.send(form).await.refused(415, "unsupported_media_type", None);
    assert_eq!(hub.list("/v1/items").await.len(), 1, "nothing was half done");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_key_there_is_nothing_to_see() {
    let hub = Hub::start().await;
    hub.send(hub.unsigned(Method::GET, "/v1/items")).await.refused(401, "unauthorized", None);
    for key in ["nonsense", hub.operator_key.as_str()] {
        hub.send(hub.request_as(key, Method::GET, "/v1/items")).await.refused(401, "unauthorized", None);
    }
    let body = json!({ "name": "O", "base_currency": "USD", "country": "US", "time_zone": "UTC" });
    let create = hub.request(Method::POST, "/v1/organizations").json(&body);
    hub.send(create).await.refused(401, "unauthorized", None);
    for open in ["/healthz", "/openapi.json"] {
        hub.send(hub.unsigned(Method::GET, open)).await.done();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organizations_things_do_not_exist() {
    let hub = Hub::start().await;
    let item = hub.item("MUG", "Mug", 5).await;
    let mut shop = Shop::woocommerce("north").await;
    let mug = shop.add(goods("MUG", "Mug", "5.00", 3));
    shop.connect(&hub).await;
    let sync = hub.sync(&shop.connection, "items").await;
    shop.shop.sell(&[(mug, 1)]);
    hub.sync(&shop.connection, "orders").await;
    let listing = shop.listing(&hub, "MUG").await;
    let order = hub.list("/v1/orders").await.remove(0);
    let location = hub.primary_location().await;
    let key = hub.get("/v1/api-keys").await["data"][0]["id"].clone();

    let body = json!({ "name": "Other", "base_currency": "USD", "country": "US", "time_zone": "UTC" });
    let create = hub.request_as(&hub.operator_key, Method::POST, "/v1/organizations").json(&body);
    let other = hub.send(create).await.done()["api_key"].as_str().unwrap().to_owned();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (listing, order, sync, key) =
        (text(&listing["id"]), text(&order["id"]), text(&sync["id"]), text(&key));
    let connection = &shop.connection;
    let paths = [
        format!("GET /v1/items/{item}"),
        format!("GET /v1/items/{item}/stock"),
        format!("GET /v1/items/{item}/movements"),
        format!("GET /v1/items/{item}/listings"),
        format!("GET /v1/items/{item}/availability"),
        format!("POST /v1/items/{item}/push"),
        format!("PATCH /v1/items/{item}"),
        format!("DELETE /v1/items/{item}"),
        format!("GET /v1/locations/{location}"),
        format!("DELETE /v1/locations/{location}"),
        format!("GET /v1/connections/{connection}"),
        format!("PATCH /v1/connections/{connection}"),
        format!("POST /v1/connections/{connection}/disable"),
        format!("POST /v1/connections/{connection}/sync"),
        format!("DELETE /v1/connections/{connection}"),
        format!("GET /v1/syncs/{sync}"),
        format!("GET /v1/syncs/{sync}/records"),
        format!("POST /v1/syncs/{sync}/resync"),
        format!("GET /v1/listings/{listing}"),
        format!("POST /v1/listings/{listing}/confirm"),
        format!("POST /v1/listings/{listing}/unlink"),
        format!("GET /v1/orders/{order}"),
        format!("GET /v1/orders/{order}/customer"),
        format!("GET /v1/api-keys/{key}"),
        format!("DELETE /v1/api-keys/{key}"),
    ];
    for path in paths {
        let (method, path) = path.split_once(' ').unwrap();
        let mut request = hub.request_as(&other, method.parse().unwrap(), path);
        if method == "POST" || method == "PATCH" {
            request =
                request.json(&if path.ends_with("/sync") { json!({ "kind": "items" }) } else { json!({}) });
        }
        let answer = hub.send(request).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
        answer.refused(404, "not_found", None);
    }
    for list in ["items", "connections", "listings", "orders", "syncs", "adjustments"] {
        let found = hub.send(hub.request_as(&other, Method::GET, &format!("/v1/{list}"))).await.done();
        assert_eq!(found["data"], json!([]), "{list}");
    }
    assert_eq!(hub.get(&format!("/v1/connections/{connection}")).await["status"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_with_another_signature_is_refused_and_does_nothing() {
    let hub = Hub::start().await;
    for mut shop in [Shop::woocommerce("north").await, Shop::shopify("east").await] {
        let mug = shop.add(goods("MUG", "Mug", "5.00", 30));
        shop.connect(&hub).await;
        hub.sync(&shop.connection, "items").await;
        shop.deliver(&hub, system::Post::Once).await;
        hub.sync(&shop.connection, "items").await;
        shop.shop.sell(&[(mug, 1)]);
        let deliveries = shop.shop.take_deliveries();
        assert!(!deliveries.is_empty(), "{} announces its orders", shop.name);
        shop.shop.take_calls();
        for mut delivery in deliveries.clone() {
            for (name, value) in &mut delivery.headers {
                if name.contains("signature") || name.contains("hmac") {
                    *value = value.chars().rev().collect();
                }
            }
            hub.send(notification(&hub, &delivery)).await.refused(401, "signature_invalid", None);
            delivery.headers.retain(|name, _| !name.contains("signature") && !name.contains("hmac"));
            hub.send(notification(&hub, &delivery)).await.refused(401, "signature_invalid", None);
        }
        let mut of_none = deliveries[0].clone();
        of_none.url = of_none.url.replace(&shop.connection, "con_0");
        hub.send(notification(&hub, &of_none)).await.refused(404, "not_found", None);
        // Whatever it would have queued would have been done before what this sync waits for.
        hub.sync(&shop.connection, "stock").await;
        let calls = shop.shop.take_calls();
        assert!(calls.iter().all(|call| !call.operation.to_lowercase().contains("order")), "{calls:?}");
        assert_eq!(hub.list(&format!("/v1/orders?connection_id={}", shop.connection)).await.len(), 0);
        // The true ones are taken.
        for delivery in deliveries {
            assert_eq!(hub.send(notification(&hub, &delivery)).await.status, 204);
        }
        system::eventually("the order is in", system::SOON, async || {
            let orders = hub.list(&format!("/v1/orders?connection_id={}", shop.connection)).await;
            if orders.len() == 1 { Ok(()) } else { Err(format!("{orders:?}")) }
        })
        .await;
    }
}
