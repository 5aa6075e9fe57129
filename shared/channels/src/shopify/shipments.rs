//! Shipments: a part of an order becomes a fulfilment of the fulfilment orders that hold its lines.
//!
//! Shopify takes no key for it and keeps no reference of ours, so a shipment is known again by its tracking number. One
//! without a number is known by the name of its carrier, to which the shipment's own number is added: `DHL (shipment 2)`.
//! What live fulfilments with that mark already hold is told, and only the rest is sent; so a lost answer, or a try that
//! ended half way, is made up for. Two shipments of one order that have the same tracking number and units of the same
//! line are one to us.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::auth::LOCATION_ID;
use super::wire::{
    FulfillmentCreateData, FulfillmentLinesData, FulfillmentNode, FulfillmentOrderLinesData,
    FulfillmentOrderNode, OrderShipmentsData, gid, number_of,
};
use super::{Operation, wire};
use crate::{ChannelError, ErrorKind, Shipment, ShipmentOutcome, Shop};

/// Lines of one fulfilment: Shopify's limit for an array of input.
const LINES_MAX: usize = 250;

/// Fulfilments of one order that are read: Shopify's list of them cannot be paged through.
const FULFILMENTS_MAX: usize = 15;

/// In points: an order of 500 lines, the most there can be. About 80 for what is read of it first, 1,000 for its lines, and
/// the 484 that must be there for the last page of them.
const LARGEST: u32 = 1_600;

/// Times that what is open is read and sent: a fulfilment may close the fulfilment orders that it was made of and open others,
/// so that what is to follow it must be looked up again.
const TRIES: usize = 3;

/// The shop mails the buyer, as for a shipment that is made in Shopify itself.
const NOTIFY_CUSTOMER: bool = true;

/// 1, 15 × 25 for the fulfilments, and 10 × 26 + 3 for the fulfilment orders.
pub(super) static READ: Operation = Operation {
    name: "read the shipments of an order",
    document: include_str!("queries/order_shipments.graphql"),
    cost: 639,
};
pub(super) static OPEN_LINES: Operation = Operation {
    name: "fetch more lines of a fulfilment order",
    document: include_str!("queries/fulfillment_order_lines.graphql"),
    cost: 484,
};
pub(super) static SHIPPED_LINES: Operation = Operation {
    name: "fetch more lines of a fulfilment",
    document: include_str!("queries/fulfillment_lines.graphql"),
    cost: 484,
};
pub(super) static CREATE: Operation = Operation {
    name: "tell the channel of a shipment",
    document: include_str!("queries/fulfillment_create.graphql"),
    cost: 11,
};

pub(super) async fn push(shop: &Shop<'_>, shipment: &Shipment) -> Result<ShipmentOutcome, ChannelError> {
    let mark = Mark::of(shipment);
    let mut refusal = None;
    // A refusal may come of a try that was still at work: what there is is read once more before it is believed.
    for _ in 0..TRIES {
        let found = read(shop, shipment, &mark).await.map_err(|error| for_a_long_order(shop, error))?;
        let Some(found) = found else {
            return Ok(rejected("order_not_found", "Shopify has no such order."));
        };
        let parcels = match plan(shipment, &found, shop.facts.get(LOCATION_ID)) {
            Plan::Told => return Ok(ShipmentOutcome::Accepted { external_id: found.told_as }),
            Plan::Refused(code, reason) => return Ok(rejected(code, reason)),
            Plan::Send(parcels) => parcels,
        };
        match send(shop, &mark, &parcels).await? {
            Ok(external_id) => return Ok(ShipmentOutcome::Accepted { external_id }),
            Err(message) => refusal = Some(message),
        }
    }
    let reason = format!("Shopify refused the shipment: {}", refusal.unwrap_or_default());
    Ok(ShipmentOutcome::Rejected { code: "channel_rejected", reason })
}

/// What is read of a long order is read from its beginning after a wait: one that is only long enough for the next call
/// would never see its end.
fn for_a_long_order(shop: &Shop<'_>, error: ChannelError) -> ChannelError {
    if error.kind != ErrorKind::Throttled || error.operation == READ.name {
        return error;
    }
    match shop.pace.admit(LARGEST, shop.now) {
        Err(wait) => error.after(wait),
        Ok(()) => error,
    }
}

fn rejected(code: &'static str, reason: &str) -> ShipmentOutcome {
    ShipmentOutcome::Rejected { code, reason: reason.to_owned() }
}

/// What a fulfilment of ours is known by.
#[derive(Debug)]
struct Mark {
    company: String,
    number: Option<String>,
}

impl Mark {
    fn of(shipment: &Shipment) -> Self {
        let carrier = shipment.carrier.trim();
        let number = shipment.tracking_number.as_deref().map(str::trim).filter(|number| !number.is_empty());
        match number {
            Some(number) => Self { company: carrier.to_owned(), number: Some(number.to_owned()) },
            None => Self { company: format!("{carrier} (shipment {})", shipment.number), number: None },
        }
    }

    fn is_on(&self, node: &FulfillmentNode) -> bool {
        node.tracking_info.iter().any(|tracking| match (&self.number, &tracking.number) {
            (Some(ours), Some(theirs)) => theirs.trim().eq_ignore_ascii_case(ours),
            (None, None) => tracking.company.as_deref().map(str::trim) == Some(self.company.as_str()),
            _ => false,
        })
    }
}

/// What Shopify has of an order's shipping. Lines by the numbers of the order's lines.
#[derive(Debug, Default)]
struct Found {
    /// Units under our mark.
    told: BTreeMap<String, i64>,
    /// The first fulfilment under our mark.
    told_as: Option<String>,
    /// There are more fulfilments than are read.
    cut: bool,
    open: Vec<Open>,
    /// Units that wait for a hold to be released or a date to come.
    held: BTreeMap<String, i64>,
}

/// Units of a line that can be shipped.
#[derive(Debug, Clone)]
struct Open {
    fulfilment_order: String,
    location: Option<String>,
    /// The fulfilment order's own id of the line.
    entry: String,
    line: String,
    units: i64,
}

async fn read(shop: &Shop<'_>, shipment: &Shipment, mark: &Mark) -> Result<Option<Found>, ChannelError> {
    let id = gid("Order", &shipment.order);
    if number_of(&id).is_none() {
        return Ok(None);
    }
    let mut found = Found::default();
    let (mut after, mut first) = (None, true);
    loop {
        let data: OrderShipmentsData = READ.call(shop, &json!({ "id": id, "after": after })).await?;
        let Some(order) = data.order else { return Ok(None) };
        if first {
            found.cut = order.fulfillments.len() >= FULFILMENTS_MAX;
            for node in order.fulfillments.into_iter().filter(|node| mark.is_on(node)) {
                found.add_told(shop, node).await?;
            }
        }
        for node in order.fulfillment_orders.nodes {
            found.add_open(shop, node).await?;
        }
        first = false;
        after = order.fulfillment_orders.page_info.after();
        if after.is_none() {
            return Ok(Some(found));
        }
    }
}

impl Found {
    async fn add_told(&mut self, shop: &Shop<'_>, node: FulfillmentNode) -> Result<(), ChannelError> {
        if matches!(node.status.as_str(), "CANCELLED" | "ERROR" | "FAILURE") {
            return Ok(());
        }
        self.told_as = self.told_as.take().or_else(|| number_of(&node.id));
        let mut lines = node.fulfillment_line_items;
        loop {
            for line in &lines.nodes {
                let number = number_of(&line.line_item.id).unwrap_or_default();
                *self.told.entry(number).or_default() += line.quantity.unwrap_or(0);
            }
            let Some(after) = lines.page_info.after() else { return Ok(()) };
            let variables = json!({ "id": node.id, "after": after });
            let data: FulfillmentLinesData = SHIPPED_LINES.call(shop, &variables).await?;
            lines = data.fulfillment.ok_or_else(|| vanished(&SHIPPED_LINES))?.fulfillment_line_items;
        }
    }

    async fn add_open(&mut self, shop: &Shop<'_>, node: FulfillmentOrderNode) -> Result<(), ChannelError> {
        let held = match node.status.as_str() {
            "OPEN" | "IN_PROGRESS" => false,
            "ON_HOLD" | "SCHEDULED" => true,
            _ => return Ok(()),
        };
        let location = node.assigned_location.location.and_then(|location| number_of(&location.id));
        let mut lines = node.line_items;
        loop {
            for entry in lines.nodes.into_iter().filter(|entry| entry.remaining_quantity > 0) {
                let line = number_of(&entry.line_item.id).unwrap_or_default();
                if held {
                    *self.held.entry(line).or_default() += entry.remaining_quantity;
                } else {
                    self.open.push(Open {
                        fulfilment_order: node.id.clone(),
                        location: location.clone(),
                        entry: entry.id,
                        line,
                        units: entry.remaining_quantity,
                    });
                }
            }
            let Some(after) = lines.page_info.after() else { return Ok(()) };
            let variables = json!({ "id": node.id, "after": after });
            let data: FulfillmentOrderLinesData = OPEN_LINES.call(shop, &variables).await?;
            lines = data.fulfillment_order.ok_or_else(|| vanished(&OPEN_LINES))?.line_items;
        }
    }
}

/// Fulfilment orders are closed and made anew under the reader: another try finds the new ones.
fn vanished(operation: &Operation) -> ChannelError {
    ChannelError::new(ErrorKind::Unavailable, operation.name, "it changed while it was read")
}

#[derive(Debug)]
enum Plan {
    /// All of it is there under our mark.
    Told,
    Send(Vec<Parcel>),
    Refused(&'static str, &'static str),
}

/// What one fulfilment holds: of one location, since Shopify takes no fulfilment of two.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parcel {
    /// By fulfilment order: its entries with units.
    entries: BTreeMap<String, Vec<(String, i64)>>,
    count: usize,
}

/// Takes the units from the location whose stock we set, then from the others.
fn plan(shipment: &Shipment, found: &Found, location: Option<&String>) -> Plan {
    let mut left = BTreeMap::<&str, i64>::new();
    for line in &shipment.lines {
        *left.entry(&line.line_id).or_default() += line.quantity.units();
    }
    left.retain(|_, units| *units > 0);
    if left.is_empty() {
        return Plan::Refused("nothing_to_ship", "The shipment holds no units.");
    }
    for (line, told) in &found.told {
        if let Some(units) = left.get_mut(line.as_str()) {
            *units -= told;
        }
    }
    left.retain(|_, units| *units > 0);
    if left.is_empty() {
        return Plan::Told;
    }
    if found.cut {
        return Plan::Refused(
            "too_many_shipments",
            "Shopify does not tell of an order with so many shipments whether it has this one: add it there.",
        );
    }
    let mut open: Vec<&Open> = found.open.iter().collect();
    open.sort_by_key(|open| open.location.as_ref() != location);
    let mut parcels: Vec<(Option<&str>, Parcel)> = Vec::new();
    for open in open {
        let Some(wanted) = left.get_mut(open.line.as_str()).filter(|wanted| **wanted > 0) else { continue };
        let units = open.units.min(*wanted);
        *wanted -= units;
        let location = open.location.as_deref();
        let place = parcels.iter().position(|(place, parcel)| *place == location && parcel.count < LINES_MAX);
        let place = place.unwrap_or_else(|| {
            parcels.push((location, Parcel::default()));
            parcels.len() - 1
        });
        if let Some((_, parcel)) = parcels.get_mut(place) {
            let entries = parcel.entries.entry(open.fulfilment_order.clone()).or_default();
            entries.push((open.entry.clone(), units));
            parcel.count += 1;
        }
    }
    left.retain(|_, units| *units > 0);
    if left.is_empty() {
        return Plan::Send(parcels.into_iter().map(|(_, parcel)| parcel).collect());
    }
    let held = left.iter().all(|(line, units)| found.held.get(*line).is_some_and(|held| held >= units));
    if held {
        Plan::Refused("fulfilment_on_hold", "Shopify holds the order back: release the hold there.")
    } else {
        Plan::Refused(
            "more_than_open",
            "Shopify has fewer units left to ship: some were shipped, refunded or removed there.",
        )
    }
}

/// Sends what is left, a fulfilment for each parcel: the number of the first, or Shopify's refusal.
async fn send(
    shop: &Shop<'_>,
    mark: &Mark,
    parcels: &[Parcel],
) -> Result<Result<Option<String>, String>, ChannelError> {
    let mut external_id = None;
    for parcel in parcels {
        let data: FulfillmentCreateData = CREATE.call(shop, &variables(mark, parcel)).await?;
        let payload = data.fulfillment_create.ok_or_else(|| {
            ChannelError::new(ErrorKind::Malformed, CREATE.name, "the answer says nothing of the mutation")
        })?;
        if let Some(error) = payload.user_errors.first() {
            return Ok(Err(wire::excerpt(&error.message)));
        }
        let number = payload.fulfillment.and_then(|fulfilment| number_of(&fulfilment.id));
        external_id = external_id.or(number);
    }
    Ok(Ok(external_id))
}

fn variables(mark: &Mark, parcel: &Parcel) -> Value {
    let orders: Vec<Value> = parcel
        .entries
        .iter()
        .map(|(order, entries)| {
            let entries: Vec<Value> =
                entries.iter().map(|(id, units)| json!({ "id": id, "quantity": units })).collect();
            json!({ "fulfillmentOrderId": order, "fulfillmentOrderLineItems": entries })
        })
        .collect();
    json!({ "fulfillment": {
        "lineItemsByFulfillmentOrder": orders,
        "notifyCustomer": NOTIFY_CUSTOMER,
        "trackingInfo": { "company": mark.company, "number": mark.number },
    }})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ShippedLine;
    use domain::{Quantity, Timestamp};

    fn shipment(lines: &[(&str, i64)], tracking_number: Option<&str>) -> Shipment {
        Shipment {
            order: "1".to_owned(),
            marketplace: None,
            number: 2,
            carrier: "DHL".to_owned(),
            tracking_number: tracking_number.map(str::to_owned),
            shipped_at: Timestamp::UNIX_EPOCH,
            lines: lines
                .iter()
                .map(|(line, units)| ShippedLine {
                    line_id: (*line).to_owned(),
                    sku: None,
                    quantity: Quantity::new(*units).unwrap(),
                })
                .collect(),
            completes: false,
        }
    }

    /// Fulfilment order, location, line, units.
    fn found(told: &[(&str, i64)], open: &[(&str, &str, &str, i64)], held: &[(&str, i64)]) -> Found {
        let units = |list: &[(&str, i64)]| list.iter().map(|(line, n)| ((*line).to_owned(), *n)).collect();
        let open = open.iter().map(|(order, location, line, units)| Open {
            fulfilment_order: (*order).to_owned(),
            location: Some((*location).to_owned()),
            entry: format!("{order}/{line}"),
            line: (*line).to_owned(),
            units: *units,
        });
        Found { told: units(told), open: open.collect(), held: units(held), ..Found::default() }
    }

    /// `location order/line x units`, a parcel a bracket; or the code of the refusal.
    fn planned(shipment: &Shipment, found: &Found) -> String {
        match plan(shipment, found, Some(&"main".to_owned())) {
            Plan::Told => "told".to_owned(),
            Plan::Refused(code, _) => code.to_owned(),
            Plan::Send(parcels) => parcels
                .iter()
                .map(|parcel| {
                    let entries = parcel.entries.values().flatten();
                    let entries: Vec<_> = entries.map(|(id, units)| format!("{id}x{units}")).collect();
                    format!("[{}]", entries.join(" "))
                })
                .collect(),
        }
    }

    #[test]
    fn what_is_left_is_taken_from_what_is_open() {
        type Units = &'static [(&'static str, i64)];
        type Opened = &'static [(&'static str, &'static str, &'static str, i64)];
        let table: [(&str, Units, Units, Opened, Units, &str); 13] = [
            ("whole", &[("a", 2)], &[], &[("f", "main", "a", 2)], &[], "[f/ax2]"),
            ("a part", &[("a", 1)], &[], &[("f", "main", "a", 2)], &[], "[f/ax1]"),
            (
                "two lines",
                &[("a", 1), ("b", 3)],
                &[],
                &[("f", "main", "a", 2), ("f", "main", "b", 3)],
                &[],
                "[f/ax1 f/bx3]",
            ),
            ("told", &[("a", 2)], &[("a", 2)], &[], &[], "told"),
            ("told, and more is open", &[("a", 1)], &[("a", 1)], &[("f", "main", "a", 1)], &[], "told"),
            ("half told", &[("a", 1), ("b", 1)], &[("a", 1)], &[("f", "main", "b", 1)], &[], "[f/bx1]"),
            (
                "our location first",
                &[("a", 2)],
                &[],
                &[("f", "other", "a", 2), ("g", "main", "a", 2)],
                &[],
                "[g/ax2]",
            ),
            (
                "two locations are two parcels",
                &[("a", 3)],
                &[],
                &[("f", "other", "a", 2), ("g", "main", "a", 2)],
                &[],
                "[g/ax2][f/ax1]",
            ),
            (
                "two fulfilment orders of one location are one parcel",
                &[("a", 3)],
                &[],
                &[("f", "main", "a", 1), ("g", "main", "a", 2)],
                &[],
                "[f/ax1 g/ax2]",
            ),
            ("shipped by others", &[("a", 2)], &[], &[("f", "main", "a", 1)], &[], "more_than_open"),
            ("another order's line", &[("z", 1)], &[], &[("f", "main", "a", 1)], &[], "more_than_open"),
            ("held", &[("a", 1)], &[], &[], &[("a", 1)], "fulfilment_on_hold"),
            ("empty", &[("a", 0)], &[], &[("f", "main", "a", 1)], &[], "nothing_to_ship"),
        ];
        for (case, wanted, told, open, held, expected) in table {
            let planned = planned(&shipment(wanted, Some("T1")), &found(told, open, held));
            assert_eq!(planned, expected, "{case}");
        }
    }

    #[test]
    fn what_cannot_be_looked_for_is_not_sent_twice() {
        let many = Found { cut: true, ..found(&[], &[("f", "main", "a", 1)], &[]) };
        assert_eq!(planned(&shipment(&[("a", 1)], Some("T1")), &many), "too_many_shipments");
    }

    #[test]
    fn a_parcel_of_too_many_lines_is_two() {
        let lines: Vec<String> = (0..251).map(|n| format!("{n:03}")).collect();
        let wanted: Vec<(&str, i64)> = lines.iter().map(|line| (line.as_str(), 1)).collect();
        let open: Vec<_> = lines.iter().map(|line| ("f", "main", line.as_str(), 1)).collect();
        let planned = plan(&shipment(&wanted, Some("T1")), &found(&[], &open, &[]), None);
        let Plan::Send(parcels) = planned else { panic!("{planned:?}") };
        assert_eq!(parcels.iter().map(|parcel| parcel.count).collect::<Vec<_>>(), [250, 1]);
    }

    #[test]
    fn a_shipment_is_known_by_its_number_or_else_by_its_carrier_s_name() {
        let node = |company: &str, number: Option<&str>| -> FulfillmentNode {
            serde_json::from_value(json!({
                "id": "gid://shopify/Fulfillment/1", "status": "SUCCESS",
                "trackingInfo": [{ "company": company, "number": number }],
                "fulfillmentLineItems": { "nodes": [], "pageInfo": { "hasNextPage": false } },
            }))
            .unwrap()
        };
        let numbered = Mark::of(&shipment(&[("a", 1)], Some(" jd01 ")));
        let plain = Mark::of(&shipment(&[("a", 1)], None));
        assert!(numbered.is_on(&node("Anyone", Some("JD01"))));
        assert!(!numbered.is_on(&node("DHL", Some("JD02"))) && !numbered.is_on(&node("DHL", None)));
        assert!(plain.is_on(&node("DHL (shipment 2)", None)));
        assert!(!plain.is_on(&node("DHL (shipment 1)", None)) && !plain.is_on(&node("DHL", None)));
    }
}
