//! Listings: what the channels offer, one row each in its connection's partition.
//!
//! A sparse key-only index by status and match gives lists and counts; rows that only change their number or title do
//! not touch it. Which SKUs repeat within a connection is kept beside (one small row per SKU, the listings as a set).

use std::collections::{BTreeMap, BTreeSet};

use domain::availability::RuleSetting;
use domain::channel::Fulfilment;
use domain::fba::Shipping;
use domain::listing::{Attribute, ChannelStatus, ListingRef, ListingStatus, Match};
use domain::{
    ConnectionId, ItemId, ListingId, MatchKey, Money, Name, OrganizationId, Quantity, Sku, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::item::{HOLDERS, add_holder, remove_holder};
use crate::keys::{self, IPK, ISK, Key};
use crate::link::Link;
use crate::page::List;
use crate::read::{Counted, QUERIES_MAX, Query, key_of};
use crate::row::{Reader, Row, from_row, s, to_row};
use crate::stock::Freshness;
use crate::transact::{Refused, Step};
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    pub barcode: Option<String>,
    /// By the channel's word.
    pub fulfilment: Fulfilment,
    /// By the merchant's, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked: Option<Fulfilment>,
    /// When Amazon's number of it was last taken over, by the channel's clock: what was sold before is in that number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_at: Option<Timestamp>,
    pub stock_ref: Option<String>,
    pub status: ListingStatus,
    pub found: Match,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidate_item_ids: Vec<ItemId>,
    /// `Some` exactly while linked.
    pub item_id: Option<ItemId>,
    /// Items a person took this listing off: never linked to them again without one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub rejected_item_ids: BTreeSet<ItemId>,
    pub dismissed_reason: Option<String>,
    /// What it sets of its rule, over its connection and the organization.
    #[serde(default, skip_serializing_if = "RuleSetting::is_open")]
    pub stock_rule: RuleSetting,
    pub first_seen_at: Timestamp,
    /// When its channel data last changed here.
    pub observed_at: Timestamp,
    pub version: u64,
}

impl Listing {
    /// Who ships what it sells.
    pub fn shipping(&self) -> Shipping {
        Shipping { by_channel: self.fulfilment, marked: self.marked }
    }
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

fn listing_row(organization: &OrganizationId, listing: &Listing) -> Result<Row, StoreError> {
    let key = keys::listing(organization, &listing.id).unwrap_or_else(|| {
        Key::new(keys::listings(organization, &listing.connection_id), listing.id.as_str())
    });
    let mut row = to_row("a listing", key, listing)?;
    let sort = keys::listing_index_sort(listing.status, listing.found, listing.id.as_str());
    row.insert(IPK.to_owned(), s(keys::listing_index(organization)));
    row.insert(ISK.to_owned(), s(sort));
    Ok(row)
}

fn read_listing(row: Row) -> Result<Listing, StoreError> {
    from_row("a listing", row)
}

pub(crate) fn put_listing(organization: &OrganizationId, after: &Listing) -> Result<Step, StoreError> {
    Ok(Step::put(listing_row(organization, after)?).only_after(after.version, "listing"))
}

/// Moves the listing from the row of its SKU before to that of its SKU now, where these differ.
pub(crate) fn sku_steps(
    organization: &OrganizationId,
    before: Option<&Listing>,
    after: &Listing,
) -> Vec<Step> {
    let key_of = |listing: &Listing| listing.sku.as_ref().map(Sku::match_key);
    let (old, new) = (before.and_then(key_of), key_of(after));
    if old == new {
        return Vec::new();
    }
    let key = |sku: &MatchKey| keys::listing_sku(organization, &after.connection_id, sku);
    let removed = old.map(|sku| remove_holder(key(&sku), after.id.as_str()));
    let added = new.map(|sku| add_holder(key(&sku), after.id.as_str()));
    removed.into_iter().chain(added).collect()
}

fn is_found(listing: &Listing, filter: &ListingFilter) -> bool {
    let searched = |q: &MatchKey| {
        let sku = listing.sku.as_ref().is_some_and(|sku| sku.match_key().as_str().contains(q.as_str()));
        sku || MatchKey::of(listing.title.as_str()).as_str().contains(q.as_str())
    };
    filter.status.is_none_or(|status| status == listing.status)
        && filter.found.is_none_or(|found| found == listing.found)
        && filter.connection_id.as_ref().is_none_or(|connection| *connection == listing.connection_id)
        && (filter.item_id.is_none() || filter.item_id == listing.item_id)
        && filter.q.as_ref().is_none_or(searched)
}

impl Store {
    /// Consistent.
    pub async fn listing(
        &self,
        organization: &OrganizationId,
        id: &ListingId,
    ) -> Result<Option<Listing>, StoreError> {
        let Some(key) = keys::listing(organization, id) else { return Ok(None) };
        self.get("read a listing", &key).await?.map(read_listing).transpose()
    }

    /// Those that exist; any number of ids, in batches of 100.
    pub async fn listings_by_ids(
        &self,
        organization: &OrganizationId,
        ids: &BTreeSet<ListingId>,
    ) -> Result<BTreeMap<ListingId, Listing>, StoreError> {
        let keys = ids.iter().filter_map(|id| keys::listing(organization, id)).collect();
        let rows = self.batch_get("read listings", &keys, Freshness::Eventual).await?;
        let listings = rows.into_iter().map(read_listing);
        listings.map(|listing| listing.map(|listing| (listing.id.clone(), listing))).collect()
    }

    /// By status and match through the index, of one connection from its partition, of one item by its links.
    pub async fn listings(
        &self,
        organization: &OrganizationId,
        filter: &ListingFilter,
        page: &PageRequest,
    ) -> Result<Page<Listing>, StoreError> {
        let list = List::new("listings", organization, filter);
        if let Some(item) = &filter.item_id {
            let stock = self.item_stock(organization, item, Freshness::Eventual).await?;
            let ids = stock.links.into_iter().map(|link| link.listing_id).collect();
            let listings = self.listings_by_ids(organization, &ids).await?;
            let found = listings.into_values().filter(|listing| is_found(listing, filter));
            return list.page_of(found, page, |listing| {
                Key::new(keys::listings(organization, &listing.connection_id), listing.id.as_str())
            });
        }
        match &filter.connection_id {
            Some(connection) if filter.status.is_none() || filter.found.is_none() => {
                let mut query = Query::of(keys::listings(organization, connection));
                query.limit = Some(page.rows() + 1);
                let read = |row| Ok(Some(read_listing(row)?).filter(|listing| is_found(listing, filter)));
                self.page("list listings", &list, &query, page, read).await
            }
            _ => self.listings_by_index(organization, filter, &list, page).await,
        }
    }

    /// The index has keys only: the rows are fetched in batches, and looked at again, since it runs behind.
    async fn listings_by_index(
        &self,
        organization: &OrganizationId,
        filter: &ListingFilter,
        list: &List,
        page: &PageRequest,
    ) -> Result<Page<Listing>, StoreError> {
        let mut start = list.start(page)?;
        let mut data = Vec::new();
        let mut last_given: Option<Row> = None;
        let mut last_looked_at: Option<Row> = None;
        let mut queries = 0;
        for prefix in index_prefixes(filter) {
            if start.as_ref().is_some_and(|start| is_behind(start, &prefix)) {
                continue;
            }
            let mut query = Query::index(keys::listing_index(organization));
            if !prefix.is_empty() {
                query = query.prefix(&prefix);
            }
            query.limit = Some(page.rows() + 1);
            // A place in an earlier part of the index says nothing of this one.
            let mut at = start.take().filter(|start| is_within(start, &prefix));
            loop {
                if queries == QUERIES_MAX {
                    let stop = at.or(last_looked_at);
                    let next_cursor = stop.as_ref().map(|key| list.cursor(key)).transpose()?;
                    return Ok(Page { data, next_cursor });
                }
                queries += 1;
                let (entries, next) = self.query("list listings", &query, at).await?;
                let mut rows = self.rows_of_entries(&entries).await?;
                for entry in &entries {
                    let Some(row) = sort_key(entry, keys::SK).and_then(|sk| rows.remove(sk)) else {
                        continue;
                    };
                    let listing = read_listing(row)?;
                    if !is_found(&listing, filter) {
                        continue;
                    }
                    if data.len() == page.rows() {
                        let next_cursor = last_given.as_ref().map(|key| list.cursor(key)).transpose()?;
                        return Ok(Page { data, next_cursor });
                    }
                    data.push(listing);
                    last_given = Some(key_of(entry, true));
                }
                last_looked_at = entries.last().map(|entry| key_of(entry, true)).or(last_looked_at);
                query.widen();
                at = next;
                if at.is_none() {
                    break;
                }
            }
        }
        Ok(Page { data, next_cursor: None })
    }

    /// The listings' rows behind index entries, by their sort key.
    async fn rows_of_entries(&self, entries: &[Row]) -> Result<BTreeMap<String, Row>, StoreError> {
        let keys = entries
            .iter()
            .filter_map(|entry| Some(Key::new(sort_key(entry, keys::PK)?, sort_key(entry, keys::SK)?)))
            .collect();
        let rows = self.batch_get("list listings", &keys, Freshness::Eventual).await?;
        Ok(rows.into_iter().filter_map(|row| Some((sort_key(&row, keys::SK)?.to_owned(), row))).collect())
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
        let filter = ListingFilter { status, ..ListingFilter::default() };
        let list = List::new("connection listings", organization, &(connection, status));
        let mut query = Query::of(keys::listings(organization, connection)).consistent();
        query.limit = Some(page.rows() + 1);
        let read = |row| Ok(Some(read_listing(row)?).filter(|listing| is_found(listing, &filter)));
        self.page("list a connection's listings", &list, &query, page, read).await
    }

    /// How many linked listings the connection has: counted in the index.
    pub async fn linked_count(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
    ) -> Result<u64, StoreError> {
        let begin = keys::listings_begin(connection);
        let mut count = 0;
        for found in Match::ALL {
            let prefix = keys::listing_index_sort(ListingStatus::Linked, found, &begin);
            let query = Query::index(keys::listing_index(organization)).prefix(prefix);
            count += self.query_count("count a connection's linked listings", &query).await?;
        }
        Ok(count)
    }

    /// How many listings have the status, and the match where one is given, up to `most`: counted in the index by one
    /// request, which reads no more of it however many there are.
    pub async fn listing_count(
        &self,
        organization: &OrganizationId,
        status: ListingStatus,
        found: Option<Match>,
        most: u32,
    ) -> Result<Counted, StoreError> {
        let prefix = match found {
            Some(found) => keys::listing_index_sort(status, found, ""),
            None => format!("{}#", status.as_str()),
        };
        let query = Query::index(keys::listing_index(organization)).prefix(prefix);
        self.query_count_up_to("count listings", query, most).await
    }

    /// How many listings have each status and match: counted in the index.
    pub async fn listing_counts(
        &self,
        organization: &OrganizationId,
    ) -> Result<BTreeMap<(ListingStatus, Match), u64>, StoreError> {
        let index = keys::listing_index(organization);
        let mut counts = BTreeMap::new();
        for status in ListingStatus::ALL {
            for found in Match::ALL {
                let prefix = keys::listing_index_sort(status, found, "");
                let query = Query::index(&index).prefix(prefix);
                let count = self.query_count("count listings", &query).await?;
                if count > 0 {
                    counts.insert((status, found), count);
                }
            }
        }
        Ok(counts)
    }

    /// Which of these SKUs more than one listing of the connection has. Consistent: what links must not miss the twin
    /// that was stored a moment ago.
    pub async fn repeated_skus(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        skus: &BTreeSet<MatchKey>,
    ) -> Result<BTreeSet<MatchKey>, StoreError> {
        let keys: BTreeMap<Key, &MatchKey> =
            skus.iter().map(|sku| (keys::listing_sku(organization, connection, sku), sku)).collect();
        let read = |reader: Reader<'_>| reader.set::<ListingId>(HOLDERS).map(|holders| holders.len());
        let found = self.by_text("find repeated SKUs", &keys, Freshness::Consistent, read).await?;
        Ok(found.into_iter().filter(|(_, holders)| *holders > 1).map(|(sku, _)| sku).collect())
    }

    /// The connection's listings that have the SKU; at most 100 are kept for one. Consistent.
    pub async fn listings_with_sku(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        sku: &MatchKey,
    ) -> Result<BTreeSet<ListingId>, StoreError> {
        let keys = BTreeMap::from([(keys::listing_sku(organization, connection, sku), sku)]);
        let read = |reader: Reader<'_>| reader.set::<ListingId>(HOLDERS);
        let found = self.by_text("find the listings of a SKU", &keys, Freshness::Consistent, read).await?;
        Ok(found.into_values().flatten().collect())
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
        let mut steps = vec![put_listing(organization, after)?];
        steps.extend(sku_steps(organization, before, after));
        steps.extend(link.map(|link| link.renewal(organization)));
        self.transact("save a listing", steps).await
    }

    /// The listing with its link, together. The item must exist ([`StoreError::Conflict`] otherwise). A link to another
    /// item goes.
    pub async fn link_listing(
        &self,
        organization: &OrganizationId,
        before: Option<&Listing>,
        after: &Listing,
        link: &Link,
    ) -> Result<(), StoreError> {
        let item = keys::item(organization, &link.item_id);
        let mut steps = vec![
            put_listing(organization, after)?,
            Step::put(link.to_row(organization)?),
            Step::check(item, "attribute_exists(pk)", Refused::Conflict("item")),
        ];
        let item_before = before.and_then(|listing| listing.item_id.as_ref());
        if let Some(other) = item_before.filter(|item| **item != link.item_id) {
            steps.push(Step::delete(keys::link(organization, other, &after.id)));
        }
        steps.extend(sku_steps(organization, before, after));
        self.transact("link a listing", steps).await
    }

    /// The listing without its link, together.
    pub async fn unlink_listing(
        &self,
        organization: &OrganizationId,
        before: &Listing,
        after: &Listing,
    ) -> Result<(), StoreError> {
        let mut steps = vec![put_listing(organization, after)?];
        if let Some(item) = &before.item_id {
            steps.push(Step::delete(keys::link(organization, item, &after.id)));
        }
        steps.extend(sku_steps(organization, Some(before), after));
        self.transact("unlink a listing", steps).await
    }
}

/// The parts of the index that the filter wants, in the index's order.
fn index_prefixes(filter: &ListingFilter) -> Vec<String> {
    let statuses = filter.status.map_or(ListingStatus::ALL.to_vec(), |status| vec![status]);
    let mut prefixes: Vec<String> = match (filter.found, &filter.connection_id) {
        (None, _) if filter.status.is_none() => vec![String::new()],
        (None, _) => statuses.iter().map(|status| format!("{}#", status.as_str())).collect(),
        (Some(found), connection) => {
            let ids = connection.as_ref().map_or(String::new(), keys::listings_begin);
            statuses.iter().map(|status| keys::listing_index_sort(*status, found, &ids)).collect()
        }
    };
    prefixes.sort();
    prefixes
}

fn sort_key<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    row.get(name)?.as_s().ok().map(String::as_str)
}

/// Whether the part of the index lies before the place `start`.
fn is_behind(start: &Row, prefix: &str) -> bool {
    sort_key(start, ISK).is_some_and(|at| prefix < at && !at.starts_with(prefix))
}

fn is_within(start: &Row, prefix: &str) -> bool {
    sort_key(start, ISK).is_some_and(|at| at.starts_with(prefix))
}
