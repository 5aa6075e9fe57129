//! What the account holds, and how stock moves with orders.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Options;
use super::notify::Notifications;
use super::quota::Quota;
use super::tokens::Tokens;
use crate::{Call, Goods, Shipped, Sold};

#[derive(Debug)]
pub(super) struct State {
    /// By SKU.
    pub items: BTreeMap<String, Item>,
    /// Inventory locations by their keys, and whether they are enabled.
    pub locations: Vec<(String, bool)>,
    pub groups: BTreeMap<String, Group>,
    /// By id.
    pub orders: BTreeMap<String, Order>,
    pub elsewhere: Vec<Elsewhere>,
    pub tokens: Tokens,
    pub quota: Quota,
    pub notifications: Notifications,
    pub calls: Vec<Call>,
    next: u64,
}

/// An inventory item and its one offer, which is published.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// In the order in which they were made.
    pub number: u64,
    pub title: String,
    pub aspects: BTreeMap<String, String>,
    pub barcode: Option<String>,
    pub group: Option<String>,
    /// `None` for goods that are not shipped, which have no such number.
    pub quantity: Option<i64>,
    /// Where it is kept, where that is said.
    pub spread: Vec<Spread>,
    pub offer_id: String,
    pub listing_id: String,
    pub marketplace: String,
    pub price: String,
    pub currency: String,
    pub available: Option<i64>,
    pub sold: i64,
}

/// What of an item is kept at an inventory location.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    pub key: String,
    pub quantity: i64,
    /// Business days that goods take from there.
    pub days: Option<i64>,
}

impl Spread {
    pub fn of(key: &str, quantity: i64) -> Self {
        Self { key: key.to_owned(), quantity, days: None }
    }
}

impl Item {
    pub fn shown(&self) -> Option<i64> {
        match (self.quantity, self.available) {
            (Some(item), Some(offer)) => Some(item.min(offer)),
            (one, other) => one.or(other),
        }
    }

    /// Units leave, or come back: at the first location that has them.
    fn move_units(&mut self, units: i64) {
        let from = self.spread.iter().position(|at| at.quantity + units >= 0);
        if let Some(at) = from.and_then(|position| self.spread.get_mut(position)) {
            at.quantity += units;
        }
        for quantity in [&mut self.quantity, &mut self.available] {
            *quantity = quantity.map(|quantity| (quantity + units).max(0));
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Group {
    pub title: String,
    pub names: Vec<String>,
    pub skus: Vec<String>,
}

/// A listing that the Inventory API does not know.
#[derive(Debug, Clone)]
pub(super) struct Elsewhere {
    pub listing_id: String,
    pub sku: Option<String>,
    pub title: String,
}

#[derive(Debug, Clone)]
pub(super) struct Order {
    pub created: Timestamp,
    pub modified: Timestamp,
    pub paid: bool,
    pub cancelled: Option<Timestamp>,
    pub currency: String,
    pub lines: Vec<Line>,
    pub shipments: Vec<Shipment>,
    /// Values that a test put in place of the account's own.
    pub forced: BTreeMap<&'static str, String>,
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub id: String,
    pub sku: String,
    pub listing_id: String,
    pub variation: bool,
    pub marketplace: String,
    pub title: String,
    pub price: Decimal,
    pub quantity: u32,
    pub shipped: u32,
    /// Each with its id, its units' price and its time.
    pub refunds: Vec<(String, Decimal, Timestamp)>,
}

impl Line {
    pub fn cost(&self) -> Decimal {
        self.price * Decimal::from(self.quantity)
    }

    pub fn refunded(&self) -> Decimal {
        self.refunds.iter().map(|(_, amount, _)| *amount).sum()
    }
}

#[derive(Debug, Clone)]
pub(super) struct Shipment {
    pub id: String,
    pub carrier: Option<String>,
    pub tracking: Option<String>,
    pub date: Timestamp,
    pub lines: Vec<(String, u32)>,
}

impl Shipment {
    pub fn as_told(&self) -> Shipped {
        Shipped {
            carrier: self.carrier.clone(),
            tracking_number: self.tracking.clone(),
            lines: self.lines.clone(),
        }
    }
}

impl State {
    pub fn new() -> Self {
        Self {
            items: BTreeMap::new(),
            locations: vec![("home".to_owned(), true)],
            groups: BTreeMap::new(),
            orders: BTreeMap::new(),
            elsewhere: Vec::new(),
            tokens: Tokens::new(),
            quota: Quota::new(),
            notifications: Notifications::new(),
            calls: Vec::new(),
            next: 1,
        }
    }

    pub fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn listing_id(&mut self) -> String {
        (110_000_000_000 + self.number()).to_string()
    }

    pub fn list_elsewhere(&mut self, sku: Option<&str>, title: &str) -> String {
        let listing_id = self.listing_id();
        let one = Elsewhere {
            listing_id: listing_id.clone(),
            sku: sku.map(str::to_owned),
            title: title.to_owned(),
        };
        self.elsewhere.push(one);
        listing_id
    }

    pub fn item(&mut self, listing: &Sold) -> &mut Item {
        let sku = listing.variation_id.as_deref().expect("a SKU");
        self.items.get_mut(sku).expect("an item of this account")
    }

    pub fn order(&mut self, id: &str) -> &mut Order {
        self.orders.get_mut(id).expect("an order of this account")
    }

    pub fn add(&mut self, goods: Goods, options: &Options) -> Vec<Sold> {
        let one = |state: &mut Self, sku: Option<String>, item: Item| {
            // Every item has a SKU: it is its key.
            let sku = sku.unwrap_or_else(|| format!("SKU-{}", item.number));
            let item = match state.items.get(&sku) {
                Some(known) => Item {
                    number: known.number,
                    offer_id: known.offer_id.clone(),
                    listing_id: known.listing_id.clone(),
                    ..item
                },
                None => item,
            };
            let sold = Sold { external_id: item.listing_id.clone(), variation_id: Some(sku.clone()) };
            state.items.insert(sku, item);
            sold
        };
        if goods.variations.is_empty() {
            let item = self.blank(&goods, goods.quantity, &goods.price, options);
            return vec![one(self, goods.sku, item)];
        }
        let listing_id = self.listing_id();
        let key = format!("group-{listing_id}");
        let mut names = BTreeSet::new();
        let mut sold = Vec::new();
        for variation in &goods.variations {
            let mut item = self.blank(&goods, variation.quantity, &variation.price, options);
            item.listing_id.clone_from(&listing_id);
            item.group = Some(key.clone());
            item.aspects.extend(variation.attributes.iter().cloned());
            names.extend(variation.attributes.iter().map(|(name, _)| name.clone()));
            sold.push(one(self, variation.sku.clone(), item));
        }
        let skus = sold.iter().filter_map(|sold| sold.variation_id.clone()).collect();
        self.groups.insert(key, Group { title: goods.title, names: names.into_iter().collect(), skus });
        sold
    }

    fn blank(&mut self, goods: &Goods, quantity: Option<i64>, price: &str, options: &Options) -> Item {
        let quantity = quantity.map(|quantity| quantity.max(0));
        Item {
            number: self.number(),
            title: goods.title.clone(),
            aspects: BTreeMap::from([("Brand".to_owned(), "Unbranded".to_owned())]),
            barcode: goods.barcode.clone(),
            group: None,
            quantity,
            spread: Vec::new(),
            offer_id: (8_000_000_000 + self.number()).to_string(),
            listing_id: self.listing_id(),
            marketplace: options.marketplace.clone(),
            price: price.to_owned(),
            currency: options.currency.clone(),
            available: quantity,
            sold: 0,
        }
    }

    pub fn rename(&mut self, listing: &Sold, sku: Option<String>, title: Option<String>) {
        if let Some(title) = title {
            self.item(listing).title = title;
        }
        let before = listing.variation_id.as_deref().expect("a SKU");
        let Some(sku) = sku else { return };
        if let Some(item) = self.items.remove(before) {
            self.items.insert(sku, item);
        }
    }

    pub fn delete(&mut self, listing: &Sold) {
        let Some(sku) = &listing.variation_id else { return };
        if let Some(key) = self.items.remove(sku).and_then(|item| item.group)
            && let Some(group) = self.groups.get_mut(&key)
        {
            group.skus.retain(|other| other != sku);
        }
    }

    pub fn sell(&mut self, lines: &[(Sold, u32)], paid: bool, options: &Options, now: Timestamp) -> String {
        let mut bought = Vec::new();
        for (sold, quantity) in lines {
            let id = (10_000_000_000_000 + self.number()).to_string();
            let item = self.item(sold);
            item.move_units(-i64::from(*quantity));
            item.sold += i64::from(*quantity);
            bought.push(Line {
                id,
                sku: sold.variation_id.clone().expect("a SKU"),
                listing_id: item.listing_id.clone(),
                variation: item.group.is_some(),
                marketplace: item.marketplace.clone(),
                title: item.title.clone(),
                price: item.price.parse().unwrap_or_default(),
                quantity: *quantity,
                shipped: 0,
                refunds: Vec::new(),
            });
        }
        let number = self.number();
        let id =
            format!("{:02}-{:05}-{:05}", 1 + number / 100_000, number % 100_000, 40_000 + number % 50_000);
        let order = Order {
            created: now,
            modified: now,
            paid,
            cancelled: None,
            currency: options.currency.clone(),
            lines: bought,
            shipments: Vec::new(),
            forced: BTreeMap::new(),
        };
        self.orders.insert(id.clone(), order);
        self.confirm(&id, now);
        id
    }

    /// One notification for each line.
    pub fn confirm(&mut self, id: &str, now: Timestamp) {
        let lines: Vec<Value> = self
            .order(id)
            .lines
            .iter()
            .map(|line| json!({ "orderId": id, "orderLineItemId": line.id, "listingId": line.listing_id }))
            .collect();
        for data in lines {
            self.notifications.tell("ORDER_CONFIRMATION", data, now);
        }
    }

    pub fn cancel(&mut self, id: &str, now: Timestamp) {
        let order = self.order(id);
        order.cancelled = Some(now);
        let lines = order.lines.clone();
        for (position, line) in lines.iter().enumerate() {
            let open = line.quantity - line.shipped;
            if self.orders[id].paid {
                self.refund(id, position, open, now);
            }
            if let Some(item) = self.items.get_mut(&line.sku) {
                item.move_units(i64::from(open));
            }
        }
    }

    pub fn refund(&mut self, id: &str, line: usize, quantity: u32, now: Timestamp) {
        let refund = self.number().to_string();
        let line = &mut self.order(id).lines[line];
        let left = line.cost() - line.refunded();
        let amount = (line.price * Decimal::from(quantity)).min(left);
        if amount > Decimal::ZERO {
            line.refunds.push((refund, amount, now));
        }
    }

    pub fn ship_by_hand(&mut self, id: &str, lines: &[(usize, u32)], now: Timestamp) {
        let number = self.number();
        let order = self.order(id);
        let mut sent = Vec::new();
        for (position, units) in lines.iter().filter(|(_, units)| *units > 0) {
            let line = &mut order.lines[*position];
            line.shipped += units;
            sent.push((line.id.clone(), *units));
        }
        order.modified = now;
        if !sent.is_empty() {
            let shipment =
                Shipment { id: number.to_string(), carrier: None, tracking: None, date: now, lines: sent };
            order.shipments.push(shipment);
        }
    }
}
