//! `/v1/inbound-shipments`: goods on their way to Amazon.

use app::inbound::NewInbound;
use app::inbound_amazon::InboundPatch;
use axum::Extension;
use axum::extract::State;
use domain::inbound::InboundRef;
use domain::transfer::TransferState;
use domain::{ConnectionId, InboundShipmentId, LocationId, Timestamp};
use serde::{Deserialize, Serialize};
use store::inbound::InboundShipment;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Reader, Writer};
use crate::document_input::{QuantityLineInput, TEXT_MAX, quantities};
use crate::idempotency::RequestId;
use crate::inbound_amazon::{AmazonShipmentBody, AmazonShipmentInput, InboundLineBody, warnings};
use crate::input::{Body, Filter, Id, Nothing, OptionalBody, PageQuery, present};
use crate::output::{IfMatch, List, Single, Warning};
use crate::problem::Problem;
use crate::transfer::ReceiptInput;
use crate::value;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InboundInput {
    /// One that tracks FBA: the goods go to its FBA location.
    #[schema(value_type = String)]
    connection_id: ConnectionId,
    #[schema(value_type = String)]
    from_location_id: LocationId,
    #[schema(min_items = 1, max_items = 24)]
    lines: Vec<QuantityLineInput>,
    /// Such as Amazon's own number of the shipment.
    #[schema(max_length = 500)]
    reference: Option<String>,
    /// Amazon's own shipment, where it is known already.
    #[serde(default, deserialize_with = "present")]
    amazon: Option<AmazonShipmentInput>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InboundChange {
    /// `null`: it is none of Amazon's any more.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<AmazonShipmentInput>)]
    amazon: Option<Option<AmazonShipmentInput>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 500)]
    reference: Option<Option<String>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboundShipment)]
pub struct InboundBody {
    #[schema(value_type = String)]
    id: InboundShipmentId,
    #[schema(value_type = String)]
    connection_id: ConnectionId,
    #[schema(value_type = String)]
    from_location_id: LocationId,
    /// The FBA location.
    #[schema(value_type = String)]
    to_location_id: LocationId,
    #[schema(value_type = String, pattern = "^(in_transit|received)$")]
    state: TransferState,
    /// With what is in transit, and what Amazon received.
    lines: Vec<InboundLineBody>,
    reference: Option<String>,
    amazon: Option<AmazonShipmentBody>,
    /// What there is to do about it: `closed_at_amazon`, `gone_at_amazon`.
    warnings: Vec<Warning>,
    /// The key that it was made with.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When Amazon received the last of it.
    #[schema(value_type = Option<String>, format = DateTime)]
    received_at: Option<Timestamp>,
}

impl From<InboundShipment> for InboundBody {
    fn from(shipment: InboundShipment) -> Self {
        let line = |line| InboundLineBody::new(line, shipment.amazon.as_ref());
        Self {
            lines: shipment.lines.iter().map(line).collect(),
            warnings: warnings(&shipment),
            id: shipment.id,
            connection_id: shipment.connection_id,
            from_location_id: shipment.from_location_id,
            to_location_id: shipment.to_location_id,
            state: shipment.state,
            reference: shipment.reference,
            amazon: shipment.amazon.map(AmazonShipmentBody::from),
            created_by: shipment.created_by,
            created_at: shipment.created_at,
            received_at: shipment.received_at,
        }
    }
}

/// Goods leave a warehouse for Amazon: all lines in one transaction, or nothing. They are in transit until received.
#[utoipa::path(post, path = "/v1/inbound-shipments", tag = "fba", request_body = InboundInput,
    responses((status = 201, body = InboundBody)))]
pub async fn create_inbound_shipment(
    State(api): State<Api>,
    Writer(caller): Writer,
    request: Option<Extension<RequestId>>,
    Body(input): Body<InboundInput>,
) -> Result<Single<InboundBody>, Problem> {
    let organization = &caller.organization_id;
    let new = NewInbound {
        connection_id: input.connection_id,
        from_location_id: input.from_location_id,
        lines: quantities(&api.app, organization, input.lines).await?,
        reference: value::optional_text(input.reference.as_ref(), "/reference", TEXT_MAX)?,
        amazon: input.amazon.map(InboundRef::from),
        id: request.map(|Extension(RequestId(id))| id),
    };
    let shipment = api.app.send_inbound(organization, &caller.actor(), &new).await?;
    Ok(Single::created(format!("/v1/inbound-shipments/{}", shipment.id), shipment.into()))
}

/// Newest first.
#[utoipa::path(get, path = "/v1/inbound-shipments", tag = "fba", params(PageQuery),
    responses((status = 200, body = List<InboundBody>)))]
pub async fn list_inbound_shipments(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<PageQuery>,
) -> Result<List<InboundBody>, Problem> {
    let page = query.request()?;
    let found = api.app.store.documents::<InboundShipment>(&caller.organization_id, &page).await?;
    Ok(List::of(found, InboundBody::from))
}

#[utoipa::path(get, path = "/v1/inbound-shipments/{id}", tag = "fba", params(("id" = String, Path)),
    responses((status = 200, body = InboundBody)))]
pub async fn get_inbound_shipment(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<InboundShipmentId>,
) -> Result<Single<InboundBody>, Problem> {
    Ok(Single::ok(api.app.inbound_shipment(&caller.organization_id, &id).await?.into()))
}

/// Puts what Amazon received on hand in the FBA location.
#[utoipa::path(post, path = "/v1/inbound-shipments/{id}/receive", tag = "fba", params(("id" = String, Path)),
    request_body = Option<ReceiptInput>, responses((status = 200, body = InboundBody)))]
pub async fn receive_inbound_shipment(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<InboundShipmentId>,
    request: Option<Extension<RequestId>>,
    OptionalBody(input): OptionalBody<ReceiptInput>,
) -> Result<Single<InboundBody>, Problem> {
    let organization = &caller.organization_id;
    let arrival = input.arrival(&api, organization, request).await?;
    let received = api.app.receive_inbound(organization, &caller.actor(), &id, &arrival).await?;
    Ok(Single::ok(received.into()))
}

/// Says which of Amazon's shipments it is, or that it is none; and its reference. What left and what arrived stays.
#[utoipa::path(patch, path = "/v1/inbound-shipments/{id}", tag = "fba", params(("id" = String, Path)),
    request_body = InboundChange, responses((status = 200, body = InboundBody)))]
pub async fn change_inbound_shipment(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<InboundShipmentId>,
    if_match: IfMatch,
    Body(input): Body<InboundChange>,
) -> Result<Single<InboundBody>, Problem> {
    let reference = match &input.reference {
        None => None,
        Some(reference) => Some(value::optional_text(reference.as_ref(), "/reference", TEXT_MAX)?),
    };
    let amazon = input.amazon.map(|amazon| amazon.map(InboundRef::from));
    let patch = InboundPatch { amazon, reference };
    let organization = &caller.organization_id;
    let mut expected = None;
    if if_match.is_given() {
        let current = api.app.inbound_shipment(organization, &id).await?;
        expected = Some(current.version);
        if_match.check(&InboundBody::from(current))?;
    }
    Ok(Single::ok(api.app.change_inbound(organization, &id, expected, &patch).await?.into()))
}

/// Asks Amazon how far its shipment is and what it expects of it. It moves no stock: what Amazon received it does not say.
#[utoipa::path(post, path = "/v1/inbound-shipments/{id}/refresh", tag = "fba", params(("id" = String, Path)),
    responses((status = 200, body = InboundBody)))]
pub async fn refresh_inbound_shipment(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<InboundShipmentId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<InboundBody>, Problem> {
    Ok(Single::ok(api.app.refresh_inbound(&caller.organization_id, &id).await?.into()))
}
