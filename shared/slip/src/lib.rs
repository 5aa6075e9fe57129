//! Slips for packages and shipments as PDF: who sends, who receives, what is inside, and a barcode of the number.
//!
//! Pure: values and fonts in, the file's bytes out. It keeps nothing, and says nothing of what it was given.

#![allow(clippy::float_arithmetic, reason = "places on a page, in points of 1/72 inch")]

use krilla::Document;
use krilla::metadata::Metadata;

mod barcode;
mod draw;
mod font;
mod layout;
mod text;

pub use font::Fonts;
pub use layout::PaperSize;

/// What a slip says.
#[derive(Debug, Clone, Default)]
pub struct Slip {
    pub title: String,
    /// Who sends: a name, then where from.
    pub sender: Vec<String>,
    pub recipient: Recipient,
    /// What the barcode says; printed as text where a barcode cannot say it.
    pub code: String,
    /// Names and values: order, date, carrier.
    pub facts: Vec<(String, String)>,
    pub lines: Vec<SlipLine>,
}

#[derive(Debug, Clone, Default)]
pub struct SlipLine {
    pub quantity: String,
    pub sku: String,
    pub title: String,
}

/// Who receives.
#[derive(Clone, Default)]
pub enum Recipient {
    /// The name, then the address, line by line.
    Known(Vec<String>),
    /// Why there is none.
    #[default]
    Unknown,
    Expired,
}

impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recipient(concealed)")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SlipError {
    #[error("a font cannot be used")]
    Font,
    #[error("a page cannot be made")]
    Page,
    #[error("the PDF file cannot be made: {0}")]
    Pdf(String),
}

/// The slip as a PDF file.
pub fn render(slip: &Slip, size: PaperSize, fonts: &Fonts) -> Result<Vec<u8>, SlipError> {
    let faces = fonts.faces()?;
    let pages = layout::pages(slip, size, &faces);
    let mut document = Document::new();
    document.set_metadata(Metadata::new().title(slip.title.clone()).creator("Masterstock".to_owned()));
    for page in &pages {
        draw::page(&mut document, page, size, &faces)?;
    }
    document.finish().map_err(|error| SlipError::Pdf(format!("{error:?}")))
}
