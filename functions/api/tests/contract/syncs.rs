//! Syncs by hand, and their history.

use serde_json::{Value, json};

use domain::Timestamp;
use domain::sync::{Outcome, SyncState};
use store::sync::SyncRecord;

use crate::world::World;

#[tokio::test]
async fn a_sync_is_started_once_and_its_history_read() {
    let world = World::new().await;
    let connection = world.connect().await;
    let start_path = format!("/v1/connections/{connection}/sync");
    let start = || world.post(&start_path, json!({"kind": "items"}));
    let started = start().await;
    assert_eq!((started.status, &started.body["state"]), (202, &json!("queued")), "{}", started.body);
    assert_eq!((&started.body["trigger"], &started.body["from"]), (&json!("manual"), &Value::Null));
    assert_eq!(started.body["progress"], json!({"done": 0, "total": null}));
    assert_eq!(start().await.ok()["id"], started.body["id"]);
    let path = started.header("location").to_owned();
    assert_eq!(world.get(&path).await.ok()["id"], started.body["id"]);

    let id = started.body["id"].as_str().unwrap().parse().unwrap();
    let mut sync = world.app.store.sync(&world.organization, &id).await.unwrap().unwrap();
    let record = |outcome, external: &str| SyncRecord {
        external_id: external.to_owned(),
        sku: None,
        title: None,
        outcome,
        code: (outcome == Outcome::Failed).then(|| "too_many_attributes".to_owned()),
        reason: None,
        listing_id: None,
        order_id: None,
    };
    let records = [record(Outcome::Synced, "1"), record(Outcome::Failed, "2")];
    sync.step = 1;
    sync.state = SyncState::Partial;
    sync.finished_at = Some(world.app_now());
    sync.records.synced = 1;
    sync.records.failed = 1;
    world.app.store.checkpoint_sync(&world.organization, &sync, &records, world.app_now()).await.unwrap();
    let read = world.get(&path).await.ok();
    assert_eq!(
        (&read["state"], &read["records"]),
        (&json!("partial"), &json!({"synced": 1, "failed": 1, "skipped": 0}))
    );
    let failed = world.get(&format!("{path}/records?outcome=failed")).await.ok();
    assert_eq!(
        (failed["data"].as_array().unwrap().len(), &failed["data"][0]["code"]),
        (1, &json!("too_many_attributes"))
    );
    let again = world.post(&format!("{path}/resync"), json!({})).await;
    assert_eq!((again.status, &again.body["trigger"]), (202, &json!("resync")), "{}", again.body);
    for (query, count) in
        [("kind=items", 2), ("kind=orders", 0), ("outcome=failed", 1), ("to=2026-01-01T00:00:00Z", 0)]
    {
        let list = world.get(&format!("/v1/syncs?connection_id={connection}&{query}")).await.ok();
        assert_eq!(list["data"].as_array().unwrap().len(), count, "{query}");
    }
}

#[tokio::test]
async fn a_period_is_whole_and_bounded() {
    let world = World::new().await;
    let connection = world.connect().await;
    let path = format!("/v1/connections/{connection}/sync");
    for (body, code, pointer) in [
        (json!({}), "missing_field", "/kind"),
        (json!({"kind": "all"}), "invalid_field", "/kind"),
        (json!({"kind": "shipments"}), "invalid_field", "/kind"),
        (json!({"kind": "orders", "from": "2026-01-01T00:00:00Z"}), "invalid_field", "/to"),
        (json!({"kind": "orders", "to": "2026-01-01T00:00:00Z"}), "invalid_field", "/from"),
        (
            json!({"kind": "orders", "from": "yesterday", "to": "2026-01-01T00:00:00Z"}),
            "invalid_field",
            "/from",
        ),
        (
            json!({"kind": "orders", "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}),
            "invalid_period",
            "/to",
        ),
        (
            json!({"kind": "orders", "from": "2020-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}),
            "period_too_long",
            "/to",
        ),
        (
            json!({"kind": "stock", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}),
            "invalid_field",
            "/from",
        ),
    ] {
        world.post(&path, body).await.refused(422, code, Some(pointer));
    }
    let period = json!({"kind": "orders", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T01:00:00+01:00"});
    let started = world.post(&path, period).await.ok();
    assert_eq!(
        (&started["from"], &started["to"]),
        (&json!("2026-01-01T00:00:00Z"), &json!("2026-01-02T00:00:00Z"))
    );
}

#[tokio::test]
async fn all_connections_means_the_active_ones() {
    let world = World::new().await;
    let first = world.connect().await;
    world.connect_to("second.example").await;
    let third = world.connect_to("third.example").await;
    world.post(&format!("/v1/connections/{third}/disable"), json!({})).await.ok();
    let all = json!({"kind": "orders", "all_connections": true});
    let started = world.post(&format!("/v1/connections/{first}/sync"), all).await.ok();
    assert_eq!((&started["connection_id"], started["others"].as_array().unwrap().len()), (&json!(first), 1));
    assert_eq!(world.get("/v1/syncs").await.ok()["data"].as_array().unwrap().len(), 2);
}

impl World {
    pub fn app_now(&self) -> Timestamp {
        self.app.clock.now()
    }
}
