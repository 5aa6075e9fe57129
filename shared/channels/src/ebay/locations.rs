//! The seller's own inventory locations, and what lies at each of them.
//!
//! An item's `availabilityDistributions` are replaced as a whole by each update, so what else stands in them, the time that
//! goods take from a location, is read first and sent along.

use std::collections::BTreeMap;

use domain::ChannelLocationId;

use super::request::{INVENTORY, with_query};
use super::stock;
use super::wire::{Distribution, FulfillmentTime, InventoryItem, Locations};
use crate::{ChannelError, ChannelLocation, Shop, ShopFacts, ShownAt, ShownByLocation, StockTarget};

const LIST: &str = "list inventory locations";

/// Of one page: eBay's most.
const PAGE: usize = 100;
/// A merchant's locations beyond these are not listed: each of ours is shown at one, and a map has at most 100.
const PAGES_MAX: usize = 10;

/// The fact that names where goods lie that have no place of their own.
const HOME_LOCATION: &str = "home_location";

/// The enabled ones: eBay loads no stock to others. What has a key that no map could name is left out.
pub(super) async fn list(shop: &Shop<'_>) -> Result<Vec<ChannelLocation>, ChannelError> {
    let mut found = Vec::new();
    for number in 0..PAGES_MAX {
        let Page { enabled, last } = page(shop, number).await?;
        found.extend(enabled);
        if last {
            break;
        }
    }
    Ok(found)
}

struct Page {
    enabled: Vec<ChannelLocation>,
    last: bool,
}

async fn page(shop: &Shop<'_>, number: usize) -> Result<Page, ChannelError> {
    INVENTORY.admit(shop, LIST, 1)?;
    let (limit, offset) = (PAGE.to_string(), (number * PAGE).to_string());
    let path = with_query("/location", &[("limit", &limit), ("offset", &offset)]);
    let answer: Locations = INVENTORY.get(shop, LIST, &path).await?;
    let enabled = answer
        .locations
        .into_iter()
        .filter(|location| location.merchant_location_status.as_deref() != Some("DISABLED"))
        .filter_map(|location| {
            let id: ChannelLocationId = location.merchant_location_key.parse().ok()?;
            let name = location.name.filter(|name| !name.trim().is_empty());
            Some(ChannelLocation { name: name.unwrap_or_else(|| id.to_string()), id })
        });
    Ok(Page { enabled: enabled.collect(), last: answer.next.is_none() })
}

/// Where goods lie that have no place of their own: the seller's first location that is enabled. A seller who has none, or
/// none that eBay will tell, is connected all the same.
pub(super) async fn home(shop: &Shop<'_>) -> ShopFacts {
    for number in 0..PAGES_MAX {
        let Ok(Page { enabled, last }) = page(shop, number).await else { break };
        if let Some(first) = enabled.into_iter().next() {
            return ShopFacts::from([(HOME_LOCATION.to_owned(), first.id.to_string())]);
        }
        if last {
            break;
        }
    }
    ShopFacts::new()
}

pub(super) fn home_of(facts: &ShopFacts) -> Option<ChannelLocationId> {
    facts.get(HOME_LOCATION)?.parse().ok()
}

/// By SKU, how long goods take from each location, where the merchant said so.
pub(super) type Times = BTreeMap<String, BTreeMap<String, FulfillmentTime>>;

/// Of items that are told by location. The calls were admitted.
pub(super) async fn times(
    shop: &Shop<'_>,
    operation: &'static str,
    skus: &[&str],
) -> Result<Times, ChannelError> {
    let items = stock::items(shop, operation, skus).await?;
    let timed = |item: &InventoryItem| {
        let each = distributions(item).iter();
        each.filter_map(|one| Some((one.merchant_location_key.clone(), one.fulfillment_time.clone()?)))
            .collect()
    };
    Ok(items.iter().map(|(sku, item)| (sku.clone(), timed(item))).collect())
}

pub(super) fn distributions(item: &InventoryItem) -> &[Distribution] {
    item.availability
        .as_ref()
        .and_then(|availability| availability.ship_to_location_availability.as_ref())
        .map_or(&[], |availability| &availability.availability_distributions)
}

/// What lies at each of the locations, and the number that buyers see, which is the item's or the offer's. An item that
/// is not spread lies nowhere in particular: each location has none of it.
pub(super) async fn read(
    shop: &Shop<'_>,
    locations: &[ChannelLocationId],
    targets: &[StockTarget],
) -> Result<Vec<ShownByLocation>, ChannelError> {
    let looked = stock::look(shop, targets).await?;
    let shown = |(target, number): (&StockTarget, &Option<i64>)| {
        let item = target.listing.variation_id.as_deref().and_then(|sku| looked.items.get(sku));
        let spread = item.filter(|_| number.is_some()).map(distributions);
        let there = |location: &ChannelLocationId| {
            let one = spread?.iter().find(|one| one.merchant_location_key == location.as_str());
            Some(one.and_then(|one| one.quantity).unwrap_or(0))
        };
        let at = locations
            .iter()
            .map(|location| (location.clone(), there(location).map_or(ShownAt::Unknown, ShownAt::Number)));
        ShownByLocation { number: *number, at: at.collect() }
    };
    Ok(targets.iter().zip(&looked.numbers).map(shown).collect())
}
