//! `/connections`: the merchant's shops, how each stands, and what can be done with it.

use app::AppError;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::audit::AuditAction;
use domain::schedule::Window;
use domain::sync::SyncKind;
use domain::{ConnectionId, SyncId};
use store::PageRequest;
use store::api_key::Scope;
use store::connection::Connection;
use store::sync::SyncFilter;

use crate::Console;
use crate::fault::Fault;
use crate::form::{Fields, Posted};
use crate::history::SyncRow;
use crate::names::channel;
use crate::order::word;
use crate::page::{Badge, Moment, Section, Shell, render};
use crate::text::{ENGLISH, connection_status};
use crate::visitor::{Visitor, done, go_saying};

pub struct ConnectionRow {
    pub id: String,
    pub name: String,
    pub channel: &'static str,
    pub status: Badge,
    pub why: Option<String>,
    pub next: Option<Moment>,
    pub active: bool,
}

impl ConnectionRow {
    pub fn new(connection: &Connection, visitor: &Visitor) -> Self {
        use domain::connection::ConnectionStatus::{Active, Inactive};
        let why = match connection.status {
            Active | Inactive => None,
            _ if connection.connected_at.is_none() => Some(ENGLISH.consent_to_come.to_owned()),
            _ => connection.status_reason.clone(),
        };
        Self {
            id: connection.id.to_string(),
            name: connection.name.as_str().to_owned(),
            channel: channel(connection.channel),
            status: connection_status(connection.status),
            why,
            next: visitor.at_if_any(connection.next_sync_at),
            active: connection.status == Active,
        }
    }
}

#[derive(Template)]
#[template(path = "connections.html")]
struct ConnectionsPage {
    shell: Shell,
    rows: Vec<ConnectionRow>,
}

pub async fn list(State(console): State<Console>, visitor: Visitor) -> Result<Response, Fault> {
    let connections = console.app.store.connections(visitor.id()).await?;
    let page = ConnectionsPage {
        shell: Shell::new(&visitor, Section::Connections, ENGLISH.connections),
        rows: connections.iter().map(|connection| ConnectionRow::new(connection, &visitor)).collect(),
    };
    render(&visitor, &page)
}

#[derive(Template)]
#[template(path = "connection.html")]
struct ConnectionPage {
    shell: Shell,
    row: ConnectionRow,
    endpoint: String,
    currency: String,
    interval: u16,
    has_consent: bool,
    waits: bool,
    inactive: bool,
    syncs: Vec<SyncRow>,
}

pub fn connection_id(text: &str) -> Result<ConnectionId, AppError> {
    text.parse().map_err(|_| AppError::NotFound("connection"))
}

pub fn place(id: &ConnectionId) -> String {
    format!("/connections/{id}")
}

pub async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    use domain::connection::ConnectionStatus;
    let id = connection_id(&id)?;
    let connection = console.app.connection(visitor.id(), &id).await?;
    let filter =
        SyncFilter { connection_id: Some(id.clone()), now: Some(visitor.now), ..SyncFilter::default() };
    let request = PageRequest { limit: 6, cursor: None };
    let syncs = console.app.store.syncs(visitor.id(), &filter, &request).await?;
    let page = ConnectionPage {
        shell: Shell::new(&visitor, Section::Connections, connection.name.as_str()),
        row: ConnectionRow::new(&connection, &visitor),
        endpoint: connection.endpoint.clone(),
        currency: connection.currency.to_string(),
        interval: connection.settings.sync_interval_minutes.minutes(),
        has_consent: channels::adapter(connection.channel).consent().is_some(),
        waits: connection.status == ConnectionStatus::NeedsAuthorization,
        inactive: connection.status == ConnectionStatus::Inactive,
        syncs: syncs.data.iter().map(|sync| SyncRow::new(sync, &visitor)).collect(),
    };
    render(&visitor, &page)
}

fn window(fields: &Fields, visitor: &Visitor) -> Result<Option<Window>, AppError> {
    let (from, to) = (fields.moment("from", &visitor.zone)?, fields.moment("to", &visitor.zone)?);
    match (from, to) {
        (None, None) => Ok(None),
        (from, to) => {
            let from =
                from.ok_or_else(|| AppError::invalid("invalid_field", "/from", ENGLISH.period_both))?;
            let to = to.unwrap_or(visitor.now);
            let window = Window::new(from, to);
            window.map(Some).map_err(|error| AppError::invalid("invalid_period", "/to", error))
        }
    }
}

/// Where the run is followed.
pub fn followed(connection: &ConnectionId, sync: &SyncId) -> String {
    format!("{}/history/{sync}", place(connection))
}

/// Starts a sync now, of all shops where that is ticked.
pub async fn sync(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let id = connection_id(&id)?;
    let started = async {
        let kind: SyncKind = word(fields.text("kind"))
            .ok_or_else(|| AppError::invalid("invalid_field", "/kind", ENGLISH.kind_missing))?;
        let window = window(&fields, &visitor)?;
        console.app.sync_now(visitor.id(), &id, kind, window, fields.is_on("all")).await
    };
    match started.await {
        Ok(started) => Ok(go_saying(&followed(&id, &started.sync.id), ENGLISH.sync_started)),
        Err(error) => done(Err::<String, _>(error), &place(&id)),
    }
}

pub async fn reconcile(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let id = connection_id(&id)?;
    match console.app.reconcile_now(visitor.id(), &id).await {
        Ok(sync) => Ok(go_saying(&followed(&id, &sync.id), ENGLISH.sync_started)),
        Err(error) => done(Err::<String, _>(error), &place(&id)),
    }
}

pub async fn enable(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let id = connection_id(&id)?;
    let enabled = console.app.enable_connection(visitor.id(), &id).await;
    if enabled.is_ok() {
        visitor.note(&console.app, AuditAction::ConnectionEnabled, id.as_str()).await;
    }
    done(enabled.map(|_| ENGLISH.enabled_now), &place(&id))
}

pub async fn disable(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let id = connection_id(&id)?;
    let disabled = console.app.disable_connection(visitor.id(), &id).await;
    if disabled.is_ok() {
        visitor.note(&console.app, AuditAction::ConnectionDisabled, id.as_str()).await;
    }
    done(disabled.map(|_| ENGLISH.disabled_now), &place(&id))
}

pub async fn delete(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let id = connection_id(&id)?;
    if !fields.is_on("sure") {
        let unsure = AppError::invalid("invalid_field", "/sure", ENGLISH.tick_to_delete);
        return done(Err::<String, _>(unsure), &place(&id));
    }
    match console.app.delete_connection(visitor.id(), &id, None).await {
        Ok(()) => {
            visitor.note(&console.app, AuditAction::ConnectionDeleted, id.as_str()).await;
            Ok(go_saying("/connections", ENGLISH.deleted))
        }
        Err(error) => done(Err::<String, _>(error), &place(&id)),
    }
}
