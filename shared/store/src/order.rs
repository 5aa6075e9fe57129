//! Sales orders. An order, its commitments and their movements land together or not at all.
//!
//! The lines are kept deflated in the order's row, so that an order of ten lines stays within one write unit of 1 KiB.

use std::collections::{BTreeMap, BTreeSet};

use domain::channel::Fulfilment;
use domain::fulfilment::{Elsewhere, LineProgress, LineStand, StockDeductedOn};
use domain::listing::ListingRef;
use domain::order::{ChannelOrderState, Effect, OrderState, PaymentStatus, Place, Tracking};
use domain::order_document::DocumentCounts;
use domain::stock::Movement;
use domain::{
    ConnectionId, ContactId, Currency, ItemId, ListingId, LocationId, Money, OrderId, OrganizationId,
    Quantity, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::keys::{self, IPK, ISK, Key};
use crate::order_document::OrderDocument;
use crate::packing::{Rest, bytes_of_hex, pack, unpack};
use crate::page::List;
use crate::read::{QUERIES_MAX, Query, key_of};
use crate::row::{Reader, Row, b, n, s, time, word};
use crate::stock::{Freshness, Guard, posting_steps};
use crate::transact::{STEPS_MAX, Step};
use crate::{Page, PageRequest, Store, StoreError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    pub origin: Origin,
    pub number: String,
    pub state: OrderState,
    pub channel_state: ChannelOrderState,
    /// A state of the channel that we do not know, by its name.
    pub unknown_state: Option<String>,
    pub payment: PaymentStatus,
    pub currency: Currency,
    pub total: Option<Money>,
    pub lines: Vec<OrderLine>,
    /// Where its stock is taken from.
    pub location_id: LocationId,
    /// Holds lines that are not resolved.
    pub frozen: bool,
    /// What it has taken of the stock: the sum of its movements.
    pub applied: BTreeMap<Place, Effect>,
    /// False while a large order is still being applied in parts: not shown, not counted.
    pub complete: bool,
    /// First seen fulfilled, and placed before the connection existed, or shipped by the channel from a stock that is not
    /// tracked here: it never touches the stock.
    pub no_stock_effect: bool,
    /// Who ships it: what Amazon ships is fulfilled as soon as it is here, and nobody else's to change.
    pub fulfilled_by: Fulfilment,
    /// Packages that the channel told of.
    pub tracking: Vec<Tracking>,
    /// As the organization had it when the order came: a later choice leaves what has moved.
    pub deducted_on: StockDeductedOn,
    /// Who bought, where anything tells buyers apart.
    pub contact_id: Option<ContactId>,
    /// Who bought asked to be forgotten: nothing of them is kept again.
    pub erased: bool,
    pub documents: DocumentCounts,
    /// Oldest first.
    pub comments: Vec<Comment>,
    pub placed_at: Timestamp,
    /// The channel's version of what is stored.
    pub changed_at: Timestamp,
    pub imported_at: Timestamp,
    pub version: u64,
}

/// Where an order comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    Channel {
        connection_id: ConnectionId,
        /// The channel's own id of it.
        external_id: String,
    },
    /// A person's word.
    Manual,
}

/// What a person noted on an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    #[serde(rename = "t")]
    pub text: String,
    #[serde(rename = "b")]
    pub by: String,
    #[serde(rename = "a")]
    pub at: Timestamp,
}

impl Order {
    pub fn connection_id(&self) -> Option<&ConnectionId> {
        match &self.origin {
            Origin::Channel { connection_id, .. } => Some(connection_id),
            Origin::Manual => None,
        }
    }

    pub fn external_id(&self) -> Option<&str> {
        match &self.origin {
            Origin::Channel { external_id, .. } => Some(external_id),
            Origin::Manual => None,
        }
    }

    pub fn units(&self) -> u64 {
        self.lines.iter().map(|line| u64::from(line.quantity.get())).sum()
    }

    /// The listing of one of its lines, where the channel still knows it.
    pub fn listing_of(&self, line: &OrderLine) -> Option<ListingId> {
        line.listing_id(self.connection_id()?)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The channel's id of the line, or ours, unique in the order.
    #[serde(rename = "n")]
    pub id: String,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<ListingRef>,
    /// The item it was resolved to.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<ItemId>,
    /// What one unit of a bundle was made of when it was resolved, so that a later change of the bundle does not change
    /// what the order holds; empty for a simple item. `None`: not looked at yet.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<LinePart>>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    #[serde(rename = "t")]
    pub title: String,
    #[serde(rename = "q")]
    pub quantity: Quantity,
    /// By the channel's word.
    #[serde(rename = "f")]
    pub shipped: Quantity,
    /// Minor units of the order's currency.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub unit_price_minor: Option<i64>,
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub tax_minor: Option<i64>,
    /// What was done with it here.
    #[serde(rename = "d", default, skip_serializing_if = "LineProgress::is_nothing")]
    pub done: LineProgress,
    /// What is served from other locations than the order's own.
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Elsewhere>,
    /// Of an order that Amazon ships: the merchant does not have its stock there tracked.
    #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
    pub untracked: bool,
}

/// A simple item in a bundle, with how many one bundle has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinePart {
    #[serde(rename = "i")]
    pub item_id: ItemId,
    #[serde(rename = "q")]
    pub quantity: i64,
}

impl OrderLine {
    pub fn stand(&self) -> LineStand {
        let awaited = Quantity::clamped(self.elsewhere.iter().map(|part| part.open.units()).sum());
        LineStand { quantity: self.quantity, told: self.shipped, done: self.done, awaited }
    }

    /// Nothing was done with it here, and nothing was asked of another.
    pub fn is_untouched(&self) -> bool {
        self.done.is_nothing() && self.elsewhere.is_empty()
    }

    /// The line's listing, where the channel still knows it.
    pub fn listing_id(&self, connection: &ConnectionId) -> Option<ListingId> {
        let listing = self.listing.as_ref()?;
        ListingId::of(connection, &listing.external_id, listing.variation_id.as_deref()).ok()
    }
}

#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    pub connection_id: Option<ConnectionId>,
    /// Of one of these.
    pub connection_ids: Option<BTreeSet<ConnectionId>>,
    /// Made by a person, or not.
    pub manual: Option<bool>,
    pub contact_id: Option<ContactId>,
    pub state: Option<OrderState>,
    pub frozen: Option<bool>,
    /// Part of the number or the channel's id, in lower case.
    pub q: Option<String>,
}

/// Movements that fit into one transaction beside the order's row: each takes two of DynamoDB's 100 places.
pub const MOVEMENTS_MAX: usize = 45;

/// Attributes of an order's row: short, since the row is to stay within one write unit.
const CONNECTION: &str = "con";
const EXTERNAL: &str = "ext";
const NUMBER: &str = "nr";
const STATE: &str = "st";
const CHANNEL_STATE: &str = "cs";
const UNKNOWN_STATE: &str = "us";
const PAYMENT: &str = "pay";
const CURRENCY: &str = "cur";
const TOTAL: &str = "tot";
const TOTAL_CURRENCY: &str = "toc";
const LOCATION: &str = "loc";
const FROZEN: &str = "fz";
const NO_STOCK_EFFECT: &str = "ns";
const MANUAL: &str = "mn";
const ON_INVOICE: &str = "di";
const BY_CHANNEL: &str = "fb";
const CONTACT: &str = "ct";
const PLACED_AT: &str = "pa";
const CHANGED_AT: &str = "ca";
const IMPORTED_AT: &str = "ia";
const ERASED: &str = "er";
const VERSION: &str = "version";
const LINES: &str = "li";
const ITEMS: &str = "it";

impl Order {
    fn to_row(&self, organization: &OrganizationId) -> Result<Row, StoreError> {
        let mut row = keys::order(organization, &self.id).into_row();
        let mut put = |name: &str, value| drop(row.insert(name.to_owned(), value));
        if self.complete {
            put(IPK, s(keys::orders(organization)));
            put(ISK, s(keys::order_index_sort(self.placed_at, &self.id, self.units())));
        }
        match &self.origin {
            Origin::Manual => put(MANUAL, n(1)),
            Origin::Channel { connection_id, external_id } => {
                if OrderId::of(connection_id, external_id).as_ref() != Ok(&self.id) {
                    put(CONNECTION, s(connection_id.as_str()));
                    put(EXTERNAL, s(external_id));
                }
            }
        }
        if let Some(contact) = &self.contact_id {
            put(CONTACT, packed_id(contact.body()));
        }
        if self.deducted_on == StockDeductedOn::Invoice {
            put(ON_INVOICE, n(1));
        }
        if self.fulfilled_by == Fulfilment::Fba {
            put(BY_CHANNEL, n(1));
        }
        put(NUMBER, s(&self.number));
        put(STATE, word(&self.state)?);
        if OrderState::from(self.channel_state) != self.state
            || self.channel_state == ChannelOrderState::PartFulfilled
        {
            put(CHANNEL_STATE, word(&self.channel_state)?);
        }
        if let Some(unknown) = &self.unknown_state {
            put(UNKNOWN_STATE, s(unknown));
        }
        put(PAYMENT, word(&self.payment)?);
        put(CURRENCY, s(self.currency.as_str()));
        if let Some(total) = self.total {
            put(TOTAL, n(total.minor));
            if total.currency != self.currency {
                put(TOTAL_CURRENCY, s(total.currency.as_str()));
            }
        }
        put(LOCATION, s(self.location_id.body()));
        if self.frozen {
            put(FROZEN, n(1));
        }
        if self.no_stock_effect {
            put(NO_STOCK_EFFECT, n(1));
        }
        if self.erased {
            put(ERASED, n(1));
        }
        put(PLACED_AT, time(self.placed_at));
        put(CHANGED_AT, time(self.changed_at));
        put(IMPORTED_AT, time(self.imported_at));
        put(VERSION, n(self.version));
        let rest = Rest {
            documents: self.documents,
            comments: self.comments.clone(),
            tracking: self.tracking.clone(),
        };
        let packed = pack(&self.lines, &self.applied, &self.location_id, &rest)?;
        put(LINES, b(packed.text));
        if !packed.items.is_empty() {
            put(ITEMS, b(packed.items));
        }
        Ok(row)
    }

    pub(crate) fn of_row(row: &Row) -> Result<Self, StoreError> {
        let unreadable = |error| StoreError::Unreadable("an order", Box::new(error));
        let reader = Reader::new("an order", row);
        let id: OrderId = reader.parsed(keys::SK)?;
        let origin = if reader.has(MANUAL) {
            Origin::Manual
        } else if reader.has(CONNECTION) {
            let (connection_id, external_id) =
                (reader.parsed(CONNECTION)?, reader.text(EXTERNAL)?.to_owned());
            Origin::Channel { connection_id, external_id }
        } else {
            // A channel's order is named as its listings are: by connection and the channel's own id.
            let name = ListingId::from_body(id.body()).map_err(unreadable)?;
            let (external_id, _) = name.external().unwrap_or_default();
            Origin::Channel { connection_id: name.connection().map_err(unreadable)?, external_id }
        };
        let contact_id = if reader.has(CONTACT) {
            Some(ContactId::from_body(&unpacked_id(&reader, CONTACT)?).map_err(unreadable)?)
        } else {
            None
        };
        let state: OrderState = reader.word(STATE)?;
        let channel_state = match state {
            _ if reader.has(CHANNEL_STATE) => reader.word(CHANNEL_STATE)?,
            OrderState::Pending => ChannelOrderState::Pending,
            OrderState::Fulfilled => ChannelOrderState::Fulfilled,
            OrderState::Void => ChannelOrderState::Cancelled,
            _ => ChannelOrderState::Confirmed,
        };
        let currency: Currency = reader.parsed(CURRENCY)?;
        let total_currency =
            if reader.has(TOTAL_CURRENCY) { reader.parsed(TOTAL_CURRENCY)? } else { currency };
        let location_id = LocationId::from_body(reader.text(LOCATION)?).map_err(unreadable)?;
        let items = if reader.has(ITEMS) { reader.bytes(ITEMS)? } else { &[] };
        let (lines, applied, rest) = unpack(reader.bytes(LINES)?, items, &location_id)?;
        Ok(Self {
            id,
            origin,
            number: reader.text(NUMBER)?.to_owned(),
            state,
            channel_state,
            unknown_state: reader.text_if_any(UNKNOWN_STATE)?,
            payment: reader.word(PAYMENT)?,
            currency,
            total: reader.number_if_any(TOTAL)?.map(|minor| Money { minor, currency: total_currency }),
            lines,
            location_id,
            frozen: reader.has(FROZEN),
            applied,
            complete: reader.has(IPK),
            no_stock_effect: reader.has(NO_STOCK_EFFECT),
            deducted_on: if reader.has(ON_INVOICE) {
                StockDeductedOn::Invoice
            } else {
                StockDeductedOn::Shipment
            },
            fulfilled_by: if reader.has(BY_CHANNEL) { Fulfilment::Fba } else { Fulfilment::Mfn },
            tracking: rest.tracking,
            contact_id,
            erased: reader.has(ERASED),
            documents: rest.documents,
            comments: rest.comments,
            placed_at: reader.time(PLACED_AT)?,
            changed_at: reader.time(CHANGED_AT)?,
            imported_at: reader.time(IMPORTED_AT)?,
            version: reader.number(VERSION)?,
        })
    }

    fn is_found(&self, filter: &OrderFilter) -> bool {
        let has = |text: &str, q: &str| text.to_lowercase().contains(q);
        self.complete
            && filter.connection_id.as_ref().is_none_or(|connection| self.connection_id() == Some(connection))
            && filter.connection_ids.as_ref().is_none_or(|connections| {
                self.connection_id().is_some_and(|connection| connections.contains(connection))
            })
            && filter.manual.is_none_or(|manual| manual == (self.origin == Origin::Manual))
            && (filter.contact_id.is_none() || filter.contact_id == self.contact_id)
            && filter.state.is_none_or(|state| state == self.state)
            && filter.frozen.is_none_or(|frozen| frozen == self.frozen)
            && filter
                .q
                .as_ref()
                .is_none_or(|q| has(&self.number, q) || self.external_id().is_some_and(|id| has(id, q)))
    }
}

/// An id's body: in half the bytes where it is of hex digits, as most are.
fn packed_id(body: &str) -> aws_sdk_dynamodb::types::AttributeValue {
    bytes_of_hex(body).map_or_else(|| s(body), |bytes| b(bytes.to_vec()))
}

fn unpacked_id(reader: &Reader<'_>, name: &str) -> Result<String, StoreError> {
    match reader.text(name) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Ok(reader.bytes(name)?.iter().map(|byte| format!("{byte:02x}")).collect()),
    }
}

impl Store {
    /// Consistent; one that is not complete too.
    pub async fn order(
        &self,
        organization: &OrganizationId,
        id: &OrderId,
    ) -> Result<Option<Order>, StoreError> {
        let row = self.get("read an order", &keys::order(organization, id)).await?;
        row.as_ref().map(Order::of_row).transpose()
    }

    /// Those of them that exist, in no order, incomplete ones too.
    pub async fn orders_by_ids(
        &self,
        organization: &OrganizationId,
        ids: &BTreeSet<OrderId>,
    ) -> Result<Vec<Order>, StoreError> {
        let keys = ids.iter().map(|id| keys::order(organization, id)).collect();
        let rows = self.batch_get("read orders", &keys, Freshness::Consistent).await?;
        rows.iter().map(Order::of_row).collect()
    }

    /// Newest placed first; complete ones only.
    pub async fn orders(
        &self,
        organization: &OrganizationId,
        filter: &OrderFilter,
        page: &PageRequest,
    ) -> Result<Page<Order>, StoreError> {
        let list = List::new("orders", organization, filter);
        let mut query = Query::index(keys::orders(organization)).newest_first();
        query.limit = Some(page.rows() + 1);
        let mut start = list.start(page)?;
        let mut data = Vec::new();
        let mut last_given: Option<Row> = None;
        for _ in 0..QUERIES_MAX {
            let (entries, next) = self.query("list orders", &query, start).await?;
            let mut orders = self.orders_of_entries(&entries).await?;
            for entry in &entries {
                let id = Reader::new("an order", entry).text(keys::SK)?;
                let Some(order) = orders.remove(id).filter(|order| order.is_found(filter)) else { continue };
                if data.len() == page.rows() {
                    let next_cursor = last_given.as_ref().map(|key| list.cursor(key)).transpose()?;
                    return Ok(Page { data, next_cursor });
                }
                data.push(order);
                last_given = Some(key_of(entry, true));
            }
            query.widen();
            start = next;
            if start.is_none() {
                return Ok(Page { data, next_cursor: None });
            }
        }
        let next_cursor = start.as_ref().map(|key| list.cursor(key)).transpose()?;
        Ok(Page { data, next_cursor })
    }

    /// The orders behind index entries, by their ids.
    async fn orders_of_entries(&self, entries: &[Row]) -> Result<BTreeMap<String, Order>, StoreError> {
        let mut keys = BTreeSet::new();
        for entry in entries {
            let reader = Reader::new("an order", entry);
            keys.insert(Key::new(reader.text(keys::PK)?, reader.text(keys::SK)?));
        }
        let rows = self.batch_get("list orders", &keys, Freshness::Eventual).await?;
        let orders = rows.iter().map(Order::of_row);
        orders.map(|order| order.map(|order| (order.id.as_str().to_owned(), order))).collect()
    }

    /// The order's row, the levels and the movements (at most [`MOVEMENTS_MAX`]) in one transaction, if the row still has
    /// the version before (`after.version - 1`; none for 1): 2(1 + 2M) write units for M movements of an order of up to
    /// 1 KiB. `waits_for`: listings whose resolution the order waits for now; `waited_for`: those it no longer does.
    pub async fn save_order(
        &self,
        organization: &OrganizationId,
        after: &Order,
        movements: &[Movement],
        waits_for: &BTreeSet<ListingId>,
        waited_for: &BTreeSet<ListingId>,
    ) -> Result<(), StoreError> {
        self.save_order_with(organization, after, movements, waits_for, waited_for, &[]).await
    }

    /// As [`Store::save_order`], with papers of the order (at most 4; two rows each), new ones or in their next version.
    pub async fn save_order_with(
        &self,
        organization: &OrganizationId,
        after: &Order,
        movements: &[Movement],
        waits_for: &BTreeSet<ListingId>,
        waited_for: &BTreeSet<ListingId>,
        documents: &[OrderDocument],
    ) -> Result<(), StoreError> {
        let operation = "save an order";
        let mut steps = vec![Step::put(after.to_row(organization)?).only_after(after.version, "order")];
        for document in documents {
            steps.extend(document.steps(organization, after.connection_id())?);
        }
        steps.extend(posting_steps(organization, movements.iter().map(|movement| (movement, &Guard::None)))?);
        let waiting = |listing| keys::waiting_order(organization, listing, &after.id);
        let mut early: Vec<Step> =
            waits_for.iter().map(|listing| Step::put(waiting(listing).into_row())).collect();
        let mut late: Vec<Step> =
            waited_for.difference(waits_for).map(|listing| Step::delete(waiting(listing))).collect();
        // A row that waits for nothing any more is a wasted look, a missing one is an order forgotten: what does not
        // fit is put before and deleted after.
        steps.extend(early.drain(..early.len().min(STEPS_MAX.saturating_sub(steps.len()))));
        steps.extend(late.drain(..late.len().min(STEPS_MAX.saturating_sub(steps.len()))));
        for step in early {
            self.transact(operation, vec![step]).await?;
        }
        self.transact(operation, steps).await?;
        for step in late {
            self.transact(operation, vec![step]).await?;
        }
        Ok(())
    }

    /// Orders that wait for the listing to be resolved.
    pub async fn orders_waiting_for(
        &self,
        organization: &OrganizationId,
        listing: &ListingId,
        page: &PageRequest,
    ) -> Result<Page<OrderId>, StoreError> {
        let list = List::new("waiting orders", organization, listing);
        let mut query = Query::of(keys::waiting(organization, listing)).consistent();
        query.limit = Some(page.rows() + 1);
        let read = |row: Row| Reader::new("a waiting order", &row).parsed(keys::SK).map(Some);
        self.page("list waiting orders", &list, &query, page, read).await
    }
}
