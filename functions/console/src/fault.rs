//! What goes wrong, as a page that says so; and the same in a sentence, for the page that a form came from.

use app::AppError;
use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};

use crate::asset::{PATHS, Paths};
use crate::text::{ENGLISH, Text};

/// Why a page is not what was asked for.
#[derive(Debug)]
pub enum Fault {
    App(AppError),
    /// Nobody is signed in; where they wanted to go.
    SignedOut(String),
    /// The key has no such scope.
    NotAllowed,
    /// Not sent by a form of ours.
    Forged,
    /// Longer than a form may be.
    TooLong,
    /// The page could not be written.
    Unwritable,
}

impl<E: Into<AppError>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::App(error.into())
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage {
    t: &'static Text,
    assets: &'static Paths,
    title: &'static str,
    detail: String,
}

/// As a sentence: an error's own words, from a capital to a stop.
pub fn sentence(text: &str) -> String {
    let mut letters = text.trim().chars();
    let mut sentence: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    sentence.push_str(letters.as_str());
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// What a person can put right; `None` for a failure of ours.
pub fn explained(error: &AppError) -> Option<String> {
    match error {
        AppError::NotFound(_)
        | AppError::Invalid { .. }
        | AppError::Conflict { .. }
        | AppError::OrderFrozen { .. } => {}
        AppError::Channel(error) => return Some(sentence(&error.to_string())),
        AppError::Store(store::StoreError::BadCursor) => return Some(ENGLISH.cursor_stale.to_owned()),
        AppError::Store(_) | AppError::Queue(_) | AppError::Internal(_) => return None,
    }
    Some(sentence(&error.to_string()))
}

fn status(error: &AppError) -> StatusCode {
    match error {
        AppError::NotFound(_) => StatusCode::NOT_FOUND,
        AppError::Invalid { .. } | AppError::Channel(_) => StatusCode::UNPROCESSABLE_ENTITY,
        AppError::Conflict { .. } | AppError::OrderFrozen { .. } => StatusCode::CONFLICT,
        AppError::Store(store::StoreError::BadCursor) => StatusCode::BAD_REQUEST,
        AppError::Store(
            store::StoreError::Conflict(_)
            | store::StoreError::Busy(_)
            | store::StoreError::Unavailable { .. },
        )
        | AppError::Queue(_) => StatusCode::SERVICE_UNAVAILABLE,
        AppError::Store(_) | AppError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let t = &ENGLISH;
        let (status, title, detail) = match &self {
            Self::SignedOut(next) => return sign_in_first(next),
            Self::NotAllowed => (StatusCode::FORBIDDEN, t.not_allowed, t.not_allowed_detail.to_owned()),
            Self::Forged => (StatusCode::FORBIDDEN, t.forged, t.forged_detail.to_owned()),
            Self::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, t.not_possible, t.too_long.to_owned()),
            Self::Unwritable => (StatusCode::INTERNAL_SERVER_ERROR, t.failed, t.failed_detail.to_owned()),
            Self::App(error) => {
                let status = status(error);
                let title = match status {
                    StatusCode::NOT_FOUND => t.not_found,
                    status if status.is_server_error() => t.failed,
                    _ => t.not_possible,
                };
                let detail = explained(error).unwrap_or_else(|| {
                    tracing::error!(error = app::sync_orders::chain(error), "a page failed");
                    t.failed_detail.to_owned()
                });
                (status, title, detail)
            }
        };
        let page = FaultPage { t, assets: &PATHS, title, detail };
        match page.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

fn sign_in_first(next: &str) -> Response {
    let query = serde_urlencoded::to_string([("next", next)]).unwrap_or_default();
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(place) = HeaderValue::try_from(format!("/sign-in?{query}")) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_said_as_a_sentence() {
        for (said, shown) in [
            ("there is no such item", "There is no such item."),
            ("Open the address.", "Open the address."),
            ("ü", "Ü."),
            ("", "."),
        ] {
            assert_eq!(sentence(said), shown);
        }
    }
}
