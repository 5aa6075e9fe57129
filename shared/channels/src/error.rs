//! What can go wrong with a channel, and what to do then.

use std::time::Duration;

/// A failed operation on a channel. `detail` is for people and holds nothing secret and nothing of a buyer.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation}: {detail}")]
pub struct ChannelError {
    pub kind: ErrorKind,
    pub retry: Retry,
    /// In the imperative: `fetch a page of orders`.
    pub operation: &'static str,
    pub detail: String,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The credentials are refused.
    Unauthorized,
    /// The credentials are right and may not do this.
    Forbidden,
    /// Too many calls, by the channel's word or by our own pacing.
    Throttled,
    /// No answer, or one of 5xx, or a page of HTML in its place: nothing is known of what was done.
    Unavailable,
    /// The channel understood and said no.
    Rejected,
    /// The answer is not what the channel's documentation says.
    Malformed,
    /// The address may not be spoken to: private, loopback, not https where it must be.
    AddressRefused,
    /// The address is not one of this channel.
    NotThisChannel,
}

impl ErrorKind {
    /// Stable, snake_case: what histories and the API show.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unauthorized => "credentials_refused",
            Self::Forbidden => "permission_missing",
            Self::Throttled => "channel_throttled",
            Self::Unavailable => "channel_unavailable",
            Self::Rejected => "channel_rejected",
            Self::Malformed => "channel_answer_malformed",
            Self::AddressRefused => "address_refused",
            Self::NotThisChannel => "not_this_channel",
        }
    }
}

/// What now?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same call will fail again.
    Never,
    /// Not before this has passed.
    After(Duration),
    /// Soon, then later and later.
    Backoff,
}

impl ChannelError {
    pub fn new(kind: ErrorKind, operation: &'static str, detail: impl Into<String>) -> Self {
        let retry = match kind {
            ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Malformed => Retry::Backoff,
            _ => Retry::Never,
        };
        Self { kind, retry, operation, detail: detail.into(), source: None }
    }

    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.retry = Retry::After(wait);
        self
    }

    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

/// That an answer is the channel's: a page of HTML is a proxy's or a host's, whatever its status says, and nothing is known
/// of what was done.
pub(crate) fn check_no_page(operation: &'static str, body: &[u8]) -> Result<(), ChannelError> {
    if !is_page(body) {
        return Ok(());
    }
    let detail = "a page of HTML came in place of an answer";
    Err(ChannelError::new(ErrorKind::Unavailable, operation, detail))
}

pub(crate) fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}
