//! Every document of the Shopify adapter holds against Shopify's schema, and costs what it is admitted for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use apollo_compiler::ast::Type;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::response::JsonMap;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use channels::shopify::{OPERATIONS, Operation};
use marketplace_sim::shopify::{cost, schema};
use serde_json::{Value, json};

/// The whole of Shopify's schema is not part of this repository; it is used where it lies beside it.
fn whole_schema() -> Option<Valid<Schema>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/specs/shopify/admin_2026-10.graphql");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: there is no admin_2026-10.graphql beside the repository");
        return None;
    };
    // The printed schema uses the directive and does not define it.
    let text = format!("{text}\ndirective @oneOf on INPUT_OBJECT\n");
    match Schema::parse_and_validate(text, "admin_2026-10.graphql") {
        Ok(schema) => Some(schema),
        Err(e) => panic!("{}", e.errors),
    }
}

/// Variables of the most that an operation ever asks for.
fn variables(operation: &Operation) -> Value {
    let gids = |kind: &str, count: usize| -> Vec<String> {
        (0..count).map(|n| format!("gid://shopify/{kind}/{n}")).collect()
    };
    match operation.name {
        "identify the shop" => json!({}),
        "list locations" => json!({}),
        "fetch where orders are shipped from" => json!({ "ids": gids("Order", 10) }),
        "stock goods at a location" => json!({ "item": "i", "location": "l", "available": 3, "key": "k" }),
        "fetch a page of listings" => json!({ "first": 240, "after": null, "query": null }),
        "fetch a page of orders" => {
            json!({ "first": 10, "after": "c", "query": "updated_at:>='2026-01-01T00:00:00Z'" })
        }
        "fetch orders by id" => json!({ "ids": gids("Order", 10) }),
        "read stock" => {
            json!({ "ids": gids("InventoryItem", 250), "locationId": "gid://shopify/Location/1" })
        }
        "set stock" => json!({ "key": "k", "input": {
            "name": "available", "reason": "correction", "referenceDocumentUri": "gid://masterstock/StockPush/k",
            "quantities": [
                { "inventoryItemId": "i", "locationId": "l", "quantity": 3, "changeFromQuantity": null },
                { "inventoryItemId": "j", "locationId": "l", "quantity": 3, "changeFromQuantity": 4 },
            ],
        }}),
        "list webhook subscriptions" => {
            json!({ "uri": "https://example.com", "topics": ["ORDERS_CREATE", "APP_UNINSTALLED"] })
        }
        "create a webhook subscription" => json!({ "topic": "ORDERS_EDITED", "subscription": {
            "uri": "https://example.com", "format": "JSON", "includeFields": ["id"] } }),
        "tell the channel of a shipment" => json!({ "fulfillment": {
            "lineItemsByFulfillmentOrder": [{
                "fulfillmentOrderId": "gid://shopify/FulfillmentOrder/1",
                "fulfillmentOrderLineItems": [{ "id": "gid://shopify/FulfillmentOrderLineItem/1", "quantity": 2 }],
            }],
            "notifyCustomer": true,
            "trackingInfo": { "company": "DHL (shipment 2)", "number": null },
        }}),
        _ => json!({ "id": "gid://shopify/Order/1", "after": null }),
    }
}

fn check(schema: &Valid<Schema>, operation: &Operation) -> (Valid<ExecutableDocument>, Valid<JsonMap>) {
    let document = ExecutableDocument::parse_and_validate(schema, operation.document, "document.graphql")
        .unwrap_or_else(|e| panic!("{}: {}", operation.name, e.errors));
    let given: JsonMap = serde_json::from_value(variables(operation)).unwrap();
    let one = document.operations.iter().next().unwrap();
    let coerced = coerce_variable_values(schema, one, &given)
        .unwrap_or_else(|e| panic!("{}: {}", operation.name, e.message()));
    (document, coerced)
}

#[test]
fn documents_hold_against_the_vendored_schema_and_cost_what_they_say() {
    for operation in OPERATIONS {
        let (document, variables) = check(schema(), operation);
        assert_eq!(
            cost::requested(schema(), &document, &variables),
            u64::from(operation.cost),
            "{}",
            operation.name
        );
        assert!(u64::from(operation.cost) <= cost::SINGLE_QUERY_MAX);
    }
}

#[test]
fn a_wrong_document_and_wrong_variables_are_seen() {
    let wrong = "query { productVariants(first: 1) { nodes { colour } } }";
    assert!(ExecutableDocument::parse_and_validate(schema(), wrong, "wrong.graphql").is_err());
    let set = OPERATIONS.iter().find(|operation| operation.name == "set stock").unwrap();
    let (document, _) = check(schema(), set);
    let one = document.operations.iter().next().unwrap();
    for wrong in [
        json!({ "key": "k", "input": { "name": "available", "reason": "r" } }),
        json!({ "key": "k", "input": { "name": "available", "reason": "r", "quantities": [], "ignoreCompareQuantity": true } }),
        json!({ "input": { "name": "available", "reason": "r", "quantities": [] } }),
    ] {
        let given: JsonMap = serde_json::from_value(wrong.clone()).unwrap();
        assert!(coerce_variable_values(schema(), one, &given).is_err(), "{wrong}");
    }
}

#[test]
fn documents_hold_against_the_whole_schema() {
    let Some(whole) = whole_schema() else { return };
    for operation in OPERATIONS {
        check(&whole, operation);
    }
}

#[test]
fn the_vendored_schema_is_a_part_of_the_whole() {
    let Some(whole) = whole_schema() else { return };
    let arguments = |field: &apollo_compiler::schema::FieldDefinition| -> Vec<(String, Type)> {
        field
            .arguments
            .iter()
            .map(|argument| (argument.name.to_string(), argument.ty.as_ref().clone()))
            .collect()
    };
    for (name, part) in &schema().types {
        let of = whole.types.get(name).unwrap_or_else(|| panic!("{name} is not Shopify's"));
        match (part, of) {
            (ExtendedType::Object(_) | ExtendedType::Interface(_), _) => {
                let (part, of) = (fields(part), fields(of));
                for (field, definition) in part {
                    let of = of.get(field).unwrap_or_else(|| panic!("{name}.{field} is not Shopify's"));
                    assert_eq!(definition.ty, of.ty, "{name}.{field}");
                    assert_eq!(arguments(definition), arguments(of), "{name}.{field}");
                }
            }
            (ExtendedType::InputObject(part), ExtendedType::InputObject(of)) => {
                let listed = |input: &apollo_compiler::schema::InputObjectType| -> Vec<(String, Type)> {
                    input
                        .fields
                        .iter()
                        .map(|(name, field)| (name.to_string(), field.ty.as_ref().clone()))
                        .collect()
                };
                assert_eq!(listed(part), listed(of), "{name}");
            }
            (ExtendedType::Enum(part), ExtendedType::Enum(of)) => {
                assert!(part.values.keys().eq(of.values.keys()), "{name}");
            }
            (ExtendedType::Scalar(_), ExtendedType::Scalar(_)) => {}
            _ => panic!("{name} is of another kind"),
        }
    }
}

type Fields = apollo_compiler::collections::IndexMap<
    apollo_compiler::Name,
    apollo_compiler::schema::Component<apollo_compiler::schema::FieldDefinition>,
>;

fn fields(ty: &ExtendedType) -> &Fields {
    match ty {
        ExtendedType::Object(object) => &object.fields,
        ExtendedType::Interface(interface) => &interface.fields,
        other => panic!("{} has no fields", other.name()),
    }
}
