//! Goods at Amazon: where they are counted, both numbers, there and back, and what Amazon sends for us.

use marketplace_sim::SimulatedShop;
use serde_json::json;

use crate::browser::Browser;
use crate::fba_world::{Amazon, buyer};

#[tokio::test]
async fn f1_a_shop_s_goods_at_amazon_are_counted_in_a_location_and_no_more() {
    let amazon = Amazon::new().await;
    let browser = Browser::signed_in(&amazon.world).await;
    let settings = format!("/connections/{}/settings", amazon.connection);
    browser.get(&settings).await.ok().shows("Goods at Amazon (FBA)").shows("Count them</button>");
    let path = format!("/connections/{}/fba", amazon.connection);
    let on = browser.post(&path, &[("location_id", &amazon.location)]).await;
    on.ok().shows("is counted there from now on").shows("Amazon&#39;s").shows("Count them no more");
    let other = amazon.world.fba_location("Another").await;
    browser.post(&path, &[("location_id", &other)]).await.ok().shows("<strong>Another</strong>");
    let off = browser.post(&path, &[("disable", "1")]).await;
    off.ok().shows("is not counted any more").hides("Count them no more");
    let home = amazon.world.primary().await;
    browser.post(&path, &[("location_id", &home)]).await.ok().shows("role=\"alert\"");
}

#[tokio::test]
async fn f8_f9_both_numbers_are_shown_with_their_time_and_adjusted_once() {
    let amazon = Amazon::tracking().await;
    let (item, sold) = amazon.item("A", 5, 9, true).await;
    amazon.mark(&[&item], "fba").await;
    let browser = Browser::signed_in(&amazon.world).await;
    let listing = amazon.listing(&sold);
    let path = format!("/listings/{listing}/fba-stock");
    browser.get(&format!("/items/{item}")).await.ok().shows(&format!("href=\"{path}\""));
    browser.get(&path).await.ok().shows("The numbers agree").hides("Adjust to Amazon");
    let line = json!({"item_id": item, "delta": -2});
    let body = json!({"location_id": amazon.location, "lines": [line]});
    amazon.world.post("/v1/adjustments", body).await.ok();
    let page = browser.get(&path).await;
    page.ok()
        .shows("Mismatch")
        .shows("<dd>9</dd>")
        .shows("<dd>7</dd>")
        .shows("<dd>+2</dd>")
        .shows("<time datetime=");
    let once = page.between("name=\"once\" value=\"", "\"");
    for _ in 0..2 {
        let done = browser.post(&path, &[("once", &once), ("reason", "counted")]).await;
        done.ok().shows("Posted.").shows("counted").shows("+2");
    }
    assert_eq!(amazon.at(&item, &amazon.location).await, (9, 0));
}

#[tokio::test]
async fn f10_goods_go_to_amazon_and_are_received_there_part_by_part() {
    let amazon = Amazon::tracking().await;
    let (item, _) = amazon.item("A", 5, 9, true).await;
    let browser = Browser::signed_in(&amazon.world).await;
    let home = amazon.world.primary().await;
    let connection = amazon.connection.to_string();
    let blank = browser.get("/stock/inbound-shipments/new").await;
    blank.ok().shows(&format!("<option value=\"{connection}\">"));
    let fields = [
        ("location_id", home.as_str()),
        ("connection_id", connection.as_str()),
        ("sku", "A"),
        ("quantity", "4"),
        ("reference", "FBA15"),
    ];
    let paper = browser.post("/stock/inbound-shipments/new", &fields).await;
    paper.ok().shows("In transit").shows("FBA15").hides("/void\"");
    let id = paper.between("action=\"/stock/inbound-shipments/", "/receive\"");
    let path = format!("/stock/inbound-shipments/{id}");
    let some = [("item_id", item.as_str()), ("quantity", "1")];
    browser.post(&format!("{path}/receive"), &some).await.ok().shows("In transit").shows("value=\"3\"");
    browser.post(&format!("{path}/receive"), &[]).await.ok().shows("Received");
    assert_eq!(amazon.at(&item, &home).await.0, 1);
    browser.get("/stock?kind=inbound-shipments").await.ok().shows(&path);
}

#[tokio::test]
async fn f10_amazon_s_own_shipment_is_tied_asked_for_and_shown_with_what_differs() {
    let amazon = Amazon::tracking().await;
    let (item, _) = amazon.item("A", 5, 9, true).await;
    let body = json!({"connection_id": amazon.connection, "from_location_id": amazon.world.primary().await,
        "lines": [{"item_id": item, "quantity": 4}]});
    let made = amazon.world.post("/v1/inbound-shipments", body).await.ok();
    let path = format!("/stock/inbound-shipments/{}", made["id"].as_str().unwrap());
    let browser = Browser::signed_in(&amazon.world).await;
    browser.get(&path).await.ok().shows("shipment</h2>").hides("Fetch status");
    let (plan, shipment) = amazon.sim.plan_inbound(&[("A", 3), ("STRANGE", 7)]);
    let short = [("inbound_plan_id", "wf1"), ("shipment_id", shipment.as_str())];
    browser.post(&format!("{path}/amazon"), &short).await.ok().shows("role=\"alert\"").hides("Fetch status");
    let ids = [("inbound_plan_id", plan.as_str()), ("shipment_id", shipment.as_str())];
    let tied = browser.post(&format!("{path}/amazon"), &ids).await;
    tied.ok().shows(&plan).shows("Fetch status").hides("Status at Amazon");
    let told = browser.post(&format!("{path}/refresh"), &[]).await;
    told.ok().shows("WORKING").shows("Mismatch -1").shows("7 × STRANGE").hides("Amazon closed");
    amazon.sim.set_inbound_status(&shipment, "CLOSED");
    browser
        .post(&format!("{path}/refresh"), &[])
        .await
        .ok()
        .shows("CLOSED")
        .shows("Amazon closed the shipment");
    browser.post(&format!("{path}/receive"), &[]).await.ok().shows("Received").hides("Amazon closed");
    let none = [("inbound_plan_id", ""), ("shipment_id", "")];
    browser.post(&format!("{path}/amazon"), &none).await.ok().hides("Fetch status");
}

#[tokio::test]
async fn f12_amazon_sends_what_is_chosen_and_is_asked_and_stopped() {
    let amazon = Amazon::tracking().await;
    let (item, _) = amazon.item("A", 5, 9, true).await;
    amazon.mark(&[&item], "fba").await;
    let line = json!({"item_id": item, "quantity": 3});
    let made = amazon.world.post("/v1/orders", json!({"lines": [line], "contact": buyer()})).await.ok();
    let path = format!("/orders/{}", made["id"].as_str().unwrap());
    let browser = Browser::signed_in(&amazon.world).await;
    browser.get(&path).await.ok().shows("Let Amazon send it");
    let form = browser.get(&format!("{path}/outbound-shipments")).await;
    form.ok().shows("name=\"speed\"").shows("value=\"3\"");
    let fields = [("part", "1"), ("line_id", "1"), ("line_quantity", "2"), ("speed", "expedited")];
    let asked = browser.post(&format!("{path}/outbound-shipments"), &fields).await;
    asked.ok().shows("Sent by Amazon 1").shows("2 × A").shows("Fetch status").shows("Cancel");
    let document = asked.between(&format!("action=\"{path}/documents/"), "/refresh\"");
    let of = format!("{path}/documents/{document}");
    browser.post(&format!("{of}/refresh"), &[]).await.ok().shows("This is what Amazon says now");
    browser
        .post(&format!("{of}/cancel"), &[])
        .await
        .ok()
        .shows("Taken back")
        .shows("Cancelled")
        .hides("Fetch status");
    amazon.sim.take_calls();
}
