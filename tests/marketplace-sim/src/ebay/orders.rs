//! The Sell Fulfillment API: orders.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::answer::Answer;
use super::route::Asked;
use super::state::{Line, Order, State};

pub(super) const DOMAIN: &str = "API_FULFILLMENT";

fn refuse(id: i64, message: &str) -> Answer {
    Answer::refuse(400, id, DOMAIN, message)
}

pub(super) fn one(state: &State, id: &str) -> Answer {
    match state.orders.get(id) {
        Some(order) => Answer::ok(json_of(id, order)),
        None => Answer::refuse(404, 32100, DOMAIN, "Invalid order ID"),
    }
}

pub(super) fn list(state: &State, asked: &Asked<'_>) -> Answer {
    if let Some(ids) = asked.query("orderIds") {
        let ids: Vec<&str> = ids.split(',').collect();
        if ids.len() > 50 {
            return refuse(30900, "Exceeded maximum number of order IDs (the current limit is 50)");
        }
        let found: Vec<Value> =
            ids.iter().filter_map(|id| Some(json_of(id, state.orders.get(*id)?))).collect();
        return Answer::ok(json!({
            "href": "/sell/fulfillment/v1/order", "total": found.len(), "limit": 50, "offset": 0, "orders": found,
        }));
    }
    let limit = asked.query("limit").map_or(Some(50), |text| text.parse::<usize>().ok());
    let Some(limit @ 1..=200) = limit else { return refuse(31100, "Invalid limit") };
    let offset = asked.query("offset").map_or(Some(0), |text| text.parse::<usize>().ok());
    let Some(offset) = offset else { return refuse(31000, "Invalid offset") };
    let filter = match Filter::parse(asked.query("filter"), asked.now) {
        Ok(filter) => filter,
        Err(refusal) => return refusal,
    };
    let mut due: Vec<(&String, &Order)> =
        state.orders.iter().filter(|(_, order)| filter.holds(order)).collect();
    due.sort_by(|a, b| (b.1.created, b.0).cmp(&(a.1.created, a.0)));
    let total = due.len();
    let shown: Vec<Value> =
        due.into_iter().skip(offset).take(limit).map(|(id, order)| json_of(id, order)).collect();
    let address = |offset: usize| format!("/sell/fulfillment/v1/order?limit={limit}&offset={offset}");
    let mut body =
        json!({ "href": address(offset), "total": total, "limit": limit, "offset": offset, "orders": shown });
    if offset + limit < total {
        body["next"] = json!(address(offset + limit));
    }
    Answer::ok(body)
}

/// Which orders are asked for: without a period, those of the last 90 days.
struct Filter<'a> {
    span: Span,
    /// Of shipping; any where empty.
    progress: Vec<&'a str>,
}

impl<'a> Filter<'a> {
    fn parse(text: Option<&'a str>, now: Timestamp) -> Result<Self, Answer> {
        let (mut asked_span, mut progress) = (None, Vec::new());
        for part in text.into_iter().flat_map(|text| text.split(',')) {
            let Some(value) = part.strip_prefix("orderfulfillmentstatus:") else {
                let period = span(part, now)?;
                // Of two periods, that of creation counts.
                asked_span = asked_span.filter(|earlier: &Span| earlier.by_creation).or(Some(period));
                continue;
            };
            let inner = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            progress = inner.map(|inner| inner.split('|').collect()).unwrap_or_default();
            let known = |wanted: &[&str]| {
                progress.len() == wanted.len() && wanted.iter().all(|one| progress.contains(one))
            };
            if !known(&["NOT_STARTED", "IN_PROGRESS"]) && !known(&["FULFILLED", "IN_PROGRESS"]) {
                return Err(refuse(30800, "Invalid filter value"));
            }
        }
        let from = now.checked_sub(jiff::SignedDuration::from_hours(24 * 90)).unwrap_or(now);
        let span = asked_span.unwrap_or(Span { by_creation: true, from, to: None });
        Ok(Self { span, progress })
    }

    fn holds(&self, order: &Order) -> bool {
        let shipping = order.forced.get("orderFulfillmentStatus").map_or(shipping(order), String::as_str);
        self.span.holds(order) && (self.progress.is_empty() || self.progress.contains(&shipping))
    }
}

struct Span {
    by_creation: bool,
    from: Timestamp,
    to: Option<Timestamp>,
}

impl Span {
    /// Both ends are in it.
    fn holds(&self, order: &Order) -> bool {
        let at = if self.by_creation { order.created } else { order.modified };
        // eBay's times have milliseconds.
        let at = at.as_millisecond();
        at >= self.from.as_millisecond() && self.to.is_none_or(|to| at <= to.as_millisecond())
    }
}

fn span(filter: &str, now: Timestamp) -> Result<Span, Answer> {
    let (name, value) = filter.split_once(':').ok_or_else(|| refuse(30700, "Invalid filter name"))?;
    let by_creation = match name {
        "lastmodifieddate" => false,
        "creationdate" => true,
        _ => return Err(refuse(30700, "Invalid filter name")),
    };
    let ends = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let (from, to) =
        ends.and_then(|ends| ends.split_once("..")).ok_or_else(|| refuse(30800, "Invalid filter value"))?;
    if from.is_empty() {
        return Err(refuse(30820, "Start date is missing"));
    }
    let parse = |text: &str| text.parse::<Timestamp>().map_err(|_| refuse(30810, "Invalid date format"));
    let from = parse(from)?;
    let to = if to.is_empty() { None } else { Some(parse(to)?) };
    let end = to.unwrap_or(now);
    if from.as_millisecond() > now.as_millisecond() || end.as_millisecond() > now.as_millisecond() {
        return Err(refuse(30850, "Start and end dates can't be in the future"));
    }
    if from > end {
        return Err(refuse(30840, "Start date should be before end date"));
    }
    if end.duration_since(from).as_hours() > 2 * 366 * 24 {
        return Err(refuse(30830, "Time range between start date and end date must be within '2' years."));
    }
    Ok(Span { by_creation, from, to })
}

fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn json_of(id: &str, order: &Order) -> Value {
    let amount = |value: Decimal| json!({ "value": value.to_string(), "currency": order.currency });
    let total: Decimal = order.lines.iter().map(Line::cost).sum();
    let refunded: Decimal = order.lines.iter().map(Line::refunded).sum();
    let paying = match refunded {
        _ if !order.paid => "PENDING",
        none if none.is_zero() => "PAID",
        all if all >= total => "FULLY_REFUNDED",
        _ => "PARTIALLY_REFUNDED",
    };
    let mut cancel = json!({ "cancelState": "NONE_REQUESTED", "cancelRequests": [] });
    if let Some(at) = order.cancelled {
        cancel = json!({ "cancelState": "CANCELED", "cancelledDate": written(at), "cancelRequests": [] });
    }
    let forced =
        |field: &'static str, own: &str| order.forced.get(field).map_or(own, String::as_str).to_owned();
    if let Some(state) = order.forced.get("cancelState") {
        cancel["cancelState"] = json!(state);
    }
    let address = json!({
        "fullName": "Beate Beispiel", "email": "beate@example.com",
        "primaryPhone": { "phoneNumber": "0301234567" },
        "contactAddress": {
            "addressLine1": "Musterweg 1", "city": "Berlin", "postalCode": "10115", "countryCode": "DE",
        },
    });
    let payment = json!({
        "paymentMethod": "EBAY", "paymentReferenceId": format!("P-{id}"), "paymentDate": written(order.created),
        "amount": amount(total), "paymentStatus": if order.paid { "PAID" } else { "PENDING" },
    });
    let lines: Vec<Value> = order.lines.iter().map(|line| line_json(line, order)).collect();
    json!({
        "orderId": id, "salesRecordReference": id.replace('-', ""), "sellerId": super::tokens::USERNAME,
        "creationDate": written(order.created), "lastModifiedDate": written(order.modified),
        "orderFulfillmentStatus": forced("orderFulfillmentStatus", shipping(order)),
        "orderPaymentStatus": forced("orderPaymentStatus", paying),
        "cancelStatus": cancel,
        "buyer": { "username": "b***e", "buyerRegistrationAddress": address },
        "pricingSummary": {
            "priceSubtotal": amount(total), "deliveryCost": amount(Decimal::ZERO), "total": amount(total),
        },
        "paymentSummary": { "totalDueSeller": amount(total), "payments": [payment], "refunds": [] },
        "fulfillmentStartInstructions": [{
            "fulfillmentInstructionsType": "SHIP_TO",
            "shippingStep": { "shipTo": address, "shippingCarrierCode": "DHL", "shippingServiceCode": "DE_DHLPaket" },
        }],
        "fulfillmentHrefs": order.shipments.iter().map(|shipment| {
            format!("https://api.ebay.com/sell/fulfillment/v1/order/{id}/shipping_fulfillment/{}", shipment.id)
        }).collect::<Vec<_>>(),
        "lineItems": lines,
    })
}

fn shipping(order: &Order) -> &'static str {
    let units = |of: fn(&Line) -> u32| order.lines.iter().map(of).sum::<u32>();
    progress(units(|line| line.shipped), units(|line| line.quantity))
}

fn progress(shipped: u32, all: u32) -> &'static str {
    match shipped {
        0 => "NOT_STARTED",
        part if part < all => "IN_PROGRESS",
        _ => "FULFILLED",
    }
}

fn line_json(line: &Line, order: &Order) -> Value {
    let amount = |value: Decimal| json!({ "value": value.to_string(), "currency": order.currency });
    let refunds: Vec<Value> = line
        .refunds
        .iter()
        .map(
            |(id, value, at)| json!({ "refundId": id, "refundDate": written(*at), "amount": amount(*value) }),
        )
        .collect();
    let mut body = json!({
        "lineItemId": line.id, "legacyItemId": line.listing_id, "sku": line.sku, "title": line.title,
        "quantity": line.quantity, "soldFormat": "FIXED_PRICE", "listingMarketplaceId": line.marketplace,
        "purchaseMarketplaceId": line.marketplace, "lineItemCost": amount(line.cost()), "total": amount(line.cost()),
        "deliveryCost": { "shippingCost": amount(Decimal::ZERO) }, "appliedPromotions": [], "taxes": [],
        "lineItemFulfillmentStatus": progress(line.shipped, line.quantity), "refunds": refunds,
    });
    if line.variation {
        body["legacyVariationId"] = json!(format!("55{}", line.id));
    }
    body
}
