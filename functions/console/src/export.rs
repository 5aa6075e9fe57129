//! `/exports/{table}.csv`: items, orders and the ledger, to open elsewhere. One that is too long for one file comes in parts.

use app::AppError;
use app::table::Sheet;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;

use crate::Console;
use crate::fault::Fault;
use crate::page::{Section, Shell, render};
use crate::text::ENGLISH;
use crate::visitor::Visitor;

#[derive(Debug, Clone, Copy)]
enum Table {
    Items,
    Orders,
    Movements,
}

impl Table {
    fn parse(file: &str) -> Result<Self, AppError> {
        match file {
            "items.csv" => Ok(Self::Items),
            "orders.csv" => Ok(Self::Orders),
            "movements.csv" => Ok(Self::Movements),
            _ => Err(AppError::NotFound("table")),
        }
    }

    fn section(self) -> Section {
        match self {
            Self::Items => Section::Items,
            Self::Orders => Section::Orders,
            Self::Movements => Section::Stock,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExportQuery {
    cursor: String,
    /// Which part it is; empty for the first.
    part: String,
    /// The file itself, also where there are more parts.
    file: String,
}

/// The parts of a long table: this one, and the way to the next.
#[derive(Template)]
#[template(path = "export.html")]
struct PartsPage {
    shell: Shell,
    part: u32,
    this: String,
    next: String,
}

fn address(file: &str, pairs: &[(&str, &str)]) -> String {
    let filled = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(filled).finish();
    format!("/exports/{file}?{query}")
}

fn attachment(file: &str, part: u32, sheet: Sheet) -> Response {
    let name = match part {
        1 => file.to_owned(),
        part => file.replace(".csv", &format!("-{part}.csv")),
    };
    let mut response = sheet.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    response
}

pub async fn serve(
    State(console): State<Console>,
    visitor: Visitor,
    Path(file): Path<String>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Fault> {
    let table = Table::parse(&file)?;
    let (app, organization) = (&console.app, visitor.id());
    let cursor = Some(query.cursor.clone()).filter(|cursor| !cursor.is_empty());
    let sheet = match table {
        Table::Items => app.export_items(organization, cursor).await?,
        Table::Orders => app.export_orders(organization, cursor).await?,
        Table::Movements => app.export_movements(organization, None, cursor).await?,
    };
    let part: u32 = query.part.parse().unwrap_or(1);
    let next = match &sheet.next_cursor {
        Some(next) if query.file.is_empty() => next.clone(),
        _ => return Ok(attachment(&file, part, sheet)),
    };
    let (number, after) = (part.to_string(), part.saturating_add(1).to_string());
    let page = PartsPage {
        shell: Shell::new(&visitor, table.section(), ENGLISH.export),
        part,
        this: address(&file, &[("cursor", &query.cursor), ("part", &number), ("file", "1")]),
        next: address(&file, &[("cursor", &next), ("part", &after)]),
    };
    render(&visitor, &page)
}
