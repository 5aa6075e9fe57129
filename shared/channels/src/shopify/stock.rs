//! Stock: setting and reading the available quantity at the connection's location.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest;
use serde::Serialize;
use serde_json::json;

use super::Operation;
use super::auth::LOCATION_ID;
use super::error::printable;
use super::wire::{NodesData, StockNode, StockSetData, UserError, gid, number_of};
use crate::{ChannelError, ErrorKind, Shop, StockBatch, StockOutcome, StockTarget};

/// Quantities of one mutation, and ids of one question: Shopify's limit for an array of input.
pub(super) const BATCH: u32 = 250;
const BATCH_LEN: usize = 250;

/// 250 × 3 points.
pub(super) static READ: Operation =
    Operation { name: "read stock", document: include_str!("queries/stock_read.graphql"), cost: 750 };
/// A mutation is 10 points, whatever it carries.
pub(super) static SET: Operation =
    Operation { name: "set stock", document: include_str!("queries/stock_set.graphql"), cost: 10 };

/// Of two targets for one listing the later counts. Two listings may share an inventory item, which a call may name
/// once only: they go into different calls.
pub(super) fn plan(targets: Vec<StockTarget>) -> Vec<StockBatch> {
    let mut last = BTreeMap::new();
    for (position, target) in targets.iter().enumerate() {
        last.insert(target.listing.clone(), position);
    }
    let kept: BTreeSet<usize> = last.into_values().collect();
    let mut batches: Vec<(BTreeSet<String>, StockBatch)> = Vec::new();
    for (_, target) in targets.into_iter().enumerate().filter(|(position, _)| kept.contains(position)) {
        let item = target.stock_ref.clone();
        let free = batches.iter_mut().find(|(items, batch)| {
            batch.targets.len() < BATCH_LEN && item.as_ref().is_none_or(|item| !items.contains(item))
        });
        match free {
            Some((items, batch)) => {
                items.extend(item);
                batch.targets.push(target);
            }
            None => {
                let batch = StockBatch { group: None, targets: vec![target] };
                batches.push((item.into_iter().collect(), batch));
            }
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Variables {
    key: String,
    input: SetInput,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SetInput {
    name: &'static str,
    reason: &'static str,
    reference_document_uri: String,
    quantities: Vec<QuantityInput>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QuantityInput {
    inventory_item_id: String,
    location_id: String,
    quantity: u32,
    /// Always sent: `null` says not to compare, and leaving it out is an error.
    change_from_quantity: Option<i64>,
}

pub(super) async fn push(
    shop: &Shop<'_>,
    key: &str,
    batch: &StockBatch,
) -> Result<Vec<StockOutcome>, ChannelError> {
    let location = location(shop, SET.name)?;
    let mut outcomes: Vec<Option<StockOutcome>> = Vec::with_capacity(batch.targets.len());
    let mut sent = Vec::new();
    for (position, target) in batch.targets.iter().enumerate() {
        match &target.stock_ref {
            Some(item) => {
                sent.push((position, target, item));
                outcomes.push(None);
            }
            None => outcomes.push(Some(StockOutcome::Rejected {
                code: "no_inventory_item",
                reason: "Fetch the listings again: Shopify's inventory item of this one is not known."
                    .to_owned(),
            })),
        }
    }
    let quantities = sent
        .iter()
        .map(|(_, target, item)| QuantityInput {
            inventory_item_id: gid("InventoryItem", item),
            location_id: location.clone(),
            quantity: target.quantity.get(),
            change_from_quantity: target.expected,
        })
        .collect();
    if !sent.is_empty() {
        let key = uuid_of(key);
        let reference_document_uri = format!("gid://masterstock/StockPush/{key}");
        let input = SetInput { name: "available", reason: "correction", reference_document_uri, quantities };
        let data: StockSetData = SET.call(shop, &Variables { key, input }).await?;
        let payload = data.inventory_set_quantities.ok_or_else(|| {
            ChannelError::new(ErrorKind::Malformed, SET.name, "the answer says nothing of the mutation")
        })?;
        let compared: Vec<bool> = sent.iter().map(|(_, target, _)| target.expected.is_some()).collect();
        let told = read_errors(&payload.user_errors, &compared)?;
        for ((position, _, _), outcome) in sent.iter().zip(told) {
            if let Some(slot) = outcomes.get_mut(*position) {
                *slot = Some(outcome);
            }
        }
    }
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(not_applied)).collect())
}

/// What `userErrors` say of each quantity sent. One error undoes the whole call, so whoever is not named by one was not
/// served either.
fn read_errors(errors: &[UserError], compared: &[bool]) -> Result<Vec<StockOutcome>, ChannelError> {
    if errors.is_empty() {
        return Ok(vec![StockOutcome::Accepted; compared.len()]);
    }
    let mut outcomes: Vec<Option<StockOutcome>> = vec![None; compared.len()];
    for error in errors {
        let code = error.code.as_deref().unwrap_or_default();
        if code == "IDEMPOTENCY_CONCURRENT_REQUEST" {
            // The first try is still at work: the same key may be tried again, and then tells its outcome.
            return Err(ChannelError::new(
                ErrorKind::Unavailable,
                SET.name,
                "the first try is still being worked on",
            ));
        }
        let outcome = outcome(code);
        match position(error) {
            Some(position) => {
                if let Some(slot) = outcomes.get_mut(position) {
                    *slot = Some(outcome);
                }
            }
            None => {
                let stale = matches!(outcome, StockOutcome::Stale { .. });
                for (slot, compared) in outcomes.iter_mut().zip(compared) {
                    if slot.is_none() && (!stale || *compared) {
                        *slot = Some(outcome.clone());
                    }
                }
            }
        }
    }
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(not_applied)).collect())
}

/// `["input", "quantities", "3", "changeFromQuantity"]` is about the fourth quantity.
fn position(error: &UserError) -> Option<usize> {
    let mut path = error.field.as_deref()?.iter();
    path.find(|part| part.as_str() == "quantities")?;
    path.next()?.parse().ok()
}

fn outcome(code: &str) -> StockOutcome {
    let rejected = |code, reason: &str| StockOutcome::Rejected { code, reason: reason.to_owned() };
    let failed = |code, reason: &str| StockOutcome::Failed { code, reason: reason.to_owned() };
    match code {
        "CHANGE_FROM_QUANTITY_STALE" | "COMPARE_QUANTITY_STALE" => StockOutcome::Stale { observed: None },
        "INVALID_INVENTORY_ITEM" => rejected(
            "invalid_inventory_item",
            "Shopify no longer has this inventory item. Fetch the listings again.",
        ),
        "NON_MUTABLE_INVENTORY_ITEM" => rejected(
            "non_mutable_inventory_item",
            "Shopify computes this stock itself, as it does for bundles.",
        ),
        "INVALID_LOCATION" => {
            rejected("invalid_location", "Shopify no longer has the location. Connect the shop again.")
        }
        "INVALID_QUANTITY_NEGATIVE" | "INVALID_QUANTITY_TOO_HIGH" | "INVALID_QUANTITY_TOO_LOW" => {
            rejected("invalid_quantity", "Shopify does not take this quantity.")
        }
        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH" | "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED" => {
            failed("previous_attempt_failed", "An earlier try under the same key came to nothing.")
        }
        other => StockOutcome::Rejected {
            code: "channel_rejected",
            reason: format!("Shopify refused the quantity: {}.", printable(other)),
        },
    }
}

fn not_applied() -> StockOutcome {
    StockOutcome::Failed {
        code: "batch_not_applied",
        reason: "Another quantity of the same call was refused, and with it the whole call.".to_owned(),
    }
}

/// Shopify's idempotency keys are UUIDs: one made of the key's digest (RFC 9562, version 8).
fn uuid_of(key: &str) -> String {
    let digest = digest::digest(&digest::SHA256, key.as_bytes());
    let mut hex = String::with_capacity(36);
    for (position, byte) in digest.as_ref().iter().take(16).enumerate() {
        let byte = match position {
            6 => byte & 0x0f | 0x80,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        if matches!(position, 4 | 6 | 8 | 10) {
            hex.push('-');
        }
        hex.push_str(&format!("{byte:02x}"));
    }
    hex
}

pub(super) async fn read(shop: &Shop<'_>, targets: &[StockTarget]) -> Result<Vec<Option<i64>>, ChannelError> {
    let location = location(shop, READ.name)?;
    let items: Vec<&String> = targets.iter().filter_map(|target| target.stock_ref.as_ref()).collect();
    let mut available = BTreeMap::<String, i64>::new();
    for chunk in items.chunks(BATCH_LEN) {
        let ids: Vec<String> = chunk.iter().map(|item| gid("InventoryItem", item)).collect();
        let data: NodesData = READ.call(shop, &json!({ "ids": ids, "locationId": location })).await?;
        for node in data.nodes.into_iter().flatten() {
            // A number that is no inventory item's comes back without fields.
            let Ok(node) = serde_json::from_value::<StockNode>(node) else { continue };
            let shown = node.inventory_level.filter(|_| node.tracked);
            let shown = shown.and_then(|level| level.quantities.into_iter().next());
            if let (Some(item), Some(shown)) = (number_of(&node.id), shown) {
                available.insert(item, shown.quantity);
            }
        }
    }
    Ok(targets
        .iter()
        .map(|target| target.stock_ref.as_ref().and_then(|item| available.get(item).copied()))
        .collect())
}

/// The location's global id.
fn location(shop: &Shop<'_>, operation: &'static str) -> Result<String, ChannelError> {
    match shop.facts.get(LOCATION_ID) {
        Some(number) => Ok(gid("Location", number)),
        None => {
            Err(ChannelError::new(ErrorKind::Rejected, operation, "the shop's location is not known yet"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Quantity;
    use domain::listing::ListingRef;

    fn target(listing: u32, item: u32, quantity: i64) -> StockTarget {
        StockTarget {
            listing: ListingRef { external_id: listing.to_string(), variation_id: Some(listing.to_string()) },
            stock_ref: Some(item.to_string()),
            quantity: Quantity::new(quantity).unwrap(),
            expected: None,
        }
    }

    #[test]
    fn a_call_is_full_before_the_next_one_begins() {
        let batches = plan((0..501).map(|n| target(n, n, 1)).collect());
        assert_eq!(batches.iter().map(|batch| batch.targets.len()).collect::<Vec<_>>(), [250, 250, 1]);
    }

    #[test]
    fn a_call_names_an_inventory_item_once() {
        let batches = plan(vec![target(1, 1, 5), target(2, 2, 5), target(1, 1, 7), target(3, 2, 9)]);
        let quantities: Vec<Vec<u32>> = batches
            .iter()
            .map(|batch| batch.targets.iter().map(|target| target.quantity.get()).collect())
            .collect();
        assert_eq!(quantities, [vec![5, 7], vec![9]]);
    }

    fn errors(list: &[(&str, Option<&str>)]) -> Vec<UserError> {
        list.iter()
            .map(|(code, position)| UserError {
                code: Some((*code).to_owned()),
                field: position.map(|p| ["input", "quantities", p, "quantity"].map(str::to_owned).to_vec()),
                message: String::new(),
            })
            .collect()
    }

    /// `a`ccepted, `s`tale, `r`ejected, `f`ailed, `w`aited for.
    fn letters(outcomes: Vec<StockOutcome>) -> String {
        outcomes
            .iter()
            .map(|outcome| match outcome {
                StockOutcome::Accepted => 'a',
                StockOutcome::Stale { .. } => 's',
                StockOutcome::Rejected { .. } => 'r',
                StockOutcome::Failed { .. } => 'f',
                StockOutcome::Submitted { .. } => 'w',
            })
            .collect()
    }

    #[test]
    fn one_refusal_undoes_the_call_and_each_target_is_told_its_own() {
        let compared = [true, true, false];
        const STALE: &str = "CHANGE_FROM_QUANTITY_STALE";
        type Errors = &'static [(&'static str, Option<&'static str>)];
        let table: [(Errors, &str); 9] = [
            (&[], "aaa"),
            (&[(STALE, Some("1"))], "fsf"),
            (&[(STALE, Some("0")), (STALE, Some("1"))], "ssf"),
            (&[(STALE, None)], "ssf"),
            (&[("INVALID_INVENTORY_ITEM", Some("2"))], "ffr"),
            (&[("NON_MUTABLE_INVENTORY_ITEM", Some("0")), (STALE, Some("1"))], "rsf"),
            (&[("INVALID_REASON", None)], "rrr"),
            (&[("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", None)], "fff"),
            (&[("INVALID_LOCATION", Some("7"))], "fff"),
        ];
        for (list, expected) in table {
            assert_eq!(letters(read_errors(&errors(list), &compared).unwrap()), expected, "{list:?}");
        }
    }

    #[test]
    fn a_first_try_still_at_work_is_tried_again() {
        let error = read_errors(&errors(&[("IDEMPOTENCY_CONCURRENT_REQUEST", None)]), &[true]).unwrap_err();
        assert_eq!((error.kind, error.retry), (ErrorKind::Unavailable, crate::Retry::Backoff));
    }

    #[test]
    fn what_is_not_compared_is_sent_as_null() {
        let input = QuantityInput {
            inventory_item_id: "i".to_owned(),
            location_id: "l".to_owned(),
            quantity: 3,
            change_from_quantity: None,
        };
        let text = serde_json::to_string(&input).unwrap();
        assert_eq!(
            text,
            r#"{"inventoryItemId":"i","locationId":"l","quantity":3,"changeFromQuantity":null}"#
        );
    }

    #[test]
    fn a_key_has_one_uuid_and_another_has_another() {
        assert_eq!(uuid_of("a"), uuid_of("a"));
        assert_ne!(uuid_of("a"), uuid_of("b"));
        let uuid = uuid_of("push_01");
        assert_eq!(uuid.len(), 36);
        assert_eq!((&uuid[8..9], &uuid[14..15]), ("-", "8"));
    }
}
