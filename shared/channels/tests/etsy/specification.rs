//! Every kind of request that the adapter sends, and every answer of the simulated shop, held to Etsy's own
//! specification, with objects closed to unknown fields.

use std::collections::BTreeSet;

use bytes::Bytes;
use channels::etsy::Etsy;
use channels::{Channel, OrderQuery, Shipment};
use http::Request;
use marketplace_sim::{Goods, SimulatedShop};
use serde_json::{Map, Value, json};

use crate::bench::{Bench, Exchange, mug, shirt, target};

/// Etsy's document is not part of this repository; it is used where it lies beside it.
fn document() -> Option<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/specs/etsy/etsy_open_api_v3.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: there is no etsy_open_api_v3.json beside the repository");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// The operations that the adapter uses, by Etsy's names.
const USED: [&str; 10] = [
    "createReceiptShipment",
    "getListing",
    "getListingsByListingIds",
    "getListingsByShop",
    "getMe",
    "getShop",
    "getShopReceipt",
    "getShopReceipts",
    "updateListing",
    "updateListingInventory",
];

/// All that can happen, once.
async fn exchanges() -> Vec<Exchange> {
    let bench = Bench::new().await;
    Etsy.identify(&bench.shop()).await.unwrap();
    let mugs = bench.sim.add(mug(3));
    let sizes = bench.sim.add(shirt(&[("S", 3), ("M & \"more\"", 4)]));
    bench.sim.add(Goods { quantity: None, ..mug(0) });
    bench.sim.add(mug(0));
    bench.listings().await;
    // A number, none of one, none of all, some again; sold out and renewed; refused.
    bench.push(vec![target(&sizes[0], 8, None), target(&mugs[0], 5, None)]).await;
    bench.push(vec![target(&sizes[0], 0, None)]).await;
    bench.push(vec![target(&sizes[1], 0, None)]).await;
    bench.push(vec![target(&sizes[1], 2, Some(0))]).await;
    bench.sim.sell(&[(mugs[0].clone(), 5)]);
    bench.push(vec![target(&mugs[0], 6, Some(0))]).await;
    let gone = bench.sim.add(mug(1));
    bench.sim.delete(&gone[0]);
    bench.push(vec![target(&gone[0], 6, None)]).await;
    bench.read(&[mugs[0].clone(), sizes[1].clone()]).await;
    let orders: Vec<String> = (0..3).map(|_| bench.sim.sell(&[(sizes[1].clone(), 1)])).collect();
    bench.sim.sell_unpaid(&[(mugs[0].clone(), 1)]);
    bench.sim.refund(&orders[0], 0, 1);
    bench.sim.cancel(&orders[1]);
    for (carrier, tracking) in [("ups", Some("A-1")), ("Pigeon Post", Some("P-1")), ("", None)] {
        let shipment = Shipment {
            order: orders[2].clone(),
            marketplace: None,
            number: 1,
            carrier: carrier.to_owned(),
            tracking_number: tracking.map(str::to_owned),
            shipped_at: bench.now(),
            lines: Vec::new(),
            completes: true,
        };
        Etsy.push_shipment(&bench.shop(), &shipment).await.unwrap();
    }
    Etsy.fetch_orders(&bench.shop(), &bench.all_time(), None).await.unwrap();
    for id in [orders[0].as_str(), "77"] {
        let query = OrderQuery::Ids(vec![id.to_owned()]);
        Etsy.fetch_orders(&bench.shop(), &query, None).await.unwrap();
    }
    std::mem::take(&mut *bench.transport.exchanges.lock().unwrap())
}

#[tokio::test]
async fn requests_and_answers_are_as_etsy_documents_them() {
    let Some(document) = document() else { return };
    let specification = Specification(&document);
    let (mut used, mut wrong) = (BTreeSet::new(), BTreeSet::new());
    for (request, response) in exchanges().await {
        if request.uri().path() == "/v3/public/oauth/token" {
            continue;
        }
        let (name, operation) = specification.operation(&request);
        let mut faults = specification.request(operation, &request);
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        let pointer = format!("/responses/{}/content/application~1json/schema", response.status().as_u16());
        match operation.pointer(&pointer) {
            Some(schema) => specification.check(&answer, schema, "answer", &mut faults),
            None => faults.push(format!("status {} is not documented", response.status())),
        }
        wrong.extend(faults.into_iter().map(|fault| format!("{name}: {fault}")));
        used.insert(name);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(used.into_iter().collect::<Vec<_>>(), USED);
}

/// The judge itself: right ones pass, wrong ones do not.
#[test]
fn what_is_wrong_is_found() {
    let Some(document) = document() else { return };
    let specification = Specification(&document);
    let check = |method: &str, path: &str, body: Value| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json");
        let request = request.body(Bytes::from(body.to_string())).unwrap();
        let (_, operation) = specification.operation(&request);
        specification.request(operation, &request).len()
    };
    let inventory = "/v3/application/listings/1/inventory";
    let product = |offering: Value| json!({ "products": [{ "sku": "A", "offerings": [offering] }] });
    let right = json!({ "price": 1.5, "quantity": 1, "is_enabled": true, "readiness_state_id": null });
    assert_eq!(check("PUT", inventory, product(right.clone())), 0);
    for (field, value) in [
        ("price", json!({ "amount": 1 })),
        ("quantity", json!("1")),
        ("is_enabled", json!(1)),
        ("offering_id", json!(5)),
    ] {
        let mut wrong = right.clone();
        wrong[field] = value;
        assert_eq!(check("PUT", inventory, product(wrong)), 1, "{field}");
    }
    let mut lacking = right;
    lacking.as_object_mut().unwrap().remove("readiness_state_id");
    assert_eq!(check("PUT", inventory, product(lacking)), 1);
    let listings = "/v3/application/shops/1/listings";
    for (query, faults) in [
        ("state=active&limit=100&includes=Inventory", 0),
        ("state=asleep", 1),
        ("limit=101", 1),
        ("limit=many", 1),
        ("includes=Inventory,Nonsense", 1),
        ("updated_since=1", 1),
    ] {
        assert_eq!(check("GET", &format!("{listings}?{query}"), json!(null)), faults, "{query}");
    }
    assert_eq!(check("GET", "/v3/application/listings/batch?includes=Inventory", json!(null)), 1);
}

/// As much of OpenAPI 3.0 as Etsy's document uses.
struct Specification<'a>(&'a Value);

impl<'a> Specification<'a> {
    fn operation(&self, request: &Request<Bytes>) -> (&'a str, &'a Value) {
        let path: Vec<&str> = request.uri().path().split('/').collect();
        let fits = |template: &str| {
            let template: Vec<&str> = template.split('/').collect();
            template.len() == path.len()
                && template.iter().zip(&path).all(|(part, given)| part == given || part.starts_with('{'))
        };
        let paths = self.0["paths"].as_object().unwrap();
        // A path without parameters goes before one with.
        let mut found: Vec<(&String, &Value)> = paths.iter().filter(|(template, _)| fits(template)).collect();
        found.sort_by_key(|(template, _)| template.matches('{').count());
        let method = request.method().as_str().to_ascii_lowercase();
        let operation = found.iter().find_map(|(_, operations)| operations.get(&method));
        let operation = operation.unwrap_or_else(|| panic!("no {} {}", request.method(), request.uri()));
        (operation["operationId"].as_str().unwrap(), operation)
    }

    fn request(&self, operation: &Value, request: &Request<Bytes>) -> Vec<String> {
        let mut faults = Vec::new();
        let declared = operation["parameters"].as_array().cloned().unwrap_or_default();
        let of_query = |parameter: &&Value| parameter["in"] == "query";
        let query = request.uri().query().unwrap_or_default();
        let given: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        for (name, text) in &given {
            match declared.iter().filter(of_query).find(|parameter| parameter["name"] == name.as_str()) {
                Some(parameter) => {
                    let schema = &parameter["schema"];
                    self.check(&typed(text, schema), schema, name, &mut faults);
                }
                None => faults.push(format!("{name} is no parameter")),
            }
        }
        for parameter in declared.iter().filter(of_query).filter(|parameter| parameter["required"] == true) {
            if !given.iter().any(|(name, _)| parameter["name"] == name.as_str()) {
                faults.push(format!("{} is missing", parameter["name"]));
            }
        }
        let body = operation.pointer("/requestBody/content").and_then(Value::as_object);
        match (body, request.body().is_empty()) {
            (Some(contents), false) => self.body(contents, request, &mut faults),
            (None, false) if request.method() != "GET" => faults.push("there is a body".to_owned()),
            _ => {}
        }
        faults
    }

    fn body(&self, contents: &Map<String, Value>, request: &Request<Bytes>, faults: &mut Vec<String>) {
        let content_type = request.headers()["content-type"].to_str().unwrap();
        let Some(schema) = contents.get(content_type).map(|content| &content["schema"]) else {
            return faults.push(format!("{content_type} is not taken"));
        };
        let body = if content_type == "application/json" {
            serde_json::from_slice(request.body()).unwrap()
        } else {
            let fields = url::form_urlencoded::parse(request.body()).into_owned();
            let fields = fields.map(|(name, text)| {
                let value = typed(&text, &schema["properties"][&name]);
                (name, value)
            });
            Value::Object(fields.collect())
        };
        self.check(&body, schema, "body", faults);
    }

    fn check(&self, value: &Value, schema: &Value, at: &str, faults: &mut Vec<String>) {
        if let Some(name) = schema["$ref"].as_str() {
            let pointer = name.trim_start_matches('#');
            return self.check(value, self.0.pointer(pointer).unwrap(), at, faults);
        }
        if value.is_null() && schema["nullable"] == true {
            return;
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.check(value, part, at, faults);
        }
        let right = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            _ => true,
        };
        if !right {
            return faults.push(format!("{at}: {value} is no {}", schema["type"]));
        }
        if let Some(choices) = schema["enum"].as_array()
            && !choices.contains(value)
        {
            faults.push(format!("{at}: {value} is none of {choices:?}"));
        }
        let number = value.as_f64().unwrap_or_default();
        let outside = schema["minimum"].as_f64().is_some_and(|least| number < least)
            || schema["maximum"].as_f64().is_some_and(|most| number > most);
        if value.is_number() && outside {
            faults.push(format!("{at}: {value} is out of range"));
        }
        for (n, item) in value.as_array().into_iter().flatten().enumerate() {
            self.check(item, &schema["items"], &format!("{at}/{n}"), faults);
        }
        if let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
            for (name, field) in fields {
                match known.get(name) {
                    Some(schema) => self.check(field, schema, &format!("{at}/{name}"), faults),
                    None => faults.push(format!("{at}: {name} is unknown")),
                }
            }
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    faults.push(format!("{at}: {name} is missing"));
                }
            }
        }
    }
}

/// A text of a query or a form as its schema reads it.
fn typed(text: &str, schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("array") => text.split(',').map(|item| typed(item, &schema["items"])).collect(),
        Some("integer" | "number" | "boolean") => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        _ => json!(text),
    }
}
