//! What can go wrong with the table, and what the caller does about it.

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed the row since it was read: read again and decide again.
    #[error("{0} was changed by another")]
    Conflict(&'static str),
    /// The row, or a name that must be unique, is taken.
    #[error("{0} exists already")]
    Exists(&'static str),
    /// A level would fall below what the caller demanded.
    #[error("not enough stock")]
    NotEnoughStock,
    /// Throttled or contended, and still so after the retries: try again later.
    #[error("the table is busy")]
    Busy(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// No answer, or an unexpected one.
    #[error("could not {operation}")]
    Unavailable {
        operation: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row that this version of the code cannot read.
    #[error("a row of {0} cannot be read")]
    Unreadable(&'static str, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The cursor is not one that this list gave out.
    #[error("the cursor is not one of this list")]
    BadCursor,
    /// Sealing or unsealing failed.
    #[error("could not open or close a seal")]
    Seal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Unavailable { .. } | Self::Conflict(_))
    }
}
