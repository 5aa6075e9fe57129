//! What every queue does.

use std::pin::Pin;
use std::time::Duration;

use anyhow::{Result, ensure};
use queue::limit::BODY_BYTES_MAX;
use queue::{Outgoing, Queue, Received};

use crate::bench::{Bench, FIRST, RECEIVES_MAX, SECOND};

pub type Law = for<'a> fn(&'a dyn Bench) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

macro_rules! laws {
    ($($law:ident),+ $(,)?) => {
        &[$((stringify!($law), |bench| Box::pin($law(bench)))),+]
    };
}

pub const ALL: &[(&str, Law)] = laws![
    messages_of_a_group_come_in_order,
    one_receive_may_hold_several_of_a_group,
    other_groups_go_on_while_one_is_blocked,
    queues_are_apart,
    a_message_comes_again_after_its_visibility_timeout,
    a_message_comes_again_at_once_after_visibility_zero,
    a_group_stays_blocked_until_its_last_in_flight_is_visible,
    receives_are_counted,
    too_many_receives_make_a_dead_letter,
    dead_letters_are_looked_at_not_taken,
    more_than_ten_dead_letters_are_seen,
    a_redriven_dead_letter_is_a_new_message,
    the_same_deduplication_id_is_one_message,
    deduplication_outlives_deletion,
    more_than_ten_are_sent_in_order,
    more_than_ten_are_deleted,
    more_bytes_than_one_call_takes_are_sent,
    the_longest_body_is_taken_and_no_longer_one,
    what_is_outside_the_limits_is_refused_whole,
    receiving_is_of_one_to_ten,
    what_is_not_deleted_of_a_batch_comes_again_in_order,
    a_stale_receipt_does_nothing,
    nothing_is_sent_and_nothing_deleted,
];

/// Longer than any law takes.
pub const LONG: Duration = Duration::from_secs(600);

/// A message whose deduplication id is its body.
pub fn message(group: &str, body: &str) -> Outgoing {
    Outgoing { group: group.into(), deduplication_id: body.into(), body: body.into() }
}

pub fn numbered(group: &str, count: usize) -> Vec<Outgoing> {
    (0..count).map(|number| message(group, &format!("{group}{number}"))).collect()
}

pub fn bodies(received: &[Received]) -> Vec<&str> {
    received.iter().map(|message| message.body.as_str()).collect()
}

pub fn receipts(received: &[Received]) -> Vec<String> {
    received.iter().map(|message| message.receipt.clone()).collect()
}

/// Receives ten for a long time and compares the bodies.
#[track_caller]
pub fn expect<'a>(
    queue: &'a dyn Queue,
    expected: &'a [&'a str],
) -> impl Future<Output = Result<Vec<Received>>> + 'a {
    let at = std::panic::Location::caller();
    async move {
        let received = queue.receive(FIRST, 10, LONG).await?;
        ensure!(bodies(&received) == expected, "{at}: received {:?}, not {expected:?}", bodies(&received));
        Ok(received)
    }
}

async fn messages_of_a_group_come_in_order(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, vec![message("g", "a"), message("g", "b")]).await?;
    queue.send(FIRST, vec![message("g", "c")]).await?;
    for body in ["a", "b", "c"] {
        let received = queue.receive(FIRST, 1, LONG).await?;
        ensure!(bodies(&received) == [body] && received[0].group == "g", "{received:?}, not {body}");
        queue.delete(FIRST, receipts(&received)).await?;
    }
    expect(queue, &[]).await?;
    Ok(())
}

async fn one_receive_may_hold_several_of_a_group(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, numbered("g", 3)).await?;
    let received = queue.receive(FIRST, 2, LONG).await?;
    ensure!(bodies(&received) == ["g0", "g1"], "{received:?}");
    expect(queue, &[]).await?;
    queue.delete(FIRST, receipts(&received)).await?;
    expect(queue, &["g2"]).await?;
    Ok(())
}

async fn other_groups_go_on_while_one_is_blocked(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue
        .send(FIRST, vec![message("g", "g0"), message("g", "g1"), message("h", "h0"), message("h", "h1")])
        .await?;
    let first = queue.receive(FIRST, 1, LONG).await?;
    ensure!(bodies(&first) == ["g0"], "{first:?}");
    let others = expect(queue, &["h0", "h1"]).await?;
    queue.send(FIRST, vec![message("g", "g2"), message("i", "i0")]).await?;
    expect(queue, &["i0"]).await?;
    queue.delete(FIRST, receipts(&others)).await?;
    expect(queue, &[]).await?;
    queue.delete(FIRST, receipts(&first)).await?;
    expect(queue, &["g1", "g2"]).await?;
    Ok(())
}

async fn queues_are_apart(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, vec![message("g", "a")]).await?;
    let other = queue.receive(SECOND, 10, LONG).await?;
    ensure!(other.is_empty(), "{other:?}");
    expect(queue, &["a"]).await?;
    // Neither its group nor its deduplication id are the other queue's.
    queue.send(SECOND, vec![message("g", "a")]).await?;
    let other = queue.receive(SECOND, 10, LONG).await?;
    ensure!(bodies(&other) == ["a"], "{other:?}");
    Ok(())
}

async fn a_message_comes_again_after_its_visibility_timeout(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, vec![message("g", "g0"), message("h", "h0")]).await?;
    let received = queue.receive(FIRST, 10, Duration::from_secs(1)).await?;
    ensure!(bodies(&received) == ["g0", "h0"], "{received:?}");
    queue.change_visibility(FIRST, &received[1].receipt, LONG).await?;
    expect(queue, &[]).await?;
    bench.pass(Duration::from_millis(1_200)).await;
    expect(queue, &["g0"]).await?;
    Ok(())
}

async fn a_message_comes_again_at_once_after_visibility_zero(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, numbered("g", 2)).await?;
    let received = queue.receive(FIRST, 1, LONG).await?;
    queue.change_visibility(FIRST, &received[0].receipt, Duration::ZERO).await?;
    expect(queue, &["g0", "g1"]).await?;
    Ok(())
}

async fn a_group_stays_blocked_until_its_last_in_flight_is_visible(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, numbered("g", 3)).await?;
    let received = queue.receive(FIRST, 2, LONG).await?;
    queue.change_visibility(FIRST, &received[0].receipt, Duration::ZERO).await?;
    expect(queue, &[]).await?;
    queue.change_visibility(FIRST, &received[1].receipt, Duration::ZERO).await?;
    expect(queue, &["g0", "g1", "g2"]).await?;
    Ok(())
}

async fn receives_are_counted(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, numbered("g", 2)).await?;
    for count in 1..=RECEIVES_MAX {
        let received = queue.receive(FIRST, 1, LONG).await?;
        ensure!(received.len() == 1 && received[0].receive_count == count, "{received:?}, not {count}");
        queue.change_visibility(FIRST, &received[0].receipt, Duration::ZERO).await?;
    }
    let next = expect(queue, &["g1"]).await?;
    ensure!(next[0].receive_count == 1, "{next:?}");
    Ok(())
}

async fn too_many_receives_make_a_dead_letter(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, numbered("g", 2)).await?;
    let mut message_id = String::new();
    for _ in 0..RECEIVES_MAX {
        let received = queue.receive(FIRST, 1, LONG).await?;
        ensure!(bodies(&received) == ["g0"], "{received:?}");
        ensure!(queue.dead_letters(FIRST, 10).await?.is_empty(), "dead too early");
        queue.change_visibility(FIRST, &received[0].receipt, Duration::ZERO).await?;
        message_id.clone_from(&received[0].message_id);
    }
    // The group goes on without it.
    let next = expect(queue, &["g1"]).await?;
    queue.delete(FIRST, receipts(&next)).await?;
    expect(queue, &[]).await?;
    let dead = queue.dead_letters(FIRST, 10).await?;
    ensure!(bodies(&dead) == ["g0"] && dead[0].group == "g" && dead[0].message_id == message_id, "{dead:?}");
    ensure!(dead[0].receive_count >= RECEIVES_MAX, "{dead:?}");
    ensure!(queue.dead_letters(SECOND, 10).await?.is_empty(), "dead in another queue");
    Ok(())
}

async fn dead_letters_are_looked_at_not_taken(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, numbered("g", 2)).await?;
    for _ in 0..RECEIVES_MAX {
        for message in expect(queue, &["g0", "g1"]).await? {
            queue.change_visibility(FIRST, &message.receipt, Duration::ZERO).await?;
        }
    }
    expect(queue, &[]).await?;
    for _ in 0..2 * RECEIVES_MAX {
        let dead = queue.dead_letters(FIRST, 10).await?;
        ensure!(bodies(&dead) == ["g0", "g1"], "{dead:?}");
    }
    let dead = queue.dead_letters(FIRST, 1).await?;
    ensure!(bodies(&dead) == ["g0"], "{dead:?}");
    ensure!(queue.dead_letters(FIRST, 101).await.is_err(), "101 dead letters at once");
    ensure!(queue.dead_letters(FIRST, 0).await.is_err(), "none at once");
    Ok(())
}

/// Leaves each of these dead.
async fn kill(bench: &dyn Bench, messages: Vec<Outgoing>) -> Result<()> {
    let queue = bench.queue();
    let count = messages.len();
    queue.send(FIRST, messages).await?;
    for _ in 0..RECEIVES_MAX {
        let mut received = Vec::new();
        while received.len() < count {
            received.extend(queue.receive(FIRST, 10, LONG).await?);
        }
        for message in received {
            queue.change_visibility(FIRST, &message.receipt, Duration::ZERO).await?;
        }
    }
    while !queue.receive(FIRST, 10, LONG).await?.is_empty() {}
    Ok(())
}

async fn more_than_ten_dead_letters_are_seen(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    let groups = (0..13).map(|n| message(&format!("g{n}"), &format!("m{n}"))).collect();
    kill(bench, groups).await?;
    for _ in 0..2 {
        let dead = queue.dead_letters(FIRST, 100).await?;
        ensure!(dead.len() == 13, "{dead:?}");
        ensure!(dead.iter().all(|one| one.sent_at.is_some()), "{dead:?}");
    }
    Ok(())
}

async fn a_redriven_dead_letter_is_a_new_message(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    kill(bench, vec![message("g", "g0"), message("h", "h0")]).await?;
    let dead = queue.dead_letters(FIRST, 10).await?;
    let id = dead[0].message_id.clone();
    ensure!(dead.len() == 2, "{dead:?}");
    for (name, message_id) in [(SECOND, id.as_str()), (FIRST, "x"), (FIRST, "99")] {
        ensure!(!queue.redrive(name, message_id).await?, "{message_id} of {name} was found");
    }
    ensure!(queue.redrive(FIRST, &id).await?, "the dead letter was not found");
    ensure!(!queue.redrive(FIRST, &id).await?, "the dead letter was found twice");
    let left = queue.dead_letters(FIRST, 10).await?;
    ensure!(bodies(&left) == [dead[1].body.as_str()], "{left:?}");
    let received = expect(queue, &[dead[0].body.as_str()]).await?;
    ensure!(received[0].receive_count == 1 && received[0].message_id != id, "{received:?}");
    ensure!(received[0].group == dead[0].group, "{received:?}");
    Ok(())
}

async fn the_same_deduplication_id_is_one_message(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    let same = |group: &str, body: &str| Outgoing { deduplication_id: "same".into(), ..message(group, body) };
    queue.send(FIRST, vec![same("g", "first"), same("g", "of one call"), message("g", "other")]).await?;
    queue.send(FIRST, vec![same("g", "of another call")]).await?;
    queue.send(FIRST, vec![same("h", "of another group")]).await?;
    expect(queue, &["first", "other"]).await?;
    Ok(())
}

async fn deduplication_outlives_deletion(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, vec![message("g", "a")]).await?;
    let received = expect(queue, &["a"]).await?;
    queue.delete(FIRST, receipts(&received)).await?;
    queue.send(FIRST, vec![message("g", "a"), message("g", "b")]).await?;
    expect(queue, &["b"]).await?;
    Ok(())
}

async fn more_than_ten_are_sent_in_order(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    let sent = numbered("g", 25);
    queue.send(FIRST, sent.clone()).await?;
    for expected in sent.chunks(10) {
        let received = queue.receive(FIRST, 10, LONG).await?;
        ensure!(
            bodies(&received) == expected.iter().map(|sent| &sent.body).collect::<Vec<_>>(),
            "{received:?}"
        );
        queue.delete(FIRST, receipts(&received)).await?;
    }
    expect(queue, &[]).await?;
    Ok(())
}

async fn more_than_ten_are_deleted(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue
        .send(FIRST, (0..25).map(|number| message(&format!("g{number}"), &format!("b{number}"))).collect())
        .await?;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.extend(queue.receive(FIRST, 10, LONG).await?);
    }
    ensure!(held.len() == 25, "{} received", held.len());
    let last = held.pop().unwrap();
    queue.delete(FIRST, receipts(&held)).await?;
    // Every one still held comes again.
    for receipt in receipts(&held) {
        queue.change_visibility(FIRST, &receipt, Duration::ZERO).await?;
    }
    queue.change_visibility(FIRST, &last.receipt, Duration::ZERO).await?;
    expect(queue, &[&last.body]).await?;
    Ok(())
}

async fn more_bytes_than_one_call_takes_are_sent(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    // Above SQS's 1 MiB too.
    let sent: Vec<_> = (0..6)
        .map(|number| Outgoing {
            deduplication_id: number.to_string(),
            ..message("g", &format!("{number}{}", "x".repeat(200 * 1024)))
        })
        .collect();
    queue.send(FIRST, sent.clone()).await?;
    for sent in sent {
        let received = queue.receive(FIRST, 1, LONG).await?;
        ensure!(
            received.len() == 1 && received[0].body == sent.body,
            "message {} is not next",
            sent.deduplication_id
        );
        queue.delete(FIRST, receipts(&received)).await?;
    }
    Ok(())
}

async fn the_longest_body_is_taken_and_no_longer_one(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    // Bytes count, not characters.
    let longest = "é".repeat(BODY_BYTES_MAX / 2);
    let send = |body: String| Outgoing { body, ..message("g", "long") };
    ensure!(
        queue.send(FIRST, vec![send(format!("{longest}x"))]).await.is_err(),
        "one byte too many was taken"
    );
    queue.send(FIRST, vec![send(longest.clone())]).await?;
    let received = queue.receive(FIRST, 10, LONG).await?;
    ensure!(received.len() == 1 && received[0].body == longest, "{} received", received.len());
    Ok(())
}

async fn what_is_outside_the_limits_is_refused_whole(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    let good = message("g", "good");
    let cases = [
        ("an empty group", Outgoing { group: String::new(), ..good.clone() }),
        ("a group too long", Outgoing { group: "g".repeat(129), ..good.clone() }),
        ("a group with a space", Outgoing { group: "g h".into(), ..good.clone() }),
        ("an empty deduplication id", Outgoing { deduplication_id: String::new(), ..good.clone() }),
        ("a deduplication id too long", Outgoing { deduplication_id: "d".repeat(129), ..good.clone() }),
        ("a deduplication id of other letters", Outgoing { deduplication_id: "ä".into(), ..good.clone() }),
        ("an empty body", Outgoing { body: String::new(), ..good.clone() }),
        ("a control character", Outgoing { body: "a\u{1}".into(), ..good.clone() }),
        ("a non-character", Outgoing { body: "a\u{ffff}".into(), ..good.clone() }),
    ];
    for (what, bad) in cases {
        let sent = queue.send(
            FIRST,
            vec![message("g", what), Outgoing { deduplication_id: what.len().to_string(), ..bad }],
        );
        ensure!(sent.await.is_err(), "{what} was taken");
        expect(queue, &[]).await?;
    }
    let widest = Outgoing {
        group: "!~".repeat(64),
        deduplication_id: "~!".repeat(64),
        body: "\t\n\r \u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}".into(),
    };
    queue.send(FIRST, vec![widest.clone()]).await?;
    let received = expect(queue, &[&widest.body]).await?;
    ensure!(received[0].group == widest.group, "{received:?}");
    Ok(())
}

async fn receiving_is_of_one_to_ten(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, numbered("g", 1)).await?;
    for max in [0, 11, u32::MAX] {
        ensure!(queue.receive(FIRST, max, LONG).await.is_err(), "{max} at once");
    }
    let hours = Duration::from_secs(12 * 60 * 60);
    ensure!(
        queue.receive(FIRST, 1, hours + Duration::from_secs(1)).await.is_err(),
        "invisible above 12 hours"
    );
    let received = queue.receive(FIRST, 1, hours).await?;
    ensure!(bodies(&received) == ["g0"] && received[0].receive_count == 1, "{received:?}");
    Ok(())
}

async fn what_is_not_deleted_of_a_batch_comes_again_in_order(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, numbered("g", 6)).await?;
    let received = queue.receive(FIRST, 5, LONG).await?;
    ensure!(bodies(&received) == ["g0", "g1", "g2", "g3", "g4"], "{received:?}");
    queue.delete(FIRST, vec![received[1].receipt.clone(), received[3].receipt.clone()]).await?;
    for kept in [4, 0, 2] {
        expect(queue, &[]).await?;
        queue.change_visibility(FIRST, &received[kept].receipt, Duration::ZERO).await?;
    }
    let again = expect(queue, &["g0", "g2", "g4", "g5"]).await?;
    let counts: Vec<_> = again.iter().map(|message| message.receive_count).collect();
    ensure!(counts == [2, 2, 2, 1], "{counts:?}");
    Ok(())
}

async fn a_stale_receipt_does_nothing(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, numbered("g", 1)).await?;
    let stale = expect(queue, &["g0"]).await?;
    queue.change_visibility(FIRST, &stale[0].receipt, Duration::ZERO).await?;
    let held = expect(queue, &["g0"]).await?;
    queue.delete(FIRST, receipts(&stale)).await?;
    queue.change_visibility(FIRST, &stale[0].receipt, Duration::ZERO).await?;
    expect(queue, &[]).await?;
    queue.change_visibility(FIRST, &held[0].receipt, Duration::ZERO).await?;
    let held = expect(queue, &["g0"]).await?;
    // One stale receipt among others keeps none of them from being done.
    queue.delete(FIRST, vec![stale[0].receipt.clone(), held[0].receipt.clone()]).await?;
    queue.delete(FIRST, receipts(&held)).await?;
    queue.change_visibility(FIRST, &held[0].receipt, Duration::ZERO).await?;
    expect(queue, &[]).await?;
    Ok(())
}

async fn nothing_is_sent_and_nothing_deleted(bench: &dyn Bench) -> Result<()> {
    let queue = bench.queue();
    queue.send(FIRST, Vec::new()).await?;
    queue.delete(FIRST, Vec::new()).await?;
    expect(queue, &[]).await?;
    Ok(())
}
