//! Amazon: the Selling Partner API.
//!
//! Every operation has a limit of its own, published by Amazon and kept by a bucket of its own in the connection's
//! [`Pace`](crate::Pace). A listing is a seller SKU: its stock is one number in all marketplaces of a region, told once.

use async_trait::async_trait;
use bytes::Bytes;
use domain::ChannelKind;
use domain::listing::FetchedListing;
use domain::order::FetchedOrder;
use domain::schedule::Window;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::error::check_no_page;
use crate::{
    Authorization, ByLocation, Capability, Channel, ChannelError, Closed, Consent, Cursor, Editions,
    ErrorKind, Fulfiller, Limit, Notification, OrderQuery, Pace, Page, Shipment, ShipmentOutcome, Shop,
    ShopFacts, ShopIdentity, StockBatch, StockOutcome, StockResult, StockTarget, Tokens, WebhookRefused,
    WebhookUpkeep,
};

mod auth;
mod error;
mod fba_wire;
mod feed;
mod inbound;
mod inventory;
mod listings;
mod marketplace;
mod orders;
mod outbound;
mod report;
mod shipments;
mod stock;
mod webhooks;
mod wire;

pub(crate) use marketplace::country;

/// Stands for all of Amazon's hosts: the one of North America.
const HOME: &str = "https://sellingpartnerapi-na.amazon.com";

/// Amazon asks for one that names the application.
const USER_AGENT: &str = concat!("Masterstock/", env!("CARGO_PKG_VERSION"), " (Language=Rust)");

/// The adapter.
#[derive(Debug)]
pub struct Amazon;

/// One operation of the API.
#[derive(Debug)]
pub struct Operation {
    /// In the imperative, for errors.
    pub name: &'static str,
    /// As Amazon publishes it; its name is Amazon's of the operation.
    pub limit: Limit,
}

/// Every operation that the adapter calls.
pub static OPERATIONS: [&Operation; 25] = [
    &auth::PARTICIPATIONS,
    &listings::SEARCH,
    &report::CREATE,
    &report::GET,
    &report::DOCUMENT,
    &orders::SEARCH,
    &orders::GET,
    &stock::PATCH,
    &stock::GET,
    &feed::CREATE_DOCUMENT,
    &feed::CREATE,
    &feed::GET,
    &feed::DOCUMENT,
    &shipments::CONFIRM,
    &inventory::SUMMARIES,
    &outbound::CREATE,
    &outbound::GET,
    &outbound::LIST,
    &outbound::CANCEL,
    &inbound::SHIPMENT,
    &inbound::ITEMS,
    &webhooks::SUBSCRIPTION,
    &webhooks::SUBSCRIBE,
    &webhooks::DESTINATIONS,
    &webhooks::CREATE_DESTINATION,
];

/// Numbers with their sources: README.md.
static CAPABILITY: Capability = Capability {
    name: "Amazon",
    authorization: Authorization::Oauth2,
    credentials_required: &["client_id", "client_secret", "refresh_token", "selling_partner_id"],
    credentials_optional: &[auth::APPLICATION_ID, webhooks::QUEUE_ARN],
    application_keys: &["client_id", "client_secret", auth::APPLICATION_ID, webhooks::QUEUE_ARN],
    home: Some(HOME),
    taxes_required: true,
    listing_page_max: listings::PAGE,
    listing_changes: true,
    order_page_max: orders::PAGE,
    order_ids_max: 1,
    // By PATCH; a feed carries up to `feed::MESSAGES_MAX`.
    stock_batch_max: 1,
    stock_compare_and_set: false,
    locations: ByLocation::No,
    order_edits: false,
    // One search in three minutes: notifications and Amazon's pending orders stand in.
    order_look_before_push: false,
};

#[async_trait]
impl Channel for Amazon {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Amazon
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

    fn plan_stock(&self, targets: Vec<StockTarget>, pace: &Pace) -> Vec<StockBatch> {
        stock::plan(targets, pace)
    }

    async fn push_stock(
        &self,
        shop: &Shop<'_>,
        _key: &str,
        batch: &StockBatch,
    ) -> Result<Vec<StockOutcome>, ChannelError> {
        stock::push(shop, batch).await
    }

    async fn stock_result(&self, shop: &Shop<'_>, ticket: &str) -> Result<Option<StockResult>, ChannelError> {
        feed::result(shop, ticket).await
    }

    async fn read_stock(
        &self,
        shop: &Shop<'_>,
        targets: &[StockTarget],
    ) -> Result<Vec<Option<i64>>, ChannelError> {
        stock::read(shop, targets).await
    }

    async fn ensure_webhooks(
        &self,
        shop: &Shop<'_>,
        _callback: &Url,
        _secret: &SecretString,
    ) -> Result<WebhookUpkeep, ChannelError> {
        webhooks::ensure(shop).await
    }

    /// Amazon notifies queues, never an address.
    async fn read_webhook(
        &self,
        _shop: &Shop<'_>,
        _secret: &SecretString,
        _headers: &HeaderMap,
        _body: &[u8],
    ) -> Result<Notification, WebhookRefused> {
        Err(WebhookRefused::Unsigned)
    }

    fn read_queued_notification(&self, body: &[u8]) -> Result<Notification, WebhookRefused> {
        webhooks::read_queued(body)
    }

    fn notified_as(&self, facts: &ShopFacts) -> Option<String> {
        webhooks::notified_as(facts)
    }

    /// As people know the marketplace: `Amazon US - Customer`.
    fn customer_name(&self, marketplaces: &[String]) -> String {
        format!("Amazon {} - Customer", marketplace::leading(marketplaces).country)
    }

    fn closed_marketplace(&self, marketplaces: &[String], open: &Editions) -> Option<Closed> {
        marketplace::closed(marketplaces, open)
    }

    async fn push_shipment(
        &self,
        shop: &Shop<'_>,
        shipment: &Shipment,
    ) -> Result<ShipmentOutcome, ChannelError> {
        shipments::push(shop, shipment).await
    }

    fn fulfiller(&self) -> Option<&dyn Fulfiller> {
        Some(self)
    }

    fn tokens(&self) -> Option<&dyn Tokens> {
        Some(self)
    }

    fn consent(&self) -> Option<&dyn Consent> {
        Some(self)
    }
}

/// A call in the making.
struct Call<'a> {
    method: Method,
    /// Not yet encoded; each is one segment.
    path: Vec<&'a str>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    /// In place of the seller's token.
    token: Option<&'a str>,
}

impl<'a> Call<'a> {
    fn get(path: &[&'a str]) -> Self {
        Self { method: Method::GET, path: path.to_vec(), query: Vec::new(), body: None, token: None }
    }

    fn post(path: &[&'a str], body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path) }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    fn address(&self, shop: &Shop<'_>, operation: &'static str) -> Result<Url, ChannelError> {
        let host = shop.host(HOME, marketplace::leading(shop.marketplaces).region.host());
        address(host, operation, &self.path, &self.query)
    }
}

/// `path` at a host, each part one encoded segment.
fn address(
    host: &str,
    operation: &'static str,
    path: &[&str],
    query: &[(&'static str, String)],
) -> Result<Url, ChannelError> {
    let unwritable =
        || ChannelError::new(ErrorKind::Rejected, operation, "the request's address cannot be written");
    let mut url = Url::parse(host).map_err(|_| unwritable())?;
    url.path_segments_mut().map_err(|()| unwritable())?.pop_if_empty().extend(path);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

impl Operation {
    /// Makes the call within the operation's limit. The body of a success.
    async fn call(&self, shop: &Shop<'_>, call: Call<'_>) -> Result<Bytes, ChannelError> {
        let response = self.send(shop, call).await?;
        self.success(shop, response)
    }

    /// The same for what may not be there: `None` if Amazon says so.
    async fn call_if_any(&self, shop: &Shop<'_>, call: Call<'_>) -> Result<Option<Bytes>, ChannelError> {
        let response = self.send(shop, call).await?;
        let missing = response.status() == StatusCode::NOT_FOUND
            && wire::ErrorList::first_of(response.body()).is_some();
        if missing { Ok(None) } else { self.success(shop, response).map(Some) }
    }

    async fn send(&self, shop: &Shop<'_>, call: Call<'_>) -> Result<Response<Bytes>, ChannelError> {
        let token = call.token.or_else(|| shop.credentials.get(auth::ACCESS_TOKEN)).ok_or_else(|| {
            ChannelError::new(ErrorKind::Unauthorized, self.name, "there is no access token yet")
        })?;
        if let Err(wait) = shop.pace.admit_to(&self.limit, shop.now) {
            let detail = "waits for Amazon's limit of this operation";
            return Err(ChannelError::new(ErrorKind::Throttled, self.name, detail).after(wait));
        }
        let url = call.address(shop, self.name)?;
        let request = Request::builder()
            .method(call.method)
            .uri(url.as_str())
            .header("x-amz-access-token", token)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, "application/json");
        let request = match &call.body {
            None => request.body(Bytes::new()),
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Bytes::from(body.to_string()))
            }
        };
        let request = request.map_err(|error| unwritable(self.name, error))?;
        shop.transport.send(request).await.map_err(|error| error.during(self.name))
    }

    fn success(&self, shop: &Shop<'_>, response: Response<Bytes>) -> Result<Bytes, ChannelError> {
        if let Some(rate_micro) = told_rate(response.headers()) {
            shop.pace.observe_rate(&self.limit, rate_micro, shop.now);
        }
        if response.status().is_success() {
            check_no_page(self.name, response.body())?;
            return Ok(response.into_body());
        }
        let error = error::of_answer(self.name, response.status(), response.headers(), response.body());
        if error.kind != ErrorKind::Throttled {
            return Err(error);
        }
        shop.pace.exhaust(&self.limit, shop.now);
        Err(match error.retry {
            crate::Retry::After(_) => error,
            _ => error.after(self.limit.interval()),
        })
    }
}

/// The rate that applies to this seller and application, in millionths of a call a second, where Amazon tells it.
fn told_rate(headers: &HeaderMap) -> Option<u32> {
    let text = headers.get("x-amzn-ratelimit-limit")?.to_str().ok()?;
    let rate = text.trim().parse::<rust_decimal::Decimal>().ok()?;
    let micro = rate.checked_mul(rust_decimal::Decimal::from(1_000_000))?.round();
    u32::try_from(micro).ok().filter(|micro| *micro > 0)
}

fn unwritable(operation: &'static str, error: http::Error) -> ChannelError {
    ChannelError::new(ErrorKind::Rejected, operation, "the request cannot be written").caused_by(error)
}

/// Reads JSON. Errors name the place and never the value, which may be a buyer's.
fn parse<'a, T: Deserialize<'a>>(operation: &'static str, body: &'a [u8]) -> Result<T, ChannelError> {
    check_no_page(operation, body)?;
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(body)).map_err(|error| {
        let detail = format!("the answer is not as documented at {}", error.path());
        ChannelError::new(ErrorKind::Malformed, operation, detail)
    })
}

/// A cursor's text is one that this adapter wrote; anything else is refused.
fn read_cursor<T: for<'a> Deserialize<'a>>(
    operation: &'static str,
    cursor: Option<&Cursor>,
) -> Result<Option<T>, ChannelError> {
    let Some(Cursor(text)) = cursor else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(|error| {
        ChannelError::new(ErrorKind::Rejected, operation, "the cursor cannot be read").caused_by(error)
    })
}

fn write_cursor(position: &impl Serialize) -> Cursor {
    Cursor(serde_json::to_string(position).unwrap_or_default())
}

/// The seller's own id, part of the path of each call about listings.
fn seller<'a>(shop: &Shop<'a>, operation: &'static str) -> Result<&'a str, ChannelError> {
    shop.credentials.get(auth::SELLER).ok_or_else(|| {
        ChannelError::new(ErrorKind::Unauthorized, operation, "the selling partner's id is missing")
    })
}

/// Amazon's times, to the second, which is all that its lists compare by.
fn time(at: domain::Timestamp) -> String {
    domain::Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sku_is_one_segment_of_the_path_whatever_is_in_it() {
        let path = |sku: &str| {
            let query = [("marketplaceIds", "A,B".to_owned())];
            let url = address("http://127.0.0.1:9/x/", "try", &["items", sku], &query).unwrap();
            url.to_string()
        };
        assert_eq!(path("A/B 1"), "http://127.0.0.1:9/x/items/A%2FB%201?marketplaceIds=A%2CB");
        assert_eq!(path("a%2Fb+c&d=e?"), "http://127.0.0.1:9/x/items/a%252Fb+c&d=e%3F?marketplaceIds=A%2CB");
        assert_eq!(path("商"), "http://127.0.0.1:9/x/items/%E5%95%86?marketplaceIds=A%2CB");
    }

    #[test]
    fn a_told_rate_is_taken_over() {
        let rate = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-amzn-RateLimit-Limit", text.parse().unwrap());
            told_rate(&headers)
        };
        assert_eq!(rate("0.0056"), Some(5_600));
        assert_eq!(rate("5.0"), Some(5_000_000));
        assert_eq!(rate("0"), None);
        assert_eq!(rate("many"), None);
    }

    #[test]
    fn each_operation_has_a_bucket_of_its_own() {
        let names: std::collections::BTreeSet<_> =
            OPERATIONS.iter().map(|operation| operation.limit.name).collect();
        assert_eq!(names.len(), OPERATIONS.len());
    }
}
