//! From a request's body to the answer: validation, cost, execution.

use std::sync::OnceLock;

use apollo_compiler::executable::{OperationType, Selection};
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::{GraphQLError, JsonMap, JsonValue};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::cost;
use super::resolve::Root;
use super::state::State;

/// Shopify's own schema, cut down to what we use.
const SDL: &str = include_str!("../../../fixtures/shopify/admin_2026-10.reduced.graphql");

pub fn schema() -> &'static Valid<Schema> {
    static SCHEMA: OnceLock<Valid<Schema>> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        Schema::parse_and_validate(SDL, "admin_2026-10.reduced.graphql").expect("a valid schema")
    })
}

/// What the shop serves: Shopify answers for a version that it supports no longer with a newer one, where an enum may have
/// one more value.
fn served() -> &'static Valid<Schema> {
    static SCHEMA: OnceLock<Valid<Schema>> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let newer = format!("{SDL}\nextend enum OrderDisplayFinancialStatus {{ {UNKNOWN_STATUS} }}\n");
        Schema::parse_and_validate(newer, "newer.graphql").expect("a valid schema")
    })
}

/// A financial status that is not in the version that was asked for.
pub(super) const UNKNOWN_STATUS: &str = "BARTERED";

#[derive(Deserialize)]
struct Body {
    query: String,
    #[serde(default)]
    variables: Option<JsonMap>,
}

fn document(query: &str) -> Result<Valid<ExecutableDocument>, Vec<String>> {
    ExecutableDocument::parse_and_validate(served(), query, "query.graphql")
        .map_err(|e| e.errors.iter().map(|error| error.error.to_string()).collect())
}

/// What a body asks for: `query orders`, `mutation inventorySetQuantities`.
pub(super) fn name(body: &[u8]) -> String {
    let document = serde_json::from_slice::<Body>(body).ok().and_then(|body| document(&body.query).ok());
    let name = document.as_ref().and_then(|document| {
        let operation = document.operations.iter().next()?;
        let kind = if operation.operation_type == OperationType::Mutation { "mutation" } else { "query" };
        let fields = operation.selection_set.selections.iter().filter_map(|selection| match selection {
            Selection::Field(field) => Some(field.name.as_str()),
            _ => None,
        });
        Some(format!("{kind} {}", fields.collect::<Vec<_>>().join(" ")))
    });
    name.unwrap_or_else(|| "unreadable".to_owned())
}

fn refusal(message: impl Into<String>, code: &str) -> Value {
    json!({ "errors": [{ "message": message.into(), "extensions": { "code": code } }] })
}

pub(super) fn run(state: &mut State, body: &[u8], now: Timestamp) -> Value {
    let Ok(body) = serde_json::from_slice::<Body>(body) else {
        return refusal("The request body is not JSON with a query.", "BAD_REQUEST");
    };
    let document = match document(&body.query) {
        Ok(document) => document,
        Err(errors) => return refusal(errors.join("; "), "undefinedField"),
    };
    let Some(operation) = document.operations.iter().next() else {
        return refusal("No operation", "BAD_REQUEST");
    };
    let variables = match coerce_variable_values(served(), operation, &body.variables.unwrap_or_default()) {
        Ok(variables) => variables,
        Err(e) => return refusal(e.message().to_string(), "INVALID_VARIABLE"),
    };
    if let Some(length) = longest_array(&variables).filter(|length| *length > 250) {
        let message = format!("The input array size of {length} is greater than the maximum allowed of 250.");
        return refusal(message, "MAX_INPUT_SIZE_EXCEEDED");
    }
    let requested = cost::requested(served(), &document, &variables);
    if requested > cost::SINGLE_QUERY_MAX {
        let message =
            format!("Query cost is {requested}, which exceeds the single query max cost limit (1000).");
        return refusal(message, "MAX_COST_EXCEEDED");
    }
    if !state.bucket.reserve(requested, now) {
        let mut refused = refusal("Throttled", "THROTTLED");
        refused["extensions"] = json!({ "cost": state.bucket.report(requested, None) });
        return refused;
    }
    let mutation = operation.operation_type == OperationType::Mutation;
    let root = Root::new(state, mutation, &variables, now);
    let executed =
        Execution::new(served(), &document).coerced_variable_values(&variables).execute_sync(&root);
    let response = match executed {
        Ok(response) => response,
        Err(e) => return refusal(e.message().to_string(), "BAD_REQUEST"),
    };
    let actual = response.data.as_ref().map_or(0, |data| cost::actual(data, mutation)).min(requested);
    state.bucket.refund(requested, actual);
    let mut answer = json!({
        "data": response.data,
        "extensions": { "cost": state.bucket.report(requested, Some(actual)) },
    });
    if !response.errors.is_empty() {
        answer["errors"] = response.errors.iter().map(with_code).collect();
    }
    answer
}

/// A resolver's error is `CODE: message`.
fn with_code(error: &GraphQLError) -> Value {
    let message = error.message.trim_start_matches("resolver error: ");
    let (code, message) = message.split_once(": ").unwrap_or(("INTERNAL_SERVER_ERROR", message));
    json!({ "message": message, "path": error.path, "extensions": { "code": code } })
}

fn longest_array(variables: &JsonMap) -> Option<usize> {
    fn longest(value: &JsonValue) -> usize {
        match value {
            JsonValue::Array(list) => list.len().max(list.iter().map(longest).max().unwrap_or(0)),
            JsonValue::Object(map) => map.values().map(longest).max().unwrap_or(0),
            _ => 0,
        }
    }
    variables.values().map(longest).max()
}

#[cfg(test)]
mod tests {
    use super::super::bucket::Bucket;
    use super::super::tokens::{Access, Tokens};
    use super::*;
    use crate::Goods;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn state() -> State {
        let mut state = State::new(Tokens::new(Access::Lasting), Bucket::new(2_000, 100, at(0)));
        let goods =
            Goods { title: "Mug".to_owned(), price: "1".to_owned(), quantity: Some(5), ..Goods::default() };
        state.add(goods, at(0));
        state
    }

    fn ask(state: &mut State, query: &str, variables: Value) -> Value {
        run(state, json!({ "query": query, "variables": variables }).to_string().as_bytes(), at(0))
    }

    #[test]
    fn aliases_fragments_and_literals_are_honoured() {
        let query = "query { mugs: productVariants(first: 1) { nodes { ...F number: inventoryQuantity } } }
            fragment F on ProductVariant { product { title } __typename }";
        let answer = ask(&mut state(), query, json!({}));
        let mug = &answer["data"]["mugs"]["nodes"][0];
        assert_eq!(
            mug,
            &json!({ "product": { "title": "Mug" }, "__typename": "ProductVariant", "number": 5 })
        );
    }

    #[test]
    fn what_shopify_refuses_is_refused() {
        let set = |quantities: Value| json!({ "input": { "name": "available", "reason": "correction", "quantities": quantities } });
        let entry = json!({ "inventoryItemId": "gid://shopify/InventoryItem/1", "locationId": "gid://shopify/Location/501",
            "quantity": 1, "changeFromQuantity": null });
        let uncompared = json!([{ "inventoryItemId": "i", "locationId": "l", "quantity": 1 }]);
        let mutation = |directive: &str| {
            format!(
                "mutation($input: InventorySetQuantitiesInput!) {{ inventorySetQuantities(input: $input) {directive} {{ userErrors {{ code }} }} }}"
            )
        };
        let keyed = mutation(r#"@idempotent(key: "k")"#);
        let table = [
            ("query { colour }".to_owned(), json!({}), "undefinedField"),
            ("query { productVariants { nodes { id } } }".to_owned(), json!({}), "BAD_REQUEST"),
            ("query { locations(first: 251) { nodes { id } } }".to_owned(), json!({}), "BAD_REQUEST"),
            ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }".to_owned(), json!({ "ids": vec!["x"; 251] }), "MAX_INPUT_SIZE_EXCEEDED"),
            ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }".to_owned(), json!({}), "INVALID_VARIABLE"),
            ("query { orders(first: 250, sortKey: UPDATED_AT) { edges { node { lineItems(first: 5) { nodes { id } } } } } }".to_owned(), json!({}), "MAX_COST_EXCEEDED"),
            (mutation(""), set(json!([entry])), "BAD_REQUEST"),
            (keyed.clone(), set(uncompared), "BAD_REQUEST"),
            (keyed, set(json!(vec![entry; 251])), "MAX_INPUT_SIZE_EXCEEDED"),
        ];
        for (query, variables, code) in table {
            let answer = ask(&mut state(), &query, variables);
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{query}: {answer}");
        }
    }

    #[test]
    fn a_status_of_a_newer_version_is_served_and_cannot_be_asked_for_in_ours() {
        assert!(schema().get_enum("OrderDisplayFinancialStatus").is_some());
        let mut state = state();
        let sold = crate::Sold { external_id: "1001".to_owned(), variation_id: Some("1002".to_owned()) };
        let order = state.sell(&[(sold, 1)], true, at(0));
        if let Some(order) = state.orders.get_mut(&order) {
            order.financial = Some(UNKNOWN_STATUS.to_owned());
        }
        let query =
            format!("query {{ order(id: \"gid://shopify/Order/{order}\") {{ displayFinancialStatus }} }}");
        let answer = ask(&mut state, &query, json!({}));
        assert_eq!(answer["data"]["order"]["displayFinancialStatus"], UNKNOWN_STATUS, "{answer}");
    }

    #[test]
    fn the_bucket_empties_and_fills() {
        let mut state = state();
        state.bucket = Bucket::new(10, 2, at(0));
        let query = "query { locations(first: 7) { nodes { id } } }";
        let answer = ask(&mut state, query, json!({}));
        // Two locations and the connection came of the seven that were asked for.
        assert_eq!(answer["extensions"]["cost"]["actualQueryCost"], 3);
        assert_eq!(answer["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"], 7);
        let refused = ask(&mut state, query, json!({}));
        assert_eq!(refused["errors"][0]["extensions"]["code"], "THROTTLED");
        let body = json!({ "query": query }).to_string();
        assert!(run(&mut state, body.as_bytes(), at(2)).get("errors").is_none());
    }
}
