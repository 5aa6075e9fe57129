//! Amazon's JSON of its own stock, of what it sends and of what it is sent, as far as we read it: FBA Inventory v1,
//! Fulfillment Outbound 2020-07-01 without what is the buyer's, and Fulfillment Inbound 2024-03-20 without addresses.

use domain::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::wire::Pagination;

/// Pages stand beside what is paged.
#[derive(Deserialize)]
pub(super) struct HeldSummaries {
    pub payload: HeldPayload,
    #[serde(default)]
    pub pagination: Option<Pagination>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeldPayload {
    pub inventory_summaries: Vec<HeldSummary>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeldSummary {
    #[serde(default)]
    pub seller_sku: Option<String>,
    #[serde(default)]
    pub last_updated_time: Option<Timestamp>,
    #[serde(default)]
    pub inventory_details: Option<HeldDetails>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeldDetails {
    #[serde(default)]
    pub fulfillable_quantity: Option<i64>,
    #[serde(default)]
    pub inbound_working_quantity: Option<i64>,
    #[serde(default)]
    pub inbound_shipped_quantity: Option<i64>,
    #[serde(default)]
    pub inbound_receiving_quantity: Option<i64>,
    #[serde(default)]
    pub reserved_quantity: Option<HeldReserved>,
    #[serde(default)]
    pub unfulfillable_quantity: Option<HeldUnfulfillable>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeldReserved {
    #[serde(default)]
    pub total_reserved_quantity: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeldUnfulfillable {
    #[serde(default)]
    pub total_unfulfillable_quantity: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutboundOrder {
    pub fulfillment_order: OutboundNode,
    #[serde(default)]
    pub fulfillment_order_items: Vec<OutboundItem>,
    #[serde(default)]
    pub fulfillment_shipments: Option<Vec<OutboundShipment>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutboundList {
    #[serde(default)]
    pub next_token: Option<String>,
    #[serde(default)]
    pub fulfillment_orders: Option<Vec<OutboundNode>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutboundNode {
    pub seller_fulfillment_order_id: String,
    pub fulfillment_order_status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutboundItem {
    pub seller_fulfillment_order_item_id: String,
    #[serde(default)]
    pub cancelled_quantity: Value,
    #[serde(default)]
    pub unfulfillable_quantity: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutboundShipment {
    pub amazon_shipment_id: String,
    pub fulfillment_shipment_status: String,
    #[serde(default)]
    pub shipping_date: Option<Timestamp>,
    #[serde(default)]
    pub fulfillment_shipment_item: Vec<OutboundShipmentItem>,
    #[serde(default)]
    pub fulfillment_shipment_package: Option<Vec<OutboundPackage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutboundShipmentItem {
    pub seller_fulfillment_order_item_id: String,
    #[serde(default)]
    pub quantity: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutboundPackage {
    pub carrier_code: String,
    #[serde(default)]
    pub tracking_number: Option<String>,
    #[serde(default)]
    pub amazon_fulfillment_tracking_number: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InboundNode {
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub shipment_confirmation_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct InboundItems {
    pub items: Vec<InboundItem>,
    #[serde(default)]
    pub pagination: Option<Pagination>,
}

#[derive(Deserialize)]
pub(super) struct InboundItem {
    /// The merchant's SKU.
    pub msku: String,
    pub quantity: i64,
}
