//! Injected faults, as the SDK reports them.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use engine::{Engine, EngineFaults, Fault};

use crate::table::{TABLE, count, create, insert, n, s};

/// An engine with the table, and a client on it that does not retry.
async fn impatient(faults: &EngineFaults) -> (Engine, Client) {
    let engine = Engine::memory().unwrap();
    create(&engine.client()).await;
    let config = engine.config(faults).retry_config(RetryConfig::disabled()).build();
    let client = Client::from_conf(config);
    (engine, client)
}

async fn put_a(client: &Client) -> Result<(), SdkError<PutItemError>> {
    let put = client.put_item().table_name(TABLE).item("pk", s("p")).item("sk", s("a")).item("count", n(1));
    put.send().await.map(|_| ())
}

#[tokio::test]
async fn a_refusing_fault_is_the_typed_error_and_does_nothing() {
    type Check = fn(&PutItemError) -> bool;
    let cases: [(Fault, Check); 3] = [
        (Fault::Throttled, |error| error.is_throttling_exception()),
        (Fault::ThroughputExceeded, |error| error.is_provisioned_throughput_exceeded_exception()),
        (Fault::InternalServerError, |error| error.is_internal_server_error()),
    ];
    for (fault, check) in cases {
        let faults = EngineFaults::new();
        let (engine, client) = impatient(&faults).await;
        faults.next("PutItem", 1, fault.clone());
        let error = put_a(&client).await.unwrap_err().into_service_error();
        assert!(check(&error), "{fault:?}: {error:?}");
        assert_eq!(count(&engine.client(), "a").await, None, "{fault:?}");
        assert_eq!(faults.pending(), 0, "{fault:?}");
        put_a(&client).await.unwrap();
    }
}

#[tokio::test]
async fn a_cancelled_transaction_names_the_conflicting_action() {
    let faults = EngineFaults::new();
    let (engine, client) = impatient(&faults).await;
    faults.next("TransactWriteItems", 1, Fault::conflict_on(1));
    let error = client
        .transact_write_items()
        .transact_items(insert("a", 0))
        .transact_items(insert("b", 0))
        .transact_items(insert("c", 0))
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    match error {
        TransactWriteItemsError::TransactionCanceledException(error) => {
            let codes: Vec<_> =
                error.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
            assert_eq!(codes, ["None", "TransactionConflict", "None"]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(count(&engine.client(), "a").await, None);
}

#[tokio::test]
async fn connection_faults_differ_in_whether_the_work_was_done() {
    let cases =
        [(Fault::Unreachable, None), (Fault::AnswerLost, Some("1")), (Fault::AnswerTimedOut, Some("1"))];
    for (fault, left) in cases {
        let faults = EngineFaults::new();
        let (engine, client) = impatient(&faults).await;
        faults.next("PutItem", 1, fault.clone());
        match put_a(&client).await.unwrap_err() {
            SdkError::DispatchFailure(failure) => {
                assert_eq!(failure.is_timeout(), fault == Fault::AnswerTimedOut, "{failure:?}")
            }
            other => panic!("{fault:?}: {other:?}"),
        }
        let found = count(&engine.client(), "a").await;
        assert_eq!(found.as_deref(), left, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_sdks_retries_outlast_short_faults_without_waiting() {
    let faults = EngineFaults::new();
    let engine = Engine::memory().unwrap();
    let client = engine.client_with(&faults);
    create(&client).await;
    for fault in [Fault::Throttled, Fault::InternalServerError, Fault::AnswerLost] {
        faults.next("PutItem", 2, fault);
        put_a(&client).await.unwrap();
        assert_eq!(faults.pending(), 0);
    }
    faults.next("PutItem", 100, Fault::Throttled);
    assert!(put_a(&client).await.is_err());
    assert!(faults.pending() > 0);
    faults.clear();
    put_a(&client).await.unwrap();
}

/// The SDK repeats a transaction under one token, so a lost answer does not apply it twice.
#[tokio::test(start_paused = true)]
async fn a_transaction_whose_answer_is_lost_is_applied_once() {
    let faults = EngineFaults::new();
    let engine = Engine::memory().unwrap();
    let client = engine.client_with(&faults);
    create(&client).await;
    faults.next("TransactWriteItems", 1, Fault::AnswerLost);
    client.transact_write_items().transact_items(insert("a", 0)).send().await.unwrap();
    assert_eq!(engine.stream_records(TABLE, None, 10).unwrap().records.len(), 1);
}

#[tokio::test]
async fn a_fault_waits_for_its_operation_and_its_turn() {
    let faults = EngineFaults::new();
    let (_, client) = impatient(&faults).await;
    faults.after("PutItem", 2, 1, Fault::Throttled);
    let mut seen = Vec::new();
    for _ in 0..4 {
        assert_eq!(count(&client, "absent").await, None);
        seen.push(put_a(&client).await.is_ok());
    }
    assert_eq!(seen, [true, true, false, true]);
}
