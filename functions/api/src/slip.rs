//! Slips of packages and shipments, as PDF files: the one paper with the buyer's name and address.

use ::slip::PaperSize;
use app::AppError;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::DocumentId;
use domain::order_document::DocumentKind;
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
    let file = ::slip::render(&content.paper(), size, &api.settings.slip_fonts).map_err(|error| {
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
