//! Starting a sync, or joining the one that runs.

use domain::schedule::Window;
use domain::sync::{RecordCounts, SyncKind, SyncState, Trigger};
use domain::{ConnectionId, OrganizationId, SyncId, Timestamp};
use jiff::SignedDuration;
use queue::message::Task;
use queue::{Message, Outgoing, QueueName, Work};
use store::StoreError;
use store::connection::Connection;
use store::sync::{BegunSync, Phase, Sync, SyncFailure};

use crate::{App, AppError};

/// A sync that began this long ago and has no end is given up: longer than its messages are tried (about two hours), and
/// than the longest that a first sync of a large catalogue takes.
const STALLED_AFTER: SignedDuration = SignedDuration::from_hours(24);

impl App {
    /// Begins a sync of `kind` and queues its first step. While one of the kind runs on the connection no other
    /// starts: the running one is returned.
    ///
    /// `window`: what a merchant chose; without one, items are fetched whole or by change as is due, and orders since
    /// the watermark.
    pub async fn start_sync(
        &self,
        connection: &Connection,
        kind: SyncKind,
        trigger: Trigger,
        window: Option<Window>,
    ) -> Result<Sync, AppError> {
        self.start_sync_as(connection, kind, trigger, window, None, false).await
    }

    /// The same as `past`. One that read up to its own time finds what changed since too: a record that failed and was mended
    /// has a later time of change.
    pub(crate) async fn start_again(&self, connection: &Connection, past: &Sync) -> Result<Sync, AppError> {
        let (window, read_at) = (past.window, past.channel_started_at.filter(|_| past.window.is_some()));
        self.start_sync_as(connection, past.kind, Trigger::Resync, window, read_at, false).await
    }

    /// A person changed what listings show. `approved`: they saw what it takes to zero.
    pub(crate) async fn start_stock_sync(
        &self,
        connection: &Connection,
        approved: bool,
    ) -> Result<Sync, AppError> {
        self.start_sync_as(connection, SyncKind::Stock, Trigger::Manual, None, None, approved).await
    }

    async fn start_sync_as(
        &self,
        connection: &Connection,
        kind: SyncKind,
        trigger: Trigger,
        window: Option<Window>,
        channel_started_at: Option<Timestamp>,
        approved: bool,
    ) -> Result<Sync, AppError> {
        let now = self.clock.now();
        let id = SyncId::from_body(&self.ids.next(now)).map_err(|_| AppError::Internal("ids must be hex"))?;
        let sync = Sync {
            id,
            connection_id: connection.id.clone(),
            kind,
            trigger,
            window,
            state: SyncState::Queued,
            done: 0,
            total: None,
            records: RecordCounts::default(),
            queued_at: now,
            started_at: None,
            channel_started_at,
            finished_at: None,
            failure: None,
            held: None,
            approved,
            step: 0,
            phase: match kind {
                SyncKind::Stock | SyncKind::Reconcile => Phase::Sweep,
                SyncKind::Items | SyncKind::Orders | SyncKind::Shipments => Phase::Fetch,
            },
            cursor: None,
        };
        let organization = &connection.organization_id;
        let sync = match self.store.begin_sync(organization, &sync).await? {
            BegunSync::Started => sync,
            BegunSync::Joined(running) => {
                let running =
                    self.store.sync(organization, &running).await?.ok_or(AppError::NotFound("sync"))?;
                if running.state == SyncState::Held || now.duration_since(running.queued_at) < STALLED_AFTER {
                    running
                } else {
                    self.end_stalled(organization, running).await?;
                    match self.store.begin_sync(organization, &sync).await? {
                        BegunSync::Started => sync,
                        BegunSync::Joined(other) => {
                            self.store.sync(organization, &other).await?.ok_or(AppError::NotFound("sync"))?
                        }
                    }
                }
            }
        };
        // Also for a joined one that was never taken up: whoever began it may have died before this line.
        if sync.state == SyncState::Queued {
            self.queue_step(connection, &sync).await?;
        }
        Ok(sync)
    }

    /// Ends a sync whose message is gone, so that it does not hold up those after it for ever.
    async fn end_stalled(&self, organization: &OrganizationId, mut stalled: Sync) -> Result<(), AppError> {
        let now = self.clock.now();
        stalled.step += 1;
        stalled.state = SyncState::Failed;
        stalled.finished_at = Some(now);
        stalled.failure = Some(SyncFailure {
            code: "stalled".to_owned(),
            reason: "The sync stopped without an end. The next one goes on from where it was.".to_owned(),
        });
        match self.store.checkpoint_sync(organization, &stalled, &[], now).await {
            Ok(()) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Queues the next step of a sync. Queued twice, it is done once.
    pub(crate) async fn queue_step(&self, connection: &Connection, sync: &Sync) -> Result<(), AppError> {
        let sync_id = sync.id.clone();
        let (work, task) = match sync.kind {
            SyncKind::Items => (Work::ItemSync, Task::SyncItems { sync_id }),
            SyncKind::Orders => (Work::OrderImport, Task::SyncOrders { sync_id }),
            SyncKind::Stock => (Work::StockPush, Task::SweepStock { sync_id }),
            SyncKind::Reconcile => (Work::StockPush, Task::Reconcile { sync_id }),
            SyncKind::Shipments => return Err(AppError::Internal("shipments have no sync of steps")),
        };
        let queue = QueueName { work, channel: connection.channel };
        let deduplication_id = format!("{}-{}", sync.id.body(), sync.step);
        self.enqueue(queue, &connection.organization_id, &connection.id, deduplication_id, task).await
    }

    /// One message, in its connection's group.
    pub(crate) async fn enqueue(
        &self,
        queue: QueueName,
        organization: &OrganizationId,
        connection: &ConnectionId,
        deduplication_id: String,
        task: Task,
    ) -> Result<(), AppError> {
        let group = connection.to_string();
        self.enqueue_in(group, queue, organization, connection, deduplication_id, task).await
    }

    /// One message in a group of its own choice, for work that may rest without holding up its connection's other work.
    pub(crate) async fn enqueue_in(
        &self,
        group: String,
        queue: QueueName,
        organization: &OrganizationId,
        connection: &ConnectionId,
        deduplication_id: String,
        task: Task,
    ) -> Result<(), AppError> {
        let body = Message::new(organization.clone(), connection.clone(), task)
            .encode()
            .map_err(|_| AppError::Internal("a message could not be written"))?;
        let outgoing = Outgoing { group, deduplication_id, body };
        Ok(self.queue.send(queue, vec![outgoing]).await?)
    }
}
