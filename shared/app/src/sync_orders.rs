//! An order sync: page by page through a window, each page a checkpoint.

use channels::{Cursor, OrderQuery};
use domain::schedule::Window;
use domain::sync::{Outcome, SyncKind, SyncState, Trigger};
use domain::{OrganizationId, SyncId};
use jiff::SignedDuration;
use store::StoreError;
use store::sync::{Sync, SyncFailure, SyncRecord};

use crate::metric::{Metric, elapsed_ms, record};
use crate::shop::OpenShop;
use crate::work::{Attempt, Next};
use crate::{App, AppError};

/// A record that fails keeps the watermark back, so that the next sync tries it again; but no longer than this, lest a
/// record that can never be read make each sync longer than the one before.
const HELD_BACK_MAX: SignedDuration = SignedDuration::from_hours(24);

impl App {
    /// Goes on with an order sync until it is done or the attempt's time is up; then queues the rest.
    pub async fn run_order_sync(
        &self,
        organization: &OrganizationId,
        sync: &SyncId,
        attempt: &Attempt,
    ) -> Result<(), AppError> {
        let Some(mut sync) = self.unfinished(organization, sync).await? else { return Ok(()) };
        let result = self.order_steps(organization, &mut sync, attempt).await;
        self.conclude(organization, sync, attempt, result).await
    }

    async fn order_steps(
        &self,
        organization: &OrganizationId,
        sync: &mut Sync,
        attempt: &Attempt,
    ) -> Result<(), AppError> {
        let organization =
            self.store.organization(organization).await?.ok_or(AppError::NotFound("organization"))?;
        let mut shop = self.open_shop(&organization.id, &sync.connection_id).await?;
        let state = self.store.connection_state(&organization.id, &sync.connection_id).await?;
        let watermark = state.ok_or(AppError::NotFound("connection"))?.orders_watermark;
        // One without a period of its own reads on from the watermark, and moves it.
        let by_watermark = sync.window.is_none() || sync.channel_started_at.is_some();
        let window = *sync.window.get_or_insert_with(|| Window::since(watermark, shop.channel_time()));
        let query = OrderQuery::Changed(if by_watermark { window.open_ended() } else { window });
        loop {
            let cursor = sync.cursor.take().map(Cursor);
            let page = self.import_page(&organization, &mut shop, &query, cursor.as_ref()).await?;
            let records = page.records;
            let more = page.next.is_some();
            sync.cursor = page.next.map(|cursor| cursor.0);
            if by_watermark {
                let read_at = *sync.channel_started_at.get_or_insert_with(|| shop.answered_at());
                if !more {
                    let failed = sync.records.failed > 0
                        || records.iter().any(|record| record.outcome == Outcome::Failed);
                    let held = read_at.checked_sub(HELD_BACK_MAX).unwrap_or(read_at);
                    let to = if failed { held } else { read_at };
                    self.store.advance_orders_watermark(&organization.id, &sync.connection_id, to).await?;
                }
            }
            self.step(&organization.id, sync, &records, !more).await?;
            if !more {
                return self.after_orders(&shop, sync).await;
            }
            if self.clock.now() >= attempt.deadline {
                return self.queue_step(&shop.connection, sync).await;
            }
        }
    }

    /// Orders are in: now the shipments that the channel could not be told of, and the numbers, for whatever is behind.
    async fn after_orders(&self, shop: &OpenShop, sync: &Sync) -> Result<(), AppError> {
        self.queue_untold_shipments(&shop.connection, sync.id.as_str()).await?;
        self.queue_open_outbounds(&shop.connection, sync.id.as_str()).await?;
        if matches!(sync.trigger, Trigger::Initial | Trigger::Schedule)
            && shop.connection.settings.modules.stock
        {
            self.start_sync(&shop.connection, SyncKind::Stock, sync.trigger, None).await?;
        }
        Ok(())
    }

    /// The sync, unless it is gone or finished: then the message is an echo.
    pub(crate) async fn unfinished(
        &self,
        organization: &OrganizationId,
        sync: &SyncId,
    ) -> Result<Option<Sync>, AppError> {
        let sync = self.store.sync(organization, sync).await?;
        Ok(sync.filter(|sync| !sync.state.is_finished()))
    }

    /// Stores a step of a sync: where it stands and what its records came to.
    pub(crate) async fn step(
        &self,
        organization: &OrganizationId,
        sync: &mut Sync,
        records: &[SyncRecord],
        last: bool,
    ) -> Result<(), AppError> {
        let now = self.clock.now();
        for record in records {
            sync.records.count(record.outcome);
        }
        sync.done += u64::try_from(records.len()).unwrap_or(0);
        sync.step += 1;
        sync.started_at.get_or_insert(now);
        sync.state = if last { sync.records.final_state() } else { SyncState::Running };
        sync.finished_at = last.then_some(now);
        self.store.checkpoint_sync(organization, sync, records, now).await?;
        // A run that waited for a yes was late for its people's sake.
        if last && !sync.approved {
            record(Metric::SyncLag, None, elapsed_ms(sync.queued_at, now));
        }
        Ok(())
    }

    /// What an attempt's result means for the sync: another worker's step is no failure of this one; what may work
    /// later is tried again; what will not, or has been tried long enough, ends the sync as failed, with its cause.
    pub(crate) async fn conclude(
        &self,
        organization: &OrganizationId,
        sync: Sync,
        attempt: &Attempt,
        result: Result<(), AppError>,
    ) -> Result<(), AppError> {
        let error = match result {
            Ok(()) | Err(AppError::Store(StoreError::Conflict("sync"))) => return Ok(()),
            Err(error) => error,
        };
        if matches!(error.next(attempt.receive_count), Next::Again(_)) && !attempt.is_last() {
            return Err(error);
        }
        let Some(mut stored) = self.unfinished(organization, &sync.id).await? else { return Ok(()) };
        let now = self.clock.now();
        stored.step += 1;
        stored.state = SyncState::Failed;
        stored.started_at.get_or_insert(now);
        stored.finished_at = Some(now);
        stored.failure = Some(SyncFailure { code: error.code().to_owned(), reason: error.advice() });
        record(Metric::SyncsFailed, None, 1);
        tracing::warn!(sync = %stored.id, connection = %stored.connection_id, code = error.code(), error = %chain(&error), "sync failed");
        match self.store.checkpoint_sync(organization, &stored, &[], now).await {
            Ok(()) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(cause) => Err(cause.into()),
        }
    }
}

/// An error with its causes, for the log.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
