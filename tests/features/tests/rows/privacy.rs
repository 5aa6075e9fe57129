//! Where buyers' data is not: H7, H9. Marked data is planted in every answer of the channel, and looked for in whatever
//! leaves the hub or is kept in it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write};
use std::sync::{Arc, Mutex};

use app::event_bus::{BusError, EventBus};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use domain::ChannelKind;
use domain::event::Event;
use features::{Hub, Shop, goods};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::rows;

rows![
    h7_nothing_personal_is_in_any_answer_event_log_or_row,
    h7_an_order_that_cannot_be_read_gives_nothing_away,
    h9_whoever_is_told_anything_is_not_told_who_bought,
];

const MARK: &str = "zqmark";
/// What the simulated buyers are called where their channel notifies of them: such a body is signed, and cannot be marked.
const NAMES: [&str; 6] =
    ["mia.muster", "musterweg", "beate@example", "buyer@example.com", "ada buyer", "1 example street"];
/// The fields in which channels say who bought, objects or texts.
const PERSONAL: [&str; 21] = [
    "billing",
    "shipping",
    "customer",
    "customer_note",
    "shippingAddress",
    "billingAddress",
    "email",
    "phone",
    "note",
    "buyer",
    "recipient",
    "shipTo",
    "buyerCheckoutNotes",
    "first_line",
    "second_line",
    "zip",
    "formatted_address",
    "buyer_email",
    "message_from_buyer",
    "gift_message",
    "gift_sender",
];

/// Every text about the buyer is marked, but for the country, which adapters may look at.
fn mark(value: &mut Value, key: &str, inside: bool) {
    let inside = inside || PERSONAL.contains(&key);
    match value {
        Value::Object(fields) => {
            let is_receipt = fields.contains_key("receipt_id");
            for (key, value) in fields {
                mark(value, key, inside || is_receipt && ["name", "city", "state"].contains(&key.as_str()));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| mark(value, key, inside)),
        Value::String(text) if inside && !key.to_lowercase().contains("country") => {
            *text = if key.to_lowercase().contains("mail") {
                format!("{MARK}.{}@{MARK}.example", key.to_lowercase())
            } else {
                format!("{MARK} {key}")
            };
        }
        _ => {}
    }
}

/// As [`mark`], and each object about the buyer is a text, which no adapter expects.
fn spoil(value: &mut Value, key: &str) {
    let is_buyer = ["billing", "shipping", "shippingAddress", "buyer", "recipient", "shipTo", "buyer_email"];
    if is_buyer.contains(&key) {
        *value = if key == "buyer_email" { json!({MARK: MARK}) } else { json!(format!("{MARK} {key}")) };
        return;
    }
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| spoil(value, key)),
        Value::Array(values) => values.iter_mut().for_each(|value| spoil(value, key)),
        _ => {}
    }
}

fn changed(body: Bytes, change: impl Fn(&mut Value)) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(&body) else { return body };
    change(&mut value);
    value.to_string().into()
}

/// The lines of the log, down to the level of debugging.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

#[derive(Default)]
struct Ear(Mutex<String>);

#[async_trait]
impl EventBus for Ear {
    async fn tell(&self, events: &[Event]) -> Result<(), BusError> {
        self.0.lock().unwrap().push_str(&serde_json::to_string(events).unwrap());
        Ok(())
    }
}

/// All texts of a value in a row, what is deflated inflated.
fn texts(value: &AttributeValue, into: &mut String) {
    match value {
        AttributeValue::B(bytes) => {
            into.push_str(&String::from_utf8_lossy(bytes.as_ref()));
            let mut inflated = Vec::new();
            for start in 0..bytes.as_ref().len().min(4) {
                inflated.clear();
                let _ =
                    flate2::read::DeflateDecoder::new(&bytes.as_ref()[start..]).read_to_end(&mut inflated);
                into.push_str(&String::from_utf8_lossy(&inflated));
            }
        }
        AttributeValue::L(values) => values.iter().for_each(|value| texts(value, into)),
        AttributeValue::M(values) => values.iter().for_each(|(key, value)| {
            into.push_str(key);
            texts(value, into);
        }),
        other => into.push_str(&format!("{other:?}")),
    }
    into.push('\n');
}

async fn tables(hub: &Hub) -> String {
    let mut all = String::new();
    for table in ["main", "personal"] {
        let pages = hub.dynamodb().scan().table_name(table).into_paginator().items().send();
        for row in pages.collect::<Result<Vec<_>, _>>().await.unwrap() {
            row.values().for_each(|value| texts(value, &mut all));
        }
    }
    all
}

fn ids_in(value: &Value, ids: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::String(text) => {
            if let Some((prefix, body)) = text.split_once('_')
                && prefix.len() == 3
                && !body.is_empty()
                && !body.contains(' ')
            {
                ids.entry(prefix.to_owned()).or_default().insert(text.clone());
            }
        }
        Value::Array(values) => values.iter().for_each(|value| ids_in(value, ids)),
        Value::Object(fields) => fields.values().for_each(|value| ids_in(value, ids)),
        _ => {}
    }
}

/// What is read with the id of what.
fn prefix_of(path: &str) -> &'static str {
    match path.split('/').nth(2).unwrap_or_default() {
        "items" => "itm",
        "orders" => "ord",
        "listings" => "lst",
        "connections" => "con",
        "syncs" => "syn",
        "verify" => "syn",
        "contacts" => "ctc",
        "locations" => "loc",
        "packages" => "pkg",
        "shipments" => "shp",
        "invoices" => "inv",
        "returns" => "ret",
        "api-keys" => "key",
        "adjustments" => "adj",
        "purchase-receives" => "rcv",
        "transfers" => "trf",
        _ => "",
    }
}

/// Every answer to every GET that does not need the scope `pii`, with every id that any answer shows.
async fn answers(hub: &Hub) -> Vec<(String, String)> {
    let document = hub.get("/openapi.json").await.ok();
    let paths: Vec<&String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, methods)| {
            let is_reveal = path.ends_with("/customer") || path.ends_with("/slip.pdf");
            methods["get"].is_object() && !is_reveal && !path.contains("oauth") && *path != "/openapi.json"
        })
        .map(|(path, _)| path)
        .collect();
    let mut ids = BTreeMap::<String, BTreeSet<String>>::new();
    let mut found = BTreeMap::new();
    for _ in 0..3 {
        for path in &paths {
            let wanted = prefix_of(path);
            let all = match path.contains('{') {
                false => vec![(*path).clone()],
                true if wanted.is_empty() => {
                    ids.values().flatten().map(|id| path.replace("{id}", id)).collect()
                }
                true => {
                    let of_kind = ids.get(wanted).into_iter().flatten();
                    of_kind.map(|id| path.replace("{id}", id)).collect()
                }
            };
            for path in all {
                if found.contains_key(&path) {
                    continue;
                }
                let answer = hub.get(&path).await;
                ids_in(&answer.body, &mut ids);
                let text = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.raw));
                found.insert(path, text);
            }
        }
    }
    for kind in ["ord", "ctc", "pkg", "shp", "syn"] {
        assert!(ids.contains_key(kind), "nothing of {kind} was read: {:?}", ids.keys());
    }
    found.into_iter().collect()
}

#[track_caller]
fn assert_free(place: &str, text: &str) {
    let text = text.to_lowercase();
    for word in [MARK].iter().chain(&NAMES) {
        if let Some(at) = text.find(word) {
            let around: String =
                text.chars().skip(text[..at].chars().count().saturating_sub(160)).take(360).collect();
            panic!("{place} shows {word}: …{around}…");
        }
    }
}

/// All that the merchant's own systems are told.
async fn events(hub: &Hub) -> String {
    let ear = Ear::default();
    event_publish::handle(&ear, hub.stream()).await;
    let events = ear.0.into_inner().unwrap();
    assert!(events.contains("order_id"), "no order is told of: {events}");
    events
}

async fn assert_free_everywhere(hub: &Hub, log: &Log) {
    for (path, text) in answers(hub).await {
        assert_free(&path, &text);
    }
    for body in hub.queued() {
        assert_free("a queue", &body);
    }
    assert_free("an event", &events(hub).await);
    assert_free("the stream", &format!("{:?}", hub.stream()));
    assert_free("a table", &tables(hub).await);
    // Neither does the channel hear of it again, nor anyone else.
    for request in hub.shops.sent() {
        assert_free("a request", &request);
    }
    let text = log.text();
    assert!(text.contains("order imported"), "the log is empty: {text}");
    for line in text.lines() {
        assert_free("a line of the log", line);
    }
}

/// Connected, with one linked and one unlinked listing, and the wire tapped.
async fn tapped(on: ChannelKind, change: fn(&mut Value)) -> (Hub, Shop, [marketplace_sim::Sold; 2]) {
    let hub = Hub::new().await;
    hub.item("MUG", "Mug", 20).await;
    let mut shop = Shop::open(&hub, on, "north");
    let sold = [shop.add(goods("MUG", "Mug", 9)), shop.add(goods("TEE", "Tee", 9))];
    shop.connect(&hub).await;
    hub.sync(&shop.connection, "items").await;
    hub.shops.tap(move |body| changed(body, change));
    hub.clock.advance(SignedDuration::from_mins(10));
    (hub, shop, sold)
}

async fn orders_come_in(hub: &Hub, shop: &Shop) {
    hub.settle().await;
    hub.clock.advance(SignedDuration::from_mins(10));
    hub.sync(&shop.connection, "orders").await;
}

/// Orders that are sent, cancelled, cloned; the first one's path.
async fn a_day(hub: &Hub, shop: &Shop, [mug, tee]: [marketplace_sim::Sold; 2]) -> String {
    let order = shop.shop.sell(&[(mug.clone(), 1)]);
    orders_come_in(hub, shop).await;
    shop.shop.sell(&[(tee, 1)]);
    let gone = shop.shop.sell(&[(mug, 1)]);
    orders_come_in(hub, shop).await;
    shop.shop.cancel(&gone);
    orders_come_in(hub, shop).await;
    let id = domain::OrderId::of(&shop.connection.parse().unwrap(), &order).unwrap();
    let path = format!("/v1/orders/{id}");
    hub.post(&format!("{path}/packages"), json!({})).await.ok();
    let shipment = json!({"carrier": "DHL", "tracking_number": "00340434"});
    hub.post(&format!("{path}/shipments"), shipment).await.ok();
    hub.settle().await;
    hub.post(&format!("{path}/clone"), json!({})).await.ok();
    path
}

async fn h7_nothing_personal_is_in_any_answer_event_log_or_row(on: ChannelKind) {
    let log = Log::default();
    let _listening = log.listen();
    let (hub, shop, sold) = tapped(on, |value| mark(value, "", false)).await;
    let path = a_day(&hub, &shop, sold).await;
    // It was planted, and taken in.
    let revealed = hub.get(&format!("{path}/customer")).await.ok();
    assert!(revealed.to_string().contains(MARK), "{revealed}");
    assert_free_everywhere(&hub, &log).await;
    // Nor do an export and an erasure leave anything behind.
    let email = revealed["email"].as_str().map(str::to_owned);
    if let Some(email) = email {
        let export = hub.post("/v1/privacy/export", json!({"email": email})).await.ok();
        assert!(export.to_string().contains(MARK), "{export}");
        hub.post("/v1/privacy/erase", json!({"email": email})).await.ok();
        hub.get(&format!("{path}/customer")).await.refused(404, "not_found");
    }
    assert_free("a table", &tables(&hub).await);
    assert_free("the audit", &hub.get("/v1/audit").await.ok().to_string());
}

async fn h9_whoever_is_told_anything_is_not_told_who_bought(on: ChannelKind) {
    let (hub, shop, sold) = tapped(on, |value| mark(value, "", false)).await;
    let path = a_day(&hub, &shop, sold).await;
    let revealed = hub.get(&format!("{path}/customer")).await.ok();
    assert!(revealed.to_string().contains(MARK), "nothing was planted: {revealed}");
    let sent = hub.shops.sent();
    assert!(sent.iter().any(|request| request.contains("00340434")), "no shipment was told of: {sent:?}");
    for request in sent {
        assert_free("a request to the channel", &request);
    }
    assert_free("an event", &events(&hub).await);
}

async fn h7_an_order_that_cannot_be_read_gives_nothing_away(on: ChannelKind) {
    let log = Log::default();
    let _listening = log.listen();
    let (hub, shop, [mug, tee]) = tapped(on, |value| mark(value, "", false)).await;
    let first = shop.shop.sell(&[(mug.clone(), 1)]);
    orders_come_in(&hub, &shop).await;
    let id = domain::OrderId::of(&shop.connection.parse().unwrap(), &first).unwrap();
    hub.post(&format!("/v1/orders/{id}/packages"), json!({})).await.ok();
    hub.post(&format!("/v1/orders/{id}/shipments"), json!({"carrier": "DHL"})).await.ok();
    hub.settle().await;
    hub.shops.tap(|body| changed(body, |value| spoil(value, "")));
    shop.shop.sell(&[(tee, 1)]);
    orders_come_in(&hub, &shop).await;
    for _ in 0..3 {
        hub.clock.advance(SignedDuration::from_mins(20));
        hub.settle().await;
    }
    assert_free_everywhere(&hub, &log).await;
}
