//! `/v1/syncs`, `/v1/connections/{id}/sync`.

use app::AppError;
use axum::extract::State;
use domain::schedule::{InvalidWindow, Window};
use domain::sync::{Outcome, RecordCounts, SyncKind, SyncState, Trigger};
use domain::{ConnectionId, ListingId, OrderId, SyncId, Timestamp};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::sync::{Sync, SyncFilter, SyncRecord};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::auth::{Reader, Writer};
use crate::input::{Body, Filter, Id, Nothing, OptionalBody, page};
use crate::output::{List, Single};
use crate::problem::Problem;
use crate::trust::VerificationBody;
use crate::value;

/// A run of work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sync)]
pub struct SyncBody {
    #[schema(value_type = String)]
    id: SyncId,
    #[schema(value_type = String)]
    connection_id: ConnectionId,
    #[schema(value_type = String, pattern = "^(items|orders|stock|shipments|reconcile)$")]
    kind: SyncKind,
    #[schema(value_type = String, pattern = "^(initial|schedule|manual|resync|webhook)$")]
    trigger: Trigger,
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    #[schema(value_type = String, pattern = "^(queued|running|held|succeeded|partial|failed)$")]
    state: SyncState,
    progress: ProgressBody,
    #[schema(value_type = Object)]
    records: RecordCounts,
    #[schema(value_type = String, format = DateTime)]
    queued_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    failure: Option<FailureBody>,
    /// Why it waits, or waited, for `approve` or `cancel`.
    held: Option<HeldBody>,
    /// The syncs of the other connections that the same call started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<OtherBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncProgress)]
pub struct ProgressBody {
    done: u64,
    /// Where the channel says how many there are.
    total: Option<u64>,
}

/// Why it failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncFailure)]
pub struct FailureBody {
    code: String,
    reason: String,
}

/// How many listings would go to zero.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncHeld)]
pub struct HeldBody {
    to_zero: u64,
    limit: u64,
    /// Linked listings of the connection.
    linked: u64,
}

impl From<store::sync::Held> for HeldBody {
    fn from(held: store::sync::Held) -> Self {
        Self { to_zero: held.to_zero, limit: held.limit, linked: held.linked }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OtherSync)]
pub struct OtherBody {
    #[schema(value_type = String)]
    id: SyncId,
    #[schema(value_type = String)]
    connection_id: ConnectionId,
}

impl From<Sync> for SyncBody {
    fn from(sync: Sync) -> Self {
        Self {
            id: sync.id,
            connection_id: sync.connection_id,
            kind: sync.kind,
            trigger: sync.trigger,
            from: sync.window.map(|window| window.from),
            to: sync.window.map(|window| window.to),
            state: sync.state,
            progress: ProgressBody { done: sync.done, total: sync.total },
            records: sync.records,
            queued_at: sync.queued_at,
            started_at: sync.started_at,
            finished_at: sync.finished_at,
            failure: sync.failure.map(|failure| FailureBody { code: failure.code, reason: failure.reason }),
            held: sync.held.map(HeldBody::from),
            others: Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncInput {
    #[schema(value_type = String, pattern = "^(items|orders|stock)$")]
    kind: SyncKind,
    /// What was changed in `[from, to)`, at most two years; both or neither.
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// The same on every other active connection.
    #[serde(default)]
    all_connections: bool,
}

fn window(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Option<Window>, Problem> {
    match (from, to) {
        (None, None) => Ok(None),
        (Some(from), Some(to)) => Window::new(from, to).map(Some).map_err(|error| {
            let code = match error {
                InvalidWindow::Empty => "invalid_period",
                InvalidWindow::TooLong => "period_too_long",
            };
            AppError::invalid(code, "/to", error).into()
        }),
        (None, Some(_)) => Err(value::invalid("/from", "must be given together with to").into()),
        (Some(_), None) => Err(value::invalid("/to", "must be given together with from").into()),
    }
}

/// Starts a sync, or joins the one of its kind that runs.
#[utoipa::path(post, path = "/v1/connections/{id}/sync", tag = "syncs", params(("id" = String, Path)),
    request_body = SyncInput, responses((status = 202, body = SyncBody)))]
pub async fn start_sync(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<ConnectionId>,
    Body(input): Body<SyncInput>,
) -> Result<Single<SyncBody>, Problem> {
    let window = window(input.from, input.to)?;
    let started =
        api.app.sync_now(&caller.organization_id, &id, input.kind, window, input.all_connections).await?;
    let others = started.others.into_iter();
    let others = others.map(|sync| OtherBody { id: sync.id, connection_id: sync.connection_id }).collect();
    let body = SyncBody { others, ..SyncBody::from(started.sync) };
    Ok(Single::accepted(format!("/v1/syncs/{}", body.id), body))
}

/// Fetches again what the sync fetched.
#[utoipa::path(post, path = "/v1/syncs/{id}/resync", tag = "syncs", params(("id" = String, Path)),
    responses((status = 202, body = SyncBody)))]
pub async fn resync(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<SyncId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<SyncBody>, Problem> {
    let sync = api.app.resync(&caller.organization_id, &id).await?;
    Ok(Single::accepted(format!("/v1/syncs/{}", sync.id), sync.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SyncQuery {
    #[param(value_type = Option<String>)]
    connection_id: Option<ConnectionId>,
    #[param(value_type = Option<String>)]
    kind: Option<SyncKind>,
    /// Those with at least one record of this outcome.
    #[param(value_type = Option<String>)]
    outcome: Option<Outcome>,
    /// Queued in `[from, to)`.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Newest first.
#[utoipa::path(get, path = "/v1/syncs", tag = "syncs", params(SyncQuery), responses((status = 200, body = List<SyncBody>)))]
pub async fn list_syncs(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<SyncQuery>,
) -> Result<List<SyncBody>, Problem> {
    let page = page(query.limit, query.cursor)?;
    if query.from.zip(query.to).is_some_and(|(from, to)| to <= from) {
        let detail = InvalidWindow::Empty.to_string();
        return Err(Problem::field(StatusCode::BAD_REQUEST, "invalid_period", "/to", detail));
    }
    let filter = SyncFilter {
        connection_id: query.connection_id,
        kind: query.kind,
        outcome: query.outcome,
        from: query.from,
        to: query.to,
        now: Some(api.app.clock.now()),
    };
    Ok(List::of(api.app.store.syncs(&caller.organization_id, &filter, &page).await?, SyncBody::from))
}

/// What can be followed by an id: a sync, or a check of the ledger.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Followed)]
#[serde(untagged)]
pub enum FollowedBody {
    Sync(Box<SyncBody>),
    Verification(Box<VerificationBody>),
}

#[utoipa::path(get, path = "/v1/syncs/{id}", tag = "syncs", params(("id" = String, Path)),
    responses((status = 200, body = FollowedBody)))]
pub async fn get_sync(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<SyncId>,
) -> Result<Single<FollowedBody>, Problem> {
    let followed = match api.app.sync(&caller.organization_id, &id).await {
        Err(AppError::NotFound(_)) => {
            let check = api.app.verification(&caller.organization_id, &id).await?;
            FollowedBody::Verification(Box::new(check.into()))
        }
        sync => FollowedBody::Sync(Box::new(sync?.into())),
    };
    Ok(Single::ok(followed))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecordQuery {
    /// `synced`, `failed`, `skipped`.
    #[param(value_type = Option<String>)]
    outcome: Option<Outcome>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncRecord)]
pub struct RecordBody {
    external_id: String,
    sku: Option<String>,
    title: Option<String>,
    #[schema(value_type = String, pattern = "^(synced|failed|skipped)$")]
    outcome: Outcome,
    /// Stable, snake_case. Of a listing that came in: `mapped` where it shows an item by now, else `unconfirmed`.
    code: Option<String>,
    reason: Option<String>,
    #[schema(value_type = Option<String>)]
    listing_id: Option<ListingId>,
    #[schema(value_type = Option<String>)]
    order_id: Option<OrderId>,
}

impl From<SyncRecord> for RecordBody {
    fn from(record: SyncRecord) -> Self {
        Self {
            external_id: record.external_id,
            sku: record.sku,
            title: record.title,
            outcome: record.outcome,
            code: record.code,
            reason: record.reason,
            listing_id: record.listing_id,
            order_id: record.order_id,
        }
    }
}

/// What became of each record: kept one month, two where it failed.
#[utoipa::path(get, path = "/v1/syncs/{id}/records", tag = "syncs", params(("id" = String, Path), RecordQuery),
    responses((status = 200, body = List<RecordBody>)))]
pub async fn list_sync_records(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<SyncId>,
    Filter(query): Filter<RecordQuery>,
) -> Result<List<RecordBody>, Problem> {
    let page = page(query.limit, query.cursor)?;
    api.app.sync(&caller.organization_id, &id).await?;
    let now = api.app.clock.now();
    let store = &api.app.store;
    let records = store.sync_records(&caller.organization_id, &id, query.outcome, now, &page).await?;
    let fetched = records.data.iter().filter(|record| record.outcome == Outcome::Synced);
    let listings = fetched.filter_map(|record| record.listing_id.clone()).collect();
    let listings = store.listings_by_ids(&caller.organization_id, &listings).await?;
    Ok(List::of(records, |record| {
        let listing = record.listing_id.as_ref().and_then(|id| listings.get(id));
        let code = record.code.clone().or_else(|| Some(app::sync::standing(listing?.status).to_owned()));
        RecordBody { code, ..RecordBody::from(record) }
    }))
}
