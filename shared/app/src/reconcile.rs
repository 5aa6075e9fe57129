//! Reconciliation: every linked listing of a connection looked at on its channel, and what differs explained and made
//! good, as the connection's policy says.

use std::collections::{BTreeMap, BTreeSet};

use channels::{ErrorKind, ShownAt, ShownByLocation, StockAt, StockTarget};
use domain::channel::Fulfilment;
use domain::channel_location::LocationSplit;
use domain::drift::{Action, Cause, Seen, SeenAt, action, classify_by_location};
use domain::listing::ListingStatus;
use domain::sync::Outcome;
use domain::{ChannelLocationId, ListingId, OrderId, OrganizationId, Quantity, SyncId, Timestamp};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use queue::message::{PushTarget, Task};
use queue::{QueueName, Work};
use store::PageRequest;
use store::connection::Connection;
use store::drift::Drift;
use store::link::Link;
use store::listing::Listing;
use store::organization::Organization;
use store::stock::Freshness;
use store::sync::{Sync, SyncRecord};

use crate::availability::Deciders;
use crate::metric::{self, Metric};
use crate::shop::OpenShop;
use crate::work::Attempt;
use crate::{App, AppError};

/// Listings of one step.
const PAGE: u32 = 200;
const PAGE_MIN: u32 = 10;
const ROWS_AT_ONCE: usize = 16;
/// An order younger than this is on its way, not missed.
const MISSED_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// A listing and what the hub knows of it.
struct Known {
    listing: Listing,
    link: Link,
    desired: Quantity,
    /// Of one that is told by location.
    split: Option<LocationSplit>,
    version: u64,
}

/// What the channel shows of a listing.
#[derive(Debug, Clone)]
struct Shown {
    number: i64,
    /// Of one that is told by location.
    at: Vec<SeenAt>,
}

impl Shown {
    /// In all, then at each location.
    fn numbers(&self) -> Vec<i64> {
        std::iter::once(self.number).chain(self.at.iter().map(|at| at.observed)).collect()
    }
}

impl App {
    /// Goes on with a reconciliation until it is done or the attempt's time is up; then queues the rest.
    pub async fn run_reconcile(
        &self,
        organization: &OrganizationId,
        sync: &SyncId,
        attempt: &Attempt,
    ) -> Result<(), AppError> {
        let Some(mut sync) = self.unfinished(organization, sync).await? else { return Ok(()) };
        let result = self.reconcile_steps(organization, &mut sync, attempt).await;
        self.conclude(organization, sync, attempt, result).await
    }

    async fn reconcile_steps(
        &self,
        organization: &OrganizationId,
        sync: &mut Sync,
        attempt: &Attempt,
    ) -> Result<(), AppError> {
        let organization = self.organization(organization).await?;
        let mut shop = self.open_shop(&organization.id, &sync.connection_id).await?;
        let began_at = self.clock.now();
        if let Err(why) = shop.connection.settings.pushes(shop.connection.status) {
            return Err(AppError::conflict(why.code(), "nothing is pushed on this connection"));
        }
        // Orders before stock: what sold there must not look like an edit.
        let look = self.look_at_orders(&organization, &mut shop).await?;
        let missed = self.missed_units(&organization.id, &look.new, began_at).await?;
        loop {
            let request = PageRequest { limit: page_of(&shop.connection), cursor: sync.cursor.take() };
            let linked = Some(ListingStatus::Linked);
            let page = self
                .store
                .connection_listings(&organization.id, &sync.connection_id, linked, &request)
                .await?;
            let looked_at = page.data.len();
            let records = self.reconcile_page(&organization, &mut shop, sync, page.data, &missed).await?;
            sync.cursor = page.next_cursor;
            let last = sync.cursor.is_none();
            // Those that show their number are counted alone; the history names what differs.
            let right = looked_at.saturating_sub(records.len());
            sync.done += u64::try_from(right).unwrap_or(0);
            sync.records.synced += u64::try_from(right).unwrap_or(0);
            self.step(&organization.id, sync, &records, last).await?;
            if last {
                let id = &sync.connection_id;
                return Ok(self.store.note_reconciled(&organization.id, id, began_at).await?);
            }
            if self.clock.now() >= attempt.deadline {
                return self.queue_step(&shop.connection, sync).await;
            }
        }
    }

    /// Units of each listing in orders that should have been here before.
    async fn missed_units(
        &self,
        organization: &OrganizationId,
        orders: &[OrderId],
        now: Timestamp,
    ) -> Result<BTreeMap<ListingId, i64>, AppError> {
        let mut units = BTreeMap::<ListingId, i64>::new();
        for id in orders {
            let Some(order) = self.store.order(organization, id).await? else { continue };
            if now.duration_since(order.placed_at) < MISSED_AFTER {
                continue;
            }
            for line in &order.lines {
                if let Some(listing) = order.listing_of(line) {
                    *units.entry(listing).or_default() += line.quantity.units();
                }
            }
        }
        Ok(units)
    }

    /// Records of those that differ, or could not be looked at.
    async fn reconcile_page(
        &self,
        organization: &Organization,
        shop: &mut OpenShop,
        sync: &Sync,
        listings: Vec<Listing>,
        missed: &BTreeMap<ListingId, i64>,
    ) -> Result<Vec<SyncRecord>, AppError> {
        let deciders = Deciders {
            kinds: self.location_kinds(&organization.id).await?,
            connections: BTreeMap::new(),
            rule: organization.stock_rule,
            primary: organization.primary_location_id.clone(),
        };
        let mut known = self.known(organization, shop, listings, &deciders).await?;
        let ids = known.iter().map(|known| &known.listing.id);
        let open = self.store.open_drifts(&organization.id, ids).await?;
        let mut shown = self.shown(shop, &known).await?;
        let moving = self.look_again(organization, shop, &mut known, &mut shown, missed, &deciders).await?;
        let now = self.clock.now();
        let mut records = Vec::new();
        let mut behind = Vec::new();
        for (known, shown) in known.iter().zip(shown) {
            let Some(shown) = shown else {
                let reason = "The channel has no number for the listing.";
                records.push(record(&known.listing, Outcome::Skipped, "no_number", reason.to_owned()));
                continue;
            };
            if moving.contains(&known.listing.id) {
                let reason = "Its number moved while it was compared. The next comparison looks again.";
                records.push(record(&known.listing, Outcome::Skipped, "moved_meanwhile", reason.to_owned()));
                continue;
            }
            let observed = shown.number;
            let right = observed == known.desired.units()
                && shown.at.iter().all(|at| at.observed == at.desired.units());
            let drift = self.compare(organization, shop, known, &shown, missed, now).await?;
            let held = known.link.held_since.is_some();
            if drift.is_none() && !held && open.contains(&known.listing.id) {
                self.store.forget_drift(&organization.id, &known.listing.id).await?;
            }
            let overwrites = drift.as_ref().is_none_or(|drift| drift.action == Action::Overwritten);
            if !right && overwrites && !held {
                behind.push(PushTarget {
                    item_id: known.link.item_id.clone(),
                    listing_id: known.link.listing_id.clone(),
                    version: known.version,
                });
            }
            if let Some(drift) = drift {
                let took = drift.acknowledged.unwrap_or(drift.desired);
                let done = drift.action.as_str();
                let at: String = drift.locations.iter().map(there).collect();
                let reason = format!("The channel showed {observed}, and had taken {took}{at}: {done}.");
                records.push(record(&known.listing, Outcome::Synced, drift.cause.as_str(), reason));
            }
        }
        self.queue_behind(organization, shop, sync, behind).await?;
        Ok(records)
    }

    /// Listings that may be pushed, with what they must show.
    async fn known(
        &self,
        organization: &Organization,
        shop: &OpenShop,
        listings: Vec<Listing>,
        deciders: &Deciders,
    ) -> Result<Vec<Known>, AppError> {
        let mut by_item = BTreeMap::<_, Vec<Listing>>::new();
        for listing in listings {
            let ours = listing.shipping().number_of() == Fulfilment::Mfn;
            if let Some(item) = listing.item_id.clone().filter(|_| ours) {
                by_item.entry(item).or_default().push(listing);
            }
        }
        let connection = &shop.connection;
        let reads: Vec<_> = by_item
            .into_iter()
            .map(|(item, listings)| async move {
                let stock = self.store.item_stock(&organization.id, &item, Freshness::Consistent).await?;
                let goods = self.goods(&organization.id, &item, &stock, &deciders.kinds).await?;
                let known = listings.into_iter().filter_map(|listing| {
                    let link = stock.links.iter().find(|link| link.listing_id == listing.id)?.clone();
                    let wanted = deciders.desired(connection, &link.rule, &link.shares, &goods)?;
                    let (desired, split) = (wanted.result, wanted.split);
                    Some(Known { listing, link, desired, split, version: goods.version })
                });
                Ok::<_, AppError>(known.collect::<Vec<_>>())
            })
            .collect();
        let known: Vec<Vec<Known>> = stream::iter(reads).buffered(ROWS_AT_ONCE).try_collect().await?;
        Ok(known.into_iter().flatten().collect())
    }

    /// What the channel shows of each, in as few calls as it takes.
    async fn shown(&self, shop: &mut OpenShop, known: &[Known]) -> Result<Vec<Option<Shown>>, AppError> {
        let targets = |placed: bool| {
            let of_kind = known.iter().filter(|known| known.split.is_some() == placed);
            of_kind.map(Known::target).collect::<Vec<StockTarget>>()
        };
        let (plain, placed) = (targets(false), targets(true));
        let mut numbers = self.numbers(shop, &plain).await?.into_iter();
        let mut looked = self.look_by_location(shop, &placed).await?.into_iter();
        let shown = |known: &Known| match &known.split {
            None => numbers.next().flatten().map(|number| Shown { number, at: Vec::new() }),
            Some(_) => known.seen(&looked.next()?),
        };
        Ok(known.iter().map(shown).collect())
    }

    /// Looks once more at what looks edited, at the orders first: what sold, or was told, between the look at the orders and
    /// the one at the number must not look like an edit. Returns the listings that show yet another number, of which
    /// nothing can be said: what moves it has a push of its own, or is found by the next comparison.
    async fn look_again(
        &self,
        organization: &Organization,
        shop: &mut OpenShop,
        known: &mut [Known],
        shown: &mut [Option<Shown>],
        missed: &BTreeMap<ListingId, i64>,
        deciders: &Deciders,
    ) -> Result<BTreeSet<ListingId>, AppError> {
        let looks_edited = |known: &Known, shown: &Option<Shown>| {
            let cause = shown.as_ref().and_then(|shown| known.cause(shown, missed));
            cause == Some(Cause::EditedOnChannel) && known.link.held_since.is_none()
        };
        let both = known.iter().zip(shown.iter());
        let doubtful: Vec<Listing> = both
            .filter(|(known, shown)| looks_edited(known, shown))
            .map(|(known, _)| known.listing.clone())
            .collect();
        if doubtful.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut moving: BTreeSet<ListingId> = doubtful.iter().map(|listing| listing.id.clone()).collect();
        let looks_are_few = !shop.channel.capability().order_look_before_push;
        match self.look_at_orders(organization, shop).await {
            // Without it, where a channel's looks are used up.
            Err(AppError::Channel(error)) if error.kind == ErrorKind::Throttled && looks_are_few => {}
            looked => drop(looked?),
        }
        let known_now = self.known(organization, shop, doubtful, deciders).await?;
        let shown_now = self.shown(shop, &known_now).await?;
        for (now, shows_now) in known_now.into_iter().zip(shown_now) {
            let mut before = known.iter_mut().zip(shown.iter_mut());
            let Some((known, shows)) = before.find(|(known, _)| known.listing.id == now.listing.id) else {
                continue;
            };
            if shows_now.as_ref().map(Shown::numbers) == shows.as_ref().map(Shown::numbers) {
                moving.remove(&now.listing.id);
                (*known, *shows) = (now, shows_now);
            }
        }
        Ok(moving)
    }

    async fn numbers(
        &self,
        shop: &mut OpenShop,
        targets: &[StockTarget],
    ) -> Result<Vec<Option<i64>>, AppError> {
        let per_call = usize::try_from(shop.channel.capability().stock_batch_max).unwrap_or(1).max(1);
        let mut shown = Vec::with_capacity(targets.len());
        for targets in targets.chunks(per_call) {
            let of_call = self
                .call(shop, |call| {
                    Box::pin(async move { call.channel.read_stock(&call.shop, targets).await })
                })
                .await?;
            shown.extend(of_call);
        }
        Ok(shown)
    }

    /// Keeps what was seen where it is news, and the drift where it is one.
    async fn compare(
        &self,
        organization: &Organization,
        shop: &OpenShop,
        known: &Known,
        shown: &Shown,
        missed: &BTreeMap<ListingId, i64>,
        now: Timestamp,
    ) -> Result<Option<Drift>, AppError> {
        let observed = shown.number;
        let Known { link, desired, .. } = known;
        let (item, listing) = (&link.item_id, &link.listing_id);
        let Some(cause) = known.cause(shown, missed) else {
            // Right again, or due to be pushed: what a person was to decide upon stays until they do.
            // Of one that was right in its number and wrong at a location, the number keeps nothing.
            let news = link.observed != Some(observed) || known.split.is_some() && !looked_at_since(link);
            if link.held_since.is_none() && news {
                self.store.note_observed(&organization.id, item, listing, (observed, now), false).await?;
            }
            return Ok(None);
        };
        let action = match link.held_since {
            Some(_) => Action::Held,
            None => action(cause, shop.connection.settings.drift),
        };
        let drift = Drift {
            listing_id: listing.clone(),
            item_id: item.clone(),
            connection_id: link.connection_id.clone(),
            desired: *desired,
            acknowledged: link.acknowledged.map(|acknowledged| acknowledged.quantity),
            observed,
            locations: shown.at.iter().filter(|at| at.observed != at.acknowledged.units()).cloned().collect(),
            observed_at: now,
            cause,
            action,
        };
        self.store.note_drift(&organization.id, &drift).await?;
        let holds = action == Action::Held && link.held_since.is_none();
        if link.observed != Some(observed) || holds {
            self.store.note_observed(&organization.id, item, listing, (observed, now), holds).await?;
        }
        metric::record(Metric::DriftFound, Some(shop.connection.channel), 1);
        tracing::warn!(%listing, observed, desired = desired.get(), ?cause, ?action, "a listing shows another number than it took");
        Ok(Some(drift))
    }

    /// Their numbers are sent, whatever is known of them.
    async fn queue_behind(
        &self,
        organization: &Organization,
        shop: &OpenShop,
        sync: &Sync,
        targets: Vec<PushTarget>,
    ) -> Result<(), AppError> {
        if targets.is_empty() {
            return Ok(());
        }
        let queue = QueueName { work: Work::StockPush, channel: shop.connection.channel };
        let task = Task::PushListings { targets, force: true };
        let deduplication_id = format!("{}-push-{}", sync.id.body(), sync.step);
        self.enqueue(queue, &organization.id, &shop.connection.id, deduplication_id, task).await
    }
}

/// Told by location, a listing is a look at each.
fn page_of(connection: &Connection) -> u32 {
    let places = connection.settings.channel_locations.iter().count();
    let places = u32::try_from(places).unwrap_or(u32::MAX).max(1);
    (PAGE / places).max(PAGE_MIN)
}

impl Known {
    /// Why the channel shows what it shows; `None` where that is no drift.
    fn cause(&self, shown: &Shown, missed: &BTreeMap<ListingId, i64>) -> Option<Cause> {
        let link = &self.link;
        let took_hold = took_hold(self);
        let seen = Seen {
            desired: self.desired,
            version: self.version,
            acknowledged: link.acknowledged.filter(|_| self.was_told_there()),
            previous: link.previous.filter(|_| !took_hold),
            last_seen: link.observed.zip(link.observed_at.or(Some(link.linked_at))).filter(|_| !took_hold),
            missed_units: missed.get(&link.listing_id).copied().unwrap_or(0),
            observed: shown.number,
        };
        classify_by_location(&seen, &shown.at)
    }

    fn target(&self) -> StockTarget {
        let shares = self.split.iter().flat_map(|split| split.to_tell(&self.link.shares));
        let at = |share: domain::channel_location::Share| StockAt {
            location: share.at,
            quantity: share.quantity,
            shown: ShownAt::Unknown,
        };
        StockTarget {
            listing: self.link.listing.clone(),
            stock_ref: self.link.stock_ref.clone(),
            quantity: self.desired,
            expected: None,
            locations: shares.map(at).collect(),
        }
    }

    /// What was taken says something of what is shown only where it was told as it is to be told now: in one number, or at
    /// these locations.
    fn was_told_there(&self) -> bool {
        let told = |split: &LocationSplit| {
            split.to_tell(&self.link.shares).iter().all(|share| self.link.shares.contains_key(&share.at))
        };
        self.split.as_ref().is_none_or(told)
    }

    /// `None` where the channel has no number at one of the locations.
    fn seen(&self, looked: &ShownByLocation) -> Option<Shown> {
        let number = looked.total()?;
        let took = |at: &ChannelLocationId| self.link.shares.get(at).copied().flatten().unwrap_or_default();
        let shares = self.split.iter().flat_map(|split| split.to_tell(&self.link.shares));
        let before = &self.link.previous_shares;
        let explains = !looked_at_since(&self.link);
        let at = shares.map(|share| SeenAt {
            acknowledged: took(&share.at),
            previous: before.get(&share.at).copied().flatten().filter(|_| explains),
            observed: match looked.at.get(&share.at) {
                Some(ShownAt::Number(number)) => *number,
                _ => 0,
            },
            channel_location_id: share.at,
            desired: share.quantity,
        });
        Some(Shown { number, at: at.collect() })
    }
}

/// `, at 501 4 instead of 2`
fn there(at: &SeenAt) -> String {
    format!(", at {} {} instead of {}", at.channel_location_id, at.observed, at.acknowledged)
}

fn record(listing: &Listing, outcome: Outcome, code: &str, reason: String) -> SyncRecord {
    SyncRecord {
        external_id: listing.reference.external_id.clone(),
        sku: listing.sku.as_ref().map(ToString::to_string),
        title: Some(listing.title.as_str().to_owned()),
        outcome,
        code: Some(code.to_owned()),
        reason: Some(reason),
        listing_id: Some(listing.id.clone()),
        order_id: None,
    }
}

/// That the channel was seen to show what it took last: what it showed before explains nothing any more.
fn took_hold(known: &Known) -> bool {
    let Known { listing, link, .. } = known;
    link.acknowledged.is_some_and(|taken| {
        let seen_by_sync = listing.channel_quantity == Some(taken.quantity) && listing.observed_at > taken.at;
        seen_by_sync || looked_at_since(link)
    })
}

/// The same of a reconciliation, which looks at each location.
fn looked_at_since(link: &Link) -> bool {
    link.acknowledged.is_some_and(|taken| {
        link.observed == Some(taken.quantity.units()) && link.observed_at.is_some_and(|at| at > taken.at)
    })
}
