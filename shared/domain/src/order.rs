//! Sales orders: what a channel says of them, and what that does to stock.
//!
//! An order's effect on stock is a pure function of its latest state ([`stock_effect`]); what has been applied already
//! is kept with the order; only the difference moves ([`difference`]). So it does not matter in which order, or how
//! often, the states of an order arrive.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::channel::Fulfilment;
pub use crate::fulfilment::LinkedLine;
use crate::fulfilment::StockDeductedOn;
use crate::listing::ListingRef;
use crate::stock::Change;
use crate::{ChannelLocationId, Currency, ItemId, LocationId, Money, Quantity, Timestamp};

/// The shipping side of an order, as its channel has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelOrderState {
    /// Not paid, must not be shipped; it reserves stock all the same.
    Pending,
    Confirmed,
    /// Shipped in part.
    PartFulfilled,
    Fulfilled,
    /// Cancelled, failed, or refunded before anything was shipped.
    Cancelled,
}

/// The money side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    Pending,
    Paid,
    PartRefunded,
    Refunded,
    Voided,
}

/// A line of an order as its channel has it now, edits and removals done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedLine {
    /// The channel's own id of the line.
    pub line_id: String,
    /// `None` where the channel no longer knows what was sold (deleted goods, a free text line).
    pub listing: Option<ListingRef>,
    pub sku: Option<String>,
    pub title: String,
    /// What is still wanted or was shipped: ordered, less what was removed or refunded before it was shipped.
    pub quantity: Quantity,
    pub shipped: Quantity,
    pub unit_price: Option<Money>,
    pub tax: Option<Money>,
}

/// Who bought: personal, sealed apart from the order and never listed, logged or queued.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Buyer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<Address>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<Address>,
}

impl std::fmt::Debug for Buyer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Buyer(concealed)")
    }
}

#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Address {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(concealed)")
    }
}

/// An order as an adapter read it from its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedOrder {
    pub external_id: String,
    /// What the merchant calls it: `#1001`.
    pub number: String,
    pub placed_at: Timestamp,
    /// The channel's version of the order: a state with a later one is the newer.
    pub changed_at: Timestamp,
    pub state: ChannelOrderState,
    pub payment: PaymentStatus,
    pub currency: Currency,
    pub total: Option<Money>,
    pub lines: Vec<FetchedLine>,
    pub buyer: Buyer,
    /// Who ships it: what Amazon ships was never on the merchant's shelves.
    pub fulfilment: Fulfilment,
    /// A state the adapter did not know, by the channel's name for it: treated as pending and reported.
    pub unknown_state: Option<String>,
    /// Packages on their way, where the channel tells of them.
    pub tracking: Vec<Tracking>,
    /// Which of its own locations the channel ships it from, where that was asked for.
    pub assigned_to: Option<ChannelLocationId>,
}

/// How a package can be followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracking {
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    #[serde(rename = "n")]
    pub tracking_number: String,
}

/// An order's state in the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderState {
    Pending,
    Confirmed,
    Packed,
    Shipped,
    Delivered,
    Fulfilled,
    Void,
}

impl OrderState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Fulfilled => "fulfilled",
            Self::Void => "void",
        }
    }
}

impl From<ChannelOrderState> for OrderState {
    fn from(state: ChannelOrderState) -> Self {
        match state {
            ChannelOrderState::Pending => Self::Pending,
            ChannelOrderState::Confirmed | ChannelOrderState::PartFulfilled => Self::Confirmed,
            ChannelOrderState::Fulfilled => Self::Fulfilled,
            ChannelOrderState::Cancelled => Self::Void,
        }
    }
}

/// The organization's choice of which orders come in, for all connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderPreference {
    Confirmed,
    #[default]
    ConfirmedAndFulfilled,
}

/// What an order has taken of one item at one location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Effect {
    /// Promised, not yet gone.
    #[serde(rename = "c")]
    pub committed: i64,
    /// Gone: shipped.
    #[serde(rename = "d")]
    pub deducted: i64,
}

impl Effect {
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// The movement from `self` to `target`.
    pub fn change_to(self, target: Self) -> Change {
        Change { on_hand: self.deducted - target.deducted, committed: target.committed - self.committed }
    }
}

/// An item at a location.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub item_id: ItemId,
    pub location_id: LocationId,
}

/// What an order in this state has of each place, all its linked lines together. `location_id`: the order's own.
pub fn stock_effect(
    state: ChannelOrderState,
    deducted_on: StockDeductedOn,
    lines: &[LinkedLine],
    location_id: &LocationId,
) -> BTreeMap<Place, Effect> {
    let mut effects = BTreeMap::<Place, Effect>::new();
    for line in lines {
        for (location_id, effect) in line.effects(state, deducted_on, location_id) {
            let place = Place { item_id: line.item_id.clone(), location_id };
            let sum = effects.entry(place).or_default();
            sum.committed += effect.committed;
            sum.deducted += effect.deducted;
        }
    }
    effects.retain(|_, effect| !effect.is_nothing());
    effects
}

/// What must move for an order that has `applied` to have `target`: the difference and nothing else.
pub fn difference(
    applied: &BTreeMap<Place, Effect>,
    target: &BTreeMap<Place, Effect>,
) -> Vec<(Place, Change)> {
    let places = applied.keys().chain(target.keys().filter(|place| !applied.contains_key(place)));
    let of =
        |effects: &BTreeMap<Place, Effect>, place: &Place| effects.get(place).copied().unwrap_or_default();
    places
        .map(|place| (place.clone(), of(applied, place).change_to(of(target, place))))
        .filter(|(_, change)| !change.is_nothing())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fulfilment::{LineProgress, LineStand};
    use proptest::prelude::*;

    const ON: StockDeductedOn = StockDeductedOn::Shipment;

    fn line(item: u8, quantity: i64, shipped: i64) -> LinkedLine {
        let (quantity, told) = (Quantity::new(quantity).unwrap(), Quantity::new(shipped).unwrap());
        let stand = LineStand { quantity, told, done: LineProgress::default(), awaited: Quantity::ZERO };
        LinkedLine {
            item_id: ItemId::from_body(&item.to_string()).unwrap(),
            each: 1,
            stand,
            elsewhere: Vec::new(),
        }
    }

    fn home() -> LocationId {
        LocationId::from_body("home").unwrap()
    }

    #[track_caller]
    fn check(state: ChannelOrderState, lines: &[LinkedLine], committed: i64, deducted: i64) {
        let effects = stock_effect(state, ON, lines, &home());
        let sum = effects.values().fold(Effect::default(), |a, b| Effect {
            committed: a.committed + b.committed,
            deducted: a.deducted + b.deducted,
        });
        assert_eq!(sum, Effect { committed, deducted });
    }

    #[test]
    fn each_state_has_its_effect() {
        use ChannelOrderState::*;
        check(Pending, &[line(1, 3, 0)], 3, 0);
        check(Confirmed, &[line(1, 3, 0), line(2, 1, 0)], 4, 0);
        check(PartFulfilled, &[line(1, 3, 1)], 2, 1);
        check(Fulfilled, &[line(1, 3, 0)], 0, 3);
        check(Cancelled, &[line(1, 3, 0)], 0, 0);
        check(Cancelled, &[line(1, 3, 1)], 0, 1);
        check(Confirmed, &[line(1, 0, 0)], 0, 0);
    }

    #[test]
    fn two_lines_of_one_item_are_one_movement() {
        let target = stock_effect(ChannelOrderState::Confirmed, ON, &[line(1, 3, 0), line(1, 2, 0)], &home());
        let moved = difference(&BTreeMap::new(), &target);
        assert_eq!(moved.len(), 1);
        assert_eq!(moved[0].1, Change { on_hand: 0, committed: 5 });
    }

    fn states() -> impl Strategy<Value = (ChannelOrderState, Vec<(u8, i64, i64)>)> {
        use ChannelOrderState::*;
        (
            prop::sample::select(vec![Pending, Confirmed, PartFulfilled, Fulfilled, Cancelled]),
            prop::collection::vec((0u8..3, 0i64..5, 0i64..5), 0..4),
        )
    }

    proptest! {
        /// Whatever states came before, and however often, the last one alone decides what the order has.
        #[test]
        fn only_the_last_state_counts(history in prop::collection::vec(states(), 1..6)) {
            let mut applied = BTreeMap::<Place, Effect>::new();
            let mut levels = BTreeMap::<Place, Change>::new();
            for (state, lines) in &history {
                let lines: Vec<_> = lines.iter().map(|(i, q, s)| line(*i, *q, *s)).collect();
                let target = stock_effect(*state, ON, &lines, &home());
                for (place, change) in difference(&applied, &target) {
                    let level = levels.entry(place).or_default();
                    level.on_hand += change.on_hand;
                    level.committed += change.committed;
                }
                prop_assert!(difference(&target, &target).is_empty());
                applied = target;
            }
            for (place, level) in levels {
                let effect = applied.get(&place).copied().unwrap_or_default();
                prop_assert_eq!(level, Change { on_hand: -effect.deducted, committed: effect.committed });
            }
        }
    }
}
