//! The OpenAPI document: what the handlers say of themselves, and what is true of all of them.

use serde_json::{Map, Value, json};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};

use crate::problem::MEDIA_TYPE;

pub fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Masterstock")
        .version("1")
        .description(Some("One master stock, every sales channel."))
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// With the one schema that no handler names: every handler may answer with it.
pub fn problem_schema() -> OpenApi {
    #[derive(utoipa::OpenApi)]
    #[openapi(components(schemas(crate::problem::ProblemBody)))]
    struct Problems;
    let mut document = base();
    document.merge(<Problems as utoipa::OpenApi>::openapi());
    document
}

/// The document as it is served and kept in `infra/openapi.json`.
pub fn complete(document: &OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    let schemas = pointer_object(&mut document, &["components"]);
    schemas.insert(
        "securitySchemes".to_owned(),
        json!({"key": {"type": "http", "scheme": "bearer", "description":
            "A key with the scopes `read`, `write`, `admin` and `pii` as needed; the operator's for `/v1/organizations`."}}),
    );
    let paths = pointer_object(&mut document, &["paths"]);
    for (path, methods) in paths {
        let Some(methods) = methods.as_object_mut() else { continue };
        for (method, operation) in methods {
            if let Some(operation) = operation.as_object_mut() {
                complete_operation(path, method, operation);
            }
        }
    }
    document
}

fn complete_operation(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    if let Some(responses) = responses.as_object_mut() {
        responses.insert(
            "default".to_owned(),
            json!({"description": "What went wrong", "content": {MEDIA_TYPE: {"schema": problem}}}),
        );
    }
    if !path.starts_with("/v1/") {
        return;
    }
    operation.insert("security".to_owned(), json!([{"key": []}]));
    let header = match method {
        // May be repeated as it is, and is kept nowhere.
        "post" if path.starts_with("/v1/privacy/") => return,
        // Of a channel's server, which knows nothing of it.
        "post" if path == "/v1/oauth/callback" => return,
        "post" => ("Idempotency-Key", "The first answer again for the same key and request; kept 24 hours."),
        "patch" | "put" | "delete" => {
            ("If-Match", "The `ETag` of what is to be changed; 412 where it is another.")
        }
        _ => return,
    };
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        parameters.push(json!({
            "name": header.0, "in": "header", "required": false, "description": header.1,
            "schema": {"type": "string"}
        }));
    }
}

fn pointer_object<'v>(value: &'v mut Value, keys: &[&str]) -> &'v mut Map<String, Value> {
    let mut place = value;
    for key in keys {
        place = &mut place[*key];
    }
    if !place.is_object() {
        *place = json!({});
    }
    match place {
        Value::Object(object) => object,
        // Made one above.
        _ => unreachable!("an object was put here"),
    }
}
