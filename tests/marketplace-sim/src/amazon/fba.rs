//! What Amazon holds (FBA Inventory, version 1), and what it sends for sales made elsewhere (Fulfillment Outbound, version
//! 2020-07-01).
//!
//! A dispatch goes its way by time: received, planned after 5 minutes, in work after 15, sent after an hour. What is not
//! there when it is asked for is unfulfillable at once.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::{Asked, Said, invalid, missing, say};
use super::state::State;
use crate::{Dispatched, Sold};

const SKUS_MAX: usize = 50;
const LINES_MAX: usize = 100;
const UNITS_MAX: i64 = 250;
const LISTED_MAX: usize = 20;

const PLANNED_AFTER: SignedDuration = SignedDuration::from_mins(5);
const IN_WORK_AFTER: SignedDuration = SignedDuration::from_mins(15);
const SENT_AFTER: SignedDuration = SignedDuration::from_mins(60);

/// Units of a SKU that are on their way to Amazon.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Inbound {
    pub shipped: i64,
    /// Of shipments of which a part has arrived.
    pub receiving: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Dispatch {
    /// As it was asked for.
    request: Value,
    received_at: Timestamp,
    cancelled_at: Option<Timestamp>,
    /// Its order, in the orders API; none of what cannot be had.
    order: Option<String>,
    lines: Vec<Line>,
    sent: bool,
}

#[derive(Debug, Clone)]
struct Line {
    id: String,
    sku: String,
    asked: i64,
    there: i64,
    comment: Value,
}

impl Dispatch {
    pub fn request(&self) -> Value {
        self.request.clone()
    }

    pub fn stands(&self, now: Timestamp) -> Dispatched {
        let there: i64 = self.lines.iter().map(|line| line.there).sum();
        let (open, sent) = match self.status(now).0 {
            "Cancelled" | "Unfulfillable" => (0, 0),
            "Complete" | "CompletePartialled" => (0, there),
            _ => (there, 0),
        };
        let order = self.request["displayableOrderId"].as_str().unwrap_or_default().to_owned();
        Dispatched { order, open, sent }
    }

    fn status(&self, now: Timestamp) -> (&'static str, Timestamp) {
        let at = |after: SignedDuration| self.received_at.checked_add(after).expect("a time");
        let there: i64 = self.lines.iter().map(|line| line.there).sum();
        let asked: i64 = self.lines.iter().map(|line| line.asked).sum();
        if let Some(at) = self.cancelled_at {
            return ("Cancelled", at);
        }
        if there == 0 {
            return ("Unfulfillable", self.received_at);
        }
        let sent = if there < asked { "CompletePartialled" } else { "Complete" };
        let steps = [(sent, SENT_AFTER), ("Processing", IN_WORK_AFTER), ("Planning", PLANNED_AFTER)];
        steps
            .into_iter()
            .map(|(status, after)| (status, at(after)))
            .find(|(_, at)| *at <= now)
            .unwrap_or(("Received", self.received_at))
    }
}

/// What has become of dispatches by now.
pub(super) fn work(state: &mut State, now: Timestamp) {
    let due: Vec<(String, Timestamp)> = state
        .dispatches
        .iter()
        .filter(|(_, dispatch)| !dispatch.sent && dispatch.status(now).0.starts_with("Complete"))
        .map(|(id, dispatch)| (id.clone(), dispatch.status(now).1))
        .collect();
    for (id, at) in due {
        let dispatch = state.dispatches.get_mut(&id).expect("a dispatch");
        dispatch.sent = true;
        if let Some(order) = dispatch.order.clone() {
            state.change(&order, at, |_, order| {
                for line in &mut order.lines {
                    line.shipped = line.wanted();
                }
            });
        }
    }
}

/// `GET /fba/inventory/v1/summaries`.
pub(super) fn summaries(state: &State, asked: &Asked<'_>, now: Timestamp) -> Said {
    let known = [
        "details",
        "granularityType",
        "granularityId",
        "startDateTime",
        "sellerSkus",
        "sellerSku",
        "nextToken",
        "marketplaceIds",
    ];
    if let Some(refused) = asked.unknown(&known) {
        return refused;
    }
    let marketplaces = asked.list("marketplaceIds");
    let ours = |id: &str| state.marketplaces.iter().any(|ours| ours == id);
    if asked.get("granularityType") != Some("Marketplace")
        || marketplaces.len() != 1
        || !marketplaces.iter().all(|id| ours(id))
        || !asked.get("granularityId").is_some_and(ours)
    {
        return invalid("granularity");
    }
    let mut wanted = asked.list("sellerSkus");
    if wanted.len() > SKUS_MAX {
        return invalid("sellerSkus");
    }
    if wanted.is_empty() {
        wanted.extend(asked.get("sellerSku"));
    }
    let detailed = asked.get("details") == Some("true");
    let held = state.listings.iter().filter(|(sku, listing)| {
        listing.fba && listing.children.is_empty() && (wanted.is_empty() || wanted.contains(&sku.as_str()))
    });
    let summary = |(sku, listing): (&String, &super::state::Listing)| {
        let fulfillable = listing.quantity.unwrap_or(0);
        let reserved = reserved(state, sku);
        let inbound = state.inbound.get(sku).copied().unwrap_or_default();
        let mut body = json!({
            "asin": format!("B{:09}", listing.number), "fnSku": format!("X{:09}", listing.number),
            "sellerSku": sku, "condition": "NewItem", "lastUpdatedTime": listing.updated_at.min(now).to_string(),
            "productName": listing.title,
            "totalQuantity": fulfillable + reserved + inbound.shipped + inbound.receiving, "stores": [],
        });
        if detailed {
            body["inventoryDetails"] = json!({
                "fulfillableQuantity": fulfillable,
                "inboundWorkingQuantity": 0,
                "inboundShippedQuantity": inbound.shipped,
                "inboundReceivingQuantity": inbound.receiving,
                "reservedQuantity": {
                    "totalReservedQuantity": reserved, "pendingCustomerOrderQuantity": reserved,
                    "pendingTransshipmentQuantity": 0, "fcProcessingQuantity": 0,
                },
                "researchingQuantity": {
                    "totalResearchingQuantity": 0, "researchingQuantityBreakdown": [],
                },
                "unfulfillableQuantity": {
                    "totalUnfulfillableQuantity": 0, "customerDamagedQuantity": 0,
                    "warehouseDamagedQuantity": 0, "distributorDamagedQuantity": 0,
                    "carrierDamagedQuantity": 0, "defectiveQuantity": 0, "expiredQuantity": 0,
                },
            });
        }
        body
    };
    let all: Vec<Value> = held.map(summary).collect();
    let granularity =
        json!({ "granularityType": "Marketplace", "granularityId": asked.get("granularityId") });
    say(200, json!({ "payload": { "granularity": granularity, "inventorySummaries": all } }))
}

/// Of orders that Amazon ships and has not shipped.
fn reserved(state: &State, sku: &str) -> i64 {
    let open = state.orders.values().filter(|order| order.by_amazon && !order.cancelled);
    let lines = open.flat_map(|order| &order.lines).filter(|line| line.sku == sku);
    lines.map(|line| line.wanted() - line.shipped).sum()
}

/// `POST /fba/outbound/2020-07-01/fulfillmentOrders`.
pub(super) fn create(state: &mut State, asked: &Asked<'_>, now: Timestamp) -> Said {
    if let Some(refused) = asked.unknown(&[]) {
        return refused;
    }
    let Some(body) = asked.json() else { return invalid("Could not parse the request body.") };
    match try_create(state, body, now) {
        Ok(said) | Err(said) => said,
    }
}

fn try_create(state: &mut State, body: Value, now: Timestamp) -> Result<Said, Said> {
    let text =
        |place: &Value, name: &str| place[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let id = text(&body, "sellerFulfillmentOrderId").filter(|id| id.len() <= 40);
    let id = id.ok_or_else(|| invalid("sellerFulfillmentOrderId"))?;
    if state.dispatches.contains_key(&id) {
        return Err(invalid("sellerFulfillmentOrderId is in use already."));
    }
    for name in ["displayableOrderId", "displayableOrderDate", "displayableOrderComment"] {
        text(&body, name).ok_or_else(|| invalid(name))?;
    }
    if !matches!(body["shippingSpeedCategory"].as_str(), Some("Standard" | "Expedited" | "Priority")) {
        return Err(invalid("shippingSpeedCategory"));
    }
    let address = &body["destinationAddress"];
    // The city in all countries but Japan.
    let city = (address["countryCode"] != "JP").then_some("city");
    for name in ["name", "addressLine1", "postalCode", "countryCode"].into_iter().chain(city) {
        text(address, name).ok_or_else(|| invalid(name))?;
    }
    let items = body["items"].as_array().cloned().unwrap_or_default();
    let mut lines = Vec::new();
    for item in &items {
        let (sku, line) = (text(item, "sellerSku"), text(item, "sellerFulfillmentOrderItemId"));
        let (Some(sku), Some(line), Some(asked)) = (sku, line, item["quantity"].as_i64().filter(|n| *n > 0))
        else {
            return Err(invalid("items"));
        };
        let listing = state.listings.get(&sku).filter(|listing| listing.fba);
        let listing = listing.ok_or_else(|| invalid("The SKU is not in Amazon's fulfillment network."))?;
        let taken: i64 = lines.iter().filter(|one: &&Line| one.sku == sku).map(|one| one.there).sum();
        let there = asked.min((listing.quantity.unwrap_or(0) - taken).max(0));
        lines.push(Line { id: line, sku, asked, there, comment: item["displayableComment"].clone() });
    }
    let units: i64 = lines.iter().map(|line| line.asked).sum();
    if lines.is_empty() || lines.len() > LINES_MAX || units > UNITS_MAX {
        return Err(invalid("items"));
    }
    let sold: Vec<(Sold, u32)> = lines
        .iter()
        .filter(|line| line.there > 0)
        .map(|line| {
            let sold = Sold { external_id: line.sku.clone(), variation_id: None };
            (sold, u32::try_from(line.there).expect("few units"))
        })
        .collect();
    let order = (!sold.is_empty()).then(|| {
        let order = state.sell(&sold, true, now);
        let made = state.orders.get_mut(&order).expect("the order");
        (made.channel, made.by_amazon) = ("NON_AMAZON", true);
        order
    });
    let dispatch =
        Dispatch { request: body, received_at: now, cancelled_at: None, order, lines, sent: false };
    state.dispatches.insert(id, dispatch);
    Ok(say(200, json!({})))
}

fn node(id: &str, dispatch: &Dispatch, now: Timestamp) -> Value {
    let (status, at) = dispatch.status(now);
    let asked = &dispatch.request;
    let mut body = json!({
        "sellerFulfillmentOrderId": id,
        "marketplaceId": asked["marketplaceId"],
        "receivedDate": dispatch.received_at.to_string(),
        "fulfillmentOrderStatus": status,
        "statusUpdatedDate": at.to_string(),
    });
    for name in [
        "displayableOrderId",
        "displayableOrderDate",
        "displayableOrderComment",
        "shippingSpeedCategory",
        "destinationAddress",
        "fulfillmentAction",
        "fulfillmentPolicy",
    ] {
        if !asked[name].is_null() {
            body[name] = asked[name].clone();
        }
    }
    body
}

/// `GET /fba/outbound/2020-07-01/fulfillmentOrders/{sellerFulfillmentOrderId}`.
pub(super) fn get(state: &State, asked: &Asked<'_>, id: &str, now: Timestamp) -> Said {
    if let Some(refused) = asked.unknown(&[]) {
        return refused;
    }
    let Some(dispatch) = state.dispatches.get(id) else { return missing() };
    let (status, at) = dispatch.status(now);
    let items: Vec<Value> = dispatch
        .lines
        .iter()
        .map(|line| {
            let cancelled = if status == "Cancelled" { line.there } else { 0 };
            let mut item = json!({
                "sellerSku": line.sku, "sellerFulfillmentOrderItemId": line.id, "quantity": line.asked,
                "cancelledQuantity": cancelled, "unfulfillableQuantity": line.asked - line.there,
            });
            if !line.comment.is_null() {
                item["displayableComment"] = line.comment.clone();
            }
            item
        })
        .collect();
    let mut payload = json!({
        "fulfillmentOrder": node(id, dispatch, now), "fulfillmentOrderItems": items,
        "returnItems": [], "returnAuthorizations": [],
    });
    if matches!(status, "Processing" | "Complete" | "CompletePartialled") {
        let packed = |line: &Line| {
            json!({
                "sellerSku": line.sku, "sellerFulfillmentOrderItemId": line.id, "quantity": line.there,
                "packageNumber": 1,
            })
        };
        let sent = status != "Processing";
        let mut shipment = json!({
            "amazonShipmentId": format!("D{id}"), "fulfillmentCenterId": "PHX7",
            "fulfillmentShipmentStatus": if sent { "SHIPPED" } else { "PENDING" },
            "shippingDate": at.to_string(),
            "fulfillmentShipmentItem":
                dispatch.lines.iter().filter(|line| line.there > 0).map(packed).collect::<Vec<_>>(),
        });
        if sent {
            shipment["fulfillmentShipmentPackage"] = json!([{
                "packageNumber": 1, "carrierCode": "UPS", "trackingNumber": format!("1Z{id}"),
            }]);
        }
        payload["fulfillmentShipments"] = json!([shipment]);
    }
    say(200, json!({ "payload": payload }))
}

/// `GET /fba/outbound/2020-07-01/fulfillmentOrders`: those whose status changed since, oldest id first.
pub(super) fn list(state: &State, asked: &Asked<'_>, now: Timestamp) -> Said {
    if let Some(refused) = asked.unknown(&["queryStartDate", "nextToken"]) {
        return refused;
    }
    // A token says since when, and behind which.
    let (since, after) = match (asked.get("nextToken"), asked.get("queryStartDate")) {
        (Some(token), _) => match token.split_once('~') {
            Some((since, after)) => (since.to_owned(), after.to_owned()),
            None => return invalid("nextToken"),
        },
        (None, Some(since)) => (since.to_owned(), String::new()),
        (None, None) => {
            let day = now.checked_sub(SignedDuration::from_hours(36)).expect("a time");
            (day.to_string(), String::new())
        }
    };
    let Ok(at) = since.parse::<Timestamp>() else { return invalid("queryStartDate") };
    let changed = state.dispatches.iter().filter(|(_, dispatch)| dispatch.status(now).1 >= at);
    let mut found: Vec<_> = changed.filter(|(id, _)| **id > after).take(LISTED_MAX + 1).collect();
    let more = found.len() > LISTED_MAX;
    found.truncate(LISTED_MAX);
    let orders: Vec<Value> = found.iter().map(|(id, dispatch)| node(id, dispatch, now)).collect();
    let mut payload = json!({ "fulfillmentOrders": orders });
    if let (true, Some((last, _))) = (more, found.last()) {
        payload["nextToken"] = format!("{since}~{last}").into();
    }
    say(200, json!({ "payload": payload }))
}

/// `PUT /fba/outbound/2020-07-01/fulfillmentOrders/{sellerFulfillmentOrderId}/cancel`.
pub(super) fn cancel(state: &mut State, asked: &Asked<'_>, id: &str, now: Timestamp) -> Said {
    if let Some(refused) = asked.unknown(&[]) {
        return refused;
    }
    let Some(dispatch) = state.dispatches.get_mut(id) else { return missing() };
    if !matches!(dispatch.status(now).0, "Received" | "Planning") {
        return invalid("The order cannot be cancelled in its current status.");
    }
    dispatch.cancelled_at = Some(now);
    if let Some(order) = dispatch.order.clone() {
        state.change(&order, now, |state, order| {
            for line in 0..order.lines.len() {
                state.take_off(order, line, i64::MAX);
            }
            order.cancelled = true;
        });
    }
    say(200, json!({}))
}
