//! Bounded text.

use serde::{Deserialize, Serialize};

/// Why a text is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    #[error("must not be empty")]
    Empty,
    #[error("must not be longer than {max} characters")]
    TooLong { max: usize },
    #[error("must not contain control characters")]
    Control,
}

/// Trimmed, 1 to `max` characters, no control characters.
pub fn parse_bounded(text: &str, max: usize) -> Result<String, InvalidText> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidText::Empty);
    }
    if text.chars().count() > max {
        return Err(InvalidText::TooLong { max });
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidText::Control);
    }
    Ok(text.to_owned())
}

/// The name of something a merchant sees: 1 to 500 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// In characters.
    pub const LENGTH_MAX: usize = 500;

    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        parse_bounded(text, Self::LENGTH_MAX).map(Self)
    }

    /// From a channel, which may allow what we do not: control characters become spaces, what is too long is cut.
    pub fn from_channel(text: &str) -> Result<Self, InvalidText> {
        let cleaned: String = text
            .trim()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(Self::LENGTH_MAX)
            .collect();
        Self::parse(&cleaned)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}
