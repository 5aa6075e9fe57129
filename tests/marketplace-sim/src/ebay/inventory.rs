//! The Sell Inventory API: items, groups, offers, and their quantities.

use http::Method;
use serde_json::{Map, Value, json};

use super::answer::{Answer, error};
use super::route::Asked;
use super::state::{Item, Spread, State};

const DOMAIN: &str = "API_INVENTORY";

pub(super) fn answer(state: &mut State, asked: &Asked<'_>, method: &Method, parts: &[&str]) -> Answer {
    match (method, parts) {
        (&Method::GET, ["inventory_item"]) => items(state, asked),
        (&Method::GET, ["location"]) => locations(state, asked),
        (&Method::GET, ["inventory_item", sku]) => match state.items.get(*sku) {
            Some(item) => Answer::ok(item_json(sku, item)),
            None => refuse(404, 25710, "We didn't find the entity you are requesting."),
        },
        (&Method::GET, ["inventory_item_group", key]) => group(state, key),
        (&Method::GET, ["offer"]) => offers(state, asked),
        (&Method::GET, ["offer", id]) => match state.items.iter().find(|(_, item)| item.offer_id == *id) {
            Some((sku, item)) => Answer::ok(offer_json(sku, item)),
            None => refuse(404, 25713, "This Offer is not available."),
        },
        (&Method::POST, ["bulk_get_inventory_item"]) => bulk_get(state, asked),
        (&Method::POST, ["bulk_update_price_quantity"]) => bulk_update(state, asked),
        _ => refuse(404, 25710, "We didn't find the resource you are requesting."),
    }
}

fn refuse(status: u16, id: i64, message: &str) -> Answer {
    Answer::refuse(status, id, DOMAIN, message)
}

/// Pages are counted, not records.
fn items(state: &State, asked: &Asked<'_>) -> Answer {
    let number =
        |name: &str, default: usize| asked.query(name).map_or(Some(default), |text| text.parse().ok());
    let (Some(limit @ 1..=200), Some(page)) = (number("limit", 25), number("offset", 0)) else {
        return refuse(400, 25706, "You have provided invalid pagination values.");
    };
    let mut all: Vec<(&String, &Item)> = state.items.iter().collect();
    all.sort_by_key(|(_, item)| item.number);
    let total = all.len();
    let shown: Vec<Value> =
        all.iter().skip(page * limit).take(limit).map(|(sku, item)| listed_json(sku, item)).collect();
    let address = |page: usize| format!("/sell/inventory/v1/inventory_item?limit={limit}&offset={page}");
    let mut body = json!({
        "href": address(page), "limit": limit, "size": total.div_ceil(limit), "total": total, "inventoryItems": shown,
    });
    if (page + 1) * limit < total {
        body["next"] = json!(address(page + 1));
    }
    if page > 0 {
        body["prev"] = json!(address(page - 1));
    }
    Answer::ok(body)
}

/// In the list an item has its groups under two names.
fn listed_json(sku: &str, item: &Item) -> Value {
    let mut body = item_json(sku, item);
    if let Some(group) = &item.group {
        body["groupIds"] = json!([group]);
    }
    body
}

fn item_json(sku: &str, item: &Item) -> Value {
    let aspects: Map<String, Value> =
        item.aspects.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
    let mut body = json!({
        "sku": sku, "locale": "de_DE", "condition": "NEW",
        "product": { "title": item.title, "aspects": aspects, "imageUrls": ["https://i.example/1.jpg"] },
    });
    if let Some(barcode) = &item.barcode {
        body["product"]["ean"] = json!([barcode]);
    }
    if let Some(quantity) = item.quantity {
        let mut available = json!({ "quantity": quantity });
        if !item.spread.is_empty() {
            available["availabilityDistributions"] = item.spread.iter().map(spread_json).collect();
        }
        body["availability"] = json!({ "shipToLocationAvailability": available });
    }
    if let Some(group) = &item.group {
        body["inventoryItemGroupKeys"] = json!([group]);
    }
    body
}

fn spread_json(at: &Spread) -> Value {
    let mut one = json!({ "merchantLocationKey": at.key, "quantity": at.quantity });
    if let Some(days) = at.days {
        one["fulfillmentTime"] = json!({ "unit": "BUSINESS_DAY", "value": days });
    }
    one
}

/// Here the offset counts records.
fn locations(state: &State, asked: &Asked<'_>) -> Answer {
    let number =
        |name: &str, default: usize| asked.query(name).map_or(Some(default), |text| text.parse().ok());
    let (Some(limit @ 1..=100), Some(offset)) = (number("limit", 100), number("offset", 0)) else {
        return refuse(400, 25706, "You have provided invalid pagination values.");
    };
    let one = |(key, enabled): &(String, bool)| {
        json!({
            "merchantLocationKey": key, "name": key, "locationTypes": ["WAREHOUSE"],
            "merchantLocationStatus": if *enabled { "ENABLED" } else { "DISABLED" },
            "location": { "locationId": format!("id-{key}"), "address": { "country": "DE", "postalCode": "10115" } },
        })
    };
    let address = |offset: usize| format!("/sell/inventory/v1/location?limit={limit}&offset={offset}");
    let shown: Vec<Value> = state.locations.iter().skip(offset).take(limit).map(one).collect();
    let mut body = json!({
        "href": address(offset), "limit": limit, "offset": offset, "total": state.locations.len(), "locations": shown,
    });
    if offset + limit < state.locations.len() {
        body["next"] = json!(address(offset + limit));
    }
    Answer::ok(body)
}

fn group(state: &State, key: &str) -> Answer {
    let Some(group) = state.groups.get(key) else {
        return refuse(
            404,
            25705,
            "The Inventory Item Group could not be found or is not available in the system.",
        );
    };
    let values = |name: &String| -> Vec<&String> {
        group.skus.iter().filter_map(|sku| state.items.get(sku)?.aspects.get(name)).collect()
    };
    let specifications: Vec<Value> =
        group.names.iter().map(|name| json!({ "name": name, "values": values(name) })).collect();
    Answer::ok(json!({
        "inventoryItemGroupKey": key, "title": group.title, "variantSKUs": group.skus,
        "variesBy": { "aspectsImageVariesBy": [], "specifications": specifications },
    }))
}

fn offers(state: &State, asked: &Asked<'_>) -> Answer {
    let Some(sku) = asked.query("sku") else {
        return refuse(400, 25709, "Invalid value for sku.");
    };
    let Some(item) = state.items.get(sku) else {
        return refuse(404, 25713, "This Offer is not available.");
    };
    Answer::ok(json!({
        "href": "/sell/inventory/v1/offer", "limit": 100, "size": 1, "total": 1, "offers": [offer_json(sku, item)],
    }))
}

fn offer_json(sku: &str, item: &Item) -> Value {
    let status = if item.shown() == Some(0) { "OUT_OF_STOCK" } else { "ACTIVE" };
    let mut body = json!({
        "offerId": item.offer_id, "sku": sku, "marketplaceId": item.marketplace, "format": "FIXED_PRICE",
        "listingDescription": item.title, "listingDuration": "GTC", "categoryId": "30120", "hideBuyerDetails": false,
        "includeCatalogProductDetails": true, "merchantLocationKey": "home",
        "pricingSummary": { "price": { "value": item.price, "currency": item.currency } },
        "status": "PUBLISHED",
        "listing": {
            "listingId": item.listing_id, "listingStatus": status, "listingOnHold": false, "soldQuantity": item.sold,
        },
    });
    if let Some(available) = item.available {
        body["availableQuantity"] = json!(available);
    }
    body
}

fn requests(asked: &Asked<'_>) -> Option<Vec<Value>> {
    asked.json()?.get("requests")?.as_array().cloned()
}

fn bulk_get(state: &State, asked: &Asked<'_>) -> Answer {
    let Some(requests) = requests(asked) else { return refuse(400, 25709, "Invalid request.") };
    if requests.len() > 25 {
        return refuse(400, 25727, "The number of InventoryItems in the request cannot exceed 25.");
    }
    let mut status = 200;
    let mut responses = Vec::new();
    for request in requests {
        let sku = request["sku"].as_str().unwrap_or_default();
        match state.items.get(sku) {
            Some(item) => responses.push(json!({
                "statusCode": 200, "sku": sku, "inventoryItem": item_json(sku, item), "errors": [], "warnings": [],
            })),
            None => {
                status = 207;
                let missing = error(25702, DOMAIN, "SKU is not available in the system");
                responses.push(json!({ "statusCode": 404, "sku": sku, "errors": [missing], "warnings": [] }));
            }
        }
    }
    Answer::json(status, json!({ "responses": responses }))
}

fn bulk_update(state: &mut State, asked: &Asked<'_>) -> Answer {
    let Some(requests) = requests(asked) else { return refuse(400, 25709, "Invalid request.") };
    if requests.is_empty() || requests.len() > asked.options.batch_max {
        return refuse(400, 25709, "Invalid value for requests.");
    }
    let mut responses = Vec::new();
    for request in &requests {
        responses.extend(update(state, asked, request));
    }
    let all_well = responses.iter().all(|response| response["statusCode"] == 200);
    Answer::json(if all_well { 200 } else { 207 }, json!({ "responses": responses }))
}

/// The answers about one item: for each of its offers, or for itself.
fn update(state: &mut State, asked: &Asked<'_>, request: &Value) -> Vec<Value> {
    let sku = request["sku"].as_str().unwrap_or_default().to_owned();
    let offers: Vec<&Value> = request["offers"].as_array().into_iter().flatten().collect();
    let refused = |status: u16, id: i64, message: &str| {
        let errors = json!([error(id, DOMAIN, message)]);
        vec![json!({ "statusCode": status, "sku": sku, "errors": errors, "warnings": [] })]
    };
    let Some(known) = state.items.get(&sku) else {
        return refused(404, 25702, "SKU is not available in the system");
    };
    if offers.iter().any(|offer| offer["offerId"] != known.offer_id.as_str()) {
        return refused(404, 25713, "This Offer is not available.");
    }
    let listing = known.listing_id.clone();
    let wanted = |value: &Value| value.as_i64().filter(|quantity| (0..=999_999_999).contains(quantity));
    let total = &request["shipToLocationAvailability"]["quantity"];
    let available: Vec<&Value> = offers.iter().map(|offer| &offer["availableQuantity"]).collect();
    if available.iter().chain([&total]).any(|value| !value.is_null() && wanted(value).is_none()) {
        return refused(400, 25709, "Invalid value for quantity.");
    }
    if !state.quota.may_revise(&listing, asked.now) {
        let message = "This listing has been revised 250 times today. It may be revised again tomorrow.";
        return refused(400, 25002, message);
    }
    let spread = request["shipToLocationAvailability"].get("availabilityDistributions");
    let spread: Vec<&Value> = spread.and_then(Value::as_array).into_iter().flatten().collect();
    let open = |at: &&Value| {
        let key = at["merchantLocationKey"].as_str().unwrap_or_default();
        wanted(&at["quantity"]).is_some()
            && state.locations.iter().any(|(known, enabled)| known == key && *enabled)
    };
    if !spread.iter().all(open) {
        return refused(400, 25709, "Invalid value for merchantLocationKey.");
    }
    let Some(item) = state.items.get_mut(&sku) else { return Vec::new() };
    if let Some(quantity) = wanted(total) {
        item.quantity = Some(quantity);
        // What is not said is gone: the container is replaced as a whole.
        item.spread = spread
            .iter()
            .map(|at| Spread {
                days: at["fulfillmentTime"]["value"].as_i64(),
                ..Spread::of(
                    at["merchantLocationKey"].as_str().unwrap_or_default(),
                    at["quantity"].as_i64().unwrap_or(0),
                )
            })
            .collect();
    }
    for value in available {
        if let Some(quantity) = wanted(value) {
            item.available = Some(quantity);
        }
    }
    if offers.is_empty() {
        return vec![json!({ "statusCode": 200, "sku": sku, "errors": [], "warnings": [] })];
    }
    let done = |offer: &&Value| json!({ "statusCode": 200, "sku": sku, "offerId": offer["offerId"], "errors": [], "warnings": [] });
    offers.iter().map(done).collect()
}
