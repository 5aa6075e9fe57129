//! The shop's own locations: which there are, where an order is shipped from, and goods that a location does not keep yet.

use std::collections::BTreeMap;

use domain::ChannelLocationId;
use serde::Serialize;
use serde_json::json;

use super::wire::{
    ActivateData, AssignedNode, FulfillmentOrderPlace, LocationsData, NodesData, excerpt, gid, number_of,
};
use super::{Operation, Terms};
use crate::{ChannelError, ChannelLocation, ErrorKind, Shop, StockOutcome};

/// 250 points and 2 for the connection.
pub(super) static LOCATIONS: Operation =
    Operation { name: "list locations", document: include_str!("queries/locations.graphql"), cost: 252 };

/// 10 × 33 points: an order, and ten fulfilment orders of 3.
pub(super) static ASSIGNED: Operation = Operation {
    name: "fetch where orders are shipped from",
    document: include_str!("queries/orders_assigned.graphql"),
    cost: 330,
};

/// A mutation is 10 points; each is of one inventory item at one location.
pub(super) static ACTIVATE: Operation = Operation {
    name: "stock goods at a location",
    document: include_str!("queries/stock_activate.graphql"),
    cost: 10,
};

/// The active ones; a fulfilment service's stock is not ours to set.
pub(super) async fn list(shop: &Shop<'_>) -> Result<Vec<ChannelLocation>, ChannelError> {
    let data: LocationsData = LOCATIONS.call(shop, &json!({})).await?;
    let ours = data.locations.nodes.into_iter().filter(|node| node.is_active && !node.is_fulfillment_service);
    let named = ours.filter_map(|node| Some(ChannelLocation { id: id_of(&node.id)?, name: node.name }));
    Ok(named.collect())
}

fn id_of(gid: &str) -> Option<ChannelLocationId> {
    number_of(gid)?.parse().ok()
}

/// By the order's number. Of an order that is split over locations the first that is still to ship decides, else the first
/// that shipped.
pub(super) async fn assigned(
    shop: &Shop<'_>,
    orders: &[String],
) -> Result<BTreeMap<String, ChannelLocationId>, ChannelError> {
    let ids: Vec<String> = orders.iter().map(|order| gid("Order", order)).collect();
    let data: NodesData = ASSIGNED.call(shop, &json!({ "ids": ids })).await?;
    let mut assigned = BTreeMap::new();
    for node in data.nodes.into_iter().flatten() {
        // A number that is no order's comes back without fields.
        let Ok(AssignedNode { id, fulfillment_orders }) = serde_json::from_value(node) else { continue };
        if let (Some(order), Some(at)) = (number_of(&id), deciding(&fulfillment_orders.nodes)) {
            assigned.insert(order, at);
        }
    }
    Ok(assigned)
}

fn deciding(places: &[FulfillmentOrderPlace]) -> Option<ChannelLocationId> {
    let rank = |place: &&FulfillmentOrderPlace| match place.status.as_str() {
        "OPEN" | "IN_PROGRESS" | "ON_HOLD" | "SCHEDULED" => 0,
        _ => 1,
    };
    let live = places.iter().filter(|place| place.status != "CANCELLED");
    let location = live.min_by_key(rank)?.assigned_location.location.as_ref()?;
    id_of(&location.id)
}

/// An inventory item that a location is to keep from now on, with its first number there.
pub(super) struct Activation<'a> {
    pub item: &'a str,
    pub location: &'a ChannelLocationId,
    pub available: u32,
}

#[derive(Serialize)]
struct ActivateVariables {
    item: String,
    location: String,
    available: u32,
    key: String,
}

/// Within what [`admit`] let through. `key` is of this item and location alone.
pub(super) async fn activate(
    shop: &Shop<'_>,
    key: String,
    activation: &Activation<'_>,
) -> Result<StockOutcome, ChannelError> {
    let variables = ActivateVariables {
        item: gid("InventoryItem", activation.item),
        location: gid("Location", activation.location.as_str()),
        available: activation.available,
        key,
    };
    let terms = Terms { admitted: true, ..Terms::default() };
    let data: ActivateData = ACTIVATE.call_on(shop, &variables, terms).await?;
    let payload = data.inventory_activate.ok_or_else(|| {
        ChannelError::new(ErrorKind::Malformed, ACTIVATE.name, "the answer says nothing of the mutation")
    })?;
    Ok(match payload.user_errors.first() {
        None => StockOutcome::Accepted,
        Some(error) => StockOutcome::Rejected {
            code: "not_stocked_at_location",
            reason: format!("Shopify does not keep it at the location: {}", excerpt(&error.message)),
        },
    })
}

/// Room for all calls of a batch at once: one that is put off half way would be made from its beginning again.
pub(super) fn admit(shop: &Shop<'_>, points: u32) -> Result<(), ChannelError> {
    shop.pace.admit(points, shop.now).map_err(|wait| {
        let detail = "waits for the shop's cost bucket";
        ChannelError::new(ErrorKind::Throttled, ACTIVATE.name, detail).after(wait)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_to_ship_says_where_an_order_is_taken_from() {
        type Case = (&'static [(&'static str, Option<&'static str>)], Option<&'static str>);
        let table: [Case; 6] = [
            (&[("OPEN", Some("5"))], Some("5")),
            (&[("CLOSED", Some("5")), ("OPEN", Some("6"))], Some("6")),
            (&[("CANCELLED", Some("5")), ("CLOSED", Some("6"))], Some("6")),
            (&[("SCHEDULED", Some("7")), ("OPEN", Some("6"))], Some("7")),
            (&[("OPEN", None)], None),
            (&[], None),
        ];
        for (places, expected) in table {
            let node = |(status, location): &(&str, Option<&str>)| {
                let location =
                    location.map(|number| json!({ "id": format!("gid://shopify/Location/{number}") }));
                serde_json::from_value::<FulfillmentOrderPlace>(
                    json!({ "status": status, "assignedLocation": { "location": location } }),
                )
                .unwrap()
            };
            let nodes: Vec<_> = places.iter().map(node).collect();
            assert_eq!(deciding(&nodes).as_ref().map(ChannelLocationId::as_str), expected, "{places:?}");
        }
    }
}
