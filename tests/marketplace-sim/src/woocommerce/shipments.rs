//! What tells of shipments: notes on orders, and the entries of the extension *Shipment Tracking*.
//!
//! Notes are as recorded. The extension is not: it is as its published description has it.

use http::Method;
use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::orders::missing;
use super::products::escaped;
use super::query::Query;
use super::state::{Note, Tracking};
use super::{Context, TrackingExtension};
use crate::Shipped;

impl Context<'_> {
    pub fn has_tracking(&self) -> bool {
        self.options.tracking != TrackingExtension::None
    }

    /// Newest first, all at once.
    pub fn notes(&mut self, method: &Method, order_id: u64, query: &Query, body: &Value) -> Outcome {
        if !self.state.orders.contains_key(&order_id) {
            return Err(missing(404));
        }
        match method.as_str() {
            "GET" => {
                let order = self.state.orders.get(&order_id).ok_or_else(|| missing(404))?;
                let wanted = |note: &&Note| match query.get("type") {
                    Some("customer") => note.to_customer,
                    Some("internal") => !note.to_customer,
                    _ => true,
                };
                let notes = order.notes.iter().rev().filter(wanted);
                Ok(Answer::ok(notes.map(|note| self.note_record(note)).collect()))
            }
            "POST" => {
                let Some(text) = body.get("note").and_then(Value::as_str) else {
                    return Err(Refusal::new(
                        400,
                        "rest_missing_callback_param",
                        "Missing parameter(s): note",
                    )
                    .with("params", json!(["note"])));
                };
                let to_customer = body.get("customer_note").and_then(Value::as_bool).unwrap_or(false);
                let note = self.add_note(order_id, text, to_customer);
                if to_customer {
                    self.add_note(order_id, "Email \"Customer note\" sent.", false);
                }
                let record = self.note_record(&note);
                let location =
                    format!("https://shop.example/wp-json/wc/v3/orders/{order_id}/notes/{}", note.id);
                Ok(Answer::created(record, location))
            }
            _ => Err(Refusal::no_route()),
        }
    }

    fn add_note(&mut self, order_id: u64, text: &str, to_customer: bool) -> Note {
        let id = self.state.next_note_id;
        self.state.next_note_id += 1;
        let note = Note { id, text: text.to_owned(), to_customer, created: self.now };
        if let Some(order) = self.state.orders.get_mut(&order_id) {
            order.notes.push(note.clone());
        }
        note
    }

    fn note_record(&self, note: &Note) -> Value {
        let (created, created_gmt) = self.dates(note.created);
        json!({
            "id": note.id, "author": "WooCommerce", "date_created": created, "date_created_gmt": created_gmt,
            "note": escaped(&note.text), "customer_note": note.to_customer,
        })
    }

    pub fn trackings(&mut self, method: &Method, order_id: u64, body: &Value) -> Outcome {
        let listed_only = self.options.tracking == TrackingExtension::ListedCarriersOnly;
        let count = self.state.orders.values().map(|order| order.trackings.len()).sum::<usize>();
        let order = self.state.orders.get_mut(&order_id).ok_or_else(|| missing(404))?;
        match method.as_str() {
            "GET" => Ok(Answer::ok(order.trackings.iter().map(tracking_record).collect())),
            "POST" => {
                let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                if text("tracking_number").is_empty() {
                    return Err(Refusal::parameter("tracking_number", "tracking_number is required."));
                }
                let provider = match text("tracking_provider") {
                    listed if !listed.is_empty() => listed,
                    _ if listed_only => {
                        return Err(Refusal::parameter(
                            "tracking_provider",
                            "tracking_provider is required.",
                        ));
                    }
                    _ => text("custom_tracking_provider"),
                };
                let tracking = Tracking {
                    id: format!("{:032x}", count + 1),
                    provider,
                    number: text("tracking_number"),
                    shipped_on: text("date_shipped"),
                };
                order.trackings.push(tracking.clone());
                self.changed(order_id);
                let location = format!(
                    "https://shop.example/wp-json/wc-shipment-tracking/v3/orders/{order_id}/shipment-trackings/{}",
                    tracking.id
                );
                Ok(Answer::created(tracking_record(&tracking), location))
            }
            _ => Err(Refusal::no_route()),
        }
    }

    /// The entries of the extension, then the notes that were mailed. A note has no fields: its whole text stands for
    /// carrier and number.
    pub fn shipments(&self, order_id: u64) -> Vec<Shipped> {
        let Some(order) = self.state.orders.get(&order_id) else { return Vec::new() };
        let entries = order.trackings.iter().map(|entry| Shipped {
            carrier: Some(entry.provider.clone()),
            tracking_number: Some(entry.number.clone()),
            lines: Vec::new(),
        });
        let notes = order.notes.iter().filter(|note| note.to_customer).map(|note| Shipped {
            carrier: Some(note.text.clone()),
            tracking_number: Some(note.text.clone()),
            lines: Vec::new(),
        });
        entries.chain(notes).collect()
    }
}

fn tracking_record(tracking: &Tracking) -> Value {
    json!({
        "tracking_id": tracking.id, "tracking_provider": tracking.provider, "tracking_link": "",
        "tracking_number": tracking.number, "date_shipped": tracking.shipped_on,
    })
}
