//! Listings: products without variations, and the variations of those that have them.
//!
//! One call to the shop a page. A page of products gives the listings that it holds; the variable products among them wait
//! in the cursor, and each gives its variations in a page of its own. So memory does not grow with the catalogue, and a
//! sync can stop between any two calls.

use std::collections::{BTreeSet, VecDeque};

use domain::channel::Fulfilment;
use domain::listing::{self, ATTRIBUTES_MAX, ChannelStatus, FetchedListing, ListingRef, RecordFailure};
use domain::schedule::Window;
use domain::{Currency, Money, Name, Quantity, Sku};
use serde::{Deserialize, Serialize};

use super::auth::Parameter;
use super::error::malformed;
use super::wire::{self, ManageStock, Product};
use super::{PAGE_MAX, parameter, send};
use crate::entity::plain_text;
use crate::walk::{Step, Walk};
use crate::{ChannelError, Cursor, ErrorKind, Page, Shop};

const FETCH: &str = "fetch a page of listings";

/// Bytes of names and SKUs above which further parents wait in the cursor by their id alone. A cursor may have 16 KiB:
/// this leaves room for JSON's escapes and the ids of a page. More would save a call for each parent with a long name.
const KNOWN_BYTES_MAX: usize = 6 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// The pages of products still to come.
    #[serde(rename = "p")]
    products: Option<Products>,
    /// Products whose variations are still to be fetched.
    #[serde(rename = "v", default, skip_serializing_if = "VecDeque::is_empty")]
    parents: VecDeque<Parent>,
    /// Which page of the first parent's variations comes next.
    #[serde(rename = "n", default = "first_page")]
    variations_page: u32,
}

fn first_page() -> u32 {
    1
}

/// Where the walk through the products goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Products {
    /// All of them, by id.
    #[serde(rename = "a")]
    All {
        #[serde(rename = "p")]
        page: u32,
        /// The highest id given out.
        #[serde(rename = "i")]
        last_id: u64,
        /// How many products there were at the page before.
        #[serde(rename = "t")]
        total: u64,
    },
    /// Those that changed.
    #[serde(rename = "c")]
    Changed(Walk),
}

/// A variable product: what its variations do not say of it themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Parent {
    #[serde(rename = "i")]
    id: u64,
    /// `None` where the cursor would grow too long: asked for again.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    known: Option<Known>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    #[serde(rename = "n")]
    name: String,
    #[serde(rename = "s", default, skip_serializing_if = "String::is_empty")]
    sku: String,
    #[serde(rename = "f")]
    for_sale: bool,
}

impl Known {
    fn of(product: &Product) -> Self {
        let name = plain_text(product.name.as_deref().unwrap_or_default());
        Self {
            name: name.chars().take(Name::LENGTH_MAX).collect(),
            sku: product.sku.clone().unwrap_or_default(),
            for_sale: product.status == "publish",
        }
    }
}

/// One call's worth of listings.
pub(super) async fn fetch(
    shop: &Shop<'_>,
    changed: Option<Window>,
    cursor: Option<&Cursor>,
) -> Result<Page<FetchedListing>, ChannelError> {
    let position = match cursor {
        Some(cursor) => serde_json::from_str(&cursor.0).map_err(|error| malformed_cursor(FETCH, error))?,
        None => Position {
            products: Some(match changed {
                Some(window) => Products::Changed(Walk::from(window.from)),
                None => Products::All { page: 1, last_id: 0, total: 0 },
            }),
            parents: VecDeque::new(),
            variations_page: 1,
        },
    };
    match (position.parents.front().cloned(), position.products.clone()) {
        (Some(parent), _) => fetch_variations(shop, position, parent).await,
        (None, Some(products)) => fetch_products(shop, products, changed).await,
        (None, None) => Ok(Page { records: Vec::new(), next: None, total: None }),
    }
}

/// A cursor that this adapter did not write.
pub(super) fn malformed_cursor(operation: &'static str, error: serde_json::Error) -> ChannelError {
    let mut failure =
        ChannelError::new(ErrorKind::Malformed, operation, "the cursor cannot be read").caused_by(error);
    failure.retry = crate::Retry::Never;
    failure
}

async fn fetch_products(
    shop: &Shop<'_>,
    products: Products,
    changed: Option<Window>,
) -> Result<Page<FetchedListing>, ChannelError> {
    let mut query = vec![
        parameter("per_page", PAGE_MAX),
        parameter("status", "any"),
        parameter("order", "asc"),
        parameter("_fields", wire::PRODUCT_FIELDS),
    ];
    match &products {
        Products::All { page, .. } => query.extend([parameter("page", page), parameter("orderby", "id")]),
        Products::Changed(walk) => query.extend(changed_since(walk)),
    }
    let answer = send(shop, FETCH, http::Method::GET, "products", query, None).await?;
    let found: Vec<Result<Product, RecordFailure>> =
        wire::records(&answer.body).map_err(|error| malformed(FETCH, error))?;
    let total = answer.count("x-wp-total").unwrap_or(0);
    let pages = answer.count("x-wp-totalpages").unwrap_or(0);

    if let Products::All { page, last_id, total: before } = products
        && total < before
    {
        // Something was deleted, so records have moved up to pages already read: those are read again. The count is
        // taken over, so this ends.
        let back = u32::try_from((before - total).div_ceil(u64::from(PAGE_MAX))).unwrap_or(u32::MAX);
        let products = Products::All { page: page.saturating_sub(back).max(1), last_id, total };
        return Ok(page_of(Vec::new(), Some(products), VecDeque::new()));
    }

    let mut records = Vec::new();
    let mut parents = VecDeque::new();
    let mut steps = Vec::new();
    let mut past_window = false;
    let any = !found.is_empty();
    for product in found.iter().flatten() {
        let changed_s = product.date_modified_gmt.map_or(0, |at| at.0.as_second());
        steps.push(Step { id: product.id, changed_s });
    }
    for record in found {
        let product = match record {
            Ok(product) => product,
            Err(failure) => {
                records.push(Err(failure));
                continue;
            }
        };
        let changed_at = product.date_modified_gmt.map(|at| at.0);
        let wanted = match &products {
            Products::All { last_id, .. } => product.id > *last_id,
            Products::Changed(walk) => {
                past_window |= changed.zip(changed_at).is_some_and(|(window, at)| at >= window.to);
                let changed_s = changed_at.map_or(i64::MAX, |at| at.as_second());
                !past_window && walk.is_new(Step { id: product.id, changed_s })
            }
        };
        if !wanted {
            continue;
        }
        if is_variable(&product) {
            if !product.variations.is_empty() {
                parents.push_back(Parent { id: product.id, known: Some(Known::of(&product)) });
            }
        } else {
            records.push(listing(&product, None, shop.currency));
        }
    }
    let more = |page: u32| u64::from(page) < pages && any && !past_window;
    let next = match products {
        Products::All { page, last_id, .. } => more(page).then(|| Products::All {
            page: page + 1,
            last_id: steps.iter().map(|step| step.id).max().unwrap_or(0).max(last_id),
            total,
        }),
        Products::Changed(walk) => more(walk.page).then(|| Products::Changed(walk.next(&steps, true))),
    };
    Ok(page_of(records, next, parents))
}

/// The parameters of a walk through changes.
pub(super) fn changed_since(walk: &Walk) -> [Parameter; 4] {
    let after = domain::Timestamp::from_second(walk.after).unwrap_or(domain::Timestamp::UNIX_EPOCH);
    [
        parameter("modified_after", wire::time_filter(after)),
        parameter("dates_are_gmt", "true"),
        parameter("orderby", "modified"),
        parameter("page", walk.page),
    ]
}

async fn fetch_variations(
    shop: &Shop<'_>,
    mut position: Position,
    parent: Parent,
) -> Result<Page<FetchedListing>, ChannelError> {
    let Some(known) = parent.known else {
        let query = vec![parameter("_fields", wire::PRODUCT_FIELDS)];
        let path = format!("products/{}", parent.id);
        let known = match send(shop, FETCH, http::Method::GET, &path, query, None).await {
            Ok(answer) => {
                Some(Known::of(&wire::read(&answer.body).map_err(|error| malformed(FETCH, error))?))
            }
            // Deleted since it was listed.
            Err(error) if error.kind == ErrorKind::Rejected => None,
            Err(error) => return Err(error),
        };
        position.parents.pop_front();
        if known.is_some() {
            position.parents.push_front(Parent { id: parent.id, known });
        }
        return Ok(page_of_position(Vec::new(), position));
    };
    let query = vec![
        parameter("per_page", PAGE_MAX),
        parameter("page", position.variations_page),
        parameter("status", "any"),
        parameter("orderby", "id"),
        parameter("order", "asc"),
        parameter("_fields", wire::VARIATION_FIELDS),
    ];
    let path = format!("products/{}/variations", parent.id);
    let answer = send(shop, FETCH, http::Method::GET, &path, query, None).await?;
    let found: Vec<Result<Product, RecordFailure>> =
        wire::records(&answer.body).map_err(|error| malformed(FETCH, error))?;
    // A variation leaves out the attributes that it is open in, so its group has all that any of them names.
    let attributes: BTreeSet<&str> = found
        .iter()
        .flatten()
        .flat_map(|one| one.attributes.iter().map(|attribute| attribute.name.as_str()))
        .collect();
    let too_many = attributes.len() > ATTRIBUTES_MAX;
    let group = Group { id: parent.id, known: &known };
    let records = found
        .iter()
        .map(|record| match record {
            Ok(variation) if too_many => Err(failure(
                variation,
                Some(&group),
                "too_many_attributes",
                "its group has more than three attributes: give it three or fewer",
            )),
            Ok(variation) => listing(variation, Some(&group), shop.currency),
            Err(failure) => Err(failure.clone()),
        })
        .collect();
    if u64::from(position.variations_page) < answer.count("x-wp-totalpages").unwrap_or(0) {
        position.variations_page += 1;
    } else {
        position.parents.pop_front();
        position.variations_page = 1;
    }
    Ok(page_of_position(records, position))
}

fn page_of(
    records: Vec<Result<FetchedListing, RecordFailure>>,
    products: Option<Products>,
    parents: VecDeque<Parent>,
) -> Page<FetchedListing> {
    page_of_position(records, Position { products, parents, variations_page: 1 })
}

/// `total` is unknown: the shop counts products, not what they hold.
fn page_of_position(
    records: Vec<Result<FetchedListing, RecordFailure>>,
    mut position: Position,
) -> Page<FetchedListing> {
    if position.products.is_none() && position.parents.is_empty() {
        return Page { records, next: None, total: None };
    }
    let mut bytes = 0;
    for parent in &mut position.parents {
        bytes += parent.known.as_ref().map_or(0, |known| known.name.len() + known.sku.len() + 64);
        if bytes > KNOWN_BYTES_MAX {
            parent.known = None;
        }
    }
    let next = serde_json::to_string(&position).ok().map(Cursor);
    Page { records, next, total: None }
}

/// `variable`, or a plugin's `variable-subscription`.
fn is_variable(product: &Product) -> bool {
    product.kind.starts_with("variable")
}

/// The product that a variation is one of.
struct Group<'a> {
    id: u64,
    known: &'a Known,
}

fn listing(
    product: &Product,
    group: Option<&Group<'_>>,
    currency: Currency,
) -> Result<FetchedListing, RecordFailure> {
    let fail = |code, reason| failure(product, group, code, reason);
    let own_sku = product.sku.as_deref().map(str::trim).unwrap_or_default();
    // A variation without a SKU comes back with its parent's.
    let inherited = group.is_some_and(|group| group.known.sku.trim() == own_sku);
    let sku = match own_sku {
        "" => None,
        _ if inherited => None,
        sku => Some(Sku::parse(sku).map_err(|_| {
            fail("invalid_sku", "the SKU is longer than 255 characters or has control characters")
        })?),
    };
    let price = match product.price.as_ref().map(|price| price.0.as_str()) {
        None | Some("") => None,
        Some(price) => Some(
            Money::parse_rounded(price, currency)
                .map_err(|_| fail("malformed_price", "the price is not a decimal number"))?,
        ),
    };
    let for_sale = product.status == "publish" && group.is_none_or(|group| group.known.for_sale);
    let quantity = match product.manage_stock {
        ManageStock::Nobody => None,
        ManageStock::Itself | ManageStock::Parent => {
            product.stock_quantity.map(|units| Quantity::clamped(units.0))
        }
    };
    let parent_stock = group.filter(|_| product.manage_stock == ManageStock::Parent);
    Ok(FetchedListing {
        reference: reference(product.id, group),
        title: Name::from_channel(&title(product, group))
            .map_err(|_| fail("malformed_record", "the name cannot be read"))?,
        sku,
        price,
        quantity,
        status: if for_sale { ChannelStatus::Active } else { ChannelStatus::Inactive },
        attributes: product
            .attributes
            .iter()
            .filter(|_| group.is_some())
            .map(|one| listing::Attribute { name: plain_text(&one.name), value: plain_text(&one.option) })
            .collect(),
        barcode: product.global_unique_id.clone().filter(|code| !code.trim().is_empty()),
        fulfilment: Fulfilment::Mfn,
        stock_ref: parent_stock.map(|group| group.id.to_string()),
    })
}

fn reference(id: u64, group: Option<&Group<'_>>) -> ListingRef {
    match group {
        Some(group) => ListingRef { external_id: group.id.to_string(), variation_id: Some(id.to_string()) },
        None => ListingRef { external_id: id.to_string(), variation_id: None },
    }
}

/// A product's name; a variation's is its parent's and its choices, as the shop writes it on an order. What has no name
/// is called by its SKU or its id.
fn title(product: &Product, group: Option<&Group<'_>>) -> String {
    let own = plain_text(product.name.as_deref().unwrap_or_default());
    let choices =
        || product.attributes.iter().map(|one| plain_text(&one.option)).collect::<Vec<_>>().join(", ");
    let name = match group {
        None => own,
        Some(group) => {
            let own = if own.trim().is_empty() { choices() } else { own };
            let parts = [group.known.name.trim(), own.trim()];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" - ")
        }
    };
    if !name.trim().is_empty() {
        return name;
    }
    match product.sku.as_deref().map(str::trim) {
        Some(sku) if !sku.is_empty() => sku.to_owned(),
        _ => format!("#{}", product.id),
    }
}

fn failure(product: &Product, group: Option<&Group<'_>>, code: &str, reason: &str) -> RecordFailure {
    let reference = reference(product.id, group);
    let external_id = match reference.variation_id {
        Some(variation) => format!("{}/{variation}", reference.external_id),
        None => reference.external_id,
    };
    RecordFailure {
        external_id,
        sku: product.sku.clone().filter(|sku| !sku.is_empty()),
        title: Some(title(product, group)),
        code: code.to_owned(),
        reason: reason.to_owned(),
    }
}
