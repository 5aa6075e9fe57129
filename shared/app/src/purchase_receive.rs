//! Purchase receives: goods from a supplier put on hand, all lines or none.

use domain::stock::{Actor, Reason, Source, SourceKind};
use domain::{ItemId, LocationId, OrganizationId, PurchaseReceiveId, Quantity};
use store::StoreError;
use store::purchase_receive::{PurchaseReceive, ReceivedLine};

use crate::change::not_hex;
use crate::document::{LINES_MAX, Poster, check_line_count, check_not_void};
use crate::{App, AppError};

#[derive(Debug, Clone)]
pub struct NewPurchaseReceive {
    pub location_id: LocationId,
    /// Quantities of at least 1.
    pub lines: Vec<(ItemId, Quantity)>,
    pub reason: Option<String>,
    pub reference: Option<String>,
    /// The body of the document's id, where a request that is tried again must not post another.
    pub id: Option<String>,
}

impl App {
    pub async fn purchase_receive(
        &self,
        organization: &OrganizationId,
        id: &PurchaseReceiveId,
    ) -> Result<PurchaseReceive, AppError> {
        self.document(organization, id).await
    }

    pub async fn receive_purchase(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        new: &NewPurchaseReceive,
    ) -> Result<PurchaseReceive, AppError> {
        let now = self.clock.now();
        let body = new.id.clone().unwrap_or_else(|| self.ids.next(now));
        let id = PurchaseReceiveId::from_body(&body).map_err(not_hex)?;
        if new.id.is_some()
            && let Some(posted) = self.store.document(organization, &id).await?
        {
            return Ok(posted);
        }
        check_line_count(new.lines.len(), LINES_MAX)?;
        self.check_location(organization, &new.location_id, "/location_id").await?;
        let items: Vec<&ItemId> = new.lines.iter().map(|(item, _)| item).collect();
        self.check_items(organization, &items).await?;
        let source = source(&id);
        let poster = Poster { source: &source, actor, at: now };
        let mut postings = Vec::with_capacity(new.lines.len());
        for (n, (item, quantity)) in new.lines.iter().enumerate() {
            let (key, units) = (format!("{}-{n}", id.body()), quantity.units());
            let reason = Reason::PurchaseReceived;
            postings.push(poster.posting(&key, item, &new.location_id, units, reason, false)?);
        }
        let line = |(item, quantity): &(ItemId, Quantity)| ReceivedLine {
            item_id: item.clone(),
            quantity: *quantity,
        };
        let receive = PurchaseReceive {
            id: id.clone(),
            location_id: new.location_id.clone(),
            lines: new.lines.iter().map(line).collect(),
            reason: new.reason.clone(),
            reference: new.reference.clone(),
            created_by: actor.clone().into(),
            created_at: now,
            voided: None,
            version: 1,
        };
        match self.post(organization, &receive, &postings, |n| format!("/lines/{n}/quantity")).await {
            // It is ours: an answer got lost, or an attempt at the same request died after its work.
            Err(AppError::Store(StoreError::Exists(_))) => self.purchase_receive(organization, &id).await,
            other => other.map(|()| receive),
        }
    }

    /// Takes off what was received; the document stays, as void. Errors: 409 `document_void`, `not_enough_stock`.
    pub async fn void_purchase_receive(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &PurchaseReceiveId,
    ) -> Result<PurchaseReceive, AppError> {
        let mut after = self.purchase_receive(organization, id).await?;
        check_not_void(after.voided.as_ref())?;
        let source = source(id);
        let poster = Poster { source: &source, actor, at: self.clock.now() };
        let mut postings = Vec::with_capacity(after.lines.len());
        for (n, line) in after.lines.iter().enumerate() {
            let (key, units) = (format!("{}-{n}-v", id.body()), -line.quantity.units());
            let (item, location) = (&line.item_id, &after.location_id);
            postings.push(poster.posting(&key, item, location, units, Reason::Voided, false)?);
        }
        after.voided = Some(poster.voiding());
        after.version += 1;
        self.post(organization, &after, &postings, |n| format!("/lines/{n}")).await?;
        Ok(after)
    }
}

fn source(id: &PurchaseReceiveId) -> Source {
    Source { kind: SourceKind::PurchaseReceive, id: id.to_string() }
}
