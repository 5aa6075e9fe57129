//! Answers, as Amazon makes them, and what they answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

const MARKETPLACE_SPELLINGS: [&str; 4] =
    ["marketplaceIds", "MarketplaceIds", "MarketplaceId", "marketplace_ids"];

/// A request that was routed: decoded only now, for a SKU is one segment whatever it holds.
pub(super) struct Asked<'a> {
    pub query: BTreeMap<String, String>,
    pub body: &'a [u8],
    /// Scheme and host that it came to.
    pub host: String,
    pub range: Option<(usize, usize)>,
}

impl<'a> Asked<'a> {
    pub fn of(request: &'a Request<Bytes>) -> Self {
        let uri = request.uri();
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let host = match (uri.scheme_str(), uri.authority()) {
            (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
            _ => format!("http://{}", header("host").unwrap_or("localhost")),
        };
        let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let range = header("range").and_then(|text| text.strip_prefix("bytes=")?.split_once('-'));
        let range = range.and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
        Self { query: query.into_owned().collect(), body: request.body(), host, range }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    pub fn list(&self, name: &str) -> Vec<&str> {
        self.get(name).map(|text| text.split(',').collect()).unwrap_or_default()
    }

    /// Whether something is included.
    pub fn includes(&self, what: &str) -> bool {
        self.list("includedData").contains(&what)
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(self.body).ok()
    }

    /// What an operation does not know is refused, so that no misspelt parameter passes here. Amazon itself overlooks it:
    /// client libraries send the marketplace under each of its spellings to every operation.
    pub fn unknown(&self, known: &[&str]) -> Option<Said> {
        let name = self.query.keys().find(|name| {
            !known.contains(&name.as_str()) && !MARKETPLACE_SPELLINGS.contains(&name.as_str())
        })?;
        Some(invalid(&format!("{name} is not a parameter of this operation")))
    }
}

/// What is said to a request, beside headers.
pub(super) struct Said {
    pub status: StatusCode,
    pub body: Body,
}

pub(super) enum Body {
    Json(Value),
    Plain(Bytes),
    Nothing,
}

pub(super) fn say(status: u16, body: Value) -> Said {
    Said { status: StatusCode::from_u16(status).unwrap(), body: Body::Json(body) }
}

pub(super) fn refuse(status: u16, code: &str, message: &str) -> Said {
    say(status, json!({ "errors": [{ "code": code, "message": message, "details": "" }] }))
}

pub(super) fn invalid(message: &str) -> Said {
    refuse(400, "InvalidInput", message)
}

pub(super) fn missing() -> Said {
    refuse(404, "NOT_FOUND", "The requested resource does not exist.")
}

impl Said {
    pub fn into_response(self, request_id: u64, rate: Option<String>) -> Response<Bytes> {
        let mut response =
            Response::builder().status(self.status).header("x-amzn-RequestId", format!("sim-{request_id}"));
        if let Some(rate) = rate {
            response = response.header("x-amzn-RateLimit-Limit", rate);
        }
        let (kind, body) = match self.body {
            Body::Json(value) => ("application/json", Bytes::from(value.to_string())),
            Body::Plain(bytes) => ("text/plain;charset=UTF-8", bytes),
            Body::Nothing => return response.body(Bytes::new()).unwrap(),
        };
        response.header("content-type", kind).body(body).unwrap()
    }
}
