//! Orders: Etsy's receipts.
//!
//! Changed ones are walked from the oldest change on ([`Walk`]), so that one which changes under the walk hides no
//! other. Those asked for by id come one a call.

use domain::listing::{ListingRef, RecordFailure};
use domain::order::{Address, Buyer, ChannelOrderState, FetchedLine, FetchedOrder, PaymentStatus};
use domain::schedule::Window;
use domain::{Currency, Quantity};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::{Listed, Receipt, Transaction};
use super::{Admitted, Call, number, read_cursor, shop_id, variation, write_cursor};
use crate::entity::plain_text;
use crate::walk::{Step, Walk};
use crate::{ChannelError, Cursor, OrderQuery, Page, Shop};

const FETCH: &str = "fetch a page of orders";
const FETCH_BY_ID: &str = "fetch an order by its id";

pub(super) const PAGE: u32 = 100;

/// The longest name of a state that nobody knows yet, in characters.
const STATE_MAX: usize = 64;

#[derive(Debug, Serialize, Deserialize)]
enum Position {
    #[serde(rename = "c")]
    Changed(Walk),
    /// The next of the ids asked for.
    #[serde(rename = "i")]
    Id(usize),
}

pub(super) async fn fetch(
    shop: &Shop<'_>,
    query: &OrderQuery,
    cursor: Option<&Cursor>,
) -> Result<Page<FetchedOrder>, ChannelError> {
    let position = read_cursor(FETCH, cursor)?;
    match (query, position) {
        (OrderQuery::Changed(window), Some(Position::Changed(walk))) => changed(shop, *window, walk).await,
        (OrderQuery::Changed(window), _) => changed(shop, *window, Walk::from(window.from)).await,
        (OrderQuery::Ids(ids), Some(Position::Id(next))) => by_id(shop, ids, next).await,
        (OrderQuery::Ids(ids), _) => by_id(shop, ids, 0).await,
    }
}

async fn changed(shop: &Shop<'_>, window: Window, walk: Walk) -> Result<Page<FetchedOrder>, ChannelError> {
    let mut calls = Admitted::new(shop, FETCH, 1)?;
    let offset = u64::from(walk.page.saturating_sub(1)) * u64::from(PAGE);
    let query = vec![
        ("min_last_modified", walk.after.saturating_add(1).to_string()),
        ("sort_on", "updated".to_owned()),
        ("sort_order", "asc".to_owned()),
        ("limit", PAGE.to_string()),
        ("offset", offset.to_string()),
    ];
    let path = format!("shops/{}/receipts", shop_id(shop, FETCH)?);
    let page: Listed = calls.send(Call::get(path, query)).await?.read(FETCH)?;
    let mut steps = Vec::with_capacity(page.results.len());
    let mut records = Vec::with_capacity(page.results.len());
    let mut past_window = false;
    for record in &page.results {
        let step = Step { id: id_of(record), changed_s: changed_s(record) };
        steps.push(step);
        past_window |= step.changed_s >= second_after(window);
        if !past_window && walk.is_new(step) {
            records.push(order(record));
        }
    }
    let full = page.results.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
    let next = (full && !past_window).then(|| Position::Changed(walk.next(&steps, true)));
    Ok(Page { records, next: next.as_ref().and_then(write_cursor), total: None })
}

/// The first second that is behind the window: Etsy's times have whole seconds.
fn second_after(window: Window) -> i64 {
    window.to.as_second() + i64::from(window.to.subsec_nanosecond() > 0)
}

fn id_of(record: &Value) -> u64 {
    record.get("receipt_id").and_then(Value::as_u64).unwrap_or_default()
}

fn changed_s(record: &Value) -> i64 {
    let of = |field: &str| record.get(field).and_then(Value::as_i64);
    of("updated_timestamp").or_else(|| of("update_timestamp")).unwrap_or_default()
}

async fn by_id(shop: &Shop<'_>, ids: &[String], next: usize) -> Result<Page<FetchedOrder>, ChannelError> {
    let Some(asked) = ids.get(next) else { return Ok(Page { records: Vec::new(), next: None, total: None }) };
    let record = match number(asked) {
        Some(id) => one(shop, id).await?,
        None => Err(gone(asked)),
    };
    let next = (next + 1 < ids.len()).then_some(Position::Id(next + 1));
    Ok(Page { records: vec![record], next: next.as_ref().and_then(write_cursor), total: None })
}

async fn one(shop: &Shop<'_>, id: u64) -> Result<Result<FetchedOrder, RecordFailure>, ChannelError> {
    let mut calls = Admitted::new(shop, FETCH_BY_ID, 1)?;
    let path = format!("shops/{}/receipts/{id}", shop_id(shop, FETCH_BY_ID)?);
    let answer = calls.send(Call::get(path, Vec::new())).await?;
    if answer.is_missing() {
        return Ok(Err(gone(&id.to_string())));
    }
    let record: Value = answer.read(FETCH_BY_ID)?;
    Ok(order(&record))
}

fn failure(external_id: String, code: &str, reason: &str) -> RecordFailure {
    let (code, reason) = (code.to_owned(), reason.to_owned());
    RecordFailure { external_id, sku: None, title: None, code, reason }
}

fn gone(id: &str) -> RecordFailure {
    failure(id.to_owned(), "order_gone", "Etsy no longer has this order.")
}

fn order(record: &Value) -> Result<FetchedOrder, RecordFailure> {
    let unreadable = || {
        let reason = "Etsy answered for this order in a form that is not documented.";
        failure(id_of(record).to_string(), "unreadable_record", reason)
    };
    let receipt: Receipt = serde_json::from_value(record.clone()).map_err(|_| unreadable())?;
    of_receipt(receipt).ok_or_else(unreadable)
}

fn of_receipt(receipt: Receipt) -> Option<FetchedOrder> {
    let currency: Currency = receipt.grandtotal.currency_code.parse().ok()?;
    let total = receipt.grandtotal.read();
    let refunded: i64 =
        receipt.refunds.iter().filter_map(|refund| refund.amount.read()).map(|amount| amount.minor).sum();
    let some_shipped = receipt.transactions.iter().any(|line| line.shipped_timestamp.is_some());
    let standing = Standing::of(&Facts {
        status: &receipt.status,
        paid: receipt.is_paid,
        shipped: receipt.is_shipped,
        some_shipped,
        refunded: refunded > 0,
        refunded_whole: refunded > 0 && total.is_some_and(|total| refunded >= total.minor),
    });
    let shipped = standing.state == ChannelOrderState::Fulfilled;
    let (placed_at, changed_at) = (receipt.created_at()?, receipt.updated_at()?);
    let external_id = receipt.receipt_id.to_string();
    let lines = receipt.transactions.iter().map(|transaction| line(transaction, shipped)).collect();
    Some(FetchedOrder {
        fulfilment: domain::channel::Fulfilment::Mfn,
        number: external_id.clone(),
        external_id,
        placed_at,
        changed_at,
        state: standing.state,
        payment: standing.payment,
        currency,
        total,
        lines,
        buyer: buyer(receipt),
        unknown_state: standing.unknown,
        tracking: Vec::new(),
        assigned_to: None,
    })
}

fn line(transaction: &Transaction, order_shipped: bool) -> FetchedLine {
    let quantity = Quantity::clamped(transaction.quantity);
    let variations = transaction.variations.as_deref().unwrap_or_default();
    let product = transaction.product_data.as_deref().unwrap_or_default();
    let listing = transaction.listing_id.filter(|id| *id > 0).map(|id| ListingRef {
        external_id: id.to_string(),
        variation_id: variation::of_purchase(variations, product),
    });
    let shipped = order_shipped || transaction.shipped_timestamp.is_some();
    FetchedLine {
        line_id: transaction.transaction_id.to_string(),
        listing,
        sku: transaction.sku.clone().filter(|sku| !sku.trim().is_empty()),
        title: plain_text(transaction.title.as_deref().unwrap_or_default()),
        quantity,
        shipped: if shipped { quantity } else { Quantity::ZERO },
        unit_price: transaction.price.as_ref().and_then(super::wire::Money::read),
        tax: None,
    }
}

fn buyer(receipt: Receipt) -> Buyer {
    let text =
        |text: Option<String>| text.map(|text| plain_text(&text)).filter(|text| !text.trim().is_empty());
    let name = text(receipt.name);
    let lines: Vec<String> = [receipt.first_line, receipt.second_line].into_iter().filter_map(text).collect();
    let address = Address {
        name: name.clone(),
        lines,
        city: text(receipt.city),
        region: text(receipt.state),
        postal_code: text(receipt.zip),
        country: text(receipt.country_iso),
    };
    Buyer {
        name,
        email: text(receipt.buyer_email),
        phone: None,
        shipping_address: Some(address).filter(|address| *address != Address::default()),
        billing_address: None,
    }
}

/// What a receipt says of where it stands.
struct Facts<'a> {
    status: &'a str,
    paid: bool,
    /// All of it.
    shipped: bool,
    some_shipped: bool,
    refunded: bool,
    refunded_whole: bool,
}

/// Where an order stands. Etsy mixes payment and shipping in one status, and a refund hides the rest: the two axes are
/// read from the marks beside it.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    state: ChannelOrderState,
    payment: PaymentStatus,
    unknown: Option<String>,
}

impl Standing {
    fn of(facts: &Facts<'_>) -> Self {
        use ChannelOrderState::{Cancelled, Confirmed, Fulfilled, PartFulfilled, Pending};
        let paid = match (facts.refunded, facts.refunded_whole) {
            (_, true) => PaymentStatus::Refunded,
            (true, false) => PaymentStatus::PartRefunded,
            (false, false) if facts.paid => PaymentStatus::Paid,
            (false, false) => PaymentStatus::Pending,
        };
        let unshipped = |state| match state {
            _ if facts.shipped => Fulfilled,
            Confirmed if facts.some_shipped => PartFulfilled,
            state => state,
        };
        let by_payment = if facts.paid { Confirmed } else { Pending };
        // Written with capitals by the live service, without in the specification.
        let status = facts.status.to_ascii_lowercase();
        let (state, payment) = match status.as_str() {
            "open" | "payment processing" => (unshipped(by_payment), paid),
            "paid" => (unshipped(Confirmed), if facts.refunded { paid } else { PaymentStatus::Paid }),
            "completed" => (Fulfilled, paid),
            "canceled" if !facts.paid && !facts.refunded => (Cancelled, PaymentStatus::Voided),
            "canceled" => (Cancelled, paid),
            "partially refunded" => (unshipped(by_payment), PaymentStatus::PartRefunded),
            "fully refunded" => (unshipped(Cancelled), PaymentStatus::Refunded),
            _ => {
                let unknown = Some(printable(facts.status));
                return Self { state: unshipped(Pending), payment: paid, unknown };
            }
        };
        Self { state, payment, unknown: None }
    }
}

fn printable(status: &str) -> String {
    status.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_')).take(STATE_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChannelOrderState::*;
    use PaymentStatus as P;
    use serde_json::json;

    fn facts(status: &str, marks: &str) -> Standing {
        let has = |mark: char| marks.contains(mark);
        Standing::of(&Facts {
            status,
            paid: has('p'),
            shipped: has('s'),
            some_shipped: has('s') || has('t'),
            refunded: has('r') || has('R'),
            refunded_whole: has('R'),
        })
    }

    /// Marks: `p`aid, `s`hipped, in par`t` shipped, `r`efunded in part, `R`efunded whole.
    #[test]
    fn each_status_has_its_state_and_payment() {
        let table = [
            ("open", "", Pending, P::Pending),
            ("payment processing", "", Pending, P::Pending),
            ("open", "p", Confirmed, P::Paid),
            ("paid", "p", Confirmed, P::Paid),
            ("Paid", "p", Confirmed, P::Paid),
            ("paid", "pt", PartFulfilled, P::Paid),
            ("paid", "ps", Fulfilled, P::Paid),
            ("completed", "ps", Fulfilled, P::Paid),
            ("Completed", "p", Fulfilled, P::Paid),
            ("canceled", "", Cancelled, P::Voided),
            ("Canceled", "p", Cancelled, P::Paid),
            ("canceled", "pR", Cancelled, P::Refunded),
            ("partially refunded", "pr", Confirmed, P::PartRefunded),
            ("Partially Refunded", "psr", Fulfilled, P::PartRefunded),
            ("fully refunded", "pR", Cancelled, P::Refunded),
            ("fully refunded", "psR", Fulfilled, P::Refunded),
        ];
        for (status, marks, state, payment) in table {
            let found = facts(status, marks);
            assert_eq!(
                (found.state, found.payment, found.unknown),
                (state, payment, None),
                "{status} {marks}"
            );
        }
    }

    #[test]
    fn a_status_of_the_future_is_pending_and_reported() {
        for (status, marks, state) in [("teleported", "p", Pending), ("Teleported!", "ps", Fulfilled)] {
            let found = facts(status, marks);
            assert_eq!(found.state, state);
            assert_eq!(found.unknown.as_deref(), Some(status.trim_end_matches('!')));
        }
    }

    fn receipt() -> Value {
        let money = |amount: i64| json!({ "amount": amount, "divisor": 100, "currency_code": "USD" });
        json!({
            "receipt_id": 77, "status": "Paid", "is_paid": true, "is_shipped": false,
            "create_timestamp": 1_700_000_000, "created_timestamp": 1_700_000_000,
            "update_timestamp": 1_700_000_050, "updated_timestamp": 1_700_000_050,
            "grandtotal": money(5_500), "refunds": [], "shipments": [],
            "name": "A &amp; B", "first_line": "1 Main St", "second_line": null, "city": "Troy", "state": "NY",
            "zip": "12180", "country_iso": "US", "buyer_email": null, "gift_message": "hi",
            "transactions": [
                {
                    "transaction_id": 5, "title": "Men&#39;s shirt", "quantity": 2, "listing_id": 17, "product_id": 3,
                    "sku": "", "price": money(2_000), "shipped_timestamp": null,
                    "variations": [{ "property_id": 513, "value_id": 9, "formatted_name": "Size", "formatted_value": "L" }],
                    "product_data": [{ "property_id": 513, "values": ["L"], "value_ids": [9] }],
                },
                { "transaction_id": 6, "title": null, "quantity": 1, "listing_id": null, "price": money(1_500) },
            ],
        })
    }

    #[test]
    fn a_receipt_is_an_order() {
        let order = order(&receipt()).unwrap();
        assert_eq!((order.external_id.as_str(), order.number.as_str()), ("77", "77"));
        assert_eq!(order.total.map(|total| total.amount()).as_deref(), Some("55.00"));
        assert_eq!(order.changed_at.as_second() - order.placed_at.as_second(), 50);
        let [shirt, other] = order.lines.as_slice() else { panic!("{:?}", order.lines) };
        let reference = shirt.listing.as_ref().unwrap();
        assert_eq!(
            (reference.external_id.as_str(), reference.variation_id.as_deref()),
            ("17", Some("513:L"))
        );
        assert_eq!((shirt.title.as_str(), shirt.sku.as_deref()), ("Men's shirt", None));
        assert_eq!((shirt.quantity.get(), shirt.shipped.get()), (2, 0));
        assert_eq!((other.listing.as_ref(), other.quantity.get()), (None, 1));
        assert_eq!(order.buyer.name.as_deref(), Some("A & B"));
        assert_eq!(
            order.buyer.shipping_address.map(|address| address.lines),
            Some(vec!["1 Main St".to_owned()])
        );
    }

    #[test]
    fn what_was_shipped_is_shipped_whatever_was_refunded_since() {
        let mut sent = receipt();
        sent["is_shipped"] = json!(true);
        sent["status"] = json!("Partially Refunded");
        sent["refunds"] = json!([{ "amount": { "amount": 500, "divisor": 100, "currency_code": "USD" } }]);
        let order = order(&sent).unwrap();
        assert_eq!((order.state, order.payment), (Fulfilled, P::PartRefunded));
        assert!(order.lines.iter().all(|line| line.shipped == line.quantity));
    }

    #[test]
    fn a_receipt_that_cannot_be_read_fails_alone_and_shows_nobody() {
        let mut odd = receipt();
        odd["grandtotal"] = json!("a song");
        let failure = order(&odd).unwrap_err();
        assert_eq!((failure.external_id.as_str(), failure.code.as_str()), ("77", "unreadable_record"));
        assert!(!format!("{failure:?}").contains("Main St"));
    }
}
