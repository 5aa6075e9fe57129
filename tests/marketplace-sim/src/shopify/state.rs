//! What a shop has, and what its merchant and its buyers do with it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fulfilment::Fulfilment;
use super::notify::Subscription;
use super::tokens::Tokens;
use crate::{Call, Delivery, Goods, Sold};

#[derive(Debug)]
pub(super) struct State {
    next_id: u64,
    next_number: u64,
    pub products: BTreeMap<u64, Product>,
    pub variants: BTreeMap<u64, Variant>,
    pub orders: BTreeMap<u64, Order>,
    pub subscriptions: Vec<Subscription>,
    pub deliveries: Vec<Delivery>,
    pub calls: Vec<Call>,
    pub tokens: Tokens,
    pub bucket: super::bucket::Bucket,
    pub currency: String,
    /// By idempotency key: what was asked, and what was answered.
    pub idempotency: BTreeMap<String, (Value, Value)>,
    pub locations: BTreeMap<u64, Location>,
}

#[derive(Debug, Clone)]
pub(super) struct Location {
    pub name: String,
    pub active: bool,
    /// A fulfilment service's.
    pub service: bool,
}

/// The location that keeps what is added.
pub(super) const LOCATION: u64 = 501;

/// Closed, of a fulfilment service, and the one that counts.
fn locations() -> BTreeMap<u64, Location> {
    let location = |name: &str, active, service| Location { name: name.to_owned(), active, service };
    BTreeMap::from([
        (499, location("Old shop", false, false)),
        (500, location("Fulfilment service", true, true)),
        (LOCATION, location("Warehouse", true, false)),
    ])
}

#[derive(Debug, Clone)]
pub(super) struct Product {
    pub title: String,
    pub status: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct Variant {
    pub product: u64,
    pub item: u64,
    pub sku: Option<String>,
    pub barcode: Option<String>,
    pub price: String,
    pub options: Vec<(String, String)>,
    pub tracked: bool,
    /// What is available, by the locations that keep it.
    pub available: BTreeMap<u64, i64>,
    pub committed: i64,
    pub updated_at: Timestamp,
}

impl Variant {
    /// What buyers see.
    pub fn total(&self) -> i64 {
        self.available.values().sum()
    }
}

#[derive(Debug, Clone)]
pub(super) struct Order {
    pub number: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub cancelled_at: Option<Timestamp>,
    pub paid: bool,
    /// By the merchant's own word: `VOIDED`, a status of the future, …
    pub financial: Option<String>,
    pub lines: Vec<Line>,
    pub refunds: Vec<Refund>,
    pub fulfilments: Vec<Fulfilment>,
    /// The fulfilment order of what is not shipped yet; each fulfilment closes it and opens another.
    pub fulfilment_order: u64,
    /// Its shipping is held back.
    pub held: bool,
    /// Where it is shipped from.
    pub location: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub id: u64,
    pub variant: Option<u64>,
    pub title: String,
    pub sku: Option<String>,
    pub price: String,
    /// As ordered, and added since.
    pub quantity: i64,
    /// Not removed, not refunded.
    pub current: i64,
    /// Of `current`: not shipped.
    pub unfulfilled: i64,
    /// Ever.
    pub shipped: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Refund {
    pub id: u64,
    /// The line's position, units, type of restock.
    pub lines: Vec<(usize, i64, &'static str)>,
}

/// Which of the units taken off an order come back to the shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    Nothing,
    /// Those that never left it.
    Unshipped,
    All,
}

impl Order {
    pub fn financial(&self) -> &str {
        let none_left = self.lines.iter().all(|line| line.current == 0);
        match &self.financial {
            Some(status) => status,
            None if !self.paid => "PENDING",
            None if self.refunds.is_empty() => "PAID",
            None if none_left => "REFUNDED",
            None => "PARTIALLY_REFUNDED",
        }
    }

    pub fn fulfilment(&self) -> &'static str {
        let waiting: i64 = self.lines.iter().map(|line| line.unfulfilled).sum();
        let shipped = self.lines.iter().any(|line| line.shipped > 0);
        match (shipped, waiting) {
            (false, _) => "UNFULFILLED",
            (true, 0) => "FULFILLED",
            (true, _) => "PARTIALLY_FULFILLED",
        }
    }
}

impl State {
    pub fn new(tokens: Tokens, bucket: super::bucket::Bucket) -> Self {
        Self {
            next_id: 1_000,
            next_number: 1_001,
            products: BTreeMap::new(),
            variants: BTreeMap::new(),
            orders: BTreeMap::new(),
            subscriptions: Vec::new(),
            deliveries: Vec::new(),
            calls: Vec::new(),
            tokens,
            bucket,
            currency: "USD".to_owned(),
            idempotency: BTreeMap::new(),
            locations: locations(),
        }
    }

    pub fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub fn variant_of(&self, sold: &Sold) -> u64 {
        let number = sold.variation_id.as_deref().unwrap_or(&sold.external_id);
        number.parse().ok().filter(|id| self.variants.contains_key(id)).expect("a variant of this shop")
    }

    pub fn variant_of_item(&mut self, item: u64) -> Option<&mut Variant> {
        self.variants.values_mut().find(|variant| variant.item == item)
    }

    pub fn add(&mut self, goods: Goods, now: Timestamp) -> Vec<Sold> {
        let product = self.id();
        self.products.insert(product, Product { title: goods.title, status: "ACTIVE" });
        let kinds = if goods.variations.is_empty() {
            vec![(
                goods.sku,
                goods.price,
                goods.quantity,
                vec![("Title".to_owned(), "Default Title".to_owned())],
            )]
        } else {
            let variations = goods.variations.into_iter();
            variations.map(|kind| (kind.sku, kind.price, kind.quantity, kind.attributes)).collect()
        };
        let mut sold = Vec::new();
        for (sku, price, quantity, options) in kinds {
            let (id, item) = (self.id(), self.id());
            let variant = Variant {
                product,
                item,
                sku,
                barcode: goods.barcode.clone(),
                price,
                options,
                tracked: quantity.is_some(),
                available: BTreeMap::from([(LOCATION, quantity.unwrap_or(0))]),
                committed: 0,
                updated_at: now,
            };
            self.variants.insert(id, variant);
            sold.push(Sold { external_id: product.to_string(), variation_id: Some(id.to_string()) });
        }
        self.tell("products/create", json!({ "id": product, "updated_at": now.to_string() }), now);
        sold
    }

    /// The product's variants changed.
    pub fn touch(&mut self, product: u64, now: Timestamp) {
        for variant in self.variants.values_mut().filter(|variant| variant.product == product) {
            variant.updated_at = now;
        }
        self.tell("products/update", json!({ "id": product, "updated_at": now.to_string() }), now);
    }

    pub fn delete(&mut self, variant: u64, now: Timestamp) {
        let Some(gone) = self.variants.remove(&variant) else { return };
        if !self.variants.values().any(|other| other.product == gone.product) {
            self.products.remove(&gone.product);
            return;
        }
        self.touch(gone.product, now);
    }

    /// Units move from what is available to what is promised; back, below zero.
    fn promise(&mut self, variant: Option<u64>, units: i64, location: u64) {
        if let Some(variant) = variant.and_then(|id| self.variants.get_mut(&id)) {
            *variant.available.entry(location).or_default() -= units;
            variant.committed += units;
        }
    }

    /// The first location that has all of it, as the merchant ranks them; where none has, the first that keeps it.
    fn route(&self, lines: &[(Sold, u32)]) -> u64 {
        let at = |location: u64, sold: &Sold| {
            let variant = &self.variants[&self.variant_of(sold)];
            variant.available.get(&location).copied()
        };
        let mut open = self.locations.iter().filter(|(_, one)| one.active && !one.service).map(|(id, _)| *id);
        let enough = |location: &u64| {
            lines
                .iter()
                .all(|(sold, units)| at(*location, sold).is_some_and(|there| there >= i64::from(*units)))
        };
        let keeps = |location: &u64| lines.iter().all(|(sold, _)| at(*location, sold).is_some());
        open.clone().find(enough).or_else(|| open.find(keeps)).unwrap_or(LOCATION)
    }

    pub fn sell(&mut self, lines: &[(Sold, u32)], paid: bool, now: Timestamp) -> u64 {
        self.sell_at(self.route(lines), lines, paid, now)
    }

    pub fn sell_at(&mut self, location: u64, lines: &[(Sold, u32)], paid: bool, now: Timestamp) -> u64 {
        let order = self.id();
        let lines = lines.iter().map(|(sold, quantity)| {
            let variant = self.variant_of(sold);
            let quantity = i64::from(*quantity);
            self.promise(Some(variant), quantity, location);
            let kind = self.variants[&variant].clone();
            let title = self.products[&kind.product].title.clone();
            let id = self.id();
            let (sku, price) = (kind.sku, kind.price);
            Line {
                id,
                variant: Some(variant),
                title,
                sku,
                price,
                quantity,
                current: quantity,
                unfulfilled: quantity,
                shipped: 0,
            }
        });
        let lines = lines.collect();
        let number = self.next_number;
        self.next_number += 1;
        let new = Order {
            number,
            created_at: now,
            updated_at: now,
            cancelled_at: None,
            paid,
            financial: None,
            lines,
            refunds: Vec::new(),
            fulfilments: Vec::new(),
            fulfilment_order: self.id(),
            held: false,
            location,
        };
        self.orders.insert(order, new);
        self.tell("orders/create", json!({ "id": order, "updated_at": now.to_string() }), now);
        order
    }

    pub fn order(&mut self, id: &str) -> (u64, &mut Order) {
        let id = id.parse().expect("an order's number");
        (id, self.orders.get_mut(&id).expect("an order of this shop"))
    }

    /// The order changed, and `topics` beside `orders/updated` tell so.
    pub fn changed(&mut self, order: u64, topics: &[&str], now: Timestamp) {
        if let Some(order) = self.orders.get_mut(&order) {
            order.updated_at = now;
        }
        for topic in topics.iter().copied().chain(["orders/updated"]) {
            let body = match topic {
                "orders/edited" => json!({ "order_edit": { "id": order + 1_000_000, "order_id": order } }),
                "refunds/create" => json!({ "id": order + 2_000_000, "order_id": order }),
                _ => json!({ "id": order, "updated_at": now.to_string(), "email": "buyer@example.com" }),
            };
            self.tell(topic, body, now);
        }
    }

    /// Takes `units` off a line, unshipped ones first; what was done, by type of restock.
    fn take_off(
        &mut self,
        order: u64,
        line: usize,
        units: i64,
        back: Back,
    ) -> Vec<(usize, i64, &'static str)> {
        let Some(order) = self.orders.get_mut(&order) else { return Vec::new() };
        let location = order.location;
        let Some(entry) = order.lines.get_mut(line) else { return Vec::new() };
        let units = units.clamp(0, entry.current);
        let unshipped = units.min(entry.unfulfilled);
        let shipped = units - unshipped;
        entry.current -= units;
        entry.unfulfilled -= unshipped;
        let variant = entry.variant;
        let (first, then) = match back {
            Back::Nothing => ("NO_RESTOCK", "NO_RESTOCK"),
            Back::Unshipped => ("CANCEL", "NO_RESTOCK"),
            Back::All => ("CANCEL", "RETURN"),
        };
        let parts = [(line, unshipped, first), (line, shipped, then)];
        let restocked: i64 = parts.iter().filter(|part| part.2 != "NO_RESTOCK").map(|part| part.1).sum();
        if let Some(variant) = variant.and_then(|id| self.variants.get_mut(&id)) {
            variant.committed -= unshipped;
            *variant.available.entry(location).or_default() += restocked;
        }
        parts.into_iter().filter(|part| part.1 > 0).collect()
    }

    pub fn refund(&mut self, order: u64, lines: &[(usize, i64)], back: Back) {
        let mut taken = Vec::new();
        for (line, units) in lines {
            taken.extend(self.take_off(order, *line, *units, back));
        }
        let id = self.id();
        if let Some(order) = self.orders.get_mut(&order) {
            order.refunds.push(Refund { id, lines: taken });
        }
    }

    pub fn edit(&mut self, order: u64, line: usize, quantity: i64) {
        let Some(of) = self.orders.get_mut(&order) else { return };
        let location = of.location;
        let Some(entry) = of.lines.get_mut(line) else { return };
        let more = quantity - entry.current;
        if more <= 0 {
            let removable = entry.unfulfilled;
            self.take_off(order, line, (-more).min(removable), Back::Unshipped);
            return;
        }
        entry.quantity += more;
        entry.current += more;
        entry.unfulfilled += more;
        let variant = entry.variant;
        self.promise(variant, more, location);
    }
}
