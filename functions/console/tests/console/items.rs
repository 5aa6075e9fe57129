//! Items: stock, listings with their numbers and why, the ledger, bundles, the sum that explains.

use crate::browser::Browser;
use crate::world::World;

#[tokio::test]
async fn an_item_s_page_has_its_stock_its_numbers_and_its_ledger() {
    let world = World::new().await;
    let item = world.stocked("MUG", 10).await;
    let selling = world.selling("shop.example", &[("MUG", 10)]).await;
    world.settle().await;
    let browser = Browser::signed_in(&world).await;
    let path = format!("/items/{item}");
    let page = browser.get(&path).await;
    page.ok().shows("Main warehouse").shows("In sync").shows("Opening stock").shows("+10");
    browser.post(&format!("{path}/push"), &[]).await.ok().shows("The numbers go to every linked listing");
    selling.pushes();
    world.work().await;
    assert_eq!(selling.pushes(), 1);
    let explained = browser.get(&format!("{path}/explain?listing={}", selling.listing("MUG"))).await;
    explained.ok().shows("10 on hand, less 0 committed").shows("100 % of it").shows("The listing shows");
    let connection = selling.connection.to_string();
    browser
        .post(&format!("{path}/unlink"), &[("connection_id", &connection)])
        .await
        .ok()
        .shows("1 listings unlinked");
    browser.get(&path).await.shows("No listing shows this item yet");
}

#[tokio::test]
async fn items_and_bundles_are_made_and_changed_by_form() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    let fields = [("sku", "CUP"), ("name", "Cup"), ("selling_price", "4.20"), ("opening_stock", "9")];
    browser.post("/items/new", &fields).await.ok().shows("4.20 EUR").shows("<strong>9</strong>");
    let again = browser.post("/items/new", &fields).await;
    again.ok().shows("role=\"alert\"").shows("value=\"Cup\"");
    let fields = [
        ("sku", "SET"),
        ("name", "Set of two"),
        ("component_sku", "cup"),
        ("component_quantity", "2"),
        ("component_sku", ""),
        ("component_quantity", ""),
    ];
    let page = browser.post("/items/new", &fields).await;
    page.ok().shows("Made of").shows("2 ×");
    let id = page.between("action=\"/items/itm_", "/delete\"");
    browser
        .get(&format!("/items/itm_{id}/explain"))
        .await
        .ok()
        .shows("9 available, with 2 in each")
        .shows("<strong>4</strong>");
    let missing = [("sku", "X"), ("name", "X"), ("component_sku", "nothing"), ("component_quantity", "1")];
    browser.post("/items/new", &missing).await.shows("No item has this SKU: nothing");
    let changed = [("sku", "SET"), ("name", "Pair"), ("component_sku", "cup"), ("component_quantity", "3")];
    browser.post(&format!("/items/itm_{id}/edit"), &changed).await.ok().shows("Pair").shows("3 ×");
}

#[tokio::test]
async fn what_cannot_be_marked_says_why() {
    let world = World::new().await;
    let item = world.item("MUG").await;
    let browser = Browser::signed_in(&world).await;
    let page = browser.post("/items/mark", &[("item_id", &item), ("fulfilment", "fba")]).await;
    page.ok().shows("role=\"alert\"").shows("0 marked. 1 failed");
    browser.post("/items/mark", &[("fulfilment", "fba")]).await.shows("Select at least one");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let world = World::new().await;
    for n in 0..27 {
        world.item(&format!("SKU-{n:02}")).await;
    }
    let browser = Browser::signed_in(&world).await;
    let first = browser.get("/items?q=sku").await;
    assert_eq!(first.ok().html.matches("name=\"item_id\"").count(), 25);
    let next = first.between("rel=\"next\" href=\"", "\"").replace("&#38;", "&");
    assert!(next.starts_with("/items?q=sku&cursor="), "{next}");
    let second = browser.get(&next).await;
    assert_eq!(second.ok().html.matches("name=\"item_id\"").count(), 2);
    second.shows("First page");
    assert_eq!(browser.get("/items?cursor=rubbish").await.status, 400);
}
