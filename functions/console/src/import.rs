//! `/items/import`: items from a table. First what each row would do, then the same table again with a yes.

use app::AppError;
use app::table::import::{COLUMNS, ImportReport, ImportRow, ROWS_MAX, RowOutcome};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use store::api_key::Scope;

use crate::Console;
use crate::fault::{Fault, explained, sentence};
use crate::form::Posted;
use crate::page::{Badge, Section, Shell, Tone, render};
use crate::text::ENGLISH;
use crate::visitor::Visitor;

/// Rows that are shown one by one, of those that are right; of those that are not, all.
const SHOWN: usize = 100;

struct RowView {
    row: usize,
    sku: String,
    item: Option<String>,
    outcome: Badge,
    problems: Vec<String>,
}

struct ReportView {
    created: usize,
    updated: usize,
    unchanged: usize,
    failed: usize,
    rows: Vec<RowView>,
    more: bool,
    ignored: String,
}

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    shell: Shell,
    columns: String,
    rows_max: usize,
    refused: Option<String>,
    report: Option<ReportView>,
    /// What a yes is to; empty where it was given, or there is nothing to do.
    table: String,
}

fn row_view(row: &ImportRow) -> RowView {
    let outcome = match row.outcome {
        RowOutcome::Created => Badge::new(Tone::Good, ENGLISH.row_new),
        RowOutcome::Updated => Badge::new(Tone::Busy, ENGLISH.row_changed),
        RowOutcome::Unchanged => Badge::new(Tone::Plain, ENGLISH.row_unchanged),
        RowOutcome::Failed => Badge::new(Tone::Bad, ENGLISH.failed_word),
    };
    let problem = |error: &app::table::import::CellError| match error.column {
        Some(column) => format!("{}: {}", column.replace('_', " "), error.detail),
        None => sentence(&error.detail),
    };
    RowView {
        row: row.row,
        sku: row.sku.clone(),
        item: row.item_id.as_ref().map(ToString::to_string),
        outcome,
        problems: row.errors.iter().map(problem).collect(),
    }
}

fn report_view(report: &ImportReport) -> ReportView {
    let (failed, fine): (Vec<_>, Vec<_>) =
        report.rows.iter().partition(|row| row.outcome == RowOutcome::Failed);
    ReportView {
        created: report.totals.created,
        updated: report.totals.updated,
        unchanged: report.totals.unchanged,
        failed: report.totals.failed,
        rows: failed.into_iter().chain(fine.iter().copied().take(SHOWN)).map(row_view).collect(),
        more: fine.len() > SHOWN,
        ignored: report.ignored_columns.join(", "),
    }
}

fn page(
    visitor: &Visitor,
    report: Option<ReportView>,
    table: String,
    refused: Option<String>,
) -> Result<Response, Fault> {
    let view = ImportPage {
        shell: Shell::new(visitor, Section::Items, ENGLISH.import_items),
        columns: COLUMNS.join(", "),
        rows_max: ROWS_MAX,
        refused,
        report,
        table,
    };
    render(visitor, &view)
}

pub async fn form(visitor: Visitor) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    page(&visitor, None, String::new(), None)
}

/// Without a yes it only looks.
pub async fn import(
    State(console): State<Console>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let (table, applies) = (fields.text("table"), fields.is_on("apply"));
    let imported = match table {
        "" => Err(AppError::invalid("invalid_field", "/table", ENGLISH.no_table)),
        table => console.app.import_items(visitor.id(), &visitor.actor(), table.as_bytes(), !applies).await,
    };
    match imported {
        Ok(report) => {
            let open = !applies && report.totals.created + report.totals.updated > 0;
            let table = if open { table.to_owned() } else { String::new() };
            page(&visitor, Some(report_view(&report)), table, None)
        }
        Err(error) => match explained(&error) {
            Some(text) => page(&visitor, None, String::new(), Some(text)),
            None => Err(error.into()),
        },
    }
}
