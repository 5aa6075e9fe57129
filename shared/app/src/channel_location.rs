//! A channel's own locations: which there are, where a connection's numbers are shown, and what each location shows.

use std::collections::BTreeSet;

use channels::{ChannelLocation, ShownByLocation, StockTarget, adapter};
use domain::channel_location::{ChannelPlaces, MappedLocation, Shares};
use domain::order::FetchedOrder;
use domain::{ChannelKind, ChannelLocationId, ConnectionId, LocationId, OrganizationId};
use store::connection::Connection;

use crate::shop::OpenShop;
use crate::{App, AppError};

/// Where the map stands in the settings.
pub const MAP: &str = "/location_mapping/channel_locations";

/// Where the connection's numbers are shown, were they told by location; `None` on a channel that counts by listing alone.
pub(crate) fn places_of(connection: &Connection, primary: &LocationId) -> Option<ChannelPlaces> {
    let channel = adapter(connection.channel);
    let settings = &connection.settings;
    let mapped = || settings.channel_locations.iter().map(|one| one.channel_location_id.clone()).next();
    let home = channel.home_location(&connection.facts).or_else(mapped);
    let home = home.filter(|_| channel.capability().locations.is_told())?;
    Some(ChannelPlaces {
        map: settings.channel_locations.clone(),
        home,
        orders_from: settings.order_location_id.as_ref().unwrap_or(primary).clone(),
    })
}

/// The same for a listing that was `told` by location before: it is told so while there is a map, and once more after it
/// ended.
pub(crate) fn places_for<'a>(places: Option<&'a ChannelPlaces>, told: &Shares) -> Option<&'a ChannelPlaces> {
    places.filter(|places| !places.map.is_empty() || !told.is_empty())
}

/// Errors: 422 `no_channel_locations` where there is something to map on a channel without locations.
pub(crate) fn check_has_locations(channel: ChannelKind, map: &[MappedLocation]) -> Result<(), AppError> {
    let capability = adapter(channel).capability();
    if map.is_empty() || capability.locations.is_told() {
        return Ok(());
    }
    let detail = format!("{} is told one number a listing: it has no locations to map", capability.name);
    Err(AppError::invalid("no_channel_locations", MAP, detail))
}

impl App {
    /// The channel's own locations that stock can be shown at, as it has them now; none of a channel that counts by listing
    /// alone. Errors: 409 while the connection is not active.
    pub async fn channel_locations(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Vec<ChannelLocation>, AppError> {
        let connection = self.connection(organization, id).await?;
        if !adapter(connection.channel).capability().locations.is_told() {
            return Ok(Vec::new());
        }
        let mut shop = self.open_shop(organization, id).await?;
        self.call(&mut shop, |call| Box::pin(async move { call.channel.locations(&call.shop).await })).await
    }

    /// Errors: 422 `no_channel_locations`, `unknown_channel_location`.
    pub(crate) async fn check_channel_locations(
        &self,
        connection: &Connection,
        map: Option<&[MappedLocation]>,
    ) -> Result<(), AppError> {
        let map = map.unwrap_or_default();
        check_has_locations(connection.channel, map)?;
        if map.is_empty() {
            return Ok(());
        }
        let known = self.channel_locations(&connection.organization_id, &connection.id).await?;
        let known: BTreeSet<&ChannelLocationId> = known.iter().map(|location| &location.id).collect();
        match map.iter().position(|one| !known.contains(&one.channel_location_id)) {
            None => Ok(()),
            Some(n) => Err(AppError::invalid(
                "unknown_channel_location",
                format!("{MAP}/{n}/channel_location_id"),
                "the channel has no such location that stock can be shown at: channel-locations of the connection lists those it has",
            )),
        }
    }

    /// What the channel shows of each target at each of its locations: a call for each full batch, and for each location
    /// where the channel answers for one at a time.
    pub(crate) async fn look_by_location(
        &self,
        shop: &mut OpenShop,
        targets: &[StockTarget],
    ) -> Result<Vec<ShownByLocation>, AppError> {
        let capability = shop.channel.capability();
        let per_call = usize::try_from(capability.stock_batch_max).unwrap_or(1).max(1);
        let locations: BTreeSet<ChannelLocationId> =
            targets.iter().flat_map(|target| &target.locations).map(|at| at.location.clone()).collect();
        let locations: Vec<ChannelLocationId> = locations.into_iter().collect();
        let mut looked = vec![ShownByLocation::default(); targets.len()];
        for locations in locations.chunks(capability.locations.asked_at_once()) {
            let named =
                |target: &StockTarget| target.locations.iter().any(|one| locations.contains(&one.location));
            let there: Vec<(usize, StockTarget)> = targets
                .iter()
                .enumerate()
                .filter(|(_, target)| named(target))
                .map(|(position, target)| (position, target.clone()))
                .collect();
            for part in there.chunks(per_call) {
                let asked: Vec<StockTarget> = part.iter().map(|(_, target)| target.clone()).collect();
                let asked = asked.as_slice();
                let shown = self
                    .call(shop, |call| {
                        Box::pin(
                            async move { call.channel.read_stock_at(&call.shop, locations, asked).await },
                        )
                    })
                    .await?;
                for ((position, _), shown) in part.iter().zip(shown) {
                    if let Some(of_target) = looked.get_mut(*position) {
                        of_target.number = of_target.number.or(shown.number);
                        of_target.at.extend(shown.at);
                    }
                }
            }
        }
        Ok(looked)
    }

    /// Notes where the channel ships each order from, on a connection that maps locations.
    pub(crate) async fn note_assigned<'a>(
        &self,
        shop: &mut OpenShop,
        orders: impl Iterator<Item = &'a mut FetchedOrder> + Send,
    ) -> Result<(), AppError> {
        if shop.connection.settings.channel_locations.is_empty() {
            return Ok(());
        }
        let per_call = usize::try_from(shop.channel.capability().order_ids_max).unwrap_or(1).max(1);
        let mut orders: Vec<&mut FetchedOrder> = orders.collect();
        for orders in orders.chunks_mut(per_call) {
            let ids: Vec<String> = orders.iter().map(|order| order.external_id.clone()).collect();
            let ids = ids.as_slice();
            let mut assigned = self
                .call(shop, |call| {
                    Box::pin(async move { call.channel.assigned_locations(&call.shop, ids).await })
                })
                .await?;
            for order in orders {
                order.assigned_to = assigned.remove(&order.external_id);
            }
        }
        Ok(())
    }
}
