//! From the channels, over HTTPS: notifications verified, reduced to a hint, queued.

use app::App;
use app::intake::IntakeError;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use channels::WebhookRefused;
use domain::ConnectionId;

/// Longest notification taken, in bytes: a WooCommerce order with 1,000 lines has about this.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// `POST /v1/webhooks/{connection_id}`; `GET` for channels that ask first whether the receiver is ours.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/v1/webhooks/{connection_id}", get(answer_challenge).post(take))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(app)
}

async fn take(
    State(app): State<App>,
    Path(connection): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(connection) = connection.parse::<ConnectionId>() else {
        return problem(StatusCode::NOT_FOUND, "not_found", "There is no such connection.");
    };
    match app.take_notification(&connection, &headers, &body).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(IntakeError::NoConnection) => {
            problem(StatusCode::NOT_FOUND, "not_found", "There is no such connection.")
        }
        // Not believed and not refused: the channel delivers it again.
        Err(error @ IntakeError::Refused(WebhookRefused::KeyUnavailable)) => {
            tracing::warn!(%connection, error = %app::sync_orders::chain(&error), "a notification could not be verified");
            problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Try again later.")
        }
        Err(error @ IntakeError::Refused(_)) => {
            tracing::warn!(%connection, error = %app::sync_orders::chain(&error), "a notification was refused");
            problem(
                StatusCode::UNAUTHORIZED,
                "signature_invalid",
                "The notification's signature does not verify.",
            )
        }
        // The channel delivers it again.
        Err(IntakeError::Failed(error)) => {
            tracing::error!(%connection, error = %app::sync_orders::chain(&error), "a notification could not be queued");
            problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Try again later.")
        }
    }
}

async fn answer_challenge(
    State(app): State<App>,
    Path(connection): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let nothing =
        || problem(StatusCode::NOT_FOUND, "not_found", "There is no such connection, or nothing to answer.");
    let Ok(connection) = connection.parse::<ConnectionId>() else { return nothing() };
    match app.answer_challenge(&connection, &query.unwrap_or_default()).await {
        Ok(Some(answer)) => (StatusCode::OK, [("content-type", "application/json")], answer).into_response(),
        Ok(None) | Err(IntakeError::NoConnection | IntakeError::Refused(_)) => nothing(),
        Err(IntakeError::Failed(error)) => {
            tracing::error!(%connection, error = %app::sync_orders::chain(&error), "a challenge could not be answered");
            problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Try again later.")
        }
    }
}

/// RFC 9457.
fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let body = serde_json::json!({
        "type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail,
    });
    (status, [("content-type", "application/problem+json")], body.to_string()).into_response()
}
