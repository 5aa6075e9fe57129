//! Syncs and their records: the history.
//!
//! Ids are UUIDv7, so the partition is in order of time without an index. Records are kept in chunks, one row per page
//! and outcome, deflated: 100 records cost a few write units instead of 100.
//!
//! This file owns the syncs' rows and which of them runs; `sync/record.rs` the records.

use domain::schedule::Window;
use domain::sync::{Outcome, RecordCounts, SyncKind, SyncState, Trigger};
use domain::{ConnectionId, ListingId, OrderId, OrganizationId, SyncId, Timestamp};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::connection::state::running;
use crate::page::List;
use crate::read::Query;
use crate::row::{Reader, Row, from_row, n, s, to_row};
use crate::transact::{Refused, Step};
use crate::{Page, PageRequest, Store, StoreError, keys};

mod chunk;
mod record;

const WHAT: &str = "sync";

/// How long synced and skipped records are kept, and a sync that has no others.
const KEPT: SignedDuration = SignedDuration::from_hours(31 * 24);
/// How long failed records are kept, and a sync that has one.
const FAILED_KEPT: SignedDuration = SignedDuration::from_hours(62 * 24);

/// Others may begin and finish syncs between the look at the mark and the write: each time there is one more look.
const BEGIN_TRIES_MAX: u32 = 4;
/// Rows looked at per request where not every row is taken.
const SEARCH_ROWS: usize = 200;

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
    /// The start by the channel's own clock.
    pub channel_started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub failure: Option<SyncFailure>,
    /// Why a person is asked, while it is held.
    #[serde(default)]
    pub held: Option<Held>,
    /// A person said yes: as many listings as must be may go to zero.
    #[serde(default)]
    pub approved: bool,
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

/// What a push run would have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Listings that would have gone to zero, with those of the hour before.
    pub to_zero: u64,
    /// As many might have.
    pub limit: u64,
    /// Linked listings of the connection.
    pub linked: u64,
}

/// What a sync is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Page by page from the channel.
    Fetch,
    /// Over what waits, once everything is known (items).
    Match,
    /// Over linked listings, for those behind (stock) or different (reconcile).
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
    /// Leaves out what has expired by then and is not deleted yet. Another one does not make another list: cursors stay.
    pub now: Option<Timestamp>,
}

impl SyncFilter {
    fn takes(&self, sync: &Sync) -> bool {
        let count = self.outcome.map(|outcome| match outcome {
            Outcome::Synced => sync.records.synced,
            Outcome::Failed => sync.records.failed,
            Outcome::Skipped => sync.records.skipped,
        });
        count != Some(0)
            && self.connection_id.as_ref().is_none_or(|id| *id == sync.connection_id)
            && self.kind.is_none_or(|kind| kind == sync.kind)
            && self.from.is_none_or(|from| from <= sync.queued_at)
            && self.to.is_none_or(|to| sync.queued_at < to)
    }

    /// Without `now`: whether every sync is in the list.
    fn is_open(&self) -> bool {
        self.connection_id.is_none()
            && self.kind.is_none()
            && self.outcome.is_none()
            && self.from.is_none()
            && self.to.is_none()
    }
}

/// Epoch seconds.
fn expiry(at: Timestamp, kept: SignedDuration) -> i64 {
    at.checked_add(kept).unwrap_or(Timestamp::MAX).as_second()
}

/// The row, which lives as long as the last record that a step at `at` leaves.
fn sync_row(organization: &OrganizationId, sync: &Sync, at: Timestamp) -> Result<Row, StoreError> {
    let kept = if sync.records.failed == 0 { KEPT } else { FAILED_KEPT };
    let mut row = to_row(WHAT, keys::sync(organization, &sync.id), sync)?;
    row.insert(keys::EXPIRES_AT.to_owned(), n(expiry(at, kept)));
    Ok(row)
}

impl Store {
    /// Puts the sync and marks it as the one of its kind that runs on the connection, together; or names the one that
    /// does. A running mark whose sync is finished or gone counts as none. Beginning the sync that is marked already is
    /// having started it. [`StoreError::Conflict`] («connection») where there is no such connection.
    pub async fn begin_sync(
        &self,
        organization: &OrganizationId,
        sync: &Sync,
    ) -> Result<BegunSync, StoreError> {
        for _ in 0..BEGIN_TRIES_MAX {
            let marked = self.running_sync(organization, &sync.connection_id, sync.kind).await?;
            if let Some(marked) = &marked
                && self.is_running(organization, marked, sync.queued_at).await?
            {
                let is_own = *marked == sync.id;
                return Ok(if is_own { BegunSync::Started } else { BegunSync::Joined(marked.clone()) });
            }
            let steps = vec![
                Step::put(sync_row(organization, sync, sync.queued_at)?).only_if_new(Refused::Exists(WHAT)),
                mark(organization, sync, marked.as_ref()),
            ];
            match self.transact("begin a sync", steps).await {
                Ok(()) => return Ok(BegunSync::Started),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict("connection"))
    }

    async fn is_running(
        &self,
        organization: &OrganizationId,
        id: &SyncId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = self.get("read a sync", &keys::sync(organization, id)).await?;
        let Some(row) = row else { return Ok(false) };
        let has_expired = Reader::new(WHAT, &row).has_expired(now)?;
        let sync: Sync = from_row(WHAT, row)?;
        Ok(!has_expired && !sync.state.is_finished())
    }

    /// Consistent. One that has expired may still be found for some days.
    pub async fn sync(&self, organization: &OrganizationId, id: &SyncId) -> Result<Option<Sync>, StoreError> {
        let row = self.get("read a sync", &keys::sync(organization, id)).await?;
        row.map(|row| from_row(WHAT, row)).transpose()
    }

    /// Newest first, by their ids.
    pub async fn syncs(
        &self,
        organization: &OrganizationId,
        filter: &SyncFilter,
        page: &PageRequest,
    ) -> Result<Page<Sync>, StoreError> {
        let list = List::new("syncs", organization, &SyncFilter { now: None, ..filter.clone() });
        // One more than wanted tells whether there is a next page.
        let limit = if filter.is_open() { page.rows() + 1 } else { SEARCH_ROWS };
        let query = Query { limit: Some(limit), ..Query::of(keys::syncs(organization)).newest_first() };
        let read = |row: Row| {
            if let Some(now) = filter.now
                && Reader::new(WHAT, &row).has_expired(now)?
            {
                return Ok(None);
            }
            let sync: Sync = from_row(WHAT, row)?;
            Ok(filter.takes(&sync).then_some(sync))
        };
        self.page("list syncs", &list, &query, page, read).await
    }

    /// Stores what was done outside of any run, as a finished sync with its records (at most 1,000): nothing is marked as
    /// running.
    pub async fn record_sync(
        &self,
        organization: &OrganizationId,
        sync: &Sync,
        records: &[SyncRecord],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let row = sync_row(organization, sync, at)?;
        let mut steps = vec![Step::put(row).only_if_new(Refused::Exists(WHAT))];
        steps.extend(record::steps(organization, sync, records, at)?);
        self.transact("record a sync", steps).await
    }

    /// Stores a step of a sync with the step's records (at most 1,000; a reason is cut at 2,000 characters), if the row
    /// still stands at `after.step - 1`; else [`StoreError::Conflict`]. A finished sync also stops being the one that
    /// runs. Records expire: synced and skipped ones 1 month (31 days) after `at`, failed ones 2 months (62 days); the
    /// sync itself with its last record.
    pub async fn checkpoint_sync(
        &self,
        organization: &OrganizationId,
        after: &Sync,
        records: &[SyncRecord],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(before) = after.step.checked_sub(1) else { return Err(StoreError::Conflict(WHAT)) };
        let row = sync_row(organization, after, at)?;
        let mut steps = vec![
            Step::put(row)
                .only_if("#step = :before", Refused::Conflict(WHAT))
                .name("#step", "step")
                .value(":before", n(before)),
        ];
        steps.extend(record::steps(organization, after, records, at)?);
        if after.state.is_finished() {
            steps.push(unmark(organization, after));
        }
        self.transact("store a step of a sync", steps).await
    }
}

/// Marks the sync as the running one, if what was `marked` before still is.
fn mark(organization: &OrganizationId, sync: &Sync, marked: Option<&SyncId>) -> Step {
    let key = keys::connection_state(organization, &sync.connection_id);
    let condition = if marked.is_some() {
        "#running = :marked"
    } else {
        "attribute_exists(pk) AND attribute_not_exists(#running)"
    };
    let step = Step::update(key, "SET #running = :sync")
        .only_if(condition, Refused::Conflict("connection"))
        .name("#running", &running(sync.kind))
        .value(":sync", s(sync.id.as_str()));
    match marked {
        Some(marked) => step.value(":marked", s(marked.as_str())),
        None => step,
    }
}

/// Takes the mark off, if it is still this sync's.
fn unmark(organization: &OrganizationId, sync: &Sync) -> Step {
    Step::update(keys::connection_state(organization, &sync.connection_id), "REMOVE #running")
        .only_if("#running = :sync", Refused::Skip)
        .name("#running", &running(sync.kind))
        .value(":sync", s(sync.id.as_str()))
}
