//! From a request to what answers it.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::Context;
use super::answer::{Answer, Outcome, Refusal, respond};
use super::query::Query;
use crate::Call;

/// Of the extension *Shipment Tracking*.
const TRACKING_ROUTES: &str = "/wc-shipment-tracking/v3/";

impl Context<'_> {
    pub fn handle(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let path = request.uri().path();
        // The shop may live in a folder of its host.
        let response = match path.split_once("/wp-json") {
            Some((_, route)) => respond(self.answer(request, route, &query), query.get("_fields")),
            None => home_page(),
        };
        let route = path.split_once("/wp-json/wc/v3/").map_or(path, |(_, route)| route);
        self.state.calls.push(Call {
            at: self.now,
            method: request.method().to_string(),
            path: path.to_owned(),
            operation: format!("{} {route}", request.method()),
            status: response.status().as_u16(),
        });
        response
    }

    fn answer(&mut self, request: &Request<Bytes>, route: &str, query: &Query) -> Outcome {
        if matches!(route, "" | "/") {
            return Ok(Answer::ok(self.index()));
        }
        let core = route.strip_prefix("/wc/v3/");
        let tracking = route.strip_prefix(TRACKING_ROUTES).filter(|_| self.has_tracking());
        core.or(tracking).ok_or_else(Refusal::no_route)?;
        self.authorize(request, query)?;
        let body = match request.body().as_ref() {
            b"" => Value::Null,
            body => serde_json::from_slice(body)
                .map_err(|_| Refusal::new(400, "rest_invalid_json", "Invalid JSON body passed."))?,
        };
        let (method, path) = (request.method(), request.uri().path());
        let number = |text: &str| text.parse::<u64>().map_err(|_| Refusal::no_route());
        if let Some(route) = tracking {
            return match route.trim_end_matches('/').split('/').collect::<Vec<_>>().as_slice() {
                ["orders", id, "shipment-trackings"] => self.trackings(method, number(id)?, &body),
                _ => Err(Refusal::no_route()),
            };
        }
        let segments: Vec<&str> = core.unwrap_or_default().trim_end_matches('/').split('/').collect();
        match segments.as_slice() {
            ["products", "batch"] => self.product_batch(None, &body),
            ["products"] => self.products(method, None, None, path, query, &body),
            ["products", id] => self.products(method, None, Some(number(id)?), path, query, &body),
            ["products", parent, "variations", "batch"] => self.product_batch(Some(number(parent)?), &body),
            ["products", parent, "variations"] => {
                self.products(method, Some(number(parent)?), None, path, query, &body)
            }
            ["products", parent, "variations", id] => {
                self.products(method, Some(number(parent)?), Some(number(id)?), path, query, &body)
            }
            ["orders", "batch"] => self.order_batch(&body),
            ["orders"] => self.orders(method, None, path, query, &body),
            ["orders", id] => self.orders(method, Some(number(id)?), path, query, &body),
            ["orders", id, "refunds"] => self.refunds(method, number(id)?, path, query, &body),
            ["orders", id, "notes"] => self.notes(method, number(id)?, query, &body),
            ["webhooks"] => self.webhooks(method, None, path, query, &body),
            ["webhooks", id] => self.webhooks(method, Some(number(id)?), path, query, &body),
            ["data", "currencies", "current"] => Ok(Answer::ok(
                json!({ "code": self.options.currency, "name": self.options.currency, "symbol": "" }),
            )),
            ["settings", "general"] => Ok(Answer::ok(json!([self.currency_setting()]))),
            ["settings", "general", "woocommerce_currency"] => Ok(Answer::ok(self.currency_setting())),
            ["system_status"] => Ok(Answer::ok(json!({
                "environment": { "version": "11.0.1", "wp_version": "7.0.4", "home_url": "https://shop.example" },
                "settings": { "currency": self.options.currency, "number_of_decimals": self.options.decimals },
            }))),
            _ => Err(Refusal::no_route()),
        }
    }

    fn index(&self) -> Value {
        let mut namespaces = vec!["oembed/1.0", "wc/v3", "wc/v2", "wc/v1", "wp/v2"];
        if self.has_tracking() {
            namespaces.push("wc-shipment-tracking/v3");
        }
        json!({
            "name": self.options.name, "description": "", "url": "https://shop.example", "home": "https://shop.example",
            "gmt_offset": self.options.offset_s / 3_600, "timezone_string": self.options.time_zone,
            "namespaces": namespaces,
        })
    }

    fn currency_setting(&self) -> Value {
        json!({ "id": "woocommerce_currency", "type": "select", "default": "USD", "value": self.options.currency })
    }
}

/// What a site answers outside its API.
fn home_page() -> Response<Bytes> {
    let mut response =
        Response::new(Bytes::from_static(b"<!DOCTYPE html>\n<html lang=\"en-US\"><head></head></html>"));
    let html = http::HeaderValue::from_static("text/html; charset=UTF-8");
    response.headers_mut().insert("content-type", html);
    response
}
