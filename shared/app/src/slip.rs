//! What a slip of a package or a shipment says. It is the one paper that a buyer's name and address leave on.

use domain::audit::AuditAction;
use domain::order::Buyer;
use domain::{DocumentId, OrganizationId};
use store::location::Location;
use store::order::{Order, Origin};
use store::order_document::OrderDocument;
use store::organization::Organization;

use crate::audit::Witness;
use crate::order_change::is_over;
use crate::{App, AppError};

/// Everything on a slip.
#[derive(Debug, Clone)]
pub struct SlipContent {
    pub organization: Organization,
    /// Where it is sent from, as long as that is there.
    pub location: Option<Location>,
    pub order: Order,
    pub document: OrderDocument,
    pub receiver: Receiver,
}

#[derive(Debug, Clone)]
pub enum Receiver {
    Known(Box<Buyer>),
    Expired,
    Unknown,
}

impl App {
    /// What the slip of this paper says. Noted before anything is read of the buyer.
    pub async fn slip(
        &self,
        organization: &OrganizationId,
        by: &Witness,
        id: &DocumentId,
    ) -> Result<SlipContent, AppError> {
        let document = self.order_document(organization, id).await?;
        let order = self.order(organization, &id.order_id).await?;
        let organization = self.organization(organization).await?;
        let location = self.store.location(&organization.id, &order.location_id).await?;
        self.note(&organization.id, by, AuditAction::SlipPrinted, id).await?;
        let receiver = self.receiver(&organization.id, &order).await?;
        Ok(SlipContent { organization, location, order, document, receiver })
    }

    async fn receiver(&self, organization: &OrganizationId, order: &Order) -> Result<Receiver, AppError> {
        if let Some(buyer) = self.store.buyer(organization, &order.id, self.clock.now()).await? {
            return Ok(Receiver::Known(Box::new(buyer)));
        }
        if is_over(order.state) || order.erased {
            return Ok(Receiver::Expired);
        }
        // A person's order for a contact of theirs: what they wrote of it.
        match (&order.origin, &order.contact_id) {
            (Origin::Manual, Some(contact)) => {
                let details = self.store.contact_details(organization, contact).await?;
                Ok(details.map_or(Receiver::Unknown, |details| Receiver::Known(Box::new(details))))
            }
            _ => Ok(Receiver::Unknown),
        }
    }
}
