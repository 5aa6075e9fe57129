//! Answers and refusals in eBay's form.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

/// An answer to a call.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    body: Option<Body>,
    location: Option<String>,
}

#[derive(Debug)]
enum Body {
    Json(Value),
    Xml(String),
}

impl Answer {
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, body: Some(Body::Json(body)), location: None }
    }

    pub fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub fn xml(body: String) -> Self {
        Self { status: 200, body: Some(Body::Xml(body)), location: None }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, body: None, location: None }
    }

    /// 201, with the address of what was created.
    pub fn created(location: String) -> Self {
        Self { status: 201, body: Some(Body::Json(json!({}))), location: Some(location) }
    }

    pub fn refuse(status: u16, id: i64, domain: &str, message: &str) -> Self {
        Self::json(status, json!({ "errors": [error(id, domain, message)] }))
    }

    pub fn into_response(self) -> Response<Bytes> {
        let mut response = Response::builder().status(self.status);
        if let Some(location) = self.location {
            response = response.header("location", location);
        }
        let body = match self.body {
            None => Bytes::new(),
            Some(Body::Json(body)) => {
                response = response.header("content-type", "application/json");
                Bytes::from(body.to_string())
            }
            Some(Body::Xml(body)) => {
                response = response.header("content-type", "text/xml");
                Bytes::from(body)
            }
        };
        response.body(body).expect("a response")
    }
}

/// One refusal, as it stands in lists of them.
pub(super) fn error(id: i64, domain: &str, message: &str) -> Value {
    let category = if id % 1000 == 500 || id == 25_001 { "APPLICATION" } else { "REQUEST" };
    json!({
        "errorId": id, "domain": domain, "category": category, "message": message, "longMessage": message,
        "parameters": [],
    })
}
