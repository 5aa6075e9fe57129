//! An Etsy shop: Open API v3 over listings and receipts that live in memory, and the token endpoint.
//!
//! What is known of the live service is kept: inventories are written whole and change the products' ids, nothing adds
//! up to zero, a listing without units is sold out, refunds name no units, the application's limits count in every
//! answer. Where our knowledge ends is said in the adapter's README.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use url::Url;

use crate::{Call, Delivery, Faults, Goods, Shipped, SimClock, SimulatedShop, Sold};

mod answer;
mod limits;
mod notify;
mod route;
mod state;
mod tokens;
mod write;

use limits::Limits;
use state::State;

const SHOP_ID: u64 = 42_424_242;
const SHOP_NAME: &str = "FictionalOutfitters";
/// The secret of the notifications' endpoint.
const WEBHOOK_SECRET: &str = "whsec_c2ltdWxhdGVkLXdlYmhvb2stc2VjcmV0";

/// A simulated shop.
pub struct EtsyShop {
    clock: SimClock,
    faults: Faults,
    state: Mutex<State>,
}

impl std::fmt::Debug for EtsyShop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EtsyShop").finish_non_exhaustive()
    }
}

impl EtsyShop {
    /// A shop that counts in US dollars; its application has Etsy's usual limits: 10 calls a second, 10,000 a day.
    pub fn new(clock: SimClock) -> Self {
        let state = Mutex::new(State::new(clock()));
        Self { clock, faults: Faults::default(), state }
    }

    /// A shop that counts in `currency`, which has `decimals`.
    #[must_use]
    pub fn in_currency(self, currency: &str, decimals: u32) -> Self {
        {
            let mut state = self.state();
            currency.clone_into(&mut state.currency);
            state.divisor = 10_i64.pow(decimals);
        }
        self
    }

    /// With the application's limits.
    #[must_use]
    pub fn with_limits(self, per_second: u32, per_day: u32) -> Self {
        self.state().limits = Limits::new(per_second, per_day);
        self
    }

    /// A listing's state: `draft`, `inactive`, … by the merchant's hand.
    pub fn set_state(&self, listing: &Sold, state: &str) {
        self.change(listing, |found, _| state.clone_into(&mut found.state));
    }

    pub fn listing_state(&self, listing: &Sold) -> Option<String> {
        self.state().find(listing).map(|(listing, _)| listing.state.clone())
    }

    /// Switches a variation off or on, by the merchant's hand.
    pub fn set_enabled(&self, listing: &Sold, enabled: bool) {
        self.change(listing, |found, position| found.products[position].enabled = enabled);
    }

    /// From now on all products of the listing share one number.
    pub fn share_quantity(&self, listing: &Sold, quantity: i64) {
        self.change(listing, |found, _| {
            found.on_property[1].clear();
            found.products.iter_mut().for_each(|product| product.quantity = quantity);
        });
    }

    /// Products' ids, SKUs and prices (in the currency's minor units), in their order.
    pub fn products(&self, listing: &Sold) -> Vec<(u64, String, i64)> {
        let mut state = self.state();
        let Some((found, _)) = state.find(listing) else { return Vec::new() };
        found.products.iter().map(|one| (one.id, one.sku.clone(), one.price)).collect()
    }

    /// Somebody buys between the next reading of an inventory and its writing.
    pub fn sell_before_the_next_write(&self, listing: &Sold, units: u32) {
        self.state().quick_buyer = Some((listing.clone(), units));
    }

    /// A status of another's choice.
    pub fn set_status(&self, order: &str, status: &str) {
        let now = self.now();
        let mut state = self.state();
        if let Some(receipt) = state.receipts.get_mut(&order.parse().unwrap()) {
            status.clone_into(&mut receipt.status);
            receipt.updated = now;
        }
    }

    /// E-mails that buyers were sent.
    pub fn mails(&self) -> u32 {
        self.state().mails
    }

    /// A notification of `event`, signed now, with a body of the test's own.
    pub fn signed_delivery(&self, id: &str, body: &str) -> Delivery {
        notify::signed("https://sync.example/hooks".to_owned(), id, body, self.now())
    }

    /// The shop's own number.
    pub fn shop_id(&self) -> u64 {
        SHOP_ID
    }

    fn change(&self, listing: &Sold, change: impl FnOnce(&mut state::Listing, usize)) {
        let now = self.now();
        let mut state = self.state();
        let (found, position) = state.find(listing).expect("a listing of this shop");
        change(found, position);
        found.updated = now;
    }

    /// Etsy's times have whole seconds.
    fn now(&self) -> Timestamp {
        Timestamp::from_second((self.clock)().as_second()).expect("a time")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn id(order: &str) -> u64 {
    order.parse().expect("a receipt's number")
}

impl SimulatedShop for EtsyShop {
    fn channel(&self) -> &'static str {
        "etsy"
    }

    fn credentials(&self) -> BTreeMap<String, String> {
        let fields = [
            ("client_id", tokens::KEYSTRING.to_owned()),
            ("client_secret", tokens::SHARED_SECRET.to_owned()),
            ("refresh_token", self.state().tokens.refresh_token()),
            ("webhook_secret", WEBHOOK_SECRET.to_owned()),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let now = (self.clock)();
        let mut state = self.state();
        let (operation, response) = state.handle(&request, now);
        state.calls.push(Call {
            at: now,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            operation,
            status: response.status().as_u16(),
        });
        response
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    fn add(&self, goods: Goods) -> Vec<Sold> {
        let now = self.now();
        self.state().add(&goods, now)
    }

    fn rename(&self, listing: &Sold, sku: Option<Option<String>>, title: Option<String>) {
        self.change(listing, |found, position| {
            if let Some(sku) = sku {
                found.products[position].sku = sku.unwrap_or_default();
            }
            if let Some(title) = title {
                found.title = title;
            }
        });
    }

    /// A variation goes alone while it has siblings.
    fn delete(&self, listing: &Sold) {
        let mut state = self.state();
        let Some((found, position)) = state.find(listing) else { return };
        if found.products.len() > 1 {
            found.products.remove(position);
            return;
        }
        let id = found.id;
        state.listings.remove(&id);
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
        let now = self.now();
        self.state().pay(id(order), now);
    }

    fn cancel(&self, order: &str) {
        let now = self.now();
        self.state().cancel(id(order), now);
    }

    /// Nobody edits an order on Etsy: nothing happens.
    fn edit(&self, _order: &str, _line: usize, _quantity: u32) {}

    /// Money alone: units neither leave the order nor come back to the shelf.
    fn refund(&self, order: &str, line: usize, quantity: u32) {
        let now = self.now();
        self.state().refund(id(order), line, i64::from(quantity), now);
    }

    fn fulfil(&self, order: &str) {
        let now = self.now();
        let shipped = Shipped { carrier: None, tracking_number: None, lines: Vec::new() };
        self.state().ship(id(order), shipped, now);
    }

    fn shipments(&self, order: &str) -> Vec<Shipped> {
        let state = self.state();
        let shipments = state.receipts.get(&id(order)).map(|receipt| receipt.shipments.clone());
        shipments.unwrap_or_default().into_iter().map(|(_, shipped, _)| shipped).collect()
    }

    /// Etsy knows whole receipts only.
    fn shipped(&self, order: &str) -> Vec<u32> {
        let state = self.state();
        let Some(receipt) = state.receipts.get(&id(order)) else { return Vec::new() };
        let left = |line: &state::Line| u32::try_from(line.quantity).unwrap_or(0);
        receipt.lines.iter().map(|line| if receipt.shipped { left(line) } else { 0 }).collect()
    }

    fn quantity(&self, listing: &Sold) -> Option<i64> {
        let mut state = self.state();
        let (found, position) = state.find(listing)?;
        let shown = if found.state == "active" { found.products[position].shown() } else { 0 };
        (!found.is_download).then_some(shown)
    }

    fn set_quantity(&self, listing: &Sold, quantity: i64) {
        let now = self.now();
        self.state().set(listing, |_| quantity, now);
    }

    fn orders(&self) -> Vec<String> {
        self.state().receipts.keys().map(u64::to_string).collect()
    }

    fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state().calls)
    }

    fn take_deliveries(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.state().deliveries)
    }

    fn spoil(&self, listing: &Sold) -> bool {
        let mut state = self.state();
        state.find(listing).map(|(found, _)| found.spoiled = true).is_some()
    }

    fn unknown_status(&self, order: &str) -> bool {
        self.set_status(order, "Awaiting Fitting");
        true
    }

    fn consent(&self, page: &Url) -> Option<Url> {
        self.state().tokens.consent(page)
    }

    fn deny(&self, page: &Url) -> Option<Url> {
        self.state().tokens.deny(page)
    }

    fn register_endpoint(&self, url: &str) {
        self.state().endpoint = Some(url.to_owned());
    }

    fn revoke(&self) {
        self.state().tokens.revoked = true;
    }

    fn admit(&self) -> bool {
        self.state().tokens.revoked = false;
        true
    }
}
