//! Shopify's JSON: what its answers hold of what was asked for, and global ids.

use std::time::Duration;

use domain::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value};

/// The number at the end of a global id: `gid://shopify/Order/17` is 17.
pub(super) fn number_of(gid: &str) -> Option<String> {
    let path = gid.split('?').next()?;
    let number = path.rsplit('/').next()?;
    let digits = !number.is_empty() && number.len() <= 20 && number.bytes().all(|b| b.is_ascii_digit());
    (digits && path.starts_with("gid://shopify/")).then(|| number.to_owned())
}

/// What Shopify says of a refusal, fit to be shown. Only of mutations to which nothing of a buyer's is sent.
pub(super) fn excerpt(message: &str) -> String {
    message.chars().filter(|c| !c.is_control()).take(200).collect()
}

pub(super) fn gid(kind: &str, number: &str) -> String {
    format!("gid://shopify/{kind}/{number}")
}

#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
    #[serde(default)]
    pub errors: Vec<GraphqlError>,
    #[serde(default)]
    pub extensions: Option<Extensions>,
}

#[derive(Deserialize)]
pub(super) struct GraphqlError {
    #[serde(default)]
    extensions: Option<ErrorExtensions>,
    #[serde(default)]
    path: Vec<Value>,
}

#[derive(Deserialize)]
struct ErrorExtensions {
    #[serde(default)]
    code: Option<String>,
}

impl GraphqlError {
    pub fn code(&self) -> Option<&str> {
        self.extensions.as_ref()?.code.as_deref()
    }

    /// Whether it says that the app may not see one of `fields`, and nothing else is wrong.
    pub fn conceals(&self, fields: &[&str]) -> bool {
        let concerned = self.path.iter().rev().find_map(Value::as_str);
        self.code() == Some("ACCESS_DENIED") && concerned.is_some_and(|field| fields.contains(&field))
    }
}

#[derive(Deserialize)]
pub(super) struct Extensions {
    #[serde(default)]
    pub cost: Option<Cost>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cost {
    pub requested_query_cost: Option<Number>,
    pub throttle_status: Option<ThrottleStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThrottleStatus {
    maximum_available: Number,
    currently_available: Number,
    restore_rate: Number,
}

/// Points, of which Shopify writes some as `2000.0`: what is after the point is dropped.
fn points(number: &Number) -> Option<u32> {
    match number.as_u64() {
        Some(whole) => u32::try_from(whole).ok(),
        None => number.to_string().split('.').next()?.parse().ok(),
    }
}

impl Cost {
    /// Available, capacity, restored in a second.
    pub fn bucket(&self) -> Option<(u32, u32, u32)> {
        let status = self.throttle_status.as_ref()?;
        Some((
            points(&status.currently_available)?,
            points(&status.maximum_available)?,
            points(&status.restore_rate)?,
        ))
    }

    /// Until there is as much as was asked for.
    pub fn wait(&self) -> Option<Duration> {
        let requested = points(self.requested_query_cost.as_ref()?)?;
        let (available, _, restored) = self.bucket()?;
        let missing = u64::from(requested.saturating_sub(available));
        Some(Duration::from_millis((missing * 1000).div_ceil(u64::from(restored.max(1))).max(1)))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    pub has_next_page: bool,
    #[serde(default)]
    pub end_cursor: Option<String>,
}

impl PageInfo {
    /// Where the next page begins; `None` after the last one.
    pub fn after(&self) -> Option<String> {
        self.end_cursor.clone().filter(|_| self.has_next_page)
    }
}

#[derive(Deserialize)]
pub(super) struct Nodes<T> {
    pub nodes: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connection<T> {
    pub nodes: Vec<T>,
    pub page_info: PageInfo,
}

#[derive(Deserialize)]
pub(super) struct ShopIdentityData {
    pub shop: ShopNode,
    pub locations: Nodes<LocationNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShopNode {
    pub name: String,
    pub currency_code: String,
    pub iana_timezone: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LocationNode {
    pub id: String,
    pub is_active: bool,
    pub is_fulfillment_service: bool,
    pub fulfills_online_orders: bool,
    pub ships_inventory: bool,
}

#[derive(Deserialize)]
pub(super) struct LocationsData {
    pub locations: Nodes<NamedLocationNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NamedLocationNode {
    pub id: String,
    pub name: String,
    pub is_active: bool,
    pub is_fulfillment_service: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssignedNode {
    pub id: String,
    pub fulfillment_orders: Nodes<FulfillmentOrderPlace>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FulfillmentOrderPlace {
    pub status: String,
    pub assigned_location: AssignedLocationNode,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActivateData {
    pub inventory_activate: Option<ActivatePayload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActivatePayload {
    pub user_errors: Vec<UserError>,
}

/// Nodes are read one by one, so that one which is not as documented fails alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListingsData {
    pub product_variants: Connection<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VariantNode {
    pub id: String,
    pub sku: Option<String>,
    pub barcode: Option<String>,
    pub price: String,
    pub inventory_quantity: Option<i64>,
    pub selected_options: Vec<OptionNode>,
    pub product: ProductNode,
    pub inventory_item: InventoryItemNode,
}

#[derive(Deserialize)]
pub(super) struct OptionNode {
    pub name: String,
    pub value: String,
}

#[derive(Deserialize)]
pub(super) struct ProductNode {
    pub id: String,
    pub title: String,
    pub status: String,
}

#[derive(Deserialize)]
pub(super) struct InventoryItemNode {
    pub id: String,
    pub tracked: bool,
}

#[derive(Deserialize)]
pub(super) struct OrdersChangedData {
    pub orders: OrderEdges,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderEdges {
    pub edges: Vec<OrderEdge>,
    pub page_info: PageInfo,
}

#[derive(Deserialize)]
pub(super) struct OrderEdge {
    pub cursor: String,
    pub node: Value,
}

/// `null` for what is not there.
#[derive(Deserialize)]
pub(super) struct NodesData {
    pub nodes: Vec<Option<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderNode {
    pub id: String,
    pub name: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub cancelled_at: Option<Timestamp>,
    pub display_financial_status: Option<String>,
    pub display_fulfillment_status: String,
    pub currency_code: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub current_total_price_set: MoneyBag,
    pub shipping_address: Option<AddressNode>,
    pub billing_address: Option<AddressNode>,
    pub line_items: Connection<LineNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MoneyBag {
    pub shop_money: MoneyNode,
}

#[derive(Deserialize)]
pub(super) struct MoneyNode {
    pub amount: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddressNode {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub address1: Option<String>,
    pub address2: Option<String>,
    pub city: Option<String>,
    pub province: Option<String>,
    pub zip: Option<String>,
    pub country_code_v2: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LineNode {
    pub id: String,
    pub title: String,
    pub sku: Option<String>,
    pub quantity: i64,
    pub current_quantity: i64,
    pub unfulfilled_quantity: i64,
    pub variant: Option<LineVariant>,
    #[serde(default)]
    pub discounted_unit_price_after_all_discounts_set: Option<MoneyBag>,
    #[serde(default)]
    pub tax_lines: Option<Vec<TaxLine>>,
}

#[derive(Deserialize)]
pub(super) struct LineVariant {
    pub id: String,
    pub product: Identified,
}

#[derive(Deserialize)]
pub(super) struct Identified {
    pub id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaxLine {
    pub price_set: MoneyBag,
}

#[derive(Deserialize)]
pub(super) struct OrderLinesData {
    pub order: Option<OrderLinesNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderLinesNode {
    pub updated_at: Timestamp,
    pub line_items: Connection<LineNode>,
}

#[derive(Deserialize)]
pub(super) struct OrderRefundsData {
    pub order: Option<OrderRefundsNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderRefundsNode {
    pub updated_at: Timestamp,
    pub refunds: Vec<RefundNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefundNode {
    pub id: String,
    pub refund_line_items: Connection<RefundLineNode>,
}

#[derive(Deserialize)]
pub(super) struct RefundLinesData {
    pub refund: Option<RefundLinesNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefundLinesNode {
    pub refund_line_items: Connection<RefundLineNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefundLineNode {
    pub quantity: i64,
    pub restock_type: String,
    pub line_item: Identified,
}

#[derive(Deserialize)]
pub(super) struct OrderShipmentsData {
    pub order: Option<OrderShipmentsNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderShipmentsNode {
    pub fulfillments: Vec<FulfillmentNode>,
    pub fulfillment_orders: Connection<FulfillmentOrderNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FulfillmentNode {
    pub id: String,
    pub status: String,
    pub tracking_info: Vec<TrackingNode>,
    pub fulfillment_line_items: Connection<ShippedLineNode>,
}

#[derive(Deserialize)]
pub(super) struct TrackingNode {
    pub company: Option<String>,
    pub number: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShippedLineNode {
    pub quantity: Option<i64>,
    pub line_item: Identified,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FulfillmentOrderNode {
    pub id: String,
    pub status: String,
    pub assigned_location: AssignedLocationNode,
    pub line_items: Connection<OpenLineNode>,
}

#[derive(Deserialize)]
pub(super) struct AssignedLocationNode {
    /// `null` for a location that was deleted.
    pub location: Option<Identified>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OpenLineNode {
    pub id: String,
    pub remaining_quantity: i64,
    pub line_item: Identified,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FulfillmentOrderLinesData {
    pub fulfillment_order: Option<FulfillmentOrderLinesNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FulfillmentOrderLinesNode {
    pub line_items: Connection<OpenLineNode>,
}

#[derive(Deserialize)]
pub(super) struct FulfillmentLinesData {
    pub fulfillment: Option<FulfillmentLinesNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FulfillmentLinesNode {
    pub fulfillment_line_items: Connection<ShippedLineNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FulfillmentCreateData {
    pub fulfillment_create: Option<FulfillmentCreatePayload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FulfillmentCreatePayload {
    pub fulfillment: Option<Identified>,
    pub user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StockNode {
    pub id: String,
    pub tracked: bool,
    pub inventory_level: Option<StockLevel>,
}

#[derive(Deserialize)]
pub(super) struct StockLevel {
    pub quantities: Vec<StockQuantity>,
}

#[derive(Deserialize)]
pub(super) struct StockQuantity {
    pub quantity: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StockSetData {
    pub inventory_set_quantities: Option<StockSetPayload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StockSetPayload {
    pub user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
pub(super) struct UserError {
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub field: Option<Vec<String>>,
    pub message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhooksListData {
    pub webhook_subscriptions: Nodes<WebhookNode>,
}

#[derive(Deserialize)]
pub(super) struct WebhookNode {
    pub topic: String,
    pub uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookCreateData {
    pub webhook_subscription_create: Option<WebhookCreatePayload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookCreatePayload {
    pub user_errors: Vec<UserError>,
}

/// The answer of the token endpoint.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    pub access_token: String,
    /// In seconds; missing for a token that lasts.
    #[serde(default)]
    pub expires_in: Option<u32>,
    #[serde(default)]
    pub refresh_token: Option<String>,
}

/// What a notification's body says of whom it is about; which field it is depends on the topic.
#[derive(Deserialize)]
pub(super) struct NotificationBody {
    #[serde(default)]
    pub id: Option<Number>,
    #[serde(default)]
    pub order_id: Option<Number>,
    #[serde(default)]
    pub order_edit: Option<OrderEditBody>,
}

#[derive(Deserialize)]
pub(super) struct OrderEditBody {
    pub order_id: Number,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_id_ends_in_its_number() {
        assert_eq!(number_of("gid://shopify/Order/17").as_deref(), Some("17"));
        assert_eq!(number_of("gid://shopify/InventoryLevel/5?inventory_item_id=9").as_deref(), Some("5"));
        for wrong in ["17", "gid://shopify/Order/", "gid://shopify/Order/x", "gid://other/Order/1"] {
            assert_eq!(number_of(wrong), None, "{wrong}");
        }
        assert_eq!(gid("Order", "17"), "gid://shopify/Order/17");
    }
}
