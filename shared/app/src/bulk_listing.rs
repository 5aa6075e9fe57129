//! One action on many listings; each comes out by itself.

use std::collections::BTreeMap;

use domain::listing::Match;
use domain::stock::Actor;
use domain::{ItemId, ListingId, MatchKey, OrganizationId};
use futures_util::{StreamExt, stream};
use store::listing::Listing;

use crate::confirm_listing::ItemOverrides;
use crate::{App, AppError};

/// Listings of one call.
pub const BULK_MAX: usize = 500;

/// Groups of listings worked on at the same time.
const GROUPS_AT_ONCE: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkAction {
    /// Empty and duplicate SKUs are left out: they need a person's word each.
    Confirm,
    /// Links each to the one item that it was found to be equal to.
    LinkMatches,
    Dismiss,
    Restore,
}

/// What became of one listing: its item where it has one.
#[derive(Debug)]
pub struct BulkOutcome {
    pub listing_id: ListingId,
    pub result: Result<Option<ItemId>, AppError>,
}

impl App {
    /// Outcomes in the order of the ids; one that fails fails alone. Listings with one SKU are taken in their order, so
    /// that the first gives the item its data and the others join it.
    pub async fn bulk_listings(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        action: BulkAction,
        ids: &[ListingId],
        reason: Option<&str>,
    ) -> Result<Vec<BulkOutcome>, AppError> {
        let known = self.store.listings_by_ids(organization, &ids.iter().cloned().collect()).await?;
        let mut groups = BTreeMap::<Result<MatchKey, usize>, Vec<(usize, ListingId)>>::new();
        for (n, id) in ids.iter().enumerate() {
            let sku = known.get(id).and_then(|listing| listing.sku.as_ref());
            groups.entry(sku.map(|sku| sku.match_key()).ok_or(n)).or_default().push((n, id.clone()));
        }
        // Collected before they are polled: the compiler cannot see through a stream of borrowing closures.
        let acting: Vec<_> = groups
            .into_values()
            .map(|group| async move {
                let mut outcomes = Vec::with_capacity(group.len());
                for (n, id) in group {
                    let result = self.act(organization, actor, action, &id, reason).await;
                    outcomes.push((n, BulkOutcome { listing_id: id, result }));
                }
                outcomes
            })
            .collect();
        let mut outcomes: Vec<(usize, BulkOutcome)> =
            stream::iter(acting).buffer_unordered(GROUPS_AT_ONCE).concat().await;
        outcomes.sort_by_key(|(n, _)| *n);
        Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
    }

    async fn act(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        action: BulkAction,
        id: &ListingId,
        reason: Option<&str>,
    ) -> Result<Option<ItemId>, AppError> {
        let listing = match action {
            BulkAction::Dismiss => self.dismiss_listing(organization, id, reason).await?,
            BulkAction::Restore => self.restore_listing(organization, id).await?,
            BulkAction::Confirm => {
                check_bulk_confirm(&self.listing(organization, id).await?)?;
                self.confirm_listing(organization, actor, id, &ItemOverrides::default()).await?.listing
            }
            BulkAction::LinkMatches => {
                let item = match_of(&self.listing(organization, id).await?)?;
                self.link_listing(organization, actor, id, &item).await?
            }
        };
        Ok(listing.item_id)
    }
}

pub(crate) fn check_bulk_confirm(listing: &Listing) -> Result<(), AppError> {
    let (code, detail) = match listing.found {
        _ if listing.item_id.is_some() => return Ok(()),
        Match::EmptySku => ("empty_sku", "the listing has no SKU; confirm it alone, with one"),
        Match::DuplicateSku => ("duplicate_sku", "the listing's SKU is another's too; decide on it alone"),
        Match::SkuMatched | Match::NameMatched | Match::Unmatched => return Ok(()),
    };
    Err(AppError::conflict(code, detail))
}

pub(crate) fn match_of(listing: &Listing) -> Result<ItemId, AppError> {
    if let Some(item) = &listing.item_id {
        return Ok(item.clone());
    }
    match (listing.found, listing.candidate_item_ids.as_slice()) {
        (Match::SkuMatched | Match::NameMatched, [item]) if !listing.rejected_item_ids.contains(item) => {
            Ok(item.clone())
        }
        (Match::SkuMatched | Match::NameMatched, [_]) => {
            Err(AppError::conflict("match_rejected", "the listing was taken off this item; link it alone"))
        }
        _ => Err(AppError::conflict("no_match", "the listing has no item that it is equal to")),
    }
}
