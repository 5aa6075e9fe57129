//! Which call a request is: its token, its quota, its answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::quota::Api;
use super::state::State;
use super::tokens::{Bearer, USERNAME};
use super::{Options, inventory, orders, shipping, trading};

/// What a call brings.
pub(super) struct Asked<'a> {
    pub options: &'a Options,
    pub now: Timestamp,
    pub bearer: Bearer,
    pub query: BTreeMap<String, String>,
    pub body: &'a Bytes,
}

impl Asked<'_> {
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(self.body).ok()
    }
}

const BASES: [(&str, Option<Api>); 4] = [
    ("/sell/inventory/v1", Some(Api::Inventory)),
    ("/sell/fulfillment/v1", Some(Api::Fulfillment)),
    ("/commerce/notification/v1", Some(Api::Notification)),
    ("/commerce/identity/v1", None),
];

/// The call's name, and its answer.
pub(super) fn answer(
    state: &mut State,
    options: &Options,
    request: &Request<Bytes>,
    now: Timestamp,
) -> (String, Answer) {
    let path = request.uri().path();
    let headers = request.headers();
    if path == "/identity/v1/oauth2/token" && request.method() == Method::POST {
        let form: BTreeMap<String, String> =
            url::form_urlencoded::parse(request.body()).into_owned().collect();
        let api = match form.get("grant_type").map(String::as_str) {
            Some("client_credentials") => Api::ApplicationTokens,
            _ => Api::RefreshedTokens,
        };
        let answer =
            if state.quota.admits(api, now) { state.tokens.grant(headers, &form, now) } else { exhausted() };
        return ("POST oauth2/token".to_owned(), answer);
    }
    if path == "/ws/api.dll" && request.method() == Method::POST {
        if !state.quota.admits(Api::Trading, now) {
            return ("GetMyeBaySelling".to_owned(), exhausted());
        }
        return ("GetMyeBaySelling".to_owned(), trading::answer(state, request, now));
    }
    let found = BASES.iter().find_map(|(base, api)| Some((path.strip_prefix(base)?, *api)));
    let Some((rest, api)) = found else {
        return ("unknown".to_owned(), Answer::refuse(404, 2002, "ACCESS", "Resource not found"));
    };
    // A segment may hold an encoded slash: it is decoded after the path is cut.
    let segments: Vec<String> = rest.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let operation = format!("{} {}", request.method(), named(&parts));
    let Some(bearer) = state.tokens.bearer(headers, now) else {
        return (operation, Answer::refuse(401, 1001, "OAuth", "Invalid access token"));
    };
    if api.is_some_and(|api| !state.quota.admits(api, now)) {
        return (operation, exhausted());
    }
    let query = request.uri().query().unwrap_or_default();
    let asked = Asked {
        options,
        now,
        bearer,
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        body: request.body(),
    };
    let writes = matches!(*request.method(), Method::POST | Method::PUT) && !request.body().is_empty();
    let is_json =
        headers.get("content-type").is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if writes && !is_json {
        return (operation, Answer::refuse(415, 2004, "ACCESS", "The content type is not supported"));
    }
    let answer = match (api, request.method(), parts.as_slice()) {
        (None, &Method::GET, ["user"]) if bearer == Bearer::User => Answer::ok(json!({
            "userId": options.user_id, "username": USERNAME, "accountType": "BUSINESS", "status": "CONFIRMED",
            "registrationMarketplaceId": options.marketplace,
        })),
        (Some(Api::Notification), method, parts) => state.notifications.answer(&asked, method, parts),
        (_, _, _) if bearer == Bearer::Application => Answer::refuse(
            403,
            1100,
            "ACCESS",
            "Access denied: insufficient permissions to fulfill the request.",
        ),
        (Some(Api::Inventory), method, parts) => inventory::answer(state, &asked, method, parts),
        (Some(Api::Fulfillment), &Method::GET, ["order"]) => orders::list(state, &asked),
        (Some(Api::Fulfillment), &Method::GET, ["order", id]) => orders::one(state, id),
        (Some(Api::Fulfillment), method, ["order", id, "shipping_fulfillment"]) => {
            shipping::answer(state, &asked, method, id)
        }
        _ => Answer::refuse(404, 2002, "ACCESS", "Resource not found"),
    };
    (operation, answer)
}

fn exhausted() -> Answer {
    Answer::refuse(
        429,
        2001,
        "ACCESS",
        "Too many requests: the request limit has been reached for the resource.",
    )
}

fn decoded(part: &str) -> String {
    // Only what is percent-encoded: a plus is a plus in a path.
    let plus_kept = part.replace('+', "%2B");
    url::form_urlencoded::parse(format!("s={plus_kept}").as_bytes())
        .next()
        .map(|(_, text)| text.into_owned())
        .unwrap_or_default()
}

/// The path with ids left out.
fn named(parts: &[&str]) -> String {
    const WORDS: [&str; 15] = [
        "inventory_item",
        "inventory_item_group",
        "offer",
        "bulk_get_inventory_item",
        "bulk_update_price_quantity",
        "location",
        "order",
        "shipping_fulfillment",
        "user",
        "destination",
        "subscription",
        "enable",
        "public_key",
        "topic",
        "config",
    ];
    let parts: Vec<&str> =
        parts.iter().map(|part| if WORDS.contains(part) { *part } else { "{id}" }).collect();
    parts.join("/")
}
