//! `/v1/purchase-receives`.

use app::purchase_receive::NewPurchaseReceive;
use axum::Extension;
use axum::extract::State;
use domain::{ItemId, LocationId, PurchaseReceiveId, Quantity, Timestamp};
use serde::{Deserialize, Serialize};
use store::purchase_receive::PurchaseReceive;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Reader, Writer};
use crate::document_input::{QuantityLineInput, TEXT_MAX, VoidingBody, quantities, state};
use crate::idempotency::RequestId;
use crate::input::{Body, Filter, Id, Nothing, OptionalBody, PageQuery};
use crate::output::{List, Single};
use crate::problem::Problem;
use crate::value;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurchaseReceiveInput {
    #[schema(value_type = String)]
    location_id: LocationId,
    #[schema(min_items = 1, max_items = 45)]
    lines: Vec<QuantityLineInput>,
    #[schema(max_length = 500)]
    reason: Option<String>,
    #[schema(max_length = 500)]
    reference: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PurchaseReceive)]
pub struct PurchaseReceiveBody {
    #[schema(value_type = String)]
    id: PurchaseReceiveId,
    #[schema(value_type = String)]
    location_id: LocationId,
    lines: Vec<ReceivedLineBody>,
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
#[schema(as = ReceivedLine)]
pub struct ReceivedLineBody {
    #[schema(value_type = String)]
    item_id: ItemId,
    #[schema(value_type = u32)]
    quantity: Quantity,
}

impl From<PurchaseReceive> for PurchaseReceiveBody {
    fn from(receive: PurchaseReceive) -> Self {
        let line = |line: store::purchase_receive::ReceivedLine| ReceivedLineBody {
            item_id: line.item_id,
            quantity: line.quantity,
        };
        Self {
            id: receive.id,
            location_id: receive.location_id,
            lines: receive.lines.into_iter().map(line).collect(),
            reason: receive.reason,
            reference: receive.reference,
            state: state(receive.voided.as_ref()),
            voided: receive.voided.map(VoidingBody::from),
            created_by: receive.created_by,
            created_at: receive.created_at,
        }
    }
}

/// Goods from a supplier: all lines in one transaction, or nothing.
#[utoipa::path(post, path = "/v1/purchase-receives", tag = "stock documents", request_body = PurchaseReceiveInput,
    responses((status = 201, body = PurchaseReceiveBody)))]
pub async fn create_purchase_receive(
    State(api): State<Api>,
    Writer(caller): Writer,
    request: Option<Extension<RequestId>>,
    Body(input): Body<PurchaseReceiveInput>,
) -> Result<Single<PurchaseReceiveBody>, Problem> {
    let new = NewPurchaseReceive {
        location_id: input.location_id,
        lines: quantities(&api.app, &caller.organization_id, input.lines).await?,
        reason: value::optional_text(input.reason.as_ref(), "/reason", TEXT_MAX)?,
        reference: value::optional_text(input.reference.as_ref(), "/reference", TEXT_MAX)?,
        id: request.map(|Extension(RequestId(id))| id),
    };
    let receive = api.app.receive_purchase(&caller.organization_id, &caller.actor(), &new).await?;
    Ok(Single::created(format!("/v1/purchase-receives/{}", receive.id), receive.into()))
}

/// Newest first.
#[utoipa::path(get, path = "/v1/purchase-receives", tag = "stock documents", params(PageQuery),
    responses((status = 200, body = List<PurchaseReceiveBody>)))]
pub async fn list_purchase_receives(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<PageQuery>,
) -> Result<List<PurchaseReceiveBody>, Problem> {
    let page = query.request()?;
    let found = api.app.store.documents::<PurchaseReceive>(&caller.organization_id, &page).await?;
    Ok(List::of(found, PurchaseReceiveBody::from))
}

#[utoipa::path(get, path = "/v1/purchase-receives/{id}", tag = "stock documents", params(("id" = String, Path)),
    responses((status = 200, body = PurchaseReceiveBody)))]
pub async fn get_purchase_receive(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<PurchaseReceiveId>,
) -> Result<Single<PurchaseReceiveBody>, Problem> {
    Ok(Single::ok(api.app.purchase_receive(&caller.organization_id, &id).await?.into()))
}

/// Posts the reverse; the document stays, as void.
#[utoipa::path(post, path = "/v1/purchase-receives/{id}/void", tag = "stock documents",
    params(("id" = String, Path)), responses((status = 200, body = PurchaseReceiveBody)))]
pub async fn void_purchase_receive(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<PurchaseReceiveId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<PurchaseReceiveBody>, Problem> {
    let receive = api.app.void_purchase_receive(&caller.organization_id, &caller.actor(), &id).await?;
    Ok(Single::ok(receive.into()))
}
