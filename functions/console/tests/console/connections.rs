//! Shops: connected, set, synced, followed, switched off.

use domain::audit::AuditAction;

use crate::browser::Browser;
use crate::world::World;

#[tokio::test]
async fn a_shop_is_tried_before_it_is_kept_and_no_secret_comes_back() {
    let world = World::new().await;
    world.open_shop("shop.example", "EUR");
    let browser = Browser::signed_in(&world).await;
    browser.get("/connections/new").await.ok().shows("/connections/new/woocommerce");
    let fields = |endpoint: &'static str| {
        [
            ("name", "Web shop"),
            ("endpoint", endpoint),
            ("credential_consumer_key", "ck_test"),
            ("credential_consumer_secret", "cs_test"),
        ]
    };
    let refused = browser.post("/connections/new/woocommerce", &fields("https://nowhere.example")).await;
    refused.ok().shows("role=\"alert\"").shows("value=\"https://nowhere.example\"").hides("cs_test");
    let made = browser.post("/connections/new/woocommerce", &fields("https://shop.example")).await;
    made.ok().shows("Connected.").shows("Active").hides("cs_test").hides("ck_test");
    browser.get("/connections").await.ok().shows("Web shop");
}

#[tokio::test]
async fn e10_a_sync_now_is_of_all_shops_unless_it_is_unticked_and_is_followed() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    shop.goods(Some("A"), "Mug A", 3);
    let browser = Browser::signed_in(&world).await;
    let path = format!("/connections/{}", shop.connection);
    browser.get(&path).await.ok().shows("name=\"all\" value=\"1\" checked");
    let page = browser.post(&format!("{path}/sync"), &[("kind", "items"), ("all", "1")]).await;
    page.ok().shows("Queued").shows("hx-trigger=\"every 2s\"");
    let progress = page.between("hx-get=\"", "\"");
    let part = browser.get(&progress).await;
    part.ok().hides("<html");
    assert_eq!(part.header("hx-refresh"), "");
    world.work().await;
    let part = browser.get(&progress).await;
    part.ok().shows("Succeeded").hides("hx-trigger");
    assert_eq!(part.header("hx-refresh"), "true");
    let whole = browser.get(progress.strip_suffix("/progress").unwrap()).await;
    whole.ok().shows("Mug A").shows("Waits to be confirmed").shows("Fetch again");
    browser.get(&format!("{path}/history")).await.ok().shows("Listings");
    let bad = browser.post(&format!("{path}/sync"), &[("kind", "items"), ("to", "2026-01-31")]).await;
    bad.shows("A period needs its first day");
    let page = browser
        .post(&format!("{path}/sync"), &[("kind", "orders"), ("from", "2026-01-01"), ("to", "2026-01-31")])
        .await;
    page.ok().shows("Started.");
}

#[tokio::test]
async fn settings_are_saved_as_the_preview_showed_them() {
    let world = World::new().await;
    world.stocked("MUG", 10).await;
    let selling = world.selling("shop.example", &[("MUG", 10)]).await;
    world.settle().await;
    let browser = Browser::signed_in(&world).await;
    let path = format!("/connections/{}/settings", selling.connection);
    browser.get(&path).await.ok().shows("Modules in sync").shows("Warehouse mapping");
    let mut fields = vec![
        ("name", "Renamed"),
        ("sync_interval_minutes", "60"),
        ("items", "1"),
        ("orders", "1"),
        ("stock", "1"),
        ("mapping", "all"),
        ("drift", "alert"),
        ("percent", "50"),
        ("blast_radius_percent", "20"),
    ];
    let preview = browser.post(&path, &fields).await;
    preview.ok().shows("Listings that would show another number: 1 (").shows("value=\"Renamed\"");
    let plan = preview.between("name=\"plan_id\" value=\"", "\"");
    fields.push(("plan_id", &plan));
    browser.post(&path, &fields).await.ok().shows("Settings saved.").shows("Renamed");
    let id = &selling.connection;
    let settings = world.app.connection(&world.organization, id).await.unwrap().settings;
    assert_eq!((settings.sync_interval_minutes.minutes(), settings.modules.shipments), (60, false));
    world.settle().await;
    assert_eq!(selling.shows("MUG"), 5);
}

#[tokio::test]
async fn a_shop_is_disabled_enabled_and_deleted_with_a_second_word() {
    let world = World::new().await;
    let id = world.connect().await;
    let browser = Browser::signed_in(&world).await;
    let path = format!("/connections/{id}");
    browser.post(&format!("{path}/disable"), &[]).await.ok().shows("Disabled").hides("Sync now</button>");
    browser.post(&format!("{path}/enable"), &[]).await.ok().shows("Active");
    browser.post(&format!("{path}/delete"), &[]).await.shows("Tick the box");
    browser.post(&format!("{path}/delete"), &[("sure", "1")]).await.ok().shows("No shop is connected yet");
    let page = store::PageRequest { limit: 3, cursor: None };
    let noted = world.app.store.audits(&world.organization, &page).await.unwrap().data;
    let noted: Vec<_> = noted.into_iter().map(|one| (one.action, one.object)).collect();
    let expected =
        [AuditAction::ConnectionDeleted, AuditAction::ConnectionEnabled, AuditAction::ConnectionDisabled];
    assert_eq!(noted, expected.map(|action| (action, id.to_string())));
}

#[tokio::test]
async fn consent_is_a_link_to_the_channel_s_own_page() {
    let world = World::new().await;
    world.open_shopify("shopify.example", "EUR");
    let browser = Browser::signed_in(&world).await;
    let fields = [("name", "Second"), ("endpoint", "https://shopify.example")];
    let made = browser.post("/connections/new/shopify", &fields).await;
    made.ok().shows("consent on the channel").shows("Needs authorization");
    let action = made.between("action=\"/connections/con_", "/authorize\"");
    let page = browser.post(&format!("/connections/con_{action}/authorize"), &[]).await;
    page.ok().shows("href=\"https://shopify.example/").shows("Go to");
}
