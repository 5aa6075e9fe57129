//! Matching listings that wait with the items there are, and linking those that may be linked with no person asked.

use std::collections::{BTreeMap, BTreeSet};

use domain::listing::{ListingStatus, Match};
use domain::matching::{Candidates, match_listing};
use domain::stock::Actor;
use domain::{ItemId, MatchKey, Timestamp};
use store::StoreError;
use store::connection::Connection;
use store::item::Item;
use store::link::{Link, LinkedBy};
use store::listing::Listing;
use store::organization::Organization;

use crate::{App, AppError};

impl App {
    /// Matches listings that wait, and links those that may be. How many were.
    pub(crate) async fn match_listings(
        &self,
        organization: &Organization,
        connection: &Connection,
        listings: Vec<Listing>,
    ) -> Result<u32, AppError> {
        let around = self.surroundings(organization, &connection.id, &listings).await?;
        let mut linked = 0;
        for listing in listings {
            linked += u32::from(self.match_one(organization, connection, listing, &around).await?);
        }
        Ok(linked)
    }

    pub(crate) async fn surroundings(
        &self,
        organization: &Organization,
        connection: &domain::ConnectionId,
        listings: &[Listing],
    ) -> Result<Surroundings, AppError> {
        let skus: BTreeSet<MatchKey> =
            listings.iter().filter_map(|l| l.sku.as_ref()).map(|sku| sku.match_key()).collect();
        let names: BTreeSet<MatchKey> = listings.iter().map(|l| MatchKey::of(l.title.as_str())).collect();
        let by_sku = self.store.items_by_sku(&organization.id, &skus).await?;
        let by_name = self.store.items_by_name(&organization.id, &names).await?;
        let named: BTreeSet<ItemId> = by_name.values().flatten().cloned().collect();
        let items = self.store.items_by_ids(&organization.id, &named).await?;
        let repeated = self.store.repeated_skus(&organization.id, connection, &skus).await?;
        Ok(Surroundings { by_sku, by_name, items, repeated })
    }

    /// Whether the listing is linked now.
    async fn match_one(
        &self,
        organization: &Organization,
        connection: &Connection,
        listing: Listing,
        around: &Surroundings,
    ) -> Result<bool, AppError> {
        let matched = match_listing(
            listing.sku.as_ref(),
            &listing.title,
            &around.candidates(&listing),
            organization.auto_link,
        );
        let mut after = listing.clone();
        after.version += 1;
        after.found = matched.found;
        after.candidate_item_ids = matched.candidates;
        let creates = connection.settings.auto_create && after.found == Match::Unmatched;
        let links = matched.link.is_some() || creates;
        let stored = match matched.link {
            Some(item) => {
                let by = if matched.found == Match::SkuMatched { LinkedBy::Sku } else { LinkedBy::Name };
                self.link_matched(organization, connection, &listing, after, item, by).await
            }
            None if creates => {
                let actor = Actor::Connection(connection.id.to_string());
                match self.create_from_listing(organization, &listing, &actor).await {
                    Ok(_) => Ok(()),
                    Err(AppError::Store(error)) => Err(error),
                    // A SKU taken meanwhile is matched at the next sync.
                    Err(AppError::Conflict { .. }) => Ok(()),
                    Err(error) => return Err(error),
                }
            }
            None if after.found != listing.found
                || after.candidate_item_ids != listing.candidate_item_ids =>
            {
                self.store.save_listing(&organization.id, Some(&listing), &after, None).await
            }
            None => Ok(()),
        };
        match stored {
            Ok(()) => Ok(links),
            // A person was quicker: what they did stands.
            Err(StoreError::Conflict(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn link_matched(
        &self,
        organization: &Organization,
        connection: &Connection,
        before: &Listing,
        mut after: Listing,
        item: ItemId,
        by: LinkedBy,
    ) -> Result<(), StoreError> {
        after.status = ListingStatus::Linked;
        after.item_id = Some(item.clone());
        let link = link_of(&after, &item, connection.channel, by, self.clock.now());
        self.store.link_listing(&organization.id, Some(before), &after, &link).await?;
        let actor = Actor::Connection(connection.id.to_string());
        match self.resolve_listing(&organization.id, &after.id, &item, &actor).await {
            Err(AppError::Store(error)) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// What matching must know of a page of listings.
pub(crate) struct Surroundings {
    by_sku: BTreeMap<MatchKey, ItemId>,
    by_name: BTreeMap<MatchKey, BTreeSet<ItemId>>,
    items: BTreeMap<ItemId, Item>,
    repeated: BTreeSet<MatchKey>,
}

impl Surroundings {
    pub(crate) fn candidates(&self, listing: &Listing) -> Candidates {
        let sku = listing.sku.as_ref().map(|sku| sku.match_key());
        let named = self.by_name.get(&MatchKey::of(listing.title.as_str()));
        Candidates {
            by_sku: sku.as_ref().and_then(|sku| self.by_sku.get(sku)).cloned().into_iter().collect(),
            by_name: named
                .into_iter()
                .flatten()
                .filter_map(|id| self.items.get(id))
                .map(|item| (item.id.clone(), Some(item.sku.clone())))
                .collect(),
            sku_repeats: sku.is_some_and(|sku| self.repeated.contains(&sku)),
            of_group: !listing.attributes.is_empty(),
            rejected: listing.rejected_item_ids.clone(),
        }
    }
}

/// The link that a listing gets with an item.
pub(crate) fn link_of(
    listing: &Listing,
    item: &ItemId,
    channel: domain::ChannelKind,
    by: LinkedBy,
    now: Timestamp,
) -> Link {
    Link {
        listing_id: listing.id.clone(),
        item_id: item.clone(),
        connection_id: listing.connection_id.clone(),
        channel,
        listing: listing.reference.clone(),
        stock_ref: listing.stock_ref.clone(),
        fulfilment: listing.shipping().number_of(),
        observed: listing.channel_quantity.map(domain::Quantity::units),
        observed_at: None,
        linked_by: by,
        linked_at: now,
        acknowledged: None,
        previous: None,
        shares: Default::default(),
        previous_shares: Default::default(),
        submitted: None,
        failure: None,
        rule: listing.stock_rule,
        held_since: None,
    }
}
