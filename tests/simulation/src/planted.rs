//! Known bugs, planted one at a time in the seam below the store, so that it can be seen that the simulation finds them.
//!
//! Each makes the hub behave as if its code had the bug, by meddling with what the code asks of the table; nothing of it
//! is in the code that ships. The names of attributes and keys are those of `docs/data-model.md`: where they change, the
//! test that a planted bug is found fails, for then it is none.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Timestamp;
use serde_json::{Value, json};

use crate::gate::{Gate, JobId, Role};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// What a push sends was decided when its message was made.
    QuantityInMessage,
    /// What the channel took is kept as if of the newest version.
    AcknowledgedWithoutVersion,
    /// The watermark moves when the orders are asked for, not when they are stored.
    WatermarkBeforePage,
    /// An order that is first seen cancelled is not kept.
    CancelFirstIgnored,
    /// An order of a bundle promises one of each component, however many of it a bundle has.
    ReservedPerLine,
    /// Everybody gets the lease of a token's renewal.
    RefreshWithoutLease,
}

impl Bug {
    pub const ALL: [Self; 6] = [
        Self::QuantityInMessage,
        Self::AcknowledgedWithoutVersion,
        Self::WatermarkBeforePage,
        Self::CancelFirstIgnored,
        Self::ReservedPerLine,
        Self::RefreshWithoutLease,
    ];
}

/// What becomes of a request to the table.
pub enum Meddling {
    Nothing,
    /// It is not asked; this is the answer.
    Instead(Value),
    /// This is asked.
    Ask(Value),
    /// After it this operation is asked, whatever its answer.
    AlsoAsk(&'static str, Value),
}

/// Levels by item, as each fan-out saw them, oldest first.
type Carried = BTreeMap<String, VecDeque<(Option<JobId>, Vec<Value>)>>;

#[derive(Debug, Clone, Default)]
pub struct Planted {
    bug: Option<Bug>,
    carried: Arc<Mutex<Carried>>,
}

impl Planted {
    pub fn new(bug: Option<Bug>) -> Self {
        Self { bug, carried: Arc::default() }
    }

    pub fn is_one(&self) -> bool {
        self.bug.is_some()
    }

    fn carried(&self) -> MutexGuard<'_, Carried> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn before_table(
        &self,
        gate: &Gate,
        job: JobId,
        now: Timestamp,
        operation: &str,
        body: &Value,
    ) -> Meddling {
        match self.bug {
            Some(Bug::AcknowledgedWithoutVersion) if is_acknowledgement(operation, body) => {
                let mut body = body.clone();
                body["ExpressionAttributeValues"][":v"] = json!({ "N": "999999999" });
                Meddling::Ask(body)
            }
            Some(Bug::WatermarkBeforePage) if operation == "GetItem" => before_page(gate, job, now, body),
            Some(Bug::CancelFirstIgnored) if puts_order_void_at_first(operation, body) => {
                Meddling::Instead(json!({}))
            }
            Some(Bug::RefreshWithoutLease)
                if operation == "PutItem" && text(&body["Item"]["sk"]).starts_with("LEASE#token-") =>
            {
                Meddling::Instead(json!({}))
            }
            Some(Bug::RefreshWithoutLease) if operation == "TransactWriteItems" => unleased(body),
            _ => Meddling::Nothing,
        }
    }

    /// The answer to give instead.
    pub fn after_table(
        &self,
        gate: &Gate,
        job: JobId,
        operation: &str,
        asked: &Value,
        answer: &str,
    ) -> Option<Value> {
        match self.bug {
            Some(Bug::QuantityInMessage) if operation == "Query" => self.carry(gate, job, asked, answer),
            Some(Bug::ReservedPerLine) if operation == "BatchGetItem" => per_line(gate.role(job)?, answer),
            _ => None,
        }
    }

    /// Levels as they were when the message was made.
    fn carry(&self, gate: &Gate, job: JobId, asked: &Value, answer: &str) -> Option<Value> {
        let item = item_asked(asked)?;
        let mut answer: Value = serde_json::from_str(answer).ok()?;
        let rows = answer["Items"].as_array()?.clone();
        let (levels, links): (Vec<Value>, Vec<Value>) =
            rows.into_iter().partition(|row| text(&row["sk"]).starts_with("LVL#"));
        let mut carried = self.carried();
        let of_item = carried.entry(item).or_default();
        match gate.role(job)? {
            Role::StockFanout => {
                of_item.push_back((None, levels));
                None
            }
            Role::StockPush => {
                while of_item.front().is_some_and(|(by, _)| by.is_some_and(|by| by != job)) {
                    of_item.pop_front();
                }
                let (by, levels) = of_item.front_mut()?;
                *by = Some(job);
                answer["Count"] = json!(links.len() + levels.len());
                answer["Items"] = links.into_iter().chain(levels.clone()).collect();
                Some(answer)
            }
            _ => None,
        }
    }
}

fn text(attribute: &Value) -> &str {
    attribute["S"].as_str().unwrap_or_default()
}

/// The partition, where a request is for an item's levels.
fn item_asked(body: &Value) -> Option<String> {
    let values = body["ExpressionAttributeValues"].as_object()?;
    let texts: Vec<&str> = values.values().map(text).collect();
    let levels = texts.contains(&"LVL#~");
    texts.iter().find(|text| levels && text.contains("#I#")).map(|text| (*text).to_owned())
}

fn is_acknowledgement(operation: &str, body: &Value) -> bool {
    let expression = body["UpdateExpression"].as_str().unwrap_or_default();
    operation == "UpdateItem" && expression.contains("#q = :q, #v = :v, #t = :t REMOVE #fc")
}

fn before_page(gate: &Gate, job: JobId, now: Timestamp, body: &Value) -> Meddling {
    let looks = matches!(gate.role(job), Some(Role::OrderImport | Role::StockPush));
    if !looks || !text(&body["Key"]["sk"]).starts_with("CONSTATE#") {
        return Meddling::Nothing;
    }
    let update = json!({
        "TableName": body["TableName"], "Key": body["Key"],
        "UpdateExpression": "SET orders_watermark = :to",
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeValues": { ":to": { "N": now.as_nanosecond().to_string() } },
    });
    Meddling::AlsoAsk("UpdateItem", update)
}

fn puts_order_void_at_first(operation: &str, body: &Value) -> bool {
    let is_one = |row: &Value| {
        text(&row["pk"]).ends_with("#ORD") && text(&row["st"]) == "void" && row["version"]["N"] == "1"
    };
    match operation {
        "PutItem" => is_one(&body["Item"]),
        "TransactWriteItems" => {
            body["TransactItems"].as_array().into_iter().flatten().any(|item| is_one(&item["Put"]["Item"]))
        }
        _ => false,
    }
}

/// Nobody is asked whether the lease is still held.
fn unleased(body: &Value) -> Meddling {
    let of_lease = |item: &Value| text(&item["ConditionCheck"]["Key"]["sk"]).starts_with("LEASE#token-");
    let mut body = body.clone();
    if let Some(items) = body["TransactItems"].as_array_mut() {
        items.retain(|item| !of_lease(item));
    }
    Meddling::Ask(body)
}

/// What bundles are made of, for whoever takes an order.
fn per_line(role: Role, answer: &str) -> Option<Value> {
    if !matches!(role, Role::OrderImport | Role::Api) {
        return None;
    }
    let mut answer: Value = serde_json::from_str(answer).ok()?;
    let tables = answer["Responses"].as_object_mut()?;
    for row in tables.values_mut().filter_map(Value::as_array_mut).flatten() {
        let components = row.pointer_mut("/components/L").and_then(Value::as_array_mut);
        for quantity in components.into_iter().flatten().filter_map(|one| one.pointer_mut("/M/quantity")) {
            *quantity = json!({ "N": "1" });
        }
    }
    Some(answer)
}
