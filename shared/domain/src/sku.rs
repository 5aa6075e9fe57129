//! SKU, and the form in which SKUs and names are compared.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::{InvalidText, parse_bounded};

/// A stock keeping unit as the merchant writes it: 1 to 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sku(String);

impl Sku {
    /// In characters.
    pub const LENGTH_MAX: usize = 255;

    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        parse_bounded(text, Self::LENGTH_MAX).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn match_key(&self) -> MatchKey {
        MatchKey::of(&self.0)
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Sku {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::parse(&text)
    }
}

impl From<Sku> for String {
    fn from(sku: Sku) -> String {
        sku.0
    }
}

/// What two SKUs, or two names, have in common when they are equal: case, surrounding and repeated white space do
/// not count.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MatchKey(String);

impl MatchKey {
    pub fn of(text: &str) -> Self {
        let mut key = String::with_capacity(text.len());
        for word in text.split_whitespace() {
            if !key.is_empty() {
                key.push(' ');
            }
            key.extend(word.chars().flat_map(char::to_lowercase));
        }
        Self(key)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_and_white_space_do_not_count() {
        assert_eq!(MatchKey::of("  Mug\t RED "), MatchKey::of("mug red"));
        assert_ne!(MatchKey::of("mugred"), MatchKey::of("mug red"));
        assert_eq!(MatchKey::of("ÄRMEL"), MatchKey::of("ärmel"));
    }

    #[test]
    fn a_sku_is_bounded() {
        assert_eq!(Sku::parse("  "), Err(InvalidText::Empty));
        assert_eq!(Sku::parse(&"x".repeat(256)), Err(InvalidText::TooLong { max: 255 }));
        assert_eq!(Sku::parse("a\u{7}b"), Err(InvalidText::Control));
        assert_eq!(Sku::parse(" A/B 1 ").unwrap().as_str(), "A/B 1");
    }

    proptest! {
        #[test]
        fn a_key_of_a_key_is_itself(text in "\\PC{0,60}") {
            let once = MatchKey::of(&text);
            prop_assert_eq!(MatchKey::of(once.as_str()), once);
        }
    }
}
