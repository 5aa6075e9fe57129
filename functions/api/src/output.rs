//! What goes out: single resources with their tag, lists in pages, and what is dependent on a tag.

use app::AppError;
use aws_lc_rs::digest;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use store::{PageRequest, StoreError};
use utoipa::ToSchema;

use crate::problem::Problem;

/// One resource, with a tag made of its content.
pub struct Single<T> {
    status: StatusCode,
    location: Option<String>,
    body: T,
}

impl<T: Serialize> Single<T> {
    pub fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, location: None, body }
    }

    /// 201, and where it is.
    pub fn created(location: String, body: T) -> Self {
        Self { status: StatusCode::CREATED, location: Some(location), body }
    }

    /// 202, and where its progress can be seen.
    pub fn accepted(location: String, body: T) -> Self {
        Self { status: StatusCode::ACCEPTED, location: Some(location), body }
    }
}

impl<T> Single<T> {
    pub fn into_body(self) -> T {
        self.body
    }
}

impl<T: Serialize> IntoResponse for Single<T> {
    fn into_response(self) -> Response {
        let Ok(bytes) = serde_json::to_vec(&self.body) else {
            return Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(tag) = HeaderValue::from_str(&tag_of(&bytes)) {
            headers.insert(ETAG, tag);
        }
        if let Some(location) = self.location.and_then(|l| HeaderValue::from_str(&l).ok()) {
            headers.insert(LOCATION, location);
        }
        (self.status, headers, bytes).into_response()
    }
}

/// The strong entity tag of a representation.
fn tag_of(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    let short = digest.as_ref().iter().take(16);
    let hex: String = short.map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// A list in pages.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    pub data: Vec<T>,
    /// For the next page; `null` on the last one. A page may be short, or empty, and not be the last.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    pub fn of<R>(page: store::Page<R>, body: impl FnMut(R) -> T) -> Self {
        Self { data: page.data.into_iter().map(body).collect(), next_cursor: page.next_cursor }
    }

    /// Nothing.
    pub fn empty() -> Self {
        Self { data: Vec::new(), next_cursor: None }
    }

    /// A page of a list that is read whole, for it is short. `of` tells its cursors from those of other lists.
    pub fn part(all: Vec<T>, of: &str, page: &PageRequest) -> Result<Self, Problem> {
        let start = match &page.cursor {
            None => 0,
            Some(cursor) => cursor
                .strip_prefix(of)
                .and_then(|rest| rest.strip_prefix('.')?.parse().ok())
                .filter(|start| *start <= all.len())
                .ok_or_else(|| Problem::from(AppError::Store(StoreError::BadCursor)))?,
        };
        let length = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let end = start.saturating_add(length);
        let next_cursor = (end < all.len()).then(|| format!("{of}.{end}"));
        Ok(Self { data: all.into_iter().skip(start).take(length).collect(), next_cursor })
    }
}

impl<T: Serialize> IntoResponse for List<T> {
    fn into_response(self) -> Response {
        axum::Json(self).into_response()
    }
}

/// Something a client should know; never in the place of an error.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Warning {
    /// Stable, snake_case.
    pub code: &'static str,
    pub detail: String,
}

/// `If-Match`: the change is made only to what the client saw.
pub struct IfMatch(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.headers.get(IF_MATCH).map(HeaderValue::to_str) {
            None => Ok(Self(None)),
            Some(Ok(tags)) => Ok(Self(Some(tags.to_owned()))),
            Some(Err(_)) => Err(Problem::of_status(StatusCode::BAD_REQUEST)),
        }
    }
}

impl IfMatch {
    /// Whether there is anything to compare.
    pub fn is_given(&self) -> bool {
        self.0.as_deref().is_some_and(|tags| tags.trim() != "*")
    }

    /// Compares with the resource as it is; 412 where it is another.
    pub fn check(&self, current: &impl Serialize) -> Result<(), Problem> {
        let Some(tags) = self.0.as_deref() else { return Ok(()) };
        let bytes =
            serde_json::to_vec(current).map_err(|_| Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR))?;
        if tags.trim() == "*" || tags.split(',').any(|tag| tag.trim() == tag_of(&bytes)) {
            return Ok(());
        }
        let detail = "it was changed since it was read";
        Err(Problem::new(StatusCode::PRECONDITION_FAILED, app::change::PRECONDITION_FAILED, detail))
    }
}
