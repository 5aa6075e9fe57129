//! Objects as GraphQL sees them, and what the shop's things look like as such.

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;

use super::fulfilment::{fulfilment, fulfilment_orders};
use super::state::{Line, Order, Refund, State, Variant};

/// An object with its fields at hand.
#[derive(Debug, Clone)]
pub(super) struct Node {
    kind: &'static str,
    fields: Vec<(&'static str, Slot)>,
}

#[derive(Debug, Clone)]
pub(super) enum Slot {
    Leaf(Value),
    /// A list of scalars, or none.
    Leaves(Option<Vec<Value>>),
    One(Node),
    Many(Vec<Node>),
    /// A connection of nodes of a kind, each with the key that it is sorted by.
    Paged(&'static str, Vec<(String, Node)>),
    /// A list without cursors, cut by `first`.
    First(Vec<Node>),
    /// By the location that is asked for.
    AtLocation(Vec<(u64, Node)>),
}

impl Node {
    pub fn new(kind: &'static str, fields: Vec<(&'static str, Slot)>) -> Self {
        Self { kind, fields }
    }
}

pub(super) fn leaf(value: impl Into<Value>) -> Slot {
    Slot::Leaf(value.into())
}

pub(super) fn error(code: &str, message: impl std::fmt::Display) -> FieldError {
    FieldError { message: format!("{code}: {message}") }
}

pub(super) fn gid(kind: &str, id: u64) -> String {
    format!("gid://shopify/{kind}/{id}")
}

impl ObjectValue for Node {
    fn type_name(&self) -> &str {
        self.kind
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let slot =
            self.fields.iter().find(|(name, _)| *name == info.field_name()).map(|(_, slot)| slot.clone());
        let first = info.arguments().get("first").and_then(JsonValue::as_u64);
        match slot {
            None => Err(self.unknown_field_error(info)),
            Some(Slot::Leaf(value)) => Ok(ResolvedValue::leaf(JsonValue::from(value))),
            Some(Slot::Leaves(None)) => Ok(ResolvedValue::null()),
            Some(Slot::Leaves(Some(values))) => Ok(ResolvedValue::list(
                values.into_iter().map(|value| ResolvedValue::leaf(JsonValue::from(value))),
            )),
            Some(Slot::One(node)) => Ok(ResolvedValue::object(node)),
            Some(Slot::Many(nodes)) => Ok(list(nodes)),
            Some(Slot::First(nodes)) => {
                Ok(list(nodes.into_iter().take(first.map_or(usize::MAX, |n| n as usize)).collect()))
            }
            Some(Slot::Paged(kind, nodes)) => {
                let after = info.arguments().get("after").and_then(JsonValue::as_str);
                connection(kind, nodes, first, after).map(ResolvedValue::object)
            }
            Some(Slot::AtLocation(nodes)) => {
                let asked = info.arguments().get("locationId").and_then(JsonValue::as_str);
                let node = nodes.into_iter().find(|(location, _)| asked == Some(&gid("Location", *location)));
                Ok(ResolvedValue::nullable_object(node.map(|(_, node)| node)))
            }
        }
    }
}

fn list<'a>(nodes: Vec<Node>) -> ResolvedValue<'a> {
    ResolvedValue::list(nodes.into_iter().map(ResolvedValue::object))
}

/// One page of nodes that are sorted by their keys.
pub(super) fn connection(
    kind: &'static str,
    nodes: Vec<(String, Node)>,
    first: Option<u64>,
    after: Option<&str>,
) -> Result<Node, FieldError> {
    let Some(first) = first else {
        return Err(error("BAD_REQUEST", "you must provide one of first or last"));
    };
    if first > 250 {
        return Err(error("BAD_REQUEST", "first cannot exceed 250"));
    }
    let after = match after {
        None => None,
        Some(cursor) => match STANDARD.decode(cursor).map(String::from_utf8) {
            Ok(Ok(key)) => Some(key),
            _ => return Err(error("BAD_REQUEST", "invalid cursor")),
        },
    };
    let mut rest =
        nodes.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after)).peekable();
    let page: Vec<(String, Node)> = rest.by_ref().take(first as usize).collect();
    let more = rest.peek().is_some();
    let cursor = |key: &str| STANDARD.encode(key);
    let edges = page.iter().map(|(key, node)| {
        Node::new("OrderEdge", vec![("cursor", leaf(cursor(key))), ("node", Slot::One(node.clone()))])
    });
    let page_info = Node::new(
        "PageInfo",
        vec![("hasNextPage", leaf(more)), ("endCursor", leaf(page.last().map(|(key, _)| cursor(key))))],
    );
    let edges = Slot::Many(edges.collect());
    let nodes = Slot::Many(page.into_iter().map(|(_, node)| node).collect());
    Ok(Node::new(kind, vec![("edges", edges), ("nodes", nodes), ("pageInfo", Slot::One(page_info))]))
}

/// A key under which what has the lower `major`, then the lower `minor`, comes first.
pub(super) fn key(major: i64, minor: u64) -> String {
    format!("{major:020}:{minor:020}")
}

fn time(at: Timestamp) -> Slot {
    leaf(at.to_string())
}

pub(super) fn variant(state: &State, id: u64, variant: &Variant) -> Node {
    let product = state.products.get(&variant.product);
    let options = variant.options.iter().map(|(name, value)| {
        Node::new("SelectedOption", vec![("name", leaf(name.clone())), ("value", leaf(value.clone()))])
    });
    let product = Node::new(
        "Product",
        vec![
            ("id", leaf(gid("Product", variant.product))),
            ("title", leaf(product.map(|product| product.title.clone()))),
            ("status", leaf(product.map(|product| product.status))),
        ],
    );
    Node::new(
        "ProductVariant",
        vec![
            ("id", leaf(gid("ProductVariant", id))),
            ("sku", leaf(variant.sku.clone().unwrap_or_default())),
            ("barcode", leaf(variant.barcode.clone())),
            ("price", leaf(variant.price.clone())),
            ("inventoryQuantity", leaf(variant.total())),
            ("selectedOptions", Slot::Many(options.collect())),
            ("product", Slot::One(product)),
            ("inventoryItem", Slot::One(item(variant))),
        ],
    )
}

pub(super) fn item(variant: &Variant) -> Node {
    let level = |(location, available): (&u64, &i64)| {
        let quantity = Node::new("InventoryQuantity", vec![("quantity", leaf(*available))]);
        (*location, Node::new("InventoryLevel", vec![("quantities", Slot::Many(vec![quantity]))]))
    };
    Node::new(
        "InventoryItem",
        vec![
            ("id", leaf(gid("InventoryItem", variant.item))),
            ("tracked", leaf(variant.tracked)),
            ("inventoryLevel", Slot::AtLocation(variant.available.iter().map(level).collect())),
        ],
    )
}

fn money(amount: impl Into<String>) -> Slot {
    let shop = Node::new("MoneyV2", vec![("amount", leaf(amount.into()))]);
    Slot::One(Node::new("MoneyBag", vec![("shopMoney", Slot::One(shop))]))
}

pub(super) fn order(state: &State, id: u64, order: &Order) -> Node {
    let total: rust_decimal::Decimal = order
        .lines
        .iter()
        .filter_map(|line| {
            Some(
                line.price.parse::<rust_decimal::Decimal>().ok()? * rust_decimal::Decimal::from(line.current),
            )
        })
        .sum();
    let address = Node::new(
        "MailingAddress",
        vec![
            ("name", leaf("Ada Buyer")),
            ("phone", leaf(Value::Null)),
            ("address1", leaf("1 Main Street")),
            ("address2", leaf(Value::Null)),
            ("city", leaf("Springfield")),
            ("province", leaf("Oregon")),
            ("zip", leaf("97477")),
            ("countryCodeV2", leaf("US")),
        ],
    );
    let lines = order.lines.iter().enumerate();
    let lines = lines.map(|(position, entry)| (key(0, position as u64), line(state, entry))).collect();
    Node::new(
        "Order",
        vec![
            ("id", leaf(gid("Order", id))),
            ("name", leaf(format!("#{}", order.number))),
            ("createdAt", time(order.created_at)),
            ("updatedAt", time(order.updated_at)),
            ("cancelledAt", leaf(order.cancelled_at.map(|at| at.to_string()))),
            ("displayFinancialStatus", leaf(order.financial())),
            ("displayFulfillmentStatus", leaf(order.fulfilment())),
            ("currencyCode", leaf(state.currency.clone())),
            ("email", leaf("buyer@example.com")),
            ("phone", leaf(Value::Null)),
            ("currentTotalPriceSet", money(total.to_string())),
            ("shippingAddress", Slot::One(address.clone())),
            ("billingAddress", Slot::One(address)),
            ("lineItems", Slot::Paged("LineItemConnection", lines)),
            ("fulfillmentOrders", Slot::Paged("FulfillmentOrderConnection", fulfilment_orders(order))),
            (
                "fulfillments",
                Slot::First(order.fulfilments.iter().map(|entry| fulfilment(order, entry)).collect()),
            ),
            ("refunds", Slot::First(order.refunds.iter().map(|entry| refund(order, entry)).collect())),
        ],
    )
}

fn line(state: &State, line: &Line) -> Node {
    let sold = line.variant.and_then(|id| Some((id, state.variants.get(&id)?)));
    let variant = match sold {
        None => leaf(Value::Null),
        Some((id, variant)) => {
            let product = Node::new("Product", vec![("id", leaf(gid("Product", variant.product)))]);
            let fields = vec![("id", leaf(gid("ProductVariant", id))), ("product", Slot::One(product))];
            Slot::One(Node::new("ProductVariant", fields))
        }
    };
    Node::new(
        "LineItem",
        vec![
            ("id", leaf(gid("LineItem", line.id))),
            ("title", leaf(line.title.clone())),
            ("sku", leaf(line.sku.clone())),
            ("quantity", leaf(line.quantity)),
            ("currentQuantity", leaf(line.current)),
            ("unfulfilledQuantity", leaf(line.unfulfilled)),
            ("variant", variant),
            ("discountedUnitPriceAfterAllDiscountsSet", money(line.price.clone())),
            ("taxLines", Slot::First(Vec::new())),
        ],
    )
}

pub(super) fn refund(order: &Order, refund: &Refund) -> Node {
    let lines = refund.lines.iter().enumerate().map(|(position, (line, units, restock))| {
        let of = Node::new("LineItem", vec![("id", leaf(gid("LineItem", order.lines[*line].id)))]);
        let fields =
            vec![("quantity", leaf(*units)), ("restockType", leaf(*restock)), ("lineItem", Slot::One(of))];
        (key(0, position as u64), Node::new("RefundLineItem", fields))
    });
    let fields = vec![
        ("id", leaf(gid("Refund", refund.id))),
        ("refundLineItems", Slot::Paged("RefundLineItemConnection", lines.collect())),
    ];
    Node::new("Refund", fields)
}

pub(super) fn user_error(kind: &'static str, code: &str, field: Value, message: &str) -> Node {
    let code = leaf((!code.is_empty()).then_some(code));
    let field = Slot::Leaves(field.as_array().cloned());
    Node::new(kind, vec![("code", code), ("field", field), ("message", leaf(message))])
}
