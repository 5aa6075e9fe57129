//! `/v1/transfers`.

use app::transfer::{Arrival, NewTransfer};
use axum::Extension;
use axum::extract::State;
use domain::transfer::{TransferLine, TransferState};
use domain::{ItemId, LocationId, OrganizationId, Quantity, Timestamp, TransferId};
use serde::{Deserialize, Serialize};
use store::transfer::Transfer;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Reader, Writer};
use crate::document_input::{QuantityLineInput, TEXT_MAX, VoidingBody, quantities};
use crate::idempotency::RequestId;
use crate::input::{Body, Filter, Id, Nothing, OptionalBody, PageQuery};
use crate::output::{List, Single};
use crate::problem::Problem;
use crate::value;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferInput {
    #[schema(value_type = String)]
    from_location_id: LocationId,
    #[schema(value_type = String)]
    to_location_id: LocationId,
    #[schema(min_items = 1, max_items = 24)]
    lines: Vec<QuantityLineInput>,
    /// The goods leave now and are received later, whole or in parts; else they are there at once.
    #[serde(default)]
    in_transit: bool,
    #[schema(max_length = 500)]
    reason: Option<String>,
    #[schema(max_length = 500)]
    reference: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transfer)]
pub struct TransferBody {
    #[schema(value_type = String)]
    id: TransferId,
    #[schema(value_type = String)]
    from_location_id: LocationId,
    #[schema(value_type = String)]
    to_location_id: LocationId,
    #[schema(value_type = String, pattern = "^(in_transit|received|void)$")]
    state: TransferState,
    lines: Vec<TransferLineBody>,
    reason: Option<String>,
    reference: Option<String>,
    voided: Option<VoidingBody>,
    /// The key that it was made with.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the last of it arrived.
    #[schema(value_type = Option<String>, format = DateTime)]
    received_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TransferLine)]
pub struct TransferLineBody {
    #[schema(value_type = String)]
    item_id: ItemId,
    #[schema(value_type = u32)]
    quantity: Quantity,
    #[schema(value_type = u32)]
    received: Quantity,
    #[schema(value_type = u32)]
    in_transit: Quantity,
}

impl TransferLineBody {
    pub fn new(line: TransferLine, is_void: bool) -> Self {
        Self {
            in_transit: if is_void { Quantity::ZERO } else { line.in_transit() },
            item_id: line.item_id,
            quantity: line.quantity,
            received: line.received,
        }
    }
}

impl From<Transfer> for TransferBody {
    fn from(transfer: Transfer) -> Self {
        let is_void = transfer.state == TransferState::Void;
        let line = |line: TransferLine| TransferLineBody::new(line, is_void);
        Self {
            id: transfer.id,
            from_location_id: transfer.from_location_id,
            to_location_id: transfer.to_location_id,
            state: transfer.state,
            lines: transfer.lines.into_iter().map(line).collect(),
            reason: transfer.reason,
            reference: transfer.reference,
            voided: transfer.voided.map(VoidingBody::from),
            created_by: transfer.created_by,
            created_at: transfer.created_at,
            received_at: transfer.received_at,
        }
    }
}

/// Goods from one location to another: all lines in one transaction, or nothing.
#[utoipa::path(post, path = "/v1/transfers", tag = "stock documents", request_body = TransferInput,
    responses((status = 201, body = TransferBody)))]
pub async fn create_transfer(
    State(api): State<Api>,
    Writer(caller): Writer,
    request: Option<Extension<RequestId>>,
    Body(input): Body<TransferInput>,
) -> Result<Single<TransferBody>, Problem> {
    let new = NewTransfer {
        from_location_id: input.from_location_id,
        to_location_id: input.to_location_id,
        lines: quantities(&api.app, &caller.organization_id, input.lines).await?,
        in_transit: input.in_transit,
        reason: value::optional_text(input.reason.as_ref(), "/reason", TEXT_MAX)?,
        reference: value::optional_text(input.reference.as_ref(), "/reference", TEXT_MAX)?,
        id: request.map(|Extension(RequestId(id))| id),
    };
    let transfer = api.app.transfer_stock(&caller.organization_id, &caller.actor(), &new).await?;
    Ok(Single::created(format!("/v1/transfers/{}", transfer.id), transfer.into()))
}

/// Newest first.
#[utoipa::path(get, path = "/v1/transfers", tag = "stock documents", params(PageQuery),
    responses((status = 200, body = List<TransferBody>)))]
pub async fn list_transfers(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<PageQuery>,
) -> Result<List<TransferBody>, Problem> {
    let page = query.request()?;
    let found = api.app.store.documents::<Transfer>(&caller.organization_id, &page).await?;
    Ok(List::of(found, TransferBody::from))
}

#[utoipa::path(get, path = "/v1/transfers/{id}", tag = "stock documents", params(("id" = String, Path)),
    responses((status = 200, body = TransferBody)))]
pub async fn get_transfer(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<TransferId>,
) -> Result<Single<TransferBody>, Problem> {
    Ok(Single::ok(api.app.transfer(&caller.organization_id, &id).await?.into()))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptInput {
    /// What arrived; all that is in transit where it is left out.
    #[schema(min_items = 1, max_items = 24)]
    pub lines: Option<Vec<QuantityLineInput>>,
}

impl ReceiptInput {
    pub async fn arrival(
        self,
        api: &Api,
        organization: &OrganizationId,
        request: Option<Extension<RequestId>>,
    ) -> Result<Arrival, Problem> {
        let lines = match self.lines {
            None => None,
            Some(lines) => Some(quantities(&api.app, organization, lines).await?),
        };
        Ok(Arrival { lines, request: request.map(|Extension(RequestId(id))| id) })
    }
}

/// Puts what arrived on hand.
#[utoipa::path(post, path = "/v1/transfers/{id}/receive", tag = "stock documents", params(("id" = String, Path)),
    request_body = Option<ReceiptInput>, responses((status = 200, body = TransferBody)))]
pub async fn receive_transfer(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<TransferId>,
    request: Option<Extension<RequestId>>,
    OptionalBody(input): OptionalBody<ReceiptInput>,
) -> Result<Single<TransferBody>, Problem> {
    let organization = &caller.organization_id;
    let arrival = input.arrival(&api, organization, request).await?;
    Ok(Single::ok(api.app.receive_transfer(organization, &caller.actor(), &id, &arrival).await?.into()))
}

/// Posts the reverse; the document stays, as void.
#[utoipa::path(post, path = "/v1/transfers/{id}/void", tag = "stock documents", params(("id" = String, Path)),
    responses((status = 200, body = TransferBody)))]
pub async fn void_transfer(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<TransferId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<TransferBody>, Problem> {
    Ok(Single::ok(api.app.void_transfer(&caller.organization_id, &caller.actor(), &id).await?.into()))
}
