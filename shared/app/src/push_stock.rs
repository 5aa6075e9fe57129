//! Bringing listings to what they must show now.
//!
//! Level-triggered: a message names listings, the numbers are computed here from the table as it is. So a message lost,
//! doubled or out of order changes nothing, and of a burst only the last state is sent.

use std::collections::{BTreeMap, BTreeSet};

use channels::{ErrorKind, StockBatch, StockOutcome, StockTarget};
use domain::availability::{Demand, LocationKind, PlacedLevel, allocate};
use domain::connection::ConnectionSettings;
use domain::listing::{ListingRef, ListingStatus};
use domain::push::{Acknowledged, PushFailure, Pushable};
use domain::stock::stock_version;
use domain::{ItemId, ListingId, LocationId, OrganizationId, Quantity};
use futures_util::{StreamExt, TryStreamExt, stream};
use queue::message::{PushTarget, Task};
use queue::{QueueName, Work};
use store::link::Link;
use store::organization::Organization;
use store::stock::{Freshness, ItemStock};

use crate::shop::OpenShop;
use crate::work::Attempt;
use crate::{App, AppError};

/// Items read, and acknowledgements written, at the same time.
const ROWS_AT_ONCE: usize = 16;
/// A channel that compares is told, looked at and told again this often before the rest waits for the next message.
const ROUNDS_MAX: u32 = 3;

/// A listing on its way to the channel.
#[derive(Debug, Clone)]
struct Sending {
    item_id: ItemId,
    listing_id: ListingId,
    version: u64,
    target: StockTarget,
}

/// What a push came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pushed {
    pub accepted: u64,
    pub failed: u64,
    /// Showed the right number already, or may not be pushed.
    pub untouched: u64,
}

impl App {
    /// Pushes the listings of one connection. Orders are looked at first, wherever the channel's limits allow.
    pub async fn push_listings(
        &self,
        organization: &OrganizationId,
        connection: &domain::ConnectionId,
        targets: Vec<PushTarget>,
        force: bool,
        attempt: &Attempt,
    ) -> Result<Pushed, AppError> {
        let stored = self.store.connection(organization, connection).await?;
        let Some(connection) = stored else { return Ok(Pushed::default()) };
        if connection.settings.pushes(connection.status).is_err() {
            return Ok(Pushed::default());
        }
        let organization =
            self.store.organization(organization).await?.ok_or(AppError::NotFound("organization"))?;
        let targets = newest(targets);
        let listings: Vec<PushTarget> = targets.clone();
        let result = self.push_open(&organization, &connection.id, targets, force, attempt).await;
        if let Err(AppError::Channel(error)) = &result {
            self.note_failures(&organization.id, &listings, error.kind.code(), &error.to_string()).await?;
        }
        result
    }

    async fn push_open(
        &self,
        organization: &Organization,
        connection: &domain::ConnectionId,
        targets: Vec<PushTarget>,
        force: bool,
        attempt: &Attempt,
    ) -> Result<Pushed, AppError> {
        let mut shop = self.open_shop(&organization.id, connection).await?;
        let shop = &mut shop;
        let kinds = self.location_kinds(&organization.id).await?;
        let mut pushed = Pushed::default();
        let mut observed = BTreeMap::<ListingId, i64>::new();
        let mut open = targets;
        for round in 1..=ROUNDS_MAX {
            let read = if round == 1 { Freshness::Eventual } else { Freshness::Consistent };
            let mut sending = self.plan(organization, shop, &kinds, &open, force, &observed, read).await?;
            // Planned before the orders are looked at: of a burst of messages only the first calls the channel. Planned
            // again only if there were new ones, and then from what they left: a read that lags would give the units of the
            // orders just stored to the channel once more.
            let look = shop.channel.capability().order_look_before_push || round > 1;
            if look && !sending.is_empty() && self.look_at_orders(organization, shop).await? {
                let read = Freshness::Consistent;
                sending = self.plan(organization, shop, &kinds, &open, force, &observed, read).await?;
            }
            if round == 1 {
                pushed.untouched = count(open.len().saturating_sub(sending.len()));
            }
            let again = self.send(organization, shop, sending, force, attempt, &mut pushed).await?;
            if again.is_empty() {
                return Ok(pushed);
            }
            open = again.iter().map(as_target).collect();
            self.observe(shop, &again, &mut observed).await?;
        }
        let reason = "the number on the channel kept changing while it was set";
        self.note_failures(&organization.id, &open, "number_kept_changing", reason).await?;
        Err(channels::ChannelError::new(ErrorKind::Unavailable, "set quantities", reason).into())
    }

    /// The channel's number was not what we thought: most likely it sold. What it shows now is what the next round
    /// compares with, after another look at the orders.
    async fn observe(
        &self,
        shop: &mut OpenShop,
        again: &[Sending],
        observed: &mut BTreeMap<ListingId, i64>,
    ) -> Result<(), AppError> {
        let stale: Vec<StockTarget> = again.iter().map(|sending| sending.target.clone()).collect();
        let shown = self
            .call(shop, |call| {
                let stale = &stale;
                Box::pin(async move { call.channel.read_stock(&call.shop, stale).await })
            })
            .await?;
        for (sending, shown) in again.iter().zip(shown) {
            match shown {
                Some(number) => observed.insert(sending.listing_id.clone(), number),
                None => observed.remove(&sending.listing_id),
            };
        }
        Ok(())
    }

    /// What each listing must show now, for those that must be told.
    #[allow(clippy::too_many_arguments, reason = "what a plan is made of, borrowed from one caller")]
    async fn plan(
        &self,
        organization: &Organization,
        shop: &OpenShop,
        kinds: &BTreeMap<LocationId, LocationKind>,
        targets: &[PushTarget],
        force: bool,
        observed: &BTreeMap<ListingId, i64>,
        read: Freshness,
    ) -> Result<Vec<Sending>, AppError> {
        let mut wanted = BTreeMap::<&ItemId, (u64, BTreeSet<&ListingId>)>::new();
        for target in targets {
            let of_item = wanted.entry(&target.item_id).or_default();
            of_item.0 = of_item.0.max(target.version);
            of_item.1.insert(&target.listing_id);
        }
        let settings = &shop.connection.settings;
        // Collected before they are polled: the compiler cannot see through a stream of borrowing closures.
        let reads: Vec<_> = wanted
            .into_iter()
            .map(|(item, (version, listings))| async move {
                let stock = self.stock_at_least(&organization.id, item, version, &listings, read).await?;
                Ok::<_, AppError>(decide(item, &stock, &listings, settings, kinds, force, observed))
            })
            .collect();
        let planned: Vec<Vec<Sending>> = stream::iter(reads).buffered(ROWS_AT_ONCE).try_collect().await?;
        Ok(planned.into_iter().flatten().collect())
    }

    /// The item's levels and links, not older than `version`: read as is said, and again consistently where that was too
    /// old.
    async fn stock_at_least(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        version: u64,
        listings: &BTreeSet<&ListingId>,
        read: Freshness,
    ) -> Result<ItemStock, AppError> {
        let stock = self.store.item_stock(organization, item, read).await?;
        let linked = |listing: &&ListingId| stock.links.iter().any(|link| link.listing_id == **listing);
        if read == Freshness::Consistent
            || stock_version(&stock.levels) >= version && listings.iter().all(linked)
        {
            return Ok(stock);
        }
        Ok(self.store.item_stock(organization, item, Freshness::Consistent).await?)
    }

    /// Sends in full batches and keeps what came back. Those to be told again, because the channel compared and
    /// disagreed, are returned.
    async fn send(
        &self,
        organization: &Organization,
        shop: &mut OpenShop,
        sending: Vec<Sending>,
        force: bool,
        attempt: &Attempt,
        pushed: &mut Pushed,
    ) -> Result<Vec<Sending>, AppError> {
        let mut by_listing: BTreeMap<ListingRef, Vec<Sending>> = BTreeMap::new();
        let mut targets = Vec::with_capacity(sending.len());
        for one in sending {
            targets.push(one.target.clone());
            by_listing.entry(one.target.listing.clone()).or_default().push(one);
        }
        let mut again = Vec::new();
        let mut batches = shop.channel.plan_stock(targets).into_iter();
        while let Some(batch) = batches.next() {
            if self.clock.now() >= attempt.deadline {
                let rest = std::iter::once(batch).chain(batches).flat_map(|batch| batch.targets);
                let rest = rest.filter_map(|target| by_listing.get(&target.listing)?.first().map(as_target));
                self.queue_rest(organization, shop, rest.collect(), force).await?;
                return Ok(again);
            }
            let outcomes = self.push_batch(shop, &batch).await?;
            let accepted = outcomes.iter().filter(|outcome| **outcome == StockOutcome::Accepted).count();
            tracing::info!(
                target: "stock-push",
                shop = shop.connection.name.as_str(),
                listings = batch.targets.len(),
                accepted,
                quantities = %shown(&batch),
                "quantities sent"
            );
            let mut settled = Vec::new();
            for (target, outcome) in batch.targets.iter().zip(outcomes) {
                for one in by_listing.remove(&target.listing).unwrap_or_default() {
                    match outcome {
                        StockOutcome::Stale { .. } => again.push(one),
                        StockOutcome::Failed { code: "batch_not_applied", .. } => again.push(one),
                        _ => settled.push((one, outcome.clone())),
                    }
                }
            }
            let keeping: Vec<_> = settled
                .into_iter()
                .map(|(one, outcome)| self.keep_outcome(organization, one, outcome))
                .collect();
            let kept: Vec<bool> = stream::iter(keeping).buffer_unordered(ROWS_AT_ONCE).try_collect().await?;
            let accepted = count(kept.iter().filter(|accepted| **accepted).count());
            pushed.accepted += accepted;
            pushed.failed += count(kept.len()) - accepted;
        }
        Ok(again)
    }

    async fn push_batch(
        &self,
        shop: &mut OpenShop,
        batch: &StockBatch,
    ) -> Result<Vec<StockOutcome>, AppError> {
        let key = self.ids.next(self.clock.now());
        self.call(shop, |call| {
            let key = key.as_str();
            Box::pin(async move { call.channel.push_stock(&call.shop, key, batch).await })
        })
        .await
    }

    async fn keep_outcome(
        &self,
        organization: &Organization,
        one: Sending,
        outcome: StockOutcome,
    ) -> Result<bool, AppError> {
        let now = self.clock.now();
        let (code, reason) = match outcome {
            StockOutcome::Accepted => {
                let taken = Acknowledged { quantity: one.target.quantity, version: one.version, at: now };
                self.store.acknowledge(&organization.id, &one.item_id, &one.listing_id, &taken).await?;
                return Ok(true);
            }
            StockOutcome::Rejected { code, reason } | StockOutcome::Failed { code, reason } => (code, reason),
            StockOutcome::Stale { .. } => ("number_kept_changing", String::new()),
        };
        let failure = PushFailure { code: code.to_owned(), reason, since: now };
        self.store.note_push_failure(&organization.id, &one.item_id, &one.listing_id, &failure).await?;
        Ok(false)
    }

    async fn note_failures(
        &self,
        organization: &OrganizationId,
        targets: &[PushTarget],
        code: &str,
        reason: &str,
    ) -> Result<(), AppError> {
        let failure =
            PushFailure { code: code.to_owned(), reason: reason.to_owned(), since: self.clock.now() };
        let noting: Vec<_> = targets
            .iter()
            .map(|target| {
                self.store.note_push_failure(organization, &target.item_id, &target.listing_id, &failure)
            })
            .collect();
        stream::iter(noting).buffer_unordered(ROWS_AT_ONCE).try_collect::<Vec<_>>().await?;
        Ok(())
    }

    async fn queue_rest(
        &self,
        organization: &Organization,
        shop: &OpenShop,
        targets: Vec<PushTarget>,
        force: bool,
    ) -> Result<(), AppError> {
        let queue = QueueName { work: Work::StockPush, channel: shop.connection.channel };
        let task = Task::PushListings { targets, force };
        let deduplication_id = self.ids.next(self.clock.now());
        self.enqueue(queue, &organization.id, &shop.connection.id, deduplication_id, task).await
    }

    pub(crate) async fn location_kinds(
        &self,
        organization: &OrganizationId,
    ) -> Result<BTreeMap<LocationId, LocationKind>, AppError> {
        let locations = self.store.locations(organization).await?;
        Ok(locations.into_iter().map(|location| (location.id, location.kind)).collect())
    }
}

/// The first few of a batch, for the log.
fn shown(batch: &StockBatch) -> String {
    const FEW: usize = 5;
    let mut text: Vec<String> = batch
        .targets
        .iter()
        .take(FEW)
        .map(|target| format!("{}={}", target.listing.external_id, target.quantity))
        .collect();
    if batch.targets.len() > FEW {
        text.push("…".to_owned());
    }
    text.join(" ")
}

/// One target a listing, at the newest version named.
fn newest(targets: Vec<PushTarget>) -> Vec<PushTarget> {
    let mut by_listing = BTreeMap::<ListingId, PushTarget>::new();
    for target in targets {
        match by_listing.get(&target.listing_id) {
            Some(known) if known.version >= target.version => {}
            _ => {
                by_listing.insert(target.listing_id.clone(), target);
            }
        }
    }
    by_listing.into_values().collect()
}

/// The item's levels, each with the kind of its location; one that is not known any more counts as a warehouse, so that
/// no stock disappears silently.
pub(crate) fn placed(stock: &ItemStock, kinds: &BTreeMap<LocationId, LocationKind>) -> Vec<PlacedLevel> {
    let kind = |id: &LocationId| kinds.get(id).copied().unwrap_or(LocationKind::Warehouse);
    stock
        .levels
        .iter()
        .map(|level| PlacedLevel { level: level.clone(), kind: kind(&level.location_id) })
        .collect()
}

fn decide(
    item: &ItemId,
    stock: &ItemStock,
    listings: &BTreeSet<&ListingId>,
    settings: &ConnectionSettings,
    kinds: &BTreeMap<LocationId, LocationKind>,
    force: bool,
    observed: &BTreeMap<ListingId, i64>,
) -> Vec<Sending> {
    let links: Vec<&Link> = stock.links.iter().filter(|link| listings.contains(&link.listing_id)).collect();
    let demand = Demand { rule: &settings.stock_rule, mapping: &settings.location_mapping };
    let (version, shown) = allocate(&placed(stock, kinds), &vec![demand; links.len()]);
    let decided = links.into_iter().zip(shown).filter_map(|(link, availability)| {
        let pushable = Pushable::check(ListingStatus::Linked, link.fulfilment).ok()?;
        let quantity: Quantity = availability?.result;
        // One whose last push failed is told again, also where it shows its number: the failure ends with that.
        let told = observed.contains_key(&link.listing_id) || link.failure.is_some();
        if !told && !pushable.must_send(quantity, version, link.acknowledged, force) {
            return None;
        }
        let acknowledged = link.acknowledged.map(|acknowledged| acknowledged.quantity.units());
        let expected = observed.get(&link.listing_id).copied().or(acknowledged).or(link.observed);
        Some(Sending {
            item_id: item.clone(),
            listing_id: link.listing_id.clone(),
            version,
            target: StockTarget {
                listing: link.listing.clone(),
                stock_ref: link.stock_ref.clone(),
                quantity,
                expected,
            },
        })
    });
    decided.collect()
}

fn as_target(sending: &Sending) -> PushTarget {
    PushTarget {
        item_id: sending.item_id.clone(),
        listing_id: sending.listing_id.clone(),
        version: sending.version,
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
