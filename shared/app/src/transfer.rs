//! Transfers: goods from one location to another, at once or by way of being in transit.

use domain::stock::{Actor, Reason, Source, SourceKind};
use domain::transfer::{InvalidReceipt, Receipt, ReceivedBy, TransferLine, TransferState, receive, state_of};
use domain::{ItemId, LocationId, OrganizationId, Quantity, TransferId};
use store::StoreError;
use store::stock::Posting;
use store::transfer::Transfer;

use crate::change::{CHANGES_MAX, not_hex};
use crate::document::{Poster, check_line_count, check_not_void};
use crate::{App, AppError};

/// Lines of a transfer: each may move two levels, and takes four of the 100 places of a transaction.
pub const TRANSFER_LINES_MAX: usize = 24;

#[derive(Debug, Clone)]
pub struct NewTransfer {
    pub from_location_id: LocationId,
    pub to_location_id: LocationId,
    /// Quantities of at least 1.
    pub lines: Vec<(ItemId, Quantity)>,
    /// The goods leave now and arrive by [`App::receive_transfer`]; else they are there at once.
    pub in_transit: bool,
    pub reason: Option<String>,
    pub reference: Option<String>,
    /// The body of the document's id, where a request that is tried again must not post another.
    pub id: Option<String>,
}

/// What arrived of goods that were in transit.
#[derive(Debug, Clone, Default)]
pub struct Arrival {
    /// Units of each item; all that is in transit where they are left out.
    pub lines: Option<Vec<(ItemId, Quantity)>>,
    /// The request's id, where one that is tried again must not be counted again.
    pub request: Option<String>,
}

impl App {
    pub async fn transfer(
        &self,
        organization: &OrganizationId,
        id: &TransferId,
    ) -> Result<Transfer, AppError> {
        self.document(organization, id).await
    }

    /// Errors: 409 `not_enough_stock` where more is to leave than is on hand.
    pub async fn transfer_stock(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        new: &NewTransfer,
    ) -> Result<Transfer, AppError> {
        let now = self.clock.now();
        let body = new.id.clone().unwrap_or_else(|| self.ids.next(now));
        let id = TransferId::from_body(&body).map_err(not_hex)?;
        if new.id.is_some()
            && let Some(posted) = self.store.document(organization, &id).await?
        {
            return Ok(posted);
        }
        check_line_count(new.lines.len(), TRANSFER_LINES_MAX)?;
        self.check_location(organization, &new.from_location_id, "/from_location_id").await?;
        self.check_location(organization, &new.to_location_id, "/to_location_id").await?;
        if new.from_location_id == new.to_location_id {
            let detail = "must be another location than the goods come from";
            return Err(AppError::invalid("invalid_field", "/to_location_id", detail));
        }
        let items: Vec<&ItemId> = new.lines.iter().map(|(item, _)| item).collect();
        self.check_items(organization, &items).await?;
        let source = source(&id);
        let poster = Poster { source: &source, actor, at: now };
        let mut postings = leaving(poster, id.body(), &new.from_location_id, &new.lines)?;
        for (n, (item, quantity)) in new.lines.iter().enumerate().filter(|_| !new.in_transit) {
            let key = format!("{}-{n}-i1", id.body());
            let (units, reason) = (quantity.units(), Reason::TransferredIn);
            postings.push(poster.posting(&key, item, &new.to_location_id, units, reason, false)?);
        }
        let line = |(item, quantity): &(ItemId, Quantity)| TransferLine {
            item_id: item.clone(),
            quantity: *quantity,
            received: if new.in_transit { Quantity::ZERO } else { *quantity },
        };
        let lines: Vec<TransferLine> = new.lines.iter().map(line).collect();
        let transfer = Transfer {
            id: id.clone(),
            from_location_id: new.from_location_id.clone(),
            to_location_id: new.to_location_id.clone(),
            state: state_of(&lines),
            lines,
            reason: new.reason.clone(),
            reference: new.reference.clone(),
            created_by: actor.clone().into(),
            created_at: now,
            received_at: (!new.in_transit).then_some(now),
            voided: None,
            received_by: ReceivedBy::default(),
            version: 1,
        };
        match self.post(organization, &transfer, &postings, |n| format!("/lines/{n}/quantity")).await {
            // It is ours: an answer got lost, or an attempt at the same request died after its work.
            Err(AppError::Store(StoreError::Exists(_))) => self.transfer(organization, &id).await,
            other => other.map(|()| transfer),
        }
    }

    /// Puts what arrived on hand, once for a request that is tried again. Errors: 409 `not_in_transit`.
    pub async fn receive_transfer(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &TransferId,
        arrival: &Arrival,
    ) -> Result<Transfer, AppError> {
        let request = arrival.request.as_deref();
        for _ in 0..CHANGES_MAX {
            let before = self.transfer(organization, id).await?;
            if before.received_by.has(request) {
                return Ok(before);
            }
            check_not_void(before.voided.as_ref())?;
            if before.state != TransferState::InTransit {
                return Err(AppError::conflict("not_in_transit", "all of the transfer was received"));
            }
            let receipt = received(&before.lines, arrival.lines.as_deref())?;
            let source = source(id);
            let poster = Poster { source: &source, actor, at: self.clock.now() };
            let state = state_of(&receipt.lines);
            let mut after = Transfer { state, lines: receipt.lines, version: before.version + 1, ..before };
            after.received_at = (after.state == TransferState::Received).then_some(poster.at);
            after.received_by.add(request);
            let key = (id.body(), after.version);
            let postings = arriving(poster, key, &after.to_location_id, &after.lines, &receipt.arrived)?;
            match self.post(organization, &after, &postings, |n| format!("/lines/{n}")).await {
                Err(AppError::Store(StoreError::Conflict(_))) => {}
                other => return other.map(|()| after),
            }
        }
        Err(StoreError::Conflict("transfer").into())
    }

    /// The goods are where they came from: what had arrived is taken off there. Errors: 409 `document_void`,
    /// `not_enough_stock`.
    pub async fn void_transfer(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &TransferId,
    ) -> Result<Transfer, AppError> {
        let mut after = self.transfer(organization, id).await?;
        check_not_void(after.voided.as_ref())?;
        let source = source(id);
        let poster = Poster { source: &source, actor, at: self.clock.now() };
        let mut postings = Vec::with_capacity(2 * after.lines.len());
        let mut pointers = Vec::with_capacity(2 * after.lines.len());
        for (n, line) in after.lines.iter().enumerate() {
            let (item, body, reason) = (&line.item_id, id.body(), Reason::Voided);
            let back = line.quantity.units();
            let (key, from) = (format!("{body}-{n}-vo"), &after.from_location_id);
            postings.push(poster.posting(&key, item, from, back, reason, false)?);
            pointers.push(format!("/lines/{n}"));
            if line.received != Quantity::ZERO {
                let (key, to) = (format!("{body}-{n}-vi"), &after.to_location_id);
                postings.push(poster.posting(&key, item, to, -line.received.units(), reason, false)?);
                pointers.push(format!("/lines/{n}"));
            }
        }
        after.state = TransferState::Void;
        after.voided = Some(poster.voiding());
        after.version += 1;
        self.post(organization, &after, &postings, |n| pointers.get(n).cloned().unwrap_or_default()).await?;
        Ok(after)
    }
}

/// The lines after what arrived of them: `arrived` of each item, or all that is in transit.
pub(crate) fn received(
    lines: &[TransferLine],
    arrived: Option<&[(ItemId, Quantity)]>,
) -> Result<Receipt, AppError> {
    let rest: Vec<(ItemId, Quantity)> = lines
        .iter()
        .filter(|line| line.in_transit() != Quantity::ZERO)
        .map(|line| (line.item_id.clone(), line.in_transit()))
        .collect();
    let arrived = arrived.unwrap_or(&rest);
    check_line_count(arrived.len(), TRANSFER_LINES_MAX)?;
    receive(lines, arrived).map_err(|(n, why)| {
        let field = if why == InvalidReceipt::TooMany { "quantity" } else { "item_id" };
        AppError::invalid("invalid_field", format!("/lines/{n}/{field}"), why)
    })
}

/// Goods leave a location with the document that `body` names.
pub(crate) fn leaving(
    poster: Poster<'_>,
    body: &str,
    from: &LocationId,
    lines: &[(ItemId, Quantity)],
) -> Result<Vec<Posting>, AppError> {
    let leave = |(n, (item, quantity)): (usize, &(ItemId, Quantity))| {
        let (units, reason) = (-quantity.units(), Reason::TransferredOut);
        poster.posting(&format!("{body}-{n}-o"), item, from, units, reason, false)
    };
    lines.iter().enumerate().map(leave).collect()
}

/// Goods come to a location in the version of the document that counts them.
pub(crate) fn arriving(
    poster: Poster<'_>,
    (body, version): (&str, u64),
    to: &LocationId,
    lines: &[TransferLine],
    arrived: &[(usize, Quantity)],
) -> Result<Vec<Posting>, AppError> {
    let arrive = |(n, quantity): &(usize, Quantity)| {
        let item = &lines.get(*n)?.item_id;
        let (key, units) = (format!("{body}-{n}-i{version}"), quantity.units());
        Some(poster.posting(&key, item, to, units, Reason::TransferredIn, false))
    };
    arrived.iter().filter_map(arrive).collect()
}

fn source(id: &TransferId) -> Source {
    Source { kind: SourceKind::Transfer, id: id.to_string() }
}
