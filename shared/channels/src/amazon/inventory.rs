//! What Amazon holds of the merchant's goods: FBA Inventory, version 1.

use std::collections::{BTreeMap, BTreeSet};

use super::fba_wire::{HeldSummaries, HeldSummary};
use super::{Call, Operation, marketplace, parse};
use crate::fulfiller::HeldStock;
use crate::{ChannelError, ErrorKind, Limit, Shop};

pub(super) static SUMMARIES: Operation = Operation {
    name: "read the stock at Amazon",
    limit: Limit { name: "getInventorySummaries", burst: 2, rate_micro: 2_000_000 },
};

/// SKUs that one call can name.
const SKUS_MAX: usize = 50;
/// One SKU has one summary; more pages than this are no answer to what was asked.
const PAGES_MAX: u32 = 10;

/// One call for each 50 SKUs.
pub(super) async fn held(
    shop: &Shop<'_>,
    skus: &[String],
) -> Result<BTreeMap<String, HeldStock>, ChannelError> {
    let wanted: BTreeSet<&str> = skus.iter().map(String::as_str).collect();
    // A SKU with a comma cannot stand in a list.
    let (alone, listed): (Vec<&str>, Vec<&str>) = wanted.iter().copied().partition(|sku| sku.contains(','));
    let mut held = BTreeMap::new();
    for skus in listed.chunks(SKUS_MAX) {
        read(shop, ("sellerSkus", skus.join(",")), &mut held).await?;
    }
    for sku in alone {
        read(shop, ("sellerSku", sku.to_owned()), &mut held).await?;
    }
    held.retain(|sku, _| wanted.contains(sku.as_str()));
    Ok(held)
}

async fn read(
    shop: &Shop<'_>,
    (name, skus): (&'static str, String),
    held: &mut BTreeMap<String, HeldStock>,
) -> Result<(), ChannelError> {
    let marketplace = marketplace::leading(shop.marketplaces).id;
    let mut token: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let mut call = Call::get(&["fba", "inventory", "v1", "summaries"])
            .with("details", "true")
            .with("granularityType", "Marketplace")
            .with("granularityId", marketplace)
            .with("marketplaceIds", marketplace)
            .with(name, skus.clone());
        if let Some(token) = token.take() {
            call = call.with("nextToken", token);
        }
        let body = SUMMARIES.call(shop, call).await?;
        let answer: HeldSummaries = parse(SUMMARIES.name, &body)?;
        for summary in answer.payload.inventory_summaries {
            if let Some(sku) = summary.seller_sku.clone() {
                add(held.entry(sku).or_default(), &summary);
            }
        }
        match answer.pagination.and_then(|pagination| pagination.next_token) {
            Some(next) if !next.is_empty() => token = Some(next),
            _ => return Ok(()),
        }
    }
    Err(ChannelError::new(ErrorKind::Malformed, SUMMARIES.name, "the answer has no end"))
}

/// A SKU has a summary for each condition that its units are in.
fn add(held: &mut HeldStock, summary: &HeldSummary) {
    let Some(detail) = &summary.inventory_details else { return };
    let units = |quantity: Option<i64>| quantity.unwrap_or(0).max(0);
    let reserved = detail.reserved_quantity.as_ref().and_then(|one| one.total_reserved_quantity);
    let unsellable = detail.unfulfillable_quantity.as_ref().and_then(|one| one.total_unfulfillable_quantity);
    held.sellable += units(detail.fulfillable_quantity);
    held.reserved += units(reserved);
    held.unsellable += units(unsellable);
    held.inbound_working += units(detail.inbound_working_quantity);
    held.inbound_shipped += units(detail.inbound_shipped_quantity);
    held.inbound_receiving += units(detail.inbound_receiving_quantity);
    held.updated_at = held.updated_at.max(summary.last_updated_time);
}
