//! Syncs and their records: the history.
//!
//! Ids are UUIDv7, so the partition is in order of time without an index. Records are kept in chunks, one row per page
//! and outcome, deflated: 100 records cost a few write units instead of 100.

use domain::schedule::Window;
use domain::sync::{Outcome, RecordCounts, SyncKind, SyncState, Trigger};
use domain::{ConnectionId, ListingId, OrderId, OrganizationId, SyncId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Page, PageRequest, Store, StoreError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    pub id: SyncId,
    pub connection_id: ConnectionId,
    pub kind: SyncKind,
    pub trigger: Trigger,
    /// `None`: everything, whenever it changed.
    pub window: Option<Window>,
    pub state: SyncState,
    /// Records looked at.
    pub done: u64,
    /// Records in all, where the channel says.
    pub total: Option<u64>,
    pub records: RecordCounts,
    pub queued_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub failure: Option<SyncFailure>,
    /// Where it stands: how many steps are done, in which phase, and the phase's own cursor.
    pub step: u32,
    pub phase: Phase,
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncFailure {
    /// Stable, snake_case.
    pub code: String,
    pub reason: String,
}

/// What a sync is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Page by page from the channel.
    Fetch,
    /// Over what waits, once everything is known (items).
    Match,
    /// Over linked listings, for those behind (stock).
    Sweep,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRecord {
    pub external_id: String,
    pub sku: Option<String>,
    pub title: Option<String>,
    pub outcome: Outcome,
    /// Stable, snake_case; `None` for what simply went well.
    pub code: Option<String>,
    pub reason: Option<String>,
    pub listing_id: Option<ListingId>,
    pub order_id: Option<OrderId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BegunSync {
    Started,
    /// One of this kind runs on the connection already.
    Joined(SyncId),
}

/// Which syncs a list has.
#[derive(Debug, Clone, Default)]
pub struct SyncFilter {
    pub connection_id: Option<ConnectionId>,
    pub kind: Option<SyncKind>,
    /// Those with at least one record of this outcome.
    pub outcome: Option<Outcome>,
    /// Queued in `[from, to)`.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

impl Store {
    /// Puts the sync and marks it as the one of its kind that runs on the connection, together; or names the one that
    /// does. A running mark whose sync is finished or gone counts as none.
    pub async fn begin_sync(
        &self,
        organization: &OrganizationId,
        sync: &Sync,
    ) -> Result<BegunSync, StoreError> {
        todo!()
    }

    /// Consistent.
    pub async fn sync(
        &self,
        organization: &OrganizationId,
        id: &SyncId,
    ) -> Result<Option<Sync>, StoreError> {
        todo!()
    }

    /// Newest first.
    pub async fn syncs(
        &self,
        organization: &OrganizationId,
        filter: &SyncFilter,
        page: &PageRequest,
    ) -> Result<Page<Sync>, StoreError> {
        todo!()
    }

    /// Stores a step of a sync with the step's records, if the row still stands at `after.step - 1`; else
    /// [`StoreError::Conflict`]. A finished sync also stops being the one that runs. Records expire: synced and skipped
    /// ones 1 month (31 days) after `at`, failed ones 2 months (62 days); the sync itself with its last record.
    pub async fn checkpoint_sync(
        &self,
        organization: &OrganizationId,
        after: &Sync,
        records: &[SyncRecord],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// Expired ones left out.
    pub async fn sync_records(
        &self,
        organization: &OrganizationId,
        sync: &SyncId,
        outcome: Option<Outcome>,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<SyncRecord>, StoreError> {
        todo!()
    }
}
