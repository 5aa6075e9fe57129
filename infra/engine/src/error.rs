//! What can go wrong with the engine itself. Errors of the data API reach the caller through the
//! SDK, as its typed errors.

use std::path::PathBuf;

/// An error of the engine outside the data API.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The database refused the call.
    #[error("the embedded database refused the call")]
    Database(#[from] dynoxide::DynoxideError),
    /// The call was refused with DynamoDB's error JSON.
    #[error("the engine answered {0}")]
    Refused(String),
    /// SQLite failed on the stream table.
    #[error("SQLite failed on the stream table")]
    Sqlite(#[from] rusqlite::Error),
    /// dynoxide's stream table is not the one this crate mends, so it must not be touched.
    #[error("the stream table has columns [{found}], not [{expected}]")]
    Schema {
        /// Columns in the database, in order.
        found: String,
        /// Columns this crate knows.
        expected: &'static str,
    },
    /// The table does not exist or has no stream.
    #[error("table {0} has no stream")]
    NoStream(String),
    /// Text that is no stream position.
    #[error("{0:?} is not a stream position")]
    Position(String),
    /// SQLite takes only paths in UTF-8.
    #[error("the path {0} is not UTF-8")]
    Path(PathBuf),
    /// An answer that is not the JSON DynamoDB documents.
    #[error("the engine's answer is not as documented")]
    Json(#[from] serde_json::Error),
}
