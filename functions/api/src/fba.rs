//! FBA: `/v1/connections/{id}/fba`, `/v1/listings/{id}/fba-stock`, `/v1/items/mark-fulfilment`.

use app::AppError;
use app::fba_stock::{AdjustmentNote, FbaSku, FbaStock};
use app::mark_fulfilment::{ITEMS_MAX, MarkOutcome};
use axum::Extension;
use axum::extract::State;
use domain::channel::Fulfilment;
use domain::fba::Fba;
use domain::{ConnectionId, ItemId, ListingId, LocationId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::adjustment::AdjustmentBody;
use crate::auth::{Admin, Reader, Writer};
use crate::connection::{ConnectionBody, seen, shown};
use crate::document_input::TEXT_MAX;
use crate::idempotency::RequestId;
use crate::input::{Body, Id, OptionalBody};
use crate::output::{IfMatch, Single, Warning};
use crate::problem::Problem;
use crate::value;

/// Where a connection's goods at Amazon are counted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fba)]
pub struct FbaBody {
    #[schema(value_type = String)]
    location_id: LocationId,
}

impl From<Fba> for FbaBody {
    fn from(fba: Fba) -> Self {
        Self { location_id: fba.location_id }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FbaInput {
    /// Of the kind `fba`, and no other connection's.
    #[schema(value_type = String)]
    pub location_id: LocationId,
}

/// Tracks the goods that Amazon stores for the connection in this location. With another location, what comes from now on
/// is counted there; what was stays.
#[utoipa::path(put, path = "/v1/connections/{id}/fba", tag = "fba", params(("id" = String, Path)),
    request_body = FbaInput, responses((status = 200, body = ConnectionBody)))]
pub async fn enable_fba(
    State(api): State<Api>,
    Admin(caller): Admin,
    Id(id): Id<ConnectionId>,
    if_match: IfMatch,
    Body(input): Body<FbaInput>,
) -> Result<Single<ConnectionBody>, Problem> {
    let expected = seen(&api, &caller, &id, &if_match).await?;
    let organization = &caller.organization_id;
    let connection = api.app.enable_fba(organization, &id, expected, &input.location_id).await?;
    Ok(Single::ok(shown(&api, &caller, connection).await?))
}

/// Stock at Amazon is not tracked any more, and nothing more is sent from it. What is counted in the location stays.
#[utoipa::path(delete, path = "/v1/connections/{id}/fba", tag = "fba", params(("id" = String, Path)),
    responses((status = 200, body = ConnectionBody)))]
pub async fn disable_fba(
    State(api): State<Api>,
    Admin(caller): Admin,
    Id(id): Id<ConnectionId>,
    if_match: IfMatch,
) -> Result<Single<ConnectionBody>, Problem> {
    let expected = seen(&api, &caller, &id, &if_match).await?;
    let connection = api.app.disable_fba(&caller.organization_id, &id, expected).await?;
    Ok(Single::ok(shown(&api, &caller, connection).await?))
}

/// What Amazon has and what is counted here, in units.
#[derive(Debug, Serialize, ToSchema)]
pub struct FbaStockBody {
    #[schema(value_type = String)]
    listing_id: ListingId,
    #[schema(value_type = String)]
    item_id: ItemId,
    #[schema(value_type = String)]
    location_id: LocationId,
    /// What Amazon can send now, of all the item's SKUs that are tracked.
    amazon: i64,
    /// Available in the FBA location.
    hub: i64,
    /// `amazon - hub`: positive where Amazon has more, 0 where the two agree.
    mismatch: i64,
    #[schema(value_type = String, format = DateTime)]
    observed_at: Timestamp,
    /// The drill-down, SKU by SKU.
    skus: Vec<FbaSkuBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FbaSku)]
pub struct FbaSkuBody {
    #[schema(value_type = String)]
    listing_id: ListingId,
    sku: String,
    sellable: i64,
    /// Sold and not sent, or moved between Amazon's warehouses.
    reserved: i64,
    unsellable: i64,
    /// Announced, on the way, and of shipments of which Amazon received a part.
    inbound: InboundUnits,
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct InboundUnits {
    working: i64,
    shipped: i64,
    receiving: i64,
}

impl From<FbaSku> for FbaSkuBody {
    fn from(sku: FbaSku) -> Self {
        let held = sku.held.unwrap_or_default();
        Self {
            listing_id: sku.listing_id,
            sku: sku.sku,
            sellable: held.sellable,
            reserved: held.reserved,
            unsellable: held.unsellable,
            inbound: InboundUnits {
                working: held.inbound_working,
                shipped: held.inbound_shipped,
                receiving: held.inbound_receiving,
            },
            updated_at: held.updated_at,
        }
    }
}

impl From<FbaStock> for FbaStockBody {
    fn from(stock: FbaStock) -> Self {
        Self {
            listing_id: stock.listing_id,
            item_id: stock.item_id,
            location_id: stock.location_id,
            amazon: stock.amazon,
            hub: stock.hub,
            mismatch: stock.mismatch,
            observed_at: stock.observed_at,
            skus: stock.skus.into_iter().map(FbaSkuBody::from).collect(),
        }
    }
}

/// Fetched from Amazon for this answer.
#[utoipa::path(get, path = "/v1/listings/{id}/fba-stock", tag = "fba", params(("id" = String, Path)),
    responses((status = 200, body = FbaStockBody)))]
pub async fn get_fba_stock(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<ListingId>,
) -> Result<Single<FbaStockBody>, Problem> {
    Ok(Single::ok(api.app.fba_stock(&caller.organization_id, &id).await?.into()))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FbaAdjustmentInput {
    #[schema(max_length = 500)]
    reason: Option<String>,
    #[schema(max_length = 500)]
    reference: Option<String>,
}

/// Brings what is counted to what Amazon has, by an adjustment of the FBA location alone.
#[utoipa::path(post, path = "/v1/listings/{id}/fba-stock/adjust", tag = "fba", params(("id" = String, Path)),
    request_body = Option<FbaAdjustmentInput>, responses((status = 201, body = AdjustmentBody)))]
pub async fn adjust_fba_stock(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<ListingId>,
    request: Option<Extension<RequestId>>,
    OptionalBody(input): OptionalBody<FbaAdjustmentInput>,
) -> Result<Single<AdjustmentBody>, Problem> {
    let note = AdjustmentNote {
        reason: value::optional_text(input.reason.as_ref(), "/reason", TEXT_MAX)?,
        reference: value::optional_text(input.reference.as_ref(), "/reference", TEXT_MAX)?,
        id: request.map(|Extension(RequestId(id))| id),
    };
    let adjusted = api.app.adjust_fba_stock(&caller.organization_id, &caller.actor(), &id, &note).await?;
    Ok(Single::created(format!("/v1/adjustments/{}", adjusted.id), adjusted.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkInput {
    #[schema(min_items = 1, max_items = 500)]
    item_ids: Vec<String>,
    #[schema(value_type = String, pattern = "^(fba|mfn)$")]
    fulfilment: Fulfilment,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MarkBody {
    /// In the order of `item_ids`.
    data: Vec<MarkOutcomeBody>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = MarkOutcome)]
pub struct MarkOutcomeBody {
    item_id: String,
    #[schema(pattern = "^(done|failed)$")]
    outcome: &'static str,
    /// The item's listings that are shipped so now.
    #[schema(value_type = Vec<String>)]
    listing_ids: Vec<ListingId>,
    /// Units that Amazon has of it, where that was fetched.
    amazon: Option<i64>,
    /// Why it failed: stable, snake_case.
    code: Option<String>,
    detail: Option<String>,
    warnings: Vec<Warning>,
}

impl MarkOutcomeBody {
    fn failed(item_id: String, problem: &Problem) -> Self {
        Self {
            item_id,
            outcome: "failed",
            listing_ids: Vec::new(),
            amazon: None,
            code: Some(problem.code().to_owned()),
            detail: Some(problem.detail().to_owned()),
            warnings: Vec::new(),
        }
    }
}

impl From<MarkOutcome> for MarkOutcomeBody {
    fn from(outcome: MarkOutcome) -> Self {
        let item_id = outcome.item_id.to_string();
        let marked = match outcome.result {
            Ok(marked) => marked,
            Err(error) => return Self::failed(item_id, &Problem::from(error)),
        };
        let warning = marked.still_by_amazon.then(|| Warning {
            code: "still_fulfilled_by_amazon",
            detail: "Amazon itself still ships a listing of the item: no quantity is pushed to it until it is changed to \
                     merchant fulfilled in Seller Central"
                .to_owned(),
        });
        Self {
            item_id,
            outcome: "done",
            listing_ids: marked.listing_ids,
            amazon: marked.amazon,
            code: None,
            detail: None,
            warnings: warning.into_iter().collect(),
        }
    }
}

/// Has items shipped by Amazon (`fba`) or by the merchant (`mfn`); each comes out by itself, one that fails fails alone.
/// Marked `fba`, what Amazon has is fetched and counted in the FBA location.
#[utoipa::path(post, path = "/v1/items/mark-fulfilment", tag = "fba", request_body = MarkInput,
    responses((status = 200, body = MarkBody)))]
pub async fn mark_fulfilment(
    State(api): State<Api>,
    Writer(caller): Writer,
    Body(input): Body<MarkInput>,
) -> Result<Single<MarkBody>, Problem> {
    if input.item_ids.is_empty() || input.item_ids.len() > ITEMS_MAX {
        let detail = format!("must name 1 to {ITEMS_MAX} items");
        return Err(value::invalid("/item_ids", &detail).into());
    }
    // What is no id is one of nothing: it fails alone, in its place. Named twice, an item comes out twice.
    let parsed: Vec<Result<ItemId, String>> =
        input.item_ids.into_iter().map(|id| id.parse().map_err(|_| id)).collect();
    let mut items: Vec<ItemId> = parsed.iter().filter_map(|id| id.clone().ok()).collect();
    items.sort();
    items.dedup();
    let organization = &caller.organization_id;
    let outcomes = api.app.mark_fulfilment(organization, &caller.actor(), &items, input.fulfilment).await?;
    let mut outcomes: std::collections::BTreeMap<ItemId, MarkOutcome> =
        outcomes.into_iter().map(|outcome| (outcome.item_id.clone(), outcome)).collect();
    let mut bodies = std::collections::BTreeMap::<String, MarkOutcomeBody>::new();
    let not_found = Problem::from(AppError::NotFound("item"));
    let data = parsed
        .into_iter()
        .filter_map(|id| match id {
            Ok(id) => {
                let text = id.to_string();
                if let Some(outcome) = outcomes.remove(&id) {
                    bodies.insert(text.clone(), outcome.into());
                }
                bodies.get(&text).cloned()
            }
            Err(text) => Some(MarkOutcomeBody::failed(text, &not_found)),
        })
        .collect();
    Ok(Single::ok(MarkBody { data }))
}
