//! Orders: by time of change or by id, with what was refunded before it was shipped taken off their lines.
//!
//! A refund of units leaves an order's status and lines as they were; only the order's refunds tell the units. They are
//! asked for order by order, at most [`FURTHER_CALLS_MAX`] a page: then the page ends early and the next one goes on.

use std::collections::{BTreeMap, BTreeSet};

use domain::channel::Fulfilment;
use domain::listing::{ListingRef, RecordFailure};
use domain::order::{Address, Buyer, ChannelOrderState, FetchedLine, FetchedOrder, PaymentStatus};
use domain::schedule::Window;
use domain::{Currency, Money, Quantity, Timestamp};
use jiff::SignedDuration;

use super::error::malformed;
use super::listings::{changed_since, malformed_cursor};
use super::wire;
use super::{PAGE_MAX, parameter, send};
use crate::entity::plain_text;
use crate::walk::{Step, Walk};
use crate::{ChannelError, Cursor, ErrorKind, OrderQuery, Page, Shop};

const FETCH: &str = "fetch a page of orders";

/// Calls that one page may make beside its first: a slow host answers each in seconds, and a worker's time is bounded.
const FURTHER_CALLS_MAX: u32 = 20;

type Records = Vec<Result<FetchedOrder, RecordFailure>>;

pub(super) async fn fetch(
    shop: &Shop<'_>,
    query: &OrderQuery,
    cursor: Option<&Cursor>,
) -> Result<Page<FetchedOrder>, ChannelError> {
    match query {
        OrderQuery::Changed(window) => {
            let walk = match cursor {
                Some(cursor) => {
                    serde_json::from_str(&cursor.0).map_err(|error| malformed_cursor(FETCH, error))?
                }
                None => Walk::from(window.from),
            };
            changed(shop, *window, walk, cursor.is_none()).await
        }
        OrderQuery::Ids(ids) => {
            let done = match cursor {
                Some(cursor) => {
                    serde_json::from_str(&cursor.0).map_err(|error| malformed_cursor(FETCH, error))?
                }
                None => 0,
            };
            by_ids(shop, ids, done).await
        }
    }
}

async fn changed(
    shop: &Shop<'_>,
    window: Window,
    walk: Walk,
    first: bool,
) -> Result<Page<FetchedOrder>, ChannelError> {
    let mut query = vec![
        parameter("per_page", PAGE_MAX),
        parameter("order", "asc"),
        parameter("_fields", wire::ORDER_FIELDS),
    ];
    query.extend(changed_since(&walk));
    let answer = send(shop, FETCH, http::Method::GET, "orders", query, None).await?;
    let found: Vec<Result<wire::Order, RecordFailure>> =
        wire::records(&answer.body).map_err(|error| malformed(FETCH, error))?;
    let more = u64::from(walk.page) < answer.count("x-wp-totalpages").unwrap_or(0) && !found.is_empty();
    let mut look = Look::at(shop, found.iter().flatten()).await?;
    let (mut records, mut steps, mut whole) = (Records::new(), Vec::new(), true);
    for record in found {
        let order = match record {
            Ok(order) => order,
            Err(failure) => {
                records.push(Err(failure));
                continue;
            }
        };
        let changed_at = changed_at(&order);
        if changed_at.is_some_and(|at| at >= window.to) {
            return Ok(Page { records, next: None, total: None });
        }
        let step = Step { id: order.id, changed_s: changed_at.map_or(walk.after + 1, |at| at.as_second()) };
        if !walk.is_new(step) {
            steps.push(step);
            continue;
        }
        let Some(record) = look.complete(order).await? else {
            whole = false;
            break;
        };
        records.push(record);
        steps.push(step);
    }
    let next = (more || !whole).then(|| walk.next(&steps, whole));
    let next = next.and_then(|walk| serde_json::to_string(&walk).ok()).map(Cursor);
    Ok(Page { records, next, total: answer.count("x-wp-total").filter(|_| first) })
}

/// `done` is how many of the ids earlier pages have answered.
async fn by_ids(shop: &Shop<'_>, ids: &[String], done: usize) -> Result<Page<FetchedOrder>, ChannelError> {
    let wanted = ids.get(done..).unwrap_or_default();
    let wanted = wanted.get(..wanted.len().min(usize::from(PAGE_MAX))).unwrap_or_default();
    let known: Vec<&str> = wanted.iter().map(String::as_str).filter(|id| id.parse::<u64>().is_ok()).collect();
    let mut found = BTreeMap::new();
    let mut records = Records::new();
    if !known.is_empty() {
        let query = vec![
            parameter("include", known.join(",")),
            parameter("per_page", PAGE_MAX),
            parameter("_fields", wire::ORDER_FIELDS),
        ];
        let answer = send(shop, FETCH, http::Method::GET, "orders", query, None).await?;
        for record in wire::records::<wire::Order>(&answer.body).map_err(|error| malformed(FETCH, error))? {
            match record {
                Ok(order) => found.insert(order.id.to_string(), Ok(order)),
                Err(failure) => found.insert(failure.external_id.clone(), Err(failure)),
            };
        }
    }
    let mut look = Look::at(shop, found.values().flatten()).await?;
    let mut answered = 0;
    for id in wanted {
        let order = match found.remove(id) {
            Some(order) => Some(order),
            // A list leaves out what is in the trash or still in the checkout; by its id it can be read.
            None if id.parse::<u64>().is_ok() => {
                if !look.may_call() {
                    break;
                }
                look.one(id).await?
            }
            None => None,
        };
        let record = match order {
            Some(Ok(order)) => match look.complete(order).await? {
                Some(record) => record,
                None => break,
            },
            Some(Err(failure)) => Err(failure),
            None => Err(RecordFailure {
                external_id: id.clone(),
                sku: None,
                title: None,
                code: "order_gone".to_owned(),
                reason: "the shop no longer has this order: what it took from stock stays as it is"
                    .to_owned(),
            }),
        };
        records.push(record);
        answered += 1;
    }
    let done = done + answered;
    let next = (done < ids.len()).then(|| Cursor(done.to_string()));
    Ok(Page { records, next, total: None })
}

/// What is looked up beside a page of orders, and how many calls that may still make.
struct Look<'a> {
    shop: &'a Shop<'a>,
    calls_left: u32,
    /// Of the products of doubtful lines, those with variations.
    variable: BTreeSet<u64>,
}

impl<'a> Look<'a> {
    async fn at(
        shop: &'a Shop<'a>,
        orders: impl Iterator<Item = &wire::Order>,
    ) -> Result<Self, ChannelError> {
        let mut look = Self { shop, calls_left: FURTHER_CALLS_MAX, variable: BTreeSet::new() };
        let doubtful: BTreeSet<u64> = orders
            .flat_map(|order| &order.line_items)
            .filter(|line| is_doubtful(line))
            .map(|line| line.product_id)
            .collect();
        let doubtful: Vec<u64> = doubtful.into_iter().collect();
        for ids in doubtful.chunks(usize::from(PAGE_MAX)) {
            let query = vec![
                parameter("include", ids.iter().map(u64::to_string).collect::<Vec<_>>().join(",")),
                parameter("per_page", PAGE_MAX),
                parameter("status", "any"),
                parameter("_fields", "id,type"),
            ];
            look.calls_left = look.calls_left.saturating_sub(1);
            let answer = send(shop, FETCH, http::Method::GET, "products", query, None).await?;
            let kinds: Vec<wire::Kind> = wire::read(&answer.body).map_err(|error| malformed(FETCH, error))?;
            look.variable
                .extend(kinds.iter().filter(|one| one.kind.starts_with("variable")).map(|one| one.id));
        }
        Ok(look)
    }

    fn may_call(&self) -> bool {
        self.calls_left > 0
    }

    /// An order by its id; `None` where there is none.
    async fn one(&mut self, id: &str) -> Result<Option<Result<wire::Order, RecordFailure>>, ChannelError> {
        self.calls_left = self.calls_left.saturating_sub(1);
        let query = vec![parameter("_fields", wire::ORDER_FIELDS)];
        match send(self.shop, FETCH, http::Method::GET, &format!("orders/{id}"), query, None).await {
            Ok(answer) => {
                let body = [b"[", answer.body.as_ref(), b"]"].concat();
                let mut records = wire::records(&body).map_err(|error| malformed(FETCH, error))?;
                Ok(records.pop())
            }
            Err(error) if error.kind == ErrorKind::Rejected => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The order with its refunds; `None` when no more calls may be made for it on this page.
    async fn complete(
        &mut self,
        order: wire::Order,
    ) -> Result<Option<Result<FetchedOrder, RecordFailure>>, ChannelError> {
        let (state, _) = state(&order);
        let mut refunded = BTreeMap::new();
        if !order.refunds.is_empty() && state != ChannelOrderState::Cancelled {
            if !self.may_call() {
                return Ok(None);
            }
            self.calls_left -= 1;
            let path = format!("orders/{}/refunds", order.id);
            let query = vec![parameter("per_page", PAGE_MAX)];
            let answer = send(self.shop, FETCH, http::Method::GET, &path, query, None).await?;
            let refunds: Vec<wire::Refund> =
                wire::read(&answer.body).map_err(|error| malformed(FETCH, error))?;
            refunded = units_refunded_before_shipping(&order, state, &refunds);
        }
        Ok(Some(read(&order, &refunded, &self.variable)))
    }
}

/// A line of a deleted variation looks like one of its parent, but still names its choices. So may a line of a simple
/// product with notes of a plugin: only the product's type tells the two apart.
fn is_doubtful(line: &wire::Line) -> bool {
    line.product_id != 0
        && line.variation_id == 0
        && line.meta_data.iter().any(|meta| !meta.key.starts_with('_'))
}

/// By the id of the order's line. Units refunded after the order was completed have been shipped, and stay so.
fn units_refunded_before_shipping(
    order: &wire::Order,
    state: ChannelOrderState,
    refunds: &[wire::Refund],
) -> BTreeMap<u64, i64> {
    let shipped_at = order.date_completed_gmt.filter(|_| state == ChannelOrderState::Fulfilled);
    let before = |refund: &&wire::Refund| match (shipped_at, refund.date_created_gmt) {
        (Some(shipped), Some(created)) => created.0 < shipped.0,
        _ => true,
    };
    let mut units = BTreeMap::new();
    for (line, refunded) in
        refunds.iter().filter(before).flat_map(|refund| &refund.line_items).filter_map(|l| l.units())
    {
        *units.entry(line).or_insert(0) += refunded;
    }
    units
}

fn changed_at(order: &wire::Order) -> Option<Timestamp> {
    order.date_modified_gmt.or(order.date_created_gmt).map(|at| at.0)
}

/// The shipping side, and the status' own name where it is a plugin's.
fn state(order: &wire::Order) -> (ChannelOrderState, Option<String>) {
    use ChannelOrderState::{Cancelled, Confirmed, Fulfilled, Pending};
    let state = match order.status.as_str() {
        "pending" | "on-hold" | "checkout-draft" | "auto-draft" => Pending,
        "processing" => Confirmed,
        "completed" => Fulfilled,
        "cancelled" | "failed" | "trash" => Cancelled,
        "refunded" if order.date_completed_gmt.is_some() => Fulfilled,
        "refunded" => Cancelled,
        other => return (Pending, Some(other.to_owned())),
    };
    (state, None)
}

fn payment(order: &wire::Order, total: Option<Money>, currency: Currency) -> PaymentStatus {
    let refunded: i64 = order
        .refunds
        .iter()
        .filter_map(|refund| Money::parse_rounded(&refund.total.as_ref()?.0, currency).ok())
        .map(|money| money.minor.saturating_abs())
        .sum();
    if order.status == "refunded" || refunded > 0 && total.is_some_and(|total| refunded >= total.minor) {
        PaymentStatus::Refunded
    } else if !order.refunds.is_empty() {
        PaymentStatus::PartRefunded
    } else if order.date_paid_gmt.is_some() {
        PaymentStatus::Paid
    } else if state(order).0 == ChannelOrderState::Cancelled {
        PaymentStatus::Voided
    } else {
        PaymentStatus::Pending
    }
}

fn read(
    order: &wire::Order,
    refunded: &BTreeMap<u64, i64>,
    variable: &BTreeSet<u64>,
) -> Result<FetchedOrder, RecordFailure> {
    let number =
        order.number.clone().filter(|number| !number.is_empty()).unwrap_or_else(|| order.id.to_string());
    let fail = |reason: &str| RecordFailure {
        external_id: order.id.to_string(),
        sku: None,
        title: Some(number.clone()),
        code: "malformed_record".to_owned(),
        reason: reason.to_owned(),
    };
    let currency: Currency =
        order.currency.parse().map_err(|_| fail("its currency is not one of three capital letters"))?;
    let modified_at = changed_at(order).ok_or_else(|| fail("it has no date of change"))?;
    let placed_at = order.date_created_gmt.map_or(modified_at, |at| at.0);
    // Going to the trash moves no date; its state must still be the newer.
    let changed_at = match order.status.as_str() {
        "trash" => modified_at.checked_add(SignedDuration::from_millis(1)).unwrap_or(modified_at),
        _ => modified_at,
    };
    let money = |amount: &Option<wire::Amount>| Money::parse_rounded(&amount.as_ref()?.0, currency).ok();
    let (state, unknown_state) = state(order);
    let lines = order
        .line_items
        .iter()
        .map(|line| {
            let kept = line.quantity.0 - refunded.get(&line.id).copied().unwrap_or(0);
            let quantity = Quantity::clamped(kept);
            let fulfilled = state == ChannelOrderState::Fulfilled;
            FetchedLine {
                line_id: line.id.to_string(),
                listing: sold(line, variable),
                sku: line.sku.clone().filter(|sku| !sku.is_empty()),
                title: plain_text(line.name.as_deref().unwrap_or_default()),
                quantity,
                shipped: if fulfilled { quantity } else { Quantity::ZERO },
                unit_price: money(&line.price),
                tax: money(&line.total_tax),
            }
        })
        .collect();
    let total = money(&order.total);
    Ok(FetchedOrder {
        external_id: order.id.to_string(),
        number,
        placed_at,
        changed_at,
        state,
        payment: payment(order, total, currency),
        currency,
        total,
        lines,
        buyer: buyer(order),
        fulfilment: Fulfilment::Mfn,
        unknown_state,
        tracking: Vec::new(),
        assigned_to: None,
    })
}

fn sold(line: &wire::Line, variable: &BTreeSet<u64>) -> Option<ListingRef> {
    let external_id = line.product_id.to_string();
    match (line.product_id, line.variation_id) {
        (0, _) => None,
        (product, 0) if variable.contains(&product) => None,
        (_, 0) => Some(ListingRef { external_id, variation_id: None }),
        (_, variation) => Some(ListingRef { external_id, variation_id: Some(variation.to_string()) }),
    }
}

fn buyer(order: &wire::Order) -> Buyer {
    let parties = [order.billing.as_ref(), order.shipping.as_ref()];
    let first = |of: fn(&wire::Party) -> Option<String>| parties.iter().flatten().find_map(|party| of(party));
    Buyer {
        name: first(name),
        email: first(|party| text(&party.email)),
        phone: first(|party| text(&party.phone)),
        shipping_address: order.shipping.as_ref().and_then(address),
        billing_address: order.billing.as_ref().and_then(address),
    }
}

fn address(party: &wire::Party) -> Option<Address> {
    let address = Address {
        name: name(party),
        lines: [&party.company, &party.address_1, &party.address_2]
            .into_iter()
            .filter_map(|line| text(line))
            .collect(),
        city: text(&party.city),
        region: text(&party.state),
        postal_code: text(&party.postcode),
        country: text(&party.country),
    };
    (address != Address::default()).then_some(address)
}

fn name(party: &wire::Party) -> Option<String> {
    text(&format!("{} {}", party.first_name.trim(), party.last_name.trim()))
}

fn text(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
