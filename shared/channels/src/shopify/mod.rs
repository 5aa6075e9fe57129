//! Shopify Admin GraphQL, version 2026-10.
//!
//! Every operation is a document under `queries/`, held to Shopify's schema by a test, with the cost that it is admitted
//! for by the connection's [`Pace`](crate::Pace): no query asks for more than the 1,000 points of a single one.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use domain::listing::FetchedListing;
use domain::order::FetchedOrder;
use domain::schedule::Window;
use domain::{ChannelKind, ChannelLocationId};
use http::{HeaderMap, Method, Request, Response};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::check_no_page;
use crate::{
    Authorization, ByLocation, Capability, Channel, ChannelError, ChannelLocation, Consent, Cursor,
    ErrorKind, Notification, OrderQuery, Pace, Page, Shipment, ShipmentOutcome, Shop, ShopFacts,
    ShopIdentity, ShownByLocation, StockBatch, StockOutcome, StockTarget, Tokens, WebhookRefused,
    WebhookUpkeep,
};

mod auth;
mod error;
mod listings;
mod locations;
mod orders;
mod shipments;
mod stock;
mod webhooks;
mod wire;

/// Shopify supports a version for at least a year; the next one is taken after the documents hold against its schema.
pub const API_VERSION: &str = "2026-10";

/// The adapter.
#[derive(Debug)]
pub struct Shopify;

/// One GraphQL operation.
#[derive(Debug)]
pub struct Operation {
    /// In the imperative, for errors.
    pub name: &'static str,
    pub document: &'static str,
    /// In points: the most that it can be charged, by the rules in the README.
    pub cost: u32,
}

/// Every operation that the adapter sends.
pub static OPERATIONS: [&Operation; 19] = [
    &auth::IDENTIFY,
    &listings::LISTINGS,
    &orders::CHANGED,
    &orders::BY_ID,
    &orders::LINES,
    &orders::LINES_LEAN,
    &orders::REFUNDS,
    &orders::REFUND_LINES,
    &stock::READ,
    &stock::SET,
    &locations::LOCATIONS,
    &locations::ASSIGNED,
    &locations::ACTIVATE,
    &shipments::READ,
    &shipments::OPEN_LINES,
    &shipments::SHIPPED_LINES,
    &shipments::CREATE,
    &webhooks::LIST,
    &webhooks::CREATE,
];

/// Numbers with their sources: README.md.
static CAPABILITY: Capability = Capability {
    name: "Shopify",
    authorization: Authorization::Oauth2,
    credentials_required: &["client_id", "client_secret"],
    credentials_optional: &["access_token", "refresh_token", auth::LOCATION_ID],
    application_keys: &["client_id", "client_secret"],
    home: None,
    taxes_required: false,
    listing_page_max: listings::PAGE,
    listing_changes: true,
    order_page_max: orders::PAGE,
    order_ids_max: orders::PAGE,
    stock_batch_max: stock::BATCH,
    stock_compare_and_set: true,
    locations: ByLocation::Summed,
    order_edits: true,
    order_look_before_push: true,
};

#[async_trait]
impl Channel for Shopify {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Shopify
    }

    fn capability(&self) -> &'static Capability {
        &CAPABILITY
    }

    async fn identify(&self, shop: &Shop<'_>) -> Result<ShopIdentity, ChannelError> {
        auth::identify(shop).await
    }

    async fn fetch_listings(
        &self,
        shop: &Shop<'_>,
        changed: Option<Window>,
        cursor: Option<&Cursor>,
    ) -> Result<Page<FetchedListing>, ChannelError> {
        listings::fetch(shop, changed, cursor).await
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
        key: &str,
        batch: &StockBatch,
    ) -> Result<Vec<StockOutcome>, ChannelError> {
        stock::push(shop, key, batch).await
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
        facts.get(auth::LOCATION_ID)?.parse().ok()
    }

    async fn read_stock_at(
        &self,
        shop: &Shop<'_>,
        locations: &[ChannelLocationId],
        targets: &[StockTarget],
    ) -> Result<Vec<ShownByLocation>, ChannelError> {
        stock::read_at(shop, locations, targets).await
    }

    async fn assigned_locations(
        &self,
        shop: &Shop<'_>,
        orders: &[String],
    ) -> Result<BTreeMap<String, ChannelLocationId>, ChannelError> {
        locations::assigned(shop, orders).await
    }

    async fn ensure_webhooks(
        &self,
        shop: &Shop<'_>,
        callback: &Url,
        _secret: &SecretString,
    ) -> Result<WebhookUpkeep, ChannelError> {
        webhooks::ensure(shop, callback).await
    }

    async fn read_webhook(
        &self,
        shop: &Shop<'_>,
        _secret: &SecretString,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Notification, WebhookRefused> {
        webhooks::read(shop.credentials, headers, body)
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

#[derive(Serialize)]
struct Body<'a, V> {
    query: &'a str,
    variables: &'a V,
}

/// How a call is made.
#[derive(Clone, Copy, Default)]
struct Terms<'a> {
    /// Fields that the answer may lack where the app may not see them.
    concealed: &'a [&'a str],
    /// The connection's pace has admitted it already.
    admitted: bool,
}

impl Operation {
    /// Sends it, within the connection's pace, and reads what it asked for.
    async fn call<T: DeserializeOwned>(
        &self,
        shop: &Shop<'_>,
        variables: &impl Serialize,
    ) -> Result<T, ChannelError> {
        self.call_on(shop, variables, Terms::default()).await
    }

    async fn call_on<T: DeserializeOwned>(
        &self,
        shop: &Shop<'_>,
        variables: &impl Serialize,
        terms: Terms<'_>,
    ) -> Result<T, ChannelError> {
        let token = shop.credentials.get("access_token").ok_or_else(|| {
            ChannelError::new(ErrorKind::Unauthorized, self.name, "there is no access token yet")
        })?;
        if !terms.admitted
            && let Err(wait) = shop.pace.admit(self.cost, shop.now)
        {
            return Err(ChannelError::new(
                ErrorKind::Throttled,
                self.name,
                "waits for the shop's cost bucket",
            )
            .after(wait));
        }
        let body = serde_json::to_vec(&Body { query: self.document, variables }).map_err(|e| {
            ChannelError::new(ErrorKind::Rejected, self.name, "the request cannot be written").caused_by(e)
        })?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(address(shop.endpoint, &format!("admin/api/{API_VERSION}/graphql.json")))
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::ACCEPT, "application/json")
            .header("X-Shopify-Access-Token", token)
            .body(Bytes::from(body));
        let response = send(shop, self.name, request).await?;
        self.read(shop, &response, terms.concealed)
    }

    fn read<T: DeserializeOwned>(
        &self,
        shop: &Shop<'_>,
        response: &Response<Bytes>,
        concealed: &[&str],
    ) -> Result<T, ChannelError> {
        let envelope: wire::Envelope<'_> = parse(self.name, response.body())?;
        let cost = envelope.extensions.and_then(|extensions| extensions.cost);
        if let Some((available, capacity, restored)) = cost.as_ref().and_then(wire::Cost::bucket) {
            shop.pace.observe(available, capacity, restored, shop.now);
        }
        let fatal = envelope.errors.iter().any(|error| !error.conceals(concealed));
        match envelope.data {
            Some(data) if !fatal => parse(self.name, data.get().as_bytes()),
            _ if envelope.errors.is_empty() => Err(ChannelError::new(
                ErrorKind::Malformed,
                self.name,
                "the answer has neither data nor errors",
            )),
            _ => Err(error::of_graphql(self.name, &envelope.errors, cost.as_ref())),
        }
    }
}

/// `path` at the shop, or at what stands in for it.
fn address(endpoint: &Url, path: &str) -> String {
    format!("{}/{path}", endpoint.as_str().trim_end_matches('/'))
}

async fn send(
    shop: &Shop<'_>,
    operation: &'static str,
    request: http::Result<Request<Bytes>>,
) -> Result<Response<Bytes>, ChannelError> {
    let request = request.map_err(|e| {
        ChannelError::new(ErrorKind::Rejected, operation, "the request cannot be written").caused_by(e)
    })?;
    let response = shop.transport.send(request).await.map_err(|e| e.during(operation))?;
    match error::of_status(operation, response.status(), response.headers()) {
        Some(error) => Err(error),
        None => Ok(response),
    }
}

/// Reads JSON. Errors name the place and never the value, which may be a buyer's.
fn parse<'a, T: serde::Deserialize<'a>>(operation: &'static str, body: &'a [u8]) -> Result<T, ChannelError> {
    check_no_page(operation, body)?;
    let deserializer = &mut serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(deserializer).map_err(|e| {
        let place = e.path().to_string();
        ChannelError::new(
            ErrorKind::Malformed,
            operation,
            format!("the answer is not as documented at {place}"),
        )
    })
}
