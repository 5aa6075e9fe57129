//! The file: how it is opened, its tables, and what is in it beside messages.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

/// The layout of the tables. A file of another one is refused, never guessed at.
const VERSION: i64 = 2;

/// How long a call waits for another process that holds the file, as one that makes a copy of it.
const BUSY: Duration = Duration::from_secs(10);

/// `sequence` is the order and the message's id, and AUTOINCREMENT keeps it from ever being given twice: a receipt
/// that outlives its message names no other. A message that was received and is not yet visible is in flight.
const TABLES: &str = "
    CREATE TABLE message (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        message_group TEXT NOT NULL,
        body TEXT NOT NULL,
        visible_at_ms INTEGER NOT NULL,
        receive_count INTEGER NOT NULL,
        sent_at_ms INTEGER NOT NULL
    );
    CREATE INDEX message_in_order ON message (queue, sequence, visible_at_ms, message_group);
    CREATE INDEX message_received ON message (queue, visible_at_ms, message_group) WHERE receive_count > 0;
    CREATE TABLE dead_letter (
        sequence INTEGER PRIMARY KEY,
        queue TEXT NOT NULL,
        message_group TEXT NOT NULL,
        body TEXT NOT NULL,
        receive_count INTEGER NOT NULL,
        sent_at_ms INTEGER NOT NULL
    );
    CREATE INDEX dead_letter_in_order ON dead_letter (queue, sequence);
    CREATE TABLE deduplication (
        queue TEXT NOT NULL,
        id TEXT NOT NULL,
        until_ms INTEGER NOT NULL,
        PRIMARY KEY (queue, id)
    ) WITHOUT ROWID;
    CREATE INDEX deduplication_until ON deduplication (until_ms);
    CREATE TABLE mark (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// From layout 1, which did not know when a message was sent.
const FROM_1: &str = "
    ALTER TABLE message ADD COLUMN sent_at_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE dead_letter ADD COLUMN sent_at_ms INTEGER NOT NULL DEFAULT 0;
";

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("could not open the queue's file")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the queue's file has layout {0}, which this version of the code does not know")]
    Version(i64),
    #[error("the queue's file keeps its journal as {0}, not as WAL")]
    Journal(String),
}

pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    let journal: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if journal != "wal" {
        return Err(OpenError::Journal(journal));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    prepare(connection)
}

pub(super) fn in_memory() -> Result<Connection, OpenError> {
    prepare(Connection::open_in_memory()?)
}

fn prepare(mut connection: Connection) -> Result<Connection, OpenError> {
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    match tx.pragma_query_value(None, "user_version", |row| row.get(0))? {
        VERSION => {}
        found @ (0 | 1) => {
            tx.execute_batch(if found == 0 { TABLES } else { FROM_1 })?;
            tx.pragma_update(None, "user_version", VERSION)?;
        }
        other => return Err(OpenError::Version(other)),
    }
    tx.commit()?;
    Ok(connection)
}

pub(super) fn purge(tx: &Connection) -> rusqlite::Result<()> {
    tx.execute_batch(
        "DELETE FROM message; DELETE FROM dead_letter; DELETE FROM deduplication; DELETE FROM mark;",
    )
}

pub(super) fn get_mark(tx: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    tx.prepare_cached("SELECT value FROM mark WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

pub(super) fn set_mark(tx: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO mark (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute(params![name, value])?;
    Ok(())
}
