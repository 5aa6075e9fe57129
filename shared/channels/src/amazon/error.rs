//! What Amazon's refusals mean: of the selling partner API, and of the token endpoint.
//!
//! Only the status and the machine-readable `code` are repeated: messages may quote what was sent.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

use super::wire::{ErrorList, Refusal};
use crate::{ChannelError, ErrorKind, Retry};

/// The error that an answer other than a success stands for.
pub(super) fn of_answer(
    operation: &'static str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> ChannelError {
    let refusal = ErrorList::first_of(body);
    let code = refusal.as_ref().map(|refusal| printable(&refusal.code)).unwrap_or_default();
    let detail = match code.as_str() {
        "" => format!("amazon answered {}", status.as_u16()),
        code => format!("amazon answered {} {code}", status.as_u16()),
    };
    let kind = match status.as_u16() {
        401 => ErrorKind::Unauthorized,
        403 if refusal.as_ref().is_some_and(blames_the_token) => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        // Amazon says what is missing; without its words it is a gateway, or another host.
        404 if refusal.is_some() => ErrorKind::Rejected,
        404 => ErrorKind::Malformed,
        429 => ErrorKind::Throttled,
        408 | 500..=599 => ErrorKind::Unavailable,
        300..=399 => ErrorKind::NotThisChannel,
        _ => ErrorKind::Rejected,
    };
    let mut error = ChannelError::new(kind, operation, detail);
    // Not Amazon's words but those of something in front of it, which may change its mind.
    if kind == ErrorKind::Forbidden && refusal.is_none() {
        error.retry = Retry::Backoff;
    }
    match retry_after(headers) {
        Some(wait) if matches!(kind, ErrorKind::Throttled | ErrorKind::Unavailable) => error.after(wait),
        _ => error,
    }
}

/// Amazon answers 403 `Unauthorized` both for a token that ended or was taken back and for a role that the application
/// lacks; only the details tell them apart.
fn blames_the_token(refusal: &Refusal) -> bool {
    let details = refusal.details.as_deref().unwrap_or_default().to_ascii_lowercase();
    refusal.code == "Unauthorized" && details.contains("access token")
}

/// Amazon sends none by its documentation; what stands in front of it may.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What the token endpoint's refusal means (RFC 6749, section 5.2).
pub(super) fn of_token_refusal(operation: &'static str, code: &str) -> ChannelError {
    let refused = |kind, detail: &str| ChannelError::new(kind, operation, detail);
    match code {
        "invalid_client" => {
            // The merchants' consents are as good as before: once the operator gives the new secret all goes on.
            let detail =
                "amazon refuses the application's id or secret; the secret must be renewed every 180 days";
            let mut error = refused(ErrorKind::Forbidden, detail);
            error.retry = Retry::Backoff;
            error
        }
        "unauthorized_client" => {
            refused(ErrorKind::Unauthorized, "the application may not use this authorization")
        }
        _ => refused(ErrorKind::Unauthorized, "the authorization is refused, ended or taken back"),
    }
}

/// A code of another's, fit to be shown.
pub(super) fn printable(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> ChannelError {
        of_answer("try", StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn each_refusal_has_its_meaning() {
        use ErrorKind::*;
        let role = r#"{"errors":[{"code":"Unauthorized","message":"Access to requested resource is denied.","details":""}]}"#;
        let token = r#"{"errors":[{"code":"Unauthorized","message":"Access to requested resource is denied.","details":"The access token you provided has expired."}]}"#;
        let missing = r#"{"errors":[{"code":"NOT_FOUND","message":"gone"}]}"#;
        let table = [
            (400, r#"{"errors":[{"code":"InvalidInput","message":"m"}]}"#, Rejected, Retry::Never),
            (401, "", Unauthorized, Retry::Never),
            (403, role, Forbidden, Retry::Never),
            (403, token, Unauthorized, Retry::Never),
            (403, "<html>", Forbidden, Retry::Backoff),
            (404, missing, Rejected, Retry::Never),
            (404, "<html>", Malformed, Retry::Backoff),
            (404, &missing[..missing.len() / 2], Malformed, Retry::Backoff),
            (413, "", Rejected, Retry::Never),
            (429, "", Throttled, Retry::Backoff),
            (500, "", Unavailable, Retry::Backoff),
            (503, "", Unavailable, Retry::Backoff),
            (302, "", NotThisChannel, Retry::Never),
        ];
        for (status, body, kind, retry) in table {
            let error = refused(status, body);
            assert_eq!((error.kind, error.retry), (kind, retry), "{status} {body}");
        }
    }

    #[test]
    fn messages_are_not_repeated() {
        let error = refused(400, r#"{"errors":[{"code":"Invalid<Input>","message":"jane@example.com"}]}"#);
        assert_eq!(error.to_string(), "could not try: amazon answered 400 InvalidInput");
    }

    #[test]
    fn a_secret_that_lapsed_takes_no_merchant_s_consent_away() {
        assert_eq!(of_token_refusal("try", "invalid_client").kind, ErrorKind::Forbidden);
        assert_eq!(of_token_refusal("try", "invalid_client").retry, Retry::Backoff);
        assert_eq!(of_token_refusal("try", "invalid_grant").kind, ErrorKind::Unauthorized);
    }
}
