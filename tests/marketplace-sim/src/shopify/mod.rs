//! A Shopify shop: the Admin GraphQL API of version 2026-10, and the token endpoint.
//!
//! Documents are validated against Shopify's own schema, cut down to what we use of it, and really executed, by the
//! rules of GraphQL: aliases, fragments, variables and null propagation are as in the shop.
//!
//! The shop has one location that stocks goods, beside one that is closed and one of a fulfilment service; more can be
//! opened ([`ShopifyShop::open_location`]). Goods are kept at a location once they are activated there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use crate::{Call, Delivery, Faults, Goods, Shipped, SimClock, SimulatedShop, Sold};

mod bucket;
pub mod cost;
mod execute;
mod fulfilment;
mod nodes;
mod notify;
mod resolve;
mod search;
mod set_quantities;
mod state;
mod tokens;

pub use execute::schema;
pub use tokens::Access;

use bucket::Bucket;
use state::{Back, State};
use tokens::Tokens;

const API_VERSION: &str = "2026-10";

/// A simulated shop.
pub struct ShopifyShop {
    clock: SimClock,
    faults: Faults,
    state: Mutex<State>,
}

impl std::fmt::Debug for ShopifyShop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShopifyShop").finish_non_exhaustive()
    }
}

impl ShopifyShop {
    /// A shop on the Standard plan, with a lasting token.
    pub fn new(clock: SimClock) -> Self {
        Self::with(clock, Access::Lasting, 2_000, 100)
    }

    /// With another way in, and another bucket: its capacity in points, and what comes back in a second.
    pub fn with(clock: SimClock, access: Access, capacity: u32, restored_per_s: u32) -> Self {
        let bucket = Bucket::new(capacity, restored_per_s, clock());
        let state = Mutex::new(State::new(Tokens::new(access), bucket));
        Self { clock, faults: Faults::default(), state }
    }

    /// Refunds `quantity` units which do not come back to the shelf.
    pub fn refund_without_restock(&self, order: &str, line: usize, quantity: u32) {
        self.change_order(order, &["refunds/create"], |state, order, _| {
            state.refund(order, &[(line, i64::from(quantity))], Back::Nothing);
        });
    }

    /// Refunds `quantity` units, shipped ones too, which come back to the shelf.
    pub fn take_back(&self, order: &str, line: usize, quantity: u32) {
        self.change_order(order, &["refunds/create"], |state, order, _| {
            state.refund(order, &[(line, i64::from(quantity))], Back::All);
        });
    }

    /// A shop that counts in `currency`.
    #[must_use]
    pub fn in_currency(self, currency: &str) -> Self {
        currency.clone_into(&mut self.state().currency);
        self
    }

    /// Ships `quantity` units of a line.
    pub fn fulfil_line(&self, order: &str, line: usize, quantity: u32) {
        self.change_order(order, &[], |state, order, _| {
            state.fulfil(order, &[(line, i64::from(quantity))], None);
        });
    }

    /// Holds the order's shipping back, or releases it.
    pub fn hold(&self, order: &str, held: bool) {
        self.change_order(order, &[], |state, order, _| {
            if let Some(order) = state.orders.get_mut(&order) {
                order.held = held;
            }
        });
    }

    /// Cancels the order's latest fulfilment: its units are to be shipped again.
    pub fn cancel_fulfilment(&self, order: &str) {
        self.change_order(order, &[], |state, order, _| state.cancel_fulfilment(order));
    }

    /// Gives the order a financial status of another's choice, such as `VOIDED`.
    pub fn set_financial_status(&self, order: &str, status: &str) {
        self.change_order(order, &[], |state, order, _| {
            if let Some(order) = state.orders.get_mut(&order) {
                order.financial = Some(status.to_owned());
            }
        });
    }

    /// Sets the status of the listing's product: `DRAFT`, `ARCHIVED`, …
    pub fn set_status(&self, listing: &Sold, status: &'static str) {
        let now = self.now();
        let mut state = self.state();
        let product = state.variants[&state.variant_of(listing)].product;
        if let Some(product) = state.products.get_mut(&product) {
            product.status = status;
        }
        state.touch(product, now);
    }

    /// One more location that can keep goods; its number.
    pub fn open_location(&self, name: &str) -> u64 {
        let mut state = self.state();
        let id = state.locations.keys().next_back().map_or(state::LOCATION, |last| last + 1);
        let location = state::Location { name: name.to_owned(), active: true, service: false };
        state.locations.insert(id, location);
        id
    }

    /// The merchant closes a location: what it kept is kept nowhere.
    pub fn close_location(&self, location: u64) {
        let mut state = self.state();
        if let Some(location) = state.locations.get_mut(&location) {
            location.active = false;
        }
        for variant in state.variants.values_mut() {
            variant.available.remove(&location);
        }
    }

    /// The merchant sets a number at a location, which keeps the goods from then on.
    pub fn set_quantity_at(&self, listing: &Sold, location: u64, quantity: i64) {
        let now = self.now();
        let mut state = self.state();
        let id = state.variant_of(listing);
        if let Some(variant) = state.variants.get_mut(&id) {
            variant.available.insert(location, quantity);
            variant.updated_at = now;
        }
    }

    /// `None` where the location does not keep the goods.
    pub fn quantity_at(&self, listing: &Sold, location: u64) -> Option<i64> {
        let state = self.state();
        state.variants[&state.variant_of(listing)].available.get(&location).copied()
    }

    /// A sale that the shop ships from this location.
    pub fn sell_at(&self, location: u64, lines: &[(Sold, u32)]) -> String {
        let now = self.now();
        self.state().sell_at(location, lines, true, now).to_string()
    }

    /// As Shopify does with a subscription whose deliveries keep failing.
    pub fn drop_subscriptions(&self) {
        self.state().subscriptions.clear();
    }

    /// Shopify's times have whole seconds.
    fn now(&self) -> Timestamp {
        Timestamp::from_second((self.clock)().as_second()).expect("a time")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_order(&self, order: &str, topics: &[&str], change: impl FnOnce(&mut State, u64, Timestamp)) {
        let now = self.now();
        let mut state = self.state();
        let (order, _) = state.order(order);
        change(&mut state, order, now);
        state.changed(order, topics, now);
    }

    fn answer(&self, request: &Request<Bytes>, state: &mut State) -> (String, StatusCode, Value) {
        let now = (self.clock)();
        let path = request.uri().path();
        if request.method() != Method::POST {
            return ("unknown".to_owned(), StatusCode::NOT_FOUND, json!({ "errors": "Not Found" }));
        }
        if path.ends_with("/admin/oauth/access_token") {
            let form: BTreeMap<String, String> =
                url::form_urlencoded::parse(request.body()).into_owned().collect();
            let (status, body) = state.tokens.grant(&form, now);
            return ("POST oauth/access_token".to_owned(), status, body);
        }
        if !path.ends_with(&format!("/admin/api/{API_VERSION}/graphql.json")) {
            return ("unknown".to_owned(), StatusCode::NOT_FOUND, json!({ "errors": "Not Found" }));
        }
        let token = request.headers().get("x-shopify-access-token").and_then(|value| value.to_str().ok());
        if !state.tokens.admits(token, now) {
            let errors = "[API] Invalid API key or access token (unrecognized login or wrong password)";
            return (execute::name(request.body()), StatusCode::UNAUTHORIZED, json!({ "errors": errors }));
        }
        let body = execute::run(state, request.body(), now);
        (execute::name(request.body()), StatusCode::OK, body)
    }
}

impl SimulatedShop for ShopifyShop {
    fn channel(&self) -> &'static str {
        "shopify"
    }

    fn credentials(&self) -> BTreeMap<String, String> {
        self.state().tokens.credentials()
    }

    fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let mut state = self.state();
        let (operation, status, body) = self.answer(&request, &mut state);
        state.calls.push(Call {
            at: (self.clock)(),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            operation,
            status: status.as_u16(),
        });
        Response::builder()
            .status(status)
            .header("content-type", "application/json; charset=utf-8")
            .header("x-shopify-api-version", API_VERSION)
            .body(Bytes::from(body.to_string()))
            .expect("a response")
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    fn add(&self, goods: Goods) -> Vec<Sold> {
        let now = self.now();
        self.state().add(goods, now)
    }

    fn rename(&self, listing: &Sold, sku: Option<Option<String>>, title: Option<String>) {
        let now = self.now();
        let mut state = self.state();
        let id = state.variant_of(listing);
        let Some(variant) = state.variants.get_mut(&id) else { return };
        if let Some(sku) = sku {
            variant.sku = sku;
        }
        let product = variant.product;
        if let (Some(title), Some(product)) = (title, state.products.get_mut(&product)) {
            product.title = title;
        }
        state.touch(product, now);
    }

    fn delete(&self, listing: &Sold) {
        let now = self.now();
        let mut state = self.state();
        let variant = state.variant_of(listing);
        state.delete(variant, now);
    }

    fn sell(&self, lines: &[(Sold, u32)]) -> String {
        let now = self.now();
        self.state().sell(lines, true, now).to_string()
    }

    fn sell_unpaid(&self, lines: &[(Sold, u32)]) -> String {
        let now = self.now();
        self.state().sell(lines, false, now).to_string()
    }

    fn pay(&self, order: &str) {
        self.change_order(order, &["orders/paid"], |state, order, _| {
            if let Some(order) = state.orders.get_mut(&order) {
                order.paid = true;
            }
        });
    }

    fn cancel(&self, order: &str) {
        self.change_order(order, &["orders/cancelled"], |state, order, now| {
            let Some(entry) = state.orders.get_mut(&order) else { return };
            entry.cancelled_at = Some(now);
            if !entry.paid {
                entry.financial = Some("VOIDED".to_owned());
            }
            let unshipped: Vec<(usize, i64)> =
                entry.lines.iter().enumerate().map(|(position, line)| (position, line.unfulfilled)).collect();
            state.refund(order, &unshipped, Back::Unshipped);
        });
    }

    fn edit(&self, order: &str, line: usize, quantity: u32) {
        self.change_order(order, &["orders/edited"], |state, order, _| {
            state.edit(order, line, i64::from(quantity));
        });
    }

    /// Shipped units are with the buyer: only the others come back to the shelf ([`ShopifyShop::take_back`] for all).
    fn refund(&self, order: &str, line: usize, quantity: u32) {
        self.change_order(order, &["refunds/create"], |state, order, _| {
            state.refund(order, &[(line, i64::from(quantity))], Back::Unshipped);
        });
    }

    fn fulfil(&self, order: &str) {
        self.change_order(order, &["orders/fulfilled"], |state, order, _| {
            let lines = state.orders.get(&order).map_or(0, |order| order.lines.len());
            let all = (0..lines).map(|line| (line, i64::MAX)).collect::<Vec<_>>();
            state.fulfil(order, &all, None);
        });
    }

    fn shipments(&self, order: &str) -> Vec<Shipped> {
        self.state().shipments(order)
    }

    fn shipped(&self, order: &str) -> Vec<u32> {
        let state = self.state();
        let lines =
            order.parse().ok().and_then(|id: u64| state.orders.get(&id)).map(|order| order.lines.iter());
        let left = |line: &state::Line| u32::try_from(line.current - line.unfulfilled).unwrap_or(0);
        lines.into_iter().flatten().map(left).collect()
    }

    fn quantity(&self, listing: &Sold) -> Option<i64> {
        let state = self.state();
        let variant = &state.variants[&state.variant_of(listing)];
        variant.tracked.then_some(variant.total())
    }

    fn set_quantity(&self, listing: &Sold, quantity: i64) {
        self.set_quantity_at(listing, state::LOCATION, quantity);
    }

    fn orders(&self) -> Vec<String> {
        self.state().orders.keys().map(u64::to_string).collect()
    }

    fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state().calls)
    }

    fn take_deliveries(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.state().deliveries)
    }

    fn forget_webhook(&self) -> bool {
        self.state().subscriptions.pop().is_some()
    }

    fn spoil(&self, listing: &Sold) -> bool {
        let mut state = self.state();
        let id = state.variant_of(listing);
        state.variants.get_mut(&id).is_some_and(|variant| {
            variant.price = "a song".to_owned();
            true
        })
    }

    fn consent(&self, page: &Url) -> Option<Url> {
        let now = self.now();
        self.state().tokens.way_back(page, true, now)
    }

    fn deny(&self, page: &Url) -> Option<Url> {
        let now = self.now();
        self.state().tokens.way_back(page, false, now)
    }

    fn unknown_status(&self, order: &str) -> bool {
        self.set_financial_status(order, execute::UNKNOWN_STATUS);
        true
    }

    fn revoke(&self) {
        let now = self.now();
        let mut state = self.state();
        state.tokens.revoked = true;
        state.tell("app/uninstalled", json!({ "id": 1 }), now);
    }

    fn admit(&self) -> bool {
        self.state().tokens.revoked = false;
        true
    }

    fn returned(&self, order: &str, line: usize, quantity: u32) -> bool {
        self.take_back(order, line, quantity);
        true
    }
}
