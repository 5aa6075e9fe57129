//! A listing that is edited in its shop: overwritten when stock next moves, and found without that within a day.

use jiff::SignedDuration;
use serde_json::json;
use system::{Hub, Post, SOON, Shop, eventually, goods, settled};

const SKU: &str = "TEST_SS7052";

/// A WooCommerce and a Shopify shop with one item of five, and what each calls it.
async fn market(hub: &Hub) -> (Shop, marketplace_sim::Sold, Shop, marketplace_sim::Sold) {
    hub.item(SKU, "Shirt", 5).await;
    let mut north = Shop::woocommerce("north").await;
    let mut east = Shop::shopify("east").await;
    let in_north = north.add(goods(SKU, "Shirt in north", "9.50", 2));
    let in_east = east.add(goods(SKU, "Shirt in east", "9.50", 3));
    for shop in [&mut north, &mut east] {
        shop.connect(hub).await;
        hub.sync(&shop.connection, "items").await;
        shop.deliver(hub, Post::Once).await;
    }
    settled(hub, &[&north, &east]).await;
    (north, in_north, east, in_east)
}

#[tokio::test(flavor = "multi_thread")]
async fn d16_the_seven_steps_and_the_selling_listing_is_corrected_too() {
    let hub = Hub::start().await;
    let (north, in_north, east, in_east) = market(&hub).await;
    let (seller, sold, other) = (north, in_north, east);
    // 1, 2: the hub has 5; the listing is edited to 10. 3: nothing is sent, and the hub stays at 5.
    seller.shop.set_quantity(&sold, 10);
    seller.shop.take_calls();
    hub.advance(SignedDuration::from_secs(30)).await;
    let item = hub.item_by_sku(SKU).await.unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(hub.get(&format!("/v1/items/{item}/stock")).await["available"], 5);
    let sent = seller.shop.take_calls().into_iter().filter(|call| call.operation.contains("batch")).count();
    assert_eq!((sent, seller.shop.quantity(&sold)), (0, Some(10)));
    // 4 to 6: an order is placed, fetched and reserved. 7: every listing has the new level.
    seller.shop.sell(&[(sold.clone(), 2)]);
    seller.deliver(&hub, Post::Once).await;
    eventually("the order is reserved", SOON, async || {
        let stock = hub.get(&format!("/v1/items/{item}/stock")).await;
        if stock["available"] == 3 { Ok(()) } else { Err(stock.to_string()) }
    })
    .await;
    settled(&hub, &[&seller, &other]).await;
    assert_eq!((seller.shop.quantity(&sold), other.shop.quantity(&in_east)), (Some(3), Some(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn l3_an_edit_is_found_within_a_day_without_any_change_of_stock() {
    let hub = Hub::start().await;
    let (north, in_north, east, in_east) = market(&hub).await;
    hub.advance(SignedDuration::from_hours(1)).await;
    north.shop.set_quantity(&in_north, 10);
    east.shop.set_quantity(&in_east, 0);
    // By hand on one connection, by the daily sweep on the other.
    let started = hub.post(&format!("/v1/connections/{}/reconcile", north.connection), json!({})).await;
    assert_eq!(started.status, 202, "{}", started.body);
    hub.finished(started.body["id"].as_str().unwrap()).await;
    hub.advance(SignedDuration::from_hours(25)).await;
    eventually("both drifts are found", SOON, async || {
        let drifts = hub.list("/v1/drift").await;
        let of = |shop: &Shop| drifts.iter().find(|drift| drift["connection_id"] == shop.connection).cloned();
        match (of(&north), of(&east)) {
            (Some(in_north), Some(in_east)) => {
                assert_eq!(
                    (&in_north["observed"], &in_north["cause"]),
                    (&json!(10), &json!("edited_on_channel"))
                );
                assert_eq!((&in_east["observed"], &in_east["action"]), (&json!(0), &json!("overwritten")));
                Ok(())
            }
            _ => Err(format!("{drifts:?}")),
        }
    })
    .await;
    settled(&hub, &[&north, &east]).await;
    let checked = hub.post("/v1/verify", json!({})).await.done();
    assert_eq!((&checked["state"], &checked["different"]), (&json!("succeeded"), &json!(0)), "{checked}");
}
