//! `/v1/exports/{items|orders|movements}.csv` and `POST /v1/imports/items.csv`.

use app::table::Sheet;
use app::table::import::{ImportReport, RowOutcome};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::ItemId;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LINK};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::auth::{Reader, Writer};
use crate::input::Filter;
use crate::problem::Problem;

/// `query`: what else the address of the rows that did not fit has.
fn answer(table: &str, sheet: Sheet, query: &[(&str, &str)]) -> Response {
    let next = sheet.next_cursor.map(|cursor| {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        let text = text.append_pair("cursor", &cursor).extend_pairs(query).finish();
        format!("</v1/exports/{table}.csv?{text}>; rel=\"next\"")
    });
    let mut response = (StatusCode::OK, sheet.bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    let disposition = format!("attachment; filename=\"{table}.csv\"");
    headers.extend(HeaderValue::from_str(&disposition).ok().map(|value| (CONTENT_DISPOSITION, value)));
    headers.extend(next.and_then(|next| HeaderValue::from_str(&next).ok()).map(|link| (LINK, link)));
    response
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// Of the `Link` header with `rel="next"` that an answer of 10,000 rows has.
    cursor: Option<String>,
}

/// Items with their stock over all locations.
#[utoipa::path(get, path = "/v1/exports/items.csv", tag = "exports", params(ExportQuery),
    responses((status = 200, content_type = "text/csv", body = String)))]
pub async fn export_items(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<ExportQuery>,
) -> Result<Response, Problem> {
    let sheet = api.app.export_items(&caller.organization_id, query.cursor).await?;
    Ok(answer("items", sheet, &[]))
}

/// A row a line of an order, newest orders first. Who bought is not in it.
#[utoipa::path(get, path = "/v1/exports/orders.csv", tag = "exports", params(ExportQuery),
    responses((status = 200, content_type = "text/csv", body = String)))]
pub async fn export_orders(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<ExportQuery>,
) -> Result<Response, Problem> {
    let sheet = api.app.export_orders(&caller.organization_id, query.cursor).await?;
    Ok(answer("orders", sheet, &[]))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MovementQuery {
    /// Of one item alone.
    #[param(value_type = Option<String>)]
    item_id: Option<ItemId>,
    /// Of the `Link` header with `rel="next"` that a full answer has.
    cursor: Option<String>,
}

/// The stock ledger: item by item in the order of their creation, of each the newest movements first.
#[utoipa::path(get, path = "/v1/exports/movements.csv", tag = "exports", params(MovementQuery),
    responses((status = 200, content_type = "text/csv", body = String)))]
pub async fn export_movements(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<MovementQuery>,
) -> Result<Response, Problem> {
    let MovementQuery { item_id, cursor } = query;
    let sheet = api.app.export_movements(&caller.organization_id, item_id.as_ref(), cursor).await?;
    let of_item: Vec<_> = item_id.iter().map(|id| ("item_id", id.as_str())).collect();
    Ok(answer("movements", sheet, &of_item))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Says what would happen, and does nothing.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    dry_run: bool,
}

/// What became of a table, or would.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportReport)]
pub struct ReportBody {
    dry_run: bool,
    totals: TotalsBody,
    /// Of rows that fail all; of the others those that change something.
    rows: Vec<RowBody>,
    /// Columns of the table that an import does not read.
    ignored_columns: Vec<String>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ImportTotals)]
pub struct TotalsBody {
    created: usize,
    updated: usize,
    unchanged: usize,
    failed: usize,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportRow)]
pub struct RowBody {
    /// As a spreadsheet counts: the header is row 1.
    row: usize,
    sku: String,
    outcome: Outcome,
    #[schema(value_type = Option<String>)]
    item_id: Option<ItemId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<CellError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Created,
    Updated,
    Unchanged,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportError)]
pub struct CellError {
    /// `null` where it is the row as a whole.
    column: Option<&'static str>,
    /// Stable, snake_case.
    code: &'static str,
    detail: String,
}

impl From<app::table::import::ImportRow> for RowBody {
    fn from(row: app::table::import::ImportRow) -> Self {
        Self {
            row: row.row,
            sku: row.sku,
            outcome: match row.outcome {
                RowOutcome::Created => Outcome::Created,
                RowOutcome::Updated => Outcome::Updated,
                RowOutcome::Unchanged => Outcome::Unchanged,
                RowOutcome::Failed => Outcome::Failed,
            },
            item_id: row.item_id,
            errors: row
                .errors
                .into_iter()
                .map(|error| CellError { column: error.column, code: error.code, detail: error.detail })
                .collect(),
        }
    }
}

impl ReportBody {
    fn new(report: ImportReport, dry_run: bool) -> Self {
        let totals = report.totals;
        Self {
            dry_run,
            totals: TotalsBody {
                created: totals.created,
                updated: totals.updated,
                unchanged: totals.unchanged,
                failed: totals.failed,
            },
            rows: report.rows.into_iter().map(RowBody::from).collect(),
            ignored_columns: report.ignored_columns,
        }
    }
}

/// Items from a table: a SKU that is known changes that item, a new one makes one (then `name` must be given, and
/// `opening_stock` lies at the primary location). Rows are done one by one: what is right lands, what is not is named.
/// Sent again, the same table changes nothing. At most 1,000 rows.
#[utoipa::path(post, path = "/v1/imports/items.csv", tag = "exports", params(ImportQuery),
    request_body(content = String, content_type = "text/csv"), responses((status = 200, body = ReportBody)))]
pub async fn import_items(
    State(api): State<Api>,
    Writer(caller): Writer,
    Filter(query): Filter<ImportQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::Json<ReportBody>, Problem> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type.split(';').next().map(str::trim) != Some("text/csv") {
        let detail = "the body must be text/csv";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    let (organization, dry_run) = (&caller.organization_id, query.dry_run);
    let report = api.app.import_items(organization, &caller.actor(), &body, dry_run).await?;
    Ok(axum::Json(ReportBody::new(report, dry_run)))
}
