//! The papers of orders: invoices, packages, shipments, returns, written together with the order that counts them; and
//! which shipments a channel has not been told of.

use domain::order_document::DocumentKind;
use domain::{ConnectionId, DocumentId, ItemId, OrderId, OrganizationId, Quantity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::page::List;
use crate::read::Query;
use crate::row::{Reader, Row, from_row, to_row};
use crate::transact::Step;
use crate::{Page, PageRequest, Store, StoreError};

const WHAT: &str = "a paper of an order";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDocument {
    pub id: DocumentId,
    pub lines: Vec<DocumentLine>,
    pub detail: Detail,
    pub created_by: String,
    pub created_at: Timestamp,
    /// The request that made it, where it bore a key: tried again, it finds what it made.
    pub request: Option<String>,
    /// Grows by one with each change.
    pub version: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentLine {
    /// Of the order.
    pub line_id: String,
    pub item_id: Option<ItemId>,
    pub quantity: Quantity,
}

/// What each kind has of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    Invoice,
    Package,
    Shipment(ShipmentDetail),
    Return(ReturnDetail),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentDetail {
    #[serde(default)]
    pub package_ids: Vec<DocumentId>,
    pub carrier: String,
    pub tracking_number: Option<String>,
    pub shipped_at: Timestamp,
    pub delivered_at: Option<Timestamp>,
    /// Nothing of the order was left to ship after it.
    pub completes: bool,
    /// How far the channel knows of it; `None` for an order of no channel.
    pub push: Option<ShipmentPush>,
}

/// How far a channel knows of a shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentPush {
    pub state: ShipmentPushState,
    /// Why not, or not yet: stable, snake_case.
    pub code: Option<String>,
    pub reason: Option<String>,
    /// Since when it is so.
    pub since: Timestamp,
    /// The channel's own id of it.
    pub external_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipmentPushState {
    /// To be told, also after a failure that may pass.
    Pending,
    /// The channel has it.
    InSync,
    /// The channel refused it: nothing is tried until a person asks.
    Failed,
    /// The connection does not tell shipments.
    Disabled,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnDetail {
    /// It went back into stock.
    pub restock: bool,
    pub reason: Option<String>,
}

impl OrderDocument {
    pub fn kind(&self) -> DocumentKind {
        self.id.kind
    }

    pub fn shipment(&self) -> Option<&ShipmentDetail> {
        match &self.detail {
            Detail::Shipment(shipment) => Some(shipment),
            _ => None,
        }
    }

    fn is_untold(&self) -> Option<bool> {
        let push = self.shipment()?.push.as_ref()?;
        Some(push.state == ShipmentPushState::Pending)
    }

    /// Its row, if the one before it stands, and its place among what a channel has not been told.
    pub(crate) fn steps(
        &self,
        organization: &OrganizationId,
        connection: Option<&ConnectionId>,
    ) -> Result<Vec<Step>, StoreError> {
        let row = to_row(WHAT, keys::order_document(organization, &self.id), self)?;
        let mut steps = vec![Step::put(row).only_after(self.version, WHAT)];
        if let (Some(untold), Some(connection)) = (self.is_untold(), connection) {
            let key = keys::untold_shipment(organization, connection, &self.id);
            steps.push(if untold { Step::put(key.into_row()) } else { Step::delete(key) });
        }
        Ok(steps)
    }
}

impl Store {
    /// All of an order's, by kind, then by number; consistent.
    pub async fn order_documents(
        &self,
        organization: &OrganizationId,
        order: &OrderId,
    ) -> Result<Vec<OrderDocument>, StoreError> {
        let query = Query::of(keys::order_documents(organization, order)).consistent();
        let rows = self.query_all("read an order's papers", &query).await?;
        rows.into_iter().map(|row| from_row(WHAT, row)).collect()
    }

    /// Consistent.
    pub async fn order_document(
        &self,
        organization: &OrganizationId,
        id: &DocumentId,
    ) -> Result<Option<OrderDocument>, StoreError> {
        let row = self.get("read a paper of an order", &keys::order_document(organization, id)).await?;
        row.map(|row| from_row(WHAT, row)).transpose()
    }

    /// One of them alone in its next version, where the order stays as it is: what a channel said of a shipment.
    pub async fn update_order_document(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        after: &OrderDocument,
    ) -> Result<(), StoreError> {
        self.transact("update a paper of an order", after.steps(organization, Some(connection))?).await
    }

    /// Consistent, in the order of their ids.
    pub async fn untold_shipments(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        page: &PageRequest,
    ) -> Result<Page<DocumentId>, StoreError> {
        let list = List::new("untold shipments", organization, connection);
        let mut query = Query::of(keys::untold_shipments(organization, connection)).consistent();
        query.limit = Some(page.rows() + 1);
        let read = |row: Row| Reader::new("an untold shipment", &row).parsed(keys::SK).map(Some);
        self.page("list untold shipments", &list, &query, page, read).await
    }

    /// Forgets that the channel was to be told of the shipment.
    pub async fn forget_untold_shipment(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        id: &DocumentId,
    ) -> Result<(), StoreError> {
        let step = Step::delete(keys::untold_shipment(organization, connection, id));
        self.transact("forget an untold shipment", vec![step]).await
    }
}
