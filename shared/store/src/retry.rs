//! Which answers of DynamoDB are worth asking again, and how long to wait before.

use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::StoreError;
use crate::request::Request;

/// What an error says about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A condition did not hold; nothing was done.
    ConditionFailed,
    /// Throttled or contended: nothing was done.
    Busy,
    /// No answer: it may have been done.
    InDoubt,
    /// It will not do, however often.
    Final,
}

pub(crate) fn verdict<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Verdict {
    match error {
        SdkError::ServiceError(context) => match context.err().code() {
            Some("ConditionalCheckFailedException") => Verdict::ConditionFailed,
            Some(code) if is_busy(code) => Verdict::Busy,
            Some("InternalServerError" | "ServiceUnavailable") => Verdict::InDoubt,
            _ if context.raw().status().is_server_error() => Verdict::InDoubt,
            _ => Verdict::Final,
        },
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => Verdict::InDoubt,
        SdkError::DispatchFailure(failure) if !failure.is_user() => Verdict::InDoubt,
        _ => Verdict::Final,
    }
}

/// Of an error, or of a reason why a transaction was cancelled.
pub(crate) fn is_busy(code: &str) -> bool {
    matches!(
        code.trim_end_matches("Exception"),
        "Throttling"
            | "ThrottlingError"
            | "ProvisionedThroughputExceeded"
            | "RequestLimitExceeded"
            | "TransactionConflict"
            | "TransactionInProgress"
            | "ReplicatedWriteConflict"
    )
}

/// The error that is left when asking again has come to its end, or has no sense.
pub(crate) fn given_up<E>(operation: &'static str, verdict: Verdict, error: E) -> StoreError
where
    E: Error + Send + Sync + 'static,
{
    match verdict {
        Verdict::Busy => StoreError::Busy(Some(Box::new(error))),
        _ => StoreError::Unavailable { operation, source: Box::new(error) },
    }
}

/// Waits between tries: 8 tries and 2.6 seconds at most, doubled each time, each between the half and the whole of
/// its length. Which is taken comes from the call (`request.rs`), so that writers who met once do not meet again, and a
/// test runs the same way twice.
pub(crate) struct Backoff {
    seed: u64,
    tries: u32,
}

impl Backoff {
    const TRIES_MAX: u32 = 8;
    const FIRST_MS: u64 = 20;

    pub fn new(seed: u64) -> Self {
        Self { seed, tries: 1 }
    }

    fn next(&mut self) -> Option<Duration> {
        if self.tries >= Self::TRIES_MAX {
            return None;
        }
        let whole = Self::FIRST_MS << (self.tries - 1);
        // Knuth's multiplicative hash: neighbouring seeds come far apart.
        let mixed = self.seed.wrapping_add(u64::from(self.tries)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        self.tries += 1;
        Some(Duration::from_millis(whole / 2 + mixed % (whole / 2 + 1)))
    }

    /// False, at once, when there have been enough tries.
    pub async fn pause(&mut self) -> bool {
        match self.next() {
            Some(wait) => {
                tokio::time::sleep(wait).await;
                true
            }
            None => false,
        }
    }
}

/// Tries a request that may be repeated as it is (a read, or the creation of a table).
pub(crate) async fn persistently<T, E, F>(
    operation: &'static str,
    call: Request,
    mut request: impl FnMut() -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let mut backoff = Backoff::new(call.seed());
    loop {
        let error = match Box::pin(request()).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let verdict = verdict(&error);
        let again = matches!(verdict, Verdict::Busy | Verdict::InDoubt) && backoff.pause().await;
        if !again {
            return Err(given_up(operation, verdict, error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_and_waits_are_bounded() {
        for seed in [0, 1, u64::MAX, 0xCBF2_9CE4_8422_2325] {
            let mut backoff = Backoff::new(seed);
            let waits: Vec<Duration> = std::iter::from_fn(|| backoff.next()).collect();
            assert_eq!(waits.len(), 7);
            assert!(waits.iter().sum::<Duration>() <= Duration::from_millis(2_600));
            assert!(waits.iter().all(|wait| *wait >= Duration::from_millis(10)));
        }
    }

    #[test]
    fn codes_of_errors_and_of_cancellation_reasons_are_known() {
        for code in
            ["ThrottlingException", "ThrottlingError", "TransactionConflict", "TransactionConflictException"]
        {
            assert!(is_busy(code), "{code}");
        }
        for code in ["ConditionalCheckFailed", "ValidationException", "None"] {
            assert!(!is_busy(code), "{code}");
        }
    }
}
