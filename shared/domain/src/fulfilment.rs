//! How far an order has come: by what its channel says, and by what was invoiced, packed, shipped and taken back here.
//!
//! The two are told apart per line, so that a shipment made here and told by the channel afterwards is one: of what is
//! known twice, the larger number counts.

use serde::{Deserialize, Serialize};

use crate::order::{ChannelOrderState, Effect, OrderState};
use crate::{ItemId, Quantity};

/// When an order's goods are taken off the stock on hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StockDeductedOn {
    #[default]
    Shipment,
    Invoice,
}

/// What was done here for a line, all its documents together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LineProgress {
    pub invoiced: Quantity,
    /// In packages, shipped or not; what is shipped without one counts as packed.
    pub packed: Quantity,
    pub shipped: Quantity,
    pub delivered: Quantity,
    /// Came back, in whatever shape.
    pub returned: Quantity,
    /// Of those, what can be sold again.
    pub restocked: Quantity,
}

impl LineProgress {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// A line for what may still be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineStand {
    /// What is wanted.
    pub quantity: Quantity,
    /// Shipped by the channel's word.
    pub told: Quantity,
    pub done: LineProgress,
}

impl LineStand {
    fn told(&self) -> i64 {
        self.told.units().min(self.quantity.units())
    }

    /// Units that left, whoever says so.
    pub fn shipped(&self) -> Quantity {
        Quantity::clamped(self.told().max(self.done.shipped.units()))
    }

    pub fn left_to_invoice(&self) -> Quantity {
        Quantity::clamped(self.quantity.units().max(self.shipped().units()) - self.done.invoiced.units())
    }

    /// Neither in a package nor gone.
    pub fn left_to_pack(&self) -> Quantity {
        self.quantity.saturating_sub(self.done.packed.max(self.shipped()))
    }

    /// Not gone, packed or not.
    pub fn left_to_ship(&self) -> Quantity {
        self.quantity.saturating_sub(self.shipped())
    }

    /// Gone and not back. Of an order that its channel calls fulfilled, everything is gone.
    pub fn left_to_return(&self, state: ChannelOrderState) -> Quantity {
        let gone = match state {
            ChannelOrderState::Fulfilled => self.quantity.max(self.shipped()),
            _ => self.shipped(),
        };
        gone.saturating_sub(self.done.returned)
    }
}

/// A line that is linked, for what it does to stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedLine {
    pub item_id: ItemId,
    /// Units of the item in one unit of the line: 1, or as many as the bundle that was sold has.
    pub each: i64,
    pub stand: LineStand,
}

impl LinkedLine {
    /// What the line has taken of its item's stock.
    pub fn effect(&self, state: ChannelOrderState, deducted_on: StockDeductedOn) -> Effect {
        let LineStand { quantity, done, .. } = self.stand;
        let (told, here, wanted) = (self.stand.told(), done.shipped.units(), quantity.units());
        let gone = match deducted_on {
            StockDeductedOn::Shipment => told.max(here),
            // What the channel tells beyond what was shipped here left without an invoice of ours.
            StockDeductedOn::Invoice => {
                let elsewhere = if told > here { told } else { 0 };
                elsewhere.max(done.invoiced.units().min(wanted.max(here)))
            }
        };
        let (committed, deducted) = match state {
            ChannelOrderState::Pending | ChannelOrderState::Confirmed | ChannelOrderState::PartFulfilled => {
                ((wanted - gone).max(0), gone)
            }
            ChannelOrderState::Fulfilled => (0, wanted.max(gone).max(here)),
            // An invoice does not outlive its order; what was shipped stays shipped.
            ChannelOrderState::Cancelled => (0, told.max(here)),
        };
        // What never left the books cannot come back into them.
        let deducted = (deducted - done.restocked.units()).max(0);
        Effect {
            committed: committed.saturating_mul(self.each),
            deducted: deducted.saturating_mul(self.each),
        }
    }
}

/// The state of an order with these lines. The channel's word is the last on its beginning and its end; how far between
/// the two is what was done with all that is wanted.
pub fn order_state(channel: ChannelOrderState, lines: &[LineStand]) -> OrderState {
    let wanted: Vec<&LineStand> = lines.iter().filter(|line| line.quantity > Quantity::ZERO).collect();
    let begun = OrderState::from(channel);
    if matches!(begun, OrderState::Void | OrderState::Fulfilled) || wanted.is_empty() {
        return begun;
    }
    let all = |done: fn(&LineStand) -> Quantity| wanted.iter().all(|line| done(line) >= line.quantity);
    let (delivered, invoiced) = (all(|line| line.done.delivered), all(|line| line.done.invoiced));
    if delivered && invoiced {
        OrderState::Fulfilled
    } else if delivered {
        OrderState::Delivered
    } else if all(LineStand::shipped) {
        OrderState::Shipped
    } else if all(|line| line.done.packed.max(line.shipped())) {
        OrderState::Packed
    } else {
        begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChannelOrderState::*;
    use StockDeductedOn::{Invoice, Shipment};
    use proptest::prelude::*;

    fn units(n: i64) -> Quantity {
        Quantity::new(n).unwrap()
    }

    /// Wanted, told, then invoiced, packed, shipped, delivered, returned, restocked.
    fn stand(wanted: i64, told: i64, done: [i64; 6]) -> LineStand {
        let [invoiced, packed, shipped, delivered, returned, restocked] = done.map(units);
        let done = LineProgress { invoiced, packed, shipped, delivered, returned, restocked };
        LineStand { quantity: units(wanted), told: units(told), done }
    }

    #[track_caller]
    fn check(stand: LineStand, state: ChannelOrderState, on: StockDeductedOn, committed: i64, deducted: i64) {
        let line = LinkedLine { item_id: ItemId::from_body("1").unwrap(), each: 1, stand };
        let bundle = LinkedLine { each: 3, ..line.clone() };
        assert_eq!(bundle.effect(state, on), Effect { committed: 3 * committed, deducted: 3 * deducted });
        assert_eq!(line.effect(state, on), Effect { committed, deducted });
    }

    #[test]
    fn a_shipment_of_ours_and_the_channel_s_word_of_it_are_one() {
        check(stand(3, 0, [0, 2, 2, 0, 0, 0]), Confirmed, Shipment, 1, 2);
        check(stand(3, 2, [0, 2, 2, 0, 0, 0]), PartFulfilled, Shipment, 1, 2);
        check(stand(3, 3, [0, 3, 3, 0, 0, 0]), Fulfilled, Shipment, 0, 3);
        check(stand(3, 3, [0, 2, 2, 0, 0, 0]), PartFulfilled, Shipment, 0, 3);
    }

    #[test]
    fn what_was_shipped_stays_shipped_when_less_is_wanted() {
        check(stand(1, 0, [0, 2, 2, 0, 0, 0]), Confirmed, Shipment, 0, 2);
        check(stand(3, 0, [0, 2, 2, 0, 0, 0]), Cancelled, Shipment, 0, 2);
        check(stand(1, 0, [0, 2, 2, 0, 0, 0]), Fulfilled, Shipment, 0, 2);
    }

    #[test]
    fn with_deduction_on_invoice_a_shipment_moves_nothing_and_an_invoice_does() {
        check(stand(3, 0, [0, 3, 3, 0, 0, 0]), Confirmed, Invoice, 3, 0);
        check(stand(3, 0, [2, 0, 0, 0, 0, 0]), Confirmed, Invoice, 1, 2);
        check(stand(3, 2, [2, 2, 2, 0, 0, 0]), PartFulfilled, Invoice, 1, 2);
        check(stand(3, 2, [0, 0, 0, 0, 0, 0]), PartFulfilled, Invoice, 1, 2);
        check(stand(3, 3, [0, 3, 3, 0, 0, 0]), Fulfilled, Invoice, 0, 3);
        check(stand(3, 0, [3, 0, 0, 0, 0, 0]), Cancelled, Invoice, 0, 0);
    }

    #[test]
    fn what_is_restocked_comes_back_and_what_is_only_returned_does_not() {
        check(stand(3, 0, [0, 3, 3, 0, 2, 0]), Confirmed, Shipment, 0, 3);
        check(stand(3, 0, [0, 3, 3, 0, 2, 1]), Confirmed, Shipment, 0, 2);
        check(stand(3, 0, [0, 3, 3, 0, 3, 3]), Cancelled, Shipment, 0, 0);
        check(stand(3, 0, [0, 3, 3, 0, 1, 1]), Confirmed, Invoice, 3, 0);
    }

    #[track_caller]
    fn check_left(stand: LineStand, invoice: i64, pack: i64, ship: i64, back: i64) {
        let left = [stand.left_to_invoice(), stand.left_to_pack(), stand.left_to_ship()];
        assert_eq!(left, [invoice, pack, ship].map(units));
        assert_eq!(stand.left_to_return(Confirmed), units(back));
    }

    #[test]
    fn what_is_left_to_do_is_what_was_not_done_by_anyone() {
        check_left(stand(3, 0, [0; 6]), 3, 3, 3, 0);
        check_left(stand(3, 1, [1, 0, 0, 0, 0, 0]), 2, 2, 2, 1);
        check_left(stand(3, 1, [0, 2, 0, 0, 0, 0]), 3, 1, 2, 1);
        check_left(stand(3, 0, [0, 2, 2, 0, 1, 0]), 3, 1, 1, 1);
        check_left(stand(1, 0, [0, 2, 2, 0, 0, 0]), 2, 0, 0, 2);
        assert_eq!(stand(3, 0, [0; 6]).left_to_return(Fulfilled), units(3));
    }

    #[test]
    fn the_state_follows_what_was_done_with_everything() {
        let state = |channel, lines: &[LineStand]| order_state(channel, lines);
        let open = stand(2, 0, [0; 6]);
        let packed = stand(2, 0, [0, 2, 0, 0, 0, 0]);
        let shipped = stand(2, 0, [0, 2, 2, 0, 0, 0]);
        let delivered = stand(2, 0, [0, 2, 2, 2, 0, 0]);
        let done = stand(2, 0, [2, 2, 2, 2, 0, 0]);
        assert_eq!(state(Confirmed, &[open, shipped]), OrderState::Confirmed);
        assert_eq!(state(Pending, &[open]), OrderState::Pending);
        assert_eq!(state(Confirmed, &[packed, shipped]), OrderState::Packed);
        assert_eq!(state(PartFulfilled, &[shipped, stand(1, 1, [0; 6])]), OrderState::Shipped);
        assert_eq!(state(Confirmed, &[delivered, delivered]), OrderState::Delivered);
        assert_eq!(state(Confirmed, &[done, done]), OrderState::Fulfilled);
        assert_eq!(state(Confirmed, &[shipped, stand(0, 0, [0; 6])]), OrderState::Shipped);
        assert_eq!(state(Cancelled, &[shipped]), OrderState::Void);
        assert_eq!(state(Fulfilled, &[open]), OrderState::Fulfilled);
        assert_eq!(state(Confirmed, &[]), OrderState::Confirmed);
    }

    proptest! {
        /// Committed and deducted are never below zero, and an open order holds all that is wanted, one way or the other.
        #[test]
        fn nothing_wanted_is_forgotten(
            wanted in 0i64..6, told in 0i64..6, invoiced in 0i64..6, shipped in 0i64..6, by_invoice in any::<bool>(),
        ) {
            let on = if by_invoice { Invoice } else { Shipment };
            let line = LinkedLine {
                item_id: ItemId::from_body("1").unwrap(),
                each: 1,
                stand: stand(wanted, told, [invoiced, shipped, shipped, 0, 0, 0]),
            };
            for state in [Pending, Confirmed, PartFulfilled, Fulfilled, Cancelled] {
                let effect = line.effect(state, on);
                prop_assert!(effect.committed >= 0 && effect.deducted >= 0);
                if state != Cancelled {
                    prop_assert!(effect.committed + effect.deducted >= wanted);
                }
            }
        }
    }
}
