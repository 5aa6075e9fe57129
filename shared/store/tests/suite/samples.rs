//! Entities to test with. Each law has an organization of its own, so that laws share tables and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use domain::availability::RuleSetting;
use domain::channel::Fulfilment;
use domain::fulfilment::{LineProgress, StockDeductedOn};
use domain::listing::{ChannelStatus, ListingRef, ListingStatus, Match};
use domain::order::{ChannelOrderState, Effect, OrderState, PaymentStatus, Place};
use domain::order_document::DocumentCounts;
use domain::push::Acknowledged;
use domain::stock::{Actor, Change, Movement, Reason, Source, SourceKind};
use domain::{
    ChannelKind, ConnectionId, ItemId, ListingId, LocationId, Money, MovementId, Name, OrderId,
    OrganizationId, Quantity, Sku, Timestamp,
};
use store::PageRequest;
use store::item::Item;
use store::link::{Link, LinkedBy};
use store::listing::Listing;
use store::order::{Order, OrderLine, Origin};

/// 2026-01-01, and so many seconds.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

pub fn organization(law: &str) -> OrganizationId {
    OrganizationId::from_body(law).unwrap()
}

/// As long as a real one: a UUID in hex, of the same order as its number.
fn uuid(n: u64) -> String {
    format!("0199{n:012x}{:016x}", n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

pub fn item_id(n: u64) -> ItemId {
    ItemId::from_body(&uuid(n)).unwrap()
}

pub fn location(n: u64) -> LocationId {
    LocationId::from_body(&uuid(n)).unwrap()
}

pub fn connection(n: u64) -> ConnectionId {
    ConnectionId::from_body(&uuid(n)).unwrap()
}

pub fn first(limit: u32) -> PageRequest {
    PageRequest { limit, cursor: None }
}

pub fn item(n: u64, sku: &str, name: &str) -> Item {
    Item {
        id: item_id(n),
        sku: Sku::parse(sku).unwrap(),
        name: Name::parse(name).unwrap(),
        selling_price: Some(Money { minor: 1250, currency: "EUR".parse().unwrap() }),
        purchase_price: None,
        opening_stock_value: None,
        barcode: None,
        group: None,
        reorder_level: None,
        components: Vec::new(),
        base_version: 0,
        created_at: at(0),
        version: 1,
    }
}

pub fn movement(
    id: &str,
    item: &ItemId,
    location: &LocationId,
    on_hand: i64,
    committed: i64,
    second: i64,
) -> Movement {
    Movement {
        id: MovementId::from_body(id).unwrap(),
        item_id: item.clone(),
        location_id: location.clone(),
        change: Change { on_hand, committed },
        reason: Reason::Adjustment,
        source: Source { kind: SourceKind::Adjustment, id: "adj_1".to_owned() },
        actor: Actor::ApiKey("key_1".to_owned()),
        at: at(second),
    }
}

pub fn listing(connection: &ConnectionId, external: &str, sku: Option<&str>) -> Listing {
    Listing {
        id: ListingId::of(connection, external, None).unwrap(),
        connection_id: connection.clone(),
        reference: ListingRef { external_id: external.to_owned(), variation_id: None },
        sku: sku.map(|sku| Sku::parse(sku).unwrap()),
        title: Name::parse(&format!("Listing {external}")).unwrap(),
        price: None,
        channel_quantity: Some(Quantity::new(7).unwrap()),
        channel_status: ChannelStatus::Active,
        attributes: Vec::new(),
        barcode: None,
        fulfilment: Fulfilment::Mfn,
        stock_ref: None,
        status: ListingStatus::Unconfirmed,
        found: if sku.is_some() { Match::Unmatched } else { Match::EmptySku },
        candidate_item_ids: Vec::new(),
        item_id: None,
        rejected_item_ids: BTreeSet::new(),
        marked: None,
        counted_at: None,
        dismissed_reason: None,
        stock_rule: RuleSetting::default(),
        first_seen_at: at(0),
        observed_at: at(0),
        version: 1,
    }
}

/// The listing in its next version, linked, and the link.
pub fn linked(listing: &Listing, item: &ItemId) -> (Listing, Link) {
    let after = Listing {
        status: ListingStatus::Linked,
        item_id: Some(item.clone()),
        version: listing.version + 1,
        ..listing.clone()
    };
    let link = Link {
        listing_id: listing.id.clone(),
        item_id: item.clone(),
        connection_id: listing.connection_id.clone(),
        channel: ChannelKind::Woocommerce,
        listing: listing.reference.clone(),
        stock_ref: listing.stock_ref.clone(),
        fulfilment: listing.fulfilment,
        observed: Some(7),
        observed_at: None,
        linked_by: LinkedBy::Sku,
        linked_at: at(1),
        acknowledged: None,
        previous: None,
        shares: Default::default(),
        previous_shares: Default::default(),
        submitted: None,
        failure: None,
        rule: RuleSetting::default(),
        held_since: None,
    };
    (after, link)
}

pub fn taken(quantity: i64, version: u64, second: i64) -> Acknowledged {
    Acknowledged { quantity: Quantity::new(quantity).unwrap(), version, at: at(second) }
}

/// An order of so many lines of one unit each, of the items 1, 2, …, as a large channel would name them, and its movements.
pub fn order(connection: &ConnectionId, external: &str, lines: u64, placed: i64) -> (Order, Vec<Movement>) {
    let home = location(1);
    let order_lines: Vec<OrderLine> = (1..=lines)
        .map(|n| OrderLine {
            id: (14_401_552_380_002 + n * 32_771).to_string(),
            listing: Some(ListingRef {
                external_id: (8_072_264_417_314 + n * 98_317).to_string(),
                variation_id: Some((44_712_980_414_626 + n * 65_539).to_string()),
            }),
            item_id: Some(item_id(n)),
            parts: Some(Vec::new()),
            sku: Some(format!(
                "MUG-{:04}-{}",
                n * 37 % 9973,
                ["RED", "BLU", "GRN"][usize::try_from(n % 3).unwrap()]
            )),
            title: title(n),
            quantity: Quantity::new(1).unwrap(),
            shipped: Quantity::ZERO,
            unit_price_minor: Some(i64::try_from(995 + n * 173 % 4000).unwrap()),
            tax_minor: Some(i64::try_from(199 + n * 31 % 700).unwrap()),
            done: LineProgress::default(),
            elsewhere: Vec::new(),
            untracked: false,
        })
        .collect();
    let place = |n| Place { item_id: item_id(n), location_id: home.clone() };
    let applied: BTreeMap<Place, Effect> =
        (1..=lines).map(|n| (place(n), Effect { committed: 1, deducted: 0 })).collect();
    let order = Order {
        id: OrderId::of(connection, external).unwrap(),
        origin: Origin::Channel { connection_id: connection.clone(), external_id: external.to_owned() },
        number: format!("#{external}"),
        state: OrderState::Confirmed,
        channel_state: ChannelOrderState::Confirmed,
        fulfilled_by: Fulfilment::Mfn,
        tracking: Vec::new(),
        unknown_state: None,
        payment: PaymentStatus::Paid,
        currency: "EUR".parse().unwrap(),
        total: Some(Money { minor: 12_990, currency: "EUR".parse().unwrap() }),
        lines: order_lines,
        location_id: home.clone(),
        frozen: false,
        applied,
        complete: true,
        erased: false,
        no_stock_effect: false,
        deducted_on: StockDeductedOn::Shipment,
        contact_id: Some("ctc_0199abcdef0123456789abcdef012345".parse().unwrap()),
        documents: DocumentCounts::default(),
        comments: Vec::new(),
        placed_at: at(placed),
        changed_at: at(placed + 5),
        imported_at: at(placed + 60),
        version: 1,
    };
    let movements = order_movements(&order, 1);
    (order, movements)
}

/// One movement a place, committing `units`, of the order's version.
pub fn order_movements(order: &Order, units: i64) -> Vec<Movement> {
    order
        .applied
        .keys()
        .enumerate()
        .map(|(n, place)| Movement {
            reason: Reason::OrderCommitted,
            source: Source { kind: SourceKind::Order, id: order.id.as_str().to_owned() },
            actor: Actor::Connection(order.connection_id().map(ToString::to_string).unwrap_or_default()),
            ..movement(
                &format!("{}.{}.{n}", order.id.body(), order.version),
                &place.item_id,
                &place.location_id,
                0,
                units,
                60,
            )
        })
        .collect()
}

/// 30 characters, of words as shops use them.
fn title(n: u64) -> String {
    const WORDS: [&str; 16] = [
        "Cotton", "Ceramic", "Lamp", "Mug", "Large", "Walnut", "Striped", "Poster", "Notebook", "Linen",
        "Shelf", "Vintage", "Organic", "Candle", "Brass", "Teapot",
    ];
    let word = |k: u64| {
        WORDS[usize::try_from(n.wrapping_mul(2_654_435_761).wrapping_add(k * 40_503) / 7 % 16).unwrap()]
    };
    let mut title = format!("{} {} {} {} {n}", word(1), word(2), word(3), word(4));
    title.push_str(" handmade in small batches");
    title.truncate(30);
    title
}
