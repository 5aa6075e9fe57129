//! What a person does with a listing: link, unlink, dismiss, restore, set its rule. Confirming is in [`crate::confirm_listing`].

use std::collections::BTreeSet;

use domain::listing::ListingStatus;
use domain::stock::Actor;
use domain::{ConnectionId, ItemId, ListingId, OrganizationId};
use queue::message::{PushTarget, Task};
use queue::{QueueName, Work};
use store::StoreError;
use store::connection::Connection;
use store::link::{Link, LinkedBy};
use store::listing::Listing;
use store::stock::Freshness;

use crate::change::{CHANGES_MAX, check_version};
use crate::connection_settings::RulePatch;
use crate::match_listings::link_of;
use crate::{App, AppError};

pub(crate) fn is_linked_already() -> AppError {
    AppError::conflict("listing_linked", "the listing is linked to an item; unlink it first")
}

/// Whether a person may bring the listing to an item.
pub(crate) fn check_open(listing: &Listing) -> Result<(), AppError> {
    match listing.status {
        ListingStatus::Unconfirmed | ListingStatus::Unlinked => Ok(()),
        ListingStatus::Linked => Err(is_linked_already()),
        ListingStatus::Dismissed => {
            Err(AppError::conflict("listing_dismissed", "the listing is dismissed; restore it first"))
        }
    }
}

/// The listing as linked to `item`, and its link.
pub(crate) fn linked(
    app: &App,
    before: &Listing,
    connection: &Connection,
    item: &ItemId,
    by: LinkedBy,
) -> (Listing, Link) {
    let mut after = before.clone();
    after.status = ListingStatus::Linked;
    after.item_id = Some(item.clone());
    after.rejected_item_ids.remove(item);
    after.version += 1;
    let link = link_of(&after, item, connection.channel, by, app.clock.now());
    (after, link)
}

impl App {
    pub async fn listing(&self, organization: &OrganizationId, id: &ListingId) -> Result<Listing, AppError> {
        self.store.listing(organization, id).await?.ok_or(AppError::NotFound("listing"))
    }

    pub(crate) async fn listing_connection(
        &self,
        organization: &OrganizationId,
        listing: &Listing,
    ) -> Result<Connection, AppError> {
        let gone = || AppError::conflict("connection_deleted", "the connection of the listing is deleted");
        self.store.connection(organization, &listing.connection_id).await?.ok_or_else(gone)
    }

    /// Links the listing to the item, whose stock and prices stay as they are; its number is pushed because the link is
    /// new. Linked to it already: nothing but the listing. Errors: 409 `listing_linked` where it is another item's.
    pub async fn link_listing(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &ListingId,
        item: &ItemId,
    ) -> Result<Listing, AppError> {
        for _ in 0..CHANGES_MAX {
            let before = self.listing(organization, id).await?;
            if self.store.item(organization, item).await?.is_none() {
                return Err(AppError::invalid("not_found", "/item_id", "there is no such item"));
            }
            if before.status == ListingStatus::Linked && before.item_id.as_ref() == Some(item) {
                self.resolve_listing(organization, id, item, actor).await?;
                return Ok(before);
            }
            check_open(&before)?;
            let connection = self.listing_connection(organization, &before).await?;
            let (after, link) = linked(self, &before, &connection, item, LinkedBy::Person);
            match self.store.link_listing(organization, Some(&before), &after, &link).await {
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    self.resolve_listing(organization, id, item, actor).await?;
                    return Ok(after);
                }
            }
        }
        Err(StoreError::Conflict("listing").into())
    }

    /// Takes the listing off its item, for good: no sync links the two again by itself. Off already: nothing.
    pub async fn unlink_listing(
        &self,
        organization: &OrganizationId,
        id: &ListingId,
    ) -> Result<Listing, AppError> {
        for _ in 0..CHANGES_MAX {
            let before = self.listing(organization, id).await?;
            let (ListingStatus::Linked, Some(item)) = (before.status, before.item_id.clone()) else {
                if before.status == ListingStatus::Unlinked {
                    return Ok(before);
                }
                return Err(AppError::conflict("listing_not_linked", "the listing is not linked to an item"));
            };
            let mut after = before.clone();
            after.status = ListingStatus::Unlinked;
            after.item_id = None;
            after.rejected_item_ids.insert(item);
            after.version += 1;
            match self.store.unlink_listing(organization, &before, &after).await {
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(after),
            }
        }
        Err(StoreError::Conflict("listing").into())
    }

    /// Changes what the listing sets of its rule; its number is sent where it becomes another.
    pub async fn change_listing_rule(
        &self,
        organization: &OrganizationId,
        id: &ListingId,
        expected: Option<u64>,
        patch: RulePatch,
    ) -> Result<Listing, AppError> {
        for _ in 0..CHANGES_MAX {
            let before = self.listing(organization, id).await?;
            check_version(before.version, expected)?;
            let mut after = before.clone();
            after.stock_rule = patch.applied_to(before.stock_rule);
            if after == before {
                return Ok(before);
            }
            after.version += 1;
            let link = self.link_of_listing(organization, &after).await?;
            let link = link.map(|link| Link { rule: after.stock_rule, ..link });
            match self.store.save_listing(organization, Some(&before), &after, link.as_ref()).await {
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    self.push_listing(organization, &after).await?;
                    return Ok(after);
                }
            }
        }
        Err(StoreError::Conflict("listing").into())
    }

    /// Sends the listing's number again, which was held since it was changed on the channel. Errors: 409
    /// `listing_not_held`.
    pub async fn release_listing(
        &self,
        organization: &OrganizationId,
        id: &ListingId,
    ) -> Result<Listing, AppError> {
        let listing = self.listing(organization, id).await?;
        let released = match &listing.item_id {
            Some(item) => self.store.release_link(organization, item, id).await?,
            None => false,
        };
        if !released {
            return Err(AppError::conflict("listing_not_held", "the listing's number is not held"));
        }
        self.store.forget_drift(organization, id).await?;
        self.push_listing(organization, &listing).await?;
        Ok(listing)
    }

    async fn link_of_listing(
        &self,
        organization: &OrganizationId,
        listing: &Listing,
    ) -> Result<Option<Link>, AppError> {
        let Some(item) = &listing.item_id else { return Ok(None) };
        let stock = self.store.item_stock(organization, item, Freshness::Consistent).await?;
        Ok(stock.links.into_iter().find(|link| link.listing_id == listing.id))
    }

    /// Queues a push of the one listing, if it is linked.
    async fn push_listing(&self, organization: &OrganizationId, listing: &Listing) -> Result<(), AppError> {
        let Some(item_id) = listing.item_id.clone() else { return Ok(()) };
        let connection = self.listing_connection(organization, listing).await?;
        let target = PushTarget { item_id, listing_id: listing.id.clone(), version: 0 };
        let queue = QueueName { work: Work::StockPush, channel: connection.channel };
        // It may show another number than it took though it took the right one: what is known is sent again.
        let task = Task::PushListings { targets: vec![target], force: true };
        let deduplication_id = self.ids.next(self.clock.now());
        self.enqueue(queue, organization, &connection.id, deduplication_id, task).await
    }

    /// Takes the item's listings on these connections off it; those on others stay.
    pub async fn unlink_item(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        connections: &BTreeSet<ConnectionId>,
    ) -> Result<Vec<Listing>, AppError> {
        self.item(organization, item).await?;
        let stock = self.store.item_stock(organization, item, Freshness::Consistent).await?;
        let mut unlinked = Vec::new();
        for link in stock.links.iter().filter(|link| connections.contains(&link.connection_id)) {
            unlinked.push(self.unlink_listing(organization, &link.listing_id).await?);
        }
        Ok(unlinked)
    }

    /// Leaves the listing alone on purpose; undone by [`App::restore_listing`].
    pub async fn dismiss_listing(
        &self,
        organization: &OrganizationId,
        id: &ListingId,
        reason: Option<&str>,
    ) -> Result<Listing, AppError> {
        self.set_aside(organization, id, ListingStatus::Dismissed, reason).await
    }

    /// Back among those that wait for a person.
    pub async fn restore_listing(
        &self,
        organization: &OrganizationId,
        id: &ListingId,
    ) -> Result<Listing, AppError> {
        self.set_aside(organization, id, ListingStatus::Unconfirmed, None).await
    }

    async fn set_aside(
        &self,
        organization: &OrganizationId,
        id: &ListingId,
        status: ListingStatus,
        reason: Option<&str>,
    ) -> Result<Listing, AppError> {
        for _ in 0..CHANGES_MAX {
            let before = self.listing(organization, id).await?;
            if before.status == ListingStatus::Linked {
                return Err(is_linked_already());
            }
            if before.status == status {
                return Ok(before);
            }
            let mut after = before.clone();
            after.status = status;
            after.dismissed_reason = reason.map(str::to_owned);
            after.version += 1;
            match self.store.save_listing(organization, Some(&before), &after, None).await {
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(after),
            }
        }
        Err(StoreError::Conflict("listing").into())
    }
}
