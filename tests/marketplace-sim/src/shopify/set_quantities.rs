//! `inventorySetQuantities`: absolute, compared if asked to, all or nothing, once for each key; and `inventoryActivate`,
//! without which a location does not keep the goods.

use apollo_compiler::resolvers::FieldError;
use serde_json::{Value, json};

use super::nodes::{Node, Slot, error, user_error};
use super::state::{State, Variant};

const ERROR: &str = "InventorySetQuantitiesUserError";

/// `key` is the directive's.
pub(super) fn set_quantities(
    state: &mut State,
    input: &Value,
    key: Option<&str>,
) -> Result<Node, FieldError> {
    let errors = once(state, input, key, apply)?;
    let errors = errors.as_array().into_iter().flatten().map(|entry| {
        let code = entry[0].as_str().unwrap_or_default();
        let message = entry[2].as_str().unwrap_or("The quantity was not set.");
        user_error(ERROR, code, entry[1].clone(), message)
    });
    Ok(Node::new("InventorySetQuantitiesPayload", vec![("userErrors", Slot::Many(errors.collect()))]))
}

/// What is done under a key is done once: the same again is answered as before, something else is refused.
fn once(
    state: &mut State,
    asked: &Value,
    key: Option<&str>,
    act: impl FnOnce(&mut State, &Value) -> Result<Value, FieldError>,
) -> Result<Value, FieldError> {
    let Some(key) = key.filter(|key| !key.trim().is_empty()) else {
        return Err(error("BAD_REQUEST", "The @idempotent directive is required for this mutation"));
    };
    match state.idempotency.get(key) {
        Some((before, _)) if before != asked => Ok(json!([["IDEMPOTENCY_KEY_PARAMETER_MISMATCH", null]])),
        Some((_, answered)) => Ok(answered.clone()),
        None => {
            let answer = act(state, asked)?;
            state.idempotency.insert(key.to_owned(), (asked.clone(), answer.clone()));
            Ok(answer)
        }
    }
}

/// From now on the location keeps the goods, with so many to begin with.
pub(super) fn activate(state: &mut State, asked: &Value, key: Option<&str>) -> Result<Node, FieldError> {
    let errors = once(state, asked, key, |state, asked| {
        Ok(match activated(state, asked) {
            Ok(()) => json!([]),
            Err((field, message)) => json!([["", [field], message]]),
        })
    })?;
    let errors = errors.as_array().into_iter().flatten().map(|entry| {
        let message = entry[2].as_str().unwrap_or("The key was used for something else.");
        user_error("UserError", "", entry[1].clone(), message)
    });
    Ok(Node::new("InventoryActivatePayload", vec![("userErrors", Slot::Many(errors.collect()))]))
}

fn activated(state: &mut State, asked: &Value) -> Result<(), (&'static str, &'static str)> {
    let location = number(&asked["locationId"], "Location").filter(|id| keeps_ours(state, *id));
    let location = location.ok_or(("locationId", "The location couldn't be found."))?;
    let item = number(&asked["inventoryItemId"], "InventoryItem");
    let variant = item.and_then(|id| state.variant_of_item(id));
    let variant =
        variant.ok_or(("inventoryItemId", "The product couldn't be stocked because it doesn't exist."))?;
    let available = asked["available"].as_i64();
    if variant.available.contains_key(&location) {
        let message =
            "Not allowed to set available quantity when the item is already active at the location.";
        return if available.is_some() { Err(("available", message)) } else { Ok(()) };
    }
    variant.available.insert(location, available.unwrap_or(0));
    Ok(())
}

/// Open, and not a fulfilment service's, which keeps its own numbers.
fn keeps_ours(state: &State, location: u64) -> bool {
    state.locations.get(&location).is_some_and(|location| location.active && !location.service)
}

fn number(gid: &Value, kind: &str) -> Option<u64> {
    gid.as_str()?.strip_prefix(&format!("gid://shopify/{kind}/"))?.parse().ok()
}

/// Each error is its code and the path of the input that caused it.
fn apply(state: &mut State, input: &Value) -> Result<Value, FieldError> {
    let mut errors = Vec::new();
    if !matches!(input["name"].as_str(), Some("available" | "on_hand")) {
        errors.push(json!(["INVALID_NAME", ["input", "name"]]));
    }
    if input["reason"] != "correction" {
        errors.push(json!(["INVALID_REASON", ["input", "reason"]]));
    }
    if input["referenceDocumentUri"].as_str().is_some_and(|uri| !uri.contains("://")) {
        errors.push(json!(["INVALID_REFERENCE_DOCUMENT", ["input", "referenceDocumentUri"]]));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut changes = Vec::new();
    for (position, entry) in input["quantities"].as_array().into_iter().flatten().enumerate() {
        let mut refuse = |code: &str, field: &str| {
            errors.push(json!([code, ["input", "quantities", position.to_string(), field]]));
        };
        if entry.get("changeFromQuantity").is_none() {
            return Err(error("BAD_REQUEST", "changeFromQuantity must be given, if only as null"));
        }
        let item = entry["inventoryItemId"].as_str().unwrap_or_default();
        let location = number(&entry["locationId"], "Location").filter(|id| keeps_ours(state, *id));
        let known = item.rsplit('/').next().and_then(|id| id.parse().ok());
        let known = known.and_then(|id: u64| Some((id, state.variant_of_item(id)?.clone())));
        let quantity = entry["quantity"].as_i64().unwrap_or_default();
        let stale =
            |available: i64| entry["changeFromQuantity"].as_i64().is_some_and(|from| from != available);
        match (location, known) {
            (None, _) => refuse("INVALID_LOCATION", "locationId"),
            _ if quantity < 0 => refuse("INVALID_QUANTITY_NEGATIVE", "quantity"),
            _ if quantity > 1_000_000_000 => refuse("INVALID_QUANTITY_TOO_HIGH", "quantity"),
            (Some(location), _) if !seen.insert((item.to_owned(), location)) => {
                refuse("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", "inventoryItemId");
            }
            (_, None) => refuse("INVALID_INVENTORY_ITEM", "inventoryItemId"),
            // Among Shopify's codes there is none for these.
            (_, Some((_, Variant { tracked: false, .. }))) => refuse("", "inventoryItemId"),
            (Some(location), Some((id, variant))) => match variant.available.get(&location) {
                None => {
                    let path = json!(["input", "quantities", position.to_string(), "locationId"]);
                    let message = "The specified inventory item is not stocked at the location.";
                    errors.push(json!(["", path, message]));
                }
                Some(available) if stale(*available) => {
                    refuse("CHANGE_FROM_QUANTITY_STALE", "changeFromQuantity");
                }
                Some(_) => changes.push((id, location, quantity)),
            },
        }
    }
    if errors.is_empty() {
        for (item, location, quantity) in changes {
            if let Some(variant) = state.variant_of_item(item) {
                variant.available.insert(location, quantity);
            }
        }
    }
    Ok(errors.into())
}
