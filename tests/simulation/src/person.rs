//! What people ask of the hub, through its API.

use std::collections::{BTreeMap, BTreeSet};

use domain::connection::ConnectionStatus;
use domain::listing::ListingStatus;
use domain::{ConnectionId, ItemId, ListingId, LocationId, OrderId};
use marketplace_sim::Sold;
use serde_json::{Value, json};

use crate::fba::Inbound;
use crate::gate::JobId;
use crate::job::Planned;
use crate::law::{sold_of, stage_of};
use crate::mirror::Known;
use crate::model::{Deed, OrderKey, Place, Posted, Posting, Stage, Stock, Units};
use crate::world::World;

/// What was asked under a key: the same again, where nobody answered.
#[derive(Debug, Clone)]
pub struct Request {
    pub merchant: usize,
    path: String,
    body: Value,
    /// Asked again after it was done, it is a conflict: it has no id of the request's.
    pub once: bool,
    /// What its document is good for.
    makes: Option<Next>,
}

/// What a document can be followed by.
#[derive(Debug, Clone)]
pub enum Next {
    /// Taken back, wherever it stands.
    Void(&'static str),
    /// Goods on their way to the other location: they arrive, or are taken back.
    Transfer,
    /// An order by hand: closed, or taken back.
    Order,
    /// Goods on their way to Amazon: they arrive, whole or in parts.
    Inbound(Inbound),
    /// What Amazon is asked to send: asked how far it is, or taken back.
    Outbound,
}

/// A document that was posted, and what it moved.
#[derive(Debug, Clone)]
pub struct Document {
    pub merchant: usize,
    pub id: String,
    next: Next,
    moves: Vec<(Place, Stock)>,
}

impl Document {
    pub fn is_of_amazon(&self) -> bool {
        matches!(self.next, Next::Inbound(_) | Next::Outbound)
    }
}

fn on_hand(units: i64) -> Stock {
    Stock { on_hand: units, committed: 0 }
}

fn undone(moves: &[(Place, Stock)]) -> Vec<(Place, Stock)> {
    let back = |by: &Stock| Stock { on_hand: -by.on_hand, committed: -by.committed };
    moves.iter().map(|(place, by)| (place.clone(), back(by))).collect()
}

fn items_of(moves: &[(Place, Stock)]) -> BTreeSet<ItemId> {
    moves.iter().map(|((item, _), _)| item.clone()).collect()
}

/// An order's line, what it sells, and units of it.
pub type LineUnits = (String, Sold, i64);

impl World {
    fn known(&self, merchant: usize) -> &Known {
        &self.mirror.known[&self.merchants[merchant].organization]
    }

    fn listings(&self, merchant: usize, status: ListingStatus) -> Vec<ListingId> {
        let listings = self.known(merchant).listings.values();
        listings.filter(|listing| listing.status == status).map(|listing| listing.id.clone()).collect()
    }

    /// One request of some merchant's.
    pub fn ask(&mut self) -> Option<JobId> {
        let merchant = self.chance.index(self.merchants.len());
        if self.merchants[merchant].at_amazon.is_some() && self.chance.happens(300) {
            return self.ask_of_amazon(merchant);
        }
        match self.chance.below(20) {
            0..=3 => self.adjust(merchant),
            4 => self.receive(merchant),
            5 => self.transfer(merchant),
            6 => self.order_by_hand(merchant),
            7 => self.retry(),
            8 | 9 => self.follow_up(|_| true),
            10 | 11 => self.ship(merchant),
            12 => self.take_back(merchant),
            13..=15 => self.arrange_listings(merchant),
            16 | 17 => self.change_rules(merchant),
            _ => self.run_connection(merchant),
        }
    }

    fn simple_item(&self, merchant: usize) -> Option<ItemId> {
        let items: Vec<&ItemId> = self.known(merchant).items.keys().collect();
        let simple: Vec<&ItemId> =
            items.into_iter().filter(|item| !self.model.bundles.contains_key(*item)).collect();
        self.chance.pick(&simple).map(|item| (*item).clone())
    }

    pub fn location(&self, merchant: usize, primary: u64) -> LocationId {
        let locations = &self.merchants[merchant].locations;
        locations[usize::from(!self.chance.happens(primary))].clone()
    }

    fn adjust(&mut self, merchant: usize) -> Option<JobId> {
        let item = self.simple_item(merchant)?;
        let location = self.location(merchant, 800);
        let delta = match self.chance.between(-4, 6) {
            0 => 1,
            delta => delta,
        };
        let body = json!({ "location_id": location, "lines": [{ "item_id": item, "delta": delta }] });
        let moves = vec![((item, location), on_hand(delta))];
        self.post(merchant, "/v1/adjustments", body, Deed::Moves(moves), Some(Next::Void("adjustments")))
    }

    /// One or two kinds of goods from a supplier.
    fn receive(&mut self, merchant: usize) -> Option<JobId> {
        let location = self.location(merchant, 600);
        let items: BTreeSet<ItemId> =
            [self.simple_item(merchant)?, self.simple_item(merchant)?].into_iter().collect();
        let goods: Vec<(ItemId, i64)> =
            items.into_iter().map(|item| (item, self.chance.between(1, 5))).collect();
        let line = |(item, units): &(ItemId, i64)| json!({ "item_id": item, "quantity": units });
        let lines: Vec<Value> = goods.iter().map(line).collect();
        let body = json!({ "location_id": location, "lines": lines });
        let moved = |(item, units)| ((item, location.clone()), on_hand(units));
        let moves = goods.into_iter().map(moved).collect();
        let next = Some(Next::Void("purchase-receives"));
        self.post(merchant, "/v1/purchase-receives", body, Deed::Moves(moves), next)
    }

    /// From one location to the other, at once or by way of being in transit.
    fn transfer(&mut self, merchant: usize) -> Option<JobId> {
        let item = self.simple_item(merchant)?;
        let [primary, back] = &self.merchants[merchant].locations[..] else { return None };
        let ways = [(primary.clone(), back.clone()), (back.clone(), primary.clone())];
        let (from, to) = self.chance.pick(&ways)?.clone();
        let (units, in_transit) = (self.chance.between(1, 3), self.chance.happens(500));
        let lines = json!([{ "item_id": item, "quantity": units }]);
        let body = json!({
            "from_location_id": from, "to_location_id": to, "in_transit": in_transit, "lines": lines,
        });
        let mut moves = vec![((item.clone(), from), on_hand(-units))];
        if !in_transit {
            moves.push(((item, to), on_hand(units)));
        }
        let next = if in_transit { Next::Transfer } else { Next::Void("transfers") };
        self.post(merchant, "/v1/transfers", body, Deed::Moves(moves), Some(next))
    }

    /// By telephone, of any item, bundles too.
    fn order_by_hand(&mut self, merchant: usize) -> Option<JobId> {
        let items: Vec<ItemId> = self.known(merchant).items.keys().cloned().collect();
        let item = self.chance.pick(&items)?.clone();
        let location = self.location(merchant, 700);
        let units = self.chance.between(1, 3);
        let body = json!({ "location_id": location, "lines": [{ "item_id": item, "quantity": units }] });
        let parts = self.model.bundles.get(&item).cloned();
        let parts = parts.unwrap_or_else(|| BTreeMap::from([(item, 1)]));
        let moved = |(part, n)| ((part, location.clone()), Stock { on_hand: 0, committed: units * n });
        let moves = parts.into_iter().map(moved).collect();
        self.post(merchant, "/v1/orders", body, Deed::Moves(moves), Some(Next::Order))
    }

    /// Something is done with one of these documents that were posted.
    pub fn follow_up(&mut self, of: impl Fn(&Document) -> bool) -> Option<JobId> {
        let those: Vec<usize> = (0..self.documents.len()).filter(|at| of(&self.documents[*at])).collect();
        if those.is_empty() {
            return self.retry();
        }
        let at = those[self.chance.index(those.len())];
        let document = self.documents[at].clone();
        if !self.model.is_free(&items_of(&document.moves)) {
            return self.retry();
        }
        self.documents.swap_remove(at);
        let (merchant, id) = (document.merchant, &document.id);
        let (path, moves) = match document.next {
            Next::Inbound(inbound) => return self.receive_at_amazon(merchant, id, &inbound),
            Next::Outbound => return Some(self.follow_outbound(document)),
            Next::Void(kind) => (format!("/v1/{kind}/{id}/void"), undone(&document.moves)),
            Next::Transfer if self.chance.happens(700) => {
                let locations = &self.merchants[merchant].locations;
                let there = |place: &Place| (place.0.clone(), other(locations, &place.1));
                let arrive = |(place, by): &(Place, Stock)| (there(place), on_hand(-by.on_hand));
                (format!("/v1/transfers/{id}/receive"), document.moves.iter().map(arrive).collect())
            }
            Next::Transfer => (format!("/v1/transfers/{id}/void"), undone(&document.moves)),
            Next::Order if self.chance.happens(500) => {
                let leave = |(place, by): &(Place, Stock)| {
                    (place.clone(), Stock { on_hand: -by.committed, committed: -by.committed })
                };
                (format!("/v1/orders/{id}/fulfil"), document.moves.iter().map(leave).collect())
            }
            Next::Order => (format!("/v1/orders/{id}/void"), undone(&document.moves)),
        };
        self.post_once(merchant, &path, json!({}), Deed::Moves(moves))
    }

    /// One of the channels' orders with something of it to do, as the hub has it: its id, and units of its lines.
    pub fn order_to(
        &self,
        merchant: usize,
        open: impl Fn(&store::order::Order, &store::order::OrderLine) -> i64,
    ) -> Option<(OrderId, OrderKey, Vec<LineUnits>)> {
        let mut found = Vec::new();
        for order in self.known(merchant).orders.values().filter(|order| order.complete && !order.frozen) {
            let host = order.connection_id().and_then(|id| self.host_of(id));
            let (Some(host), Some(external)) = (host, order.external_id()) else { continue };
            let mut lines = Vec::new();
            for line in &order.lines {
                let (units, Some(sold)) = (open(order, line), sold_of(line)) else { continue };
                if units > 0 {
                    lines.push((line.id.clone(), sold, units));
                }
            }
            if !lines.is_empty() {
                found.push((order.id.clone(), (host, external.to_owned()), lines));
            }
        }
        self.chance.pick(&found).cloned()
    }

    /// All that waits of an order leaves.
    fn ship(&mut self, merchant: usize) -> Option<JobId> {
        let (id, key, lines) = self.order_to(merchant, |order, line| match stage_of(order) {
            Stage::Confirmed => line.stand().left_to_ship().units(),
            _ => 0,
        })?;
        self.made += 1;
        let line = |(line, _, units): &LineUnits| json!({ "line_id": line, "quantity": units });
        let body = json!({
            "carrier": "DHL", "tracking_number": format!("T{}", self.made),
            "lines": lines.iter().map(line).collect::<Vec<_>>(),
        });
        self.street.watch(&key.0, &key.1);
        let units: Units = lines.into_iter().map(|(_, sold, units)| (sold, units)).collect();
        self.post(merchant, &format!("/v1/orders/{id}/shipments"), body, Deed::Ships(key, units), None)
    }

    /// A part of what has left is back on the shelf.
    fn take_back(&mut self, merchant: usize) -> Option<JobId> {
        let (id, key, lines) =
            self.order_to(merchant, |order, line| line.stand().left_to_return(order.channel_state).units())?;
        let (line, sold, units) = self.chance.pick(&lines)?.clone();
        let units = self.chance.between(1, units);
        let body = json!({ "restock": true, "lines": [{ "line_id": line, "quantity": units }] });
        let deed = Deed::Restocks(key, Units::from([(sold, units)]));
        self.post(merchant, &format!("/v1/orders/{id}/returns"), body, deed, None)
    }

    fn arrange_listings(&mut self, merchant: usize) -> Option<JobId> {
        match self.chance.below(4) {
            0 => {
                let linked = self.listings(merchant, ListingStatus::Linked);
                let listing = self.chance.pick(&linked)?;
                self.taken_apart.insert(listing.clone());
                let path = format!("/v1/listings/{listing}/unlink");
                Some(self.begin_request(merchant, "POST", &path, None, None))
            }
            1 | 2 => {
                let mut open = self.listings(merchant, ListingStatus::Unconfirmed);
                open.extend(self.listings(merchant, ListingStatus::Unlinked));
                let path = format!("/v1/listings/{}/link", self.chance.pick(&open)?);
                let items: Vec<ItemId> = self.known(merchant).items.keys().cloned().collect();
                let body = json!({ "item_id": self.chance.pick(&items)? });
                Some(self.begin_request(merchant, "POST", &path, Some(body), None))
            }
            _ => {
                let open = self.listings(merchant, ListingStatus::Unconfirmed);
                let path = format!("/v1/listings/{}/confirm", self.chance.pick(&open)?);
                Some(self.begin_request(merchant, "POST", &path, Some(json!({})), None))
            }
        }
    }

    /// In one of the three layers, at once or by way of a plan.
    fn change_rules(&mut self, merchant: usize) -> Option<JobId> {
        if !self.plans.is_empty() && self.chance.happens(500) {
            let Planned { merchant, method, path, body, plan } =
                self.plans.swap_remove(self.chance.index(self.plans.len()));
            let path = format!("{path}?plan_id={}", plan.unwrap_or_default());
            return Some(self.begin_request(merchant, method, &path, body, None));
        }
        let rule = match self.chance.below(4) {
            0 => json!({ "buffer": self.chance.below(3) }),
            1 => json!({ "percent": self.chance.between(30, 100) }),
            2 => json!({ "max_listed": self.chance.between(1, 8) }),
            _ => json!({ "buffer": null, "percent": null, "max_listed": null }),
        };
        let path = match self.chance.below(4) {
            0 => "/v1/organization".to_owned(),
            1 => {
                format!("/v1/listings/{}", self.chance.pick(&self.listings(merchant, ListingStatus::Linked))?)
            }
            _ => format!("/v1/connections/{}", self.connection(merchant).1),
        };
        let body = Some(json!({ "stock_rule": rule }));
        if self.chance.happens(300) {
            return Some(self.begin_plan(Planned { merchant, method: "PATCH", path, body, plan: None }));
        }
        Some(self.begin_request(merchant, "PATCH", &path, body, None))
    }

    fn connection(&self, merchant: usize) -> (usize, ConnectionId) {
        let shops = &self.merchants[merchant].shops;
        let shop = self.chance.index(shops.len());
        (shop, shops[shop].connection.clone())
    }

    fn run_connection(&mut self, merchant: usize) -> Option<JobId> {
        let (shop, connection) = self.connection(merchant);
        let status = self.known(merchant).connections.get(&connection)?.status;
        let path = format!("/v1/connections/{connection}");
        match (self.chance.below(10), status) {
            (0..=3, ConnectionStatus::Inactive) => {
                Some(self.begin_request(merchant, "POST", &format!("{path}/enable"), None, None))
            }
            (0..=3, ConnectionStatus::NeedsAuthorization) => Some(self.authorize_again(merchant, shop)),
            (0, ConnectionStatus::Active) => {
                Some(self.begin_request(merchant, "POST", &format!("{path}/disable"), None, None))
            }
            (1..=3, ConnectionStatus::Active) => {
                let item = self.simple_item(merchant)?;
                let path = format!("/v1/items/{item}/push");
                Some(self.begin_request(merchant, "POST", &path, None, None))
            }
            (4 | 5, _) => {
                Some(self.begin_request(merchant, "POST", &format!("{path}/reconcile"), None, None))
            }
            (6, _) => {
                let policy = self.chance.pick(&["overwrite", "alert", "hold"])?;
                self.left_to_people.insert(connection);
                Some(self.begin_request(merchant, "PATCH", &path, Some(json!({ "drift": policy })), None))
            }
            _ => {
                let body = json!({ "kind": self.chance.pick(&["items", "orders", "stock"])? });
                Some(self.begin_request(merchant, "POST", &format!("{path}/sync"), Some(body), None))
            }
        }
    }

    pub fn post(
        &mut self,
        merchant: usize,
        path: &str,
        body: Value,
        deed: Deed,
        makes: Option<Next>,
    ) -> Option<JobId> {
        self.post_as(deed, Request { merchant, path: path.to_owned(), body, once: false, makes })
    }

    fn post_once(&mut self, merchant: usize, path: &str, body: Value, deed: Deed) -> Option<JobId> {
        self.post_as(deed, Request { merchant, path: path.to_owned(), body, once: true, makes: None })
    }

    /// Of an item at most one posting whose outcome nobody knows.
    fn post_as(&mut self, deed: Deed, request: Request) -> Option<JobId> {
        let items = match &deed {
            Deed::Moves(moves) => items_of(moves),
            Deed::Ships(key, _) | Deed::Restocks(key, _) | Deed::AsksToSend(key, _) => {
                self.items_of_order(key)
            }
        };
        if !self.model.is_free(&items) {
            return self.retry();
        }
        self.made += 1;
        let key = format!("key-{}", self.made);
        self.model.postings.insert(key.clone(), Posting { deed, posted: Posted::Unknown, items });
        self.requests.insert(key.clone(), request);
        self.unanswered.insert(key.clone());
        Some(self.send(&key))
    }

    fn items_of_order(&self, key: &OrderKey) -> BTreeSet<ItemId> {
        let resolved = self.model.resolved.get(key).map(|resolved| resolved.items.values().cloned());
        let mut items = BTreeSet::new();
        for item in resolved.into_iter().flatten() {
            match self.model.bundles.get(&item) {
                Some(parts) => items.extend(parts.keys().cloned()),
                None => drop(items.insert(item)),
            }
        }
        items
    }

    fn send(&mut self, key: &str) -> JobId {
        let Request { merchant, path, body, .. } = self.requests[key].clone();
        self.begin_request(merchant, "POST", &path, Some(body), Some(key))
    }

    /// The same request once more, as whoever had no answer does.
    pub fn retry(&mut self) -> Option<JobId> {
        let waiting: Vec<String> = self.unanswered.iter().cloned().collect();
        let key = self.chance.pick(&waiting)?.clone();
        Some(self.send(&key))
    }

    /// A posting was answered with its document.
    pub fn follow_document(&mut self, key: &str, id: String) {
        let Request { merchant, makes, .. } = self.requests[key].clone();
        let Some(next) = makes else { return };
        // Goods arrive once, however often it is answered that they were sent.
        if let (Next::Inbound(_), Some(request)) = (&next, self.requests.get_mut(key)) {
            request.makes = None;
        }
        let moves = match &self.model.postings[key].deed {
            Deed::Moves(moves) => moves.clone(),
            _ => Vec::new(),
        };
        if self.documents.iter().all(|document| document.id != id) {
            self.documents.push(Document { merchant, id, next, moves });
        }
    }

    pub fn authorize_again(&mut self, merchant: usize, shop: usize) -> JobId {
        let connected = &self.merchants[merchant].shops[shop];
        let path = format!("/v1/connections/{}", connected.connection);
        let sim = self.shop(&connected.host).sim.clone();
        sim.admit();
        let body: Value = json!({ "credentials": sim.credentials() });
        self.begin_request(merchant, "PATCH", &path, Some(body), None)
    }
}

fn other(locations: &[LocationId], one: &LocationId) -> LocationId {
    locations.iter().find(|location| *location != one).unwrap_or(one).clone()
}
