//! What is counted from the index alone: its keys say enough, so that a count reads no rows. Half a read unit per 4 KiB of
//! keys, some thirty entries.

use domain::{ListingId, OrganizationId, Timestamp};

use crate::read::{QUERIES_MAX, Query};
use crate::row::Reader;
use crate::{Store, StoreError, keys};

impl Store {
    /// When each complete order since `from` was placed, and how many units it has, newest first. False where it ended at
    /// its bound, some hundred thousand orders.
    pub async fn for_each_sale(
        &self,
        organization: &OrganizationId,
        from: Timestamp,
        mut each: impl FnMut(Timestamp, u64) + Send,
    ) -> Result<bool, StoreError> {
        // "~" is above every digit.
        let since = Query::index(keys::orders(organization)).between(keys::millis(from), "~").newest_first();
        self.for_each_key("count sales", &since, |sort| {
            if let Some((placed_at, units)) = keys::parse_order_index(sort) {
                each(placed_at, units);
            }
        })
        .await
    }

    /// Since when each link is behind whose last push failed or waits for a yes, the longest first. False where it ended
    /// at its bound.
    pub async fn for_each_behind(
        &self,
        organization: &OrganizationId,
        mut each: impl FnMut(Timestamp, ListingId) + Send,
    ) -> Result<bool, StoreError> {
        let query = Query::index(keys::behind_index(organization));
        self.for_each_key("count listings behind", &query, |sort| {
            if let Some((since, listing)) = keys::parse_behind(sort) {
                each(since, listing);
            }
        })
        .await
    }

    async fn for_each_key(
        &self,
        operation: &'static str,
        query: &Query,
        mut each: impl FnMut(&str) + Send,
    ) -> Result<bool, StoreError> {
        let mut start = None;
        for _ in 0..QUERIES_MAX {
            let (entries, next) = self.query(operation, query, start).await?;
            for entry in &entries {
                each(Reader::new("an entry of the index", entry).text(keys::ISK)?);
            }
            start = next;
            if start.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
