//! What an order of Shopify's is in our words.

use domain::channel::Fulfilment;
use domain::listing::{ListingRef, RecordFailure};
use domain::order::{Address, Buyer, ChannelOrderState, FetchedLine, FetchedOrder, PaymentStatus};
use domain::{Currency, Money, Quantity};
use serde_json::Value;

use super::Refunded;
use crate::shopify::error::printable;
use crate::shopify::wire::{AddressNode, LineNode, OrderNode, number_of};

pub(super) fn node(node: Value) -> Result<OrderNode, RecordFailure> {
    let text = |field: &str| node.get(field).and_then(Value::as_str).map(str::to_owned);
    let failure = failure(text("id").and_then(|gid| number_of(&gid)).unwrap_or_default(), text("name"));
    serde_json::from_value(node).map_err(|_| failure)
}

fn failure(external_id: String, title: Option<String>) -> RecordFailure {
    RecordFailure {
        external_id,
        sku: None,
        title,
        code: "unreadable_record".to_owned(),
        reason: "Shopify answered for this order in a form that is not documented.".to_owned(),
    }
}

pub(super) fn order(node: OrderNode, refunded: &Refunded) -> Result<FetchedOrder, RecordFailure> {
    let number = number_of(&node.id).unwrap_or_default();
    read(node, &number, refunded).ok_or_else(|| failure(number, None))
}

fn read(node: OrderNode, external_id: &str, refunded: &Refunded) -> Option<FetchedOrder> {
    let currency: Currency = node.currency_code.parse().ok()?;
    let standing = Standing::of(
        node.cancelled_at.is_some(),
        node.display_financial_status.as_deref(),
        &node.display_fulfillment_status,
    );
    let lines: Option<Vec<FetchedLine>> = node
        .line_items
        .nodes
        .into_iter()
        .map(|node| line(node, currency, refunded, standing.shipped))
        .collect();
    let shipping = node.shipping_address;
    let billing = node.billing_address;
    let of_either = |field: fn(&AddressNode) -> Option<String>| {
        shipping.as_ref().and_then(field).or_else(|| billing.as_ref().and_then(field))
    };
    Some(FetchedOrder {
        external_id: external_id.to_owned(),
        number: node.name,
        placed_at: node.created_at,
        changed_at: node.updated_at,
        state: standing.state,
        payment: standing.payment,
        currency,
        total: Money::parse_rounded(&node.current_total_price_set.shop_money.amount, currency).ok(),
        lines: lines?,
        buyer: Buyer {
            name: of_either(|address| address.name.clone()),
            email: node.email,
            phone: node.phone.or_else(|| of_either(|address| address.phone.clone())),
            shipping_address: shipping.map(address),
            billing_address: billing.map(address),
        },
        fulfilment: Fulfilment::Mfn,
        unknown_state: standing.unknown,
        tracking: Vec::new(),
        assigned_to: None,
    })
}

fn address(node: AddressNode) -> Address {
    Address {
        name: node.name,
        lines: [node.address1, node.address2].into_iter().flatten().filter(|line| !line.is_empty()).collect(),
        city: node.city,
        region: node.province,
        postal_code: node.zip,
        country: node.country_code_v2,
    }
}

fn line(node: LineNode, currency: Currency, refunded: &Refunded, order_shipped: bool) -> Option<FetchedLine> {
    let line_id = number_of(&node.id)?;
    let listing = match node.variant {
        None => None,
        Some(variant) => Some(ListingRef {
            external_id: number_of(&variant.product.id)?,
            variation_id: Some(number_of(&variant.id)?),
        }),
    };
    let of_line = |units: &std::collections::BTreeMap<String, i64>| units.get(&line_id).copied().unwrap_or(0);
    let mut gone = of_line(&refunded.not_restocked);
    if refunded.cut && order_shipped {
        let unexplained = node.quantity - node.current_quantity - of_line(&refunded.all);
        gone += unexplained.max(0);
    }
    let units = Units::of(node.current_quantity, node.unfulfilled_quantity, gone);
    let money = |amount: &str| Money::parse_rounded(amount, currency).ok();
    let taxes = node.tax_lines.map(|taxes| {
        taxes
            .iter()
            .map(|tax| money(&tax.price_set.shop_money.amount))
            .try_fold(0i64, |sum, tax| sum.checked_add(tax?.minor))
    });
    Some(FetchedLine {
        line_id,
        listing,
        sku: node.sku.filter(|sku| !sku.is_empty()),
        title: node.title,
        quantity: units.quantity,
        shipped: units.shipped,
        unit_price: node
            .discounted_unit_price_after_all_discounts_set
            .and_then(|bag| money(&bag.shop_money.amount)),
        tax: taxes.flatten().map(|minor| Money { minor, currency }),
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Units {
    quantity: Quantity,
    shipped: Quantity,
}

impl Units {
    /// From the units that are still the buyer's (`currentQuantity`), those of them yet to be shipped, and those that
    /// were refunded and did not come back to the shelf.
    ///
    /// Shopify takes a refunded unit out of `currentQuantity` whether it was shipped or not. One that was put back, or
    /// was removed before it was shipped, is no longer any of the order's; one that was not put back is as gone as a
    /// shipped one. A unit that is no longer the buyer's cannot be waiting to be shipped.
    fn of(current: i64, unfulfilled: i64, gone: i64) -> Self {
        let current = current.max(0);
        let waiting = unfulfilled.clamp(0, current);
        let quantity = current.saturating_add(gone.max(0));
        Self { quantity: Quantity::clamped(quantity), shipped: Quantity::clamped(quantity - waiting) }
    }
}

/// Where an order stands, from Shopify's two axes and its date of cancellation.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    state: ChannelOrderState,
    payment: PaymentStatus,
    /// Some of it was shipped.
    shipped: bool,
    unknown: Option<String>,
}

impl Standing {
    fn of(cancelled: bool, financial: Option<&str>, fulfilment: &str) -> Self {
        use ChannelOrderState::{Cancelled, Confirmed, Fulfilled, PartFulfilled, Pending};
        let (unshipped, payment, money_known) = match financial {
            None | Some("PENDING" | "AUTHORIZED" | "EXPIRED") => (Pending, PaymentStatus::Pending, true),
            Some("PAID") => (Confirmed, PaymentStatus::Paid, true),
            Some("PARTIALLY_PAID") => (Confirmed, PaymentStatus::Pending, true),
            Some("PARTIALLY_REFUNDED") => (Confirmed, PaymentStatus::PartRefunded, true),
            Some("REFUNDED") => (Cancelled, PaymentStatus::Refunded, true),
            // The payment was released; the order itself is open until it is cancelled.
            Some("VOIDED") => (Pending, PaymentStatus::Voided, true),
            Some(_) => (Pending, PaymentStatus::Pending, false),
        };
        let shipping = match fulfilment {
            "FULFILLED" => Some(Fulfilled),
            "PARTIALLY_FULFILLED" => Some(PartFulfilled),
            "UNFULFILLED"
            | "OPEN"
            | "SCHEDULED"
            | "ON_HOLD"
            | "IN_PROGRESS"
            | "PENDING_FULFILLMENT"
            | "REQUEST_DECLINED"
            | "RESTOCKED"
            | "FULFILLMENT_NOT_REQUIRED" => Some(unshipped),
            _ => None,
        };
        let unknown = match (shipping, financial) {
            (None, _) => Some(printable(fulfilment)),
            (_, Some(financial)) if !money_known => Some(printable(financial)),
            _ => None,
        };
        let state = if cancelled { Cancelled } else { shipping.unwrap_or(Pending) };
        let shipped = matches!(shipping, Some(Fulfilled | PartFulfilled));
        Self { state, payment, shipped, unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChannelOrderState::*;

    #[test]
    fn each_pair_of_statuses_has_its_state() {
        use PaymentStatus as P;
        let table = [
            (Some("PENDING"), "UNFULFILLED", Pending, P::Pending),
            (Some("AUTHORIZED"), "UNFULFILLED", Pending, P::Pending),
            (Some("EXPIRED"), "OPEN", Pending, P::Pending),
            (None, "UNFULFILLED", Pending, P::Pending),
            (Some("PAID"), "UNFULFILLED", Confirmed, P::Paid),
            (Some("PAID"), "ON_HOLD", Confirmed, P::Paid),
            (Some("PAID"), "SCHEDULED", Confirmed, P::Paid),
            (Some("PAID"), "IN_PROGRESS", Confirmed, P::Paid),
            (Some("PAID"), "PENDING_FULFILLMENT", Confirmed, P::Paid),
            (Some("PAID"), "REQUEST_DECLINED", Confirmed, P::Paid),
            (Some("PAID"), "FULFILLMENT_NOT_REQUIRED", Confirmed, P::Paid),
            (Some("PARTIALLY_PAID"), "UNFULFILLED", Confirmed, P::Pending),
            (Some("PARTIALLY_REFUNDED"), "UNFULFILLED", Confirmed, P::PartRefunded),
            (Some("PAID"), "PARTIALLY_FULFILLED", PartFulfilled, P::Paid),
            (Some("PAID"), "FULFILLED", Fulfilled, P::Paid),
            (Some("PENDING"), "FULFILLED", Fulfilled, P::Pending),
            (Some("REFUNDED"), "FULFILLED", Fulfilled, P::Refunded),
            (Some("REFUNDED"), "UNFULFILLED", Cancelled, P::Refunded),
            (Some("REFUNDED"), "RESTOCKED", Cancelled, P::Refunded),
            (Some("VOIDED"), "UNFULFILLED", Pending, P::Voided),
        ];
        for (financial, fulfilment, state, payment) in table {
            let standing = Standing::of(false, financial, fulfilment);
            assert_eq!((standing.state, standing.payment), (state, payment), "{financial:?} {fulfilment}");
            assert_eq!(standing.unknown, None);
            assert_eq!(Standing::of(true, financial, fulfilment).state, Cancelled);
        }
    }

    #[test]
    fn a_status_of_the_future_is_pending_and_reported() {
        let table = [
            (Some("PAID"), "TELEPORTED", Pending, "TELEPORTED"),
            (Some("BARTERED"), "UNFULFILLED", Pending, "BARTERED"),
            (Some("BARTERED"), "FULFILLED", Fulfilled, "BARTERED"),
        ];
        for (financial, fulfilment, state, unknown) in table {
            let standing = Standing::of(false, financial, fulfilment);
            assert_eq!(standing.state, state);
            assert_eq!(standing.unknown.as_deref(), Some(unknown));
        }
    }

    #[test]
    fn what_left_the_shelf_stays_gone_until_it_is_put_back() {
        // current, unfulfilled, refunded and not restocked; quantity, shipped
        let table = [
            ("as ordered", (3, 3, 0), (3, 0)),
            ("two of three shipped", (3, 1, 0), (3, 2)),
            ("all shipped", (3, 0, 0), (3, 3)),
            ("one removed before shipping", (2, 2, 0), (2, 0)),
            ("one shipped and returned to the shelf, two waiting", (2, 2, 0), (2, 0)),
            ("all shipped, one refunded and kept by the buyer", (2, 0, 1), (3, 3)),
            ("all shipped, one returned to the shelf", (2, 0, 0), (2, 2)),
            ("refunded before shipping and written off", (2, 2, 1), (3, 1)),
            ("all refunded before shipping and restocked", (0, 0, 0), (0, 0)),
            ("removed, and Shopify still counts it as waiting", (0, 3, 0), (0, 0)),
            ("nonsense below zero", (-1, -1, -1), (0, 0)),
        ];
        for (case, (current, unfulfilled, gone), (quantity, shipped)) in table {
            let expected =
                Units { quantity: Quantity::clamped(quantity), shipped: Quantity::clamped(shipped) };
            assert_eq!(Units::of(current, unfulfilled, gone), expected, "{case}");
        }
    }
}
