//! A validator of calls and answers by eBay's own OpenAPI documents, with their objects closed: a field that a document does
//! not name is an error, though eBay's documents themselves never say so.
//!
//! eBay's documents have neither `required` nor `enum`, and say «text» of aspects, which are objects of lists.

use http::{Method, Request, Response};
use serde_json::{Value, json};

use bytes::Bytes;

/// One API's document.
pub struct Document {
    name: String,
    base: String,
    json: Value,
}

/// Fields that the documents misdescribe.
const MISDESCRIBED: [&str; 1] = ["aspects"];

impl Document {
    pub fn new(name: &str, json: Value) -> Self {
        let base = json["servers"][0]["variables"]["basePath"]["default"].as_str().unwrap().to_owned();
        Self { name: name.to_owned(), base, json }
    }

    /// Whether the call is one of this API.
    pub fn has(&self, request: &Request<Bytes>) -> bool {
        request.uri().path().starts_with(&self.base)
    }

    /// The call's name, if it and its answer are as the document says.
    pub fn check(&self, request: &Request<Bytes>, response: &Response<Bytes>) -> Result<String, String> {
        let (operation, name) = self.operation(request)?;
        let of_query = |parameter: &&Value| parameter["in"] == "query";
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let known: Vec<&Value> = parameters.iter().filter(of_query).collect();
        let query = request.uri().query().unwrap_or_default();
        for (field, _) in url::form_urlencoded::parse(query.as_bytes()) {
            if !known.iter().any(|parameter| parameter["name"] == field.as_ref()) {
                return Err(format!("{name}: the query has no {field}"));
            }
        }
        let required = parameters.iter().filter(|parameter| parameter["required"] == true);
        for parameter in required.filter(|parameter| parameter["in"] == "header") {
            let header = parameter["name"].as_str().unwrap();
            if !request.headers().contains_key(header) {
                return Err(format!("{name}: {header} is missing"));
            }
        }
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        match (schema.is_null(), request.body().is_empty()) {
            (true, false) => return Err(format!("{name}: a body is not expected")),
            (false, true) => return Err(format!("{name}: the body is missing")),
            (true, true) => {}
            (false, false) => {
                let body: Value =
                    serde_json::from_slice(request.body()).map_err(|e| format!("{name}: {e}"))?;
                self.value(schema, &body, &format!("{name} body"))?;
            }
        }
        let status = response.status().as_u16();
        let responses = &operation["responses"];
        if responses[status.to_string()].is_null() {
            // Errors that every API has are in none of the documents.
            let general = matches!(status, 401 | 403 | 404 | 409 | 429);
            return if general { Ok(name) } else { Err(format!("{name}: {status} is not documented")) };
        }
        if status >= 400 || response.body().is_empty() {
            return Ok(name);
        }
        // Of 207 the documents say nothing: it has what 200 has.
        let documented = if status == 207 { &responses["200"] } else { &responses[status.to_string()] };
        let schema = &documented["content"]["application/json"]["schema"];
        let body: Value = serde_json::from_slice(response.body()).map_err(|e| format!("{name}: {e}"))?;
        self.value(schema, &body, &format!("{name} answer"))?;
        Ok(name)
    }

    fn operation(&self, request: &Request<Bytes>) -> Result<(&Value, String), String> {
        let path = request.uri().path().strip_prefix(&self.base).unwrap_or_default();
        let method = request.method().as_str().to_lowercase();
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let of_template: Vec<&str> = template.split('/').collect();
            of_template.len() == parts.len()
                && of_template
                    .iter()
                    .zip(&parts)
                    .all(|(one, part)| one == part || one.starts_with('{') && !part.is_empty())
        };
        // What is named wins over what is any.
        let mut templates: Vec<&String> =
            self.json["paths"].as_object().unwrap().keys().filter(|template| fits(template)).collect();
        templates.sort_by_key(|template| template.matches('{').count());
        let found = templates.first().map(|template| &self.json["paths"][template.as_str()][&method]);
        match found {
            Some(operation) if !operation.is_null() => {
                let name = operation["operationId"].as_str().unwrap_or_default();
                Ok((operation, format!("{} {name}", self.name)))
            }
            _ => Err(format!("{}: there is no {method} {path}", self.name)),
        }
    }

    fn value(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.json.pointer(reference.trim_start_matches('#'));
            let target = target.ok_or_else(|| format!("{at}: {reference} leads nowhere"))?;
            return self.value(target, value, at);
        }
        let right = match schema["type"].as_str() {
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") | None => value.is_object(),
            Some(_) => false,
        };
        if !right {
            return Err(format!("{at}: {value} is no {}", schema["type"]));
        }
        for (position, item) in value.as_array().into_iter().flatten().enumerate() {
            self.value(&schema["items"], item, &format!("{at}/{position}"))?;
        }
        let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
        for (name, field) in value.as_object().into_iter().flatten() {
            let at = format!("{at}/{name}");
            match properties.get(name) {
                None => return Err(format!("{at} is not documented")),
                Some(_) if MISDESCRIBED.contains(&name.as_str()) => {
                    let lists = field.as_object().is_some_and(|lists| lists.values().all(Value::is_array));
                    if !lists {
                        return Err(format!("{at}: {field} is no object of lists"));
                    }
                }
                Some(schema) => self.value(schema, field, &at)?,
            }
        }
        Ok(())
    }
}

/// Where eBay's documents are: not part of this repository, they are used where they lie beside it, or where the
/// environment says.
pub fn documents() -> Option<Vec<Document>> {
    const FILES: [&str; 4] =
        ["sell_inventory_v1", "sell_fulfillment_v1", "commerce_notification_v1", "commerce_identity_v1"];
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/specs");
    let folder = std::env::var_os("MASTERSTOCK_TEST_SPECS").unwrap_or_else(|| beside.into());
    let folder = std::path::Path::new(&folder).join("ebay");
    let mut found = Vec::new();
    for file in FILES {
        let path = folder.join(format!("{file}_oas3.json"));
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("skipped: there is no {file}_oas3.json beside the repository");
            return None;
        };
        found.push(Document::new(file, serde_json::from_str(&text).unwrap()));
    }
    Some(found)
}

fn small() -> Document {
    let string = json!({ "type": "string" });
    let thing = json!({ "type": "object", "properties": {
        "id": string, "count": { "type": "integer" }, "parts": { "type": "array", "items": string }, "aspects": string,
    }});
    let content = json!({ "application/json": { "schema": { "description": "d", "$ref": "#/components/schemas/Thing" } } });
    Document::new(
        "small",
        json!({
            "servers": [{ "variables": { "basePath": { "default": "/v1" } } }],
            "components": { "schemas": { "Thing": thing } },
            "paths": {
                "/thing/{id}": { "get": { "operationId": "getThing", "parameters": [{ "in": "query", "name": "limit" }],
                    "responses": { "200": { "content": content } } } },
                "/thing/all": { "post": { "operationId": "postAll", "requestBody": { "content": content },
                    "parameters": [{ "in": "header", "name": "Content-Type", "required": true }],
                    "responses": { "200": { "content": content }, "207": {} } } },
            },
        }),
    )
}

#[track_caller]
fn judged(method: Method, uri: &str, body: &'static str, status: u16, answer: &'static str) -> bool {
    let request = Request::builder()
        .method(method)
        .uri(format!("https://x{uri}"))
        .header("content-type", "application/json")
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap();
    let response = Response::builder().status(status).body(Bytes::from_static(answer.as_bytes())).unwrap();
    small().check(&request, &response).is_ok()
}

/// The validator's own test: whatever else is not there, it tells right from wrong.
#[test]
fn the_validator_tells_right_from_wrong() {
    let table = [
        (Method::GET, "/v1/thing/7?limit=1", "", 200, r#"{"id":"7","aspects":{"a":["b"]}}"#, true),
        (Method::GET, "/v1/thing/7?size=1", "", 200, "{}", false),
        (Method::GET, "/v1/thing/7", "{}", 200, "{}", false),
        (Method::GET, "/v1/other/7", "", 200, "{}", false),
        (Method::GET, "/v1/thing/7", "", 200, r#"{"ids":"7"}"#, false),
        (Method::GET, "/v1/thing/7", "", 200, r#"{"count":"7"}"#, false),
        (Method::GET, "/v1/thing/7", "", 200, r#"{"aspects":"a"}"#, false),
        (Method::GET, "/v1/thing/7", "", 200, r#"{"parts":[7]}"#, false),
        (Method::GET, "/v1/thing/7", "", 418, "{}", false),
        (Method::POST, "/v1/thing/all", r#"{"count":1}"#, 207, r#"{"count":1}"#, true),
        (Method::POST, "/v1/thing/all", r#"{"counts":1}"#, 200, "{}", false),
        (Method::POST, "/v1/thing/all", "", 200, "{}", false),
        (Method::POST, "/v1/thing/all", "{}", 207, r#"{"x":1}"#, false),
        (Method::DELETE, "/v1/thing/all", "", 200, "{}", false),
    ];
    for (method, uri, body, status, answer, right) in table {
        assert_eq!(
            judged(method.clone(), uri, body, status, answer),
            right,
            "{method} {uri} {body} {status} {answer}"
        );
    }
}
