//! Listings come in and are matched: A1 to A5, A7, A8, A19 to A26, A28 to A35.

use domain::ChannelKind;
use features::shop::varied;
use features::{Hub, Shop, goods};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{HAS_SKU, rows, set_aside, sku_is_the_key};

rows![
    a1_there_is_a_connector_for_each_named_channel,
    a2_a_listing_made_later_appears_once_with_its_data,
    a4_an_identical_sku_links_and_the_record_says_so,
    a4_an_identical_name_links_where_the_sku_is_absent,
    a4_ambiguity_never_links,
    a4_the_setting_decides_what_links_by_itself,
    a5_what_matches_nothing_waits_and_makes_no_item,
    a7_several_listings_link_to_one_item_and_each_is_pushed,
    a8_every_listing_converges_to_the_hubs_number,
    a19_the_first_item_sync_comes_when_it_is_due_and_not_before,
    a20_the_history_tells_mapped_from_unconfirmed,
    a21_a_failed_record_is_named_and_brings_nothing_in,
    a22_a_mended_record_comes_in_at_the_next_sync,
    a23_auto_create_makes_items_of_what_has_a_sku,
    a24_a_group_of_four_attributes_fails_and_its_siblings_come_in,
    a25_a_second_sync_joins_the_one_that_runs,
    a26_what_is_new_waits_until_it_is_acted_on,
    a28_matched_and_unmatched_are_a_view_of_their_own,
    a29_empty_and_duplicate_skus_are_another_view,
    a31_a_new_sku_is_confirmed_as_an_item,
    a33_a_duplicate_sku_names_what_it_collides_with,
    a34_a_matched_sku_is_confirmed_onto_its_item,
    a35_sold_out_listings_stay_out_unless_they_are_wanted,
    a35_a_sold_out_listing_of_a_known_sku_is_linked_all_the_same,
];

/// A hub with a shop that sells these, connected and not fetched yet.
async fn shop_with(on: ChannelKind, all: Vec<marketplace_sim::Goods>) -> (Hub, Shop) {
    let hub = Hub::new().await;
    let mut shop = Shop::open(&hub, on, "north");
    for goods in all {
        shop.shop.add(goods);
    }
    shop.connect(&hub).await;
    (hub, shop)
}

async fn fetched(on: ChannelKind, all: Vec<marketplace_sim::Goods>) -> (Hub, Shop) {
    let (hub, shop) = shop_with(on, all).await;
    let sync = hub.sync(&shop.connection, "items").await;
    assert_eq!(sync["state"], "succeeded", "{sync}");
    (hub, shop)
}

async fn a1_there_is_a_connector_for_each_named_channel(_: ChannelKind) {
    let channels = Hub::new().await.list("/v1/channels").await;
    let keys: Vec<&str> = channels.iter().map(|channel| channel["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["amazon", "ebay", "etsy", "shopify", "woocommerce"]);
}

async fn a2_a_listing_made_later_appears_once_with_its_data(on: ChannelKind) {
    let (hub, shop) = fetched(on, Vec::new()).await;
    let sold = shop.add(goods("NEW", "A new mug", 4));
    for _ in 0..2 {
        hub.sync(&shop.connection, "items").await;
    }
    let listing = hub.listing(&shop.connection, "NEW").await;
    assert_eq!(listing["external_id"], sold.external_id);
    assert_eq!(listing["channel_quantity"], 4);
    assert_eq!(listing["price"]["amount"], "9.50");
    assert!(listing["title"].as_str().unwrap().contains("A new mug"), "{listing}");
}

async fn a4_an_identical_sku_links_and_the_record_says_so(on: ChannelKind) {
    let hub = Hub::new().await;
    let item = hub.item("Mug  Blue", "Something else", 5).await;
    let mut shop = Shop::open(&hub, on, "north");
    shop.add(goods("mug blue", "Mug", 1));
    shop.connect(&hub).await;
    hub.sync(&shop.connection, "items").await;
    let listing = hub.listing(&shop.connection, "mug blue").await;
    assert_eq!((&listing["status"], &listing["item_id"]), (&json!("linked"), &json!(item)));
    let linked = hub.list(&format!("/v1/items/{item}/listings")).await;
    assert_eq!(linked[0]["linked_by"], "sku");
}

async fn a4_an_identical_name_links_where_the_sku_is_absent(on: ChannelKind) {
    let hub = Hub::new().await;
    let item = hub.item("MUG-1", "The Blue Mug", 5).await;
    let mut shop = Shop::open(&hub, on, "north");
    shop.add(goods("OTHER", "the  blue mug", 1));
    shop.connect(&hub).await;
    hub.sync(&shop.connection, "items").await;
    let listing = hub.listing(&shop.connection, "OTHER").await;
    assert_eq!((&listing["status"], &listing["item_id"]), (&json!("linked"), &json!(item)));
    let linked = hub.list(&format!("/v1/items/{item}/listings")).await;
    assert_eq!(linked[0]["linked_by"], "name");
}

async fn a4_ambiguity_never_links(on: ChannelKind) {
    let hub = Hub::new().await;
    hub.item("ONE", "Twin", 5).await;
    hub.item("TWO", "Twin", 5).await;
    hub.item("A", "Apple", 5).await;
    hub.item("B", "Banana", 5).await;
    let mut shop = Shop::open(&hub, on, "north");
    shop.add(goods("THREE", "Twin", 1));
    // The SKU says A, the name says B.
    shop.add(goods("A", "Banana", 1));
    shop.connect(&hub).await;
    hub.sync(&shop.connection, "items").await;
    for sku in ["THREE", "A"] {
        let listing = hub.listing(&shop.connection, sku).await;
        assert_eq!((&listing["status"], &listing["item_id"]), (&json!("unconfirmed"), &Value::Null), "{sku}");
        assert_eq!(listing["candidate_item_ids"].as_array().unwrap().len(), 2, "{sku}: {listing}");
    }
}

async fn a4_the_setting_decides_what_links_by_itself(on: ChannelKind) {
    for (auto_link, by_sku, by_name) in [
        ("off", "unconfirmed", "unconfirmed"),
        ("sku", "linked", "unconfirmed"),
        ("sku_or_name", "linked", "linked"),
    ] {
        let hub = Hub::new().await;
        hub.patch("/v1/organization", json!({"auto_link": auto_link})).await.ok();
        hub.item("MUG", "Mug of clay", 5).await;
        hub.item("TEE", "Tee of linen", 5).await;
        let mut shop = Shop::open(&hub, on, "north");
        shop.add(goods("MUG", "Mug", 1));
        shop.add(goods("OTHER", "Tee of linen", 1));
        shop.connect(&hub).await;
        hub.sync(&shop.connection, "items").await;
        for (sku, status) in [("MUG", by_sku), ("OTHER", by_name)] {
            assert_eq!(hub.listing(&shop.connection, sku).await["status"], status, "{auto_link} {sku}");
        }
    }
}

async fn a5_what_matches_nothing_waits_and_makes_no_item(on: ChannelKind) {
    let (hub, shop) = fetched(on, vec![goods("MUG", "Mug", 3)]).await;
    let listing = hub.listing(&shop.connection, "MUG").await;
    assert_eq!((&listing["status"], &listing["match"]), (&json!("unconfirmed"), &json!("unmatched")));
    assert_eq!(hub.list("/v1/items").await, Vec::<Value>::new());
}

async fn a7_several_listings_link_to_one_item_and_each_is_pushed(on: ChannelKind) {
    let hub = Hub::new().await;
    let item = hub.item("MUG", "Mug", 20).await;
    let mut north = Shop::open(&hub, on, "north");
    let mut south = Shop::open(&hub, on, "south");
    let sold = [
        (0, north.add(goods("MUG", "Mug", 1))),
        (0, north.add(goods("MUG-B", "Second mug", 1))),
        (1, south.add(goods("MUG", "Mug", 1))),
    ];
    for shop in [&mut north, &mut south] {
        shop.connect(&hub).await;
        hub.sync(&shop.connection, "items").await;
    }
    let second = hub.listing(&north.connection, "MUG-B").await;
    let path = format!("/v1/listings/{}/link", second["id"].as_str().unwrap());
    hub.post(&path, json!({"item_id": item})).await.ok();
    hub.settle().await;
    assert_eq!(hub.list(&format!("/v1/items/{item}/listings")).await.len(), 3);
    hub.adjust(&item, -7).await;
    let shops = [&north, &south];
    for (shop, sold) in &sold {
        assert_eq!(shops[*shop].shop.quantity(sold), Some(13));
    }
}

async fn a8_every_listing_converges_to_the_hubs_number(on: ChannelKind) {
    let hub = Hub::new().await;
    let item = hub.item("MUG", "Mug", 20).await;
    let mut shop = Shop::open(&hub, on, "north");
    let sold = shop.add(goods("MUG", "Mug", 3));
    shop.connect(&hub).await;
    hub.sync(&shop.connection, "items").await;
    assert_eq!(shop.shop.quantity(&sold), Some(20), "linking pushes");
    for delta in [5, -9, 30] {
        hub.adjust(&item, delta).await;
        assert_eq!(shop.shop.quantity(&sold), Some(hub.stock(&item).await.0));
    }
    shop.shop.sell(&[(sold.clone(), 4)]);
    hub.settle().await;
    assert_eq!(hub.stock(&item).await, (46, 4));
    assert_eq!(shop.shop.quantity(&sold), Some(42));
}

async fn a19_the_first_item_sync_comes_when_it_is_due_and_not_before(on: ChannelKind) {
    let (hub, shop) = shop_with(on, vec![goods("MUG", "Mug", 3)]).await;
    let due = if on == ChannelKind::Amazon { 15 } else { 30 };
    hub.pass(SignedDuration::from_mins(due - 1)).await;
    assert_eq!(hub.list("/v1/syncs").await, Vec::<Value>::new());
    hub.pass(SignedDuration::from_mins(1)).await;
    let syncs = hub.list(&format!("/v1/syncs?connection_id={}&kind=items", shop.connection)).await;
    assert_eq!((syncs.len(), &syncs[0]["trigger"]), (1, &json!("initial")));
    assert_eq!(syncs[0]["state"], "succeeded");
    hub.listing(&shop.connection, "MUG").await;
}

async fn a20_the_history_tells_mapped_from_unconfirmed(on: ChannelKind) {
    let hub = Hub::new().await;
    hub.item("MUG", "Mug", 20).await;
    let mut shop = Shop::open(&hub, on, "north");
    shop.add(goods("MUG", "Mug", 3));
    shop.add(goods("NEW", "New", 3));
    shop.connect(&hub).await;
    let sync = hub.sync(&shop.connection, "items").await;
    assert_eq!(sync["records"], json!({"synced": 2, "failed": 0, "skipped": 0}));
    let mut found: Vec<(String, String)> = hub
        .records(&sync, "synced")
        .await
        .iter()
        .map(|record| {
            (record["sku"].as_str().unwrap().to_owned(), record["code"].as_str().unwrap().to_owned())
        })
        .collect();
    found.sort();
    let expected = [("MUG", "mapped"), ("NEW", "unconfirmed")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(found, expected);
}

async fn a21_a_failed_record_is_named_and_brings_nothing_in(on: ChannelKind) {
    let (hub, shop) = shop_with(on, vec![goods("GOOD", "Good", 3)]).await;
    let bad = shop.add(goods("BAD", "Bad", 3));
    if !shop.shop.spoil(&bad) {
        set_aside("a21", on, "the simulated shop knows no unreadable listing");
        return;
    }
    let sync = hub.sync(&shop.connection, "items").await;
    assert_eq!((&sync["state"], &sync["records"]["failed"]), (&json!("partial"), &json!(1)), "{sync}");
    let failed = hub.records(&sync, "failed").await;
    assert_eq!(failed[0]["external_id"], bad.external_id);
    assert!(failed[0]["code"].is_string() && failed[0]["reason"].as_str().unwrap().len() > 10, "{failed:?}");
    let listings = hub.list("/v1/listings").await;
    assert_eq!((listings.len(), &listings[0]["sku"]), (1, &json!("GOOD")));
}

async fn a22_a_mended_record_comes_in_at_the_next_sync(on: ChannelKind) {
    let hub = Hub::new().await;
    let mut shop = Shop::open(&hub, on, "north");
    let bad = shop.add(varied("BAD", "Four", 4));
    shop.connect(&hub).await;
    for again in ["at first", "tried again each time"] {
        let sync = hub.sync(&shop.connection, "items").await;
        if sync["records"]["failed"] == 0 {
            set_aside("a22", on, "no listing has four attributes, so there is nothing to mend");
            return;
        }
        assert_eq!(sync["records"]["failed"], 1, "{again}: {sync}");
        hub.clock.advance(SignedDuration::from_mins(10));
    }
    shop.shop.delete(&bad);
    shop.add(varied("BAD", "Three", 3));
    let sync = hub.sync(&shop.connection, "items").await;
    assert_eq!(sync["records"]["failed"], 0, "{sync}");
    assert_eq!(hub.listing(&shop.connection, "BAD").await["status"], "unconfirmed");
}

async fn a23_auto_create_makes_items_of_what_has_a_sku(on: ChannelKind) {
    let mut all = vec![goods("MUG", "Mug", 3)];
    if sku_is_the_key(on) {
        set_aside("a23 without a SKU", on, HAS_SKU);
    } else {
        all.push(goods("", "Nameless", 3));
    }
    let (hub, shop) = shop_with(on, all.clone()).await;
    hub.patch(&shop.path(), json!({"auto_create": true})).await.ok();
    hub.sync(&shop.connection, "items").await;
    let items = hub.list("/v1/items").await;
    assert_eq!((items.len(), &items[0]["sku"]), (1, &json!("MUG")));
    assert_eq!(hub.stock(items[0]["id"].as_str().unwrap()).await, (3, 0));
    assert_eq!(hub.listing(&shop.connection, "MUG").await["status"], "linked");
    assert_eq!(hub.list("/v1/listings?status=unconfirmed").await.len(), all.len() - 1);
}

async fn a24_a_group_of_four_attributes_fails_and_its_siblings_come_in(on: ChannelKind) {
    let (hub, shop) = shop_with(on, vec![varied("THREE", "Three", 3), varied("FOUR", "Four", 4)]).await;
    let sync = hub.sync(&shop.connection, "items").await;
    hub.listing(&shop.connection, "THREE").await;
    let failed = hub.records(&sync, "failed").await;
    match failed.as_slice() {
        [one] => {
            assert_eq!(one["code"], "too_many_attributes");
            assert_eq!(hub.list("/v1/listings").await.len(), 1);
        }
        // A channel whose shops cannot hold a fourth attribute.
        [] => assert_eq!(hub.list("/v1/listings").await.len(), 2),
        more => panic!("{more:?}"),
    }
}

async fn a25_a_second_sync_joins_the_one_that_runs(on: ChannelKind) {
    let (hub, shop) = shop_with(on, vec![goods("MUG", "Mug", 3)]).await;
    let path = format!("{}/sync", shop.path());
    let first = hub.post(&path, json!({"kind": "items"})).await.ok();
    assert!(["queued", "running"].contains(&first["state"].as_str().unwrap()), "{first}");
    let second = hub.post(&path, json!({"kind": "items"})).await.ok();
    assert_eq!(first["id"], second["id"]);
    hub.settle().await;
    assert_eq!(hub.list("/v1/syncs?kind=items").await.len(), 1);
    assert_eq!(hub.list("/v1/listings").await.len(), 1);
    let ended = hub.get(&format!("/v1/syncs/{}", first["id"].as_str().unwrap())).await.ok();
    assert_eq!(ended["state"], "succeeded");
    let third = hub.post(&path, json!({"kind": "items"})).await.ok();
    assert_ne!(first["id"], third["id"]);
}

async fn a26_what_is_new_waits_until_it_is_acted_on(on: ChannelKind) {
    let (hub, shop) = fetched(on, vec![goods("MUG", "Mug", 3), goods("TEE", "Tee", 3)]).await;
    let pending = hub.list("/v1/listings?status=unconfirmed").await;
    assert_eq!(pending.len(), 2);
    let id = hub.listing(&shop.connection, "MUG").await["id"].as_str().unwrap().to_owned();
    hub.post(&format!("/v1/listings/{id}/confirm"), json!({})).await.ok();
    let pending = hub.list("/v1/listings?status=unconfirmed").await;
    assert_eq!((pending.len(), &pending[0]["sku"]), (1, &json!("TEE")));
}

/// Of each kind of match one that waits: links are made by hand alone.
async fn one_of_each(on: ChannelKind) -> (Hub, Shop) {
    let hub = Hub::new().await;
    hub.patch("/v1/organization", json!({"auto_link": "off"})).await.ok();
    hub.item("MATCHED", "An item", 5).await;
    let mut shop = Shop::open(&hub, on, "north");
    for (sku, title) in
        [("MATCHED", "Matched"), ("NOVEL", "Novel"), ("", "Without"), ("TWICE", "First"), ("TWICE", "Second")]
    {
        shop.add(goods(sku, title, 3));
    }
    shop.connect(&hub).await;
    hub.sync(&shop.connection, "items").await;
    (hub, shop)
}

async fn a28_matched_and_unmatched_are_a_view_of_their_own(on: ChannelKind) {
    let (hub, _shop) = one_of_each(on).await;
    for (found, sku) in [("sku_matched", "MATCHED"), ("unmatched", "NOVEL")] {
        let listings = hub.list(&format!("/v1/listings?status=unconfirmed&match={found}")).await;
        let skus: Vec<&Value> = listings.iter().map(|listing| &listing["sku"]).collect();
        if skus.len() > 1 {
            // A channel whose shops refuse a SKU twice gives the second another one.
            assert!(skus.contains(&&json!(sku)), "{skus:?}");
        } else {
            assert_eq!(skus, [&json!(sku)], "{found}");
        }
    }
}

async fn a29_empty_and_duplicate_skus_are_another_view(on: ChannelKind) {
    let (hub, _shop) = one_of_each(on).await;
    let empty = hub.list("/v1/listings?status=unconfirmed&match=empty_sku").await;
    if sku_is_the_key(on) {
        set_aside("a29 without a SKU", on, HAS_SKU);
    }
    assert_eq!(empty.len(), usize::from(!sku_is_the_key(on)), "{empty:?}");
    assert!(empty.iter().all(|listing| listing["sku"].is_null()), "{empty:?}");
    let duplicates = hub.list("/v1/listings?status=unconfirmed&match=duplicate_sku").await;
    assert!(duplicates.iter().all(|listing| listing["sku"] == "TWICE"), "{duplicates:?}");
    if empty.is_empty() && duplicates.is_empty() {
        // The channel refuses a SKU twice, too.
        return;
    }
    // Nor are they confirmed by accident.
    let ids: Vec<&Value> = empty.iter().chain(&duplicates).map(|listing| &listing["id"]).collect();
    let answer = hub.post("/v1/listings/bulk", json!({"action": "confirm", "listing_ids": ids})).await.ok();
    for outcome in answer["data"].as_array().or(answer["results"].as_array()).unwrap() {
        assert_ne!(outcome["outcome"], "done", "{answer}");
    }
    assert_eq!(hub.list("/v1/items").await.len(), 1);
}

async fn a31_a_new_sku_is_confirmed_as_an_item(on: ChannelKind) {
    let (hub, shop) = one_of_each(on).await;
    let listing = hub.listing(&shop.connection, "NOVEL").await;
    assert_eq!(listing["match"], "unmatched");
    hub.post(&format!("/v1/listings/{}/confirm", listing["id"].as_str().unwrap()), json!({})).await.ok();
    let items = hub.list("/v1/items?sku=NOVEL").await;
    assert_eq!((items.len(), &items[0]["name"]), (1, &listing["title"]));
}

async fn a34_a_matched_sku_is_confirmed_onto_its_item(on: ChannelKind) {
    let (hub, shop) = one_of_each(on).await;
    let item = hub.list("/v1/items").await.remove(0);
    let listing = hub.listing(&shop.connection, "MATCHED").await;
    assert_eq!((&listing["match"], &listing["status"]), (&json!("sku_matched"), &json!("unconfirmed")));
    hub.post(&format!("/v1/listings/{}/confirm", listing["id"].as_str().unwrap()), json!({})).await.ok();
    let linked = hub.listing(&shop.connection, "MATCHED").await;
    assert_eq!((&linked["status"], &linked["item_id"]), (&json!("linked"), &item["id"]));
    assert_eq!(hub.list("/v1/items").await.len(), 1, "no second item");
}

async fn a33_a_duplicate_sku_names_what_it_collides_with(on: ChannelKind) {
    let (hub, _shop) = one_of_each(on).await;
    for listing in hub.list("/v1/listings?match=duplicate_sku").await {
        let detail = hub.get(&format!("/v1/listings/{}", listing["id"].as_str().unwrap())).await.ok();
        let others = detail["duplicate_listing_ids"].as_array().unwrap();
        assert!(others.len() == 1 && others[0] != detail["id"], "{detail}");
    }
}

async fn a35_sold_out_listings_stay_out_unless_they_are_wanted(on: ChannelKind) {
    let (hub, shop) = shop_with(on, vec![goods("GONE", "Sold out", 0), goods("MUG", "Mug", 3)]).await;
    let sync = hub.sync(&shop.connection, "items").await;
    assert_eq!(sync["records"], json!({"synced": 1, "failed": 0, "skipped": 1}), "{sync}");
    let skipped = hub.records(&sync, "skipped").await;
    assert_eq!((&skipped[0]["sku"], &skipped[0]["code"]), (&json!("GONE"), &json!("out_of_stock")));
    assert_eq!(hub.list("/v1/listings").await.len(), 1);
    hub.patch(&shop.path(), json!({"import": {"out_of_stock": true}})).await.ok();
    hub.sync(&shop.connection, "items").await;
    hub.listing(&shop.connection, "GONE").await;
}

async fn a35_a_sold_out_listing_of_a_known_sku_is_linked_all_the_same(on: ChannelKind) {
    let hub = Hub::new().await;
    hub.item("GONE", "Sold out", 6).await;
    let mut shop = Shop::open(&hub, on, "north");
    let sold = shop.add(goods("GONE", "Sold out", 0));
    shop.connect(&hub).await;
    hub.sync(&shop.connection, "items").await;
    assert_eq!(hub.listing(&shop.connection, "GONE").await["status"], "linked");
    assert_eq!(shop.shop.quantity(&sold), Some(6));
}
