//! Orders with lines that no item is known for: frozen, confirmed, linked, thawed.

use marketplace_sim::SimulatedShop;
use serde_json::{Value, json};

use crate::shop::Shop;
use crate::world::World;

/// A shop whose two mugs are waiting to be confirmed, and an order of both.
async fn waiting(world: &World) -> (Shop, [marketplace_sim::Sold; 2], String) {
    let shop = world.shop("shop.example").await;
    let goods = [shop.goods(Some("A"), "Mug A", 10), shop.goods(Some("B"), "Mug B", 10)];
    world.sync_items(&shop).await;
    let order = shop.sim.sell(&[(goods[0].clone(), 2), (goods[1].clone(), 1)]);
    (shop, goods, order)
}

#[tokio::test]
async fn b2_the_warning_names_the_unconfirmed_lines_and_both_actions() {
    let world = World::new().await;
    let (shop, goods, order) = waiting(&world).await;
    let shown = world.import(&shop, &order).await;
    assert_eq!((&shown["frozen"], &shown["state"]), (&json!(true), &json!("confirmed")));
    let warning = &shown["warnings"][0];
    let ids: Vec<&Value> = shown["lines"].as_array().unwrap().iter().map(|line| &line["id"]).collect();
    assert_eq!(warning["code"], "unconfirmed_lines");
    assert_eq!(warning["line_ids"], json!(ids));
    let id = shop.order(&order);
    assert_eq!(
        warning["actions"],
        json!([
            {"action": "confirm", "method": "POST", "path": format!("/v1/orders/{id}/confirm-lines")},
            {"action": "link", "method": "POST", "path": format!("/v1/orders/{id}/lines/{{line_id}}/link")},
        ])
    );
    assert_eq!(shown["lines"][0]["listing_id"], json!(shop.listing(&goods[0])));
    assert_eq!(shown["totals"]["subtotal"], json!({"amount": "29.70", "currency": "EUR"}));
}

#[tokio::test]
async fn a10_each_document_of_a_frozen_order_is_refused_with_the_ids_of_its_lines() {
    let world = World::new().await;
    let (shop, _, order) = waiting(&world).await;
    let shown = world.import(&shop, &order).await;
    let ids: Vec<&Value> = shown["lines"].as_array().unwrap().iter().map(|line| &line["id"]).collect();
    let id = shop.order(&order);
    for (path, body) in [
        ("invoices", json!({})),
        ("packages", json!({})),
        ("shipments", json!({"carrier": "DHL"})),
        ("returns", json!({})),
        ("void", json!({})),
        ("clone", json!({})),
    ] {
        let refused = world.post(&format!("/v1/orders/{id}/{path}"), body).await;
        refused.refused(409, "order_frozen", None);
        assert_eq!(refused.body["line_ids"], json!(ids), "{path}");
    }
}

#[tokio::test]
async fn b3_one_call_confirms_all_lines_and_b5_documents_can_be_made() {
    let world = World::new().await;
    let (shop, _, order) = waiting(&world).await;
    world.import(&shop, &order).await;
    let path = format!("/v1/orders/{}", shop.order(&order));
    let confirmed = world.post(&format!("{path}/confirm-lines"), json!({})).await.ok();
    assert_eq!((&confirmed["frozen"], confirmed["outcomes"].as_array().unwrap().len()), (&json!(false), 2));
    assert_eq!(confirmed["warnings"][0]["code"], "defaults_used");
    assert_eq!(confirmed["outcomes"][0]["outcome"], "done");
    let item = confirmed["lines"][0]["item_id"].as_str().unwrap();
    // Opening stock is what the channel showed when it was read, before the sale.
    assert_eq!(world.level(item).await, (10, 2));
    // Once more: nothing is left, and nothing fails.
    let again = world.post(&format!("{path}/confirm-lines"), json!({})).await.ok();
    assert_eq!((&again["outcomes"], &again["warnings"]), (&json!([]), &json!([])));
    assert_eq!(world.post(&format!("{path}/invoices"), json!({})).await.status, 201);
    assert_eq!(world.post(&format!("{path}/packages"), json!({})).await.status, 201);
    assert_eq!(world.post(&format!("{path}/shipments"), json!({"carrier": "DHL"})).await.status, 201);
    assert_eq!(world.level(item).await, (8, 0));
    world.assert_replays(item).await;
}

#[tokio::test]
async fn b3_lines_are_linked_one_by_one() {
    let world = World::new().await;
    let (shop, goods, order) = waiting(&world).await;
    let shown = world.import(&shop, &order).await;
    let (a, b) = (world.stocked("X", 20).await, world.stocked("Y", 20).await);
    let id = shop.order(&order);
    let line = |n: usize| shown["lines"][n]["id"].as_str().unwrap().to_owned();
    let link = |line: String, item: String| {
        let path = format!("/v1/orders/{id}/lines/{line}/link");
        let world = &world;
        async move { world.post(&path, json!({"item_id": item})).await }
    };
    let first = link(line(0), a.clone()).await.ok();
    assert_eq!((&first["frozen"], &first["lines"][0]["item_id"]), (&json!(true), &json!(a)));
    assert_eq!((world.level(&a).await, world.level(&b).await), ((20, 2), (20, 0)));
    let second = link(line(1), b.clone()).await.ok();
    assert_eq!((&second["frozen"], &second["warnings"]), (&json!(false), &json!([])));
    assert_eq!(world.level(&b).await, (20, 1));
    let listing = world.get(&format!("/v1/listings/{}", shop.listing(&goods[0]))).await.ok();
    assert_eq!((&listing["status"], &listing["item_id"]), (&json!("linked"), &json!(a)));
    assert_eq!(link(line(1), b.clone()).await.status, 200);
    link(line(1), a.clone()).await.refused(409, "line_resolved", None);
    link("none".to_owned(), a.clone()).await.refused(404, "not_found", None);
    link(line(0), "itm_none".to_owned()).await.refused(404, "not_found", Some("/item_id"));
}

#[tokio::test]
async fn b4_resolving_a_listing_thaws_every_order_that_waited_for_it() {
    let world = World::new().await;
    let (shop, goods, order) = waiting(&world).await;
    world.import(&shop, &order).await;
    let other = shop.sim.sell(&[(goods[0].clone(), 3)]);
    let third = shop.sim.sell(&[(goods[1].clone(), 1)]);
    for order in [&other, &third] {
        assert_eq!(world.import(&shop, order).await["frozen"], json!(true));
    }
    let item = world.stocked("X", 20).await;
    let line = world.get(&format!("/v1/orders/{}", shop.order(&other))).await.ok()["lines"][0]["id"].clone();
    let path = format!("/v1/orders/{}/lines/{}/link", shop.order(&other), line.as_str().unwrap());
    assert_eq!(world.post(&path, json!({"item_id": item})).await.ok()["frozen"], json!(false));
    let frozen = world.get("/v1/orders?frozen=true").await.ok();
    let mut ids: Vec<&str> =
        frozen["data"].as_array().unwrap().iter().map(|order| order["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    let mut waiting = [shop.order(&order).to_string(), shop.order(&third).to_string()];
    waiting.sort();
    assert_eq!(ids, waiting);
    assert_eq!(world.level(&item).await, (20, 5));
    world.post(&format!("/v1/orders/{}/confirm-lines", shop.order(&order)), json!({})).await.ok();
    assert_eq!(world.get("/v1/orders?frozen=true").await.ok()["data"], json!([]));
}

#[tokio::test]
async fn confirming_lines_by_name_leaves_the_others_and_names_what_fails() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    let (good, bare) = (shop.goods(Some("A"), "Mug A", 10), shop.goods(None, "No SKU", 10));
    world.sync_items(&shop).await;
    let order = shop.sim.sell(&[(good, 1), (bare, 1)]);
    let shown = world.import(&shop, &order).await;
    let line = |n: usize| shown["lines"][n]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/orders/{}/confirm-lines", shop.order(&order));
    let alone = world.post(&path, json!({"line_ids": [line(1)]})).await;
    alone.refused(422, "sku_required", None);
    world.post(&path, json!({"line_ids": ["none"]})).await.refused(404, "not_found", Some("/line_ids/0"));
    world.post(&path, json!({"line_ids": []})).await.refused(422, "invalid_field", Some("/line_ids"));
    let both = world.post(&path, json!({})).await.ok();
    assert_eq!(both["frozen"], json!(true));
    let outcomes: Vec<&str> =
        both["outcomes"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["done", "failed"]);
    assert_eq!(both["outcomes"][1]["code"], "sku_required");
    assert_eq!(both["warnings"][0]["line_ids"], json!([line(1)]));
}

#[tokio::test]
async fn b1_orders_are_filtered_by_where_they_come_from() {
    let world = World::new().await;
    let (shop, _, order) = waiting(&world).await;
    world.import(&shop, &order).await;
    let other = world.shop("other.example").await;
    let sold = other.goods(Some("C"), "Cup", 5);
    let theirs = other.sim.sell(&[(sold, 1)]);
    world.import(&other, &theirs).await;
    let item = world.stocked("X", 20).await;
    let manual = world.post("/v1/orders", json!({"lines": [{"item_id": item, "quantity": 1}]})).await.ok();
    for (query, ids) in [
        ("source=manual".to_owned(), vec![manual["id"].as_str().unwrap().to_owned()]),
        (format!("connection_id={}", shop.connection), vec![shop.order(&order).to_string()]),
        (
            format!("connection_id={}&source=marketplace", other.connection),
            vec![other.order(&theirs).to_string()],
        ),
        ("channel=shopify".to_owned(), vec![]),
    ] {
        let found = world.get(&format!("/v1/orders?{query}")).await.ok();
        let found: Vec<&str> =
            found["data"].as_array().unwrap().iter().map(|order| order["id"].as_str().unwrap()).collect();
        assert_eq!(found, ids, "{query}");
    }
    for (query, count) in [("channel=woocommerce", 2), ("source=marketplace", 2), ("", 3)] {
        let found = world.get(&format!("/v1/orders?{query}")).await.ok();
        assert_eq!(found["data"].as_array().unwrap().len(), count, "{query}");
    }
}
