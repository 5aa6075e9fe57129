//! Sales orders. An order, its commitments and their movements land together or not at all.
//!
//! The lines are kept deflated in the order's row, so that an order of ten lines stays within one write unit of 1 KiB.

use std::collections::{BTreeMap, BTreeSet};

use domain::listing::ListingRef;
use domain::order::{ChannelOrderState, Effect, OrderState, PaymentStatus, Place};
use domain::stock::Movement;
use domain::{
    ConnectionId, Currency, ItemId, ListingId, LocationId, Money, OrderId, OrganizationId, Quantity, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{Page, PageRequest, Store, StoreError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    pub connection_id: ConnectionId,
    pub external_id: String,
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
    /// First seen fulfilled, and placed before the connection existed: it never touches the stock.
    pub no_stock_effect: bool,
    pub placed_at: Timestamp,
    /// The channel's version of what is stored.
    pub changed_at: Timestamp,
    pub imported_at: Timestamp,
    pub version: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The channel's id of the line, unique in the order.
    #[serde(rename = "n")]
    pub id: String,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<ListingRef>,
    /// The item it was resolved to.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<ItemId>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    #[serde(rename = "t")]
    pub title: String,
    #[serde(rename = "q")]
    pub quantity: Quantity,
    #[serde(rename = "f")]
    pub shipped: Quantity,
    /// Minor units of the order's currency.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub unit_price_minor: Option<i64>,
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub tax_minor: Option<i64>,
}

impl OrderLine {
    /// The line's listing, where the channel still knows it.
    pub fn listing_id(&self, connection: &ConnectionId) -> Option<ListingId> {
        let listing = self.listing.as_ref()?;
        ListingId::of(connection, &listing.external_id, listing.variation_id.as_deref()).ok()
    }
}

#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    pub connection_id: Option<ConnectionId>,
    pub state: Option<OrderState>,
    pub frozen: Option<bool>,
    /// Part of the number or the channel's id, in lower case.
    pub q: Option<String>,
}

/// Movements that fit into one transaction beside the order's row: each takes two of DynamoDB's 100 places.
pub const MOVEMENTS_MAX: usize = 45;

impl Store {
    /// Consistent; one that is not complete too.
    pub async fn order(
        &self,
        organization: &OrganizationId,
        id: &OrderId,
    ) -> Result<Option<Order>, StoreError> {
        todo!()
    }

    /// Newest placed first; complete ones only.
    pub async fn orders(
        &self,
        organization: &OrganizationId,
        filter: &OrderFilter,
        page: &PageRequest,
    ) -> Result<Page<Order>, StoreError> {
        todo!()
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
        todo!()
    }

    /// Orders that wait for the listing to be resolved.
    pub async fn orders_waiting_for(
        &self,
        organization: &OrganizationId,
        listing: &ListingId,
        page: &PageRequest,
    ) -> Result<Page<OrderId>, StoreError> {
        todo!()
    }
}
