//! Orders, version 2026-01-01, and the confirmation of shipments, still of version 0.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::answer::{Asked, Body, Said, invalid, missing, say};
use super::state::{Line, Order, State};
use crate::Shipped;

const INCLUDED: [&str; 11] = [
    "BUYER",
    "RECIPIENT",
    "PROCEEDS",
    "EXPENSE",
    "PROMOTION",
    "CANCELLATION",
    "FULFILLMENT",
    "PACKAGES",
    "TAX",
    "PAYMENT",
    "FULFILLMENT_ORDERS",
];
const STATUSES: [&str; 7] = [
    "PENDING_AVAILABILITY",
    "PENDING",
    "UNSHIPPED",
    "PARTIALLY_SHIPPED",
    "SHIPPED",
    "CANCELLED",
    "UNFULFILLABLE",
];
/// How far in the past the end of a period must be.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_mins(2);

pub(super) fn search(state: &State, asked: &Asked<'_>, now: Timestamp) -> Said {
    match try_search(state, asked, now) {
        Ok(said) | Err(said) => said,
    }
}

fn try_search(state: &State, asked: &Asked<'_>, now: Timestamp) -> Result<Said, Said> {
    let known = [
        "createdAfter",
        "createdBefore",
        "lastUpdatedAfter",
        "lastUpdatedBefore",
        "fulfillmentStatuses",
        "marketplaceIds",
        "fulfilledBy",
        "maxResultsPerPage",
        "paginationToken",
        "includedData",
    ];
    if let Some(refused) = asked.unknown(&known) {
        return Err(refused);
    }
    let time = |name: &str| match asked.get(name) {
        None => Ok(None),
        Some(text) => text.parse::<Timestamp>().map(Some).map_err(|_| invalid("not a date-time")),
    };
    let (created, changed) = (time("createdAfter")?, time("lastUpdatedAfter")?);
    if created.is_some() == changed.is_some() {
        return Err(invalid("exactly one of createdAfter and lastUpdatedAfter is needed"));
    }
    let (created_before, before) = (time("createdBefore")?, time("lastUpdatedBefore")?);
    if created.is_some() && before.is_some() || changed.is_some() && created_before.is_some() {
        return Err(invalid("a period is of creation or of change, not of both"));
    }
    let latest = now.checked_sub(SETTLED_AFTER).unwrap_or(now);
    if let (Some(from), Some(to)) = (created.or(changed), created_before.or(before))
        && (to > latest || to < from)
    {
        return Err(invalid("a period must end two minutes before the time of the request"));
    }
    let (statuses, senders) = (asked.list("fulfillmentStatuses"), asked.list("fulfilledBy"));
    if statuses.iter().any(|status| !STATUSES.contains(status))
        || senders.iter().any(|by| !["AMAZON", "MERCHANT"].contains(by))
    {
        return Err(invalid("fulfillmentStatuses or fulfilledBy"));
    }
    if asked.list("includedData").iter().any(|what| !INCLUDED.contains(what)) {
        return Err(invalid("includedData"));
    }
    let size: usize =
        asked.get("maxResultsPerPage").unwrap_or("100").parse().map_err(|_| invalid("maxResultsPerPage"))?;
    if !(1..=100).contains(&size) {
        return Err(invalid("maxResultsPerPage must be between 1 and 100"));
    }
    let marketplaces = asked.list("marketplaceIds");
    let from = match asked.get("paginationToken") {
        None => (i64::MIN, 0),
        Some(token) => read_token(token).ok_or_else(|| invalid("paginationToken"))?,
    };
    let key = |order: &Order| (order.updated_at.as_millisecond(), order.number);
    let mut found: Vec<_> = state
        .orders
        .iter()
        .filter(|(_, order)| {
            created.is_none_or(|after| order.created_at >= after)
                && created_before.is_none_or(|before| order.created_at <= before)
                && (statuses.is_empty() || statuses.contains(&order.status()))
                && (senders.is_empty() || senders.contains(&sender(order)))
                && changed.is_none_or(|after| order.updated_at >= after)
                && before.is_none_or(|before| order.updated_at <= before)
                && (marketplaces.is_empty() || marketplaces.contains(&order.marketplace.as_str()))
                && key(order) > from
        })
        .collect();
    found.sort_by_key(|(_, order)| key(order));
    let more = found.len() > size;
    found.truncate(size);
    let orders: Vec<Value> = found.iter().map(|(id, order)| shown(state, id, order, asked)).collect();
    let mut body = json!({ "orders": orders });
    if let (true, Some((_, last))) = (more, found.last()) {
        let (at, number) = key(last);
        body["pagination"] = json!({ "nextToken": format!("{at}~{number}") });
    }
    for (name, end) in [("lastUpdatedBefore", before), ("createdBefore", created_before)] {
        if let Some(end) = end {
            body[name] = end.to_string().into();
        }
    }
    Ok(say(200, body))
}

fn read_token(token: &str) -> Option<(i64, u64)> {
    let (at, number) = token.split_once('~')?;
    Some((at.parse().ok()?, number.parse().ok()?))
}

pub(super) fn get(state: &State, asked: &Asked<'_>, id: &str) -> Said {
    if let Some(refused) = asked.unknown(&["includedData"]) {
        return refused;
    }
    match state.orders.get(id) {
        Some(order) => say(200, json!({ "order": shown(state, id, order, asked) })),
        None => missing(),
    }
}

fn sender(order: &Order) -> &'static str {
    if order.by_amazon { "AMAZON" } else { "MERCHANT" }
}

fn money(state: &State, minor_of_price: &str, units: i64) -> Value {
    let price: rust_decimal::Decimal = minor_of_price.parse().expect("a price");
    let amount = price * rust_decimal::Decimal::from(units);
    json!({ "amount": amount.to_string(), "currencyCode": state.currency })
}

fn shown(state: &State, id: &str, order: &Order, asked: &Asked<'_>) -> Value {
    let status = order.status();
    let priced = !status.starts_with("PENDING");
    let mut body = json!({
        "orderId": id,
        "createdTime": order.created_at.to_string(),
        "lastUpdatedTime": order.updated_at.to_string(),
        "salesChannel": { "channelName": order.channel, "marketplaceId": order.marketplace },
        "orderItems": order.lines.iter().map(|line| item(state, line, priced, asked)).collect::<Vec<_>>(),
    });
    let fields = body.as_object_mut().expect("an object");
    let mut put = |what: &str, name: &str, value: Value| {
        if asked.includes(what) {
            fields.insert(name.to_owned(), value);
        }
    };
    put(
        "FULFILLMENT",
        "fulfillment",
        json!({
            "fulfillmentStatus": status, "fulfilledBy": sender(order), "fulfillmentServiceLevel": "STANDARD",
        }),
    );
    if priced {
        let total: rust_decimal::Decimal = order
            .lines
            .iter()
            .map(|line| {
                line.price.parse::<rust_decimal::Decimal>().expect("a price")
                    * rust_decimal::Decimal::from(line.wanted())
            })
            .sum();
        let total = json!({ "amount": total.to_string(), "currencyCode": state.currency });
        put("PROCEEDS", "proceeds", json!({ "grandTotal": total }));
        put(
            "BUYER",
            "buyer",
            json!({
                "buyerName": "Ada Buyer", "buyerEmail": format!("{}@marketplace.amazon.com", order.number),
            }),
        );
        put(
            "RECIPIENT",
            "recipient",
            json!({ "deliveryAddress": {
                "name": "Ada Buyer", "addressLine1": "1 Example Street", "city": "Springfield",
                "stateOrRegion": "IL", "postalCode": "62701", "countryCode": "US", "phone": "+1 555 0100",
            }}),
        );
    }
    let package = |(reference, shipped): (&String, &Shipped)| {
        let items: Vec<Value> = shipped
            .lines
            .iter()
            .map(|(line, units)| json!({ "orderItemId": line, "quantity": units }))
            .collect();
        json!({ "packageReferenceId": reference, "carrier": shipped.carrier, "trackingNumber": shipped.tracking_number, "packageItems": items })
    };
    put("PACKAGES", "packages", order.packages.iter().map(package).collect());
    body
}

fn item(state: &State, line: &Line, priced: bool, asked: &Asked<'_>) -> Value {
    let mut product =
        Map::from_iter([("sellerSku".to_owned(), json!(line.sku)), ("title".to_owned(), json!(line.title))]);
    if priced {
        product.insert("price".to_owned(), json!({ "unitPrice": money(state, &line.price, 1) }));
    }
    let mut body = json!({ "orderItemId": line.id, "quantityOrdered": line.ordered, "product": product });
    let fields = body.as_object_mut().expect("an object");
    if asked.includes("PROCEEDS") && priced {
        let total = money(state, &line.price, line.wanted());
        let breakdowns = json!([{ "type": "ITEM", "subtotal": total }]);
        fields.insert("proceeds".to_owned(), json!({ "proceedsTotal": total, "breakdowns": breakdowns }));
    }
    if asked.includes("FULFILLMENT") {
        let waiting = line.wanted() - line.shipped;
        fields.insert(
            "fulfillment".to_owned(),
            json!({ "quantityFulfilled": line.shipped, "quantityUnfulfilled": waiting }),
        );
    }
    if asked.includes("CANCELLATION") && line.cancelled > 0 {
        let execution = json!({ "cancelledBy": "MERCHANT", "cancelReason": "Out of stock" });
        fields.insert("cancellation".to_owned(), json!({ "cancellationExecution": execution }));
    }
    body
}

/// `POST /orders/v0/orders/{orderId}/shipmentConfirmation`: a package told again is edited.
pub(super) fn confirm(state: &mut State, asked: &Asked<'_>, id: &str, now: Timestamp) -> Said {
    let Some(body) = asked.json() else { return invalid("Could not parse the request body.") };
    let Some(order) = state.orders.get(id) else { return missing() };
    let package = &body["packageDetail"];
    let text = |name: &str| package[name].as_str().filter(|text| !text.is_empty());
    let reference =
        text("packageReferenceId").filter(|text| text.parse::<u32>().is_ok_and(|number| number > 0));
    let (Some(reference), Some(carrier), Some(tracking), Some(_)) = (
        reference,
        text("carrierCode"),
        text("trackingNumber"),
        text("shipDate").and_then(|text| text.parse::<Timestamp>().ok()),
    ) else {
        return invalid("Invalid Input");
    };
    if carrier == "Other" && text("carrierName").is_none()
        || body["marketplaceId"] != order.marketplace.as_str()
    {
        return invalid("Invalid Input");
    }
    if matches!(order.status(), "PENDING" | "CANCELLED") || order.by_amazon {
        return invalid("The order cannot be shipped.");
    }
    let mut lines = Vec::new();
    for item in package["orderItems"].as_array().into_iter().flatten() {
        let units = item["quantity"].as_u64().and_then(|units| u32::try_from(units).ok());
        let line = item["orderItemId"].as_str();
        let (Some(line), Some(units)) = (line, units) else { return invalid("Invalid Input") };
        let in_others: u32 = order
            .packages
            .iter()
            .filter(|(other, _)| *other != reference)
            .flat_map(|(_, shipped)| &shipped.lines)
            .filter(|(id, _)| id == line)
            .map(|(_, units)| units)
            .sum();
        let wanted = order.lines.iter().find(|one| one.id == line).map_or(0, Line::wanted);
        if units == 0 || i64::from(units) + i64::from(in_others) > wanted {
            return invalid("The quantity is more than is to be shipped.");
        }
        lines.push((line.to_owned(), units));
    }
    if lines.is_empty() {
        return invalid("Invalid Input");
    }
    let carrier = text("carrierName").unwrap_or(carrier).to_owned();
    let shipped = Shipped { carrier: Some(carrier), tracking_number: Some(tracking.to_owned()), lines };
    let reference = reference.to_owned();
    state.change(id, now, |_, order| {
        order.packages.insert(reference, shipped);
        let packages = order.packages.clone();
        for line in &mut order.lines {
            let in_packages = packages.values().flat_map(|package| &package.lines);
            line.shipped =
                in_packages.filter(|(id, _)| *id == line.id).map(|(_, units)| i64::from(*units)).sum();
        }
    });
    Said { status: http::StatusCode::NO_CONTENT, body: Body::Nothing }
}
