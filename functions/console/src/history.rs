//! `/connections/{id}/history`: the syncs of a connection, each with what became of every record and why.

use app::AppError;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::SyncId;
use domain::sync::{Outcome, SyncKind, SyncState};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use store::api_key::Scope;
use store::listing::Listing;
use store::sync::{Sync, SyncFilter, SyncRecord};

use crate::Console;
use crate::connection::{connection_id, followed};
use crate::fault::Fault;
use crate::form::Posted;
use crate::order::word;
use crate::page::{Badge, Choice, Moment, Pager, Section, Shell, part, render, request};
use crate::text::{ENGLISH, outcome, reason, sync_kind, sync_state, trigger};
use crate::visitor::{Visitor, done, go_saying};

pub struct SyncRow {
    pub id: String,
    pub connection_id: String,
    pub kind: &'static str,
    pub trigger: &'static str,
    pub state: Badge,
    pub queued: Moment,
    pub took: Option<String>,
    pub synced: u64,
    pub failed: u64,
    pub skipped: u64,
    pub done: u64,
    pub total: Option<u64>,
    pub runs: bool,
    pub held: bool,
    pub why: Option<String>,
}

impl SyncRow {
    pub fn new(sync: &Sync, visitor: &Visitor) -> Self {
        let took = sync.started_at.zip(sync.finished_at).map(|(from, to)| {
            let seconds = to.duration_since(from).as_secs().max(0);
            if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds / 60) }
        });
        let held = sync
            .held
            .filter(|_| sync.state == SyncState::Held)
            .map(|held| format!("{} {} {}", held.to_zero, ENGLISH.held_of, held.linked));
        let failure = sync.failure.as_ref().map(|failure| failure.reason.clone());
        Self {
            id: sync.id.to_string(),
            connection_id: sync.connection_id.to_string(),
            kind: sync_kind(sync.kind),
            trigger: trigger(sync.trigger),
            state: sync_state(sync.state),
            queued: visitor.at(sync.queued_at),
            took,
            synced: sync.records.synced,
            failed: sync.records.failed,
            skipped: sync.records.skipped,
            done: sync.done,
            total: sync.total,
            runs: !sync.state.is_finished() && sync.state != SyncState::Held,
            held: sync.state == SyncState::Held,
            why: held.or(failure),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HistoryQuery {
    kind: String,
    outcome: String,
    cursor: String,
}

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    shell: Shell,
    id: String,
    name: String,
    kinds: Vec<Choice>,
    failed_only: bool,
    rows: Vec<SyncRow>,
    pager: Pager,
}

const KINDS: [SyncKind; 5] =
    [SyncKind::Items, SyncKind::Orders, SyncKind::Stock, SyncKind::Shipments, SyncKind::Reconcile];

pub async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(query): Query<HistoryQuery>,
) -> Result<Response, Fault> {
    let id = connection_id(&id)?;
    let connection = console.app.connection(visitor.id(), &id).await?;
    let filter = SyncFilter {
        connection_id: Some(id.clone()),
        kind: word(&query.kind),
        outcome: word(&query.outcome),
        now: Some(visitor.now),
        ..SyncFilter::default()
    };
    let found = console.app.store.syncs(visitor.id(), &filter, &request(&query.cursor)).await?;
    let kind = |kind: SyncKind| Choice::new(kind.as_str(), sync_kind(kind), kind.as_str() == query.kind);
    let asked = [("kind", query.kind.as_str()), ("outcome", &query.outcome)];
    let path = format!("/connections/{id}/history");
    let page = HistoryPage {
        shell: Shell::new(&visitor, Section::Connections, ENGLISH.history),
        id: id.to_string(),
        name: connection.name.as_str().to_owned(),
        kinds: KINDS.into_iter().map(kind).collect(),
        failed_only: query.outcome == Outcome::Failed.as_str(),
        rows: found.data.iter().map(|sync| SyncRow::new(sync, &visitor)).collect(),
        pager: Pager::new(&path, &asked, &query.cursor, found.next_cursor.as_deref()),
    };
    render(&visitor, &page)
}

struct RecordRow {
    title: String,
    external_id: String,
    outcome: Badge,
    why: Option<String>,
    place: Option<String>,
}

impl RecordRow {
    /// `listing`: the record's, where it came in.
    fn new(record: &SyncRecord, listing: Option<&Listing>) -> Self {
        let standing = listing.map(|listing| app::sync::standing(listing.status));
        let listing = record.listing_id.as_ref().map(|id| format!("/listings/{id}"));
        let order = record.order_id.as_ref().map(|id| format!("/orders/{id}"));
        Self {
            title: record
                .title
                .clone()
                .or_else(|| record.sku.clone())
                .unwrap_or_else(|| record.external_id.clone()),
            external_id: record.external_id.clone(),
            outcome: outcome(record.outcome),
            why: record.reason.clone().or_else(|| record.code.as_deref().or(standing).map(reason)),
            place: order.or(listing),
        }
    }
}

#[derive(Template)]
#[template(path = "sync.html")]
struct SyncPage {
    shell: Shell,
    name: String,
    row: SyncRow,
    path: String,
    shown: &'static str,
    records: Vec<RecordRow>,
    pager: Pager,
}

fn sync_id(text: &str) -> Result<SyncId, AppError> {
    text.parse().map_err(|_| AppError::NotFound("sync"))
}

/// The sync, where it is one of the connection.
async fn sync_of(console: &Console, visitor: &Visitor, connection: &str, id: &str) -> Result<Sync, AppError> {
    let sync = console.app.sync(visitor.id(), &sync_id(id)?).await?;
    if sync.connection_id.as_str() == connection { Ok(sync) } else { Err(AppError::NotFound("sync")) }
}

pub async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path((connection, id)): Path<(String, String)>,
    Query(query): Query<HistoryQuery>,
) -> Result<Response, Fault> {
    let app = &console.app;
    let sync = sync_of(&console, &visitor, &connection, &id).await?;
    let known = app.store.connection(visitor.id(), &sync.connection_id).await?;
    let wanted: Option<Outcome> = word(&query.outcome);
    let page = request(&query.cursor);
    let records = app.store.sync_records(visitor.id(), &sync.id, wanted, visitor.now, &page).await?;
    let fetched = records.data.iter().filter(|record| record.outcome == Outcome::Synced);
    let ids = fetched.filter_map(|record| record.listing_id.clone()).collect();
    let listings = app.store.listings_by_ids(visitor.id(), &ids).await?;
    let row = |record: &SyncRecord| {
        RecordRow::new(record, record.listing_id.as_ref().and_then(|id| listings.get(id)))
    };
    let path = followed(&sync.connection_id, &sync.id);
    let asked = [("outcome", query.outcome.as_str())];
    let view = SyncPage {
        shell: Shell::new(&visitor, Section::Connections, ENGLISH.sync),
        name: known
            .map_or_else(|| ENGLISH.connection_deleted.to_owned(), |known| known.name.as_str().to_owned()),
        row: SyncRow::new(&sync, &visitor),
        shown: wanted.map_or("", Outcome::as_str),
        records: records.data.iter().map(row).collect(),
        pager: Pager::new(&path, &asked, &query.cursor, records.next_cursor.as_deref()),
        path,
    };
    render(&visitor, &view)
}

#[derive(Template)]
#[template(path = "sync_progress.html")]
struct ProgressPart {
    shell: Shell,
    row: SyncRow,
}

/// The part of the page that moves; when the run has ended, the page is read anew.
pub async fn progress(
    State(console): State<Console>,
    visitor: Visitor,
    Path((connection, id)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let sync = sync_of(&console, &visitor, &connection, &id).await?;
    let row = SyncRow::new(&sync, &visitor);
    let ended = !row.runs;
    let mut response =
        part(&ProgressPart { shell: Shell::new(&visitor, Section::Connections, ENGLISH.sync), row })?;
    if ended {
        response
            .headers_mut()
            .insert(HeaderName::from_static("hx-refresh"), HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Fetches again, or decides on a run that is held.
pub async fn act(
    State(console): State<Console>,
    Path((connection, id, action)): Path<(String, String, String)>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let sync = sync_of(&console, &visitor, &connection, &id).await?;
    let (app, organization) = (&console.app, visitor.id());
    let (acted, said) = match action.as_str() {
        "resync" => (app.resync(organization, &sync.id).await, ENGLISH.sync_started),
        "approve" => (app.approve_sync(organization, &sync.id).await, ENGLISH.approved),
        "cancel" => (app.cancel_sync(organization, &sync.id).await, ENGLISH.cancelled),
        _ => return Err(AppError::NotFound("action").into()),
    };
    match acted {
        Ok(next) => Ok(go_saying(&followed(&next.connection_id, &next.id), said)),
        Err(error) => done(Err::<String, _>(error), &followed(&sync.connection_id, &sync.id)),
    }
}
