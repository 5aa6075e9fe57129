//! CSV (RFC 4180), out and in: UTF-8, a header row, commas.
//!
//! What goes out is what the API shows of the same thing, so nothing personal is in it. A cell that a spreadsheet would
//! take for a formula begins with an apostrophe; on the way in that apostrophe is taken off again.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LINK};
use http::{HeaderValue, StatusCode};
use serde_json::Value;

use crate::problem::Problem;

pub mod export;
pub mod import;

/// Rows of one answer: it is written in memory, and API Gateway takes 10 MB.
const ROWS_MAX: usize = 10_000;

/// A column's name, and where its value is in the API's own JSON.
type Column = (&'static str, &'static str);

const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

fn safe(text: String) -> String {
    if text.starts_with(FORMULA) { format!("'{text}") } else { text }
}

fn unsafe_again(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(text)
}

fn cell(body: &Value, pointer: &str) -> String {
    match body.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => safe(text.clone()),
        Some(other) => other.to_string(),
    }
}

/// A table that is being written.
struct Sheet {
    file: &'static str,
    writer: csv::Writer<Vec<u8>>,
    rows: usize,
}

impl Sheet {
    fn new<'a>(file: &'static str, columns: impl IntoIterator<Item = &'a Column>) -> Result<Self, Problem> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        writer.write_record(columns.into_iter().map(|(name, _)| *name)).map_err(unwritable)?;
        Ok(Self { file, writer, rows: 0 })
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) -> Result<(), Problem> {
        self.rows += 1;
        self.writer.write_record(cells).map_err(unwritable)
    }

    fn is_full(&self) -> bool {
        self.rows >= ROWS_MAX
    }

    /// `next`: the address of the rows that did not fit.
    fn answer(self, next: Option<String>) -> Result<Response, Problem> {
        let bytes = self.writer.into_inner().map_err(unwritable)?;
        let mut response = (StatusCode::OK, bytes).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
        let disposition = format!("attachment; filename=\"{}.csv\"", self.file);
        headers.extend(HeaderValue::from_str(&disposition).ok().map(|value| (CONTENT_DISPOSITION, value)));
        let link = next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok());
        headers.extend(link.map(|link| (LINK, link)));
        Ok(response)
    }
}

fn unwritable(error: impl std::error::Error) -> Problem {
    tracing::error!(%error, "a table could not be written");
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_text_and_comes_back_as_it_was() {
        for text in ["=1+1", "+49 30", "-5", "@me", "plain", "'quoted", "''=x"] {
            let cell = safe(text.to_owned());
            assert!(!cell.starts_with(FORMULA), "{cell}");
            assert_eq!(unsafe_again(&cell), text);
        }
    }
}
