//! What AWS does to a client and no local engine does by itself: throttling, conflicts of transactions, lost answers.

use std::time::Duration;

use domain::sync::{Outcome as Of, SyncState};
use engine::Fault;
use secrecy::SecretString;
use store::StoreError;
use store::connection::Connection;
use store::idempotency::Begun;
use store::sync::BegunSync;

use super::bench::Bench;
use super::fixture::{
    STATE, api_key, at, con, connect, connection, credentials, location, name, org, organization, page,
    records, stepped, sync,
};
use super::{Outcome, laws};

laws!(
    a_transaction_survives_conflicts_and_throttling,
    a_write_survives_throttling,
    a_read_survives_throttling,
    a_transaction_whose_answer_was_lost_is_done_once,
    a_write_whose_answer_was_lost_is_known_as_done,
    one_that_is_throttled_for_good_says_so,
);

const LENGTH: Duration = Duration::from_secs(30);

fn assert_met(bench: &Bench, case: &str) {
    assert_eq!(bench.faults.pending(), 0, "{case}: a planned fault was not met");
}

async fn a_transaction_survives_conflicts_and_throttling(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let plan = |fault: Fault| bench.faults.next("TransactWriteItems", 2, fault);
    plan(Fault::conflict_on(1));
    store.create_organization(&organization("a"), &location("main"), &api_key("a", "1")).await?;
    assert_met(bench, "organization");
    plan(Fault::Throttled);
    connect(store, &connection("a", "1")).await?;
    assert_met(bench, "connection");
    plan(Fault::TransactionCanceled(vec!["None".to_owned(), "ThrottlingError".to_owned()]));
    assert_eq!(store.begin_sync(&a, &sync("01", "1")).await?, BegunSync::Started);
    assert_met(bench, "sync");
    plan(Fault::conflict_on(0));
    let found = records(Of::Synced, 0..3);
    let done = stepped(&sync("01", "1"), SyncState::Succeeded, &found);
    store.checkpoint_sync(&a, &done, &found, at(1)).await?;
    assert_met(bench, "step");
    plan(Fault::InternalServerError);
    store.delete_connection(&a, &con("1")).await?;
    assert_met(bench, "deletion");
    assert_eq!(store.connection_owner(&con("1")).await?, None);
    Ok(())
}

async fn a_write_survives_throttling(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let own = connection("a", "1");
    connect(store, &own).await?;
    for fault in [Fault::Throttled, Fault::ThroughputExceeded, Fault::InternalServerError, Fault::Unreachable]
    {
        let case = format!("{fault:?}");
        bench.faults.next("PutItem", 2, fault.clone());
        assert!(store.acquire_lease(&a, &case, "one", at(0), LENGTH).await?, "{case}");
        assert_met(bench, &case);
        bench.faults.next("UpdateItem", 2, fault.clone());
        store.replace_credentials(&a, &own.id, &credentials(&case)).await?;
        assert_met(bench, &case);
        bench.faults.next("DeleteItem", 2, fault);
        store.release_lease(&a, &case, "one").await?;
        assert_met(bench, &case);
        assert!(store.acquire_lease(&a, &case, "two", at(1), LENGTH).await?, "{case}");
    }
    let found = store.credentials(&a, &own.id).await?.expect("stored");
    assert_eq!(found.get("consumer_secret"), Some("Unreachable"));
    Ok(())
}

async fn a_read_survives_throttling(bench: &Bench) -> Outcome {
    let (store, own) = (&bench.store, connection("a", "1"));
    connect(store, &own).await?;
    for fault in [Fault::Throttled, Fault::ThroughputExceeded, Fault::InternalServerError, Fault::AnswerLost]
    {
        let case = format!("{fault:?}");
        bench.faults.next("GetItem", 2, fault.clone());
        assert_eq!(store.connection(&org("a"), &own.id).await?.as_ref(), Some(&own), "{case}");
        assert_met(bench, &case);
        bench.faults.next("Query", 2, fault);
        assert_eq!(store.connections(&org("a")).await?, std::slice::from_ref(&own), "{case}");
        assert_met(bench, &case);
    }
    Ok(())
}

async fn a_transaction_whose_answer_was_lost_is_done_once(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let lose = || bench.faults.next("TransactWriteItems", 1, Fault::AnswerLost);
    lose();
    store.create_organization(&organization("a"), &location("main"), &api_key("a", "1")).await?;
    lose();
    store
        .create_connection(&connection("a", "1"), &credentials("cs_1"), &SecretString::from("s"), &STATE())
        .await?;
    lose();
    let begun = sync("01", "1");
    assert_eq!(store.begin_sync(&a, &begun).await?, BegunSync::Started);
    lose();
    let found = records(Of::Failed, 0..3);
    let running = stepped(&begun, SyncState::Running, &found);
    store.checkpoint_sync(&a, &running, &found, at(1)).await?;
    lose();
    let done = stepped(&running, SyncState::Partial, &[]);
    store.checkpoint_sync(&a, &done, &[], at(2)).await?;
    assert_met(bench, "all");
    assert_eq!(store.sync(&a, &begun.id).await?, Some(done));
    assert_eq!(store.sync_records(&a, &begun.id, None, at(2), &page(9, None)).await?.data, found);
    assert_eq!(store.begin_sync(&a, &sync("02", "1")).await?, BegunSync::Started);
    Ok(())
}

async fn a_write_whose_answer_was_lost_is_known_as_done(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let own = connection("a", "1");
    connect(store, &own).await?;
    for fault in [Fault::AnswerLost, Fault::AnswerTimedOut] {
        let case = format!("{fault:?}");
        bench.faults.next("PutItem", 1, fault.clone());
        assert_eq!(
            store.begin_idempotent(&a, &case, "one", at(0)).await?,
            Begun::First { first_at: at(0) },
            "{case}"
        );
        assert_met(bench, &case);
        assert_eq!(store.begin_idempotent(&a, &case, "one", at(0)).await?, Begun::Running, "{case}");
        bench.faults.next("PutItem", 1, fault);
        assert!(store.acquire_lease(&a, &case, "one", at(0), LENGTH).await?, "{case}");
        assert_met(bench, &case);
        assert!(!store.acquire_lease(&a, &case, "two", at(0), LENGTH).await?, "{case}");
    }
    bench.faults.next("UpdateItem", 1, Fault::AnswerLost);
    assert!(store.claim_due(&a, &own.id, at(1_800), at(3_600)).await?, "a claim is not lost with its answer");
    assert!(!store.claim_due(&a, &own.id, at(1_800), at(3_600)).await?, "and is one claim");
    bench.faults.next("PutItem", 1, Fault::AnswerLost);
    let changed = Connection { name: name("New"), version: 2, ..own };
    store.update_connection(&changed).await?;
    assert_met(bench, "update");
    assert_eq!(store.connection(&a, &changed.id).await?, Some(changed));
    Ok(())
}

async fn one_that_is_throttled_for_good_says_so(bench: &Bench) -> Outcome {
    let store = &bench.store;
    connect(store, &connection("a", "1")).await?;
    bench.faults.next("PutItem", 1_000, Fault::Throttled);
    let outcome = store.acquire_lease(&org("a"), "token", "one", at(0), LENGTH).await;
    assert!(matches!(outcome, Err(StoreError::Busy(_))), "{outcome:?}");
    assert!(bench.faults.pending() > 900, "tries are bounded");
    bench.faults.clear();
    bench.faults.next("TransactWriteItems", 1_000, Fault::conflict_on(0));
    let outcome = store.begin_sync(&org("a"), &sync("01", "1")).await;
    assert!(matches!(outcome, Err(StoreError::Busy(_))), "{outcome:?}");
    bench.faults.clear();
    assert_eq!(store.begin_sync(&org("a"), &sync("01", "1")).await?, BegunSync::Started);
    Ok(())
}
