//! What each listing of an item must show, shows, and why.

use std::collections::{BTreeMap, BTreeSet};

use domain::availability::{
    Availability, Demand, Goods, LocationKind, LocationMapping, PlacedLevel, RuleSetting, StockRule,
    allocate, rule_of,
};
use domain::channel_location::Shares;
use domain::connection::ConnectionSettings;
use domain::listing::ListingStatus;
use domain::push::{NotPushed, PushState, Pushable};
use domain::stock::Level;
use domain::{ConnectionId, ItemId, ListingId, LocationId, OrganizationId, Quantity, Timestamp};
use store::connection::Connection;
use store::link::{Link, LinkedBy};
use store::location::Location;
use store::stock::{Freshness, ItemStock};

use crate::channel_location::{places_for, places_of};
use crate::{App, AppError};

/// How a listing's number stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingPush {
    pub listing_id: ListingId,
    pub linked_by: LinkedBy,
    /// `None` where no location counts.
    pub desired: Option<Quantity>,
    pub pushed: Option<Quantity>,
    pub pushed_at: Option<Timestamp>,
    pub state: PushState,
    /// Stable, snake_case; `None` while in sync.
    pub reason: Option<String>,
    /// For people.
    pub detail: Option<String>,
    /// Since when it is not in sync, as far as is known.
    pub since: Option<Timestamp>,
}

/// Why a connection shows an item's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// `None` where no location is mapped.
    pub availability: Option<Availability>,
    pub rule: StockRule,
    pub mapping: LocationMapping,
    /// Why it is not sent, if it is not.
    pub not_pushed: Option<NotPushed>,
}

/// How many listings do not show what they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    pub count: u64,
    /// Since when the one that has been so for longest.
    pub oldest: Option<Timestamp>,
    /// False where there are more.
    pub complete: bool,
}

/// The kinds of an organization's locations. One that is not known any more counts as a warehouse, so that no stock
/// disappears silently.
#[derive(Debug, Clone, Default)]
pub struct LocationKinds(BTreeMap<LocationId, LocationKind>);

impl LocationKinds {
    pub(crate) fn of(locations: Vec<Location>) -> Self {
        Self(locations.into_iter().map(|location| (location.id, location.kind)).collect())
    }

    /// The levels, each with the kind of its location.
    pub(crate) fn placed(&self, levels: &[Level]) -> Vec<PlacedLevel> {
        let kind = |id: &LocationId| self.0.get(id).copied().unwrap_or(LocationKind::Warehouse);
        let placed = |level: &Level| PlacedLevel { level: level.clone(), kind: kind(&level.location_id) };
        levels.iter().map(placed).collect()
    }
}

/// What decides the numbers of all items of an organization.
#[derive(Clone)]
pub struct Deciders {
    pub(crate) kinds: LocationKinds,
    pub(crate) connections: BTreeMap<ConnectionId, Connection>,
    /// The organization's.
    pub(crate) rule: RuleSetting,
    /// Where orders take their stock from on a connection that names no location.
    pub(crate) primary: LocationId,
}

impl App {
    pub async fn deciders(&self, organization: &OrganizationId) -> Result<Deciders, AppError> {
        let (locations, connections, of) = futures_util::future::try_join3(
            self.store.locations(organization),
            self.store.connections(organization),
            self.store.organization(organization),
        )
        .await?;
        let of = of.ok_or(AppError::NotFound("organization"))?;
        Ok(Deciders {
            kinds: LocationKinds::of(locations),
            connections: connections.into_iter().map(|c| (c.id.clone(), c)).collect(),
            rule: of.stock_rule,
            primary: of.primary_location_id,
        })
    }

    /// The item's stock; levels at locations where nothing ever was are left out.
    pub async fn stock_of(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
    ) -> Result<ItemStock, AppError> {
        self.item(organization, item).await?;
        Ok(self.store.item_stock(organization, item, Freshness::Consistent).await?)
    }

    /// The item's levels as they were at `at`, what moved at that instant included: its movements until then, replayed.
    pub async fn levels_at(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        at: Timestamp,
    ) -> Result<Vec<Level>, AppError> {
        self.item(organization, item).await?;
        Ok(self.store.replayed(organization, item, Some(at)).await?)
    }

    /// How the number of each listing of the item stands.
    pub async fn listing_pushes(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        deciders: &Deciders,
    ) -> Result<Vec<ListingPush>, AppError> {
        let stock = self.store.item_stock(organization, item, Freshness::Consistent).await?;
        let goods = self.goods(organization, item, &stock, &deciders.kinds).await?;
        Ok(deciders.pushes(&stock, &goods))
    }

    /// The number that `listing` shows of the item, or `connection`: there, that of its one listing of the item, if it
    /// has one. Without either, that of a connection with nothing set.
    pub async fn explain_availability(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        connection: Option<&ConnectionId>,
        listing: Option<&ListingId>,
    ) -> Result<Explanation, AppError> {
        let stock = self.stock_of(organization, item).await?;
        let deciders = self.deciders(organization).await?;
        let goods = self.goods(organization, item, &stock, &deciders.kinds).await?;
        let link = match (listing, connection) {
            (Some(id), _) => {
                let linked = stock.links.iter().find(|link| link.listing_id == *id);
                Some(linked.ok_or(AppError::NotFound("listing of the item"))?)
            }
            (None, Some(id)) => {
                let mut linked = stock.links.iter().filter(|link| link.connection_id == *id);
                linked.next().filter(|_| linked.next().is_none())
            }
            (None, None) => None,
        };
        let connection = match connection.or(link.map(|link| &link.connection_id)) {
            None => None,
            Some(id) => Some(deciders.connections.get(id).ok_or(AppError::NotFound("connection"))?),
        };
        if let (Some(connection), Some(link)) = (connection, link)
            && connection.id != link.connection_id
        {
            return Err(AppError::NotFound("listing of the connection"));
        }
        let settings = connection.map(|connection| connection.settings.clone()).unwrap_or_default();
        let rule = deciders.rule_of(link.map(|link| &link.rule), &settings);
        let places = connection.and_then(|connection| places_of(connection, &deciders.primary));
        let untold = Shares::new();
        let places = places_for(places.as_ref(), link.map_or(&untold, |link| &link.shares));
        let demand = Demand { rule, mapping: &settings.location_mapping, places };
        Ok(Explanation {
            availability: allocate(&goods, &[demand]).into_iter().next().flatten(),
            rule,
            not_pushed: connection.and_then(|c| c.settings.pushes(c.status).err()),
            mapping: settings.location_mapping,
        })
    }

    /// Linked listings whose number the channel did not take, or that wait for a yes: of the connections that are pushed.
    /// What is on its way at this moment is not among them.
    pub async fn listings_behind(&self, organization: &OrganizationId) -> Result<Behind, AppError> {
        let connections = self.store.connections(organization).await?;
        let pushed = connections.iter().filter(|c| c.settings.pushes(c.status).is_ok());
        let pushed: BTreeSet<&ConnectionId> = pushed.map(|connection| &connection.id).collect();
        let (mut count, mut oldest) = (0, None);
        let all = self.store.for_each_behind(organization, |since, listing| {
            if listing.connection().is_ok_and(|connection| pushed.contains(&connection)) {
                count += 1;
                oldest.get_or_insert(since);
            }
        });
        let complete = all.await?;
        Ok(Behind { count, oldest, complete })
    }

    pub(crate) async fn location_kinds(
        &self,
        organization: &OrganizationId,
    ) -> Result<LocationKinds, AppError> {
        Ok(LocationKinds::of(self.store.locations(organization).await?))
    }
}

impl Deciders {
    /// Listing over connection over organization.
    pub(crate) fn rule_of(&self, listing: Option<&RuleSetting>, settings: &ConnectionSettings) -> StockRule {
        rule_of([listing.unwrap_or(&RuleSetting::default()), &settings.stock_rule, &self.rule])
    }

    /// What a listing with this rule of its own must show on the connection. `told`: by location before.
    pub(crate) fn desired(
        &self,
        connection: &Connection,
        listing: &RuleSetting,
        told: &Shares,
        goods: &Goods,
    ) -> Option<Availability> {
        let settings = &connection.settings;
        let by_location = !settings.channel_locations.is_empty() || !told.is_empty();
        let places = by_location.then(|| places_of(connection, &self.primary)).flatten();
        let demand = Demand {
            rule: self.rule_of(Some(listing), settings),
            mapping: &settings.location_mapping,
            places: places.as_ref(),
        };
        allocate(goods, &[demand]).into_iter().next().flatten()
    }

    fn pushes(&self, stock: &ItemStock, goods: &Goods) -> Vec<ListingPush> {
        let stand_of = |link: &Link| {
            let connection = self.connections.get(&link.connection_id);
            let desired =
                connection.and_then(|connection| self.desired(connection, &link.rule, &link.shares, goods));
            stand(link, connection, desired.as_ref(), goods.version)
        };
        stock.links.iter().map(stand_of).collect()
    }
}

fn stand(
    link: &Link,
    connection: Option<&Connection>,
    desired: Option<&Availability>,
    version: u64,
) -> ListingPush {
    let acknowledged = link.acknowledged;
    let push = |state, reason: Option<&str>, detail, since| ListingPush {
        listing_id: link.listing_id.clone(),
        linked_by: link.linked_by,
        desired: desired.map(|desired| desired.result),
        pushed: acknowledged.map(|a| a.quantity),
        pushed_at: acknowledged.map(|a| a.at),
        state,
        reason: reason.map(str::to_owned),
        detail,
        since,
    };
    let quiet_since = Some(acknowledged.map_or(link.linked_at, |a| a.at));
    let disabled = |why: NotPushed| push(PushState::Disabled, Some(why.code()), None, quiet_since);
    let Some(connection) = connection else { return disabled(NotPushed::ConnectionInactive) };
    let pushable = match Pushable::check(ListingStatus::Linked, link.fulfilment) {
        Ok(pushable) => pushable,
        Err(why) => return disabled(why),
    };
    if let Err(why) = connection.settings.pushes(connection.status) {
        return disabled(why);
    }
    if let Some(since) = link.held_since {
        return push(PushState::Disabled, Some(NotPushed::DriftHeld.code()), None, Some(since));
    }
    if let Some(failure) = link.failure.as_ref().filter(|f| f.code == NotPushed::HeldForApproval.code()) {
        let reason = Some(failure.reason.clone());
        return push(PushState::Pending, Some(&failure.code), reason, Some(failure.since));
    }
    if let Some(failure) = &link.failure {
        let state = if failure.is_lasting() { PushState::Disabled } else { PushState::Failed };
        return push(state, Some(&failure.code), Some(failure.reason.clone()), Some(failure.since));
    }
    match desired {
        Some(desired)
            if pushable.must_send(desired.result, version, acknowledged, false)
                || desired.split.as_ref().is_some_and(|split| !split.is_told(&link.shares)) =>
        {
            push(PushState::Pending, Some("push_pending"), None, quiet_since)
        }
        _ => push(PushState::InSync, None, None, None),
    }
}
