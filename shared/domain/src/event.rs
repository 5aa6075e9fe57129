//! Facts that other systems of the merchant want to hear of.

use serde::{Deserialize, Serialize};

use crate::{ItemId, Quantity, Timestamp};

/// What happened. Named in the past tense, as on the event bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum DomainEvent {
    /// What is available of an item fell below its reorder level; said once, until it was at the level again.
    StockBelowReorderLevel { item_id: ItemId, available: i64, reorder_level: Quantity, at: Timestamp },
}
