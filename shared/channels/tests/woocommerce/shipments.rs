use channels::woocommerce::Woocommerce;
use channels::{Channel, Shipment, ShipmentOutcome, ShippedLine};
use domain::{Quantity, Sku};
use serde_json::{Value, json};

use crate::replay::{Replay, Setup, at, exchange, recorded};

fn shipment(order: &str, tracking_number: Option<&str>, completes: bool) -> Shipment {
    let line = |line: &str, sku: Option<&str>, units: i64| ShippedLine {
        line_id: line.to_owned(),
        sku: sku.map(|sku| Sku::parse(sku).unwrap()),
        quantity: Quantity::new(units).unwrap(),
    };
    Shipment {
        order: order.to_owned(),
        marketplace: None,
        number: 3,
        carrier: "Invented Post".to_owned(),
        tracking_number: tracking_number.map(str::to_owned),
        shipped_at: at("2026-11-21T23:30:00Z"),
        lines: vec![line("1", Some("MUG-001"), 2), line("2", Some("A & B"), 1), line("3", None, 1)],
        completes,
    }
}

async fn push(exchanges: Vec<Value>, shipment: &Shipment) -> ShipmentOutcome {
    let replay = Replay::of(exchanges);
    let outcome = Woocommerce.push_shipment(&Setup::new().shop(&replay), shipment).await.unwrap();
    replay.done();
    outcome
}

fn status(order: u64, status: &str) -> Value {
    let body = json!({ "id": order, "status": status });
    exchange("GET", &format!("orders/{order}"), json!({}), 200, body)
}

/// The site's index, with the extension's namespace or without.
fn index(extension: bool) -> Value {
    let mut index = recorded("index-get-no-auth");
    if extension {
        let namespaces = index["response"]["body"]["namespaces"].as_array_mut().unwrap();
        namespaces.push(json!("wc-shipment-tracking/v3"));
    }
    index
}

fn trackings(method: &str, body: Value, status: u16, answer: Value) -> Value {
    let mut exchange = exchange(method, "", json!({}), status, answer);
    exchange["request"]["path"] = json!("/wp-json/wc-shipment-tracking/v3/orders/39/shipment-trackings");
    exchange["request"]["body"] = body;
    exchange
}

/// The recorded note, as ours.
fn note(text: &str) -> Value {
    let mut created = recorded("order-notes-create-customer");
    created["request"]["body"] = json!({ "note": text, "customer_note": true });
    created
}

fn completed() -> Value {
    let mut completed = recorded("orders-put-completed");
    completed["request"]["path"] = json!("/wp-json/wc/v3/orders/39");
    completed
}

fn accepted(id: &str) -> ShipmentOutcome {
    ShipmentOutcome::Accepted { external_id: Some(id.to_owned()) }
}

#[tokio::test]
async fn a_shop_without_the_extension_gets_a_note_and_is_completed_by_the_last_part() {
    const TEXT: &str = "Shipped with Invented Post, tracking number IP-1: 2 x MUG-001, 1 x A & B. \
                        [masterstock shipment 3]";
    let told = |completes: bool| {
        let mut exchanges =
            vec![status(39, "processing"), index(false), recorded("order-notes-list"), note(TEXT)];
        exchanges.extend(completes.then(completed));
        exchanges
    };
    assert_eq!(push(told(true), &shipment("39", Some(" IP-1 "), true)).await, accepted("65"));
    assert_eq!(push(told(false), &shipment("39", Some("IP-1"), false)).await, accepted("65"));
}

#[tokio::test]
async fn without_a_number_there_is_a_note_whatever_the_shop_has() {
    const TEXT: &str = "Shipped with Invented Post: 2 x MUG-001, 1 x A & B. [masterstock shipment 3]";
    let exchanges = vec![status(39, "completed"), recorded("order-notes-list"), note(TEXT)];
    assert_eq!(push(exchanges, &shipment("39", None, true)).await, accepted("65"));
}

#[tokio::test]
async fn a_note_that_is_there_is_not_written_again() {
    let mut list = recorded("order-notes-list");
    let text = "Shipped with Invented Post: 2 x MUG-001, 1 x A &amp; B. [masterstock shipment 3]";
    list["response"]["body"][1]["note"] = json!(text);
    let exchanges = vec![status(39, "processing"), list.clone(), completed()];
    assert_eq!(push(exchanges, &shipment("39", None, true)).await, accepted("65"));
    // Neither is an order completed again.
    assert_eq!(
        push(vec![status(39, "completed"), list.clone()], &shipment("39", None, true)).await,
        accepted("65")
    );
    // Nor one that was refunded since.
    assert_eq!(push(vec![status(39, "refunded"), list], &shipment("39", None, true)).await, accepted("65"));
}

#[tokio::test]
async fn the_extension_gets_an_entry_once() {
    let entry =
        json!({ "tracking_id": "7f49", "tracking_provider": "Invented Post", "tracking_number": "IP-1" });
    let sent = json!({
        "custom_tracking_provider": "Invented Post", "tracking_number": "IP-1", "date_shipped": "2026-11-21",
    });
    let exchanges = vec![
        status(39, "processing"),
        index(true),
        trackings("GET", Value::Null, 200, json!([])),
        recorded("order-notes-list"),
        trackings("POST", sent, 201, entry.clone()),
        completed(),
    ];
    assert_eq!(push(exchanges, &shipment("39", Some("IP-1"), true)).await, accepted("7f49"));
    let exchanges =
        vec![status(39, "completed"), index(true), trackings("GET", Value::Null, 200, json!([entry]))];
    assert_eq!(push(exchanges, &shipment("39", Some("ip-1"), true)).await, accepted("7f49"));
}

/// The extension came after a first try, or the shop hid its index then.
#[tokio::test]
async fn what_a_note_has_told_gets_no_entry() {
    let mut list = recorded("order-notes-list");
    list["response"]["body"][1]["note"] = json!("Shipped. [masterstock shipment 3]");
    let exchanges = vec![
        status(39, "completed"),
        index(true),
        trackings("GET", Value::Null, 200, json!([])),
        list.clone(),
    ];
    assert_eq!(push(exchanges, &shipment("39", Some("IP-1"), true)).await, accepted("65"));
    let mut hidden = index(false);
    hidden["response"] = recorded("error-no-auth")["response"].clone();
    let exchanges = vec![status(39, "completed"), hidden, list];
    assert_eq!(push(exchanges, &shipment("39", Some("IP-1"), true)).await, accepted("65"));
}

#[tokio::test]
async fn an_extension_that_refuses_the_carrier_leaves_the_note() {
    let refusal = json!({ "code": "rest_missing_callback_param", "message": "", "data": { "status": 400 } });
    let text = "Shipped with Invented Post, tracking number IP-1: 2 x MUG-001, 1 x A & B. \
                [masterstock shipment 3]";
    let exchanges = vec![
        status(39, "processing"),
        index(true),
        trackings("GET", Value::Null, 200, json!([])),
        recorded("order-notes-list"),
        trackings("POST", Value::Null, 400, refusal),
        note(text),
    ];
    assert_eq!(push(exchanges, &shipment("39", Some("IP-1"), false)).await, accepted("65"));
}

#[tokio::test]
async fn what_cannot_be_shipped_is_refused_by_name() {
    let code = |outcome: ShipmentOutcome| match outcome {
        ShipmentOutcome::Rejected { code, .. } => code,
        ShipmentOutcome::Accepted { .. } => "accepted",
    };
    for closed in ["cancelled", "failed", "refunded", "trash"] {
        let exchanges = vec![status(39, closed), recorded("order-notes-list")];
        assert_eq!(code(push(exchanges, &shipment("39", None, true)).await), "order_closed", "{closed}");
    }
    let missing = recorded("orders-get-missing");
    assert_eq!(code(push(vec![missing], &shipment("999999", None, true)).await), "order_not_found");
    assert_eq!(code(push(vec![], &shipment("no-number", None, true)).await), "order_not_found");
}
