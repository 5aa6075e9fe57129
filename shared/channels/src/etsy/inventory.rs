//! A listing's inventory, read, decided upon and written back whole: pure.
//!
//! Etsy takes a listing's inventory only as a whole, takes no inventory that adds up to nothing, and has no version to
//! compare with. So what is written is what was just read, with the targets' numbers changed; and none left is said so:
//!
//! - of some products: their number is 0 and they are not enabled;
//! - of all: a placeholder of one unit stays on the first product, and the listing is made inactive ("asleep"). Above
//!   zero it is made active again, if it was we who made it inactive: the hub thinks that Etsy shows 0, and the products
//!   that are not asked for hold no more than the placeholder.

use std::collections::BTreeMap;

use super::variation;
use super::wire::{
    Inventory, InventoryUpdate, Listing, OfferingUpdate, Product, ProductUpdate, PropertyValueUpdate,
};
use crate::entity::plain_text;
use crate::{StockOutcome, StockTarget};

/// Most units of one product (etsy/open-api issue 214; not in the specification). More is shown as this many.
pub(super) const QUANTITY_MAX: i64 = 999;
/// What is left on a listing that has none left.
const PLACEHOLDER: i64 = 1;

/// Downloads are not counted: they are never out.
pub(super) fn is_counted(listing: &Listing) -> bool {
    listing.listing_type.as_deref() != Some("download")
}

/// `edit` is Etsy's older name of `inactive` (issue 516).
fn is_inactive(listing: &Listing) -> bool {
    matches!(listing.state.as_str(), "inactive" | "edit")
}

/// What buyers can have of each product, in the products' order; on a listing that is switched off, what they could
/// have if it were on. `None` where nothing is counted.
pub(super) fn shown(listing: &Listing) -> Vec<Option<i64>> {
    let Some(inventory) = &listing.inventory else { return Vec::new() };
    let held: Vec<i64> = inventory.products.iter().map(held).collect();
    // Etsy cannot hold less than one unit: on an inactive listing one unit is none.
    let none_left =
        listing.state == "sold_out" || is_inactive(listing) && held.iter().sum::<i64>() <= PLACEHOLDER;
    held.into_iter().map(|units| is_counted(listing).then_some(if none_left { 0 } else { units })).collect()
}

/// Units of a product that are enabled.
fn held(product: &Product) -> i64 {
    let offering = product.offering().filter(|offering| !product.is_deleted && offering.is_enabled);
    offering.map_or(0, |offering| offering.quantity.max(0))
}

/// What a target's quantity is on Etsy.
pub(super) fn wanted(target: &StockTarget) -> i64 {
    target.quantity.units().min(QUANTITY_MAX)
}

/// A number and whether it is enabled, of each product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    quantity: i64,
    enabled: bool,
}

/// What must be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// `PUT` the whole inventory.
    Write,
    /// `PATCH` the state.
    Activate,
    Deactivate,
}

/// What is to be done with a listing for its targets.
#[derive(Debug)]
pub(super) struct Plan {
    /// Outcomes that are settled already; `None` for a target that the steps are for.
    pub outcomes: Vec<Option<StockOutcome>>,
    pub steps: Vec<Step>,
    /// The products' numbers to be written, in the products' order.
    numbers: Vec<Held>,
}

pub(super) fn rejected(code: &'static str, reason: &str) -> StockOutcome {
    StockOutcome::Rejected { code, reason: reason.to_owned() }
}

/// A product's position for each target; `None` where the listing has no such product.
pub(super) fn positions(listing: &Listing, targets: &[StockTarget]) -> Vec<Option<usize>> {
    let products = listing.inventory.iter().flat_map(|inventory| inventory.products.iter().enumerate());
    let names: BTreeMap<Option<String>, usize> = products
        .filter(|(_, product)| !product.is_deleted)
        .map(|(position, product)| (variation::of_product(listing, product), position))
        .collect();
    targets.iter().map(|target| names.get(&target.listing.variation_id).copied()).collect()
}

/// Decides what to do. `targets` are of this listing, each of another variation.
pub(super) fn plan(listing: &Listing, targets: &[StockTarget]) -> Plan {
    let nothing = |outcome: StockOutcome| Plan {
        outcomes: vec![Some(outcome); targets.len()],
        steps: Vec::new(),
        numbers: Vec::new(),
    };
    if !is_counted(listing) {
        return nothing(rejected("stock_not_managed", "It is a download: Etsy does not count it."));
    }
    let Some(inventory) = &listing.inventory else {
        let reason = "The listing has no inventory on Etsy. Edit its stock there once.";
        return nothing(rejected("no_inventory_record", reason));
    };
    let shown = shown(listing);
    let positions = positions(listing, targets);
    let asleep = is_asleep(listing, inventory, targets, &positions);
    let wakes =
        asleep && targets.iter().zip(&positions).any(|(target, at)| at.is_some() && wanted(target) > 0);
    let pools = Pools::of(inventory);
    let mut outcomes: Vec<Option<StockOutcome>> = Vec::with_capacity(targets.len());
    let mut asked = Vec::new();
    for (target, position) in targets.iter().zip(&positions) {
        let Some(position) = *position else {
            let reason = "The listing has no such variation any more. Fetch the listings again.";
            outcomes.push(Some(rejected("variation_gone", reason)));
            continue;
        };
        let now = shown.get(position).copied().flatten().unwrap_or(0);
        let outcome = settled(listing, target, now, wakes).or_else(|| {
            let product = inventory.products.get(position)?;
            let hidden = !wakes && wanted(target) > 0 && is_hidden(product) && pools.is_alone(position);
            let reason = "The variation is switched off on Etsy, with units in stock. Switch it on there.";
            hidden.then(|| rejected("variation_hidden", reason))
        });
        if outcome.is_none() || wakes && wanted(target) > 0 {
            asked.push((position, wanted(target)));
        }
        outcomes.push(outcome);
    }
    let unsettled = outcomes.iter().any(Option::is_none);
    if !unsettled && !wakes {
        return Plan { outcomes, steps: Vec::new(), numbers: Vec::new() };
    }
    if has_parentheses(inventory) {
        let reason = "Etsy refuses parentheses in the values of variations. Rename them there.";
        return Plan {
            outcomes: fill(outcomes, &rejected("parentheses_in_values", reason)),
            steps: Vec::new(),
            numbers: Vec::new(),
        };
    }
    let mut numbers: Vec<Held> = inventory.products.iter().map(now_held).collect();
    if wakes {
        // What is not asked for is at zero, but for the placeholder.
        let others =
            numbers.iter_mut().enumerate().filter(|(position, _)| !positions.contains(&Some(*position)));
        others.for_each(|(_, number)| *number = Held { quantity: 0, enabled: false });
    }
    let lowest = pools.apply(&mut numbers, &asked);
    for ((outcome, target), position) in outcomes.iter_mut().zip(targets).zip(&positions) {
        let given = position.and_then(|position| lowest.get(&pools.of_product(position))).copied();
        if outcome.is_none() && wanted(target) > 0 && given.is_some_and(|given| given != wanted(target)) {
            let reason = "Its number is shared with variations that must show less: the lowest was set.";
            *outcome = Some(rejected("stock_shared", reason));
        }
    }
    let steps = steps(listing, &numbers, asleep, wakes);
    if steps.is_empty() {
        let reason =
            "The listing is switched off on Etsy, which takes no 0 for it. It sells nothing meanwhile.";
        return Plan { outcomes: fill(outcomes, &rejected("listing_not_active", reason)), steps, numbers };
    }
    if !some_left(&numbers) {
        leave_placeholder(&mut numbers, inventory, &pools);
    }
    Plan { outcomes, steps, numbers }
}

fn fill(outcomes: Vec<Option<StockOutcome>>, with: &StockOutcome) -> Vec<Option<StockOutcome>> {
    outcomes.into_iter().map(|outcome| outcome.or_else(|| Some(with.clone()))).collect()
}

/// What needs no call: the number is there already, or is not the one that the hub thinks is there.
fn settled(listing: &Listing, target: &StockTarget, now: i64, wakes: bool) -> Option<StockOutcome> {
    if now == wanted(target) && !(wakes && now > 0) {
        return Some(StockOutcome::Accepted);
    }
    let expected = target.expected?.clamp(0, QUANTITY_MAX);
    // A listing that is switched off shows buyers nothing, whatever it holds.
    let as_expected = expected == now || is_inactive(listing) && expected == 0;
    (!as_expected).then_some(StockOutcome::Stale { observed: Some(now) })
}

/// Whether the listing was made inactive by us.
fn is_asleep(
    listing: &Listing,
    inventory: &Inventory,
    targets: &[StockTarget],
    positions: &[Option<usize>],
) -> bool {
    let others = inventory.products.iter().enumerate();
    let others = others.filter(|(position, _)| !positions.contains(&Some(*position)));
    is_inactive(listing)
        && targets.iter().all(|target| target.expected == Some(0))
        && others.map(|(_, product)| held(product)).sum::<i64>() <= PLACEHOLDER
}

/// Switched off by the merchant: at zero we leave no units on what we switch off.
fn is_hidden(product: &Product) -> bool {
    product.offering().is_some_and(|offering| !offering.is_enabled && offering.quantity > 0)
}

fn now_held(product: &Product) -> Held {
    let offering = product.offering();
    Held {
        quantity: offering.map_or(0, |offering| offering.quantity.max(0)),
        enabled: offering.is_some_and(|offering| offering.is_enabled),
    }
}

fn some_left(numbers: &[Held]) -> bool {
    numbers.iter().any(|number| number.enabled && number.quantity > 0)
}

fn steps(listing: &Listing, numbers: &[Held], asleep: bool, wakes: bool) -> Vec<Step> {
    match (listing.state.as_str(), some_left(numbers)) {
        ("active", false) => vec![Step::Write, Step::Deactivate],
        // Its waking was broken off after its numbers were written.
        (_, false) if asleep => vec![Step::Write],
        (_, false) => Vec::new(),
        // Made active first: that sets the number to 1.
        ("sold_out", true) => vec![Step::Activate, Step::Write],
        (_, true) if wakes => vec![Step::Write, Step::Activate],
        (_, true) => vec![Step::Write],
    }
}

/// One unit on the first product, since Etsy takes nothing less.
fn leave_placeholder(numbers: &mut [Held], inventory: &Inventory, pools: &Pools) {
    let first = inventory.products.iter().position(|product| !product.is_deleted).unwrap_or(0);
    let pool = pools.of_product(first);
    for (position, number) in numbers.iter_mut().enumerate() {
        let quantity = if pools.of_product(position) == pool { PLACEHOLDER } else { 0 };
        *number = Held { quantity, enabled: position == first };
    }
}

/// Which products share one number: those that agree in the properties that quantities depend on.
struct Pools(Vec<usize>);

impl Pools {
    fn of(inventory: &Inventory) -> Self {
        let mut known: Vec<Vec<(u64, &[String])>> = Vec::new();
        let pools = inventory.products.iter().map(|product| {
            let mut values: Vec<(u64, &[String])> = product
                .property_values
                .iter()
                .filter(|value| inventory.quantity_on_property.contains(&value.property_id))
                .map(|value| (value.property_id, value.values.as_slice()))
                .collect();
            values.sort_unstable();
            known.iter().position(|other| *other == values).unwrap_or_else(|| {
                known.push(values);
                known.len() - 1
            })
        });
        Self(pools.collect())
    }

    fn of_product(&self, position: usize) -> usize {
        self.0.get(position).copied().unwrap_or(usize::MAX)
    }

    fn is_alone(&self, position: usize) -> bool {
        let pool = self.of_product(position);
        self.0.iter().filter(|other| **other == pool).count() == 1
    }

    /// Sets what is asked. Of several numbers for one pool the lowest above zero; a product of zero is switched off.
    /// What each pool was given.
    fn apply(&self, numbers: &mut [Held], asked: &[(usize, i64)]) -> BTreeMap<usize, i64> {
        let mut lowest = BTreeMap::<usize, i64>::new();
        for (position, units) in asked.iter().filter(|(_, units)| *units > 0) {
            let given = lowest.entry(self.of_product(*position)).or_insert(*units);
            *given = (*given).min(*units);
        }
        for (position, number) in numbers.iter_mut().enumerate() {
            let given = lowest.get(&self.of_product(position)).copied();
            match asked.iter().find(|(asked, _)| *asked == position) {
                Some((_, 0)) if self.is_alone(position) => *number = Held { quantity: 0, enabled: false },
                Some((_, 0)) => number.enabled = false,
                Some(_) => number.enabled = true,
                None => {}
            }
            if let Some(given) = given {
                number.quantity = given;
            }
        }
        lowest
    }
}

fn has_parentheses(inventory: &Inventory) -> bool {
    let values = inventory.products.iter().filter(|product| !product.is_deleted);
    let mut values = values.flat_map(|product| &product.property_values).flat_map(|value| &value.values);
    values.any(|value| value.contains(['(', ')']))
}

impl Plan {
    /// The whole inventory with the plan's numbers. `None` where a price cannot be written back as it was.
    pub fn update<'a>(&self, inventory: &'a Inventory) -> Option<InventoryUpdate<'a>> {
        let products =
            inventory.products.iter().zip(&self.numbers).filter(|(product, _)| !product.is_deleted);
        let products = products.map(|(product, number)| {
            let offering = product.offering()?;
            Some(ProductUpdate {
                sku: product.sku.as_deref().unwrap_or_default(),
                property_values: property_values(product),
                offerings: [OfferingUpdate {
                    price: offering.price.as_number()?,
                    quantity: number.quantity,
                    is_enabled: number.enabled,
                    readiness_state_id: offering.readiness_state_id,
                }],
            })
        });
        Some(InventoryUpdate {
            products: products.collect::<Option<_>>()?,
            price_on_property: &inventory.price_on_property,
            quantity_on_property: &inventory.quantity_on_property,
            sku_on_property: &inventory.sku_on_property,
            readiness_state_on_property: inventory.readiness_state_on_property.as_deref(),
        })
    }
}

fn property_values(product: &Product) -> Vec<PropertyValueUpdate<'_>> {
    let values = product.property_values.iter();
    let update = |value: &'_ super::wire::PropertyValue| {
        (
            value.property_name.as_deref().map(plain_text),
            value.values.iter().map(|value| plain_text(value)).collect(),
        )
    };
    values
        .map(|value| {
            let (property_name, texts) = update(value);
            PropertyValueUpdate {
                property_id: value.property_id,
                value_ids: &value.value_ids,
                scale_id: value.scale_id,
                property_name,
                values: texts,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
