//! Answers as WordPress gives them: JSON, counts and links in headers, errors with a code.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

/// A refusal, or what came of a request.
pub(super) type Outcome = Result<Answer, Refusal>;

#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub body: Value,
    pub headers: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// Beside the status.
    pub data: Map<String, Value>,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body, headers: Vec::new() }
    }

    pub fn created(body: Value, location: String) -> Self {
        Self { status: 201, body, headers: vec![("location", location)] }
    }
}

impl Refusal {
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), data: Map::new() }
    }

    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.data.insert(name.to_owned(), value);
        self
    }

    /// A parameter of a wrong type or range.
    pub fn parameter(name: &str, message: &str) -> Self {
        Self::new(400, "rest_invalid_param", &format!("Invalid parameter(s): {name}"))
            .with("params", json!({ name: message }))
    }

    pub fn no_route() -> Self {
        Self::new(404, "rest_no_route", "No route was found matching the URL and request method.")
    }

    pub fn body(&self) -> Value {
        let mut data = Map::from_iter([("status".to_owned(), json!(self.status))]);
        data.extend(self.data.clone());
        json!({ "code": self.code, "message": self.message, "data": data })
    }
}

/// The answer on the wire, reduced to `fields` where they are asked for.
pub(super) fn respond(outcome: Outcome, fields: Option<&str>) -> Response<Bytes> {
    let answer = match outcome {
        Ok(answer) => Answer { body: reduced(answer.body, fields), ..answer },
        Err(refusal) => Answer { status: refusal.status, body: refusal.body(), headers: Vec::new() },
    };
    let mut response = Response::new(Bytes::from(answer.body.to_string()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert("content-type", http::HeaderValue::from_static("application/json; charset=UTF-8"));
    for (name, value) in answer.headers {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    response
}

/// `_fields`: of each record of a list, or of the outer object, which leaves nothing of a batch.
fn reduced(body: Value, fields: Option<&str>) -> Value {
    let Some(fields) = fields else { return body };
    match body {
        Value::Array(records) => records.into_iter().map(|record| picked(&record, fields)).collect(),
        record => picked(&record, fields),
    }
}

fn picked(record: &Value, fields: &str) -> Value {
    let mut out = Map::new();
    for field in fields.split(',') {
        let (name, inner) =
            field.trim().split_once('.').map_or((field.trim(), None), |(name, inner)| (name, Some(inner)));
        let Some(value) = record.get(name) else { continue };
        match inner {
            None => drop(out.insert(name.to_owned(), value.clone())),
            Some(inner) => {
                let entry = out.entry(name).or_insert_with(|| json!({}));
                if let (Some(entry), Value::Object(found)) = (entry.as_object_mut(), picked(value, inner)) {
                    entry.extend(found);
                }
            }
        }
    }
    // PHP writes an empty map as a list.
    if out.is_empty() { json!([]) } else { Value::Object(out) }
}
