//! Goods that lie at Amazon: sent there, and sent from there for orders of the merchant's other shops.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use domain::ItemId;
use domain::listing::ListingStatus;
use marketplace_sim::Sold;
use serde_json::json;
use store::order::Order;

use crate::gate::JobId;
use crate::law::{sold_of, stage_of};
use crate::model::{ByAmazon, Deed, OrderKey, Posted, Stage, Stock, Units};
use crate::person::{Document, Next};
use crate::world::World;

/// Goods on their way to Amazon.
#[derive(Debug, Clone)]
pub struct Inbound {
    host: String,
    /// What sells them there.
    sold: Sold,
    item: ItemId,
    /// Units that have not arrived.
    open: i64,
}

impl World {
    pub fn ask_of_amazon(&mut self, merchant: usize) -> Option<JobId> {
        match self.chance.below(10) {
            0..=2 => self.send_in(merchant),
            3..=6 => self.ask_to_send(merchant),
            _ => self.follow_up(|document| document.merchant == merchant && document.is_of_amazon()),
        }
    }

    /// What lies at Amazon and is sold by the listing that it was counted for.
    fn held(&self, merchant: usize) -> Vec<(String, Sold, ItemId)> {
        let of = &self.merchants[merchant];
        let listings = &self.mirror.known[&of.organization].listings;
        let mut held = Vec::new();
        for shop in &of.shops {
            let there = self.shop(&shop.host).clone();
            for sold in there.on_sale().into_iter().filter(|sold| there.holds(sold)) {
                let id = self.listing(&shop.host, &sold);
                let linked = listings.get(&id).filter(|listing| listing.status == ListingStatus::Linked);
                let linked = linked.filter(|_| !self.taken_apart.contains(&id));
                if let Some(item) = linked.and_then(|listing| listing.item_id.clone()) {
                    held.push((shop.host.clone(), sold, item));
                }
            }
        }
        held
    }

    fn send_in(&mut self, merchant: usize) -> Option<JobId> {
        let (host, sold, item) = self.chance.pick(&self.held(merchant))?.clone();
        let (units, from) = (self.chance.between(1, 5), self.location(merchant, 700));
        let body = json!({
            "connection_id": self.seller(&host).1.connection, "from_location_id": from,
            "lines": [{ "item_id": item, "quantity": units }],
        });
        let moves = vec![((item.clone(), from), Stock { on_hand: -units, committed: 0 })];
        let next = Next::Inbound(Inbound { host, sold, item, open: units });
        self.post(merchant, "/v1/inbound-shipments", body, Deed::Moves(moves), Some(next))
    }

    /// Some of it arrives, or all that is left: buyers at Amazon can order it from then on, and a person counts it here.
    pub fn receive_at_amazon(&mut self, merchant: usize, id: &str, inbound: &Inbound) -> Option<JobId> {
        let Inbound { host, sold, item, open } = inbound;
        let at_amazon = self.merchants[merchant].at_amazon.clone()?;
        let units = if self.chance.happens(400) { self.chance.between(1, *open) } else { *open };
        let body = match units == *open && self.chance.happens(500) {
            true => json!({}),
            false => json!({ "lines": [{ "item_id": item, "quantity": units }] }),
        };
        let sim = self.shop(host).sim.clone();
        sim.set_quantity(sold, sim.quantity(sold).unwrap_or(0) + units);
        self.trace.note(format_args!("{units} of {item} arrive at Amazon"));
        let moves = vec![((item.clone(), at_amazon), Stock { on_hand: units, committed: 0 })];
        let left = Inbound { open: open - units, ..inbound.clone() };
        let next = (left.open > 0).then_some(Next::Inbound(left));
        self.post(merchant, &format!("/v1/inbound-shipments/{id}/receive"), body, Deed::Moves(moves), next)
    }

    /// Amazon is to send one line of an order of another shop, or each that it can.
    fn ask_to_send(&mut self, merchant: usize) -> Option<JobId> {
        let held: BTreeSet<ItemId> = self.held(merchant).into_iter().map(|(.., item)| item).collect();
        let (id, key, lines) = self.order_to(merchant, |order, line| {
            let open = stage_of(order) == Stage::Confirmed;
            let there = line.item_id.as_ref().is_some_and(|item| held.contains(item));
            if open && there { line.stand().left_to_pack().units() } else { 0 }
        })?;
        let one = self.chance.happens(500);
        let mut asked = Units::new();
        let mut named = Vec::new();
        for (line, sold, units) in lines {
            if one && !named.is_empty() {
                break;
            }
            let units = if one { self.chance.between(1, units) } else { units };
            named.push(json!({ "line_id": line, "quantity": units }));
            asked.insert(sold, units);
        }
        self.street.watch(&key.0, &key.1);
        let deed = Deed::AsksToSend(key, asked);
        let path = format!("/v1/orders/{id}/outbound-shipments");
        self.post(merchant, &path, json!({ "lines": named }), deed, Some(Next::Outbound))
    }

    /// A person asks how far it is, or wants it back.
    pub fn follow_outbound(&mut self, document: Document) -> JobId {
        let what = if self.chance.happens(400) { "cancel" } else { "refresh" };
        let (merchant, path) = (document.merchant, format!("/v1/outbound-shipments/{}/{what}", document.id));
        if what == "refresh" {
            self.documents.push(document);
        }
        self.begin_request(merchant, "POST", &path, None, None)
    }

    /// What the hub has as Amazon's to send, or as sent by it: no more than somebody asked for, and what was sent stays sent.
    pub fn check_by_amazon(
        &mut self,
        key: &OrderKey,
        order: &Order,
    ) -> anyhow::Result<BTreeMap<Sold, ByAmazon>> {
        let mut all = BTreeMap::new();
        for line in &order.lines {
            let (Some(sold), Some(there)) = (sold_of(line), line.elsewhere.first()) else { continue };
            let (open, sent) = (there.open.units(), there.gone.units());
            let asked = self.model.asked_to_send(key, &sold);
            ensure!(
                open + sent <= asked,
                "of a line of the order {} Amazon is to send {open} and sent {sent}, and was asked for {asked}",
                key.1
            );
            all.insert(sold, ByAmazon { location: there.location_id.clone(), open, sent });
        }
        let before = self.model.resolved.get(key).map(|resolved| resolved.by_amazon.clone());
        for (sold, then) in before.unwrap_or_default() {
            let sent = all.get(&sold).map_or(0, |now| now.sent);
            ensure!(then.sent <= sent, "of {} Amazon had sent {} and now {sent}", key.1, then.sent);
        }
        // Who asked need not have heard of it yet.
        for posting in self.model.postings.values_mut().filter(|posting| posting.posted == Posted::Unknown) {
            let Deed::AsksToSend(of, units) = &posting.deed else { continue };
            let is_there = |(sold, units): (&Sold, &i64)| {
                let known = |all: &BTreeMap<Sold, ByAmazon>| all.get(sold).map_or(0, |there| there.open);
                let had = self.model.resolved.get(key).map_or(0, |resolved| known(&resolved.by_amazon));
                known(&all) >= had + units
            };
            if of == key && units.iter().all(is_there) {
                posting.posted = Posted::Yes;
            }
        }
        Ok(all)
    }

    /// All that Amazon sends for a merchant's other shops is promised at Amazon as long as it was not sent, and taken off
    /// there when it was. `over`: nothing may be open any more.
    pub fn check_sent_by_amazon(&self, merchant: usize, over: bool) -> anyhow::Result<()> {
        let of = &self.merchants[merchant];
        let Some(known) = self.mirror.known.get(&of.organization).filter(|_| of.at_amazon.is_some()) else {
            return Ok(());
        };
        // To be sent, and sent, by the number that the buyer knows.
        let mut there = BTreeMap::<String, (i64, i64)>::new();
        for dispatched in of.shops.iter().flat_map(|shop| self.shop(&shop.host).sim.dispatched()) {
            let sum = there.entry(dispatched.order).or_default();
            *sum = (sum.0 + dispatched.open, sum.1 + dispatched.sent);
        }
        let mut here = BTreeMap::<&str, (i64, i64)>::new();
        for order in known.orders.values() {
            for part in order.lines.iter().flat_map(|line| &line.elsewhere) {
                let sum = here.entry(order.number.as_str()).or_default();
                *sum = (sum.0 + part.open.units(), sum.1 + part.gone.units());
            }
        }
        for number in there.keys().map(String::as_str).chain(here.keys().copied()) {
            let (open, sent) = here.get(number).copied().unwrap_or_default();
            let (open_there, sent_there) = there.get(number).copied().unwrap_or_default();
            ensure!(
                sent <= sent_there && open + sent >= open_there + sent_there,
                "of {number} Amazon is to send {open_there} and has sent {sent_there}; here {open} are to be sent and \
                 {sent} are"
            );
            ensure!(
                !over || open == 0 && sent == sent_there,
                "{open} of {number} are still to be sent by Amazon"
            );
        }
        Ok(())
    }

    /// Whether Amazon has something to send.
    pub fn amazon_sends(&self) -> bool {
        let lines = |order: &Order| order.lines.iter().any(|line| line.stand().awaited.units() > 0);
        self.mirror.known.values().flat_map(|known| known.orders.values()).any(lines)
    }
}
