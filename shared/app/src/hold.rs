//! The blast radius: a push run that would take too many listings of a connection to zero stops and asks.
//!
//! Goods that orders took are not counted: a shop that sells out must show it.

use domain::sync::{RecordCounts, SyncKind, SyncState, Trigger};
use domain::{OrganizationId, SyncId, Timestamp};
use jiff::SignedDuration;
use store::connection::Connection;
use store::sync::{Held, Phase, Sync, SyncFailure};

use crate::change::not_hex;
use crate::metric::{Metric, record};
use crate::{App, AppError};

/// Runs of this time are counted together: a feed gone empty may come as many small changes.
const COUNTED_TOGETHER: SignedDuration = SignedDuration::from_hours(1);

/// What a run may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PushMode {
    /// Send what is known already: somebody asked for it, or the channel moved its own number.
    pub force: bool,
    /// Send it too, for the work was received before: whoever had it may have told the channel a number and died before
    /// that was noted, and a number noted by another would hide it.
    pub received_before: bool,
    /// A person said yes to whatever goes to zero.
    pub approved: bool,
}

impl PushMode {
    pub(crate) fn sends_known(self) -> bool {
        self.force || self.received_before
    }
}

/// Since when listings that go to zero are counted, and how many are.
pub(crate) struct Counted {
    pub since: Timestamp,
    pub held: Option<Held>,
}

impl App {
    /// Whether `zeroing` more listings may go to zero. At least one.
    pub(crate) async fn count_zeroing(
        &self,
        connection: &Connection,
        zeroing: u64,
    ) -> Result<Counted, AppError> {
        let organization = &connection.organization_id;
        let now = self.clock.now();
        let state = self.store.connection_state(organization, &connection.id).await?;
        let counted = state.and_then(|state| state.zeroed);
        let (before, since) =
            counted.filter(|(_, since)| now.duration_since(*since) < COUNTED_TOGETHER).unwrap_or((0, now));
        let to_zero = before.saturating_add(zeroing);
        let free = Counted { since, held: None };
        let radius = connection.settings.blast_radius;
        if radius.limit(0).is_none_or(|least| to_zero <= least) {
            return Ok(free);
        }
        let linked = self.store.linked_count(organization, &connection.id).await?;
        let held = radius.limit(linked).filter(|limit| to_zero > *limit);
        Ok(Counted { held: held.map(|limit| Held { to_zero, limit, linked }), ..free })
    }

    /// Asks for the run that a message began: a sync that waits for a yes, one at a time on a connection. A stock sync
    /// that runs meanwhile comes to the same limit itself.
    pub(crate) async fn hold_run(&self, connection: &Connection, held: Held) -> Result<(), AppError> {
        let now = self.clock.now();
        let sync = Sync {
            id: SyncId::from_body(&self.ids.next(now)).map_err(not_hex)?,
            connection_id: connection.id.clone(),
            kind: SyncKind::Stock,
            trigger: Trigger::Schedule,
            window: None,
            state: SyncState::Held,
            done: 0,
            total: None,
            records: RecordCounts::default(),
            queued_at: now,
            started_at: Some(now),
            channel_started_at: None,
            finished_at: None,
            failure: None,
            held: Some(held),
            approved: false,
            step: 0,
            phase: Phase::Sweep,
            cursor: None,
        };
        self.store.begin_sync(&connection.organization_id, &sync).await?;
        report(connection, held);
        Ok(())
    }

    /// Yes: the sync goes over all linked listings of the connection and sends what must be sent. Errors: 409
    /// `sync_not_held`.
    pub async fn approve_sync(&self, organization: &OrganizationId, id: &SyncId) -> Result<Sync, AppError> {
        let mut sync = self.held_sync(organization, id).await?;
        let gone = || AppError::conflict("connection_deleted", "the connection of the sync is deleted");
        let connection = self.store.connection(organization, &sync.connection_id).await?.ok_or_else(gone)?;
        sync.state = SyncState::Queued;
        sync.approved = true;
        sync.cursor = None;
        sync.step += 1;
        self.store.checkpoint_sync(organization, &sync, &[], self.clock.now()).await?;
        self.queue_step(&connection, &sync).await?;
        Ok(sync)
    }

    /// No: nothing of it is sent. What still must go to zero is asked about again by the next run. Errors: 409
    /// `sync_not_held`.
    pub async fn cancel_sync(&self, organization: &OrganizationId, id: &SyncId) -> Result<Sync, AppError> {
        let mut sync = self.held_sync(organization, id).await?;
        let now = self.clock.now();
        sync.state = SyncState::Failed;
        sync.finished_at = Some(now);
        sync.failure = Some(SyncFailure {
            code: "cancelled".to_owned(),
            reason: "A person cancelled the run; nothing of it was sent.".to_owned(),
        });
        sync.step += 1;
        self.store.checkpoint_sync(organization, &sync, &[], now).await?;
        Ok(sync)
    }

    async fn held_sync(&self, organization: &OrganizationId, id: &SyncId) -> Result<Sync, AppError> {
        let sync = self.sync(organization, id).await?;
        if sync.state == SyncState::Held {
            return Ok(sync);
        }
        Err(AppError::conflict("sync_not_held", "the sync does not wait for a yes"))
    }
}

pub(crate) fn report(connection: &Connection, held: Held) {
    let Held { to_zero, limit, linked } = held;
    record(Metric::RunsHeld, Some(connection.channel), 1);
    tracing::warn!(connection = %connection.id, to_zero, limit, linked, "a push run is held: too many listings would go to zero");
}
