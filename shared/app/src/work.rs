//! Work that came from a queue: how long it may take, and what becomes of it when it fails.

use std::time::Duration;

use channels::{ErrorKind, Retry};
use domain::Timestamp;

use crate::AppError;

/// The code of a document that cannot be made of an order because lines have no item.
pub const ORDER_FROZEN: &str = "order_frozen";

/// One attempt at a message.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// When to stop and queue what is left.
    pub deadline: Timestamp,
    /// How often the message was received, this time included.
    pub receive_count: u32,
}

impl Attempt {
    /// After this many receives, about two hours of [`backoff`], the work is given up: recorded as failed where the
    /// merchant sees it, and found again by the next sync or sweep. Fewer than the queue's own limit, so that only what
    /// cannot even be recorded becomes a dead letter.
    pub const GIVE_UP_RECEIVES: u32 = 13;

    pub fn is_last(&self) -> bool {
        self.receive_count >= Self::GIVE_UP_RECEIVES
    }
}

/// How long a message rests after its `receive_count`th failure: 10 s, doubled each time, at most 15 minutes.
pub fn backoff(receive_count: u32) -> Duration {
    const FIRST: Duration = Duration::from_secs(10);
    const MAX: Duration = Duration::from_secs(15 * 60);
    let doublings = receive_count.saturating_sub(1).min(16);
    FIRST.saturating_mul(1 << doublings).min(MAX)
}

/// What to do with a message whose work failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again after this.
    Again(Duration),
    /// Trying again changes nothing.
    GiveUp,
}

impl AppError {
    /// Whether, and when, the same work is tried again.
    pub fn next(&self, receive_count: u32) -> Next {
        match self {
            Self::Channel(error) => match error.retry {
                Retry::Never => Next::GiveUp,
                Retry::After(wait) => Next::Again(wait.max(Duration::from_secs(1))),
                Retry::Backoff => Next::Again(backoff(receive_count)),
            },
            Self::Store(error) if !error.is_transient() => Next::GiveUp,
            Self::Store(_) | Self::Queue(_) => Next::Again(backoff(receive_count)),
            Self::NotFound(_)
            | Self::Invalid { .. }
            | Self::Conflict { .. }
            | Self::OrderFrozen { .. }
            | Self::Internal(_) => Next::GiveUp,
        }
    }

    /// Stable, snake_case, for histories.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::Invalid { code, .. } | Self::Conflict { code, .. } => code,
            Self::OrderFrozen { .. } => ORDER_FROZEN,
            Self::Channel(error) => error.kind.code(),
            Self::Store(_) => "table_unavailable",
            Self::Queue(_) => "queue_unavailable",
            Self::Internal(_) => "internal_error",
        }
    }

    /// What happened and what to do, for a merchant.
    pub fn advice(&self) -> String {
        match self {
            Self::Channel(error) => match error.kind {
                ErrorKind::Unauthorized => {
                    format!("{error}. Authorize the connection again.")
                }
                ErrorKind::Forbidden => {
                    format!("{error}. Give the key the missing permission on the channel.")
                }
                ErrorKind::Throttled | ErrorKind::Unavailable => {
                    format!("{error}. It is tried again by itself.")
                }
                _ => error.to_string(),
            },
            Self::Store(_) | Self::Queue(_) => {
                "A service we depend on failed. It is tried again by itself.".to_owned()
            }
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_to_a_quarter_of_an_hour_and_last_hours_in_all() {
        assert_eq!(backoff(1), Duration::from_secs(10));
        assert_eq!(backoff(2), Duration::from_secs(20));
        assert_eq!(backoff(30), Duration::from_secs(900));
        let all: Duration = (1..Attempt::GIVE_UP_RECEIVES).map(backoff).sum();
        assert!(all > Duration::from_secs(3600), "a channel may be down for an hour: {all:?}");
    }
}
