//! What an answer of the shop, or of the host before it, means when it is not what was asked for.
//!
//! Only the status, the media type and the machine-readable `code` of an error are repeated: messages may quote what was
//! sent, credentials and buyers included.

use std::time::Duration;

use bytes::Bytes;
use domain::Timestamp;
use http::{HeaderMap, Response, StatusCode, header};

use super::wire;
use crate::error::is_page;
use crate::{ChannelError, ErrorKind, Retry};

/// The body of an answer that is JSON and a success, with its headers.
pub(super) struct Answer {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// A count in a header, such as `x-wp-total`.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.headers.get(name)?.to_str().ok()?.trim().parse().ok()
    }
}

/// The answer, or why it is none.
pub(super) fn check(
    operation: &'static str,
    response: Response<Bytes>,
    now: Timestamp,
) -> Result<Answer, ChannelError> {
    let (parts, body) = response.into_parts();
    let json = !is_html(&parts.headers, &body);
    if parts.status.is_success() {
        return if json {
            Ok(Answer { headers: parts.headers, body })
        } else {
            Err(ChannelError::new(ErrorKind::Unavailable, operation, "a page of HTML came in place of JSON"))
        };
    }
    let problem = if json { wire::Problem::read(&body) } else { None };
    Err(refusal(operation, parts.status, &parts.headers, problem.as_ref(), now))
}

fn refusal(
    operation: &'static str,
    status: StatusCode,
    headers: &HeaderMap,
    problem: Option<&wire::Problem>,
    now: Timestamp,
) -> ChannelError {
    let code = problem.map(|problem| problem.code.as_str()).filter(|code| is_token(code));
    let detail = match code {
        Some(code) => format!("the shop answered {} {code}", status.as_u16()),
        None => format!("the shop answered {}", status.as_u16()),
    };
    let message = problem.map(|problem| problem.message.as_str()).unwrap_or_default();
    let error = |kind| ChannelError::new(kind, operation, detail.clone());
    let error = match status.as_u16() {
        300..=399 => return redirected(operation, headers),
        // The messages are the English ones; in a shop of another language both read as refused credentials.
        401 if message.contains("write permissions") => error(ErrorKind::Forbidden),
        401 if message.contains("Invalid timestamp") || message.contains("Invalid nonce") => {
            let detail = "the shop's clock and ours are more than 15 minutes apart";
            ChannelError::new(ErrorKind::Unavailable, operation, detail)
        }
        401 => error(ErrorKind::Unauthorized),
        403 if problem.is_some() => error(ErrorKind::Forbidden),
        // Not the shop's words but those of a firewall in front of it, which changes its mind.
        403 => {
            let mut error = error(ErrorKind::Forbidden);
            error.retry = Retry::Backoff;
            error
        }
        404 if matches!(code, Some("rest_no_route") | None) => error(ErrorKind::NotThisChannel),
        429 => error(ErrorKind::Throttled),
        500..=599 => error(ErrorKind::Unavailable),
        _ => error(ErrorKind::Rejected),
    };
    match retry_after(headers, now) {
        Some(wait) if matches!(error.kind, ErrorKind::Throttled | ErrorKind::Unavailable) => {
            error.after(wait)
        }
        _ => error,
    }
}

/// Redirects are not followed: the signature is made for the address, and another host must not see the credentials.
/// Only scheme and host of the target are told, for its query may repeat a key.
fn redirected(operation: &'static str, headers: &HeaderMap) -> ChannelError {
    let target = headers
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| url::Url::parse(text).ok())
        .map(|url| url.origin().ascii_serialization());
    let detail = match target {
        Some(target) => format!("the address redirects to {target}: connect with that address"),
        None => "the address redirects elsewhere".to_owned(),
    };
    ChannelError::new(ErrorKind::NotThisChannel, operation, detail)
}

/// JSON that does not fit what the channel's documentation says.
pub(super) fn malformed(
    operation: &'static str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> ChannelError {
    ChannelError::new(ErrorKind::Malformed, operation, "the answer is not the JSON that was expected")
        .caused_by(error)
}

fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.to_ascii_lowercase().contains("html") || is_page(body)
}

/// Seconds, or an HTTP date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

fn is_token(code: &str) -> bool {
    code.len() <= 80 && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[track_caller]
    fn failed(status: u16, headers: &[(&str, &str)], body: &str) -> ChannelError {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        check("try", response, at(1_445_412_000)).err().unwrap()
    }

    #[test]
    fn each_refusal_says_what_to_do_now() {
        let json = [("content-type", "application/json; charset=UTF-8")];
        let cases: &[(u16, &str, ErrorKind, Retry)] = &[
            (
                401,
                r#"{"code":"woocommerce_rest_cannot_view","message":"x"}"#,
                ErrorKind::Unauthorized,
                Retry::Never,
            ),
            (401, r#"{"code":"x","message":"Invalid timestamp."}"#, ErrorKind::Unavailable, Retry::Backoff),
            (
                403,
                r#"{"code":"woocommerce_rest_cannot_edit","message":"x"}"#,
                ErrorKind::Forbidden,
                Retry::Never,
            ),
            (403, "blocked", ErrorKind::Forbidden, Retry::Backoff),
            (404, r#"{"code":"rest_no_route","message":"x"}"#, ErrorKind::NotThisChannel, Retry::Never),
            (404, r#"{"code":"woocommerce_rest_product_invalid_id"}"#, ErrorKind::Rejected, Retry::Never),
            (
                413,
                r#"{"code":"woocommerce_rest_request_entity_too_large"}"#,
                ErrorKind::Rejected,
                Retry::Never,
            ),
            (429, "", ErrorKind::Throttled, Retry::Backoff),
            (
                500,
                r#"{"code":"x","message":"Invalid refund amount.","data":500}"#,
                ErrorKind::Unavailable,
                Retry::Backoff,
            ),
            (302, "", ErrorKind::NotThisChannel, Retry::Never),
        ];
        for (status, body, kind, retry) in cases {
            let error = failed(*status, &json, body);
            assert_eq!((error.kind, error.retry), (*kind, *retry), "{status} {body}");
        }
        assert_eq!(failed(200, &[("content-type", "text/html")], "").kind, ErrorKind::Unavailable);
        assert_eq!(failed(200, &[], " <!DOCTYPE html>").kind, ErrorKind::Unavailable);
    }

    #[test]
    fn the_shop_says_how_long_to_wait() {
        let wait = |status, text: &str| failed(status, &[("retry-after", text)], "").retry;
        assert_eq!(wait(429, "7"), Retry::After(Duration::from_secs(7)));
        assert_eq!(wait(503, "600"), Retry::After(Duration::from_secs(600)));
        assert_eq!(wait(503, "Wed, 21 Oct 2015 07:28:00 GMT"), Retry::After(Duration::from_secs(480)));
        assert_eq!(wait(503, "Wed, 21 Oct 2015 07:00:00 GMT"), Retry::After(Duration::ZERO));
        assert_eq!(wait(503, "soon"), Retry::Backoff);
        assert_eq!(wait(403, "7"), Retry::Backoff);
    }

    #[test]
    fn nothing_that_was_sent_is_repeated() {
        let message = r#"{"code":"<ck_1>","message":"ck_1 jane@example.com","data":{"params":{"email":"jane@example.com"}}}"#;
        let error = failed(400, &[("content-type", "application/json")], message);
        assert_eq!(error.to_string(), "could not try: the shop answered 400");
        let error = failed(301, &[("location", "https://www.shop.example/x?oauth_consumer_key=ck_1")], "");
        assert!(
            error.detail.contains("https://www.shop.example:") && !error.detail.contains("ck_1"),
            "{error}"
        );
    }
}
