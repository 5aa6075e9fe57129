//! An Amazon seller's account: the Selling Partner API in the versions that the adapter speaks, Login with Amazon, and the
//! addresses that Amazon signs for documents. One host stands for all of Amazon's.
//!
//! Limits are those of the official models, by operation; parameters and fields that an operation does not know are
//! refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use url::Url;

use crate::{Call, Delivery, Dispatched, Faults, Goods, Shipped, SimClock, SimulatedShop, Sold};

mod answer;
mod bulk;
mod fba;
mod inbound;
mod limits;
mod listings;
mod orders;
mod state;
mod tokens;

pub use limits::PUBLISHED;

use answer::{Asked, Body, Said, missing, refuse, say};
use state::State;
use tokens::{Speaker, Tokens};

/// The seller's own id.
pub const SELLER: &str = "A3TH9S8BH6GOGM";
/// Where notifications go.
const QUEUE_ARN: &str = "arn:aws:sqs:us-east-1:000000000000:amazon-notifications";

/// A simulated account.
pub struct AmazonShop {
    clock: SimClock,
    faults: Faults,
    state: Mutex<State>,
}

impl std::fmt::Debug for AmazonShop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AmazonShop").finish_non_exhaustive()
    }
}

impl AmazonShop {
    /// An account in the United States, that counts in `currency`.
    pub fn new(clock: SimClock, currency: &str) -> Self {
        Self { clock, faults: Faults::default(), state: Mutex::new(State::new(currency.to_owned())) }
    }

    /// An account that sells in these marketplaces, the leading one first.
    #[must_use]
    pub fn in_marketplaces(self, ids: &[&str]) -> Self {
        self.state().marketplaces = ids.iter().map(|id| (*id).to_owned()).collect();
        self
    }

    /// With access tokens that last so long, in place of an hour.
    #[must_use]
    pub fn with_tokens_of(self, lasts: SignedDuration) -> Self {
        self.state().tokens.lasts = lasts;
        self
    }

    /// With so many calls of an operation in 10,000 seconds, in place of what Amazon publishes.
    #[must_use]
    pub fn with_rate(self, operation: &'static str, per_10000_s: i64) -> Self {
        self.state().buckets.rates.insert(operation, per_10000_s);
        self
    }

    /// With feeds and reports that take so long, in place of a minute.
    #[must_use]
    pub fn working_for(self, time: SignedDuration) -> Self {
        self.state().work_ms = i64::try_from(time.as_millis()).unwrap();
        self
    }

    /// Goods are on their way to Amazon: announced, and handed to a carrier.
    pub fn send_in(&self, listing: &Sold, units: i64) {
        self.state().inbound.entry(listing.external_id.clone()).or_default().shipped += units;
    }

    /// Amazon received some of what is on its way: they can be sold, the rest is being received.
    pub fn receive(&self, listing: &Sold, units: i64) {
        let mut state = self.state();
        let inbound = state.inbound.entry(listing.external_id.clone()).or_default();
        let coming = inbound.shipped + inbound.receiving;
        let arrived = units.min(coming);
        (inbound.shipped, inbound.receiving) = (0, coming - arrived);
        state.take(&listing.external_id, -arrived);
    }

    /// A plan with one shipment, made in Seller Central, of units by SKU: Amazon's ids of both.
    pub fn plan_inbound(&self, units: &[(&str, i64)]) -> (String, String) {
        inbound::plan(&mut self.state(), units)
    }

    /// How far a shipment to Amazon is, in Amazon's words.
    pub fn set_inbound_status(&self, shipment: &str, status: &str) {
        let mut state = self.state();
        state.inbound_shipments.get_mut(shipment).expect("a shipment").status = status.to_owned();
    }

    /// Puts `FBA` on a SKU that the merchant shipped, or takes it off again.
    pub fn set_fba(&self, listing: &Sold, fba: bool) {
        self.change_listing(listing, |listing| listing.fba = fba);
    }

    /// Amazon tells of a package of an order that it ships, as it does of merchants'.
    pub fn track(&self, order: &str, carrier: &str, number: &str) {
        let now = self.now();
        let (carrier, tracking_number) = (Some(carrier.to_owned()), Some(number.to_owned()));
        let package = Shipped { carrier, tracking_number, lines: Vec::new() };
        self.state().change(order, now, |_, order| drop(order.packages.insert("1".to_owned(), package)));
    }

    /// The ids of the orders that Amazon was asked to send for sales made elsewhere.
    pub fn dispatches(&self) -> Vec<String> {
        self.state().dispatches.keys().cloned().collect()
    }

    /// What Amazon was asked for by this id, word by word.
    pub fn dispatch_request(&self, id: &str) -> serde_json::Value {
        self.state().dispatches.get(id).expect("a dispatch").request()
    }

    /// Amazon knows nothing of one any more.
    pub fn forget_dispatch(&self, id: &str) {
        self.state().dispatches.remove(id);
    }

    /// Takes a SKU off some marketplaces: only `ids` show it.
    pub fn show_only_in(&self, listing: &Sold, ids: &[&str]) {
        let mut state = self.state();
        let listing = state.listings.get_mut(&listing.external_id).expect("a SKU");
        listing.marketplaces = ids.iter().map(|id| (*id).to_owned()).collect();
    }

    /// Amazon takes a listing off sale.
    pub fn suppress(&self, listing: &Sold) {
        self.change_listing(listing, |listing| listing.suppressed = true);
    }

    /// An order made by multi-channel fulfilment: of ours, for a sale made elsewhere.
    pub fn send_elsewhere(&self, lines: &[(Sold, u32)]) -> String {
        let now = self.now();
        let mut state = self.state();
        let id = state.sell(lines, true, now);
        let order = state.orders.get_mut(&id).expect("the order");
        order.channel = "NON_AMAZON";
        order.by_amazon = true;
        id
    }

    /// Gives the order a status of another's choice, such as one that nobody knows yet.
    pub fn set_status(&self, order: &str, status: &str) {
        let now = self.now();
        self.state().change(order, now, |_, order| order.status = Some(status.to_owned()));
    }

    /// The order is of another marketplace of the account.
    pub fn set_marketplace(&self, order: &str, id: &str) {
        let now = self.now();
        self.state().change(order, now, |_, order| order.marketplace = id.to_owned());
    }

    /// The operator let the application's secret lapse.
    pub fn let_secret_lapse(&self) {
        self.state().tokens.secret_lapsed = true;
    }

    fn now(&self) -> Timestamp {
        // Amazon's times are told to the second here, and compared so.
        Timestamp::from_second((self.clock)().as_second()).expect("a time")
    }

    /// With what Amazon has done meanwhile.
    fn state(&self) -> MutexGuard<'_, State> {
        let now = self.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.work(now);
        fba::work(&mut state, now);
        state
    }

    fn change_listing(&self, listing: &Sold, change: impl FnOnce(&mut state::Listing)) {
        let now = self.now();
        let mut state = self.state();
        let listing = state.listings.get_mut(&listing.external_id).expect("a SKU of this account");
        change(listing);
        listing.updated_at = now;
    }

    /// What it was, by Amazon's name of the operation, and what is said to it.
    fn answer(&self, request: &Request<Bytes>, state: &mut State) -> (&'static str, Said) {
        let now = self.now();
        let segments: Vec<String> = request.uri().path().split('/').skip(1).map(decoded).collect();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let asked = Asked::of(request);
        let method = request.method().as_str();
        match (method, path.as_slice()) {
            ("POST", ["auth", "o2", "token"]) => {
                let form = url::form_urlencoded::parse(request.body()).into_owned().collect();
                let (status, body) = state.tokens.grant(&form, now);
                return ("token", Said { status, body: Body::Json(body) });
            }
            (_, ["documents", id]) => {
                return ("document", bulk::document(state, &asked, request.method(), id));
            }
            _ => {}
        }
        let Some(operation) = operation(method, &path) else { return ("unknown", missing()) };
        let speaker = match operation {
            "getDestinations" | "createDestination" => Speaker::Application,
            _ => Speaker::Seller,
        };
        let token = request.headers().get("x-amz-access-token").and_then(|value| value.to_str().ok());
        if !state.tokens.admits(token, speaker, now) {
            let details = "The access token you provided is revoked, malformed or invalid.";
            let body = json!({ "errors": [{
                "code": "Unauthorized", "message": "Access to requested resource is denied.", "details": details,
            }]});
            return (operation, say(403, body));
        }
        let seller = matches!(path.first(), Some(&"listings")).then(|| path.get(3).copied());
        if seller.is_some_and(|seller| seller != Some(SELLER)) {
            return (operation, refuse(403, "Unauthorized", "Access to requested resource is denied."));
        }
        if !state.buckets.take(operation, self.precise_now()) {
            let message = "You exceeded your quota for the requested resource.";
            return (operation, refuse(429, "QuotaExceeded", message));
        }
        let last = path.last().copied().unwrap_or_default();
        let said = match operation {
            "getMarketplaceParticipations" => participations(state),
            "searchListingsItems" => listings::search(state, &asked, now),
            "getListingsItem" => listings::get(state, &asked, last),
            "patchListingsItem" => listings::patch(state, &asked, last, now),
            "searchOrders" => orders::search(state, &asked, now),
            "getOrder" => orders::get(state, &asked, last),
            "confirmShipment" => {
                orders::confirm(state, &asked, path.get(3).copied().unwrap_or_default(), now)
            }
            "getInventorySummaries" => fba::summaries(state, &asked, now),
            "createFulfillmentOrder" => fba::create(state, &asked, now),
            "listAllFulfillmentOrders" => fba::list(state, &asked, now),
            "getFulfillmentOrder" => fba::get(state, &asked, last, now),
            "cancelFulfillmentOrder" => {
                fba::cancel(state, &asked, path.get(4).copied().unwrap_or_default(), now)
            }
            "getShipment" | "listShipmentItems" => {
                let [plan, shipment] = [4, 6].map(|n| path.get(n).copied().unwrap_or_default());
                match operation {
                    "getShipment" => inbound::get(state, &asked, plan, shipment),
                    _ => inbound::items(state, &asked, plan, shipment),
                }
            }
            "createFeedDocument" => bulk::create_document(state, &asked),
            "createFeed" => bulk::create_feed(state, &asked, now),
            "getFeed" => bulk::get_feed(state, last),
            "getFeedDocument" => bulk::get_document(state, &asked, last, "feedDocumentId"),
            "createReport" => bulk::create_report(state, &asked, now),
            "getReport" => bulk::get_report(state, last, now),
            "getReportDocument" => bulk::get_document(state, &asked, last, "reportDocumentId"),
            "getDestinations" => bulk::destinations(state),
            "createDestination" => bulk::create_destination(state, &asked),
            "getSubscription" => bulk::get_subscription(state, last),
            _ => bulk::subscribe(state, &asked, last),
        };
        (operation, said)
    }

    fn precise_now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// Amazon's name of the operation.
fn operation(method: &str, path: &[&str]) -> Option<&'static str> {
    Some(match (method, path) {
        ("GET", ["sellers", "v1", "marketplaceParticipations"]) => "getMarketplaceParticipations",
        ("GET", ["listings", "2021-08-01", "items", _]) => "searchListingsItems",
        ("GET", ["listings", "2021-08-01", "items", _, _]) => "getListingsItem",
        ("PATCH", ["listings", "2021-08-01", "items", _, _]) => "patchListingsItem",
        ("GET", ["orders", "2026-01-01", "orders"]) => "searchOrders",
        ("GET", ["orders", "2026-01-01", "orders", _]) => "getOrder",
        ("POST", ["orders", "v0", "orders", _, "shipmentConfirmation"]) => "confirmShipment",
        ("POST", ["feeds", "2021-06-30", "documents"]) => "createFeedDocument",
        ("POST", ["feeds", "2021-06-30", "feeds"]) => "createFeed",
        ("GET", ["feeds", "2021-06-30", "feeds", _]) => "getFeed",
        ("GET", ["feeds", "2021-06-30", "documents", _]) => "getFeedDocument",
        ("POST", ["reports", "2021-06-30", "reports"]) => "createReport",
        ("GET", ["reports", "2021-06-30", "reports", _]) => "getReport",
        ("GET", ["reports", "2021-06-30", "documents", _]) => "getReportDocument",
        ("GET", ["fba", "inventory", "v1", "summaries"]) => "getInventorySummaries",
        ("POST", ["fba", "outbound", "2020-07-01", "fulfillmentOrders"]) => "createFulfillmentOrder",
        ("GET", ["fba", "outbound", "2020-07-01", "fulfillmentOrders"]) => "listAllFulfillmentOrders",
        ("GET", ["fba", "outbound", "2020-07-01", "fulfillmentOrders", _]) => "getFulfillmentOrder",
        ("PUT", ["fba", "outbound", "2020-07-01", "fulfillmentOrders", _, "cancel"]) => {
            "cancelFulfillmentOrder"
        }
        ("GET", ["inbound", "fba", "2024-03-20", "inboundPlans", _, "shipments", _]) => "getShipment",
        ("GET", ["inbound", "fba", "2024-03-20", "inboundPlans", _, "shipments", _, "items"]) => {
            "listShipmentItems"
        }
        ("GET", ["notifications", "v1", "destinations"]) => "getDestinations",
        ("POST", ["notifications", "v1", "destinations"]) => "createDestination",
        ("GET", ["notifications", "v1", "subscriptions", _]) => "getSubscription",
        ("POST", ["notifications", "v1", "subscriptions", _]) => "createSubscription",
        _ => return None,
    })
}

/// A segment of a path, decoded by itself: a SKU may hold an encoded slash.
fn decoded(segment: &str) -> String {
    // A plus is a plus in a path.
    let query = format!("x={}", segment.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(query.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn participations(state: &State) -> Said {
    let all: Vec<_> = state
        .marketplaces
        .iter()
        .map(|id| {
            json!({
                "marketplace": {
                    "id": id, "name": "Amazon.com", "countryCode": "US", "domainName": "www.amazon.com",
                    "defaultCurrencyCode": state.currency, "defaultLanguageCode": "en_US",
                },
                "participation": { "isParticipating": true, "hasSuspendedListings": false },
                "storeName": "Simulated store",
            })
        })
        .collect();
    say(200, json!({ "payload": all }))
}

impl SimulatedShop for AmazonShop {
    fn channel(&self) -> &'static str {
        "amazon"
    }

    fn credentials(&self) -> BTreeMap<String, String> {
        Tokens::credentials()
    }

    fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let mut state = self.state();
        let (operation, said) = self.answer(&request, &mut state);
        let call = Call {
            at: self.precise_now(),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            operation: operation.to_owned(),
            status: said.status.as_u16(),
        };
        state.calls.push(call);
        let told = said.status != StatusCode::TOO_MANY_REQUESTS;
        let rate = state.buckets.rate(operation).filter(|_| told);
        let request_id = state.id();
        said.into_response(request_id, rate)
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    fn add(&self, goods: Goods) -> Vec<Sold> {
        let now = self.now();
        self.state().add(goods, false, now)
    }

    fn add_fba(&self, goods: Goods) -> Vec<Sold> {
        let now = self.now();
        self.state().add(goods, true, now)
    }

    /// A SKU cannot be changed: the listing goes, and another comes.
    fn rename(&self, listing: &Sold, sku: Option<Option<String>>, title: Option<String>) {
        if let Some(title) = title {
            self.change_listing(listing, |listing| listing.title = title);
        }
        let Some(Some(sku)) = sku else { return };
        let now = self.now();
        let mut state = self.state();
        let number = state.id();
        if let Some(gone) = state.listings.remove(&listing.external_id) {
            let new = state::Listing { number, created_at: now, updated_at: now, ..gone };
            state.listings.insert(sku, new);
        }
    }

    fn delete(&self, listing: &Sold) {
        self.state().listings.remove(&listing.external_id);
    }

    fn sell(&self, lines: &[(Sold, u32)]) -> String {
        let now = self.now();
        self.state().sell(lines, true, now)
    }

    fn sell_unpaid(&self, lines: &[(Sold, u32)]) -> String {
        let now = self.now();
        self.state().sell(lines, false, now)
    }

    fn pay(&self, order: &str) {
        let now = self.now();
        self.state().change(order, now, |_, order| order.paid = true);
    }

    fn cancel(&self, order: &str) {
        let now = self.now();
        self.state().change(order, now, |state, order| {
            for line in 0..order.lines.len() {
                state.take_off(order, line, i64::MAX);
            }
            order.cancelled = order.lines.iter().all(|line| line.shipped == 0);
        });
    }

    /// Only down: buyers on Amazon cannot add to an order.
    fn edit(&self, order: &str, line: usize, quantity: u32) {
        let now = self.now();
        self.state().change(order, now, |state, order| {
            let wanted = order.lines.get(line).map_or(0, state::Line::wanted);
            state.take_off(order, line, (wanted - i64::from(quantity)).max(0));
        });
    }

    /// Before shipping, units are cancelled. After it, money goes back and the order says nothing of it.
    fn refund(&self, order: &str, line: usize, quantity: u32) {
        let now = self.now();
        self.state().change(order, now, |state, order| state.take_off(order, line, i64::from(quantity)));
    }

    fn fulfil(&self, order: &str) {
        let now = self.now();
        self.state().change(order, now, |_, order| {
            for line in &mut order.lines {
                line.shipped = line.wanted();
            }
        });
    }

    fn shipments(&self, order: &str) -> Vec<Shipped> {
        let state = self.state();
        state.orders.get(order).map(|order| order.packages.values().cloned().collect()).unwrap_or_default()
    }

    fn shipped(&self, order: &str) -> Vec<u32> {
        let state = self.state();
        let lines = state.orders.get(order).map(|order| order.lines.iter());
        lines.into_iter().flatten().map(|line| u32::try_from(line.shipped).unwrap_or(0)).collect()
    }

    fn dispatched(&self) -> Vec<Dispatched> {
        let now = self.now();
        self.state().dispatches.values().map(|dispatch| dispatch.stands(now)).collect()
    }

    fn submissions(&self) -> Vec<String> {
        self.state().feeds.keys().cloned().collect()
    }

    fn take_late(&self) -> Vec<(String, Sold, Option<i64>)> {
        std::mem::take(&mut self.state().late)
    }

    fn quantity(&self, listing: &Sold) -> Option<i64> {
        self.state().listings.get(&listing.external_id)?.quantity
    }

    fn set_quantity(&self, listing: &Sold, quantity: i64) {
        self.change_listing(listing, |listing| listing.quantity = Some(quantity));
    }

    fn orders(&self) -> Vec<String> {
        let state = self.state();
        let mut orders: Vec<_> = state.orders.iter().map(|(id, order)| (order.number, id.clone())).collect();
        orders.sort();
        orders.into_iter().map(|(_, id)| id).collect()
    }

    fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state().calls)
    }

    fn take_deliveries(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.state().deliveries)
    }

    fn spoil(&self, listing: &Sold) -> bool {
        self.change_listing(listing, |listing| listing.spoiled = true);
        true
    }

    fn forget_webhook(&self) -> bool {
        std::mem::replace(&mut self.state().subscribed, false)
    }

    fn unknown_status(&self, order: &str) -> bool {
        self.set_status(order, "TELEPORTED");
        true
    }

    fn consent(&self, page: &Url) -> Option<Url> {
        self.state().tokens.consent(page)
    }

    fn revoke(&self) {
        self.state().tokens.revoked = true;
    }
}
