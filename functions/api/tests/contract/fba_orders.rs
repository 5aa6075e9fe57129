//! Orders that Amazon ships (features F11, F22).

use domain::ChannelKind;
use marketplace_sim::SimulatedShop;
use serde_json::{Value, json};

use crate::fba_world::Amazon;

#[tokio::test]
async fn f11_an_order_that_amazon_ships_is_fulfilled_at_once_and_taken_from_the_fba_location() {
    let amazon = Amazon::tracking().await;
    let world = &amazon.world;
    let (item, sold) = amazon.item("A", 5, 9, true).await;
    amazon.mark(&[&item], "fba").await;
    let home = world.primary().await;
    let order = amazon.sim.sell(&[(sold.clone(), 2)]);
    let shown = amazon.import(&order).await;
    assert_eq!((&shown["state"], &shown["fulfilled_by"]), (&json!("fulfilled"), &json!("fba")));
    assert_eq!((&shown["editable"], &shown["location_id"]), (&json!(false), &json!(amazon.location)));
    assert_eq!(amazon.at(&item, &amazon.location).await, (7, 0));
    assert_eq!(amazon.at(&item, &home).await, (5, 0));
    // Told again in each state of it, it has one effect.
    amazon.sim.fulfil(&order);
    assert_eq!(amazon.import(&order).await["state"], "fulfilled");
    assert_eq!(amazon.at(&item, &amazon.location).await, (7, 0));
    // Not paid yet, it is gone from Amazon's shelf all the same; cancelled, it is back.
    let unpaid = amazon.sim.sell_unpaid(&[(sold.clone(), 3)]);
    assert_eq!(amazon.import(&unpaid).await["state"], "fulfilled");
    assert_eq!(amazon.at(&item, &amazon.location).await, (4, 0));
    amazon.sim.cancel(&unpaid);
    assert_eq!(amazon.import(&unpaid).await["state"], "void");
    assert_eq!(amazon.at(&item, &amazon.location).await, (7, 0));
    assert_eq!(amazon.fba_stock(&sold).await.ok()["mismatch"], 0);
    amazon.assert_replays(&[&item]).await;
}

#[tokio::test]
async fn f11_nothing_of_it_can_be_edited_nor_how_it_is_shipped() {
    let amazon = Amazon::tracking().await;
    let world = &amazon.world;
    let (item, sold) = amazon.item("A", 5, 9, true).await;
    amazon.mark(&[&item], "fba").await;
    let order = amazon.sim.sell(&[(sold, 2)]);
    let before = amazon.import(&order).await;
    let path = format!("/v1/orders/{}", amazon.order_id(&order));
    let home = world.primary().await;
    for body in [json!({"location_id": home}), json!({"number": "1"}), json!({"payment_status": "paid"})] {
        world.patch(&path, body).await.refused(409, "order_not_editable", None);
    }
    for (what, body, code) in [
        ("packages", json!({}), "order_fulfilled_by_amazon"),
        ("shipments", json!({"carrier": "DHL"}), "order_fulfilled_by_amazon"),
        ("returns", json!({}), "order_fulfilled_by_amazon"),
        ("outbound-shipments", json!({}), "order_fulfilled_by_amazon"),
        ("void", json!({}), "order_of_channel"),
        ("fulfil", json!({}), "order_of_channel"),
    ] {
        world.post(&format!("{path}/{what}"), body).await.refused(409, code, None);
    }
    assert_eq!(world.get(&path).await.ok(), before);
    // It may be billed and noted; that changes neither its state nor the stock.
    world.post(&format!("{path}/invoices"), json!({})).await.ok();
    world.post(&format!("{path}/comments"), json!({"text": "Called"})).await.ok();
    assert_eq!(world.get(&path).await.ok()["state"], "fulfilled");
    assert_eq!(amazon.at(&item, &amazon.location).await, (7, 0));
    amazon.assert_replays(&[&item]).await;
}

#[tokio::test]
async fn f11_one_whose_goods_are_not_known_waits_and_is_then_taken_from_amazon_s() {
    let amazon = Amazon::tracking().await;
    let world = &amazon.world;
    let sold = amazon.goods("NEW", 9, true);
    amazon.sync_items().await;
    let order = amazon.sim.sell(&[(sold.clone(), 2)]);
    let shown = amazon.import(&order).await;
    assert_eq!((&shown["frozen"], &shown["state"]), (&json!(true), &json!("fulfilled")));
    let confirmed =
        world.post(&format!("/v1/orders/{}/confirm-lines", amazon.order_id(&order)), json!({})).await.ok();
    assert_eq!((&confirmed["frozen"], &confirmed["state"]), (&json!(false), &json!("fulfilled")));
    let item = confirmed["lines"][0]["item_id"].as_str().unwrap().to_owned();
    assert_eq!(amazon.at(&item, &amazon.location).await, (-2, 0));
    // Marked, Amazon's number is taken over: the sale is in it.
    amazon.mark(&[&item], "fba").await;
    assert_eq!(amazon.at(&item, &amazon.location).await, (7, 0));
    assert_eq!(amazon.fba_stock(&sold).await.ok()["mismatch"], 0);
    amazon.assert_replays(&[&item]).await;
}

#[tokio::test]
async fn f11_without_fba_tracked_it_moves_no_stock() {
    let amazon = Amazon::new().await;
    let (item, sold) = amazon.item("A", 5, 9, true).await;
    let order = amazon.sim.sell(&[(sold, 2)]);
    let shown = amazon.import(&order).await;
    assert_eq!(shown["state"], "fulfilled");
    assert_eq!(amazon.at(&item, &amazon.location).await, (0, 0));
    // Tracked from now on: what came before stays as it was.
    amazon.enable(&amazon.location).await.ok();
    amazon.sim.fulfil(&order);
    amazon.import(&order).await;
    assert_eq!(amazon.at(&item, &amazon.location).await, (0, 0));
    assert_eq!(amazon.at(&item, &amazon.world.primary().await).await, (5, 0));
}

#[tokio::test]
async fn f11_what_the_merchant_ships_is_taken_from_home_as_before() {
    let amazon = Amazon::tracking().await;
    let (item, sold) = amazon.item("A", 5, 5, false).await;
    let order = amazon.sim.sell(&[(sold, 2)]);
    let shown = amazon.import(&order).await;
    assert_eq!((&shown["state"], &shown["fulfilled_by"]), (&json!("confirmed"), &json!("mfn")));
    assert_eq!(amazon.at(&item, &amazon.world.primary().await).await, (5, 2));
    assert_eq!(amazon.at(&item, &amazon.location).await, (0, 0));
}

#[tokio::test]
async fn f22_tracking_is_stored_with_the_order_when_amazon_gives_it() {
    let amazon = Amazon::tracking().await;
    let world = &amazon.world;
    let (_, sold) = amazon.item("A", 5, 5, false).await;
    let order = amazon.sim.sell(&[(sold, 1)]);
    assert_eq!(amazon.import(&order).await["tracking"], json!([]));
    let path = format!("/v1/orders/{}", amazon.order_id(&order));
    let shipment = json!({"carrier": "UPS", "tracking_number": "1Z999"});
    world.post(&format!("{path}/shipments"), shipment).await.ok();
    world.app.push_shipments(&world.organization, &amazon.connection, &crate::shop::attempt()).await.unwrap();
    let shown = amazon.import(&order).await;
    assert_eq!(shown["tracking"], json!([{"carrier": "UPS", "tracking_number": "1Z999"}]));
    // Of what Amazon ships itself, it is stored in the same way where Amazon comes to tell it.
    let (_, fba) = amazon.item("B", 0, 5, true).await;
    let order = amazon.sim.sell(&[(fba, 1)]);
    amazon.sim.track(&order, "AMZL_US", "TBA1");
    let shown = amazon.import(&order).await;
    assert_eq!(shown["tracking"], json!([{"carrier": "AMZL_US", "tracking_number": "TBA1"}]));
    let listed: Value = world.get("/v1/orders").await.ok();
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    world.work_of(ChannelKind::Amazon).await;
}
