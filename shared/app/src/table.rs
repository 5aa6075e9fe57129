//! Tables as CSV (RFC 4180), out and in: UTF-8, a header row, commas.
//!
//! What goes out is what the API shows of the same thing, so nothing personal is in it. A cell that a spreadsheet would
//! take for a formula begins with an apostrophe; on the way in that apostrophe is taken off again.

use serde::Serialize;

use crate::AppError;

pub mod export;
pub mod import;

/// Rows of one answer: it is written in memory, and API Gateway takes 10 MB.
const ROWS_MAX: usize = 10_000;

const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A cell of text.
fn safe(text: impl ToString) -> String {
    let text = text.to_string();
    if text.starts_with(FORMULA) { format!("'{text}") } else { text }
}

fn unsafe_again(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(text)
}

fn safe_if_any(text: Option<impl ToString>) -> String {
    text.map(safe).unwrap_or_default()
}

/// A word of the domain's, as it is written everywhere.
fn word(of: impl Serialize) -> String {
    match serde_json::to_value(of) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// A table that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    pub bytes: Vec<u8>,
    /// Where the rows go on that did not fit.
    pub next_cursor: Option<String>,
}

struct Writer {
    writer: csv::Writer<Vec<u8>>,
    rows: usize,
}

impl Writer {
    fn new<'a>(columns: impl IntoIterator<Item = &'a &'static str>) -> Result<Self, AppError> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        writer.write_record(columns).map_err(unwritable)?;
        Ok(Self { writer, rows: 0 })
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) -> Result<(), AppError> {
        self.rows += 1;
        self.writer.write_record(cells).map_err(unwritable)
    }

    fn is_full(&self) -> bool {
        self.rows >= ROWS_MAX
    }

    fn finish(self, next_cursor: Option<String>) -> Result<Sheet, AppError> {
        let bytes = self.writer.into_inner().map_err(unwritable)?;
        Ok(Sheet { bytes, next_cursor })
    }
}

fn unwritable(error: impl std::error::Error) -> AppError {
    tracing::error!(%error, "a table could not be written");
    AppError::Internal("a table could not be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_text_and_comes_back_as_it_was() {
        for text in ["=1+1", "+49 30", "-5", "@me", "plain", "'quoted", "''=x"] {
            let cell = safe(text);
            assert!(!cell.starts_with(FORMULA), "{cell}");
            assert_eq!(unsafe_again(&cell), text);
        }
    }
}
