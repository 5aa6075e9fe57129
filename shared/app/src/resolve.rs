//! A listing came to an item: the orders that waited for it commit their stock and thaw.

use domain::stock::Actor;
use domain::{ItemId, ListingId, OrganizationId};
use store::organization::Organization;
use store::{PageRequest, StoreError};

use crate::import_order::{is_frozen, waits_for};
use crate::{App, AppError};

/// Orders looked at in one go.
const PAGE: u32 = 50;
const CONFLICTS_MAX: u32 = 5;

impl App {
    /// Gives the listing's lines of every waiting order their item. Safe to repeat: a line once resolved stays so.
    /// How many orders thawed.
    pub async fn resolve_listing(
        &self,
        organization: &OrganizationId,
        listing: &ListingId,
        item: &ItemId,
        actor: &Actor,
    ) -> Result<u32, AppError> {
        let organization =
            self.store.organization(organization).await?.ok_or(AppError::NotFound("organization"))?;
        let mut thawed = 0;
        let mut request = PageRequest { limit: PAGE, cursor: None };
        loop {
            let page = self.store.orders_waiting_for(&organization.id, listing, &request).await?;
            for order in &page.data {
                if self.resolve_in_order(&organization, order, listing, item, actor).await? {
                    thawed += 1;
                }
            }
            match page.next_cursor {
                Some(cursor) => request.cursor = Some(cursor),
                None => return Ok(thawed),
            }
        }
    }

    async fn resolve_in_order(
        &self,
        organization: &Organization,
        id: &domain::OrderId,
        listing: &ListingId,
        item: &ItemId,
        actor: &Actor,
    ) -> Result<bool, AppError> {
        for _ in 0..CONFLICTS_MAX {
            let Some(before) = self.store.order(&organization.id, id).await? else { return Ok(false) };
            let mut after = before.clone();
            for line in &mut after.lines {
                if line.item_id.is_none() && before.listing_of(line).as_ref() == Some(listing) {
                    line.item_id = Some(item.clone());
                }
            }
            after.frozen = is_frozen(after.state, &after.lines);
            if after == before {
                return Ok(false);
            }
            let waited = waits_for(&before);
            match self.settle_order(organization, &mut after, &waited, actor).await {
                Err(AppError::Store(StoreError::Conflict(_))) => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(before.frozen && !after.frozen),
            }
        }
        Err(StoreError::Conflict("order").into())
    }
}
