//! What makes a listing look like an item though nothing of it is equal: for a person to see, and never to link by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{MatchKey, Name, Sku};

/// How two things are alike, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    Barcode,
    Sku,
    Title,
}

impl Likeness {
    /// For a person.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Barcode => "The barcode is the same.",
            Self::Sku => "The SKU is the same but for case, spaces, punctuation or leading zeros.",
            Self::Title => "The name has the same words.",
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Barcode => "barcode",
            Self::Sku => "sku",
            Self::Title => "title",
        }
    }
}

/// Shorter ones are placeholders.
const BARCODE_CHARACTERS_MIN: usize = 6;
const SKU_CHARACTERS_MIN: usize = 2;
const TITLE_CHARACTERS_MIN: usize = 3;

/// What two things have in common that are alike in these ways. What is too short to tell things apart is not among them.
pub fn keys(sku: Option<&Sku>, name: &Name, barcode: Option<&str>) -> BTreeMap<Likeness, MatchKey> {
    let forms = [
        (Likeness::Barcode, barcode.map(barcode_form), BARCODE_CHARACTERS_MIN),
        (Likeness::Sku, sku.map(|sku| sku_form(sku.as_str())), SKU_CHARACTERS_MIN),
        (Likeness::Title, Some(title_form(name.as_str())), TITLE_CHARACTERS_MIN),
    ];
    forms
        .into_iter()
        .filter_map(|(likeness, form, min)| {
            let form = form.filter(|form| form.chars().count() >= min)?;
            Some((likeness, MatchKey::of(&format!("{} {form}", likeness.code()))))
        })
        .collect()
}

/// A UPC of twelve digits is the EAN of thirteen that begins with a zero, and the GTIN of fourteen that begins with two.
fn barcode_form(barcode: &str) -> String {
    let characters = barcode.chars().filter(|character| character.is_alphanumeric());
    characters.skip_while(|character| *character == '0').flat_map(char::to_lowercase).collect()
}

/// `AB-007 x` is `ab7x`.
fn sku_form(sku: &str) -> String {
    let mut form = String::new();
    let mut in_number = false;
    for character in sku.chars().filter(|character| character.is_alphanumeric()) {
        if character == '0' && !in_number {
            continue;
        }
        in_number = character.is_ascii_digit();
        form.extend(character.to_lowercase());
    }
    form
}

/// The words, each once, in the order of the alphabet.
fn title_form(title: &str) -> String {
    let lower = title.to_lowercase();
    let mut words: Vec<&str> =
        lower.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.dedup();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(listing: (&str, &str, &str), item: (&str, &str, &str)) -> Vec<Likeness> {
        let of = |(sku, name, barcode): (&str, &str, &str)| {
            let sku = Sku::parse(sku).ok();
            let barcode = Some(barcode).filter(|barcode| !barcode.is_empty());
            keys(sku.as_ref(), &Name::parse(name).unwrap(), barcode)
        };
        let (listing, item) = (of(listing), of(item));
        let same =
            |likeness: &Likeness| listing.get(likeness).is_some_and(|key| item.get(likeness) == Some(key));
        [Likeness::Barcode, Likeness::Sku, Likeness::Title].into_iter().filter(same).collect()
    }

    #[test]
    fn l13_what_is_alike() {
        use Likeness::{Barcode, Sku, Title};
        for (listing, item, found) in [
            (("", "One", "012345678905"), ("X1", "Two", "12345678905"), vec![Barcode]),
            (("", "One", "0400-6381333931"), ("X1", "Two", "04006381333931"), vec![Barcode]),
            (("AB-007", "One", ""), ("ab7", "Two", ""), vec![Sku]),
            (("AB 70", "One", ""), ("AB-7", "Two", ""), vec![]),
            (("", "Mug, red (large)", ""), ("X1", "Large red mug", ""), vec![Title]),
            (("", "Red mug", ""), ("X1", "Red mug large", ""), vec![]),
            (("A.1", "Mug: red", "12345670"), ("a1", "red mug", "12345670"), vec![Barcode, Sku, Title]),
        ] {
            assert_eq!(alike(listing, item), found, "{listing:?} and {item:?}");
        }
    }

    #[test]
    fn l13_what_is_too_short_says_nothing() {
        for (listing, item) in [
            (("0", "One", "00000"), ("00", "Two", "0")),
            (("-", "A", ""), ("x", "a", "")),
            (("1", "One", "123"), ("01", "Two", "0123")),
        ] {
            assert_eq!(alike(listing, item), [], "{listing:?} and {item:?}");
        }
    }
}
