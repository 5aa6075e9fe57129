//! What eBay's refusals mean.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

use super::wire;
use crate::{ChannelError, ErrorKind};

/// A refusal: what to do about it, and the numbers by which eBay names its reasons.
#[derive(Debug)]
pub(super) struct Refusal {
    pub error: ChannelError,
    pub status: StatusCode,
    pub ids: Vec<i64>,
}

impl Refusal {
    pub fn has(&self, ids: &[i64]) -> bool {
        self.ids.iter().any(|id| ids.contains(id))
    }
}

impl From<Refusal> for ChannelError {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

/// The refusal that an answer is; `None` for success.
pub(super) fn of_response(operation: &'static str, response: &Response<Bytes>) -> Option<Refusal> {
    let status = response.status();
    if status.is_success() {
        return None;
    }
    let errors = serde_json::from_slice::<wire::Errors>(response.body()).unwrap_or_default().errors;
    let ids: Vec<i64> = errors.iter().filter_map(|error| error.error_id).collect();
    let (kind, detail) = match status.as_u16() {
        401 => (ErrorKind::Unauthorized, "the access token is refused".to_owned()),
        403 => (
            ErrorKind::Forbidden,
            "the authorization lacks a scope or the account may not do this".to_owned(),
        ),
        429 => (ErrorKind::Throttled, "eBay's limit of calls is used up".to_owned()),
        408 | 500..=599 => (ErrorKind::Unavailable, format!("status {}", status.as_u16())),
        300..=399 => (ErrorKind::NotThisChannel, "the address redirects".to_owned()),
        404 if ids.is_empty() => (ErrorKind::NotThisChannel, "there is no eBay at this address".to_owned()),
        other => (ErrorKind::Rejected, described(other, &errors)),
    };
    let error = ChannelError::new(kind, operation, detail);
    let error = match retry_after(response.headers()) {
        Some(wait) if matches!(kind, ErrorKind::Throttled | ErrorKind::Unavailable) => error.after(wait),
        _ => error,
    };
    Some(Refusal { error, status, ids })
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(text.trim().parse().ok()?))
}

/// By number only: the message may quote what was sent.
fn described(status: u16, errors: &[wire::Error]) -> String {
    let ids: Vec<String> =
        errors.iter().filter_map(|error| error.error_id).map(|id| id.to_string()).collect();
    if ids.is_empty() {
        format!("status {status}")
    } else {
        format!("ebay answered with error {}", ids.join(", "))
    }
}

/// A text of eBay's, fit to be shown to the merchant.
pub(super) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Retry;

    fn refusal(status: u16, body: &'static str) -> Refusal {
        let response = Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap();
        of_response("try", &response).unwrap()
    }

    #[test]
    fn each_status_has_its_meaning() {
        use ErrorKind::*;
        let table = [
            (401, r#"{"errors":[{"errorId":1001}]}"#, Unauthorized),
            (403, r#"{"errors":[{"errorId":1100}]}"#, Forbidden),
            (404, "", NotThisChannel),
            (404, r#"{"errors":[{"errorId":25710}]}"#, Rejected),
            (400, r#"{"errors":[{"errorId":25709}]}"#, Rejected),
            (429, r#"{"errors":[{"errorId":2001}]}"#, Throttled),
            (302, "", NotThisChannel),
            (500, r#"{"errors":[{"errorId":25001}]}"#, Unavailable),
            (503, "<html>", Unavailable),
        ];
        for (status, body, kind) in table {
            assert_eq!(refusal(status, body).error.kind, kind, "{status} {body}");
        }
    }

    #[test]
    fn numbers_are_kept_and_messages_are_not() {
        let refusal = refusal(400, r#"{"errors":[{"errorId":32100,"message":"Invalid Order Id: 12-345"}]}"#);
        assert!(refusal.has(&[32100]) && !refusal.has(&[1]));
        assert_eq!(refusal.error.to_string(), "could not try: ebay answered with error 32100");
    }

    #[test]
    fn what_ebay_says_of_waiting_is_kept() {
        let response =
            Response::builder().status(429).header("retry-after", "17").body(Bytes::new()).unwrap();
        let refusal = of_response("try", &response).unwrap();
        assert_eq!(refusal.error.retry, Retry::After(Duration::from_secs(17)));
    }
}
