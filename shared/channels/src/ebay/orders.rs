//! Orders: by time of change, or by id.
//!
//! eBay promises no order of its answers, and its pages shift while orders change. So a walk asks for spans of time short
//! enough that one answer holds all of them ([`Walk`]): each answer is whole, and spans follow each other as time does. Only
//! the orders of a single millisecond are ever asked for by pages.

use domain::Timestamp;
use domain::listing::RecordFailure;
use domain::order::FetchedOrder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::request::{FULFILLMENT, segment, with_query};
use super::wire::{Fulfillments, Orders};
use crate::{ChannelError, Cursor, ErrorKind, OrderQuery, Page, Shop};

mod reading;
mod walk;

use walk::{Found, Walk};

/// Orders of one answer: eBay's limit.
pub(super) const PAGE: u32 = 200;
/// Ids of one question: eBay's limit.
pub(super) const IDS: u32 = 50;
const IDS_LEN: usize = 50;

/// Our clock and eBay's differ by up to this: a smaller difference is not told from the time that an answer takes.
const CLOCKS_APART_MS: i64 = 15_000;

const CHANGED: &str = "fetch a page of orders";
const BY_ID: &str = "fetch orders by id";

/// Where a walk through ids is.
#[derive(Default, Serialize, Deserialize)]
struct Done {
    done: usize,
}

pub(super) async fn fetch(
    shop: &Shop<'_>,
    query: &OrderQuery,
    cursor: Option<&Cursor>,
) -> Result<Page<FetchedOrder>, ChannelError> {
    match query {
        OrderQuery::Ids(ids) => by_id(shop, ids, read_cursor(BY_ID, cursor)?.unwrap_or_default()).await,
        OrderQuery::Changed(window) => {
            let walk = match read_cursor(CHANGED, cursor)? {
                Some(walk) => walk,
                None => Walk::new(window.from, window.to, shop.now),
            };
            changed(shop, walk).await
        }
    }
}

fn read_cursor<T: for<'a> Deserialize<'a>>(
    operation: &'static str,
    cursor: Option<&Cursor>,
) -> Result<Option<T>, ChannelError> {
    let read = cursor.map(|Cursor(text)| serde_json::from_str(text)).transpose();
    read.map_err(|e| {
        ChannelError::new(ErrorKind::Rejected, operation, "the cursor cannot be read").caused_by(e)
    })
}

fn write_cursor(position: &impl Serialize) -> Cursor {
    Cursor(serde_json::to_string(position).unwrap_or_default())
}

async fn by_id(shop: &Shop<'_>, ids: &[String], at: Done) -> Result<Page<FetchedOrder>, ChannelError> {
    let wanted: Vec<&str> = ids.iter().skip(at.done).take(IDS_LEN).map(String::as_str).collect();
    if wanted.is_empty() {
        return Ok(Page { records: Vec::new(), next: None, total: None });
    }
    FULFILLMENT.admit(shop, BY_ID, 1)?;
    let path = with_query("/order", &[("orderIds", &wanted.join(","))]);
    let found: Orders = FULFILLMENT.get(shop, BY_ID, &path).await?;
    let done = at.done + wanted.len();
    let records = records(shop, found.orders).await?;
    Ok(Page { records, next: (done < ids.len()).then(|| write_cursor(&Done { done })), total: None })
}

async fn changed(shop: &Shop<'_>, walk: Walk) -> Result<Page<FetchedOrder>, ChannelError> {
    let Some((from, to, offset)) = walk.question() else {
        return Ok(Page { records: Vec::new(), next: None, total: None });
    };
    FULFILLMENT.admit(shop, CHANGED, 1)?;
    let mut found = span(shop, from, to, offset).await?;
    if let Some(offset) = walk.again_from(found.total) {
        FULFILLMENT.charge(shop, 1);
        found = span(shop, from, to, offset).await?;
    }
    let (taken, next) = walk.take(found.total, found.orders.into_iter().map(Found::of).collect());
    let records = records(shop, taken.into_iter().map(|found| found.node).collect()).await?;
    Ok(Page { records, next: next.map(|walk| write_cursor(&walk)), total: None })
}

/// Orders last changed from `from` to `to`, both included. An end that may be in eBay's future, which it refuses, is left
/// open: what changed after it comes along and does no harm.
async fn span(shop: &Shop<'_>, from: i64, to: i64, offset: usize) -> Result<Orders, ChannelError> {
    let is_past = to < shop.now.as_millisecond() - CLOCKS_APART_MS;
    let end = if is_past { written(to) } else { String::new() };
    let filter = format!("lastmodifieddate:[{}..{end}]", written(from));
    let path = with_query(
        "/order",
        &[("filter", &filter), ("limit", &PAGE.to_string()), ("offset", &offset.to_string())],
    );
    Ok(FULFILLMENT.get(shop, CHANGED, &path).await?)
}

/// A time as eBay writes it: with three decimals.
pub(super) fn written(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// How many units of each line were sent is told by its shipments alone: asked for where a line was sent in part.
async fn records(
    shop: &Shop<'_>,
    nodes: Vec<Value>,
) -> Result<Vec<Result<FetchedOrder, RecordFailure>>, ChannelError> {
    const OPERATION: &str = "fetch the shipments of an order";
    let mut records = Vec::with_capacity(nodes.len());
    for node in nodes {
        let order = match reading::node(node) {
            Ok(order) => order,
            Err(failure) => {
                records.push(Err(failure));
                continue;
            }
        };
        let mut fulfillments = Vec::new();
        if reading::is_sent_in_part(&order) {
            FULFILLMENT.charge(shop, 1);
            let path = format!("/order/{}/shipping_fulfillment", segment(&order.order_id));
            let found: Fulfillments = FULFILLMENT.get(shop, OPERATION, &path).await?;
            fulfillments = found.fulfillments;
        }
        records.push(reading::order(order, &fulfillments));
    }
    Ok(records)
}
