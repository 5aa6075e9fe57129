//! Domain events: what a merchant's own software may want to hear of, told after it is stored.
//!
//! Ids and states, nothing of a buyer. Told at least once and per row in order; `id` is the same each time.

use serde::Serialize;

use crate::listing::Match;
use crate::order::OrderState;
use crate::sync::SyncKind;
use crate::{ConnectionId, ItemId, ListingId, LocationId, OrderId, OrganizationId, SyncId};

/// What happened to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Of the change that it tells: for deduplication.
    pub id: String,
    pub organization_id: OrganizationId,
    #[serde(flatten)]
    pub kind: EventKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum EventKind {
    /// An order is here for the first time.
    OrderImported { order_id: OrderId, connection_id: ConnectionId, state: OrderState, frozen: bool },
    /// An order waits for listings to be resolved.
    OrderFrozen { order_id: OrderId, connection_id: ConnectionId },
    /// A level moved. Whole units.
    StockChanged { item_id: ItemId, location_id: LocationId, on_hand: i64, committed: i64, available: i64 },
    /// A listing waits for a person.
    ListingUnconfirmed {
        listing_id: ListingId,
        connection_id: ConnectionId,
        #[serde(rename = "match")]
        found: Match,
    },
    /// `code` is stable, snake_case.
    SyncFailed { sync_id: SyncId, connection_id: ConnectionId, kind: SyncKind, code: Option<String> },
    /// The channel refuses the connection's credentials.
    ConnectionNeedsAuthorization { connection_id: ConnectionId },
    /// What is available of an item fell below its reorder level; told once, until it was at the level again.
    StockBelowReorderLevel { item_id: ItemId, available: i64, reorder_level: i64 },
}

impl EventKind {
    pub const NAMES: [&str; 7] = [
        "OrderImported",
        "OrderFrozen",
        "StockChanged",
        "ListingUnconfirmed",
        "SyncFailed",
        "ConnectionNeedsAuthorization",
        "StockBelowReorderLevel",
    ];

    /// What EventBridge calls the detail's type.
    pub fn name(&self) -> &'static str {
        let [imported, frozen, stock, listing, sync, connection, low] = Self::NAMES;
        match self {
            Self::OrderImported { .. } => imported,
            Self::OrderFrozen { .. } => frozen,
            Self::StockChanged { .. } => stock,
            Self::ListingUnconfirmed { .. } => listing,
            Self::SyncFailed { .. } => sync,
            Self::ConnectionNeedsAuthorization { .. } => connection,
            Self::StockBelowReorderLevel { .. } => low,
        }
    }
}
