//! What only the local run offers: its clock, its reset.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use domain::OrganizationId;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::Deserialize;
use serde_json::json;

use crate::machine::{Machine, mark};
use crate::workers::tick_once;
use app::Clock;
use app::intake::IntakeError;

/// At most this far in one step.
const ADVANCE_MAX: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

pub fn router(machine: Machine) -> Router {
    Router::new()
        .route("/_local/clock", post(advance_clock))
        .route("/_local/reset", post(reset))
        .route("/_local/notifications/{connection_id}", post(notify))
        .with_state(machine)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// ISO 8601: `P31D`, `PT30M`. A day has 24 hours.
    advance: Span,
}

/// The clock moves on; TTLs and schedules follow before the answer.
async fn advance_clock(State(machine): State<Machine>, body: String) -> Response {
    let Ok(Advance { advance }) = serde_json::from_str(&body) else {
        return problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_field",
            "Send {\"advance\":\"P31D\"}: an ISO 8601 duration.",
        );
    };
    let length = advance.to_duration(SpanRelativeTo::days_are_24_hours());
    let Ok(length) = length.map_err(drop).and_then(|length| {
        let fits = length >= SignedDuration::ZERO && length <= ADVANCE_MAX;
        if fits { Ok(length) } else { Err(()) }
    }) else {
        return problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_field",
            "The clock moves on by weeks, days, hours, minutes and seconds, at most ten years.",
        );
    };
    let ahead_ms = machine.clock.advance(length);
    if let Err(error) = machine.set_mark(mark::CLOCK_AHEAD_MS, &ahead_ms.to_string()) {
        return failed(&error);
    }
    tick_once(&machine, true).await;
    machine.queue.bell.notify_waiters();
    Json(json!({ "now": machine.clock.now() })).into_response()
}

/// Everything goes but the organization of the first start and its keys.
async fn reset(State(machine): State<Machine>) -> Response {
    match try_reset(&machine).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => failed(&error),
    }
}

async fn try_reset(machine: &Machine) -> anyhow::Result<()> {
    let _reading = machine.stream.lock().await;
    let store = &machine.app.store;
    let mut kept = None;
    if let Some(id) = machine.mark(mark::ORGANIZATION)? {
        let id: OrganizationId = id.parse()?;
        if let Some(mut organization) = store.organization(&id).await? {
            let primary = store.location(&id, &organization.primary_location_id).await?;
            organization.version = 1;
            kept = primary.map(|primary| (organization, primary));
        }
    }
    let keys = match &kept {
        Some((organization, _)) => store.api_keys(&organization.id).await?,
        None => Vec::new(),
    };
    let remembered = mark::BEYOND_RESET.map(|name| machine.mark(name).map(|value| (name, value)));
    machine.queue.file.purge()?;
    for mark in remembered {
        if let (name, Some(value)) = mark? {
            machine.set_mark(name, &value)?;
        }
    }
    let client = machine.engine.client();
    for table in [&machine.tables.main, &machine.tables.personal] {
        client.delete_table().table_name(table).send().await?;
    }
    store.create_tables().await?;
    if let Some((organization, primary)) = kept
        && let Some((first, others)) = keys.split_first()
    {
        store.create_organization(&organization, &primary, first).await?;
        for key in others {
            store.create_api_key(key).await?;
        }
    }
    Ok(())
}

/// What the channel would send to a queue or an event bus of ours.
async fn notify(State(machine): State<Machine>, Path(connection): Path<String>, body: Bytes) -> Response {
    let nobody = || problem(StatusCode::NOT_FOUND, "not_found", "There is no such connection.");
    let Ok(connection) = connection.parse() else { return nobody() };
    match machine.app.take_queued_notification(&connection, &body).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(IntakeError::NoConnection) => nobody(),
        Err(IntakeError::Refused(_)) => {
            let detail = "This is no notification that the connection's channel sends through a queue or an event bus.";
            problem(StatusCode::UNPROCESSABLE_ENTITY, "notification_unreadable", detail)
        }
        Err(IntakeError::Failed(error)) => failed(&error.into()),
    }
}

fn failed(error: &anyhow::Error) -> Response {
    tracing::error!(error = %format!("{error:#}"), "a local request failed");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "See the log.")
}

pub fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail });
    (status, [("content-type", "application/problem+json")], body.to_string()).into_response()
}
