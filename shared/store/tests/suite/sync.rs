use domain::sync::{Outcome as Of, SyncKind, SyncState};
use store::StoreError;
use store::sync::{BegunSync, Sync, SyncFilter};

use super::bench::Bench;
use super::fixture::{DAY, at, con, connect, connection, org, page, records, stepped, sync, walk};
use super::{Outcome, laws};

laws!(
    one_of_a_kind_runs_on_a_connection,
    of_many_begun_at_once_one_starts,
    a_stale_mark_counts_as_none,
    a_finished_one_makes_room,
    a_step_is_stored_once,
    listed_newest_first_in_pages,
    listed_by_what_they_are,
    an_expired_one_is_left_out,
);

async fn connected(bench: &Bench) -> Outcome {
    connect(&bench.store, &connection("a", "1")).await?;
    connect(&bench.store, &connection("a", "2")).await
}

fn of_kind(body: &str, connection: &str, kind: SyncKind) -> Sync {
    Sync { kind, ..sync(body, connection) }
}

async fn one_of_a_kind_runs_on_a_connection(bench: &Bench) -> Outcome {
    connected(bench).await?;
    let (store, a, first) = (&bench.store, org("a"), sync("01", "1"));
    assert_eq!(store.begin_sync(&a, &first).await?, BegunSync::Started);
    assert_eq!(store.sync(&a, &first.id).await?, Some(first.clone()));
    assert_eq!(store.sync(&org("b"), &first.id).await?, None);
    assert_eq!(store.begin_sync(&a, &sync("02", "1")).await?, BegunSync::Joined(first.id.clone()));
    assert_eq!(store.sync(&a, &sync("02", "1").id).await?, None, "one that joined is not stored");
    assert_eq!(
        store.begin_sync(&a, &first).await?,
        BegunSync::Started,
        "begun again, as after a lost answer"
    );
    for other in [of_kind("03", "1", SyncKind::Orders), of_kind("04", "2", SyncKind::Items)] {
        assert_eq!(store.begin_sync(&a, &other).await?, BegunSync::Started);
    }
    Ok(())
}

async fn of_many_begun_at_once_one_starts(bench: &Bench) -> Outcome {
    connected(bench).await?;
    let (store, a) = (&bench.store, org("a"));
    let syncs = ["01", "02", "03"].map(|body| sync(body, "1"));
    let begun =
        futures_util::future::try_join_all(syncs.iter().map(|sync| store.begin_sync(&a, sync))).await?;
    let started: Vec<&Sync> = syncs
        .iter()
        .zip(&begun)
        .filter(|(_, begun)| **begun == BegunSync::Started)
        .map(|(sync, _)| sync)
        .collect();
    assert_eq!(started.len(), 1, "{begun:?}");
    let joined = BegunSync::Joined(started[0].id.clone());
    assert_eq!(begun.iter().filter(|begun| **begun == joined).count(), 2, "{begun:?}");
    assert_eq!(store.syncs(&a, &SyncFilter::default(), &page(10, None)).await?.data.len(), 1);
    Ok(())
}

/// A sync that is gone, or whose worker died so long ago that its row has expired, blocks nobody.
async fn a_stale_mark_counts_as_none(bench: &Bench) -> Outcome {
    connected(bench).await?;
    let (store, a) = (&bench.store, org("a"));
    store.begin_sync(&a, &sync("01", "1")).await?;
    bench.delete(&bench.row("O#a#SYN", "syn_01").await?).await?;
    assert_eq!(store.begin_sync(&a, &sync("02", "1")).await?, BegunSync::Started);
    let next = |days| Sync { queued_at: at(days * DAY), ..sync("03", "1") };
    assert_eq!(store.begin_sync(&a, &next(30)).await?, BegunSync::Joined(sync("02", "1").id));
    assert_eq!(store.begin_sync(&a, &next(31)).await?, BegunSync::Started);

    // A finished one whose mark was left behind.
    let mut finished = bench.row("O#a#SYN", "syn_03").await?;
    finished.insert("state".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S("failed".to_owned()));
    bench.put(&bench.tables.main, finished).await?;
    let last = Sync { queued_at: at(31 * DAY), ..sync("04", "1") };
    assert_eq!(store.begin_sync(&a, &last).await?, BegunSync::Started);
    Ok(())
}

async fn a_finished_one_makes_room(bench: &Bench) -> Outcome {
    connected(bench).await?;
    let (store, a) = (&bench.store, org("a"));
    for (body, state) in [("01", SyncState::Succeeded), ("02", SyncState::Partial), ("03", SyncState::Failed)]
    {
        let begun = sync(body, "1");
        assert_eq!(store.begin_sync(&a, &begun).await?, BegunSync::Started, "{body}");
        let running = stepped(&begun, SyncState::Running, &[]);
        store.checkpoint_sync(&a, &running, &[], at(1)).await?;
        assert_eq!(store.begin_sync(&a, &sync("99", "1")).await?, BegunSync::Joined(begun.id));
        store.checkpoint_sync(&a, &stepped(&running, state, &[]), &[], at(2)).await?;
    }
    let outcome = store.begin_sync(&a, &sync("03", "1")).await;
    assert!(
        matches!(outcome, Err(StoreError::Exists("sync"))),
        "a finished one does not run again: {outcome:?}"
    );

    // One that was overtaken takes the other's mark off no more.
    let (slow, quick) = (sync("04", "1"), sync("05", "1"));
    store.begin_sync(&a, &slow).await?;
    let row = bench.row("O#a#SYN", "syn_04").await?;
    bench.delete(&row).await?;
    store.begin_sync(&a, &quick).await?;
    bench.put(&bench.tables.main, row).await?;
    let late = stepped(&slow, SyncState::Succeeded, &[]);
    store.checkpoint_sync(&a, &late, &[], at(3)).await?;
    assert_eq!(store.sync(&a, &slow.id).await?, Some(late));
    assert_eq!(store.begin_sync(&a, &sync("06", "1")).await?, BegunSync::Joined(quick.id));
    Ok(())
}

/// Of two workers at one step the second learns of it, and leaves nothing.
async fn a_step_is_stored_once(bench: &Bench) -> Outcome {
    connected(bench).await?;
    let (store, a, begun) = (&bench.store, org("a"), sync("01", "1"));
    store.begin_sync(&a, &begun).await?;
    let found = records(Of::Synced, 0..3);
    let after = stepped(&begun, SyncState::Running, &found);
    store.checkpoint_sync(&a, &after, &found, at(1)).await?;
    let rival = records(Of::Failed, 0..5);
    let unknown = stepped(&sync("09", "1"), SyncState::Running, &[]);
    let ahead = Sync { step: 3, ..after.clone() };
    for stale in [&stepped(&begun, SyncState::Failed, &rival), &begun, &unknown, &ahead] {
        let outcome = store.checkpoint_sync(&a, stale, &rival, at(2)).await;
        assert!(matches!(outcome, Err(StoreError::Conflict("sync"))), "{outcome:?}");
    }
    let outcome =
        store.checkpoint_sync(&org("b"), &stepped(&after, SyncState::Running, &[]), &[], at(2)).await;
    assert!(matches!(outcome, Err(StoreError::Conflict("sync"))), "{outcome:?}");
    assert_eq!(store.sync(&a, &begun.id).await?, Some(after));
    let listed = store.sync_records(&a, &begun.id, None, at(2), &page(200, None)).await?;
    assert_eq!(listed.data, found);
    Ok(())
}

/// Stores `n` syncs, each finished before the next, and gives their ids, newest first.
async fn history(bench: &Bench, n: u32) -> anyhow::Result<Vec<Sync>> {
    connected(bench).await?;
    let mut all = Vec::new();
    for n in 0..n {
        let connection = if n % 3 == 0 { "2" } else { "1" };
        let kind = if n % 2 == 0 { SyncKind::Items } else { SyncKind::Orders };
        let begun = Sync { queued_at: at(n.into()), ..of_kind(&format!("{n:04}"), connection, kind) };
        let found = if n % 5 == 0 { records(Of::Failed, 0..1) } else { records(Of::Synced, 0..1) };
        let after = stepped(&begun, SyncState::Succeeded, &found);
        bench.store.begin_sync(&org("a"), &begun).await?;
        bench.store.checkpoint_sync(&org("a"), &after, &found, at(n.into())).await?;
        all.insert(0, after);
    }
    Ok(all)
}

async fn listed_newest_first_in_pages(bench: &Bench) -> Outcome {
    let all = history(bench, 12).await?;
    let (store, a, filter) = (&bench.store, org("a"), SyncFilter::default());
    for limit in [1, 4, 5, 12, 200] {
        let found = walk(limit, async |page| store.syncs(&a, &filter, &page).await).await?;
        assert_eq!(found, all, "pages of {limit}");
    }
    let first = store.syncs(&a, &filter, &page(4, None)).await?;
    let last = store.syncs(&a, &filter, &page(12, None)).await?;
    assert_eq!((first.data.len(), last.next_cursor), (4, None));
    // A sync begun in the meantime does not shift what follows.
    store.begin_sync(&a, &sync("9999", "1")).await?;
    let second = store.syncs(&a, &filter, &page(4, first.next_cursor.as_deref())).await?;
    assert_eq!(second.data, all[4..8]);
    let later = SyncFilter { now: Some(at(99)), ..SyncFilter::default() };
    let second = store.syncs(&a, &later, &page(4, first.next_cursor.as_deref())).await?;
    assert_eq!(second.data, all[4..8], "time goes on between two pages");

    let of_items = SyncFilter { kind: Some(SyncKind::Items), ..SyncFilter::default() };
    for (organization, filter) in [("b", &filter), ("a", &of_items)] {
        let outcome = store.syncs(&org(organization), filter, &page(4, first.next_cursor.as_deref())).await;
        assert!(matches!(outcome, Err(StoreError::BadCursor)), "{outcome:?}");
    }
    assert!(store.syncs(&org("b"), &filter, &page(4, None)).await?.data.is_empty());
    Ok(())
}

async fn listed_by_what_they_are(bench: &Bench) -> Outcome {
    let all = history(bench, 12).await?;
    let (store, a) = (&bench.store, org("a"));
    let check = async |filter: SyncFilter, wanted: &dyn Fn(&Sync) -> bool| {
        let wanted: Vec<Sync> = all.iter().filter(|sync| wanted(sync)).cloned().collect();
        assert!(!wanted.is_empty() && wanted.len() < all.len(), "{filter:?} tells nothing");
        for limit in [1, 3, 200] {
            let found = walk(limit, async |page| store.syncs(&a, &filter, &page).await).await?;
            assert_eq!(found, wanted, "{filter:?} in pages of {limit}");
        }
        anyhow::Ok(())
    };
    let none = SyncFilter::default;
    check(SyncFilter { connection_id: Some(con("2")), ..none() }, &|sync| sync.connection_id == con("2"))
        .await?;
    check(SyncFilter { kind: Some(SyncKind::Orders), ..none() }, &|sync| sync.kind == SyncKind::Orders)
        .await?;
    check(SyncFilter { outcome: Some(Of::Failed), ..none() }, &|sync| sync.records.failed > 0).await?;
    check(SyncFilter { outcome: Some(Of::Synced), ..none() }, &|sync| sync.records.synced > 0).await?;
    check(SyncFilter { from: Some(at(3)), ..none() }, &|sync| sync.queued_at >= at(3)).await?;
    check(SyncFilter { to: Some(at(3)), ..none() }, &|sync| sync.queued_at < at(3)).await?;
    let both = SyncFilter { connection_id: Some(con("1")), kind: Some(SyncKind::Items), ..none() };
    check(both, &|sync| sync.connection_id == con("1") && sync.kind == SyncKind::Items).await?;
    let skipped = SyncFilter { outcome: Some(Of::Skipped), ..none() };
    assert!(store.syncs(&a, &skipped, &page(200, None)).await?.data.is_empty());
    Ok(())
}

/// After 31 days, after 62 where a record of it failed.
async fn an_expired_one_is_left_out(bench: &Bench) -> Outcome {
    let all = history(bench, 2).await?;
    let (store, a) = (&bench.store, org("a"));
    let found = async |now| {
        let filter = SyncFilter { now: Some(at(now)), ..SyncFilter::default() };
        anyhow::Ok(store.syncs(&a, &filter, &page(10, None)).await?.data)
    };
    assert_eq!(found(31 * DAY).await?, all);
    assert_eq!(found(31 * DAY + 1).await?, all[1..], "the first one has a failed record");
    assert_eq!(found(62 * DAY - 1).await?, all[1..]);
    assert_eq!(found(62 * DAY).await?, []);
    Ok(())
}
