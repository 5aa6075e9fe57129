//! The stream and expiry.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use engine::{Engine, EngineError, Position, StreamBatch};
use serde_json::json;

use crate::table::{TABLE, count, create, n, put, s};

fn names(batch: &StreamBatch) -> Vec<(&str, &str)> {
    batch
        .records
        .iter()
        .map(|record| {
            let name = record.event["eventName"].as_str().unwrap();
            let key = record.event["dynamodb"]["Keys"]["sk"]["S"].as_str().unwrap();
            assert!(record.event["eventID"].as_str().is_some_and(|id| !id.is_empty()));
            (name, key)
        })
        .collect()
}

async fn delete(engine: &Engine, sk: &str) {
    engine.client().delete_item().table_name(TABLE).key("pk", s("p")).key("sk", s(sk)).send().await.unwrap();
}

#[tokio::test]
async fn changes_come_in_order_and_writes_of_nothing_do_not() {
    let engine = Engine::memory_with_clock(|| 1_700_000_000).unwrap();
    let client = engine.client();
    create(&client).await;
    put(&client, "a", 1).await;
    put(&client, "a", 1).await;
    put(&client, "b", 1).await;
    put(&client, "a", 2).await;
    delete(&engine, "b").await;
    delete(&engine, "never").await;
    put(&client, "a", 2).await;

    let all = engine.stream_records(TABLE, None, 100).unwrap();
    assert_eq!(names(&all), [("INSERT", "a"), ("INSERT", "b"), ("MODIFY", "a"), ("REMOVE", "b")]);
    let mut event = all.records[2].event.clone();
    assert_eq!(event["dynamodb"]["SequenceNumber"], json!(all.records[2].position.to_string()));
    let fields = event["dynamodb"].as_object_mut().unwrap();
    fields.remove("SequenceNumber");
    fields.remove("SizeBytes");
    assert_eq!(event["eventSource"], "aws:dynamodb");
    assert_eq!(
        event["dynamodb"],
        json!({
            "ApproximateCreationDateTime": 1_700_000_000.0,
            "Keys": {"pk": {"S": "p"}, "sk": {"S": "a"}},
            "OldImage": {"pk": {"S": "p"}, "sk": {"S": "a"}, "count": {"N": "1"}},
            "NewImage": {"pk": {"S": "p"}, "sk": {"S": "a"}, "count": {"N": "2"}},
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        })
    );
    assert_eq!(all.to_lambda_event()["Records"].as_array().unwrap().len(), 4);

    // The position is past the last write, which changed nothing.
    assert!(all.position > Some(all.records[3].position));
    let end = engine.stream_records(TABLE, all.position, 100).unwrap();
    assert_eq!((end.records.len(), end.position), (0, all.position));
}

#[tokio::test]
async fn reading_goes_on_from_a_position_in_steps_of_any_size() {
    let engine = Engine::memory().unwrap();
    let client = engine.client();
    create(&client).await;
    for turn in 0..20 {
        // Every second write repeats the one before and so is no change.
        put(&client, "a", turn / 2).await;
    }
    let all = engine.stream_records(TABLE, None, 1000).unwrap().records;
    assert_eq!(all.len(), 10);
    for step in [1, 3, 7, 10, 11] {
        let mut read = Vec::new();
        let mut position = None;
        loop {
            let batch = engine.stream_records(TABLE, position, step).unwrap();
            assert!(batch.records.len() <= step);
            if batch.records.is_empty() {
                break;
            }
            position = batch.position;
            read.extend(batch.records);
        }
        assert_eq!(read, all, "step {step}");
    }
}

#[tokio::test]
async fn a_position_outlives_the_process_and_trimming() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stream.db");
    let engine = Engine::open(&path).unwrap();
    let client = engine.client();
    create(&client).await;
    for sk in ["a", "b", "c"] {
        put(&client, sk, 1).await;
    }
    let first = engine.stream_records(TABLE, None, 2).unwrap();
    let written = first.position.unwrap().to_string();
    drop((engine, client));

    let engine = Engine::open(&path).unwrap();
    let position: Position = written.parse().unwrap();
    let rest = engine.stream_records(TABLE, Some(position), 10).unwrap();
    assert_eq!(names(&rest), [("INSERT", "c")]);

    assert_eq!(engine.trim_stream(TABLE, position).unwrap(), 1);
    let kept = engine.stream_records(TABLE, None, 10).unwrap();
    assert_eq!(names(&kept), [("INSERT", "b"), ("INSERT", "c")]);

    // Far past the end: the newest stays, and what follows it is still found after it.
    let far: Position = "109223372036854775807".parse().unwrap();
    assert_eq!(engine.trim_stream(TABLE, far).unwrap(), 1);
    let end = rest.position;
    put(&engine.client(), "d", 1).await;
    let after = engine.stream_records(TABLE, end, 10).unwrap();
    assert_eq!(names(&after), [("INSERT", "d")]);
    assert_eq!(engine.trim_stream("absent", far).unwrap(), 0);
}

#[tokio::test]
async fn a_table_without_a_stream_is_an_error() {
    let engine = Engine::memory().unwrap();
    let error = engine.stream_records("absent", None, 1).unwrap_err();
    assert!(matches!(error, EngineError::NoStream(table) if table == "absent"));
}

#[tokio::test]
async fn expiry_follows_the_callers_clock() {
    const NOW: i64 = 1_700_000_000;
    let clock = Arc::new(AtomicI64::new(NOW));
    let reading = Arc::clone(&clock);
    let engine = Engine::memory_with_clock(move || reading.load(Ordering::Relaxed)).unwrap();
    let client = engine.client();
    let meter = engine.meter();
    create(&client).await;
    let six_years = 6 * 365 * 24 * 60 * 60;
    let items = [
        ("past", n(NOW - 1)),
        ("now", n(NOW)),
        ("future", n(NOW + 60)),
        ("text", s((NOW - 1).to_string())),
        ("long-past", n(NOW - six_years)),
    ];
    for (sk, expires) in items {
        client
            .put_item()
            .table_name(TABLE)
            .item("pk", s("p"))
            .item("sk", s(sk))
            .item("count", n(1))
            .item("expires", expires)
            .send()
            .await
            .unwrap();
    }
    put(&client, "forever", 1).await;
    let before = engine.stream_records(TABLE, None, 100).unwrap().position;
    meter.take();

    clock.store(NOW + 5, Ordering::Relaxed);
    assert_eq!(engine.sweep_expired(TABLE, "expires", NOW).unwrap(), 1);
    assert_eq!(meter.take(), engine::Usage::default());
    assert_eq!(count(&client, "past").await, None);
    for sk in ["now", "future", "text", "long-past", "forever"] {
        assert_eq!(count(&client, sk).await.as_deref(), Some("1"), "{sk}");
    }
    let removed = engine.stream_records(TABLE, before, 10).unwrap();
    assert_eq!(names(&removed), [("REMOVE", "past")]);
    assert_eq!(
        removed.records[0].event["userIdentity"],
        json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"})
    );
    assert_eq!(removed.records[0].event["dynamodb"]["ApproximateCreationDateTime"], json!((NOW + 5) as f64));
    assert_eq!(engine.sweep_expired(TABLE, "expires", NOW + 61).unwrap(), 2);
    assert!(engine.sweep_expired("absent", "expires", NOW).is_err());
}

#[tokio::test]
async fn a_sweep_reaches_every_page() {
    let engine = Engine::memory().unwrap();
    let client = engine.client();
    create(&client).await;
    for number in 0..450 {
        client
            .put_item()
            .table_name(TABLE)
            .item("pk", s("p"))
            .item("sk", s(format!("{number:04}")))
            .item("expires", n(if number % 2 == 0 { 1_000_000_000 } else { 2_000_000_000 }))
            .send()
            .await
            .unwrap();
    }
    assert_eq!(engine.sweep_expired(TABLE, "expires", 1_000_000_001).unwrap(), 225);
}
