//! `inventorySetQuantities`: absolute, compared if asked to, all or nothing, once for each key.

use apollo_compiler::resolvers::FieldError;
use serde_json::{Value, json};

use super::nodes::{Node, Slot, error, gid, user_error};
use super::resolve::LOCATION;
use super::state::State;

const ERROR: &str = "InventorySetQuantitiesUserError";

/// `key` is the directive's.
pub(super) fn set_quantities(
    state: &mut State,
    input: &Value,
    key: Option<&str>,
) -> Result<Node, FieldError> {
    let Some(key) = key.filter(|key| !key.trim().is_empty()) else {
        return Err(error("BAD_REQUEST", "The @idempotent directive is required for this mutation"));
    };
    let errors = match state.idempotency.get(key) {
        Some((asked, _)) if asked != input => {
            json!([["IDEMPOTENCY_KEY_PARAMETER_MISMATCH", null]])
        }
        Some((_, answered)) => answered.clone(),
        None => {
            let errors = apply(state, input)?;
            state.idempotency.insert(key.to_owned(), (input.clone(), errors.clone()));
            errors
        }
    };
    let errors = errors.as_array().into_iter().flatten().map(|entry| {
        let code = entry[0].as_str().unwrap_or_default();
        user_error(ERROR, code, entry[1].clone(), "The quantity was not set.")
    });
    Ok(Node::new("InventorySetQuantitiesPayload", vec![("userErrors", Slot::Many(errors.collect()))]))
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
        let known = item.rsplit('/').next().and_then(|id| id.parse().ok()).and_then(|id| {
            let variant = state.variant_of_item(id)?;
            Some((id, variant.available, variant.tracked))
        });
        let quantity = entry["quantity"].as_i64().unwrap_or_default();
        if entry["locationId"].as_str() != Some(&gid("Location", LOCATION)) {
            refuse("INVALID_LOCATION", "locationId");
        } else if quantity < 0 {
            refuse("INVALID_QUANTITY_NEGATIVE", "quantity");
        } else if quantity > 1_000_000_000 {
            refuse("INVALID_QUANTITY_TOO_HIGH", "quantity");
        } else if !seen.insert(item.to_owned()) {
            refuse("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", "inventoryItemId");
        } else {
            match known {
                None => refuse("INVALID_INVENTORY_ITEM", "inventoryItemId"),
                // Among Shopify's codes there is none for it.
                Some((_, _, false)) => refuse("", "inventoryItemId"),
                Some((_, available, _))
                    if entry["changeFromQuantity"].as_i64().is_some_and(|from| from != available) =>
                {
                    refuse("CHANGE_FROM_QUANTITY_STALE", "changeFromQuantity");
                }
                Some((id, _, _)) => changes.push((id, quantity)),
            }
        }
    }
    if errors.is_empty() {
        for (item, quantity) in changes {
            if let Some(variant) = state.variant_of_item(item) {
                variant.available = quantity;
            }
        }
    }
    Ok(errors.into())
}
