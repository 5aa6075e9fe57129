//! What a person makes of a listing: A3, A6, A9, A11 to A18, A27, A30 to A32, A34, A36.

use domain::ChannelKind;
use features::{Hub, Shop, goods};
use serde_json::{Value, json};

use crate::{HAS_SKU, rows, set_aside, sku_is_the_key};

rows![
    a3_each_listing_can_be_linked_or_made_an_item,
    a6_confirm_and_link_are_idempotent,
    a9_no_document_takes_a_listing,
    a11_the_count_is_that_of_the_list,
    a12_three_actions_and_no_others,
    a13_confirm_takes_the_listings_data,
    a14_update_takes_the_edited_values,
    a15_a_link_pushes_at_once_and_leaves_the_item_as_it_is,
    a16_defaults_are_stated_in_a_warning,
    a16b_confirmed_stock_opens_the_item_and_linked_stock_is_ignored,
    a17_own_values_are_kept_without_a_warning,
    a18_nothing_makes_a_listing_of_an_item,
    a27_in_bulk_each_comes_out_by_itself,
    a30_what_is_left_alone_can_be_restored,
    a32_an_empty_sku_needs_one_to_be_confirmed_and_none_to_be_linked,
    a36_the_first_confirmed_gives_the_item_its_data,
];

struct Waiting {
    hub: Hub,
    shop: Shop,
    sold: marketplace_sim::Sold,
    /// `/v1/listings/{id}`.
    path: String,
}

/// One mug, three on the channel, waiting for a person.
async fn waiting(on: ChannelKind) -> Waiting {
    waiting_with(on, "MUG").await
}

async fn waiting_with(on: ChannelKind, sku: &str) -> Waiting {
    let hub = Hub::new().await;
    let mut shop = Shop::open(&hub, on, "north");
    let sold = shop.add(goods(sku, "Mug", 3));
    shop.connect(&hub).await;
    hub.sync(&shop.connection, "items").await;
    let listing = hub.list("/v1/listings").await.remove(0);
    Waiting { hub, shop, sold, path: format!("/v1/listings/{}", listing["id"].as_str().unwrap()) }
}

fn id(item: &Value) -> &str {
    item["item"]["id"].as_str().or(item["id"].as_str()).unwrap()
}

async fn a3_each_listing_can_be_linked_or_made_an_item(on: ChannelKind) {
    for link in [true, false] {
        let waiting = waiting(on).await;
        let hub = &waiting.hub;
        if link {
            let item = hub.item("OTHER", "Other", 9).await;
            hub.post(&format!("{}/link", waiting.path), json!({"item_id": item})).await.ok();
        } else {
            hub.post(&format!("{}/confirm", waiting.path), json!({})).await.ok();
        }
        let listing = hub.get(&waiting.path).await.ok();
        assert_eq!(listing["status"], "linked");
        let linked = hub.list(&format!("/v1/items/{}/listings", listing["item_id"].as_str().unwrap())).await;
        assert_eq!(linked[0]["linked_by"], "person");
    }
}

async fn a6_confirm_and_link_are_idempotent(on: ChannelKind) {
    let waiting = waiting(on).await;
    let hub = &waiting.hub;
    for _ in 0..2 {
        hub.post(&format!("{}/confirm", waiting.path), json!({})).await.ok();
    }
    let items = hub.list("/v1/items").await;
    assert_eq!(items.len(), 1);
    assert_eq!(hub.stock(id(&items[0])).await, (3, 0));
    for _ in 0..2 {
        hub.post(&format!("{}/link", waiting.path), json!({"item_id": items[0]["id"]})).await.ok();
    }
    assert_eq!(hub.list(&format!("/v1/items/{}/listings", id(&items[0]))).await.len(), 1);
}

async fn a9_no_document_takes_a_listing(on: ChannelKind) {
    let waiting = waiting(on).await;
    let hub = &waiting.hub;
    let listing = hub.get(&waiting.path).await.ok()["id"].clone();
    let primary = hub.get("/v1/organization").await.ok()["primary_location_id"].clone();
    let body = json!({"location_id": primary, "lines": [{"item_id": listing, "delta": 1}]});
    let answer = hub.post("/v1/adjustments", body).await;
    assert!([404, 422].contains(&answer.status), "{} {}", answer.status, answer.body);
    assert_eq!(answer.body["errors"][0]["pointer"], "/lines/0/item_id");
    assert_eq!(hub.list("/v1/adjustments").await, Vec::<Value>::new());
}

async fn a11_the_count_is_that_of_the_list(on: ChannelKind) {
    let waiting = waiting(on).await;
    let hub = &waiting.hub;
    waiting.shop.add(goods("TEE", "Tee", 2));
    hub.sync(&waiting.shop.connection, "items").await;
    let summary = hub.get("/v1/listings/summary").await.ok();
    let listed = hub.list("/v1/listings?status=unconfirmed").await.len();
    assert_eq!(
        summary["unconfirmed"]["total"].as_u64().or(summary["by_status"]["unconfirmed"].as_u64()),
        Some(2),
        "{summary}"
    );
    assert_eq!(listed, 2);
}

async fn a12_three_actions_and_no_others(on: ChannelKind) {
    let waiting = waiting(on).await;
    assert_eq!(waiting.hub.get(&waiting.path).await.ok()["actions"], json!(["confirm", "update", "link"]));
}

async fn a13_confirm_takes_the_listings_data(on: ChannelKind) {
    let waiting = waiting(on).await;
    let listing = waiting.hub.get(&waiting.path).await.ok();
    let made = waiting.hub.post(&format!("{}/confirm", waiting.path), json!({})).await.ok();
    let item = waiting.hub.get(&format!("/v1/items/{}", id(&made))).await.ok();
    assert_eq!((&item["sku"], &item["name"]), (&listing["sku"], &listing["title"]));
    assert_eq!(item["selling_price"], listing["price"]);
    assert_eq!(waiting.hub.get(&waiting.path).await.ok()["status"], "linked");
}

async fn a14_update_takes_the_edited_values(on: ChannelKind) {
    let waiting = waiting(on).await;
    let edited = json!({"item": {"name": "Cup", "sku": "CUP", "selling_price": {"amount": "4.00", "currency": "EUR"}}});
    let made = waiting.hub.post(&format!("{}/confirm", waiting.path), edited).await.ok();
    let item = waiting.hub.get(&format!("/v1/items/{}", id(&made))).await.ok();
    assert_eq!((&item["sku"], &item["name"]), (&json!("CUP"), &json!("Cup")));
    assert_eq!(item["selling_price"]["amount"], "4.00");
}

async fn a15_a_link_pushes_at_once_and_leaves_the_item_as_it_is(on: ChannelKind) {
    let waiting = waiting(on).await;
    let hub = &waiting.hub;
    let item = hub.item("OTHER", "Other", 9).await;
    let before = hub.get(&format!("/v1/items/{item}")).await.ok();
    hub.post(&format!("{}/link", waiting.path), json!({"item_id": item})).await.ok();
    hub.settle().await;
    assert_eq!(waiting.shop.shop.quantity(&waiting.sold), Some(9));
    assert_eq!(hub.get(&format!("/v1/items/{item}")).await.ok(), before);
    assert_eq!(hub.stock(&item).await, (9, 0));
}

async fn a16_defaults_are_stated_in_a_warning(on: ChannelKind) {
    let waiting = waiting(on).await;
    let made = waiting.hub.post(&format!("{}/confirm", waiting.path), json!({})).await.ok();
    let item = waiting.hub.get(&format!("/v1/items/{}", id(&made))).await.ok();
    assert_eq!(item["purchase_price"], item["selling_price"]);
    assert_eq!(item["opening_stock_value"], item["selling_price"]);
    let warning = &made["warnings"][0];
    assert_eq!(warning["code"], "defaults_used");
    for field in ["purchase price", "selling price", "opening stock value"] {
        let named = warning.to_string().replace('_', " ");
        assert!(named.contains(field), "{field} is not named: {warning}");
    }
}

async fn a16b_confirmed_stock_opens_the_item_and_linked_stock_is_ignored(on: ChannelKind) {
    let confirmed = waiting(on).await;
    let made = confirmed.hub.post(&format!("{}/confirm", confirmed.path), json!({})).await.ok();
    assert_eq!(confirmed.hub.stock(id(&made)).await, (3, 0));
    let linked = waiting(on).await;
    let item = linked.hub.item("OTHER", "Other", 9).await;
    linked.hub.post(&format!("{}/link", linked.path), json!({"item_id": item})).await.ok();
    linked.hub.settle().await;
    assert_eq!(linked.hub.stock(&item).await, (9, 0));
    assert_eq!(linked.shop.shop.quantity(&linked.sold), Some(9));
}

async fn a17_own_values_are_kept_without_a_warning(on: ChannelKind) {
    let waiting = waiting(on).await;
    let price = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    let own = json!({"item": {"selling_price": price("12.00"), "purchase_price": price("5.00"), "opening_stock_value": price("4.50")}});
    let made = waiting.hub.post(&format!("{}/confirm", waiting.path), own).await.ok();
    let item = waiting.hub.get(&format!("/v1/items/{}", id(&made))).await.ok();
    assert_eq!(
        (&item["purchase_price"]["amount"], &item["opening_stock_value"]["amount"]),
        (&json!("5.00"), &json!("4.50"))
    );
    assert!(made["warnings"].as_array().is_none_or(Vec::is_empty), "{made}");
}

async fn a18_nothing_makes_a_listing_of_an_item(on: ChannelKind) {
    let waiting = waiting(on).await;
    let hub = &waiting.hub;
    let item = hub.item("OWN", "Only ours", 9).await;
    hub.post(&format!("/v1/items/{item}/push"), json!({})).await.ok();
    hub.sync(&waiting.shop.connection, "items").await;
    hub.sync(&waiting.shop.connection, "stock").await;
    assert_eq!(hub.list("/v1/listings").await.len(), 1);
    let document = hub.get("/openapi.json").await.ok();
    let listings = &document["paths"]["/v1/listings"];
    assert!(listings.get("get").is_some() && listings.get("post").is_none());
}

async fn a27_in_bulk_each_comes_out_by_itself(on: ChannelKind) {
    let waiting = waiting(on).await;
    let hub = &waiting.hub;
    for n in 0..5 {
        waiting.shop.add(goods(&format!("SKU-{n}"), &format!("Goods {n}"), 2));
    }
    hub.sync(&waiting.shop.connection, "items").await;
    let mut ids: Vec<Value> = hub
        .list("/v1/listings?status=unconfirmed")
        .await
        .iter()
        .map(|listing| listing["id"].clone())
        .collect();
    ids.insert(2, json!("lst_nowhere_1"));
    let answer = hub.post("/v1/listings/bulk", json!({"action": "confirm", "listing_ids": ids})).await.ok();
    let outcomes: Vec<&str> =
        answer["data"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["done", "done", "failed", "done", "done", "done", "done"]);
    assert_eq!(hub.list("/v1/items").await.len(), 6);
}

async fn a30_what_is_left_alone_can_be_restored(on: ChannelKind) {
    let waiting = waiting(on).await;
    let hub = &waiting.hub;
    let listing = hub.get(&waiting.path).await.ok()["id"].clone();
    let bulk = |action: &str, reason: Option<&str>| {
        let mut body = json!({"action": action, "listing_ids": [listing]});
        if let Some(reason) = reason {
            body["reason"] = json!(reason);
        }
        hub.post("/v1/listings/bulk", body)
    };
    bulk("dismiss", Some("not sold any more")).await.ok();
    let dismissed = hub.get(&waiting.path).await.ok();
    assert_eq!(
        (&dismissed["status"], &dismissed["dismissed_reason"]),
        (&json!("dismissed"), &json!("not sold any more"))
    );
    hub.sync(&waiting.shop.connection, "items").await;
    assert_eq!(hub.get(&waiting.path).await.ok()["status"], "dismissed", "a sync leaves it alone");
    bulk("restore", None).await.ok();
    assert_eq!(hub.get(&waiting.path).await.ok()["status"], "unconfirmed");
}

async fn a32_an_empty_sku_needs_one_to_be_confirmed_and_none_to_be_linked(on: ChannelKind) {
    if sku_is_the_key(on) {
        return set_aside("a32", on, HAS_SKU);
    }
    let waiting = waiting_with(on, "").await;
    let hub = &waiting.hub;
    assert_eq!(hub.get(&waiting.path).await.ok()["match"], "empty_sku");
    let refused = hub.post(&format!("{}/confirm", waiting.path), json!({})).await;
    assert_eq!(
        (refused.status, &refused.body["errors"][0]["pointer"]),
        (422, &json!("/item/sku")),
        "{}",
        refused.body
    );
    hub.post(&format!("{}/confirm", waiting.path), json!({"item": {"sku": "GIVEN"}})).await.ok();
    assert_eq!(hub.list("/v1/items?sku=GIVEN").await.len(), 1);
    let linked = waiting_with(on, "").await;
    let item = linked.hub.item("OTHER", "Other", 9).await;
    linked.hub.post(&format!("{}/link", linked.path), json!({"item_id": item})).await.ok();
}

async fn a36_the_first_confirmed_gives_the_item_its_data(on: ChannelKind) {
    let waiting = waiting(on).await;
    let hub = &waiting.hub;
    let made = hub.post(&format!("{}/confirm", waiting.path), json!({})).await.ok();
    let mut other = Shop::open(hub, on, "south");
    other.add(goods("MUG", "Another name for it", 8));
    other.connect(hub).await;
    hub.sync(&other.connection, "items").await;
    let joined = hub.listing(&other.connection, "MUG").await;
    assert_eq!((&joined["status"], joined["item_id"].as_str()), (&json!("linked"), Some(id(&made))));
    // A later edit on the channel changes the listing alone.
    waiting.shop.shop.rename(&waiting.sold, None, Some("Renamed".to_owned()));
    hub.sync(&waiting.shop.connection, "items").await;
    let item = hub.get(&format!("/v1/items/{}", id(&made))).await.ok();
    assert_eq!(item["name"], "Mug");
    assert_eq!(hub.stock(id(&made)).await, (3, 0));
}
