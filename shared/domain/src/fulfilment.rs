//! How far an order has come: by what its channel says, and by what was invoiced, packed, shipped and taken back here.
//!
//! The two are told apart per line, so that a shipment made here and told by the channel afterwards is one: of what is
//! known twice, the larger number counts.

use serde::{Deserialize, Serialize};

use crate::channel::Fulfilment;
use crate::order::{ChannelOrderState, Effect, OrderState};
use crate::{ItemId, LocationId, Quantity};

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
    /// Units that another sends for us and has not sent yet.
    pub awaited: Quantity,
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

    /// Neither in a package, nor gone, nor another's to send.
    pub fn left_to_pack(&self) -> Quantity {
        self.quantity.saturating_sub(self.done.packed.max(self.shipped())).saturating_sub(self.awaited)
    }

    /// Not gone, packed or not.
    pub fn left_to_ship(&self) -> Quantity {
        self.quantity.saturating_sub(self.shipped()).saturating_sub(self.awaited)
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

/// Units of a line that are not served from the order's own location: Amazon's to send, or sent by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    pub location_id: LocationId,
    /// Asked for and not sent.
    pub open: Quantity,
    /// Sent from there; counted in [`LineProgress::shipped`] too.
    pub gone: Quantity,
}

/// A line that is linked, for what it does to stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedLine {
    pub item_id: ItemId,
    /// Units of the item in one unit of the line: 1, or as many as the bundle that was sold has.
    pub each: i64,
    pub stand: LineStand,
    /// At most one entry a location.
    pub elsewhere: Vec<Elsewhere>,
}

impl LinkedLine {
    /// What the line has taken of its item's stock, place by place. What another has been asked to send stays promised
    /// there whatever becomes of the order, until it is taken back there.
    pub fn effects(
        &self,
        state: ChannelOrderState,
        deducted_on: StockDeductedOn,
        own: &LocationId,
    ) -> Vec<(LocationId, Effect)> {
        let sum =
            |of: fn(&Elsewhere) -> Quantity| -> i64 { self.elsewhere.iter().map(|e| of(e).units()).sum() };
        let (open, gone) = (sum(|e| e.open), sum(|e| e.gone));
        let mut here = self.effect_without(open, gone, state, deducted_on);
        here.committed = here.committed.saturating_mul(self.each);
        here.deducted = here.deducted.saturating_mul(self.each);
        let elsewhere = self.elsewhere.iter().map(|part| {
            let committed = part.open.units().saturating_mul(self.each);
            let deducted = part.gone.units().saturating_mul(self.each);
            (part.location_id.clone(), Effect { committed, deducted })
        });
        std::iter::once((own.clone(), here)).chain(elsewhere).collect()
    }

    /// Of one unit of the line each, at the order's own location: the line less what is another's. Units that another
    /// sent and a buyer gave back come into the own location, so `deducted` may be as far below zero.
    fn effect_without(
        &self,
        open: i64,
        gone: i64,
        state: ChannelOrderState,
        deducted_on: StockDeductedOn,
    ) -> Effect {
        let less = |quantity: Quantity, units: i64| Quantity::clamped(quantity.units() - units);
        let LineStand { quantity, told, done, .. } = self.stand;
        let told = Quantity::clamped(told.units().min(quantity.units()));
        let rest = LineProgress {
            invoiced: less(done.invoiced, open + gone),
            shipped: less(done.shipped, gone),
            ..done
        };
        let stand = LineStand {
            quantity: less(quantity, open + gone),
            told: less(told, gone),
            done: rest,
            awaited: Quantity::ZERO,
        };
        own_effect(&stand, state, deducted_on, -gone)
    }
}

/// What a line takes of the location that it is served from; `least`: how far below zero what came back can take it.
fn own_effect(
    stand: &LineStand,
    state: ChannelOrderState,
    deducted_on: StockDeductedOn,
    least: i64,
) -> Effect {
    let LineStand { quantity, done, .. } = *stand;
    let (told, here, wanted) = (stand.told(), done.shipped.units(), quantity.units());
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
    Effect { committed, deducted: (deducted - done.restocked.units()).max(least.min(0)) }
}

/// The state of an order by who ships it. Of one that Amazon ships nobody has anything to do: it is fulfilled as soon as it
/// is here, and void when its channel says so.
pub fn state_by(fulfilled_by: Fulfilment, channel: ChannelOrderState, lines: &[LineStand]) -> OrderState {
    match (fulfilled_by, order_state(channel, lines)) {
        (_, OrderState::Void) => OrderState::Void,
        (Fulfilment::Fba, _) => OrderState::Fulfilled,
        (Fulfilment::Mfn, state) => state,
    }
}

/// The state that an order's stock goes by: what Amazon ships is gone from its shelf, for us, as soon as it is sold.
pub fn stock_state(fulfilled_by: Fulfilment, channel: ChannelOrderState) -> ChannelOrderState {
    match (fulfilled_by, channel) {
        (_, ChannelOrderState::Cancelled) => ChannelOrderState::Cancelled,
        (Fulfilment::Fba, _) => ChannelOrderState::Fulfilled,
        (Fulfilment::Mfn, state) => state,
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

    fn place(body: &str) -> LocationId {
        LocationId::from_body(body).unwrap()
    }

    /// Wanted, told, then invoiced, packed, shipped, delivered, returned, restocked.
    fn stand(wanted: i64, told: i64, done: [i64; 6]) -> LineStand {
        let [invoiced, packed, shipped, delivered, returned, restocked] = done.map(units);
        let done = LineProgress { invoiced, packed, shipped, delivered, returned, restocked };
        LineStand { quantity: units(wanted), told: units(told), done, awaited: Quantity::ZERO }
    }

    #[track_caller]
    fn check(stand: LineStand, state: ChannelOrderState, on: StockDeductedOn, committed: i64, deducted: i64) {
        let line =
            LinkedLine { item_id: ItemId::from_body("1").unwrap(), each: 1, stand, elsewhere: Vec::new() };
        let bundle = LinkedLine { each: 3, ..line.clone() };
        let at_home = |line: &LinkedLine| line.effects(state, on, &place("home")).remove(0).1;
        assert_eq!(at_home(&bundle), Effect { committed: 3 * committed, deducted: 3 * deducted });
        assert_eq!(at_home(&line), Effect { committed, deducted });
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

    /// Committed and deducted at home, then at Amazon.
    #[track_caller]
    fn check_split(
        stand: LineStand,
        open: i64,
        gone: i64,
        state: ChannelOrderState,
        home: (i64, i64),
        amazon: (i64, i64),
    ) {
        let elsewhere = vec![Elsewhere { location_id: place("fba"), open: units(open), gone: units(gone) }];
        let line = LinkedLine { item_id: ItemId::from_body("1").unwrap(), each: 1, stand, elsewhere };
        for on in [Shipment, Invoice] {
            let effects = line.effects(state, on, &place("home"));
            let found: Vec<(i64, i64)> = effects.iter().map(|(_, e)| (e.committed, e.deducted)).collect();
            assert_eq!(found, [home, amazon], "{on:?}");
        }
    }

    #[test]
    fn f12_what_amazon_sends_is_promised_and_taken_at_amazon_s() {
        check_split(stand(3, 0, [0; 6]), 2, 0, Confirmed, (1, 0), (2, 0));
        check_split(stand(3, 0, [0, 1, 1, 0, 0, 0]), 1, 1, Confirmed, (1, 0), (1, 1));
        check_split(stand(3, 0, [0, 3, 3, 0, 0, 0]), 0, 3, Confirmed, (0, 0), (0, 3));
        // Its channel was told of it, or says by itself that all is shipped.
        check_split(stand(3, 3, [0, 3, 3, 0, 0, 0]), 0, 3, Fulfilled, (0, 0), (0, 3));
        check_split(stand(2, 2, [0; 6]), 2, 0, Fulfilled, (0, 0), (2, 0));
        // Cancelled while Amazon still works on it: promised there until it is taken back there.
        check_split(stand(2, 0, [0; 6]), 2, 0, Cancelled, (0, 0), (2, 0));
        check_split(stand(2, 0, [0, 1, 1, 0, 0, 0]), 0, 1, Cancelled, (0, 0), (0, 1));
        // Sent by Amazon, given back to us.
        check_split(stand(2, 0, [0, 2, 2, 0, 2, 2]), 0, 2, Confirmed, (0, -2), (0, 2));
    }

    #[test]
    fn f11_what_amazon_ships_is_fulfilled_at_once() {
        let open = [stand(2, 0, [0; 6])];
        for (channel, state, stock) in [
            (Pending, OrderState::Fulfilled, Fulfilled),
            (Confirmed, OrderState::Fulfilled, Fulfilled),
            (Fulfilled, OrderState::Fulfilled, Fulfilled),
            (Cancelled, OrderState::Void, Cancelled),
        ] {
            assert_eq!(state_by(Fulfilment::Fba, channel, &open), state);
            assert_eq!(stock_state(Fulfilment::Fba, channel), stock);
            assert_eq!(state_by(Fulfilment::Mfn, channel, &open), order_state(channel, &open));
            assert_eq!(stock_state(Fulfilment::Mfn, channel), channel);
        }
    }

    #[test]
    fn f14_what_amazon_is_to_send_is_not_ours_to_pack() {
        let awaited = LineStand { awaited: units(2), ..stand(3, 0, [0; 6]) };
        check_left(awaited, 3, 1, 1, 0);
        check_left(LineStand { awaited: units(3), ..awaited }, 3, 0, 0, 0);
    }

    proptest! {
        /// However a line is shared between the two, together they hold what it holds alone.
        #[test]
        fn f12_the_parts_of_a_line_are_the_whole(
            wanted in 0i64..9, shipped in 0i64..9, open in 0i64..9, gone in 0i64..9, cancelled in any::<bool>(),
        ) {
            let shipped = shipped.min(wanted);
            let gone = gone.min(shipped);
            let open = open.min(wanted - shipped);
            let state = if cancelled { Cancelled } else { Confirmed };
            let stand = stand(wanted, 0, [0, shipped, shipped, 0, 0, 0]);
            let alone = LinkedLine { item_id: ItemId::from_body("1").unwrap(), each: 1, stand, elsewhere: Vec::new() };
            let elsewhere = vec![Elsewhere { location_id: place("fba"), open: units(open), gone: units(gone) }];
            let shared = LinkedLine { elsewhere, ..alone.clone() };
            let sum = |line: &LinkedLine| line.effects(state, Shipment, &place("home")).into_iter()
                .fold((0, 0), |(c, d), (_, e)| (c + e.committed, d + e.deducted));
            let (committed, deducted) = sum(&alone);
            let kept = if cancelled { open } else { 0 };
            prop_assert_eq!(sum(&shared), (committed + kept, deducted));
        }

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
                elsewhere: Vec::new(),
            };
            for state in [Pending, Confirmed, PartFulfilled, Fulfilled, Cancelled] {
                let effect = line.effects(state, on, &place("home")).remove(0).1;
                prop_assert!(effect.committed >= 0 && effect.deducted >= 0);
                if state != Cancelled {
                    prop_assert!(effect.committed + effect.deducted >= wanted);
                }
            }
        }
    }
}
