//! What a shop has, and what its merchant and its buyers do with it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::limits::Limits;
use super::tokens::Tokens;
use crate::{Call, Delivery, Goods, Shipped, Sold};

/// Etsy's own slots for the properties that merchants name themselves.
const FIRST_PROPERTY: u64 = 513;

pub(super) struct State {
    next_id: u64,
    pub currency: String,
    pub divisor: i64,
    pub listings: BTreeMap<u64, Listing>,
    pub receipts: BTreeMap<u64, Receipt>,
    pub deliveries: Vec<Delivery>,
    /// Where the merchant has notifications sent; registered by hand.
    pub endpoint: Option<String>,
    pub calls: Vec<Call>,
    pub tokens: Tokens,
    pub limits: Limits,
    /// E-mails sent to buyers.
    pub mails: u32,
    /// A buyer who is quicker than the next inventory to be written: what is bought just before it.
    pub quick_buyer: Option<(Sold, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listing {
    pub id: u64,
    pub title: String,
    pub state: String,
    pub is_download: bool,
    pub has_variations: bool,
    pub products: Vec<Product>,
    /// Property ids that price, quantity and SKU depend on.
    pub on_property: [Vec<u64>; 3],
    pub created: Timestamp,
    pub updated: Timestamp,
    /// Something writes nonsense into its price.
    pub spoiled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Product {
    /// Another after each write of the inventory.
    pub id: u64,
    pub offering_id: u64,
    pub sku: String,
    pub properties: Vec<Property>,
    /// In parts of the divisor.
    pub price: i64,
    pub quantity: i64,
    pub enabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    pub id: u64,
    pub name: String,
    /// Another after each write of the inventory.
    pub value_id: u64,
    pub value: String,
}

#[derive(Debug, Clone)]
pub(super) struct Receipt {
    pub id: u64,
    pub status: String,
    pub paid: bool,
    pub shipped: bool,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub lines: Vec<Line>,
    /// In parts of the divisor.
    pub refunds: Vec<(i64, Timestamp)>,
    pub shipments: Vec<(u64, Shipped, Timestamp)>,
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub id: u64,
    pub listing: u64,
    pub product: Product,
    pub title: String,
    pub quantity: i64,
}

impl Receipt {
    pub fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.product.price * line.quantity).sum()
    }

    pub fn refunded(&self) -> i64 {
        self.refunds.iter().map(|(amount, _)| amount).sum()
    }
}

impl Product {
    /// As the adapter names a variation: by what the merchant wrote.
    pub fn name(&self) -> Option<String> {
        let mut parts: Vec<(u64, &str)> =
            self.properties.iter().map(|property| (property.id, property.value.as_str())).collect();
        parts.sort_unstable();
        let parts: Vec<String> = parts.into_iter().map(|(id, value)| format!("{id}:{value}")).collect();
        (!parts.is_empty()).then(|| parts.join("|"))
    }

    pub fn shown(&self) -> i64 {
        if self.enabled { self.quantity } else { 0 }
    }
}

impl Listing {
    pub fn sold(&self, product: &Product) -> Sold {
        let variation_id = if self.has_variations { product.name() } else { None };
        Sold { external_id: self.id.to_string(), variation_id }
    }

    pub fn quantity(&self) -> i64 {
        self.products.iter().map(Product::shown).sum()
    }
}

impl State {
    pub fn new(now: Timestamp) -> Self {
        Self {
            next_id: 1_000_000,
            currency: "USD".to_owned(),
            divisor: 100,
            listings: BTreeMap::new(),
            receipts: BTreeMap::new(),
            deliveries: Vec::new(),
            endpoint: None,
            calls: Vec::new(),
            tokens: Tokens::new(now),
            limits: Limits::new(10, 10_000),
            mails: 0,
            quick_buyer: None,
        }
    }

    pub fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub fn minor(&self, price: &str) -> i64 {
        let price: Decimal = price.parse().expect("a price");
        let minor = price * Decimal::from(self.divisor);
        minor.normalize().to_string().parse().expect("a price of this currency")
    }

    pub fn add(&mut self, goods: &Goods, now: Timestamp) -> Vec<Sold> {
        let has_variations = !goods.variations.is_empty();
        let kinds: Vec<_> = if has_variations {
            let kinds = goods.variations.iter();
            kinds.map(|one| (&one.sku, &one.price, one.quantity, one.attributes.as_slice())).collect()
        } else {
            vec![(&goods.sku, &goods.price, goods.quantity, &[][..])]
        };
        let id = self.id();
        let mut products = Vec::new();
        let mut uncounted = true;
        for (sku, price, quantity, attributes) in kinds {
            uncounted &= quantity.is_none();
            let properties = (FIRST_PROPERTY..).zip(attributes).map(|(id, (name, value))| Property {
                id,
                name: name.clone(),
                value_id: self.id(),
                value: value.clone(),
            });
            let properties = properties.collect();
            products.push(Product {
                id: self.id(),
                offering_id: self.id(),
                sku: sku.clone().unwrap_or_default(),
                properties,
                price: self.minor(price),
                quantity: quantity.unwrap_or(999).clamp(0, 999),
                enabled: true,
            });
        }
        let properties: Vec<u64> =
            products.iter().flat_map(|one| one.properties.iter().map(|property| property.id)).collect();
        let properties: Vec<u64> = std::collections::BTreeSet::from_iter(properties).into_iter().collect();
        let mut listing = Listing {
            id,
            title: goods.title.clone(),
            state: "active".to_owned(),
            is_download: uncounted,
            has_variations,
            products,
            on_property: [properties.clone(), properties.clone(), properties],
            created: now,
            updated: now,
            spoiled: false,
        };
        if listing.quantity() == 0 {
            listing.state = "sold_out".to_owned();
        }
        let sold = listing.products.iter().map(|product| listing.sold(product)).collect();
        self.listings.insert(id, listing);
        sold
    }

    /// The listing, and the product's position in it.
    pub fn find(&mut self, sold: &Sold) -> Option<(&mut Listing, usize)> {
        let listing = self.listings.get_mut(&sold.external_id.parse().ok()?)?;
        let position = listing.products.iter().position(|product| listing.sold(product) == *sold)?;
        Some((listing, position))
    }

    /// Changes a product's number by hand, or by a sale. A listing without units is sold out, one with units is on sale.
    pub fn set(&mut self, sold: &Sold, change: impl FnOnce(i64) -> i64, now: Timestamp) {
        let Some((listing, position)) = self.find(sold) else { return };
        if listing.is_download {
            return;
        }
        let product = &mut listing.products[position];
        product.quantity = change(product.quantity).clamp(0, 999);
        product.enabled |= product.quantity > 0;
        listing.updated = now;
        let state = if listing.quantity() == 0 { "sold_out" } else { "active" };
        listing.state = state.to_owned();
    }

    pub fn sell(&mut self, lines: &[(Sold, u32)], paid: bool, now: Timestamp) -> u64 {
        let id = self.id();
        let mut bought = Vec::new();
        for (sold, quantity) in lines {
            let quantity = i64::from(*quantity);
            let (listing, position) = self.find(sold).expect("a listing of this shop");
            let product = listing.products[position].clone();
            let (listing, title) = (listing.id, listing.title.clone());
            self.set(sold, |units| units - quantity, now);
            bought.push(Line { id: self.id(), listing, product, title, quantity });
        }
        let receipt = Receipt {
            id,
            status: if paid { "paid" } else { "payment processing" }.to_owned(),
            paid,
            shipped: false,
            created: now,
            updated: now,
            lines: bought,
            refunds: Vec::new(),
            shipments: Vec::new(),
        };
        self.receipts.insert(id, receipt);
        if paid {
            self.tell("order.paid", id, now);
        }
        id
    }

    pub fn pay(&mut self, id: u64, now: Timestamp) {
        let Some(receipt) = self.receipts.get_mut(&id) else { return };
        receipt.paid = true;
        "paid".clone_into(&mut receipt.status);
        receipt.updated = now;
        self.tell("order.paid", id, now);
    }

    /// With the money back, and the units that were not shipped.
    pub fn cancel(&mut self, id: u64, now: Timestamp) {
        let Some(receipt) = self.receipts.get_mut(&id) else { return };
        if receipt.status == "canceled" {
            return;
        }
        "canceled".clone_into(&mut receipt.status);
        receipt.updated = now;
        let rest = receipt.total() - receipt.refunded();
        if receipt.paid && rest > 0 {
            receipt.refunds.push((rest, now));
        }
        let lines = if receipt.shipped { Vec::new() } else { receipt.lines.clone() };
        for line in lines {
            let back = self.listings.get(&line.listing).and_then(|listing| {
                let same = |product: &&Product| product.name() == line.product.name();
                listing.products.iter().find(same).map(|product| listing.sold(product))
            });
            if let Some(sold) = back {
                self.set(&sold, |units| units + line.quantity, now);
            }
        }
        self.tell("order.canceled", id, now);
    }

    /// Money goes back; Etsy does not note for which units.
    pub fn refund(&mut self, id: u64, line: usize, units: i64, now: Timestamp) {
        let Some(receipt) = self.receipts.get_mut(&id) else { return };
        let Some(line) = receipt.lines.get(line) else { return };
        let amount = (line.product.price * units).min(receipt.total() - receipt.refunded());
        receipt.refunds.push((amount, now));
        receipt.updated = now;
        let whole = receipt.refunded() >= receipt.total();
        receipt.status = if whole { "fully refunded" } else { "partially refunded" }.to_owned();
    }

    /// The whole order is on its way; the buyer is mailed.
    pub fn ship(&mut self, id: u64, shipped: Shipped, now: Timestamp) {
        let shipment = self.id();
        let Some(receipt) = self.receipts.get_mut(&id) else { return };
        receipt.shipped = true;
        receipt.updated = now;
        if matches!(receipt.status.as_str(), "paid" | "open" | "payment processing") {
            "completed".clone_into(&mut receipt.status);
        }
        receipt.shipments.push((shipment, shipped, now));
        self.mails += 1;
        self.tell("order.shipped", id, now);
    }
}
