//! Listings: one for each product variant.

use domain::channel::Fulfilment;
use domain::listing::{ATTRIBUTES_MAX, Attribute, ChannelStatus, FetchedListing, ListingRef, RecordFailure};
use domain::schedule::Window;
use domain::{Currency, Money, Name, Quantity, Sku, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Operation;
use super::wire::{ListingsData, VariantNode, number_of};
use crate::{ChannelError, Cursor, ErrorKind, Page, Shop};

/// 240 × 4 points and 3 for the connection: 963.
pub(super) const PAGE: u32 = 240;

/// Shopify pages through 25,000 records of one query and no further; another query is begun before that.
pub(super) const WALK_MAX: u32 = 24_000;

pub(super) static LISTINGS: Operation = Operation {
    name: "fetch a page of listings",
    document: include_str!("queries/listings.graphql"),
    cost: 963,
};

/// Where the walk is.
#[derive(Default, Serialize, Deserialize)]
struct Position {
    after: Option<String>,
    /// Records seen in this query.
    seen: u32,
    /// Only variants with a number above this: the walk's earlier queries had the others.
    above: Option<u64>,
}

pub(super) async fn fetch(
    shop: &Shop<'_>,
    changed: Option<Window>,
    cursor: Option<&Cursor>,
) -> Result<Page<FetchedListing>, ChannelError> {
    let position: Position = read_cursor(LISTINGS.name, cursor)?;
    let variables =
        json!({ "first": PAGE, "after": position.after, "query": search(changed, position.above) });
    let data: ListingsData = LISTINGS.call(shop, &variables).await?;
    let nodes = data.product_variants.nodes;
    let page_info = data.product_variants.page_info;
    let next =
        if page_info.has_next_page { Some(position.next(&nodes, page_info.end_cursor)?) } else { None };
    let records = nodes.into_iter().map(|node| listing(node, shop.currency)).collect();
    Ok(Page { records, next: next.as_ref().map(write_cursor), total: None })
}

impl Position {
    fn next(self, nodes: &[Value], end_cursor: Option<String>) -> Result<Self, ChannelError> {
        let seen = self.seen.saturating_add(PAGE);
        let last =
            nodes.last().and_then(|node| number_of(node.get("id")?.as_str()?)).and_then(|n| n.parse().ok());
        match (end_cursor, last) {
            (_, Some(last)) if seen >= WALK_MAX => Ok(Self { after: None, seen: 0, above: Some(last) }),
            (Some(after), _) => Ok(Self { after: Some(after), seen, ..self }),
            _ => Err(ChannelError::new(
                ErrorKind::Malformed,
                LISTINGS.name,
                "a page that is not the last has no end",
            )),
        }
    }
}

fn search(changed: Option<Window>, above: Option<u64>) -> Option<String> {
    let terms: Vec<String> = changed
        .map(|window| changed_in(window.from, window.to))
        .into_iter()
        .chain(above.map(|number| format!("id:>{number}")))
        .collect();
    (!terms.is_empty()).then(|| terms.join(" AND "))
}

/// Shopify's times have whole seconds: the window is widened to them.
pub(super) fn changed_in(from: Timestamp, to: Timestamp) -> String {
    let floor = |t: Timestamp| Timestamp::from_second(t.as_second()).unwrap_or(t);
    let ceiling = if to.subsec_nanosecond() > 0 { to.as_second().saturating_add(1) } else { to.as_second() };
    let to = Timestamp::from_second(ceiling).unwrap_or(to);
    format!("updated_at:>='{}' AND updated_at:<'{to}'", floor(from))
}

/// A cursor's text is one that an adapter wrote; anything else is refused.
pub(super) fn read_cursor<T: Default + for<'a> Deserialize<'a>>(
    operation: &'static str,
    cursor: Option<&Cursor>,
) -> Result<T, ChannelError> {
    match cursor {
        None => Ok(T::default()),
        Some(Cursor(text)) => serde_json::from_str(text).map_err(|e| {
            ChannelError::new(ErrorKind::Rejected, operation, "the cursor cannot be read").caused_by(e)
        }),
    }
}

pub(super) fn write_cursor(position: &impl Serialize) -> Cursor {
    Cursor(serde_json::to_string(position).unwrap_or_default())
}

fn listing(node: Value, currency: Currency) -> Result<FetchedListing, RecordFailure> {
    let text = |pointer: &str| node.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let failure = RecordFailure {
        external_id: text("/product/id").and_then(|gid| number_of(&gid)).unwrap_or_default(),
        sku: text("/sku").filter(|sku| !sku.is_empty()),
        title: text("/product/title"),
        code: String::new(),
        reason: String::new(),
    };
    let refuse = |code: &str, reason: &str| RecordFailure {
        code: code.to_owned(),
        reason: reason.to_owned(),
        ..failure.clone()
    };
    let unreadable =
        || refuse("unreadable_record", "Shopify answered for this variant in a form that is not documented.");
    let variant: VariantNode = serde_json::from_value(node.clone()).map_err(|_| unreadable())?;
    let (Some(product), Some(number), Some(item)) =
        (number_of(&variant.product.id), number_of(&variant.id), number_of(&variant.inventory_item.id))
    else {
        return Err(unreadable());
    };
    let sku = match variant.sku.as_deref().map(str::trim) {
        None | Some("") => None,
        Some(sku) => {
            Some(Sku::parse(sku).map_err(|e| refuse("invalid_sku", &format!("Change the SKU: it {e}.")))?)
        }
    };
    let attributes = attributes(&variant);
    if attributes.len() > ATTRIBUTES_MAX {
        return Err(refuse(
            "too_many_attributes",
            "Variants with more than three attributes are not synced.",
        ));
    }
    let title = Name::from_channel(&title(&variant.product.title, &attributes))
        .map_err(|e| refuse("invalid_title", &format!("Change the title: it {e}.")))?;
    let price = Money::parse_rounded(&variant.price, currency)
        .map_err(|e| refuse("invalid_price", &format!("Change the price: it {e}.")))?;
    let counted = variant.inventory_item.tracked.then_some(variant.inventory_quantity).flatten();
    Ok(FetchedListing {
        reference: ListingRef { external_id: product, variation_id: Some(number) },
        sku,
        title,
        price: Some(price),
        quantity: counted.map(Quantity::clamped),
        status: status(&variant.product.status),
        attributes,
        barcode: variant.barcode.filter(|barcode| !barcode.trim().is_empty()),
        fulfilment: Fulfilment::Mfn,
        stock_ref: Some(item),
    })
}

/// A product without options has one by Shopify's own name, `Title` = `Default Title`.
fn attributes(variant: &VariantNode) -> Vec<Attribute> {
    match variant.selected_options.as_slice() {
        [only] if only.name == "Title" && only.value == "Default Title" => Vec::new(),
        options => options
            .iter()
            .map(|option| Attribute { name: option.name.clone(), value: option.value.clone() })
            .collect(),
    }
}

fn title(product: &str, attributes: &[Attribute]) -> String {
    if attributes.is_empty() {
        return product.to_owned();
    }
    let values: Vec<&str> = attributes.iter().map(|attribute| attribute.value.as_str()).collect();
    format!("{product} - {}", values.join(" / "))
}

/// What we do not know is not for sale as far as we can tell.
fn status(status: &str) -> ChannelStatus {
    match status {
        "ACTIVE" => ChannelStatus::Active,
        "ARCHIVED" => ChannelStatus::Archived,
        _ => ChannelStatus::Inactive,
    }
}
