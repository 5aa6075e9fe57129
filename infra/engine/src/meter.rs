//! Counts what requests consume, in the units DynamoDB bills.
//!
//! The numbers are those the engine reports per request (`ReturnConsumedCapacity=INDEXES`, which
//! the meter adds to the request itself), kept in thousandths so that half a read unit is exact.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use crate::dispatch::Refusal;

/// Read or write units, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Units(u64);

impl Units {
    /// `milli` thousandths of a unit.
    #[must_use]
    pub const fn from_milli(milli: u64) -> Self {
        Self(milli)
    }

    /// Whole units.
    #[must_use]
    pub const fn whole(units: u64) -> Self {
        Self(units * 1000)
    }

    /// In thousandths of a unit.
    #[must_use]
    pub const fn milli(self) -> u64 {
        self.0
    }

    /// Reads a JSON number such as `2.0` or `0.5`; digits past the third decimal are cut.
    fn from_json(value: Option<&Value>) -> Option<Self> {
        let text = value?.as_number()?.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
        Some(Self(whole.parse::<u64>().ok()? * 1000 + thousandths.parse::<u64>().ok()?))
    }
}

impl Add for Units {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Units {
    fn sum<I: Iterator<Item = Self>>(units: I) -> Self {
        units.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// What one table or index consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumed {
    /// Read units, as reported.
    pub reads: Units,
    /// Write units, as reported.
    pub writes: Units,
    /// A floor for writes refused by their condition, which AWS charges and does not report: one
    /// unit for each refused write and for each action of a cancelled transaction.
    pub refused_writes: Units,
}

/// How often an operation ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Answered with success.
    pub done: u64,
    /// Answered with an error by the engine. Injected faults are not counted unless the work was
    /// done.
    pub refused: u64,
}

/// What was counted over a time. Indexes are counted apart from their table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// By operation name.
    pub calls: BTreeMap<String, Calls>,
    /// By table name.
    pub tables: BTreeMap<String, Consumed>,
    /// By table name and index name.
    pub indexes: BTreeMap<(String, String), Consumed>,
}

impl Usage {
    /// All read units, of tables and indexes.
    #[must_use]
    pub fn reads(&self) -> Units {
        self.all().map(|consumed| consumed.reads).sum()
    }

    /// All write units reported, of tables and indexes.
    #[must_use]
    pub fn writes(&self) -> Units {
        self.all().map(|consumed| consumed.writes).sum()
    }

    /// The floor for refused writes, see [`Consumed::refused_writes`].
    #[must_use]
    pub fn refused_writes(&self) -> Units {
        self.all().map(|consumed| consumed.refused_writes).sum()
    }

    fn all(&self) -> impl Iterator<Item = &Consumed> {
        self.tables.values().chain(self.indexes.values())
    }

    fn add_capacity(&mut self, operation: &str, capacity: &Value) {
        let Some(table) = capacity.get("TableName").and_then(Value::as_str) else {
            return;
        };
        let own = capacity.get("Table").unwrap_or(capacity);
        add(self.tables.entry(table.to_owned()).or_default(), operation, own);
        for kind in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
            let indexes = capacity.get(kind).and_then(Value::as_object);
            for (index, detail) in indexes.into_iter().flatten() {
                let key = (table.to_owned(), index.clone());
                add(self.indexes.entry(key).or_default(), operation, detail);
            }
        }
    }
}

fn add(consumed: &mut Consumed, operation: &str, detail: &Value) {
    let reads = Units::from_json(detail.get("ReadCapacityUnits"));
    let writes = Units::from_json(detail.get("WriteCapacityUnits"));
    // Only transactions name the kind.
    if reads.is_some() || writes.is_some() {
        consumed.reads += reads.unwrap_or_default();
        consumed.writes += writes.unwrap_or_default();
        return;
    }
    let units = Units::from_json(detail.get("CapacityUnits")).unwrap_or_default();
    if is_read(operation) {
        consumed.reads += units;
    } else {
        consumed.writes += units;
    }
}

fn is_read(operation: &str) -> bool {
    matches!(operation, "BatchGetItem" | "GetItem" | "Query" | "Scan" | "TransactGetItems")
}

fn reports_capacity(operation: &str) -> bool {
    is_read(operation)
        || matches!(
            operation,
            "BatchWriteItem" | "DeleteItem" | "PutItem" | "TransactWriteItems" | "UpdateItem"
        )
}

/// The meter of one engine; clones share the count.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    running: Arc<AtomicBool>,
    usage: Arc<Mutex<Usage>>,
}

/// A request with the question for capacity added.
pub(crate) struct Asked {
    pub(crate) body: String,
    request: Map<String, Value>,
    /// Whether the caller asked as well, and so gets the answer.
    by_caller: bool,
}

impl Meter {
    /// What was counted since the last [`Meter::take`].
    #[must_use]
    pub fn snapshot(&self) -> Usage {
        self.usage().clone()
    }

    /// What was counted since the last call; counting starts again from nothing.
    pub fn take(&self) -> Usage {
        std::mem::take(&mut *self.usage())
    }

    pub(crate) fn start(&self) {
        self.running.store(true, Ordering::Relaxed);
    }

    /// The request to run in place of `body`, or `None` when nothing is to be counted.
    pub(crate) fn ask(&self, operation: &str, body: &str) -> Option<Asked> {
        if !self.running.load(Ordering::Relaxed) || !reports_capacity(operation) {
            return None;
        }
        let mut request: Map<String, Value> = serde_json::from_str(body).ok()?;
        let asked = request.insert("ReturnConsumedCapacity".to_owned(), "INDEXES".into());
        Some(Asked {
            body: serde_json::to_string(&request).ok()?,
            request,
            by_caller: asked.is_some_and(|mode| mode != "NONE"),
        })
    }

    /// Counts an answer and gives it back as the caller asked for it.
    pub(crate) fn record(
        &self,
        operation: &str,
        asked: &Asked,
        answer: Result<String, Refusal>,
    ) -> Result<String, Refusal> {
        let mut usage = self.usage();
        let calls = usage.calls.entry(operation.to_owned()).or_default();
        match answer {
            Err(refusal) => {
                calls.refused += 1;
                for table in refused_writes(operation, &asked.request, &refusal.body) {
                    let consumed = usage.tables.entry(table.to_owned()).or_default();
                    consumed.refused_writes += Units::whole(1);
                }
                Err(refusal)
            }
            Ok(body) => {
                calls.done += 1;
                let Ok(mut answer) = serde_json::from_str::<Map<String, Value>>(&body) else {
                    return Ok(body);
                };
                match answer.get("ConsumedCapacity") {
                    Some(Value::Array(tables)) => {
                        tables.iter().for_each(|capacity| usage.add_capacity(operation, capacity))
                    }
                    Some(capacity) => usage.add_capacity(operation, capacity),
                    None => {}
                }
                if asked.by_caller || answer.remove("ConsumedCapacity").is_none() {
                    return Ok(body);
                }
                Ok(serde_json::to_string(&answer).unwrap_or(body))
            }
        }
    }

    fn usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The table of each write that a failed condition refused.
fn refused_writes<'a>(operation: &str, request: &'a Map<String, Value>, error: &str) -> Vec<&'a str> {
    match operation {
        "TransactWriteItems" if error.contains("#TransactionCanceledException") => request
            .get("TransactItems")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|action| action.as_object()?.values().next())
            .filter_map(|action| action.get("TableName")?.as_str())
            .collect(),
        "PutItem" | "UpdateItem" | "DeleteItem" if error.contains("#ConditionalCheckFailedException") => {
            request.get("TableName").and_then(Value::as_str).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn units_are_read_without_rounding() {
        let cases = [
            (json!(2.0), Some(2000)),
            (json!(0.5), Some(500)),
            (json!(13), Some(13_000)),
            (json!(1.125), Some(1125)),
            (json!("2"), None),
        ];
        for (value, milli) in cases {
            assert_eq!(Units::from_json(Some(&value)).map(Units::milli), milli, "{value}");
        }
        assert_eq!(Units::from_milli(2500).to_string(), "2.500");
    }
}
