//! Access that ends: renewed once, whoever asks; a grant that was taken back is told.

use std::sync::Arc;

use domain::ConnectionId;
use marketplace_sim::SimulatedShop;
use marketplace_sim::shopify::ShopifyShop;
use serde_json::json;
use url::Url;

use crate::world::World;

/// A connection with a token of an hour, two hours later.
async fn with_ended_token() -> (World, Arc<ShopifyShop>, ConnectionId) {
    let world = World::new().await;
    let shop = world.open_shopify("goods.myshopify.com", "EUR");
    let input = json!({"channel": "shopify", "name": "Goods", "endpoint": "https://goods.myshopify.com",
        "credentials": {}});
    let made = world.post("/v1/connections", input).await.ok();
    let id: ConnectionId = made["id"].as_str().unwrap().parse().unwrap();
    let asked = world.post(&format!("/v1/connections/{id}/authorize"), json!({})).await.ok();
    let page: Url = asked["authorization_url"].as_str().unwrap().parse().unwrap();
    let back = shop.consent(&page).unwrap();
    let path = format!("{}?{}", back.path(), back.query().unwrap());
    world.request(None, "GET", &path, None, &[]).await.ok();
    world.clock.advance_hours(2);
    shop.take_calls();
    (world, shop, id)
}

fn renewals(shop: &ShopifyShop) -> usize {
    shop.take_calls().iter().filter(|call| call.operation == "POST oauth/access_token").count()
}

/// A refresh token is spent by its use: of several workers that find the token ended, one renews it and the others take
/// what it got.
#[tokio::test]
async fn several_workers_renew_an_ended_token_once() {
    let (world, shop, id) = with_ended_token().await;
    let open = || world.app.open_shop(&world.organization, &id);
    let (a, b, c, d) = tokio::join!(open(), open(), open(), open());
    for opened in [a, b, c, d] {
        assert_eq!(opened.err().map(|error| error.to_string()), None);
    }
    assert_eq!(renewals(&shop), 1);
    assert!(open().await.is_ok());
    assert_eq!(renewals(&shop), 0);
    world.clock.advance_hours(2);
    assert!(open().await.is_ok());
    assert_eq!(renewals(&shop), 1);
}

#[tokio::test]
async fn a_grant_that_was_taken_back_asks_for_consent_and_is_not_tried_again() {
    let (world, shop, id) = with_ended_token().await;
    shop.revoke();
    assert!(world.app.open_shop(&world.organization, &id).await.is_err());
    let connection = world.get(&format!("/v1/connections/{id}")).await.ok();
    assert_eq!(connection["status"], "needs_authorization");
    renewals(&shop);
    assert!(world.app.open_shop(&world.organization, &id).await.is_err());
    assert_eq!(shop.take_calls(), []);
}
