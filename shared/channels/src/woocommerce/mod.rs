//! WooCommerce REST v3.
//!
//! Each shop is a host of its own: version, plugins, limits and firewall differ. So nothing is assumed of an answer that
//! does not say so, and the traps that were measured on a real shop are named where they are stepped around. The facts
//! and their sources are in this folder's README.

use async_trait::async_trait;
use bytes::Bytes;
use domain::ChannelKind;
use domain::listing::FetchedListing;
use domain::order::FetchedOrder;
use domain::schedule::Window;
use http::{HeaderMap, Method, Request, Response, header};
use secrecy::SecretString;
use url::Url;

use crate::entity::plain_text;
use crate::{
    Authorization, ByLocation, Capability, Channel, ChannelError, Consent, Cursor, ErrorKind, Notification,
    OrderQuery, Pace, Page, PartialShipments, Shipment, ShipmentOutcome, Shop, ShopFacts, ShopIdentity,
    StockBatch, StockOutcome, StockTarget, Tokens, WebhookRefused, WebhookUpkeep,
};

mod auth;
mod error;
mod listings;
mod orders;
mod shipments;
mod stock;
mod webhooks;
mod wire;

use auth::Parameter;
use error::Answer;

/// The adapter.
#[derive(Debug)]
pub struct Woocommerce;

/// Records of a page, items of a batch, ids of an `include`: more is answered with 400 or 413.
const PAGE_MAX: u8 = 100;

static CAPABILITY: Capability = Capability {
    name: "WooCommerce",
    authorization: Authorization::ApiKey,
    credentials_required: &["consumer_key", "consumer_secret"],
    credentials_optional: &[],
    application_keys: &[],
    home: None,
    taxes_required: false,
    listing_page_max: 100,
    // A shop may leave a change of stock out of the date of change, depending on its version: edits are seen always.
    listing_changes: true,
    order_page_max: 100,
    order_ids_max: 100,
    stock_batch_max: 100,
    stock_compare_and_set: false,
    locations: ByLocation::No,
    order_edits: true,
    order_look_before_push: true,
};

#[async_trait]
impl Channel for Woocommerce {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Woocommerce
    }

    fn capability(&self) -> &'static Capability {
        &CAPABILITY
    }

    async fn identify(&self, shop: &Shop<'_>) -> Result<ShopIdentity, ChannelError> {
        identify(shop).await
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

    /// Sets absolute numbers, so the same batch sent twice needs no key.
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
        _shop: &Shop<'_>,
        secret: &SecretString,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Notification, WebhookRefused> {
        webhooks::read(secret, headers, body)
    }

    fn partial_shipments(&self) -> PartialShipments {
        PartialShipments::Told
    }

    async fn push_shipment(
        &self,
        shop: &Shop<'_>,
        shipment: &Shipment,
    ) -> Result<ShipmentOutcome, ChannelError> {
        shipments::push(shop, shipment).await
    }

    fn tokens(&self) -> Option<&dyn Tokens> {
        None
    }

    fn consent(&self) -> Option<&dyn Consent> {
        Some(self)
    }
}

const IDENTIFY: &str = "identify the shop";

async fn identify(shop: &Shop<'_>) -> Result<ShopIdentity, ChannelError> {
    let index = index(shop, IDENTIFY).await?;
    if !index.namespaces.iter().any(|namespace| namespace == "wc/v3") {
        let detail = "the address is a WordPress site without WooCommerce's REST API v3";
        return Err(ChannelError::new(ErrorKind::NotThisChannel, IDENTIFY, detail));
    }
    let query = vec![parameter("_fields", "code,name,symbol")];
    let answer = send(shop, IDENTIFY, Method::GET, "data/currencies/current", query, None).await?;
    let currency: wire::CurrencyAnswer =
        wire::read(&answer.body).map_err(|error| error::malformed(IDENTIFY, error))?;
    let currency = currency.code.parse().map_err(|error| error::malformed(IDENTIFY, error))?;
    let time_zone = match (index.timezone_string.as_str(), &index.gmt_offset) {
        ("", Some(offset)) => {
            Some(format!("UTC{}{}", if offset.0.starts_with('-') { "" } else { "+" }, offset.0))
        }
        ("", None) => None,
        (zone, _) => Some(zone.to_owned()),
    };
    let name = plain_text(&index.name);
    Ok(ShopIdentity {
        name: if name.trim().is_empty() {
            shop.endpoint.host_str().unwrap_or("shop").to_owned()
        } else {
            name
        },
        currency,
        time_zone,
        version: version(shop).await,
        facts: ShopFacts::new(),
    })
}

/// The site's own description, which needs no key.
async fn index(shop: &Shop<'_>, operation: &'static str) -> Result<wire::Index, ChannelError> {
    let query = vec![parameter("_fields", "name,gmt_offset,timezone_string,namespaces")];
    let address = address(shop.endpoint, "wp-json/");
    let request = Request::builder().uri(format!("{address}?{}", auth::query_string(&query)));
    let response = exchange(shop, operation, request, Bytes::new()).await?;
    let not_woocommerce = || {
        let detail = "no WordPress REST API answers at the address, or the shop has plain permalinks";
        ChannelError::new(ErrorKind::NotThisChannel, operation, detail)
    };
    if response.status().is_success() {
        return serde_json::from_slice(response.body()).map_err(|error| match error.is_eof() {
            true => error::malformed(operation, error),
            false => not_woocommerce().caused_by(error),
        });
    }
    match error::check(operation, response, shop.now) {
        Err(error) => Err(error),
        Ok(_) => Err(not_woocommerce()),
    }
}

/// For people only, and slow or forbidden on some shops: a shop without it is identified all the same.
async fn version(shop: &Shop<'_>) -> Option<String> {
    let query = vec![parameter("_fields", "environment.version")];
    let answer = send(shop, IDENTIFY, Method::GET, "system_status", query, None).await.ok()?;
    let status: wire::SystemStatus = wire::read(&answer.body).ok()?;
    Some(format!("WooCommerce {}", status.environment.version))
}

fn parameter(name: &str, value: impl ToString) -> Parameter {
    (name.to_owned(), value.to_string())
}

/// One authorized call to a route of `wc/v3`.
async fn send(
    shop: &Shop<'_>,
    operation: &'static str,
    method: Method,
    route: &str,
    query: Vec<Parameter>,
    body: Option<serde_json::Value>,
) -> Result<Answer, ChannelError> {
    send_to(shop, operation, method, &format!("wc/v3/{route}"), query, body).await
}

/// One authorized call to a route of any namespace: WooCommerce's keys open those of its extensions too.
async fn send_to(
    shop: &Shop<'_>,
    operation: &'static str,
    method: Method,
    route: &str,
    query: Vec<Parameter>,
    body: Option<serde_json::Value>,
) -> Result<Answer, ChannelError> {
    let address = address(shop.endpoint, &format!("wp-json/{route}"));
    let mut request = Request::builder().method(&method);
    let query = if shop.endpoint.scheme() == "https" {
        request = request.header(header::AUTHORIZATION, auth::basic(shop.credentials));
        query
    } else {
        let nonce = auth::nonce().map_err(|error| {
            ChannelError::new(ErrorKind::Unavailable, operation, "no randomness").caused_by(error)
        })?;
        auth::oauth1(shop.credentials, method.as_str(), &address, query, &nonce, shop.now)
    };
    let uri = if query.is_empty() { address } else { format!("{address}?{}", auth::query_string(&query)) };
    let body = match body {
        Some(body) => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Bytes::from(body.to_string())
        }
        None => Bytes::new(),
    };
    let response = exchange(shop, operation, request.uri(uri), body).await?;
    error::check(operation, response, shop.now)
}

async fn exchange(
    shop: &Shop<'_>,
    operation: &'static str,
    request: http::request::Builder,
    body: Bytes,
) -> Result<Response<Bytes>, ChannelError> {
    // With it, errors of WordPress itself come as JSON too.
    let request = request.header(header::ACCEPT, "application/json").body(body).map_err(|error| {
        ChannelError::new(ErrorKind::Rejected, operation, "the address cannot be called").caused_by(error)
    })?;
    shop.transport.send(request).await.map_err(|error| error.during(operation))
}

/// A shop may live in a folder of its host. User name, query and fragment of the endpoint are no part of its address.
fn address(endpoint: &Url, path: &str) -> String {
    let origin = endpoint.origin().ascii_serialization();
    format!("{origin}{}/{path}", endpoint.path().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_may_live_in_a_folder() {
        let cases = [
            ("https://shop.example", "https://shop.example/wp-json/"),
            ("https://shop.example/", "https://shop.example/wp-json/"),
            ("https://user:pass@shop.example/store/?a=b#c", "https://shop.example/store/wp-json/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/wp-json/"),
        ];
        for (endpoint, expected) in cases {
            assert_eq!(address(&endpoint.parse().unwrap(), "wp-json/"), expected);
        }
    }
}
