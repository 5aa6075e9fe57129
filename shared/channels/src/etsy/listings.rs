//! Listings: one for each product of an Etsy listing.
//!
//! Etsy lists by state and cannot tell what changed. The states are walked one after another, those last that listings
//! leave rarely; a listing that changes its state meanwhile may come twice, or be left to the next walk.

use domain::channel::Fulfilment;
use domain::listing::{ATTRIBUTES_MAX, Attribute, ChannelStatus, FetchedListing, ListingRef, RecordFailure};
use domain::{Name, Quantity, Sku};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::{Listed, Listing, Money, Product};
use super::{Admitted, Call, inventory, read_cursor, shop_id, variation, write_cursor};
use crate::entity::plain_text;
use crate::{ChannelError, Cursor, Page, Shop};

const FETCH: &str = "fetch a page of listings";

/// Etsy gives up to 100. A listing may have hundreds of products: half a page keeps an answer to a few MB.
pub(super) const PAGE: u32 = 50;

/// Every state that can be asked for.
const STATES: [&str; 5] = ["active", "sold_out", "inactive", "expired", "draft"];

/// Where the walk is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// Which of [`STATES`].
    #[serde(rename = "s")]
    state: usize,
    #[serde(rename = "o")]
    offset: u64,
    /// How many listings the state had at the page before.
    #[serde(rename = "c")]
    count: u64,
    /// The listings of the page before: not given out again after a step back.
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    last: Vec<u64>,
}

pub(super) async fn fetch(
    shop: &Shop<'_>,
    cursor: Option<&Cursor>,
) -> Result<Page<FetchedListing>, ChannelError> {
    let position: Position = read_cursor(FETCH, cursor)?.unwrap_or_default();
    let Some(state) = STATES.get(position.state) else {
        return Ok(Page { records: Vec::new(), next: None, total: None });
    };
    let query = vec![
        ("state", (*state).to_owned()),
        ("limit", PAGE.to_string()),
        ("offset", position.offset.to_string()),
        ("includes", "Inventory".to_owned()),
    ];
    let mut calls = Admitted::new(shop, FETCH, 1)?;
    let path = format!("shops/{}/listings", shop_id(shop, FETCH)?);
    let page: Listed = calls.send(Call::get(path, query)).await?.read(FETCH)?;
    if let Some(back) = position.after_a_loss(page.count) {
        return Ok(Page { records: Vec::new(), next: write_cursor(&back), total: None });
    }
    let ids: Vec<u64> = page.results.iter().filter_map(id_of).collect();
    let is_new = |record: &Value| id_of(record).is_none_or(|id| !position.last.contains(&id));
    let records = page.results.iter().filter(|record| is_new(record)).flat_map(read).collect();
    let next = position.next(page.count, page.results.len(), ids);
    Ok(Page { records, next: next.as_ref().and_then(write_cursor), total: None })
}

fn id_of(record: &Value) -> Option<u64> {
    record.get("listing_id")?.as_u64()
}

impl Position {
    /// Listings have left the state, so those behind them moved up to offsets already read: back by as many. The count
    /// is taken over, so this ends.
    fn after_a_loss(&self, count: u64) -> Option<Self> {
        let lost = self.count.checked_sub(count).filter(|lost| *lost > 0 && self.offset > 0)?;
        Some(Self { offset: self.offset.saturating_sub(lost), count, ..self.clone() })
    }

    fn next(&self, count: u64, read: usize, ids: Vec<u64>) -> Option<Self> {
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        let offset = self.offset.saturating_add(read);
        if read > 0 && offset < count {
            return Some(Self { state: self.state, offset, count, last: ids });
        }
        let state = self.state.saturating_add(1);
        (state < STATES.len()).then(|| Self { state, ..Self::default() })
    }
}

/// The listings of one record: one for each product, or one failure that stands for all.
fn read(record: &Value) -> Vec<Result<FetchedListing, RecordFailure>> {
    let text = |field: &str| record.get(field).and_then(Value::as_str).map(plain_text);
    let failure = Failure {
        external_id: record.get("listing_id").map(|id| id.to_string()).unwrap_or_default(),
        title: text("title"),
    };
    let listing: Listing = match serde_json::from_value(record.clone()) {
        Ok(listing) => listing,
        Err(_) => {
            let reason = "Etsy answered for this listing in a form that is not documented.";
            return vec![Err(failure.of(None, "unreadable_record", reason))];
        }
    };
    let shown = inventory::shown(&listing);
    let Some(held) = &listing.inventory else { return vec![without_inventory(&listing, &failure)] };
    let products = held.products.iter().enumerate().filter(|(_, product)| !product.is_deleted);
    products
        .map(|(position, product)| {
            let quantity = shown.get(position).copied().flatten();
            of_product(&listing, product, quantity, &failure)
        })
        .collect()
}

/// What names a record that fails.
struct Failure {
    external_id: String,
    title: Option<String>,
}

impl Failure {
    fn of(&self, sku: Option<&str>, code: &str, reason: &str) -> RecordFailure {
        RecordFailure {
            external_id: self.external_id.clone(),
            sku: sku.map(str::trim).filter(|sku| !sku.is_empty()).map(str::to_owned),
            title: self.title.clone(),
            code: code.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

/// What one of our listings is made of.
struct Parts<'a> {
    variation_id: Option<String>,
    sku: Option<&'a str>,
    price: Option<&'a Money>,
    quantity: Option<i64>,
    attributes: Vec<Attribute>,
}

/// Never edited with Etsy's inventory tools, so that there are no products: the listing itself is sold.
fn without_inventory(listing: &Listing, failure: &Failure) -> Result<FetchedListing, RecordFailure> {
    let parts = Parts {
        variation_id: None,
        sku: listing.skus.first().map(String::as_str),
        price: listing.price.as_ref(),
        quantity: inventory::is_counted(listing).then_some(listing.quantity).flatten(),
        attributes: Vec::new(),
    };
    fetched(listing, parts, failure)
}

fn of_product(
    listing: &Listing,
    product: &Product,
    quantity: Option<i64>,
    failure: &Failure,
) -> Result<FetchedListing, RecordFailure> {
    let variation_id = variation::of_product(listing, product);
    let attributes = match &variation_id {
        Some(_) => attributes(product),
        None => Vec::new(),
    };
    let parts = Parts {
        variation_id,
        sku: product.sku.as_deref(),
        price: product.offering().map(|offering| &offering.price),
        quantity,
        attributes,
    };
    fetched(listing, parts, failure)
}

fn fetched(listing: &Listing, parts: Parts<'_>, failure: &Failure) -> Result<FetchedListing, RecordFailure> {
    let refuse = |code: &str, reason: &str| failure.of(parts.sku, code, reason);
    let sku = match parts.sku.map(str::trim) {
        None | Some("") => None,
        Some(sku) => {
            Some(Sku::parse(sku).map_err(|e| refuse("invalid_sku", &format!("Change the SKU: it {e}.")))?)
        }
    };
    if parts.attributes.len() > ATTRIBUTES_MAX {
        let reason = "Variations with more than three attributes are not synced.";
        return Err(refuse("too_many_attributes", reason));
    }
    let own = plain_text(listing.title.as_deref().unwrap_or_default());
    let title = Name::from_channel(&titled(&own, &parts.attributes))
        .map_err(|e| refuse("invalid_title", &format!("Change the title: it {e}.")))?;
    let price = match parts.price {
        None => None,
        Some(price) => Some(
            price
                .read()
                .ok_or_else(|| refuse("invalid_price", "The price is not an amount of a known currency."))?,
        ),
    };
    Ok(FetchedListing {
        reference: ListingRef {
            external_id: listing.listing_id.to_string(),
            variation_id: parts.variation_id,
        },
        sku,
        title,
        price,
        quantity: parts.quantity.map(Quantity::clamped),
        status: status(&listing.state),
        attributes: parts.attributes,
        barcode: None,
        fulfilment: Fulfilment::Mfn,
        stock_ref: None,
    })
}

fn attributes(product: &Product) -> Vec<Attribute> {
    let one = |value: &super::wire::PropertyValue| {
        let mut text = value.values.iter().map(|value| plain_text(value)).collect::<Vec<_>>().join(", ");
        if let Some(scale) = value.scale_name.as_deref().filter(|scale| !scale.is_empty()) {
            text = format!("{text} {}", plain_text(scale));
        }
        let name = plain_text(value.property_name.as_deref().unwrap_or_default());
        Attribute { name: if name.is_empty() { value.property_id.to_string() } else { name }, value: text }
    };
    product.property_values.iter().map(one).collect()
}

fn titled(title: &str, attributes: &[Attribute]) -> String {
    if attributes.is_empty() {
        return title.to_owned();
    }
    let values: Vec<&str> = attributes.iter().map(|attribute| attribute.value.as_str()).collect();
    format!("{title} - {}", values.join(" / "))
}

/// Sold out is on sale with nothing left. What we do not know is not for sale as far as we can tell.
fn status(state: &str) -> ChannelStatus {
    match state {
        "active" | "sold_out" => ChannelStatus::Active,
        "expired" => ChannelStatus::Archived,
        _ => ChannelStatus::Inactive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(state: usize, offset: u64, count: u64, last: &[u64]) -> Position {
        Position { state, offset, count, last: last.to_vec() }
    }

    #[test]
    fn a_walk_goes_through_each_state_to_its_end() {
        assert_eq!(at(0, 0, 0, &[]).next(120, 50, vec![1]), Some(at(0, 50, 120, &[1])));
        assert_eq!(at(0, 100, 120, &[1]).next(120, 20, vec![2]), Some(at(1, 0, 0, &[])));
        assert_eq!(at(4, 0, 0, &[]).next(0, 0, vec![]), None);
        // An empty page ends its state, whatever the count says.
        assert_eq!(at(0, 50, 120, &[1]).next(120, 0, vec![]), Some(at(1, 0, 0, &[])));
    }

    #[test]
    fn what_moved_up_is_read() {
        assert_eq!(at(0, 50, 120, &[9]).after_a_loss(118), Some(at(0, 48, 118, &[9])));
        assert_eq!(at(0, 50, 120, &[9]).after_a_loss(120), None);
        assert_eq!(at(0, 50, 120, &[9]).after_a_loss(130), None);
        assert_eq!(at(0, 0, 0, &[]).after_a_loss(0), None);
    }

    #[test]
    fn each_state_has_its_status() {
        for (state, expected) in [
            ("active", ChannelStatus::Active),
            ("sold_out", ChannelStatus::Active),
            ("inactive", ChannelStatus::Inactive),
            ("edit", ChannelStatus::Inactive),
            ("draft", ChannelStatus::Inactive),
            ("expired", ChannelStatus::Archived),
            ("beamed_up", ChannelStatus::Inactive),
        ] {
            assert_eq!(status(state), expected, "{state}");
        }
    }

    fn product(values: &[(&str, &str)]) -> Value {
        let values: Vec<Value> = values
            .iter()
            .enumerate()
            .map(|(n, (name, value))| json!({ "property_id": 500 + n, "property_name": name, "value_ids": [1], "values": [value] }))
            .collect();
        let price = json!({ "amount": 2000, "divisor": 100, "currency_code": "EUR" });
        json!({
            "product_id": 5, "sku": " S-1 ", "is_deleted": false, "property_values": values,
            "offerings": [{ "offering_id": 6, "quantity": 3, "is_enabled": true, "is_deleted": false, "price": price }],
        })
    }

    fn record(products: &[Value]) -> Value {
        json!({
            "listing_id": 17, "title": "Men&#39;s shirt", "state": "active",
            "has_variations": products.len() > 1, "listing_type": "physical",
            "inventory": { "products": products },
        })
    }

    #[test]
    fn a_listing_without_variations_is_one() {
        let found = read(&record(&[product(&[("Primary color", "Beige")])]));
        let [Ok(one)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((one.reference.external_id.as_str(), one.reference.variation_id.as_deref()), ("17", None));
        assert_eq!((one.title.as_str(), one.attributes.len()), ("Men's shirt", 0));
        assert_eq!(one.sku.as_ref().map(Sku::as_str), Some("S-1"));
        assert_eq!(one.price.map(|price| price.amount()).as_deref(), Some("20.00"));
        assert_eq!(one.quantity.map(Quantity::units), Some(3));
    }

    #[test]
    fn each_product_that_is_not_deleted_is_a_listing() {
        let mut gone = product(&[("Size", "XL")]);
        gone["is_deleted"] = json!(true);
        let found = read(&record(&[product(&[("Size", "S")]), gone, product(&[("Size", "M")])]));
        let names: Vec<_> = found
            .iter()
            .flatten()
            .map(|one| one.reference.variation_id.clone().unwrap_or_default())
            .collect();
        assert_eq!(names, ["500:S", "500:M"]);
        assert_eq!(found[0].as_ref().map(|one| one.title.as_str()).ok(), Some("Men's shirt - S"));
    }

    #[test]
    fn what_cannot_be_read_fails_by_name() {
        let four = [("A", "1"), ("B", "2"), ("C", "3"), ("D", "4")];
        let found = read(&record(&[product(&four), product(&[("A", "2")])]));
        assert_eq!(found[0].as_ref().unwrap_err().code, "too_many_attributes");
        assert!(found[1].is_ok());
        let mut spoiled = record(&[product(&[])]);
        spoiled["inventory"]["products"][0]["offerings"][0]["price"] = json!("a song");
        let failure = read(&spoiled).remove(0).unwrap_err();
        assert_eq!((failure.external_id.as_str(), failure.code.as_str()), ("17", "unreadable_record"));
        assert_eq!(failure.title.as_deref(), Some("Men's shirt"));
    }

    #[test]
    fn one_without_an_inventory_is_sold_itself_and_a_download_has_no_number() {
        let mut bare = record(&[]);
        bare["inventory"] = json!(null);
        bare["quantity"] = json!(4);
        let one = read(&bare).remove(0).unwrap();
        assert_eq!(one.quantity.map(Quantity::units), Some(4));
        bare["listing_type"] = json!("download");
        assert_eq!(read(&bare).remove(0).unwrap().quantity, None);
    }
}
