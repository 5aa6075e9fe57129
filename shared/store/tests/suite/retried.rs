//! Laws of trying again: throttled, contended or without an answer, a write has its one effect.

use std::collections::BTreeSet;

use domain::{MatchKey, OrganizationId};
use engine::Fault;
use store::item::ItemFilter;
use store::link::Stored;
use store::stock::Freshness;
use store::{Store, StoreError};

use super::bench::Bench;
use super::samples::{
    connection, first, item, item_id, linked, listing, location, movement, order, organization, taken,
};
use super::{Outcome, laws};

laws!(
    a_transaction_survives_what_passes,
    a_single_write_survives_what_passes,
    an_answer_lost_after_the_work_is_one_effect,
    an_answer_lost_and_forgotten_is_recognized_by_the_row,
    another_s_row_is_not_taken_for_ours,
    what_does_not_pass_is_told_as_busy,
    reads_survive_what_passes,
);

fn passing() -> Vec<Fault> {
    vec![
        Fault::Throttled,
        Fault::ThroughputExceeded,
        Fault::InternalServerError,
        Fault::Unreachable,
        Fault::conflict_on(1),
        Fault::TransactionCanceled(vec!["ThrottlingError".to_owned()]),
        Fault::TransactionCanceled(vec!["None".to_owned(), "ProvisionedThroughputExceeded".to_owned()]),
    ]
}

async fn save_order(store: &Store, o: &OrganizationId) -> Result<(), StoreError> {
    let (placed, movements) = order(&connection(1), "1001", 2, 0);
    store.save_order(o, &placed, &movements, &BTreeSet::new(), &BTreeSet::new()).await
}

async fn committed(store: &Store, o: &OrganizationId) -> Result<i64, StoreError> {
    Ok(store.level(o, &item_id(1), &location(1)).await?.committed)
}

async fn a_transaction_survives_what_passes(bench: &Bench) -> Outcome {
    for (n, fault) in passing().into_iter().enumerate() {
        let o = organization(&format!("t{n}"));
        bench.faults.next("TransactWriteItems", 3, fault.clone());
        save_order(&bench.store, &o).await?;
        assert_eq!((bench.faults.pending(), committed(&bench.store, &o).await?), (0, 1), "{fault:?}");
    }
    Ok(())
}

async fn a_single_write_survives_what_passes(bench: &Bench) -> Outcome {
    for (n, fault) in
        [Fault::Throttled, Fault::ThroughputExceeded, Fault::InternalServerError, Fault::Unreachable]
            .into_iter()
            .enumerate()
    {
        let o = organization(&format!("w{n}"));
        bench.faults.next("PutItem", 3, fault.clone());
        let seen = listing(&connection(1), "11", None);
        bench.store.save_listing(&o, None, &seen, None).await?;
        assert_eq!(
            (bench.faults.pending(), bench.store.listing(&o, &seen.id).await?),
            (0, Some(seen)),
            "{fault:?}"
        );
    }
    Ok(())
}

async fn an_answer_lost_after_the_work_is_one_effect(bench: &Bench) -> Outcome {
    let store = &bench.store;
    for (n, fault) in [Fault::AnswerLost, Fault::AnswerTimedOut].into_iter().enumerate() {
        let o = organization(&format!("l{n}"));
        bench.faults.next("TransactWriteItems", 2, fault.clone());
        save_order(store, &o).await?;
        assert_eq!(committed(store, &o).await?, 1, "{fault:?}");

        let seen = listing(&connection(1), "11", None);
        bench.faults.next("PutItem", 1, fault.clone());
        store.save_listing(&o, None, &seen, None).await?;
        let changed = store::listing::Listing { version: 2, ..seen.clone() };
        bench.faults.next("PutItem", 2, fault.clone());
        store.save_listing(&o, Some(&seen), &changed, None).await?;
        assert_eq!(store.listing(&o, &seen.id).await?, Some(changed.clone()));

        store.create_item(&o, &item(1, "A", "A"), &[], None).await?;
        let (after, link) = linked(&changed, &item_id(1));
        store.link_listing(&o, Some(&changed), &after, &link).await?;
        bench.faults.next("UpdateItem", 1, fault.clone());
        let done = store.acknowledge(&o, &item_id(1), &seen.id, &taken(5, 1, 1)).await?;
        assert_eq!((done, bench.faults.pending()), (Stored::Stored, 0), "{fault:?}");
    }
    Ok(())
}

/// Where the table has forgotten the token of the first try, its own condition stands in the way of the second.
async fn an_answer_lost_and_forgotten_is_recognized_by_the_row(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("forgotten");
    let forget = Fault::TransactionCanceled(vec!["ConditionalCheckFailed".to_owned()]);
    bench.faults.next("TransactWriteItems", 1, Fault::AnswerLost);
    bench.faults.next("TransactWriteItems", 1, forget.clone());
    save_order(store, &o).await?;
    assert_eq!((bench.faults.pending(), committed(store, &o).await?), (0, 1));

    // Named by a later step; the first one that puts a row under a condition tells all the same.
    let opening = [movement("o.1", &item_id(1), &location(2), 5, 0, 1)];
    bench.faults.next("TransactWriteItems", 1, Fault::AnswerTimedOut);
    let reasons = ["None", "ConditionalCheckFailed"].map(str::to_owned).to_vec();
    bench.faults.next("TransactWriteItems", 1, Fault::TransactionCanceled(reasons));
    store.create_item(&o, &item(1, "A", "A"), &opening, None).await?;
    assert_eq!(store.level(&o, &item_id(1), &location(2)).await?.on_hand, 5);

    // Without a lost answer before it, the same refusal is a refusal.
    let refused = save_order(store, &o).await;
    assert!(matches!(refused, Err(StoreError::Conflict("order"))), "{refused:?}");
    Ok(())
}

async fn another_s_row_is_not_taken_for_ours(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("rival");
    store.create_item(&o, &item(1, "A", "Mug"), &[], None).await?;
    bench.faults.next("TransactWriteItems", 1, Fault::Unreachable);
    let refused = store.create_item(&o, &item(2, "A", "Mug"), &[], None).await;
    assert!(matches!(refused, Err(StoreError::Exists("sku"))), "{refused:?}");
    let found = store.items_by_sku(&o, &BTreeSet::from([MatchKey::of("a")])).await?;
    assert_eq!(found.into_values().collect::<Vec<_>>(), [item_id(1)]);
    Ok(())
}

async fn what_does_not_pass_is_told_as_busy(bench: &Bench) -> Outcome {
    let o = organization("busy");
    bench.faults.next("TransactWriteItems", 8, Fault::conflict_on(0));
    let refused = save_order(&bench.store, &o).await;
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    assert_eq!((bench.faults.pending(), committed(&bench.store, &o).await?), (0, 0));
    bench.faults.next("TransactWriteItems", 8, Fault::Unreachable);
    let refused = save_order(&bench.store, &o).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    assert!(refused.is_err_and(|error| error.is_transient()));
    assert_eq!(bench.faults.pending(), 0);
    Ok(())
}

async fn reads_survive_what_passes(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("reads");
    store.create_item(&o, &item(1, "A", "Mug"), &[], None).await?;
    for fault in [Fault::Throttled, Fault::InternalServerError, Fault::AnswerTimedOut] {
        for operation in ["GetItem", "BatchGetItem", "Query"] {
            bench.faults.next(operation, 2, fault.clone());
        }
        assert!(store.item(&o, &item_id(1)).await?.is_some());
        assert_eq!(store.items_by_ids(&o, &BTreeSet::from([item_id(1)])).await?.len(), 1);
        assert_eq!(store.items(&o, &ItemFilter::default(), &first(10)).await?.data.len(), 1);
        store.item_stock(&o, &item_id(1), Freshness::Eventual).await?;
        assert_eq!(bench.faults.pending(), 0, "{fault:?}");
    }
    Ok(())
}
