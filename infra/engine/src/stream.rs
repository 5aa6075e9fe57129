//! A table's stream as Lambda would deliver it: records in order, a position that survives
//! restarts, trimming.

use std::fmt;
use std::str::FromStr;

use dynoxide::actions::get_records::GetRecordsRequest;
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use serde_json::{Value, json};

use crate::Engine;
use crate::error::EngineError;

/// What dynoxide adds to a stored sequence number to make the public one of 21 digits.
const PUBLIC_OFFSET: u128 = 100_000_000_000_000_000_000;

/// A place in a table's stream: the sequence number of a record. Ordered, and the same after a
/// restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(i64);

impl FromStr for Position {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        text.parse::<u128>()
            .ok()
            .and_then(|public| public.checked_sub(PUBLIC_OFFSET))
            .and_then(|stored| i64::try_from(stored).ok())
            .filter(|stored| *stored > 0)
            .map(Self)
            .ok_or_else(|| EngineError::Position(text.to_owned()))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", PUBLIC_OFFSET + u128::from(self.0.unsigned_abs()))
    }
}

/// One change of one item.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRecord {
    /// Where it stands in the stream.
    pub position: Position,
    /// The record as it stands in `Records` of a Lambda event from a DynamoDB stream.
    pub event: Value,
}

/// A stretch of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamBatch {
    /// The changes, oldest first.
    pub records: Vec<StreamRecord>,
    /// Where to read on: past all that was looked at, dropped records included. `None` only when
    /// the stream is empty and no position was given.
    pub position: Option<Position>,
}

impl StreamBatch {
    /// The event Lambda would be invoked with.
    #[must_use]
    pub fn to_lambda_event(&self) -> Value {
        let records: Vec<&Value> = self.records.iter().map(|record| &record.event).collect();
        json!({ "Records": records })
    }
}

impl Engine {
    /// Up to `limit` changes of `table` after the position `after`, or from the oldest kept when
    /// it is `None`. Writes that changed nothing are left out.
    ///
    /// # Errors
    /// [`EngineError::NoStream`] when the table does not exist or has no stream.
    pub fn stream_records(
        &self,
        table: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<StreamBatch, EngineError> {
        let mut batch = StreamBatch { records: Vec::new(), position: after };
        while batch.records.len() < limit {
            let wanted = limit - batch.records.len();
            let page = self.stream_page(table, batch.position, wanted)?;
            if page.is_empty() {
                break;
            }
            for record in page {
                batch.position = Some(record.position);
                if !is_unchanged(&record.event) {
                    batch.records.push(record);
                }
            }
        }
        Ok(batch)
    }

    /// Deletes the records of `table` before `position` and answers how many. Its newest record
    /// always stays, so that sequence numbers keep rising.
    pub fn trim_stream(&self, table: &str, before: Position) -> Result<usize, EngineError> {
        self.lock().trim(table, before.0)
    }

    fn stream_page(
        &self,
        table: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StreamRecord>, EngineError> {
        let _held = self.lock();
        let database = &self.inner.database;
        let label = database
            .get_table_metadata(table)?
            .filter(|meta| meta.stream_enabled)
            .and_then(|meta| meta.stream_label)
            .ok_or_else(|| EngineError::NoStream(table.to_owned()))?;
        let arn = dynoxide::streams::stream_arn(table, &label);
        let iterator = database.get_shard_iterator(GetShardIteratorRequest {
            stream_arn: arn.clone(),
            shard_id: dynoxide::streams::shard_id(table),
            shard_iterator_type: match after {
                Some(_) => "AFTER_SEQUENCE_NUMBER",
                None => "TRIM_HORIZON",
            }
            .to_owned(),
            sequence_number: after.map(|position| position.to_string()),
        })?;
        let page = database.get_records(GetRecordsRequest {
            shard_iterator: iterator.shard_iterator.unwrap_or_default(),
            limit: Some(limit),
        })?;
        page.records
            .iter()
            .map(|record| {
                let mut event = serde_json::to_value(record)?;
                if let Some(fields) = event.as_object_mut() {
                    fields.insert("eventSourceARN".to_owned(), json!(arn));
                }
                Ok(StreamRecord { position: record.dynamodb.sequence_number.parse()?, event })
            })
            .collect()
    }
}

fn is_unchanged(event: &Value) -> bool {
    let change = event.get("dynamodb");
    match (change.and_then(|change| change.get("OldImage")), change.and_then(|change| change.get("NewImage")))
    {
        (Some(old), Some(new)) => same_value(old, new),
        _ => false,
    }
}

/// Whether two images, or attribute values in DynamoDB's JSON, are equal: the members of a set
/// have no order, those of a list do.
fn same_value(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| {
                    right.get(name).is_some_and(|other| {
                        match (name.as_str(), value.as_array(), other.as_array()) {
                            ("SS" | "NS" | "BS", Some(value), Some(other)) => {
                                value.len() == other.len()
                                    && value.iter().all(|member| other.contains(member))
                            }
                            _ => same_value(value, other),
                        }
                    })
                })
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(a, b)| same_value(a, b))
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_compared_as_dynamodb_values() {
        let cases = [
            (json!({"a": {"S": "x"}}), json!({"a": {"S": "x"}}), true),
            (json!({"a": {"S": "x"}}), json!({"a": {"S": "y"}}), false),
            (json!({"a": {"N": "1"}}), json!({"a": {"S": "1"}}), false),
            (json!({"a": {"S": "x"}}), json!({}), false),
            (json!({"a": {"SS": ["p", "q"]}}), json!({"a": {"SS": ["q", "p"]}}), true),
            (json!({"a": {"SS": ["p", "q"]}}), json!({"a": {"SS": ["q"]}}), false),
            (
                json!({"a": {"L": [{"N": "1"}, {"N": "2"}]}}),
                json!({"a": {"L": [{"N": "2"}, {"N": "1"}]}}),
                false,
            ),
            (
                json!({"a": {"M": {"b": {"NS": ["1", "2"]}}}}),
                json!({"a": {"M": {"b": {"NS": ["2", "1"]}}}}),
                true,
            ),
        ];
        for (left, right, same) in cases {
            assert_eq!(same_value(&left, &right), same, "{left} {right}");
        }
    }

    #[test]
    fn a_position_reads_back_and_keeps_its_order() {
        let text = "100001761000000000005";
        let position: Position = text.parse().unwrap();
        assert_eq!(position.to_string(), text);
        assert!(position < "100001761000000000006".parse().unwrap());
        for wrong in ["", "5", "100000000000000000000", "-1", "99999999999999999999999"] {
            assert!(wrong.parse::<Position>().is_err(), "{wrong}");
        }
    }
}
