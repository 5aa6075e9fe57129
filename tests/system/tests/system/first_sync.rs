//! Connecting shops, the first sync, what is linked by itself and what waits for a person.

use jiff::SignedDuration;
use serde_json::{Value, json};
use system::{Hub, Post, Shop, goods, settled};

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_of_another_currency_or_with_wrong_credentials_is_not_connected() {
    let hub = Hub::start().await;
    let euro = Shop::woocommerce_in("EUR", "euro").await;
    euro.try_connect(&hub).await.refused(422, "currency_mismatch", None);

    for (shop, field) in
        [(Shop::woocommerce("north").await, "consumer_secret"), (Shop::shopify("east").await, "access_token")]
    {
        let mut request = shop.request();
        request["credentials"][field] = json!("not_the_right_one");
        hub.post("/v1/connections", request).await.refused(422, "credentials_refused", Some("/credentials"));
    }
    let mut nowhere = euro.request();
    nowhere["endpoint"] = json!("http://127.0.0.1:9");
    let answer = hub.post("/v1/connections", nowhere).await;
    assert!((500..600).contains(&answer.status) || answer.status == 422, "{answer:?}");
    assert_ne!(answer.status, 500, "{answer:?}");
    assert_eq!(hub.whole("/v1/connections").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sync_runs_by_itself_after_half_an_hour_and_not_before() {
    let hub = Hub::start().await;
    hub.item("MUG", "Mug", 20).await;
    let mut shop = Shop::woocommerce("north").await;
    let mug = shop.add(goods("MUG", "Mug", "9.50", 3));
    let connection = shop.connect(&hub).await;
    let at = |field: &str| connection[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(at("next_sync_at").duration_since(at("created_at")), SignedDuration::from_mins(30));

    hub.advance(SignedDuration::from_mins(29)).await;
    assert_eq!(hub.list("/v1/syncs").await, Vec::<Value>::new());
    assert_eq!(shop.shop.quantity(&mug), Some(3));

    hub.advance(SignedDuration::from_mins(1)).await;
    let syncs = hub.list("/v1/syncs").await;
    let mut begun: Vec<_> =
        syncs.iter().map(|s| (s["kind"].as_str().unwrap(), s["trigger"].as_str().unwrap())).collect();
    begun.retain(|(kind, _)| *kind != "stock");
    begun.sort_unstable();
    assert_eq!(begun, [("items", "initial"), ("orders", "initial")]);
    for sync in &syncs {
        let sync = hub.finished(sync["id"].as_str().unwrap()).await;
        assert_eq!(sync["state"], "succeeded", "{sync}");
    }
    settled(&hub, &[&shop]).await;
    assert_eq!(shop.shop.quantity(&mug), Some(20));

    // And from then on every four hours.
    hub.advance(SignedDuration::from_hours(4)).await;
    let scheduled = hub.list("/v1/syncs?kind=items").await;
    assert_eq!(scheduled[0]["trigger"], "schedule", "{scheduled:?}");
    assert_eq!(scheduled.len(), 2, "{scheduled:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_skus_are_linked_and_the_rest_waits_with_the_right_match() {
    let hub = Hub::start().await;
    hub.patch("/v1/organization", json!({ "auto_link": "sku" })).await.done();
    let mug = hub.item("MUG", "Mug", 20).await;
    let tee = hub.item("TEE", "Tee", 30).await;
    let lamp = hub.item("LAMP", "Desk lamp", 4).await;
    let mut north = Shop::woocommerce("north").await;
    let mut south = Shop::woocommerce("south").await;
    let mut east = Shop::shopify("east").await;
    for shop in [&north, &south, &east] {
        // Case and white space do not count.
        shop.add(goods("mug", "Our mug", "9.50", 2));
    }
    north.add(goods("TEE", "Tee", "19.00", 1));
    north.add(goods("BAG", "Canvas bag", "14.00", 12));
    north.add(goods("", "  desk LAMP ", "49.00", 2));
    south.add(goods("", "Odd thing", "1.00", 2));
    east.add(goods("PAIR", "Left", "3.00", 5));
    east.add(goods("PAIR", "Right", "3.00", 6));

    for shop in [&mut north, &mut south, &mut east] {
        shop.connect(&hub).await;
        let sync = hub.sync(&shop.connection, "items").await;
        assert_eq!((&sync["state"], &sync["records"]["failed"]), (&json!("succeeded"), &json!(0)), "{sync}");
    }
    let shops = [&north, &south, &east];
    settled(&hub, &shops).await;

    let listings = hub.list("/v1/listings").await;
    let mut found: Vec<[&str; 4]> = listings
        .iter()
        .map(|listing| {
            let shop = shops.iter().find(|shop| listing["connection_id"] == shop.connection).unwrap();
            let text = |field: &str| listing[field].as_str().unwrap();
            [shop.name.as_str(), text("title").trim(), text("status"), text("match")]
        })
        .collect();
    found.sort_unstable();
    let wanted = [
        ["east", "Left", "unconfirmed", "duplicate_sku"],
        ["east", "Our mug", "linked", "sku_matched"],
        ["east", "Right", "unconfirmed", "duplicate_sku"],
        ["north", "Canvas bag", "unconfirmed", "unmatched"],
        ["north", "Our mug", "linked", "sku_matched"],
        ["north", "Tee", "linked", "sku_matched"],
        ["north", "desk LAMP", "unconfirmed", "name_matched"],
        ["south", "Odd thing", "unconfirmed", "empty_sku"],
        ["south", "Our mug", "linked", "sku_matched"],
    ];
    assert_eq!(found, wanted);
    let of = |title: &str| {
        listings.iter().find(|listing| listing["title"].as_str().unwrap().trim() == title).unwrap()
    };
    assert_eq!(of("desk LAMP")["candidate_item_ids"], json!([lamp]));
    assert_eq!(of("Tee")["item_id"], json!(tee));
    assert_eq!(hub.whole(&format!("/v1/items/{mug}/listings")).await.len(), 3);
    let summary = hub.get("/v1/listings/summary").await;
    assert_eq!((&summary["total"], &summary["by_status"]["linked"]), (&json!(9), &json!(4)), "{summary}");
    assert_eq!(summary["unconfirmed_by_match"]["duplicate_sku"], 2, "{summary}");

    // What waits is of no effect on the shops.
    assert_eq!(of("Canvas bag")["channel_quantity"], 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn confirming_makes_an_item_with_the_stated_defaults_and_says_so() {
    let hub = Hub::start().await;
    let mut north = Shop::woocommerce("north").await;
    let bag = north.add(goods("BAG", "Canvas bag", "14.00", 12));
    north.add(goods("CUP", "Cup", "4.00", 6));
    north.connect(&hub).await;
    hub.sync(&north.connection, "items").await;

    let listing = north.listing(&hub, "BAG").await;
    let path = format!("/v1/listings/{}/confirm", listing["id"].as_str().unwrap());
    let confirmed = hub.post_once("confirm-bag", &path, json!({})).await.done();
    let price = json!({ "amount": "14.00", "currency": "USD" });
    assert_eq!((&confirmed["sku"], &confirmed["name"]), (&json!("BAG"), &json!("Canvas bag")));
    assert_eq!((&confirmed["selling_price"], &confirmed["purchase_price"]), (&price, &price));
    let warning = &confirmed["warnings"][0];
    assert_eq!(warning["code"], "defaults_used", "{confirmed}");
    for field in ["purchase_price", "opening_stock"] {
        assert!(warning["detail"].as_str().unwrap().contains(field), "{warning}");
    }
    let again = hub.post_once("confirm-bag", &path, json!({})).await.done();
    assert_eq!(again, confirmed);
    let stock = hub.get(&format!("/v1/items/{}/stock", confirmed["item_id"].as_str().unwrap())).await;
    assert_eq!((&stock["on_hand"], &stock["committed"]), (&json!(12), &json!(0)));
    settled(&hub, &[&north]).await;
    assert_eq!(north.shop.quantity(&bag), Some(12));

    // What is said is taken, and nothing is warned of.
    let listing = north.listing(&hub, "CUP").await;
    let path = format!("/v1/listings/{}/confirm", listing["id"].as_str().unwrap());
    let location = hub.primary_location().await;
    let cost = json!({ "amount": "1.50", "currency": "USD" });
    let overrides = json!({ "item": {
        "name": "Tin cup", "purchase_price": cost, "opening_stock_value": cost,
        "opening_stock": [{ "location_id": location, "quantity": 40 }],
    }});
    let confirmed = hub.post(&path, overrides).await.done();
    assert_eq!((&confirmed["name"], &confirmed["purchase_price"]), (&json!("Tin cup"), &cost));
    assert!(confirmed["warnings"].as_array().is_none_or(Vec::is_empty), "{confirmed}");
    settled(&hub, &[&north]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_a_listing_that_waits_is_frozen_until_it_is_confirmed() {
    let hub = Hub::start().await;
    let mut north = Shop::woocommerce("north").await;
    let bag = north.add(goods("BAG", "Canvas bag", "14.00", 12));
    north.connect(&hub).await;
    hub.sync(&north.connection, "items").await;
    north.shop.take_deliveries();
    north.shop.sell(&[(bag.clone(), 5)]);
    north.deliver(&hub, Post::Once).await;
    let order = system::eventually("the order is in", system::SOON, async || {
        let mut orders = hub.list("/v1/orders").await;
        orders.pop().ok_or_else(|| "no order".to_owned())
    })
    .await;
    assert_eq!((&order["frozen"], &order["lines"][0]["item_id"]), (&json!(true), &Value::Null), "{order}");

    let listing = north.listing(&hub, "BAG").await;
    let id = listing["id"].as_str().unwrap();
    let item = hub.post(&format!("/v1/listings/{id}/confirm"), json!({})).await.done()["item_id"].clone();
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    let order = system::eventually("the order thaws", system::SOON, async || {
        let order = hub.get(&path).await;
        if order["frozen"] == false { Ok(order) } else { Err(order.to_string()) }
    })
    .await;
    assert_eq!(order["lines"][0]["item_id"], item, "{order}");
    let stock = hub.get(&format!("/v1/items/{}/stock", item.as_str().unwrap())).await;
    assert_eq!(stock["committed"], 5, "{stock}");
    settled(&hub, &[&north]).await;
}
