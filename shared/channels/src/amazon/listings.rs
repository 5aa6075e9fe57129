//! Listings: one for each seller SKU that can be bought.
//!
//! A SKU that several of the connection's marketplaces show is one listing: it has one stock, and title and price are
//! those of the first marketplace that has them. Beyond what a search pages through, the catalogue comes as a report
//! ([`super::report`]).

use domain::channel::Fulfilment;
use domain::listing::{ATTRIBUTES_MAX, Attribute, ChannelStatus, FetchedListing, ListingRef, RecordFailure};
use domain::schedule::Window;
use domain::{Money, Name, Quantity, Sku};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::report::{self, Reading};
use super::stock::Place;
use super::wire::{Item, Offer, SearchedItems, Summary};
use super::{Call, Operation, marketplace, parse, read_cursor, seller, time, write_cursor};
use crate::{ChannelError, Cursor, Limit, Page, Shop};

/// The most that Amazon gives of one search call.
pub(super) const PAGE: u32 = 20;

/// Results that a search can be paged through [M]; more come by report.
const SEARCHED_MAX: u64 = 1_000;

/// What is asked for of each listing.
const INCLUDED: &str = "summaries,attributes,offers,fulfillmentAvailability,relationships";

pub(super) static SEARCH: Operation = Operation {
    name: "fetch a page of listings",
    limit: Limit { name: "searchListingsItems", burst: 5, rate_micro: 5_000_000 },
};

/// Where the walk is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "snake_case")]
pub(super) enum Position {
    Search {
        token: String,
    },
    /// There are too many for a search: a report is to be asked for.
    Report,
    Waiting {
        report: String,
    },
    Reading(Reading),
}

pub(super) async fn fetch(
    shop: &Shop<'_>,
    changed: Option<Window>,
    cursor: Option<&Cursor>,
) -> Result<Page<FetchedListing>, ChannelError> {
    let (records, next, total) = match read_cursor::<Position>(SEARCH.name, cursor)? {
        None => search(shop, changed, None).await?,
        Some(Position::Search { token }) => search(shop, changed, Some(token)).await?,
        Some(Position::Report) => {
            (Vec::new(), Some(Position::Waiting { report: report::create(shop).await? }), None)
        }
        Some(Position::Waiting { report }) => {
            (Vec::new(), report::wait(shop, &report).await?.map(Position::Reading), None)
        }
        Some(Position::Reading(reading)) => {
            let (records, next) = report::read(shop, reading).await?;
            (records, next.map(Position::Reading), None)
        }
    };
    Ok(Page { records, next: next.as_ref().map(write_cursor), total })
}

type Found = (Vec<Result<FetchedListing, RecordFailure>>, Option<Position>, Option<u64>);

async fn search(
    shop: &Shop<'_>,
    changed: Option<Window>,
    token: Option<String>,
) -> Result<Found, ChannelError> {
    let marketplaces = marketplace::ids(shop.marketplaces);
    let mut call = Call::get(&["listings", "2021-08-01", "items", seller(shop, SEARCH.name)?])
        .with("marketplaceIds", marketplaces.join(","))
        .with("includedData", INCLUDED)
        .with("pageSize", PAGE.to_string())
        .with("sortOrder", "ASC");
    call = match changed {
        // By their creation: what is edited under the walk stays where it is.
        None => call.with("sortBy", "createdDate"),
        Some(window) => {
            call = call.with("sortBy", "lastUpdatedDate").with("lastUpdatedAfter", time(window.from));
            // A time to come is as good as none.
            if window.to < shop.now { call.with("lastUpdatedBefore", time(window.to)) } else { call }
        }
    };
    let first = token.is_none();
    if let Some(token) = token {
        call = call.with("pageToken", token);
    }
    let body = SEARCH.call(shop, call).await?;
    let answer: SearchedItems = parse(SEARCH.name, &body)?;
    if first && answer.number_of_results > SEARCHED_MAX {
        return Ok((Vec::new(), Some(Position::Report), Some(answer.number_of_results)));
    }
    let records = answer.items.into_iter().filter_map(|item| listing(item, &marketplaces)).collect();
    let next = answer.pagination.and_then(|pagination| pagination.next_token);
    Ok((records, next.map(|token| Position::Search { token }), Some(answer.number_of_results)))
}

/// A failure of a record, named by its SKU.
pub(super) fn failure(
    sku: &str,
    title: Option<&str>,
    code: &str,
    reason: impl Into<String>,
) -> RecordFailure {
    RecordFailure {
        external_id: sku.to_owned(),
        sku: (!sku.is_empty()).then(|| sku.to_owned()),
        title: title.map(str::to_owned),
        code: code.to_owned(),
        reason: reason.into(),
    }
}

/// `None` for the parent of variations, which nobody can buy.
fn listing(item: Value, marketplaces: &[&str]) -> Option<Result<FetchedListing, RecordFailure>> {
    let sku = item.get("sku").and_then(Value::as_str).unwrap_or_default().to_owned();
    match serde_json::from_value::<Item>(item) {
        Err(_) => Some(Err(failure(
            &sku,
            None,
            "unreadable_record",
            "Amazon answered for this SKU in a form that is not documented.",
        ))),
        Ok(item) if is_parent(&item) => None,
        Ok(item) => Some(read(item, marketplaces)),
    }
}

fn is_parent(item: &Item) -> bool {
    item.relationships
        .iter()
        .flat_map(|of_marketplace| &of_marketplace.relationships)
        .any(|one| one.kind == "VARIATION" && !one.child_skus.is_empty())
}

fn read(item: Item, marketplaces: &[&str]) -> Result<FetchedListing, RecordFailure> {
    let summary = first_of(marketplaces, &item.summaries, |summary: &Summary| &summary.marketplace_id);
    let title = summary.and_then(|summary| summary.item_name.as_deref()).unwrap_or(&item.sku);
    let refuse = |code: &str, reason: String| failure(&item.sku, Some(title), code, reason);
    let sku = Sku::parse(item.sku.trim())
        .map_err(|error| refuse("invalid_sku", format!("Change the SKU: it {error}.")))?;
    let names = theme(&item);
    if names.len() > ATTRIBUTES_MAX {
        let reason = "Variations with more than three attributes are not synced.";
        return Err(refuse("too_many_attributes", reason.to_owned()));
    }
    let name = Name::from_channel(title)
        .map_err(|error| refuse("invalid_title", format!("Change the title: it {error}.")))?;
    let consumer: Vec<&Offer> = item.offers.iter().filter(|offer| offer.offer_type == "B2C").collect();
    let offer = first_of(marketplaces, &consumer, |offer: &&Offer| &offer.marketplace_id);
    let price = match offer.map(|offer| &offer.price) {
        None => None,
        Some(price) => {
            let currency = price.currency_code.parse();
            let price = currency.and_then(|currency| Money::parse_rounded(&price.amount, currency));
            Some(price.map_err(|error| refuse("invalid_price", format!("Change the price: it {error}.")))?)
        }
    };
    let channel = item.fulfillment_availability.iter();
    let by_amazon = channel.clone().find(|one| Place::is_amazon_s(&one.fulfillment_channel_code));
    let place = match by_amazon {
        Some(by_amazon) => Place::Amazon(by_amazon.fulfillment_channel_code.clone()),
        None => Place::of_marketplace(summary.map(|summary| summary.marketplace_id.as_str()), marketplaces),
    };
    let shown = by_amazon.or_else(|| channel.clone().find(|one| one.fulfillment_channel_code == "DEFAULT"));
    let attributes = names
        .iter()
        .map(|name| Attribute { name: name.clone(), value: attribute(&item, name).unwrap_or_default() })
        .collect();
    Ok(FetchedListing {
        reference: ListingRef { external_id: item.sku.clone(), variation_id: None },
        sku: Some(sku),
        title: name,
        price,
        quantity: shown.and_then(|one| one.quantity).map(Quantity::clamped),
        status: status(&item.summaries),
        attributes,
        barcode: barcode(&item),
        fulfilment: if by_amazon.is_some() { Fulfilment::Fba } else { Fulfilment::Mfn },
        stock_ref: place.to_stock_ref(),
    })
}

/// Of what each marketplace says, the words of the first that says any, in the connection's order.
fn first_of<'a, T>(marketplaces: &[&str], all: &'a [T], id: impl Fn(&T) -> &str) -> Option<&'a T> {
    marketplaces.iter().find_map(|wanted| all.iter().find(|one| id(one) == *wanted))
}

/// On sale if shoppers can buy or find it; what is sold out can be found.
fn status(summaries: &[Summary]) -> ChannelStatus {
    let seen = |summary: &Summary| {
        summary.status.iter().any(|status| matches!(status.as_str(), "BUYABLE" | "DISCOVERABLE"))
    };
    if summaries.iter().any(seen) { ChannelStatus::Active } else { ChannelStatus::Inactive }
}

/// The names of what tells a variation from its siblings.
fn theme(item: &Item) -> Vec<String> {
    item.relationships
        .iter()
        .flat_map(|of_marketplace| &of_marketplace.relationships)
        .find_map(|one| one.variation_theme.as_ref().filter(|_| one.kind == "VARIATION"))
        .map(|theme| theme.attributes.clone())
        .unwrap_or_default()
}

/// An attribute's value: Amazon's attributes are lists of objects, and the value is under `value`, itself or in a list, or
/// under a name of its own (`{"size": "M", "size_system": …}`).
fn attribute(item: &Item, name: &str) -> Option<String> {
    let first = item.attributes.get(&name.to_ascii_lowercase())?.as_array()?.first()?;
    let own = name.to_ascii_lowercase();
    plain(first.get("value").or_else(|| first.get(own.as_str()))?)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(list) => plain(list.first()?),
        Value::Object(fields) => plain(fields.get("value")?),
        Value::Null | Value::Bool(_) => None,
    }
}

fn barcode(item: &Item) -> Option<String> {
    let list = item.attributes.get("externally_assigned_product_identifier")?.as_array()?;
    list.iter().find_map(|one| plain(one.get("value")?)).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_one(item: Value, marketplaces: &[&str]) -> FetchedListing {
        listing(item, marketplaces).unwrap().unwrap()
    }

    fn mug() -> Value {
        json!({
            "sku": "MUG",
            "summaries": [
                {"marketplaceId": "DE", "productType": "P", "status": ["DISCOVERABLE"], "itemName": "Becher",
                 "createdDate": "2026-01-01T00:00:00Z", "lastUpdatedDate": "2026-01-01T00:00:00Z"},
                {"marketplaceId": "GB", "productType": "P", "status": [], "itemName": "Mug",
                 "createdDate": "2026-01-01T00:00:00Z", "lastUpdatedDate": "2026-01-01T00:00:00Z"},
            ],
            "offers": [
                {"marketplaceId": "GB", "offerType": "B2B", "price": {"currencyCode": "GBP", "amount": "8.00"}},
                {"marketplaceId": "GB", "offerType": "B2C", "price": {"currencyCode": "GBP", "amount": "9.5"}},
                {"marketplaceId": "DE", "offerType": "B2C", "price": {"currencyCode": "EUR", "amount": "11.00"}},
            ],
            "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 4}],
        })
    }

    #[test]
    fn a_sku_of_several_marketplaces_is_one_listing_in_the_words_of_the_first() {
        let found = read_one(mug(), &["GB", "DE"]);
        assert_eq!((found.title.as_str(), found.price.unwrap().amount()), ("Mug", "9.50".to_owned()));
        assert_eq!((found.quantity.unwrap().get(), found.status), (4, ChannelStatus::Active));
        assert_eq!(found.stock_ref, None);
        let found = read_one(mug(), &["FR", "DE"]);
        assert_eq!((found.title.as_str(), found.price.unwrap().currency.as_str()), ("Becher", "EUR"));
        // Where it must be told, since the leading marketplace does not have it.
        assert_eq!(found.stock_ref.as_deref(), Some("DE"));
    }

    #[test]
    fn amazon_s_own_stock_is_marked() {
        let mut item = mug();
        item["fulfillmentAvailability"] = json!([
            {"fulfillmentChannelCode": "DEFAULT", "quantity": 4}, {"fulfillmentChannelCode": "AMAZON_EU"},
        ]);
        let found = read_one(item, &["DE"]);
        assert_eq!((found.fulfilment, found.quantity), (Fulfilment::Fba, None));
        assert_eq!(found.stock_ref.as_deref(), Some("AMAZON_EU"));
    }

    #[test]
    fn a_variation_is_told_by_its_theme_and_its_parent_is_no_listing() {
        let mut item = mug();
        item["relationships"] = json!([{"marketplaceId": "DE", "relationships": [{
            "type": "VARIATION", "parentSkus": ["P"],
            "variationTheme": {"attributes": ["COLOR", "size"], "theme": "COLOR/SIZE"},
        }]}]);
        item["attributes"] = json!({
            "color": [{"value": "red", "language_tag": "de_DE"}], "size": [{"size": "M", "size_system": "as1"}],
            "externally_assigned_product_identifier": [{"type": "ean", "value": "4006381333931"}],
        });
        let found = read_one(item.clone(), &["DE"]);
        let attributes: Vec<_> =
            found.attributes.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
        assert_eq!(attributes, [("COLOR", "red"), ("size", "M")]);
        assert_eq!(found.barcode.as_deref(), Some("4006381333931"));
        item["relationships"] = json!([{"marketplaceId": "DE", "relationships": [
            {"type": "VARIATION", "childSkus": ["A", "B"]},
        ]}]);
        assert!(listing(item, &["DE"]).is_none());
    }

    #[test]
    fn a_record_that_cannot_be_read_fails_by_its_sku() {
        let failed = listing(json!({"sku": "X", "summaries": "none"}), &["DE"]).unwrap().unwrap_err();
        assert_eq!((failed.external_id.as_str(), failed.code.as_str()), ("X", "unreadable_record"));
        let mut item = mug();
        item["offers"][2]["price"]["amount"] = json!("a lot");
        assert_eq!(listing(item, &["DE"]).unwrap().unwrap_err().code, "invalid_price");
    }
}
