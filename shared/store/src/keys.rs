//! Every key of the two tables, built here and nowhere else.
//!
//! Each partition key begins with the organization (`O#<organization>`), so that no id reaches another tenant's row.
//! Sort keys stay below DynamoDB's 1,024 bytes for ids up to [`domain::id::ID_BYTES_MAX`] less 32; what a merchant or a
//! channel writes freely (SKUs, names) goes into partition keys (2,048 bytes), as its digest where it is long.

use std::collections::HashMap;

use aws_lc_rs::digest;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::listing::{ListingStatus, Match};
use domain::stock::Movement;
use domain::sync::Outcome;
use domain::{
    ApiKeyId, AuditId, ChannelKind, ConnectionId, ContactId, DocumentId, ItemId, ListingId, LocationId,
    MatchKey, OrderId, OrganizationId, SyncId, Timestamp,
};

/// The names of the key attributes.
pub(crate) const PK: &str = "pk";
pub(crate) const SK: &str = "sk";
/// Key of the sparse index [`INDEX`].
pub(crate) const IPK: &str = "ipk";
pub(crate) const ISK: &str = "isk";
pub(crate) const INDEX: &str = "by_index";
/// Epoch seconds after which DynamoDB deletes the row, some time.
pub(crate) const EXPIRES_AT: &str = "expires_at";

/// The key of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    pub fn into_row(self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk)),
            (SK.to_owned(), AttributeValue::S(self.sk)),
        ])
    }

    pub fn to_row(&self) -> HashMap<String, AttributeValue> {
        self.clone().into_row()
    }
}

/// The partition of an organization, and the beginning of all its partition keys.
pub(crate) fn organization(organization: &OrganizationId) -> String {
    format!("O#{}", organization.body())
}

/// Free text as a part of a partition key: itself, or its digest where it is long. The two forms begin differently, so
/// that no text is another's digest.
fn text_part(text: &str) -> String {
    const BYTES_MAX: usize = 512;
    if text.len() <= BYTES_MAX {
        format!("={text}")
    } else {
        format!("~{}", URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes())))
    }
}

/// All items, in the order of their ids: of their creation.
pub(crate) fn items(o: &OrganizationId) -> String {
    format!("{}#ITM", organization(o))
}

pub(crate) fn item(o: &OrganizationId, id: &ItemId) -> Key {
    Key::new(items(o), id.as_str())
}

/// Who has a SKU.
pub(crate) fn item_sku(o: &OrganizationId, sku: &MatchKey) -> Key {
    Key::new(format!("{}#SKU#{}", organization(o), text_part(sku.as_str())), "SKU")
}

/// Which items have a name.
pub(crate) fn item_name(o: &OrganizationId, name: &MatchKey) -> Key {
    Key::new(format!("{}#NAM#{}", organization(o), text_part(name.as_str())), "NAM")
}

/// Which items are alike in a way ([`domain::likeness`]).
pub(crate) fn item_likeness(o: &OrganizationId, key: &MatchKey) -> Key {
    Key::new(format!("{}#LIK#{}", organization(o), text_part(key.as_str())), "LIK")
}

/// An item's bundles above, facts, links, levels and movements, in this order.
pub(crate) fn item_stock(o: &OrganizationId, item: &ItemId) -> String {
    format!("{}#I#{}", organization(o), item.body())
}

/// The beginnings of the sort keys of [`item_stock`].
pub(crate) const LINK: &str = "LNK#";
pub(crate) const LEVEL: &str = "LVL#";
pub(crate) const MOVEMENT: &str = "MOV#";
/// After each level, before each movement.
pub(crate) const LEVELS_END: &str = "LVL#~";

pub(crate) fn link(o: &OrganizationId, item: &ItemId, listing: &ListingId) -> Key {
    Key::new(item_stock(o, item), format!("{LINK}{listing}"))
}

pub(crate) fn level(o: &OrganizationId, item: &ItemId, location: &LocationId) -> Key {
    Key::new(item_stock(o, item), format!("{LEVEL}{location}"))
}

/// In the order of time; the id, which its source makes, keeps it single.
pub(crate) fn movement(o: &OrganizationId, movement: &Movement) -> Key {
    let sk = format!("{MOVEMENT}{}#{}", millis(movement.at), movement.id.body());
    Key::new(item_stock(o, &movement.item_id), sk)
}

/// Of fixed width, so that texts are in the order of time: 13 digits last until the year 2286.
pub(crate) fn millis(at: Timestamp) -> String {
    format!("{:013}", at.as_millisecond().max(0))
}

/// A connection's listings, in the order of their ids.
pub(crate) fn listings(o: &OrganizationId, connection: &ConnectionId) -> String {
    format!("{}#C#{}#LST", organization(o), connection.body())
}

/// `None` for an id that names no connection: there is no such listing.
pub(crate) fn listing(o: &OrganizationId, id: &ListingId) -> Option<Key> {
    Some(Key::new(listings(o, &id.connection().ok()?), id.as_str()))
}

/// Which listings of a connection have a SKU.
pub(crate) fn listing_sku(o: &OrganizationId, connection: &ConnectionId, sku: &MatchKey) -> Key {
    let pk = format!("{}#C#{}#SKU#{}", organization(o), connection.body(), text_part(sku.as_str()));
    Key::new(pk, "SKU")
}

/// The index partition of all listings.
pub(crate) fn listing_index(o: &OrganizationId) -> String {
    format!("{}#LST", organization(o))
}

/// In the index: by status, then by match, then by id.
pub(crate) fn listing_index_sort(status: ListingStatus, found: Match, id: &str) -> String {
    format!("{}#{}#{id}", status.as_str(), found.as_str())
}

/// All orders; also the index partition of the complete ones.
pub(crate) fn orders(o: &OrganizationId) -> String {
    format!("{}#ORD", organization(o))
}

pub(crate) fn order(o: &OrganizationId, id: &OrderId) -> Key {
    Key::new(orders(o), id.as_str())
}

/// In the index: by time. The id's end, the channel's own number, tells apart what was placed in one millisecond; the
/// units are there so that sales are counted from the index alone.
pub(crate) fn order_index_sort(placed_at: Timestamp, id: &OrderId, units: u64) -> String {
    let own = id.body().split_once('_').map_or(id.body(), |(_, own)| own);
    format!("{}#{own}#{units}", millis(placed_at))
}

/// When it was placed, and how many units it has.
pub(crate) fn parse_order_index(sort: &str) -> Option<(Timestamp, u64)> {
    let (placed, rest) = sort.split_once('#')?;
    let units = rest.rsplit_once('#')?.1.parse().ok()?;
    Some((Timestamp::from_millisecond(placed.parse().ok()?).ok()?, units))
}

/// The index partition of the links whose listing does not show what it should, the longest first.
pub(crate) fn behind_index(o: &OrganizationId) -> String {
    format!("{}#BHD", organization(o))
}

pub(crate) fn behind_sort(since: Timestamp, listing: &ListingId) -> String {
    format!("{}#{listing}", millis(since))
}

/// What [`behind_sort`] was made of.
pub(crate) fn parse_behind(sort: &str) -> Option<(Timestamp, ListingId)> {
    let (since, listing) = sort.split_once('#')?;
    Some((Timestamp::from_millisecond(since.parse().ok()?).ok()?, listing.parse().ok()?))
}

/// The orders that wait for a listing to be resolved.
pub(crate) fn waiting(o: &OrganizationId, listing: &ListingId) -> String {
    format!("{}#W#{}", organization(o), listing.body())
}

pub(crate) fn waiting_order(o: &OrganizationId, listing: &ListingId, order: &OrderId) -> Key {
    Key::new(waiting(o, listing), order.as_str())
}

/// An order's papers, by kind, then by number.
pub(crate) fn order_documents(o: &OrganizationId, order: &OrderId) -> String {
    format!("{}#D#{}", organization(o), order.body())
}

pub(crate) fn order_document(o: &OrganizationId, id: &DocumentId) -> Key {
    Key::new(order_documents(o, &id.order_id), format!("{}#{:010}", id.kind.prefix(), id.number))
}

/// The shipments of which a connection's channel has not been told.
pub(crate) fn untold_shipments(o: &OrganizationId, connection: &ConnectionId) -> String {
    format!("{}#C#{}#SHP", organization(o), connection.body())
}

pub(crate) fn untold_shipment(o: &OrganizationId, connection: &ConnectionId, id: &DocumentId) -> Key {
    Key::new(untold_shipments(o, connection), id.to_string())
}

/// What Amazon was asked to send from a connection's stock there and has not ended.
pub(crate) fn open_outbounds(o: &OrganizationId, connection: &ConnectionId) -> String {
    format!("{}#C#{}#OUT", organization(o), connection.body())
}

pub(crate) fn open_outbound(o: &OrganizationId, connection: &ConnectionId, id: &DocumentId) -> Key {
    Key::new(open_outbounds(o, connection), id.to_string())
}

/// All stock documents of a kind, in the order of their ids: of their creation.
pub(crate) fn documents(o: &OrganizationId, kind: &str) -> String {
    format!("{}#{kind}", organization(o))
}

pub(crate) fn document(o: &OrganizationId, kind: &str, id: &impl std::fmt::Display) -> Key {
    Key::new(documents(o, kind), id.to_string())
}

/// What lies beside an item's levels and links: the bundles that name it, its facts, and that its stock is low.
pub(crate) const WITHIN: &str = "BND#";
pub(crate) const FACTS: &str = "FACT";
pub(crate) const LOW: &str = "LOW";

pub(crate) fn within(o: &OrganizationId, component: &ItemId, bundle: &ItemId) -> Key {
    Key::new(item_stock(o, component), format!("{WITHIN}{bundle}"))
}

pub(crate) fn facts(o: &OrganizationId, item: &ItemId) -> Key {
    Key::new(item_stock(o, item), FACTS)
}

pub(crate) fn low(o: &OrganizationId, item: &ItemId) -> Key {
    Key::new(item_stock(o, item), LOW)
}

/// The listings that drifted, in the order of their ids.
pub(crate) fn drifts(o: &OrganizationId) -> String {
    format!("{}#DRF", organization(o))
}

pub(crate) fn drift(o: &OrganizationId, listing: &ListingId) -> Key {
    Key::new(drifts(o), listing.as_str())
}

/// The beginning of the ids of a connection's listings.
pub(crate) fn listings_begin(connection: &ConnectionId) -> String {
    format!("{}_{}_", ListingId::PREFIX, connection.body())
}

/// The runs of the ledger's check, in the order of their ids.
pub(crate) fn verifications(o: &OrganizationId) -> String {
    format!("{}#VFY", organization(o))
}

pub(crate) fn verification(o: &OrganizationId, id: &SyncId) -> Key {
    Key::new(verifications(o), id.as_str())
}

/// The index partition of the checks that are to go on, over all organizations.
pub(crate) const CHECKS_DUE: &str = "CHECK";

pub(crate) fn check_due_sort(at: Timestamp, o: &OrganizationId, id: &SyncId) -> String {
    format!("{}#{}#{}", nanos(at), o.body(), id.body())
}

/// What [`check_due_sort`] was made of.
pub(crate) fn parse_check_due(sort: &str) -> Option<(OrganizationId, SyncId)> {
    let mut parts = sort.split('#').skip(1);
    let o = OrganizationId::from_body(parts.next()?).ok()?;
    Some((o, SyncId::from_body(parts.next()?).ok()?))
}

/// The organization's own row.
pub(crate) fn organization_row(o: &OrganizationId) -> Key {
    Key::new(organization(o), "ORG")
}

/// The beginnings of the sort keys in [`organization`].
pub(crate) const LOCATION: &str = "LOC#";
pub(crate) const API_KEY: &str = "KEY#";
pub(crate) const CONNECTION: &str = "CON#";

pub(crate) fn location(o: &OrganizationId, id: &LocationId) -> Key {
    Key::new(organization(o), format!("{LOCATION}{id}"))
}

pub(crate) fn api_key(o: &OrganizationId, id: &ApiKeyId) -> Key {
    Key::new(organization(o), format!("{API_KEY}{id}"))
}

/// The way to a key from the digest of its secret, which names no organization.
pub(crate) fn api_key_way(digest: &str) -> Key {
    Key::new(format!("K#{digest}"), "K")
}

/// What people set of a connection.
pub(crate) fn connection(o: &OrganizationId, id: &ConnectionId) -> Key {
    Key::new(organization(o), format!("{CONNECTION}{id}"))
}

/// What workers keep of it.
pub(crate) fn connection_state(o: &OrganizationId, id: &ConnectionId) -> Key {
    Key::new(organization(o), format!("CONSTATE#{id}"))
}

/// Its sealed credentials and webhook secret.
pub(crate) fn connection_secrets(o: &OrganizationId, id: &ConnectionId) -> Key {
    Key::new(organization(o), format!("CONSEC#{id}"))
}

/// The way to a connection from its id, for a notification that names no organization.
pub(crate) fn connection_way(id: &ConnectionId) -> Key {
    Key::new(format!("C#{}", id.body()), "C")
}

/// The ways to the connections of a channel's account, for a notification that names nothing else.
pub(crate) fn account_ways(channel: ChannelKind, account: &str) -> String {
    format!("N#{}#{}", channel.as_str(), text_part(account))
}

pub(crate) fn account_way(channel: ChannelKind, account: &str, o: &OrganizationId, id: &ConnectionId) -> Key {
    Key::new(account_ways(channel, account), format!("{}#{}", o.body(), id.body()))
}

/// A consent that was asked for, by the digest of its state, which names no organization.
pub(crate) fn consent(digest: &str) -> Key {
    Key::new(format!("A#{digest}"), "A")
}

/// A session of the console, by the digest of its token, which names no organization.
pub(crate) fn session(digest: &str) -> Key {
    Key::new(format!("S#{digest}"), "S")
}

/// The index partition of the connections that are to be synced, over all organizations.
pub(crate) const DUE: &str = "DUE";

/// In the index: by time, to the nanosecond.
pub(crate) fn due_sort(at: Timestamp, o: &OrganizationId, id: &ConnectionId) -> String {
    format!("{}#{}#{}", nanos(at), o.body(), id.body())
}

/// After each [`due_sort`] of `now` or earlier, before each later one.
pub(crate) fn due_until(now: Timestamp) -> String {
    format!("{}~", nanos(now))
}

/// What [`due_sort`] was made of.
pub(crate) fn parse_due(sort: &str) -> Option<(Timestamp, OrganizationId, ConnectionId)> {
    let mut parts = sort.split('#');
    let at = Timestamp::from_nanosecond(parts.next()?.parse().ok()?).ok()?;
    let o = OrganizationId::from_body(parts.next()?).ok()?;
    let id = ConnectionId::from_body(parts.next()?).ok()?;
    Some((at, o, id))
}

fn nanos(at: Timestamp) -> String {
    format!("{:020}", at.as_nanosecond().max(0))
}

pub(crate) fn lease(o: &OrganizationId, name: &str) -> Key {
    Key::new(organization(o), format!("LEASE#{name}"))
}

/// The client chooses the key freely: its digest has one length and one alphabet.
pub(crate) fn idempotency(o: &OrganizationId, key: &str) -> Key {
    let digest = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, key.as_bytes()));
    Key::new(format!("{}#IDM", organization(o)), digest)
}

/// All syncs, in the order of their ids: of their beginning.
pub(crate) fn syncs(o: &OrganizationId) -> String {
    format!("{}#SYN", organization(o))
}

pub(crate) fn sync(o: &OrganizationId, id: &SyncId) -> Key {
    Key::new(syncs(o), id.as_str())
}

/// A sync's records: by outcome, then by step.
pub(crate) fn sync_records(o: &OrganizationId, id: &SyncId) -> String {
    format!("{}#SYR#{}", organization(o), id.body())
}

/// `part` counts the rows that one step's records of one outcome fill.
pub(crate) fn sync_chunk(o: &OrganizationId, id: &SyncId, outcome: Outcome, step: u32, part: usize) -> Key {
    Key::new(sync_records(o, id), format!("{}#{step:010}#{part:04}", outcome.as_str()))
}

/// All records of the audit, in the order of their ids: of time.
pub(crate) fn audits(o: &OrganizationId) -> String {
    format!("{}#AUD", organization(o))
}

pub(crate) fn audit(o: &OrganizationId, id: &AuditId) -> Key {
    Key::new(audits(o), id.as_str())
}

/// How far the sweep of an organization's personal data is.
pub(crate) fn sweep(o: &OrganizationId) -> Key {
    Key::new(organization(o), "SWEEP")
}

/// The index partition of the sweeps that are to go on, over all organizations.
pub(crate) const SWEEPS_DUE: &str = "SWEEP";

pub(crate) fn sweep_due_sort(at: Timestamp, o: &OrganizationId) -> String {
    format!("{}#{}", nanos(at), o.body())
}

/// What [`sweep_due_sort`] was made of.
pub(crate) fn parse_sweep_due(sort: &str) -> Option<OrganizationId> {
    OrganizationId::from_body(sort.split_once('#')?.1).ok()
}

/// In the table of personal data: the beginning of the sort keys of [`buyer`].
pub(crate) const BUYER: &str = "ORD#";

/// In the table of personal data.
pub(crate) fn buyer(o: &OrganizationId, order: &OrderId) -> Key {
    Key::new(organization(o), format!("{BUYER}{order}"))
}

/// In the table of personal data: the orders of a contact.
pub(crate) fn contact_orders(o: &OrganizationId, contact: &ContactId) -> String {
    format!("{}#CTO#{}", organization(o), contact.body())
}

pub(crate) fn contact_order(o: &OrganizationId, contact: &ContactId, order: &OrderId) -> Key {
    Key::new(contact_orders(o, contact), order.as_str())
}

/// In the table of personal data: all contacts, in the order of their ids.
pub(crate) fn contacts(o: &OrganizationId) -> String {
    format!("{}#CTC", organization(o))
}

pub(crate) fn contact(o: &OrganizationId, id: &ContactId) -> Key {
    Key::new(contacts(o), id.as_str())
}

/// In the table of personal data: which contact has a name, by the name's keyed hash.
pub(crate) fn contact_name(o: &OrganizationId, hash: &str) -> Key {
    Key::new(format!("{}#CNM#{hash}", organization(o)), "CNM")
}

/// In the table of personal data: the sealed key that contacts are hashed with.
pub(crate) fn contact_key(o: &OrganizationId) -> Key {
    Key::new(organization(o), "CTCKEY")
}
