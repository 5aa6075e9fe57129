//! Plans: what a call would change on the channels, before it does; and that it still would, when it is made.
//!
//! A plan is kept nowhere: its id is the fingerprint of the request and of every change. The same call with the id plans
//! anew and goes on only where nothing became another.

use std::collections::{BTreeMap, BTreeSet};

use domain::availability::{Goods, LocationKind, PlacedLevel};
use domain::channel::Fulfilment;
use domain::channel_location::{LocationSplit, Share, Shares};
use domain::listing::ListingStatus;
use domain::matching::match_listing;
use domain::stock::{Actor, Level};
use domain::{ChannelLocationId, ConnectionId, ItemId, ListingId, OrganizationId, Quantity};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::PageRequest;
use store::connection::Connection;
use store::listing::{Listing, ListingFilter};
use store::organization::Organization;
use store::stock::Freshness;

use crate::availability::Deciders;
use crate::bulk_listing::{BulkAction, BulkOutcome};
use crate::confirm_listing::ItemOverrides;
use crate::connection::ConnectionPatch;
use crate::connection_settings::{RulePatch, patched};
use crate::organization::OrganizationPatch;
use crate::{App, AppError, bulk_listing, organization};

/// Listings that one plan looks at: each costs half a read unit, and the answer is given at once.
pub const LISTINGS_MAX: usize = 10_000;
const PAGE: u32 = 200;
const ITEMS_AT_ONCE: usize = 16;

/// One listing that would be told another number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub listing_id: ListingId,
    /// What the channel is thought to show; `None` where nobody knows.
    pub from: Option<i64>,
    pub to: Quantity,
    /// Stable, snake_case.
    pub why: &'static str,
    /// Of a listing that is told by location: where another number would be shown.
    pub locations: Vec<ChangeAt>,
}

/// One of a channel's locations that would be told another number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeAt {
    pub at: ChannelLocationId,
    /// What it was told; `None` where nobody told it any.
    pub from: Option<Quantity>,
    pub to: Quantity,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub id: String,
    /// In the order of the listings' ids.
    pub changes: Vec<Change>,
}

/// How many listings would change, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    pub changed: u64,
    pub to_zero: u64,
    pub raised: u64,
    pub lowered: u64,
    /// The same number, at other locations of the channel.
    pub moved: u64,
}

impl Plan {
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for change in &self.changes {
            totals.changed += 1;
            let (from, to) = (change.from.unwrap_or(0), change.to.units());
            totals.to_zero += u64::from(to == 0);
            totals.raised += u64::from(to > from);
            totals.lowered += u64::from(to < from);
            totals.moved += u64::from(change.from == Some(to));
        }
        totals
    }

    fn of(request: &str, mut changes: Vec<Change>) -> Self {
        changes.sort_by(|a, b| a.listing_id.cmp(&b.listing_id));
        let mut text = request.to_owned();
        for change in &changes {
            text.push_str(&format!("\n{} {:?} {}", change.listing_id, change.from, change.to));
            for ChangeAt { at, from, to } in &change.locations {
                text.push_str(&format!(" {at} {from:?} {to}"));
            }
        }
        let digest = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes());
        Self { id: format!("pln_{}", digest.simple()), changes }
    }

    fn is_still(&self, id: &str) -> Result<(), AppError> {
        if self.id == id {
            return Ok(());
        }
        Err(AppError::conflict(
            "plan_stale",
            "what would change is another by now, or the request is: plan again",
        ))
    }
}

/// How a call that writes outward is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Execution {
    /// At once.
    Now,
    /// Not at all: the plan is wanted.
    DryRun,
    /// Exactly what the plan with this id said; else 409 `plan_stale`.
    Planned(String),
}

/// What a call came to.
#[derive(Debug)]
pub enum Executed<T> {
    Plan(Plan),
    Done(T),
}

impl Execution {
    fn is_planned(&self) -> bool {
        matches!(self, Self::Planned(_))
    }

    /// The plan where that is what is wanted; nothing where the call may go on.
    fn check(&self, plan: Plan) -> Result<Option<Plan>, AppError> {
        match self {
            Self::Now => Ok(None),
            Self::DryRun => Ok(Some(plan)),
            Self::Planned(id) => plan.is_still(id).map(|()| None),
        }
    }
}

/// A number that a listing is to show under other settings than it has.
struct Wanted<'a> {
    deciders: &'a Deciders,
    why: &'static str,
}

impl App {
    /// Push Stock ([`App::push_item`]).
    pub async fn push_item_planned(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        how: &Execution,
    ) -> Result<Executed<()>, AppError> {
        if *how != Execution::Now {
            let deciders = self.deciders(organization).await?;
            let stock = self.stock_of(organization, item).await?;
            let ids = stock.links.into_iter().map(|link| link.listing_id).collect();
            let listings = self.store.listings_by_ids(organization, &ids).await?.into_values().collect();
            let wanted = Wanted { deciders: &deciders, why: "push" };
            let changes = self.changes(organization, listings, &wanted).await?;
            if let Some(plan) = how.check(Plan::of(&format!("push {item}"), changes))? {
                return Ok(Executed::Plan(plan));
            }
        }
        self.push_item(organization, item).await.map(Executed::Done)
    }

    /// [`App::change_connection`].
    pub async fn change_connection_planned(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        expected: Option<u64>,
        patch: ConnectionPatch,
        how: &Execution,
    ) -> Result<Executed<Connection>, AppError> {
        if *how != Execution::Now {
            let mut deciders = self.deciders(organization).await?;
            let mut connection = self.connection(organization, id).await?;
            let locations = self.store.locations(organization).await?;
            let settings = patched(&connection.settings, &patch.settings, &locations)?;
            let map = patch.settings.location_mapping.channel_locations.as_deref();
            self.check_channel_locations(&connection, map).await?;
            let same_rule = settings.stock_rule == connection.settings.stock_rule;
            let same_mapping = settings.location_mapping == connection.settings.location_mapping
                && settings.channel_locations == connection.settings.channel_locations;
            let why = match (same_rule, same_mapping) {
                (false, true) => "stock_rule",
                (true, false) => "location_mapping",
                _ => "settings",
            };
            connection.settings = settings;
            let request = format!("connection {id} {:?}", connection.settings);
            deciders.connections.insert(id.clone(), connection);
            let wanted = Wanted { deciders: &deciders, why };
            let changes = self.changes_of_connection(organization, id, &wanted).await?;
            if let Some(plan) = how.check(Plan::of(&request, changes))? {
                return Ok(Executed::Plan(plan));
            }
        }
        let approved = how.is_planned();
        self.change_connection_as(organization, id, expected, patch, approved).await.map(Executed::Done)
    }

    /// [`App::change_organization`]: its rule, and what another `auto_link` would link at the next item sync.
    pub async fn change_organization_planned(
        &self,
        id: &OrganizationId,
        expected: Option<u64>,
        patch: &OrganizationPatch,
        how: &Execution,
    ) -> Result<Executed<Organization>, AppError> {
        if *how != Execution::Now {
            let before = self.organization(id).await?;
            let after = organization::patched(&before, patch);
            let mut deciders = self.deciders(id).await?;
            deciders.rule = after.stock_rule;
            let mut changes = Vec::new();
            if after.stock_rule != before.stock_rule {
                let wanted = Wanted { deciders: &deciders, why: "stock_rule" };
                for connection in deciders.connections.keys() {
                    changes.extend(self.changes_of_connection(id, connection, &wanted).await?);
                }
            }
            if after.auto_link != before.auto_link {
                changes.extend(self.changes_of_auto_link(&after, &deciders).await?);
            }
            let request = format!("organization {:?} {:?}", after.stock_rule, after.auto_link);
            if let Some(plan) = how.check(Plan::of(&request, changes))? {
                return Ok(Executed::Plan(plan));
            }
        }
        let approved = how.is_planned();
        self.change_organization_as(id, expected, patch, approved).await.map(Executed::Done)
    }

    /// [`App::change_listing_rule`].
    pub async fn change_listing_rule_planned(
        &self,
        organization: &OrganizationId,
        id: &ListingId,
        expected: Option<u64>,
        patch: RulePatch,
        how: &Execution,
    ) -> Result<Executed<Listing>, AppError> {
        if *how != Execution::Now {
            let deciders = self.deciders(organization).await?;
            let mut listing = self.listing(organization, id).await?;
            listing.stock_rule = patch.applied_to(listing.stock_rule);
            let request = format!("listing {id} {:?}", listing.stock_rule);
            let wanted = Wanted { deciders: &deciders, why: "stock_rule" };
            let changes = self.changes(organization, vec![listing], &wanted).await?;
            if let Some(plan) = how.check(Plan::of(&request, changes))? {
                return Ok(Executed::Plan(plan));
            }
        }
        self.change_listing_rule(organization, id, expected, patch).await.map(Executed::Done)
    }

    /// [`App::bulk_listings`].
    pub async fn bulk_listings_planned(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        action: BulkAction,
        ids: &[ListingId],
        reason: Option<&str>,
        how: &Execution,
    ) -> Result<Executed<Vec<BulkOutcome>>, AppError> {
        if *how != Execution::Now {
            let changes = self.changes_of_bulk(organization, action, ids).await?;
            if let Some(plan) = how.check(Plan::of(&format!("bulk {action:?} {ids:?}"), changes))? {
                return Ok(Executed::Plan(plan));
            }
        }
        self.bulk_listings(organization, actor, action, ids, reason).await.map(Executed::Done)
    }

    async fn changes_of_connection(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<Change>, AppError> {
        let pushes = wanted.deciders.connections.get(connection);
        if pushes.is_none_or(|connection| connection.settings.pushes(connection.status).is_err()) {
            return Ok(Vec::new());
        }
        let mut changes = Vec::new();
        let mut looked_at = 0;
        let mut request = PageRequest { limit: PAGE, cursor: None };
        loop {
            let linked = Some(ListingStatus::Linked);
            let page = self.store.connection_listings(organization, connection, linked, &request).await?;
            looked_at += page.data.len();
            check_size(looked_at)?;
            changes.extend(self.changes(organization, page.data, wanted).await?);
            match page.next_cursor {
                Some(cursor) => request.cursor = Some(cursor),
                None => return Ok(changes),
            }
        }
    }

    /// Of linked listings, those that would show another number than they were told.
    async fn changes(
        &self,
        organization: &OrganizationId,
        listings: Vec<Listing>,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<Change>, AppError> {
        let mut by_item = BTreeMap::<ItemId, Vec<Listing>>::new();
        for listing in listings {
            let ours = listing.shipping().number_of() == Fulfilment::Mfn;
            if let Some(item) = listing.item_id.clone().filter(|_| ours) {
                by_item.entry(item).or_default().push(listing);
            }
        }
        let deciders = wanted.deciders;
        let reads: Vec<_> = by_item
            .into_iter()
            .map(|(item, listings)| async move {
                let stock = self.store.item_stock(organization, &item, Freshness::Consistent).await?;
                let goods = self.goods(organization, &item, &stock, &deciders.kinds).await?;
                let change = |listing: Listing| {
                    let link = stock.links.iter().find(|link| link.listing_id == listing.id)?;
                    let connection = deciders.connections.get(&listing.connection_id)?;
                    connection.settings.pushes(connection.status).ok()?;
                    let shown = deciders.desired(connection, &listing.stock_rule, &link.shares, &goods)?;
                    let to = shown.result;
                    let told = link.acknowledged.map(|acknowledged| acknowledged.quantity.units());
                    let from = told.or(link.observed);
                    let locations =
                        shown.split.map(|split| changes_at(&split, &link.shares)).unwrap_or_default();
                    let differs = from != Some(to.units()) || !locations.is_empty();
                    let changes = link.held_since.is_none() && differs;
                    let why = wanted.why;
                    changes.then_some(Change { listing_id: listing.id, from, to, why, locations })
                };
                Ok::<_, AppError>(listings.into_iter().filter_map(change).collect::<Vec<_>>())
            })
            .collect();
        let found: Vec<Vec<Change>> = stream::iter(reads).buffered(ITEMS_AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// What waits and would be linked with no person asked.
    async fn changes_of_auto_link(
        &self,
        after: &Organization,
        deciders: &Deciders,
    ) -> Result<Vec<Change>, AppError> {
        let mut linking = Vec::new();
        let mut looked_at = 0;
        for connection in deciders.connections.keys() {
            let mut request = PageRequest { limit: PAGE, cursor: None };
            loop {
                let filter = ListingFilter {
                    status: Some(ListingStatus::Unconfirmed),
                    connection_id: Some(connection.clone()),
                    ..ListingFilter::default()
                };
                let page = self.store.listings(&after.id, &filter, &request).await?;
                looked_at += page.data.len();
                check_size(looked_at)?;
                let around = self.surroundings(after, connection, &page.data).await?;
                for listing in page.data {
                    let candidates = around.candidates(&listing);
                    let matched =
                        match_listing(listing.sku.as_ref(), &listing.title, &candidates, after.auto_link);
                    linking.extend(matched.link.map(|item| (listing, item)));
                }
                match page.next_cursor {
                    Some(cursor) => request.cursor = Some(cursor),
                    None => break,
                }
            }
        }
        self.changes_of_links(&after.id, linking, deciders, "auto_link").await
    }

    async fn changes_of_bulk(
        &self,
        organization: &OrganizationId,
        action: BulkAction,
        ids: &[ListingId],
    ) -> Result<Vec<Change>, AppError> {
        let deciders = self.deciders(organization).await?;
        let of = self.organization(organization).await?;
        let ids: BTreeSet<ListingId> = ids.iter().cloned().collect();
        let listings = self.store.listings_by_ids(organization, &ids).await?;
        let (mut linking, mut made) = (Vec::new(), Vec::new());
        for listing in listings.into_values().filter(|listing| listing.item_id.is_none()) {
            let why = match action {
                BulkAction::Dismiss | BulkAction::Restore => continue,
                BulkAction::LinkMatches => match bulk_listing::match_of(&listing) {
                    Ok(item) => {
                        linking.push((listing, item));
                        continue;
                    }
                    Err(_) => continue,
                },
                BulkAction::Confirm if bulk_listing::check_bulk_confirm(&listing).is_err() => continue,
                BulkAction::Confirm => "confirm",
            };
            let nothing_said = ItemOverrides::default();
            match self.item_to_join(organization, &listing, &nothing_said).await? {
                Some(item) => linking.push((listing, item)),
                None => made.extend(change_of_new(&of, &deciders, &listing, why)),
            }
        }
        made.extend(self.changes_of_links(organization, linking, &deciders, "link").await?);
        Ok(made)
    }

    /// What listings would show once they are linked to these items.
    async fn changes_of_links(
        &self,
        organization: &OrganizationId,
        linking: Vec<(Listing, ItemId)>,
        deciders: &Deciders,
        why: &'static str,
    ) -> Result<Vec<Change>, AppError> {
        let mut goods = BTreeMap::<ItemId, Goods>::new();
        let mut changes = Vec::new();
        for (listing, item) in linking {
            if !goods.contains_key(&item) {
                let stock = self.store.item_stock(organization, &item, Freshness::Consistent).await?;
                let of_item = self.goods(organization, &item, &stock, &deciders.kinds).await?;
                goods.insert(item.clone(), of_item);
            }
            changes.extend(goods.get(&item).and_then(|goods| change_of(deciders, &listing, goods, why)));
        }
        Ok(changes)
    }
}

/// What a listing without a link would be told with these goods, if that is another number than it shows.
fn change_of(deciders: &Deciders, listing: &Listing, goods: &Goods, why: &'static str) -> Option<Change> {
    let connection = deciders.connections.get(&listing.connection_id)?;
    connection.settings.pushes(connection.status).ok()?;
    if listing.shipping().number_of() != Fulfilment::Mfn {
        return None;
    }
    let untold = Shares::new();
    let shown = deciders.desired(connection, &listing.stock_rule, &untold, goods)?;
    let to = shown.result;
    let locations = shown.split.map(|split| changes_at(&split, &untold)).unwrap_or_default();
    let from = listing.channel_quantity.map(Quantity::units);
    let listing_id = listing.id.clone();
    (from != Some(to.units())).then_some(Change { listing_id, from, to, why, locations })
}

fn changes_at(split: &LocationSplit, told: &Shares) -> Vec<ChangeAt> {
    let change = |share: Share| {
        let from = told.get(&share.at).map(|told| told.unwrap_or_default());
        (from != Some(share.quantity)).then_some(ChangeAt { at: share.at, from, to: share.quantity })
    };
    split.to_tell(told).into_iter().filter_map(change).collect()
}

/// The same where an item is made of it: its opening stock is what the channel shows, at the primary location.
fn change_of_new(
    organization: &Organization,
    deciders: &Deciders,
    listing: &Listing,
    why: &'static str,
) -> Option<Change> {
    let on_hand = listing.channel_quantity.map_or(0, Quantity::units);
    let level = Level { on_hand, ..Level::empty(organization.primary_location_id.clone()) };
    let goods = Goods::simple(vec![PlacedLevel { level, kind: LocationKind::Warehouse }]);
    change_of(deciders, listing, &goods, why)
}

fn check_size(listings: usize) -> Result<(), AppError> {
    if listings <= LISTINGS_MAX {
        return Ok(());
    }
    let detail = format!("more than {LISTINGS_MAX} listings are concerned, which is too many for a plan");
    Err(AppError::Invalid { code: "plan_too_large", detail, fields: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_say_which_way_each_listing_goes() {
        let moved = ChangeAt { at: "501".parse().unwrap(), from: None, to: Quantity::clamped(3) };
        let changes = [
            (Some(5), 7, vec![]),
            (Some(5), 3, vec![]),
            (Some(5), 0, vec![]),
            (None, 4, vec![]),
            (None, 0, vec![]),
            (Some(-2), 0, vec![]),
            (Some(9), 9, vec![moved]),
        ];
        let change = |(from, to, locations)| Change {
            listing_id: "lst_1".parse().unwrap(),
            from,
            to: Quantity::clamped(to),
            why: "push",
            locations,
        };
        let plan = Plan::of("push", changes.into_iter().map(change).collect());
        let totals = Totals { changed: 7, to_zero: 3, raised: 3, lowered: 2, moved: 1 };
        assert_eq!(plan.totals(), totals);
    }
}
