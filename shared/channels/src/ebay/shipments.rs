//! Shipments: one `createShippingFulfillment` for each, told once.
//!
//! eBay has no idempotency key, so what the order has already is read first. A shipment is known again by its tracking
//! number; one without is known by its lines and its time, whose milliseconds hold our number of it.

use domain::Timestamp;
use http::Method;
use jiff::SignedDuration;

use super::orders::written;
use super::request::{As, FULFILLMENT, segment};
use super::wire::{Fulfillment, Fulfillments, LineReference, NewFulfillment};
use crate::{ChannelError, ErrorKind, Shipment, ShipmentOutcome, Shop};

const PUSH: &str = "tell the channel of a shipment";

/// What eBay calls carriers that are often written otherwise (by the Trading API's `ShippingCarrierDetails`). Others go as
/// they were written.
const CARRIERS: [(&str, &str); 12] = [
    ("auspost", "AustraliaPost"),
    ("australiapost", "AustraliaPost"),
    ("canadapost", "CanadaPost"),
    ("dhl", "DHL"),
    ("dpd", "DPD"),
    ("fedex", "FedEx"),
    ("gls", "GLS"),
    ("hermes", "Hermes"),
    ("royalmail", "RoyalMail"),
    ("tnt", "TNT"),
    ("ups", "UPS"),
    ("usps", "USPS"),
];

pub(super) async fn push(shop: &Shop<'_>, shipment: &Shipment) -> Result<ShipmentOutcome, ChannelError> {
    let path = format!("/order/{}/shipping_fulfillment", segment(&shipment.order));
    let tracking = tracking(shipment);
    let mut lines: Vec<LineReference> = shipment
        .lines
        .iter()
        .filter(|line| line.quantity.get() > 0)
        .map(|line| LineReference { line_item_id: line.line_id.clone(), quantity: line.quantity.get() })
        .collect();
    lines.sort();
    if lines.is_empty() {
        let reason = "eBay is told which units of which lines were sent, and there are none.".to_owned();
        return Ok(ShipmentOutcome::Rejected { code: "no_lines", reason });
    }
    FULFILLMENT.admit(shop, PUSH, 2)?;
    let told: Fulfillments = match FULFILLMENT.get(shop, PUSH, &path).await {
        Ok(told) => told,
        Err(refusal) if refusal.error.kind == ErrorKind::Rejected => return Ok(rejected(&refusal.ids)),
        Err(refusal) => return Err(refusal.error),
    };
    let at = marked(shipment.shipped_at, shipment.number);
    if let Some(known) =
        told.fulfillments.iter().find(|known| is_same(known, tracking.as_deref(), &lines, at))
    {
        return Ok(ShipmentOutcome::Accepted { external_id: Some(known.fulfillment_id.clone()) });
    }
    let carrier = tracking.as_ref().map(|_| carrier(&shipment.carrier));
    let new = NewFulfillment {
        line_items: lines,
        shipped_date: written(at.as_millisecond()),
        shipping_carrier_code: carrier.as_deref(),
        tracking_number: tracking.as_deref(),
    };
    match FULFILLMENT.send(shop, PUSH, (Method::POST, &path), Some(&new), As::User).await {
        Ok(answer) => {
            let location = answer.headers().get(http::header::LOCATION).and_then(|value| value.to_str().ok());
            let id = location.and_then(|location| location.rsplit('/').next()).filter(|id| !id.is_empty());
            Ok(ShipmentOutcome::Accepted { external_id: id.map(str::to_owned) })
        }
        // Another try is at work: what it did is read the next time.
        Err(refusal) if refusal.status == 409 => {
            Err(ChannelError::new(ErrorKind::Unavailable, PUSH, "another try is still being worked on"))
        }
        Err(refusal) if refusal.error.kind == ErrorKind::Rejected => Ok(rejected(&refusal.ids)),
        Err(refusal) => Err(refusal.error),
    }
}

/// eBay takes letters and digits only, and nothing else where there are none.
fn tracking(shipment: &Shipment) -> Option<String> {
    let text = shipment.tracking_number.as_deref()?;
    let kept: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    (!kept.is_empty()).then_some(kept)
}

fn carrier(written: &str) -> String {
    let plain: String =
        written.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    if plain.is_empty() {
        return "Other".to_owned();
    }
    let known = CARRIERS.iter().find(|(name, _)| *name == plain).map(|(_, code)| (*code).to_owned());
    known.unwrap_or_else(|| written.trim().to_owned())
}

/// The shipment's time, to the second, with its number for milliseconds.
fn marked(at: Timestamp, number: u32) -> Timestamp {
    let second = Timestamp::from_second(at.as_second()).unwrap_or(at);
    second.checked_add(SignedDuration::from_millis(i64::from(number % 1000))).unwrap_or(second)
}

fn is_same(known: &Fulfillment, tracking: Option<&str>, lines: &[LineReference], at: Timestamp) -> bool {
    let told = known.shipment_tracking_number.as_deref().filter(|number| !number.is_empty());
    if let Some(tracking) = tracking {
        return told.unwrap_or(&known.fulfillment_id).eq_ignore_ascii_case(tracking);
    }
    let mut of_known = known.line_items.clone();
    of_known.sort();
    let when = known.shipped_date.is_some_and(|date| {
        // Where eBay keeps no milliseconds, the second alone.
        date == at || (date.subsec_millisecond() == 0 && date.as_second() == at.as_second())
    });
    told.is_none() && when && of_known == lines
}

fn rejected(ids: &[i64]) -> ShipmentOutcome {
    let has = |id: i64| ids.contains(&id);
    let (code, reason) = if has(32100) {
        ("order_unknown", "eBay does not know this order.".to_owned())
    } else if has(32200) || has(32210) {
        ("line_unknown", "eBay does not know a line of this shipment.".to_owned())
    } else if has(32300) {
        ("tracking_refused", "eBay refuses the carrier or the tracking number.".to_owned())
    } else if has(32500) {
        ("date_refused", "eBay refuses the date of the shipment.".to_owned())
    } else {
        let numbers: Vec<String> = ids.iter().map(ToString::to_string).collect();
        ("channel_rejected", format!("eBay refuses the shipment (error {}).", numbers.join(", ")))
    };
    ShipmentOutcome::Rejected { code, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn carriers_have_ebay_s_names() {
        for (written, code) in [
            ("dhl", "DHL"),
            ("Royal Mail", "RoyalMail"),
            ("Local Bike Courier", "Local Bike Courier"),
            (" ", "Other"),
        ] {
            assert_eq!(carrier(written), code);
        }
    }

    #[test]
    fn a_shipment_is_known_again() {
        let at: Timestamp = "2026-11-21T12:00:00.700Z".parse().unwrap();
        let line = |quantity: u32| vec![LineReference { line_item_id: "L".to_owned(), quantity }];
        let known = |node: serde_json::Value| serde_json::from_value::<Fulfillment>(node).unwrap();
        let untracked = |date: &str| {
            known(
                json!({ "fulfillmentId": "999", "shippedDate": date, "lineItems": [{ "lineItemId": "L", "quantity": 2 }] }),
            )
        };
        let tracked = known(json!({ "fulfillmentId": "AB12", "shipmentTrackingNumber": "AB12" }));
        assert!(is_same(&tracked, Some("ab12"), &line(2), at));
        assert!(!is_same(&tracked, Some("AB13"), &line(2), at));
        assert!(!is_same(&tracked, None, &line(2), at));
        let first = marked(at, 1);
        assert_eq!(first.to_string(), "2026-11-21T12:00:00.001Z");
        for (date, lines, same) in [
            ("2026-11-21T12:00:00.001Z", line(2), true),
            ("2026-11-21T12:00:00.000Z", line(2), true),
            ("2026-11-21T12:00:00.002Z", line(2), false),
            ("2026-11-21T12:00:01.001Z", line(2), false),
            ("2026-11-21T12:00:00.001Z", line(1), false),
        ] {
            assert_eq!(is_same(&untracked(date), None, &lines, first), same, "{date}");
        }
    }
}
