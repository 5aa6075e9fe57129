//! Syncs: runs of work that a merchant can follow.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncKind {
    Items,
    Orders,
    Stock,
    Shipments,
    /// The channel's numbers compared with the hub's.
    Reconcile,
}

impl SyncKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Items => "items",
            Self::Orders => "orders",
            Self::Stock => "stock",
            Self::Shipments => "shipments",
            Self::Reconcile => "reconcile",
        }
    }
}

/// What set a sync off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    Initial,
    Schedule,
    Manual,
    Resync,
    Webhook,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncState {
    Queued,
    Running,
    /// It would have taken too many listings to zero and waits for a person's yes.
    Held,
    Succeeded,
    /// Complete, and some records failed.
    Partial,
    Failed,
}

impl SyncState {
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Partial | Self::Failed)
    }
}

/// What became of a record of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Synced,
    Failed,
    Skipped,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// How many records came to which outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecordCounts {
    pub synced: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl RecordCounts {
    pub fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Synced => self.synced += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Skipped => self.skipped += 1,
        }
    }

    /// How a sync ends that has read all there was.
    pub fn final_state(self) -> SyncState {
        if self.failed == 0 { SyncState::Succeeded } else { SyncState::Partial }
    }
}
