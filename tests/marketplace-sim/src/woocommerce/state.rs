//! What the shop holds, and how stock moves with orders.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{Call, Sold};

#[derive(Debug)]
pub(super) struct State {
    pub products: BTreeMap<u64, Product>,
    pub orders: BTreeMap<u64, Order>,
    pub webhooks: BTreeMap<u64, Webhook>,
    pub next_id: u64,
    pub next_webhook_id: u64,
    pub next_line_id: u64,
    pub next_note_id: u64,
    /// OAuth nonces that were used.
    pub nonces: BTreeSet<String>,
    pub revoked: bool,
    /// Key and secret that the page of consent made last: they take the place of those that the shop began with.
    pub keys: Option<(String, String)>,
    pub keys_made: u64,
    pub calls: Vec<Call>,
    /// What the webhooks will tell, oldest first.
    pub pending: Vec<Pending>,
    pub delivered: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            products: BTreeMap::new(),
            orders: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            next_id: 11,
            next_webhook_id: 1,
            next_line_id: 1,
            next_note_id: 1,
            nonces: BTreeSet::new(),
            revoked: false,
            keys: None,
            keys_made: 0,
            calls: Vec::new(),
            pending: Vec::new(),
            delivered: 0,
        }
    }
}

/// A product, or a variation of one.
#[derive(Debug, Clone)]
pub(super) struct Product {
    pub id: u64,
    /// `Some` for a variation.
    pub parent: Option<u64>,
    /// `simple`, `variable`, `variation`, `grouped`, `external`.
    pub kind: String,
    pub name: String,
    pub status: String,
    /// Empty for none.
    pub sku: String,
    pub price: String,
    pub manages_stock: bool,
    pub quantity: i64,
    pub backorders: String,
    pub barcode: String,
    pub attributes: Vec<(String, String)>,
    pub created: Timestamp,
    pub modified: Timestamp,
    /// A plugin writes nonsense into its answers.
    pub spoiled: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Order {
    pub id: u64,
    pub status: String,
    pub lines: Vec<Line>,
    pub refunds: Vec<Refund>,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub paid: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    pub billing: Value,
    pub shipping: Value,
    pub notes: Vec<Note>,
    pub trackings: Vec<Tracking>,
}

/// A note on an order; `to_customer` was mailed.
#[derive(Debug, Clone)]
pub(super) struct Note {
    pub id: u64,
    pub text: String,
    pub to_customer: bool,
    pub created: Timestamp,
}

/// An entry of the extension *Shipment Tracking*.
#[derive(Debug, Clone)]
pub(super) struct Tracking {
    pub id: String,
    pub provider: String,
    pub number: String,
    pub shipped_on: String,
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub id: u64,
    pub name: String,
    pub product_id: u64,
    pub variation_id: u64,
    pub sku: Option<String>,
    pub quantity: i64,
    pub unit_price: Decimal,
    /// Units that this line has taken off stock.
    pub reduced: i64,
    pub attributes: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub(super) struct Refund {
    pub id: u64,
    pub amount: Decimal,
    pub reason: String,
    pub created: Timestamp,
    /// Id, the order's line, units, sum.
    pub lines: Vec<(u64, u64, i64, Decimal)>,
}

#[derive(Debug, Clone)]
pub(super) struct Webhook {
    pub id: u64,
    pub name: String,
    pub status: String,
    pub topic: String,
    pub delivery_url: String,
    pub secret: String,
    pub created: Timestamp,
    pub modified: Option<Timestamp>,
}

/// A delivery that waits for the shop's cron; keys do not, they go before the page of consent sends anybody anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pending {
    Ping {
        webhook: u64,
    },
    Told {
        webhook: u64,
        resource: u64,
    },
    /// The body for the callback.
    Keys {
        callback: String,
        body: Value,
    },
}

/// The number of an id; 0, which nothing has, for what is none.
pub(super) fn id(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

/// The product or variation that a reference names.
pub(super) fn sold_id(sold: &Sold) -> u64 {
    id(sold.variation_id.as_deref().unwrap_or(&sold.external_id))
}

impl Order {
    pub fn total(&self) -> Decimal {
        self.lines.iter().map(|line| line.unit_price * Decimal::from(line.quantity)).sum()
    }
}

impl State {
    pub fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    pub fn take_line_id(&mut self) -> u64 {
        let id = self.next_line_id;
        self.next_line_id += 1;
        id
    }

    pub fn variations(&self, parent: u64) -> impl Iterator<Item = &Product> {
        let variable = self.products.get(&parent).is_some_and(|product| product.kind == "variable");
        let products = self.products.values().take_while(move |_| variable);
        products.filter(move |product| product.parent == Some(parent))
    }

    /// The product that counts another's stock: itself, its parent, or none.
    pub fn holder(&self, id: u64) -> Option<u64> {
        let product = self.products.get(&id)?;
        if product.manages_stock {
            return Some(id);
        }
        self.products.get(&product.parent?).filter(|parent| parent.manages_stock).map(|parent| parent.id)
    }

    /// What is shown as in stock; `None` where nobody counts.
    pub fn shown(&self, id: u64) -> Option<i64> {
        Some(self.products.get(&self.holder(id)?)?.quantity)
    }

    pub fn share_stock(&mut self, parent: u64, quantity: Option<i64>, now: Timestamp) {
        let of_group = |product: &&mut Product| product.id == parent || product.parent == Some(parent);
        for product in self.products.values_mut().filter(of_group) {
            product.manages_stock = product.id == parent && quantity.is_some();
            product.quantity = quantity.unwrap_or(0);
            product.modified = now;
        }
    }

    /// A product was changed: its own date moves, and its parent's.
    pub fn touch(&mut self, id: u64, now: Timestamp) {
        let parent = self.products.get_mut(&id).and_then(|product| {
            product.modified = now;
            product.parent
        });
        if let Some(parent) = parent.and_then(|parent| self.products.get_mut(&parent)) {
            parent.modified = now;
        }
        self.tell("product.updated", id);
    }

    /// Adds units where the product's stock is counted.
    pub fn move_stock(&mut self, id: u64, units: i64, now: Timestamp) {
        if let Some(holder) = self.holder(id).filter(|_| units != 0) {
            if let Some(product) = self.products.get_mut(&holder) {
                product.quantity += units;
            }
            self.touch(holder, now);
        }
    }

    /// Takes what an order's lines need off stock, or gives back what they took, as its status asks.
    pub fn settle(&mut self, order: u64, now: Timestamp) {
        let Some(order) = self.orders.get(&order) else { return };
        let reduces = matches!(order.status.as_str(), "on-hold" | "processing" | "completed");
        let restores = matches!(order.status.as_str(), "pending" | "cancelled" | "failed");
        let untouched = order.lines.iter().all(|line| line.reduced == 0);
        let id = order.id;
        let moves: Vec<(usize, u64, i64)> = order
            .lines
            .iter()
            .enumerate()
            .filter_map(|(index, line)| {
                let product = if line.variation_id == 0 { line.product_id } else { line.variation_id };
                match (reduces && untouched, restores) {
                    (true, _) => Some((index, product, -line.quantity)),
                    (_, true) => Some((index, product, line.reduced)),
                    _ => None,
                }
            })
            .collect();
        for (index, product, units) in moves {
            if self.holder(product).is_none() {
                continue;
            }
            self.move_stock(product, units, now);
            if let Some(line) = self.orders.get_mut(&id).and_then(|order| order.lines.get_mut(index)) {
                line.reduced -= units;
            }
        }
    }

    /// Queues what the webhooks of a topic will tell. Several changes of one thing before the shop's cron are one.
    pub fn tell(&mut self, topic: &str, resource: u64) {
        let listening =
            self.webhooks.values().filter(|webhook| webhook.status == "active" && webhook.topic == topic);
        for webhook in listening.map(|webhook| webhook.id).collect::<Vec<_>>() {
            let told = Pending::Told { webhook, resource };
            if !self.pending.contains(&told) {
                self.pending.push(told);
            }
        }
    }
}
