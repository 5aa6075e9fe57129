//! Taking listings off items: C1 to C5, L13.

use domain::ChannelKind;
use features::{Hub, Shop, goods};
use marketplace_sim::Sold;
use serde_json::{Value, json};

use crate::{rows, set_aside};

rows![
    c1_only_the_chosen_channels_are_unlinked,
    c2_an_unlinked_listing_is_pushed_nothing,
    c3_orders_of_an_unlinked_listing_are_skipped_with_a_reason,
    c4_the_next_sync_brings_it_back_and_it_can_be_linked_elsewhere,
    c5_a_resync_brings_it_back_too,
    l13_unlinked_stays_unlinked_for_a_hundred_syncs,
    l13_what_looks_like_an_item_is_suggested_with_why_and_never_linked,
];

struct Sold2 {
    hub: Hub,
    north: Shop,
    south: Shop,
    sold: [Sold; 2],
    item: String,
}

/// One item in two shops.
async fn two_shops(on: ChannelKind) -> Sold2 {
    let hub = Hub::new().await;
    let item = hub.item("MUG", "Mug", 20).await;
    let mut north = Shop::open(&hub, on, "north");
    let mut south = Shop::open(&hub, on, "south");
    let sold = [&north, &south].map(|shop| shop.add(goods("MUG", "Mug", 3)));
    for shop in [&mut north, &mut south] {
        shop.connect(&hub).await;
        hub.sync(&shop.connection, "items").await;
    }
    Sold2 { hub, north, south, sold, item }
}

impl Sold2 {
    async fn unlink_north(&self) {
        let body = json!({"connection_ids": [self.north.connection]});
        self.hub.post(&format!("/v1/items/{}/unlink", self.item), body).await.ok();
        self.hub.settle().await;
    }
}

async fn c1_only_the_chosen_channels_are_unlinked(on: ChannelKind) {
    let shops = two_shops(on).await;
    shops.unlink_north().await;
    assert_eq!(shops.hub.listing(&shops.north.connection, "MUG").await["status"], "unlinked");
    assert_eq!(shops.hub.listing(&shops.south.connection, "MUG").await["status"], "linked");
}

async fn c2_an_unlinked_listing_is_pushed_nothing(on: ChannelKind) {
    let shops = two_shops(on).await;
    // Queued, and dropped when the listing is taken off before it is sent.
    let primary = shops.hub.get("/v1/organization").await.ok()["primary_location_id"].clone();
    let body = json!({"location_id": primary, "lines": [{"item_id": shops.item, "delta": 5}]});
    shops.hub.post("/v1/adjustments", body).await.ok();
    shops.unlink_north().await;
    shops.hub.adjust(&shops.item, 5).await;
    assert_eq!(shops.north.shop.quantity(&shops.sold[0]), Some(20));
    assert_eq!(shops.south.shop.quantity(&shops.sold[1]), Some(30));
}

async fn c3_orders_of_an_unlinked_listing_are_skipped_with_a_reason(on: ChannelKind) {
    let shops = two_shops(on).await;
    shops.unlink_north().await;
    shops.hub.clock.advance(jiff::SignedDuration::from_mins(10));
    let order = shops.north.shop.sell(&[(shops.sold[0].clone(), 2)]);
    shops.north.shop.take_deliveries();
    shops.hub.clock.advance(jiff::SignedDuration::from_mins(10));
    let sync = shops.hub.sync(&shops.north.connection, "orders").await;
    let skipped = shops.hub.records(&sync, "skipped").await;
    assert_eq!((skipped.len(), &skipped[0]["external_id"]), (1, &json!(order)), "{skipped:?}");
    assert_eq!(skipped[0]["code"], "listing_unlinked");
    assert!(shops.hub.list("/v1/orders").await.is_empty());
    assert_eq!(shops.hub.stock(&shops.item).await, (20, 0));
}

async fn c4_the_next_sync_brings_it_back_and_it_can_be_linked_elsewhere(on: ChannelKind) {
    let shops = two_shops(on).await;
    shops.unlink_north().await;
    shops.hub.sync(&shops.north.connection, "items").await;
    let listing = shops.hub.listing(&shops.north.connection, "MUG").await;
    assert_eq!((&listing["status"], listing["item_id"].is_null()), (&json!("unconfirmed"), true));
    let other = shops.hub.item("CUP", "Cup", 4).await;
    let path = format!("/v1/listings/{}/link", listing["id"].as_str().unwrap());
    shops.hub.post(&path, json!({"item_id": other})).await.ok();
    shops.hub.settle().await;
    assert_eq!(shops.north.shop.quantity(&shops.sold[0]), Some(4));
}

async fn c5_a_resync_brings_it_back_too(on: ChannelKind) {
    let shops = two_shops(on).await;
    let syncs =
        shops.hub.list(&format!("/v1/syncs?connection_id={}&kind=items", shops.north.connection)).await;
    shops.unlink_north().await;
    let path = format!("/v1/syncs/{}/resync", syncs[0]["id"].as_str().unwrap());
    let again = shops.hub.post(&path, json!({})).await.ok();
    shops.hub.settle().await;
    assert_eq!(again["trigger"], "resync");
    assert_eq!(shops.hub.listing(&shops.north.connection, "MUG").await["status"], "unconfirmed");
}

async fn l13_unlinked_stays_unlinked_for_a_hundred_syncs(on: ChannelKind) {
    let shops = two_shops(on).await;
    shops.unlink_north().await;
    for _ in 0..100 {
        shops.hub.sync(&shops.north.connection, "items").await;
    }
    let listing = shops.hub.listing(&shops.north.connection, "MUG").await;
    assert_eq!((&listing["status"], listing["item_id"].is_null()), (&json!("unconfirmed"), true));
}

/// What a listing looks like: item and reasons.
async fn suggested(hub: &Hub, listing: &Value) -> Vec<(String, Vec<String>)> {
    let found = hub.get(&format!("/v1/listings/{}/suggestions", listing["id"].as_str().unwrap())).await.ok();
    let codes = |one: &Value| -> Vec<String> {
        let reasons = one["reasons"].as_array().unwrap().iter();
        reasons
            .map(|reason| {
                assert!(reason["detail"].as_str().unwrap().ends_with('.'), "{reason}");
                reason["code"].as_str().unwrap().to_owned()
            })
            .collect()
    };
    found["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["item_id"].as_str().unwrap().to_owned(), codes(one)))
        .collect()
}

async fn l13_what_looks_like_an_item_is_suggested_with_why_and_never_linked(on: ChannelKind) {
    let hub = Hub::new().await;
    let mug = hub.item("AB-007", "Large red mug", 20).await;
    let tee = hub.item("TEE", "Tee", 20).await;
    hub.patch(&format!("/v1/items/{tee}"), json!({"barcode": "04006381333931"})).await.ok();
    let mut shop = Shop::open(&hub, on, "north");
    shop.add(goods("ab 7", "Cup", 3));
    shop.add(goods("OTHER-1", "Mug, red (large)", 3));
    shop.add(marketplace_sim::Goods {
        barcode: Some("4006381333931".to_owned()),
        ..goods("OTHER-2", "Top", 3)
    });
    shop.add(goods("OTHER-3", "Nothing alike", 3));
    shop.connect(&hub).await;
    for _ in 0..3 {
        hub.sync(&shop.connection, "items").await;
    }
    let of = async |sku: &str| {
        let listing = hub.listing(&shop.connection, sku).await;
        assert_eq!((&listing["status"], &listing["match"]), (&json!("unconfirmed"), &json!("unmatched")));
        (suggested(&hub, &listing).await, listing)
    };
    let because = |item: &str, code: &str| vec![(item.to_owned(), vec![code.to_owned()])];
    let (like_sku, listing) = of("ab 7").await;
    assert_eq!(like_sku, because(&mug, "sku"));
    assert_eq!(of("OTHER-1").await.0, because(&mug, "title"));
    assert_eq!(of("OTHER-3").await.0, []);
    match of("OTHER-2").await {
        (_, listing) if listing["barcode"].is_null() => {
            set_aside("l13 by barcode", on, "listings have no barcode there");
        }
        (like_barcode, _) => assert_eq!(like_barcode, because(&tee, "barcode")),
    }
    // A person takes it, and takes it back: it is not suggested again.
    let path = format!("/v1/listings/{}", listing["id"].as_str().unwrap());
    hub.post(&format!("{path}/link"), json!({"item_id": mug})).await.ok();
    assert_eq!(suggested(&hub, &listing).await, [], "a linked one waits for nobody");
    hub.post(&format!("{path}/unlink"), json!({})).await.ok();
    assert_eq!(suggested(&hub, &listing).await, []);
    // What an item is no more, it is not found by.
    hub.patch(&format!("/v1/items/{mug}"), json!({"name": "Small blue cup"})).await.ok();
    assert_eq!(of("OTHER-1").await.0, []);
    hub.get("/v1/listings/lst_x_404/suggestions").await.refused(404, "not_found");
}
