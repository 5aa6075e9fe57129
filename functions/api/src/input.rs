//! What comes in: bodies, query strings, ids in paths. Whatever is wrong is refused by name.

use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_path_to_error::{Path as FieldPath, Segment};
use store::PageRequest;

use crate::problem::Problem;

/// Longest body, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A JSON body.
pub struct Body<T>(pub T);

/// A JSON body that may be left out.
pub struct OptionalBody<T>(pub T);

/// No fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_media_type(request.headers())?;
        read_json(&read_body(request, state).await?).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media_type = check_media_type(request.headers());
        let bytes = read_body(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        media_type?;
        read_json(&bytes).map(Self)
    }
}

async fn read_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        use axum::response::IntoResponse as _;
        Problem::of_status(rejection.into_response().status())
    })
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        Ok(())
    } else {
        Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
    }
}

fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde would take the fields of an object from an array, in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        let detail = "must be an object";
        return Err(Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", "", detail));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().clone();
        let error = error.into_inner();
        if error.is_data() {
            let message = error.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(text, _)| text);
            wrong_field(StatusCode::UNPROCESSABLE_ENTITY, &path, message)
        } else if serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
            // serde_json's error of a number in the place of one of some words is one of syntax.
            wrong_field(StatusCode::UNPROCESSABLE_ENTITY, &path, "is of another type than this field takes")
        } else {
            malformed(&error)
        }
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::field(StatusCode::BAD_REQUEST, "malformed_json", "", format!("the body is not JSON: {error}"))
}

/// serde's own words, with the field's place.
fn wrong_field(status: StatusCode, path: &FieldPath, message: &str) -> Problem {
    let mut pointer = pointer_to(path);
    let named = message.split('`').nth(1).unwrap_or_default();
    let code = if message.starts_with("unknown field") {
        "unknown_field"
    } else if message.starts_with("missing field") {
        "missing_field"
    } else if message.starts_with("duplicate field") {
        "invalid_field"
    } else {
        return Problem::field(status, "invalid_field", pointer, message);
    };
    let last = format!("/{}", escaped(named));
    if !pointer.ends_with(&last) || code == "missing_field" {
        pointer.push_str(&last);
    }
    Problem::field(status, code, pointer, message)
}

fn pointer_to(path: &FieldPath) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escaped(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// As a step of a JSON pointer (RFC 6901).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A query string. Unknown names were refused before, by [`crate::edge::known_query`].
pub struct Filter<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Filter<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let reader = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(reader).map(Self).map_err(|error| {
            let path = error.path().clone();
            wrong_field(StatusCode::BAD_REQUEST, &path, &error.into_inner().to_string())
        })
    }
}

/// An id in the path. One that cannot be an id is one of nothing.
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = || Problem::of_status(StatusCode::NOT_FOUND);
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        text.parse().map(Self).map_err(|_| not_found())
    }
}

/// Which part of a list, for lists that have no filters.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    cursor: Option<String>,
}

impl PageQuery {
    pub fn request(self) -> Result<PageRequest, Problem> {
        page(self.limit, self.cursor)
    }
}

/// Items of one page where the client does not say.
const LIMIT_DEFAULT: u32 = 50;
pub const LIMIT_MAX: u32 = 200;

/// The part of a list that was asked for.
pub fn page(limit: Option<u32>, cursor: Option<String>) -> Result<PageRequest, Problem> {
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let detail = format!("must be a whole number from 1 to {LIMIT_MAX}");
        return Err(Problem::field(StatusCode::BAD_REQUEST, "invalid_field", "/limit", detail));
    }
    Ok(PageRequest { limit, cursor })
}

/// For a field of a patch: left out is `None` by `#[serde(default)]`; `null` is refused, or taken as a value where `T`
/// is an `Option`.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[allow(dead_code, reason = "read by serde alone")]
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[allow(dead_code, reason = "read by serde alone")]
        quantity: i64,
        #[serde(default)]
        #[allow(dead_code, reason = "read by serde alone")]
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Sale,
    }

    #[track_caller]
    fn check(body: &str, status: u16, code: &str, pointer: &str) {
        let problem = read_json::<Outer>(body.as_bytes()).unwrap_err();
        assert_eq!(
            (problem.status.as_u16(), problem.code(), problem.pointer()),
            (status, code, Some(pointer))
        );
    }

    #[test]
    fn the_place_of_each_mistake_is_named() {
        check("", 400, "malformed_json", "");
        check("{", 400, "malformed_json", "");
        check(r#"{"lines":[]} x"#, 400, "malformed_json", "");
        check("{}", 422, "missing_field", "/lines");
        check(" [1]", 422, "invalid_field", "");
        check(r#"{"lines":[{}]}"#, 422, "missing_field", "/lines/0/quantity");
        check(r#"{"lines":[{"quantity":1,"a/b~":2}]}"#, 422, "unknown_field", "/lines/0/a~1b~0");
        check(r#"{"lines":[{"quantity":1},{"quantity":2.0}]}"#, 422, "invalid_field", "/lines/1/quantity");
        check(r#"{"lines":[{"quantity":"1"}]}"#, 422, "invalid_field", "/lines/0/quantity");
        check(r#"{"lines":[{"quantity":1,"quantity":1}]}"#, 422, "invalid_field", "/lines/0/quantity");
        check(r#"{"lines":[{"quantity":1,"kind":"gift"}]}"#, 422, "invalid_field", "/lines/0/kind");
        check(r#"{"lines":[{"quantity":1,"kind":7}]}"#, 422, "invalid_field", "/lines/0/kind");
        check(r#"{"lines":[{"quantity":1,"kind":7}"#, 400, "malformed_json", "");
        check(&format!(r#"{{"lines":{}"#, "[".repeat(200)), 422, "invalid_field", "/lines/0/0");
    }
}
