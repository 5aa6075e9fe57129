//! eBay's JSON, as far as we read and write it.

use std::collections::BTreeMap;

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The answer of the token endpoint.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    pub access_token: String,
    /// In seconds.
    pub expires_in: u32,
    #[serde(default)]
    pub refresh_token: Option<String>,
    /// In seconds.
    #[serde(default)]
    pub refresh_token_expires_in: Option<u32>,
}

#[derive(Deserialize, Default)]
pub(super) struct Errors {
    #[serde(default)]
    pub errors: Vec<Error>,
}

#[derive(Deserialize, Debug, Clone, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Error {
    pub error_id: Option<i64>,
    pub message: Option<String>,
    pub long_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub user_id: String,
    #[serde(default)]
    pub username: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Amount {
    pub value: String,
    pub currency: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InventoryItems {
    #[serde(default)]
    pub inventory_items: Vec<Value>,
    #[serde(default)]
    pub next: Option<String>,
    #[serde(default)]
    pub total: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InventoryItem {
    pub sku: String,
    #[serde(default)]
    pub product: Option<Product>,
    #[serde(default)]
    pub availability: Option<Availability>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Product {
    pub title: Option<String>,
    /// eBay's specification says text; what comes is an object of lists.
    pub aspects: BTreeMap<String, Vec<String>>,
    pub ean: Vec<String>,
    pub upc: Vec<String>,
    pub isbn: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Availability {
    #[serde(default)]
    pub ship_to_location_availability: Option<ShipToLocation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShipToLocation {
    #[serde(default)]
    pub quantity: Option<i64>,
    #[serde(default)]
    pub availability_distributions: Vec<Distribution>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Distribution {
    pub merchant_location_key: String,
    #[serde(default)]
    pub quantity: Option<i64>,
    #[serde(default)]
    pub fulfillment_time: Option<FulfillmentTime>,
}

/// How long goods take from a location, as the merchant set it.
#[derive(Deserialize, Serialize, Debug, Clone, PartialEq, Eq)]
pub(super) struct FulfillmentTime {
    pub unit: String,
    pub value: i64,
}

#[derive(Deserialize)]
pub(super) struct Locations {
    #[serde(default)]
    pub locations: Vec<Location>,
    #[serde(default)]
    pub next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    pub merchant_location_key: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub merchant_location_status: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Offers {
    #[serde(default)]
    pub offers: Vec<Offer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Offer {
    pub offer_id: String,
    #[serde(default)]
    pub marketplace_id: String,
    #[serde(default)]
    pub format: Option<String>,
    #[serde(default)]
    pub available_quantity: Option<i64>,
    #[serde(default)]
    pub pricing_summary: Option<PricingSummary>,
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub listing: Option<Listing>,
}

#[derive(Deserialize)]
pub(super) struct PricingSummary {
    #[serde(default)]
    pub price: Option<Amount>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listing {
    pub listing_id: String,
    #[serde(default)]
    pub listing_status: String,
    #[serde(default)]
    pub listing_on_hold: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub varies_by: Option<VariesBy>,
}

#[derive(Deserialize)]
pub(super) struct VariesBy {
    #[serde(default)]
    pub specifications: Vec<Specification>,
}

#[derive(Deserialize)]
pub(super) struct Specification {
    pub name: String,
}

#[derive(Serialize)]
pub(super) struct BulkGet<'a> {
    pub requests: Vec<SkuOf<'a>>,
}

#[derive(Serialize)]
pub(super) struct SkuOf<'a> {
    pub sku: &'a str,
}

#[derive(Deserialize)]
pub(super) struct BulkGetAnswer {
    #[serde(default)]
    pub responses: Vec<BulkGetOne>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BulkGetOne {
    #[serde(default)]
    pub sku: String,
    #[serde(default)]
    pub status_code: Option<u16>,
    #[serde(default)]
    pub inventory_item: Option<InventoryItem>,
}

#[derive(Serialize)]
pub(super) struct BulkUpdate<'a> {
    pub requests: Vec<PriceQuantity<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PriceQuantity<'a> {
    pub sku: &'a str,
    pub ship_to_location_availability: ShipToQuantity<'a>,
    pub offers: Vec<OfferQuantity<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShipToQuantity<'a> {
    pub quantity: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub availability_distributions: Vec<LocationQuantity<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LocationQuantity<'a> {
    pub merchant_location_key: &'a str,
    pub quantity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fulfillment_time: Option<&'a FulfillmentTime>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfferQuantity<'a> {
    pub offer_id: &'a str,
    pub available_quantity: u32,
}

#[derive(Deserialize)]
pub(super) struct BulkUpdateAnswer {
    pub responses: Vec<BulkUpdateOne>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct BulkUpdateOne {
    pub status_code: Option<u16>,
    pub sku: Option<String>,
    pub offer_id: Option<String>,
    pub errors: Vec<Error>,
}

#[derive(Deserialize)]
pub(super) struct Orders {
    #[serde(default)]
    pub orders: Vec<Value>,
    #[serde(default)]
    pub total: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order {
    pub order_id: String,
    pub creation_date: Timestamp,
    pub last_modified_date: Timestamp,
    pub order_fulfillment_status: String,
    pub order_payment_status: String,
    #[serde(default)]
    pub cancel_status: Option<CancelStatus>,
    #[serde(default)]
    pub pricing_summary: Option<OrderPricing>,
    #[serde(default)]
    pub payment_summary: Option<PaymentSummary>,
    #[serde(default)]
    pub buyer: Option<Buyer>,
    #[serde(default)]
    pub fulfillment_start_instructions: Vec<StartInstruction>,
    pub line_items: Vec<LineItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelStatus {
    #[serde(default)]
    pub cancel_state: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct OrderPricing {
    #[serde(default)]
    pub total: Option<Amount>,
}

#[derive(Deserialize)]
pub(super) struct PaymentSummary {
    #[serde(default)]
    pub payments: Vec<Payment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payment {
    #[serde(default)]
    pub payment_status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Buyer {
    #[serde(default)]
    pub buyer_registration_address: Option<Contact>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StartInstruction {
    #[serde(default)]
    pub shipping_step: Option<ShippingStep>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShippingStep {
    #[serde(default)]
    pub ship_to: Option<Contact>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contact {
    #[serde(default)]
    pub full_name: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub primary_phone: Option<Phone>,
    #[serde(default)]
    pub contact_address: Option<Address>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Phone {
    #[serde(default)]
    pub phone_number: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Address {
    pub address_line1: Option<String>,
    pub address_line2: Option<String>,
    pub city: Option<String>,
    pub state_or_province: Option<String>,
    pub postal_code: Option<String>,
    pub country_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LineItem {
    pub line_item_id: String,
    #[serde(default)]
    pub legacy_item_id: Option<String>,
    #[serde(default)]
    pub legacy_variation_id: Option<String>,
    #[serde(default)]
    pub sku: Option<String>,
    #[serde(default)]
    pub title: Option<String>,
    pub quantity: i64,
    #[serde(default)]
    pub line_item_cost: Option<Amount>,
    #[serde(default)]
    pub discounted_line_item_cost: Option<Amount>,
    #[serde(default)]
    pub line_item_fulfillment_status: Option<String>,
    #[serde(default)]
    pub taxes: Vec<Refund>,
    #[serde(default)]
    pub refunds: Vec<Refund>,
}

/// A refund of a line, or a tax: of both we read what it comes to.
#[derive(Deserialize)]
pub(super) struct Refund {
    #[serde(default)]
    pub amount: Option<Amount>,
}

#[derive(Deserialize)]
pub(super) struct Fulfillments {
    #[serde(default)]
    pub fulfillments: Vec<Fulfillment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fulfillment {
    pub fulfillment_id: String,
    #[serde(default)]
    pub line_items: Vec<LineReference>,
    #[serde(default)]
    pub shipment_tracking_number: Option<String>,
    #[serde(default)]
    pub shipped_date: Option<Timestamp>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
#[serde(rename_all = "camelCase")]
pub(super) struct LineReference {
    pub line_item_id: String,
    #[serde(default = "one")]
    pub quantity: u32,
}

fn one() -> u32 {
    1
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewFulfillment<'a> {
    pub line_items: Vec<LineReference>,
    pub shipped_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping_carrier_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<&'a str>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryConfig {
    pub endpoint: String,
    #[serde(default)]
    pub verification_token: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewDestination<'a> {
    pub name: &'a str,
    pub status: &'a str,
    pub delivery_config: DeliveryConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Destination {
    pub destination_id: String,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub delivery_config: Option<DeliveryConfig>,
}

#[derive(Deserialize)]
pub(super) struct Destinations {
    #[serde(default)]
    pub destinations: Vec<Destination>,
    #[serde(default)]
    pub next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewSubscription<'a> {
    pub topic_id: &'a str,
    pub status: &'a str,
    pub destination_id: &'a str,
    pub payload: Payload<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MovedSubscription<'a> {
    pub status: &'a str,
    pub destination_id: &'a str,
    pub payload: Payload<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payload<'a> {
    pub format: &'a str,
    pub schema_version: &'a str,
    pub delivery_protocol: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subscription {
    pub subscription_id: String,
    #[serde(default)]
    pub topic_id: String,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub destination_id: String,
}

#[derive(Deserialize)]
pub(super) struct Subscriptions {
    #[serde(default)]
    pub subscriptions: Vec<Subscription>,
    #[serde(default)]
    pub next: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PublicKey {
    pub key: String,
    #[serde(default)]
    pub algorithm: String,
    #[serde(default)]
    pub digest: String,
}

/// What the header `X-EBAY-SIGNATURE` holds, in base64.
#[derive(Deserialize)]
pub(super) struct Signature {
    pub kid: String,
    pub signature: String,
}

#[derive(Deserialize)]
pub(super) struct Message {
    pub metadata: Metadata,
    pub notification: MessageBody,
}

#[derive(Deserialize)]
pub(super) struct Metadata {
    pub topic: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageBody {
    #[serde(default)]
    pub notification_id: Option<String>,
    #[serde(default)]
    pub data: Value,
}
