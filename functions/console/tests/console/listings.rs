//! Listings: the four kinds that wait, confirmed, updated, linked, dismissed; many at once; taken off again.

use domain::listing::Match;
use serde_json::json;

use crate::browser::Browser;
use crate::world::World;

#[tokio::test]
async fn what_waits_is_shown_by_its_kind() {
    let world = World::new().await;
    let connection = world.connect().await;
    world.listing(&connection, 1, Some("A"), Match::SkuMatched).await;
    world.listing(&connection, 2, Some("B"), Match::Unmatched).await;
    world.listing(&connection, 3, None, Match::EmptySku).await;
    world.listing(&connection, 4, Some("C"), Match::DuplicateSku).await;
    let browser = Browser::signed_in(&world).await;
    let all = browser.get("/listings").await;
    for (kind, label, title) in [
        ("sku_matched", "SKU matched", "Listing 1"),
        ("unmatched", "SKU unmatched", "Listing 2"),
        ("empty_sku", "Empty SKU", "Listing 3"),
        ("duplicate_sku", "Duplicate SKU", "Listing 4"),
    ] {
        all.shows(title).shows(&format!("{label} <span class=\"count\">1</span>"));
        let own = browser.get(&format!("/listings?match={kind}")).await;
        own.ok().shows(title);
        assert_eq!(own.html.matches("name=\"listing_id\"").count(), 1, "{kind}");
    }
    browser.get("/listings?status=dismissed").await.ok().shows("Nothing found");
}

#[tokio::test]
async fn a_listing_stands_beside_its_candidate_and_is_linked_to_it() {
    let world = World::new().await;
    let item = world.stocked("MUG", 4).await;
    let shop = world.shop("shop.example").await;
    world
        .app
        .change_organization(
            &world.organization,
            None,
            &app::organization::OrganizationPatch {
                auto_link: Some(domain::matching::AutoLink::Off),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    let sold = shop.goods(Some("mug"), "Mug in the shop", 9);
    world.sync_items(&shop).await;
    let browser = Browser::signed_in(&world).await;
    let path = format!("/listings/{}", shop.listing(&sold));
    let page = browser.get(&path).await;
    let part = browser.send("GET", &format!("{path}?q=mug"), None, &[("hx-request", "true")]).await;
    part.ok().shows(&item).hides("<html");
    page.shows(&format!("hx-get=\"{path}\""));
    page.ok().shows("side by side").shows("Mug in the shop").shows("Item MUG").shows("differs");
    browser
        .post(&format!("{path}/link"), &[("item_id", &item)])
        .await
        .ok()
        .shows("Linked.")
        .shows("Explain this quantity");
    browser.post(&format!("{path}/unlink"), &[]).await.shows("Unlinked.");
    browser.get(&path).await.shows("Link to an existing item");
}

#[tokio::test]
async fn a_listing_is_updated_before_it_is_confirmed_and_warned_of_what_follows_from_it() {
    let world = World::new().await;
    let connection = world.connect().await;
    let browser = Browser::signed_in(&world).await;
    let plain = world.listing(&connection, 1, Some("A"), Match::Unmatched).await;
    let said = "the purchase price is the selling price and the opening stock is what the channel shows";
    browser.get(&format!("/listings/{plain}")).await.ok().shows(said);
    browser.post(&format!("/listings/{plain}/confirm"), &[]).await.ok().shows("Confirmed").shows(said);
    let nameless = world.listing(&connection, 2, None, Match::EmptySku).await;
    let primary = world.primary().await;
    let fields = [
        ("sku", "NEW-1"),
        ("name", "Better name"),
        ("selling_price", "12.50"),
        ("purchase_price", "7"),
        ("opening_stock", "3"),
        ("location_id", primary.as_str()),
    ];
    let page = browser.post(&format!("/listings/{nameless}/confirm"), &fields).await;
    page.ok().shows("Better name").shows("12.50 EUR").shows("7.00 EUR").shows("NEW-1");
    browser.get("/items?q=better").await.shows("NEW-1").shows("<strong>3</strong>");
    let wrong = world.listing(&connection, 3, Some("C"), Match::Unmatched).await;
    let page = browser.post(&format!("/listings/{wrong}/confirm"), &[("selling_price", "12,50")]).await;
    page.ok().shows("role=\"alert\"").shows("Make it an item");
}

#[tokio::test]
async fn many_come_out_each_by_itself() {
    let world = World::new().await;
    let connection = world.connect().await;
    let good = world.listing(&connection, 1, Some("A"), Match::Unmatched).await;
    let bad = world.listing(&connection, 2, None, Match::EmptySku).await;
    let browser = Browser::signed_in(&world).await;
    let fields = [("action", "confirm"), ("listing_id", good.as_str()), ("listing_id", bad.as_str())];
    let page = browser.post("/listings/bulk", &fields).await;
    page.ok().shows("1 done, 1 failed").shows("The listing has no SKU");
    let fields = [("action", "dismiss"), ("listing_id", bad.as_str())];
    browser.post("/listings/bulk", &fields).await.ok().shows("1 done, 0 failed");
    browser.get("/listings?status=dismissed").await.shows("Listing 2");
    browser.post("/listings/bulk", &[("action", "confirm")]).await.shows("Select at least one");
}

#[tokio::test]
async fn a_listing_s_own_rule_is_previewed_before_it_holds() {
    let world = World::new().await;
    world.stocked("MUG", 10).await;
    let selling = world.selling("shop.example", &[("MUG", 10)]).await;
    world.settle().await;
    let browser = Browser::signed_in(&world).await;
    let listing = selling.listing("MUG");
    let path = format!("/listings/{listing}/rule");
    let preview = browser.post(&path, &[("buffer", "4")]).await;
    preview.ok().shows("What would change").shows("Listings that would show another number: 1 (");
    let plan = preview.between("name=\"plan_id\" value=\"", "\"");
    assert_eq!(world.get(&format!("/v1/listings/{listing}")).await.ok()["stock_rule"]["buffer"], json!(null));
    browser.post(&path, &[("buffer", "5"), ("plan_id", &plan)]).await.shows("role=\"alert\"");
    browser.post(&path, &[("buffer", "4"), ("plan_id", &plan)]).await.ok().shows("Saved.");
    assert_eq!(world.get(&format!("/v1/listings/{listing}")).await.ok()["stock_rule"]["buffer"], json!(4));
    world.settle().await;
    assert_eq!(selling.shows("MUG"), 6);
}
