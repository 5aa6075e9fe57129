//! Connections: a merchant's shops, their settings, sealed credentials, and what runs on them.
//!
//! Settings (`Connection`, changed by people, versioned) and state (watermark, running syncs: changed by workers) are
//! two rows, so that neither makes the other conflict.

use channels::{Credentials, ShopFacts};
use domain::connection::{ConnectionSettings, ConnectionStatus};
use domain::{ChannelKind, ConnectionId, Currency, Name, OrganizationId, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub id: ConnectionId,
    pub organization_id: OrganizationId,
    pub channel: ChannelKind,
    pub name: Name,
    /// Absolute http(s) URL.
    pub endpoint: String,
    pub marketplace: Vec<String>,
    pub status: ConnectionStatus,
    /// Why the status is not active, for people.
    pub status_reason: Option<String>,
    pub settings: ConnectionSettings,
    pub currency: Currency,
    pub facts: ShopFacts,
    pub created_at: Timestamp,
    /// `None` while nothing is to be synced by schedule.
    pub next_sync_at: Option<Timestamp>,
    /// Grows by one with each change by a person; schedule and status changes leave it.
    pub version: u64,
}

/// What workers keep of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionState {
    /// All orders changed before this are imported.
    pub orders_watermark: Timestamp,
    /// When the notifications were last looked after.
    pub webhooks_checked_at: Option<Timestamp>,
}

impl Store {
    /// The connection, its sealed credentials and webhook secret, its state and its way from the id alone, together.
    pub async fn create_connection(
        &self,
        connection: &Connection,
        credentials: &Credentials,
        webhook_secret: &SecretString,
        state: &ConnectionState,
    ) -> Result<(), StoreError> {
        todo!()
    }

    pub async fn connection(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Option<Connection>, StoreError> {
        todo!()
    }

    /// All connections of the organization (at most 100 exist).
    pub async fn connections(&self, organization: &OrganizationId) -> Result<Vec<Connection>, StoreError> {
        todo!()
    }

    /// Whose the connection is, for a notification that names nothing else.
    pub async fn connection_owner(&self, id: &ConnectionId) -> Result<Option<OrganizationId>, StoreError> {
        todo!()
    }

    /// Stores what a person changed, status and schedule included, if the version is still the one before.
    pub async fn update_connection(&self, after: &Connection) -> Result<(), StoreError> {
        todo!()
    }

    /// The connection, its credentials, its state and its way. Its listings, links and orders stay for history.
    pub async fn delete_connection(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// A worker's finding: from `Active` to `NeedsAuthorization`, with why. Nothing if it is not active any more.
    pub async fn mark_needs_authorization(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        reason: &str,
    ) -> Result<(), StoreError> {
        todo!()
    }

    pub async fn credentials(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Option<Credentials>, StoreError> {
        todo!()
    }

    pub async fn webhook_secret(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Option<SecretString>, StoreError> {
        todo!()
    }

    /// Seals and stores refreshed or replaced credentials; the webhook secret stays.
    pub async fn replace_credentials(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        credentials: &Credentials,
    ) -> Result<(), StoreError> {
        todo!()
    }

    pub async fn connection_state(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Option<ConnectionState>, StoreError> {
        todo!()
    }

    /// Moves the watermark on; never back.
    pub async fn advance_orders_watermark(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        to: Timestamp,
    ) -> Result<(), StoreError> {
        todo!()
    }

    pub async fn note_webhooks_checked(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// Connections whose next sync is at or before `now`, oldest first, over all organizations: one query of a sparse
    /// index, at most `limit`.
    pub async fn due_connections(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(OrganizationId, ConnectionId, Timestamp)>, StoreError> {
        todo!()
    }

    /// Moves the next sync from `due` to `next`; false if another did.
    pub async fn claim_due(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        due: Timestamp,
        next: Timestamp,
    ) -> Result<bool, StoreError> {
        todo!()
    }
}
