//! Listings: what the channels offer, one row each in its connection's partition.
//!
//! A sparse key-only index by status and match gives lists and counts; rows that only change their number or title do
//! not touch it. Which SKUs repeat within a connection is kept beside (one small row per SKU, the listings as a set).

use std::collections::{BTreeMap, BTreeSet};

use domain::channel::Fulfilment;
use domain::listing::{Attribute, ChannelStatus, ListingRef, ListingStatus, Match};
use domain::{ConnectionId, ItemId, ListingId, MatchKey, Money, Name, OrganizationId, Quantity, Sku, Timestamp};
use serde::{Deserialize, Serialize};

use crate::link::Link;
use crate::{Page, PageRequest, Store, StoreError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    pub id: ListingId,
    pub connection_id: ConnectionId,
    pub reference: ListingRef,
    pub sku: Option<Sku>,
    pub title: Name,
    pub price: Option<Money>,
    /// As last fetched; `None` where the channel does not count it.
    pub channel_quantity: Option<Quantity>,
    pub channel_status: ChannelStatus,
    pub attributes: Vec<Attribute>,
    pub barcode: Option<String>,
    pub fulfilment: Fulfilment,
    pub stock_ref: Option<String>,
    pub status: ListingStatus,
    pub found: Match,
    pub candidate_item_ids: Vec<ItemId>,
    /// `Some` exactly while linked.
    pub item_id: Option<ItemId>,
    /// Items a person took this listing off: never linked to them again without one.
    pub rejected_item_ids: BTreeSet<ItemId>,
    pub dismissed_reason: Option<String>,
    pub first_seen_at: Timestamp,
    /// When its channel data last changed here.
    pub observed_at: Timestamp,
    pub version: u64,
}

#[derive(Debug, Clone, Default)]
pub struct ListingFilter {
    pub status: Option<ListingStatus>,
    pub found: Option<Match>,
    pub connection_id: Option<ConnectionId>,
    pub item_id: Option<ItemId>,
    /// Part of the SKU or title, in their compared forms.
    pub q: Option<MatchKey>,
}

impl Store {
    /// Consistent.
    pub async fn listing(
        &self,
        organization: &OrganizationId,
        id: &ListingId,
    ) -> Result<Option<Listing>, StoreError> {
        todo!()
    }

    /// Those that exist; any number of ids, in batches of 100.
    pub async fn listings_by_ids(
        &self,
        organization: &OrganizationId,
        ids: &BTreeSet<ListingId>,
    ) -> Result<BTreeMap<ListingId, Listing>, StoreError> {
        todo!()
    }

    pub async fn listings(
        &self,
        organization: &OrganizationId,
        filter: &ListingFilter,
        page: &PageRequest,
    ) -> Result<Page<Listing>, StoreError> {
        todo!()
    }

    /// The connection's listings from its own partition, consistent, in the order of their ids; only those of `status`
    /// where given. For the phases of a sync.
    pub async fn connection_listings(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        status: Option<ListingStatus>,
        page: &PageRequest,
    ) -> Result<Page<Listing>, StoreError> {
        todo!()
    }

    /// How many listings have each status and match: counted in the index.
    pub async fn listing_counts(
        &self,
        organization: &OrganizationId,
    ) -> Result<BTreeMap<(ListingStatus, Match), u64>, StoreError> {
        todo!()
    }

    /// Which of these SKUs more than one listing of the connection has.
    pub async fn repeated_skus(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        skus: &BTreeSet<MatchKey>,
    ) -> Result<BTreeSet<MatchKey>, StoreError> {
        todo!()
    }

    /// Stores a new or changed listing that neither gains nor loses its link, if it still has the version before
    /// (`after.version - 1`; none for 1), with the row of its SKU where that changed. `link` renews what the link holds of
    /// the listing (`stock_ref`, `observed`) where the listing is linked and these changed.
    pub async fn save_listing(
        &self,
        organization: &OrganizationId,
        before: Option<&Listing>,
        after: &Listing,
        link: Option<&Link>,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// The listing with its link, together. The item must exist ([`StoreError::Conflict`] otherwise).
    pub async fn link_listing(
        &self,
        organization: &OrganizationId,
        before: Option<&Listing>,
        after: &Listing,
        link: &Link,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// The listing without its link, together.
    pub async fn unlink_listing(
        &self,
        organization: &OrganizationId,
        before: &Listing,
        after: &Listing,
    ) -> Result<(), StoreError> {
        todo!()
    }
}
