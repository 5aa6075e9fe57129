//! What the queues gave up: seen, explained, put back; each organization its own.

use std::time::Duration;

use domain::ChannelKind;
use queue::message::Task;
use queue::{Message, Outgoing, Queue as _, QueueName, Work};
use serde_json::{Value, json};

use crate::world::World;

const IMPORT: QueueName = QueueName { work: Work::OrderImport, channel: ChannelKind::Woocommerce };

impl World {
    /// Sent, and received until the queue gives it up.
    async fn bury(&self, group: &str, body: &str) {
        let message = Outgoing {
            group: group.to_owned(),
            deduplication_id: format!("d{}", body.len()),
            body: body.to_owned(),
        };
        self.queue.send(IMPORT, vec![message]).await.unwrap();
        loop {
            let received = self.queue.receive(IMPORT, 10, Duration::from_secs(600)).await.unwrap();
            if received.is_empty() {
                return;
            }
            for one in received {
                self.queue.change_visibility(IMPORT, &one.receipt, Duration::ZERO).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn dead_letters_are_listed_explained_and_redriven() {
    let world = World::new().await;
    let connection = world.connect().await;
    world.work().await;
    let task =
        Task::FetchOrders { external_ids: vec!["450".into()], trigger: domain::sync::Trigger::Webhook };
    let message = Message::new(world.organization.clone(), connection.clone(), task);
    let readable = message.encode().unwrap();
    world.bury(connection.as_str(), &readable).await;
    world.clock.advance_minutes(1);
    world.bury(connection.as_str(), "what nobody can read").await;
    world.clock.advance_minutes(1);
    world.bury(connection.as_str(), &readable.replace("\"v\":1", "\"v\":700")).await;
    world.bury("con_unknown", "whose that is nobody knows").await;
    let listed = world.get("/v1/dead-letters").await.ok();
    let letters = listed["data"].as_array().unwrap();
    let told: Vec<[&Value; 4]> = letters
        .iter()
        .map(|one| [&one["code"], &one["task"], &one["connection_id"], &one["sent_at"]])
        .collect();
    let id = json!(connection);
    assert_eq!(
        told,
        [
            [&json!("never_finished"), &json!("fetch_orders"), &id, &json!("2026-02-01T10:00:00Z")],
            [&json!("unreadable_message"), &Value::Null, &id, &json!("2026-02-01T10:01:00Z")],
            [&json!("unknown_message_version"), &Value::Null, &id, &json!("2026-02-01T10:02:00Z")],
        ]
    );
    assert_eq!(
        (&letters[0]["queue"], &letters[0]["receive_count"]),
        (&json!("order-import-woocommerce"), &json!(5))
    );
    assert!(!listed.to_string().contains("nobody can read"), "what a message holds is not shown");
    let page = world.get("/v1/dead-letters?limit=2").await.ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(world.get(&format!("/v1/dead-letters?cursor={cursor}")).await.ok()["data"][0], letters[2]);

    let path = format!("/v1/dead-letters/{}/redrive", letters[0]["id"].as_str().unwrap());
    let (_, stranger) = world.new_organization("EUR").await;
    let theirs = world.request(Some(&stranger), "GET", "/v1/dead-letters", None, &[]).await.ok();
    assert_eq!(theirs["data"], json!([]));
    world.request(Some(&stranger), "POST", &path, None, &[]).await.refused(404, "not_found", None);
    let redriven = world.post(&path, json!({})).await.ok();
    assert_eq!(redriven["id"], letters[0]["id"]);
    world.post(&path, json!({})).await.refused(404, "not_found", None);
    let received = world.queue.receive(IMPORT, 10, Duration::from_secs(600)).await.unwrap();
    assert_eq!((received[0].body.as_str(), received[0].receive_count), (readable.as_str(), 1));
    assert_eq!(world.get("/v1/dead-letters").await.ok()["data"].as_array().unwrap().len(), 2);
    let audit = world.get("/v1/audit?limit=1").await.ok();
    let record = &audit["data"][0];
    assert_eq!((&record["action"], &record["object"]), (&json!("dead_letter_redriven"), &letters[0]["id"]));
    world.post("/v1/dead-letters/dlq_x/redrive", json!({})).await.refused(404, "not_found", None);
}
