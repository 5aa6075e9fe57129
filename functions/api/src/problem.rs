//! Every refusal and failure, as RFC 9457 `application/problem+json`.

use std::error::Error as _;

use app::{AppError, FieldError, change, document, manual_order, order_document, work};
use axum::response::{IntoResponse, Response};
use channels::{ErrorKind, Retry};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use store::StoreError;
use utoipa::ToSchema;

pub const MEDIA_TYPE: &str = "application/problem+json";

/// How long a client waits, in seconds, where nobody knows better: a busy table is usually free a second later.
const BUSY_S: u32 = 1;
/// The same for a channel that does not answer.
const CHANNEL_S: u32 = 30;

/// An answer that is not what was asked for.
#[derive(Debug, Clone)]
pub struct Problem {
    pub status: StatusCode,
    code: String,
    detail: String,
    errors: Vec<FieldError>,
    line_ids: Box<[String]>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What a client sees of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened, for people.
    detail: String,
    /// Stable, snake_case.
    code: String,
    /// What of the input is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemField>,
    /// Of `order_frozen`: the order's lines that have no item yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    line_ids: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemField {
    /// JSON pointer into the body, or `/` and the name of a query parameter.
    pointer: String,
    detail: String,
}

impl Problem {
    pub fn new(status: StatusCode, code: impl Into<String>, detail: impl Into<String>) -> Self {
        let (errors, line_ids, headers) = (Vec::new(), Box::default(), Vec::new());
        Self { status, code: code.into(), detail: detail.into(), errors, line_ids, headers }
    }

    /// One wrong field, or parameter.
    pub fn field(
        status: StatusCode,
        code: &'static str,
        pointer: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        let detail = detail.into();
        let mut problem = Self::new(status, code, detail.clone());
        problem.errors.push(FieldError::new(pointer, detail));
        problem
    }

    /// By the status alone, for what a layer below refused in its own words.
    pub fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => ("not_found", "there is no such resource"),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method_not_allowed", "the resource does not take this method")
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "the body must not be longer than 1 MiB"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("unsupported_media_type", "the body must be application/json")
            }
            status if status.is_server_error() => ("internal_error", "something failed on our side"),
            _ => ("bad_request", "the request cannot be read"),
        };
        Self::new(status, code, detail)
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.with_header(RETRY_AFTER, seconds.into())
    }

    pub fn code(&self) -> &str {
        &self.code
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    #[cfg(test)]
    pub fn pointer(&self) -> Option<&str> {
        self.errors.first().map(|field| field.pointer.as_str())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code,
            errors: self
                .errors
                .into_iter()
                .map(|field| ProblemField { pointer: field.pointer, detail: field.detail })
                .collect(),
            line_ids: self.line_ids.into_vec(),
        };
        // Texts and a number: this cannot fail.
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let mut response =
            (self.status, [(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))], bytes).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        match error {
            AppError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not_found", error.to_string()),
            AppError::Invalid { code, detail, fields } => {
                let status = match code {
                    "not_found" => StatusCode::NOT_FOUND,
                    "scope_not_held" => StatusCode::FORBIDDEN,
                    document::NOT_ENOUGH_STOCK | manual_order::BELOW_DONE => StatusCode::CONFLICT,
                    code if order_document::BEYOND.contains(&code) => StatusCode::CONFLICT,
                    _ => StatusCode::UNPROCESSABLE_ENTITY,
                };
                Self { errors: fields, ..Self::new(status, code, detail) }
            }
            AppError::Conflict { code, detail } => {
                let status = if code == change::PRECONDITION_FAILED {
                    StatusCode::PRECONDITION_FAILED
                } else {
                    StatusCode::CONFLICT
                };
                Self::new(status, code, detail)
            }
            AppError::OrderFrozen { ref line_ids } => {
                let problem = Self::new(StatusCode::CONFLICT, work::ORDER_FROZEN, error.to_string());
                Self { line_ids: line_ids.clone().into(), ..problem }
            }
            AppError::Channel(error) => {
                let problem =
                    Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.kind.code(), error.to_string());
                match (error.retry, error.kind) {
                    (Retry::After(wait), _) => {
                        problem.retry_after(u32::try_from(wait.as_secs().max(1)).unwrap_or(CHANNEL_S))
                    }
                    (Retry::Backoff, _) | (Retry::Never, ErrorKind::Unavailable) => {
                        problem.retry_after(CHANNEL_S)
                    }
                    (Retry::Never, _) => problem,
                }
            }
            AppError::Store(StoreError::BadCursor) => Self::field(
                StatusCode::BAD_REQUEST,
                "invalid_cursor",
                "/cursor",
                "the cursor is not one that this list gave out",
            ),
            AppError::Store(
                StoreError::Conflict(_) | StoreError::Busy(_) | StoreError::Unavailable { .. },
            )
            | AppError::Queue(_) => {
                log(&error);
                let detail = "a service that we depend on is busy; try again";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", detail)
                    .retry_after(BUSY_S)
            }
            AppError::Store(_) | AppError::Internal(_) => {
                log(&error);
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        AppError::from(error).into()
    }
}

/// The whole chain, once: here every failure of ours becomes an answer.
fn log(error: &AppError) {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        chain.push_str(": ");
        chain.push_str(&error.to_string());
        cause = error.source();
    }
    tracing::error!(error = chain, "a request failed");
}
