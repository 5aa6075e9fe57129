//! What the local queue does beside: what needs a clock of ours, what the runner asks of it, and what its file keeps.
//!
//! An expired receipt and the end of deduplication are SQS's rules too; they are tried only here because one needs
//! five minutes to pass and the other is not kept by every double of SQS.

use std::path::Path;
use std::pin::Pin;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use queue::Queue;
use queue::local::{Counts, LocalQueue, OpenError};

use crate::bench::{FIRST, LocalBench, ManualClock, RECEIVES_MAX, SECOND, open};
use crate::law::{LONG, bodies, expect, message, numbered, receipts};

pub type Law = for<'a> fn(&'a LocalBench) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

macro_rules! laws {
    ($($law:ident),+ $(,)?) => {
        &[$((stringify!($law), |bench| Box::pin($law(bench)))),+]
    };
}

pub const ALL: &[(&str, Law)] = laws![
    deduplication_ends_after_five_minutes,
    an_expired_receipt_does_nothing,
    ready_is_what_a_receive_would_find,
    the_next_to_be_visible_is_known,
    what_is_in_flight_can_be_released,
    messages_are_counted,
    purging_forgets_everything,
    a_mark_is_kept_under_its_name,
];

pub const ON_FILE: &[(&str, Law)] = laws![
    a_killed_process_loses_nothing,
    two_openings_see_one_queue,
    a_file_of_the_layout_before_is_brought_up,
    a_file_of_another_layout_is_refused,
];

async fn deduplication_ends_after_five_minutes(bench: &LocalBench) -> Result<()> {
    let queue = &bench.local;
    queue.send(FIRST, numbered("g", 1)).await?;
    bench.clock.advance(Duration::from_millis(299_999));
    // A duplicate does not make the interval longer.
    queue.send(FIRST, numbered("g", 1)).await?;
    let received = expect(queue, &["g0"]).await?;
    queue.delete(FIRST, receipts(&received)).await?;
    bench.clock.advance(Duration::from_millis(1));
    queue.send(FIRST, numbered("g", 1)).await?;
    expect(queue, &["g0"]).await?;
    Ok(())
}

async fn an_expired_receipt_does_nothing(bench: &LocalBench) -> Result<()> {
    let queue = &bench.local;
    queue.send(FIRST, numbered("g", 1)).await?;
    let received = expect(queue, &["g0"]).await?;
    bench.clock.advance(LONG);
    queue.delete(FIRST, receipts(&received)).await?;
    queue.change_visibility(FIRST, &received[0].receipt, LONG).await?;
    for nonsense in ["", "1", "1.", ".1", "x.1", "1.1.1", "99.1"] {
        queue.delete(FIRST, vec![nonsense.to_owned()]).await?;
        queue.change_visibility(FIRST, nonsense, LONG).await?;
    }
    // The receipt of one queue is nothing to another.
    let received = expect(queue, &["g0"]).await?;
    queue.delete(SECOND, receipts(&received)).await?;
    queue.change_visibility(FIRST, &received[0].receipt, Duration::ZERO).await?;
    expect(queue, &["g0"]).await?;
    Ok(())
}

async fn ready_is_what_a_receive_would_find(bench: &LocalBench) -> Result<()> {
    let queue = &bench.local;
    ensure!(!queue.has_ready(FIRST)?, "an empty queue is ready");
    queue.send(FIRST, numbered("g", 2)).await?;
    ensure!(queue.has_ready(FIRST)? && !queue.has_ready(SECOND)?, "a queue with a message is not ready");
    let received = queue.receive(FIRST, 1, LONG).await?;
    ensure!(!queue.has_ready(FIRST)?, "ready while its only group is blocked");
    queue.send(FIRST, numbered("h", 1)).await?;
    ensure!(queue.has_ready(FIRST)?, "another group is not ready");
    expect(queue, &["h0"]).await?;
    queue.delete(FIRST, receipts(&received)).await?;
    ensure!(queue.has_ready(FIRST)?, "the next of the group is not ready");
    expect(queue, &["g1"]).await?;
    bench.clock.advance(LONG - Duration::from_millis(1));
    ensure!(!queue.has_ready(FIRST)?, "ready too early");
    bench.clock.advance(Duration::from_millis(1));
    ensure!(queue.has_ready(FIRST)?, "not ready at the end of the timeout");
    Ok(())
}

async fn the_next_to_be_visible_is_known(bench: &LocalBench) -> Result<()> {
    let queue = &bench.local;
    queue.send(FIRST, vec![message("g", "g0"), message("h", "h0"), message("i", "i0")]).await?;
    ensure!(queue.next_visible_at(FIRST)?.is_none(), "nothing is in flight");
    let start = bench.clock.now();
    for seconds in [60, 20, 40] {
        queue.receive(FIRST, 1, Duration::from_secs(seconds)).await?;
    }
    for seconds in [20, 40, 60] {
        let expected = start + Duration::from_secs(seconds);
        ensure!(queue.next_visible_at(FIRST)? == Some(expected), "not {seconds} s");
        ensure!(queue.next_visible_at(SECOND)?.is_none(), "another queue's");
        bench.clock.advance(expected.duration_since(bench.clock.now()).unsigned_abs());
    }
    ensure!(queue.next_visible_at(FIRST)?.is_none(), "all are visible");
    Ok(())
}

async fn what_is_in_flight_can_be_released(bench: &LocalBench) -> Result<()> {
    let queue = &bench.local;
    queue.send(FIRST, numbered("g", 2)).await?;
    let before = queue.receive(FIRST, 1, LONG).await?;
    expect(queue, &[]).await?;
    queue.release_in_flight()?;
    let again = expect(queue, &["g0", "g1"]).await?;
    ensure!(again[0].receive_count == 2 && again[1].receive_count == 1, "{again:?}");
    // The receipt of before is void.
    queue.delete(FIRST, receipts(&before)).await?;
    queue.delete(FIRST, receipts(&again[1..])).await?;
    queue.release_in_flight()?;
    expect(queue, &["g0"]).await?;
    Ok(())
}

async fn messages_are_counted(bench: &LocalBench) -> Result<()> {
    let queue = &bench.local;
    let counts = |waiting, in_flight, dead| Counts { waiting, in_flight, dead };
    ensure!(queue.counts(FIRST)? == counts(0, 0, 0), "{:?}", queue.counts(FIRST)?);
    queue.send(FIRST, numbered("g", 3)).await?;
    ensure!(queue.counts(FIRST)? == counts(3, 0, 0), "{:?}", queue.counts(FIRST)?);
    for _ in 0..RECEIVES_MAX {
        queue.receive(FIRST, 1, LONG).await?;
        ensure!(queue.counts(FIRST)? == counts(2, 1, 0), "{:?}", queue.counts(FIRST)?);
        bench.clock.advance(LONG);
    }
    expect(queue, &["g1", "g2"]).await?;
    ensure!(queue.counts(FIRST)? == counts(0, 2, 1), "{:?}", queue.counts(FIRST)?);
    ensure!(queue.counts(SECOND)? == counts(0, 0, 0), "{:?}", queue.counts(SECOND)?);
    Ok(())
}

/// Leaves one dead letter of the group `g`, and gives its id.
async fn kill_one(bench: &LocalBench) -> Result<String> {
    let queue = &bench.local;
    queue.send(FIRST, numbered("g", 1)).await?;
    for _ in 0..RECEIVES_MAX {
        expect(queue, &["g0"]).await?;
        bench.clock.advance(LONG);
    }
    expect(queue, &[]).await?;
    let dead = queue.dead_letters(FIRST, 10).await?;
    Ok(dead.first().context("no dead letter")?.message_id.clone())
}

async fn purging_forgets_everything(bench: &LocalBench) -> Result<()> {
    let queue = &bench.local;
    kill_one(bench).await?;
    queue.send(FIRST, numbered("h", 2)).await?;
    queue.send(SECOND, numbered("h", 1)).await?;
    let held = queue.receive(FIRST, 1, LONG).await?;
    queue.set_mark("stream", "17")?;
    queue.purge()?;
    for name in [FIRST, SECOND] {
        ensure!(
            queue.counts(name)? == Counts { waiting: 0, in_flight: 0, dead: 0 },
            "{:?}",
            queue.counts(name)?
        );
    }
    ensure!(queue.get_mark("stream")?.is_none(), "the mark is still there");
    // Neither deduplication nor a receipt of before has any effect.
    queue.send(FIRST, numbered("h", 2)).await?;
    let received = expect(queue, &["h0", "h1"]).await?;
    ensure!(received[0].message_id != held[0].message_id, "an id was given twice");
    Ok(())
}

async fn a_mark_is_kept_under_its_name(bench: &LocalBench) -> Result<()> {
    let queue = &bench.local;
    ensure!(queue.get_mark("stream")?.is_none(), "a mark nobody set");
    queue.set_mark("stream", "17")?;
    queue.set_mark("other", "1")?;
    queue.set_mark("stream", "18")?;
    ensure!(queue.get_mark("stream")?.as_deref() == Some("18"), "not the last value");
    ensure!(queue.get_mark("other")?.as_deref() == Some("1"), "not its own value");
    Ok(())
}

/// The argument by which this program becomes the process that dies.
pub const WRITE_AND_ABORT: &str = "--write-and-abort";

/// Leaves a dead letter `g0`, `g1` in flight, `g2` deleted, `g3` waiting and a mark, and dies without closing anything.
pub async fn write_and_abort(path: &Path) -> ! {
    let clock = ManualClock::new();
    let queue = open(path, &clock);
    queue.send(FIRST, numbered("g", 4)).await.unwrap();
    for _ in 0..RECEIVES_MAX {
        let received = queue.receive(FIRST, 1, LONG).await.unwrap();
        queue.change_visibility(FIRST, &received[0].receipt, Duration::ZERO).await.unwrap();
    }
    let received = queue.receive(FIRST, 2, LONG).await.unwrap();
    queue.delete(FIRST, vec![received[1].receipt.clone()]).await.unwrap();
    queue.set_mark("stream", "17").unwrap();
    std::process::abort();
}

async fn a_killed_process_loses_nothing(bench: &LocalBench) -> Result<()> {
    let path = bench.path("killed.db");
    let status = Command::new(std::env::current_exe()?).arg(WRITE_AND_ABORT).arg(&path).status()?;
    ensure!(!status.success() && status.code().is_none(), "the process was not killed: {status}");

    let queue = open(&path, &bench.clock);
    ensure!(queue.get_mark("stream")?.as_deref() == Some("17"), "the mark is gone");
    ensure!(
        queue.counts(FIRST)? == Counts { waiting: 1, in_flight: 1, dead: 1 },
        "{:?}",
        queue.counts(FIRST)?
    );
    let dead = queue.dead_letters(FIRST, 10).await?;
    ensure!(bodies(&dead) == ["g0"] && dead[0].receive_count == RECEIVES_MAX, "{dead:?}");
    // What was in flight still blocks its group, and deduplication goes on.
    queue.send(FIRST, numbered("g", 5)).await?;
    expect(&queue, &[]).await?;
    bench.clock.advance(LONG);
    let again = expect(&queue, &["g1", "g3", "g4"]).await?;
    ensure!(again[0].receive_count == 2, "{again:?}");
    Ok(())
}

async fn two_openings_see_one_queue(bench: &LocalBench) -> Result<()> {
    let path = bench.path("shared.db");
    let (one, other) = (open(&path, &bench.clock), open(&path, &bench.clock));
    one.send(FIRST, numbered("g", 2)).await?;
    let received = expect(&other, &["g0", "g1"]).await?;
    expect(&one, &[]).await?;
    one.delete(FIRST, receipts(&received)).await?;
    ensure!(other.counts(FIRST)?.in_flight == 0, "not deleted for the other");
    Ok(())
}

async fn a_file_of_the_layout_before_is_brought_up(bench: &LocalBench) -> Result<()> {
    let path = bench.path("before.db");
    open(&path, &bench.clock).send(FIRST, numbered("g", 1)).await?;
    let file = rusqlite::Connection::open(&path)?;
    for table in ["message", "dead_letter"] {
        file.execute_batch(&format!("ALTER TABLE {table} DROP COLUMN sent_at_ms"))?;
    }
    file.pragma_update(None, "user_version", 1)?;
    drop(file);
    let queue = open(&path, &bench.clock);
    let received = expect(&queue, &["g0"]).await?;
    ensure!(received[0].sent_at.is_none(), "{received:?}");
    Ok(())
}

async fn a_file_of_another_layout_is_refused(bench: &LocalBench) -> Result<()> {
    let path = bench.path("later.db");
    rusqlite::Connection::open(&path)?.pragma_update(None, "user_version", 3)?;
    let opened = LocalQueue::open(&path, bench.clock.as_clock(), RECEIVES_MAX.try_into()?);
    ensure!(matches!(opened, Err(OpenError::Version(3))), "{:?}", opened.err());

    let path = bench.path("text.db");
    std::fs::write(&path, "this is no database, only text that is longer than the head of one ".repeat(10))?;
    ensure!(
        LocalQueue::open(&path, bench.clock.as_clock(), RECEIVES_MAX.try_into()?).is_err(),
        "text was opened"
    );
    Ok(())
}
