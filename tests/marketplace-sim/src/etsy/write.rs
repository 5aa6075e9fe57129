//! What a client writes: inventories, states, shipments.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::{Outcome, Refusal};
use super::state::{Product, Property, State};
use crate::Shipped;

/// Most units of a product.
const QUANTITY_MAX: i64 = 999;
/// Carriers known by name.
const CARRIERS: [&str; 7] = ["usps", "ups", "fedex", "dhl", "dhl-express", "royal-mail", "other"];

/// The whole inventory. Fields that only answers have are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    products: Vec<ProductUpdate>,
    #[serde(default)]
    price_on_property: Vec<u64>,
    #[serde(default)]
    quantity_on_property: Vec<u64>,
    #[serde(default)]
    sku_on_property: Vec<u64>,
    #[serde(default)]
    #[allow(dead_code, reason = "taken, and not simulated")]
    readiness_state_on_property: Option<Vec<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductUpdate {
    #[serde(default)]
    sku: Option<String>,
    #[serde(default)]
    property_values: Vec<PropertyUpdate>,
    offerings: Vec<OfferingUpdate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PropertyUpdate {
    property_id: u64,
    #[allow(dead_code, reason = "must be there; others are given")]
    value_ids: Vec<u64>,
    #[serde(default)]
    #[allow(dead_code, reason = "taken, and not simulated")]
    scale_id: Option<u64>,
    #[serde(default)]
    property_name: Option<String>,
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferingUpdate {
    price: Box<RawValue>,
    quantity: i64,
    is_enabled: bool,
    #[allow(dead_code, reason = "must be there")]
    #[serde(deserialize_with = "present")]
    readiness_state_id: Option<u64>,
}

/// Null is a value; leaving it out is none.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Option::deserialize(deserializer)
}

impl State {
    /// `PUT listings/{id}/inventory`.
    pub fn put_inventory(&mut self, id: u64, body: &[u8], now: Timestamp) -> Outcome {
        if let Some((sold, units)) = self.quick_buyer.take() {
            self.sell(&[(sold, units)], true, now);
        }
        let update: Update =
            serde_json::from_slice(body).map_err(|error| Refusal::bad(format!("Invalid JSON: {error}")))?;
        if !self.listings.contains_key(&id) {
            return Err(Refusal::missing());
        }
        let quantity_on: BTreeSet<u64> = update.quantity_on_property.iter().copied().collect();
        let mut pools = BTreeMap::<Vec<(u64, String)>, i64>::new();
        let mut names = BTreeSet::new();
        let mut products = Vec::new();
        for product in update.products {
            let [offering] = product.offerings.as_slice() else {
                return Err(Refusal::bad("A product must have one offering"));
            };
            if !(0..=QUANTITY_MAX).contains(&offering.quantity) {
                return Err(Refusal::bad(format!("quantity cannot be greater than {QUANTITY_MAX}")));
            }
            let price = offering.price.get();
            if price.starts_with(['"', '{', '[']) || price.starts_with('-') {
                return Err(Refusal::bad("Expected float value for 'price'"));
            }
            let mut properties = Vec::new();
            for value in &product.property_values {
                let text = value.values.join(", ");
                if text.contains(['(', ')']) {
                    return Err(Refusal::bad(format!("Array input {text} is malformed")));
                }
                let name = value.property_name.clone().unwrap_or_default();
                properties.push(Property { id: value.property_id, name, value_id: self.id(), value: text });
            }
            let pool = properties.iter().filter(|property| quantity_on.contains(&property.id));
            let pool: Vec<(u64, String)> =
                pool.map(|property| (property.id, property.value.clone())).collect();
            if *pools.entry(pool).or_insert(offering.quantity) != offering.quantity {
                return Err(Refusal::bad("quantity is not consistent with quantity_on_property"));
            }
            let price = self.minor(price);
            let (product_id, offering_id) = (self.id(), self.id());
            let product = Product {
                id: product_id,
                offering_id,
                sku: product.sku.unwrap_or_default(),
                properties,
                price,
                quantity: offering.quantity,
                enabled: offering.is_enabled,
            };
            if !names.insert(product.name()) {
                return Err(Refusal::bad("The products have duplicate property values"));
            }
            products.push(product);
        }
        if products.iter().all(|product| product.shown() == 0) {
            return Err(Refusal::bad("One offering must have quantity greater than 0"));
        }
        let listing = self.listings.get_mut(&id).expect("looked for above");
        listing.products = products;
        listing.on_property = [update.price_on_property, update.quantity_on_property, update.sku_on_property];
        listing.updated = now;
        let listing = &self.listings[&id];
        Ok(self.inventory(listing))
    }

    /// `PATCH shops/{shop}/listings/{id}`.
    pub fn patch_listing(&mut self, id: u64, form: &BTreeMap<String, String>, now: Timestamp) -> Outcome {
        let listing = self.listings.get_mut(&id).ok_or_else(Refusal::missing)?;
        if let Some(unknown) = form.keys().find(|name| *name != "state") {
            return Err(Refusal::bad(format!("{unknown} is not simulated")));
        }
        match (form.get("state").map(String::as_str), listing.state.as_str()) {
            (Some("active"), "sold_out") => {
                // Renewed, for a fee, with one unit.
                for (position, product) in listing.products.iter_mut().enumerate() {
                    product.quantity = i64::from(position == 0);
                    product.enabled = true;
                }
                "active".clone_into(&mut listing.state);
            }
            (Some("active"), _) if listing.quantity() == 0 => {
                return Err(Refusal::bad("There was a problem with /quantity : cannot be empty"));
            }
            (Some("active"), _) => "active".clone_into(&mut listing.state),
            (Some("inactive"), "active" | "inactive") => "inactive".clone_into(&mut listing.state),
            (Some("inactive"), state) => {
                return Err(Refusal::bad(format!(
                    "Cannot deactivate a listing in this state: state = {state}"
                )));
            }
            _ => return Err(Refusal::bad("state must be active or inactive")),
        }
        listing.updated = now;
        let listing = &self.listings[&id];
        Ok(self.listing(listing))
    }

    /// `POST shops/{shop}/receipts/{id}/tracking`.
    pub fn post_tracking(&mut self, id: u64, form: &BTreeMap<String, String>, now: Timestamp) -> Outcome {
        let receipt = self.receipts.get(&id).ok_or_else(Refusal::missing)?;
        let field = |name: &str| form.get(name).filter(|text| !text.is_empty()).cloned();
        let (tracking_number, carrier) = (field("tracking_code"), field("carrier_name"));
        let above_ten = receipt.total() > 10 * self.divisor && self.currency == "USD";
        match (&tracking_number, &carrier) {
            (Some(_), Some(name)) if !CARRIERS.contains(&name.to_ascii_lowercase().as_str()) => {
                return Err(Refusal::bad("Invalid carrier name"));
            }
            (Some(_), Some(_)) => {}
            (None, None) if !above_ten => {}
            _ => return Err(Refusal::bad("A tracking code and a carrier name are required")),
        }
        if receipt.status == "canceled" {
            return Err(Refusal::bad("The receipt is canceled"));
        }
        self.ship(id, Shipped { carrier, tracking_number, lines: Vec::new() }, now);
        let receipt = &self.receipts[&id];
        Ok(self.receipt(receipt))
    }
}

/// A list's page.
pub(super) fn listed(count: usize, results: Vec<Value>) -> Value {
    serde_json::json!({ "count": count, "results": results })
}
