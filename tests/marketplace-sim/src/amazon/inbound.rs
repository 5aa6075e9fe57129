//! The seller's shipments to Amazon (Fulfillment Inbound, version 2024-03-20), as far as they are read. They are made in
//! Seller Central: nothing of this API makes one here.

use serde_json::{Value, json};

use super::answer::{Asked, Said, refuse, say};
use super::state::State;

const ID_LENGTH: usize = 38;
const PAGE_DEFAULT: usize = 10;
const PAGE_MAX: usize = 1_000;

#[derive(Debug, Clone)]
pub(super) struct Shipment {
    plan: String,
    /// In Amazon's words.
    pub status: String,
    confirmation: String,
    number: u64,
    /// By SKU, as they were planned.
    items: Vec<(String, i64)>,
}

/// Amazon's way of writing ids: two letters of the kind, and a UUID.
fn id(kind: &str, number: u64) -> String {
    format!("{kind}{number:08x}-0000-4000-8000-{number:012x}")
}

pub(super) fn plan(state: &mut State, units: &[(&str, i64)]) -> (String, String) {
    let number = state.id();
    let (plan, shipment) = (id("wf", number), id("sh", number));
    let items = units.iter().map(|(sku, units)| ((*sku).to_owned(), *units)).collect();
    let (status, confirmation) = ("WORKING".to_owned(), format!("FBA{number:09}"));
    let made = Shipment { plan: plan.clone(), status, confirmation, number, items };
    state.inbound_shipments.insert(shipment.clone(), made);
    (plan, shipment)
}

fn bad(message: &str) -> Said {
    refuse(400, "BadRequest", message)
}

fn find<'s>(state: &'s State, plan: &str, shipment: &str) -> Result<&'s Shipment, Said> {
    for id in [plan, shipment] {
        if id.len() != ID_LENGTH || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(bad("An id is not of the documented form."));
        }
    }
    if !state.inbound_shipments.values().any(|one| one.plan == plan) {
        return Err(bad("The requested inbound plan does not exist."));
    }
    let found = state.inbound_shipments.get(shipment).filter(|one| one.plan == plan);
    found.ok_or_else(|| bad("The requested shipment does not exist for the provided inbound plan."))
}

/// `GET /inbound/fba/2024-03-20/inboundPlans/{inboundPlanId}/shipments/{shipmentId}`.
pub(super) fn get(state: &State, asked: &Asked<'_>, plan: &str, shipment: &str) -> Said {
    if let Some(refused) = asked.unknown(&[]) {
        return refused;
    }
    let found = match find(state, plan, shipment) {
        Ok(found) => found,
        Err(refused) => return refused,
    };
    let address = json!({
        "name": "Seller", "addressLine1": "1 Warehouse Way", "city": "Springfield",
        "stateOrProvinceCode": "IL", "postalCode": "62701", "countryCode": "US",
    });
    say(
        200,
        json!({
            "shipmentId": shipment, "placementOptionId": id("pl", found.number),
            "shipmentConfirmationId": found.confirmation, "name": format!("Shipment {}", found.number),
            "status": found.status,
            "source": { "sourceType": "SELLER_FACILITY", "address": address },
            "destination": { "destinationType": "AMAZON_WAREHOUSE", "warehouseId": "PHX7" },
        }),
    )
}

/// `GET /inbound/fba/2024-03-20/inboundPlans/{inboundPlanId}/shipments/{shipmentId}/items`.
pub(super) fn items(state: &State, asked: &Asked<'_>, plan: &str, shipment: &str) -> Said {
    if let Some(refused) = asked.unknown(&["pageSize", "paginationToken"]) {
        return refused;
    }
    let found = match find(state, plan, shipment) {
        Ok(found) => found,
        Err(refused) => return refused,
    };
    let size = asked.get("pageSize").map_or(Some(PAGE_DEFAULT), |text| text.parse().ok());
    let Some(size) = size.filter(|size| (1..=PAGE_MAX).contains(size)) else { return bad("pageSize") };
    // A token says behind how many.
    let from =
        asked.get("paginationToken").map_or(Some(0), |token| token.strip_prefix("after-")?.parse().ok());
    let Some(from) = from.filter(|from| *from <= found.items.len()) else { return bad("paginationToken") };
    let to = found.items.len().min(from + size);
    let item = |(n, (sku, units)): (usize, &(String, i64))| {
        json!({
            "asin": format!("B{n:09}"), "fnsku": format!("X{n:09}"), "msku": sku, "quantity": units,
            "labelOwner": "SELLER", "prepInstructions": [{ "prepOwner": "SELLER", "prepType": "ITEM_NO_PREP" }],
        })
    };
    let page: Vec<Value> = found.items.iter().enumerate().skip(from).take(size).map(item).collect();
    let mut body = json!({ "items": page });
    if to < found.items.len() {
        body["pagination"] = json!({ "nextToken": format!("after-{to}") });
    }
    say(200, body)
}
