//! Shipments: `createReceiptShipment`.
//!
//! Every success e-mails the buyer, so the receipt is read first: what it has already is not told again, also when the
//! answer to the first try was lost.

use http::Method;

use super::wire::{Receipt, ReceiptShipment};
use super::{Admitted, Call, number, shop_id};
use crate::{ChannelError, ErrorKind, Shipment, ShipmentOutcome, Shop};

const PUSH: &str = "tell etsy of a shipment";
/// To read, to tell, to tell again of a carrier that Etsy does not know.
const CALLS: u32 = 3;
/// Etsy's name for a carrier that it does not know.
const OTHER_CARRIER: &str = "other";

pub(super) async fn push(shop: &Shop<'_>, shipment: &Shipment) -> Result<ShipmentOutcome, ChannelError> {
    let Some(id) = number(&shipment.order) else { return Ok(gone()) };
    let tracking = shipment.tracking_number.as_deref().map(str::trim).filter(|code| !code.is_empty());
    if tracking.is_none() && !shipment.completes {
        return Ok(rejected(
            "part_without_tracking",
            "Etsy takes an order as shipped whole. A part without a tracking number is told with the last one.",
        ));
    }
    let path = format!("shops/{}/receipts/{id}", shop_id(shop, PUSH)?);
    let mut calls = Admitted::new(shop, PUSH, CALLS)?;
    let answer = calls.send(Call::get(path.clone(), Vec::new())).await?;
    if answer.is_missing() {
        return Ok(gone());
    }
    let receipt: Receipt = answer.read(PUSH)?;
    if let Some(known) = known(&receipt, tracking) {
        return Ok(known);
    }
    if receipt.status.eq_ignore_ascii_case("canceled") {
        return Ok(rejected("order_canceled", "The order is cancelled on Etsy."));
    }
    let mut carriers = vec![shipment.carrier.trim()];
    if tracking.is_some() && !shipment.carrier.trim().eq_ignore_ascii_case(OTHER_CARRIER) {
        carriers.push(OTHER_CARRIER);
    }
    for carrier in carriers {
        let mut form = Vec::new();
        if let Some(code) = tracking {
            form.extend([("tracking_code", code.to_owned()), ("carrier_name", carrier.to_owned())]);
        }
        let call = Call::form(Method::POST, format!("{path}/tracking"), form);
        let answer = calls.send(call).await?;
        match answer.status.as_u16() {
            400 | 422 => {}
            404 => return Ok(gone()),
            // Another is at it: the next try reads first whether it was this very shipment.
            409 => return Err(ChannelError::new(ErrorKind::Unavailable, PUSH, "the order is being changed")),
            _ => {
                let receipt: Receipt = answer.read(PUSH)?;
                return Ok(
                    known(&receipt, tracking).unwrap_or(ShipmentOutcome::Accepted { external_id: None })
                );
            }
        }
    }
    Ok(rejected(
        "shipment_refused",
        "Etsy refused it. Within the USA above $10, and to India, it needs a carrier and a tracking number.",
    ))
}

/// Whether the receipt has the shipment already.
fn known(receipt: &Receipt, tracking: Option<&str>) -> Option<ShipmentOutcome> {
    let accepted = |shipment: Option<&ReceiptShipment>| {
        let external_id = shipment.and_then(|shipment| shipment.receipt_shipping_id);
        ShipmentOutcome::Accepted { external_id: external_id.map(|id| id.to_string()) }
    };
    match tracking {
        Some(code) => {
            let same = |shipment: &&ReceiptShipment| {
                shipment.tracking_code.as_deref().is_some_and(|known| is_same_code(known, code))
            };
            receipt.shipments.iter().find(same).map(|shipment| accepted(Some(shipment)))
        }
        None => receipt.is_shipped.then(|| accepted(receipt.shipments.last())),
    }
}

/// Etsy may write a code without its spaces, or with capitals.
fn is_same_code(known: &str, code: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
    };
    let (known_plain, code_plain) = (plain(known), plain(code));
    if code_plain.is_empty() { known == code } else { known_plain == code_plain }
}

fn gone() -> ShipmentOutcome {
    rejected("order_gone", "Etsy no longer has the order.")
}

fn rejected(code: &'static str, reason: &str) -> ShipmentOutcome {
    ShipmentOutcome::Rejected { code, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_in_another_spelling() {
        for (known, code, same) in [
            ("1Z999AA1", "1z 999 aa1", true),
            ("RR-123", "RR123", true),
            ("1Z999AA1", "1Z999AA2", false),
            ("", "1Z999AA1", false),
            ("追跡", "番号", false),
        ] {
            assert_eq!(is_same_code(known, code), same, "{known} {code}");
        }
    }
}
