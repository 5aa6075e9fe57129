//! Telling channels of shipments. Which ones a connection's channel has not been told is in the table, written with the
//! shipment; a message only says that there are some. So one lost, doubled or out of order changes nothing, and what a
//! channel could not be told is found again after the next order sync.

use channels::{ErrorKind, Shipment, ShipmentOutcome, ShippedLine};
use domain::listing::RecordFailure;
use domain::sync::{Outcome, RecordCounts, SyncKind, Trigger};
use domain::{ConnectionId, DocumentId, OrganizationId, Sku, SyncId, Timestamp};
use queue::message::Task;
use queue::{QueueName, Work};
use store::connection::Connection;
use store::order::Order;
use store::order_document::{Detail, OrderDocument, ShipmentPush, ShipmentPushState};
use store::sync::{Phase, Sync, SyncRecord};
use store::{PageRequest, StoreError};

use crate::change::CHANGES_MAX;
use crate::fetch_orders::failed_record;
use crate::shop::OpenShop;
use crate::work::{Attempt, Next};
use crate::{App, AppError};

/// Shipments of one message; what is behind them is another's.
const SHIPMENTS_MAX: u32 = 100;

/// What a channel's answer, or the lack of one, makes of a shipment.
struct Told {
    state: ShipmentPushState,
    code: Option<String>,
    reason: Option<String>,
    external_id: Option<String>,
}

impl Told {
    fn failed(state: ShipmentPushState, code: &str, reason: String) -> Self {
        Self { state, code: Some(code.to_owned()), reason: Some(reason), external_id: None }
    }
}

impl App {
    /// Tells the connection's channel of every shipment that it was not told of. What fails for good is failed where the
    /// merchant sees it; what may pass keeps its cause and is tried again.
    pub async fn push_shipments(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        attempt: &Attempt,
    ) -> Result<(), AppError> {
        let request = PageRequest { limit: SHIPMENTS_MAX, cursor: None };
        let page = self.store.untold_shipments(organization, connection, &request).await?;
        if page.data.is_empty() {
            return Ok(());
        }
        let Some(stored) = self.store.connection(organization, connection).await? else { return Ok(()) };
        if !stored.settings.modules.shipments {
            return Ok(());
        }
        let mut shop = match self.open_shop(organization, connection).await {
            Ok(shop) => shop,
            Err(error) => {
                for id in &page.data {
                    self.note_push(organization, connection, id, &waiting(&error)).await?;
                }
                return Err(error);
            }
        };
        let mut records = Vec::new();
        let mut failure = None;
        let mut more = page.next_cursor.is_some();
        for id in &page.data {
            if self.clock.now() >= attempt.deadline {
                more = true;
                break;
            }
            let Some((document, order)) = self.untold(organization, connection, id).await? else { continue };
            let (told, error) = self.tell(&mut shop, &document, &order, attempt).await;
            self.note_push(organization, connection, id, &told).await?;
            tracing::info!(
                target: "shipment-push",
                shop = shop.connection.name.as_str(),
                order = order.number,
                shipment = document.id.number,
                state = ?told.state,
                code = told.code,
                "shipment told"
            );
            if told.state != ShipmentPushState::Pending || attempt.is_last() {
                records.push(record(&document, &order, &told));
            }
            let down = error.as_ref().is_some_and(is_of_the_channel);
            failure = failure.or(error);
            if down {
                more = false;
                break;
            }
        }
        self.record_shipments(&shop.connection, &records).await?;
        if let Some(error) = failure {
            return Err(error);
        }
        if more {
            let id = self.ids.next(self.clock.now());
            self.queue_shipments(organization, &shop.connection, id).await?;
        }
        Ok(())
    }

    /// Has a shipment told once more, after a person made the cause of its failure go away.
    pub async fn retry_shipment(
        &self,
        organization: &OrganizationId,
        id: &DocumentId,
    ) -> Result<OrderDocument, AppError> {
        let order = self.order(organization, &id.order_id).await?;
        let document = self.order_document(organization, id).await?;
        let push = document.shipment().and_then(|shipment| shipment.push.as_ref());
        let (Some(push), Some(connection)) = (push, order.connection_id()) else {
            let detail = "the shipment is of an order of no channel";
            return Err(AppError::conflict("order_of_no_channel", detail));
        };
        if push.state == ShipmentPushState::InSync {
            return Ok(document);
        }
        let again = Told { state: ShipmentPushState::Pending, code: None, reason: None, external_id: None };
        self.note_push(organization, connection, id, &again).await?;
        let document = self.order_document(organization, id).await?;
        self.queue_shipment(organization, &order, &document).await?;
        Ok(document)
    }

    /// One message for a shipment that its channel must be told of.
    pub(crate) async fn queue_shipment(
        &self,
        organization: &OrganizationId,
        order: &Order,
        document: &OrderDocument,
    ) -> Result<(), AppError> {
        let push = document.shipment().and_then(|shipment| shipment.push.as_ref());
        let pending = push.is_some_and(|push| push.state == ShipmentPushState::Pending);
        let (true, Some(connection)) = (pending, order.connection_id()) else { return Ok(()) };
        let Some(connection) = self.store.connection(organization, connection).await? else { return Ok(()) };
        let text = format!("{} {}", document.id, document.version);
        self.queue_shipments(organization, &connection, fingerprint(&text)).await
    }

    /// One message where the connection's channel was not told of a shipment, after `cause`, which tells messages apart.
    pub(crate) async fn queue_untold_shipments(
        &self,
        connection: &Connection,
        cause: &str,
    ) -> Result<(), AppError> {
        if !connection.settings.modules.shipments {
            return Ok(());
        }
        let (organization, one) = (&connection.organization_id, PageRequest { limit: 1, cursor: None });
        if self.store.untold_shipments(organization, &connection.id, &one).await?.data.is_empty() {
            return Ok(());
        }
        self.queue_shipments(organization, connection, fingerprint(cause)).await
    }

    /// One message a cycle, whether or not there is a shipment to tell.
    pub(crate) async fn queue_shipments_due(
        &self,
        connection: &Connection,
        due: Timestamp,
    ) -> Result<(), AppError> {
        let id = fingerprint(&format!("{} {due}", connection.id));
        self.queue_shipments(&connection.organization_id, connection, id).await
    }

    async fn queue_shipments(
        &self,
        organization: &OrganizationId,
        connection: &Connection,
        deduplication_id: String,
    ) -> Result<(), AppError> {
        let queue = QueueName { work: Work::ShipmentPush, channel: connection.channel };
        self.enqueue(queue, organization, &connection.id, deduplication_id, Task::PushShipments).await
    }

    /// The shipment and its order, where the channel is still to be told.
    async fn untold(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        id: &DocumentId,
    ) -> Result<Option<(OrderDocument, Order)>, AppError> {
        let document = self.store.order_document(organization, id).await?;
        let order = self.store.order(organization, &id.order_id).await?;
        let is_pending = |document: &OrderDocument| {
            let push = document.shipment().and_then(|shipment| shipment.push.as_ref());
            push.is_some_and(|push| push.state == ShipmentPushState::Pending)
        };
        match (document.filter(is_pending), order) {
            (Some(document), Some(order)) => Ok(Some((document, order))),
            _ => {
                self.store.forget_untold_shipment(organization, connection, id).await?;
                Ok(None)
            }
        }
    }

    /// What the channel makes of it; an error where it is worth another try, or concerns the whole connection.
    async fn tell(
        &self,
        shop: &mut OpenShop,
        document: &OrderDocument,
        order: &Order,
        attempt: &Attempt,
    ) -> (Told, Option<AppError>) {
        let Some(shipment) = shipment_of(document, order, &shop.connection) else {
            let reason = "the shipment is of an order of no channel".to_owned();
            return (Told::failed(ShipmentPushState::Failed, "order_of_no_channel", reason), None);
        };
        let result = self
            .call(shop, |call| {
                let shipment = &shipment;
                Box::pin(async move { call.channel.push_shipment(&call.shop, shipment).await })
            })
            .await;
        match result {
            Ok(ShipmentOutcome::Accepted { external_id }) => {
                let state = ShipmentPushState::InSync;
                (Told { state, code: None, reason: None, external_id }, None)
            }
            Ok(ShipmentOutcome::Rejected { code, reason }) => {
                (Told::failed(ShipmentPushState::Failed, code, reason), None)
            }
            Err(error) => {
                let again = matches!(error.next(attempt.receive_count), Next::Again(_));
                if again || is_of_the_channel(&error) {
                    return (waiting(&error), Some(error));
                }
                (Told::failed(ShipmentPushState::Failed, error.code(), error.advice()), None)
            }
        }
    }

    /// Keeps on the shipment how far its channel knows of it.
    async fn note_push(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        id: &DocumentId,
        told: &Told,
    ) -> Result<(), AppError> {
        for _ in 0..CHANGES_MAX {
            let Some(mut document) = self.store.order_document(organization, id).await? else {
                return Ok(());
            };
            let Detail::Shipment(shipment) = &mut document.detail else { return Ok(()) };
            let before = shipment.push.clone();
            let same = before.as_ref().filter(|push| push.state == told.state && push.code == told.code);
            shipment.push = Some(ShipmentPush {
                state: told.state,
                code: told.code.clone(),
                reason: told.reason.clone(),
                since: same.map_or_else(|| self.clock.now(), |push| push.since),
                external_id: told.external_id.clone(),
            });
            if shipment.push == before {
                return Ok(());
            }
            document.version += 1;
            match self.store.update_order_document(organization, connection, &document).await {
                Err(StoreError::Conflict(_)) => {}
                other => return Ok(other?),
            }
        }
        Err(StoreError::Conflict("a paper of an order").into())
    }

    /// A finished sync of its own in the history.
    async fn record_shipments(
        &self,
        connection: &Connection,
        records: &[SyncRecord],
    ) -> Result<(), AppError> {
        if records.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let id = SyncId::from_body(&self.ids.next(now)).map_err(|_| AppError::Internal("ids must be hex"))?;
        let mut counts = RecordCounts::default();
        for record in records {
            counts.count(record.outcome);
        }
        let done = u64::try_from(records.len()).unwrap_or(u64::MAX);
        let sync = Sync {
            id,
            connection_id: connection.id.clone(),
            kind: SyncKind::Shipments,
            trigger: Trigger::Manual,
            window: None,
            state: counts.final_state(),
            done,
            total: Some(done),
            records: counts,
            queued_at: now,
            started_at: Some(now),
            channel_started_at: None,
            finished_at: Some(now),
            failure: None,
            held: None,
            approved: false,
            step: 1,
            phase: Phase::Sweep,
            cursor: None,
        };
        Ok(self.store.record_sync(&connection.organization_id, &sync, records, now).await?)
    }
}

fn fingerprint(text: &str) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string()
}

/// It fails alike for every other shipment now.
fn is_of_the_channel(error: &AppError) -> bool {
    match error {
        AppError::Channel(error) => matches!(
            error.kind,
            ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::Throttled | ErrorKind::Unavailable
        ),
        _ => true,
    }
}

/// Not told yet, and why.
fn waiting(error: &AppError) -> Told {
    Told::failed(ShipmentPushState::Pending, error.code(), error.advice())
}

fn shipment_of(document: &OrderDocument, order: &Order, connection: &Connection) -> Option<Shipment> {
    let detail = document.shipment()?;
    let lines = document.lines.iter().map(|shipped| {
        let line = order.lines.iter().find(|line| line.id == shipped.line_id);
        ShippedLine {
            line_id: shipped.line_id.clone(),
            sku: line.and_then(|line| Sku::parse(line.sku.as_deref()?).ok()),
            quantity: shipped.quantity,
        }
    });
    Some(Shipment {
        order: order.external_id()?.to_owned(),
        marketplace: connection.marketplace.first().cloned(),
        number: document.id.number,
        carrier: detail.carrier.clone(),
        tracking_number: detail.tracking_number.clone(),
        shipped_at: detail.shipped_at,
        lines: lines.collect(),
        completes: detail.completes,
    })
}

fn record(document: &OrderDocument, order: &Order, told: &Told) -> SyncRecord {
    let title = format!("{}, shipment {}", order.number, document.id.number);
    let external_id = order.external_id().unwrap_or_default().to_owned();
    let failure = RecordFailure {
        external_id,
        sku: None,
        title: Some(title),
        code: told.code.clone().unwrap_or_default(),
        reason: told.reason.clone().unwrap_or_default(),
    };
    let failed = SyncRecord { order_id: Some(order.id.clone()), ..failed_record(failure) };
    if told.state == ShipmentPushState::InSync {
        SyncRecord { outcome: Outcome::Synced, code: None, reason: None, ..failed }
    } else {
        failed
    }
}
