//! Rows: attribute values from and to the types of the entities.
//!
//! A row is `serde_dynamo`'s map of the entity and its keys; entities with many rows (levels, movements, links, orders)
//! are mapped by hand to short attribute names.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;
use crate::keys::Key;

/// What DynamoDB calls an item.
pub(crate) type Row = HashMap<String, AttributeValue>;

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn b(bytes: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// A set of one text, for `ADD` and `DELETE`.
pub(crate) fn one(text: impl Into<String>) -> AttributeValue {
    AttributeValue::Ss(vec![text.into()])
}

/// An instant, to the nanosecond, as a number.
pub(crate) fn time(at: Timestamp) -> AttributeValue {
    n(at.as_nanosecond())
}

/// The entity with its key. Empty values are left out: fields that may be empty are `Option`, or `#[serde(default)]`.
pub(crate) fn to_row(what: &'static str, key: Key, entity: &impl Serialize) -> Result<Row, StoreError> {
    let mut row: Row =
        serde_dynamo::to_item(entity).map_err(|error| StoreError::Unreadable(what, Box::new(error)))?;
    row.retain(|_, value| !matches!(value, AttributeValue::Null(_)));
    row.extend(key.into_row());
    Ok(row)
}

/// The entity of a row; keys and attributes that are not its own are passed over.
pub(crate) fn from_row<T: DeserializeOwned>(what: &'static str, row: Row) -> Result<T, StoreError> {
    serde_dynamo::from_item(row).map_err(|error| StoreError::Unreadable(what, Box::new(error)))
}

/// Reads the attributes of a row of `what` one by one.
pub(crate) struct Reader<'a> {
    pub what: &'static str,
    pub row: &'a Row,
}

#[derive(Debug, thiserror::Error)]
#[error("attribute {0:?} is missing or not of its type")]
struct BadAttribute(String);

impl<'a> Reader<'a> {
    pub fn new(what: &'static str, row: &'a Row) -> Self {
        Self { what, row }
    }

    fn bad(&self, name: &str) -> StoreError {
        StoreError::Unreadable(self.what, Box::new(BadAttribute(name.to_owned())))
    }

    pub fn unreadable(&self, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
        StoreError::Unreadable(self.what, Box::new(error))
    }

    pub fn has(&self, name: &str) -> bool {
        self.row.contains_key(name)
    }

    pub fn text(&self, name: &str) -> Result<&'a str, StoreError> {
        self.row.get(name).and_then(|v| v.as_s().ok()).map(String::as_str).ok_or_else(|| self.bad(name))
    }

    pub fn text_if_any(&self, name: &str) -> Result<Option<String>, StoreError> {
        if self.has(name) { self.text(name).map(|text| Some(text.to_owned())) } else { Ok(None) }
    }

    /// Parsed from a text.
    pub fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<T, StoreError> {
        self.text(name)?.parse().map_err(|_| self.bad(name))
    }

    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, StoreError> {
        let text = self.row.get(name).and_then(|v| v.as_n().ok()).ok_or_else(|| self.bad(name))?;
        text.parse().map_err(|_| self.bad(name))
    }

    pub fn number_if_any<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, StoreError> {
        if self.has(name) { self.number(name).map(Some) } else { Ok(None) }
    }

    /// Zero where it is absent, as for `ADD`.
    pub fn count<T: std::str::FromStr + Default>(&self, name: &str) -> Result<T, StoreError> {
        self.number_if_any(name).map(Option::unwrap_or_default)
    }

    pub fn time(&self, name: &str) -> Result<Timestamp, StoreError> {
        Timestamp::from_nanosecond(self.number(name)?).map_err(|_| self.bad(name))
    }

    pub fn time_if_any(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        if self.has(name) { self.time(name).map(Some) } else { Ok(None) }
    }

    pub fn bytes(&self, name: &str) -> Result<&'a [u8], StoreError> {
        self.row.get(name).and_then(|v| v.as_b().ok()).map(AsRef::as_ref).ok_or_else(|| self.bad(name))
    }

    /// A unit variant, by its serde name.
    pub fn word<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        let value = self.row.get(name).cloned().ok_or_else(|| self.bad(name))?;
        serde_dynamo::from_attribute_value(value)
            .map_err(|error| StoreError::Unreadable(self.what, Box::new(error)))
    }

    /// A set of texts, parsed; empty where it is absent.
    pub fn set<T: std::str::FromStr + Ord>(&self, name: &str) -> Result<BTreeSet<T>, StoreError> {
        let Some(value) = self.row.get(name) else { return Ok(BTreeSet::new()) };
        let texts = value.as_ss().map_err(|_| self.bad(name))?;
        texts.iter().map(|text| text.parse().map_err(|_| self.bad(name))).collect()
    }

    /// Whether the row is to be treated as gone by `now`, deleted yet or not. One without an expiry never is.
    pub fn has_expired(&self, now: Timestamp) -> Result<bool, StoreError> {
        let expires_at: Option<i64> = self.number_if_any(crate::keys::EXPIRES_AT)?;
        Ok(expires_at.is_some_and(|at| at <= now.as_second()))
    }

    /// What follows `prefix` in the sort key.
    pub fn sort_key_after(&self, prefix: &str) -> Result<&'a str, StoreError> {
        self.text(crate::keys::SK)?.strip_prefix(prefix).ok_or_else(|| self.bad(crate::keys::SK))
    }
}

/// A unit variant as its serde name.
pub(crate) fn word(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(|error| StoreError::Unreadable("a row", Box::new(error)))
}
