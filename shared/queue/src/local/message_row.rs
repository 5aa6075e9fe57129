//! What is done to the rows of messages and dead letters. Each function is part of the caller's transaction.

use std::num::NonZeroU32;

use domain::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::limit::DEDUPLICATION_INTERVAL;
use crate::{Outgoing, Received};

/// How many messages a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Visible, be it behind a message of its group that is in flight.
    pub waiting: u64,
    /// Received and neither deleted nor visible again.
    pub in_flight: u64,
    pub dead: u64,
}

/// Which receive of which message: good until the message is received again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    sequence: i64,
    receive_count: u32,
}

impl Receipt {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (sequence, receive_count) = text.split_once('.')?;
        Some(Self { sequence: sequence.parse().ok()?, receive_count: receive_count.parse().ok()? })
    }

    fn encode(self) -> String {
        format!("{}.{}", self.sequence, self.receive_count)
    }
}

/// Forgets the deduplication ids whose time is over.
pub(super) fn forget_deduplication(tx: &Connection, now_ms: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM deduplication WHERE until_ms <= ?1")?.execute([now_ms])?;
    Ok(())
}

/// Nothing, when a message of that deduplication id came before and its time is not over.
pub(super) fn insert(tx: &Connection, queue: &str, message: &Outgoing, now_ms: i64) -> rusqlite::Result<()> {
    let interval_ms = i64::try_from(DEDUPLICATION_INTERVAL.as_millis()).unwrap_or(i64::MAX);
    let is_new = tx
        .prepare_cached(
            "INSERT INTO deduplication (queue, id, until_ms) VALUES (?1, ?2, ?3) ON CONFLICT (queue, id) DO NOTHING",
        )?
        .execute(params![queue, message.deduplication_id, now_ms.saturating_add(interval_ms)])?;
    if is_new == 0 {
        return Ok(());
    }
    append(tx, queue, &message.group, &message.body, now_ms)
}

fn append(tx: &Connection, queue: &str, group: &str, body: &str, now_ms: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO message (queue, message_group, body, visible_at_ms, receive_count, sent_at_ms)
         VALUES (?1, ?2, ?3, 0, 0, ?4)",
    )?
    .execute(params![queue, group, body, now_ms])?;
    Ok(())
}

/// Makes dead letters of what was received too often and is visible again.
pub(super) fn bury(
    tx: &Connection,
    queue: &str,
    now_ms: i64,
    max_receive_count: NonZeroU32,
) -> rusqlite::Result<()> {
    const SPENT: &str = "queue = ?1 AND visible_at_ms <= ?2 AND receive_count > 0 AND receive_count >= ?3";
    let spent = params![queue, now_ms, max_receive_count.get()];
    let buried = tx
        .prepare_cached(&format!(
            "INSERT INTO dead_letter (sequence, queue, message_group, body, receive_count, sent_at_ms)
             SELECT sequence, queue, message_group, body, receive_count, sent_at_ms FROM message WHERE {SPENT}"
        ))?
        .execute(spent)?;
    if buried > 0 {
        tx.prepare_cached(&format!("DELETE FROM message WHERE {SPENT}"))?.execute(spent)?;
    }
    Ok(())
}

/// The visible messages of the groups that have none in flight.
const READY: &str = "queue = ?1 AND visible_at_ms <= ?2 AND message_group NOT IN
    (SELECT message_group FROM message WHERE queue = ?1 AND visible_at_ms > ?2 AND receive_count > 0)";

pub(super) fn take(
    tx: &Connection,
    queue: &str,
    now_ms: i64,
    max: u32,
    visible_at_ms: i64,
) -> rusqlite::Result<Vec<Received>> {
    let taken: Vec<Received> = tx
        .prepare_cached(&format!(
            "SELECT sequence, message_group, body, receive_count + 1, sent_at_ms FROM message
             WHERE {READY} ORDER BY sequence LIMIT ?3"
        ))?
        .query_map(params![queue, now_ms, max], received)?
        .collect::<rusqlite::Result<_>>()?;
    let mut mark = tx.prepare_cached(
        "UPDATE message SET receive_count = receive_count + 1, visible_at_ms = ?2
         WHERE sequence = CAST(?1 AS INTEGER)",
    )?;
    for message in &taken {
        mark.execute(params![message.message_id, visible_at_ms])?;
    }
    Ok(taken)
}

fn received(row: &Row<'_>) -> rusqlite::Result<Received> {
    let receipt = Receipt { sequence: row.get(0)?, receive_count: row.get(3)? };
    Ok(Received {
        message_id: receipt.sequence.to_string(),
        receipt: receipt.encode(),
        group: row.get(1)?,
        body: row.get(2)?,
        receive_count: receipt.receive_count,
        // Zero where the layout did not know it yet.
        sent_at: Timestamp::from_millisecond(row.get(4)?).ok().filter(|at| *at > Timestamp::UNIX_EPOCH),
    })
}

/// In flight by this receipt: a FIFO queue takes no receipt whose visibility timeout is over.
/// <https://repost.aws/knowledge-center/sqs-receipt-handle-error>
const HELD: &str = "sequence = ?1 AND receive_count = ?2 AND queue = ?3 AND visible_at_ms > ?4";

pub(super) fn delete(tx: &Connection, queue: &str, receipt: Receipt, now_ms: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(&format!("DELETE FROM message WHERE {HELD}"))?.execute(params![
        receipt.sequence,
        receipt.receive_count,
        queue,
        now_ms
    ])?;
    Ok(())
}

pub(super) fn set_visible_at(
    tx: &Connection,
    queue: &str,
    receipt: Receipt,
    now_ms: i64,
    visible_at_ms: i64,
) -> rusqlite::Result<()> {
    tx.prepare_cached(&format!("UPDATE message SET visible_at_ms = ?5 WHERE {HELD}"))?.execute(params![
        receipt.sequence,
        receipt.receive_count,
        queue,
        now_ms,
        visible_at_ms
    ])?;
    Ok(())
}

pub(super) fn release_in_flight(tx: &Connection, now_ms: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE message SET visible_at_ms = ?1 WHERE visible_at_ms > ?1")?.execute([now_ms])?;
    Ok(())
}

/// Their receipts name no message.
pub(super) fn dead_letters(tx: &Connection, queue: &str, max: u32) -> rusqlite::Result<Vec<Received>> {
    tx.prepare_cached(
        "SELECT sequence, message_group, body, receive_count, sent_at_ms FROM dead_letter
         WHERE queue = ?1 ORDER BY sequence LIMIT ?2",
    )?
    .query_map(params![queue, max], received)?
    .collect()
}

pub(super) fn redrive(tx: &Connection, queue: &str, message_id: &str, now_ms: i64) -> rusqlite::Result<bool> {
    let Ok(sequence) = message_id.parse::<i64>() else {
        return Ok(false);
    };
    let moved = tx
        .prepare_cached(
            "INSERT INTO message (queue, message_group, body, visible_at_ms, receive_count, sent_at_ms)
             SELECT queue, message_group, body, 0, 0, ?3 FROM dead_letter WHERE sequence = ?1 AND queue = ?2",
        )?
        .execute(params![sequence, queue, now_ms])?;
    tx.prepare_cached("DELETE FROM dead_letter WHERE sequence = ?1 AND queue = ?2")?
        .execute(params![sequence, queue])?;
    Ok(moved > 0)
}

pub(super) fn has_ready(tx: &Connection, queue: &str, now_ms: i64) -> rusqlite::Result<bool> {
    tx.prepare_cached(&format!("SELECT EXISTS (SELECT 1 FROM message WHERE {READY})"))?
        .query_row(params![queue, now_ms], |row| row.get(0))
}

pub(super) fn next_visible_ms(tx: &Connection, queue: &str, now_ms: i64) -> rusqlite::Result<Option<i64>> {
    tx.prepare_cached(
        "SELECT MIN(visible_at_ms) FROM message WHERE queue = ?1 AND visible_at_ms > ?2 AND receive_count > 0",
    )?
    .query_row(params![queue, now_ms], |row| row.get(0))
}

pub(super) fn counts(tx: &Connection, queue: &str, now_ms: i64) -> rusqlite::Result<Counts> {
    tx.prepare_cached(
        "SELECT
            (SELECT COUNT(*) FROM message WHERE queue = ?1 AND visible_at_ms <= ?2),
            (SELECT COUNT(*) FROM message WHERE queue = ?1 AND visible_at_ms > ?2 AND receive_count > 0),
            (SELECT COUNT(*) FROM dead_letter WHERE queue = ?1)",
    )?
    .query_row(params![queue, now_ms], |row| {
        Ok(Counts { waiting: row.get(0)?, in_flight: row.get(1)?, dead: row.get(2)? })
    })
}
