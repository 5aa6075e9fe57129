//! Stock: set and read.
//!
//! A listing's inventory is read right before it is written, and what Etsy answers to the write is read back. Where the
//! number is not the one that the hub thinks is there, most likely it was sold: nothing is written, and the hub looks at
//! the orders first. So a sale is overwritten only if it falls between one read and the write that follows it; the order
//! that comes of it corrects the number.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;

use super::inventory::{self, Plan, QUANTITY_MAX, Step, rejected, wanted};
use super::wire::{Inventory, Listed, Listing, ListingState};
use super::{Admitted, Answer, Call, Fields, error, number, parse, shop_id};
use crate::{ChannelError, Shop, StockBatch, StockOutcome, StockTarget};

const PUSH: &str = "set a listing's stock";
const READ: &str = "read stock";
/// Listings of one question.
const READ_MAX: usize = 100;
/// To read and to write.
const WRITE_CALLS: u32 = 2;

/// One call's worth is a listing with all its variations. Of two targets for one variation the later counts.
pub(super) fn plan(targets: Vec<StockTarget>) -> Vec<StockBatch> {
    let mut last = BTreeMap::new();
    for (position, target) in targets.iter().enumerate() {
        last.insert(target.listing.clone(), position);
    }
    let kept: BTreeSet<usize> = last.into_values().collect();
    let mut batches: Vec<StockBatch> = Vec::new();
    let mut of_listing = BTreeMap::<String, usize>::new();
    for (_, target) in targets.into_iter().enumerate().filter(|(position, _)| kept.contains(position)) {
        let listing = target.listing.external_id.clone();
        let position = *of_listing.entry(listing.clone()).or_insert(batches.len());
        match batches.get_mut(position) {
            Some(batch) => batch.targets.push(target),
            None => batches.push(StockBatch { group: Some(listing), targets: vec![target] }),
        }
    }
    batches
}

pub(super) async fn push(shop: &Shop<'_>, batch: &StockBatch) -> Result<Vec<StockOutcome>, ChannelError> {
    let all = |outcome: StockOutcome| vec![outcome; batch.targets.len()];
    let gone = || rejected("listing_gone", "Etsy no longer has the listing.");
    let group = batch.targets.first().map(|target| target.listing.external_id.as_str());
    let Some(id) = group.and_then(number) else { return Ok(all(gone())) };
    let mut calls = Admitted::new(shop, PUSH, calls_of(batch))?;
    let query = vec![("includes", "Inventory".to_owned()), legacy()];
    let answer = calls.send(Call::get(format!("listings/{id}"), query)).await?;
    if answer.is_missing() {
        return Ok(all(gone()));
    }
    let listing: Listing = answer.read(PUSH)?;
    let plan = inventory::plan(&listing, &batch.targets);
    let mut found = Found { listing };
    for step in &plan.steps {
        if let Some(refusal) = take(shop, &mut calls, *step, &plan, &mut found).await? {
            return Ok(plan.outcomes.into_iter().map(|outcome| outcome.unwrap_or(refusal.clone())).collect());
        }
    }
    let positions = inventory::positions(&found.listing, &batch.targets);
    let shown = inventory::shown(&found.listing);
    let outcome = |(settled, (target, position)): (Option<StockOutcome>, (&StockTarget, Option<usize>))| {
        let now = position.and_then(|position| shown.get(position).copied().flatten());
        settled.unwrap_or_else(|| read_back(target, now))
    };
    Ok(plan.outcomes.into_iter().zip(batch.targets.iter().zip(positions)).map(outcome).collect())
}

/// The most that it can take. The state is set, by a call more, only where a listing comes to none or comes from there.
fn calls_of(batch: &StockBatch) -> u32 {
    let at_zero =
        |target: &StockTarget| wanted(target) == 0 || target.expected.is_none_or(|units| units <= 0);
    WRITE_CALLS + u32::from(batch.targets.iter().any(at_zero))
}

/// The listing as Etsy last told of it.
struct Found {
    listing: Listing,
}

/// Another number than the one written was sold since, or was not taken.
fn read_back(target: &StockTarget, now: Option<i64>) -> StockOutcome {
    if now == Some(wanted(target)) { StockOutcome::Accepted } else { StockOutcome::Stale { observed: now } }
}

/// One step; a refusal by Etsy is the outcome of all that the steps were for.
async fn take(
    shop: &Shop<'_>,
    calls: &mut Admitted<'_>,
    step: Step,
    plan: &Plan,
    found: &mut Found,
) -> Result<Option<StockOutcome>, ChannelError> {
    let id = found.listing.listing_id;
    match step {
        Step::Write => {
            let update = found.listing.inventory.as_ref().and_then(|inventory| plan.update(inventory));
            let Some(update) = update else {
                let reason = "The listing's prices cannot be written back as they are.";
                return Ok(Some(rejected("invalid_price", reason)));
            };
            let call = Call::json(PUSH, format!("listings/{id}/inventory"), vec![legacy()], &update)?;
            let answer = calls.send(call).await?;
            if let Some(refusal) = refusal(&answer, "inventory_refused") {
                return Ok(Some(refusal));
            }
            let inventory: Inventory = parse(PUSH, &answer.body)?;
            found.listing.inventory = Some(inventory);
        }
        Step::Activate | Step::Deactivate => {
            let (state, code) = if step == Step::Activate {
                ("active", "listing_not_activated")
            } else {
                ("inactive", "listing_not_deactivated")
            };
            let path = format!("shops/{}/listings/{id}", shop_id(shop, PUSH)?);
            let form = vec![("state", state.to_owned())];
            let answer = calls.send(Call::form(Method::PATCH, path, form)).await?;
            if let Some(refusal) = refusal(&answer, code) {
                return Ok(Some(refusal));
            }
            let set: ListingState = parse(PUSH, &answer.body)?;
            found.listing.state = set.state;
        }
    }
    Ok(None)
}

fn refusal(answer: &Answer, code: &'static str) -> Option<StockOutcome> {
    if answer.status.is_success() {
        return None;
    }
    let words = error::words(&answer.body);
    let reason = if words.is_empty() { format!("Etsy answered {}.", answer.status.as_u16()) } else { words };
    Some(match answer.status.as_u16() {
        404 => rejected("listing_gone", "Etsy no longer has the listing."),
        409 => StockOutcome::Failed { code: "edited_meanwhile", reason },
        _ => StockOutcome::Rejected { code, reason },
    })
}

/// Asks for, and gives, processing profiles with each offering: without it they are left out of the answer, and would
/// be lost with the write.
fn legacy() -> (&'static str, String) {
    ("legacy", "false".to_owned())
}

pub(super) async fn read(shop: &Shop<'_>, targets: &[StockTarget]) -> Result<Vec<Option<i64>>, ChannelError> {
    let ids: BTreeSet<u64> =
        targets.iter().filter_map(|target| number(&target.listing.external_id)).collect();
    let ids: Vec<u64> = ids.into_iter().collect();
    let calls = u32::try_from(ids.len().div_ceil(READ_MAX)).unwrap_or(u32::MAX);
    let mut calls = Admitted::new(shop, READ, calls)?;
    let mut listings = BTreeMap::<u64, Listing>::new();
    for chunk in ids.chunks(READ_MAX) {
        let page: Listed = calls.send(Call::get("listings/batch", batch_query(chunk))).await?.read(READ)?;
        let found = page.results.into_iter().filter_map(|one| serde_json::from_value::<Listing>(one).ok());
        listings.extend(found.map(|listing| (listing.listing_id, listing)));
    }
    let shown = |target: &StockTarget| {
        let listing = listings.get(&number(&target.listing.external_id)?)?;
        let position = inventory::positions(listing, std::slice::from_ref(target)).first().copied()??;
        let now = inventory::shown(listing).get(position).copied()??;
        // As many as Etsy can show stand for the more that was asked for.
        let full = now == QUANTITY_MAX && target.quantity.units() > QUANTITY_MAX;
        Some(if full { target.quantity.units() } else { now })
    };
    Ok(targets.iter().map(shown).collect())
}

fn batch_query(ids: &[u64]) -> Fields {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    vec![("listing_ids", ids.join(",")), ("includes", "Inventory".to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Quantity;
    use domain::listing::ListingRef;

    fn target(listing: &str, variation: Option<&str>, quantity: i64) -> StockTarget {
        let listing =
            ListingRef { external_id: listing.to_owned(), variation_id: variation.map(str::to_owned) };
        StockTarget {
            listing,
            stock_ref: None,
            quantity: Quantity::new(quantity).unwrap(),
            expected: None,
            locations: Vec::new(),
        }
    }

    #[test]
    fn a_call_carries_all_variations_of_one_listing() {
        let batches = plan(vec![
            target("7", Some("1:S"), 1),
            target("9", None, 2),
            target("7", Some("1:M"), 3),
            target("9", None, 4),
        ]);
        let found: Vec<(Option<&str>, Vec<u32>)> = batches
            .iter()
            .map(|batch| {
                let quantities = batch.targets.iter().map(|target| target.quantity.get()).collect();
                (batch.group.as_deref(), quantities)
            })
            .collect();
        assert_eq!(found, [(Some("7"), vec![1, 3]), (Some("9"), vec![4])]);
    }
}
