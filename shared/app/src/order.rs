//! Reading sales orders, and on demand who bought.

use domain::order::Buyer;
use domain::stock::Actor;
use domain::{OrderId, OrganizationId};
use store::order::Order;

use crate::{App, AppError};

impl App {
    /// One that is still being applied in parts is not there yet.
    pub async fn order(&self, organization: &OrganizationId, id: &OrderId) -> Result<Order, AppError> {
        let order = self.store.order(organization, id).await?;
        order.filter(|order| order.complete).ok_or(AppError::NotFound("order"))
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
