//! An item sync: every listing of a connection read and kept, then everything that waits matched.
//!
//! Two phases, so that what is found does not depend on the order of pages: a SKU that a later page repeats must not be
//! linked by an earlier one.

use std::collections::{BTreeMap, BTreeSet};

use channels::Cursor;
use domain::availability::RuleSetting;
use domain::listing::{ChannelStatus, FetchedListing, ListingStatus, Match};
use domain::schedule::Window;
use domain::sync::{Outcome, SyncKind, SyncState, Trigger};
use domain::{ListingId, MatchKey, OrganizationId, SyncId, Timestamp};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use store::link::Link;
use store::listing::Listing;
use store::organization::Organization;
use store::sync::{Phase, Sync, SyncFilter, SyncRecord};
use store::{PageRequest, StoreError};

use crate::fetch_orders::failed_record;
use crate::shop::OpenShop;
use crate::work::Attempt;
use crate::{App, AppError};

/// Rows written at the same time.
const WRITES_AT_ONCE: usize = 8;
/// Listings matched in one step.
const MATCH_PAGE: u32 = 100;
/// A scheduled item sync reads only what changed if everything was read within this time.
const WHOLE_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// How often the channel's notifications are looked after.
const WEBHOOKS_EVERY: SignedDuration = SignedDuration::from_hours(12);

impl App {
    /// Goes on with an item sync until it is done or the attempt's time is up; then queues the rest.
    pub async fn run_item_sync(
        &self,
        organization: &OrganizationId,
        sync: &SyncId,
        attempt: &Attempt,
    ) -> Result<(), AppError> {
        let Some(mut sync) = self.unfinished(organization, sync).await? else { return Ok(()) };
        let result = self.item_steps(organization, &mut sync, attempt).await;
        self.conclude(organization, sync, attempt, result).await
    }

    async fn item_steps(
        &self,
        organization: &OrganizationId,
        sync: &mut Sync,
        attempt: &Attempt,
    ) -> Result<(), AppError> {
        let organization =
            self.store.organization(organization).await?.ok_or(AppError::NotFound("organization"))?;
        let mut shop = self.open_shop(&organization.id, &sync.connection_id).await?;
        if sync.step == 0 {
            self.look_after_webhooks(&mut shop).await?;
        }
        // One without a period of its own reads on from the watermark, and moves it.
        let by_watermark = sync.window.is_none() || sync.channel_started_at.is_some();
        if sync.step == 0 && sync.window.is_none() {
            sync.window = self.changes_since_last(&shop, sync.trigger).await?;
        }
        loop {
            let last = match sync.phase {
                Phase::Fetch => self.fetch_step(&organization, &mut shop, sync, by_watermark).await?,
                Phase::Match => self.match_step(&organization, &shop, sync).await?,
                Phase::Sweep => return Err(AppError::Internal("an item sync does not sweep")),
            };
            if last {
                return Ok(());
            }
            if self.clock.now() >= attempt.deadline {
                return self.queue_step(&shop.connection, sync).await;
            }
        }
    }

    /// One page of listings. Never the last step: matching follows.
    async fn fetch_step(
        &self,
        organization: &Organization,
        shop: &mut OpenShop,
        sync: &mut Sync,
        by_watermark: bool,
    ) -> Result<bool, AppError> {
        let cursor = sync.cursor.take().map(Cursor);
        let window = if by_watermark { sync.window.map(Window::open_ended) } else { sync.window };
        let page = self
            .call(shop, |call| {
                let cursor = cursor.as_ref();
                Box::pin(async move { call.channel.fetch_listings(&call.shop, window, cursor).await })
            })
            .await?;
        if by_watermark {
            sync.channel_started_at.get_or_insert_with(|| shop.answered_at());
        }
        let mut fetched = Vec::with_capacity(page.records.len());
        let mut records = Vec::with_capacity(page.records.len());
        for record in page.records {
            match record {
                Ok(listing) => fetched.push(listing),
                Err(failure) => records.push(failed_record(failure)),
            }
        }
        records.extend(self.keep_listings(organization, shop, fetched).await?);
        sync.total = page.total.or(sync.total);
        match page.next {
            Some(next) => sync.cursor = Some(next.0),
            None => sync.phase = Phase::Match,
        }
        self.step(&organization.id, sync, &records, false).await?;
        tracing::info!(
            target: "item-sync",
            shop = shop.connection.name.as_str(),
            done = sync.done,
            total = sync.total,
            failed = sync.records.failed,
            skipped = sync.records.skipped,
            "listings fetched"
        );
        Ok(false)
    }

    async fn keep_listings(
        &self,
        organization: &Organization,
        shop: &OpenShop,
        fetched: Vec<FetchedListing>,
    ) -> Result<Vec<SyncRecord>, AppError> {
        let connection = &shop.connection;
        let mut by_id = BTreeMap::<ListingId, FetchedListing>::new();
        for listing in fetched {
            let reference = &listing.reference;
            let id = ListingId::of(&connection.id, &reference.external_id, reference.variation_id.as_deref())
                .map_err(|_| AppError::Internal("a listing without an id"))?;
            by_id.insert(id, listing);
        }
        let ids: BTreeSet<ListingId> = by_id.keys().cloned().collect();
        let known = self.store.listings_by_ids(&organization.id, &ids).await?;
        let sold_out: BTreeSet<MatchKey> = by_id
            .iter()
            .filter(|(id, listing)| !known.contains_key(*id) && is_sold_out(listing))
            .filter_map(|(_, listing)| listing.sku.as_ref().map(|sku| sku.match_key()))
            .collect();
        let items_of_sold_out = self.store.items_by_sku(&organization.id, &sold_out).await?;
        let now = self.clock.now();
        let keep = |(id, fetched): (ListingId, FetchedListing)| {
            let before = known.get(&id).cloned();
            let has_item =
                fetched.sku.as_ref().is_some_and(|sku| items_of_sold_out.contains_key(&sku.match_key()));
            async move {
                let import = connection.settings.import;
                let skipped = match &before {
                    Some(_) => None,
                    None => skip_reason(&fetched, import.out_of_stock || has_item, import.archived),
                };
                if let Some((code, reason)) = skipped {
                    return Ok(record(&fetched, Outcome::Skipped, Some((code, reason)), None));
                }
                self.keep_listing(organization, id.clone(), before, &fetched, now).await?;
                Ok::<_, AppError>(record(&fetched, Outcome::Synced, None, Some(id)))
            }
        };
        let keeping: Vec<_> = by_id.into_iter().map(keep).collect();
        stream::iter(keeping).buffered(WRITES_AT_ONCE).try_collect().await
    }

    /// Writes the listing if anything of it is new. The item it is linked to is never touched.
    async fn keep_listing(
        &self,
        organization: &Organization,
        id: ListingId,
        before: Option<Listing>,
        fetched: &FetchedListing,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let mut before = before;
        for _ in 0..CONFLICTS_MAX {
            let after = merged(&id, before.as_ref(), fetched, now)?;
            let Some(after) = after else { return Ok(()) };
            let link = self.renewed_link(organization, before.as_ref(), &after).await?;
            match self.store.save_listing(&organization.id, before.as_ref(), &after, link.as_ref()).await {
                Err(StoreError::Conflict(_)) => before = self.store.listing(&organization.id, &id).await?,
                other => return Ok(other?),
            }
        }
        Err(StoreError::Conflict("listing").into())
    }

    /// What a linked listing's link must learn from the channel: where its stock is written. What is observed there is
    /// kept with the listing alone, lest each sale cost a write of both.
    async fn renewed_link(
        &self,
        organization: &Organization,
        before: Option<&Listing>,
        after: &Listing,
    ) -> Result<Option<Link>, AppError> {
        let Some(item) = &after.item_id else { return Ok(None) };
        let moved = before.is_none_or(|before| {
            before.stock_ref != after.stock_ref
                || before.shipping().number_of() != after.shipping().number_of()
        });
        if !moved {
            return Ok(None);
        }
        let stock =
            self.store.item_stock(&organization.id, item, store::stock::Freshness::Consistent).await?;
        let link = stock.links.into_iter().find(|link| link.listing_id == after.id);
        let fulfilment = after.shipping().number_of();
        Ok(link.map(|link| Link { stock_ref: after.stock_ref.clone(), fulfilment, ..link }))
    }

    /// One page of what waits, matched now that every page is known. The last one ends the sync.
    async fn match_step(
        &self,
        organization: &Organization,
        shop: &OpenShop,
        sync: &mut Sync,
    ) -> Result<bool, AppError> {
        let request = PageRequest { limit: MATCH_PAGE, cursor: sync.cursor.take() };
        let page = self
            .store
            .connection_listings(
                &organization.id,
                &sync.connection_id,
                Some(ListingStatus::Unconfirmed),
                &request,
            )
            .await?;
        let looked_at = page.data.len();
        let linked = self.match_listings(organization, &shop.connection, page.data).await?;
        sync.cursor = page.next_cursor;
        let last = sync.cursor.is_none();
        // A record that failed keeps the watermark back, so that the next sync tries it again.
        if let (true, 0, Some(read_at)) = (last, sync.records.failed, sync.channel_started_at) {
            self.store.advance_items_watermark(&organization.id, &sync.connection_id, read_at).await?;
        }
        self.step(&organization.id, sync, &[], last).await?;
        tracing::info!(target: "item-sync", shop = shop.connection.name.as_str(), looked_at, linked, "listings matched");
        Ok(last)
    }

    /// The window of an item sync that nobody gave one: from the watermark, where the channel can tell what changed and,
    /// for a scheduled one, everything was read not too long ago; else everything.
    async fn changes_since_last(
        &self,
        shop: &OpenShop,
        trigger: Trigger,
    ) -> Result<Option<Window>, AppError> {
        let by_change = matches!(trigger, Trigger::Schedule | Trigger::Webhook);
        if !by_change || !shop.channel.capability().listing_changes {
            return Ok(None);
        }
        let organization = &shop.connection.organization_id;
        let state = self.store.connection_state(organization, &shop.connection.id).await?;
        let watermark = state.and_then(|state| state.items_watermark);
        let since = |watermark| Some(Window::since(watermark, shop.channel_time()));
        if trigger == Trigger::Webhook {
            // Before everything was read once, what a notification tells of is among what was never read.
            return Ok(since(
                watermark.or(shop.connection.connected_at).unwrap_or(shop.connection.created_at),
            ));
        }
        let now = self.clock.now();
        let filter = SyncFilter {
            connection_id: Some(shop.connection.id.clone()),
            kind: Some(SyncKind::Items),
            from: now.checked_sub(WHOLE_EVERY).ok(),
            now: Some(now),
            ..SyncFilter::default()
        };
        let request = PageRequest { limit: 200, cursor: None };
        let recent = self.store.syncs(organization, &filter, &request).await?;
        let complete = |sync: &Sync| matches!(sync.state, SyncState::Succeeded | SyncState::Partial);
        let whole = recent.data.iter().any(|sync| complete(sync) && sync.window.is_none());
        Ok(watermark.filter(|_| whole).and_then(since))
    }

    /// Sees to it that the channel notifies us; if it had stopped, orders since are fetched by the next order sync,
    /// whose watermark does not depend on notifications.
    async fn look_after_webhooks(&self, shop: &mut OpenShop) -> Result<(), AppError> {
        let organization = shop.connection.organization_id.clone();
        let id = shop.connection.id.clone();
        let Some(callback) = self.webhook_address(&id) else { return Ok(()) };
        let now = self.clock.now();
        let state = self.store.connection_state(&organization, &id).await?;
        let fresh = state
            .and_then(|state| state.webhooks_checked_at)
            .is_some_and(|at| now.duration_since(at) < WEBHOOKS_EVERY);
        if fresh {
            return Ok(());
        }
        let Some(secret) = self.store.webhook_secret(&organization, &id).await? else { return Ok(()) };
        let kept = self
            .call(shop, |call| {
                let (callback, secret) = (&callback, &secret);
                Box::pin(async move { call.channel.ensure_webhooks(&call.shop, callback, secret).await })
            })
            .await;
        match kept {
            Ok(upkeep) => {
                if upkeep.restored > 0 {
                    tracing::info!(target: "item-sync", connection = %id, restored = upkeep.restored, "notifications restored");
                }
                Ok(self.store.note_webhooks_checked(&organization, &id, now).await?)
            }
            // Without notifications polling goes on: a shop that forbids them is still synced.
            Err(AppError::Channel(error)) if error.kind != channels::ErrorKind::Unauthorized => {
                tracing::warn!(connection = %id, code = error.kind.code(), %error, "no notifications");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

const CONFLICTS_MAX: u32 = 5;

fn is_sold_out(listing: &FetchedListing) -> bool {
    listing.quantity.is_some_and(|quantity| quantity.get() == 0)
}

/// Why a new listing does not come in (features A35).
fn skip_reason(
    listing: &FetchedListing,
    sold_out_wanted: bool,
    archived_wanted: bool,
) -> Option<(&'static str, &'static str)> {
    match listing.status {
        ChannelStatus::Deleted => Some(("deleted", "The listing is deleted on the channel.")),
        ChannelStatus::Archived if !archived_wanted => Some((
            "archived",
            "The listing is archived on the channel; the connection leaves archived ones out.",
        )),
        _ if is_sold_out(listing) && !sold_out_wanted => Some((
            "out_of_stock",
            "The listing is sold out and no item has its SKU; the connection leaves such ones out.",
        )),
        _ => None,
    }
}

fn record(
    fetched: &FetchedListing,
    outcome: Outcome,
    why: Option<(&'static str, &'static str)>,
    listing_id: Option<ListingId>,
) -> SyncRecord {
    SyncRecord {
        external_id: match &fetched.reference.variation_id {
            Some(variation) => format!("{}/{variation}", fetched.reference.external_id),
            None => fetched.reference.external_id.clone(),
        },
        sku: fetched.sku.as_ref().map(|sku| sku.as_str().to_owned()),
        title: Some(fetched.title.as_str().to_owned()),
        outcome,
        code: why.map(|(code, _)| code.to_owned()),
        reason: why.map(|(_, reason)| reason.to_owned()),
        listing_id,
        order_id: None,
    }
}

/// The listing as it must be stored; `None` where nothing of it is new.
fn merged(
    id: &ListingId,
    before: Option<&Listing>,
    fetched: &FetchedListing,
    now: Timestamp,
) -> Result<Option<Listing>, AppError> {
    let mut after = match before {
        Some(before) => before.clone(),
        None => Listing {
            id: id.clone(),
            connection_id: id
                .connection()
                .map_err(|_| AppError::Internal("a listing without a connection"))?,
            reference: fetched.reference.clone(),
            sku: None,
            title: fetched.title.clone(),
            price: None,
            channel_quantity: None,
            channel_status: fetched.status,
            attributes: Vec::new(),
            barcode: None,
            fulfilment: fetched.fulfilment,
            marked: None,
            counted_at: None,
            stock_ref: None,
            status: ListingStatus::Unconfirmed,
            found: if fetched.sku.is_some() { Match::Unmatched } else { Match::EmptySku },
            candidate_item_ids: Vec::new(),
            item_id: None,
            rejected_item_ids: BTreeSet::new(),
            dismissed_reason: None,
            stock_rule: RuleSetting::default(),
            first_seen_at: now,
            observed_at: now,
            version: 0,
        },
    };
    after.sku.clone_from(&fetched.sku);
    after.title = fetched.title.clone();
    after.price = fetched.price;
    after.channel_quantity = fetched.quantity;
    after.channel_status = fetched.status;
    after.attributes.clone_from(&fetched.attributes);
    after.barcode.clone_from(&fetched.barcode);
    after.fulfilment = fetched.fulfilment;
    after.stock_ref.clone_from(&fetched.stock_ref);
    if after.status == ListingStatus::Unlinked {
        // Fetched again after a merchant unlinked it: it waits for a person (features C4).
        after.status = ListingStatus::Unconfirmed;
    }
    if before == Some(&after) {
        return Ok(None);
    }
    after.observed_at = now;
    after.version += 1;
    Ok(Some(after))
}
