//! What must hold for every item and listing whenever the hub has come to rest, whatever happened before.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::hub::Hub;
use crate::shop::Shop;
use crate::{SOON, eventually};

/// Waits until every linked listing shows what it must, and checks the laws.
pub async fn settled(hub: &Hub, shops: &[&Shop]) {
    eventually("every linked listing shows its number", SOON, async || all_in_sync(hub, shops).await).await;
    assert_laws(hub, shops).await;
}

async fn all_in_sync(hub: &Hub, shops: &[&Shop]) -> Result<(), String> {
    for item in hub.list("/v1/items").await {
        let id = item["id"].as_str().unwrap();
        for listing in hub.whole(&format!("/v1/items/{id}/listings")).await {
            let (shop, shown) = shown(shops, &listing);
            let number = &listing["desired_quantity"];
            let right = listing["push_state"] == "in_sync"
                && *number == listing["pushed_quantity"]
                && number.as_i64() == shown;
            if !right {
                let (sku, shop) = (&item["sku"], &shop.name);
                return Err(format!("{sku} in {shop} shows {shown:?}: {listing}"));
            }
        }
    }
    Ok(())
}

fn shown<'s>(shops: &[&'s Shop], listing: &Value) -> (&'s Shop, Option<i64>) {
    let shop = shops.iter().find(|shop| listing["connection_id"] == shop.connection).expect("a known shop");
    let sold = marketplace_sim::Sold {
        external_id: listing["external_id"].as_str().unwrap().to_owned(),
        variation_id: listing["variation_id"].as_str().map(str::to_owned),
    };
    (shop, shop.shop.quantity(&sold))
}

/// Movements sum up to levels; each order is there once; availability recomputes to what was pushed and is shown.
pub async fn assert_laws(hub: &Hub, shops: &[&Shop]) {
    for item in hub.list("/v1/items").await {
        let id = item["id"].as_str().unwrap();
        let stock = hub.get(&format!("/v1/items/{id}/stock")).await;
        assert_movements_sum_up(hub, id, &stock).await;
        for listing in hub.whole(&format!("/v1/items/{id}/listings")).await {
            let connection = listing["connection_id"].as_str().unwrap();
            let why = hub.get(&format!("/v1/items/{id}/availability?connection_id={connection}")).await;
            let last = why["steps"].as_array().and_then(|steps| steps.last()).map(|step| &step["value"]);
            assert_eq!(last, Some(&why["result"]), "{why}");
            assert_eq!(why["result"], listing["pushed_quantity"], "{why} {listing}");
            assert_eq!(why["result"].as_i64(), shown(shops, &listing).1, "{why} {listing}");
            let available = stock["on_hand"].as_i64().unwrap() - stock["committed"].as_i64().unwrap();
            assert_eq!(why["result"].as_i64(), Some(available.max(0)), "{stock} {why}");
        }
    }
    let mut seen = BTreeMap::new();
    for order in hub.list("/v1/orders").await {
        let key = (order["connection_id"].to_string(), order["external_id"].to_string());
        let twice = seen.insert(key, order.clone());
        assert!(twice.is_none(), "twice: {order}");
    }
}

async fn assert_movements_sum_up(hub: &Hub, item: &str, stock: &Value) {
    let mut sums = BTreeMap::<String, (i64, i64)>::new();
    for movement in hub.list(&format!("/v1/items/{item}/movements")).await {
        let sum = sums.entry(movement["location_id"].as_str().unwrap().to_owned()).or_default();
        sum.0 += movement["on_hand_delta"].as_i64().unwrap();
        sum.1 += movement["committed_delta"].as_i64().unwrap();
    }
    let levels = stock["levels"].as_array().unwrap().iter().map(|level| {
        let numbers = (level["on_hand"].as_i64().unwrap(), level["committed"].as_i64().unwrap());
        (level["location_id"].as_str().unwrap().to_owned(), numbers)
    });
    let moved = |(_, sum): &(String, (i64, i64))| *sum != (0, 0);
    let levels: BTreeMap<_, _> = levels.filter(moved).collect();
    let sums: BTreeMap<_, _> = sums.into_iter().filter(moved).collect();
    assert_eq!(sums, levels, "the movements of {item}");
}
