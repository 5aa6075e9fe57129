//! The document and the routes are one.

use serde_json::Value;

use crate::world::World;

/// Compares with the file; with `UPDATE_OPENAPI=1` in the environment, writes it instead.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn the_file_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/openapi.json");
    let document = api::openapi_json();
    if std::env::var("UPDATE_OPENAPI").is_ok() {
        std::fs::write(path, &document).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == document,
        "infra/openapi.json is not what the code says: UPDATE_OPENAPI=1 cargo test -p api openapi"
    );
}

#[tokio::test]
async fn every_reference_of_the_document_leads_somewhere() {
    let world = World::new().await;
    let document = world.get("/openapi.json").await.ok();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let place = document.pointer(reference.trim_start_matches('#'));
        assert!(place.is_some(), "{reference}");
    }
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["responses"]["default"].is_object(), "{method} {path}");
            assert_eq!(operation.get("security").is_some(), path.starts_with("/v1/"), "{method} {path}");
        }
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                references.push(reference.clone());
            }
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}
