//! Consumed units against DynamoDB's documented rules.

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};
use engine::{Engine, Units, Usage};

use crate::table::{TABLE, create, insert, n, put, s};

fn index(usage: &Usage) -> Units {
    let key = (TABLE.to_owned(), "by_group".to_owned());
    usage.indexes.get(&key).copied().unwrap_or_default().writes
}

#[tokio::test]
async fn writes_count_by_the_kilobyte_and_twice_in_a_transaction() {
    let engine = Engine::memory().unwrap();
    let client = engine.client();
    let meter = engine.meter();
    create(&client).await;

    put(&client, "small", 1).await;
    assert_eq!(meter.take().writes(), Units::whole(1));

    let filler_for_1_kb = 1024 - "pkpskacountfiller".len() - 2;
    for (filler, units) in [(filler_for_1_kb, 2), (filler_for_1_kb + 1, 4)] {
        client
            .transact_write_items()
            .transact_items(insert(if units == 2 { "a" } else { "b" }, filler))
            .send()
            .await
            .unwrap();
        let usage = meter.take();
        assert_eq!(usage.writes(), Units::whole(units), "{usage:?}");
        assert_eq!(usage.calls["TransactWriteItems"].done, 1);
        assert_eq!(usage.reads(), Units::default());
    }
}

#[tokio::test]
async fn an_index_is_charged_only_for_what_it_stores() {
    let engine = Engine::memory().unwrap();
    let client = engine.client();
    let meter = engine.meter();
    create(&client).await;
    // (group, count) of successive writes of one item, and what the index then costs.
    let steps = [
        (Some("g"), 1, 1, "enters the index"),
        (Some("g"), 2, 0, "an attribute it does not project"),
        (Some("h"), 2, 2, "moves within the index"),
        (None, 2, 1, "leaves the index"),
    ];
    for (group, count, units, what) in steps {
        let mut request =
            client.put_item().table_name(TABLE).item("pk", s("p")).item("sk", s("a")).item("count", n(count));
        if let Some(group) = group {
            request = request.item("group", s(group));
        }
        request.send().await.unwrap();
        let usage = meter.take();
        assert_eq!(index(&usage), Units::whole(units), "{what}");
        assert_eq!(usage.tables[TABLE].writes, Units::whole(1), "{what}");
        assert_eq!(usage.writes(), Units::whole(1 + units), "{what}");
    }
}

#[tokio::test]
async fn reads_count_by_four_kilobytes_and_half_when_eventually_consistent() {
    let engine = Engine::memory().unwrap();
    let client = engine.client();
    create(&client).await;
    // Four items of 1,000 bytes: just under 4 KB together, 1 unit each when read alone.
    for sk in ["a", "b", "c", "d"] {
        client
            .put_item()
            .table_name(TABLE)
            .item("pk", s("p"))
            .item("sk", s(sk))
            .item("filler", s("x".repeat(1000 - "pkpskafiller".len())))
            .send()
            .await
            .unwrap();
    }
    let meter = engine.meter();
    for (consistent, milli) in [(false, 500), (true, 1000)] {
        let found = client
            .query()
            .table_name(TABLE)
            .key_condition_expression("pk = :p")
            .expression_attribute_values(":p", s("p"))
            .consistent_read(consistent)
            .send()
            .await
            .unwrap();
        assert_eq!(found.count(), 4);
        assert!(found.consumed_capacity().is_none(), "nobody asked for it");
        let usage = meter.take();
        assert_eq!(usage.reads().milli(), milli, "consistent {consistent}");
        assert_eq!(usage.writes(), Units::default());

        let mut keys = KeysAndAttributes::builder().consistent_read(consistent);
        for sk in ["a", "b", "c", "absent"] {
            keys = keys.keys([("pk".to_owned(), s("p")), ("sk".to_owned(), s(sk))].into());
        }
        client.batch_get_item().request_items(TABLE, keys.build().unwrap()).send().await.unwrap();
        let usage = meter.take();
        assert_eq!(usage.reads().milli(), 4 * milli, "a batch rounds each item");
    }
}

#[tokio::test]
async fn a_caller_that_asks_gets_its_answer_and_is_counted_once() {
    let engine = Engine::memory().unwrap();
    let client = engine.client();
    create(&client).await;
    let meter = engine.meter();
    let answer = client
        .update_item()
        .table_name(TABLE)
        .key("pk", s("p"))
        .key("sk", s("a"))
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.consumed_capacity().unwrap().capacity_units(), Some(1.0));
    assert_eq!(meter.snapshot().writes(), Units::whole(1));
    meter.take();
    assert_eq!(meter.snapshot(), Usage::default());
}

#[tokio::test]
async fn refused_writes_are_a_floor_apart_from_what_was_reported() {
    let engine = Engine::memory().unwrap();
    let client = engine.client();
    create(&client).await;
    put(&client, "a", 1).await;
    let meter = engine.meter();
    let refused = client
        .delete_item()
        .table_name(TABLE)
        .key("pk", s("p"))
        .key("sk", s("a"))
        .condition_expression("attribute_not_exists(pk)")
        .send()
        .await;
    assert!(refused.is_err());
    let cancelled = client
        .transact_write_items()
        .transact_items(insert("a", 0))
        .transact_items(insert("b", 0))
        .send()
        .await;
    assert!(cancelled.is_err());
    let usage = meter.take();
    assert_eq!(usage.writes(), Units::default());
    assert_eq!(usage.refused_writes(), Units::whole(3));
    assert_eq!(usage.calls["DeleteItem"].refused, 1);
    assert_eq!(usage.calls["TransactWriteItems"].refused, 1);
}

#[tokio::test]
async fn nothing_is_counted_before_the_meter_is_asked_for() {
    let engine = Engine::memory().unwrap();
    let client = engine.client();
    create(&client).await;
    put(&client, "a", 1).await;
    assert_eq!(engine.meter().snapshot(), Usage::default());
}
