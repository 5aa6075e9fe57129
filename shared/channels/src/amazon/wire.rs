//! Amazon's JSON, as far as we read it: Listings Items 2021-08-01, Orders 2026-01-01, Feeds and Reports 2021-06-30,
//! Sellers v1, Notifications v1, and the token endpoint.

use std::collections::BTreeMap;

use domain::Timestamp;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(super) struct ErrorList {
    errors: Vec<Refusal>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub code: String,
    #[serde(default)]
    pub details: Option<String>,
}

impl ErrorList {
    /// The first error of a body that is Amazon's.
    pub fn first_of(body: &[u8]) -> Option<Refusal> {
        serde_json::from_slice::<Self>(body).ok()?.errors.into_iter().next()
    }
}

#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    pub access_token: String,
    #[serde(default)]
    pub refresh_token: Option<String>,
    /// Seconds.
    pub expires_in: u32,
}

#[derive(Deserialize)]
pub(super) struct TokenRefusal {
    pub error: String,
}

/// Answers of the older APIs wrap what was asked for.
#[derive(Deserialize)]
pub(super) struct Payload<T> {
    pub payload: T,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Participating {
    pub marketplace: MarketplaceNode,
    pub participation: Participation,
    pub store_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MarketplaceNode {
    pub id: String,
    pub name: String,
    pub default_currency_code: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Participation {
    pub is_participating: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SearchedItems {
    pub number_of_results: u64,
    #[serde(default)]
    pub pagination: Option<Pagination>,
    /// Read one by one: a record that cannot be read fails alone.
    pub items: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pagination {
    #[serde(default)]
    pub next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    pub sku: String,
    #[serde(default)]
    pub summaries: Vec<Summary>,
    #[serde(default)]
    pub attributes: serde_json::Map<String, Value>,
    #[serde(default)]
    pub offers: Vec<Offer>,
    #[serde(default)]
    pub fulfillment_availability: Vec<Availability>,
    #[serde(default)]
    pub relationships: Vec<Relationships>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    pub marketplace_id: String,
    pub status: Vec<String>,
    #[serde(default)]
    pub item_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Offer {
    pub marketplace_id: String,
    pub offer_type: String,
    pub price: Amount,
}

/// `{amount, currencyCode}`: a decimal in a string.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Amount {
    pub amount: String,
    pub currency_code: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Availability {
    pub fulfillment_channel_code: String,
    #[serde(default)]
    pub quantity: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Relationships {
    pub relationships: Vec<Relationship>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Relationship {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub child_skus: Vec<String>,
    #[serde(default)]
    pub variation_theme: Option<VariationTheme>,
}

#[derive(Debug, Deserialize)]
pub(super) struct VariationTheme {
    pub attributes: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Submission {
    pub status: String,
    #[serde(default)]
    pub issues: Vec<Issue>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Issue {
    pub code: String,
    pub severity: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SearchedOrders {
    pub orders: Vec<Value>,
    #[serde(default)]
    pub pagination: Option<Pagination>,
}

#[derive(Deserialize)]
pub(super) struct OneOrder {
    pub order: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order {
    pub order_id: String,
    pub created_time: Timestamp,
    pub last_updated_time: Timestamp,
    #[serde(default)]
    pub order_aliases: Vec<Alias>,
    pub sales_channel: SalesChannel,
    #[serde(default)]
    pub buyer: Option<BuyerNode>,
    #[serde(default)]
    pub recipient: Option<Recipient>,
    #[serde(default)]
    pub proceeds: Option<OrderProceeds>,
    #[serde(default)]
    pub fulfillment: Option<OrderFulfillment>,
    pub order_items: Vec<OrderItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alias {
    pub alias_id: String,
    pub alias_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SalesChannel {
    pub channel_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BuyerNode {
    #[serde(default)]
    pub buyer_name: Option<String>,
    #[serde(default)]
    pub buyer_email: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recipient {
    #[serde(default)]
    pub delivery_address: Option<DeliveryAddress>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryAddress {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub company_name: Option<String>,
    #[serde(default)]
    pub address_line1: Option<String>,
    #[serde(default)]
    pub address_line2: Option<String>,
    #[serde(default)]
    pub address_line3: Option<String>,
    #[serde(default)]
    pub city: Option<String>,
    #[serde(default)]
    pub state_or_region: Option<String>,
    #[serde(default)]
    pub postal_code: Option<String>,
    #[serde(default)]
    pub country_code: Option<String>,
    #[serde(default)]
    pub phone: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderProceeds {
    #[serde(default)]
    pub grand_total: Option<Amount>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderFulfillment {
    pub fulfillment_status: String,
    #[serde(default)]
    pub fulfilled_by: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderItem {
    pub order_item_id: String,
    pub quantity_ordered: i64,
    pub product: ItemProduct,
    #[serde(default)]
    pub proceeds: Option<ItemProceeds>,
    #[serde(default)]
    pub fulfillment: Option<ItemFulfillment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ItemProduct {
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub seller_sku: Option<String>,
    #[serde(default)]
    pub price: Option<ItemPrice>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ItemPrice {
    #[serde(default)]
    pub unit_price: Option<Amount>,
}

#[derive(Deserialize)]
pub(super) struct ItemProceeds {
    #[serde(default)]
    pub breakdowns: Vec<Breakdown>,
}

#[derive(Deserialize)]
pub(super) struct Breakdown {
    #[serde(rename = "type")]
    pub kind: String,
    pub subtotal: Amount,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ItemFulfillment {
    #[serde(default)]
    pub quantity_fulfilled: Option<i64>,
    #[serde(default)]
    pub quantity_unfulfilled: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedDocument {
    pub feed_document_id: String,
    pub url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedFeed {
    pub feed_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feed {
    pub processing_status: String,
    #[serde(default)]
    pub result_feed_document_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedReport {
    pub report_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub created_time: Timestamp,
    pub processing_status: String,
    #[serde(default)]
    pub report_document_id: Option<String>,
}

/// Where a document lies, of a feed's result or of a report.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    pub url: String,
    #[serde(default)]
    pub compression_algorithm: Option<String>,
}

/// A feed's processing report.
#[derive(Deserialize)]
pub(super) struct ProcessingReport {
    #[serde(default)]
    pub issues: Vec<FeedIssue>,
}

#[derive(Deserialize)]
pub(super) struct FeedIssue {
    /// Left out of issues of the whole feed.
    #[serde(default)]
    pub sku: Option<String>,
    pub code: String,
    pub severity: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subscription {
    pub destination_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Destination {
    pub destination_id: String,
    pub resource: DestinationResource,
}

#[derive(Deserialize)]
pub(super) struct DestinationResource {
    #[serde(default)]
    pub sqs: Option<SqsResource>,
}

#[derive(Deserialize)]
pub(super) struct SqsResource {
    pub arn: String,
}

/// A notification, in the case of letters of queues (`NotificationType`) or of event buses and newer types
/// (`notificationType`).
#[derive(Deserialize)]
pub(super) struct QueuedNotification {
    #[serde(alias = "NotificationType", rename = "notificationType")]
    pub kind: String,
    #[serde(alias = "Payload", default)]
    pub payload: Value,
    #[serde(alias = "NotificationMetadata", rename = "notificationMetadata", default)]
    pub metadata: BTreeMap<String, Value>,
}
