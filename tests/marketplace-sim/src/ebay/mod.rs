//! A seller's account on eBay: the Sell Inventory and Fulfillment APIs, Commerce Identity and Notification, the token
//! endpoint, and of the Trading API the list of what is on sale.
//!
//! Limits are eBay's published ones: calls of each API in a day of California's, 250 revisions of a listing in a day, 25 items
//! of a bulk call, 200 orders and 200 items of a page. Orders come in no promised order: here the latest made comes first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use crate::{Call, Delivery, Faults, Goods, Shipped, SimClock, SimulatedShop, Sold};

mod answer;
mod inventory;
mod notify;
mod orders;
mod quota;
mod route;
mod shipping;
mod state;
mod tokens;
mod trading;

pub use notify::Challenge;
pub use quota::Api;

use state::{Spread, State};

/// How an account is set up.
#[derive(Clone)]
pub struct Options {
    /// Where goods are put on sale: `EBAY_DE`.
    pub marketplace: String,
    /// ISO 4217: the marketplace's.
    pub currency: String,
    /// Items that one bulk update takes: eBay says 25 in one place and 1 in another.
    pub batch_max: usize,
    /// Where the application has eBay send merchants back to: what its RuName stands for.
    pub registered: String,
    /// The seller's, as eBay never changes it.
    pub user_id: String,
    /// Notifications may go to loopback addresses over http, which eBay itself refuses.
    pub local_endpoints: bool,
    pub clock: SimClock,
}

impl Options {
    /// A German seller.
    pub fn new(clock: SimClock) -> Self {
        Self {
            marketplace: "EBAY_DE".to_owned(),
            currency: "EUR".to_owned(),
            batch_max: 25,
            registered: "https://sync.example/v1/oauth/callback".to_owned(),
            user_id: "ma8vp1jySJC".to_owned(),
            local_endpoints: false,
            clock,
        }
    }
}

/// The account.
pub struct EbayShop {
    options: Options,
    faults: Faults,
    state: Mutex<State>,
}

impl std::fmt::Debug for EbayShop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EbayShop").finish_non_exhaustive()
    }
}

impl EbayShop {
    pub fn new(options: Options) -> Self {
        Self { options, faults: Faults::default(), state: Mutex::new(State::new()) }
    }

    /// Puts goods on sale in eBay's own pages, where the Inventory API does not see them. The listing's id.
    pub fn list_elsewhere(&self, sku: Option<&str>, title: &str) -> String {
        self.state().list_elsewhere(sku, title)
    }

    /// From now on an API takes this many calls in a day.
    pub fn limit(&self, api: Api, calls: u64) {
        self.state().quota.limit(api, calls);
    }

    /// Opens an inventory location with this key, which is its name too.
    pub fn open_location(&self, key: &str) {
        self.state().locations.push((key.to_owned(), true));
    }

    /// Goods can no longer be kept there.
    pub fn disable_location(&self, key: &str) {
        for (location, enabled) in &mut self.state().locations {
            *enabled &= location != key;
        }
    }

    /// Puts the item's stock at these inventory locations, evenly; those that there are not are opened.
    pub fn distribute(&self, listing: &Sold, locations: &[&str]) {
        let mut state = self.state();
        for key in locations {
            if !state.locations.iter().any(|(known, _)| known == key) {
                state.locations.push(((*key).to_owned(), true));
            }
        }
        let item = state.item(listing);
        let share = item.quantity.unwrap_or(0) / i64::try_from(locations.len()).unwrap_or(1).max(1);
        item.spread = locations.iter().map(|key| Spread::of(key, share)).collect();
    }

    /// Says how many business days goods take from a location at which the item is kept.
    pub fn set_fulfillment_days(&self, listing: &Sold, key: &str, days: i64) {
        let mut state = self.state();
        for at in state.item(listing).spread.iter_mut().filter(|at| at.key == key) {
            at.days = Some(days);
        }
    }

    /// What is kept at an inventory location, with how many business days goods take from there.
    pub fn kept_at(&self, listing: &Sold, key: &str) -> Option<(i64, Option<i64>)> {
        let mut state = self.state();
        let found = state.item(listing).spread.iter().find(|at| at.key == key);
        found.map(|at| (at.quantity, at.days))
    }

    /// Moves units from one inventory location to another, as a merchant can.
    pub fn move_stock(&self, listing: &Sold, from: &str, to: &str, units: i64) {
        let mut state = self.state();
        for at in &mut state.item(listing).spread {
            at.quantity += if at.key == from {
                -units
            } else if at.key == to {
                units
            } else {
                0
            };
        }
    }

    /// Sets what the offer has, as a merchant can beside what the item has.
    pub fn set_offer_quantity(&self, listing: &Sold, quantity: i64) {
        self.state().item(listing).available = Some(quantity);
    }

    /// Ships `quantity` units of a line, in eBay's own pages.
    pub fn fulfil_line(&self, order: &str, line: usize, quantity: u32) {
        let now = self.now();
        self.state().ship_by_hand(order, &[(line, quantity)], now);
    }

    /// Gives the order a value of another's choice: one that nobody knows yet. The field's own name.
    pub fn set_order_field(&self, order: &str, field: &'static str, value: &str) {
        let now = self.now();
        let mut state = self.state();
        state.order(order).forced.insert(field, value.to_owned());
        state.order(order).modified = now;
    }

    /// What eBay asks of an address before it sends anything there: it does so when the address is told.
    pub fn challenge(&self) -> Option<Challenge> {
        self.state().notifications.challenge()
    }

    /// As eBay does with an address that answers badly.
    pub fn mark_destination_down(&self) {
        self.state().notifications.mark_down();
    }

    /// Pauses every subscription, as a merchant's other tool can.
    pub fn disable_subscriptions(&self) {
        self.state().notifications.disable();
    }

    fn now(&self) -> Timestamp {
        (self.options.clock)()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, order: &str, change: impl FnOnce(&mut State)) {
        let now = self.now();
        let mut state = self.state();
        change(&mut state);
        state.order(order).modified = now;
    }
}

impl SimulatedShop for EbayShop {
    fn channel(&self) -> &'static str {
        "ebay"
    }

    fn credentials(&self) -> BTreeMap<String, String> {
        self.state().tokens.credentials()
    }

    fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let now = self.now();
        let mut state = self.state();
        let (operation, answer) = route::answer(&mut state, &self.options, &request, now);
        state.calls.push(Call {
            at: now,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            operation,
            status: answer.status,
        });
        answer.into_response()
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    /// A SKU that is there already is that item: it is replaced, as eBay does.
    fn add(&self, goods: Goods) -> Vec<Sold> {
        self.state().add(goods, &self.options)
    }

    /// The SKU is an item's key: another one is another item, with the same listing.
    fn rename(&self, listing: &Sold, sku: Option<Option<String>>, title: Option<String>) {
        self.state().rename(listing, sku.flatten(), title);
    }

    fn delete(&self, listing: &Sold) {
        self.state().delete(listing);
    }

    fn sell(&self, lines: &[(Sold, u32)]) -> String {
        let now = self.now();
        self.state().sell(lines, true, &self.options, now)
    }

    fn sell_unpaid(&self, lines: &[(Sold, u32)]) -> String {
        let now = self.now();
        self.state().sell(lines, false, &self.options, now)
    }

    /// The checkout that had failed is complete: eBay confirms the order once more.
    fn pay(&self, order: &str) {
        let now = self.now();
        self.change(order, |state| {
            state.order(order).paid = true;
            state.confirm(order, now);
        });
    }

    fn cancel(&self, order: &str) {
        let now = self.now();
        self.change(order, |state| state.cancel(order, now));
    }

    /// Nobody can: an order on eBay is what it was at checkout.
    fn edit(&self, _order: &str, _line: usize, _quantity: u32) {}

    /// What the units cost goes back; eBay is not told of units, and no stock moves.
    fn refund(&self, order: &str, line: usize, quantity: u32) {
        let now = self.now();
        self.change(order, |state| state.refund(order, line, quantity, now));
    }

    fn fulfil(&self, order: &str) {
        let now = self.now();
        let mut state = self.state();
        let open: Vec<(usize, u32)> = state
            .order(order)
            .lines
            .iter()
            .enumerate()
            .map(|(position, line)| (position, line.quantity - line.shipped))
            .collect();
        state.ship_by_hand(order, &open, now);
    }

    fn shipments(&self, order: &str) -> Vec<Shipped> {
        self.state().order(order).shipments.iter().map(state::Shipment::as_told).collect()
    }

    fn shipped(&self, order: &str) -> Vec<u32> {
        self.state().order(order).lines.iter().map(|line| line.shipped).collect()
    }

    fn quantity(&self, listing: &Sold) -> Option<i64> {
        self.state().item(listing).shown()
    }

    fn set_quantity(&self, listing: &Sold, quantity: i64) {
        let mut state = self.state();
        let item = state.item(listing);
        item.quantity = Some(quantity);
        item.available = Some(quantity);
    }

    fn orders(&self) -> Vec<String> {
        self.state().orders.keys().cloned().collect()
    }

    fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state().calls)
    }

    fn take_deliveries(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.state().notifications.deliveries)
    }

    fn forget_webhook(&self) -> bool {
        self.state().notifications.forget()
    }

    fn spoil(&self, listing: &Sold) -> bool {
        self.state().item(listing).price = "a song".to_owned();
        true
    }

    fn unknown_status(&self, order: &str) -> bool {
        self.set_order_field(order, "orderFulfillmentStatus", "AWAITING_A_MIRACLE");
        true
    }

    fn consent(&self, page: &Url) -> Option<Url> {
        let now = self.now();
        self.state().tokens.way_back(page, &self.options.registered, true, now)
    }

    fn deny(&self, page: &Url) -> Option<Url> {
        let now = self.now();
        self.state().tokens.way_back(page, &self.options.registered, false, now)
    }

    fn revoke(&self) {
        let now = self.now();
        let mut state = self.state();
        state.tokens.revoked = true;
        let data: Value = json!({ "username": tokens::USERNAME, "userId": self.options.user_id });
        state.notifications.tell("AUTHORIZATION_REVOCATION", data, now);
    }
}
