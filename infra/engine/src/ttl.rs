//! Expiry by TTL, on the caller's clock.

use serde_json::{Value, json};

use crate::Engine;
use crate::dispatch::{self, Refusal};
use crate::error::EngineError;
use crate::token::Tokens;

/// DynamoDB leaves items alone whose time lies more than five years back.
const OLDEST_EXPIRY_S: i64 = 5 * 365 * 24 * 60 * 60;

/// Items looked at while other requests wait.
const PAGE: u32 = 200;

impl Engine {
    /// Deletes the items of `table` whose number `attribute` (seconds since the epoch) is before
    /// `now`, and answers how many. Their stream records carry the `userIdentity` of the TTL
    /// service. Reads the whole table, page by page, so run it in minutes rather than seconds;
    /// like TTL on AWS it is not metered.
    pub fn sweep_expired(&self, table: &str, attribute: &str, now: i64) -> Result<usize, EngineError> {
        let keys = self.key_names(table)?;
        let mut start = Value::Null;
        let mut deleted = 0;
        loop {
            let (in_page, next) = self.sweep_page(table, attribute, now, &keys, start)?;
            deleted += in_page;
            match next {
                Some(next) => start = next,
                None => return Ok(deleted),
            }
        }
    }

    fn sweep_page(
        &self,
        table: &str,
        attribute: &str,
        now: i64,
        keys: &[String],
        start: Value,
    ) -> Result<(usize, Option<Value>), EngineError> {
        let mut private = self.lock();
        let before = private.last_row()?;
        let mut scan = json!({
            "TableName": table,
            "Limit": PAGE,
            "FilterExpression":
                "attribute_type(#expires, :number) AND #expires BETWEEN :oldest AND :now",
            "ExpressionAttributeNames": { "#expires": attribute },
            "ExpressionAttributeValues": {
                ":number": { "S": "N" },
                ":oldest": { "N": now.saturating_sub(OLDEST_EXPIRY_S).to_string() },
                ":now": { "N": now.saturating_sub(1).to_string() },
            },
        });
        if let (Some(fields), false) = (scan.as_object_mut(), start.is_null()) {
            fields.insert("ExclusiveStartKey".to_owned(), start);
        }
        let page = self.call(&mut private, "Scan", &scan)?;
        let items = page.get("Items").and_then(Value::as_array);
        let mut deleted = 0;
        for item in items.into_iter().flatten() {
            let key: serde_json::Map<String, Value> =
                keys.iter().filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect();
            let delete = json!({ "TableName": table, "Key": key });
            self.call(&mut private, "DeleteItem", &delete)?;
            deleted += 1;
        }
        private.mark_expired(table, before)?;
        self.stamp(&mut private);
        Ok((deleted, page.get("LastEvaluatedKey").cloned()))
    }

    fn key_names(&self, table: &str) -> Result<Vec<String>, EngineError> {
        let mut private = self.lock();
        let request = json!({ "TableName": table });
        let answer = self.call(&mut private, "DescribeTable", &request)?;
        let schema =
            answer.pointer("/Table/KeySchema").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(schema.iter().filter_map(|key| Some(key.get("AttributeName")?.as_str()?.to_owned())).collect())
    }

    /// Runs one operation under the lock that `_held` proves.
    fn call(
        &self,
        _held: &mut crate::PrivateTables,
        operation: &str,
        request: &Value,
    ) -> Result<Value, EngineError> {
        let answer =
            dispatch::run(&self.inner.database, &mut Tokens::default(), operation, &request.to_string())
                .map_err(|Refusal { body, .. }| EngineError::Refused(body))?;
        Ok(serde_json::from_str(&answer)?)
    }
}
