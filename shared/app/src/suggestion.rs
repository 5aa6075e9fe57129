//! Items that a listing looks like, with why: what a person may link it to. Nothing is linked by it.

use std::collections::{BTreeMap, BTreeSet};

use domain::likeness::{self, Likeness};
use domain::listing::ListingStatus;
use domain::{ItemId, ListingId, OrganizationId};
use store::item::Item;

use crate::{App, AppError};

/// More is no help.
const SUGGESTIONS_MAX: usize = 10;

#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    pub item: Item,
    /// The strongest first.
    pub alike: Vec<Likeness>,
}

impl App {
    /// The most alike first; none for a listing that waits for nobody, and no item that it was taken off.
    pub async fn suggestions(
        &self,
        organization: &OrganizationId,
        id: &ListingId,
    ) -> Result<Vec<Suggestion>, AppError> {
        let listing = self.listing(organization, id).await?;
        if !matches!(listing.status, ListingStatus::Unconfirmed | ListingStatus::Unlinked) {
            return Ok(Vec::new());
        }
        let keys = likeness::keys(listing.sku.as_ref(), &listing.title, listing.barcode.as_deref());
        let found = self.store.items_alike(organization, &keys.values().cloned().collect()).await?;
        let mut alike = BTreeMap::<ItemId, Vec<Likeness>>::new();
        for (likeness, key) in keys {
            for item in found.get(&key).into_iter().flatten() {
                if !listing.rejected_item_ids.contains(item) {
                    alike.entry(item.clone()).or_default().push(likeness);
                }
            }
        }
        let mut ranked: Vec<(ItemId, Vec<Likeness>)> = alike.into_iter().collect();
        ranked.sort_by(|(_, one), (_, other)| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        ranked.truncate(SUGGESTIONS_MAX);
        let ids: BTreeSet<ItemId> = ranked.iter().map(|(id, _)| id.clone()).collect();
        let mut items = self.store.items_by_ids(organization, &ids).await?;
        let of = |(id, alike)| Some(Suggestion { item: items.remove(&id)?, alike });
        Ok(ranked.into_iter().filter_map(of).collect())
    }
}
