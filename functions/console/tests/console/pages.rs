//! What every page has: security headers, a frame that can be walked by keyboard, words in one language, few bytes.

use marketplace_sim::SimulatedShop;
use serde_json::json;

use crate::browser::Browser;
use crate::world::World;

const PAGES: [&str; 20] = [
    "/",
    "/orders",
    "/listings",
    "/listings?status=linked",
    "/items",
    "/items/new",
    "/stock",
    "/stock?kind=transfers",
    "/stock/adjustments/new",
    "/stock/transfers/new",
    "/stock/locations",
    "/stock/rules",
    "/connections",
    "/connections/new",
    "/keys",
    "/contacts",
    "/orders/new",
    "/items/import",
    "/stock?kind=inbound-shipments",
    "/stock/inbound-shipments/new",
];

#[tokio::test]
async fn every_page_answers_in_its_frame_and_lets_nothing_inline_in() {
    let world = World::new().await;
    world.selling("shop.example", &[("MUG", 5), ("TEE", 3)]).await;
    let browser = Browser::signed_in(&world).await;
    let channels = ["amazon", "ebay", "etsy", "shopify", "woocommerce"];
    let more = channels.map(|channel| format!("/connections/new/{channel}"));
    for path in PAGES.into_iter().chain(more.iter().map(String::as_str)) {
        let page = browser.get(path).await;
        page.ok();
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("cache-control"), "no-store");
        for part in
            ["<html lang=\"en\">", "href=\"#main\"", "<main id=\"main\"", "<h1>", "aria-current=\"page\""]
        {
            assert!(page.html.contains(part), "{path} has no {part}");
        }
        for inline in ["<style", " style=", "<script>", " onclick=", "javascript:", "hx-on"] {
            assert!(!page.html.contains(inline), "{path} has {inline}");
        }
        assert!(page.html.contains("Europe/Berlin"), "{path}");
    }
}

#[tokio::test]
async fn the_first_view_is_under_60_kb_as_sent() {
    let world = World::new().await;
    world.selling("shop.example", &[("MUG", 5), ("TEE", 3)]).await;
    let browser = Browser::signed_in(&world).await;
    let page = browser.get("/").await;
    let assets = page.html.split('"').filter(|part| part.starts_with("/assets/"));
    let mut bytes = 0;
    for path in assets.chain(["/"]) {
        let sent = browser.send("GET", path, None, &[("accept-encoding", "gzip")]).await;
        sent.headers.get("content-encoding").unwrap_or_else(|| panic!("{path} is not packed"));
        bytes += page_bytes(&browser, path).await;
    }
    assert!(bytes < 60_000, "{bytes} bytes");
}

/// Before packing: what is sent is less.
async fn page_bytes(browser: &Browser, path: &str) -> usize {
    let plain = browser.get(path).await;
    plain.ok();
    plain.html.len().div_ceil(if path.contains(".js") || path.contains(".css") { 2 } else { 1 })
}

#[tokio::test]
async fn assets_are_kept_for_a_year_under_the_name_of_their_content() {
    let world = World::new().await;
    let browser = Browser::stranger(&world);
    let page = browser.get("/sign-in").await;
    let css = page.between("rel=\"stylesheet\" href=\"", "\"");
    let sent = browser.get(&css).await;
    assert_eq!(sent.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(sent.header("cache-control"), "public, max-age=31536000, immutable");
    assert!(sent.html.len() < 16_000, "the style sheet has {} bytes", sent.html.len());
    assert_eq!(browser.get("/assets/console-0000.css").await.status, 404);
}

#[tokio::test]
async fn the_dashboard_counts_what_waits() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    browser.get("/").await.ok().shows("Nothing waits for you").shows("No shop is connected yet");
    let shop = world.shop("shop.example").await;
    let sold = shop.goods(Some("A"), "Mug A", 10);
    world.sync_items(&shop).await;
    let order = shop.sim.sell(&[(sold, 2)]);
    world.import(&shop, &order).await;
    let page = browser.get("/").await;
    page.shows("frozen orders").shows("href=\"/orders?frozen=1\"").shows("unconfirmed items");
    page.shows("aria-label=\"Orders: 1\"").shows("aria-label=\"Units sold: 2\"");
}

#[tokio::test]
async fn the_charts_count_every_order_of_four_weeks_and_none_before() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    let item = world.stocked("MUG", 999).await;
    let sell = |placed_at: Option<&str>| {
        let line = json!({"item_id": item, "quantity": 2});
        let mut order = json!({"lines": [line]});
        order["placed_at"] = json!(placed_at);
        world.post("/v1/orders", order)
    };
    // More than a page of a list has, and one from before the first day.
    for _ in 0..205 {
        sell(None).await.ok();
    }
    sell(Some("2025-06-01T10:00:00Z")).await.ok();
    let page = browser.get("/").await;
    page.ok().shows("aria-label=\"Orders: 205\"").shows("aria-label=\"Units sold: 410\"");
}

#[tokio::test]
async fn a_listing_that_refuses_its_number_is_counted_as_not_in_sync_until_it_takes_one() {
    let world = World::new().await;
    world.stocked("MUG", 10).await;
    let selling = world.selling("shop.example", &[("MUG", 10)]).await;
    world.settle().await;
    let browser = Browser::signed_in(&world).await;
    let counted = async || {
        let page = browser.get("/").await;
        let card = page.ok().between("id=\"c-behind\"", "</section>");
        card.split("<p class=\"big\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
    };
    assert_eq!(counted().await, "0");
    let listing = selling.listing("MUG");
    let since = world.app.clock.now();
    let of = world.app.listing(&world.organization, &listing).await.unwrap();
    let item = of.item_id.unwrap();
    let fail = async |code: &str, hours| {
        let since = since + jiff::SignedDuration::from_hours(hours);
        let failure = domain::push::PushFailure { code: code.into(), reason: "no".into(), since };
        world.app.store.note_push_failure(&world.organization, &item, &listing, &failure).await.unwrap();
    };
    fail("refused", 1).await;
    assert_eq!(counted().await, "1");
    world.clock.advance_hours(5);
    browser.get("/").await.shows("The oldest has waited for 4 h.");
    // What no try changes is not waited for.
    fail("listing_gone", 2).await;
    assert_eq!(counted().await, "0");
    fail("refused", 3).await;
    let taken = domain::push::Acknowledged {
        quantity: domain::Quantity::clamped(10),
        version: 1_000,
        at: world.app.clock.now(),
    };
    assert_eq!(counted().await, "1");
    world.app.store.acknowledge(&world.organization, &item, &listing, &taken).await.unwrap();
    assert_eq!(counted().await, "0");
}

#[tokio::test]
async fn times_are_those_of_the_organization_s_zone() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    world.sync_items(&shop).await;
    let browser = Browser::signed_in(&world).await;
    // 10:00 in UTC.
    browser
        .get(&format!("/connections/{}", shop.connection))
        .await
        .shows("<time datetime=\"2026-02-01T10:00:00Z\">1 Feb 2026, 11:00</time>");
}
