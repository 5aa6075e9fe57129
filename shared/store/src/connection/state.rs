//! What workers keep of a connection: how far its orders are imported, and which sync of each kind runs on it.

use domain::sync::SyncKind;
use domain::{ConnectionId, OrganizationId, SyncId, Timestamp};

use super::{ConnectionState, WHAT};
use crate::row::{Reader, Row, time};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

const WATERMARK: &str = "orders_watermark";
const ITEMS_WATERMARK: &str = "items_watermark";
const WEBHOOKS_CHECKED: &str = "webhooks_checked_at";

pub(super) fn row(organization: &OrganizationId, id: &ConnectionId, state: &ConnectionState) -> Row {
    let mut row = keys::connection_state(organization, id).into_row();
    row.insert(WATERMARK.to_owned(), time(state.orders_watermark));
    if let Some(at) = state.items_watermark {
        row.insert(ITEMS_WATERMARK.to_owned(), time(at));
    }
    if let Some(at) = state.webhooks_checked_at {
        row.insert(WEBHOOKS_CHECKED.to_owned(), time(at));
    }
    row
}

/// The attribute that names the running sync of a kind.
pub(crate) fn running(kind: SyncKind) -> String {
    format!("running_{}", kind.as_str())
}

impl Store {
    /// Consistent.
    pub async fn connection_state(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Option<ConnectionState>, StoreError> {
        let row = self.get("read a connection's state", &keys::connection_state(organization, id)).await?;
        let Some(row) = row else { return Ok(None) };
        let reader = Reader::new(WHAT, &row);
        let time_of = |name| if reader.has(name) { reader.time(name).map(Some) } else { Ok(None) };
        Ok(Some(ConnectionState {
            orders_watermark: reader.time(WATERMARK)?,
            items_watermark: time_of(ITEMS_WATERMARK)?,
            webhooks_checked_at: time_of(WEBHOOKS_CHECKED)?,
        }))
    }

    /// The sync of a kind that is marked as running; `Err` with [`StoreError::Conflict`] where the connection is gone.
    pub(crate) async fn running_sync(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        kind: SyncKind,
    ) -> Result<Option<SyncId>, StoreError> {
        let key = keys::connection_state(organization, id);
        let row = self.get("read a connection's state", &key).await?.ok_or(StoreError::Conflict(WHAT))?;
        let (reader, name) = (Reader::new(WHAT, &row), running(kind));
        if reader.has(&name) { reader.parsed(&name).map(Some) } else { Ok(None) }
    }

    /// Moves the watermark on; never back. Nothing where the connection is gone.
    pub async fn advance_orders_watermark(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        to: Timestamp,
    ) -> Result<(), StoreError> {
        self.advance(WATERMARK, organization, id, to).await
    }

    /// Moves the watermark on; never back. Nothing where the connection is gone.
    pub async fn advance_items_watermark(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        to: Timestamp,
    ) -> Result<(), StoreError> {
        self.advance(ITEMS_WATERMARK, organization, id, to).await
    }

    async fn advance(
        &self,
        mark: &str,
        organization: &OrganizationId,
        id: &ConnectionId,
        to: Timestamp,
    ) -> Result<(), StoreError> {
        let key = keys::connection_state(organization, id);
        let behind = format!("attribute_exists(pk) AND (attribute_not_exists({mark}) OR {mark} < :to)");
        let step = Step::update(key, format!("SET {mark} = :to"))
            .only_if(behind, Refused::Conflict(WHAT))
            .value(":to", time(to));
        self.write_if("move a watermark on", step).await.map(drop)
    }

    /// Nothing where the connection is gone.
    pub async fn note_webhooks_checked(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let key = keys::connection_state(organization, id);
        let step = Step::update(key, "SET webhooks_checked_at = :at")
            .only_if("attribute_exists(pk)", Refused::Conflict(WHAT))
            .value(":at", time(at));
        self.write_if("note that webhooks were checked", step).await.map(drop)
    }
}
