//! Amazon's own models (Swagger 2.0, and JSON schemas of feeds and notifications), as a judge of requests and answers.
//!
//! Stricter than they are written: an object that lists its properties may have no other. They are not part of this
//! repository; where they do not lie beside it, nothing is judged, and that is said once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Once;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Map, Value};

const FILES: [&str; 10] = [
    "listingsItems_2021-08-01.json",
    "orders_2026-01-01.json",
    "ordersV0.json",
    "feeds_2021-06-30.json",
    "reports_2021-06-30.json",
    "notifications.json",
    "sellers.json",
    "fbaInventory.json",
    "fulfillmentOutbound_2020-07-01.json",
    "fulfillmentInbound_2024-03-20.json",
];

static SAID: Once = Once::new();

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs/amazon")
}

/// One of Amazon's files.
pub fn file(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(folder().join(name)).ok();
    if text.is_none() {
        SAID.call_once(|| println!("skipped: Amazon's models do not lie beside the repository"));
    }
    Some(serde_json::from_str(&text?).expect("a model is JSON"))
}

pub struct Models(Vec<Value>);

/// An operation of a model.
pub struct Found<'a> {
    pub model: &'a Value,
    pub operation: &'a Value,
    parameters: Vec<&'a Value>,
    /// Of the path, by name.
    placed: BTreeMap<String, String>,
}

impl Models {
    pub fn beside_the_repository() -> Option<Self> {
        FILES.into_iter().map(file).collect::<Option<Vec<_>>>().map(Self)
    }

    /// The operation of a request.
    pub fn find(&self, method: &str, path: &str) -> Option<Found<'_>> {
        let asked: Vec<&str> = path.split('/').collect();
        for model in &self.0 {
            for (template, item) in model["paths"].as_object().unwrap() {
                let parts: Vec<&str> = template.split('/').collect();
                let Some(operation) = item.get(method.to_ascii_lowercase()) else { continue };
                let is_name = |part: &str| part.starts_with('{');
                let fits = parts.len() == asked.len()
                    && parts
                        .iter()
                        .zip(&asked)
                        .all(|(part, got)| is_name(part) && !got.is_empty() || part == got);
                if !fits {
                    continue;
                }
                let placed = parts.iter().zip(&asked).filter(|(part, _)| is_name(part));
                let placed =
                    placed.map(|(part, got)| (part.trim_matches(['{', '}']).to_owned(), (*got).to_owned()));
                let parameters =
                    operation["parameters"].as_array().into_iter().chain(item["parameters"].as_array());
                let parameters = parameters.flatten().map(|one| resolve(model, one)).collect();
                return Some(Found { model, operation, parameters, placed: placed.collect() });
            }
        }
        None
    }

    /// Panics where a request or its answer is not as the model says.
    pub fn check(&self, request: &Request<Bytes>, response: &Response<Bytes>) {
        let path = request.uri().path();
        if path.starts_with("/documents/") {
            return check_document(request, response);
        }
        // Login with Amazon has no model.
        if path == "/auth/o2/token" {
            return;
        }
        let name = format!("{} {path}", request.method());
        let found =
            self.find(request.method().as_str(), path).unwrap_or_else(|| panic!("{name} is in no model"));
        let mut problems = Vec::new();
        found.check_parameters(request, &mut problems);
        let status = response.status().as_u16();
        match found.operation["responses"].get(status.to_string()) {
            None => problems.push(format!("status {status} is not in the model")),
            Some(said) => match said.get("schema") {
                None => {}
                Some(schema) => match serde_json::from_slice::<Value>(response.body()) {
                    Ok(body) => judge(found.model, schema, &body, "answer", &mut problems),
                    Err(_) => problems.push("the answer is not JSON".to_owned()),
                },
            },
        }
        assert!(problems.is_empty(), "{name}: {}", problems.join("; "));
    }
}

impl Found<'_> {
    fn check_parameters(&self, request: &Request<Bytes>, problems: &mut Vec<String>) {
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let named =
            |name: &str| self.parameters.iter().find(|one| one["in"] == "query" && one["name"] == name);
        for (name, text) in &query {
            match named(name) {
                None => problems.push(format!("the query's {name} is not in the model")),
                Some(parameter) => judge(self.model, parameter, &as_value(parameter, text), name, problems),
            }
        }
        let body = (!request.body().is_empty()).then(|| serde_json::from_slice::<Value>(request.body()));
        for parameter in &self.parameters {
            let name = parameter["name"].as_str().unwrap_or_default();
            let there = match parameter["in"].as_str() {
                Some("query") => query.contains_key(name),
                Some("path") => {
                    let placed = self.placed.get(name);
                    placed.into_iter().for_each(|text| {
                        judge(self.model, parameter, &as_value(parameter, text), name, problems);
                    });
                    placed.is_some()
                }
                Some("body") => match &body {
                    Some(Ok(body)) => {
                        judge(self.model, &parameter["schema"], body, "body", problems);
                        true
                    }
                    Some(Err(_)) => {
                        problems.push("the body is not JSON".to_owned());
                        true
                    }
                    None => false,
                },
                _ => true,
            };
            if parameter["required"] == true && !there {
                problems.push(format!("{name} is missing"));
            }
        }
        if body.is_some() && !self.parameters.iter().any(|one| one["in"] == "body") {
            problems.push("there is a body, and none in the model".to_owned());
        }
    }
}

/// What is uploaded is a feed, what is downloaded a feed's result or a report.
fn check_document(request: &Request<Bytes>, response: &Response<Bytes>) {
    assert!(!request.headers().contains_key("x-amz-access-token"), "a token goes to a signed address");
    let (schema, body) = match request.method().as_str() {
        "PUT" => ("listings-feed-schema-v2.json", request.body()),
        _ if response.body().starts_with(b"{") => {
            ("listings-feed-processing-report-schema-v2.json", response.body())
        }
        _ => return,
    };
    if let Some(schema) = file(schema) {
        let mut problems = Vec::new();
        judge(&schema, &schema, &serde_json::from_slice(body).unwrap(), "document", &mut problems);
        assert!(problems.is_empty(), "{}", problems.join("; "));
    }
}

fn resolve<'a>(model: &'a Value, schema: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let target =
                model.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere");
            resolve(model, target)
        }
        None => schema,
    }
}

/// A parameter's text, as the value that it stands for.
fn as_value(parameter: &Value, text: &str) -> Value {
    match parameter["type"].as_str() {
        Some("array") => text.split(',').map(Value::from).collect(),
        Some("integer") => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
        Some("boolean") => text.parse::<bool>().map_or_else(|_| text.into(), Value::from),
        _ => text.into(),
    }
}

/// Holds a value to a schema. Words that the models use and these do not know: `oneOf`, `pattern`.
pub fn judge(model: &Value, schema: &Value, value: &Value, place: &str, problems: &mut Vec<String>) {
    let schema = resolve(model, schema);
    let mut wrong = |what: String| problems.push(format!("{place} {what}"));
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        wrong(format!("is {value}, none of the values"));
    }
    if let Some(only) = schema.get("const")
        && only != value
    {
        wrong(format!("is {value}, not {only}"));
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |kind: &str| match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is(kind)) {
        return wrong(format!("is not of type {}", kinds.join(" or ")));
    }
    if let (Some("date-time"), Some(text)) = (schema["format"].as_str(), value.as_str())
        && text.parse::<jiff::Timestamp>().is_err()
    {
        wrong(format!("is {text:?}, no time"));
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as u64;
        let short = schema["minLength"].as_u64().is_some_and(|least| length < least);
        let long = schema["maxLength"].as_u64().is_some_and(|most| length > most);
        if short || long {
            wrong(format!("has {length} characters"));
        }
    }
    if let Some(number) = value.as_i64() {
        let below = schema["minimum"].as_i64().is_some_and(|least| number < least);
        let above = schema["maximum"].as_i64().is_some_and(|most| number > most);
        if below || above {
            wrong(format!("is {number}, out of range"));
        }
    }
    if let Some(list) = value.as_array() {
        let few = schema["minItems"].as_u64().is_some_and(|least| (list.len() as u64) < least);
        let many = schema["maxItems"].as_u64().is_some_and(|most| list.len() as u64 > most);
        if few || many {
            wrong(format!("has {} entries", list.len()));
        }
        if let Some(items) = schema.get("items") {
            for (position, one) in list.iter().enumerate() {
                judge(model, items, one, &format!("{place}/{position}"), problems);
            }
        }
        return;
    }
    if let Some(fields) = value.as_object() {
        judge_object(model, schema, fields, place, problems);
    }
}

fn judge_object(
    model: &Value,
    schema: &Value,
    fields: &Map<String, Value>,
    place: &str,
    problems: &mut Vec<String>,
) {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            problems.push(format!("{place} has no {name}"));
        }
    }
    let Some(properties) = schema["properties"].as_object() else { return };
    for (name, one) in fields {
        match (properties.get(name), schema.get("additionalProperties")) {
            (Some(schema), _) => judge(model, schema, one, &format!("{place}/{name}"), problems),
            (None, None | Some(Value::Bool(false))) => {
                problems.push(format!("{place} has an unknown {name}"))
            }
            (None, Some(_)) => {}
        }
    }
}

/// The judge itself: each kind of mistake is one.
#[test]
fn the_judge_sees_each_mistake() {
    let model = serde_json::json!({ "definitions": { "Order": {
        "type": "object", "required": ["id"],
        "properties": {
            "id": {"type": "string"}, "at": {"type": "string", "format": "date-time"},
            "state": {"type": "string", "enum": ["A", "B"]}, "units": {"type": "integer", "minimum": 0},
            "lines": {"type": "array", "maxItems": 1, "items": {"type": "string"}},
            "code": {"type": "string", "minLength": 2, "maxLength": 3},
        },
    }}});
    let schema = serde_json::json!({ "$ref": "#/definitions/Order" });
    let table = [
        (
            serde_json::json!({"id": "1", "at": "2026-01-01T00:00:00Z", "state": "A", "units": 0, "lines": ["x"]}),
            0,
        ),
        (serde_json::json!({}), 1),
        (serde_json::json!({"id": 1}), 1),
        (serde_json::json!({"id": "1", "more": 1}), 1),
        (serde_json::json!({"id": "1", "at": "soon"}), 1),
        (serde_json::json!({"id": "1", "state": "C"}), 1),
        (serde_json::json!({"id": "1", "code": "éé"}), 0),
        (serde_json::json!({"id": "1", "code": "e"}), 1),
        (serde_json::json!({"id": "1", "code": "eeee"}), 1),
        (serde_json::json!({"id": "1", "units": -1}), 1),
        (serde_json::json!({"id": "1", "units": 1.5}), 1),
        (serde_json::json!({"id": "1", "lines": ["x", 2]}), 2),
        (serde_json::json!([]), 1),
    ];
    for (value, count) in table {
        let mut problems = Vec::new();
        judge(&model, &schema, &value, "it", &mut problems);
        assert_eq!(problems.len(), count, "{value}: {problems:?}");
    }
}
