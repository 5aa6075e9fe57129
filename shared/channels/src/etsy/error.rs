//! What Etsy's refusals mean.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::wire::Problem;
use crate::entity::plain_text;
use crate::{ChannelError, ErrorKind};

/// The 24 hours of the daily limit are counted in twelve parts: within two hours some calls are free again.
pub(super) const DAY_RECOVERS_IN: Duration = Duration::from_secs(2 * 3_600);
/// A second's limit is over with the second.
const SECOND: Duration = Duration::from_secs(1);
/// As much of Etsy's own words as is shown.
const WORDS_MAX: usize = 200;

/// The error that a status stands for; `None` where the status is an answer to be read: a success, or a refusal that is
/// about what was asked (400, 404, 409, 422).
pub(super) fn of_status(
    operation: &'static str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<ChannelError> {
    let (kind, detail) = match status.as_u16() {
        200..=299 | 400 | 404 | 409 | 422 => return None,
        401 => (ErrorKind::Unauthorized, "the access token is refused".to_owned()),
        403 => (
            ErrorKind::Forbidden,
            "etsy forbids it: a scope is missing, or the application's key and shared secret are not accepted"
                .to_owned(),
        ),
        429 => return Some(throttled(operation, headers, body)),
        408 | 500..=599 => (ErrorKind::Unavailable, format!("status {}", status.as_u16())),
        300..=399 => (ErrorKind::NotThisChannel, "the address redirects".to_owned()),
        other => (ErrorKind::Rejected, format!("status {other}")),
    };
    let error = ChannelError::new(kind, operation, detail);
    Some(match retry_after(headers) {
        Some(wait) if kind == ErrorKind::Unavailable => error.after(wait),
        _ => error,
    })
}

fn throttled(operation: &'static str, headers: &HeaderMap, body: &[u8]) -> ChannelError {
    let daily = is_daily(body);
    let detail = if daily { "the day's calls are used up" } else { "too many calls in one second" };
    let usual = if daily { DAY_RECOVERS_IN } else { SECOND };
    ChannelError::new(ErrorKind::Throttled, operation, detail).after(retry_after(headers).unwrap_or(usual))
}

/// Whether a 429 is about the day: `Exceeded daily rate limit`.
pub(super) fn is_daily(body: &[u8]) -> bool {
    words(body).to_ascii_lowercase().contains("daily")
}

/// Seconds; Etsy may say 86400.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// Etsy's own words, fit to be shown; empty where there are none.
pub(super) fn words(body: &[u8]) -> String {
    let error = serde_json::from_slice::<Problem>(body).map(|problem| problem.error).unwrap_or_default();
    plain_text(&error).chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Retry;

    fn error(status: u16, body: &str) -> Option<ChannelError> {
        let status = StatusCode::from_u16(status).unwrap();
        of_status("try", status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn each_status_has_its_meaning() {
        use ErrorKind::*;
        let table = [
            (401, Unauthorized, Retry::Never),
            (403, Forbidden, Retry::Never),
            (405, Rejected, Retry::Never),
            (301, NotThisChannel, Retry::Never),
            (500, Unavailable, Retry::Backoff),
            (503, Unavailable, Retry::Backoff),
        ];
        for (status, kind, retry) in table {
            let error = error(status, "{}").unwrap();
            assert_eq!((error.kind, error.retry), (kind, retry), "{status}");
        }
        for status in [200, 201, 204, 400, 404, 409, 422] {
            assert!(error(status, "{}").is_none(), "{status}");
        }
    }

    #[test]
    fn a_day_s_limit_is_waited_for_longer_than_a_second_s() {
        let day = error(429, r#"{"error":"Exceeded daily rate limit"}"#).unwrap();
        assert_eq!(day.retry, Retry::After(DAY_RECOVERS_IN));
        let second = error(429, r#"{"error":"Exceeded per second rate limit"}"#).unwrap();
        assert_eq!(second.retry, Retry::After(SECOND));
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "86400".parse().unwrap());
        let told = of_status("try", StatusCode::TOO_MANY_REQUESTS, &headers, b"{}").unwrap();
        assert_eq!(told.retry, Retry::After(Duration::from_secs(86_400)));
    }

    #[test]
    fn words_are_read_and_cut() {
        assert_eq!(words(br#"{"error":"It can&#39;t be"}"#), "It can't be");
        assert_eq!(words(b"<html>"), "");
        assert_eq!(words(format!(r#"{{"error":"{}"}}"#, "x".repeat(900)).as_bytes()).len(), WORDS_MAX);
    }
}
