//! Outbound shipments: parts of an order that Amazon sends from the merchant's stock there, by its multi-channel
//! fulfilment.
//!
//! What Amazon has been asked for and has not sent is promised in the FBA location; what it sent has left there. What it
//! will not send any more falls back to the order's own location.

use serde::{Deserialize, Serialize};

use crate::{ItemId, Quantity};

/// Lines and units that Amazon takes in one request.
pub const LINES_MAX: usize = 100;
pub const UNITS_MAX: i64 = 250;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShippingSpeed {
    #[default]
    Standard,
    Expedited,
    Priority,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboundState {
    /// Written here; whether Amazon has it is not known yet.
    Pending,
    Received,
    Planning,
    /// Amazon picks and packs: too late to cancel.
    Processing,
    Complete,
    /// Part was sent, the rest will not be.
    CompletePartial,
    Cancelled,
    Unfulfillable,
    /// Amazon found it wrong after it took it in.
    Invalid,
    /// Amazon did not take it in.
    Failed,
}

impl OutboundState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Received => "received",
            Self::Planning => "planning",
            Self::Processing => "processing",
            Self::Complete => "complete",
            Self::CompletePartial => "complete_partial",
            Self::Cancelled => "cancelled",
            Self::Unfulfillable => "unfulfillable",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }

    /// Nothing more comes of it.
    pub fn is_over(self) -> bool {
        match self {
            Self::Pending | Self::Received | Self::Planning | Self::Processing => false,
            Self::Complete
            | Self::CompletePartial
            | Self::Cancelled
            | Self::Unfulfillable
            | Self::Invalid
            | Self::Failed => true,
        }
    }

    /// Whether Amazon still takes it back.
    pub fn can_be_cancelled(self) -> bool {
        matches!(self, Self::Pending | Self::Received | Self::Planning)
    }
}

/// A line of the order, as far as Amazon sends it from one SKU: several of them may be of one line of the order. Its place
/// in the document, counted from 1, is Amazon's name of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboundLine {
    /// Of the order.
    pub line_id: String,
    pub item_id: ItemId,
    /// Of the merchant at Amazon.
    pub sku: String,
    pub quantity: Quantity,
    /// At most `quantity`.
    pub shipped: Quantity,
    /// Cancelled, or not to be had: Amazon will not send them.
    pub dropped: Quantity,
}

impl OutboundLine {
    /// Asked for and still to come.
    pub fn open(&self) -> Quantity {
        self.quantity.saturating_sub(self.shipped).saturating_sub(self.dropped)
    }
}

/// A SKU of an item and what Amazon can send of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkuStock {
    pub sku: String,
    pub units: Quantity,
}

/// From which of an item's SKUs `wanted` units are sent, and takes them off these: the first that has all of them, or as few
/// as will do, the fullest first. `None`, and nothing is taken, where all together have too few.
pub fn take(wanted: Quantity, stock: &mut [SkuStock]) -> Option<Vec<SkuStock>> {
    let has_all = stock.iter_mut().find(|one| one.units >= wanted);
    if let Some(one) = has_all {
        one.units = one.units.saturating_sub(wanted);
        return Some(vec![SkuStock { sku: one.sku.clone(), units: wanted }]);
    }
    if stock.iter().map(|one| one.units.units()).sum::<i64>() < wanted.units() {
        return None;
    }
    let mut fullest: Vec<&mut SkuStock> = stock.iter_mut().collect();
    fullest.sort_by_key(|one| std::cmp::Reverse(one.units));
    let mut rest = wanted;
    let mut taken = Vec::new();
    for one in fullest {
        let part = one.units.min(rest);
        if part > Quantity::ZERO {
            rest = rest.saturating_sub(part);
            one.units = one.units.saturating_sub(part);
            taken.push(SkuStock { sku: one.sku.clone(), units: part });
        }
    }
    Some(taken)
}

/// What Amazon tells of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldLine {
    pub shipped: Quantity,
    pub dropped: Quantity,
}

/// The lines after Amazon's word, which is told of each in its place. What was sent stays sent, and nothing is open of what
/// is over.
pub fn follow(lines: &[OutboundLine], told: &[ToldLine], state: OutboundState) -> Vec<OutboundLine> {
    let after = |(n, line): (usize, &OutboundLine)| {
        let said = told.get(n);
        let shipped = said.map_or(Quantity::ZERO, |said| said.shipped).max(line.shipped).min(line.quantity);
        let rest = line.quantity.saturating_sub(shipped);
        let dropped = match state.is_over() {
            true => rest,
            false => said.map_or(Quantity::ZERO, |said| said.dropped).min(rest),
        };
        OutboundLine { shipped, dropped, ..line.clone() }
    };
    lines.iter().enumerate().map(after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use OutboundState::*;
    use proptest::prelude::*;

    fn units(n: i64) -> Quantity {
        Quantity::new(n).unwrap()
    }

    fn line(quantity: i64, shipped: i64, dropped: i64) -> OutboundLine {
        OutboundLine {
            line_id: "1".to_owned(),
            item_id: ItemId::from_body("1").unwrap(),
            sku: "MUG".to_owned(),
            quantity: units(quantity),
            shipped: units(shipped),
            dropped: units(dropped),
        }
    }

    #[track_caller]
    fn check(before: OutboundLine, state: OutboundState, told: Option<(i64, i64)>, after: (i64, i64, i64)) {
        let told =
            told.map(|(shipped, dropped)| ToldLine { shipped: units(shipped), dropped: units(dropped) });
        let told: Vec<ToldLine> = told.into_iter().collect();
        let line = follow(&[before], &told, state).remove(0);
        assert_eq!((line.shipped.units(), line.dropped.units(), line.open().units()), after);
    }

    #[test]
    fn f13_lines_follow_amazon_s_word() {
        check(line(3, 0, 0), Received, Some((0, 0)), (0, 0, 3));
        check(line(3, 0, 0), Processing, Some((1, 0)), (1, 0, 2));
        check(line(3, 1, 0), Processing, Some((1, 1)), (1, 1, 1));
        check(line(3, 1, 0), Complete, Some((3, 0)), (3, 0, 0));
        check(line(3, 1, 0), CompletePartial, Some((2, 1)), (2, 1, 0));
        check(line(3, 0, 0), Cancelled, Some((0, 3)), (0, 3, 0));
        check(line(3, 0, 0), Unfulfillable, None, (0, 3, 0));
        check(line(3, 0, 0), Failed, None, (0, 3, 0));
    }

    #[test]
    fn f13_what_was_sent_stays_sent_and_more_than_asked_for_is_not_counted() {
        check(line(3, 2, 0), Processing, Some((1, 0)), (2, 0, 1));
        check(line(3, 0, 0), Processing, Some((9, 9)), (3, 0, 0));
        check(line(3, 0, 2), Processing, Some((0, 0)), (0, 0, 3));
    }

    #[test]
    fn f6_each_part_of_a_split_line_follows_its_own_word() {
        let of = |sku: &str, quantity: i64| OutboundLine { sku: sku.to_owned(), ..line(quantity, 0, 0) };
        let told = [(2, 0), (1, 3)]
            .map(|(shipped, dropped)| ToldLine { shipped: units(shipped), dropped: units(dropped) });
        let after = follow(&[of("A", 2), of("B", 4)], &told, CompletePartial);
        let found: Vec<_> = after.iter().map(|one| (one.shipped.units(), one.dropped.units())).collect();
        assert_eq!(found, [(2, 0), (1, 3)]);
    }

    /// Units of the SKUs A, B, C; what is taken of which.
    #[track_caller]
    fn check_take(wanted: i64, there: [i64; 3], taken: Option<&[(&str, i64)]>) {
        let stock = |sku: &str, n: i64| SkuStock { sku: sku.to_owned(), units: units(n) };
        let mut left: Vec<SkuStock> =
            ["A", "B", "C"].into_iter().zip(there).map(|(sku, n)| stock(sku, n)).collect();
        let before = left.clone();
        let found = take(units(wanted), &mut left);
        let wanted_parts = taken.map(|parts| parts.iter().map(|(sku, n)| stock(sku, *n)).collect::<Vec<_>>());
        assert_eq!(found, wanted_parts);
        for (one, before) in left.iter().zip(&before) {
            let part = found.iter().flatten().find(|part| part.sku == one.sku);
            assert_eq!(one.units.units() + part.map_or(0, |part| part.units.units()), before.units.units());
        }
    }

    #[test]
    fn f6_the_first_sku_that_has_enough_is_sent_else_as_few_as_will_do() {
        check_take(3, [0, 3, 9], Some(&[("B", 3)]));
        check_take(3, [5, 3, 9], Some(&[("A", 3)]));
        check_take(5, [2, 1, 4], Some(&[("C", 4), ("A", 1)]));
        check_take(7, [2, 1, 4], Some(&[("C", 4), ("A", 2), ("B", 1)]));
        check_take(4, [2, 0, 2], Some(&[("A", 2), ("C", 2)]));
        check_take(8, [2, 1, 4], None);
        check_take(1, [0, 0, 0], None);
    }

    proptest! {
        #[test]
        fn a_line_is_sent_dropped_or_open(
            quantity in 0i64..9, told in proptest::option::of((0i64..12, 0i64..12)), over in any::<bool>(),
        ) {
            let state = if over { CompletePartial } else { Processing };
            let told: Vec<ToldLine> = told.into_iter().map(|(shipped, dropped)| ToldLine {
                shipped: units(shipped), dropped: units(dropped),
            }).collect();
            let after = follow(&[line(quantity, 0, 0)], &told, state).remove(0);
            prop_assert_eq!(after.shipped.units() + after.dropped.units() + after.open().units(), quantity);
            prop_assert!(!over || after.open() == Quantity::ZERO);
            prop_assert_eq!(follow(std::slice::from_ref(&after), &told, state), vec![after]);
        }
    }
}
