//! One call to eBay: admitted, authorized, sent, read.

use bytes::Bytes;
use http::{Method, Request, Response};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{self, Refusal};
use super::{auth, limits};
use crate::error::check_no_page;
use crate::{ChannelError, ErrorKind, Lane, Shop};

/// What a connection names that speaks to eBay itself.
pub(super) const HOME: &str = "https://api.ebay.com";
/// eBay's own trial marketplace: its hosts have another name each, as eBay's have.
const SANDBOX: &str = "https://api.sandbox.ebay.com";

/// An API of eBay's: where it is, and what it lets through.
#[derive(Debug)]
pub(super) struct Api {
    host: &'static str,
    base: &'static str,
    lane: Option<&'static Lane>,
}

pub(super) static INVENTORY: Api =
    Api { host: HOME, base: "/sell/inventory/v1", lane: Some(&limits::INVENTORY) };
pub(super) static FULFILLMENT: Api =
    Api { host: HOME, base: "/sell/fulfillment/v1", lane: Some(&limits::FULFILLMENT) };
pub(super) static NOTIFICATION: Api =
    Api { host: HOME, base: "/commerce/notification/v1", lane: Some(&limits::NOTIFICATION) };
pub(super) static IDENTITY: Api =
    Api { host: "https://apiz.ebay.com", base: "/commerce/identity/v1", lane: None };

/// Whose token a call carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    /// The merchant's.
    User,
    /// The application's own.
    Application,
}

/// `host`, or what stands in for it.
pub(super) fn host(shop: &Shop<'_>, host: &'static str) -> String {
    if shop.endpoint.as_str().trim_end_matches('/') == SANDBOX {
        return host.replacen(".ebay.com", ".sandbox.ebay.com", 1);
    }
    shop.host(HOME, host).to_owned()
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A path with its query.
pub(super) fn with_query(path: &str, fields: &[(&str, &str)]) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", segment(value))).collect();
    if fields.is_empty() { path.to_owned() } else { format!("{path}?{}", fields.join("&")) }
}

impl Api {
    /// Lets an operation of `calls` begin.
    pub fn admit(&self, shop: &Shop<'_>, operation: &'static str, calls: usize) -> Result<(), ChannelError> {
        let Some(lane) = self.lane else { return Ok(()) };
        admit(shop, lane, operation, calls)
    }

    /// Counts further calls of an operation that was admitted.
    pub fn charge(&self, shop: &Shop<'_>, calls: usize) {
        if let Some(lane) = self.lane {
            shop.pace.budgets.charge(lane, calls);
        }
    }

    /// Sends a call that was admitted. What is no success is a [`Refusal`].
    pub async fn send(
        &self,
        shop: &Shop<'_>,
        operation: &'static str,
        call: (Method, &str),
        body: Option<&(impl Serialize + Sync)>,
        who: As,
    ) -> Result<Response<Bytes>, Refusal> {
        let (method, path) = call;
        let token = match who {
            As::User => auth::user_token(shop, operation).map_err(without_answer)?,
            As::Application => auth::application_token(shop).await.map_err(without_answer)?,
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{}{path}", host(shop, self.host), self.base))
            .header(http::header::ACCEPT, "application/json")
            .header(http::header::AUTHORIZATION, format!("Bearer {}", token.expose_secret()));
        let body = match body {
            None => Bytes::new(),
            Some(body) => {
                request = request.header(http::header::CONTENT_TYPE, "application/json");
                let written = serde_json::to_vec(body).map_err(|e| {
                    let detail = "the request cannot be written";
                    without_answer(ChannelError::new(ErrorKind::Rejected, operation, detail).caused_by(e))
                })?;
                Bytes::from(written)
            }
        };
        let response = exchange(shop, operation, request.body(body)).await?;
        check_no_page(operation, response.body()).map_err(without_answer)?;
        Ok(response)
    }

    /// A `GET` that was admitted, read.
    pub async fn get<T: DeserializeOwned>(
        &self,
        shop: &Shop<'_>,
        operation: &'static str,
        path: &str,
    ) -> Result<T, Refusal> {
        let response = self.send(shop, operation, (Method::GET, path), None::<&()>, As::User).await?;
        parse(operation, response.body()).map_err(without_answer)
    }

    /// A `POST` that was admitted, its answer read.
    pub async fn post<T: DeserializeOwned>(
        &self,
        shop: &Shop<'_>,
        operation: &'static str,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Refusal> {
        let response = self.send(shop, operation, (Method::POST, path), Some(body), As::User).await?;
        parse(operation, response.body()).map_err(without_answer)
    }
}

/// Lets an operation of `calls` begin in a lane.
pub(super) fn admit(
    shop: &Shop<'_>,
    lane: &Lane,
    operation: &'static str,
    calls: usize,
) -> Result<(), ChannelError> {
    shop.pace.budgets.admit(lane, calls, shop.now).map_err(|wait| {
        ChannelError::new(ErrorKind::Throttled, operation, "waits for eBay's daily quota").after(wait)
    })
}

/// Sends a request and reads refusals.
pub(super) async fn exchange(
    shop: &Shop<'_>,
    operation: &'static str,
    request: http::Result<Request<Bytes>>,
) -> Result<Response<Bytes>, Refusal> {
    let request = request.map_err(|e| {
        let detail = "the request cannot be written";
        without_answer(ChannelError::new(ErrorKind::Rejected, operation, detail).caused_by(e))
    })?;
    let response = shop.transport.send(request).await.map_err(|e| without_answer(e.during(operation)))?;
    match error::of_response(operation, &response) {
        Some(refusal) => Err(refusal),
        None => Ok(response),
    }
}

fn without_answer(error: ChannelError) -> Refusal {
    Refusal { error, status: http::StatusCode::OK, ids: Vec::new() }
}

/// Reads JSON. Errors name the place and never the value, which may be a buyer's.
pub(super) fn parse<'a, T: serde::Deserialize<'a>>(
    operation: &'static str,
    body: &'a [u8],
) -> Result<T, ChannelError> {
    check_no_page(operation, body)?;
    let deserializer = &mut serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(deserializer).map_err(|e| {
        let detail = format!("the answer is not as documented at {}", e.path());
        ChannelError::new(ErrorKind::Malformed, operation, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sku_is_one_segment() {
        for (sku, encoded) in [
            ("A/B 1", "A%2FB%201"),
            ("a%2Fb+c", "a%252Fb%2Bc"),
            ("Größe", "Gr%C3%B6%C3%9Fe"),
            ("x-1_.~", "x-1_.~"),
        ] {
            assert_eq!(segment(sku), encoded);
        }
        assert_eq!(with_query("/offer", &[("sku", "a&b"), ("limit", "2")]), "/offer?sku=a%26b&limit=2");
    }
}
