//! Feeds and reports, version 2021-06-30, and the documents that they are made of.

use bytes::Bytes;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::{Asked, Body, Said, invalid, missing, refuse, say};
use super::listings;
use super::state::{Feed, State};
use crate::Sold;

const MESSAGES_MAX: usize = 25_000;

impl State {
    fn done(&self, since: Timestamp, now: Timestamp) -> bool {
        now >= since.checked_add(SignedDuration::from_millis(self.work_ms)).unwrap_or(now)
    }

    /// What Amazon does in its own time: feeds whose time has come take effect.
    pub fn work(&mut self, now: Timestamp) {
        let due: Vec<String> = self
            .feeds
            .iter()
            .filter(|(_, feed)| feed.result.is_none() && self.done(feed.created_at, now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            let document = self.feeds[&id].document.clone();
            let content = self.documents.get(&document).cloned().flatten().unwrap_or_default();
            let report = self.process(&id, &content, now);
            let result = format!("amzn1.tortuga.4.na.result-{id}");
            self.documents.insert(result.clone(), Some(Bytes::from(report.to_string())));
            self.feeds.get_mut(&id).expect("the feed").result = Some(result);
        }
    }

    /// The processing report.
    fn process(&mut self, feed: &str, content: &[u8], now: Timestamp) -> Value {
        let header = json!({ "sellerId": super::SELLER, "version": "2.0", "feedId": feed });
        let content: Value = serde_json::from_slice(content).unwrap_or_default();
        let messages = content["messages"].as_array().cloned().unwrap_or_default();
        let mut issues = Vec::new();
        let mut issue = |id: &Value, sku: Option<&Value>, code: &str| {
            let mut issue = json!({ "messageId": id, "code": code, "severity": "ERROR", "message": "The submission is not valid." });
            if let Some(sku) = sku {
                issue["sku"] = sku.clone();
            }
            issues.push(issue);
        };
        let right = content["header"]["version"] == "2.0"
            && content["header"]["sellerId"] == super::SELLER
            && (1..=MESSAGES_MAX).contains(&messages.len());
        if !right {
            issue(&json!(0), None, "4000001");
        }
        let mut accepted = 0;
        for message in messages.iter().filter(|_| right) {
            let sku = message["sku"].as_str().unwrap_or_default();
            let outcome = match message["operationType"].as_str() {
                Some("PATCH") if message["productType"].is_string() => {
                    listings::apply(self, sku, &message["patches"], now)
                }
                _ => Err("4000001"),
            };
            match outcome {
                Ok(()) => {
                    accepted += 1;
                    let sold = Sold { external_id: sku.to_owned(), variation_id: None };
                    let to = self.listings.get(sku).and_then(|listing| listing.quantity);
                    self.late.push((feed.to_owned(), sold, to));
                }
                Err(code) => issue(&message["messageId"], Some(&message["sku"]), code),
            }
        }
        let summary = json!({
            "errors": issues.len(), "warnings": 0, "messagesProcessed": messages.len(),
            "messagesAccepted": accepted, "messagesInvalid": messages.len() - accepted,
        });
        json!({ "header": header, "issues": issues, "summary": summary })
    }

    /// The report of all listings, as tab-separated text.
    fn catalogue(&self) -> String {
        let mut text = "item-name\titem-description\tlisting-id\tseller-sku\tprice\tquantity\topen-date\t\
                        image-url\titem-is-marketplace\tproduct-id-type\tzshop-shipping-fee\titem-note\t\
                        item-condition\tasin1\tproduct-id\tfulfillment-channel\tmerchant-shipping-group\tstatus\n"
            .to_owned();
        let mut listings: Vec<_> = self.listings.iter().filter(|(_, one)| one.children.is_empty()).collect();
        listings.sort_by_key(|(_, one)| one.number);
        for (sku, one) in listings {
            let quantity =
                one.quantity.filter(|_| !one.fba).map(|units| units.to_string()).unwrap_or_default();
            let channel = if one.fba { "AMAZON_NA" } else { "DEFAULT" };
            let sells = one.fba || one.quantity.is_some_and(|quantity| quantity > 0);
            let status = if sells && !one.suppressed { "Active" } else { "Inactive" };
            let asin = format!("B0{:08}", one.number);
            text.push_str(&format!(
                "{}\t\tL{}\t{sku}\t{}\t{quantity}\t{}\t\ty\t1\t\t\t11\t{asin}\t{asin}\t{channel}\tDefault\t{status}\n",
                one.title, one.number, one.price, one.created_at
            ));
        }
        text
    }
}

fn address(asked: &Asked<'_>, document: &str) -> String {
    format!("{}/documents/{document}?X-Amz-Signature=simulated", asked.host)
}

pub(super) fn create_document(state: &mut State, asked: &Asked<'_>) -> Said {
    let Some(body) = asked.json().filter(|body| body["contentType"].is_string()) else {
        return invalid("contentType is required");
    };
    if body.as_object().is_some_and(|fields| fields.len() != 1) {
        return invalid("an unknown field");
    }
    let id = format!("amzn1.tortuga.4.na.{}", state.id());
    state.documents.insert(id.clone(), None);
    say(201, json!({ "feedDocumentId": id, "url": address(asked, &id) }))
}

/// What lies behind a signed address: no token is asked for, and none may come along.
pub(super) fn document(state: &mut State, asked: &Asked<'_>, method: &http::Method, id: &str) -> Said {
    let plain = |status, body| Said { status, body: Body::Plain(body) };
    if asked.get("X-Amz-Signature") != Some("simulated") {
        return plain(StatusCode::FORBIDDEN, Bytes::from_static(b"<Error><Code>AccessDenied</Code></Error>"));
    }
    match (method.as_str(), state.documents.get_mut(id)) {
        ("PUT", Some(slot @ None)) => {
            *slot = Some(Bytes::copy_from_slice(asked.body));
            Said { status: StatusCode::OK, body: Body::Nothing }
        }
        ("GET", Some(Some(content))) => match asked.range {
            None => plain(StatusCode::OK, content.clone()),
            Some((from, _)) if from >= content.len() => {
                plain(StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new())
            }
            Some((from, to)) => {
                plain(StatusCode::PARTIAL_CONTENT, content.slice(from..(to + 1).min(content.len())))
            }
        },
        _ => plain(StatusCode::NOT_FOUND, Bytes::from_static(b"<Error><Code>NoSuchKey</Code></Error>")),
    }
}

pub(super) fn create_feed(state: &mut State, asked: &Asked<'_>, now: Timestamp) -> Said {
    let Some(body) = asked.json() else { return invalid("Could not parse the request body.") };
    let document = body["inputFeedDocumentId"].as_str().unwrap_or_default();
    let uploaded = state.documents.get(document).is_some_and(Option::is_some);
    let marketplaces = body["marketplaceIds"].as_array().is_some_and(|ids| (1..=25).contains(&ids.len()));
    if body["feedType"] != "JSON_LISTINGS_FEED" || !marketplaces || !uploaded {
        return invalid("Invalid feed.");
    }
    let id = format!("{}", 23_492_394 + state.id());
    let feed = Feed { created_at: now, document: document.to_owned(), result: None };
    state.feeds.insert(id.clone(), feed);
    say(202, json!({ "feedId": id }))
}

pub(super) fn get_feed(state: &State, id: &str) -> Said {
    let Some(feed) = state.feeds.get(id) else { return missing() };
    let mut body = json!({
        "feedId": id, "feedType": "JSON_LISTINGS_FEED", "createdTime": feed.created_at.to_string(),
        "processingStatus": if feed.result.is_some() { "DONE" } else { "IN_PROGRESS" },
    });
    if let Some(result) = &feed.result {
        body["resultFeedDocumentId"] = result.as_str().into();
    }
    say(200, body)
}

pub(super) fn get_document(state: &State, asked: &Asked<'_>, id: &str, name: &str) -> Said {
    match state.documents.get(id) {
        Some(Some(_)) => say(200, json!({ name: id, "url": address(asked, id) })),
        _ => missing(),
    }
}

pub(super) fn create_report(state: &mut State, asked: &Asked<'_>, now: Timestamp) -> Said {
    let Some(body) = asked.json() else { return invalid("Could not parse the request body.") };
    let marketplaces = body["marketplaceIds"].as_array().is_some_and(|ids| (1..=25).contains(&ids.len()));
    if body["reportType"] != "GET_MERCHANT_LISTINGS_ALL_DATA" || !marketplaces {
        return invalid("Invalid report.");
    }
    let id = format!("ID{}", state.id());
    state.reports.insert(id.clone(), now);
    say(202, json!({ "reportId": id }))
}

pub(super) fn get_report(state: &mut State, id: &str, now: Timestamp) -> Said {
    let Some(asked_at) = state.reports.get(id).copied() else { return missing() };
    let done = state.done(asked_at, now);
    let mut body = json!({
        "reportId": id, "reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "createdTime": asked_at.to_string(),
        "processingStatus": if done { "DONE" } else { "IN_PROGRESS" },
    });
    if done {
        let document = format!("amzn1.spdoc.1.3.{id}");
        if !state.documents.contains_key(&document) {
            let text = state.catalogue();
            state.documents.insert(document.clone(), Some(Bytes::from(text)));
        }
        body["reportDocumentId"] = document.into();
    }
    say(200, body)
}

pub(super) fn destinations(state: &State) -> Said {
    let all: Vec<Value> = state.destination.iter().map(|arn| destination(arn)).collect();
    say(200, json!({ "payload": all }))
}

fn destination(arn: &str) -> Value {
    json!({ "name": "masterstock", "destinationId": "destination-1", "resource": { "sqs": { "arn": arn } } })
}

pub(super) fn create_destination(state: &mut State, asked: &Asked<'_>) -> Said {
    let body = asked.json().unwrap_or_default();
    let arn =
        body["resourceSpecification"]["sqs"]["arn"].as_str().filter(|arn| arn.starts_with("arn:aws:sqs:"));
    match (arn, &state.destination) {
        (None, _) => invalid("The destination is not one that the simulation knows."),
        (Some(arn), Some(there)) if there == arn => refuse(409, "Conflict", "The destination exists."),
        (Some(arn), _) => {
            state.destination = Some(arn.to_owned());
            say(200, json!({ "payload": destination(arn) }))
        }
    }
}

fn subscription() -> Value {
    json!({ "payload": { "subscriptionId": "subscription-1", "payloadVersion": "1.0", "destinationId": "destination-1" } })
}

pub(super) fn get_subscription(state: &State, kind: &str) -> Said {
    if kind == "ORDER_CHANGE" && state.subscribed { say(200, subscription()) } else { missing() }
}

pub(super) fn subscribe(state: &mut State, asked: &Asked<'_>, kind: &str) -> Said {
    let body = asked.json().unwrap_or_default();
    let right = kind == "ORDER_CHANGE"
        && body["payloadVersion"] == "1.0"
        && body["destinationId"] == "destination-1"
        && state.destination.is_some();
    match (right, state.subscribed) {
        (false, _) => invalid("Invalid subscription."),
        (true, true) => refuse(409, "Conflict", "The subscription exists."),
        (true, false) => {
            state.subscribed = true;
            say(200, subscription())
        }
    }
}
