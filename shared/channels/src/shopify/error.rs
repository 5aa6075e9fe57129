//! What Shopify's refusals mean: of HTTP, of GraphQL, of the token endpoint.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::wire::{Cost, GraphqlError};
use crate::{ChannelError, ErrorKind};

/// The error that a status stands for; `None` for success.
pub(super) fn of_status(
    operation: &'static str,
    status: StatusCode,
    headers: &HeaderMap,
) -> Option<ChannelError> {
    if status.is_success() {
        return None;
    }
    let (kind, detail) = match status.as_u16() {
        401 => (ErrorKind::Unauthorized, "the access token is refused".to_owned()),
        402 => (ErrorKind::Unavailable, "the shop is frozen until its bill is paid".to_owned()),
        403 => (ErrorKind::Forbidden, "the app may not do this".to_owned()),
        423 => (ErrorKind::Unavailable, "the shop is locked".to_owned()),
        404 => (ErrorKind::NotThisChannel, "there is no Shopify shop at this address".to_owned()),
        429 => (ErrorKind::Throttled, "too many requests".to_owned()),
        408 | 500..=599 => (ErrorKind::Unavailable, format!("status {}", status.as_u16())),
        300..=399 => (
            ErrorKind::NotThisChannel,
            "the address redirects: name the shop by its myshopify.com address".to_owned(),
        ),
        other => (ErrorKind::Rejected, format!("status {other}")),
    };
    let error = ChannelError::new(kind, operation, detail);
    Some(match retry_after(headers) {
        Some(wait) if matches!(kind, ErrorKind::Throttled | ErrorKind::Unavailable) => error.after(wait),
        _ => error,
    })
}

/// `Retry-After` in seconds; Shopify writes it as a decimal, `2.0`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    let seconds = text.split('.').next()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The error that top-level GraphQL errors stand for, by the first that has a known code.
pub(super) fn of_graphql(
    operation: &'static str,
    errors: &[GraphqlError],
    cost: Option<&Cost>,
) -> ChannelError {
    let codes: Vec<&str> = errors.iter().filter_map(GraphqlError::code).collect();
    if codes.contains(&"THROTTLED") {
        let error = ChannelError::new(ErrorKind::Throttled, operation, "the shop's cost bucket is empty");
        return match cost.and_then(Cost::wait) {
            Some(wait) => error.after(wait),
            None => error,
        };
    }
    let kind = codes.iter().find_map(|code| match *code {
        "ACCESS_DENIED" => Some(ErrorKind::Forbidden),
        "INTERNAL_SERVER_ERROR" | "TIMEOUT" | "SHOP_INACTIVE" => Some(ErrorKind::Unavailable),
        _ => None,
    });
    // The message may quote what was sent, which may be a buyer's: only the code is kept.
    let detail = match codes.first() {
        Some(code) => format!("shopify answered {}", printable(code)),
        None => "shopify answered with an error without a code".to_owned(),
    };
    ChannelError::new(kind.unwrap_or(ErrorKind::Rejected), operation, detail)
}

/// A code of another's, fit to be shown.
pub(super) fn printable(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Retry;

    #[test]
    fn each_status_has_its_meaning() {
        use ErrorKind::*;
        let table = [
            (401, Unauthorized),
            (402, Unavailable),
            (403, Forbidden),
            (404, NotThisChannel),
            (423, Unavailable),
            (429, Throttled),
            (301, NotThisChannel),
            (422, Rejected),
            (500, Unavailable),
            (503, Unavailable),
        ];
        for (status, kind) in table {
            let status = StatusCode::from_u16(status).unwrap();
            let error = of_status("try", status, &HeaderMap::new()).unwrap();
            assert_eq!(error.kind, kind, "{status}");
        }
        assert!(of_status("try", StatusCode::OK, &HeaderMap::new()).is_none());
    }

    #[test]
    fn what_the_shop_says_of_waiting_is_kept() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "2.0".parse().unwrap());
        let error = of_status("try", StatusCode::TOO_MANY_REQUESTS, &headers).unwrap();
        assert_eq!(error.retry, Retry::After(Duration::from_secs(2)));
    }

    #[test]
    fn each_graphql_code_has_its_meaning() {
        let table = [
            ("THROTTLED", ErrorKind::Throttled),
            ("ACCESS_DENIED", ErrorKind::Forbidden),
            ("INTERNAL_SERVER_ERROR", ErrorKind::Unavailable),
            ("SHOP_INACTIVE", ErrorKind::Unavailable),
            ("MAX_COST_EXCEEDED", ErrorKind::Rejected),
            ("undefinedField", ErrorKind::Rejected),
        ];
        for (code, kind) in table {
            let errors: Vec<GraphqlError> =
                serde_json::from_value(serde_json::json!([{"message": "m", "extensions": {"code": code}}]))
                    .unwrap();
            assert_eq!(of_graphql("try", &errors, None).kind, kind, "{code}");
        }
    }

    #[test]
    fn a_throttled_call_waits_for_what_it_lacks_and_no_longer() {
        let errors: Vec<GraphqlError> = serde_json::from_value(
            serde_json::json!([{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]),
        )
        .unwrap();
        let cost: Cost = serde_json::from_value(serde_json::json!({
            "requestedQueryCost": 883, "actualQueryCost": null,
            "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 133, "restoreRate": 100.0}
        }))
        .unwrap();
        let error = of_graphql("try", &errors, Some(&cost));
        assert_eq!(error.retry, Retry::After(Duration::from_millis(7500)));
    }
}
