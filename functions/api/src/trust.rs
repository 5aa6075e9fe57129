//! `/v1/drift`, `/v1/verify`, `/v1/connections/{id}/reconcile`, and the yes or no to what is held.

use axum::extract::State;
use domain::drift::{Action, Cause, SeenAt};
use domain::{ChannelLocationId, ConnectionId, ItemId, ListingId, LocationId, Quantity, SyncId, Timestamp};
use serde::{Deserialize, Serialize};
use store::drift::Drift;
use store::verification::{ItemDifference, Verification};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::auth::{Reader, Writer};
use crate::input::{Filter, Id, Nothing, OptionalBody, page};
use crate::output::{List, Single};
use crate::problem::Problem;
use crate::sync::SyncBody;

/// Compares every linked listing with its channel, reports drift and pushes what differs.
#[utoipa::path(post, path = "/v1/connections/{id}/reconcile", tag = "trust", params(("id" = String, Path)),
    responses((status = 202, body = SyncBody)))]
pub async fn reconcile(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<ConnectionId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<SyncBody>, Problem> {
    let sync = api.app.reconcile_now(&caller.organization_id, &id).await?;
    Ok(Single::accepted(format!("/v1/syncs/{}", sync.id), sync.into()))
}

/// A listing whose channel showed another number than it took.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Drift)]
pub struct DriftBody {
    #[schema(value_type = String)]
    listing_id: ListingId,
    #[schema(value_type = String)]
    item_id: ItemId,
    #[schema(value_type = String)]
    connection_id: ConnectionId,
    #[schema(value_type = u32)]
    desired: Quantity,
    #[schema(value_type = Option<u32>)]
    acknowledged: Option<Quantity>,
    observed: i64,
    /// Where the channel is told by location: those that show another number than they took.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<DriftAtBody>,
    #[schema(value_type = String, format = DateTime)]
    observed_at: Timestamp,
    #[schema(value_type = String, pattern = "^(edited_on_channel|lost_update|missed_order|unknown)$")]
    cause: Cause,
    /// What was done: a held listing is told nothing until `POST /v1/listings/{id}/release`.
    #[schema(value_type = String, pattern = "^(overwritten|alerted|held)$")]
    action: Action,
}

/// The same of one of the channel's own locations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DriftAt)]
pub struct DriftAtBody {
    #[schema(value_type = String)]
    channel_location_id: ChannelLocationId,
    #[schema(value_type = u32)]
    desired: Quantity,
    #[schema(value_type = u32)]
    acknowledged: Quantity,
    observed: i64,
}

impl From<SeenAt> for DriftAtBody {
    fn from(seen: SeenAt) -> Self {
        let SeenAt { channel_location_id, desired, acknowledged, observed, previous: _ } = seen;
        Self { channel_location_id, desired, acknowledged, observed }
    }
}

impl From<Drift> for DriftBody {
    fn from(drift: Drift) -> Self {
        Self {
            listing_id: drift.listing_id,
            item_id: drift.item_id,
            connection_id: drift.connection_id,
            desired: drift.desired,
            acknowledged: drift.acknowledged,
            observed: drift.observed,
            locations: drift.locations.into_iter().map(DriftAtBody::from).collect(),
            observed_at: drift.observed_at,
            cause: drift.cause,
            action: drift.action,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DriftQuery {
    #[param(value_type = Option<String>)]
    connection_id: Option<ConnectionId>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    cursor: Option<String>,
}

/// As the last reconciliation found it; one that was made good is shown for 31 days.
#[utoipa::path(get, path = "/v1/drift", tag = "trust", params(DriftQuery),
    responses((status = 200, body = List<DriftBody>)))]
pub async fn list_drift(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<DriftQuery>,
) -> Result<List<DriftBody>, Problem> {
    let page = page(query.limit, query.cursor)?;
    let now = api.app.clock.now();
    let connection = query.connection_id.as_ref();
    Ok(List::of(
        api.app.store.drifts(&caller.organization_id, connection, now, &page).await?,
        DriftBody::from,
    ))
}

/// A check of the ledger.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verification)]
pub struct VerificationBody {
    #[schema(value_type = String)]
    id: SyncId,
    #[schema(pattern = "^verify$")]
    kind: &'static str,
    #[schema(pattern = "^(manual|schedule)$")]
    trigger: &'static str,
    /// `partial`: complete, and some levels differ.
    #[schema(pattern = "^(queued|running|succeeded|partial)$")]
    state: &'static str,
    progress: VerifiedBody,
    /// Levels that are not what the ledger says.
    different: u64,
    /// The first 500 of them.
    differences: Vec<DifferenceBody>,
    #[schema(value_type = String, format = DateTime)]
    queued_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerificationProgress)]
pub struct VerifiedBody {
    /// Items replayed.
    done: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LevelDifference)]
pub struct DifferenceBody {
    #[schema(value_type = String)]
    item_id: ItemId,
    #[schema(value_type = String)]
    location_id: LocationId,
    /// As it is stored.
    level: NumbersBody,
    /// As the movements make it.
    ledger: NumbersBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LevelNumbers)]
pub struct NumbersBody {
    on_hand: i64,
    committed: i64,
    movements: u64,
}

impl From<ItemDifference> for DifferenceBody {
    fn from(of_item: ItemDifference) -> Self {
        let numbers = |level: domain::stock::Level| NumbersBody {
            on_hand: level.on_hand,
            committed: level.committed,
            movements: level.version,
        };
        let difference = of_item.difference;
        Self {
            item_id: of_item.item_id,
            location_id: difference.location_id,
            level: numbers(difference.level),
            ledger: numbers(difference.ledger),
        }
    }
}

impl From<Verification> for VerificationBody {
    fn from(check: Verification) -> Self {
        let state = match (check.started_at, check.finished_at, check.different) {
            (None, None, _) => "queued",
            (_, None, _) => "running",
            (_, Some(_), 0) => "succeeded",
            (_, Some(_), _) => "partial",
        };
        Self {
            id: check.id,
            kind: "verify",
            trigger: if check.scheduled { "schedule" } else { "manual" },
            state,
            progress: VerifiedBody { done: check.items },
            different: check.different,
            differences: check.differences.into_iter().map(DifferenceBody::from).collect(),
            queued_at: check.queued_at,
            started_at: check.started_at,
            finished_at: check.finished_at,
        }
    }
}

/// Replays the whole ledger and compares it with the levels. It is followed at `Location`.
#[utoipa::path(post, path = "/v1/verify", tag = "trust", responses((status = 202, body = VerificationBody)))]
pub async fn verify(
    State(api): State<Api>,
    Writer(caller): Writer,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<VerificationBody>, Problem> {
    let check = api.app.verify(&caller.organization_id).await?;
    Ok(Single::accepted(format!("/v1/verify/{}", check.id), check.into()))
}

#[utoipa::path(get, path = "/v1/verify/{id}", tag = "trust", params(("id" = String, Path)),
    responses((status = 200, body = VerificationBody)))]
pub async fn get_verification(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<SyncId>,
) -> Result<Single<VerificationBody>, Problem> {
    Ok(Single::ok(api.app.verification(&caller.organization_id, &id).await?.into()))
}

/// Yes: what a held sync would have taken to zero goes to zero.
#[utoipa::path(post, path = "/v1/syncs/{id}/approve", tag = "trust", params(("id" = String, Path)),
    responses((status = 202, body = SyncBody)))]
pub async fn approve_sync(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<SyncId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<SyncBody>, Problem> {
    let sync = api.app.approve_sync(&caller.organization_id, &id).await?;
    Ok(Single::accepted(format!("/v1/syncs/{}", sync.id), sync.into()))
}

/// No: nothing of it is sent.
#[utoipa::path(post, path = "/v1/syncs/{id}/cancel", tag = "trust", params(("id" = String, Path)),
    responses((status = 200, body = SyncBody)))]
pub async fn cancel_sync(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<SyncId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<SyncBody>, Problem> {
    Ok(Single::ok(api.app.cancel_sync(&caller.organization_id, &id).await?.into()))
}
