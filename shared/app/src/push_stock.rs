//! Bringing listings to what they must show now.
//!
//! Level-triggered: a message names listings, the numbers are computed here from the table as it is. So a message lost,
//! doubled or out of order changes nothing, and of a burst only the last state is sent.

use std::collections::{BTreeMap, BTreeSet};

use channels::{ErrorKind, StockTarget};
use domain::push::NotPushed;
use domain::stock::stock_version;
use domain::{ItemId, ListingId, OrganizationId, Timestamp};
use futures_util::{StreamExt, TryStreamExt, stream};
use queue::message::PushTarget;
use store::connection::Connection;
use store::organization::Organization;
use store::stock::{Freshness, ItemStock};
use store::sync::Held;

use crate::availability::LocationKinds;
use crate::channel_location::places_of;
use crate::decide_push::{Observed, Sending, Told, as_target, decide};
use crate::hold::PushMode;
use crate::metric::{Metric, record};
use crate::shop::OpenShop;
use crate::work::Attempt;
use crate::{App, AppError};

/// Items read at the same time.
const ROWS_AT_ONCE: usize = 16;
/// A channel that compares is told, looked at and told again this often before the rest waits for the next message.
const ROUNDS_MAX: u32 = 3;
/// Listings times locations that are looked at in one push because nobody knows what they show: two full questions, which
/// a Standard bucket of Shopify's holds.
const LOOKS_MAX: usize = 500;

/// What is to be done for the listings of a push.
#[derive(Debug, Default)]
struct Planned {
    sending: Vec<Sending>,
    /// By ticket: listings whose last submission the channel still works on.
    waiting: BTreeMap<String, Vec<PushTarget>>,
}

/// Listings that wait, each with the ticket of its submission.
type Open = Vec<(String, PushTarget)>;

/// How far a push is.
pub(crate) struct Progress {
    pub pushed: Pushed,
    /// What must be told and was not taken yet: what fails where the channel does.
    pub left: Vec<PushTarget>,
}

/// What a push came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pushed {
    pub accepted: u64,
    pub failed: u64,
    /// The channel works on it.
    pub submitted: u64,
    /// Showed the right number already, or may not be pushed.
    pub untouched: u64,
    /// Of those accepted and submitted.
    pub zeroed: u64,
    /// Too many would have gone to zero: those were left out, and a person is to be asked.
    pub held: Option<Held>,
}

impl App {
    /// Pushes the listings of one connection. Orders are looked at first, wherever the channel's limits allow. What would
    /// take too many to zero is held, as a sync that waits for a yes.
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
        let mode = PushMode { force, approved: false, received_before: attempt.receive_count > 1 };
        let pushed = self.push_as(&connection, targets, mode, attempt).await?;
        if let Some(held) = pushed.held {
            self.hold_run(&connection, held).await?;
        }
        Ok(pushed)
    }

    /// The same, with whoever asks seeing to what is held.
    pub(crate) async fn push_as(
        &self,
        connection: &Connection,
        targets: Vec<PushTarget>,
        mode: PushMode,
        attempt: &Attempt,
    ) -> Result<Pushed, AppError> {
        if connection.settings.pushes(connection.status).is_err() {
            return Ok(Pushed::default());
        }
        let organization = self.organization(&connection.organization_id).await?;
        let targets = newest(targets);
        let mut progress = Progress { pushed: Pushed::default(), left: targets.clone() };
        let result =
            self.push_open(&organization, &connection.id, targets, mode, attempt, &mut progress).await;
        if let Err(AppError::Channel(error)) = &result {
            let (code, reason) = (error.kind.code(), error.to_string());
            self.note_failures(&organization.id, &progress.left, code, &reason).await?;
        }
        result.map(|()| progress.pushed)
    }

    async fn push_open(
        &self,
        organization: &Organization,
        connection: &domain::ConnectionId,
        targets: Vec<PushTarget>,
        mode: PushMode,
        attempt: &Attempt,
        progress: &mut Progress,
    ) -> Result<(), AppError> {
        let mut shop = self.open_shop(&organization.id, connection).await?;
        let shop = &mut shop;
        let force = mode.sends_known();
        let kinds = self.location_kinds(&organization.id).await?;
        let mut observed = BTreeMap::<ListingId, Observed>::new();
        let mut open = targets;
        for round in 1..=ROUNDS_MAX {
            let read = if round == 1 && !force { Freshness::Eventual } else { Freshness::Consistent };
            let mut planned = self.plan(organization, shop, &kinds, &open, force, &observed, read).await?;
            // Nobody said how new the levels of a sweep must be: the few that seem to be behind are read again.
            if read == Freshness::Eventual && open.iter().any(|target| target.version == 0) {
                let behind: Vec<PushTarget> = planned.sending.iter().map(as_target).collect();
                let read = Freshness::Consistent;
                let again = self.plan(organization, shop, &kinds, &behind, false, &observed, read).await?;
                planned.sending = again.sending;
                for (ticket, targets) in again.waiting {
                    planned.waiting.entry(ticket).or_default().extend(targets);
                }
            }
            let sending = &mut planned.sending;
            let unseen = self.take_unseen(organization, shop, sending, &mut open, force).await?;
            progress.left = sending.iter().map(as_target).collect();
            // Looked at before the orders are: what sells in between is another number than the one compared with.
            self.observe(shop, &unseen, &mut observed).await?;
            // Planned before the orders are looked at: of a burst of messages only the first calls the channel. Planned
            // again only if there were new ones, and then from what they left: a read that lags would give the units of the
            // orders just stored to the channel once more.
            let look = shop.channel.capability().order_look_before_push || round > 1;
            let looks = look && !planned.sending.is_empty();
            let moved = looks && self.look_at_orders(organization, shop).await?.moved;
            if moved || !unseen.is_empty() {
                let read = Freshness::Consistent;
                planned = self.plan(organization, shop, &kinds, &open, force, &observed, read).await?;
            }
            let Planned { mut sending, waiting } = planned;
            // Asked for again by whoever meets it: the message that was to ask may be lost.
            self.queue_results(organization, shop, waiting, mode.force).await?;
            if round == 1 {
                progress.pushed.untouched = count(open.len().saturating_sub(sending.len()));
            }
            let since = self.withhold(shop, &mut sending, mode, &mut progress.pushed).await?;
            progress.left = sending.iter().map(as_target).collect();
            let again = self.send(organization, shop, sending, mode, attempt, progress).await?;
            let zeroed = std::mem::take(&mut progress.pushed.zeroed);
            if let Some(since) = since.filter(|_| zeroed > 0) {
                self.store.note_zeroed(&organization.id, &shop.connection.id, zeroed, since).await?;
            }
            if again.is_empty() {
                record(Metric::ListingsFailed, Some(shop.connection.channel), progress.pushed.failed);
                return Ok(());
            }
            open = again.iter().map(as_target).collect();
            progress.left.clone_from(&open);
            self.observe(shop, &again, &mut observed).await?;
        }
        progress.left.clear();
        let reason = "the number on the channel kept changing while it was set";
        self.note_failures(&organization.id, &open, "number_kept_changing", reason).await?;
        Err(channels::ChannelError::new(ErrorKind::Unavailable, "set quantities", reason).into())
    }

    /// Those whose numbers by location nobody knows, of a channel that compares them; as many as can be looked at within its
    /// limits. The others are taken out and left to messages of their own.
    async fn take_unseen(
        &self,
        organization: &Organization,
        shop: &OpenShop,
        sending: &mut Vec<Sending>,
        open: &mut Vec<PushTarget>,
        force: bool,
    ) -> Result<Vec<Sending>, AppError> {
        let compared = shop.channel.capability().stock_compare_and_set;
        let mut unseen: Vec<Sending> =
            sending.iter().filter(|one| compared && one.is_unseen()).cloned().collect();
        let places = unseen.iter().map(|one| one.target.locations.len()).max().unwrap_or(1);
        let at_once = (LOOKS_MAX / places.max(1)).max(1);
        if unseen.len() > at_once {
            let later = unseen.split_off(at_once);
            for part in later.chunks(at_once) {
                self.queue_rest(organization, shop, part.iter().map(as_target).collect(), force).await?;
            }
            let later: BTreeSet<ListingId> = later.into_iter().map(|one| one.listing_id).collect();
            sending.retain(|one| !later.contains(&one.listing_id));
            open.retain(|target| !later.contains(&target.listing_id));
        }
        Ok(unseen)
    }

    /// Takes out what may not go to zero without a yes. Since when those are counted that may; `None` where there are
    /// none to count.
    async fn withhold(
        &self,
        shop: &OpenShop,
        sending: &mut Vec<Sending>,
        mode: PushMode,
        pushed: &mut Pushed,
    ) -> Result<Option<Timestamp>, AppError> {
        let zeroing = sending.iter().filter(|sending| sending.zeroes).count();
        if zeroing == 0 || mode.approved {
            return Ok(None);
        }
        let connection = &shop.connection;
        let counted = self.count_zeroing(connection, count(zeroing)).await?;
        let Some(held) = counted.held else { return Ok(Some(counted.since)) };
        let (kept_back, rest): (Vec<_>, Vec<_>) =
            std::mem::take(sending).into_iter().partition(|sending| sending.zeroes);
        *sending = rest;
        let kept_back: Vec<PushTarget> = kept_back.iter().map(as_target).collect();
        let Held { to_zero, limit, linked } = held;
        let reason = format!(
            "{to_zero} of {linked} linked listings would go to zero, above the limit of {limit}: approve or cancel the held sync"
        );
        let code = NotPushed::HeldForApproval.code();
        self.note_failures(&connection.organization_id, &kept_back, code, &reason).await?;
        pushed.untouched += count(kept_back.len());
        pushed.held = Some(held);
        Ok(None)
    }

    /// The channel's number was not what we thought: most likely it sold. What it shows now is what the next round
    /// compares with, after another look at the orders.
    async fn observe(
        &self,
        shop: &mut OpenShop,
        again: &[Sending],
        observed: &mut BTreeMap<ListingId, Observed>,
    ) -> Result<(), AppError> {
        let (placed, plain): (Vec<&Sending>, Vec<&Sending>) =
            again.iter().partition(|sending| !sending.target.locations.is_empty());
        let mut seen = Vec::with_capacity(again.len());
        if !plain.is_empty() {
            let stale: Vec<StockTarget> = plain.iter().map(|sending| sending.target.clone()).collect();
            let shown = self
                .call(shop, |call| {
                    let stale = &stale;
                    Box::pin(async move { call.channel.read_stock(&call.shop, stale).await })
                })
                .await?;
            let shown = shown.into_iter().map(|number| (number, BTreeMap::new()));
            seen.extend(plain.into_iter().zip(shown));
        }
        if !placed.is_empty() {
            let stale: Vec<StockTarget> = placed.iter().map(|sending| sending.target.clone()).collect();
            let shown = self.look_by_location(shop, &stale).await?;
            seen.extend(placed.into_iter().zip(shown.into_iter().map(|looked| (looked.total(), looked.at))));
        }
        for (sending, (number, at)) in seen {
            match number {
                Some(number) => observed.insert(sending.listing_id.clone(), Observed { number, at }),
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
        kinds: &LocationKinds,
        targets: &[PushTarget],
        force: bool,
        observed: &BTreeMap<ListingId, Observed>,
        read: Freshness,
    ) -> Result<Planned, AppError> {
        let mut wanted = BTreeMap::<&ItemId, (u64, BTreeSet<&ListingId>)>::new();
        for target in targets {
            let of_item = wanted.entry(&target.item_id).or_default();
            of_item.0 = of_item.0.max(target.version);
            of_item.1.insert(&target.listing_id);
        }
        let settings = &shop.connection.settings;
        let places = &places_of(&shop.connection, &organization.primary_location_id);
        // Collected before they are polled: the compiler cannot see through a stream of borrowing closures.
        let now = self.clock.now();
        let reads: Vec<_> = wanted
            .into_iter()
            .map(|(item, (version, listings))| async move {
                let mut stock = self.stock_at_least(&organization.id, item, version, &listings, read).await?;
                let goods = self.goods(&organization.id, item, &stock, kinds).await?;
                let waiting = take_open(item, goods.version, &mut stock, &listings, now);
                let links = stock.links.iter().filter(|link| listings.contains(&link.listing_id)).collect();
                let rule = &organization.stock_rule;
                let told = Told { organization: rule, settings, places: places.as_ref(), force, observed };
                Ok::<_, AppError>((decide(item, &goods, links, &told), waiting))
            })
            .collect();
        let read: Vec<(Vec<Sending>, Open)> =
            stream::iter(reads).buffered(ROWS_AT_ONCE).try_collect().await?;
        let mut planned = Planned::default();
        for (sending, waiting) in read {
            planned.sending.extend(sending);
            for (ticket, target) in waiting {
                planned.waiting.entry(ticket).or_default().push(target);
            }
        }
        Ok(planned)
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
}

/// One target a listing, at the newest version named.
pub(crate) fn newest(targets: Vec<PushTarget>) -> Vec<PushTarget> {
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

/// Takes out of `stock` the links whose last submission is still worked on: they must not be told by another way.
fn take_open(
    item: &ItemId,
    version: u64,
    stock: &mut ItemStock,
    listings: &BTreeSet<&ListingId>,
    now: Timestamp,
) -> Open {
    let mut open = Vec::new();
    stock.links.retain(|link| {
        let submitted = link.submitted.as_ref().filter(|submitted| submitted.is_open(now));
        let Some(submitted) = submitted.filter(|_| listings.contains(&link.listing_id)) else { return true };
        let listing_id = link.listing_id.clone();
        open.push((submitted.ticket.clone(), PushTarget { item_id: item.clone(), listing_id, version }));
        false
    });
    open
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
