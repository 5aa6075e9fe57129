//! What the forms of an order's page do.

use app::AppError;
use app::audit::Witness;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use domain::DocumentId;
use domain::order_document::DocumentKind;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use slip::PaperSize;
use store::api_key::Scope;

use crate::Console;
use crate::fault::Fault;
use crate::form::Posted;
use crate::order_page::{TEXT_MAX, order_id};
use crate::text::ENGLISH;
use crate::visitor::{Visitor, done};

pub fn place(id: &str) -> String {
    format!("/orders/{id}")
}

fn document_id(text: &str) -> Result<DocumentId, AppError> {
    text.parse().map_err(|_| AppError::NotFound("document"))
}

/// Makes items of the lines that wait: of those named, or of all.
pub async fn confirm(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let lines: Vec<String> = fields.all("line_id").map(str::to_owned).collect();
    let chosen = (!lines.is_empty()).then_some(lines.as_slice());
    let confirmed = console.app.confirm_lines(visitor.id(), &visitor.actor(), &order_id(&id)?, chosen).await;
    let said = confirmed.map(|confirmed| {
        let failed = confirmed.lines.iter().find_map(|line| {
            let error = line.result.as_ref().err()?;
            Some(format!(" {}", crate::fault::sentence(&error.to_string())))
        });
        let thawed = if confirmed.order.frozen { ENGLISH.still_frozen } else { ENGLISH.thawed };
        format!("{thawed}{}", failed.unwrap_or_default())
    });
    done(said, &place(&id))
}

pub async fn link(
    State(console): State<Console>,
    Path((id, line)): Path<(String, String)>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let item = fields.parsed("item_id")?;
    let linked = console.app.link_line(visitor.id(), &visitor.actor(), &order_id(&id)?, &line, &item).await;
    let said = linked.map(|order| if order.frozen { ENGLISH.still_frozen } else { ENGLISH.thawed });
    done(said, &place(&id))
}

pub async fn comment(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let noted = async {
        let text = fields.bounded("text", TEXT_MAX)?;
        console.app.comment_order(visitor.id(), &visitor.actor(), &order_id(&id)?, &text).await
    };
    done(noted.await.map(|_| ENGLISH.commented), &place(&id))
}

pub async fn void(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let voided = console.app.void_order(visitor.id(), &visitor.actor(), &order_id(&id)?).await;
    done(voided.map(|_| ENGLISH.voided), &place(&id))
}

pub async fn deliver(
    State(console): State<Console>,
    Path((id, document)): Path<(String, String)>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let document = document_id(&document)?;
    let told = console.app.deliver_shipment(visitor.id(), &visitor.actor(), &document, None).await;
    done(told.map(|_| ENGLISH.delivered), &place(&id))
}

/// Tells the channel once more.
pub async fn push(
    State(console): State<Console>,
    Path((id, document)): Path<(String, String)>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let told = console.app.retry_shipment(visitor.id(), &document_id(&document)?).await;
    done(told.map(|_| ENGLISH.told_again), &place(&id))
}

/// Asks Amazon what became of what it is to send.
pub async fn refresh(
    State(console): State<Console>,
    Path((id, document)): Path<(String, String)>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let asked = console.app.refresh_outbound(visitor.id(), &document_id(&document)?).await;
    done(asked.map(|_| ENGLISH.outbound_refreshed), &place(&id))
}

/// Takes back what Amazon is to send.
pub async fn cancel(
    State(console): State<Console>,
    Path((id, document)): Path<(String, String)>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let document = document_id(&document)?;
    let cancelled = console.app.cancel_outbound(visitor.id(), &visitor.actor(), &document).await;
    done(cancelled.map(|_| ENGLISH.outbound_cancelled), &place(&id))
}

/// A slip to print. It bears the buyer's name, so it needs the right to see it, and the look is noted.
pub async fn slip(
    State(console): State<Console>,
    visitor: Visitor,
    Path((_, document)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visitor.require(Scope::Pii)?;
    let id = document_id(&document)?;
    if !matches!(id.kind, DocumentKind::Package | DocumentKind::Shipment) {
        return Err(AppError::NotFound("slip").into());
    }
    let by = Witness { actor: visitor.actor(), reason: Some(ENGLISH.slip_reason.to_owned()) };
    let content = console.app.slip(visitor.id(), &by, &id).await?;
    let file = slip::render(&content.paper(), PaperSize::A6, &console.settings.slip_fonts)
        .map_err(|_| AppError::Internal("a slip could not be made"))?;
    let mut response = file.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    if let Ok(name) = HeaderValue::try_from(format!("inline; filename=\"{id}.pdf\"")) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
