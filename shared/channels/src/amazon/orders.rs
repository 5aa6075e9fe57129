//! Orders: by time of change, which Amazon allows once in three minutes, or one by one as its notifications name them.

use domain::channel::Fulfilment;
use domain::listing::{ListingRef, RecordFailure};
use domain::order::{Address, Buyer, ChannelOrderState, FetchedLine, FetchedOrder, PaymentStatus, Tracking};
use domain::{Currency, Money, Quantity};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::printable;
use super::listings::failure;
use super::shipments::UNTRACKED;
use super::wire::{self, Amount, ItemFulfillment, OneOrder, OrderItem, SearchedOrders};
use super::{Call, Operation, marketplace, parse, read_cursor, time, write_cursor};
use crate::{ChannelError, Cursor, Limit, NOT_SOLD_HERE, OrderQuery, Page, Shop};

/// The most that Amazon gives of one search call.
pub(super) const PAGE: u32 = 100;

/// An end of a window must be this far in the past; one that is not is left out.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// What is asked for beside items and states. `BUYER` and `RECIPIENT` are left out of the answer where the application
/// lacks the role.
const INCLUDED: &str = "BUYER,RECIPIENT,PROCEEDS,FULFILLMENT,CANCELLATION,PACKAGES";

pub(super) static SEARCH: Operation = Operation {
    name: "fetch a page of orders",
    limit: Limit { name: "searchOrders", burst: 20, rate_micro: 5_600 },
};
pub(super) static GET: Operation =
    Operation { name: "fetch an order", limit: Limit { name: "getOrder", burst: 30, rate_micro: 500_000 } };

/// Where the walk is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Position {
    /// Amazon keeps the token for 24 hours.
    Token(String),
    /// Of the ids asked for: how many are done.
    Done(usize),
}

pub(super) async fn fetch(
    shop: &Shop<'_>,
    query: &OrderQuery,
    cursor: Option<&Cursor>,
) -> Result<Page<FetchedOrder>, ChannelError> {
    let position: Option<Position> = read_cursor(SEARCH.name, cursor)?;
    let (orders, next) = match query {
        OrderQuery::Changed(window) => {
            let mut call = Call::get(&["orders", "2026-01-01", "orders"])
                .with("lastUpdatedAfter", time(window.from))
                .with("marketplaceIds", marketplace::ids(shop.marketplaces).join(","))
                .with("maxResultsPerPage", PAGE.to_string())
                .with("includedData", INCLUDED);
            // Rounded up to the second; what is too late for the window is left out below.
            let end = window.to.checked_add(SignedDuration::from_secs(1)).unwrap_or(window.to);
            let settled = shop.now.checked_sub(SETTLED_AFTER).unwrap_or(shop.now);
            if end < settled {
                call = call.with("lastUpdatedBefore", time(end));
            }
            if let Some(Position::Token(token)) = position {
                call = call.with("paginationToken", token);
            }
            let body = SEARCH.call(shop, call).await?;
            let answer: SearchedOrders = parse(SEARCH.name, &body)?;
            let next = answer.pagination.and_then(|pagination| pagination.next_token).map(Position::Token);
            let records = answer.orders.into_iter().map(|one| order(one, shop.currency));
            let inside = |record: &Result<FetchedOrder, RecordFailure>| {
                record
                    .as_ref()
                    .map_or(true, |order| order.changed_at >= window.from && order.changed_at < window.to)
            };
            (records.filter(inside).collect(), next)
        }
        OrderQuery::Ids(ids) => {
            let done = match position {
                Some(Position::Done(done)) => done,
                _ => 0,
            };
            let Some(id) = ids.get(done) else {
                return Ok(Page { records: Vec::new(), next: None, total: None });
            };
            let record = by_id(shop, id).await?;
            let next = (done + 1 < ids.len()).then_some(Position::Done(done + 1));
            (record.into_iter().collect(), next)
        }
    };
    Ok(Page { records: orders, next: next.as_ref().map(write_cursor), total: None })
}

async fn by_id(
    shop: &Shop<'_>,
    id: &str,
) -> Result<Option<Result<FetchedOrder, RecordFailure>>, ChannelError> {
    let call = Call::get(&["orders", "2026-01-01", "orders", id]).with("includedData", INCLUDED);
    // What Amazon does not give any more, as orders of more than two years, is left as it is known.
    let Some(body) = GET.call_if_any(shop, call).await? else { return Ok(None) };
    let answer: OneOrder = parse(GET.name, &body)?;
    Ok(Some(order(answer.order, shop.currency)))
}

/// Which marketplace an order is of.
pub(super) async fn marketplace_of(shop: &Shop<'_>, id: &str) -> Result<Option<String>, ChannelError> {
    let call = Call::get(&["orders", "2026-01-01", "orders", id]);
    let Some(body) = GET.call_if_any(shop, call).await? else { return Ok(None) };
    let answer: OneOrder = parse(GET.name, &body)?;
    let id = answer.order.pointer("/salesChannel/marketplaceId").and_then(Value::as_str);
    Ok(id.map(str::to_owned))
}

/// `fallback`: the connection's currency, for an order that has no price yet.
fn order(order: Value, fallback: Currency) -> Result<FetchedOrder, RecordFailure> {
    let id = order.get("orderId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let unreadable = |what: &str| RecordFailure {
        sku: None,
        ..failure(
            &id,
            None,
            "unreadable_record",
            format!("Amazon answered for this order in a form that is not documented{what}."),
        )
    };
    // The error may quote a value, which may be the buyer's.
    let order: wire::Order = serde_json::from_value(order).map_err(|_| unreadable(""))?;
    // Sent from Amazon's stock for a sale made elsewhere, by us or by others: counted here too, it would be counted twice.
    if order.sales_channel.channel_name == "NON_AMAZON" {
        return Err(RecordFailure {
            sku: None,
            ..failure(
                &id,
                None,
                NOT_SOLD_HERE,
                "Sent from Amazon's stock for a sale made elsewhere, which is counted there.",
            )
        });
    }
    read(order, fallback).ok_or_else(|| unreadable(": its money cannot be read"))
}

fn read(order: wire::Order, fallback: Currency) -> Option<FetchedOrder> {
    let standing = Standing::of(order.fulfillment.as_ref().map(|one| one.fulfillment_status.as_str()));
    let total = order.proceeds.as_ref().and_then(|proceeds| proceeds.grand_total.as_ref());
    let priced = || order.order_items.iter().filter_map(unit_price).next();
    let currency: Currency = match total.or_else(priced) {
        Some(amount) => amount.currency_code.parse().ok()?,
        // A pending order has no price yet.
        None => fallback,
    };
    let total = match total {
        Some(amount) => Some(money(amount)?),
        None => None,
    };
    let lines: Option<Vec<FetchedLine>> =
        order.order_items.iter().map(|item| line(item, standing.state)).collect();
    let by_amazon = order.fulfillment.as_ref().and_then(|one| one.fulfilled_by.as_deref()) == Some("AMAZON");
    let alias = order.order_aliases.iter().find(|alias| alias.alias_type == "SELLER_ORDER_ID");
    Some(FetchedOrder {
        number: alias.map_or_else(|| order.order_id.clone(), |alias| alias.alias_id.clone()),
        external_id: order.order_id,
        placed_at: order.created_time,
        changed_at: order.last_updated_time,
        state: standing.state,
        payment: standing.payment,
        currency,
        total,
        lines: lines?,
        buyer: buyer(order.buyer, order.recipient),
        fulfilment: if by_amazon { Fulfilment::Fba } else { Fulfilment::Mfn },
        unknown_state: standing.unknown,
        tracking: order.packages.into_iter().filter_map(tracking).collect(),
        assigned_to: None,
    })
}

/// Amazon tells of the packages of merchants, of its own only where it comes to do so.
fn tracking(package: wire::PackageNode) -> Option<Tracking> {
    let tracking_number =
        package.tracking_number.filter(|number| !number.is_empty() && number != UNTRACKED)?;
    Some(Tracking { carrier: package.carrier.filter(|carrier| !carrier.is_empty()), tracking_number })
}

fn money(amount: &Amount) -> Option<Money> {
    Money::parse_rounded(&amount.amount, amount.currency_code.parse().ok()?).ok()
}

fn unit_price(item: &OrderItem) -> Option<&Amount> {
    item.product.price.as_ref()?.unit_price.as_ref()
}

fn line(item: &OrderItem, state: ChannelOrderState) -> Option<FetchedLine> {
    let units = Units::of(item.quantity_ordered, item.fulfillment.as_ref(), state);
    let sku = item.product.seller_sku.clone().filter(|sku| !sku.is_empty());
    let unit_price = match unit_price(item) {
        Some(amount) => Some(money(amount)?),
        None => None,
    };
    let taxes = item.proceeds.iter().flat_map(|proceeds| &proceeds.breakdowns);
    let tax = taxes
        .filter(|one| one.kind == "TAX")
        .filter_map(|one| money(&one.subtotal))
        .reduce(|a, b| Money { minor: a.minor.saturating_add(b.minor), currency: a.currency });
    Some(FetchedLine {
        line_id: item.order_item_id.clone(),
        listing: sku.clone().map(|external_id| ListingRef { external_id, variation_id: None }),
        title: item.product.title.clone().or_else(|| sku.clone()).unwrap_or_default(),
        sku,
        quantity: units.quantity,
        shipped: units.shipped,
        unit_price,
        tax,
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Units {
    quantity: Quantity,
    shipped: Quantity,
}

impl Units {
    /// Of what was ordered, what was sent and what is still to be sent are wanted; the rest was cancelled. Amazon begins
    /// to tell them when the order is paid.
    fn of(ordered: i64, fulfilment: Option<&ItemFulfillment>, state: ChannelOrderState) -> Self {
        let sent = fulfilment.and_then(|one| one.quantity_fulfilled);
        let waiting = fulfilment.and_then(|one| one.quantity_unfulfilled);
        let wanted = match (state, sent, waiting) {
            (ChannelOrderState::Pending, _, _) | (_, None, None) => ordered,
            (_, sent, waiting) => (sent.unwrap_or(0) + waiting.unwrap_or(0)).min(ordered),
        };
        let quantity = Quantity::clamped(wanted);
        let shipped = match (state, sent) {
            (ChannelOrderState::Fulfilled, None) => quantity,
            (_, sent) => Quantity::clamped(sent.unwrap_or(0).min(wanted)),
        };
        Self { quantity, shipped }
    }
}

/// Where an order stands. Amazon takes the money itself, with the order; what it gives back is not on the order.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    state: ChannelOrderState,
    payment: PaymentStatus,
    unknown: Option<String>,
}

impl Standing {
    fn of(status: Option<&str>) -> Self {
        use ChannelOrderState::{Cancelled, Confirmed, Fulfilled, PartFulfilled, Pending};
        let (state, payment) = match status {
            Some("PENDING" | "PENDING_AVAILABILITY") => (Pending, PaymentStatus::Pending),
            Some("UNSHIPPED") => (Confirmed, PaymentStatus::Paid),
            Some("PARTIALLY_SHIPPED") => (PartFulfilled, PaymentStatus::Paid),
            Some("SHIPPED") => (Fulfilled, PaymentStatus::Paid),
            Some("CANCELLED") => (Cancelled, PaymentStatus::Voided),
            other => {
                let unknown = Some(other.map_or_else(|| "no status".to_owned(), printable));
                return Self { state: Pending, payment: PaymentStatus::Pending, unknown };
            }
        };
        Self { state, payment, unknown: None }
    }
}

fn buyer(buyer: Option<wire::BuyerNode>, recipient: Option<wire::Recipient>) -> Buyer {
    let address = recipient.and_then(|recipient| recipient.delivery_address);
    let phone = address.as_ref().and_then(|address| address.phone.clone());
    let recipient = address.as_ref().and_then(|address| address.name.clone());
    let (name, email) = buyer.map(|buyer| (buyer.buyer_name, buyer.buyer_email)).unwrap_or_default();
    Buyer {
        name: name.or(recipient),
        email,
        phone,
        shipping_address: address.map(|address| Address {
            name: address.name,
            lines: [
                address.company_name,
                address.address_line1,
                address.address_line2,
                address.address_line3,
            ]
            .into_iter()
            .flatten()
            .filter(|line| !line.is_empty())
            .collect(),
            city: address.city,
            region: address.state_or_region,
            postal_code: address.postal_code,
            country: address.country_code,
        }),
        billing_address: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChannelOrderState::{Cancelled, Confirmed, Fulfilled, PartFulfilled, Pending};
    use serde_json::json;

    fn usd() -> Currency {
        "USD".parse().unwrap()
    }

    fn sold(changes: &[(&str, Value)]) -> Value {
        let mut order = json!({
            "orderId": "902-1",
            "createdTime": "2026-11-20T10:00:00Z",
            "lastUpdatedTime": "2026-11-21T10:00:00Z",
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER"},
            "proceeds": {"grandTotal": {"amount": "20.5", "currencyCode": "USD"}},
            "fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"},
            "orderItems": [{
                "orderItemId": "77", "quantityOrdered": 3,
                "product": {"sellerSku": "MUG", "title": "Mug", "price": {"unitPrice": {"amount": "9.5", "currencyCode": "USD"}}},
                "proceeds": {"breakdowns": [
                    {"type": "ITEM", "subtotal": {"amount": "19.00", "currencyCode": "USD"}},
                    {"type": "TAX", "subtotal": {"amount": "1.50", "currencyCode": "USD"}},
                ]},
                "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": 2},
            }],
        });
        for (pointer, value) in changes {
            *order.pointer_mut(pointer).unwrap() = value.clone();
        }
        order
    }

    #[test]
    fn each_status_has_its_state() {
        use PaymentStatus as P;
        let table = [
            ("PENDING_AVAILABILITY", Pending, P::Pending),
            ("PENDING", Pending, P::Pending),
            ("UNSHIPPED", Confirmed, P::Paid),
            ("PARTIALLY_SHIPPED", PartFulfilled, P::Paid),
            ("SHIPPED", Fulfilled, P::Paid),
            ("CANCELLED", Cancelled, P::Voided),
        ];
        for (status, state, payment) in table {
            assert_eq!(Standing::of(Some(status)), Standing { state, payment, unknown: None });
        }
        for (status, unknown) in [
            (Some("TELEPORTED"), "TELEPORTED"),
            (Some("UNFULFILLABLE"), "UNFULFILLABLE"),
            (None, "no status"),
        ] {
            let standing = Standing::of(status);
            assert_eq!((standing.state, standing.unknown.as_deref()), (Pending, Some(unknown)));
        }
    }

    #[test]
    fn what_was_cancelled_is_not_wanted() {
        let of = |ordered, told: Option<(i64, i64)>, state| {
            let told = told.map(|(sent, waiting)| ItemFulfillment {
                quantity_fulfilled: Some(sent),
                quantity_unfulfilled: Some(waiting),
            });
            let units = Units::of(ordered, told.as_ref(), state);
            (units.quantity.get(), units.shipped.get())
        };
        assert_eq!(of(3, Some((0, 3)), Confirmed), (3, 0));
        assert_eq!(of(3, Some((0, 2)), Confirmed), (2, 0));
        assert_eq!(of(3, Some((1, 1)), PartFulfilled), (2, 1));
        assert_eq!(of(3, Some((0, 0)), Pending), (3, 0));
        assert_eq!(of(3, Some((0, 0)), Cancelled), (0, 0));
        assert_eq!(of(3, None, Confirmed), (3, 0));
        assert_eq!(of(3, None, Fulfilled), (3, 3));
        assert_eq!(of(3, Some((3, 0)), Fulfilled), (3, 3));
    }

    #[test]
    fn an_order_is_read() {
        let found = order(sold(&[]), usd()).unwrap();
        let line = &found.lines[0];
        assert_eq!((found.number.as_str(), found.total.unwrap().amount()), ("902-1", "20.50".to_owned()));
        assert_eq!((line.unit_price.unwrap().minor, line.tax.unwrap().minor), (950, 150));
        assert_eq!((line.quantity.get(), line.listing.as_ref().unwrap().external_id.as_str()), (2, "MUG"));
        assert_eq!(found.fulfilment, Fulfilment::Mfn);
        let by_amazon = order(sold(&[("/fulfillment/fulfilledBy", json!("AMAZON"))]), usd()).unwrap();
        assert_eq!(by_amazon.fulfilment, Fulfilment::Fba);
    }

    #[test]
    fn our_own_orders_from_amazon_s_stock_are_not_sales() {
        let refused = order(sold(&[("/salesChannel/channelName", json!("NON_AMAZON"))]), usd()).unwrap_err();
        assert_eq!((refused.code.as_str(), refused.external_id.as_str()), (NOT_SOLD_HERE, "902-1"));
    }

    #[test]
    fn a_pending_order_has_no_price_and_reserves() {
        let mut value = sold(&[("/fulfillment/fulfillmentStatus", json!("PENDING"))]);
        value.as_object_mut().unwrap().remove("proceeds");
        value["orderItems"][0]["product"].as_object_mut().unwrap().remove("price");
        let found = order(value, "GBP".parse().unwrap()).unwrap();
        assert_eq!((found.state, found.total, found.currency.as_str()), (Pending, None, "GBP"));
        assert_eq!(found.lines[0].quantity.get(), 3);
    }

    #[test]
    fn a_failure_quotes_nothing_of_the_buyer() {
        let mut value = sold(&[("/createdTime", json!("jane@example.com"))]);
        value["buyer"] = json!({"buyerName": "Jane"});
        let failure = order(value, usd()).unwrap_err();
        assert_eq!(failure.code, "unreadable_record");
        assert!(!format!("{failure:?}").contains("jane"));
    }
}
