//! Orders: frozen and thawed, invoiced, packed and shipped; who bought, behind Reveal.

use crate::browser::Browser;
use crate::shop::Shop;
use crate::world::World;
use domain::audit::AuditAction;
use marketplace_sim::SimulatedShop;
use store::PageRequest;

async fn frozen(world: &World) -> (Shop, [marketplace_sim::Sold; 2], String) {
    let shop = world.shop("shop.example").await;
    let goods = [shop.goods(Some("A"), "Mug A", 10), shop.goods(Some("B"), "Mug B", 10)];
    world.sync_items(&shop).await;
    let order = shop.sim.sell(&[(goods[0].clone(), 2), (goods[1].clone(), 1)]);
    world.import(&shop, &order).await;
    let path = format!("/orders/{}", shop.order(&order));
    (shop, goods, path)
}

#[tokio::test]
async fn b2_a_frozen_order_says_so_and_offers_confirm_and_link() {
    let world = World::new().await;
    let (_, _, path) = frozen(&world).await;
    let browser = Browser::signed_in(&world).await;
    browser.get("/orders?frozen=1").await.ok().shows(&path);
    let page = browser.get(&path).await;
    page.ok().shows("This order is frozen").shows("Confirm all").hides("Invoice what is open");
    assert_eq!(page.html.matches("aria-label=\"Confirm: Mug").count(), 2);
    browser
        .post(&format!("{path}/confirm"), &[])
        .await
        .ok()
        .shows("Every line has its item")
        .hides("This order is frozen");
    browser.get(&path).await.shows("Invoice what is open");
}

#[tokio::test]
async fn b3_lines_are_confirmed_or_linked_one_by_one() {
    let world = World::new().await;
    let (_, _, path) = frozen(&world).await;
    let item = world.stocked("OTHER", 7).await;
    let browser = Browser::signed_in(&world).await;
    let page = browser.get(&path).await;
    let line = page.between("name=\"line_id\" value=\"", "\"");
    browser.post(&format!("{path}/confirm"), &[("line_id", &line)]).await.shows("Other lines still wait");
    let page = browser.get(&path).await;
    let line = page.between("name=\"line_id\" value=\"", "\"");
    let picker = browser.get(&format!("{path}/lines/{line}?q=oth")).await;
    picker.ok().shows("Item OTHER").shows(&item).shows("<html");
    let part =
        browser.send("GET", &format!("{path}/lines/{line}?q=oth"), None, &[("hx-request", "true")]).await;
    part.ok().shows(&item).hides("<html");
    browser
        .post(&format!("{path}/lines/{line}"), &[("item_id", &item)])
        .await
        .shows("Every line has its item");
    assert_eq!(world.levels(&item).await.1, 1);
}

#[tokio::test]
async fn an_order_is_invoiced_packed_and_shipped_once_however_often_the_form_is_sent() {
    let world = World::new().await;
    let (_, _, path) = frozen(&world).await;
    let browser = Browser::signed_in(&world).await;
    browser.post(&format!("{path}/confirm"), &[]).await.ok();
    let once = browser.get(&path).await.between("name=\"once\" value=\"", "\"");
    for _ in 0..2 {
        browser.post(&format!("{path}/invoices"), &[("once", &once)]).await.ok().shows("Invoiced.");
    }
    browser.post(&format!("{path}/packages"), &[("once", &once)]).await.shows("Packed.");
    browser.post(&format!("{path}/shipments"), &[("once", &once)]).await.shows("role=\"alert\"");
    let fields = [("once", once.as_str()), ("carrier", "DHL"), ("tracking_number", "JJD1")];
    let page = browser.post(&format!("{path}/shipments"), &fields).await;
    page.ok().shows("Shipment 1").shows("DHL JJD1").shows("Channel to be told").hides("Invoice 2");
    page.shows("Package 1</strong>").shows("slip.pdf");
    let slip = page.path_ending("slip.pdf");
    let file = browser.get(&slip).await;
    assert_eq!((file.status, file.header("content-type")), (200, "application/pdf"));
    assert!(file.html.starts_with("%PDF"));
    browser
        .post(&format!("{path}/comments"), &[("text", "Gift <b>wrapped</b>")])
        .await
        .shows("Gift &#60;b&#62;wrapped");
}

#[tokio::test]
async fn who_bought_is_shown_for_a_reason_that_is_noted() {
    let world = World::new().await;
    let (shop, goods, _) = frozen(&world).await;
    let order = shop.sim.sell(&[(goods[0].clone(), 1)]);
    world.import(&shop, &order).await;
    let id = shop.order(&order);
    let buyer =
        world.app.store.buyer(&world.organization, &id, world.app.clock.now()).await.unwrap().unwrap();
    let secret = buyer.email.or(buyer.name).unwrap();
    let browser = Browser::signed_in(&world).await;
    let path = format!("/orders/{id}");
    browser.get(&path).await.ok().hides(&secret).shows("concealed");
    browser.get("/orders").await.ok().hides(&secret);
    let refused = browser.post(&format!("{path}/reveal"), &[("reason", " ")]).await;
    assert_eq!(refused.status, 422);
    refused.hides(&secret);
    let noted = || async {
        let page = PageRequest { limit: 10, cursor: None };
        let noted = world.app.store.audits(&world.organization, &page).await.unwrap().data;
        noted.into_iter().filter(|one| one.action == AuditAction::CustomerRevealed).collect::<Vec<_>>()
    };
    assert!(noted().await.is_empty());
    browser.post(&format!("{path}/reveal"), &[("reason", "Parcel came back")]).await.ok().shows(&secret);
    let noted = noted().await;
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].reason.as_deref(), Some("Parcel came back"));
}
