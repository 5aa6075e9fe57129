//! Webhooks: their routes, and the deliveries that leave with the shop's cron.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::Context;
use super::answer::{Answer, Outcome, Refusal};
use super::query::{Key, Query};
use super::state::{Pending, Webhook};
use crate::Delivery;

const STATUSES: [&str; 3] = ["active", "paused", "disabled"];

impl Context<'_> {
    pub fn webhooks(
        &mut self,
        method: &Method,
        id: Option<u64>,
        path: &str,
        query: &Query,
        body: &Value,
    ) -> Outcome {
        let invalid = || Refusal::new(404, "woocommerce_rest_shop_webhook_invalid_id", "ID is invalid.");
        match (method.as_str(), id) {
            ("GET", None) => {
                let status = query.get("status").unwrap_or("all");
                let found = self
                    .state
                    .webhooks
                    .values()
                    .filter(|webhook| status == "all" || webhook.status == status);
                let records = found.map(|webhook| (key(webhook), self.webhook(webhook))).collect();
                self.page(path, query, records, true)
            }
            ("POST", None) => self.create_webhook(body),
            ("GET", Some(id)) => {
                let webhook = self.state.webhooks.get(&id).ok_or_else(invalid)?;
                Ok(Answer::ok(self.webhook(webhook)))
            }
            ("PUT" | "POST" | "PATCH", Some(id)) => {
                let now = self.now;
                let webhook = self.state.webhooks.get_mut(&id).ok_or_else(invalid)?;
                let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
                if let Some(status) = text("status").filter(|status| STATUSES.contains(&status.as_str())) {
                    webhook.status = status;
                }
                webhook.secret = text("secret").unwrap_or_else(|| webhook.secret.clone());
                webhook.delivery_url = text("delivery_url").unwrap_or_else(|| webhook.delivery_url.clone());
                webhook.modified = Some(now);
                let webhook = webhook.clone();
                Ok(Answer::ok(self.webhook(&webhook)))
            }
            ("DELETE", Some(_)) if query.get("force") != Some("true") => Err(Refusal::new(
                501,
                "woocommerce_rest_trash_not_supported",
                "Webhooks do not support trashing.",
            )),
            ("DELETE", Some(id)) => {
                let webhook = self.state.webhooks.remove(&id).ok_or_else(invalid)?;
                Ok(Answer::ok(self.webhook(&webhook)))
            }
            _ => Err(Refusal::no_route()),
        }
    }

    fn create_webhook(&mut self, body: &Value) -> Outcome {
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let delivery_url = text("delivery_url");
        if delivery_url.is_empty() {
            let message = "Missing parameter(s): delivery_url";
            return Err(Refusal::new(400, "rest_missing_callback_param", message)
                .with("params", json!(["delivery_url"])));
        }
        let topic = text("topic");
        let (resource, event) = topic.split_once('.').unwrap_or_default();
        let known = ["order", "product", "customer", "coupon"].contains(&resource)
            && ["created", "updated", "deleted", "restored"].contains(&event);
        if !known {
            let message = "Webhook topic is required and must be valid.";
            return Err(Refusal::new(400, "woocommerce_rest_shop_webhook_invalid_topic", message));
        }
        if !delivery_url.starts_with("http://") && !delivery_url.starts_with("https://") {
            let message = "Webhook delivery URL must be a valid URL starting with http:// or https://.";
            return Err(Refusal::new(400, "woocommerce_rest_shop_webhook_invalid_delivery_url", message));
        }
        let id = self.state.next_webhook_id;
        self.state.next_webhook_id += 1;
        let status = Some(text("status")).filter(|status| STATUSES.contains(&status.as_str()));
        let webhook = Webhook {
            id,
            name: text("name"),
            status: status.unwrap_or_else(|| "active".to_owned()),
            topic,
            delivery_url,
            secret: html_decoded(&text("secret")),
            created: self.now,
            modified: None,
        };
        let record = self.webhook(&webhook);
        self.state.webhooks.insert(id, webhook);
        self.state.pending.push(Pending::Ping { webhook: id });
        Ok(Answer::created(record, format!("https://shop.example/wp-json/wc/v3/webhooks/{id}")))
    }

    /// The secret is never shown.
    fn webhook(&self, webhook: &Webhook) -> Value {
        let (resource, event) = webhook.topic.split_once('.').unwrap_or_default();
        let (created, created_gmt) = self.dates(webhook.created);
        let modified = webhook.modified.map(|at| self.dates(at));
        json!({
            "id": webhook.id, "name": webhook.name, "status": webhook.status, "topic": webhook.topic,
            "resource": resource, "event": event, "delivery_url": webhook.delivery_url,
            "date_created": created, "date_created_gmt": created_gmt,
            "date_modified": modified.as_ref().map(|(local, _)| local),
            "date_modified_gmt": modified.as_ref().map(|(_, gmt)| gmt),
        })
    }

    /// What leaves now: each body is the state at this moment, not at the event's.
    pub fn take_deliveries(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.state.pending).iter().filter_map(|pending| self.delivery(pending)).collect()
    }

    fn delivery(&mut self, pending: &Pending) -> Option<Delivery> {
        let (id, resource) = match pending {
            Pending::Ping { webhook } => (*webhook, None),
            Pending::Told { webhook, resource } => (*webhook, Some(*resource)),
            Pending::Keys { callback, body } => {
                let json = ("content-type".to_owned(), "application/json;charset=UTF-8".to_owned());
                let body = Bytes::from(body.to_string());
                return Some(Delivery { url: callback.clone(), headers: BTreeMap::from([json]), body });
            }
        };
        let webhook = self.state.webhooks.get(&id)?.clone();
        let mut headers = BTreeMap::new();
        let mut with = |name: &str, value: &str| drop(headers.insert(name.to_owned(), value.to_owned()));
        with("user-agent", "WooCommerce/11.0.1 Hookshot (WordPress/7.0.4)");
        let Some(resource) = resource else {
            with("content-type", "application/x-www-form-urlencoded");
            let body = Bytes::from(format!("webhook_id={id}"));
            return Some(Delivery { url: webhook.delivery_url, headers, body });
        };
        let (kind, event) = webhook.topic.split_once('.')?;
        let record = match kind {
            _ if event == "deleted" => json!({ "id": resource }),
            "order" => self.order_record(self.state.orders.get(&resource)?),
            _ => self.product_record(self.state.products.get(&resource)?),
        };
        // PHP escapes slashes: what is signed is these bytes, not their meaning.
        let body = record.to_string().replace('/', "\\/");
        let key = hmac::Key::new(hmac::HMAC_SHA256, webhook.secret.as_bytes());
        self.state.delivered += 1;
        with("content-type", "application/json");
        with("x-wc-webhook-source", "https://shop.example/");
        with("x-wc-webhook-topic", &webhook.topic);
        with("x-wc-webhook-resource", kind);
        with("x-wc-webhook-event", event);
        with("x-wc-webhook-signature", &STANDARD.encode(hmac::sign(&key, body.as_bytes())));
        with("x-wc-webhook-id", &id.to_string());
        with("x-wc-webhook-delivery-id", &format!("{:032x}", self.state.delivered));
        Some(Delivery { url: webhook.delivery_url, headers, body: Bytes::from(body) })
    }
}

fn key(webhook: &Webhook) -> Key {
    Key { id: webhook.id, created: webhook.created, modified: webhook.modified.unwrap_or(webhook.created) }
}

/// The shop decodes a secret's HTML entities before it signs.
fn html_decoded(secret: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#039;", "'"), ("&amp;", "&")];
    entities.iter().fold(secret.to_owned(), |text, (entity, character)| text.replace(entity, character))
}
