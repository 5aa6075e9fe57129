//! What can go wrong in a use case, in terms of who must do what.

use channels::ChannelError;
use queue::QueueError;
use store::StoreError;

/// A field of the input that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer into the input: `/lines/0/quantity`.
    pub pointer: String,
    /// What must be, as a sentence without a stop.
    pub detail: String,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self { pointer: pointer.into(), detail: detail.to_string() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// There is none, or it is another organization's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The input breaks a rule.
    #[error("{detail}")]
    Invalid {
        /// Stable, snake_case.
        code: &'static str,
        detail: String,
        fields: Vec<FieldError>,
    },
    /// The input is right, the state forbids it.
    #[error("{detail}")]
    Conflict {
        /// Stable, snake_case.
        code: &'static str,
        detail: String,
    },
    /// The order holds lines that no item is known for: nothing is made of it until they have one.
    #[error("the order is frozen: lines {} have no item yet; confirm them or link them", line_ids.join(", "))]
    OrderFrozen { line_ids: Vec<String> },
    #[error("the channel failed")]
    Channel(#[from] ChannelError),
    #[error("the table failed")]
    Store(#[from] StoreError),
    #[error("the queue failed")]
    Queue(#[from] QueueError),
    /// A fault of ours.
    #[error("{0}")]
    Internal(&'static str),
}

impl AppError {
    /// One wrong field.
    pub fn invalid(code: &'static str, pointer: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        let detail = detail.to_string();
        Self::Invalid { code, fields: vec![FieldError::new(pointer, &detail)], detail }
    }

    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }
}
