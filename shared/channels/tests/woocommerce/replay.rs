//! A transport that answers from recordings, in their order, and holds each request to the recorded one.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use channels::transport::TransportError;
use channels::{Credentials, Pace, Shop, ShopFacts, Transport};
use domain::Timestamp;
use http::{Request, Response};
use serde_json::{Value, json};
use url::Url;

/// One recorded exchange, by the name of its file without `.json`.
pub fn recorded(name: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/woocommerce");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).expect(name);
    serde_json::from_str(&text).expect(name)
}

/// An exchange that is not recorded as such.
pub fn exchange(method: &str, path: &str, query: Value, status: u16, body: Value) -> Value {
    let headers = json!({ "content-type": "application/json; charset=UTF-8", "x-wp-totalpages": "1" });
    json!({
        "request": { "method": method, "path": format!("/wp-json/wc/v3/{path}"), "query": query, "body": null },
        "response": { "status": status, "headers": headers, "body": body },
    })
}

/// A recorded list with one record, as a recorded single answer has it.
pub fn listed(name: &str, query: Value) -> Value {
    let body = recorded(name)["response"]["body"].clone();
    exchange("GET", "orders", query, 200, json!([body]))
}

pub struct Replay {
    exchanges: Mutex<VecDeque<Value>>,
}

impl Replay {
    pub fn of(exchanges: impl IntoIterator<Item = Value>) -> Self {
        Self { exchanges: Mutex::new(exchanges.into_iter().collect()) }
    }

    /// Everything that was recorded has been asked for.
    #[track_caller]
    pub fn done(&self) {
        assert!(
            self.exchanges.lock().unwrap().is_empty(),
            "not asked for: {:?}",
            self.exchanges.lock().unwrap()
        );
    }
}

#[async_trait]
impl Transport for Replay {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let next = self.exchanges.lock().unwrap().pop_front();
        let exchange =
            next.unwrap_or_else(|| panic!("one request too many: {} {}", request.method(), request.uri()));
        let recorded = &exchange["request"];
        assert_eq!(request.method().as_str(), recorded["method"].as_str().unwrap());
        assert_eq!(request.uri().path(), recorded["path"].as_str().unwrap());
        let sent: BTreeMap<String, String> =
            Url::parse(&request.uri().to_string()).unwrap().query_pairs().into_owned().collect();
        // What is read of a record is the reader's choice.
        for (name, value) in
            recorded["query"].as_object().unwrap().iter().filter(|(name, _)| *name != "_fields")
        {
            assert_eq!(sent.get(name).map(String::as_str), value.as_str(), "{name} of {}", request.uri());
        }
        assert!(
            !(request.method() == "POST" && sent.contains_key("_fields")),
            "_fields empties the answer to a batch"
        );
        if !recorded["body"].is_null() {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            assert_eq!(body, recorded["body"]);
        }
        let mut response =
            Response::builder().status(exchange["response"]["status"].as_u64().unwrap() as u16);
        for (name, value) in exchange["response"]["headers"].as_object().unwrap() {
            response = response.header(name, value.as_str().unwrap());
        }
        let body = match &exchange["response"]["body"] {
            Value::String(text) => text.clone(),
            body => body.to_string(),
        };
        Ok(response.body(Bytes::from(body)).unwrap())
    }
}

/// What a shop is, but for who answers for it.
pub struct Setup {
    endpoint: Url,
    credentials: Credentials,
    facts: ShopFacts,
    pace: Pace,
}

impl Setup {
    pub fn new() -> Self {
        Self {
            endpoint: "https://shop.example".parse().unwrap(),
            credentials: Credentials::default()
                .with("consumer_key", "ck_test")
                .with("consumer_secret", "cs_test"),
            facts: ShopFacts::new(),
            pace: Pace::default(),
        }
    }

    pub fn shop<'a>(&'a self, transport: &'a dyn Transport) -> Shop<'a> {
        Shop {
            endpoint: &self.endpoint,
            marketplaces: &[],
            credentials: &self.credentials,
            facts: &self.facts,
            currency: "EUR".parse().unwrap(),
            transport,
            pace: &self.pace,
            now: at("2026-11-21T20:00:30Z"),
        }
    }
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
