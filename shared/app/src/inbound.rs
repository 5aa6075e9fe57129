//! Inbound shipments: goods sent from a warehouse to Amazon. They leave the warehouse at once, are in transit by the
//! document alone, and are on hand in the FBA location as Amazon received them.

use domain::inbound::InboundRef;
use domain::stock::{Actor, Source, SourceKind};
use domain::transfer::{ReceivedBy, TransferLine, TransferState, state_of};
use domain::{ConnectionId, InboundShipmentId, ItemId, LocationId, OrganizationId, Quantity};
use store::StoreError;
use store::inbound::{AtAmazon, InboundShipment};

use crate::change::{CHANGES_MAX, not_hex};
use crate::document::{Poster, check_line_count};
use crate::fba::fba_of;
use crate::transfer::{Arrival, TRANSFER_LINES_MAX, arriving, leaving, received};
use crate::{App, AppError};

#[derive(Debug, Clone)]
pub struct NewInbound {
    pub connection_id: ConnectionId,
    pub from_location_id: LocationId,
    /// Quantities of at least 1.
    pub lines: Vec<(ItemId, Quantity)>,
    pub reference: Option<String>,
    /// Amazon's own shipment, where it is known already.
    pub amazon: Option<InboundRef>,
    /// The body of the document's id, where a request that is tried again must not post another.
    pub id: Option<String>,
}

impl App {
    pub async fn inbound_shipment(
        &self,
        organization: &OrganizationId,
        id: &InboundShipmentId,
    ) -> Result<InboundShipment, AppError> {
        self.document(organization, id).await
    }

    /// Errors: 409 `fba_disabled`; 409 `not_enough_stock` where more is to leave than is on hand.
    pub async fn send_inbound(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        new: &NewInbound,
    ) -> Result<InboundShipment, AppError> {
        let now = self.clock.now();
        let body = new.id.clone().unwrap_or_else(|| self.ids.next(now));
        let id = InboundShipmentId::from_body(&body).map_err(not_hex)?;
        if new.id.is_some()
            && let Some(posted) = self.store.document(organization, &id).await?
        {
            return Ok(posted);
        }
        check_line_count(new.lines.len(), TRANSFER_LINES_MAX)?;
        let connection = self.store.connection(organization, &new.connection_id).await?;
        let unknown = || AppError::invalid("not_found", "/connection_id", "there is no such connection");
        let to = fba_of(&connection.ok_or_else(unknown)?)?.location_id.clone();
        self.check_location(organization, &new.from_location_id, "/from_location_id").await?;
        if new.from_location_id == to {
            let detail = "must be another location than the goods are sent to";
            return Err(AppError::invalid("invalid_field", "/from_location_id", detail));
        }
        let items: Vec<&ItemId> = new.lines.iter().map(|(item, _)| item).collect();
        self.check_items(organization, &items).await?;
        let source = source(&id);
        let poster = Poster { source: &source, actor, at: now };
        let postings = leaving(poster, id.body(), &new.from_location_id, &new.lines)?;
        let line = |(item, quantity): &(ItemId, Quantity)| TransferLine {
            item_id: item.clone(),
            quantity: *quantity,
            received: Quantity::ZERO,
        };
        let shipment = InboundShipment {
            id: id.clone(),
            connection_id: new.connection_id.clone(),
            from_location_id: new.from_location_id.clone(),
            to_location_id: to,
            state: TransferState::InTransit,
            lines: new.lines.iter().map(line).collect(),
            reference: new.reference.clone(),
            amazon: new.amazon.clone().map(AtAmazon::unasked),
            created_by: actor.clone().into(),
            created_at: now,
            received_at: None,
            received_by: ReceivedBy::default(),
            version: 1,
        };
        match self.post(organization, &shipment, &postings, |n| format!("/lines/{n}/quantity")).await {
            // It is ours: an answer got lost, or an attempt at the same request died after its work.
            Err(AppError::Store(StoreError::Exists(_))) => self.inbound_shipment(organization, &id).await,
            other => other.map(|()| shipment),
        }
    }

    /// Puts what Amazon received on hand in the FBA location that it was sent to, once for a request that is tried again.
    /// Errors: 409 `not_in_transit`.
    pub async fn receive_inbound(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &InboundShipmentId,
        arrival: &Arrival,
    ) -> Result<InboundShipment, AppError> {
        let request = arrival.request.as_deref();
        for _ in 0..CHANGES_MAX {
            let before = self.inbound_shipment(organization, id).await?;
            if before.received_by.has(request) {
                return Ok(before);
            }
            if before.state != TransferState::InTransit {
                return Err(AppError::conflict("not_in_transit", "all of the shipment was received"));
            }
            let receipt = received(&before.lines, arrival.lines.as_deref())?;
            let source = source(id);
            let poster = Poster { source: &source, actor, at: self.clock.now() };
            let (state, version) = (state_of(&receipt.lines), before.version + 1);
            let received_at = (state == TransferState::Received).then_some(poster.at);
            let mut after = InboundShipment { state, lines: receipt.lines, version, received_at, ..before };
            after.received_by.add(request);
            let key = (id.body(), after.version);
            let postings = arriving(poster, key, &after.to_location_id, &after.lines, &receipt.arrived)?;
            match self.post(organization, &after, &postings, |n| format!("/lines/{n}")).await {
                Err(AppError::Store(StoreError::Conflict(_))) => {}
                other => return other.map(|()| after),
            }
        }
        Err(StoreError::Conflict("inbound shipment").into())
    }
}

fn source(id: &InboundShipmentId) -> Source {
    Source { kind: SourceKind::InboundShipment, id: id.to_string() }
}
