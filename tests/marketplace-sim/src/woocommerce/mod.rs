//! A WooCommerce shop: REST v3 over products, orders and webhooks that live in memory.
//!
//! What it does was measured on WooCommerce 11.0.1 (see `tests/fixtures/woocommerce`), quirks included. Taxes, shipping,
//! coupons and customers are not simulated.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use url::Url;

use crate::{Call, Delivery, Faults, Goods, Shipped, SimClock, SimulatedShop, Sold};

mod answer;
mod auth;
mod listing;
mod orders;
mod products;
mod query;
mod route;
mod shipments;
mod state;
mod webhooks;

use state::State;

/// How a shop is set up.
#[derive(Clone)]
pub struct Options {
    pub name: String,
    /// ISO 4217.
    pub currency: String,
    /// Decimals that the shop counts its prices with.
    pub decimals: u32,
    /// Seconds east of GMT; the shop writes its dates in this zone, and misreads time filters by it.
    pub offset_s: i32,
    /// IANA name.
    pub time_zone: String,
    pub consumer_key: String,
    pub consumer_secret: String,
    pub tracking: TrackingExtension,
    pub clock: SimClock,
}

/// Whether the shop has the extension *Shipment Tracking*, or one that serves the same routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrackingExtension {
    #[default]
    None,
    /// Takes any carrier by its name.
    AnyCarrier,
    /// Takes none but the carriers of its list.
    ListedCarriersOnly,
}

impl Options {
    /// A shop in Berlin, in winter, that counts in euro.
    pub fn new(clock: SimClock) -> Self {
        Self {
            name: "Fictional Outfitters".to_owned(),
            currency: "EUR".to_owned(),
            decimals: 2,
            offset_s: 3_600,
            time_zone: "Europe/Berlin".to_owned(),
            consumer_key: "ck_test".to_owned(),
            consumer_secret: "cs_test".to_owned(),
            tracking: TrackingExtension::None,
            clock,
        }
    }
}

/// The shop.
pub struct WoocommerceShop {
    options: Options,
    faults: Faults,
    state: Mutex<State>,
}

impl WoocommerceShop {
    pub fn new(options: Options) -> Self {
        Self { options, faults: Faults::default(), state: Mutex::default() }
    }

    /// The next id that the shop will give; ids are shared by all that it holds.
    pub fn set_next_id(&self, id: u64) {
        self.state().next_id = id;
    }

    /// Switches a topic's webhooks off, as the shop does after failed deliveries; how many there were.
    pub fn disable_webhooks(&self, topic: &str) -> usize {
        let mut state = self.state();
        let matching = state.webhooks.values_mut().filter(|webhook| webhook.topic == topic);
        matching.map(|webhook| webhook.status = "disabled".to_owned()).count()
    }

    /// Puts a product's stock on its parent, shared with its siblings: `None` for a parent that does not count.
    pub fn share_stock(&self, parent: &str, quantity: Option<i64>) {
        let now = (self.options.clock)();
        self.state().share_stock(state::id(parent), quantity, now);
    }

    /// Sets an order's status, a plugin's own included.
    pub fn set_status(&self, order: &str, status: &str) {
        self.with(|context| context.set_status(state::id(order), status));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let mut state = self.state();
        let now = (self.options.clock)();
        act(&mut Context { options: &self.options, state: &mut state, now })
    }
}

/// A shop at one instant.
struct Context<'a> {
    options: &'a Options,
    state: &'a mut State,
    now: jiff::Timestamp,
}

impl SimulatedShop for WoocommerceShop {
    fn channel(&self) -> &'static str {
        "woocommerce"
    }

    fn credentials(&self) -> BTreeMap<String, String> {
        let (key, secret) = self.with(|context| context.keys());
        BTreeMap::from([("consumer_key".to_owned(), key), ("consumer_secret".to_owned(), secret)])
    }

    fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.with(|context| context.handle(&request))
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    fn add(&self, goods: Goods) -> Vec<Sold> {
        self.with(|context| context.add(&goods))
    }

    fn rename(&self, listing: &Sold, sku: Option<Option<String>>, title: Option<String>) {
        self.with(|context| context.rename(state::sold_id(listing), sku, title));
    }

    fn delete(&self, listing: &Sold) {
        self.with(|context| context.delete_product(state::sold_id(listing)));
    }

    fn spoil(&self, listing: &Sold) -> bool {
        let mut state = self.state();
        state.products.get_mut(&state::sold_id(listing)).map(|product| product.spoiled = true).is_some()
    }

    fn sell(&self, lines: &[(Sold, u32)]) -> String {
        self.with(|context| context.order(lines, "processing")).to_string()
    }

    fn sell_unpaid(&self, lines: &[(Sold, u32)]) -> String {
        self.with(|context| context.order(lines, "pending")).to_string()
    }

    fn pay(&self, order: &str) {
        self.with(|context| context.set_status(state::id(order), "processing"));
    }

    fn cancel(&self, order: &str) {
        self.with(|context| context.set_status(state::id(order), "cancelled"));
    }

    fn edit(&self, order: &str, line: usize, quantity: u32) {
        self.with(|context| context.edit_line(state::id(order), line, i64::from(quantity)));
    }

    fn refund(&self, order: &str, line: usize, quantity: u32) {
        self.with(|context| context.refund_line(state::id(order), line, i64::from(quantity)));
    }

    fn fulfil(&self, order: &str) {
        self.with(|context| context.set_status(state::id(order), "completed"));
    }

    fn shipments(&self, order: &str) -> Vec<Shipped> {
        self.with(|context| context.shipments(state::id(order)))
    }

    fn unknown_status(&self, order: &str) -> bool {
        self.set_status(order, "packed");
        true
    }

    fn shipped(&self, order: &str) -> Vec<u32> {
        let state = self.state();
        let Some(order) = state.orders.get(&state::id(order)) else { return Vec::new() };
        let refunded = |id: u64| {
            let lines = order.refunds.iter().flat_map(|refund| &refund.lines);
            lines.filter(|(_, of, ..)| *of == id).map(|(_, _, units, _)| units).sum::<i64>()
        };
        let left = |line: &state::Line| match order.status.as_str() {
            "completed" => u32::try_from(line.quantity - refunded(line.id)).unwrap_or(0),
            _ => 0,
        };
        order.lines.iter().map(left).collect()
    }

    fn quantity(&self, listing: &Sold) -> Option<i64> {
        self.with(|context| context.state.shown(state::sold_id(listing)))
    }

    fn set_quantity(&self, listing: &Sold, quantity: i64) {
        self.with(|context| context.set_by_hand(state::sold_id(listing), quantity));
    }

    fn orders(&self) -> Vec<String> {
        self.state().orders.keys().map(u64::to_string).collect()
    }

    fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state().calls)
    }

    fn take_deliveries(&self) -> Vec<Delivery> {
        self.with(|context| context.take_deliveries())
    }

    fn forget_webhook(&self) -> bool {
        self.state().webhooks.pop_last().is_some()
    }

    fn consent(&self, page: &Url) -> Option<Url> {
        self.with(|context| context.way_back(page, true))
    }

    fn deny(&self, page: &Url) -> Option<Url> {
        self.with(|context| context.way_back(page, false))
    }

    fn revoke(&self) {
        self.state().revoked = true;
    }

    fn admit(&self) -> bool {
        self.state().revoked = false;
        true
    }
}
