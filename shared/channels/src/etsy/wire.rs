//! Etsy's JSON, as far as it is read and written. Nothing else in the project knows it.
//!
//! Names, titles and values come with HTML entities; amounts are whole numbers with a divisor, and no float is made of
//! them on the way back.

use domain::{Currency, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// A list's page: how many there are in all, and some of them.
#[derive(Deserialize)]
pub(super) struct Listed {
    #[serde(default)]
    pub count: u64,
    /// Read one by one: one that cannot be read fails alone.
    #[serde(default)]
    pub results: Vec<Value>,
}

#[derive(Deserialize)]
pub(super) struct Myself {
    #[serde(default)]
    pub shop_id: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct ShopRecord {
    pub shop_id: u64,
    pub shop_name: String,
    pub currency_code: String,
}

#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    pub access_token: String,
    /// Seconds.
    pub expires_in: u32,
    #[serde(default)]
    pub refresh_token: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Money {
    pub amount: i64,
    pub divisor: u32,
    pub currency_code: String,
}

impl Money {
    /// The amount in major units, exactly.
    fn decimal(&self) -> Option<Decimal> {
        Decimal::from(self.amount).checked_div(Decimal::from(self.divisor))
    }

    pub fn read(&self) -> Option<domain::Money> {
        let currency: Currency = self.currency_code.parse().ok()?;
        domain::Money::parse_rounded(&self.decimal()?.to_string(), currency).ok()
    }

    /// As a price is written: a JSON number that never was a float.
    pub fn as_number(&self) -> Option<Box<RawValue>> {
        RawValue::from_string(self.decimal()?.normalize().to_string()).ok()
    }
}

/// A listing, with its inventory where that was asked for.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Listing {
    pub listing_id: u64,
    #[serde(default)]
    pub title: Option<String>,
    pub state: String,
    #[serde(default)]
    pub has_variations: Option<bool>,
    #[serde(default)]
    pub listing_type: Option<String>,
    #[serde(default)]
    pub quantity: Option<i64>,
    #[serde(default)]
    pub price: Option<Money>,
    #[serde(default)]
    pub skus: Vec<String>,
    #[serde(default)]
    pub inventory: Option<Inventory>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Inventory {
    #[serde(default)]
    pub products: Vec<Product>,
    #[serde(default)]
    pub price_on_property: Vec<u64>,
    #[serde(default)]
    pub quantity_on_property: Vec<u64>,
    #[serde(default)]
    pub sku_on_property: Vec<u64>,
    #[serde(default)]
    pub readiness_state_on_property: Option<Vec<u64>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Product {
    #[serde(default)]
    pub sku: Option<String>,
    #[serde(default)]
    pub is_deleted: bool,
    #[serde(default)]
    pub property_values: Vec<PropertyValue>,
    #[serde(default)]
    pub offerings: Vec<Offering>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct PropertyValue {
    pub property_id: u64,
    #[serde(default)]
    pub property_name: Option<String>,
    #[serde(default)]
    pub scale_id: Option<u64>,
    #[serde(default)]
    pub scale_name: Option<String>,
    #[serde(default)]
    pub value_ids: Vec<u64>,
    #[serde(default)]
    pub values: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Offering {
    pub quantity: i64,
    pub is_enabled: bool,
    #[serde(default)]
    pub is_deleted: bool,
    pub price: Money,
    #[serde(default)]
    pub readiness_state_id: Option<u64>,
}

impl Product {
    /// Etsy has one offering to a product.
    pub fn offering(&self) -> Option<&Offering> {
        self.offerings.iter().find(|offering| !offering.is_deleted)
    }
}

/// The whole inventory as it is written: what is not in it is deleted, and what Etsy gives beside it (ids, marks of
/// deletion, names of scales) is refused.
#[derive(Debug, Serialize)]
pub(super) struct InventoryUpdate<'a> {
    pub products: Vec<ProductUpdate<'a>>,
    pub price_on_property: &'a [u64],
    pub quantity_on_property: &'a [u64],
    pub sku_on_property: &'a [u64],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readiness_state_on_property: Option<&'a [u64]>,
}

#[derive(Debug, Serialize)]
pub(super) struct ProductUpdate<'a> {
    pub sku: &'a str,
    pub property_values: Vec<PropertyValueUpdate<'a>>,
    pub offerings: [OfferingUpdate; 1],
}

#[derive(Debug, Serialize)]
pub(super) struct PropertyValueUpdate<'a> {
    pub property_id: u64,
    pub value_ids: &'a [u64],
    pub scale_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property_name: Option<String>,
    pub values: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct OfferingUpdate {
    pub price: Box<RawValue>,
    pub quantity: i64,
    pub is_enabled: bool,
    /// Always sent: Etsy requires it, and takes null.
    pub readiness_state_id: Option<u64>,
}

/// What is read of a listing after its state was set.
#[derive(Deserialize)]
pub(super) struct ListingState {
    pub state: String,
}

#[derive(Deserialize)]
pub(super) struct Receipt {
    pub receipt_id: u64,
    pub status: String,
    #[serde(default)]
    pub is_paid: bool,
    #[serde(default)]
    pub is_shipped: bool,
    /// Seconds since 1970; Etsy writes both spellings of either, and drops the older some day.
    #[serde(default)]
    created_timestamp: Option<i64>,
    #[serde(default)]
    create_timestamp: Option<i64>,
    #[serde(default)]
    updated_timestamp: Option<i64>,
    #[serde(default)]
    update_timestamp: Option<i64>,
    pub grandtotal: Money,
    #[serde(default)]
    pub transactions: Vec<Transaction>,
    #[serde(default)]
    pub refunds: Vec<Refund>,
    #[serde(default)]
    pub shipments: Vec<ReceiptShipment>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub buyer_email: Option<String>,
    #[serde(default)]
    pub first_line: Option<String>,
    #[serde(default)]
    pub second_line: Option<String>,
    #[serde(default)]
    pub city: Option<String>,
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub zip: Option<String>,
    #[serde(default)]
    pub country_iso: Option<String>,
}

impl Receipt {
    pub fn created_at(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.created_timestamp.or(self.create_timestamp)?).ok()
    }

    pub fn updated_at(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.updated_timestamp.or(self.update_timestamp)?).ok()
    }
}

#[derive(Deserialize)]
pub(super) struct Transaction {
    pub transaction_id: u64,
    #[serde(default)]
    pub title: Option<String>,
    pub quantity: i64,
    #[serde(default)]
    pub listing_id: Option<u64>,
    #[serde(default)]
    pub sku: Option<String>,
    #[serde(default)]
    pub price: Option<Money>,
    #[serde(default)]
    pub shipped_timestamp: Option<i64>,
    #[serde(default)]
    pub variations: Option<Vec<Chosen>>,
    #[serde(default)]
    pub product_data: Option<Vec<PropertyValue>>,
}

/// What a buyer chose, or wrote: a personalization has no value's id.
#[derive(Deserialize)]
pub(super) struct Chosen {
    pub property_id: u64,
    #[serde(default)]
    pub value_id: Option<u64>,
    #[serde(default)]
    pub formatted_value: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Refund {
    pub amount: Money,
}

#[derive(Deserialize)]
pub(super) struct ReceiptShipment {
    #[serde(default)]
    pub receipt_shipping_id: Option<u64>,
    #[serde(default)]
    pub tracking_code: Option<String>,
}

/// A notification: only what names the order is read.
#[derive(Deserialize)]
pub(super) struct Event {
    pub event_type: String,
    #[serde(default)]
    pub resource_url: Option<String>,
    #[serde(default)]
    pub shop_id: Option<Value>,
}

/// A refusal in Etsy's own words.
#[derive(Deserialize)]
pub(super) struct Problem {
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_their_digits_whatever_the_divisor() {
        // amount, divisor, currency, as money, as a price is written
        let table = [
            (1250, 100, "EUR", "12.50", "12.5"),
            (1250, 1, "JPY", "1250", "1250"),
            (125_000, 100, "JPY", "1250", "1250"),
            (1234, 1000, "KWD", "1.234", "1.234"),
            (19_999, 100, "USD", "199.99", "199.99"),
            (5, 100, "USD", "0.05", "0.05"),
        ];
        for (amount, divisor, code, money, number) in table {
            let read = Money { amount, divisor, currency_code: code.to_owned() };
            assert_eq!(read.read().unwrap().amount(), money);
            assert_eq!(read.as_number().unwrap().get(), number);
        }
        assert!(Money { amount: 1, divisor: 0, currency_code: "USD".to_owned() }.read().is_none());
    }
}
