//! What Amazon has of an item and what we count there: both numbers, the difference, and the document that ends it.
//!
//! Amazon's number is what can be sold now, so it is compared with what is available in the FBA location. An item may have
//! several SKUs at Amazon; its location counts them together, so they are compared together.

use std::collections::{BTreeMap, BTreeSet};

use channels::fulfiller::HeldStock;
use channels::{ChannelError, ErrorKind};
use domain::channel::Fulfilment;
use domain::fba::mismatch;
use domain::listing::ListingStatus;
use domain::stock::Actor;
use domain::{AdjustmentId, ItemId, ListingId, LocationId, OrganizationId, Timestamp};
use store::StoreError;
use store::adjustment::Adjustment;
use store::connection::Connection;
use store::listing::Listing;
use store::stock::Freshness;

use crate::adjustment::{Amount, NewAdjustment, NewLine};
use crate::change::{CHANGES_MAX, not_hex};
use crate::fba::fba_of;
use crate::shop::OpenShop;
use crate::{App, AppError};

/// One SKU of the item at Amazon.
#[derive(Debug, Clone)]
pub struct FbaSku {
    pub listing_id: ListingId,
    pub sku: String,
    /// `None`: Amazon never held any.
    pub held: Option<HeldStock>,
}

/// Both numbers, in units.
#[derive(Debug, Clone)]
pub struct FbaStock {
    pub listing_id: ListingId,
    pub item_id: ItemId,
    pub location_id: LocationId,
    /// Of all the item's SKUs that the connection has tracked.
    pub amazon: i64,
    /// Available in the FBA location.
    pub hub: i64,
    /// Positive where Amazon has more.
    pub mismatch: i64,
    pub observed_at: Timestamp,
    pub skus: Vec<FbaSku>,
}

/// Why and by which paper.
#[derive(Debug, Clone, Default)]
pub struct AdjustmentNote {
    pub reason: Option<String>,
    pub reference: Option<String>,
    /// The body of the document's id, where a request that is tried again must not post another.
    pub id: Option<String>,
}

/// What Amazon calls the listing.
pub(crate) fn sku_of(listing: &Listing) -> &str {
    &listing.reference.external_id
}

impl App {
    /// Fetched now. Errors: 409 `fba_disabled`, `listing_not_linked`, `listing_not_fba`.
    pub async fn fba_stock(
        &self,
        organization: &OrganizationId,
        id: &ListingId,
    ) -> Result<FbaStock, AppError> {
        let (connection, listing, item) = self.tracked_listing(organization, id).await?;
        let mut shop = self.open_shop(organization, &connection.id).await?;
        self.compare_with_amazon(organization, &mut shop, &listing, &item).await
    }

    /// Brings what is counted in the FBA location to what Amazon has, by a document of that location alone. Errors: those
    /// of [`App::fba_stock`]; 409 `no_mismatch`.
    pub async fn adjust_fba_stock(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &ListingId,
        note: &AdjustmentNote,
    ) -> Result<Adjustment, AppError> {
        if let Some(body) = &note.id {
            let posted = AdjustmentId::from_body(body).map_err(not_hex)?;
            if let Some(posted) = self.store.document(organization, &posted).await? {
                return Ok(posted);
            }
        }
        let (connection, listing, item) = self.tracked_listing(organization, id).await?;
        let mut shop = self.open_shop(organization, &connection.id).await?;
        let found = self.compare_with_amazon(organization, &mut shop, &listing, &item).await?;
        if found.mismatch == 0 {
            let detail = format!("Amazon has {}, as is counted here", found.amazon);
            return Err(AppError::conflict("no_mismatch", detail));
        }
        let reason = note.reason.clone();
        let reason = reason
            .unwrap_or_else(|| format!("FBA stock: Amazon has {}, {} counted", found.amazon, found.hub));
        let new = NewAdjustment {
            location_id: found.location_id.clone(),
            lines: vec![NewLine { item_id: item, amount: Amount::Delta(found.mismatch) }],
            reason: Some(reason),
            reference: note.reference.clone(),
            // More may be promised than Amazon has: the truth all the same.
            allow_negative: true,
            id: note.id.clone(),
        };
        let adjusted = self.adjust_stock(organization, actor, &new).await?;
        let counted: Vec<ListingId> = found.skus.iter().map(|sku| sku.listing_id.clone()).collect();
        self.note_counted(organization, &counted, found.observed_at).await?;
        Ok(adjusted)
    }

    /// The listing, where its stock at Amazon is tracked, with its connection and its item.
    async fn tracked_listing(
        &self,
        organization: &OrganizationId,
        id: &ListingId,
    ) -> Result<(Connection, Listing, ItemId), AppError> {
        let listing = self.listing(organization, id).await?;
        let connection = self.listing_connection(organization, &listing).await?;
        fba_of(&connection)?;
        let Some(item) = listing.item_id.clone().filter(|_| listing.status == ListingStatus::Linked) else {
            return Err(AppError::conflict("listing_not_linked", "the listing is not linked to an item"));
        };
        if listing.shipping().tracked() != Fulfilment::Fba {
            let detail = "the listing is not marked as FBA: mark its item first";
            return Err(AppError::conflict("listing_not_fba", detail));
        }
        Ok((connection, listing, item))
    }

    async fn compare_with_amazon(
        &self,
        organization: &OrganizationId,
        shop: &mut OpenShop,
        listing: &Listing,
        item: &ItemId,
    ) -> Result<FbaStock, AppError> {
        let location_id = fba_of(&shop.connection)?.location_id.clone();
        let tracked = self.fba_listings(organization, &shop.connection, item).await?;
        let skus: Vec<String> = tracked.iter().map(|listing| sku_of(listing).to_owned()).collect();
        let held = self.held(shop, &skus).await?;
        let observed_at = shop.answered_at();
        let level = self.store.level(organization, item, &location_id).await?;
        let skus: Vec<FbaSku> = tracked
            .iter()
            .map(|listing| FbaSku {
                listing_id: listing.id.clone(),
                sku: sku_of(listing).to_owned(),
                held: held.get(sku_of(listing)).copied(),
            })
            .collect();
        let amazon = skus.iter().filter_map(|sku| sku.held).map(|held| held.sellable).sum();
        Ok(FbaStock {
            listing_id: listing.id.clone(),
            item_id: item.clone(),
            location_id,
            amazon,
            hub: level.available(),
            mismatch: mismatch(amazon, level.available()),
            observed_at,
            skus,
        })
    }

    /// The item's listings on the connection whose stock at Amazon is tracked, in the order of their ids.
    pub(crate) async fn fba_listings(
        &self,
        organization: &OrganizationId,
        connection: &Connection,
        item: &ItemId,
    ) -> Result<Vec<Listing>, AppError> {
        let tracked = |listing: &Listing| listing.shipping().tracked() == Fulfilment::Fba;
        let listings = self.listings_on(organization, connection, item).await?;
        Ok(listings.into_iter().filter(tracked).collect())
    }

    /// The item's listings on the connection, in the order of their ids.
    pub(crate) async fn listings_on(
        &self,
        organization: &OrganizationId,
        connection: &Connection,
        item: &ItemId,
    ) -> Result<Vec<Listing>, AppError> {
        let stock = self.store.item_stock(organization, item, Freshness::Consistent).await?;
        let of_connection = stock.links.iter().filter(|link| link.connection_id == connection.id);
        let ids: BTreeSet<ListingId> = of_connection.map(|link| link.listing_id.clone()).collect();
        let listings = self.store.listings_by_ids(organization, &ids).await?;
        Ok(listings.into_values().collect())
    }

    /// What Amazon holds of the SKUs now.
    pub(crate) async fn held(
        &self,
        shop: &mut OpenShop,
        skus: &[String],
    ) -> Result<BTreeMap<String, HeldStock>, AppError> {
        self.call(shop, |call| {
            Box::pin(async move {
                let fulfiller = call.channel.fulfiller().ok_or_else(no_fulfiller)?;
                fulfiller.held(&call.shop, skus).await
            })
        })
        .await
    }

    /// Amazon's number of these listings was taken over then.
    pub(crate) async fn note_counted(
        &self,
        organization: &OrganizationId,
        listings: &[ListingId],
        at: Timestamp,
    ) -> Result<(), AppError> {
        for id in listings {
            self.change_listing(organization, id, |listing| listing.counted_at = Some(at)).await?;
        }
        Ok(())
    }

    /// The listing after `change`, with its link where it has one; as it was where nothing is changed.
    pub(crate) async fn change_listing(
        &self,
        organization: &OrganizationId,
        id: &ListingId,
        change: impl Fn(&mut Listing) + Send + Sync,
    ) -> Result<Listing, AppError> {
        for _ in 0..CHANGES_MAX {
            let before = self.listing(organization, id).await?;
            let mut after = before.clone();
            change(&mut after);
            if after == before {
                return Ok(before);
            }
            after.version += 1;
            let number_of = after.shipping().number_of();
            let link = match before.shipping().number_of() == number_of {
                true => None,
                false => self.link_of_listing(organization, &after).await?,
            };
            let link = link.map(|link| store::link::Link { fulfilment: number_of, ..link });
            match self.store.save_listing(organization, Some(&before), &after, link.as_ref()).await {
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(after),
            }
        }
        Err(StoreError::Conflict("listing").into())
    }
}

pub(crate) fn no_fulfiller() -> ChannelError {
    let detail = "the channel does not store goods for the merchant";
    ChannelError::new(ErrorKind::Rejected, "ask for goods at the channel", detail)
}
