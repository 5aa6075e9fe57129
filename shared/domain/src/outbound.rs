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

/// A line of the order, as far as Amazon sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboundLine {
    /// Of the order; Amazon's name of it too.
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

/// What Amazon tells of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldLine<'a> {
    pub line_id: &'a str,
    pub shipped: Quantity,
    pub dropped: Quantity,
}

/// The lines after Amazon's word. What was sent stays sent, and nothing is open of what is over.
pub fn follow(lines: &[OutboundLine], told: &[ToldLine<'_>], state: OutboundState) -> Vec<OutboundLine> {
    let after = |line: &OutboundLine| {
        let said = told.iter().find(|said| said.line_id == line.line_id);
        let shipped = said.map_or(Quantity::ZERO, |said| said.shipped).max(line.shipped).min(line.quantity);
        let rest = line.quantity.saturating_sub(shipped);
        let dropped = match state.is_over() {
            true => rest,
            false => said.map_or(Quantity::ZERO, |said| said.dropped).min(rest),
        };
        OutboundLine { shipped, dropped, ..line.clone() }
    };
    lines.iter().map(after).collect()
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
        let told = told.map(|(shipped, dropped)| ToldLine {
            line_id: "1",
            shipped: units(shipped),
            dropped: units(dropped),
        });
        let told: Vec<ToldLine<'_>> = told.into_iter().collect();
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

    proptest! {
        #[test]
        fn a_line_is_sent_dropped_or_open(
            quantity in 0i64..9, told in proptest::option::of((0i64..12, 0i64..12)), over in any::<bool>(),
        ) {
            let state = if over { CompletePartial } else { Processing };
            let told: Vec<ToldLine<'_>> = told.into_iter().map(|(shipped, dropped)| ToldLine {
                line_id: "1", shipped: units(shipped), dropped: units(dropped),
            }).collect();
            let after = follow(&[line(quantity, 0, 0)], &told, state).remove(0);
            prop_assert_eq!(after.shipped.units() + after.dropped.units() + after.open().units(), quantity);
            prop_assert!(!over || after.open() == Quantity::ZERO);
            prop_assert_eq!(follow(std::slice::from_ref(&after), &told, state), vec![after]);
        }
    }
}
