//! Reads: one row, rows by their keys, and queries. There is no scan.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{KeysAndAttributes, Select};

use crate::keys::{INDEX, IPK, ISK, Key, PK, SK};
use crate::page::{List, Page, PageRequest};
use crate::retry::{Backoff, Verdict, given_up, persistently};
use crate::row::{Row, s};
use crate::stock::Freshness;
use crate::{Store, StoreError};

/// DynamoDB's bound of a batch of reads.
const BATCH_MAX: usize = 100;

/// Queries that one page may take: a search that finds little ends here, with a cursor.
pub(crate) const QUERIES_MAX: usize = 20;

/// Which part of a partition, by sort key.
#[derive(Debug, Clone)]
pub(crate) enum Range {
    All,
    Prefix(String),
    Between(String, String),
}

/// Rows that a search looks at in one request, at most.
const WIDEST: usize = 500;

/// A query of a partition of a table, or of the main table's index.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// Of the table of personal data.
    pub personal: bool,
    pub index: bool,
    pub pk: String,
    pub range: Range,
    pub newest_first: bool,
    pub freshness: Freshness,
    /// Rows looked at in one request; DynamoDB's own bound is 1 MiB.
    pub limit: Option<usize>,
    /// A filter expression whose only value is `:filter`.
    pub filter: Option<(String, String)>,
}

impl Query {
    pub fn of(pk: impl Into<String>) -> Self {
        Self {
            personal: false,
            index: false,
            pk: pk.into(),
            range: Range::All,
            newest_first: false,
            freshness: Freshness::Eventual,
            limit: None,
            filter: None,
        }
    }

    pub fn index(pk: impl Into<String>) -> Self {
        Self { index: true, ..Self::of(pk) }
    }

    /// In the table of personal data.
    pub fn personal(mut self) -> Self {
        self.personal = true;
        self
    }

    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.range = Range::Prefix(prefix.into());
        self
    }

    pub fn between(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.range = Range::Between(from.into(), to.into());
        self
    }

    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// For the next request of a list: where the page was not filled, few rows are what is looked for.
    pub fn widen(&mut self) {
        self.limit = self.limit.map(|limit| limit.saturating_mul(2).min(WIDEST.max(limit)));
    }

    pub fn consistent(mut self) -> Self {
        self.freshness = Freshness::Consistent;
        self
    }
}

/// A count that ends at its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub count: u32,
    /// False: there are more.
    pub complete: bool,
}

impl Store {
    /// A row of the main table, consistent: one read unit per 4 KiB.
    pub(crate) async fn get(&self, operation: &'static str, key: &Key) -> Result<Option<Row>, StoreError> {
        self.get_from(&self.tables.main, operation, key, true).await
    }

    pub(crate) async fn get_from(
        &self,
        table: &str,
        operation: &'static str,
        key: &Key,
        consistent: bool,
    ) -> Result<Option<Row>, StoreError> {
        let request = || {
            let request = self.client.get_item().table_name(table).consistent_read(consistent);
            request.set_key(Some(key.to_row())).send()
        };
        Ok(persistently(operation, self.requests.next()?, request).await?.item)
    }

    /// Those rows of the main table that exist, in no order.
    pub(crate) async fn batch_get(
        &self,
        operation: &'static str,
        keys: &BTreeSet<Key>,
        freshness: Freshness,
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::with_capacity(keys.len());
        let keys: Vec<&Key> = keys.iter().collect();
        for batch in keys.chunks(BATCH_MAX) {
            self.get_batch(operation, batch, freshness, &mut rows).await?;
        }
        Ok(rows)
    }

    async fn get_batch(
        &self,
        operation: &'static str,
        keys: &[&Key],
        freshness: Freshness,
        rows: &mut Vec<Row>,
    ) -> Result<(), StoreError> {
        let call = self.requests.next()?;
        let mut backoff = Backoff::new(call.seed());
        let mut wanted: Vec<Row> = keys.iter().map(|key| key.to_row()).collect();
        loop {
            let batch = KeysAndAttributes::builder()
                .consistent_read(freshness == Freshness::Consistent)
                .set_keys(Some(wanted))
                .build()
                .map_err(|error| given_up(operation, Verdict::Final, error))?;
            let request =
                || self.client.batch_get_item().request_items(&self.tables.main, batch.clone()).send();
            let answer = persistently(operation, call, request).await?;
            rows.extend(answer.responses.into_iter().flatten().flat_map(|(_, rows)| rows));
            wanted = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys).collect();
            if wanted.is_empty() {
                return Ok(());
            }
            if !backoff.pause().await {
                return Err(StoreError::Busy(None));
            }
        }
    }

    /// One request of a query, and the key to go on behind.
    pub(crate) async fn query(
        &self,
        operation: &'static str,
        query: &Query,
        start: Option<Row>,
    ) -> Result<(Vec<Row>, Option<Row>), StoreError> {
        let answer = self.send_query(operation, query, start, None).await?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// All rows of a query, for partitions that are bounded by what they hold.
    pub(crate) async fn query_all(
        &self,
        operation: &'static str,
        query: &Query,
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        let mut start = None;
        loop {
            let (found, next) = self.query(operation, query, start).await?;
            rows.extend(found);
            start = next;
            if start.is_none() {
                return Ok(rows);
            }
        }
    }

    /// How many rows a query has: half a read unit per 4 KiB of keys, and none of them sent.
    pub(crate) async fn query_count(
        &self,
        operation: &'static str,
        query: &Query,
    ) -> Result<u64, StoreError> {
        let mut count = 0;
        let mut start = None;
        loop {
            let answer = self.send_query(operation, query, start, Some(Select::Count)).await?;
            count += u64::try_from(answer.count).unwrap_or_default();
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(count);
            }
        }
    }

    /// The same up to a bound, in one request; whether it is all of them.
    pub(crate) async fn query_count_up_to(
        &self,
        operation: &'static str,
        mut query: Query,
        most: u32,
    ) -> Result<Counted, StoreError> {
        query.limit = usize::try_from(most).ok().map(|most| most.saturating_add(1));
        let answer = self.send_query(operation, &query, None, Some(Select::Count)).await?;
        let count = u32::try_from(answer.count).unwrap_or_default();
        let complete = count <= most && answer.last_evaluated_key.is_none();
        Ok(Counted { count: count.min(most), complete })
    }

    async fn send_query(
        &self,
        operation: &'static str,
        query: &Query,
        start: Option<Row>,
        select: Option<Select>,
    ) -> Result<aws_sdk_dynamodb::operation::query::QueryOutput, StoreError> {
        let (pk, sk) = if query.index { (IPK, ISK) } else { (PK, SK) };
        let consistent = query.freshness == Freshness::Consistent;
        let limit = query.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        let table = if query.personal { &self.tables.personal } else { &self.tables.main };
        let mut request = self
            .client
            .query()
            .table_name(table)
            .set_index_name(query.index.then(|| INDEX.to_owned()))
            .consistent_read(consistent)
            .scan_index_forward(!query.newest_first)
            .set_limit(limit)
            .set_select(select)
            .set_exclusive_start_key(start)
            .expression_attribute_names("#pk", pk)
            .expression_attribute_values(":pk", s(&query.pk));
        if !matches!(query.range, Range::All) {
            request = request.expression_attribute_names("#sk", sk);
        }
        request = match &query.range {
            Range::All => request.key_condition_expression("#pk = :pk"),
            Range::Prefix(prefix) => request
                .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
                .expression_attribute_values(":prefix", s(prefix)),
            Range::Between(from, to) => request
                .key_condition_expression("#pk = :pk AND #sk BETWEEN :from AND :to")
                .expression_attribute_values(":from", s(from))
                .expression_attribute_values(":to", s(to)),
        };
        if let Some((expression, value)) = &query.filter {
            request = request.filter_expression(expression).expression_attribute_values(":filter", s(value));
        }
        persistently(operation, self.requests.next()?, || request.clone().send()).await
    }

    /// A page of a query: of its rows, those that `read` makes something of. The cursor is the key of
    /// the last row given out, or, where the search was ended by its bound, of the last one looked at.
    pub(crate) async fn page<T>(
        &self,
        operation: &'static str,
        list: &List,
        query: &Query,
        page: &PageRequest,
        mut read: impl FnMut(Row) -> Result<Option<T>, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let mut query = query.clone();
        let mut start = list.start(page)?;
        let mut data = Vec::new();
        let mut last_given: Option<Row> = None;
        for _ in 0..QUERIES_MAX {
            let (rows, next) = self.query(operation, &query, start).await?;
            for row in rows {
                let key = key_of(&row, query.index);
                let Some(entity) = read(row)? else { continue };
                if data.len() == page.rows() {
                    let next_cursor = last_given.as_ref().map(|key| list.cursor(key)).transpose()?;
                    return Ok(Page { data, next_cursor });
                }
                data.push(entity);
                last_given = Some(key);
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
}

/// The key attributes of a row alone: the table's, and the index's where a query of it goes on behind the row.
pub(crate) fn key_of(row: &Row, index: bool) -> Row {
    let names: &[&str] = if index { &[PK, SK, IPK, ISK] } else { &[PK, SK] };
    names.iter().filter_map(|name| Some(((*name).to_owned(), row.get(*name)?.clone()))).collect()
}
