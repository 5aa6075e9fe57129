//! The law of orders (L9): whatever happens to an order on its channel, in whatever sequence it happens, and in whatever
//! sequence and however often it is told, the order and the stock end in one state.

use std::collections::BTreeMap;

use domain::connection::{ConnectionSettings, ConnectionStatus};
use domain::fulfilment::StockDeductedOn;
use domain::listing::ListingRef;
use domain::order::{
    Buyer, ChannelOrderState, Effect, FetchedLine, FetchedOrder, OrderPreference, PaymentStatus, Place,
    difference,
};
use domain::stock::Change;
use domain::{
    ChannelKind, Currency, ItemId, ListingId, LocationId, Name, OrderId, OrganizationId, Quantity, Timestamp,
};
use store::connection::Connection;
use store::order::Order;
use store::organization::Organization;

use crate::import_order::{arrived, is_overtaken, target_effect};

/// What may happen to an order on its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Happens {
    Create,
    Pay,
    Edit,
    CancelPart,
    Cancel,
    Refund,
    Fulfil,
}

const ALL: [Happens; 7] = [
    Happens::Create,
    Happens::Pay,
    Happens::Edit,
    Happens::CancelPart,
    Happens::Cancel,
    Happens::Refund,
    Happens::Fulfil,
];

/// An order on its channel: three of one thing, two of another.
#[derive(Debug, Clone)]
struct OnChannel {
    paid: bool,
    cancelled: bool,
    fulfilled: bool,
    refunded: bool,
    quantities: [i64; 2],
    changes: i64,
}

fn units(n: i64) -> Quantity {
    Quantity::new(n).unwrap()
}

fn second(n: i64) -> Timestamp {
    Timestamp::from_second(1_000 + n).unwrap()
}

impl OnChannel {
    fn new() -> Self {
        Self {
            paid: false,
            cancelled: false,
            fulfilled: false,
            refunded: false,
            quantities: [3, 2],
            changes: 0,
        }
    }

    fn after(mut self, what: Happens) -> Self {
        let open = !self.cancelled && !self.fulfilled;
        self.changes += 1;
        match what {
            Happens::Create => {}
            Happens::Pay => self.paid = true,
            Happens::Edit if open => self.quantities[0] = 5,
            Happens::CancelPart if open => self.quantities[1] = 0,
            Happens::Cancel => self.cancelled = !self.fulfilled,
            // Before it is shipped, what is refunded is no longer wanted.
            Happens::Refund => {
                self.refunded = true;
                self.quantities[0] -= i64::from(open);
            }
            Happens::Fulfil => self.fulfilled = !self.cancelled,
            Happens::Edit | Happens::CancelPart => {}
        }
        self
    }

    fn told(&self) -> FetchedOrder {
        let state = match self {
            Self { cancelled: true, .. } => ChannelOrderState::Cancelled,
            Self { fulfilled: true, .. } => ChannelOrderState::Fulfilled,
            Self { paid: false, .. } => ChannelOrderState::Pending,
            _ => ChannelOrderState::Confirmed,
        };
        let payment = match self {
            Self { refunded: true, .. } => PaymentStatus::PartRefunded,
            Self { paid: true, .. } => PaymentStatus::Paid,
            _ => PaymentStatus::Pending,
        };
        let line = |n: usize, quantity: i64| FetchedLine {
            line_id: n.to_string(),
            listing: Some(ListingRef { external_id: n.to_string(), variation_id: None }),
            sku: None,
            title: format!("Thing {n}"),
            quantity: units(quantity),
            shipped: if self.fulfilled { units(quantity) } else { Quantity::ZERO },
            unit_price: None,
            tax: None,
        };
        let lines = self.quantities.iter().enumerate().filter(|(_, quantity)| **quantity > 0);
        FetchedOrder {
            external_id: "1".to_owned(),
            number: "#1".to_owned(),
            placed_at: second(0),
            changed_at: second(self.changes),
            state,
            payment,
            currency: eur(),
            total: None,
            lines: lines.map(|(n, quantity)| line(n, *quantity)).collect(),
            buyer: Buyer::default(),
            fulfilment: domain::channel::Fulfilment::Mfn,
            unknown_state: None,
            tracking: Vec::new(),
            assigned_to: None,
        }
    }
}

fn eur() -> Currency {
    "EUR".parse().unwrap()
}

/// Our side: the order as the table would have it, and the levels that its movements made.
struct Here {
    organization: Organization,
    connection: Connection,
    order: Option<Order>,
    levels: BTreeMap<Place, Change>,
}

impl Here {
    fn new(deducted_on: StockDeductedOn) -> Self {
        let id = OrganizationId::from_body("o").unwrap();
        let organization = Organization {
            stock_rule: Default::default(),
            privacy_policy_starts_at: None,
            id: id.clone(),
            name: Name::parse("O").unwrap(),
            base_currency: eur(),
            country: "DE".to_owned(),
            time_zone: "UTC".to_owned(),
            taxes_enabled: false,
            order_sync: OrderPreference::default(),
            stock_deducted_on: deducted_on,
            primary_location_id: LocationId::from_body("l").unwrap(),
            auto_link: Default::default(),
            created_at: second(0),
            version: 1,
        };
        let connection = Connection {
            id: "con_c".parse().unwrap(),
            organization_id: id,
            channel: ChannelKind::Shopify,
            name: Name::parse("C").unwrap(),
            endpoint: "https://shop.example".to_owned(),
            marketplace: Vec::new(),
            status: ConnectionStatus::Active,
            status_reason: None,
            settings: ConnectionSettings::default(),
            currency: eur(),
            facts: BTreeMap::new(),
            created_at: second(0),
            connected_at: Some(second(0)),
            next_sync_at: None,
            version: 1,
        };
        Self { organization, connection, order: None, levels: BTreeMap::new() }
    }

    fn import(&mut self, told: &FetchedOrder) {
        if self.order.as_ref().is_some_and(|before| is_overtaken(before, told)) {
            return;
        }
        let id = OrderId::of(&self.connection.id, &told.external_id).unwrap();
        let (before, known) = (self.order.as_ref(), BTreeMap::new());
        let mut after = arrived(&self.organization, &self.connection, told, &id, before, &known, second(99));
        // The listings of its lines are linked, each to an item of its own.
        for line in &mut after.lines {
            line.item_id = Some(ItemId::from_body(&line.id).unwrap());
        }
        self.settle(after);
    }

    /// A person ships one of the first line, where it is still wanted.
    fn ship_one(&mut self) {
        let Some(mut after) = self.order.clone() else { return };
        let open =
            !matches!(after.channel_state, ChannelOrderState::Cancelled | ChannelOrderState::Fulfilled);
        for line in after.lines.iter_mut().filter(|line| open && line.id == "0") {
            if line.stand().left_to_ship() > Quantity::ZERO {
                line.done.packed = units(1);
                line.done.shipped = units(1);
            }
        }
        self.settle(after);
    }

    fn settle(&mut self, mut after: Order) {
        let target = target_effect(&after);
        for (place, change) in difference(&after.applied, &target) {
            let level = self.levels.entry(place).or_default();
            level.on_hand += change.on_hand;
            level.committed += change.committed;
        }
        after.applied = target;
        after.complete = true;
        after.frozen = false;
        crate::order_change::recompute(&mut after);
        self.order = Some(after);
        self.assert_replays();
    }

    fn assert_replays(&self) {
        let applied = self.order.as_ref().map(|order| order.applied.clone()).unwrap_or_default();
        for (place, level) in &self.levels {
            let effect: Effect = applied.get(place).copied().unwrap_or_default();
            assert_eq!(*level, Change { on_hand: -effect.deducted, committed: effect.committed });
        }
    }
}

/// Every sequence of `things`.
fn sequences<T: Copy>(things: &[T]) -> Vec<Vec<T>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for n in 0..things.len() {
        let mut rest = things.to_vec();
        let first = rest.remove(n);
        for mut sequence in sequences(&rest) {
            sequence.insert(0, first);
            all.push(sequence);
        }
    }
    all
}

/// What the channel tells as these things happen.
fn history(sequence: &[Happens]) -> Vec<FetchedOrder> {
    let mut order = OnChannel::new();
    sequence
        .iter()
        .map(|what| {
            order = order.clone().after(*what);
            order.told()
        })
        .collect()
}

/// Told in this sequence, each state once more after the one that follows it.
fn told(here: &mut Here, states: &[&FetchedOrder]) {
    for (n, state) in states.iter().enumerate() {
        here.import(state);
        if let Some(earlier) = n.checked_sub(1) {
            here.import(states[earlier]);
        }
    }
}

fn outcome(here: &Here) -> (Option<Order>, BTreeMap<Place, Change>) {
    let levels = here.levels.iter().filter(|(_, level)| !level.is_nothing());
    (here.order.clone(), levels.map(|(place, level)| (place.clone(), *level)).collect())
}

#[test]
fn l9_every_sequence_of_what_happens_ends_in_the_state_of_the_last() {
    for sequence in sequences(&ALL) {
        let states = history(&sequence);
        let mut expected = Here::new(StockDeductedOn::Shipment);
        expected.import(states.last().unwrap());
        let forwards: Vec<&FetchedOrder> = states.iter().collect();
        let backwards: Vec<&FetchedOrder> = states.iter().rev().collect();
        for telling in [&forwards, &backwards] {
            let mut here = Here::new(StockDeductedOn::Shipment);
            told(&mut here, telling);
            assert_eq!(outcome(&here), outcome(&expected), "{sequence:?}");
        }
    }
}

#[test]
fn l9_every_sequence_of_telling_ends_in_one_state_a_cancel_before_its_create_included() {
    use Happens::*;
    for sequence in [
        [Create, Pay, Edit, CancelPart, Refund, Fulfil, Cancel],
        [Create, Pay, Edit, CancelPart, Refund, Cancel, Fulfil],
        [Create, Edit, Pay, Fulfil, Refund, CancelPart, Cancel],
        [Create, Cancel, Pay, Refund, Edit, Fulfil, CancelPart],
    ] {
        let states = history(&sequence);
        for deducted_on in [StockDeductedOn::Shipment, StockDeductedOn::Invoice] {
            let mut expected = Here::new(deducted_on);
            expected.import(states.last().unwrap());
            for order in sequences(&[0, 1, 2, 3, 4, 5, 6]) {
                let telling: Vec<&FetchedOrder> = order.iter().map(|n| &states[*n]).collect();
                let mut here = Here::new(deducted_on);
                told(&mut here, &telling);
                assert_eq!(outcome(&here), outcome(&expected), "{sequence:?} told as {order:?}");
            }
        }
    }
}

#[test]
fn l9_what_was_shipped_here_stays_shipped_in_every_sequence() {
    for sequence in sequences(&ALL) {
        let states = history(&sequence);
        let mut here = Here::new(StockDeductedOn::Shipment);
        let mut shipped = Quantity::ZERO;
        for (n, state) in states.iter().enumerate() {
            here.import(state);
            if n == 2 {
                here.ship_one();
            }
            let now = here.order.as_ref().unwrap().lines.iter().map(|line| line.done.shipped.units()).sum();
            assert!(units(now) >= shipped, "{sequence:?}");
            shipped = units(now);
        }
        // Told backwards afterwards, nothing moves.
        let before = outcome(&here);
        for state in states.iter().rev() {
            here.import(state);
        }
        assert_eq!(outcome(&here), before, "{sequence:?}");
        let order = here.order.unwrap();
        let gone: i64 = order.applied.values().map(|effect| effect.deducted).sum();
        let wanted: i64 = order.lines.iter().map(|line| line.quantity.units()).sum();
        match order.channel_state {
            ChannelOrderState::Cancelled => assert_eq!(gone, shipped.units(), "{sequence:?}"),
            ChannelOrderState::Fulfilled => assert_eq!(gone, wanted, "{sequence:?}"),
            _ => assert_eq!(gone, shipped.units(), "{sequence:?}"),
        }
        let held: i64 = order.applied.values().map(|effect| effect.committed).sum();
        let open =
            !matches!(order.channel_state, ChannelOrderState::Cancelled | ChannelOrderState::Fulfilled);
        assert_eq!(held, if open { wanted - shipped.units() } else { 0 }, "{sequence:?}");
    }
}

#[test]
fn listings_named_by_lines_are_of_the_connection() {
    let here = Here::new(StockDeductedOn::Shipment);
    let told = OnChannel::new().told();
    let id = OrderId::of(&here.connection.id, "1").unwrap();
    let order = arrived(&here.organization, &here.connection, &told, &id, None, &BTreeMap::new(), second(1));
    assert!(order.frozen, "no listing of it is known");
    let listing = ListingId::of(&here.connection.id, "0", None).unwrap();
    assert_eq!(order.listing_of(&order.lines[0]), Some(listing));
}
