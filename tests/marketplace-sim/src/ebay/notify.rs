//! The Commerce Notification API: where notifications go, which, and how they are signed.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::route::Asked;
use super::tokens::Bearer;
use crate::Delivery;

const DOMAIN: &str = "API_NOTIFICATION";
const KEY_ID: &str = "9936261a-7d7b-4621-a0f1-96ccb428af49";
/// Each with whether it is the merchant's to subscribe to.
const TOPICS: [(&str, bool); 4] = [
    ("ORDER_CONFIRMATION", true),
    ("ITEM_MARKED_SHIPPED", true),
    ("AUTHORIZATION_REVOCATION", false),
    ("MARKETPLACE_ACCOUNT_DELETION", false),
];

/// A question to a receiver, and the only right answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    pub endpoint: String,
    /// `challenge_code=…`
    pub query: String,
    pub answer: String,
}

#[derive(Debug)]
pub(super) struct Notifications {
    key: EcdsaKeyPair,
    destinations: BTreeMap<String, Destination>,
    subscriptions: BTreeMap<String, Subscription>,
    pub deliveries: Vec<Delivery>,
    next: u64,
}

#[derive(Debug)]
struct Destination {
    name: String,
    status: String,
    endpoint: String,
    token: String,
}

#[derive(Debug)]
struct Subscription {
    topic: String,
    status: String,
    destination: String,
    version: String,
}

impl Notifications {
    pub fn new() -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"),
            destinations: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            deliveries: Vec::new(),
            next: 0,
        }
    }

    fn id(&mut self) -> String {
        self.next += 1;
        format!("5c2a9b40-0000-4000-8000-{:012}", self.next)
    }

    pub fn forget(&mut self) -> bool {
        self.subscriptions.pop_last().is_some()
    }

    pub fn mark_down(&mut self) {
        for destination in self.destinations.values_mut() {
            "MARKED_DOWN".clone_into(&mut destination.status);
        }
    }

    pub fn disable(&mut self) {
        for subscription in self.subscriptions.values_mut() {
            "DISABLED".clone_into(&mut subscription.status);
        }
    }

    pub fn challenge(&self) -> Option<Challenge> {
        let destination = self.destinations.values().next()?;
        let code = "71745723-d031-455c-bfa5-f90d11b4f20a";
        let text = format!("{code}{}{}", destination.token, destination.endpoint);
        let hex: String = digest::digest(&digest::SHA256, text.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Some(Challenge {
            endpoint: destination.endpoint.clone(),
            query: format!("challenge_code={code}"),
            answer: json!({ "challengeResponse": hex }).to_string(),
        })
    }

    /// Sends to whoever subscribed.
    pub fn tell(&mut self, topic: &str, data: Value, now: Timestamp) {
        let leads: Vec<String> = self
            .subscriptions
            .values()
            .filter(|one| one.topic == topic && one.status == "ENABLED")
            .filter_map(|one| self.destinations.get(&one.destination))
            .filter(|destination| destination.status == "ENABLED")
            .map(|destination| destination.endpoint.clone())
            .collect();
        for url in leads {
            let notification = self.id();
            let body = json!({
                "metadata": { "topic": topic, "schemaVersion": "1.0", "deprecated": false },
                "notification": {
                    "notificationId": notification, "eventDate": now.to_string(), "publishDate": now.to_string(),
                    "publishAttemptCount": 1, "data": data,
                },
            });
            let body = Bytes::from(body.to_string());
            let headers = BTreeMap::from([
                ("content-type".to_owned(), "application/json".to_owned()),
                ("x-ebay-signature".to_owned(), self.signature(&body)),
            ]);
            self.deliveries.push(Delivery { url, headers, body });
        }
    }

    fn signature(&self, body: &[u8]) -> String {
        let sha1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, body);
        // A digest of 160 bits is the same number with zeros before it.
        let padded = [&[0u8; 12], sha1.as_ref()].concat();
        let imported = Digest::import_less_safe(&padded, &digest::SHA256).expect("a digest");
        let signature = self.key.sign_digest(&imported).expect("a signature");
        let header = json!({
            "alg": "ecdsa", "kid": KEY_ID, "signature": STANDARD.encode(signature.as_ref()), "digest": "SHA1",
        });
        STANDARD.encode(header.to_string())
    }

    pub fn answer(&mut self, asked: &Asked<'_>, method: &Method, parts: &[&str]) -> Answer {
        let of_application = matches!(parts, ["destination", ..] | ["public_key", _]);
        if of_application && asked.bearer == Bearer::User {
            return Answer::refuse(
                403,
                1100,
                "ACCESS",
                "Access denied: insufficient permissions to fulfill the request.",
            );
        }
        match (method, parts) {
            (&Method::GET, ["public_key", KEY_ID]) => {
                let key: PublicKeyX509Der<'_> = self.key.public_key().as_der().expect("a key");
                let text = STANDARD.encode(key.as_ref());
                let key = format!("-----BEGIN PUBLIC KEY-----{text}-----END PUBLIC KEY-----");
                Answer::ok(json!({ "key": key, "algorithm": "ECDSA", "digest": "SHA1" }))
            }
            (&Method::GET, ["public_key", _]) => {
                Answer::refuse(404, 195_001, DOMAIN, "The specified key id is invalid.")
            }
            (&Method::GET, ["topic"]) => {
                let topics: Vec<Value> = TOPICS.iter().map(|(id, _)| json!({ "topicId": id })).collect();
                Answer::ok(json!({ "total": topics.len(), "href": "/topic", "limit": 20, "topics": topics }))
            }
            (&Method::GET, ["destination"]) => {
                let all = self.destinations.iter().map(|(id, one)| {
                    let config = json!({ "endpoint": one.endpoint, "verificationToken": one.token });
                    json!({ "destinationId": id, "name": one.name, "status": one.status, "deliveryConfig": config })
                });
                page(asked, "destination", all.collect())
            }
            (&Method::POST, ["destination"]) => self.put_destination(asked, None),
            (&Method::PUT, ["destination", id]) => self.put_destination(asked, Some(id)),
            (&Method::GET, ["subscription"]) => {
                let all = self.subscriptions.iter().map(|(id, one)| {
                    let payload =
                        json!({ "format": "JSON", "schemaVersion": one.version, "deliveryProtocol": "HTTPS" });
                    json!({
                        "subscriptionId": id, "topicId": one.topic, "status": one.status,
                        "destinationId": one.destination, "payload": payload,
                    })
                });
                page(asked, "subscription", all.collect())
            }
            (&Method::POST, ["subscription"]) => self.subscribe(asked),
            (&Method::PUT, ["subscription", id]) => self.move_subscription(asked, id),
            (&Method::POST, ["subscription", id, "enable"]) => match self.subscriptions.get_mut(*id) {
                None => Answer::refuse(404, 195_013, DOMAIN, "The subscription id does not exist."),
                Some(one) => {
                    "ENABLED".clone_into(&mut one.status);
                    Answer::empty(204)
                }
            },
            _ => Answer::refuse(404, 2002, "ACCESS", "Resource not found"),
        }
    }

    fn put_destination(&mut self, asked: &Asked<'_>, id: Option<&str>) -> Answer {
        let body = asked.json().unwrap_or_default();
        let text =
            |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let refuse = |status: u16, id: i64, message: &str| Answer::refuse(status, id, DOMAIN, message);
        let (endpoint, token) = (text("/deliveryConfig/endpoint"), text("/deliveryConfig/verificationToken"));
        let public = endpoint.starts_with("https://") && !endpoint.contains("localhost");
        if !(public || asked.options.local_endpoints) {
            return refuse(400, 195_017, "Invalid or missing endpoint.");
        }
        let sound = token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if !(32..=80).contains(&token.len()) || !sound {
            return refuse(400, 195_019, "Invalid or missing verification token for this endpoint.");
        }
        let (name, status) = (text("/name"), text("/status"));
        if name.is_empty() || name.len() > 64 {
            return refuse(400, 195_016, "Invalid name. Markups or lengths greater than 64 not supported");
        }
        if !matches!(status.as_str(), "ENABLED" | "DISABLED") {
            return refuse(400, 195_018, "Invalid or missing destination status.");
        }
        let other =
            |(known, one): (&String, &Destination)| one.endpoint == endpoint && Some(known.as_str()) != id;
        if self.destinations.iter().any(other) {
            return refuse(409, 195_021, "Destination exists for this endpoint");
        }
        let destination = Destination { name, status, endpoint, token };
        match id {
            Some(id) if !self.destinations.contains_key(id) => {
                refuse(404, 195_022, "Invalid or missing destination id.")
            }
            Some(id) => {
                self.destinations.insert(id.to_owned(), destination);
                Answer::empty(204)
            }
            None => {
                let id = self.id();
                self.destinations.insert(id.clone(), destination);
                Answer::created(format!("https://api.ebay.com/commerce/notification/v1/destination/{id}"))
            }
        }
    }

    fn subscribe(&mut self, asked: &Asked<'_>) -> Answer {
        let body = asked.json().unwrap_or_default();
        let topic = body["topicId"].as_str().unwrap_or_default().to_owned();
        let Some((_, of_user)) = TOPICS.iter().find(|(known, _)| *known == topic) else {
            return Answer::refuse(400, 195_027, DOMAIN, "Invalid or missing topic id.");
        };
        if *of_user != (asked.bearer == Bearer::User) {
            return Answer::refuse(403, 195_011, DOMAIN, "Not authorized for this topic.");
        }
        if self.subscriptions.values().any(|one| one.topic == topic) {
            return Answer::refuse(409, 195_012, DOMAIN, "Subscription already exists");
        }
        match self.read(&body, topic) {
            Err(refusal) => refusal,
            Ok(subscription) => {
                let id = self.id();
                self.subscriptions.insert(id.clone(), subscription);
                Answer::created(format!("https://api.ebay.com/commerce/notification/v1/subscription/{id}"))
            }
        }
    }

    fn move_subscription(&mut self, asked: &Asked<'_>, id: &str) -> Answer {
        let Some(topic) = self.subscriptions.get(id).map(|one| one.topic.clone()) else {
            return Answer::refuse(404, 195_013, DOMAIN, "The subscription id does not exist.");
        };
        match self.read(&asked.json().unwrap_or_default(), topic) {
            Err(refusal) => refusal,
            Ok(subscription) => {
                self.subscriptions.insert(id.to_owned(), subscription);
                Answer::empty(204)
            }
        }
    }

    fn read(&self, body: &Value, topic: String) -> Result<Subscription, Answer> {
        let text =
            |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let refuse = |id: i64, message: &str| Answer::refuse(400, id, DOMAIN, message);
        let status = text("/status");
        if !matches!(status.as_str(), "ENABLED" | "DISABLED") {
            return Err(refuse(195_006, "Invalid or missing subscription status."));
        }
        let destination = text("/destinationId");
        if !self.destinations.contains_key(&destination) {
            return Err(refuse(195_007, "Invalid or missing destination id."));
        }
        let version = text("/payload/schemaVersion");
        if version != "1.0" {
            return Err(refuse(195_008, "Invalid or missing schema version."));
        }
        if text("/payload/format") != "JSON" {
            return Err(refuse(195_009, "Specified format is not supported for the topic."));
        }
        if text("/payload/deliveryProtocol") != "HTTPS" {
            return Err(refuse(195_010, "Invalid or missing protocol"));
        }
        Ok(Subscription { topic, status, destination, version })
    }
}

/// A page of a list, by a token that is the place of its first.
fn page(asked: &Asked<'_>, name: &str, all: Vec<Value>) -> Answer {
    let limit = asked.query("limit").map_or(Some(20), |text| text.parse::<usize>().ok());
    let Some(limit @ 10..=100) = limit else {
        return Answer::refuse(400, 195_004, DOMAIN, "Invalid limit. Supported ranges 10 - 100.");
    };
    let start: usize = match asked.query("continuation_token").map(str::parse) {
        None => 0,
        Some(Ok(start)) => start,
        Some(Err(_)) => return Answer::refuse(400, 195_005, DOMAIN, "Invalid continuation token."),
    };
    let total = all.len();
    let href = format!("https://api.ebay.com/commerce/notification/v1/{name}?limit={limit}");
    let shown: Vec<Value> = all.into_iter().skip(start).take(limit).collect();
    let mut body = json!({ "total": total, "href": href, "limit": limit });
    body[format!("{name}s")] = json!(shown);
    if start + limit < total {
        body["next"] = json!(format!("{href}&continuation_token={}", start + limit));
    }
    Answer::ok(body)
}
