//! Listings: the published offers of each inventory item.
//!
//! A listing's name is eBay's listing id and, always, the SKU: it is what orders give back, and the items of a group share
//! their listing. A walk goes through the inventory first, then through what is on sale at all ([`elsewhere`]).

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest;
use domain::channel::Fulfilment;
use domain::listing::{ATTRIBUTES_MAX, Attribute, ChannelStatus, FetchedListing, ListingRef, RecordFailure};
use domain::{Money, Name, Quantity, Sku};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Refusal;
use super::marketplace;
use super::request::{INVENTORY, segment, with_query};
use super::stock::StockRef;
use super::wire::{Group, InventoryItem, InventoryItems, Offer, Offers};
use crate::{ChannelError, Cursor, ErrorKind, Page, Shop};

mod elsewhere;

/// Items of a page. eBay allows 200; each costs a call for its offers, and a page should not take long.
pub(super) const PAGE: u32 = 100;
const PAGE_TEXT: &str = "100";

/// Calls under way at the same time.
pub(super) const AT_ONCE: usize = 8;

const FETCH: &str = "fetch a page of listings";

/// Where the walk is.
#[derive(Default, Serialize, Deserialize)]
struct Position {
    /// eBay counts pages, from 0.
    page: u32,
    /// Items in all, when the page before was read.
    total: u64,
    /// Digests of the SKUs of the page before.
    seen: BTreeSet<u64>,
    /// The inventory is behind us: this page of what is on sale at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    elsewhere: Option<u32>,
}

pub(super) async fn fetch(
    shop: &Shop<'_>,
    cursor: Option<&Cursor>,
) -> Result<Page<FetchedListing>, ChannelError> {
    let position: Position = match cursor {
        None => Position::default(),
        Some(Cursor(text)) => serde_json::from_str(text).map_err(|e| {
            ChannelError::new(ErrorKind::Rejected, FETCH, "the cursor cannot be read").caused_by(e)
        })?,
    };
    if let Some(page) = position.elsewhere {
        let (records, more) = elsewhere::fetch(shop, page).await?;
        let next = more.then(|| write_cursor(&Position { elsewhere: Some(page + 1), ..position }));
        return Ok(Page { records, next, total: None });
    }
    INVENTORY.admit(shop, FETCH, 1)?;
    let page = items(shop, position.page).await?;
    let mut nodes = Vec::new();
    // What was deleted since moved all behind it up: some of this page's items are on the page before now.
    if position.page > 0 && page.total < position.total {
        INVENTORY.charge(shop, 1);
        nodes = items(shop, position.page - 1).await?.inventory_items;
    }
    nodes.extend(page.inventory_items);
    let mut seen = BTreeSet::new();
    nodes.retain(|node| {
        let digest = digest_of(node);
        seen.insert(digest) && !position.seen.contains(&digest)
    });
    let groups = groups(shop, &nodes).await?;
    let records = records(shop, nodes, &groups).await?;
    let next = if page.next.is_some() {
        Position { page: position.page + 1, total: page.total, seen, elsewhere: None }
    } else {
        Position { elsewhere: Some(1), ..Position::default() }
    };
    Ok(Page { records, next: Some(write_cursor(&next)), total: Some(page.total) })
}

fn write_cursor(position: &Position) -> Cursor {
    Cursor(serde_json::to_string(position).unwrap_or_default())
}

async fn items(shop: &Shop<'_>, page: u32) -> Result<InventoryItems, ChannelError> {
    let path = with_query("/inventory_item", &[("limit", PAGE_TEXT), ("offset", &page.to_string())]);
    Ok(INVENTORY.get(shop, FETCH, &path).await?)
}

fn digest_of(node: &Value) -> u64 {
    let sku = node.get("sku").and_then(Value::as_str).unwrap_or_default();
    let digest = digest::digest(&digest::SHA256, sku.as_bytes());
    digest.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The groups that the items belong to: each is asked for once.
async fn groups(shop: &Shop<'_>, nodes: &[Value]) -> Result<BTreeMap<String, Group>, ChannelError> {
    let keys: BTreeSet<String> = nodes.iter().filter_map(group_key).collect();
    INVENTORY.charge(shop, keys.len());
    let asked: Vec<_> = keys
        .into_iter()
        .map(|key| async move {
            let path = format!("/inventory_item_group/{}", segment(&key));
            match INVENTORY.get::<Group>(shop, FETCH, &path).await {
                Ok(group) => Ok(Some((key, group))),
                Err(refusal) if is_gone(&refusal) => Ok(None),
                Err(refusal) => Err(refusal.error),
            }
        })
        .collect();
    let found: Vec<_> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

fn group_key(node: &Value) -> Option<String> {
    let of = |field: &str| node.get(field)?.as_array()?.first()?.as_str().map(str::to_owned);
    of("inventoryItemGroupKeys").or_else(|| of("groupIds"))
}

/// eBay says 404, or 400 with a number of its own.
pub(super) fn is_gone(refusal: &Refusal) -> bool {
    const GONE: [i64; 5] = [25702, 25705, 25710, 25713, 25717];
    refusal.error.kind == ErrorKind::Rejected && (refusal.status == 404 || refusal.has(&GONE))
}

async fn records(
    shop: &Shop<'_>,
    nodes: Vec<Value>,
    groups: &BTreeMap<String, Group>,
) -> Result<Vec<Result<FetchedListing, RecordFailure>>, ChannelError> {
    INVENTORY.charge(shop, nodes.len());
    let asked: Vec<_> = nodes
        .into_iter()
        .map(|node| async move {
            let item = match serde_json::from_value::<InventoryItem>(node.clone()) {
                Ok(item) => item,
                Err(_) => return Ok(vec![Err(unreadable(&node))]),
            };
            let group = group_key(&node).and_then(|key| groups.get(&key));
            let offers = offers(shop, &item.sku).await?;
            let sold: Vec<_> = offers.iter().filter(|offer| is_listed(shop, offer)).collect();
            Ok::<_, ChannelError>(sold.into_iter().map(|offer| listing(shop, &item, group, offer)).collect())
        })
        .collect();
    let found: Vec<Vec<_>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

async fn offers(shop: &Shop<'_>, sku: &str) -> Result<Vec<Offer>, ChannelError> {
    let path = with_query("/offer", &[("sku", sku)]);
    match INVENTORY.get::<Offers>(shop, FETCH, &path).await {
        Ok(found) => Ok(found.offers),
        // An item without offers.
        Err(refusal) if is_gone(&refusal) => Ok(Vec::new()),
        Err(refusal) => Err(refusal.error),
    }
}

/// An offer that was never published, or is withdrawn, is no listing.
fn is_listed(shop: &Shop<'_>, offer: &Offer) -> bool {
    let here = marketplace::of(shop).contains(&offer.marketplace_id.as_str());
    here && offer.status.as_deref() == Some("PUBLISHED") && offer.listing.is_some()
}

fn unreadable(node: &Value) -> RecordFailure {
    let text = |pointer: &str| node.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    RecordFailure {
        external_id: text("/sku").unwrap_or_default(),
        sku: text("/sku"),
        title: text("/product/title"),
        code: "unreadable_record".to_owned(),
        reason: "eBay answered for this item in a form that is not documented.".to_owned(),
    }
}

fn listing(
    shop: &Shop<'_>,
    item: &InventoryItem,
    group: Option<&Group>,
    offer: &Offer,
) -> Result<FetchedListing, RecordFailure> {
    let Some(listed) = &offer.listing else {
        return Err(unreadable(&Value::Null));
    };
    let product = item.product.as_ref();
    let refuse = |code: &str, reason: String| RecordFailure {
        external_id: listed.listing_id.clone(),
        sku: Some(item.sku.clone()),
        title: product.and_then(|product| product.title.clone()),
        code: code.to_owned(),
        reason,
    };
    if offer.format.as_deref().is_some_and(|format| format != "FIXED_PRICE") {
        return Err(refuse(
            "auction",
            "Auctions are not synced: eBay keeps their quantity itself.".to_owned(),
        ));
    }
    let sku = Sku::parse(&item.sku).map_err(|e| refuse("invalid_sku", format!("Change the SKU: it {e}.")))?;
    let attributes = attributes(item, group);
    if attributes.len() > ATTRIBUTES_MAX {
        let reason = "Variations with more than three attributes are not synced.".to_owned();
        return Err(refuse("too_many_attributes", reason));
    }
    let title = Name::from_channel(&title(item, group, &attributes))
        .map_err(|e| refuse("invalid_title", format!("Change the title: it {e}.")))?;
    Ok(FetchedListing {
        reference: ListingRef {
            external_id: listed.listing_id.clone(),
            variation_id: Some(item.sku.clone()),
        },
        sku: Some(sku),
        title,
        price: price(shop, offer).map_err(|(code, reason)| refuse(code, reason))?,
        quantity: shown(item, offer).map(Quantity::clamped),
        status: status(&listed.listing_status, listed.listing_on_hold),
        attributes,
        barcode: product.and_then(|product| {
            let codes = [&product.ean, &product.upc, &product.isbn];
            codes.into_iter().flatten().find(|code| code.bytes().any(|b| b.is_ascii_digit())).cloned()
        }),
        fulfilment: Fulfilment::Mfn,
        stock_ref: Some(StockRef::of(offer.offer_id.clone(), item).to_string()),
    })
}

/// What buyers can have: the lesser of what the item and what the offer has.
pub(super) fn shown(item: &InventoryItem, offer: &Offer) -> Option<i64> {
    let of_item = item
        .availability
        .as_ref()
        .and_then(|availability| availability.ship_to_location_availability.as_ref())
        .and_then(|availability| availability.quantity);
    match (of_item, offer.available_quantity) {
        (Some(item), Some(offer)) => Some(item.min(offer)),
        (one, other) => one.or(other),
    }
}

fn price(shop: &Shop<'_>, offer: &Offer) -> Result<Option<Money>, (&'static str, String)> {
    let Some(price) = offer.pricing_summary.as_ref().and_then(|summary| summary.price.as_ref()) else {
        return Ok(None);
    };
    if price.currency != shop.currency.as_str() {
        let reason = format!(
            "It is priced in another currency than {}: connect its marketplace to an organization of that currency.",
            shop.currency
        );
        return Err(("currency_mismatch", reason));
    }
    Money::parse_rounded(&price.value, shop.currency)
        .map(Some)
        .map_err(|e| ("invalid_price", format!("Change the price: it {e}.")))
}

/// Of all the item's aspects, those in which the group's items differ.
fn attributes(item: &InventoryItem, group: Option<&Group>) -> Vec<Attribute> {
    let varies = group.and_then(|group| group.varies_by.as_ref());
    let aspects = item.product.as_ref().map(|product| &product.aspects);
    varies
        .into_iter()
        .flat_map(|varies| &varies.specifications)
        .filter_map(|specification| {
            let values = aspects?.get(&specification.name)?;
            Some(Attribute { name: specification.name.clone(), value: values.join(", ") })
        })
        .collect()
}

fn title(item: &InventoryItem, group: Option<&Group>, attributes: &[Attribute]) -> String {
    let own = item.product.as_ref().and_then(|product| product.title.as_deref());
    let of_group = group.and_then(|group| group.title.as_deref());
    let title = of_group.or(own).unwrap_or(&item.sku);
    if attributes.is_empty() {
        return title.to_owned();
    }
    let values: Vec<&str> = attributes.iter().map(|attribute| attribute.value.as_str()).collect();
    format!("{title} - {}", values.join(" / "))
}

/// What we do not know is not for sale as far as we can tell.
fn status(status: &str, on_hold: bool) -> ChannelStatus {
    match status {
        "ACTIVE" | "OUT_OF_STOCK" if !on_hold => ChannelStatus::Active,
        "ENDED" | "EBAY_ENDED" => ChannelStatus::Deleted,
        _ => ChannelStatus::Inactive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_status_has_its_meaning() {
        let table = [
            ("ACTIVE", false, ChannelStatus::Active),
            ("OUT_OF_STOCK", false, ChannelStatus::Active),
            ("ACTIVE", true, ChannelStatus::Inactive),
            ("INACTIVE", false, ChannelStatus::Inactive),
            ("ENDED", false, ChannelStatus::Deleted),
            ("EBAY_ENDED", true, ChannelStatus::Deleted),
            ("SOMETHING_NEW", false, ChannelStatus::Inactive),
        ];
        for (text, on_hold, expected) in table {
            assert_eq!(status(text, on_hold), expected, "{text}");
        }
    }

    #[test]
    fn buyers_can_have_the_lesser_of_both() {
        let offer = |quantity: Option<i64>| -> Offer {
            serde_json::from_value(json!({ "offerId": "1", "availableQuantity": quantity })).unwrap()
        };
        let item = |quantity: Option<i64>| -> InventoryItem {
            let availability = quantity.map(|n| json!({ "shipToLocationAvailability": { "quantity": n } }));
            serde_json::from_value(json!({ "sku": "S", "availability": availability })).unwrap()
        };
        for (of_item, of_offer, expected) in [
            (Some(5), Some(3), Some(3)),
            (Some(2), Some(3), Some(2)),
            (Some(5), None, Some(5)),
            (None, Some(3), Some(3)),
            (None, None, None),
        ] {
            assert_eq!(shown(&item(of_item), &offer(of_offer)), expected);
        }
    }
}
