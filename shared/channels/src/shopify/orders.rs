//! Orders: by time of change, or by id.
//!
//! A page's orders are whole: lines beyond the first ten and the refunds of orders that had any are asked for one order
//! after another. Where the cost bucket does not allow all of that, the page ends early and the next one begins with the
//! order that did not fit, alone, once the bucket holds enough for the largest order there can be.

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::listing::RecordFailure;
use domain::order::FetchedOrder;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::listings::{WALK_MAX, changed_in, read_cursor, write_cursor};
use super::wire::{
    NodesData, OrderLinesData, OrderNode, OrderRefundsData, OrdersChangedData, RefundLineNode,
    RefundLinesData, gid, number_of,
};
use super::{Operation, Terms};
use crate::{ChannelError, Cursor, ErrorKind, OrderQuery, Page, Shop};

mod reading;

/// 10 × 88 points and 3 for the connection: 883.
pub(super) const PAGE: u32 = 10;

/// In points: an order of 500 lines, the most there can be. 91 for it and its first ten lines, 484 for sixty more with
/// their prices, 430 × 3 + 8 for the others without.
const LARGEST: u32 = 1_873;

/// Seen by an app only with the merchant's and Shopify's consent to personal data.
const CONCEALED: [&str; 4] = ["email", "phone", "shippingAddress", "billingAddress"];

/// Refunds of one order that are read: Shopify's list of them cannot be paged through.
const REFUNDS_MAX: usize = 9;

macro_rules! document {
    ($($file:literal),+) => { concat!($(include_str!(concat!("queries/", $file, ".graphql")), "\n"),+) };
}

pub(super) static CHANGED: Operation = Operation {
    name: "fetch a page of orders",
    document: document!("orders_changed", "order_fields", "line_fields", "line_money"),
    cost: 883,
};
pub(super) static BY_ID: Operation = Operation {
    name: "fetch orders by id",
    document: document!("orders_by_id", "order_fields", "line_fields", "line_money"),
    cost: 880,
};
pub(super) static LINES: Operation = Operation {
    name: "fetch more lines of an order",
    document: document!("order_lines", "line_fields", "line_money"),
    cost: 484,
};
pub(super) static LINES_LEAN: Operation = Operation {
    name: "fetch more lines of a long order",
    document: document!("order_lines_lean", "line_fields"),
    cost: 664,
};
pub(super) static REFUNDS: Operation =
    Operation { name: "fetch the refunds of an order", document: document!("order_refunds"), cost: 397 };
pub(super) static REFUND_LINES: Operation =
    Operation { name: "fetch more lines of a refund", document: document!("refund_lines"), cost: 204 };

/// Where the walk is.
#[derive(Default, Serialize, Deserialize)]
struct Position {
    after: Option<String>,
    /// Records seen in this query.
    seen: u32,
    /// The window's begin, moved on to where the walk's earlier queries came.
    from: Option<Timestamp>,
    /// Of the ids asked for: how many are done.
    done: usize,
    /// The next order did not fit and is fetched by itself.
    alone: bool,
}

/// An order of a page, not yet whole.
struct Found {
    node: Value,
    /// Where the walk goes on after it.
    cursor: Option<String>,
}

pub(super) async fn fetch(
    shop: &Shop<'_>,
    query: &OrderQuery,
    cursor: Option<&Cursor>,
) -> Result<Page<FetchedOrder>, ChannelError> {
    let position: Position = read_cursor(CHANGED.name, cursor)?;
    if position.alone
        && let Err(wait) = shop.pace.admit(LARGEST, shop.now)
    {
        let detail = "waits for the shop's cost bucket to hold a long order";
        return Err(ChannelError::new(ErrorKind::Throttled, CHANGED.name, detail).after(wait));
    }
    let terms = Terms { concealed: &CONCEALED, admitted: position.alone };
    let first = if position.alone { 1 } else { PAGE };
    let (found, more) = match query {
        OrderQuery::Changed(window) => {
            let from = position.from.unwrap_or(window.from);
            let variables =
                json!({ "first": first, "after": position.after, "query": changed_in(from, window.to) });
            let data: OrdersChangedData = CHANGED.call_on(shop, &variables, terms).await?;
            let found = data.orders.edges.into_iter();
            let found: Vec<Found> =
                found.map(|edge| Found { node: edge.node, cursor: Some(edge.cursor) }).collect();
            (found, data.orders.page_info.has_next_page)
        }
        OrderQuery::Ids(ids) => by_id(shop, ids, position.done, first, terms).await?,
    };
    assemble(shop, position, found, more, terms).await
}

async fn by_id(
    shop: &Shop<'_>,
    ids: &[String],
    done: usize,
    first: u32,
    terms: Terms<'_>,
) -> Result<(Vec<Found>, bool), ChannelError> {
    let wanted: Vec<String> =
        ids.iter().skip(done).take(usize::try_from(first).unwrap_or(1)).map(|id| gid("Order", id)).collect();
    if wanted.is_empty() {
        return Ok((Vec::new(), false));
    }
    let more = ids.len() > done + wanted.len();
    let data: NodesData = BY_ID.call_on(shop, &json!({ "ids": wanted }), terms).await?;
    // What is not there, or is no order, has no fields.
    let found = data.nodes.into_iter().map(|node| Found { node: node.unwrap_or(Value::Null), cursor: None });
    Ok((found.collect(), more))
}

/// Makes orders whole, as far as the cost bucket allows.
async fn assemble(
    shop: &Shop<'_>,
    start: Position,
    found: Vec<Found>,
    more: bool,
    terms: Terms<'_>,
) -> Result<Page<FetchedOrder>, ChannelError> {
    let mut at = Position { alone: false, ..start };
    let mut records = Vec::with_capacity(found.len());
    for order in found {
        let mut changed_at = None;
        if order.node.get("id").is_some() {
            match whole(shop, order.node, terms).await {
                Ok(record) => {
                    changed_at = record.as_ref().ok().map(|order| order.changed_at);
                    records.push(record);
                }
                Err(Interrupted::Failed(error)) if start.alone || error.kind != ErrorKind::Throttled => {
                    return Err(error);
                }
                Err(_) => {
                    at.alone = true;
                    return Ok(Page { records, next: Some(write_cursor(&at)), total: None });
                }
            }
        }
        at.pass(order.cursor, changed_at);
    }
    Ok(Page { records, next: more.then(|| write_cursor(&at)), total: None })
}

impl Position {
    /// One more order is done.
    fn pass(&mut self, cursor: Option<String>, changed_at: Option<Timestamp>) {
        self.done += 1;
        self.seen += 1;
        self.after = cursor;
        if self.seen >= WALK_MAX && changed_at.is_some() {
            self.from = changed_at;
            self.after = None;
            self.seen = 0;
        }
    }
}

/// Why an order is not whole.
enum Interrupted {
    Failed(ChannelError),
    /// It changed while it was read.
    Changed,
}

impl From<ChannelError> for Interrupted {
    fn from(error: ChannelError) -> Self {
        Self::Failed(error)
    }
}

async fn whole(
    shop: &Shop<'_>,
    node: Value,
    terms: Terms<'_>,
) -> Result<Result<FetchedOrder, RecordFailure>, Interrupted> {
    let mut order = match reading::node(node) {
        Ok(order) => order,
        Err(failure) => return Ok(Err(failure)),
    };
    let mut after = order.line_items.page_info.after();
    let mut operation = &LINES;
    while let Some(cursor) = after {
        let variables = json!({ "id": order.id, "after": cursor });
        let data: OrderLinesData = operation.call_on(shop, &variables, terms).await?;
        let more =
            data.order.filter(|more| more.updated_at == order.updated_at).ok_or(Interrupted::Changed)?;
        order.line_items.nodes.extend(more.line_items.nodes);
        after = more.line_items.page_info.after();
        operation = &LINES_LEAN;
    }
    let reduced = order.line_items.nodes.iter().any(|line| line.current_quantity < line.quantity);
    let refunded = if reduced { refunded(shop, &order, terms).await? } else { Refunded::default() };
    Ok(reading::order(order, &refunded))
}

/// What refunds say of each line.
#[derive(Default)]
struct Refunded {
    /// By line: units refunded and not put back on the shelf.
    not_restocked: BTreeMap<String, i64>,
    /// By line: all units refunded.
    all: BTreeMap<String, i64>,
    /// There are more refunds than are read.
    cut: bool,
}

async fn refunded(shop: &Shop<'_>, order: &OrderNode, terms: Terms<'_>) -> Result<Refunded, Interrupted> {
    let data: OrderRefundsData = REFUNDS.call_on(shop, &json!({ "id": order.id }), terms).await?;
    let node = data.order.filter(|node| node.updated_at == order.updated_at).ok_or(Interrupted::Changed)?;
    let mut refunded = Refunded { cut: node.refunds.len() >= REFUNDS_MAX, ..Refunded::default() };
    for refund in node.refunds {
        let mut lines = refund.refund_line_items;
        while let Some(cursor) = lines.page_info.after() {
            refunded.add(lines.nodes);
            let variables = json!({ "id": refund.id, "after": cursor });
            let data: RefundLinesData = REFUND_LINES.call_on(shop, &variables, terms).await?;
            lines = data.refund.ok_or(Interrupted::Changed)?.refund_line_items;
        }
        refunded.add(lines.nodes);
    }
    Ok(refunded)
}

impl Refunded {
    fn add(&mut self, lines: Vec<RefundLineNode>) {
        for line in lines {
            let id = number_of(&line.line_item.id).unwrap_or_default();
            if line.restock_type == "NO_RESTOCK" {
                *self.not_restocked.entry(id.clone()).or_default() += line.quantity;
            }
            *self.all.entry(id).or_default() += line.quantity;
        }
    }
}
