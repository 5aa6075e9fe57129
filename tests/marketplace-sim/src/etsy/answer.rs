//! Records as Etsy writes them, and its refusals.

use http::StatusCode;
use serde_json::{Value, json};

use super::state::{Listing, Product, Property, Receipt, State};
use super::tokens::USER_ID;
use super::{SHOP_ID, SHOP_NAME};

/// A refusal: its status, and Etsy's words.
pub(super) struct Refusal(pub StatusCode, pub String);

pub(super) type Outcome = Result<Value, Refusal>;

impl Refusal {
    pub fn bad(words: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, words.into())
    }

    pub fn missing() -> Self {
        Self(StatusCode::NOT_FOUND, "Resource not found".to_owned())
    }
}

/// Etsy writes names with entities.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('\'', "&#39;").replace('"', "&quot;").replace('<', "&lt;")
}

impl State {
    pub fn money(&self, amount: i64) -> Value {
        json!({ "amount": amount, "divisor": self.divisor, "currency_code": self.currency })
    }

    pub fn shop(&self) -> Value {
        json!({
            "shop_id": SHOP_ID, "user_id": USER_ID, "shop_name": SHOP_NAME, "currency_code": self.currency,
            "is_vacation": false, "listing_active_count": self.listings.len(), "languages": ["en-US"],
            "url": format!("https://www.etsy.com/shop/{SHOP_NAME}"),
        })
    }

    /// A listing as a question gives it, with what belongs to it.
    pub fn listing_with(&self, listing: &Listing, inventory: bool) -> Value {
        let mut record = self.listing(listing);
        record["skus"] = listing.products.iter().map(|product| product.sku.as_str()).collect();
        if inventory {
            record["inventory"] = self.inventory(listing);
        }
        record
    }

    /// A listing alone, as a change answers it.
    pub fn listing(&self, listing: &Listing) -> Value {
        let cheapest = listing.products.iter().map(|product| product.price).min().unwrap_or(0);
        json!({
            "listing_id": listing.id, "user_id": USER_ID, "shop_id": SHOP_ID, "title": escaped(&listing.title),
            "description": "", "state": listing.state, "quantity": listing.quantity(),
            "creation_timestamp": listing.created.as_second(), "created_timestamp": listing.created.as_second(),
            "last_modified_timestamp": listing.updated.as_second(), "updated_timestamp": listing.updated.as_second(),
            "has_variations": listing.has_variations, "price": self.money(cheapest),
            "listing_type": if listing.is_download { "download" } else { "physical" },
            "tags": [], "materials": [], "should_auto_renew": false, "is_private": false,
        })
    }

    pub fn inventory(&self, listing: &Listing) -> Value {
        let products: Vec<Value> =
            listing.products.iter().map(|product| self.product(listing, product)).collect();
        let [price, quantity, sku] = &listing.on_property;
        json!({
            "products": products, "price_on_property": price, "quantity_on_property": quantity,
            "sku_on_property": sku, "readiness_state_on_property": [],
        })
    }

    fn product(&self, listing: &Listing, product: &Product) -> Value {
        let price = if listing.spoiled { json!("a song") } else { self.money(product.price) };
        json!({
            "product_id": product.id, "sku": product.sku, "is_deleted": false,
            "property_values": property_values(&product.properties),
            "offerings": [{
                "offering_id": product.offering_id, "quantity": product.quantity, "is_enabled": product.enabled,
                "is_deleted": false, "price": price,
                "readiness_state_id": if listing.is_download { Value::Null } else { json!(41) },
            }],
        })
    }

    pub fn receipt(&self, receipt: &Receipt) -> Value {
        let (created, updated) = (receipt.created.as_second(), receipt.updated.as_second());
        let shipped_at = receipt.shipments.first().map(|(_, _, at)| at.as_second());
        let transactions: Vec<Value> = receipt
            .lines
            .iter()
            .map(|line| {
                let known = self.listings.contains_key(&line.listing);
                let variations: Vec<Value> = line
                    .product
                    .properties
                    .iter()
                    .map(|property| {
                        json!({
                            "property_id": property.id, "value_id": property.value_id,
                            "formatted_name": escaped(&property.name), "formatted_value": escaped(&property.value),
                        })
                    })
                    .collect();
                json!({
                    "transaction_id": line.id, "title": escaped(&line.title), "description": "",
                    "seller_user_id": USER_ID, "buyer_user_id": 77, "create_timestamp": created,
                    "created_timestamp": created, "paid_timestamp": receipt.paid.then_some(created),
                    "shipped_timestamp": shipped_at, "quantity": line.quantity, "receipt_id": receipt.id,
                    "is_digital": false, "listing_id": known.then_some(line.listing),
                    "product_id": line.product.id, "sku": line.product.sku, "transaction_type": "listing",
                    "price": self.money(line.product.price), "shipping_cost": self.money(0),
                    "variations": variations, "product_data": property_values(&line.product.properties),
                    "buyer_coupon": 0.0, "shop_coupon": 0.0,
                })
            })
            .collect();
        let refunds: Vec<Value> = receipt
            .refunds
            .iter()
            .map(|(amount, at)| {
                json!({
                    "amount": self.money(*amount), "created_timestamp": at.as_second(), "reason": "other",
                    "note_from_issuer": null, "status": "success",
                })
            })
            .collect();
        let shipments: Vec<Value> = receipt
            .shipments
            .iter()
            .map(|(id, shipped, at)| {
                json!({
                    "receipt_shipping_id": id, "shipment_notification_timestamp": at.as_second(),
                    "carrier_name": shipped.carrier.clone().unwrap_or_default(),
                    "tracking_code": shipped.tracking_number.clone().unwrap_or_default(),
                })
            })
            .collect();
        json!({
            "receipt_id": receipt.id, "receipt_type": 0, "seller_user_id": USER_ID, "buyer_user_id": 77,
            "buyer_email": null, "name": "Robin Buyer", "first_line": "1 Example Street", "second_line": null,
            "city": "Exampleton", "state": "NY", "zip": "10001", "country_iso": "US",
            "formatted_address": "Robin Buyer\n1 Example Street\nExampleton, NY 10001",
            "status": receipt.status, "payment_method": "cc", "is_paid": receipt.paid, "is_shipped": receipt.shipped,
            "create_timestamp": created, "created_timestamp": created,
            "update_timestamp": updated, "updated_timestamp": updated,
            "is_gift": false, "gift_message": "", "grandtotal": self.money(receipt.total()),
            "subtotal": self.money(receipt.total()), "total_price": self.money(receipt.total()),
            "total_shipping_cost": self.money(0), "total_tax_cost": self.money(0), "total_vat_cost": self.money(0),
            "discount_amt": self.money(0), "transactions": transactions, "refunds": refunds, "shipments": shipments,
        })
    }
}

fn property_values(properties: &[Property]) -> Vec<Value> {
    let one = |property: &Property| {
        json!({
            "property_id": property.id, "property_name": escaped(&property.name), "scale_id": null,
            "scale_name": null, "value_ids": [property.value_id], "values": [escaped(&property.value)],
        })
    };
    properties.iter().map(one).collect()
}
