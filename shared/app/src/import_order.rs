//! Importing one order: its row, its commitments and its movements, once, whatever comes how often in which order.

use std::collections::{BTreeMap, BTreeSet};

use domain::channel::Fulfilment;
use domain::fulfilment::{LineStand, state_by, stock_state};
use domain::listing::ListingStatus;
use domain::order::{
    ChannelOrderState, Effect, FetchedLine, FetchedOrder, LinkedLine, OrderPreference, OrderState, Place,
    Tracking, difference, stock_effect,
};
use domain::stock::{Actor, Change, Movement, Reason, Source, SourceKind};
use domain::{ItemId, ListingId, MovementId, OrderId, Quantity, Timestamp};
use jiff::SignedDuration;
use queue::message::{PushTarget, Task};
use queue::{QueueName, Work};
use store::StoreError;
use store::connection::Connection;
use store::listing::Listing;
use store::order::{MOVEMENTS_MAX, Order, OrderLine, Origin};
use store::order_document::OrderDocument;
use store::organization::Organization;
use store::stock::Freshness;

use crate::order_change::is_over;
use crate::retention::buyer_expires_at;
use crate::{App, AppError};

/// Another writer got there first this often: then the message is tried again later.
const CONFLICTS_MAX: u32 = 5;
/// A channel's clock and ours.
const CLOCKS_APART_MAX: SignedDuration = SignedDuration::from_mins(1);

/// What became of a fetched order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    New(OrderId),
    Changed(OrderId),
    /// Known already, in this state or a later one.
    Unchanged(OrderId),
    Skipped {
        code: &'static str,
        reason: &'static str,
    },
}

impl App {
    /// Brings the hub to the fetched state of an order, unless it has a later one.
    pub async fn import_order(
        &self,
        organization: &Organization,
        connection: &Connection,
        fetched: &FetchedOrder,
    ) -> Result<Imported, AppError> {
        let id = OrderId::of(&connection.id, &fetched.external_id)
            .map_err(|_| AppError::Internal("an order without an id"))?;
        for _ in 0..CONFLICTS_MAX {
            match self.try_import(organization, connection, fetched, &id).await {
                Err(AppError::Store(StoreError::Conflict(_))) => {}
                other => return other,
            }
        }
        Err(StoreError::Conflict("order").into())
    }

    async fn try_import(
        &self,
        organization: &Organization,
        connection: &Connection,
        fetched: &FetchedOrder,
        id: &OrderId,
    ) -> Result<Imported, AppError> {
        let now = self.clock.now();
        let before = self.store.order(&organization.id, id).await?;
        if before.as_ref().is_some_and(|before| is_overtaken(before, fetched)) {
            return Ok(Imported::Unchanged(id.clone()));
        }
        let fulfilled = fetched.state == ChannelOrderState::Fulfilled;
        if before.is_none() && fulfilled && organization.order_sync == OrderPreference::Confirmed {
            let reason = "The order is fulfilled already, and the organization takes confirmed orders only.";
            return Ok(Imported::Skipped { code: "fulfilled_not_wanted", reason });
        }
        let listings = self.listings_of(organization, connection, fetched).await?;
        if before.is_none() && sells_only_unlinked(connection, fetched, &listings) {
            let reason = "All its listings are unlinked: orders of unlinked listings are not imported.";
            return Ok(Imported::Skipped { code: "listing_unlinked", reason });
        }
        let mut after = arrived(organization, connection, fetched, id, before.as_ref(), &listings, now);
        if after.contact_id.is_none() && !after.erased {
            let name = channels::adapter(connection.channel).customer_name(&connection.marketplace);
            after.contact_id = self.contact_of_buyer(&organization.id, &name, &fetched.buyer).await?;
        }
        if before.as_ref().is_some_and(|before| before.complete && *before == after) {
            return Ok(Imported::Unchanged(id.clone()));
        }
        let moved_on_channel = |line: &&OrderLine| told_otherwise(connection, before.as_ref(), &after, line);
        let (mut moved_there, same): (Vec<_>, Vec<_>) =
            lines_that_stay(&after).into_iter().partition(moved_on_channel);
        if let Some(before) = &before
            && may_have_been_there_and_back(connection, before, &after)
        {
            moved_there.extend(self.told_since(organization, before, same).await?);
        }
        self.push_sold(organization, connection, &after, &moved_there).await?;
        self.keep_buyer(organization, fetched, before.as_ref(), &after, now).await?;
        let waited: BTreeSet<ListingId> = before.as_ref().map(waits_for).unwrap_or_default();
        let actor = Actor::Connection(connection.id.to_string());
        self.settle_order(organization, &mut after, &waited, &actor).await?;
        // A listing linked while this was written has not seen the order wait for it, so the order looks again.
        for listing in waits_for(&after) {
            let linked =
                self.store.listing(&organization.id, &listing).await?.and_then(|found| found.item_id);
            if let Some(item) = linked {
                self.resolve_listing(&organization.id, &listing, &item, &actor).await?;
            }
        }
        let known = before.is_some_and(|before| before.complete);
        tracing::info!(
            target: "order-import",
            shop = connection.name.as_str(),
            order = after.number,
            state = after.state.as_str(),
            lines = after.lines.len(),
            frozen = after.frozen,
            "{}", if known { "order changed" } else { "order imported" }
        );
        Ok(if known { Imported::Changed(id.clone()) } else { Imported::New(id.clone()) })
    }

    /// The channel no longer has the order: what it still holds of the stock is given back. Whether it was known.
    pub(crate) async fn void_gone_order(
        &self,
        organization: &Organization,
        connection: &Connection,
        external_id: &str,
        gone_at: Timestamp,
    ) -> Result<bool, AppError> {
        let id = OrderId::of(&connection.id, external_id)
            .map_err(|_| AppError::Internal("an order without an id"))?;
        for _ in 0..CONFLICTS_MAX {
            let Some(before) = self.store.order(&organization.id, &id).await? else { return Ok(false) };
            if before.complete && matches!(before.state, OrderState::Void | OrderState::Fulfilled) {
                return Ok(true);
            }
            let mut after = before.clone();
            after.channel_state = ChannelOrderState::Cancelled;
            after.state = OrderState::Void;
            after.frozen = false;
            after.changed_at = gone_at.max(before.changed_at);
            let actor = Actor::Connection(connection.id.to_string());
            match self.settle_order(organization, &mut after, &waits_for(&before), &actor).await {
                Err(AppError::Store(StoreError::Conflict(_))) => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    self.begin_expiry(organization, &after, gone_at).await?;
                    return Ok(true);
                }
            }
        }
        Err(StoreError::Conflict("order").into())
    }

    /// Moves what the order's lines ask for and it has not yet, and stores the order: in one transaction, or, for a
    /// large order, in several, of which all but the last leave it incomplete, to be resumed by whoever sees it next.
    /// `after.version` is that of the row; it grows with each transaction. What a line's bundle is made of is noted with
    /// it here, once.
    pub(crate) async fn settle_order(
        &self,
        organization: &Organization,
        after: &mut Order,
        waited_for: &BTreeSet<ListingId>,
        actor: &Actor,
    ) -> Result<(), AppError> {
        self.settle_order_with(organization, after, waited_for, actor, &[], None).await
    }

    /// As [`App::settle_order`], with papers that are written together with the first transaction, and the reason of
    /// what moves where the movement itself does not say it.
    pub(crate) async fn settle_order_with(
        &self,
        organization: &Organization,
        after: &mut Order,
        waited_for: &BTreeSet<ListingId>,
        actor: &Actor,
        documents: &[OrderDocument],
        reason: Option<Reason>,
    ) -> Result<(), AppError> {
        let mut documents = documents;
        self.note_parts(&organization.id, &mut after.lines).await?;
        let target = target_effect(after);
        let waits = waits_for(after);
        let gone: BTreeSet<ListingId> = waited_for.difference(&waits).cloned().collect();
        loop {
            let moves = difference(&after.applied, &target);
            let (now_moved, later) = moves.split_at(moves.len().min(MOVEMENTS_MAX));
            after.version += 1;
            after.complete = later.is_empty();
            for (place, _) in now_moved {
                match target.get(place) {
                    Some(effect) => after.applied.insert(place.clone(), *effect),
                    None => after.applied.remove(place),
                };
            }
            let movements = now_moved
                .iter()
                .map(|(place, change)| {
                    let reason = reason.unwrap_or_else(|| Reason::of_order(*change));
                    movement(after, place, *change, reason, actor, self.clock.now())
                })
                .collect::<Result<Vec<_>, _>>()?;
            self.store.save_order_with(&organization.id, after, &movements, &waits, &gone, documents).await?;
            documents = &[];
            if after.complete {
                return Ok(());
            }
        }
    }

    /// Those of these lines whose listing was told a number since the order was as we knew it.
    async fn told_since<'a>(
        &self,
        organization: &Organization,
        before: &Order,
        lines: Vec<&'a OrderLine>,
    ) -> Result<Vec<&'a OrderLine>, AppError> {
        let since = before.changed_at.checked_sub(CLOCKS_APART_MAX).unwrap_or(before.changed_at);
        let mut told = Vec::new();
        for line in lines {
            let (Some(listing), Some(item)) = (before.listing_of(line), &line.item_id) else { continue };
            let stock = self.store.item_stock(&organization.id, item, Freshness::Consistent).await?;
            let link = stock.links.into_iter().find(|link| link.listing_id == listing);
            if link.and_then(|link| link.acknowledged).is_some_and(|taken| taken.at >= since) {
                told.push(line);
            }
        }
        Ok(told)
    }

    /// Sends the numbers of what these lines of the order sold once more. Queued before the order is stored: after a crash
    /// in between it is queued again, after one the other way round it never would be.
    async fn push_sold(
        &self,
        organization: &Organization,
        connection: &Connection,
        order: &Order,
        lines: &[&OrderLine],
    ) -> Result<(), AppError> {
        let sold = lines.iter().filter_map(|line| {
            Some(PushTarget {
                listing_id: order.listing_of(line)?,
                item_id: line.item_id.clone()?,
                version: 0,
            })
        });
        let targets: Vec<PushTarget> = sold.collect();
        if targets.is_empty() {
            return Ok(());
        }
        let text = format!("{} {} {:?} {:?}", order.id, order.changed_at, order.channel_state, order.payment);
        let deduplication_id =
            uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string();
        let queue = QueueName { work: Work::StockPush, channel: connection.channel };
        let task = Task::PushListings { targets, force: true };
        self.enqueue(queue, &organization.id, &connection.id, deduplication_id, task).await
    }

    async fn listings_of(
        &self,
        organization: &Organization,
        connection: &Connection,
        fetched: &FetchedOrder,
    ) -> Result<BTreeMap<ListingId, Listing>, AppError> {
        let ids = fetched.lines.iter().filter_map(|line| listing_id(connection, line)).collect();
        Ok(self.store.listings_by_ids(&organization.id, &ids).await?)
    }

    /// Seals who bought, when the order is new, changed while it is open, or came to its end.
    async fn keep_buyer(
        &self,
        organization: &Organization,
        fetched: &FetchedOrder,
        before: Option<&Order>,
        after: &Order,
        now: Timestamp,
    ) -> Result<(), AppError> {
        if after.erased {
            // An attempt that began before the erasure may have kept the buyer after it.
            return Ok(self.store.delete_buyer(&organization.id, &after.id).await?);
        }
        if before.is_some_and(|before| is_over(before.state) && is_over(after.state)) {
            return Ok(());
        }
        let before_contact = before.and_then(|before| before.contact_id.as_ref());
        if let Some(contact) = after.contact_id.as_ref().filter(|contact| before_contact != Some(contact)) {
            self.store.put_contact_order(&organization.id, contact, &after.id).await?;
        }
        let expires_at = buyer_expires_at(organization, after, fetched.changed_at.min(now));
        if expires_at.is_some_and(|at| at <= now) {
            // It ended long ago: what is not to be kept is not taken in.
            return Ok(self.store.delete_buyer(&organization.id, &after.id).await?);
        }
        Ok(self.store.put_buyer(&organization.id, &after.id, &fetched.buyer, expires_at).await?)
    }
}

fn listing_id(connection: &Connection, line: &FetchedLine) -> Option<ListingId> {
    let listing = line.listing.as_ref()?;
    ListingId::of(&connection.id, &listing.external_id, listing.variation_id.as_deref()).ok()
}

/// Whether a later state of the order came before this one.
pub(crate) fn is_overtaken(before: &Order, fetched: &FetchedOrder) -> bool {
    before.complete && before.changed_at > fetched.changed_at
}

/// The order as the channel has it, with what is known of it here. Pure: which order it becomes depends on the state
/// that arrives and on what was kept, not on how often or in which order states came before.
pub(crate) fn arrived(
    organization: &Organization,
    connection: &Connection,
    fetched: &FetchedOrder,
    id: &OrderId,
    before: Option<&Order>,
    listings: &BTreeMap<ListingId, Listing>,
    now: Timestamp,
) -> Order {
    let lines = merge_lines(connection, fetched, before, listings);
    let by_amazon = fetched.fulfilment == Fulfilment::Fba;
    // What Amazon ships was never on the merchant's shelves: it is taken from Amazon's, where that is tracked.
    let at_amazon = connection.settings.fba.as_ref().map(|fba| &fba.location_id);
    let to_amazon = by_amazon && before.is_none_or(|before| before.fulfilled_by == Fulfilment::Mfn);
    // Where the channel counted the sale down, so that both count it at the same place; a person may choose another later.
    let assigned = fetched.assigned_to.as_ref();
    let assigned = assigned.and_then(|at| connection.settings.channel_locations.sold_from(at));
    let location_id = at_amazon
        .filter(|_| to_amazon)
        .or(before.map(|before| &before.location_id))
        .or(assigned)
        .or(connection.settings.order_location_id.as_ref())
        .unwrap_or(&organization.primary_location_id)
        .clone();
    let fulfilled = fetched.state == ChannelOrderState::Fulfilled;
    let long_done = || fulfilled && connection.connected_at.is_some_and(|at| fetched.placed_at < at);
    let no_stock_effect = match before {
        Some(before) if !to_amazon => before.no_stock_effect,
        _ => long_done() || by_amazon && at_amazon.is_none(),
    };
    let stands: Vec<LineStand> = lines.iter().map(OrderLine::stand).collect();
    let state = state_by(fetched.fulfilment, fetched.state, &stands);
    Order {
        id: id.clone(),
        origin: Origin::Channel {
            connection_id: connection.id.clone(),
            external_id: fetched.external_id.clone(),
        },
        number: fetched.number.clone(),
        state,
        channel_state: fetched.state,
        unknown_state: fetched.unknown_state.clone(),
        payment: fetched.payment,
        currency: fetched.currency,
        total: fetched.total,
        frozen: is_frozen(state, &lines),
        lines,
        location_id,
        applied: before.map(|before| before.applied.clone()).unwrap_or_default(),
        complete: before.is_some_and(|before| before.complete),
        no_stock_effect,
        fulfilled_by: fetched.fulfilment,
        tracking: tracking_of(fetched, before),
        deducted_on: before.map_or(organization.stock_deducted_on, |before| before.deducted_on),
        contact_id: before.and_then(|before| before.contact_id.clone()),
        erased: before.is_some_and(|before| before.erased),
        documents: before.map(|before| before.documents).unwrap_or_default(),
        comments: before.map(|before| before.comments.clone()).unwrap_or_default(),
        placed_at: fetched.placed_at,
        changed_at: fetched.changed_at,
        imported_at: before.map_or(now, |before| before.imported_at),
        version: before.map_or(0, |before| before.version),
    }
}

/// What the channel told of packages last; one that no longer tells leaves what is known.
fn tracking_of(fetched: &FetchedOrder, before: Option<&Order>) -> Vec<Tracking> {
    match (fetched.tracking.as_slice(), before) {
        ([], Some(before)) => before.tracking.clone(),
        (told, _) => told.to_vec(),
    }
}

/// Whether a line that Amazon ships leaves the stock there that is tracked here alone: the merchant does not have the
/// listing tracked, or the sale is in the number that was taken over from Amazon already. Amazon's times are to the second.
fn is_untracked(listing: Option<&Listing>, fetched: &FetchedOrder) -> bool {
    let counted = |listing: &Listing| {
        listing.counted_at.is_some_and(|at| fetched.placed_at.as_second() < at.as_second())
    };
    fetched.fulfilment == Fulfilment::Fba
        && listing.is_some_and(|one| one.shipping().tracked() == Fulfilment::Mfn || counted(one))
}

fn sells_only_unlinked(
    connection: &Connection,
    fetched: &FetchedOrder,
    listings: &BTreeMap<ListingId, Listing>,
) -> bool {
    let unlinked = |line: &FetchedLine| {
        listing_id(connection, line)
            .and_then(|id| listings.get(&id))
            .is_some_and(|listing| listing.status == ListingStatus::Unlinked)
    };
    !fetched.lines.is_empty() && fetched.lines.iter().all(unlinked)
}

/// The fetched lines, each with the item it was resolved to before or is linked to now. A line once resolved stays so:
/// what was sold does not change when a listing is linked elsewhere later.
fn merge_lines(
    connection: &Connection,
    fetched: &FetchedOrder,
    before: Option<&Order>,
    listings: &BTreeMap<ListingId, Listing>,
) -> Vec<OrderLine> {
    let known = |line_id: &str| before?.lines.iter().find(|line| line.id == line_id);
    let linked = |line: &FetchedLine| {
        let listing = listings.get(&listing_id(connection, line)?)?;
        listing.item_id.clone().filter(|_| listing.status == ListingStatus::Linked)
    };
    let line = |line: &FetchedLine| OrderLine {
        id: line.line_id.clone(),
        listing: line.listing.clone(),
        item_id: known(&line.line_id).and_then(|line| line.item_id.clone()).or_else(|| linked(line)),
        parts: known(&line.line_id).and_then(|line| line.parts.clone()),
        sku: line.sku.clone(),
        title: line.title.clone(),
        quantity: line.quantity,
        shipped: line.shipped,
        unit_price_minor: line.unit_price.map(|price| price.minor),
        tax_minor: line.tax.map(|tax| tax.minor),
        done: known(&line.line_id).map(|line| line.done).unwrap_or_default(),
        elsewhere: known(&line.line_id).map(|line| line.elsewhere.clone()).unwrap_or_default(),
        untracked: known(&line.line_id).map_or_else(
            || {
                let listing = listing_id(connection, line);
                is_untracked(listing.and_then(|id| listings.get(&id)), fetched)
            },
            |line| line.untracked,
        ),
    };
    let told = |id: &str| fetched.lines.iter().any(|line| line.line_id == id);
    // What was shipped here did leave, also when the channel has forgotten the line.
    let forgotten =
        before.iter().flat_map(|before| &before.lines).filter(|line| !line.is_untouched() && !told(&line.id));
    let forgotten =
        forgotten.map(|line| OrderLine { quantity: Quantity::ZERO, shipped: Quantity::ZERO, ..line.clone() });
    fetched.lines.iter().map(line).chain(forgotten).collect()
}

/// A line that holds up its order: wanted, and not of an item.
pub(crate) fn is_open(line: &OrderLine) -> bool {
    line.item_id.is_none() && line.quantity.get() > 0
}

pub(crate) fn is_frozen(state: OrderState, lines: &[OrderLine]) -> bool {
    state != OrderState::Void && lines.iter().any(is_open)
}

/// The listings whose resolution the order waits for. A void order waits too: reopened, it must not miss one.
pub(crate) fn waits_for(order: &Order) -> BTreeSet<ListingId> {
    order.lines.iter().filter(|line| is_open(line)).filter_map(|line| order.listing_of(line)).collect()
}

/// The lines of which nothing moves here that would be pushed; that another line moves tells nobody of these.
fn lines_that_stay(order: &Order) -> Vec<&OrderLine> {
    let moves = difference(&order.applied, &target_effect(order));
    let moved: BTreeSet<ItemId> = moves.into_iter().map(|(place, _)| place.item_id).collect();
    let stays = |line: &&OrderLine| linked_lines(line).iter().all(|part| !moved.contains(&part.item_id));
    order.lines.iter().filter(stays).collect()
}

/// Whether the channel may have moved its own number of a line: a shop that takes units off when an order is paid, or puts
/// refunded ones back.
fn told_otherwise(connection: &Connection, before: Option<&Order>, after: &Order, line: &OrderLine) -> bool {
    let Some(before) = before else { return came_taken_back(connection, after) };
    before.complete
        && (before.channel_state != after.channel_state
            || before.payment != after.payment
            || !before.lines.contains(line))
}

/// Whether a line that is as it was may have been raised and lowered again: a number that was told in between, from which
/// the channel had taken more than we knew of, got them back on top. A channel that compares refuses such a number.
fn may_have_been_there_and_back(connection: &Connection, before: &Order, after: &Order) -> bool {
    let capability = channels::adapter(connection.channel).capability();
    let moves_back = capability.order_edits && !capability.stock_compare_and_set;
    moves_back && before.complete && !is_over(before.state) && before.changed_at < after.changed_at
}

/// Whether an order is first seen when it, or a line of it, is cancelled already. Its channel took the units off and put
/// them back; where we told a number in between, which did not know of the order, they came on top of it. What ended
/// before there was a connection is of no concern.
fn came_taken_back(connection: &Connection, after: &Order) -> bool {
    let cancelled = after.channel_state == ChannelOrderState::Cancelled;
    let line_cancelled = || after.lines.iter().any(|line| line.quantity == Quantity::ZERO);
    after.changed_at >= connection.created_at && (cancelled || line_cancelled())
}

pub(crate) fn target_effect(order: &Order) -> BTreeMap<Place, Effect> {
    if order.no_stock_effect {
        return BTreeMap::new();
    }
    let linked: Vec<LinkedLine> = order.lines.iter().flat_map(linked_lines).collect();
    let state = stock_state(order.fulfilled_by, order.channel_state);
    stock_effect(state, order.deducted_on, &linked, &order.location_id)
}

/// The simple items of a line that has an item: that one, or what its bundle was made of.
fn linked_lines(line: &OrderLine) -> Vec<LinkedLine> {
    let Some(item) = line.item_id.as_ref().filter(|_| !line.untracked) else { return Vec::new() };
    let of = |item_id: &ItemId, each| LinkedLine {
        item_id: item_id.clone(),
        each,
        stand: line.stand(),
        elsewhere: line.elsewhere.clone(),
    };
    match line.parts.as_deref() {
        None | Some([]) => vec![of(item, 1)],
        Some(parts) => parts.iter().map(|part| of(&part.item_id, part.quantity)).collect(),
    }
}

fn movement(
    order: &Order,
    place: &Place,
    change: Change,
    reason: Reason,
    actor: &Actor,
    at: Timestamp,
) -> Result<Movement, AppError> {
    let key = format!(
        "{}_{}_{}_{}",
        order.id.body(),
        order.version,
        place.item_id.body(),
        place.location_id.body()
    );
    Ok(Movement {
        id: MovementId::from_body(&key).map_err(|_| AppError::Internal("a movement's key is too long"))?,
        item_id: place.item_id.clone(),
        location_id: place.location_id.clone(),
        change,
        reason,
        source: Source { kind: SourceKind::Order, id: order.id.to_string() },
        actor: actor.clone(),
        at,
    })
}
