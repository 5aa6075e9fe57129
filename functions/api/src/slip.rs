//! Slips of packages and shipments, as PDF files: the one paper with the buyer's name and address.

use ::slip::{PaperSize, Recipient, Slip, SlipLine};
use app::AppError;
use app::slip::{Receiver, SlipContent};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::order::{Address, Buyer};
use domain::order_document::DocumentKind;
use domain::{DocumentId, Timestamp};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Api;
use crate::audit::Reason;
use crate::auth::{Caller, Revealer};
use crate::input::{Filter, Id};
use crate::problem::Problem;

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Size {
    #[default]
    A6,
    A4,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SlipQuery {
    /// `a6` where it is left out, or `a4`.
    #[serde(default)]
    #[param(value_type = Option<String>, pattern = "^(a6|a4)$")]
    size: Size,
}

/// The packing slip: what is in the package, and until they expire the buyer's name and address. Needs the scope `pii`;
/// noted in the audit.
#[utoipa::path(get, path = "/v1/packages/{id}/slip.pdf", tag = "orders", params(("id" = String, Path), SlipQuery,
    ("X-Reason" = Option<String>, Header, description = "Why, for the audit.")),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>)))]
pub async fn package_slip(
    State(api): State<Api>,
    Revealer(caller): Revealer,
    reason: Reason,
    Id(id): Id<DocumentId>,
    Filter(query): Filter<SlipQuery>,
) -> Result<Response, Problem> {
    answer(&api, &caller, reason, &id, DocumentKind::Package, query.size).await
}

/// The shipment slip: as a packing slip, with carrier and tracking number.
#[utoipa::path(get, path = "/v1/shipments/{id}/slip.pdf", tag = "orders", params(("id" = String, Path), SlipQuery,
    ("X-Reason" = Option<String>, Header, description = "Why, for the audit.")),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>)))]
pub async fn shipment_slip(
    State(api): State<Api>,
    Revealer(caller): Revealer,
    reason: Reason,
    Id(id): Id<DocumentId>,
    Filter(query): Filter<SlipQuery>,
) -> Result<Response, Problem> {
    answer(&api, &caller, reason, &id, DocumentKind::Shipment, query.size).await
}

async fn answer(
    api: &Api,
    caller: &Caller,
    reason: Reason,
    id: &DocumentId,
    kind: DocumentKind,
    size: Size,
) -> Result<Response, Problem> {
    if id.kind != kind {
        return Err(AppError::NotFound("document").into());
    }
    let content = api.app.slip(&caller.organization_id, &reason.of(caller), id).await?;
    let size = match size {
        Size::A6 => PaperSize::A6,
        Size::A4 => PaperSize::A4,
    };
    let file = ::slip::render(&slip_of(content), size, &api.settings.slip_fonts).map_err(|error| {
        tracing::error!(%error, "a slip could not be made");
        Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    })?;
    let mut response = (StatusCode::OK, file).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    if let Ok(name) = HeaderValue::try_from(format!("inline; filename=\"{id}.pdf\"")) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

fn slip_of(content: SlipContent) -> Slip {
    let SlipContent { organization, location, order, document, receiver } = content;
    let day = |at: Timestamp| {
        let zone = jiff::tz::TimeZone::get(&organization.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
        at.to_zoned(zone).date().to_string()
    };
    let mut facts = vec![("Order".to_owned(), order.number.clone())];
    let (title, mark) = match document.shipment() {
        Some(shipment) => {
            facts.push(("Shipped".to_owned(), day(shipment.shipped_at)));
            facts.push(("Carrier".to_owned(), shipment.carrier.clone()));
            facts.extend(shipment.tracking_number.clone().map(|number| ("Tracking".to_owned(), number)));
            ("Shipment slip", 'S')
        }
        None => {
            facts.push(("Packed".to_owned(), day(document.created_at)));
            ("Packing slip", 'P')
        }
    };
    let lines = document.lines.iter().map(|line| {
        let of = order.lines.iter().find(|known| known.id == line.line_id);
        SlipLine {
            quantity: line.quantity.to_string(),
            sku: of.and_then(|line| line.sku.clone()).unwrap_or_default(),
            title: of.map(|line| line.title.clone()).unwrap_or_default(),
        }
    });
    let from = location.map(|location| match location.address {
        Some(address) => format!("{}, {address}", location.name.as_str()),
        None => location.name.as_str().to_owned(),
    });
    Slip {
        title: title.to_owned(),
        sender: [Some(organization.name.as_str().to_owned()), from].into_iter().flatten().collect(),
        recipient: match receiver {
            Receiver::Known(buyer) => recipient(*buyer),
            Receiver::Expired => Recipient::Expired,
            Receiver::Unknown => Recipient::Unknown,
        },
        code: format!("{}-{mark}{}", order.number, document.id.number),
        facts,
        lines: lines.collect(),
    }
}

fn recipient(buyer: Buyer) -> Recipient {
    let address = buyer.shipping_address.or(buyer.billing_address).unwrap_or_default();
    let name = address.name.clone().or(buyer.name);
    let lines: Vec<String> = name.into_iter().chain(address_lines(address)).chain(buyer.phone).collect();
    if lines.is_empty() { Recipient::Unknown } else { Recipient::Known(lines) }
}

/// As the post of the country wants it, where that puts the town first; else the postal code before the town.
fn address_lines(address: Address) -> Vec<String> {
    let Address { name: _, mut lines, city, region, postal_code, country } = address;
    let joined = |parts: [Option<&str>; 2], with: &str| {
        let text = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(with);
        Some(text).filter(|text| !text.is_empty())
    };
    let (city, region, postal_code) = (city.as_deref(), region.as_deref(), postal_code.as_deref());
    let town_first = ["US", "CA", "AU", "GB", "IN", "NZ"];
    if country.as_deref().is_some_and(|country| town_first.contains(&country)) {
        let place = joined([city, region], ", ");
        lines.extend(joined([place.as_deref(), postal_code], "  "));
    } else {
        lines.extend(joined([postal_code, city], " "));
        lines.extend(region.filter(|region| !region.is_empty()).map(str::to_owned));
    }
    lines.extend(country);
    lines.retain(|line| !line.trim().is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_its_country_does() {
        let some = |text: &str| Some(text.to_owned());
        let of = |country: &str, region: Option<String>| Address {
            name: None,
            lines: vec!["1 Road".to_owned(), " ".to_owned()],
            city: some("Town"),
            region,
            postal_code: some("12345"),
            country: some(country),
        };
        assert_eq!(address_lines(of("US", some("NY"))), ["1 Road", "Town, NY  12345", "US"]);
        assert_eq!(address_lines(of("DE", None)), ["1 Road", "12345 Town", "DE"]);
        assert_eq!(address_lines(of("IT", some("RM"))), ["1 Road", "12345 Town", "RM", "IT"]);
        assert_eq!(address_lines(Address::default()), Vec::<String>::new());
    }
}
