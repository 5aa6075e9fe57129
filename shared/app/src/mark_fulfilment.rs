//! Marking items as shipped by Amazon (FBA) or by the merchant (MFN); each comes out by itself.
//!
//! Marked FBA, an item's number is never pushed to its listing, and what Amazon holds is fetched and counted in the FBA
//! location. Where some of its listings are Amazon's by Amazon's own word, those are meant, and the others stay the
//! merchant's: both may belong to one item.

use std::collections::{BTreeMap, BTreeSet};

use channels::fulfiller::HeldStock;
use domain::channel::Fulfilment;
use domain::listing::{ChannelStatus, ListingStatus};
use domain::stock::Actor;
use domain::{ConnectionId, ItemId, ListingId, OrganizationId, Quantity, Timestamp};
use futures_util::{StreamExt, stream};
use store::connection::Connection;
use store::listing::Listing;
use store::stock::Freshness;

use crate::adjustment::{Amount, NewAdjustment, NewLine};
use crate::fba::{fba_disabled, has_fulfiller};
use crate::fba_stock::sku_of;
use crate::{App, AppError};

/// Items of one call.
pub const ITEMS_MAX: usize = 500;
/// Items worked on at the same time.
const AT_ONCE: usize = 8;

/// What became of an item.
#[derive(Debug)]
pub struct MarkOutcome {
    pub item_id: ItemId,
    /// Its listings that are tracked so now.
    pub result: Result<Marked, AppError>,
}

#[derive(Debug, Clone, Default)]
pub struct Marked {
    pub listing_ids: Vec<ListingId>,
    /// Units that Amazon has of it, where they were fetched.
    pub amazon: Option<i64>,
    /// Amazon still ships a listing that is called the merchant's: no quantity is pushed to it.
    pub still_by_amazon: bool,
}

/// What Amazon said of the stock of a connection's SKUs.
struct Fetched {
    connection: Connection,
    held: BTreeMap<String, HeldStock>,
    at: Timestamp,
}

impl App {
    /// Outcomes in the order of the ids. An item fails alone: 404 `not_found`, 409 `bundle_has_no_stock`,
    /// `not_actively_listed`, `fba_disabled`; the channel's code where the stock cannot be fetched.
    pub async fn mark_fulfilment(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        items: &[ItemId],
        wanted: Fulfilment,
    ) -> Result<Vec<MarkOutcome>, AppError> {
        let connections = self.store.connections(organization).await?;
        let connections: BTreeMap<ConnectionId, Connection> = connections
            .into_iter()
            .filter(has_fulfiller)
            .map(|connection| (connection.id.clone(), connection))
            .collect();
        let of_amazon = &connections;
        let finding: Vec<_> =
            items.iter().map(|item| self.listings_to_mark(organization, item, wanted, of_amazon)).collect();
        let found: Vec<Result<Vec<Listing>, AppError>> =
            stream::iter(finding).buffered(AT_ONCE).collect().await;
        let fetched = match wanted {
            Fulfilment::Mfn => BTreeMap::new(),
            Fulfilment::Fba => self.fetch_held(organization, of_amazon, &found).await,
        };
        let fetched = &fetched;
        let marking: Vec<_> = items
            .iter()
            .zip(found)
            .map(|(item, found)| async move {
                let result = match found {
                    Err(error) => Err(error),
                    Ok(listings) => {
                        self.mark_item(organization, actor, item, &listings, wanted, fetched).await
                    }
                };
                MarkOutcome { item_id: item.clone(), result }
            })
            .collect();
        Ok(stream::iter(marking).buffered(AT_ONCE).collect().await)
    }

    async fn listings_to_mark(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        wanted: Fulfilment,
        connections: &BTreeMap<ConnectionId, Connection>,
    ) -> Result<Vec<Listing>, AppError> {
        let known = self.item(organization, item).await?;
        if !known.components.is_empty() {
            let detail = "the item is a bundle, which has no stock of its own";
            return Err(AppError::conflict("bundle_has_no_stock", detail));
        }
        let stock = self.store.item_stock(organization, item, Freshness::Consistent).await?;
        let of_amazon = stock.links.iter().filter(|link| connections.contains_key(&link.connection_id));
        let ids: BTreeSet<ListingId> = of_amazon.map(|link| link.listing_id.clone()).collect();
        let listings = self.store.listings_by_ids(organization, &ids).await?;
        let candidates = listings.into_values().filter(|listing| {
            listing.status == ListingStatus::Linked
                && (wanted == Fulfilment::Mfn || listing.channel_status == ChannelStatus::Active)
        });
        let candidates: Vec<Listing> = candidates.collect();
        if candidates.is_empty() {
            let detail = "the item has no listing that is active on Amazon";
            return Err(AppError::conflict("not_actively_listed", detail));
        }
        if wanted == Fulfilment::Mfn {
            return Ok(candidates);
        }
        let enabled = |listing: &Listing| {
            connections.get(&listing.connection_id).is_some_and(|one| one.settings.fba.is_some())
        };
        let candidates: Vec<Listing> = candidates.into_iter().filter(enabled).collect();
        if candidates.is_empty() {
            return Err(fba_disabled());
        }
        let by_amazon = |listing: &Listing| listing.fulfilment == Fulfilment::Fba;
        Ok(match candidates.iter().any(by_amazon) {
            true => candidates.into_iter().filter(by_amazon).collect(),
            false => candidates,
        })
    }

    /// One look at each connection for all items together.
    async fn fetch_held(
        &self,
        organization: &OrganizationId,
        connections: &BTreeMap<ConnectionId, Connection>,
        found: &[Result<Vec<Listing>, AppError>],
    ) -> BTreeMap<ConnectionId, Result<Fetched, AppError>> {
        let mut skus = BTreeMap::<&ConnectionId, Vec<String>>::new();
        for listing in found.iter().flatten().flatten() {
            skus.entry(&listing.connection_id).or_default().push(sku_of(listing).to_owned());
        }
        let mut fetched = BTreeMap::new();
        for (id, skus) in skus {
            let Some(connection) = connections.get(id) else { continue };
            fetched.insert(id.clone(), self.fetch_of(organization, connection, &skus).await);
        }
        fetched
    }

    async fn fetch_of(
        &self,
        organization: &OrganizationId,
        connection: &Connection,
        skus: &[String],
    ) -> Result<Fetched, AppError> {
        let mut shop = self.open_shop(organization, &connection.id).await?;
        let held = self.held(&mut shop, skus).await?;
        Ok(Fetched { connection: connection.clone(), held, at: shop.answered_at() })
    }

    async fn mark_item(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        item: &ItemId,
        listings: &[Listing],
        wanted: Fulfilment,
        fetched: &BTreeMap<ConnectionId, Result<Fetched, AppError>>,
    ) -> Result<Marked, AppError> {
        let mut marked = Marked::default();
        for listing in listings {
            let counted = match fetched.get(&listing.connection_id) {
                Some(Err(error)) => return Err(again(error)),
                Some(Ok(fetched)) => Some(fetched.at),
                None => None,
            };
            let before = listing.shipping();
            let after = self
                .change_listing(organization, &listing.id, |listing| {
                    if listing.counted_at.is_none() || listing.shipping().tracked() != wanted {
                        listing.counted_at = counted.or(listing.counted_at);
                    }
                    listing.marked = listing.shipping().mark_for(wanted);
                })
                .await?;
            let number_of = after.shipping().number_of();
            marked.still_by_amazon |= wanted == Fulfilment::Mfn && number_of == Fulfilment::Fba;
            if before.number_of() == Fulfilment::Fba && number_of == Fulfilment::Mfn {
                self.push_listing(organization, &after).await?;
            }
            marked.listing_ids.push(after.id);
        }
        for (connection, fetched) in fetched {
            let Ok(fetched) = fetched else { continue };
            let of_connection = listings.iter().filter(|listing| listing.connection_id == *connection);
            let skus: BTreeSet<&str> = of_connection.map(sku_of).collect();
            if skus.is_empty() {
                continue;
            }
            let amazon: i64 =
                skus.iter().filter_map(|sku| fetched.held.get(*sku)).map(|held| held.sellable).sum();
            marked.amazon = Some(marked.amazon.unwrap_or(0) + amazon);
            self.count_first(organization, actor, item, fetched, amazon).await?;
        }
        Ok(marked)
    }

    /// What Amazon has is the opening stock of a level at which nothing but sales was counted; another is left to a person,
    /// who sees the difference.
    async fn count_first(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        item: &ItemId,
        fetched: &Fetched,
        amazon: i64,
    ) -> Result<(), AppError> {
        let Some(fba) = &fetched.connection.settings.fba else { return Ok(()) };
        let level = self.store.level(organization, item, &fba.location_id).await?;
        let counted = Quantity::clamped(amazon + level.committed);
        if level.on_hand > 0 || counted.units() == level.on_hand {
            return Ok(());
        }
        let new = NewAdjustment {
            location_id: fba.location_id.clone(),
            // Set, not added: marked by two at the same time, it is counted once.
            lines: vec![NewLine { item_id: item.clone(), amount: Amount::SetTo(counted) }],
            reason: Some(format!("FBA stock when the item was marked: Amazon has {amazon}")),
            reference: None,
            allow_negative: false,
            id: None,
        };
        self.adjust_stock(organization, actor, &new).await.map(drop)
    }
}

/// The same failure, for another item that it concerns.
fn again(error: &AppError) -> AppError {
    match error {
        AppError::Channel(error) => {
            let mut same = channels::ChannelError::new(error.kind, error.operation, error.detail.clone());
            same.retry = error.retry;
            same.into()
        }
        AppError::Conflict { code, detail } => AppError::conflict(code, detail.clone()),
        other => {
            tracing::warn!(error = %other, "the stock at amazon could not be fetched");
            AppError::conflict("fba_stock_not_fetched", "the stock at Amazon could not be fetched; try again")
        }
    }
}
