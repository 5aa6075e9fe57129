//! Stock: setting and reading the available quantity, at the connection's location or at each that is mapped.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest;
use domain::{ChannelLocationId, Quantity};
use serde::Serialize;
use serde_json::json;

use super::auth::LOCATION_ID;
use super::error::printable;
use super::locations::{self, ACTIVATE, Activation};
use super::wire::{NodesData, StockNode, StockSetData, UserError, gid, number_of};
use super::{Operation, Terms};
use crate::{
    ChannelError, ErrorKind, Shop, ShownAt, ShownByLocation, StockAt, StockBatch, StockOutcome, StockTarget,
};

/// Quantities of one mutation, and ids of one question: Shopify's limit for an array of input.
pub(super) const BATCH: u32 = 250;
const BATCH_LEN: usize = 250;
/// Activations that may follow one mutation: 1,010 points, which a Standard bucket holds and earns within ten seconds.
const ACTIVATIONS_MAX: usize = 100;

const INVALID_LOCATION: &str = "invalid_location";
const NOT_STOCKED: &str = "not_stocked_at_location";
const NOT_APPLIED: &str = "batch_not_applied";

/// 250 × 3 points.
pub(super) static READ: Operation =
    Operation { name: "read stock", document: include_str!("queries/stock_read.graphql"), cost: 750 };
/// A mutation is 10 points, whatever it carries.
pub(super) static SET: Operation =
    Operation { name: "set stock", document: include_str!("queries/stock_set.graphql"), cost: 10 };

/// Of two targets for one listing the later counts. Two listings may share an inventory item, which a call may name
/// once only at a location: they go into different calls.
pub(super) fn plan(targets: Vec<StockTarget>) -> Vec<StockBatch> {
    let mut last = BTreeMap::new();
    for (position, target) in targets.iter().enumerate() {
        last.insert(target.listing.clone(), position);
    }
    let kept: BTreeSet<usize> = last.into_values().collect();
    let mut calls: Vec<PlannedCall> = Vec::new();
    for (_, target) in targets.into_iter().enumerate().filter(|(position, _)| kept.contains(position)) {
        match calls.iter_mut().find(|call| call.has_room_for(&target)) {
            Some(call) => call.add(target),
            None => {
                let mut call = PlannedCall::default();
                call.add(target);
                calls.push(call);
            }
        }
    }
    calls.into_iter().map(|call| StockBatch { group: None, targets: call.targets }).collect()
}

/// What one mutation carries, and the activations that follow it.
#[derive(Default)]
struct PlannedCall {
    items: BTreeSet<String>,
    quantities: usize,
    activations: usize,
    targets: Vec<StockTarget>,
}

impl PlannedCall {
    fn has_room_for(&self, target: &StockTarget) -> bool {
        self.quantities + quantities_of(target) <= BATCH_LEN
            && self.activations + activations_of(target) <= ACTIVATIONS_MAX
            && target.stock_ref.as_ref().is_none_or(|item| !self.items.contains(item))
    }

    fn add(&mut self, target: StockTarget) {
        self.quantities += quantities_of(&target);
        self.activations += activations_of(&target);
        self.items.extend(target.stock_ref.clone());
        self.targets.push(target);
    }
}

fn quantities_of(target: &StockTarget) -> usize {
    target.locations.len().max(1)
}

fn activations_of(target: &StockTarget) -> usize {
    target
        .locations
        .iter()
        .filter(|at| at.shown == ShownAt::NotStocked && at.quantity > Quantity::ZERO)
        .count()
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

/// What is to be set of a target at one location.
struct Part<'a> {
    /// The target's position in the batch.
    target: usize,
    item: &'a str,
    location: String,
    quantity: Quantity,
    shown: ShownAt,
    /// Of a target that is told by location.
    placed: Option<&'a ChannelLocationId>,
}

impl<'a> Part<'a> {
    fn of(position: usize, target: &'a StockTarget, item: &'a str, home: &str) -> Vec<Self> {
        if target.locations.is_empty() {
            return vec![Self {
                target: position,
                item,
                location: home.to_owned(),
                quantity: target.quantity,
                shown: target.expected.map_or(ShownAt::Unknown, ShownAt::Number),
                placed: None,
            }];
        }
        let part = |at: &'a StockAt| Self {
            target: position,
            item,
            location: gid("Location", at.location.as_str()),
            quantity: at.quantity,
            shown: at.shown,
            placed: Some(&at.location),
        };
        target.locations.iter().map(part).collect()
    }

    fn input(&self) -> QuantityInput {
        let change_from_quantity = match self.shown {
            ShownAt::Number(number) => Some(number),
            ShownAt::Unknown | ShownAt::NotStocked => None,
        };
        QuantityInput {
            inventory_item_id: gid("InventoryItem", self.item),
            location_id: self.location.clone(),
            quantity: self.quantity.get(),
            change_from_quantity,
        }
    }

    /// A location that does not keep the goods, or is no more, is looked at again: what is to be done there follows from
    /// that.
    fn outcome(&self, told: StockOutcome) -> StockOutcome {
        let gone = self.quantity == Quantity::ZERO;
        match &told {
            StockOutcome::Rejected { code: NOT_STOCKED, .. } if self.placed.is_some() => {
                StockOutcome::Stale { observed: None }
            }
            StockOutcome::Rejected { code: INVALID_LOCATION, .. } if self.placed.is_some() && gone => {
                StockOutcome::Stale { observed: None }
            }
            _ => told,
        }
    }
}

/// One mutation for all quantities; then what a location does not keep yet is stocked there, so that no number rises before
/// the others have fallen.
pub(super) async fn push(
    shop: &Shop<'_>,
    key: &str,
    batch: &StockBatch,
) -> Result<Vec<StockOutcome>, ChannelError> {
    let home = location(shop, SET.name)?;
    let mut outcomes = Vec::with_capacity(batch.targets.len());
    let mut parts = Vec::new();
    for (position, target) in batch.targets.iter().enumerate() {
        outcomes.push(match &target.stock_ref {
            Some(item) => {
                parts.extend(Part::of(position, target, item, &home));
                StockOutcome::Accepted
            }
            None => StockOutcome::Rejected {
                code: "no_inventory_item",
                reason: "Fetch the listings again: Shopify's inventory item of this one is not known."
                    .to_owned(),
            },
        });
    }
    let (unstocked, set): (Vec<Part<'_>>, Vec<Part<'_>>) =
        parts.into_iter().partition(|part| part.shown == ShownAt::NotStocked);
    let activations: Vec<(usize, Activation<'_>)> = unstocked.iter().filter_map(activation).collect();
    let calls = u32::try_from(activations.len()).unwrap_or(u32::MAX);
    if calls > 0 {
        locations::admit(shop, SET.cost + ACTIVATE.cost.saturating_mul(calls))?;
    }
    if !set.is_empty() {
        let terms = Terms { admitted: calls > 0, ..Terms::default() };
        for (part, told) in set.iter().zip(send(shop, key, &set, terms).await?) {
            if let Some(outcome) = outcomes.get_mut(part.target) {
                *outcome = worse(outcome.clone(), part.outcome(told));
            }
        }
    }
    for (target, activation) in activations {
        let Some(outcome) = outcomes.get_mut(target).filter(|outcome| **outcome == StockOutcome::Accepted)
        else {
            continue;
        };
        let key = uuid_of(&format!("{key} {} {}", activation.item, activation.location));
        *outcome = locations::activate(shop, key, &activation).await?;
    }
    Ok(outcomes)
}

fn activation<'a>(part: &Part<'a>) -> Option<(usize, Activation<'a>)> {
    let location = part.placed.filter(|_| part.quantity > Quantity::ZERO)?;
    Some((part.target, Activation { item: part.item, location, available: part.quantity.get() }))
}

async fn send(
    shop: &Shop<'_>,
    key: &str,
    parts: &[Part<'_>],
    terms: Terms<'_>,
) -> Result<Vec<StockOutcome>, ChannelError> {
    let key = uuid_of(key);
    let reference_document_uri = format!("gid://masterstock/StockPush/{key}");
    let quantities: Vec<QuantityInput> = parts.iter().map(Part::input).collect();
    let compared: Vec<bool> = quantities.iter().map(|one| one.change_from_quantity.is_some()).collect();
    let input = SetInput { name: "available", reason: "correction", reference_document_uri, quantities };
    let data: StockSetData = SET.call_on(shop, &Variables { key, input }, terms).await?;
    let payload = data.inventory_set_quantities.ok_or_else(|| {
        ChannelError::new(ErrorKind::Malformed, SET.name, "the answer says nothing of the mutation")
    })?;
    read_errors(&payload.user_errors, &compared)
}

/// Of what became of a target at two of its locations, what it comes to.
fn worse(one: StockOutcome, other: StockOutcome) -> StockOutcome {
    let weight = |outcome: &StockOutcome| match outcome {
        StockOutcome::Accepted | StockOutcome::Submitted { .. } => 0,
        StockOutcome::Failed { code: NOT_APPLIED, .. } => 1,
        StockOutcome::Failed { .. } => 2,
        StockOutcome::Stale { .. } => 3,
        StockOutcome::Rejected { .. } => 4,
    };
    if weight(&other) > weight(&one) { other } else { one }
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
        let outcome = outcome(code, &error.message);
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

fn outcome(code: &str, message: &str) -> StockOutcome {
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
        "INVALID_LOCATION" => rejected(
            INVALID_LOCATION,
            "Shopify no longer has the location. Connect the shop again, or map another.",
        ),
        "INVALID_QUANTITY_NEGATIVE" | "INVALID_QUANTITY_TOO_HIGH" | "INVALID_QUANTITY_TOO_LOW" => {
            rejected("invalid_quantity", "Shopify does not take this quantity.")
        }
        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH" | "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED" => {
            failed("previous_attempt_failed", "An earlier try under the same key came to nothing.")
        }
        // The code is another mutation's; in this one's list there is none for it, only words.
        code if code == "ITEM_NOT_STOCKED_AT_LOCATION" || message.contains("not stocked at") => {
            rejected(NOT_STOCKED, "Shopify does not keep the goods at the location.")
        }
        other => StockOutcome::Rejected {
            code: "channel_rejected",
            reason: format!("Shopify refused the quantity: {}.", printable(other)),
        },
    }
}

fn not_applied() -> StockOutcome {
    StockOutcome::Failed {
        code: NOT_APPLIED,
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
    let shown = shown_at(shop, &location, targets).await?;
    let number = |shown| match shown {
        ShownAt::Number(number) => Some(number),
        ShownAt::Unknown | ShownAt::NotStocked => None,
    };
    Ok(shown.into_iter().map(number).collect())
}

pub(super) async fn read_at(
    shop: &Shop<'_>,
    locations: &[ChannelLocationId],
    targets: &[StockTarget],
) -> Result<Vec<ShownByLocation>, ChannelError> {
    let mut looked = vec![ShownByLocation::default(); targets.len()];
    for location in locations {
        let shown = shown_at(shop, &gid("Location", location.as_str()), targets).await?;
        for (of_target, shown) in looked.iter_mut().zip(shown) {
            of_target.at.insert(location.clone(), shown);
        }
    }
    Ok(looked)
}

async fn shown_at(
    shop: &Shop<'_>,
    location: &str,
    targets: &[StockTarget],
) -> Result<Vec<ShownAt>, ChannelError> {
    let items: Vec<&String> = targets.iter().filter_map(|target| target.stock_ref.as_ref()).collect();
    let mut shown = BTreeMap::<String, ShownAt>::new();
    for chunk in items.chunks(BATCH_LEN) {
        let ids: Vec<String> = chunk.iter().map(|item| gid("InventoryItem", item)).collect();
        let data: NodesData = READ.call(shop, &json!({ "ids": ids, "locationId": location })).await?;
        for node in data.nodes.into_iter().flatten() {
            // A number that is no inventory item's comes back without fields.
            let Ok(node) = serde_json::from_value::<StockNode>(node) else { continue };
            let Some(item) = number_of(&node.id).filter(|_| node.tracked) else { continue };
            let available = node.inventory_level.map(|level| level.quantities.into_iter().next());
            let at = match available {
                None => ShownAt::NotStocked,
                Some(None) => ShownAt::Unknown,
                Some(Some(available)) => ShownAt::Number(available.quantity),
            };
            shown.insert(item, at);
        }
    }
    let of = |target: &StockTarget| {
        target.stock_ref.as_ref().and_then(|item| shown.get(item).copied()).unwrap_or(ShownAt::Unknown)
    };
    Ok(targets.iter().map(of).collect())
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
    use domain::listing::ListingRef;

    fn target(listing: u32, item: u32, quantity: i64) -> StockTarget {
        StockTarget {
            listing: ListingRef { external_id: listing.to_string(), variation_id: Some(listing.to_string()) },
            stock_ref: Some(item.to_string()),
            quantity: Quantity::new(quantity).unwrap(),
            expected: None,
            locations: Vec::new(),
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

    fn placed(listing: u32, shown: &[(ShownAt, i64)]) -> StockTarget {
        let at = |(n, (shown, quantity)): (usize, &(ShownAt, i64))| StockAt {
            location: (500 + n).to_string().parse().unwrap(),
            quantity: Quantity::new(*quantity).unwrap(),
            shown: *shown,
        };
        StockTarget { locations: shown.iter().enumerate().map(at).collect(), ..target(listing, listing, 0) }
    }

    #[test]
    fn a_call_counts_a_quantity_for_each_location_and_bounds_what_follows_it() {
        let three = [(ShownAt::Number(1), 1); 3];
        let batches = plan((0..100).map(|n| placed(n, &three)).collect());
        assert_eq!(batches.iter().map(|batch| batch.targets.len()).collect::<Vec<_>>(), [83, 17]);
        let new = [(ShownAt::NotStocked, 1), (ShownAt::NotStocked, 0)];
        let batches = plan((0..101).map(|n| placed(n, &new)).collect());
        assert_eq!(batches.iter().map(|batch| batch.targets.len()).collect::<Vec<_>>(), [100, 1]);
    }

    #[test]
    fn a_target_comes_to_the_worst_of_its_locations() {
        let rejected = || outcome("INVALID_INVENTORY_ITEM", "");
        let stale = || outcome("CHANGE_FROM_QUANTITY_STALE", "");
        let table = [
            (StockOutcome::Accepted, not_applied(), "f"),
            (not_applied(), stale(), "s"),
            (stale(), rejected(), "r"),
            (rejected(), not_applied(), "r"),
            (StockOutcome::Accepted, StockOutcome::Accepted, "a"),
        ];
        for (one, other, expected) in table {
            assert_eq!(letters(vec![worse(one.clone(), other.clone())]), expected, "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_location_that_does_not_keep_the_goods_is_looked_at_again() {
        let target = placed(1, &[(ShownAt::Number(0), 4), (ShownAt::Number(3), 0)]);
        let plain = self::target(1, 1, 4);
        let not_stocked = || outcome("", "The specified inventory item is not stocked at the location.");
        let gone = || outcome("INVALID_LOCATION", "");
        let [first, second] = <[Part<'_>; 2]>::try_from(Part::of(0, &target, "1", "h")).ok().unwrap();
        let [only] = <[Part<'_>; 1]>::try_from(Part::of(0, &plain, "1", "h")).ok().unwrap();
        let all = [first.outcome(not_stocked()), first.outcome(gone()), second.outcome(gone())];
        assert_eq!(letters(all.to_vec()), "srs");
        assert_eq!(letters(vec![only.outcome(not_stocked()), only.outcome(gone())]), "rr");
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
