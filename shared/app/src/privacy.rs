//! A person's own requests: to see all that is kept of them, and to be forgotten. By e-mail address, over all channels:
//! the address is hashed as those of buyers are, and kept nowhere.

use domain::audit::AuditAction;
use domain::order::Buyer;
use domain::{ContactId, OrderId, OrganizationId};
use store::contact::Contact;
use store::order::Order;
use store::{PageRequest, StoreError};

use crate::audit::Witness;
use crate::change::CHANGES_MAX;
use crate::order_change::is_over;
use crate::{App, AppError};

/// Orders of one page.
const PAGE: u32 = 200;

/// A part of what is kept of a person.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    pub contact: Option<Contact>,
    /// What a person wrote of the contact.
    pub details: Option<Buyer>,
    pub orders: Vec<KeptOrder>,
    /// For the next part.
    pub next_cursor: Option<String>,
}

#[derive(Debug, Clone)]
pub struct KeptOrder {
    pub order: Order,
    /// What the order still holds of its buyer.
    pub buyer: Option<Buyer>,
}

/// What was erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Whether there was a contact of that address.
    pub contact: bool,
    pub orders: u64,
    /// Those of them that were still to be sent, and have no address now. At most [`OPEN_MAX`] are named.
    pub open_order_ids: Vec<OrderId>,
}

/// Open orders named in one answer.
pub const OPEN_MAX: usize = 100;

fn not_an_address() -> AppError {
    AppError::invalid("invalid_field", "/email", "must be an e-mail address")
}

impl App {
    /// A part of all that is kept of the person with this address: nothing where nobody has it.
    pub async fn export_person(
        &self,
        organization: &OrganizationId,
        by: &Witness,
        email: &str,
        page: &PageRequest,
    ) -> Result<Kept, AppError> {
        let id = self.contact_id_of_email(organization, email).await?.ok_or_else(not_an_address)?;
        let listed = self.store.contact_orders(organization, &id, page).await?;
        self.note(organization, by, AuditAction::PersonalDataExported, &id).await?;
        let mut orders = Vec::with_capacity(listed.data.len());
        let ids = listed.data.into_iter().collect();
        for order in self.store.orders_by_ids(organization, &ids).await? {
            if order.contact_id.as_ref() == Some(&id) {
                let buyer = self.store.buyer(organization, &order.id, self.clock.now()).await?;
                orders.push(KeptOrder { order, buyer });
            }
        }
        orders.sort_by(|a, b| a.order.id.cmp(&b.order.id));
        Ok(Kept {
            contact: self.store.contact(organization, &id).await?,
            details: self.store.contact_details(organization, &id).await?,
            orders,
            next_cursor: listed.next_cursor,
        })
    }

    /// Deletes all that is kept of the person with this address. Orders and their stock stay, as nobody's; what their
    /// channels tell of the buyer later is not taken in. Once more, or for an address that nobody has: nothing.
    pub async fn erase_person(
        &self,
        organization: &OrganizationId,
        by: &Witness,
        email: &str,
    ) -> Result<Erased, AppError> {
        let id = self.contact_id_of_email(organization, email).await?.ok_or_else(not_an_address)?;
        self.note(organization, by, AuditAction::PersonalDataErased, &id).await?;
        let mut erased =
            Erased { contact: self.store.contact(organization, &id).await?.is_some(), ..Erased::default() };
        // The contact goes last: after a crash in between, the same call finds what is left. An order that comes in
        // meanwhile is a new one.
        let first = PageRequest { limit: PAGE, cursor: None };
        loop {
            let orders = self.store.contact_orders(organization, &id, &first).await?.data;
            if orders.is_empty() {
                break;
            }
            for order in orders {
                if let Some(order) = self.erase_buyer_of(organization, &id, &order).await? {
                    erased.orders += 1;
                    if !is_over(order.state) && erased.open_order_ids.len() < OPEN_MAX {
                        erased.open_order_ids.push(order.id);
                    }
                }
            }
        }
        self.store.delete_contact(organization, &id).await?;
        Ok(erased)
    }

    /// The order marked as nobody's, then its buyer's row with the only key to it. `None` where the order is not this
    /// contact's.
    async fn erase_buyer_of(
        &self,
        organization: &OrganizationId,
        contact: &ContactId,
        id: &OrderId,
    ) -> Result<Option<Order>, AppError> {
        for _ in 0..CHANGES_MAX {
            let Some(mut order) = self.store.order(organization, id).await? else { break };
            let is_theirs = order.contact_id.as_ref() == Some(contact);
            if is_theirs {
                order.contact_id = None;
                order.erased = true;
                order.version += 1;
                let (none, waiting) = (&[], Default::default());
                match self.store.save_order(organization, &order, none, &waiting, &waiting).await {
                    Err(StoreError::Conflict(_)) => continue,
                    other => other?,
                }
            }
            if is_theirs || order.erased {
                self.store.delete_buyer(organization, id).await?;
            }
            self.store.delete_contact_order(organization, contact, id).await?;
            return Ok(is_theirs.then_some(order));
        }
        if self.store.order(organization, id).await?.is_some() {
            return Err(StoreError::Conflict("order").into());
        }
        // Its import did not come to its end: whoever tries it again notes it again.
        self.store.delete_buyer(organization, id).await?;
        self.store.delete_contact_order(organization, contact, id).await?;
        Ok(None)
    }
}
