//! A WooCommerce shop with any number of products, which computes each page when it is asked: all that it holds is a
//! number a product.

use std::sync::atomic::{AtomicI32, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::goods;

const PAGE: usize = 100;
/// The first product's id.
const FIRST: usize = 10_000;
/// Nothing changes but by us.
const MODIFIED: &str = "2026-02-27T10:00:00";

pub struct Catalogue {
    shown: Vec<AtomicI32>,
}

impl Catalogue {
    /// Each shows `quantity`.
    pub fn new(products: usize, quantity: i32) -> Self {
        Self { shown: (0..products).map(|_| AtomicI32::new(quantity)).collect() }
    }

    /// How many products show this number.
    pub fn showing(&self, quantity: i32) -> usize {
        self.shown.iter().filter(|shown| shown.load(Ordering::Relaxed) == quantity).count()
    }

    /// What a connection, its syncs, its pushes and its reconciliation ask.
    pub fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let query = |name: &str| -> Option<String> {
            let pairs = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
            pairs.into_owned().find(|(key, _)| key == name).map(|(_, value)| value)
        };
        match (request.method(), request.uri().path().trim_start_matches("/wp-json/")) {
            (&Method::GET, "") => answer(
                &json!({ "name": "Large", "timezone_string": "Europe/Berlin", "namespaces": ["wc/v3"] }),
                0,
            ),
            (&Method::GET, "wc/v3/data/currencies/current") => answer(&json!({ "code": "EUR" }), 0),
            (&Method::GET, "wc/v3/orders" | "wc/v3/webhooks") => answer(&json!([]), 0),
            (&Method::GET, "wc/v3/products") if query("include").is_some() => {
                let ids = query("include").unwrap_or_default();
                let found = ids.split(',').filter_map(|id| id.parse::<usize>().ok());
                let found: Vec<Value> = found.filter_map(|id| self.product(id.checked_sub(FIRST)?)).collect();
                let total = found.len();
                answer(&Value::Array(found), total)
            }
            // Nothing was modified since the last sync.
            (&Method::GET, "wc/v3/products") if query("modified_after").is_some() => answer(&json!([]), 0),
            (&Method::GET, "wc/v3/products") => {
                let page = query("page").and_then(|page| page.parse::<usize>().ok()).unwrap_or(1);
                let numbers = (page - 1) * PAGE..page * PAGE;
                answer(&Value::Array(numbers.filter_map(|n| self.product(n)).collect()), self.shown.len())
            }
            (&Method::POST, "wc/v3/products/batch") => self.set(request.body()),
            _ => Response::builder().status(StatusCode::NOT_FOUND).body(Bytes::new()).unwrap(),
        }
    }

    fn product(&self, n: usize) -> Option<Value> {
        let shown = self.shown.get(n)?.load(Ordering::Relaxed);
        Some(json!({
            "id": FIRST + n, "type": "simple", "name": goods::title(n), "status": "publish", "sku": goods::sku(n),
            "price": "19.90", "manage_stock": true, "stock_quantity": shown, "global_unique_id": "",
            "variations": [], "date_modified_gmt": MODIFIED,
        }))
    }

    fn set(&self, body: &[u8]) -> Response<Bytes> {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut set = Vec::new();
        for update in asked["update"].as_array().into_iter().flatten() {
            let id = update["id"].as_u64().and_then(|id| usize::try_from(id).ok()).unwrap_or(0);
            let number = update["stock_quantity"].as_i64().and_then(|number| i32::try_from(number).ok());
            if let (Some(shown), Some(number)) = (self.shown.get(id.wrapping_sub(FIRST)), number) {
                shown.store(number, Ordering::Relaxed);
                set.push(json!({ "id": id, "manage_stock": true, "stock_quantity": number }));
            }
        }
        answer(&json!({ "update": set }), 0)
    }
}

fn answer(body: &Value, total: usize) -> Response<Bytes> {
    Response::builder()
        .header("content-type", "application/json")
        .header("x-wp-total", total)
        .header("x-wp-totalpages", total.div_ceil(PAGE))
        .body(Bytes::from(body.to_string()))
        .unwrap()
}
