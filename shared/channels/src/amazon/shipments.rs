//! Shipments: told by `confirmShipment`, where our own number is the package's. Told again, it edits the same package.

use serde_json::json;

use super::error::printable;
use super::wire::ErrorList;
use super::{Call, Operation, marketplace, orders};
use crate::{ChannelError, ErrorKind, Limit, Shipment, ShipmentOutcome, Shop};

pub(super) static CONFIRM: Operation = Operation {
    name: "tell Amazon of a shipment",
    limit: Limit { name: "confirmShipment", burst: 10, rate_micro: 2_000_000 },
};

/// Amazon's codes of carriers [M], by what people call them; any other is `Other`, by its name.
const CARRIERS: [&str; 16] = [
    "UPS",
    "USPS",
    "FedEx",
    "DHL",
    "DHL eCommerce",
    "OnTrac",
    "Royal Mail",
    "Hermes",
    "DPD",
    "GLS",
    "UPS Mail Innovations",
    "Canada Post",
    "India Post",
    "Blue Dart",
    "Delhivery",
    "Yodel",
];

/// In place of a number that there is none of: Amazon asks for one.
const UNTRACKED: &str = "untracked";

pub(super) async fn push(shop: &Shop<'_>, shipment: &Shipment) -> Result<ShipmentOutcome, ChannelError> {
    let known = CARRIERS.iter().find(|carrier| carrier.eq_ignore_ascii_case(shipment.carrier.trim()));
    let items: Vec<_> = shipment
        .lines
        .iter()
        .map(|line| json!({ "orderItemId": line.line_id, "quantity": line.quantity.get() }))
        .collect();
    let reference = shipment.number.to_string();
    let mut package = json!({
        "packageReferenceId": reference,
        "carrierCode": known.copied().unwrap_or("Other"),
        "trackingNumber": shipment.tracking_number.as_deref().unwrap_or(UNTRACKED),
        "shipDate": super::time(shipment.shipped_at),
        "orderItems": items,
    });
    if known.is_none()
        && let Some(fields) = package.as_object_mut()
    {
        fields.insert("carrierName".to_owned(), shipment.carrier.trim().into());
    }
    let marketplace = marketplace_of(shop, shipment).await?;
    let body = json!({ "marketplaceId": marketplace, "packageDetail": package });
    let path = ["orders", "v0", "orders", shipment.order.as_str(), "shipmentConfirmation"];
    let response = CONFIRM.send(shop, Call::post(&path, body)).await?;
    let refusal = match response.status().as_u16() {
        400 | 404 => ErrorList::first_of(response.body()),
        _ => None,
    };
    if let Some(refusal) = refusal {
        let reason = format!("Amazon refused the shipment with {}", printable(&refusal.code));
        return Ok(ShipmentOutcome::Rejected { code: "shipment_refused", reason });
    }
    match CONFIRM.success(shop, response) {
        Ok(_) => Ok(ShipmentOutcome::Accepted { external_id: Some(reference) }),
        // A refusal in words that are not Amazon's own: nothing is known of what was done.
        Err(error) if error.kind == ErrorKind::Rejected => {
            Err(ChannelError::new(ErrorKind::Malformed, error.operation, error.detail))
        }
        Err(error) => Err(error),
    }
}

/// The marketplace that the order is of: asked of Amazon where the connection has several and nobody said.
async fn marketplace_of(shop: &Shop<'_>, shipment: &Shipment) -> Result<String, ChannelError> {
    let leading = || marketplace::leading(shop.marketplaces).id.to_owned();
    if let Some(known) = &shipment.marketplace {
        return Ok(known.clone());
    }
    if shop.marketplaces.len() < 2 {
        return Ok(leading());
    }
    Ok(orders::marketplace_of(shop, &shipment.order).await?.unwrap_or_else(leading))
}
