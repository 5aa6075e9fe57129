//! A stock sync: over all linked listings of a connection, page by page, pushing those that are behind.
//!
//! The safety net under the messages: whatever was lost on the way is found here.

use domain::listing::ListingStatus;
use domain::sync::{SyncState, Trigger};
use domain::{OrganizationId, SyncId};
use queue::message::PushTarget;
use store::PageRequest;
use store::connection::Connection;
use store::sync::{Held, Sync};

use crate::hold::{PushMode, report};
use crate::metric::{Metric, record};
use crate::work::Attempt;
use crate::{App, AppError};

/// Listings of one query, and of one step: whole batches for every channel.
const PAGE: u32 = 200;
const STEP: usize = 1_000;

impl App {
    /// Goes on with a stock sync until it is done or the attempt's time is up; then queues the rest.
    pub async fn run_stock_sync(
        &self,
        organization: &OrganizationId,
        sync: &SyncId,
        attempt: &Attempt,
    ) -> Result<(), AppError> {
        let Some(mut sync) = self.unfinished(organization, sync).await? else { return Ok(()) };
        let result = self.stock_steps(organization, &mut sync, attempt).await;
        self.conclude(organization, sync, attempt, result).await
    }

    async fn stock_steps(
        &self,
        organization: &OrganizationId,
        sync: &mut Sync,
        attempt: &Attempt,
    ) -> Result<(), AppError> {
        let stored = self.store.connection(organization, &sync.connection_id).await?;
        let connection = stored.ok_or(AppError::NotFound("connection"))?;
        if let Err(why) = connection.settings.pushes(connection.status) {
            return Err(AppError::conflict(why.code(), "nothing is pushed on this connection"));
        }
        // A person who asks for a push wants it sent, whatever is known.
        let force = sync.trigger == Trigger::Manual || sync.trigger == Trigger::Resync;
        loop {
            let mut targets = Vec::new();
            while targets.len() < STEP {
                let request = PageRequest { limit: PAGE, cursor: sync.cursor.take() };
                let linked = Some(ListingStatus::Linked);
                let page =
                    self.store.connection_listings(organization, &connection.id, linked, &request).await?;
                targets.extend(page.data.into_iter().filter_map(|listing| {
                    let item_id = listing.item_id?;
                    Some(PushTarget { item_id, listing_id: listing.id, version: 0 })
                }));
                sync.cursor = page.next_cursor;
                if sync.cursor.is_none() {
                    break;
                }
            }
            sync.done += u64::try_from(targets.len()).unwrap_or(0);
            // The number of calls of a step is bounded, so the deadline is looked at between steps.
            let unhurried = Attempt { deadline: domain::Timestamp::MAX, ..*attempt };
            let mode = PushMode { force, approved: sync.approved, received_before: false };
            let pushed = self.push_as(&connection, targets, mode, &unhurried).await?;
            if !force {
                let behind = pushed.accepted + pushed.submitted + pushed.failed;
                record(Metric::ListingsBehind, Some(connection.channel), behind);
            }
            sync.records.synced += pushed.accepted;
            sync.records.failed += pushed.failed;
            sync.records.skipped += pushed.untouched;
            if let Some(held) = pushed.held {
                return self.hold_sweep(&connection, sync, held).await;
            }
            let last = sync.cursor.is_none();
            self.step(organization, sync, &[], last).await?;
            if last {
                return Ok(());
            }
            if self.clock.now() >= attempt.deadline {
                return self.queue_step(&connection, sync).await;
            }
        }
    }

    /// The sync waits for a yes, and begins anew after it.
    async fn hold_sweep(&self, connection: &Connection, sync: &mut Sync, held: Held) -> Result<(), AppError> {
        let now = self.clock.now();
        sync.state = SyncState::Held;
        sync.held = Some(held);
        sync.cursor = None;
        sync.started_at.get_or_insert(now);
        sync.step += 1;
        self.store.checkpoint_sync(&connection.organization_id, sync, &[], now).await?;
        report(connection, held);
        Ok(())
    }
}
