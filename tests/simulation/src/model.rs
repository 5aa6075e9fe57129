//! The reference model: items, orders and stock, as small as they can be said.
//!
//! It knows what buyers and people did, by their own doing and not by the hub's telling. Of the hub it is told one thing:
//! which of an order's states has arrived. From that it says what must be on hand and promised.

use std::collections::BTreeMap;

use domain::ItemId;
use marketplace_sim::Sold;

/// How far an order is, as a merchant would say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Pending,
    Confirmed,
    Fulfilled,
    Void,
}

/// What an order wants of one listing, and what of it has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub sold: Sold,
    /// Still to be shipped.
    pub waiting: i64,
    pub shipped: i64,
}

/// An order at one time of its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// By the world's clock.
    pub at_ms: i64,
    /// By the shop's clock, in whole seconds: the finest that every channel tells.
    pub at_s: i64,
    pub stage: Stage,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone)]
pub struct Order {
    pub paid: bool,
    /// A line was refunded: not edited any more, for shops count such lines each in its own way.
    pub refunded: bool,
    /// Oldest first; never empty.
    pub states: Vec<State>,
    /// The state that the hub has.
    pub arrived: Option<usize>,
    /// While the hub did not have it, none of its listings was to be imported.
    pub may_be_left_out: bool,
}

impl Order {
    pub fn last(&self) -> &State {
        self.states.last().unwrap()
    }
}

/// A change of stock by a person, under a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// Sent; whether it was done nobody has said.
    Unknown,
    Yes,
    No,
}

#[derive(Debug, Clone)]
pub struct Adjustment {
    pub item: ItemId,
    pub delta: i64,
    pub posted: Posted,
}

/// By the shop's host and the channel's own id.
pub type OrderKey = (String, String);

#[derive(Debug, Default)]
pub struct Model {
    /// What each item began with.
    pub opening: BTreeMap<ItemId, i64>,
    pub adjustments: BTreeMap<String, Adjustment>,
    pub orders: BTreeMap<OrderKey, Order>,
    /// What each of the hub's orders has resolved its lines to.
    pub resolved: BTreeMap<OrderKey, BTreeMap<Sold, ItemId>>,
}

/// What must be on hand and promised of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stock {
    pub on_hand: i64,
    pub committed: i64,
}

impl Model {
    /// What has arrived of the world, and no more.
    pub fn stock(&self, item: &ItemId) -> Stock {
        let mut stock = Stock { on_hand: self.opening.get(item).copied().unwrap_or(0), committed: 0 };
        for adjustment in self.adjustments.values() {
            if adjustment.item == *item && adjustment.posted == Posted::Yes {
                stock.on_hand += adjustment.delta;
            }
        }
        for (key, resolved) in &self.resolved {
            let Some(order) = self.orders.get(key) else { continue };
            let Some(state) = order.arrived.and_then(|n| order.states.get(n)) else { continue };
            for line in state.lines.iter().filter(|line| resolved.get(&line.sold) == Some(item)) {
                stock.on_hand -= line.shipped;
                stock.committed += line.waiting;
            }
        }
        stock
    }

    /// What there really is to sell, all that buyers did counted: `item_of` says which item a listing sells.
    pub fn really_available(&self, item: &ItemId, item_of: impl Fn(&str, &Sold) -> Option<ItemId>) -> i64 {
        let mut left = self.opening.get(item).copied().unwrap_or(0);
        for adjustment in self.adjustments.values() {
            if adjustment.item == *item && adjustment.posted == Posted::Yes {
                left += adjustment.delta;
            }
        }
        for ((host, _), order) in &self.orders {
            for line in &order.last().lines {
                if item_of(host, &line.sold).as_ref() == Some(item) {
                    left -= line.waiting + line.shipped;
                }
            }
        }
        left
    }

    /// The one adjustment of an item of which nobody knows whether it was done.
    pub fn unknown(&self, item: &ItemId) -> Option<(&String, &Adjustment)> {
        self.adjustments
            .iter()
            .find(|(_, adjustment)| adjustment.item == *item && adjustment.posted == Posted::Unknown)
    }
}

/// What a listing shows of what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub percent: i64,
    pub buffer: i64,
    pub max_listed: Option<i64>,
}

impl Rule {
    pub fn shows(self, available: i64) -> i64 {
        let kept_back = (available * self.percent).div_euclid(100) - self.buffer;
        kept_back.max(0).min(self.max_listed.unwrap_or(i64::MAX))
    }
}
