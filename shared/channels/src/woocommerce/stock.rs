//! Stock: set, and read back.
//!
//! A number is written where it is counted: on the product, on the variation, or on the parent of variations that share
//! its stock (their `stock_ref`). Shared stock is written once, whatever the number of variations that are linked: when
//! they ask for different numbers the lowest is written, so that nothing is sold that one of them does not have, and the
//! others are refused with `stock_shared`.
//!
//! `manage_stock` is never switched on from here: whether a product is counted is the merchant's choice. The shop ignores
//! a number for one that is not, with a 200; so each outcome is read from the answer.

use std::collections::BTreeMap;

use domain::Quantity;
use serde_json::json;

use super::error::malformed;
use super::wire::{self, ManageStock, Problem};
use super::{PAGE_MAX, parameter, send};
use crate::entity::plain_text;
use crate::{ChannelError, ErrorKind, Shop, StockBatch, StockOutcome, StockTarget};

const PUSH: &str = "push stock";
const READ: &str = "read stock";

/// Where a target's number is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The parent of a variation that counts its own stock.
    parent: Option<String>,
    id: String,
}

impl Place {
    fn of(target: &StockTarget) -> Self {
        let parent = &target.listing.external_id;
        match (&target.stock_ref, &target.listing.variation_id) {
            (Some(shared), _) => Self { parent: None, id: shared.clone() },
            (None, Some(variation)) => Self { parent: Some(parent.clone()), id: variation.clone() },
            (None, None) => Self { parent: None, id: parent.clone() },
        }
    }
}

/// A call carries up to 100 places: of the products' own route, or of one parent's variations.
pub(super) fn plan(targets: Vec<StockTarget>) -> Vec<StockBatch> {
    let mut groups: Vec<Option<String>> = Vec::new();
    let mut of_group: BTreeMap<Option<String>, Vec<(String, Vec<StockTarget>)>> = BTreeMap::new();
    for target in targets {
        let Place { parent, id } = Place::of(&target);
        let places = of_group.entry(parent.clone()).or_insert_with(|| {
            groups.push(parent);
            Vec::new()
        });
        match places.iter_mut().find(|(place, _)| *place == id) {
            Some((_, sharing)) => sharing.push(target),
            None => places.push((id, vec![target])),
        }
    }
    let mut batches = Vec::new();
    for group in groups {
        let places = of_group.remove(&group).unwrap_or_default();
        let mut places = places.into_iter().map(|(_, sharing)| sharing).peekable();
        while places.peek().is_some() {
            let targets = places.by_ref().take(usize::from(PAGE_MAX)).flatten().collect();
            batches.push(StockBatch { group: group.clone(), targets });
        }
    }
    batches
}

pub(super) async fn push(shop: &Shop<'_>, batch: &StockBatch) -> Result<Vec<StockOutcome>, ChannelError> {
    let mut lowest: BTreeMap<u64, Quantity> = BTreeMap::new();
    for target in &batch.targets {
        if let Ok(id) = Place::of(target).id.parse() {
            let quantity = lowest.entry(id).or_insert(target.quantity);
            *quantity = (*quantity).min(target.quantity);
        }
    }
    let answers = if lowest.is_empty() { BTreeMap::new() } else { write(shop, batch, &lowest).await? };
    let outcome = |target: &StockTarget| {
        let Ok(id) = Place::of(target).id.parse::<u64>() else {
            return rejected("listing_gone", "the reference is not one of this channel");
        };
        let written = lowest.get(&id).copied().unwrap_or(target.quantity);
        match answers.get(&id) {
            Some(answer) => outcome(answer, written, target),
            None => failed("answer_missing", "the shop's answer does not mention it"),
        }
    };
    Ok(batch.targets.iter().map(outcome).collect())
}

async fn write(
    shop: &Shop<'_>,
    batch: &StockBatch,
    numbers: &BTreeMap<u64, Quantity>,
) -> Result<BTreeMap<u64, wire::BatchItem>, ChannelError> {
    let items: Vec<_> =
        numbers.iter().map(|(id, quantity)| json!({ "id": id, "stock_quantity": quantity.get() })).collect();
    let path = match &batch.group {
        Some(parent) if parent.parse::<u64>().is_err() => {
            return Err(ChannelError::new(
                ErrorKind::Rejected,
                PUSH,
                "the parent is not one of this channel",
            ));
        }
        Some(parent) => format!("products/{parent}/variations/batch"),
        None => "products/batch".to_owned(),
    };
    // No `_fields` here: on a batch it empties the answer.
    let answer =
        send(shop, PUSH, http::Method::POST, &path, Vec::new(), Some(json!({ "update": items }))).await?;
    let answer: wire::BatchAnswer = wire::read(&answer.body).map_err(|error| malformed(PUSH, error))?;
    Ok(answer.update.into_iter().filter_map(|item| Some((item.id?, item))).collect())
}

fn outcome(answer: &wire::BatchItem, written: Quantity, target: &StockTarget) -> StockOutcome {
    if let Some(problem) = &answer.error {
        return problem_outcome(problem);
    }
    match answer.manage_stock {
        ManageStock::Nobody => rejected(
            "stock_not_managed",
            "the shop does not count its stock: switch on stock management for it there",
        ),
        ManageStock::Parent => failed(
            "stock_moved_to_parent",
            "its stock is now counted on its parent: the next item sync will find it there",
        ),
        ManageStock::Itself if answer.stock_quantity.map(|units| units.0) != Some(written.units()) => {
            failed("number_not_taken", "the shop took the request and shows another number")
        }
        ManageStock::Itself if written != target.quantity => rejected(
            "stock_shared",
            "it shares its parent's stock with variations that must show less: the lowest number was set",
        ),
        ManageStock::Itself => StockOutcome::Accepted,
    }
}

fn problem_outcome(problem: &Problem) -> StockOutcome {
    // A shop answers 400 for an unknown product and 404 for an unknown variation, with codes of the same ending.
    if problem.code.ends_with("_invalid_id") || problem.code == "woocommerce_rest_invalid_product_id" {
        return rejected("listing_gone", "the shop no longer has it");
    }
    let reason: String = plain_text(&problem.message).chars().take(200).collect();
    match problem.status() {
        Some(500..) => StockOutcome::Failed { code: "channel_unavailable", reason },
        _ => StockOutcome::Rejected { code: "channel_rejected", reason },
    }
}

fn rejected(code: &'static str, reason: &str) -> StockOutcome {
    StockOutcome::Rejected { code, reason: reason.to_owned() }
}

fn failed(code: &'static str, reason: &str) -> StockOutcome {
    StockOutcome::Failed { code, reason: reason.to_owned() }
}

/// One call for each 100 places of the products' own route, and for each parent.
pub(super) async fn read(shop: &Shop<'_>, targets: &[StockTarget]) -> Result<Vec<Option<i64>>, ChannelError> {
    let mut wanted: BTreeMap<Option<String>, Vec<u64>> = BTreeMap::new();
    for target in targets {
        let place = Place::of(target);
        if let Ok(id) = place.id.parse() {
            let ids = wanted.entry(place.parent).or_default();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    let mut shown: BTreeMap<u64, Option<i64>> = BTreeMap::new();
    for (parent, ids) in &wanted {
        let path = match parent {
            Some(parent) => format!("products/{parent}/variations"),
            None => "products".to_owned(),
        };
        for ids in ids.chunks(usize::from(PAGE_MAX)) {
            let query = vec![
                parameter("include", ids.iter().map(u64::to_string).collect::<Vec<_>>().join(",")),
                parameter("per_page", PAGE_MAX),
                parameter("status", "any"),
                parameter("_fields", wire::STOCK_FIELDS),
            ];
            let answer = send(shop, READ, http::Method::GET, &path, query, None).await?;
            let records: Vec<wire::Shown> =
                wire::read(&answer.body).map_err(|error| malformed(READ, error))?;
            shown.extend(records.into_iter().map(|one| {
                let counted = one.manage_stock != ManageStock::Nobody;
                (one.id, one.stock_quantity.filter(|_| counted).map(|units| units.0))
            }));
        }
    }
    let of = |target: &StockTarget| shown.get(&Place::of(target).id.parse().ok()?).copied().flatten();
    Ok(targets.iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::listing::ListingRef;

    fn target(product: &str, variation: Option<&str>, shared: Option<&str>, quantity: i64) -> StockTarget {
        StockTarget {
            listing: ListingRef {
                external_id: product.to_owned(),
                variation_id: variation.map(str::to_owned),
            },
            stock_ref: shared.map(str::to_owned),
            quantity: Quantity::new(quantity).unwrap(),
            expected: None,
            locations: Vec::new(),
        }
    }

    #[test]
    fn a_call_carries_a_hundred_products_or_the_variations_of_one_parent() {
        let mut targets: Vec<_> = (0..201).map(|n| target(&format!("{}", 1000 + n), None, None, 1)).collect();
        targets.push(target("7", Some("8"), None, 1));
        targets.push(target("9", Some("10"), None, 1));
        targets.push(target("7", Some("11"), None, 1));
        let plan = plan(targets);
        let sizes: Vec<_> = plan.iter().map(|batch| (batch.group.as_deref(), batch.targets.len())).collect();
        assert_eq!(sizes, [(None, 100), (None, 100), (None, 1), (Some("7"), 2), (Some("9"), 1)]);
    }

    #[test]
    fn shared_stock_stays_in_one_call() {
        let mut targets: Vec<_> = (0..99).map(|n| target(&format!("{}", 1000 + n), None, None, 1)).collect();
        targets.push(target("28", Some("30"), Some("28"), 4));
        targets.push(target("5", None, None, 1));
        targets.push(target("28", Some("32"), Some("28"), 3));
        let plan = plan(targets);
        assert_eq!(plan.iter().map(|batch| batch.targets.len()).collect::<Vec<_>>(), [101, 1]);
        assert!(plan.iter().all(|batch| batch.group.is_none()));
    }
}
