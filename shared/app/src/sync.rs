//! Syncs by a merchant's hand, and their history.

use domain::connection::ConnectionStatus;
use domain::listing::ListingStatus;
use domain::schedule::Window;
use domain::sync::{SyncKind, Trigger};
use domain::{ConnectionId, OrganizationId, SyncId};
use store::connection::Connection;
use store::sync::Sync;

use crate::{App, AppError};

/// What a merchant asked for: the sync of the connection that was named, and those of the others.
#[derive(Debug, Clone)]
pub struct StartedSyncs {
    pub sync: Sync,
    pub others: Vec<Sync>,
}

fn check_can_sync(connection: &Connection, kind: SyncKind) -> Result<(), AppError> {
    match connection.status {
        ConnectionStatus::Active => {}
        ConnectionStatus::Inactive => {
            return Err(AppError::conflict("connection_inactive", "the connection is disabled"));
        }
        ConnectionStatus::NeedsAuthorization => {
            let detail = "the channel refuses the connection's credentials; give new ones";
            return Err(AppError::conflict("needs_authorization", detail));
        }
    }
    let modules = connection.settings.modules;
    let on = match kind {
        SyncKind::Items => modules.items,
        SyncKind::Orders => modules.orders,
        SyncKind::Stock | SyncKind::Reconcile => modules.stock,
        SyncKind::Shipments => modules.shipments,
    };
    if on {
        return Ok(());
    }
    Err(AppError::conflict(
        "module_inactive",
        format!("the module {} of the connection is off", kind.as_str()),
    ))
}

/// Of a record of a listing that came in. Matching comes after the last page, when the record is written already: what
/// came of it is read from the listing.
pub fn standing(status: ListingStatus) -> &'static str {
    if status == ListingStatus::Linked { "mapped" } else { "unconfirmed" }
}

impl App {
    pub async fn sync(&self, organization: &OrganizationId, id: &SyncId) -> Result<Sync, AppError> {
        self.store.sync(organization, id).await?.ok_or(AppError::NotFound("sync"))
    }

    /// Starts a sync, or joins the one of its kind that runs. `all_connections`: the organization's others too, as far as
    /// they are active.
    pub async fn sync_now(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        kind: SyncKind,
        window: Option<Window>,
        all_connections: bool,
    ) -> Result<StartedSyncs, AppError> {
        if matches!(kind, SyncKind::Shipments | SyncKind::Reconcile) {
            return Err(AppError::invalid("invalid_field", "/kind", "must be items, orders or stock"));
        }
        if kind == SyncKind::Stock && window.is_some() {
            return Err(AppError::invalid("invalid_field", "/from", "a stock sync has no period"));
        }
        let connection = self.connection(organization, id).await?;
        check_can_sync(&connection, kind)?;
        let sync = self.start_sync(&connection, kind, Trigger::Manual, window).await?;
        let mut others = Vec::new();
        if all_connections {
            for other in self.store.connections(organization).await? {
                if other.id != connection.id && check_can_sync(&other, kind).is_ok() {
                    others.push(self.start_sync(&other, kind, Trigger::Manual, window).await?);
                }
            }
        }
        Ok(StartedSyncs { sync, others })
    }

    /// Compares the connection's numbers with the channel's, now.
    pub async fn reconcile_now(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Sync, AppError> {
        let connection = self.connection(organization, id).await?;
        check_can_sync(&connection, SyncKind::Reconcile)?;
        self.start_sync(&connection, SyncKind::Reconcile, Trigger::Manual, None).await
    }

    /// Fetches again what a past sync fetched, of a sync without a chosen period also what of it changed since.
    pub async fn resync(&self, organization: &OrganizationId, id: &SyncId) -> Result<Sync, AppError> {
        let past = self.sync(organization, id).await?;
        if past.kind == SyncKind::Shipments {
            let detail =
                "shipments are not fetched; what failed is told again with POST /v1/shipments/{id}/push";
            return Err(AppError::conflict("not_fetched", detail));
        }
        let gone = || AppError::conflict("connection_deleted", "the connection of the sync is deleted");
        let connection = self.store.connection(organization, &past.connection_id).await?.ok_or_else(gone)?;
        check_can_sync(&connection, past.kind)?;
        self.start_again(&connection, &past).await
    }
}
