//! Who buys, and orders that a person takes for them.

use domain::audit::AuditAction;

use crate::browser::Browser;
use crate::world::World;

async fn draft(world: &World, browser: &Browser, more: &[(&str, &str)]) -> crate::browser::Page {
    let item = world.stocked("MUG", 10).await;
    let mut fields =
        vec![("item_id", item.as_str()), ("quantity", "3"), ("unit_price", "7.25"), ("create", "1")];
    fields.extend(more);
    browser.post("/orders/new", &fields).await
}

#[tokio::test]
async fn a_manual_order_is_put_together_step_by_step() {
    let world = World::new().await;
    let (mug, tee) = (world.stocked("MUG", 10).await, world.stocked("TEE", 10).await);
    let browser = Browser::signed_in(&world).await;
    browser.get("/orders").await.ok().shows("href=\"/orders/new\"");
    let blank = browser.get("/orders/new").await;
    let once = blank.ok().between("name=\"once\" value=\"", "\"");
    let found = browser.post("/orders/new", &[("once", &once), ("q", "mug"), ("find", "1")]).await;
    found.ok().shows("Add: Item MUG").shows("value=\"mug\"").shows(&once);
    browser.get("/orders/new/items?q=te").await.ok().shows("Add: Item TEE").hides("<html");
    let added = browser.post("/orders/new", &[("add", &mug), ("buyer_name", "Ada")]).await;
    added.ok().shows("name=\"item_id\" value=\"").shows("value=\"5.00\"").shows("value=\"Ada\"");
    let lines = [
        ("item_id", mug.as_str()),
        ("quantity", "4"),
        ("unit_price", "6"),
        ("item_id", tee.as_str()),
        ("quantity", "1"),
        ("unit_price", ""),
    ];
    let removed = browser.post("/orders/new", &[&lines[..], &[("remove", tee.as_str())]].concat()).await;
    removed.ok().shows("value=\"4\"").hides("Item TEE");
    let refused = browser.post("/orders/new", &[("create", "1")]).await;
    refused.ok().shows("Add at least one item");
    let bad = [&lines[..2], &[("unit_price", "six"), ("create", "1")]].concat();
    browser.post("/orders/new", &bad).await.ok().shows("role=\"alert\"").shows("value=\"six\"");
    let create = [&lines[..], &[("once", once.as_str()), ("number", "M-7"), ("create", "1")]].concat();
    for _ in 0..2 {
        let made = browser.post("/orders/new", &create).await;
        made.ok().shows("M-7").shows("29.00 EUR").shows("Made by hand");
    }
    assert_eq!(world.levels(&mug).await.1, 4);
    assert_eq!(world.levels(&tee).await.1, 1);
}

#[tokio::test]
async fn a_manual_order_is_voided_and_copied_for_nobody() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    let made = draft(&world, &browser, &[("buyer_name", "Ada Lovelace")]).await;
    let path = made.ok().path_ending("/clone").strip_suffix("/clone").unwrap().to_owned();
    let once = made.between("name=\"once\" value=\"", "\"");
    for _ in 0..2 {
        browser
            .post(&format!("{path}/clone"), &[("once", &once)])
            .await
            .ok()
            .shows("Copied")
            .hides("All orders of");
    }
    let orders = browser.get("/orders").await;
    assert_eq!(orders.html.matches("href=\"/orders/ord_").count(), 2);
    browser.post(&format!("{path}/void"), &[]).await.ok().shows("it is void").hides("Void the order");
}

#[tokio::test]
async fn a_contact_has_its_orders_and_its_name_is_shown_for_a_reason_that_is_noted() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    browser.get("/contacts").await.ok().shows("Nobody has bought yet");
    let fields = [
        ("buyer_name", "Ada Lovelace"),
        ("buyer_email", "ada@example.com"),
        ("street", "1 Road"),
        ("city", "London"),
    ];
    let order = draft(&world, &browser, &fields).await;
    order.ok().hides("Ada").shows("All orders of this buyer");
    let contact = order.between("<a href=\"/contacts/", "\"");
    let path = format!("/contacts/{contact}");
    browser.get("/contacts").await.ok().shows("Manual - Customer").shows(&path).hides("Ada");
    let page = browser.get(&path).await;
    page.ok().shows("href=\"/orders/ord_").shows("concealed").hides("Ada").hides("ada@");
    assert_eq!(browser.post(&format!("{path}/reveal"), &[("reason", " ")]).await.status, 422);
    let shown = browser.post(&format!("{path}/reveal"), &[("reason", "She called")]).await;
    shown.ok().shows("Ada Lovelace").shows("ada@example.com").shows("1 Road");
    let page = store::PageRequest { limit: 10, cursor: None };
    let noted = world.app.store.audits(&world.organization, &page).await.unwrap().data;
    let noted = noted.iter().find(|one| one.action == AuditAction::ContactRevealed).unwrap();
    assert_eq!(noted.reason.as_deref(), Some("She called"));
    // The next order of the same contact needs no name.
    let blank = browser.get(&format!("/orders/new?contact={contact}")).await;
    blank.ok().shows(&format!("name=\"contact_id\" value=\"{contact}\"")).hides("name=\"buyer_name\"");
    let item = browser.get("/items").await.between("href=\"/items/itm_", "\"");
    let item = format!("itm_{item}");
    let fields = [
        ("item_id", item.as_str()),
        ("quantity", "1"),
        ("unit_price", ""),
        ("contact_id", contact.as_str()),
        ("create", "1"),
    ];
    browser.post("/orders/new", &fields).await.ok();
    let both = browser.get(&path).await;
    assert_eq!(both.html.matches("href=\"/orders/ord_").count(), 2);
    let (_, key) = world.new_organization("EUR").await;
    let stranger = Browser::signed_in_with(&world, &key).await;
    assert_eq!(stranger.get(&path).await.status, 404);
}

#[tokio::test]
async fn what_is_no_address_is_refused() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    let refused = draft(&world, &browser, &[("buyer_email", "ada")]).await;
    refused.ok().shows("That is no e-mail address").shows("value=\"ada\"");
    browser.get("/contacts").await.ok().shows("Nobody has bought yet");
}
