//! Stock: setting and reading what an item and its offer have.
//!
//! Buyers can have the lesser of the item's and the offer's quantity, so both are set, in one call for 25 items. eBay's own
//! text is not of one mind on whether a call takes 25 items or one: where it refuses many, one at a time is tried, and
//! remembered for the connection.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;

use super::error::{Refusal, printable};
use super::limits;
use super::listings::{AT_ONCE, is_gone};
use super::locations::{self, Times};
use super::request::{INVENTORY, segment};
use super::wire::{
    BulkGet, BulkGetAnswer, BulkUpdate, BulkUpdateAnswer, BulkUpdateOne, InventoryItem, LocationQuantity,
    Offer, OfferQuantity, PriceQuantity, ShipToQuantity, SkuOf,
};
use crate::{ChannelError, ErrorKind, Shop, StockAt, StockBatch, StockOutcome, StockTarget};

/// Items of one call.
pub(super) const BATCH: u32 = 25;
pub(super) const BATCH_LEN: usize = 25;

const PUSH: &str = "set stock";
const READ: &str = "read stock";

/// In the connection's memo: how many items of one call eBay was found to take.
const NARROWED: &str = "stock_batch";
/// How long that is believed.
const NARROWED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What a push must know of a listing beside its SKU: the offer, and where the item's stock is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StockRef {
    pub offer_id: String,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// eBay knows one number.
    Whole,
    /// All of it at one inventory location, by its key.
    One(String),
    /// Spread over several, by rules that are the merchant's.
    Several,
}

impl StockRef {
    pub fn of(offer_id: String, item: &InventoryItem) -> Self {
        let place = match locations::distributions(item) {
            [] => Place::Whole,
            [only] => Place::One(only.merchant_location_key.clone()),
            _ => Place::Several,
        };
        Self { offer_id, place }
    }

    pub fn parse(text: &str) -> Self {
        let (offer_id, place) = match text.split_once('@') {
            None => (text, Place::Whole),
            Some((offer, "")) => (offer, Place::Several),
            Some((offer, key)) => (offer, Place::One(key.to_owned())),
        };
        Self { offer_id: offer_id.to_owned(), place }
    }
}

impl fmt::Display for StockRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Whole => f.write_str(&self.offer_id),
            Place::One(key) => write!(f, "{}@{key}", self.offer_id),
            Place::Several => write!(f, "{}@", self.offer_id),
        }
    }
}

/// Of two targets for one listing the later counts. An item has one number: targets of the same SKU go into the same call.
pub(super) fn plan(targets: Vec<StockTarget>) -> Vec<StockBatch> {
    let mut last = BTreeMap::new();
    for (position, target) in targets.iter().enumerate() {
        last.insert(target.listing.clone(), position);
    }
    let kept: BTreeSet<usize> = last.into_values().collect();
    let mut by_sku: BTreeMap<Option<String>, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<StockTarget>> = Vec::new();
    for (_, target) in targets.into_iter().enumerate().filter(|(position, _)| kept.contains(position)) {
        let sku = target.listing.variation_id.clone();
        match by_sku.get(&sku).copied().and_then(|position| groups.get_mut(position)) {
            Some(group) if sku.is_some() => group.push(target),
            _ => {
                by_sku.insert(sku, groups.len());
                groups.push(vec![target]);
            }
        }
    }
    groups
        .chunks(BATCH_LEN)
        .map(|groups| StockBatch { group: None, targets: groups.iter().flatten().cloned().collect() })
        .collect()
}

/// A target that can be sent.
struct Sending<'a> {
    /// In the batch.
    position: usize,
    sku: &'a str,
    stock_ref: StockRef,
    quantity: u32,
    /// What lies where, of one that is told by location.
    at: &'a [StockAt],
}

impl Sending<'_> {
    /// Where eBay is told that the item's stock lies; empty: it is told nothing of that.
    fn spread<'a>(&'a self, times: &'a Times) -> Vec<LocationQuantity<'a>> {
        let known = times.get(self.sku);
        let at = |at: &'a StockAt| LocationQuantity {
            merchant_location_key: at.location.as_str(),
            quantity: at.quantity.get(),
            fulfillment_time: known.and_then(|known| known.get(at.location.as_str())),
        };
        match &self.stock_ref.place {
            _ if !self.at.is_empty() => self.at.iter().map(at).collect(),
            Place::One(key) => vec![LocationQuantity {
                merchant_location_key: key,
                quantity: self.quantity,
                fulfillment_time: None,
            }],
            Place::Whole | Place::Several => Vec::new(),
        }
    }
}

pub(super) async fn push(shop: &Shop<'_>, batch: &StockBatch) -> Result<Vec<StockOutcome>, ChannelError> {
    let mut outcomes: Vec<Option<StockOutcome>> = Vec::with_capacity(batch.targets.len());
    let mut sending = Vec::new();
    let day = limits::day(shop.now);
    for (position, target) in batch.targets.iter().enumerate() {
        match sendable(shop, position, target, day) {
            Ok(one) => {
                sending.push(one);
                outcomes.push(None);
            }
            Err(outcome) => outcomes.push(Some(outcome)),
        }
    }
    if !sending.is_empty() {
        let placed: BTreeSet<&str> =
            sending.iter().filter(|one| !one.at.is_empty()).map(|one| one.sku).collect();
        let placed: Vec<&str> = placed.into_iter().collect();
        INVENTORY.admit(shop, PUSH, 1 + placed.len().div_ceil(BATCH_LEN))?;
        let times = locations::times(shop, PUSH, &placed).await?;
        for one in &sending {
            if let Some(target) = batch.targets.get(one.position) {
                shop.pace.budgets.count(&revisions_of(target), day);
            }
        }
        for (position, outcome) in send(shop, &sending, &times).await? {
            if let Some(slot) = outcomes.get_mut(position) {
                *slot = Some(outcome);
            }
        }
    }
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unanswered)).collect())
}

fn sendable<'a>(
    shop: &Shop<'_>,
    position: usize,
    target: &'a StockTarget,
    day: i64,
) -> Result<Sending<'a>, StockOutcome> {
    let rejected = |code, reason: &str| StockOutcome::Rejected { code, reason: reason.to_owned() };
    let (Some(sku), Some(stock_ref)) = (target.listing.variation_id.as_deref(), &target.stock_ref) else {
        let reason = "Fetch the listings again: eBay's offer of this one is not known.";
        return Err(rejected("no_offer", reason));
    };
    let stock_ref = StockRef::parse(stock_ref);
    if stock_ref.place == Place::Several && target.locations.is_empty() {
        let reason = "eBay keeps this item's stock at several inventory locations: map yours to them, or leave it one.";
        return Err(rejected("several_locations", reason));
    }
    let revised = shop.pace.budgets.counted(&revisions_of(target), day);
    let kept = if target.quantity.get() == 0 { 0 } else { limits::REVISIONS_FOR_ZERO };
    if revised + kept >= limits::REVISIONS {
        return Err(StockOutcome::Failed {
            code: "daily_revisions_spent",
            reason: "eBay takes 250 changes of a listing in a day; the next is sent tomorrow.".to_owned(),
        });
    }
    Ok(Sending { position, sku, stock_ref, quantity: target.quantity.get(), at: &target.locations })
}

/// A listing's revisions are counted for all its variations together.
fn revisions_of(target: &StockTarget) -> String {
    format!("revisions {}", target.listing.external_id)
}

/// In one call, or in one for each item where eBay takes no more.
async fn send(
    shop: &Shop<'_>,
    sending: &[Sending<'_>],
    times: &Times,
) -> Result<Vec<(usize, StockOutcome)>, ChannelError> {
    let narrowed = shop.pace.memo.recall_number(NARROWED, shop.now).is_some();
    let items: BTreeSet<&str> = sending.iter().map(|one| one.sku).collect();
    if !narrowed || items.len() == 1 {
        match call(shop, sending, times).await {
            Ok(outcomes) => return Ok(outcomes),
            // The whole call was refused: for its size, or for one of its items.
            Err(refusal) if items.len() > 1 && refusal.error.kind == ErrorKind::Rejected => {}
            Err(refusal) if refusal.error.kind == ErrorKind::Rejected => {
                return Ok(sending.iter().map(|one| (one.position, refused(&refusal))).collect());
            }
            Err(refusal) => return Err(refusal.error),
        }
    }
    INVENTORY.charge(shop, if narrowed { items.len() - 1 } else { items.len() });
    let one_by_one: Vec<_> = items
        .iter()
        .map(|sku| {
            let of_item: Vec<&Sending<'_>> = sending.iter().filter(|one| one.sku == *sku).collect();
            async move {
                let answer = call(shop, &of_item, times).await;
                match answer {
                    Ok(outcomes) => Ok((outcomes, true)),
                    Err(refusal) if refusal.error.kind == ErrorKind::Rejected => {
                        let outcomes = of_item.iter().map(|one| (one.position, refused(&refusal))).collect();
                        Ok((outcomes, false))
                    }
                    // What this call did is not known, what the others did is: all may be sent again.
                    Err(refusal) => Err(refusal.error),
                }
            }
        })
        .collect();
    let answers: Vec<(Vec<_>, bool)> = stream::iter(one_by_one).buffered(AT_ONCE).try_collect().await?;
    // Each alone was taken, so it was the number of them.
    if answers.iter().all(|(_, taken)| *taken) {
        let until = shop.now.checked_add(NARROWED_FOR).unwrap_or(shop.now);
        shop.pace.memo.remember(NARROWED, "1".to_owned().into(), until);
    }
    Ok(answers.into_iter().flat_map(|(outcomes, _)| outcomes).collect())
}

async fn call<'a, S: std::borrow::Borrow<Sending<'a>> + Sync>(
    shop: &Shop<'_>,
    sending: &[S],
    times: &Times,
) -> Result<Vec<(usize, StockOutcome)>, Refusal> {
    let mut requests: Vec<PriceQuantity<'_>> = Vec::new();
    for one in sending.iter().map(std::borrow::Borrow::borrow) {
        let offer = OfferQuantity { offer_id: &one.stock_ref.offer_id, available_quantity: one.quantity };
        match requests.iter_mut().find(|request| request.sku == one.sku) {
            // Two offers of one item: the item must have enough for the larger.
            Some(request) => {
                if one.quantity > request.ship_to_location_availability.quantity {
                    request.ship_to_location_availability = item_of(one, times);
                }
                request.offers.push(offer);
            }
            None => requests.push(PriceQuantity {
                sku: one.sku,
                ship_to_location_availability: item_of(one, times),
                offers: vec![offer],
            }),
        }
    }
    let answer: BulkUpdateAnswer =
        INVENTORY.post(shop, PUSH, "/bulk_update_price_quantity", &BulkUpdate { requests }).await?;
    Ok(sending
        .iter()
        .map(std::borrow::Borrow::borrow)
        .map(|one| (one.position, outcome(one.sku, &one.stock_ref.offer_id, &answer.responses)))
        .collect())
}

fn item_of<'a>(one: &'a Sending<'_>, times: &'a Times) -> ShipToQuantity<'a> {
    ShipToQuantity { quantity: one.quantity, availability_distributions: one.spread(times) }
}

/// What the answers about an item and its offer come to: the worst of them.
fn outcome(sku: &str, offer_id: &str, answers: &[BulkUpdateOne]) -> StockOutcome {
    let concerns = |answer: &&BulkUpdateOne| match &answer.offer_id {
        Some(offer) => offer == offer_id,
        None => answer.sku.as_deref() == Some(sku),
    };
    let mut about = answers.iter().filter(concerns).peekable();
    if about.peek().is_none() {
        return unanswered();
    }
    about.find_map(bad).unwrap_or(StockOutcome::Accepted)
}

fn bad(answer: &BulkUpdateOne) -> Option<StockOutcome> {
    let status = answer.status_code.unwrap_or(200);
    let ids: Vec<i64> = answer.errors.iter().filter_map(|error| error.error_id).collect();
    if status < 400 && ids.is_empty() {
        return None;
    }
    let has = |wanted: &[i64]| ids.iter().any(|id| wanted.contains(id));
    let failed = |code, reason: &str| StockOutcome::Failed { code, reason: reason.to_owned() };
    let rejected = |code, reason: &str| StockOutcome::Rejected { code, reason: reason.to_owned() };
    let said =
        answer.errors.iter().find_map(|error| error.message.as_deref().or(error.long_message.as_deref()));
    Some(if status == 429 || has(&[2001]) {
        failed("channel_throttled", "eBay's limit of calls is used up for now.")
    } else if status >= 500 || has(&[25001]) {
        failed("channel_unavailable", "eBay could not do it just now.")
    } else if status == 404 || has(&[25702, 25708, 25710, 25713]) {
        rejected("listing_gone", "eBay no longer has this item or its offer. Fetch the listings again.")
    } else if has(&[25759]) {
        rejected("auction_allocation", "An auction of the same item has more units than this.")
    } else if said.is_some_and(|text| text.contains("250") && text.contains("revis")) {
        failed(
            "daily_revisions_spent",
            "eBay takes 250 changes of a listing in a day; the next is sent tomorrow.",
        )
    } else {
        let text = said.map(printable).unwrap_or_default();
        let numbers: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let reason = format!("eBay refused the quantity ({}): {text}", numbers.join(", "));
        StockOutcome::Rejected { code: "channel_rejected", reason }
    })
}

fn refused(refusal: &Refusal) -> StockOutcome {
    StockOutcome::Rejected { code: "channel_rejected", reason: format!("{}.", refusal.error.detail) }
}

fn unanswered() -> StockOutcome {
    StockOutcome::Failed {
        code: "channel_answer_incomplete",
        reason: "eBay's answer does not mention this item.".to_owned(),
    }
}

pub(super) async fn read(shop: &Shop<'_>, targets: &[StockTarget]) -> Result<Vec<Option<i64>>, ChannelError> {
    Ok(look(shop, targets).await?.numbers)
}

/// What eBay has of some targets.
pub(super) struct Looked {
    /// By SKU.
    pub items: BTreeMap<String, InventoryItem>,
    /// What buyers see, in the targets' order; `None` of what is gone.
    pub numbers: Vec<Option<i64>>,
}

pub(super) async fn look(shop: &Shop<'_>, targets: &[StockTarget]) -> Result<Looked, ChannelError> {
    let skus: Vec<&str> = targets
        .iter()
        .filter_map(|target| target.listing.variation_id.as_deref())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    INVENTORY.admit(shop, READ, skus.len().div_ceil(BATCH_LEN) + targets.len())?;
    let items = items(shop, READ, &skus).await?;
    let asked: Vec<_> = targets
        .iter()
        .map(|target| {
            let item = target.listing.variation_id.as_deref().and_then(|sku| items.get(sku));
            async move {
                let (Some(item), Some(stock_ref)) = (item, &target.stock_ref) else { return Ok(None) };
                let path = format!("/offer/{}", segment(&StockRef::parse(stock_ref).offer_id));
                match INVENTORY.get::<Offer>(shop, READ, &path).await {
                    Ok(offer) => Ok(super::listings::shown(item, &offer)),
                    Err(refusal) if is_gone(&refusal) => Ok(None),
                    Err(refusal) => Err(refusal.error),
                }
            }
        })
        .collect();
    let numbers = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    Ok(Looked { items, numbers })
}

/// Inventory items by SKU, 25 a call; those that eBay has. The calls were admitted.
pub(super) async fn items(
    shop: &Shop<'_>,
    operation: &'static str,
    skus: &[&str],
) -> Result<BTreeMap<String, InventoryItem>, ChannelError> {
    let mut found = BTreeMap::new();
    for chunk in skus.chunks(BATCH_LEN) {
        let body = BulkGet { requests: chunk.iter().map(|sku| SkuOf { sku }).collect() };
        let answer: BulkGetAnswer =
            match INVENTORY.post(shop, operation, "/bulk_get_inventory_item", &body).await {
                Ok(answer) => answer,
                // None of them is there.
                Err(refusal) if is_gone(&refusal) => continue,
                Err(refusal) => return Err(refusal.error),
            };
        for one in answer.responses {
            if let (true, Some(item)) = (one.status_code.unwrap_or(200) < 400, one.inventory_item) {
                found.insert(one.sku, item);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Quantity;
    use domain::listing::ListingRef;
    use serde_json::json;

    fn target(listing: u32, sku: u32, quantity: i64) -> StockTarget {
        StockTarget {
            listing: ListingRef { external_id: listing.to_string(), variation_id: Some(format!("S{sku}")) },
            stock_ref: Some(format!("o{listing}")),
            quantity: Quantity::new(quantity).unwrap(),
            expected: None,
            locations: Vec::new(),
        }
    }

    #[test]
    fn a_call_is_full_before_the_next_one_begins() {
        let batches = plan((0..51).map(|n| target(n, n, 1)).collect());
        assert_eq!(batches.iter().map(|batch| batch.targets.len()).collect::<Vec<_>>(), [25, 25, 1]);
    }

    #[test]
    fn the_later_number_counts_and_one_item_s_offers_stay_together() {
        let mut targets: Vec<_> = (0..30).map(|n| target(n, n, 1)).collect();
        targets.push(target(99, 0, 4));
        targets.push(target(3, 3, 9));
        let batches = plan(targets);
        let of = |batch: usize| batches[batch].targets.iter().map(|t| t.listing.external_id.as_str());
        assert_eq!(batches.len(), 2);
        assert!(of(0).any(|id| id == "0") && of(0).any(|id| id == "99"));
        let third: Vec<_> =
            batches.iter().flat_map(|b| &b.targets).filter(|t| t.listing.external_id == "3").collect();
        assert_eq!((third.len(), third[0].quantity.get()), (1, 9));
    }

    #[test]
    fn where_stock_is_kept_reads_back() {
        for (text, place) in
            [("17", Place::Whole), ("17@home", Place::One("home".to_owned())), ("17@", Place::Several)]
        {
            let parsed = StockRef::parse(text);
            assert_eq!((parsed.offer_id.as_str(), &parsed.place), ("17", &place));
            assert_eq!(parsed.to_string(), text);
        }
    }

    /// `a`ccepted, `r`ejected, `f`ailed, with the code of what is not accepted.
    fn letter(answers: serde_json::Value) -> String {
        let answers: Vec<BulkUpdateOne> = serde_json::from_value(answers).unwrap();
        match outcome("S", "1", &answers) {
            StockOutcome::Accepted => "a".to_owned(),
            StockOutcome::Rejected { code, .. } => format!("r {code}"),
            StockOutcome::Failed { code, .. } => format!("f {code}"),
            StockOutcome::Submitted { ticket } => format!("w {ticket}"),
            StockOutcome::Stale { .. } => "s".to_owned(),
        }
    }

    #[test]
    fn the_worst_answer_about_an_item_is_its_outcome() {
        let gone = json!([{ "errorId": 25713, "message": "This Offer is not available." }]);
        let table = [
            (json!([{ "statusCode": 200, "sku": "S", "offerId": "1", "errors": [] }]), "a"),
            (
                json!([{ "statusCode": 200, "sku": "S" }, { "statusCode": 200, "sku": "S", "offerId": "1" }]),
                "a",
            ),
            (
                json!([{ "statusCode": 200, "sku": "S" }, { "statusCode": 404, "sku": "S", "offerId": "1" }]),
                "r listing_gone",
            ),
            (json!([{ "statusCode": 400, "sku": "S", "errors": gone }]), "r listing_gone"),
            (
                json!([{ "statusCode": 400, "sku": "S", "offerId": "2", "errors": [] }]),
                "f channel_answer_incomplete",
            ),
            (json!([{ "statusCode": 400, "sku": "T" }]), "f channel_answer_incomplete"),
            (json!([]), "f channel_answer_incomplete"),
            (json!([{ "statusCode": 500, "sku": "S" }]), "f channel_unavailable"),
            (json!([{ "statusCode": 429, "sku": "S" }]), "f channel_throttled"),
            (
                json!([{ "statusCode": 400, "sku": "S", "errors": [{ "errorId": 25759 }] }]),
                "r auction_allocation",
            ),
            (
                json!([{ "statusCode": 400, "sku": "S", "errors": [{ "errorId": 25002 }] }]),
                "r channel_rejected",
            ),
            (
                json!([{ "statusCode": 400, "sku": "S", "errors": [{ "errorId": 25002, "message": "revised 250 times" }] }]),
                "f daily_revisions_spent",
            ),
        ];
        for (answers, expected) in table {
            assert_eq!(letter(answers.clone()), expected, "{answers}");
        }
    }
}
