//! The merchant's consent on the channel's own page: `authorize` and the callback.

use std::sync::Arc;

use marketplace_sim::SimulatedShop;
use marketplace_sim::shopify::ShopifyShop;
use marketplace_sim::woocommerce::WoocommerceShop;
use serde_json::{Value, json};
use url::Url;

use crate::world::{Answer, World, connection_input};

struct Waiting {
    world: World,
    shop: Arc<ShopifyShop>,
    path: String,
}

impl Waiting {
    /// A connection that brings nothing but its address.
    async fn new(currency: &str) -> Self {
        let world = World::new().await;
        let shop = world.open_shopify("goods.myshopify.com", currency);
        let made = world.post("/v1/connections", bare("https://goods.myshopify.com")).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!(made.body["status"], "needs_authorization");
        assert_eq!(made.body["next_sync_at"], Value::Null);
        let path = format!("/v1/connections/{}", made.body["id"].as_str().unwrap());
        Self { world, shop, path }
    }

    async fn page(&self) -> Url {
        let answer = self.world.post(&format!("{}/authorize", self.path), json!({})).await.ok();
        answer["authorization_url"].as_str().unwrap().parse().unwrap()
    }

    /// As the merchant's browser would: without a key.
    async fn follow(&self, way_back: &Url) -> Answer {
        assert_eq!(way_back.path(), "/v1/oauth/callback");
        let path = format!("{}?{}", way_back.path(), way_back.query().unwrap());
        self.world.request(None, "GET", &path, None, &[]).await
    }
}

fn bare(endpoint: &str) -> Value {
    json!({"channel": "shopify", "name": "Goods", "endpoint": endpoint, "credentials": {}})
}

#[tokio::test]
async fn e4_consent_makes_the_connection_active_and_its_first_sync_due() {
    let waiting = Waiting::new("EUR").await;
    let way_back = waiting.shop.consent(&waiting.page().await).unwrap();
    let connection = waiting.follow(&way_back).await.ok();
    assert_eq!(connection["status"], "active");
    assert_eq!(connection["next_sync_at"], "2026-02-01T10:30:00Z");
    assert_eq!(waiting.world.get(&waiting.path).await.ok(), connection);
    // A code is redeemed once, and so is a state.
    waiting.follow(&way_back).await.refused(422, "consent_unknown", Some("/state"));
    assert_eq!(waiting.world.get(&waiting.path).await.ok()["status"], "active");
    // The same merchant may consent again, for the connection that there is.
    let again = waiting.shop.consent(&waiting.page().await).unwrap();
    assert_eq!(waiting.follow(&again).await.ok()["next_sync_at"], "2026-02-01T10:30:00Z");
}

#[tokio::test]
async fn e4_denial_leaves_nothing() {
    let waiting = Waiting::new("EUR").await;
    let way_back = waiting.shop.deny(&waiting.page().await).unwrap();
    waiting.follow(&way_back).await.refused(409, "consent_denied", None);
    waiting.world.get(&waiting.path).await.refused(404, "not_found", None);
    assert_eq!(waiting.world.get("/v1/connections").await.ok()["data"], json!([]));
}

#[tokio::test]
async fn e4_denial_leaves_a_connection_that_works_as_it_is() {
    let waiting = Waiting::new("EUR").await;
    let way_back = waiting.shop.consent(&waiting.page().await).unwrap();
    let before = waiting.follow(&way_back).await.ok();
    let way_back = waiting.shop.deny(&waiting.page().await).unwrap();
    waiting.follow(&way_back).await.refused(409, "consent_denied", None);
    assert_eq!(waiting.world.get(&waiting.path).await.ok(), before);
}

#[tokio::test]
async fn e2_a_shop_of_another_currency_leaves_nothing() {
    let waiting = Waiting::new("USD").await;
    let way_back = waiting.shop.consent(&waiting.page().await).unwrap();
    waiting.follow(&way_back).await.refused(422, "currency_mismatch", None);
    waiting.world.get(&waiting.path).await.refused(404, "not_found", None);
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_or_that_comes_late_does_nothing() {
    let waiting = Waiting::new("EUR").await;
    let world = &waiting.world;
    for query in ["", "?state=guessed&code=x", "?code=x"] {
        let answer = world.request(None, "GET", &format!("/v1/oauth/callback{query}"), None, &[]).await;
        answer.refused(422, "consent_unknown", Some("/state"));
    }
    let way_back = waiting.shop.consent(&waiting.page().await).unwrap();
    world.clock.advance_hours(1);
    waiting.follow(&way_back).await.refused(422, "consent_unknown", Some("/state"));
    assert_eq!(world.get(&waiting.path).await.ok()["status"], "needs_authorization");
}

#[tokio::test]
async fn no_key_of_another_opens_a_page_and_half_a_pair_of_keys_is_no_beginning() {
    let world = World::new().await;
    let id = world.connect().await;
    let path = format!("/v1/connections/{id}/authorize");
    let (_, other) = world.new_organization("EUR").await;
    let answer = world.request(Some(&other), "POST", &path, Some(json!({})), &[]).await;
    answer.refused(404, "not_found", None);
    let mut input = connection_input();
    input["credentials"].as_object_mut().unwrap().remove("consumer_secret");
    let refused = world.post("/v1/connections", input).await;
    refused.refused(422, "invalid_credentials", Some("/credentials/consumer_secret"));
}

/// What the shop's server posts, and where to.
struct Posted {
    path: String,
    body: Value,
}

impl Posted {
    fn of(shop: &WoocommerceShop) -> Self {
        let delivery = shop.take_deliveries().pop().expect("the shop posts its keys");
        let to: Url = delivery.url.parse().unwrap();
        assert_eq!(to.path(), "/v1/oauth/callback");
        let body = serde_json::from_slice(&delivery.body).unwrap();
        Self { path: format!("{}?{}", to.path(), to.query().unwrap()), body }
    }

    async fn send(&self, world: &World) -> Answer {
        world.request(None, "POST", &self.path, Some(self.body.clone()), &[]).await
    }
}

/// A shop that posts its keys, and a connection that waits for them.
async fn waiting_for_keys() -> (World, Arc<WoocommerceShop>, String) {
    let world = World::new().await;
    let shop = world.open_shop("own.example", "EUR");
    let input = json!({"channel": "woocommerce", "name": "Own", "endpoint": "https://own.example", "credentials": {}});
    let made = world.post("/v1/connections", input).await.ok();
    assert_eq!(made["status"], "needs_authorization");
    let path = format!("/v1/connections/{}", made["id"].as_str().unwrap());
    (world, shop, path)
}

async fn page_of(world: &World, path: &str) -> Url {
    let answer = world.post(&format!("{path}/authorize"), json!({})).await.ok();
    answer["authorization_url"].as_str().unwrap().parse().unwrap()
}

fn path_of(way_back: &Url) -> String {
    format!("{}?{}", way_back.path(), way_back.query().unwrap())
}

#[tokio::test]
async fn e4_keys_that_the_shop_posts_make_the_connection_active() {
    let (world, shop, path) = waiting_for_keys().await;
    let way_back = shop.consent(&page_of(&world, &path).await).unwrap();
    let posted = Posted::of(&shop);
    let answer = posted.send(&world).await;
    // Any other status, and the shop takes the keys back.
    assert_eq!((answer.status, answer.raw.len()), (200, 0));
    let connection = world.get(&path).await.ok();
    assert_eq!(connection["status"], "active");
    assert_eq!(connection["next_sync_at"], "2026-02-01T10:30:00Z");
    // The browser comes after, is told so once, and nothing is redeemed twice.
    let back = path_of(&way_back);
    assert_eq!(world.request(None, "GET", &back, None, &[]).await.ok(), connection);
    world.request(None, "GET", &back, None, &[]).await.refused(422, "consent_unknown", Some("/state"));
    posted.send(&world).await.refused(422, "consent_unknown", Some("/state"));
    assert_eq!(world.get(&path).await.ok(), connection);
}

#[tokio::test]
async fn keys_that_nobody_asked_for_or_that_open_nothing_are_not_taken() {
    let (world, shop, path) = waiting_for_keys().await;
    let mut posted = {
        shop.consent(&page_of(&world, &path).await).unwrap();
        Posted::of(&shop)
    };
    // Another's state in the body, or in the address.
    let guessed = Posted { path: "/v1/oauth/callback?state=guessed".to_owned(), body: posted.body.clone() };
    guessed.send(&world).await.refused(422, "consent_unknown", Some("/state"));
    let without = Posted { path: "/v1/oauth/callback".to_owned(), body: posted.body.clone() };
    without.send(&world).await.refused(422, "consent_unknown", Some("/state"));
    assert_eq!(world.get(&path).await.ok()["status"], "needs_authorization");
    posted.body["consumer_secret"] = json!("cs_made_up");
    posted.send(&world).await.refused(422, "credentials_refused", Some("/credentials"));
    world.get(&path).await.refused(404, "not_found", None);
}

#[tokio::test]
async fn e4_who_denies_the_keys_leaves_nothing() {
    let (world, shop, path) = waiting_for_keys().await;
    let way_back = shop.deny(&page_of(&world, &path).await).unwrap();
    assert!(shop.take_deliveries().is_empty());
    world.request(None, "GET", &path_of(&way_back), None, &[]).await.refused(409, "consent_denied", None);
    world.get(&path).await.refused(404, "not_found", None);
}

#[tokio::test]
async fn a_shop_that_takes_keys_is_tried_at_once_as_before() {
    let world = World::new().await;
    let shop = world.open_shopify("keys.myshopify.com", "EUR");
    let mut input = bare("https://keys.myshopify.com");
    input["credentials"] = json!(shop.credentials());
    assert_eq!(world.post("/v1/connections", input).await.ok()["status"], "active");
}
