//! Amazon.

use async_trait::async_trait;
use domain::ChannelKind;
use domain::listing::FetchedListing;
use domain::order::FetchedOrder;
use domain::schedule::Window;
use http::HeaderMap;
use secrecy::SecretString;
use url::Url;

use crate::{
    Authorization, Capability, Channel, ChannelError, Consent, Cursor, ErrorKind, Notification, OrderQuery,
    Page, Shipment, ShipmentOutcome, Shop, ShopIdentity, StockBatch, StockOutcome, StockTarget, Tokens,
    WebhookRefused, WebhookUpkeep,
};

/// The adapter.
#[derive(Debug)]
pub struct Amazon;

static CAPABILITY: Capability = Capability {
    name: "Amazon",
    authorization: Authorization::Oauth2,
    credentials_required: &["client_id", "client_secret", "refresh_token", "selling_partner_id"],
    credentials_optional: &[],
    application_keys: &["client_id", "client_secret"],
    home: Some("https://sellingpartnerapi-na.amazon.com"),
    taxes_required: true,
    listing_page_max: 1,
    listing_changes: false,
    order_page_max: 1,
    order_ids_max: 1,
    stock_batch_max: 1,
    stock_compare_and_set: false,
    locations: false,
    order_look_before_push: false,
};

fn not_yet() -> ChannelError {
    ChannelError::new(ErrorKind::Rejected, "speak to the channel", "the adapter is not finished")
}

#[async_trait]
impl Channel for Amazon {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Amazon
    }

    fn capability(&self) -> &'static Capability {
        &CAPABILITY
    }

    async fn identify(&self, _shop: &Shop<'_>) -> Result<ShopIdentity, ChannelError> {
        Err(not_yet())
    }

    async fn fetch_listings(
        &self,
        _shop: &Shop<'_>,
        _changed: Option<Window>,
        _cursor: Option<&Cursor>,
    ) -> Result<Page<FetchedListing>, ChannelError> {
        Err(not_yet())
    }

    async fn fetch_orders(
        &self,
        _shop: &Shop<'_>,
        _query: &OrderQuery,
        _cursor: Option<&Cursor>,
    ) -> Result<Page<FetchedOrder>, ChannelError> {
        Err(not_yet())
    }

    fn plan_stock(&self, _targets: Vec<StockTarget>) -> Vec<StockBatch> {
        Vec::new()
    }

    async fn push_stock(
        &self,
        _shop: &Shop<'_>,
        _key: &str,
        _batch: &StockBatch,
    ) -> Result<Vec<StockOutcome>, ChannelError> {
        Err(not_yet())
    }

    async fn read_stock(
        &self,
        _shop: &Shop<'_>,
        _targets: &[StockTarget],
    ) -> Result<Vec<Option<i64>>, ChannelError> {
        Err(not_yet())
    }

    async fn ensure_webhooks(
        &self,
        _shop: &Shop<'_>,
        _callback: &Url,
        _secret: &SecretString,
    ) -> Result<WebhookUpkeep, ChannelError> {
        Err(not_yet())
    }

    async fn read_webhook(
        &self,
        _shop: &Shop<'_>,
        _secret: &SecretString,
        _headers: &HeaderMap,
        _body: &[u8],
    ) -> Result<Notification, WebhookRefused> {
        Err(WebhookRefused::Unreadable)
    }

    async fn push_shipment(
        &self,
        _shop: &Shop<'_>,
        _shipment: &Shipment,
    ) -> Result<ShipmentOutcome, ChannelError> {
        Err(not_yet())
    }

    fn tokens(&self) -> Option<&dyn Tokens> {
        None
    }

    fn consent(&self) -> Option<&dyn Consent> {
        None
    }
}
