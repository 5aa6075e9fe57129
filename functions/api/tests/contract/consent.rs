//! The merchant's consent on the channel's own page: `authorize` and the callback.

use std::sync::Arc;

use marketplace_sim::SimulatedShop;
use marketplace_sim::shopify::ShopifyShop;
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
async fn a_channel_of_keys_has_no_page_and_no_key_of_another_opens_one() {
    let world = World::new().await;
    let id = world.connect().await;
    let path = format!("/v1/connections/{id}/authorize");
    world.post(&path, json!({})).await.refused(409, "no_consent_page", None);
    let (_, other) = world.new_organization("EUR").await;
    let answer = world.request(Some(&other), "POST", &path, Some(json!({})), &[]).await;
    answer.refused(404, "not_found", None);
    let mut input = connection_input();
    input["credentials"] = json!({});
    let refused = world.post("/v1/connections", input).await;
    refused.refused(422, "invalid_credentials", Some("/credentials/consumer_key"));
}

#[tokio::test]
async fn a_shop_that_takes_keys_is_tried_at_once_as_before() {
    let world = World::new().await;
    let shop = world.open_shopify("keys.myshopify.com", "EUR");
    let mut input = bare("https://keys.myshopify.com");
    input["credentials"] = json!(shop.credentials());
    assert_eq!(world.post("/v1/connections", input).await.ok()["status"], "active");
}
