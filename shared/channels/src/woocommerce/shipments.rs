//! Shipments: told by what the shop has for it.
//!
//! A shop with the extension *Shipment Tracking* (its namespace is in the index) gets an entry there, known again by its
//! tracking number. Any other, and a shipment without a number, gets a note to the buyer that names carrier, number and
//! goods and ends with a mark of ours; it is looked for before it is written. WooCommerce itself counts no shipped units:
//! an order is completed with the shipment that completes it, and not before.

use http::Method;
use serde_json::json;

use super::error::malformed;
use super::wire;
use super::{index, parameter, send, send_to};
use crate::entity::plain_text;
use crate::{ChannelError, ErrorKind, Shipment, ShipmentOutcome, ShippedLine, Shop};

const PUSH: &str = "tell the channel of a shipment";

/// The namespace of the extension.
const TRACKING: &str = "wc-shipment-tracking/v3";

/// Lines that a note names: it is mailed to the buyer.
const LINES_MAX: usize = 50;

/// Orders whose goods are not to be sent.
const CLOSED: [&str; 4] = ["cancelled", "refunded", "failed", "trash"];

pub(super) async fn push(shop: &Shop<'_>, shipment: &Shipment) -> Result<ShipmentOutcome, ChannelError> {
    let Ok(order) = shipment.order.parse::<u64>() else { return Ok(not_found()) };
    let Some(status) = status(shop, order).await? else { return Ok(not_found()) };
    let closed = CLOSED.contains(&status.as_str());
    let Some(external_id) = tell(shop, order, shipment, closed).await? else {
        let reason = format!("The order is {status} in the shop: nothing is to be sent for it.");
        return Ok(ShipmentOutcome::Rejected { code: "order_closed", reason });
    };
    // Completed once more, the order's date would move, and the shop would be asked for it again.
    if shipment.completes && status != "completed" && !closed {
        let body = json!({ "status": "completed" });
        let query = vec![parameter("_fields", "id,status")];
        match send(shop, PUSH, Method::PUT, &format!("orders/{order}"), query, Some(body)).await {
            Err(error) if error.kind == ErrorKind::Rejected => {
                let reason = format!("The shop did not complete the order: {}.", error.detail);
                return Ok(ShipmentOutcome::Rejected { code: "channel_rejected", reason });
            }
            completed => completed?,
        };
    }
    Ok(ShipmentOutcome::Accepted { external_id: Some(external_id) })
}

/// The id of what tells the buyer of it, now or since an earlier try; `None` for an order that is closed and was not
/// told of it.
async fn tell(
    shop: &Shop<'_>,
    order: u64,
    shipment: &Shipment,
    closed: bool,
) -> Result<Option<String>, ChannelError> {
    let extension = match number(shipment) {
        Some(number) if has_extension(shop).await? => Some(number),
        _ => None,
    };
    if let Some(number) = extension
        && let Some(id) = tracking(shop, order, number).await?
    {
        return Ok(Some(id));
    }
    // Also where there is the extension now: an earlier try may have been before it.
    if let Some(id) = note(shop, order, &mark(shipment)).await? {
        return Ok(Some(id));
    }
    if closed {
        return Ok(None);
    }
    // Extensions that share the namespace may take none but the carriers that they know: then there is the note.
    if let Some(number) = extension
        && let Some(id) = add_tracking(shop, order, shipment, number).await?
    {
        return Ok(Some(id));
    }
    add_note(shop, order, shipment).await.map(Some)
}

/// A shop that shows its index to nobody any more has none as far as we can tell.
async fn has_extension(shop: &Shop<'_>) -> Result<bool, ChannelError> {
    match index(shop, PUSH).await {
        Ok(index) => Ok(index.namespaces.iter().any(|name| name == TRACKING)),
        Err(error)
            if matches!(
                error.kind,
                ErrorKind::NotThisChannel | ErrorKind::Unauthorized | ErrorKind::Forbidden
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn number(shipment: &Shipment) -> Option<&str> {
    shipment.tracking_number.as_deref().map(str::trim).filter(|number| !number.is_empty())
}

fn not_found() -> ShipmentOutcome {
    ShipmentOutcome::Rejected {
        code: "order_not_found",
        reason: "The shop has no such order any more.".to_owned(),
    }
}

/// The order's status; `None` where there is no such order.
async fn status(shop: &Shop<'_>, order: u64) -> Result<Option<String>, ChannelError> {
    let query = vec![parameter("_fields", "id,status")];
    match send(shop, PUSH, Method::GET, &format!("orders/{order}"), query, None).await {
        Ok(answer) => {
            let order: wire::OrderStatus =
                wire::read(&answer.body).map_err(|error| malformed(PUSH, error))?;
            Ok(Some(order.status))
        }
        Err(error) if error.kind == ErrorKind::Rejected => Ok(None),
        Err(error) => Err(error),
    }
}

/// What our note ends with. Entities and tags of HTML would not come back as they were sent.
fn mark(shipment: &Shipment) -> String {
    format!("[masterstock shipment {}]", shipment.number)
}

fn text(shipment: &Shipment) -> String {
    let mut text = format!("Shipped with {}", shipment.carrier.trim());
    if let Some(number) = number(shipment) {
        text.push_str(&format!(", tracking number {number}"));
    }
    let goods: Vec<String> = shipment.lines.iter().filter_map(goods).take(LINES_MAX).collect();
    if !goods.is_empty() {
        text.push_str(&format!(": {}", goods.join(", ")));
    }
    format!("{text}. {}", mark(shipment))
}

fn goods(line: &ShippedLine) -> Option<String> {
    line.sku.as_ref().map(|sku| format!("{} x {}", line.quantity, sku.as_str()))
}

/// The id of the note with our mark.
async fn note(shop: &Shop<'_>, order: u64, mark: &str) -> Result<Option<String>, ChannelError> {
    let query = vec![parameter("type", "customer")];
    let answer = send(shop, PUSH, Method::GET, &format!("orders/{order}/notes"), query, None).await?;
    let notes: Vec<wire::Note> = wire::read(&answer.body).map_err(|error| malformed(PUSH, error))?;
    let ours = notes.into_iter().find(|note| plain_text(&note.note).trim_end().ends_with(mark));
    Ok(ours.map(|note| note.id.to_string()))
}

async fn add_note(shop: &Shop<'_>, order: u64, shipment: &Shipment) -> Result<String, ChannelError> {
    let body = json!({ "note": text(shipment), "customer_note": true });
    let path = format!("orders/{order}/notes");
    let answer = send(shop, PUSH, Method::POST, &path, Vec::new(), Some(body)).await?;
    let note: wire::Note = wire::read(&answer.body).map_err(|error| malformed(PUSH, error))?;
    Ok(note.id.to_string())
}

fn trackings(order: u64) -> String {
    format!("{TRACKING}/orders/{order}/shipment-trackings")
}

/// The id of the entry with this number.
async fn tracking(shop: &Shop<'_>, order: u64, number: &str) -> Result<Option<String>, ChannelError> {
    let answer = send_to(shop, PUSH, Method::GET, &trackings(order), Vec::new(), None).await?;
    let entries: Vec<wire::Tracking> = wire::read(&answer.body).map_err(|error| malformed(PUSH, error))?;
    let ours = entries.into_iter().find(|entry| entry.tracking_number.trim().eq_ignore_ascii_case(number));
    Ok(ours.map(|entry| entry.tracking_id))
}

/// As a carrier of the merchant's own: the names that the extension knows depend on its version and on the country. `None`
/// where it is refused.
async fn add_tracking(
    shop: &Shop<'_>,
    order: u64,
    shipment: &Shipment,
    number: &str,
) -> Result<Option<String>, ChannelError> {
    let body = json!({
        "custom_tracking_provider": shipment.carrier.trim(),
        "tracking_number": number,
        "date_shipped": jiff::tz::Offset::UTC.to_datetime(shipment.shipped_at).date().to_string(),
    });
    let answer = match send_to(shop, PUSH, Method::POST, &trackings(order), Vec::new(), Some(body)).await {
        Err(error) if error.kind == ErrorKind::Rejected => return Ok(None),
        answer => answer?,
    };
    let entry: wire::Tracking = wire::read(&answer.body).map_err(|error| malformed(PUSH, error))?;
    Ok(Some(entry.tracking_id))
}
