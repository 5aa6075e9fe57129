//! What an order of eBay's is in our words.

use domain::listing::{ListingRef, RecordFailure};
use domain::order::{Address, Buyer, ChannelOrderState, FetchedLine, FetchedOrder, PaymentStatus};
use domain::{Currency, Money, Quantity};
use serde_json::Value;

use crate::ebay::error::printable;
use crate::ebay::wire::{self, Fulfillment, LineItem, Order};

pub(super) fn node(node: Value) -> Result<Order, RecordFailure> {
    let id = node.get("orderId").and_then(Value::as_str).unwrap_or_default().to_owned();
    serde_json::from_value(node).map_err(|_| failure(id))
}

fn failure(external_id: String) -> RecordFailure {
    RecordFailure {
        external_id,
        sku: None,
        title: None,
        code: "unreadable_record".to_owned(),
        reason: "eBay answered for this order in a form that is not documented.".to_owned(),
    }
}

/// Whether some units of a line were sent and others not, as far as the order itself tells.
pub(super) fn is_sent_in_part(order: &Order) -> bool {
    order.line_items.iter().any(|line| line.line_item_fulfillment_status.as_deref() == Some("IN_PROGRESS"))
}

pub(super) fn order(order: Order, shipments: &[Fulfillment]) -> Result<FetchedOrder, RecordFailure> {
    let id = order.order_id.clone();
    read(order, shipments).ok_or_else(|| failure(id))
}

fn read(order: Order, shipments: &[Fulfillment]) -> Option<FetchedOrder> {
    let total = order.pricing_summary.as_ref().and_then(|summary| summary.total.as_ref());
    let of_a_line = || order.line_items.iter().find_map(|line| line.line_item_cost.as_ref());
    let currency: Currency = total.or_else(of_a_line)?.currency.parse().ok()?;
    let standing = Standing::of(&order);
    let total = total.and_then(|total| money(total, currency));
    let lines: Option<Vec<FetchedLine>> =
        order.line_items.into_iter().map(|item| line(item, currency, shipments)).collect();
    let ship_to = order
        .fulfillment_start_instructions
        .into_iter()
        .find_map(|instruction| instruction.shipping_step?.ship_to);
    let registered = order.buyer.and_then(|buyer| buyer.buyer_registration_address);
    Some(FetchedOrder {
        number: order.order_id.clone(),
        external_id: order.order_id,
        placed_at: order.creation_date,
        changed_at: order.last_modified_date,
        state: standing.state,
        payment: standing.payment,
        currency,
        total,
        lines: lines?,
        buyer: buyer(ship_to, registered),
        fulfilment: domain::channel::Fulfilment::Mfn,
        unknown_state: standing.unknown,
        tracking: Vec::new(),
        assigned_to: None,
    })
}

/// Goods go where eBay says, which may be a hub of its own; who bought is in the registration where eBay gives it.
fn buyer(ship_to: Option<wire::Contact>, registered: Option<wire::Contact>) -> Buyer {
    let of_either = |field: fn(&wire::Contact) -> Option<String>| {
        registered.as_ref().and_then(field).or_else(|| ship_to.as_ref().and_then(field))
    };
    Buyer {
        name: of_either(|contact| contact.full_name.clone()),
        email: of_either(|contact| contact.email.clone()),
        phone: of_either(|contact| contact.primary_phone.as_ref()?.phone_number.clone()),
        shipping_address: ship_to.and_then(address),
        billing_address: registered.and_then(address),
    }
}

fn address(contact: wire::Contact) -> Option<Address> {
    let address = contact.contact_address?;
    let lines = [address.address_line1, address.address_line2].into_iter().flatten();
    Some(Address {
        name: contact.full_name,
        lines: lines.filter(|line| !line.is_empty()).collect(),
        city: address.city,
        region: address.state_or_province,
        postal_code: address.postal_code,
        country: address.country_code,
    })
}

fn money(amount: &wire::Amount, currency: Currency) -> Option<Money> {
    if amount.currency != currency.as_str() {
        return None;
    }
    Money::parse_rounded(&amount.value, currency).ok()
}

fn sum<'a>(amounts: impl Iterator<Item = Option<&'a wire::Amount>>, currency: Currency) -> Option<i64> {
    amounts.flatten().try_fold(0i64, |sum, amount| sum.checked_add(money(amount, currency)?.minor))
}

fn line(item: LineItem, currency: Currency, shipments: &[Fulfillment]) -> Option<FetchedLine> {
    let ordered = Quantity::new(item.quantity).ok()?;
    let cost = item
        .discounted_line_item_cost
        .as_ref()
        .or(item.line_item_cost.as_ref())
        .and_then(|cost| money(cost, currency));
    let sent = |line_id: &str| {
        let of_line = shipments.iter().flat_map(|shipment| &shipment.line_items);
        let units: i64 =
            of_line.filter(|line| line.line_item_id == line_id).map(|line| i64::from(line.quantity)).sum();
        Quantity::clamped(units.min(ordered.units()))
    };
    let refunded = sum(item.refunds.iter().map(|refund| refund.amount.as_ref()), currency).unwrap_or(0);
    // eBay names amounts, not units: only a line whose whole price went back unsent is known to be no longer wanted.
    let unwanted = refunded > 0 && cost.is_some_and(|cost| refunded >= cost.minor);
    let (quantity, shipped) = match item.line_item_fulfillment_status.as_deref() {
        Some("FULFILLED") => (ordered, ordered),
        Some("IN_PROGRESS") => (ordered, sent(&item.line_item_id)),
        _ if unwanted => (Quantity::ZERO, Quantity::ZERO),
        _ => (ordered, Quantity::ZERO),
    };
    let sku = item.sku.filter(|sku| !sku.is_empty());
    let listing = item.legacy_item_id.map(|external_id| ListingRef {
        external_id,
        variation_id: sku.clone().or(item.legacy_variation_id),
    });
    Some(FetchedLine {
        line_id: item.line_item_id,
        listing,
        sku,
        title: item.title.unwrap_or_default(),
        quantity,
        shipped,
        unit_price: cost.and_then(|cost| divided(cost, ordered.units())),
        // What eBay collects and remits itself is not the merchant's: it is in a list of its own.
        tax: sum(item.taxes.iter().map(|tax| tax.amount.as_ref()), currency)
            .map(|minor| Money { minor, currency }),
    })
}

/// Half away from zero.
fn divided(cost: Money, units: i64) -> Option<Money> {
    let doubled = cost.minor.checked_mul(2)?.checked_add(if cost.minor < 0 { -units } else { units })?;
    Some(Money { minor: doubled.checked_div(units.checked_mul(2)?)?, ..cost })
}

#[derive(Debug, PartialEq, Eq)]
struct Standing {
    state: ChannelOrderState,
    payment: PaymentStatus,
    unknown: Option<String>,
}

impl Standing {
    fn of(order: &Order) -> Self {
        let cancel = order.cancel_status.as_ref().and_then(|status| status.cancel_state.as_deref());
        let paid_once = order
            .payment_summary
            .iter()
            .flat_map(|summary| &summary.payments)
            .any(|payment| payment.payment_status.as_deref() == Some("PAID"));
        Self::read(&order.order_fulfillment_status, &order.order_payment_status, paid_once, cancel)
    }

    fn read(shipping: &str, paying: &str, paid_once: bool, cancel: Option<&str>) -> Self {
        let mut unknown = Vec::new();
        let mut report = |field: &str, value: &str| unknown.push(format!("{field} {}", printable(value)));
        let payment = match paying {
            "PAID" => PaymentStatus::Paid,
            // Of the buyer's payment, or of a refund: the payments themselves tell which.
            "PENDING" | "FAILED" if paid_once => PaymentStatus::Paid,
            "PENDING" | "FAILED" => PaymentStatus::Pending,
            "PARTIALLY_REFUNDED" => PaymentStatus::PartRefunded,
            "FULLY_REFUNDED" => PaymentStatus::Refunded,
            other => {
                report("orderPaymentStatus", other);
                PaymentStatus::Pending
            }
        };
        let cancelled = match cancel {
            Some("CANCELED" | "CANCELLED") => true,
            None | Some("" | "NONE_REQUESTED" | "IN_PROGRESS") => false,
            Some(other) => {
                report("cancelState", other);
                false
            }
        };
        let state = match shipping {
            _ if cancelled => ChannelOrderState::Cancelled,
            "FULFILLED" => ChannelOrderState::Fulfilled,
            "IN_PROGRESS" => ChannelOrderState::PartFulfilled,
            "NOT_STARTED" => match payment {
                PaymentStatus::Paid | PaymentStatus::PartRefunded => ChannelOrderState::Confirmed,
                PaymentStatus::Pending => ChannelOrderState::Pending,
                PaymentStatus::Refunded | PaymentStatus::Voided => ChannelOrderState::Cancelled,
            },
            other => {
                report("orderFulfillmentStatus", other);
                ChannelOrderState::Pending
            }
        };
        let payment = match payment {
            PaymentStatus::Pending if cancelled => PaymentStatus::Voided,
            payment => payment,
        };
        // What we do not know holds nobody back from shipping what is known to be shipped.
        let state = match state {
            ChannelOrderState::Confirmed if !unknown.is_empty() => ChannelOrderState::Pending,
            state => state,
        };
        let unknown = (!unknown.is_empty()).then(|| unknown.join(", "));
        Self { state, payment, unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_axes_are_read() {
        use ChannelOrderState::*;
        use PaymentStatus::{PartRefunded, Pending as Unpaid, Refunded, Voided};
        let paid = PaymentStatus::Paid;
        let table = [
            ("NOT_STARTED", "PAID", true, Some("NONE_REQUESTED"), Confirmed, paid),
            ("NOT_STARTED", "PENDING", false, None, Pending, Unpaid),
            ("NOT_STARTED", "FAILED", false, None, Pending, Unpaid),
            // A refund on its way.
            ("NOT_STARTED", "PENDING", true, None, Confirmed, paid),
            ("FULFILLED", "FAILED", true, None, Fulfilled, paid),
            ("NOT_STARTED", "PARTIALLY_REFUNDED", true, None, Confirmed, PartRefunded),
            ("NOT_STARTED", "FULLY_REFUNDED", true, None, Cancelled, Refunded),
            ("FULFILLED", "FULLY_REFUNDED", true, None, Fulfilled, Refunded),
            ("IN_PROGRESS", "PAID", true, Some("IN_PROGRESS"), PartFulfilled, paid),
            ("NOT_STARTED", "PAID", true, Some("CANCELED"), Cancelled, paid),
            ("NOT_STARTED", "PENDING", false, Some("CANCELED"), Cancelled, Voided),
        ];
        for (shipping, paying, once, cancel, state, payment) in table {
            let standing = Standing::read(shipping, paying, once, cancel);
            assert_eq!(
                standing,
                Standing { state, payment, unknown: None },
                "{shipping} {paying} {cancel:?}"
            );
        }
    }

    #[test]
    fn what_ebay_adds_is_pending_and_reported() {
        let table = [
            ("ON_A_SHIP", "PAID", None, "orderFulfillmentStatus ON_A_SHIP"),
            ("NOT_STARTED", "BARTER", None, "orderPaymentStatus BARTER"),
            ("NOT_STARTED", "PAID", Some("REGRETTED"), "cancelState REGRETTED"),
        ];
        for (shipping, paying, cancel, expected) in table {
            let standing = Standing::read(shipping, paying, true, cancel);
            assert_eq!(
                (standing.state, standing.unknown.as_deref()),
                (ChannelOrderState::Pending, Some(expected))
            );
        }
        let sent = Standing::read("FULFILLED", "BARTER", true, None);
        assert_eq!(sent.state, ChannelOrderState::Fulfilled);
    }

    fn one(line: Value, shipments: Value) -> FetchedLine {
        let order = json!({
            "orderId": "1", "creationDate": "2026-11-21T12:00:00.000Z", "lastModifiedDate": "2026-11-21T12:00:00.000Z",
            "orderFulfillmentStatus": "NOT_STARTED", "orderPaymentStatus": "PAID", "lineItems": [line],
        });
        let shipments: wire::Fulfillments = serde_json::from_value(shipments).unwrap();
        order_of(order, &shipments.fulfillments).lines.remove(0)
    }

    fn order_of(order: Value, shipments: &[Fulfillment]) -> FetchedOrder {
        super::order(node(order).unwrap(), shipments).unwrap()
    }

    #[test]
    fn units_are_taken_off_only_when_their_whole_line_went_back_unsent() {
        let euro = |value: &str| json!({ "value": value, "currency": "EUR" });
        let none = json!({});
        let shipment = json!({ "fulfillments": [
            { "fulfillmentId": "a", "lineItems": [{ "lineItemId": "L", "quantity": 1 }] },
            { "fulfillmentId": "b", "lineItems": [{ "lineItemId": "other", "quantity": 9 }, { "lineItemId": "L" }] },
        ]});
        let table = [
            ("NOT_STARTED", json!([]), &none, 3, 0),
            ("NOT_STARTED", json!([{ "amount": euro("12.50") }]), &none, 3, 0),
            ("NOT_STARTED", json!([{ "amount": euro("12.50") }, { "amount": euro("25.00") }]), &none, 0, 0),
            ("FULFILLED", json!([{ "amount": euro("37.50") }]), &none, 3, 3),
            ("IN_PROGRESS", json!([]), &shipment, 3, 2),
        ];
        for (status, refunds, shipments, quantity, shipped) in table {
            let line = json!({
                "lineItemId": "L", "legacyItemId": "77", "sku": "A/B 1", "quantity": 3, "lineItemCost": euro("37.50"),
                "lineItemFulfillmentStatus": status, "refunds": refunds, "taxes": [{ "amount": euro("1.10") }, {}],
            });
            let line = one(line, shipments.clone());
            assert_eq!((line.quantity.get(), line.shipped.get()), (quantity, shipped), "{status}");
            assert_eq!(line.unit_price.unwrap().amount(), "12.50");
            assert_eq!(line.tax.unwrap().amount(), "1.10");
            let listing = line.listing.unwrap();
            assert_eq!(
                (listing.external_id.as_str(), listing.variation_id.as_deref()),
                ("77", Some("A/B 1"))
            );
        }
    }

    #[test]
    fn money_has_the_decimals_of_its_currency() {
        for (currency, cost, unit) in
            [("JPY", "2500", "1250"), ("KWD", "2.469", "1.235"), ("EUR", "25.01", "12.51")]
        {
            let line = json!({
                "lineItemId": "L", "quantity": 2, "lineItemCost": { "value": cost, "currency": currency },
            });
            assert_eq!(one(line, json!({})).unit_price.unwrap().amount(), unit, "{currency}");
        }
    }

    #[test]
    fn a_listing_made_elsewhere_has_ebay_s_own_variation_or_none() {
        let euro = json!({ "value": "1.00", "currency": "EUR" });
        let line = json!({ "lineItemId": "L", "legacyItemId": "77", "legacyVariationId": "5", "quantity": 1, "lineItemCost": euro });
        let line = one(line, json!({}));
        assert_eq!(line.listing.unwrap().variation_id.as_deref(), Some("5"));
        assert_eq!(line.sku, None);
    }

    #[test]
    fn who_bought_is_in_the_buyer_and_nowhere_else() {
        let contact = |name: &str, street: &str| {
            json!({
                "fullName": name, "email": "b@example.com", "primaryPhone": { "phoneNumber": "555" },
                "contactAddress": { "addressLine1": street, "city": "Town", "countryCode": "US" },
            })
        };
        let order = order_of(
            json!({
                "orderId": "1", "creationDate": "2026-11-21T12:00:00.000Z", "lastModifiedDate": "2026-11-21T12:00:00.000Z",
                "orderFulfillmentStatus": "NOT_STARTED", "orderPaymentStatus": "PAID",
                "pricingSummary": { "total": { "value": "3.00", "currency": "USD" } },
                "buyer": { "username": "u", "buyerRegistrationAddress": contact("Buyer", "Home") },
                "fulfillmentStartInstructions": [
                    { "ebaySupportedFulfillment": true, "shippingStep": { "shipTo": contact("Hub", "Dock 4") } },
                ],
                "lineItems": [],
            }),
            &[],
        );
        assert_eq!(order.buyer.name.as_deref(), Some("Buyer"));
        assert_eq!(order.buyer.shipping_address.as_ref().unwrap().lines, ["Dock 4"]);
        assert!(!format!("{order:?}").contains("Buyer\""), "{order:?}");
    }
}
