//! The JSON of REST v3, as far as it is read. Nothing else in the project knows it.
//!
//! Read leniently where shops differ by version and plugin (numbers as text, missing fields), strictly where a wrong
//! guess would move stock. No number goes through a float.

use std::fmt;

use domain::Timestamp;
use domain::listing::RecordFailure;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::entity::plain_text;

/// A number, or a text that holds one, exactly as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Amount(pub String);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map(Self).map_err(de::Error::custom),
            Some(b'-' | b'0'..=b'9') => Ok(Self(text.to_owned())),
            _ => Err(de::Error::custom("expected a number or a text that holds one")),
        }
    }
}

/// Units in stock: whole, or with the fraction that some plugins allow cut off. May be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Units(pub i64);

impl<'de> Deserialize<'de> for Units {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let amount = Amount::deserialize(deserializer)?;
        let whole = amount.0.split_once('.').map_or(amount.0.as_str(), |(whole, _)| whole);
        whole.parse().map(Self).map_err(|_| de::Error::custom("expected a count of units"))
    }
}

/// Who counts the stock of a product or a variation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum ManageStock {
    #[default]
    Nobody,
    Itself,
    /// Of a variation: `"parent"`. The number shown is the parent's, shared with its siblings.
    Parent,
}

impl<'de> Deserialize<'de> for ManageStock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = ManageStock;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or \"parent\"")
            }
            fn visit_bool<E: de::Error>(self, own: bool) -> Result<ManageStock, E> {
                Ok(if own { ManageStock::Itself } else { ManageStock::Nobody })
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<ManageStock, E> {
                match text {
                    "parent" => Ok(ManageStock::Parent),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// An instant in GMT, written without a zone: `2026-11-21T19:59:31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GmtTime(pub Timestamp);

impl<'de> Deserialize<'de> for GmtTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let local: jiff::civil::DateTime = text.trim_end_matches('Z').parse().map_err(de::Error::custom)?;
        jiff::tz::Offset::UTC.to_timestamp(local).map(Self).map_err(de::Error::custom)
    }
}

/// As a time filter takes it: GMT without a zone, which is right only beside `dates_are_gmt=true`. With a `Z` the shop
/// shifts it by its own zone and changes are missed.
pub(super) fn time_filter(at: Timestamp) -> String {
    jiff::tz::Offset::UTC.to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The fields of a product that are asked for.
pub(super) const PRODUCT_FIELDS: &str =
    "id,type,name,status,sku,price,manage_stock,stock_quantity,global_unique_id,variations,date_modified_gmt";

/// The fields of a variation that are asked for.
pub(super) const VARIATION_FIELDS: &str =
    "id,name,status,sku,price,manage_stock,stock_quantity,global_unique_id,attributes";

/// The fields that tell what the shop shows as stock.
pub(super) const STOCK_FIELDS: &str = "id,manage_stock,stock_quantity";

/// A product, or a variation of one.
#[derive(Debug, Deserialize)]
pub(super) struct Product {
    pub id: u64,
    /// `simple`, `variable`, `grouped`, `external`, or a plugin's own.
    #[serde(rename = "type", default)]
    pub kind: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub sku: Option<String>,
    #[serde(default)]
    pub price: Option<Amount>,
    #[serde(default)]
    pub manage_stock: ManageStock,
    #[serde(default)]
    pub stock_quantity: Option<Units>,
    #[serde(default)]
    pub global_unique_id: Option<String>,
    #[serde(default)]
    pub variations: Vec<u64>,
    #[serde(default)]
    pub attributes: Vec<Attribute>,
    #[serde(default)]
    pub date_modified_gmt: Option<GmtTime>,
}

/// One attribute that a variation chooses; one left open ("any size") is missing.
#[derive(Debug, Deserialize)]
pub(super) struct Attribute {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub option: String,
}

/// What is shown as stock.
#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    pub id: u64,
    #[serde(default)]
    pub manage_stock: ManageStock,
    #[serde(default)]
    pub stock_quantity: Option<Units>,
}

/// What kind of product an id is.
#[derive(Debug, Deserialize)]
pub(super) struct Kind {
    pub id: u64,
    #[serde(rename = "type", default)]
    pub kind: String,
}

/// The answer to a batch.
#[derive(Debug, Deserialize)]
pub(super) struct BatchAnswer {
    pub update: Vec<BatchItem>,
}

/// One item of the answer to a batch: what is shown now, or an error.
#[derive(Debug, Deserialize)]
pub(super) struct BatchItem {
    #[serde(default)]
    pub id: Option<u64>,
    #[serde(default)]
    pub manage_stock: ManageStock,
    #[serde(default)]
    pub stock_quantity: Option<Units>,
    #[serde(default)]
    pub error: Option<Problem>,
}

/// An error as the shop words it.
#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub message: String,
    /// `{"status": 404}`, or a bare number.
    #[serde(default)]
    data: serde_json::Value,
}

impl Problem {
    pub fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(body).ok().filter(|problem| !problem.code.is_empty())
    }

    pub fn status(&self) -> Option<u64> {
        self.data.get("status").unwrap_or(&self.data).as_u64()
    }
}

/// The fields of an order that are asked for.
pub(super) const ORDER_FIELDS: &str = "id,number,status,currency,total,date_created_gmt,date_modified_gmt,\
     date_paid_gmt,date_completed_gmt,refunds,line_items,billing,shipping";

#[derive(Debug, Deserialize)]
pub(super) struct Order {
    pub id: u64,
    #[serde(default)]
    pub number: Option<String>,
    pub status: String,
    pub currency: String,
    #[serde(default)]
    pub total: Option<Amount>,
    pub date_created_gmt: Option<GmtTime>,
    pub date_modified_gmt: Option<GmtTime>,
    #[serde(default)]
    pub date_paid_gmt: Option<GmtTime>,
    #[serde(default)]
    pub date_completed_gmt: Option<GmtTime>,
    #[serde(default)]
    pub refunds: Vec<RefundSum>,
    pub line_items: Vec<Line>,
    #[serde(default)]
    pub billing: Option<Party>,
    #[serde(default)]
    pub shipping: Option<Party>,
}

/// How an order stands.
#[derive(Debug, Deserialize)]
pub(super) struct OrderStatus {
    pub status: String,
}

/// A note on an order, with HTML entities.
#[derive(Debug, Deserialize)]
pub(super) struct Note {
    pub id: u64,
    #[serde(default)]
    pub note: String,
}

/// An entry of the extension *Shipment Tracking*.
#[derive(Debug, Deserialize)]
pub(super) struct Tracking {
    pub tracking_id: String,
    #[serde(default)]
    pub tracking_number: String,
}

/// A refund as its order lists it; the total is negative.
#[derive(Debug, Deserialize)]
pub(super) struct RefundSum {
    #[serde(default)]
    pub total: Option<Amount>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub id: u64,
    #[serde(default)]
    pub name: Option<String>,
    /// 0 where the product was deleted.
    #[serde(default)]
    pub product_id: u64,
    /// 0 for a product without variations, and where the variation was deleted.
    #[serde(default)]
    pub variation_id: u64,
    pub quantity: Units,
    #[serde(default)]
    pub sku: Option<String>,
    /// Of one unit, after discounts and without tax; a JSON number with 6 and more decimals.
    #[serde(default)]
    pub price: Option<Amount>,
    #[serde(default)]
    pub total_tax: Option<Amount>,
    #[serde(default)]
    pub meta_data: Vec<Meta>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Meta {
    #[serde(default)]
    pub key: String,
    #[serde(default)]
    pub value: serde_json::Value,
}

/// A refund as its own route has it.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub date_created_gmt: Option<GmtTime>,
    #[serde(default)]
    pub line_items: Vec<RefundLine>,
}

/// A line of a refund; the quantity is negative.
#[derive(Debug, Deserialize)]
pub(super) struct RefundLine {
    #[serde(default)]
    quantity: Option<Units>,
    #[serde(default)]
    meta_data: Vec<Meta>,
}

impl RefundLine {
    /// The order's line that it refunds, and how many units.
    pub fn units(&self) -> Option<(u64, i64)> {
        let meta = self.meta_data.iter().find(|meta| meta.key == "_refunded_item_id")?;
        let line = meta.value.as_u64().or_else(|| meta.value.as_str()?.parse().ok())?;
        Some((line, self.quantity?.0.saturating_abs()))
    }
}

#[derive(Deserialize)]
pub(super) struct Party {
    #[serde(default)]
    pub first_name: String,
    #[serde(default)]
    pub last_name: String,
    #[serde(default)]
    pub company: String,
    #[serde(default)]
    pub address_1: String,
    #[serde(default)]
    pub address_2: String,
    #[serde(default)]
    pub city: String,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub postcode: String,
    #[serde(default)]
    pub country: String,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub phone: String,
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Party(concealed)")
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Webhook {
    pub id: u64,
    pub status: String,
    pub topic: String,
    pub delivery_url: String,
}

/// What `/wp-json/` says to anyone.
#[derive(Debug, Deserialize)]
pub(super) struct Index {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub namespaces: Vec<String>,
    #[serde(default)]
    pub timezone_string: String,
    #[serde(default)]
    pub gmt_offset: Option<Amount>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CurrencyAnswer {
    pub code: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct SystemStatus {
    pub environment: Environment,
}

#[derive(Debug, Deserialize)]
pub(super) struct Environment {
    pub version: String,
}

/// What a notification is read for.
#[derive(Debug, Deserialize)]
pub(super) struct Notified {
    pub id: u64,
}

/// Reads a whole answer; the error says where.
pub(super) fn read<'de, T: Deserialize<'de>>(
    body: &'de [u8],
) -> Result<T, serde_path_to_error::Error<serde_json::Error>> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(body))
}

/// Reads a list record by record, so that one that cannot be read fails alone.
pub(super) fn records<T: de::DeserializeOwned>(
    body: &[u8],
) -> Result<Vec<Result<T, RecordFailure>>, serde_json::Error> {
    let raw: Vec<&RawValue> = serde_json::from_slice(body)?;
    Ok(raw
        .into_iter()
        .map(|raw| read(raw.get().as_bytes()).map_err(|error| unreadable(raw, &error)))
        .collect())
}

/// Names a record that cannot be read, by as much of it as can be. The reason names the field and not its content.
fn unreadable(raw: &RawValue, error: &serde_path_to_error::Error<serde_json::Error>) -> RecordFailure {
    let value: serde_json::Value = serde_json::from_str(raw.get()).unwrap_or_default();
    let text = |field: &str| {
        let text = value.get(field)?.as_str().map(plain_text)?;
        Some(text.chars().take(255).collect::<String>()).filter(|text| !text.is_empty())
    };
    let external_id = value.get("id").map(ToString::to_string).unwrap_or_else(|| "unknown".to_owned());
    RecordFailure {
        external_id: external_id.trim_matches('"').chars().take(64).collect(),
        sku: text("sku"),
        title: text("name"),
        code: "malformed_record".to_owned(),
        reason: format!(
            "the field {} is not as WooCommerce documents it: look for a plugin that changes it",
            error.path()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_digits_whatever_form_it_has() {
        #[derive(Deserialize)]
        struct Line {
            price: Amount,
        }
        for (json, text) in [("13.5378155", "13.5378155"), ("14", "14"), ("\"9.50\"", "9.50"), ("\"\"", "")] {
            let body = format!("{{\"price\":{json}}}");
            assert_eq!(read::<Line>(body.as_bytes()).unwrap().price.0, text);
        }
        assert!(read::<Line>(br#"{"price":true}"#).is_err());
    }

    #[test]
    fn a_record_that_cannot_be_read_fails_alone_and_by_name() {
        let body = br#"[{"id":1,"name":"A","sku":"a"},{"id":2,"name":"B &amp; C","sku":"b","manage_stock":"sometimes"},{"id":3}]"#;
        let found = records::<Product>(body).unwrap();
        assert!(found[0].is_ok() && found[2].is_ok());
        let failure = found[1].as_ref().unwrap_err();
        assert_eq!((failure.external_id.as_str(), failure.title.as_deref()), ("2", Some("B & C")));
        assert!(failure.reason.contains("manage_stock"), "{}", failure.reason);
        assert!(records::<Product>(&body[..60]).is_err());
    }

    #[test]
    fn a_fraction_of_a_unit_is_no_unit() {
        for (json, units) in [("5", 5), ("5.9", 5), ("\"7\"", 7), ("-2", -2)] {
            assert_eq!(serde_json::from_str::<Units>(json).unwrap().0, units);
        }
    }
}
