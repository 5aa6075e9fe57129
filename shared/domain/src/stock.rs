//! Stock: levels, and the movements that are their only cause.
//!
//! Invariant: a level is the sum of its movements; `available = on_hand − committed`. `on_hand` and `available` may be
//! below zero, when a channel sold what was not there: that is the truth, and what is pushed is never below zero.

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
}

impl TryFrom<String> for Actor {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.starts_with("key_") {
            Ok(Self::ApiKey(text))
        } else if text.starts_with("con_") {
            Ok(Self::Connection(text))
        } else {
            Err("an actor is an api key or a connection")
        }
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> String {
        match actor {
            Actor::ApiKey(id) | Actor::Connection(id) => id,
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

/// The levels that an item's movements make, in the order of their locations' ids.
pub fn replay<'a>(movements: impl IntoIterator<Item = &'a Movement>) -> Vec<Level> {
    let mut levels = std::collections::BTreeMap::<LocationId, Level>::new();
    for movement in movements {
        let level = levels
            .entry(movement.location_id.clone())
            .or_insert_with(|| Level::empty(movement.location_id.clone()));
        *level = level.after(movement.change);
    }
    levels.into_values().collect()
}
