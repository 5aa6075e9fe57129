//! What every answer has, and what every request must be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::problem::{MEDIA_TYPE, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Outermost: an id, the security headers, and no refusal that is not a problem.
pub async fn finish(request: Request, next: Next) -> Response {
    let id = uuid::Uuid::new_v4().simple().to_string();
    let method = request.method().clone();
    let if_none_match = request.headers().get(IF_NONE_MATCH).cloned();
    let mut response = as_problem(next.run(request).await);
    let fresh = method == Method::GET && response.status() == StatusCode::OK;
    if fresh && if_none_match.is_some() && if_none_match.as_ref() == response.headers().get(ETAG) {
        let tag = response.headers().get(ETAG).cloned();
        response = StatusCode::NOT_MODIFIED.into_response();
        response.headers_mut().extend(tag.map(|tag| (ETAG, tag)));
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// What a layer below refused in words of its own.
fn as_problem(response: Response) -> Response {
    let status = response.status();
    let is_refusal = status.is_client_error() || status.is_server_error();
    if !is_refusal || response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == MEDIA_TYPE) {
        return response;
    }
    let mut problem = Problem::of_status(status).into_response();
    // `Allow` of a 405.
    if let Some(allow) = response.headers().get(http::header::ALLOW) {
        problem.headers_mut().insert(http::header::ALLOW, allow.clone());
    }
    problem
}

/// The query parameters of each route, by path and method, as the OpenAPI document has them.
#[derive(Debug, Clone, Default)]
pub struct QueryNames(Arc<BTreeMap<(String, String), BTreeSet<String>>>);

impl QueryNames {
    pub fn of(document: &serde_json::Value) -> Self {
        let mut names = BTreeMap::new();
        let empty = serde_json::Map::new();
        let paths = document.get("paths").and_then(|paths| paths.as_object()).unwrap_or(&empty);
        for (path, methods) in paths {
            for (method, operation) in methods.as_object().unwrap_or(&empty) {
                let parameters = operation.get("parameters").and_then(|p| p.as_array());
                let in_query = parameters
                    .into_iter()
                    .flatten()
                    .filter(|parameter| parameter.get("in").is_some_and(|place| place == "query"))
                    .filter_map(|parameter| Some(parameter.get("name")?.as_str()?.to_owned()))
                    .collect();
                names.insert((path.clone(), method.to_ascii_uppercase()), in_query);
            }
        }
        Self(Arc::new(names))
    }
}

/// Refuses query parameters that the route does not have, by name.
pub async fn known_query(
    State(names): State<QueryNames>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let key = (path.map(|path| path.as_str().to_owned()).unwrap_or_default(), request.method().to_string());
    let query = request.uri().query().unwrap_or_default();
    let known = names.0.get(&key);
    let unknown = url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, _)| name.into_owned())
        .find(|name| !known.is_some_and(|known| known.contains(name)));
    match unknown {
        None => next.run(request).await,
        Some(name) => {
            let detail = format!("there is no parameter {name:?} here");
            Problem::field(StatusCode::BAD_REQUEST, "unknown_parameter", format!("/{name}"), detail)
                .into_response()
        }
    }
}
