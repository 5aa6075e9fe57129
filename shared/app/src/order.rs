//! Reading sales orders, and on demand who bought.

use domain::order::Buyer;
use domain::stock::Actor;
use domain::{DocumentId, OrderId, OrganizationId};
use store::StoreError;
use store::order::{Order, Origin};
use store::order_document::OrderDocument;

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

    /// The buyer's data. Each look is logged with who looked; `None` once it has expired.
    pub async fn reveal_buyer(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
    ) -> Result<Option<Buyer>, AppError> {
        self.order(organization, id).await?;
        let buyer = self.store.buyer(organization, id, self.clock.now()).await?;
        let actor = String::from(actor.clone());
        tracing::info!(%organization, order = %id, actor, found = buyer.is_some(), "a buyer's data was revealed");
        Ok(buyer)
    }
}
