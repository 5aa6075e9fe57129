//! The reference model: items, orders and stock, as small as they can be said.
//!
//! It knows what buyers and people did, by their own doing and not by the hub's telling. Of the hub it is told three things:
//! which of an order's states has arrived, to which items its lines were resolved, and what of them it has as Amazon's to
//! send, or as sent by it. From that it says what must be on hand and promised at each location.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ItemId, LocationId};
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
    /// The channel ships it: it has left as soon as it is ordered.
    pub by_channel: bool,
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

    /// How far a state of it is, for the stock.
    fn stage(&self, state: &State) -> Stage {
        match state.stage {
            Stage::Void => Stage::Void,
            _ if self.by_channel => Stage::Fulfilled,
            stage => stage,
        }
    }
}

/// By the shop's host and the channel's own id.
pub type OrderKey = (String, String);

/// An item at a location.
pub type Place = (ItemId, LocationId);

/// Units of an order, by the listing that its line sells.
pub type Units = BTreeMap<Sold, i64>;

/// What a request does, once it is done.
#[derive(Debug, Clone)]
pub enum Deed {
    /// All of these together, or none.
    Moves(Vec<(Place, Stock)>),
    /// Units of a channel's order leave.
    Ships(OrderKey, Units),
    /// Units of it are back on the shelf.
    Restocks(OrderKey, Units),
    /// Amazon is asked to send units of it. How far that is, the order says.
    AsksToSend(OrderKey, Units),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// Sent; whether it was done nobody has said.
    Unknown,
    Yes,
    No,
}

/// What a person asked for, under a key of its own.
#[derive(Debug, Clone)]
pub struct Posting {
    pub deed: Deed,
    pub posted: Posted,
    /// Nobody asks for anything else of these while the outcome is unknown.
    pub items: BTreeSet<ItemId>,
}

/// The item that each line of one of the hub's orders was resolved to, and where it is taken from.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub items: BTreeMap<Sold, ItemId>,
    pub location: LocationId,
    pub by_amazon: BTreeMap<Sold, ByAmazon>,
}

/// Units of a line that Amazon was asked to send from what lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByAmazon {
    pub location: LocationId,
    /// To be sent.
    pub open: i64,
    pub sent: i64,
}

/// What a line takes.
#[derive(Debug, Clone, Default)]
struct Taken {
    /// Waits to leave its order's own location.
    waits: i64,
    /// Has left it. Below zero where what Amazon sent came back there.
    gone: i64,
    by_amazon: Option<ByAmazon>,
}

#[derive(Debug, Default)]
pub struct Model {
    /// Bundles, down to what they are made of at last, with how many of it one has.
    pub bundles: BTreeMap<ItemId, BTreeMap<ItemId, i64>>,
    /// What each place began with.
    pub opening: BTreeMap<Place, i64>,
    /// Locations whose goods no merchant's listing sells: Amazon's.
    pub apart: BTreeSet<LocationId>,
    pub postings: BTreeMap<String, Posting>,
    pub orders: BTreeMap<OrderKey, Order>,
    pub resolved: BTreeMap<OrderKey, Resolved>,
}

/// What is on hand and promised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stock {
    pub on_hand: i64,
    pub committed: i64,
}

impl Stock {
    pub fn available(self) -> i64 {
        self.on_hand - self.committed
    }

    pub fn plus(self, other: Self) -> Self {
        Self { on_hand: self.on_hand + other.on_hand, committed: self.committed + other.committed }
    }
}

impl Model {
    /// How many of an item one of `sold` takes.
    pub fn each(&self, sold: &ItemId, item: &ItemId) -> i64 {
        match self.bundles.get(sold) {
            Some(parts) => parts.get(item).copied().unwrap_or(0),
            None => i64::from(sold == item),
        }
    }

    /// How many of an item there are, where `left` says how many of each simple one.
    pub fn least(&self, item: &ItemId, left: impl Fn(&ItemId) -> i64) -> i64 {
        self.by_part(item, left).into_iter().min().unwrap_or(0)
    }

    /// The same as each simple one alone would have it.
    pub fn by_part(&self, item: &ItemId, left: impl Fn(&ItemId) -> i64) -> Vec<i64> {
        match self.bundles.get(item) {
            Some(parts) => parts.iter().map(|(part, n)| left(part).div_euclid(*n)).collect(),
            None => vec![left(item)],
        }
    }

    /// What has arrived of the world at a place, and no more; `assumed`: as if this posting were done.
    pub fn stock(&self, place: &Place, assumed: Option<&str>) -> Stock {
        let (item, location) = place;
        let mut stock = Stock { on_hand: self.opening.get(place).copied().unwrap_or(0), committed: 0 };
        for deed in self.done(assumed) {
            if let Deed::Moves(moves) = deed {
                stock = moves.iter().filter(|(to, _)| to == place).fold(stock, |sum, (_, by)| sum.plus(*by));
            }
        }
        for (key, resolved) in &self.resolved {
            let Some(order) = self.orders.get(key) else { continue };
            let Some(state) = order.arrived.and_then(|n| order.states.get(n)) else { continue };
            for line in &state.lines {
                let Some(sold) = resolved.items.get(&line.sold) else { continue };
                let each = self.each(sold, item);
                if each == 0 {
                    continue;
                }
                let taken = self.taken(key, order.stage(state), line, assumed);
                if resolved.location == *location {
                    stock = stock.plus(Stock { on_hand: -taken.gone * each, committed: taken.waits * each });
                }
                if let Some(there) = taken.by_amazon.filter(|there| there.location == *location) {
                    stock = stock.plus(Stock { on_hand: -there.sent * each, committed: there.open * each });
                }
            }
        }
        stock
    }

    /// Of a line of a channel's order. A shipment made here, or by Amazon for us, and told by the channel is one. What
    /// Amazon is to send waits there, whatever becomes of the order, until Amazon says otherwise.
    fn taken(&self, key: &OrderKey, stage: Stage, line: &Line, assumed: Option<&str>) -> Taken {
        let by_amazon = self.resolved.get(key).and_then(|resolved| resolved.by_amazon.get(&line.sold));
        let (open, sent) = by_amazon.map_or((0, 0), |there| (there.open, there.sent));
        let (mut here, mut back) = (0, 0);
        for deed in self.done(assumed) {
            match deed {
                Deed::Ships(of, units) if of == key => here += units.get(&line.sold).copied().unwrap_or(0),
                Deed::Restocks(of, units) if of == key => back += units.get(&line.sold).copied().unwrap_or(0),
                _ => {}
            }
        }
        let wanted = (line.waiting + line.shipped - open - sent).max(0);
        let told = (line.shipped - sent).clamp(0, wanted);
        let gone = told.max(here);
        let (waits, gone) = match stage {
            Stage::Pending | Stage::Confirmed => ((wanted - gone).max(0), gone),
            Stage::Fulfilled => (0, wanted.max(gone)),
            Stage::Void => (0, gone),
        };
        Taken { waits, gone: (gone - back).max(-sent), by_amazon: by_amazon.cloned() }
    }

    /// Units that Amazon was asked to send of a line, by requests that were not refused.
    pub fn asked_to_send(&self, key: &OrderKey, sold: &Sold) -> i64 {
        let postings = self.postings.values().filter(|posting| posting.posted != Posted::No);
        let asked = postings.filter_map(|posting| match &posting.deed {
            Deed::AsksToSend(of, units) if of == key => units.get(sold),
            _ => None,
        });
        asked.sum()
    }

    fn done<'a>(&'a self, assumed: Option<&'a str>) -> impl Iterator<Item = &'a Deed> {
        let is_done = move |(key, posting): &(&String, &Posting)| {
            posting.posted == Posted::Yes || assumed == Some(key.as_str())
        };
        self.postings.iter().filter(is_done).map(|(_, posting)| &posting.deed)
    }

    /// Postings of which nobody knows whether they were done.
    pub fn unknown(&self) -> impl Iterator<Item = (&String, &Posting)> {
        self.postings.iter().filter(|(_, posting)| posting.posted == Posted::Unknown)
    }

    pub fn is_free(&self, items: &BTreeSet<ItemId>) -> bool {
        self.unknown().all(|(_, posting)| posting.items.is_disjoint(items))
    }

    /// What there really is to sell, all that buyers did counted: `item_of` says which item a listing sells.
    pub fn really_available(&self, item: &ItemId, item_of: impl Fn(&str, &Sold) -> Option<ItemId>) -> i64 {
        self.least(item, |part| self.really_left(part, &item_of))
    }

    fn really_left(&self, item: &ItemId, item_of: &impl Fn(&str, &Sold) -> Option<ItemId>) -> i64 {
        let ours = |((of, location), _): &(&Place, &i64)| of == item && !self.apart.contains(location);
        let opening = self.opening.iter().filter(ours);
        let mut left: i64 = opening.map(|(_, units)| units).sum();
        for deed in self.done(None) {
            if let Deed::Moves(moves) = deed {
                let here = moves.iter().filter(|((of, _), _)| of == item);
                left += here.map(|(_, by)| by.available()).sum::<i64>();
            }
        }
        for (key, order) in self.orders.iter().filter(|(_, order)| !order.by_channel) {
            let last = order.last();
            for line in &last.lines {
                let each = item_of(&key.0, &line.sold).map_or(0, |sold| self.each(&sold, item));
                if each > 0 {
                    let taken = self.taken(key, last.stage, line, None);
                    left -= (taken.waits + taken.gone) * each;
                }
            }
        }
        left
    }
}

/// What a listing shows of what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub percent: i64,
    pub buffer: i64,
    pub max_listed: Option<i64>,
}

/// What is available of a listing's item, and the rule by which it shows that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToShow {
    pub rule: Rule,
    pub item: ItemId,
    /// How many each simple one that the item is made of would allow.
    pub by_part: Vec<i64>,
    /// Its connection is told numbers. A push that began before that ended counts what comes after.
    pub told: bool,
}

impl ToShow {
    /// Whether this comes of reading the rule and each part, one after the other, at some of these times: what changes in
    /// between starts a push of its own.
    pub fn may_be(then: &[&Self], number: i64) -> bool {
        let shown = |units: i64| then.iter().any(|one| one.rule.shows(units) == number);
        let reached = |part: usize, of: &Self, units: i64| {
            then.iter().any(|other| other.item == of.item && other.by_part[part] >= units)
        };
        let least = |of: &Self, units: i64| (0..of.by_part.len()).all(|part| reached(part, of, units));
        then.iter().any(|of| of.by_part.iter().any(|units| shown(*units) && least(of, *units)))
    }
}

impl Rule {
    pub fn shows(self, available: i64) -> i64 {
        let kept_back = (available * self.percent).div_euclid(100) - self.buffer;
        kept_back.max(0).min(self.max_listed.unwrap_or(i64::MAX))
    }
}
