//! `/v1/adjustments`.

use app::AppError;
use app::adjustment::{Amount, NewAdjustment, NewLine};
use axum::Extension;
use axum::extract::State;
use domain::{AdjustmentId, ItemId, LocationId, Quantity, Timestamp};
use serde::{Deserialize, Serialize};
use store::adjustment::Adjustment;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Reader, Writer};
use crate::document_input::{Named, TEXT_MAX, VoidingBody, state};
use crate::idempotency::RequestId;
use crate::input::{Body, Filter, Id, Nothing, OptionalBody, PageQuery};
use crate::output::{List, Single};
use crate::problem::Problem;
use crate::value;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentInput {
    #[schema(value_type = String)]
    location_id: LocationId,
    #[schema(min_items = 1, max_items = 45)]
    lines: Vec<AdjustmentLineInput>,
    #[schema(max_length = 500)]
    reason: Option<String>,
    #[schema(max_length = 500)]
    reference: Option<String>,
    /// What is on hand may fall below zero.
    #[serde(default)]
    allow_negative: bool,
}

/// Either `delta` or `set_to`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentLineInput {
    #[schema(value_type = String)]
    item_id: Named,
    /// More or less by this.
    #[schema(minimum = -999_999_999, maximum = 999_999_999)]
    delta: Option<i64>,
    /// This and no other.
    #[schema(value_type = Option<u32>, maximum = 999_999_999)]
    set_to: Option<Quantity>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Adjustment)]
pub struct AdjustmentBody {
    #[schema(value_type = String)]
    id: AdjustmentId,
    #[schema(value_type = String)]
    location_id: LocationId,
    lines: Vec<AdjustmentLineBody>,
    reason: Option<String>,
    reference: Option<String>,
    #[schema(pattern = "^(posted|void)$")]
    state: &'static str,
    voided: Option<VoidingBody>,
    /// The key that it was made with.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdjustmentLine)]
pub struct AdjustmentLineBody {
    #[schema(value_type = String)]
    item_id: ItemId,
    /// What it changed, also where a quantity was set.
    delta: i64,
    set_to: Option<i64>,
}

impl From<Adjustment> for AdjustmentBody {
    fn from(adjustment: Adjustment) -> Self {
        let line = |line: store::adjustment::AdjustmentLine| AdjustmentLineBody {
            item_id: line.item_id,
            delta: line.delta,
            set_to: line.set_to,
        };
        Self {
            id: adjustment.id,
            location_id: adjustment.location_id,
            lines: adjustment.lines.into_iter().map(line).collect(),
            reason: adjustment.reason,
            reference: adjustment.reference,
            state: state(adjustment.voided.as_ref()),
            voided: adjustment.voided.map(VoidingBody::from),
            created_by: adjustment.created_by,
            created_at: adjustment.created_at,
        }
    }
}

fn amount(n: usize, line: &AdjustmentLineInput) -> Result<Amount, AppError> {
    match (line.delta, line.set_to) {
        (Some(0), None) => Err(value::invalid(&format!("/lines/{n}/delta"), "must not be zero")),
        (Some(delta), None) if delta.unsigned_abs() > u64::from(Quantity::MAX.get()) => {
            Err(value::invalid(&format!("/lines/{n}/delta"), "must be from -999999999 to 999999999"))
        }
        (Some(delta), None) => Ok(Amount::Delta(delta)),
        (None, Some(quantity)) => Ok(Amount::SetTo(quantity)),
        _ => Err(value::invalid(&format!("/lines/{n}"), "must have either delta or set_to")),
    }
}

/// Changes stock by a person's word: all lines in one transaction, or nothing.
#[utoipa::path(post, path = "/v1/adjustments", tag = "stock documents", request_body = AdjustmentInput,
    responses((status = 201, body = AdjustmentBody)))]
pub async fn create_adjustment(
    State(api): State<Api>,
    Writer(caller): Writer,
    request: Option<Extension<RequestId>>,
    Body(input): Body<AdjustmentInput>,
) -> Result<Single<AdjustmentBody>, Problem> {
    let mut lines = Vec::with_capacity(input.lines.len());
    for (n, line) in input.lines.into_iter().enumerate() {
        let amount = amount(n, &line)?;
        let pointer = format!("/lines/{n}/item_id");
        let item_id = line.item_id.item(&api.app, &caller.organization_id, &pointer).await?;
        lines.push(NewLine { item_id, amount });
    }
    let new = NewAdjustment {
        location_id: input.location_id,
        lines,
        reason: value::optional_text(input.reason.as_ref(), "/reason", TEXT_MAX)?,
        reference: value::optional_text(input.reference.as_ref(), "/reference", TEXT_MAX)?,
        allow_negative: input.allow_negative,
        id: request.map(|Extension(RequestId(id))| id),
    };
    let adjustment = api.app.adjust_stock(&caller.organization_id, &caller.actor(), &new).await?;
    Ok(Single::created(format!("/v1/adjustments/{}", adjustment.id), adjustment.into()))
}

/// Newest first.
#[utoipa::path(get, path = "/v1/adjustments", tag = "stock documents", params(PageQuery),
    responses((status = 200, body = List<AdjustmentBody>)))]
pub async fn list_adjustments(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<PageQuery>,
) -> Result<List<AdjustmentBody>, Problem> {
    let page = query.request()?;
    let found = api.app.store.documents::<Adjustment>(&caller.organization_id, &page).await?;
    Ok(List::of(found, AdjustmentBody::from))
}

#[utoipa::path(get, path = "/v1/adjustments/{id}", tag = "stock documents", params(("id" = String, Path)),
    responses((status = 200, body = AdjustmentBody)))]
pub async fn get_adjustment(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<AdjustmentId>,
) -> Result<Single<AdjustmentBody>, Problem> {
    Ok(Single::ok(api.app.adjustment(&caller.organization_id, &id).await?.into()))
}

/// Posts the reverse; the document stays, as void.
#[utoipa::path(post, path = "/v1/adjustments/{id}/void", tag = "stock documents", params(("id" = String, Path)),
    responses((status = 200, body = AdjustmentBody)))]
pub async fn void_adjustment(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<AdjustmentId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<AdjustmentBody>, Problem> {
    Ok(Single::ok(api.app.void_adjustment(&caller.organization_id, &caller.actor(), &id).await?.into()))
}
