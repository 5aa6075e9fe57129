//! Connections: a merchant's shops, their settings, sealed credentials, and what runs on them.
//!
//! Settings (`Connection`, changed by people, versioned) and state (watermark, running syncs: changed by workers) are
//! two rows, so that neither makes the other conflict. Secrets are in a third, which a list does not read
//! (`connection/secret.rs`). While a connection is active and has a next sync, its settings' row is in the index of what
//! is due (`connection/due.rs`).

use channels::{Credentials, ShopFacts};
use domain::connection::{ConnectionSettings, ConnectionStatus};
use domain::{ChannelKind, ConnectionId, Currency, Name, OrganizationId, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::read::Query;
use crate::row::{Reader, Row, from_row, s, to_row};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

mod due;
mod secret;
pub(crate) mod state;

const WHAT: &str = "connection";

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
    /// When the channel first let us in, by its own clock, which is the one of its orders. `None` while the merchant's
    /// consent is still to come.
    pub connected_at: Option<Timestamp>,
    /// `None` while nothing is to be synced by schedule.
    pub next_sync_at: Option<Timestamp>,
    /// Grows by one with each change by a person; schedule and status changes leave it.
    pub version: u64,
}

/// What workers keep of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionState {
    /// All orders changed before this, by the channel's clock, are imported.
    pub orders_watermark: Timestamp,
    /// All listings changed before this, by the channel's clock, were read; `None` before the first item sync.
    pub items_watermark: Option<Timestamp>,
    /// When the notifications were last looked after.
    pub webhooks_checked_at: Option<Timestamp>,
    /// When its numbers were last compared with the channel's.
    pub reconciled_at: Option<Timestamp>,
    /// Listings that pushes took to zero, and since when they are counted.
    pub zeroed: Option<(u64, Timestamp)>,
}

/// The way to it from its account, where the channel's notifications name nothing else.
fn account_way(connection: &Connection) -> Option<keys::Key> {
    let account = channels::adapter(connection.channel).notified_as(&connection.facts)?;
    Some(keys::account_way(connection.channel, &account, &connection.organization_id, &connection.id))
}

/// The settings' row and the ways to it that its facts make: they stand with it.
fn settled(connection: &Connection, condition: impl FnOnce(Step) -> Step) -> Result<Vec<Step>, StoreError> {
    let mut steps = vec![condition(Step::put(settings_row(connection)?))];
    if let Some(way) = account_way(connection) {
        let mut row = way.into_row();
        row.insert("organization_id".to_owned(), s(connection.organization_id.as_str()));
        row.insert("connection_id".to_owned(), s(connection.id.as_str()));
        steps.push(Step::put(row));
    }
    Ok(steps)
}

/// The settings' row: in the index of what is due exactly while it is active and has a next sync.
fn settings_row(connection: &Connection) -> Result<Row, StoreError> {
    let key = keys::connection(&connection.organization_id, &connection.id);
    let mut row = to_row(WHAT, key, connection)?;
    if let (ConnectionStatus::Active, Some(at)) = (connection.status, connection.next_sync_at) {
        let sort = keys::due_sort(at, &connection.organization_id, &connection.id);
        row.insert(keys::IPK.to_owned(), s(keys::DUE));
        row.insert(keys::ISK.to_owned(), s(sort));
    }
    Ok(row)
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
        let (organization, id) = (&connection.organization_id, &connection.id);
        let mut way = keys::connection_way(id).into_row();
        way.insert("organization_id".to_owned(), s(organization.as_str()));
        let secrets = self.secrets_row(organization, id, credentials, webhook_secret).await?;
        let mut steps = settled(connection, |step| step.only_if_new(Refused::Exists(WHAT)))?;
        steps.extend([
            Step::put(way).only_if_new(Refused::Exists(WHAT)),
            Step::put(secrets),
            Step::put(state::row(organization, id, state)),
        ]);
        self.transact("create a connection", steps).await
    }

    /// Consistent.
    pub async fn connection(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Option<Connection>, StoreError> {
        let row = self.get("read a connection", &keys::connection(organization, id)).await?;
        row.map(|row| from_row(WHAT, row)).transpose()
    }

    /// All connections of the organization (at most 100 exist), eventually consistent: one query of the settings alone.
    pub async fn connections(&self, organization: &OrganizationId) -> Result<Vec<Connection>, StoreError> {
        let query = Query::of(keys::organization(organization)).prefix(keys::CONNECTION);
        let rows = self.query_all("list connections", &query).await?;
        rows.into_iter().map(|row| from_row(WHAT, row)).collect()
    }

    /// Whose the connection is, for a notification that names nothing else.
    pub async fn connection_owner(&self, id: &ConnectionId) -> Result<Option<OrganizationId>, StoreError> {
        let row = self.get("find a connection", &keys::connection_way(id)).await?;
        row.map(|row| Reader::new(WHAT, &row).parsed("organization_id")).transpose()
    }

    /// The connections of a channel's account, in all organizations, for a notification that names nothing else.
    /// Eventually consistent; one that was deleted meanwhile may be among them.
    pub async fn connections_of_account(
        &self,
        channel: ChannelKind,
        account: &str,
    ) -> Result<Vec<(OrganizationId, ConnectionId)>, StoreError> {
        let query = Query::of(keys::account_ways(channel, account));
        let rows = self.query_all("find the connections of an account", &query).await?;
        let of = |row: &Row| {
            let reader = Reader::new(WHAT, row);
            Ok((reader.parsed("organization_id")?, reader.parsed("connection_id")?))
        };
        rows.iter().map(of).collect()
    }

    /// Stores what a person changed, status and schedule included, if the version is still the one before. What a worker
    /// found or scheduled since `after` was read is overwritten: it finds it again.
    pub async fn update_connection(&self, after: &Connection) -> Result<(), StoreError> {
        let steps = settled(after, |step| step.only_after(after.version, WHAT))?;
        self.transact("update a connection", steps).await
    }

    /// The connection, its credentials, its state and its ways. Its listings, links and orders stay for history.
    pub async fn delete_connection(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<(), StoreError> {
        // The way has no organization in its key: it goes only with the connection that it leads to.
        let way = Step::delete(keys::connection_way(id))
            .only_if("organization_id = :organization", Refused::Skip)
            .value(":organization", s(organization.as_str()));
        let rows = [
            keys::connection(organization, id),
            keys::connection_state(organization, id),
            keys::connection_secrets(organization, id),
        ];
        let mut steps = vec![way];
        // Its account is the same for good, so reading it before is soon enough.
        let connection = self.connection(organization, id).await?;
        steps.extend(connection.as_ref().and_then(account_way).map(Step::delete));
        steps.extend(rows.map(Step::delete));
        self.transact("delete a connection", steps).await
    }

    /// A worker's finding: from `Active` to `NeedsAuthorization`, with why, and nothing due any more. Nothing if it is
    /// not active any more.
    pub async fn mark_needs_authorization(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        reason: &str,
    ) -> Result<(), StoreError> {
        let key = keys::connection(organization, id);
        let expression = "SET #status = :found, status_reason = :reason REMOVE next_sync_at, ipk, isk";
        let step = Step::update(key, expression)
            .only_if("#status = :active", Refused::Conflict(WHAT))
            .name("#status", "status")
            .value(":found", s(ConnectionStatus::NeedsAuthorization.as_str()))
            .value(":active", s(ConnectionStatus::Active.as_str()))
            .value(":reason", s(reason));
        self.write_if("mark a connection as not authorized", step).await.map(drop)
    }
}
