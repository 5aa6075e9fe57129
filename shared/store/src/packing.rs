//! What an order's row holds in one deflated value: the lines, what the order has taken of the stock, and what few orders
//! have: papers, comments, lines that something was done with.
//!
//! An order is one row, and each KiB of it costs a write unit at each change, so ids are not repeated: items are listed
//! once, those with a body of 32 hex digits (UUIDs) in 16 bytes each beside the deflated text, where they would not get
//! smaller; lines and effects name them by their place in the list. Places other than the order's own location are
//! listed likewise.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use domain::fulfilment::LineProgress;
use domain::listing::ListingRef;
use domain::order::{Effect, Place};
use domain::order_document::DocumentCounts;
use domain::{ItemId, LocationId, Quantity};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::order::{Comment, LinePart, OrderLine};

/// An order as large as a channel makes it, by far: what is longer is no row of ours.
const UNPACKED_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The two values of the row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    /// Deflated JSON.
    pub text: Vec<u8>,
    /// 16 bytes an item.
    pub items: Vec<u8>,
}

/// What only some orders have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Rest {
    pub documents: DocumentCounts,
    pub comments: Vec<Comment>,
}

/// Id, listing (external id, variation), item, SKU, title, quantity, shipped, unit price, tax.
type Line<'a> = (
    Text<'a>,
    Option<(Text<'a>, Option<Text<'a>>)>,
    Option<usize>,
    Option<Text<'a>>,
    Text<'a>,
    Quantity,
    Quantity,
    Option<i64>,
    Option<i64>,
);

type Text<'a> = std::borrow::Cow<'a, str>;

#[derive(Serialize, Deserialize)]
struct Content<'a>(
    #[serde(borrow)] Vec<Line<'a>>,
    /// Item, location (0: the order's own), committed, deducted.
    Vec<(usize, usize, i64, i64)>,
    /// The other locations, from 1.
    Vec<LocationId>,
    /// Ids of items that are not all UUIDs; else they are in [`Packed::items`].
    Vec<ItemId>,
    #[serde(default, skip_serializing_if = "Extra::is_nothing")] Extra,
);

/// [`Rest`], and what was done with lines, by their place.
#[derive(Default, Serialize, Deserialize)]
struct Extra {
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    progress: Vec<(usize, [Quantity; 6])>,
    #[serde(rename = "d", default, skip_serializing_if = "DocumentCounts::is_nothing")]
    documents: DocumentCounts,
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    comments: Vec<Comment>,
    /// The bundles among the lines: the line's place, and item and quantity of each part. Other lines that have an item
    /// have a simple one.
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    bundles: Vec<(usize, Vec<(usize, i64)>)>,
}

impl Extra {
    fn is_nothing(&self) -> bool {
        self.progress.is_empty()
            && self.documents.is_nothing()
            && self.comments.is_empty()
            && self.bundles.is_empty()
    }
}

fn numbers_of(done: &LineProgress) -> [Quantity; 6] {
    let LineProgress { invoiced, packed, shipped, delivered, returned, restocked } = *done;
    [invoiced, packed, shipped, delivered, returned, restocked]
}

fn progress_of([invoiced, packed, shipped, delivered, returned, restocked]: [Quantity; 6]) -> LineProgress {
    LineProgress { invoiced, packed, shipped, delivered, returned, restocked }
}

/// Things named by their place in a list.
struct Places<T>(Vec<T>);

impl<T: Clone + PartialEq> Places<T> {
    fn of(&mut self, thing: &T) -> usize {
        self.0.iter().position(|known| known == thing).unwrap_or_else(|| {
            self.0.push(thing.clone());
            self.0.len() - 1
        })
    }
}

pub(crate) fn pack(
    lines: &[OrderLine],
    applied: &BTreeMap<Place, Effect>,
    own: &LocationId,
    rest: &Rest,
) -> Result<Packed, StoreError> {
    let progress = lines.iter().enumerate().filter(|(_, line)| !line.done.is_nothing());
    let mut items = Places(Vec::new());
    let mut locations = Places(vec![own.clone()]);
    let bundles = lines.iter().enumerate().filter_map(|(n, line)| {
        let parts = line.parts.as_ref().filter(|parts| !parts.is_empty())?;
        Some((n, parts.iter().map(|part| (items.of(&part.item_id), part.quantity)).collect()))
    });
    let extra = Extra {
        progress: progress.map(|(n, line)| (n, numbers_of(&line.done))).collect(),
        documents: rest.documents,
        comments: rest.comments.clone(),
        bundles: bundles.collect(),
    };
    let lines = lines
        .iter()
        .map(|line| {
            let listing = line.listing.as_ref();
            let variation = |listing: &'_ ListingRef| listing.variation_id.clone().map(Text::Owned);
            (
                Text::Borrowed(line.id.as_str()),
                listing.map(|listing| (Text::Borrowed(listing.external_id.as_str()), variation(listing))),
                line.item_id.as_ref().map(|item| items.of(item)),
                line.sku.as_deref().map(Text::Borrowed),
                Text::Borrowed(line.title.as_str()),
                line.quantity,
                line.shipped,
                line.unit_price_minor,
                line.tax_minor,
            )
        })
        .collect();
    let applied = applied
        .iter()
        .map(|(place, effect)| {
            let (item, location) = (items.of(&place.item_id), locations.of(&place.location_id));
            (item, location, effect.committed, effect.deducted)
        })
        .collect();
    locations.0.remove(0);
    let uuids: Option<Vec<[u8; 16]>> = items.0.iter().map(|item| bytes_of_hex(item.body())).collect();
    let (bytes, texts) = match uuids {
        Some(uuids) => (uuids.concat(), Vec::new()),
        None => (Vec::new(), items.0),
    };
    let json = serde_json::to_vec(&Content(lines, applied, locations.0, texts, extra))
        .map_err(|error| StoreError::Unreadable("an order", Box::new(error)))?;
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
    let text = deflate
        .write_all(&json)
        .and_then(|()| deflate.finish())
        .map_err(|error| StoreError::Unreadable("an order", Box::new(error)))?;
    Ok(Packed { text, items: bytes })
}

/// Lines, what the order has taken of the stock, and what only some orders have.
pub(crate) type Unpacked = (Vec<OrderLine>, BTreeMap<Place, Effect>, Rest);

pub(crate) fn unpack(text: &[u8], items: &[u8], own: &LocationId) -> Result<Unpacked, StoreError> {
    let unreadable = |error| StoreError::Unreadable("an order", error);
    let mut json = Vec::new();
    DeflateDecoder::new(text)
        .take(UNPACKED_BYTES_MAX)
        .read_to_end(&mut json)
        .map_err(|error| unreadable(Box::new(error)))?;
    let Content(lines, applied, locations, mut ids, extra) =
        serde_json::from_slice(&json).map_err(|error| unreadable(Box::new(error)))?;
    for bytes in items.chunks(16) {
        let body: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        ids.push(ItemId::from_body(&body).map_err(|error| unreadable(Box::new(error)))?);
    }
    let item = |place: usize| ids.get(place).cloned().ok_or_else(|| unreadable("an item is missing".into()));
    let mut parts = BTreeMap::new();
    for (line, of_line) in extra.bundles {
        let of_line = of_line.into_iter().map(|(at, quantity)| Ok(LinePart { item_id: item(at)?, quantity }));
        parts.insert(line, of_line.collect::<Result<Vec<_>, StoreError>>()?);
    }
    let lines = lines.into_iter().enumerate().map(
        |(n, (id, listing, item_at, sku, title, quantity, shipped, unit_price_minor, tax_minor))| {
            Ok(OrderLine {
                id: id.into_owned(),
                listing: listing.map(|(external_id, variation_id)| ListingRef {
                    external_id: external_id.into_owned(),
                    variation_id: variation_id.map(Text::into_owned),
                }),
                item_id: item_at.map(item).transpose()?,
                parts: item_at.map(|_| parts.remove(&n).unwrap_or_default()),
                sku: sku.map(Text::into_owned),
                title: title.into_owned(),
                quantity,
                shipped,
                unit_price_minor,
                tax_minor,
                done: LineProgress::default(),
            })
        },
    );
    let mut lines = lines.collect::<Result<Vec<OrderLine>, StoreError>>()?;
    for (at, numbers) in extra.progress {
        if let Some(line) = lines.get_mut(at) {
            line.done = progress_of(numbers);
        }
    }
    let applied = applied.into_iter().map(|(item_at, location, committed, deducted)| {
        let location_id = match location {
            0 => own.clone(),
            n => locations.get(n - 1).cloned().ok_or_else(|| unreadable("a location is missing".into()))?,
        };
        Ok((Place { item_id: item(item_at)?, location_id }, Effect { committed, deducted }))
    });
    let rest = Rest { documents: extra.documents, comments: extra.comments };
    Ok((lines, applied.collect::<Result<_, StoreError>>()?, rest))
}

/// Of 32 lower-case hex digits, so that the way back is the same text.
pub(crate) fn bytes_of_hex(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 || digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::order_document::DocumentKind;
    use proptest::prelude::*;

    fn item(text: &str) -> ItemId {
        ItemId::from_body(text).unwrap()
    }

    fn place(n: u8) -> LocationId {
        LocationId::from_body(&format!("l{n}")).unwrap()
    }

    prop_compose! {
        fn line(uuids: bool)(
            id in "[0-9]{1,14}", listing in proptest::option::of(("\\PC{1,9}", proptest::option::of("[0-9]{1,9}"))),
            at in proptest::option::of(0u8..5), sku in proptest::option::of("\\PC{1,9}"), title in "\\PC{0,30}",
            quantity in 0i64..1000, shipped in 0i64..1000, price in proptest::option::of(any::<i64>()),
            parts in prop::collection::vec((0u8..5, 1i64..100), 0..3),
            done in proptest::option::of(proptest::array::uniform6(0i64..9)),
        ) -> OrderLine {
            let of = |n: u8| if uuids { item(&format!("{:032x}", u128::from(n) << 99)) } else { item(&format!("i{n}")) };
            OrderLine {
                id,
                listing: listing.map(|(external_id, variation_id)| ListingRef { external_id, variation_id }),
                item_id: at.map(of),
                parts: at.map(|_| parts.into_iter().map(|(n, quantity)| LinePart { item_id: of(n), quantity }).collect()),
                sku, title,
                quantity: Quantity::new(quantity).unwrap(),
                shipped: Quantity::new(shipped).unwrap(),
                unit_price_minor: price,
                tax_minor: price.map(|price| price / 5),
                done: done.map_or_else(LineProgress::default, |done| progress_of(done.map(|n| Quantity::new(n).unwrap()))),
            }
        }
    }

    fn lines() -> impl Strategy<Value = Vec<OrderLine>> {
        any::<bool>().prop_flat_map(|uuids| prop::collection::vec(line(uuids), 0..6))
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            lines in lines(),
            effects in prop::collection::vec((0u8..5, 0u8..3, any::<i64>(), any::<i64>()), 0..4),
            packages in 0u8..2,
        ) {
            let applied = effects.into_iter().map(|(i, l, committed, deducted)| {
                (Place { item_id: item(&format!("{i:032x}")), location_id: place(l) }, Effect { committed, deducted })
            }).collect::<BTreeMap<_, _>>();
            let mut rest = Rest::default();
            if packages > 0 {
                rest.documents.take_next(DocumentKind::Package);
                let (text, by) = ("To the door".to_owned(), "key_1".to_owned());
                rest.comments.push(Comment { text, by, at: domain::Timestamp::UNIX_EPOCH });
            }
            let packed = pack(&lines, &applied, &place(1), &rest).unwrap();
            prop_assert_eq!(unpack(&packed.text, &packed.items, &place(1)).unwrap(), (lines, applied, rest));
        }
    }

    #[test]
    fn rubbish_is_unreadable_not_a_panic() {
        let packed = pack(&[], &BTreeMap::new(), &place(0), &Rest::default()).unwrap();
        for text in [&b""[..], b"x", &packed.text[..packed.text.len() - 2]] {
            assert!(unpack(text, &[], &place(0)).is_err());
        }
    }
}
