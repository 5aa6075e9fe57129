//! dynoxide's private stream table: the index it lacks, trimming and stamps.
//!
//! Owns a second SQLite connection to the same database. Everything that knows dynoxide's schema
//! is in this file; the crate version is pinned exactly and the columns are checked on opening.

use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::EngineError;

const COLUMNS: &str = "id,table_name,event_name,keys_json,new_image,old_image,sequence_number,\
                       shard_id,created_at,user_identity,event_id";

/// Without it each write looks for the table's last sequence number by reading every record.
const INDEX: &str = "CREATE INDEX IF NOT EXISTS stream_records_by_position \
     ON _stream_records(table_name, CAST(sequence_number AS INTEGER))";

/// As AWS marks a removal by TTL.
const EXPIRED_BY: &str = r#"{"type":"Service","principalId":"dynamodb.amazonaws.com"}"#;

/// A name under which both connections reach one database in memory. SQLite's `memdb` shares a
/// database among connections of a process when its name starts with a slash.
pub(crate) fn memory_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("file:/engine-{number}?vfs=memdb")
}

pub(crate) struct PrivateTables {
    connection: Connection,
    /// Row id of the newest record that has its stamp.
    stamped: i64,
}

impl PrivateTables {
    /// Opens a second connection to the database `name` that dynoxide has just set up.
    pub(crate) fn open(name: &str) -> Result<Self, EngineError> {
        let connection = Connection::open(name)?;
        let found: String = connection.query_row(
            "SELECT group_concat(name, ',') FROM pragma_table_info('_stream_records')",
            [],
            |row| Ok(row.get::<_, Option<String>>(0)?.unwrap_or_default()),
        )?;
        if found != COLUMNS {
            return Err(EngineError::Schema { found, expected: COLUMNS });
        }
        connection.execute_batch(INDEX)?;
        let stamped = last_row(&connection)?;
        Ok(Self { connection, stamped })
    }

    /// Gives every record written since the last call the time `now` (seconds since the epoch).
    pub(crate) fn stamp_new_records(&mut self, now: i64) -> Result<(), EngineError> {
        let last = last_row(&self.connection)?;
        if last > self.stamped {
            let mut stamp =
                self.connection.prepare_cached("UPDATE _stream_records SET created_at = ?1 WHERE id > ?2")?;
            stamp.execute(params![now, self.stamped])?;
            self.stamped = last;
        }
        Ok(())
    }

    /// Row id of the newest stream record of any table, 0 when there is none.
    pub(crate) fn last_row(&self) -> Result<i64, EngineError> {
        last_row(&self.connection)
    }

    /// Marks the removals recorded after row `after` as made by TTL.
    pub(crate) fn mark_expired(&self, table: &str, after: i64) -> Result<(), EngineError> {
        self.connection.execute(
            "UPDATE _stream_records SET user_identity = ?1 \
             WHERE id > ?2 AND table_name = ?3 AND event_name = 'REMOVE'",
            params![EXPIRED_BY, after, table],
        )?;
        Ok(())
    }

    /// Deletes the table's records below the stored sequence number `before`, and never its
    /// newest: the next number is counted from it, and a number below a reader's position would
    /// never be read.
    pub(crate) fn trim(&self, table: &str, before: i64) -> Result<usize, EngineError> {
        let newest: Option<i64> = self
            .connection
            .query_row(
                "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records \
                 WHERE table_name = ?1",
                params![table],
                |row| row.get(0),
            )
            .optional()?
            .flatten();
        let Some(newest) = newest else {
            return Ok(0);
        };
        Ok(self.connection.execute(
            "DELETE FROM _stream_records \
             WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2",
            params![table, before.min(newest)],
        )?)
    }
}

fn last_row(connection: &Connection) -> Result<i64, EngineError> {
    let mut last = connection.prepare_cached("SELECT MAX(id) FROM _stream_records")?;
    Ok(last.query_row([], |row| Ok(row.get::<_, Option<i64>>(0)?.unwrap_or_default()))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;

    /// The statements dynoxide runs on every write and every stream read: with the index their
    /// cost does not grow with the records kept.
    #[test]
    fn dynoxides_own_statements_use_the_index() {
        let statements = [
            (
                "next sequence number",
                "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 \
                 FROM _stream_records WHERE table_name = 't'",
            ),
            (
                "read after a position",
                "SELECT event_name, keys_json FROM _stream_records \
                 WHERE table_name = 't' AND shard_id = 's' \
                 AND CAST(sequence_number AS INTEGER) > 5 \
                 ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT 10",
            ),
            (
                "trim",
                "DELETE FROM _stream_records \
                 WHERE table_name = 't' AND CAST(sequence_number AS INTEGER) < 5",
            ),
        ];
        let engine = Engine::memory().unwrap();
        let private = engine.lock();
        for (name, statement) in statements {
            let with = plan(&private.connection, statement);
            assert!(
                with.contains("USING INDEX stream_records_by_position")
                    || with.contains("USING COVERING INDEX stream_records_by_position"),
                "{name}: {with}"
            );
            assert!(!with.contains("TEMP B-TREE"), "{name} sorts: {with}");
        }
        private.connection.execute_batch("DROP INDEX stream_records_by_position").unwrap();
        for (name, statement) in statements {
            let without = plan(&private.connection, statement);
            assert!(!without.contains("USING INDEX"), "{name}: {without}");
        }
    }

    #[test]
    fn an_unknown_stream_table_is_refused_untouched() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("other.db");
        drop(Engine::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "DROP INDEX stream_records_by_position; \
                 ALTER TABLE _stream_records ADD COLUMN later TEXT",
            )
            .unwrap();
        let error = Engine::open(&path).unwrap_err();
        assert!(matches!(error, EngineError::Schema { .. }), "{error}");
        let indexes: i64 = connection
            .query_row(
                "SELECT count(*) FROM sqlite_master WHERE name = 'stream_records_by_position'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(indexes, 0);
    }

    fn plan(connection: &Connection, statement: &str) -> String {
        let mut prepared = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let steps: Vec<String> =
            prepared.query_map([], |row| row.get::<_, String>(3)).unwrap().collect::<Result<_, _>>().unwrap();
        steps.join("; ")
    }
}
