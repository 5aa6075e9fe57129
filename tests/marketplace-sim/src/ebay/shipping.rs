//! Shipping fulfilments of an order.

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::orders::DOMAIN;
use super::route::Asked;
use super::state::{Shipment, State};

fn refuse(id: i64, message: &str) -> Answer {
    Answer::refuse(400, id, DOMAIN, message)
}

pub(super) fn answer(state: &mut State, asked: &Asked<'_>, method: &Method, order: &str) -> Answer {
    if !state.orders.contains_key(order) {
        return refuse(32100, "Invalid order ID");
    }
    match *method {
        Method::GET => list(state, order),
        Method::POST => create(state, asked, order),
        _ => Answer::refuse(405, 2003, "ACCESS", "Method not allowed"),
    }
}

fn list(state: &mut State, order: &str) -> Answer {
    let one = |shipment: &Shipment| {
        let lines: Vec<Value> =
            shipment.lines.iter().map(|(id, units)| json!({ "lineItemId": id, "quantity": units })).collect();
        let mut body = json!({
            "fulfillmentId": shipment.id, "lineItems": lines,
            "shippedDate": shipment.date.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        });
        if let (Some(carrier), Some(tracking)) = (&shipment.carrier, &shipment.tracking) {
            body["shippingCarrierCode"] = json!(carrier);
            body["shipmentTrackingNumber"] = json!(tracking);
        }
        body
    };
    let told: Vec<Value> = state.order(order).shipments.iter().map(one).collect();
    Answer::ok(json!({ "total": told.len(), "fulfillments": told }))
}

/// The tracking number becomes the fulfilment's id; without one eBay gives a number.
fn create(state: &mut State, asked: &Asked<'_>, id: &str) -> Answer {
    let Some(body) = asked.json() else { return refuse(32600, "Invalid input data") };
    let text = |field: &str| body[field].as_str().map(str::to_owned);
    let (carrier, tracking) = (text("shippingCarrierCode"), text("trackingNumber"));
    let plain = |number: &String| !number.is_empty() && number.bytes().all(|b| b.is_ascii_alphanumeric());
    if carrier.is_some() != tracking.is_some() || tracking.as_ref().is_some_and(|number| !plain(number)) {
        return refuse(32300, "Invalid shipment tracking number or carrier");
    }
    let date = match text("shippedDate").map(|text| text.parse::<Timestamp>()) {
        None => asked.now,
        Some(Ok(date)) => date,
        Some(Err(_)) => return refuse(32500, "Invalid shipped date"),
    };
    let number = state.number();
    let order = state.order(id);
    if order.cancelled.is_some() {
        return refuse(32600, "Invalid input data");
    }
    if tracking.is_some() && order.shipments.iter().any(|shipment| shipment.tracking == tracking) {
        return Answer::refuse(
            409,
            34500,
            DOMAIN,
            "Please use PUT operation for updating shipping fulfillment",
        );
    }
    let mut lines: Vec<(String, u32)> = Vec::new();
    for line in body["lineItems"].as_array().into_iter().flatten() {
        let line_id = line["lineItemId"].as_str().unwrap_or_default();
        let units = line["quantity"].as_u64().map_or(Some(1), |units| u32::try_from(units).ok());
        let Some(known) = order.lines.iter().find(|known| known.id == line_id) else {
            return refuse(32200, "Invalid line item id");
        };
        if lines.iter().any(|(other, _)| other == line_id) {
            return refuse(32210, "Duplicate line item in the request");
        }
        match units {
            Some(units) if units > 0 && known.shipped + units <= known.quantity => {
                lines.push((line_id.to_owned(), units));
            }
            _ => return refuse(32600, "Invalid input data"),
        }
    }
    for (line_id, units) in &lines {
        if let Some(line) = order.lines.iter_mut().find(|line| line.id == *line_id) {
            line.shipped += units;
        }
    }
    let fulfilment = tracking.clone().unwrap_or_else(|| format!("999{number}"));
    order.shipments.push(Shipment { id: fulfilment.clone(), carrier, tracking, date, lines });
    order.modified = asked.now;
    Answer::created(format!(
        "https://api.ebay.com/sell/fulfillment/v1/order/{id}/shipping_fulfillment/{fulfilment}"
    ))
}
