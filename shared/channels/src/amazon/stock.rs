//! Stock of what the merchant ships: by PATCH for a few SKUs, by one feed ([`super::feed`]) for many.
//!
//! The patch merges: it says how many there are and leaves handling time and restock date alone, which replacing would
//! reset.

use std::collections::{BTreeMap, BTreeSet};

use domain::Quantity;
use serde_json::{Value, json};

use super::error::printable;
use super::wire::{Issue, Item, SearchedItems, Submission};
use super::{Call, Operation, feed, listings, marketplace, parse, seller};
use crate::{ChannelError, Limit, Pace, Shop, StockBatch, StockOutcome, StockTarget};

/// What PATCHes would take longer than this for goes as a feed, at the rate that Amazon gives the seller: 150 SKUs at the 5 a
/// second that it publishes. In the 5 minutes in which it takes 5 feeds it takes 1,500 PATCHes: there a feed is quicker in any
/// case. But a worker stops after 45 s, and what a PATCH cannot do in one attempt's time waits for the next.
const PATCHES_S: u32 = 30;

/// SKUs that one search can name.
const IDENTIFIERS_MAX: usize = 20;

pub(super) static PATCH: Operation = Operation {
    name: "set a quantity",
    limit: Limit { name: "patchListingsItem", burst: 5, rate_micro: 5_000_000 },
};
pub(super) static GET: Operation = Operation {
    name: "read a quantity",
    limit: Limit { name: "getListingsItem", burst: 10, rate_micro: 5_000_000 },
};

/// Where a listing's number is kept: what [`StockTarget::stock_ref`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// With the merchant, and told in the leading marketplace.
    Leading,
    /// With the merchant; of the connection's marketplaces only this and later ones have the SKU.
    Marketplace(String),
    /// With Amazon, under the code of its own network.
    Amazon(String),
}

impl Place {
    /// Codes of Amazon's networks: `AMAZON_NA`, `AMAZON_EU`, …; the merchant's is `DEFAULT`.
    pub fn is_amazon_s(code: &str) -> bool {
        code.starts_with("AMAZON")
    }

    pub fn of_marketplace(id: Option<&str>, marketplaces: &[&str]) -> Self {
        match (id, marketplaces.first()) {
            (Some(id), Some(leading)) if id != *leading => Self::Marketplace(id.to_owned()),
            _ => Self::Leading,
        }
    }

    pub fn to_stock_ref(&self) -> Option<String> {
        match self {
            Self::Leading => None,
            Self::Marketplace(id) => Some(id.clone()),
            Self::Amazon(code) => Some(code.clone()),
        }
    }

    fn of(target: &StockTarget) -> Self {
        match &target.stock_ref {
            None => Self::Leading,
            Some(code) if Self::is_amazon_s(code) => Self::Amazon(code.clone()),
            Some(id) => Self::Marketplace(id.clone()),
        }
    }
}

/// Of two targets for one SKU the later counts. What Amazon ships is in no feed.
pub(super) fn plan(targets: Vec<StockTarget>, pace: &Pace) -> Vec<StockBatch> {
    let mut last = BTreeMap::new();
    for (position, target) in targets.iter().enumerate() {
        last.insert(target.listing.external_id.clone(), position);
    }
    let kept: BTreeSet<usize> = last.into_values().collect();
    let targets: Vec<StockTarget> = targets
        .into_iter()
        .enumerate()
        .filter(|(position, _)| kept.contains(position))
        .map(|(_, target)| target)
        .collect();
    let patched = usize::try_from(pace.calls_in(&PATCH.limit, PATCHES_S)).unwrap_or(usize::MAX);
    if targets.len() <= patched.max(1) {
        return targets.into_iter().map(|target| StockBatch { group: None, targets: vec![target] }).collect();
    }
    feed::plan(targets)
}

pub(super) async fn push(shop: &Shop<'_>, batch: &StockBatch) -> Result<Vec<StockOutcome>, ChannelError> {
    if let Some(group) = &batch.group {
        return feed::submit(shop, group, &batch.targets).await;
    }
    let mut outcomes = Vec::with_capacity(batch.targets.len());
    for target in &batch.targets {
        outcomes.push(patch(shop, target).await?);
    }
    Ok(outcomes)
}

/// The operation that sets a quantity.
pub(super) fn patches(quantity: Quantity) -> Value {
    json!([{
        "op": "merge",
        "path": "/attributes/fulfillment_availability",
        "value": [{ "fulfillment_channel_code": "DEFAULT", "quantity": quantity.get() }],
    }])
}

/// Amazon's number: the merchant's quantity on an FBA listing would switch who ships it.
pub(super) fn refuse_amazon_s(target: &StockTarget) -> Option<StockOutcome> {
    matches!(Place::of(target), Place::Amazon(_)).then(|| {
        rejected("fulfilled_by_amazon", "Amazon ships it and counts it: its number is not ours to set")
    })
}

/// Where the number is told.
pub(super) fn marketplace_of(shop: &Shop<'_>, target: &StockTarget) -> String {
    match Place::of(target) {
        Place::Marketplace(id) => id,
        Place::Leading | Place::Amazon(_) => marketplace::leading(shop.marketplaces).id.to_owned(),
    }
}

async fn patch(shop: &Shop<'_>, target: &StockTarget) -> Result<StockOutcome, ChannelError> {
    if let Some(refused) = refuse_amazon_s(target) {
        return Ok(refused);
    }
    let sku = target.listing.external_id.as_str();
    let mut call = Call::get(&["listings", "2021-08-01", "items", seller(shop, PATCH.name)?, sku])
        .with("marketplaceIds", marketplace_of(shop, target));
    call.method = http::Method::PATCH;
    call.body = Some(json!({ "productType": "PRODUCT", "patches": patches(target.quantity) }));
    let Some(body) = PATCH.call_if_any(shop, call).await? else {
        return Ok(rejected("listing_gone", "Amazon no longer has this SKU"));
    };
    let submission: Submission = parse(PATCH.name, &body)?;
    Ok(match submission.status.as_str() {
        "ACCEPTED" => StockOutcome::Accepted,
        _ => refused_by(
            &submission
                .issues
                .iter()
                .map(|issue: &Issue| (issue.severity.as_str(), issue.code.as_str()))
                .collect::<Vec<_>>(),
        ),
    })
}

/// Issues of a SKU that is not known, by Amazon's number.
const NO_SUCH_SKU: [&str; 2] = ["8560", "13013"];

/// What Amazon's issues, each with its severity, come to: errors are the merchant's to mend on Amazon.
pub(super) fn refused_by(issues: &[(&str, &str)]) -> StockOutcome {
    let code = issues.iter().find(|(severity, _)| *severity == "ERROR").map(|(_, code)| *code);
    match code {
        Some(code) if NO_SUCH_SKU.contains(&code) => {
            rejected("listing_gone", "Amazon no longer has this SKU")
        }
        Some(code) => rejected(
            "listing_invalid",
            &format!("Amazon refuses the listing with issue {}: mend it in Seller Central", printable(code)),
        ),
        None => rejected("channel_rejected", "Amazon refused the quantity without saying why"),
    }
}

pub(super) fn rejected(code: &'static str, reason: &str) -> StockOutcome {
    StockOutcome::Rejected { code, reason: reason.to_owned() }
}

/// One call for each 20 SKUs.
pub(super) async fn read(shop: &Shop<'_>, targets: &[StockTarget]) -> Result<Vec<Option<i64>>, ChannelError> {
    let mut shown = BTreeMap::<String, Option<i64>>::new();
    let wanted: BTreeSet<&str> = targets.iter().map(|target| target.listing.external_id.as_str()).collect();
    // A SKU with a comma cannot stand in a list.
    let (alone, listed): (Vec<&str>, Vec<&str>) = wanted.into_iter().partition(|sku| sku.contains(','));
    for skus in listed.chunks(IDENTIFIERS_MAX) {
        match skus {
            [one] => drop(shown.insert((*one).to_owned(), read_one(shop, one).await?)),
            several => shown.extend(read_several(shop, several).await?),
        }
    }
    for sku in alone {
        shown.insert(sku.to_owned(), read_one(shop, sku).await?);
    }
    Ok(targets.iter().map(|target| shown.get(&target.listing.external_id).copied().flatten()).collect())
}

async fn read_one(shop: &Shop<'_>, sku: &str) -> Result<Option<i64>, ChannelError> {
    let call = Call::get(&["listings", "2021-08-01", "items", seller(shop, GET.name)?, sku])
        .with("marketplaceIds", marketplace::ids(shop.marketplaces).join(","))
        .with("includedData", "fulfillmentAvailability");
    match GET.call_if_any(shop, call).await? {
        None => Ok(None),
        Some(body) => Ok(quantity(&parse::<Item>(GET.name, &body)?)),
    }
}

async fn read_several(shop: &Shop<'_>, skus: &[&str]) -> Result<BTreeMap<String, Option<i64>>, ChannelError> {
    let search = &listings::SEARCH;
    let call = Call::get(&["listings", "2021-08-01", "items", seller(shop, search.name)?])
        .with("marketplaceIds", marketplace::ids(shop.marketplaces).join(","))
        .with("includedData", "fulfillmentAvailability")
        .with("identifiersType", "SKU")
        .with("identifiers", skus.join(","))
        .with("pageSize", IDENTIFIERS_MAX.to_string());
    let body = search.call(shop, call).await?;
    let answer: SearchedItems = parse(search.name, &body)?;
    let items = answer.items.into_iter().filter_map(|item| serde_json::from_value::<Item>(item).ok());
    Ok(items.map(|item| (item.sku.clone(), quantity(&item))).collect())
}

fn quantity(item: &Item) -> Option<i64> {
    item.fulfillment_availability.iter().find(|one| one.fulfillment_channel_code == "DEFAULT")?.quantity
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use domain::listing::ListingRef;

    fn target(sku: &str, stock_ref: Option<&str>, quantity: i64) -> StockTarget {
        StockTarget {
            listing: ListingRef { external_id: sku.to_owned(), variation_id: None },
            stock_ref: stock_ref.map(str::to_owned),
            quantity: Quantity::new(quantity).unwrap(),
            expected: None,
            locations: Vec::new(),
        }
    }

    #[test]
    fn l14_a_sku_is_pushed_once_with_its_last_number() {
        let targets = vec![target("A", None, 1), target("B", None, 2), target("A", None, 3)];
        let plan = plan(targets, &Pace::default());
        let told: Vec<(&str, u32)> = plan
            .iter()
            .flat_map(|batch| &batch.targets)
            .map(|target| (target.listing.external_id.as_str(), target.quantity.get()))
            .collect();
        assert_eq!(told, [("B", 2), ("A", 3)]);
    }

    #[test]
    fn few_are_patched_and_many_are_one_feed_a_marketplace() {
        let many = |count: usize| (0..count).map(|n| target(&n.to_string(), None, 1)).collect::<Vec<_>>();
        let pace = Pace::default();
        let few = plan(many(150), &pace);
        assert_eq!((few.len(), few[0].group.as_deref()), (150, None));
        assert_eq!(plan(many(151), &pace).len(), 1);
        let mut targets = many(25_001);
        targets.push(target("UK", Some("A1F83G8C2ARO7P"), 1));
        targets.push(target("FBA", Some("AMAZON_EU"), 1));
        let batches = plan(targets, &pace);
        let sizes: Vec<_> =
            batches.iter().map(|batch| (batch.group.is_some(), batch.targets.len())).collect();
        assert_eq!(sizes, [(true, 25_000), (true, 1), (true, 1), (false, 1)]);
    }

    #[test]
    fn a_seller_with_a_smaller_rate_is_told_by_feeds_sooner() {
        let of = |count: usize, rate_micro| {
            let pace = Pace::default();
            pace.observe_rate(&PATCH.limit, rate_micro, Timestamp::UNIX_EPOCH);
            let targets = (0..count).map(|n| target(&n.to_string(), None, 1)).collect();
            plan(targets, &pace).iter().filter(|batch| batch.group.is_some()).count()
        };
        for (count, rate_micro, feeds) in [(3, 100_000, 0), (4, 100_000, 1), (1, 1, 0), (2, 1, 1)] {
            assert_eq!(of(count, rate_micro), feeds, "{count} at {rate_micro}");
        }
    }

    #[test]
    fn each_refusal_has_its_code() {
        let code = |issues: &[(&str, &str)]| match refused_by(issues) {
            StockOutcome::Rejected { code, reason } => format!("{code} {reason}"),
            other => panic!("{other:?}"),
        };
        assert!(code(&[("WARNING", "1"), ("ERROR", "8560")]).starts_with("listing_gone "));
        assert!(
            code(&[("ERROR", "90220")])
                .contains("listing_invalid Amazon refuses the listing with issue 90220")
        );
        assert!(code(&[("WARNING", "1")]).starts_with("channel_rejected "));
    }
}
