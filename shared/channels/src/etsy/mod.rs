//! Etsy Open API v3.
//!
//! Calls are counted, by the second and by the day: an operation is admitted with all the calls that it may need, and
//! gives back what it did not. Numbers with their sources: README.md.

use async_trait::async_trait;
use bytes::Bytes;
use domain::ChannelKind;
use domain::listing::FetchedListing;
use domain::order::FetchedOrder;
use domain::schedule::Window;
use http::{HeaderMap, Method, Request, StatusCode};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::error::check_no_page;
use crate::{
    ACCOUNT, Authorization, ByLocation, Capability, Channel, ChannelError, Consent, Cursor, ErrorKind,
    Notification, OrderQuery, Pace, Page, PartialShipments, Shipment, ShipmentOutcome, Shop, ShopIdentity,
    StockBatch, StockOutcome, StockTarget, Tokens, WebhookRefused, WebhookUpkeep,
};

mod auth;
mod error;
mod inventory;
mod listings;
mod orders;
mod shipments;
mod stock;
mod variation;
mod webhooks;
mod wire;

/// Stands for all of Etsy's hosts; the API itself and the tokens are there.
const HOME: &str = "https://api.etsy.com";
/// Calls of one second, until Etsy's headers tell the application's own limit.
const CALLS_PER_SECOND: u32 = 10;

/// The adapter.
#[derive(Debug)]
pub struct Etsy;

static CAPABILITY: Capability = Capability {
    name: "Etsy",
    authorization: Authorization::Oauth2,
    credentials_required: &["client_id", "client_secret", "refresh_token"],
    credentials_optional: &["shop_id", "webhook_secret"],
    application_keys: &["client_id", "client_secret"],
    home: Some(HOME),
    taxes_required: false,
    listing_page_max: listings::PAGE,
    listing_changes: false,
    order_page_max: orders::PAGE,
    order_ids_max: 1,
    // One listing, with all its variations.
    stock_batch_max: 1,
    stock_compare_and_set: false,
    locations: ByLocation::No,
    order_edits: false,
    order_look_before_push: true,
};

#[async_trait]
impl Channel for Etsy {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Etsy
    }

    fn capability(&self) -> &'static Capability {
        &CAPABILITY
    }

    async fn identify(&self, shop: &Shop<'_>) -> Result<ShopIdentity, ChannelError> {
        auth::identify(shop).await
    }

    /// Etsy cannot be asked what changed: a window is not looked at.
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

    /// Etsy has no call for it: the application's owner registers the address in the developer portal, by hand.
    async fn ensure_webhooks(
        &self,
        _shop: &Shop<'_>,
        callback: &Url,
        _secret: &SecretString,
    ) -> Result<WebhookUpkeep, ChannelError> {
        tracing::debug!(%callback, "etsy's notifications are registered by hand, in its developer portal");
        Ok(WebhookUpkeep::default())
    }

    async fn read_webhook(
        &self,
        shop: &Shop<'_>,
        _secret: &SecretString,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Notification, WebhookRefused> {
        webhooks::read(shop, headers, body)
    }

    fn partial_shipments(&self) -> PartialShipments {
        PartialShipments::None
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

/// Query parameters, or the fields of a form.
type Fields = Vec<(&'static str, String)>;

enum Body {
    Nothing,
    Form(Fields),
    Json(Vec<u8>),
}

/// One call.
struct Call {
    method: Method,
    /// Behind `/v3/application/`.
    path: String,
    query: Fields,
    body: Body,
}

impl Call {
    fn get(path: impl Into<String>, query: Fields) -> Self {
        Self { method: Method::GET, path: path.into(), query, body: Body::Nothing }
    }

    fn form(method: Method, path: impl Into<String>, form: Fields) -> Self {
        Self { method, path: path.into(), query: Vec::new(), body: Body::Form(form) }
    }

    fn json(
        operation: &'static str,
        path: impl Into<String>,
        query: Fields,
        body: &impl Serialize,
    ) -> Result<Self, ChannelError> {
        let body = serde_json::to_vec(body).map_err(|e| unwritable(operation).caused_by(e))?;
        Ok(Self { method: Method::PUT, path: path.into(), query, body: Body::Json(body) })
    }
}

/// Calls that an operation may make: admitted before the first, the unused given back at the end.
struct Admitted<'a> {
    shop: &'a Shop<'a>,
    operation: &'static str,
    left: u32,
}

/// What Etsy answered: a success, or a refusal of what was asked.
struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl<'a> Admitted<'a> {
    fn new(shop: &'a Shop<'a>, operation: &'static str, calls: u32) -> Result<Self, ChannelError> {
        match shop.pace.calls.admit(calls, CALLS_PER_SECOND, shop.now) {
            Ok(()) => Ok(Self { shop, operation, left: calls }),
            Err(wait) => Err(ChannelError::new(
                ErrorKind::Throttled,
                operation,
                "waits for the application's limit of calls",
            )
            .after(wait)),
        }
    }

    async fn send(&mut self, call: Call) -> Result<Answer, ChannelError> {
        self.left = self.left.saturating_sub(1);
        let (shop, operation) = (self.shop, self.operation);
        let request = request(shop, operation, call)?;
        let response = shop.transport.send(request).await.map_err(|e| e.during(operation))?;
        let (parts, body) = response.into_parts();
        observe(shop, parts.status, &parts.headers, &body);
        if let Some(error) = error::of_status(operation, parts.status, &parts.headers, &body) {
            return Err(error);
        }
        check_no_page(operation, &body)?;
        // That an order or a listing is gone is believed of Etsy alone, not of a host before it.
        if !parts.status.is_success() {
            parse::<wire::Problem>(operation, &body)?;
        }
        Ok(Answer { status: parts.status, body })
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        self.shop.pace.calls.give_back(self.left);
    }
}

impl Answer {
    fn is_missing(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    /// What a success holds; a refusal is an error.
    fn read<T: DeserializeOwned>(&self, operation: &'static str) -> Result<T, ChannelError> {
        if !self.status.is_success() {
            let detail = format!("etsy answered {}", self.status.as_u16());
            return Err(ChannelError::new(ErrorKind::Rejected, operation, detail));
        }
        parse(operation, &self.body)
    }
}

/// Reads JSON. Errors name the place and never the value, which may be a buyer's.
fn parse<T: DeserializeOwned>(operation: &'static str, body: &[u8]) -> Result<T, ChannelError> {
    let deserializer = &mut serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(deserializer).map_err(|e| {
        let detail = format!("the answer is not as documented at {}", e.path());
        ChannelError::new(ErrorKind::Malformed, operation, detail)
    })
}

fn request(shop: &Shop<'_>, operation: &'static str, call: Call) -> Result<Request<Bytes>, ChannelError> {
    let token = shop.credentials.get(auth::ACCESS_TOKEN).ok_or_else(|| {
        ChannelError::new(ErrorKind::Unauthorized, operation, "there is no access token yet")
    })?;
    let mut address = format!("{}/v3/application/{}", shop.host(HOME, HOME), call.path);
    if !call.query.is_empty() {
        address = format!("{address}?{}", encoded(&call.query));
    }
    let request = Request::builder()
        .method(call.method)
        .uri(address)
        .header(http::header::ACCEPT, "application/json")
        .header("x-api-key", auth::api_key(shop, operation)?)
        .header(http::header::AUTHORIZATION, format!("Bearer {token}"));
    let request = match call.body {
        Body::Nothing => request.body(Bytes::new()),
        Body::Form(form) => request
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(encoded(&form))),
        Body::Json(body) => {
            request.header(http::header::CONTENT_TYPE, "application/json").body(Bytes::from(body))
        }
    };
    request.map_err(|e| unwritable(operation).caused_by(e))
}

fn encoded(fields: &Fields) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn unwritable(operation: &'static str) -> ChannelError {
    ChannelError::new(ErrorKind::Rejected, operation, "the request cannot be written")
}

/// What each answer says of the limits. A 429 has no such headers.
fn observe(shop: &Shop<'_>, status: StatusCode, headers: &HeaderMap, body: &[u8]) {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
    let calls = &shop.pace.calls;
    if let (Some(limit), Some(remaining)) = (number("x-limit-per-second"), number("x-remaining-this-second"))
    {
        calls.observe_second(limit, remaining, shop.now);
    }
    let daily_refusal = status == StatusCode::TOO_MANY_REQUESTS && error::is_daily(body);
    if let Some(remaining) = number("x-remaining-today").or(daily_refusal.then_some(0)) {
        calls.observe_day(remaining, error::DAY_RECOVERS_IN, shop.now);
    }
}

/// The shop's number, as it was found when the shop was identified.
fn shop_id<'a>(shop: &'a Shop<'_>, operation: &'static str) -> Result<&'a str, ChannelError> {
    shop.facts.get(ACCOUNT).map(String::as_str).ok_or_else(|| {
        ChannelError::new(ErrorKind::Rejected, operation, "the shop's number is not known yet")
    })
}

/// A number of Etsy's as we keep it; `None` for what cannot be one, which is never put into a path.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number| *number > 0)
}

/// A cursor's text is one that this adapter wrote; anything else is refused.
fn read_cursor<T: DeserializeOwned>(
    operation: &'static str,
    cursor: Option<&Cursor>,
) -> Result<Option<T>, ChannelError> {
    let read = |Cursor(text): &Cursor| serde_json::from_str(text);
    cursor.map(read).transpose().map_err(|e| {
        ChannelError::new(ErrorKind::Rejected, operation, "the cursor cannot be read").caused_by(e)
    })
}

fn write_cursor(position: &impl Serialize) -> Option<Cursor> {
    serde_json::to_string(position).ok().map(Cursor)
}
