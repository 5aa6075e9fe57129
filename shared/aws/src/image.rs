//! A row as a table's stream tells it: DynamoDB's own JSON, `{"S": "text"}`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::Blob;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A row, or the keys of one, by attribute name.
pub type Image = BTreeMap<String, Attribute>;

/// One value, tagged with its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attribute {
    S(String),
    /// A number as DynamoDB writes it: decimal text of up to 38 digits.
    N(String),
    /// Bytes in base64.
    B(String),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(bool),
    #[serde(rename = "SS")]
    TextSet(BTreeSet<String>),
    #[serde(rename = "NS")]
    NumberSet(BTreeSet<String>),
    #[serde(rename = "BS")]
    BytesSet(BTreeSet<String>),
    L(Vec<Attribute>),
    M(Image),
}

impl Attribute {
    /// The text of a text attribute.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::S(text) => Some(text),
            _ => None,
        }
    }

    /// The number of a number attribute that is whole, not negative and fits.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::N(digits) => digits.parse().ok(),
            _ => None,
        }
    }
}

/// A value that is not what DynamoDB sends: bytes that are no base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bytes of the stream are not base64")]
pub struct NotBase64;

/// The row that an image is of, as the store reads rows.
pub fn to_row(image: Image) -> Result<HashMap<String, AttributeValue>, NotBase64> {
    image.into_iter().map(|(name, value)| Ok((name, value.into_value()?))).collect()
}

impl Attribute {
    fn into_value(self) -> Result<AttributeValue, NotBase64> {
        let blob = |text: String| STANDARD.decode(text).map(Blob::new).map_err(|_| NotBase64);
        Ok(match self {
            Self::S(text) => AttributeValue::S(text),
            Self::N(digits) => AttributeValue::N(digits),
            Self::B(text) => AttributeValue::B(blob(text)?),
            Self::Bool(value) => AttributeValue::Bool(value),
            Self::Null(value) => AttributeValue::Null(value),
            Self::TextSet(texts) => AttributeValue::Ss(texts.into_iter().collect()),
            Self::NumberSet(numbers) => AttributeValue::Ns(numbers.into_iter().collect()),
            Self::BytesSet(set) => AttributeValue::Bs(set.into_iter().map(blob).collect::<Result<_, _>>()?),
            Self::L(values) => {
                AttributeValue::L(values.into_iter().map(Self::into_value).collect::<Result<_, _>>()?)
            }
            Self::M(image) => AttributeValue::M(to_row(image)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_dynamodb_json() {
        let json = r#"{"b":{"B":"AQI="},"f":{"BOOL":true},"l":{"L":[{"S":"x"},{"NULL":true}]},"m":{"M":{"n":{"N":"7"}}},"s":{"SS":["a","b"]}}"#;
        let image: Image = serde_json::from_str(json).unwrap();
        assert_eq!(image["m"], Attribute::M(Image::from([("n".into(), Attribute::N("7".into()))])));
        assert_eq!(serde_json::to_string(&image).unwrap(), json);
    }

    #[test]
    fn gives_text_and_numbers_of_their_own_type_only() {
        assert_eq!(Attribute::S("7".into()).text(), Some("7"));
        assert_eq!(Attribute::S("7".into()).number(), None);
        assert_eq!(Attribute::N("7".into()).number(), Some(7));
        assert_eq!(Attribute::N("7".into()).text(), None);
        for not_a_count in ["-1", "1.5", "1E3", "18446744073709551616"] {
            assert_eq!(Attribute::N(not_a_count.into()).number(), None, "{not_a_count}");
        }
    }
}
