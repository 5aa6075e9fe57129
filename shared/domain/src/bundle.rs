//! Bundles: items that are made of other items when they are sold, and have no stock of their own.
//!
//! A bundle is counted, reserved and shipped as the simple items it comes down to, each taken together however often
//! and however deep it occurs ([`flatten`]): a component that two nested bundles share must not be promised twice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ItemId, Quantity};

/// What a bundle names directly: an item, simple or a bundle itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    pub item_id: ItemId,
    /// At least 1.
    pub quantity: Quantity,
}

/// Components that one bundle may name: each takes two of the 100 places of the transaction that stores it.
pub const COMPONENTS_MAX: usize = 20;
/// Bundles within bundles, the outermost counted.
pub const DEPTH_MAX: usize = 5;
/// Simple items that one bundle may come down to: each is read when its number is computed.
pub const PARTS_MAX: usize = 45;

/// The components of the bundles that are known; an item without an entry is simple.
pub type Bills = BTreeMap<ItemId, Vec<Component>>;

/// Why something cannot be a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBundle {
    #[error("the bundle would contain itself, through {0}")]
    Cycle(ItemId),
    #[error("bundles may be nested at most {DEPTH_MAX} deep")]
    TooDeep,
    #[error("a bundle may come down to at most {PARTS_MAX} different items")]
    TooManyParts,
    #[error("a bundle may hold at most {} of one item", Quantity::MAX)]
    TooMany,
}

/// The simple items in one unit of `item`, each with how many: itself where it is simple.
pub fn flatten(item: &ItemId, bills: &Bills) -> Result<BTreeMap<ItemId, i64>, InvalidBundle> {
    let mut parts = BTreeMap::new();
    add(item, 1, bills, &mut Vec::new(), &mut parts)?;
    if parts.len() > PARTS_MAX {
        return Err(InvalidBundle::TooManyParts);
    }
    Ok(parts)
}

fn add<'a>(
    item: &'a ItemId,
    quantity: i64,
    bills: &'a Bills,
    within: &mut Vec<&'a ItemId>,
    parts: &mut BTreeMap<ItemId, i64>,
) -> Result<(), InvalidBundle> {
    let Some(components) = bills.get(item).filter(|components| !components.is_empty()) else {
        let sum = parts.entry(item.clone()).or_default();
        *sum = sum.saturating_add(quantity);
        return if *sum <= Quantity::MAX.units() { Ok(()) } else { Err(InvalidBundle::TooMany) };
    };
    if within.contains(&item) {
        return Err(InvalidBundle::Cycle(item.clone()));
    }
    if within.len() == DEPTH_MAX {
        return Err(InvalidBundle::TooDeep);
    }
    within.push(item);
    for component in components {
        // At most 10⁹ by 10⁹: what is too many is refused before it can overflow.
        let of_component = quantity.saturating_mul(component.quantity.units());
        if of_component > Quantity::MAX.units() {
            return Err(InvalidBundle::TooMany);
        }
        add(&component.item_id, of_component, bills, within, parts)?;
    }
    within.pop();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LocationId;
    use crate::fulfilment::{LineProgress, LineStand, StockDeductedOn};
    use crate::order::{ChannelOrderState, Effect, LinkedLine, Place, difference, stock_effect};
    use crate::stock::Change;
    use proptest::prelude::*;

    fn item(n: u8) -> ItemId {
        ItemId::from_body(&n.to_string()).unwrap()
    }

    fn of(components: &[(u8, i64)]) -> Vec<Component> {
        let component = |(n, quantity): &(u8, i64)| Component {
            item_id: item(*n),
            quantity: Quantity::new(*quantity).unwrap(),
        };
        components.iter().map(component).collect()
    }

    fn bills(all: &[(u8, &[(u8, i64)])]) -> Bills {
        all.iter().map(|(bundle, components)| (item(*bundle), of(components))).collect()
    }

    #[test]
    fn l11_a_shared_component_is_taken_together_through_all_levels() {
        let bills = bills(&[(10, &[(1, 2), (11, 3)]), (11, &[(1, 1), (2, 4)])]);
        assert_eq!(flatten(&item(10), &bills).unwrap(), BTreeMap::from([(item(1), 5), (item(2), 12)]));
        assert_eq!(flatten(&item(2), &bills).unwrap(), BTreeMap::from([(item(2), 1)]));
    }

    #[test]
    fn l11_what_cannot_be_a_bundle_is_named() {
        let cycle = bills(&[(1, &[(2, 1)]), (2, &[(3, 1)]), (3, &[(1, 1)])]);
        assert_eq!(flatten(&item(1), &cycle), Err(InvalidBundle::Cycle(item(1))));
        assert_eq!(flatten(&item(9), &bills(&[(9, &[(9, 1)])])), Err(InvalidBundle::Cycle(item(9))));
        let deep: Bills = (0..6).map(|n| (item(n), of(&[(n + 1, 1)]))).collect();
        assert_eq!(flatten(&item(0), &deep), Err(InvalidBundle::TooDeep));
        assert!(flatten(&item(1), &deep).is_ok());
        let many = bills(&[(1, &[(2, 100_000)]), (2, &[(3, 100_000)])]);
        assert_eq!(flatten(&item(1), &many), Err(InvalidBundle::TooMany));
        let wide: Bills = Bills::from([(item(100), (0..46).map(|n| of(&[(n, 1)]).remove(0)).collect())]);
        assert_eq!(flatten(&item(100), &wide), Err(InvalidBundle::TooManyParts));
    }

    /// Items 0 to 3 are simple; each of 10 to 14 is made of simple ones and of bundles above it in number.
    fn some_bills() -> impl Strategy<Value = Bills> {
        let components = |bundle: u8| {
            let choices: Vec<u8> = (0..4).chain(bundle + 1..14).collect();
            prop::collection::vec((prop::sample::select(choices), 1i64..4), 1..4)
        };
        (10u8..14).map(components).collect::<Vec<_>>().prop_map(|all| {
            (10u8..).zip(all).map(|(bundle, components)| (item(bundle), of(&components))).collect()
        })
    }

    proptest! {
        /// What is reserved of a component is the sum over the orders of what each holds of it, whatever the orders are
        /// of, and also when bundles are changed between one order's states and the next: an order keeps what it
        /// was made of when it was taken.
        #[test]
        fn l11_reserved_of_a_component_is_the_sum_over_orders(
            catalogues in prop::collection::vec(some_bills(), 1..4),
            orders in prop::collection::vec((prop::sample::select(vec![0u8, 1, 2, 3, 10, 11, 12, 13]), 1i64..5, 0i64..5, 0usize..4, any::<bool>()), 1..8),
        ) {
            let home = LocationId::from_body("home").unwrap();
            let mut levels = BTreeMap::<ItemId, Change>::new();
            let mut wanted = BTreeMap::<ItemId, i64>::new();
            for (sold, quantity, shipped, catalogue, cancelled) in orders {
                // The bundle as it was when the order was taken; later catalogues change nothing of it.
                let kept = flatten(&item(sold), &catalogues[catalogue % catalogues.len()]).unwrap();
                let stand = LineStand {
                    quantity: Quantity::clamped(quantity),
                    told: Quantity::clamped(shipped.min(quantity)),
                    done: LineProgress::default(),
                };
                let lines: Vec<LinkedLine> = kept.iter().map(|(part, of_part)| LinkedLine { item_id: part.clone(), each: *of_part, stand }).collect();
                let mut applied = BTreeMap::<Place, Effect>::new();
                let states = [ChannelOrderState::Confirmed, ChannelOrderState::PartFulfilled, ChannelOrderState::Cancelled];
                for state in states.iter().take(if cancelled { 3 } else { 2 }) {
                    let target = stock_effect(*state, StockDeductedOn::Shipment, &lines, &home);
                    for (place, change) in difference(&applied, &target) {
                        let level = levels.entry(place.item_id).or_default();
                        level.committed += change.committed;
                        level.on_hand += change.on_hand;
                    }
                    applied = target;
                }
                if !cancelled {
                    for (part, of_part) in kept {
                        *wanted.entry(part).or_default() += (quantity - shipped.min(quantity)) * of_part;
                    }
                }
            }
            for (part, level) in levels {
                prop_assert_eq!(level.committed, wanted.get(&part).copied().unwrap_or_default());
            }
        }
    }
}
