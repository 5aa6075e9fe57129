//! The stockroom: adjusted, received, transferred, taken back; rules that are previewed.

use crate::browser::Browser;
use crate::world::World;

#[tokio::test]
async fn stock_is_adjusted_received_and_transferred_once_a_form() {
    let world = World::new().await;
    let item = world.stocked("MUG", 10).await;
    let (home, annex) = (world.primary().await, world.warehouse("Annex").await);
    let browser = Browser::signed_in(&world).await;
    let blank = browser.get("/stock/adjustments/new?sku=MUG").await;
    let once = blank.ok().between("name=\"once\" value=\"", "\"");
    blank.shows("value=\"MUG\"");
    let fields = [
        ("once", once.as_str()),
        ("location_id", home.as_str()),
        ("mode", "change"),
        ("sku", "mug"),
        ("quantity", "-3"),
        ("reason", "broken"),
    ];
    for _ in 0..2 {
        browser.post("/stock/adjustments/new", &fields).await.ok().shows("Posted.").shows("-3");
    }
    assert_eq!(world.levels(&item).await.0, 7);
    let counted = [("location_id", home.as_str()), ("mode", "set"), ("sku", "MUG"), ("quantity", "8")];
    browser.post("/stock/adjustments/new", &counted).await.ok().shows("counted 8");
    let received = [("location_id", home.as_str()), ("sku", "MUG"), ("quantity", "4")];
    let paper = browser.post("/stock/receives/new", &received).await;
    assert_eq!(world.levels(&item).await.0, 12);
    let void = paper.ok().between("action=\"/stock/receives/", "/void\"");
    browser.post(&format!("/stock/receives/{void}/void"), &[]).await.ok().shows("it is void");
    assert_eq!(world.levels(&item).await.0, 8);
    let moved = [
        ("location_id", home.as_str()),
        ("to_location_id", annex.as_str()),
        ("in_transit", "1"),
        ("sku", "MUG"),
        ("quantity", "5"),
    ];
    let paper = browser.post("/stock/transfers/new", &moved).await;
    paper.ok().shows("In transit").shows("Annex");
    let id = paper.between("action=\"/stock/transfers/", "/receive\"");
    let once = paper.between("name=\"once\" value=\"", "\"");
    let part = [("item_id", item.as_str()), ("quantity", "2"), ("once", once.as_str())];
    for _ in 0..2 {
        browser.post(&format!("/stock/transfers/{id}/receive"), &part).await.ok().shows("In transit");
        assert_eq!(world.on_hand_at(&item, &annex).await, 2);
    }
    browser
        .post(&format!("/stock/transfers/{id}/receive"), &[("item_id", &item), ("quantity", "3")])
        .await
        .ok()
        .shows("Received");
    assert_eq!(world.on_hand_at(&item, &annex).await, 5);
}

#[tokio::test]
async fn a_paper_that_is_refused_keeps_what_was_written() {
    let world = World::new().await;
    world.stocked("MUG", 2).await;
    let home = world.primary().await;
    let browser = Browser::signed_in(&world).await;
    for (sku, quantity) in [("MUG", "-5"), ("MUG", "many"), ("NONE", "1")] {
        let fields =
            [("location_id", home.as_str()), ("mode", "change"), ("sku", sku), ("quantity", quantity)];
        let page = browser.post("/stock/adjustments/new", &fields).await;
        page.ok().shows("role=\"alert\"").shows(&format!("name=\"quantity\" value=\"{quantity}\""));
    }
    browser.get("/stock").await.shows("Nothing yet.");
}

#[tokio::test]
async fn locations_are_made_named_and_deleted_while_empty() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    browser.post("/stock/locations", &[("name", "Annex"), ("kind", "warehouse")]).await.ok().shows("Annex");
    let list = browser.get("/stock/locations").await;
    let row = list.html.split("/stock/locations/").find(|part| part.contains("Annex")).unwrap().to_owned();
    let id = row.split('"').next().unwrap();
    let path = format!("/stock/locations/{id}");
    browser
        .post(&path, &[("name", "Attic"), ("address", "1 Road")])
        .await
        .ok()
        .shows("Attic")
        .shows("1 Road");
    browser.post(&format!("{path}/delete"), &[]).await.ok().shows("Deleted.").hides("Attic");
}

#[tokio::test]
async fn the_organization_s_rule_is_applied_as_previewed() {
    let world = World::new().await;
    world.stocked("MUG", 10).await;
    let selling = world.selling("shop.example", &[("MUG", 10)]).await;
    world.settle().await;
    let browser = Browser::signed_in(&world).await;
    let mut fields = vec![
        ("max_listed", "3"),
        ("auto_link", "sku"),
        ("order_sync", "confirmed"),
        ("stock_deducted_on", "invoice"),
    ];
    let preview = browser.post("/stock/rules", &fields).await;
    preview.ok().shows("Listings that would show another number: 1 (").shows("value=\"3\"");
    let plan = preview.between("name=\"plan_id\" value=\"", "\"");
    fields.push(("plan_id", &plan));
    browser.post("/stock/rules", &fields).await.ok().shows("Saved.");
    world.work().await;
    world.settle().await;
    assert_eq!(selling.shows("MUG"), 3);
}
