//! The simulated WooCommerce against the recordings: the recorded requests, sent to a shop prepared as the real one was,
//! are answered as the real one answered, quirks included.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{Goods, SimulatedShop, Sold, Variation};
use serde_json::Value;

fn recorded(name: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/woocommerce");
    serde_json::from_str(&std::fs::read_to_string(folder.join(format!("{name}.json"))).expect(name)).unwrap()
}

fn opened(now: &str) -> WoocommerceShop {
    let now: Timestamp = now.parse().unwrap();
    WoocommerceShop::new(Options::new(Arc::new(move || now)))
}

/// The recorded request, sent to the simulation; its status and body.
fn replayed(shop: &WoocommerceShop, exchange: &Value) -> (u64, Value) {
    let request = &exchange["request"];
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in request["query"].as_object().unwrap() {
        query.append_pair(name, value.as_str().unwrap());
    }
    let scheme = request["scheme"].as_str().unwrap_or("https");
    let uri = format!("{scheme}://shop.example{}?{}", request["path"].as_str().unwrap(), query.finish());
    let mut sent = Request::builder().method(request["method"].as_str().unwrap()).uri(uri);
    if let Some(basic) =
        request["headers"]["Authorization"].as_str().and_then(|text| text.strip_prefix("Basic "))
    {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(basic);
        sent = sent.header("authorization", format!("Basic {encoded}"));
    }
    let body = match &request["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    let response = shop.handle(sent.body(Bytes::from(body)).unwrap());
    (u64::from(response.status().as_u16()), serde_json::from_slice(response.body()).unwrap_or_default())
}

/// Status, and each pointer's value, are the recorded ones.
#[track_caller]
fn check(shop: &WoocommerceShop, name: &str, pointers: &[&str]) {
    let exchange = recorded(name);
    let (status, body) = replayed(shop, &exchange);
    assert_eq!(status, exchange["response"]["status"].as_u64().unwrap(), "{name}: {body}");
    for pointer in pointers {
        assert_eq!(
            body.pointer(pointer),
            exchange["response"]["body"].pointer(pointer),
            "{pointer} of {name}"
        );
    }
}

/// The goods that the recordings name, under their ids.
fn stocked() -> WoocommerceShop {
    let shop = opened("2026-11-21T20:00:21Z");
    let simple = |id: u64, sku: &str, title: &str, quantity: Option<i64>| {
        shop.set_next_id(id);
        let goods = Goods {
            sku: Some(sku.to_owned()),
            title: title.to_owned(),
            price: "17.90".to_owned(),
            quantity,
            ..Goods::default()
        };
        shop.add(goods);
    };
    simple(11, "MUG-001", "Enamel Mug & Saucer", Some(25));
    simple(12, "BELL-002", "Brass Bell", Some(33));
    simple(21, "POST-009", "Print on Demand Poster", None);
    simple(24, "TOW-012", "Linen Towel", Some(40));
    let variation = |sku: Option<&str>, option: &str, quantity| Variation {
        sku: sku.map(str::to_owned),
        price: "29.90".to_owned(),
        quantity,
        attributes: vec![("Size".to_owned(), option.to_owned())],
    };
    shop.set_next_id(28);
    shop.add(Goods {
        sku: Some("SHIRT".to_owned()),
        title: "Trail Shirt".to_owned(),
        quantity: Some(20),
        variations: vec![
            variation(Some("SHIRT-BLUE-S"), "S", Some(5)),
            variation(None, "M", None),
            variation(Some("SHIRT-RED-L"), "L", Some(0)),
        ],
        ..Goods::default()
    });
    shop.set_next_id(34);
    let candle = vec![variation(Some("CANDLE-PINE"), "Pine", Some(11))];
    shop.add(Goods { title: "Candle".to_owned(), variations: candle, ..Goods::default() });
    shop
}

#[test]
fn single_writes_are_answered_as_recorded() {
    let stock = ["/id", "/sku", "/manage_stock", "/stock_quantity", "/stock_status"];
    let error = ["/code", "/message", "/data/status"];
    let shop = stocked();
    for name in [
        "stock-put-one",
        "stock-put-zero",
        "stock-put-null",
        "stock-put-number-as-text",
        "stock-put-negative",
        "stock-put-unmanaged",
        "stock-put-unmanaged-with-manage-stock",
        "stock-put-manage-stock-off",
        "stock-put-variation",
        "stock-put-variation-of-managed-parent",
        "stock-get-parent-after-variation-put",
        "stock-put-parent-of-variations",
    ] {
        check(&shop, name, &stock);
    }
    check(
        &shop,
        "variations-list-after-parent-put",
        &["/0/sku", "/1/sku", "/1/manage_stock", "/1/stock_quantity"],
    );
    for name in [
        "stock-put-text",
        "stock-put-fraction",
        "stock-put-true",
        "stock-put-missing",
        "stock-put-variation-on-product-route",
        "stock-put-bad-json",
        "products-get-missing",
        "products-create-duplicate-sku",
        "variations-get-wrong-parent",
    ] {
        check(&shop, name, &error);
    }
    check(&shop, "products-create-duplicate-sku", &["/data/resource_id", "/data/unique_sku"]);
}

#[test]
fn batches_are_answered_as_recorded() {
    let shop = stocked();
    check(
        &shop,
        "stock-batch-ok",
        &["/update/0/stock_quantity", "/update/2/stock_status", "/update/1/id", "/update/3"],
    );
    check(&shop, "stock-batch-with-fields", &[""]);
    check(
        &shop,
        "stock-batch-item-errors",
        &[
            "/update/0",
            "/update/1/stock_quantity",
            "/update/2/error/code",
            "/update/2/error/data",
            "/update/3/id",
            "/update/3/error/code",
            "/update/4/id",
            "/update/4/error/code",
        ],
    );
    let sold = |id: u64| Sold { external_id: id.to_string(), variation_id: None };
    shop.set_quantity(&sold(12), 33);
    check(
        &shop,
        "stock-batch-untyped-items",
        &["/update/0/stock_quantity", "/update/1/stock_quantity", "/update/2/stock_quantity"],
    );
    check(&shop, "stock-batch-same-id-twice", &["/update/0/stock_quantity", "/update/1/stock_quantity"]);
    check(&shop, "stock-batch-empty", &[""]);
    check(&shop, "stock-batch-101", &["/code", "/message", "/data"]);
    check(&shop, "variations-batch-ok", &["/update/0/stock_quantity", "/update/1/stock_quantity"]);
    check(&shop, "variations-batch-item-errors", &["/update/0", "/update/1", "/update/2/stock_quantity"]);
    check(&shop, "variations-get-after-wrong-parent-batch", &["/stock_quantity", "/parent_id"]);
    check(&shop, "variations-batch-missing-parent", &[""]);
}

#[test]
fn lists_are_answered_as_recorded() {
    let shop = stocked();
    check(&shop, "products-list-per-page-101", &["/code", "/message", "/data/status", "/data/params"]);
    check(&shop, "products-list-modified-after-bad", &["/code"]);
    check(&shop, "products-list-sku-of-variation", &["/0/id", "/0/type", "/0/parent_id", "/1"]);
    check(&shop, "products-list-sku-other-case", &["/0/id", "/0/name", "/1"]);
    check(&shop, "products-list-sku-none", &[""]);
    check(&shop, "variations-list-missing-parent", &[""]);
    check(&shop, "variations-list-of-simple", &[""]);
    check(&shop, "orders-list-unknown-status", &["/code", "/message"]);
    check(&shop, "orders-get-missing", &["/code", "/message"]);
    check(&shop, "orders-put-missing", &["/code", "/message"]);
    check(&shop, "webhooks-create-bad-topic", &["/code", "/message"]);
    check(&shop, "webhooks-create-no-url", &["/code", "/message"]);
    check(&shop, "webhooks-create-bad-url", &["/code", "/message"]);
    check(&shop, "webhooks-get-missing", &["/code", "/message"]);
    check(&shop, "webhooks-delete-without-force", &["/code", "/message"]);
    check(
        &shop,
        "webhooks-create",
        &["/id", "/status", "/topic", "/delivery_url", "/secret", "/resource", "/event"],
    );
}

/// A filter with a zone beside `dates_are_gmt` is shifted by the shop's own zone, and changes are missed.
#[test]
fn time_filters_are_misread_as_recorded() {
    let shop = opened("2026-11-21T19:59:23Z");
    shop.add(Goods::default());
    for name in [
        "products-list-modified-after",
        "products-list-modified-after-zone",
        "products-list-modified-after-local-time",
        "products-list-modified-after-zone-without-gmt",
        "products-list-modified-after-nothing",
    ] {
        let exchange = recorded(name);
        let found = |body: &Value| !body.as_array().unwrap().is_empty();
        let (_, body) = replayed(&shop, &exchange);
        assert_eq!(found(&body), found(&exchange["response"]["body"]), "{name}");
    }
}

#[test]
fn who_may_not_come_in_is_told_as_recorded() {
    let shop = stocked();
    for name in [
        "error-unknown-key",
        "error-wrong-secret",
        "error-no-auth",
        "error-basic-over-http",
        "error-no-route",
        "error-no-namespace",
        "error-method-not-allowed",
    ] {
        check(&shop, name, &[""]);
    }
    check(&shop, "auth-query-string", &[""]);
    // The recorded signature is right at its own time, once.
    let signed = recorded("auth-oauth1-http");
    let sent_at: i64 = signed["request"]["query"]["oauth_timestamp"].as_str().unwrap().parse().unwrap();
    let shop = opened(&Timestamp::from_second(sent_at + 60).unwrap().to_string());
    assert_eq!(replayed(&shop, &signed).0, 200);
    assert_eq!(replayed(&shop, &signed).0, 401, "the same nonce again");
    check(&shop, "error-oauth1-old-timestamp", &[""]);
}

/// The table of the recordings: stock 10, an order of 3, through every status.
#[test]
fn stock_follows_the_statuses_as_recorded() {
    let shop = opened("2026-11-21T20:00:00Z");
    let sold = shop.add(Goods { quantity: Some(10), ..Goods::default() }).remove(0);
    let order = shop.sell_unpaid(&[(sold.clone(), 3)]);
    assert_eq!(shop.quantity(&sold), Some(10));
    for (status, stock) in [
        ("on-hold", 7),
        ("processing", 7),
        ("completed", 7),
        ("cancelled", 10),
        ("processing", 7),
        ("failed", 10),
        ("processing", 7),
        ("refunded", 7),
        ("pending", 10),
        ("processing", 7),
    ] {
        shop.set_status(&order, status);
        assert_eq!(shop.quantity(&sold), Some(stock), "{status}");
    }
}

/// What leaves for a receiver has the recorded headers, and tells of the update before the creation.
#[test]
fn deliveries_look_as_recorded() {
    let shop = stocked();
    for topic in ["order.created", "order.updated"] {
        let mut create = recorded("webhooks-create");
        create["request"]["body"]["topic"] = topic.into();
        assert_eq!(replayed(&shop, &create).0, 201);
    }
    let pings = shop.take_deliveries();
    let ping = recorded("webhooks-ping");
    assert_eq!(pings[0].body, ping["request"]["raw_body"].as_str().unwrap());
    assert!(pings.iter().all(|ping| !ping.headers.keys().any(|name| name.starts_with("x-wc"))));
    let sold = Sold { external_id: "11".to_owned(), variation_id: None };
    shop.sell(&[(sold, 1)]);
    let told = shop.take_deliveries();
    let topics: Vec<_> = told.iter().map(|one| one.headers["x-wc-webhook-topic"].as_str()).collect();
    assert_eq!(topics, ["order.updated", "order.created"]);
    let real = recorded("webhooks-delivery-order-created");
    for name in real["request"]["headers"].as_object().unwrap().keys().filter(|name| name.starts_with("X-WC"))
    {
        assert!(told[0].headers.contains_key(&name.to_lowercase()), "{name}");
    }
    assert_eq!(shop.disable_webhooks("order.updated"), 1);
    shop.sell(&[(Sold { external_id: "12".to_owned(), variation_id: None }, 1)]);
    assert_eq!(shop.take_deliveries().len(), 1);
}

#[test]
fn notes_and_completion_are_answered_as_recorded() {
    let shop = stocked();
    let sold = Sold { external_id: "11".to_owned(), variation_id: None };
    shop.set_next_id(39);
    shop.sell(&[(sold.clone(), 1)]);
    check(&shop, "order-notes-create-customer", &["/author", "/note", "/customer_note"]);
    check(
        &shop,
        "order-notes-list",
        &["/0/author", "/0/note", "/0/customer_note", "/1/note", "/1/customer_note"],
    );
    let shop = opened("2026-11-21T19:59:38Z");
    shop.set_next_id(42);
    shop.sell(&[(sold, 1)]);
    check(
        &shop,
        "orders-put-completed",
        &["/id", "/status", "/date_modified_gmt", "/date_completed", "/date_completed_gmt"],
    );
    check(&shop, "orders-put-completed-again", &["/id", "/status", "/date_completed_gmt"]);
    let orders = shop.orders();
    assert_eq!(shop.shipments(&orders[0]), []);
}
