//! What every page has: security headers, a frame that can be walked by keyboard, words in one language, few bytes.

use marketplace_sim::SimulatedShop;

use crate::browser::Browser;
use crate::world::World;

const PAGES: [&str; 14] = [
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
    assert!(sent.html.len() < 15_000, "the style sheet has {} bytes", sent.html.len());
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
    browser.get("/listings/behind").await.ok().shows("listings behind");
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
