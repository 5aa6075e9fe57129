//! What each listing of an item must show, shows, and why.

use std::collections::BTreeMap;

use domain::availability::{
    Availability, Demand, LocationKind, LocationMapping, PlacedLevel, StockRule, allocate,
};
use domain::listing::ListingStatus;
use domain::push::{NotPushed, PushState, Pushable};
use domain::stock::{Level, stock_version};
use domain::{ConnectionId, ItemId, ListingId, LocationId, OrganizationId, Quantity, Timestamp};
use store::connection::Connection;
use store::link::{Link, LinkedBy};
use store::stock::{Freshness, ItemStock};

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

/// What decides the numbers of all items of an organization.
pub struct Deciders {
    kinds: BTreeMap<LocationId, LocationKind>,
    connections: BTreeMap<ConnectionId, Connection>,
}

impl App {
    pub async fn deciders(&self, organization: &OrganizationId) -> Result<Deciders, AppError> {
        let (locations, connections) = futures_util::future::try_join(
            self.store.locations(organization),
            self.store.connections(organization),
        )
        .await?;
        Ok(Deciders {
            kinds: locations.into_iter().map(|location| (location.id, location.kind)).collect(),
            connections: connections.into_iter().map(|c| (c.id.clone(), c)).collect(),
        })
    }

    /// The item's levels, those at locations where nothing ever was left out.
    pub async fn levels_of(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
    ) -> Result<Vec<Level>, AppError> {
        self.item(organization, item).await?;
        Ok(self.store.item_stock(organization, item, Freshness::Consistent).await?.levels)
    }

    /// How the number of each listing of the item stands.
    pub async fn listing_pushes(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        deciders: &Deciders,
    ) -> Result<Vec<ListingPush>, AppError> {
        let stock = self.store.item_stock(organization, item, Freshness::Consistent).await?;
        Ok(deciders.pushes(&stock))
    }

    /// The number that `connection` shows of the item; without a connection, that of one with nothing set.
    pub async fn explain_availability(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        connection: Option<&ConnectionId>,
    ) -> Result<Explanation, AppError> {
        let levels = self.levels_of(organization, item).await?;
        let deciders = self.deciders(organization).await?;
        let connection = match connection {
            None => None,
            Some(id) => Some(deciders.connections.get(id).ok_or(AppError::NotFound("connection"))?),
        };
        let settings = connection.map(|connection| connection.settings.clone()).unwrap_or_default();
        let demand = Demand { rule: &settings.stock_rule, mapping: &settings.location_mapping };
        let (_, shown) = allocate(&deciders.placed(&levels), &[demand]);
        Ok(Explanation {
            availability: shown.into_iter().next().flatten(),
            rule: settings.stock_rule,
            not_pushed: connection.and_then(|c| c.settings.pushes(c.status).err()),
            mapping: settings.location_mapping,
        })
    }
}

impl Deciders {
    fn placed(&self, levels: &[Level]) -> Vec<PlacedLevel> {
        let kind = |level: &Level| self.kinds.get(&level.location_id).copied();
        levels
            .iter()
            .map(|level| PlacedLevel {
                level: level.clone(),
                kind: kind(level).unwrap_or(LocationKind::Warehouse),
            })
            .collect()
    }

    fn pushes(&self, stock: &ItemStock) -> Vec<ListingPush> {
        let placed = self.placed(&stock.levels);
        let version = stock_version(&stock.levels);
        let mut pushes = Vec::with_capacity(stock.links.len());
        for link in &stock.links {
            let connection = self.connections.get(&link.connection_id);
            let desired = connection.and_then(|connection| {
                let settings = &connection.settings;
                let demand = Demand { rule: &settings.stock_rule, mapping: &settings.location_mapping };
                allocate(&placed, &[demand]).1.into_iter().next().flatten()
            });
            pushes.push(stand(link, connection, desired.map(|shown| shown.result), version));
        }
        pushes
    }
}

/// Reasons that a channel gave and that no further try changes.
const LASTING: [NotPushed; 2] = [NotPushed::ListingGone, NotPushed::StockNotManaged];

fn stand(
    link: &Link,
    connection: Option<&Connection>,
    desired: Option<Quantity>,
    version: u64,
) -> ListingPush {
    let acknowledged = link.acknowledged;
    let push = |state, reason: Option<&str>, detail, since| ListingPush {
        listing_id: link.listing_id.clone(),
        linked_by: link.linked_by,
        desired,
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
    if let Some(failure) = &link.failure {
        let lasting = LASTING.iter().any(|why| why.code() == failure.code);
        let state = if lasting { PushState::Disabled } else { PushState::Failed };
        return push(state, Some(&failure.code), Some(failure.reason.clone()), Some(failure.since));
    }
    match desired {
        Some(desired) if pushable.must_send(desired, version, acknowledged, false) => {
            push(PushState::Pending, Some("push_pending"), None, quiet_since)
        }
        _ => push(PushState::InSync, None, None, None),
    }
}
