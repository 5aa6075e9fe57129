//! eBay: the Sell Inventory and Fulfillment APIs, Commerce Identity and Notification, and of the Trading API the one call
//! that names listings made elsewhere.
//!
//! Every call goes through [`request`]: it is admitted by the budget of its API, authorized by the token that the API wants,
//! and its refusals read by [`error`].

use async_trait::async_trait;
use domain::listing::FetchedListing;
use domain::order::FetchedOrder;
use domain::schedule::Window;
use domain::{ChannelKind, ChannelLocationId};
use http::HeaderMap;
use secrecy::SecretString;
use url::Url;

use crate::{
    Authorization, ByLocation, Capability, Channel, ChannelError, ChannelLocation, Consent, Cursor,
    Notification, OrderQuery, Pace, Page, Shipment, ShipmentOutcome, Shop, ShopFacts, ShopIdentity,
    ShownByLocation, StockBatch, StockOutcome, StockTarget, Tokens, WebhookRefused, WebhookUpkeep,
};

mod auth;
mod error;
pub mod limits;
mod listings;
mod locations;
mod marketplace;
mod orders;
mod request;
mod shipments;
mod stock;
mod webhooks;
mod wire;

/// The adapter.
#[derive(Debug)]
pub struct Ebay;

/// Numbers with their sources: README.md.
static CAPABILITY: Capability = Capability {
    name: "eBay",
    authorization: Authorization::Oauth2,
    credentials_required: &["client_id", "client_secret", "refresh_token"],
    credentials_optional: &["ru_name"],
    application_keys: &["client_id", "client_secret", "ru_name"],
    home: Some(request::HOME),
    taxes_required: false,
    listing_page_max: listings::PAGE,
    listing_changes: false,
    order_page_max: orders::PAGE,
    order_ids_max: orders::IDS,
    stock_batch_max: stock::BATCH,
    stock_compare_and_set: false,
    locations: ByLocation::Beside,
    order_edits: false,
    order_look_before_push: true,
};

#[async_trait]
impl Channel for Ebay {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Ebay
    }

    fn capability(&self) -> &'static Capability {
        &CAPABILITY
    }

    async fn identify(&self, shop: &Shop<'_>) -> Result<ShopIdentity, ChannelError> {
        auth::identify(shop).await
    }

    /// eBay does not say when a listing changed: `changed` narrows nothing down.
    async fn fetch_listings(
        &self,
        shop: &Shop<'_>,
        _changed: Option<Window>,
        cursor: Option<&Cursor>,
    ) -> Result<Page<FetchedListing>, ChannelError> {
        listings::fetch(shop, cursor).await
    }

    async fn fetch_orders(
        &self,
        shop: &Shop<'_>,
        query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<Page<FetchedOrder>, ChannelError> {
        orders::fetch(shop, query, cursor).await
    }

    fn plan_stock(&self, targets: Vec<StockTarget>, _pace: &Pace) -> Vec<StockBatch> {
        stock::plan(targets)
    }

    async fn push_stock(
        &self,
        shop: &Shop<'_>,
        _key: &str,
        batch: &StockBatch,
    ) -> Result<Vec<StockOutcome>, ChannelError> {
        stock::push(shop, batch).await
    }

    async fn read_stock(
        &self,
        shop: &Shop<'_>,
        targets: &[StockTarget],
    ) -> Result<Vec<Option<i64>>, ChannelError> {
        stock::read(shop, targets).await
    }

    async fn locations(&self, shop: &Shop<'_>) -> Result<Vec<ChannelLocation>, ChannelError> {
        locations::list(shop).await
    }

    fn home_location(&self, facts: &ShopFacts) -> Option<ChannelLocationId> {
        locations::home_of(facts)
    }

    async fn read_stock_at(
        &self,
        shop: &Shop<'_>,
        locations: &[ChannelLocationId],
        targets: &[StockTarget],
    ) -> Result<Vec<ShownByLocation>, ChannelError> {
        locations::read(shop, locations, targets).await
    }

    async fn ensure_webhooks(
        &self,
        shop: &Shop<'_>,
        callback: &Url,
        secret: &SecretString,
    ) -> Result<WebhookUpkeep, ChannelError> {
        webhooks::ensure(shop, callback, secret).await
    }

    async fn read_webhook(
        &self,
        shop: &Shop<'_>,
        _secret: &SecretString,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Notification, WebhookRefused> {
        webhooks::read(shop, headers, body).await
    }

    fn answer_challenge(&self, secret: &SecretString, callback: &Url, query: &str) -> Option<String> {
        webhooks::answer_challenge(secret, callback, query)
    }

    async fn push_shipment(
        &self,
        shop: &Shop<'_>,
        shipment: &Shipment,
    ) -> Result<ShipmentOutcome, ChannelError> {
        shipments::push(shop, shipment).await
    }

    fn tokens(&self) -> Option<&dyn Tokens> {
        Some(self)
    }

    fn consent(&self) -> Option<&dyn Consent> {
        Some(self)
    }
}
