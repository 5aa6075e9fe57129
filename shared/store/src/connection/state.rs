//! What workers keep of a connection: how far its orders are imported, and which sync of each kind runs on it.

use domain::sync::SyncKind;
use domain::{ConnectionId, OrganizationId, SyncId, Timestamp};

use super::{ConnectionState, WHAT};
use crate::row::{Reader, Row, n, time};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

const WATERMARK: &str = "orders_watermark";
const ITEMS_WATERMARK: &str = "items_watermark";
const WEBHOOKS_CHECKED: &str = "webhooks_checked_at";
const RECONCILED: &str = "reconciled_at";
const ZEROED: &str = "zeroed";
const ZEROED_SINCE: &str = "zeroed_since";

pub(super) fn row(organization: &OrganizationId, id: &ConnectionId, state: &ConnectionState) -> Row {
    let mut row = keys::connection_state(organization, id).into_row();
    row.insert(WATERMARK.to_owned(), time(state.orders_watermark));
    if let Some(at) = state.items_watermark {
        row.insert(ITEMS_WATERMARK.to_owned(), time(at));
    }
    if let Some(at) = state.webhooks_checked_at {
        row.insert(WEBHOOKS_CHECKED.to_owned(), time(at));
    }
    if let Some(at) = state.reconciled_at {
        row.insert(RECONCILED.to_owned(), time(at));
    }
    if let Some((count, since)) = state.zeroed {
        row.insert(ZEROED.to_owned(), n(count));
        row.insert(ZEROED_SINCE.to_owned(), time(since));
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
        Ok(Some(ConnectionState {
            orders_watermark: reader.time(WATERMARK)?,
            items_watermark: reader.time_if_any(ITEMS_WATERMARK)?,
            webhooks_checked_at: reader.time_if_any(WEBHOOKS_CHECKED)?,
            reconciled_at: reader.time_if_any(RECONCILED)?,
            zeroed: match reader.time_if_any(ZEROED_SINCE)? {
                Some(since) => Some((reader.count(ZEROED)?, since)),
                None => None,
            },
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
        self.note(WEBHOOKS_CHECKED, organization, id, at).await
    }

    /// Nothing where the connection is gone.
    pub async fn note_reconciled(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.note(RECONCILED, organization, id, at).await
    }

    async fn note(
        &self,
        mark: &str,
        organization: &OrganizationId,
        id: &ConnectionId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let key = keys::connection_state(organization, id);
        let step = Step::update(key, format!("SET {mark} = :at"))
            .only_if("attribute_exists(pk)", Refused::Conflict(WHAT))
            .value(":at", time(at));
        self.write_if("note a time of a connection", step).await.map(drop)
    }

    /// Counts listings that a push took to zero since `since`; a count from before begins anew. Nothing where the
    /// connection is gone.
    pub async fn note_zeroed(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        count: u64,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        let key = keys::connection_state(organization, id);
        let of = |expression: &str, condition: &str| {
            Step::update(key.clone(), expression)
                .only_if(condition, Refused::Conflict(WHAT))
                .name("#z", ZEROED)
                .name("#s", ZEROED_SINCE)
                .value(":count", n(count))
                .value(":since", time(since))
        };
        if self.write_if("count what went to zero", of("ADD #z :count", "#s = :since")).await? {
            return Ok(());
        }
        let anew = of(
            "SET #z = :count, #s = :since",
            "attribute_exists(pk) AND (attribute_not_exists(#s) OR #s <> :since)",
        );
        self.write_if("count what went to zero", anew).await.map(drop)
    }
}
