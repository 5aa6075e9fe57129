//! What the account has: SKUs, orders, feeds, reports, documents and subscriptions.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::fba::{Dispatch, Inbound};
use super::inbound::Shipment;
use super::limits::Buckets;
use super::tokens::Tokens;
use crate::{Call, Delivery, Goods, Shipped, Sold};

#[derive(Debug, Clone)]
pub(super) struct Listing {
    pub title: String,
    pub price: String,
    pub quantity: Option<i64>,
    pub barcode: Option<String>,
    pub attributes: Vec<(String, String)>,
    pub parent: Option<String>,
    pub children: Vec<String>,
    /// Shipped by Amazon, from its own stock.
    pub fba: bool,
    /// Of the account's marketplaces, the ids of those that show it.
    pub marketplaces: Vec<String>,
    pub spoiled: bool,
    /// Not for sale and not found by shoppers.
    pub suppressed: bool,
    /// In the order in which they were made: the sort key of a full walk.
    pub number: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub id: String,
    pub sku: String,
    pub title: String,
    pub price: String,
    pub ordered: i64,
    pub cancelled: i64,
    pub shipped: i64,
}

impl Line {
    pub fn wanted(&self) -> i64 {
        self.ordered - self.cancelled
    }
}

#[derive(Debug, Clone)]
pub(super) struct Order {
    pub number: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub paid: bool,
    pub cancelled: bool,
    pub by_amazon: bool,
    /// `AMAZON`, or `NON_AMAZON` for one that was made by multi-channel fulfilment.
    pub channel: &'static str,
    pub marketplace: String,
    /// In place of the status that it would have.
    pub status: Option<String>,
    pub lines: Vec<Line>,
    /// By the seller's reference.
    pub packages: BTreeMap<String, Shipped>,
}

impl Order {
    pub fn status(&self) -> &str {
        let shipped: i64 = self.lines.iter().map(|line| line.shipped).sum();
        let wanted: i64 = self.lines.iter().map(Line::wanted).sum();
        match &self.status {
            Some(status) => status,
            None if self.cancelled || wanted == 0 => "CANCELLED",
            None if !self.paid => "PENDING",
            None if shipped >= wanted => "SHIPPED",
            None if shipped > 0 => "PARTIALLY_SHIPPED",
            None => "UNSHIPPED",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Feed {
    pub created_at: Timestamp,
    pub document: String,
    /// The document of its result, when it is done.
    pub result: Option<String>,
}

#[derive(Debug)]
pub(super) struct State {
    pub listings: BTreeMap<String, Listing>,
    pub orders: BTreeMap<String, Order>,
    /// What Amazon was asked to send, by the seller's id of it.
    pub dispatches: BTreeMap<String, Dispatch>,
    /// On its way to Amazon, by SKU.
    pub inbound: BTreeMap<String, Inbound>,
    /// The seller's shipments to Amazon, by Amazon's id of them.
    pub inbound_shipments: BTreeMap<String, Shipment>,
    pub feeds: BTreeMap<String, Feed>,
    /// Numbers that feeds set, with the feeds' ids, until they are asked for.
    pub late: Vec<(String, Sold, Option<i64>)>,
    /// Each with the time when it was asked for.
    pub reports: BTreeMap<String, Timestamp>,
    pub documents: BTreeMap<String, Option<Bytes>>,
    pub destination: Option<String>,
    pub subscribed: bool,
    pub deliveries: Vec<Delivery>,
    pub calls: Vec<Call>,
    pub tokens: Tokens,
    pub buckets: Buckets,
    pub currency: String,
    /// Of the account, the leading one first.
    pub marketplaces: Vec<String>,
    /// How long Amazon works on a feed or a report.
    pub work_ms: i64,
    next: u64,
}

impl State {
    pub fn new(currency: String) -> Self {
        Self {
            listings: BTreeMap::new(),
            orders: BTreeMap::new(),
            dispatches: BTreeMap::new(),
            inbound: BTreeMap::new(),
            inbound_shipments: BTreeMap::new(),
            feeds: BTreeMap::new(),
            late: Vec::new(),
            reports: BTreeMap::new(),
            documents: BTreeMap::new(),
            destination: None,
            subscribed: false,
            deliveries: Vec::new(),
            calls: Vec::new(),
            tokens: Tokens::new(),
            buckets: Buckets::default(),
            currency,
            marketplaces: vec!["ATVPDKIKX0DER".to_owned()],
            work_ms: 60_000,
            next: 0,
        }
    }

    pub fn id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub fn add(&mut self, goods: Goods, fba: bool, now: Timestamp) -> Vec<Sold> {
        let kinds = if goods.variations.is_empty() {
            vec![(goods.sku.clone(), goods.price.clone(), goods.quantity, Vec::new())]
        } else {
            let kinds = goods.variations.iter().cloned();
            kinds.map(|kind| (kind.sku, kind.price, kind.quantity, kind.attributes)).collect()
        };
        let parent = (!goods.variations.is_empty()).then(|| format!("PARENT-{}", self.id()));
        let mut skus = Vec::new();
        for (sku, price, quantity, attributes) in kinds {
            let number = self.id();
            // Amazon gives a SKU to who gives none.
            let sku = sku.unwrap_or_else(|| format!("AM-{number:04}-SKU"));
            let listing = Listing {
                title: goods.title.clone(),
                price,
                quantity: quantity.map(|quantity| quantity.max(0)),
                barcode: goods.barcode.clone(),
                attributes,
                parent: parent.clone(),
                children: Vec::new(),
                fba,
                marketplaces: self.marketplaces.clone(),
                spoiled: false,
                suppressed: false,
                number,
                created_at: now,
                updated_at: now,
            };
            self.listings.insert(sku.clone(), listing);
            skus.push(sku);
        }
        if let Some(parent) = parent
            && let Some(child) = skus.first().and_then(|sku| self.listings.get(sku)).cloned()
        {
            let number = self.id();
            let listing = Listing { parent: None, children: skus.clone(), quantity: None, number, ..child };
            self.listings.insert(parent, listing);
        }
        skus.into_iter().map(|sku| Sold { external_id: sku, variation_id: None }).collect()
    }

    /// Units leave what is for sale, never below zero; back with fewer than none.
    pub fn take(&mut self, sku: &str, units: i64) {
        if let Some(quantity) = self.listings.get_mut(sku).and_then(|listing| listing.quantity.as_mut()) {
            *quantity = (*quantity - units).max(0);
        }
    }

    pub fn sell(&mut self, lines: &[(Sold, u32)], paid: bool, now: Timestamp) -> String {
        let number = self.id();
        let id = format!("902-{:07}-{:07}", number / 10_000_000, number % 10_000_000);
        let mut by_amazon = false;
        let lines = lines.iter().map(|(sold, units)| {
            let sku = sold.external_id.clone();
            let listing = self.listings.get(&sku).cloned().expect("a SKU of this account");
            by_amazon |= listing.fba;
            self.take(&sku, i64::from(*units));
            let id = format!("{}", 79_000_000_000_000 + self.id());
            let (title, price) = (listing.title, listing.price);
            Line { id, sku, title, price, ordered: i64::from(*units), cancelled: 0, shipped: 0 }
        });
        let lines = lines.collect();
        let marketplace = self.marketplaces[0].clone();
        let order = Order {
            number,
            created_at: now,
            updated_at: now,
            paid,
            cancelled: false,
            by_amazon,
            channel: "AMAZON",
            marketplace,
            status: None,
            lines,
            packages: BTreeMap::new(),
        };
        self.orders.insert(id.clone(), order);
        self.tell(&id, now);
        id
    }

    /// Changes an order, and tells of it.
    pub fn change(&mut self, id: &str, now: Timestamp, change: impl FnOnce(&mut Self, &mut Order)) {
        let mut order = self.orders.remove(id).expect("an order of this account");
        change(self, &mut order);
        order.updated_at = now;
        self.orders.insert(id.to_owned(), order);
        self.tell(id, now);
    }

    /// Takes units off a line that was not shipped, back to what is for sale.
    pub fn take_off(&mut self, order: &mut Order, line: usize, units: i64) {
        let Some(line) = order.lines.get_mut(line) else { return };
        let units = units.clamp(0, line.wanted() - line.shipped);
        line.cancelled += units;
        let sku = line.sku.clone();
        self.take(&sku, -units);
    }

    /// ORDER_CHANGE, as the queue has it.
    pub fn tell(&mut self, id: &str, now: Timestamp) {
        if !self.subscribed {
            return;
        }
        let notification = format!("{:08x}-0000-4000-8000-000000000000", self.id());
        let order = &self.orders[id];
        let items: Vec<Value> = order
            .lines
            .iter()
            .map(|line| {
                json!({
                    "OrderItemId": line.id, "SellerSKU": line.sku, "Quantity": line.wanted(),
                    "QuantityShipped": line.shipped, "SupplySourceId": null,
                })
            })
            .collect();
        let status = match order.status() {
            "PENDING" => "Pending",
            "PARTIALLY_SHIPPED" => "PartiallyShipped",
            "SHIPPED" => "Shipped",
            "CANCELLED" => "Canceled",
            _ => "Unshipped",
        };
        let body = json!({
            "NotificationVersion": "1.0",
            "NotificationType": "ORDER_CHANGE",
            "PayloadVersion": "1.0",
            "EventTime": now.to_string(),
            "Payload": {"OrderChangeNotification": {
                "NotificationLevel": "OrderLevel",
                "SellerId": super::SELLER,
                "AmazonOrderId": id,
                "OrderChangeType": "OrderStatusChange",
                "OrderChangeTrigger": {"TimeOfOrderChange": now.to_string(), "ChangeReason": "Order status change"},
                "Summary": {
                    "MarketplaceId": order.marketplace,
                    "OrderStatus": status,
                    "PurchaseDate": order.created_at.to_string(),
                    "DestinationPostalCode": null,
                    "FulfillmentType": if order.by_amazon { "AFN" } else { "MFN" },
                    "OrderType": "StandardOrder",
                    "NumberOfItemsShipped": order.lines.iter().map(|line| line.shipped).sum::<i64>(),
                    "NumberOfItemsUnshipped": order.lines.iter().map(|line| line.wanted() - line.shipped).sum::<i64>(),
                    "OrderItems": items,
                },
            }},
            "NotificationMetadata": {
                "ApplicationId": "app-id-sim", "SubscriptionId": "subscription-1",
                "PublishTime": now.to_string(), "NotificationId": notification,
            },
        });
        self.deliveries.push(Delivery {
            url: super::QUEUE_ARN.to_owned(),
            headers: BTreeMap::new(),
            body: Bytes::from(body.to_string()),
        });
    }
}
