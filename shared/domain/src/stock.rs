//! Stock: levels, and the movements that are their only cause.
//!
//! Invariant: a level is the sum of its movements; `available = on_hand − committed`. `on_hand` and `available` may be
//! below zero, when a channel sold what was not there: that is the truth, and what is pushed is never below zero.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{ItemId, LocationId, MovementId, Timestamp};

/// What an item has at one location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    pub location_id: LocationId,
    pub on_hand: i64,
    pub committed: i64,
    /// How many movements made it; grows by one with each.
    pub version: u64,
}

impl Level {
    pub fn empty(location_id: LocationId) -> Self {
        Self { location_id, on_hand: 0, committed: 0, version: 0 }
    }

    pub fn available(&self) -> i64 {
        self.on_hand - self.committed
    }

    /// The level after a movement.
    pub fn after(&self, change: Change) -> Self {
        Self {
            location_id: self.location_id.clone(),
            on_hand: self.on_hand + change.on_hand,
            committed: self.committed + change.committed,
            version: self.version + 1,
        }
    }
}

/// The version of an item's stock: the number of movements at all its locations. It only grows, so of two numbers
/// computed from it the one with the higher version is the newer.
pub fn stock_version(levels: &[Level]) -> u64 {
    levels.iter().map(|level| level.version).sum()
}

/// What a movement does to a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Change {
    pub on_hand: i64,
    pub committed: i64,
}

impl Change {
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// Why stock moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    OpeningStock,
    Adjustment,
    /// Goods came from a supplier.
    PurchaseReceived,
    /// Goods left for another location.
    TransferredOut,
    /// Goods came from another location.
    TransferredIn,
    /// A document was voided: the reverse of what it had posted.
    Voided,
    /// A sale took a promise.
    OrderCommitted,
    /// A promise was given back: cancelled, edited down, refunded.
    OrderReleased,
    /// Promised goods left.
    OrderShipped,
    /// The channel took a shipment back.
    OrderUnshipped,
    /// Shipped goods came back and can be sold again.
    OrderReturned,
}

impl Reason {
    /// What an order's change of stock is called.
    pub fn of_order(change: Change) -> Self {
        if change.on_hand < 0 {
            Self::OrderShipped
        } else if change.on_hand > 0 {
            Self::OrderUnshipped
        } else if change.committed < 0 {
            Self::OrderReleased
        } else {
            Self::OrderCommitted
        }
    }
}

/// The document that a movement belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    #[serde(rename = "type")]
    pub kind: SourceKind,
    pub id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    Item,
    Adjustment,
    PurchaseReceive,
    Transfer,
    InboundShipment,
    Order,
}

/// Who caused a movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Actor {
    /// An API key, by its id.
    ApiKey(String),
    /// A channel, by its connection.
    Connection(String),
    /// Someone of a team, by what their identity provider calls them.
    Subject(String),
}

/// Before a subject, whose form is the provider's own.
const SUBJECT: &str = "sub_";

impl Actor {
    /// `subject`: the claim `sub` of a verified token.
    pub fn subject(subject: &str) -> Self {
        Self::Subject(format!("{SUBJECT}{subject}"))
    }
}

impl TryFrom<String> for Actor {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.starts_with("key_") {
            Ok(Self::ApiKey(text))
        } else if text.starts_with("con_") {
            Ok(Self::Connection(text))
        } else if text.starts_with(SUBJECT) {
            Ok(Self::Subject(text))
        } else {
            Err("an actor is an api key, a connection or someone of a team")
        }
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> String {
        match actor {
            Actor::ApiKey(id) | Actor::Connection(id) | Actor::Subject(id) => id,
        }
    }
}

/// One immutable line of the stock ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    pub id: MovementId,
    pub item_id: ItemId,
    pub location_id: LocationId,
    pub change: Change,
    pub reason: Reason,
    pub source: Source,
    pub actor: Actor,
    pub at: Timestamp,
}

/// Levels rebuilt from an item's movements, in whatever order these come.
#[derive(Debug, Clone, Default)]
pub struct Replay(BTreeMap<LocationId, Level>);

impl Replay {
    pub fn add(&mut self, movement: &Movement) {
        let location = &movement.location_id;
        let level = self.0.entry(location.clone()).or_insert_with(|| Level::empty(location.clone()));
        *level = level.after(movement.change);
    }

    /// In the order of their locations' ids.
    pub fn levels(self) -> Vec<Level> {
        self.0.into_values().collect()
    }
}

/// The levels that an item's movements make, in the order of their locations' ids.
pub fn replay<'a>(movements: impl IntoIterator<Item = &'a Movement>) -> Vec<Level> {
    let mut replay = Replay::default();
    movements.into_iter().for_each(|movement| replay.add(movement));
    replay.levels()
}

/// A level that is not what the ledger says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub location_id: LocationId,
    pub level: Level,
    pub ledger: Level,
}

/// Where an item's levels are not what its ledger says; one that is missing on either side has nothing.
pub fn differences(levels: &[Level], ledger: &[Level]) -> Vec<Difference> {
    let by_location = |levels: &[Level]| -> BTreeMap<LocationId, Level> {
        levels.iter().map(|level| (level.location_id.clone(), level.clone())).collect()
    };
    let (mut levels, mut ledger) = (by_location(levels), by_location(ledger));
    let places: BTreeSet<LocationId> = levels.keys().chain(ledger.keys()).cloned().collect();
    let of = |place: LocationId| {
        let level = levels.remove(&place).unwrap_or_else(|| Level::empty(place.clone()));
        let ledger = ledger.remove(&place).unwrap_or_else(|| Level::empty(place.clone()));
        (level != ledger).then_some(Difference { location_id: place, level, ledger })
    };
    places.into_iter().filter_map(of).collect()
}
