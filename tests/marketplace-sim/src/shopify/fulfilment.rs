//! Fulfilment: what is to be shipped, what was, and `fulfillmentCreate`.
//!
//! An order has one open fulfilment order, of what is not shipped yet. A fulfilment closes it; if something is left, another
//! is opened under a new id.

use jiff::Timestamp;
use serde_json::Value;

use super::nodes::{Node, Slot, gid, key, leaf, user_error};
use super::state::{Order, State};
use crate::Shipped;

/// Entries of one fulfilment order are numbered from its id on.
const ENTRIES: u64 = 1_000;

#[derive(Debug, Clone)]
pub(super) struct Fulfilment {
    pub id: u64,
    pub cancelled: bool,
    /// Name of the carrier, tracking number.
    pub tracking: Option<(Option<String>, Option<String>)>,
    /// The line's position, units.
    pub lines: Vec<(usize, i64)>,
}

impl State {
    /// Ships up to so many units of each line; the fulfilment's id, if there was anything to ship.
    pub fn fulfil(
        &mut self,
        order: u64,
        lines: &[(usize, i64)],
        tracking: Option<(Option<String>, Option<String>)>,
    ) -> Option<u64> {
        let mut shipped = Vec::new();
        for (line, units) in lines {
            let entry = self.orders.get_mut(&order)?.lines.get_mut(*line)?;
            let units = (*units).min(entry.unfulfilled);
            entry.unfulfilled -= units;
            entry.shipped += units;
            let variant = entry.variant;
            if let Some(variant) = variant.and_then(|id| self.variants.get_mut(&id)) {
                variant.committed -= units;
            }
            if units > 0 {
                shipped.push((*line, units));
            }
        }
        if shipped.is_empty() {
            return None;
        }
        let (id, fulfilment_order) = (self.id(), self.id());
        let order = self.orders.get_mut(&order)?;
        order.fulfilment_order = fulfilment_order;
        order.fulfilments.push(Fulfilment { id, cancelled: false, tracking, lines: shipped });
        Some(id)
    }

    pub fn cancel_fulfilment(&mut self, order: u64) {
        let id = self.id();
        let Some(order) = self.orders.get_mut(&order) else { return };
        let Some(last) = order.fulfilments.iter_mut().rev().find(|fulfilment| !fulfilment.cancelled) else {
            return;
        };
        last.cancelled = true;
        let lines = last.lines.clone();
        order.fulfilment_order = id;
        for (line, units) in lines {
            if let Some(entry) = order.lines.get_mut(line) {
                entry.unfulfilled += units;
                entry.shipped -= units;
                if let Some(variant) = entry.variant.and_then(|id| self.variants.get_mut(&id)) {
                    variant.committed += units;
                }
            }
        }
    }

    /// Those that were not cancelled.
    pub fn shipments(&self, order: &str) -> Vec<Shipped> {
        let order = order.parse().ok().and_then(|id: u64| self.orders.get(&id));
        let Some(order) = order else { return Vec::new() };
        let live = order.fulfilments.iter().filter(|fulfilment| !fulfilment.cancelled);
        live.map(|fulfilment| {
            let (carrier, tracking_number) = fulfilment.tracking.clone().unwrap_or_default();
            let lines = fulfilment.lines.iter().map(|(line, units)| {
                (order.lines[*line].id.to_string(), u32::try_from(*units).expect("a count of units"))
            });
            Shipped { carrier, tracking_number, lines: lines.collect() }
        })
        .collect()
    }

    /// The order that a fulfilment belongs to changed, in whole seconds as all of Shopify's times are.
    pub fn fulfilled(&mut self, fulfilment: u64, now: Timestamp) {
        let of = |order: &Order| order.fulfilments.iter().any(|entry| entry.id == fulfilment);
        let order = self.orders.iter().find(|(_, order)| of(order)).map(|(id, _)| *id);
        if let (Some(order), Ok(now)) = (order, Timestamp::from_second(now.as_second())) {
            self.changed(order, &[], now);
        }
    }

    fn order_of(&self, fulfilment_order: u64) -> Option<u64> {
        let mut orders = self.orders.iter();
        orders.find(|(_, order)| order.fulfilment_order == fulfilment_order).map(|(id, _)| *id)
    }

    /// `fulfillmentCreate`: what is asked is there as a whole, or nothing is done.
    pub fn create_fulfilment(&mut self, input: &Value) -> Result<u64, &'static str> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let tracking = &input["trackingInfo"];
        let tracking = tracking.is_object().then(|| (text(&tracking["company"]), text(&tracking["number"])));
        let mut wanted: Option<u64> = None;
        let mut lines: Vec<(usize, i64)> = Vec::new();
        for part in input["lineItemsByFulfillmentOrder"].as_array().into_iter().flatten() {
            let order =
                number(&part["fulfillmentOrderId"], "FulfillmentOrder").and_then(|id| self.order_of(id));
            let order = order.ok_or("Fulfillment order does not exist.")?;
            if wanted.is_some_and(|wanted| wanted != order) {
                return Err("All fulfillment orders must belong to the same order.");
            }
            wanted = Some(order);
            let order = &self.orders[&order];
            match state_of(order) {
                "OPEN" | "IN_PROGRESS" => {}
                "ON_HOLD" => return Err("Fulfillment order is on hold."),
                _ => return Err("Fulfillment order has an unfulfillable status."),
            }
            match part["fulfillmentOrderLineItems"].as_array() {
                None => lines.extend((0..order.lines.len()).map(|line| (line, i64::MAX))),
                Some(entries) => {
                    for entry in entries {
                        let id = number(&entry["id"], "FulfillmentOrderLineItem");
                        let line = id
                            .and_then(|id| id.checked_sub(order.fulfilment_order * ENTRIES))
                            .and_then(|line| usize::try_from(line).ok())
                            .filter(|line| *line < order.lines.len())
                            .ok_or("Fulfillment order line item does not exist.")?;
                        let units = entry["quantity"].as_i64().unwrap_or(0);
                        if units < 1 || units > order.lines[line].unfulfilled {
                            return Err("Invalid fulfillment order line item quantity requested.");
                        }
                        lines.push((line, units));
                    }
                }
            }
        }
        let order = wanted.ok_or("No fulfillment order was given.")?;
        self.fulfil(order, &lines, tracking).ok_or("There is nothing to fulfil.")
    }
}

fn number(gid: &Value, kind: &str) -> Option<u64> {
    gid.as_str()?.strip_prefix(&format!("gid://shopify/{kind}/"))?.parse().ok()
}

fn state_of(order: &Order) -> &'static str {
    let waiting = order.lines.iter().any(|line| line.unfulfilled > 0);
    match (order.cancelled_at.is_some(), waiting) {
        (true, _) => "CANCELLED",
        (_, false) => "CLOSED",
        _ if order.held => "ON_HOLD",
        _ if order.fulfilments.iter().any(|fulfilment| !fulfilment.cancelled) => "IN_PROGRESS",
        _ => "OPEN",
    }
}

fn of_line(order: &Order, line: usize) -> Slot {
    Slot::One(Node::new("LineItem", vec![("id", leaf(gid("LineItem", order.lines[line].id)))]))
}

/// The order's one fulfilment order.
pub(super) fn fulfilment_orders(order: &Order) -> Vec<(String, Node)> {
    let lines = order.lines.iter().enumerate().map(|(position, line)| {
        let at = position as u64;
        let fields = vec![
            ("id", leaf(gid("FulfillmentOrderLineItem", order.fulfilment_order * ENTRIES + at))),
            ("remainingQuantity", leaf(line.unfulfilled)),
            ("lineItem", of_line(order, position)),
        ];
        (key(0, at), Node::new("FulfillmentOrderLineItem", fields))
    });
    let location = Node::new("Location", vec![("id", leaf(gid("Location", order.location)))]);
    let location = Node::new("FulfillmentOrderAssignedLocation", vec![("location", Slot::One(location))]);
    let fields = vec![
        ("id", leaf(gid("FulfillmentOrder", order.fulfilment_order))),
        ("status", leaf(state_of(order))),
        ("assignedLocation", Slot::One(location)),
        ("lineItems", Slot::Paged("FulfillmentOrderLineItemConnection", lines.collect())),
    ];
    vec![(key(0, order.fulfilment_order), Node::new("FulfillmentOrder", fields))]
}

pub(super) fn fulfilment(order: &Order, fulfilment: &Fulfilment) -> Node {
    let lines = fulfilment.lines.iter().enumerate().map(|(position, (line, units))| {
        let at = position as u64;
        let fields = vec![
            ("id", leaf(gid("FulfillmentLineItem", fulfilment.id * ENTRIES + at))),
            ("quantity", leaf(*units)),
            ("lineItem", of_line(order, *line)),
        ];
        (key(0, at), Node::new("FulfillmentLineItem", fields))
    });
    let tracking = fulfilment.tracking.iter().map(|(company, number)| {
        let fields = vec![("company", leaf(company.clone())), ("number", leaf(number.clone()))];
        Node::new("FulfillmentTrackingInfo", fields)
    });
    let fields = vec![
        ("id", leaf(gid("Fulfillment", fulfilment.id))),
        ("status", leaf(if fulfilment.cancelled { "CANCELLED" } else { "SUCCESS" })),
        ("trackingInfo", Slot::First(tracking.collect())),
        ("fulfillmentLineItems", Slot::Paged("FulfillmentLineItemConnection", lines.collect())),
    ];
    Node::new("Fulfillment", fields)
}

/// The payload of `fulfillmentCreate`.
pub(super) fn created(done: Result<u64, &'static str>) -> Node {
    let (fulfilment, errors) = match done {
        Ok(id) => {
            let node = Node::new("Fulfillment", vec![("id", leaf(gid("Fulfillment", id)))]);
            (Slot::One(node), Vec::new())
        }
        Err(message) => {
            let path = serde_json::json!(["fulfillment"]);
            (leaf(Value::Null), vec![user_error("UserError", "", path, message)])
        }
    };
    let fields = vec![("fulfillment", fulfilment), ("userErrors", Slot::Many(errors))];
    Node::new("FulfillmentCreatePayload", fields)
}
