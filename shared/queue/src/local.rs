//! The queue on one machine: SQS's FIFO semantics on one SQLite file.
//!
//! Every call is one transaction that is on the disk when it returns (WAL, `synchronous=FULL`): a process or a machine
//! that dies at any moment loses nothing that was sent and takes nothing that was not deleted. SQLite blocks; a call
//! takes about one `fsync`, so it is made in place, behind a mutex that is never held across an await. Time comes in
//! from outside and is kept in milliseconds.
//!
//! For one merchant's backlog on one machine: a receive walks past the messages of the groups that are blocked.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use crate::limit::{self, Refused};
use crate::{Outgoing, Queue, QueueError, QueueName, Received};

mod file;
mod message_row;

pub use file::OpenError;
pub use message_row::Counts;
use message_row::Receipt;

pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

#[derive(Debug, thiserror::Error)]
enum LocalError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the queue's file failed")]
    Sqlite(#[from] rusqlite::Error),
}

pub struct LocalQueue {
    connection: Mutex<Connection>,
    clock: Clock,
    max_receive_count: NonZeroU32,
}

impl LocalQueue {
    /// Opens the file, or makes it; its directory must exist. A message that was received `max_receive_count` times
    /// and not deleted becomes a dead letter.
    pub fn open(path: &Path, clock: Clock, max_receive_count: NonZeroU32) -> Result<Self, OpenError> {
        Ok(Self { connection: Mutex::new(file::open(path)?), clock, max_receive_count })
    }

    /// Kept nowhere, for tests.
    pub fn in_memory(clock: Clock, max_receive_count: NonZeroU32) -> Result<Self, OpenError> {
        Ok(Self { connection: Mutex::new(file::in_memory()?), clock, max_receive_count })
    }

    /// Whether a receive would find something now, be it only a message to bury.
    pub fn has_ready(&self, queue: QueueName) -> Result<bool, QueueError> {
        self.run("look", &queue.to_string(), |tx, now| {
            Ok(message_row::has_ready(tx, &queue.to_string(), now)?)
        })
    }

    /// The earliest instant at which a message in flight becomes visible again; none when none is in flight.
    pub fn next_visible_at(&self, queue: QueueName) -> Result<Option<Timestamp>, QueueError> {
        let at_ms = self.run("look", &queue.to_string(), |tx, now| {
            Ok(message_row::next_visible_ms(tx, &queue.to_string(), now)?)
        })?;
        Ok(at_ms.and_then(|at_ms| Timestamp::from_millisecond(at_ms).ok()))
    }

    pub fn counts(&self, queue: QueueName) -> Result<Counts, QueueError> {
        self.run("count", &queue.to_string(), |tx, now| Ok(message_row::counts(tx, &queue.to_string(), now)?))
    }

    /// Makes visible again what is in flight. For the start of the only process on the file: whoever had received it died,
    /// and waiting for the visibility timeout would hold up each group it is of.
    pub fn release_in_flight(&self) -> Result<(), QueueError> {
        self.run("release", ALL, |tx, now| Ok(message_row::release_in_flight(tx, now)?))
    }

    /// Forgets everything of all queues: messages, dead letters, deduplication ids and marks.
    pub fn purge(&self) -> Result<(), QueueError> {
        self.run("purge", ALL, |tx, _| Ok(file::purge(tx)?))
    }

    /// A value kept under a name beside the messages, as how far a stream was read.
    pub fn get_mark(&self, name: &str) -> Result<Option<String>, QueueError> {
        self.run("read a mark", ALL, |tx, _| Ok(file::get_mark(tx, name)?))
    }

    pub fn set_mark(&self, name: &str, value: &str) -> Result<(), QueueError> {
        self.run("set a mark", ALL, |tx, _| Ok(file::set_mark(tx, name, value)?))
    }

    /// A thread that panicked left no half of a transaction, so its lock is taken over.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of `work` or nothing of it, with the time in milliseconds.
    fn run<T>(
        &self,
        operation: &'static str,
        queue: &str,
        work: impl FnOnce(&Connection, i64) -> Result<T, LocalError>,
    ) -> Result<T, QueueError> {
        let now_ms = (self.clock)().as_millisecond();
        let mut connection = self.lock();
        let outcome = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(LocalError::from)
            .and_then(|tx| {
                let value = work(&tx, now_ms)?;
                tx.commit()?;
                Ok(value)
            });
        outcome.map_err(|error| QueueError { operation, queue: queue.to_owned(), source: error.into() })
    }
}

/// What an error names where all queues are meant.
const ALL: &str = "*";

#[async_trait]
impl Queue for LocalQueue {
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        let queue = queue.to_string();
        self.run("send", &queue, |tx, now| {
            message_row::forget_deduplication(tx, now)?;
            for message in &messages {
                limit::check_outgoing(message)?;
                message_row::insert(tx, &queue, message, now)?;
            }
            Ok(())
        })
    }

    async fn receive(
        &self,
        queue: QueueName,
        max: u32,
        visibility: Duration,
    ) -> Result<Vec<Received>, QueueError> {
        let queue = queue.to_string();
        self.run("receive", &queue, |tx, now| {
            let max = limit::check_max(max)?;
            let visible_at = after(now, visibility)?;
            message_row::bury(tx, &queue, now, self.max_receive_count)?;
            Ok(message_row::take(tx, &queue, now, max, visible_at)?)
        })
    }

    async fn delete(&self, queue: QueueName, receipts: Vec<String>) -> Result<(), QueueError> {
        let queue = queue.to_string();
        self.run("delete", &queue, |tx, now| {
            for receipt in receipts.iter().filter_map(|text| Receipt::parse(text)) {
                message_row::delete(tx, &queue, receipt, now)?;
            }
            Ok(())
        })
    }

    async fn change_visibility(
        &self,
        queue: QueueName,
        receipt: &str,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        let queue = queue.to_string();
        self.run("change visibility", &queue, |tx, now| {
            let visible_at = after(now, visibility)?;
            if let Some(receipt) = Receipt::parse(receipt) {
                message_row::set_visible_at(tx, &queue, receipt, now, visible_at)?;
            }
            Ok(())
        })
    }

    async fn dead_letters(&self, queue: QueueName, max: u32) -> Result<Vec<Received>, QueueError> {
        let queue = queue.to_string();
        self.run("look at dead letters", &queue, |tx, _| {
            Ok(message_row::dead_letters(tx, &queue, limit::check_dead_letters_max(max)?)?)
        })
    }

    async fn redrive(&self, queue: QueueName, message_id: &str) -> Result<bool, QueueError> {
        let queue = queue.to_string();
        self.run("redrive", &queue, |tx, now| Ok(message_row::redrive(tx, &queue, message_id, now)?))
    }
}

fn after(now_ms: i64, visibility: Duration) -> Result<i64, Refused> {
    Ok(now_ms.saturating_add(i64::from(limit::visibility_seconds(visibility)?) * 1_000))
}
