//! Reading sales orders, and on demand who bought.

use domain::audit::AuditAction;
use domain::order::Buyer;
use domain::{DocumentId, OrderId, OrganizationId};
use store::StoreError;
use store::order::{Order, Origin};
use store::order_document::OrderDocument;

use crate::audit::Witness;
use crate::{App, AppError};

impl App {
    /// One that is still being applied in parts is not there yet; one of a person's making is gone on with.
    pub async fn order(&self, organization: &OrganizationId, id: &OrderId) -> Result<Order, AppError> {
        let order = self.store.order(organization, id).await?.ok_or(AppError::NotFound("order"))?;
        if order.complete {
            return Ok(order);
        }
        if order.origin != Origin::Manual {
            return Err(AppError::NotFound("order"));
        }
        let mut resumed = order;
        match self.resume_manual(organization, &mut resumed).await {
            Ok(()) => Ok(resumed),
            // Another went on with it.
            Err(AppError::Store(StoreError::Conflict(_))) => {
                let order = self.store.order(organization, id).await?;
                order.filter(|order| order.complete).ok_or(AppError::NotFound("order"))
            }
            Err(error) => Err(error),
        }
    }

    /// An order's papers, by kind, then by number.
    pub async fn order_documents(
        &self,
        organization: &OrganizationId,
        id: &OrderId,
    ) -> Result<Vec<OrderDocument>, AppError> {
        self.order(organization, id).await?;
        Ok(self.store.order_documents(organization, id).await?)
    }

    pub async fn order_document(
        &self,
        organization: &OrganizationId,
        id: &DocumentId,
    ) -> Result<OrderDocument, AppError> {
        let document = self.store.order_document(organization, id).await?;
        document.ok_or(AppError::NotFound("document"))
    }

    /// The buyer's data; `None` once it has expired. Each look is noted before anything is shown.
    pub async fn reveal_buyer(
        &self,
        organization: &OrganizationId,
        by: &Witness,
        id: &OrderId,
    ) -> Result<Option<Buyer>, AppError> {
        self.order(organization, id).await?;
        self.note(organization, by, AuditAction::CustomerRevealed, id).await?;
        Ok(self.store.buyer(organization, id, self.clock.now()).await?)
    }
}
