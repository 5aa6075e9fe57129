//! What is due: every minute, over all organizations.

use domain::connection::ConnectionStatus;
use domain::schedule::next_sync_at;
use domain::sync::{SyncKind, Trigger};
use domain::{ConnectionId, OrganizationId, Timestamp};
use jiff::SignedDuration;
use store::connection::Connection;

use crate::{App, AppError};

/// Connections of one query.
const PAGE: u32 = 100;
/// Connections that one run starts; what is behind them is the next minute's.
const RUN_MAX: u32 = 2_000;
/// How often a connection's numbers are compared with the channel's, to the next of its syncs.
const RECONCILE_EVERY: SignedDuration = SignedDuration::from_hours(24);

impl App {
    /// Starts the syncs of every connection that is due. How many connections.
    pub async fn dispatch_due(&self) -> Result<u32, AppError> {
        let now = self.clock.now();
        let mut started = 0;
        while started < RUN_MAX {
            let due = self.store.due_connections(now, PAGE).await?;
            if due.is_empty() {
                break;
            }
            let mut moved = false;
            for (organization, connection, at) in due {
                moved |= self.dispatch_one(&organization, &connection, at, now).await?;
                started += 1;
            }
            if !moved {
                // The index lags behind the rows: what it still shows is done.
                break;
            }
        }
        Ok(started)
    }

    async fn dispatch_one(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<bool, AppError> {
        let Some(connection) = self.store.connection(organization, id).await? else { return Ok(false) };
        if connection.status != ConnectionStatus::Active || connection.next_sync_at != Some(due) {
            return Ok(false);
        }
        self.start_cycle(&connection, due).await?;
        // Claimed after it is queued: a crash in between queues it again, and the second joins the first.
        let next = next_sync_at(due, connection.settings.sync_interval_minutes, now);
        Ok(self.store.claim_due(organization, id, due, next).await?)
    }

    /// Orders and items; the stock follows the orders.
    async fn start_cycle(&self, connection: &Connection, due: Timestamp) -> Result<(), AppError> {
        let first = connection.created_at.checked_add(domain::schedule::first_sync_after(connection.channel));
        let trigger =
            if first.is_ok_and(|first| due <= first) { Trigger::Initial } else { Trigger::Schedule };
        let modules = connection.settings.modules;
        if modules.orders {
            self.start_sync(connection, SyncKind::Orders, trigger, None).await?;
        }
        if modules.items {
            self.start_sync(connection, SyncKind::Items, trigger, None).await?;
        }
        if modules.stock && self.is_to_reconcile(connection).await? {
            self.start_sync(connection, SyncKind::Reconcile, Trigger::Schedule, None).await?;
        }
        if modules.stock && !modules.orders {
            self.start_sync(connection, SyncKind::Stock, trigger, None).await?;
        }
        // Where orders are synced, the end of their sync looks for what the channel was not told of.
        if modules.shipments && !modules.orders {
            self.queue_shipments_due(connection, due).await?;
        }
        Ok(())
    }

    /// Once a day, and not before a day has passed.
    async fn is_to_reconcile(&self, connection: &Connection) -> Result<bool, AppError> {
        if connection.settings.pushes(connection.status).is_err() {
            return Ok(false);
        }
        let state = self.store.connection_state(&connection.organization_id, &connection.id).await?;
        let last = state.and_then(|state| state.reconciled_at).unwrap_or(connection.created_at);
        Ok(self.clock.now().duration_since(last) >= RECONCILE_EVERY)
    }
}
