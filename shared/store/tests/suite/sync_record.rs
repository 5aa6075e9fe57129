use domain::sync::{Outcome as Of, SyncState};
use store::StoreError;
use store::sync::{Sync, SyncRecord};

use super::bench::Bench;
use super::fixture::{DAY, at, connect, connection, org, page, records, stepped, sync, walk};
use super::{Outcome, laws};

laws!(
    listed_in_pages_across_steps,
    a_page_of_a_channel_is_one_row,
    what_does_not_fit_a_row_is_split,
    failed_ones_are_kept_longer,
    a_cursor_stays_good_while_the_sync_runs,
    a_cursor_is_good_for_its_own_list_only,
);

/// A sync with these steps.
async fn synced(bench: &Bench, steps: &[Vec<SyncRecord>]) -> anyhow::Result<Sync> {
    connect(&bench.store, &connection("a", "1")).await?;
    let mut at_step = sync("01", "1");
    bench.store.begin_sync(&org("a"), &at_step).await?;
    for records in steps {
        at_step = step(bench, &at_step, records).await?;
    }
    Ok(at_step)
}

async fn step(bench: &Bench, before: &Sync, records: &[SyncRecord]) -> anyhow::Result<Sync> {
    let after = stepped(before, SyncState::Running, records);
    bench.store.checkpoint_sync(&org("a"), &after, records, at(0)).await?;
    Ok(after)
}

async fn listed_in_pages_across_steps(bench: &Bench) -> Outcome {
    let mut mixed = records(Of::Synced, 0..7);
    mixed.extend(records(Of::Failed, 7..9));
    mixed.extend(records(Of::Skipped, 9..10));
    let (second, third) = (records(Of::Synced, 10..13), records(Of::Failed, 13..14));
    let sync = synced(bench, &[mixed, Vec::new(), second, third]).await?;
    let expected: Vec<SyncRecord> = [
        records(Of::Failed, 7..9),
        records(Of::Failed, 13..14),
        records(Of::Skipped, 9..10),
        records(Of::Synced, 0..7),
        records(Of::Synced, 10..13),
    ]
    .concat();
    let (store, a) = (&bench.store, org("a"));
    for outcome in [None, Some(Of::Failed), Some(Of::Skipped), Some(Of::Synced)] {
        let wanted: Vec<SyncRecord> =
            expected.iter().filter(|record| outcome.is_none_or(|of| of == record.outcome)).cloned().collect();
        for limit in [1, 2, 3, 7, 14, 200] {
            let list = async |page| store.sync_records(&a, &sync.id, outcome, at(0), &page).await;
            assert_eq!(walk(limit, list).await?, wanted, "{outcome:?} in pages of {limit}");
        }
    }
    let foreign = store.sync_records(&org("b"), &sync.id, None, at(0), &page(9, None)).await?;
    assert!(foreign.data.is_empty() && foreign.next_cursor.is_none());
    Ok(())
}

async fn a_page_of_a_channel_is_one_row(bench: &Bench) -> Outcome {
    synced(bench, &[records(Of::Synced, 0..250)]).await?;
    let row = bench.row("O#a#SYR#01", "").await?;
    let body = row["body"].as_b().expect("bytes").as_ref().len();
    assert!(body < 4_096, "{body} bytes for 250 records");
    Ok(())
}

async fn what_does_not_fit_a_row_is_split(bench: &Bench) -> Outcome {
    let mut found = records(Of::Failed, 0..300);
    let mut state = 1u32;
    for record in &mut found {
        let mut letter = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from_u32(0x4e00 + (state >> 16) % 0x5000).unwrap_or('x')
        };
        record.reason = Some((0..1_000).map(|_| letter()).collect());
    }
    let sync = synced(bench, std::slice::from_ref(&found)).await?;
    let rows = bench.rows(&bench.tables.main).await?;
    let chunks = rows.iter().filter(|row| super::bench::text_of(row, "pk") == "O#a#SYR#01").count();
    assert!(chunks > 1, "{chunks}");
    let (store, a) = (&bench.store, org("a"));
    for limit in [99, 200] {
        let list = async |page| store.sync_records(&a, &sync.id, None, at(0), &page).await;
        assert!(walk(limit, list).await? == found, "pages of {limit}");
    }
    Ok(())
}

async fn failed_ones_are_kept_longer(bench: &Bench) -> Outcome {
    let found: Vec<SyncRecord> =
        [records(Of::Failed, 0..1), records(Of::Skipped, 1..2), records(Of::Synced, 2..3)].concat();
    let sync = synced(bench, std::slice::from_ref(&found)).await?;
    let (store, a) = (&bench.store, org("a"));
    let listed =
        async |now| anyhow::Ok(store.sync_records(&a, &sync.id, None, at(now), &page(10, None)).await?.data);
    assert_eq!(listed(31 * DAY - 1).await?, found);
    assert_eq!(listed(31 * DAY).await?, found[..1]);
    assert_eq!(listed(62 * DAY - 1).await?, found[..1]);
    assert_eq!(listed(62 * DAY).await?, []);
    Ok(())
}

/// What is added or expires in the meantime neither repeats nor hides a record that stays.
async fn a_cursor_stays_good_while_the_sync_runs(bench: &Bench) -> Outcome {
    let steps = [[records(Of::Failed, 0..2), records(Of::Synced, 2..6)].concat(), records(Of::Synced, 6..8)];
    let sync = synced(bench, &steps).await?;
    let (store, a) = (&bench.store, org("a"));
    let list = async |now, cursor: &str| {
        store.sync_records(&a, &sync.id, None, at(now), &page(3, Some(cursor))).await
    };
    let first = store.sync_records(&a, &sync.id, None, at(0), &page(3, None)).await?;
    assert_eq!(first.data, [records(Of::Failed, 0..2), records(Of::Synced, 2..3)].concat());
    let cursor = first.next_cursor.expect("more");
    step(bench, &sync, &[records(Of::Failed, 8..9), records(Of::Synced, 9..10)].concat()).await?;
    let second = list(0, &cursor).await?;
    assert_eq!(second.data, records(Of::Synced, 3..6));
    let third = list(0, &second.next_cursor.expect("more")).await?;
    assert_eq!(third.data, [records(Of::Synced, 6..8), records(Of::Synced, 9..10)].concat());
    assert_eq!(third.next_cursor, None);
    assert_eq!(list(31 * DAY, &cursor).await?.data, []);
    bench.delete(&bench.row("O#a#SYR#01", "synced#0000000001").await?).await?;
    assert_eq!(
        list(0, &cursor).await?.data,
        [records(Of::Synced, 6..8), records(Of::Synced, 9..10)].concat()
    );
    Ok(())
}

async fn a_cursor_is_good_for_its_own_list_only(bench: &Bench) -> Outcome {
    let sync = synced(bench, &[records(Of::Synced, 0..9)]).await?;
    let (store, a) = (&bench.store, org("a"));
    let first = store.sync_records(&a, &sync.id, None, at(0), &page(3, None)).await?;
    let cursor = first.next_cursor.as_deref();
    let other = super::fixture::sync("02", "1").id;
    for (organization, id, outcome) in
        [("b", &sync.id, None), ("a", &other, None), ("a", &sync.id, Some(Of::Synced))]
    {
        let found = store.sync_records(&org(organization), id, outcome, at(0), &page(3, cursor)).await;
        assert!(matches!(found, Err(StoreError::BadCursor)), "{found:?}");
    }
    let rubbish = store.sync_records(&a, &sync.id, None, at(0), &page(3, Some("rubbish"))).await;
    assert!(matches!(rubbish, Err(StoreError::BadCursor)), "{rubbish:?}");
    Ok(())
}
