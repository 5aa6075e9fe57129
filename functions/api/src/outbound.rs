//! `/v1/orders/{id}/outbound-shipments`, and each by its own id: what Amazon is asked to send.

use app::AppError;
use app::order_document::LineQuantity;
use app::outbound::NewOutbound;
use axum::Extension;
use axum::extract::State;
use domain::order_document::DocumentKind;
use domain::outbound::{OutboundLine, OutboundState, ShippingSpeed};
use domain::{ConnectionId, DocumentId, ItemId, LocationId, OrderId, Timestamp};
use serde::{Deserialize, Serialize};
use store::order_document::{OrderDocument, OutboundDetail, SentByAmazon};
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Reader, Writer};
use crate::idempotency::RequestId;
use crate::input::{Filter, Id, Nothing, OptionalBody, PageQuery, present};
use crate::order_body::TrackingBody;
use crate::order_document::LineQuantityInput;
use crate::output::{List, Single};
use crate::problem::Problem;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutboundInput {
    /// The connection whose stock at Amazon is sent; the one that tracks FBA where it is left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    connection_id: Option<ConnectionId>,
    /// All that Amazon can send and nobody has sent, where it is left out.
    #[serde(default, deserialize_with = "present")]
    lines: Option<Vec<LineQuantityInput>>,
    /// `standard` where it is left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^(standard|expedited|priority)$")]
    shipping_speed: Option<ShippingSpeed>,
}

/// Lines of an order that Amazon sends. Who bought is not in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OutboundShipment)]
pub struct OutboundBody {
    #[schema(value_type = String)]
    id: DocumentId,
    #[schema(value_type = String)]
    order_id: OrderId,
    /// 1, 2, 3 … of the order.
    number: u32,
    #[schema(value_type = String)]
    connection_id: ConnectionId,
    /// The FBA location that it is taken from.
    #[schema(value_type = String)]
    location_id: LocationId,
    /// `sellerFulfillmentOrderId` at Amazon.
    external_id: String,
    #[schema(value_type = String, pattern = "^(standard|expedited|priority)$")]
    shipping_speed: ShippingSpeed,
    #[schema(value_type = String, pattern = "^(pending|received|planning|processing|complete|complete_partial|cancelled|unfulfillable|invalid|failed)$")]
    state: OutboundState,
    lines: Vec<OutboundLineBody>,
    /// The packages that Amazon sent.
    tracking: Vec<TrackingBody>,
    /// Of the order, one for each shipment that left.
    #[schema(value_type = Vec<String>)]
    shipment_ids: Vec<DocumentId>,
    /// Why it is so, or why it is not sent yet: stable, snake_case.
    code: Option<String>,
    reason: Option<String>,
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When Amazon last said something new of it.
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
    /// It was taken back, and Amazon has not said yet what became of it.
    #[schema(value_type = Option<String>, format = DateTime)]
    cancel_asked_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OutboundLine)]
pub struct OutboundLineBody {
    line_id: String,
    #[schema(value_type = String)]
    item_id: ItemId,
    /// At Amazon.
    sku: String,
    quantity: u32,
    shipped_quantity: u32,
    /// Cancelled, or not to be had: for another place to send.
    dropped_quantity: u32,
}

impl From<OutboundLine> for OutboundLineBody {
    fn from(line: OutboundLine) -> Self {
        Self {
            line_id: line.line_id,
            item_id: line.item_id,
            sku: line.sku,
            quantity: line.quantity.get(),
            shipped_quantity: line.shipped.get(),
            dropped_quantity: line.dropped.get(),
        }
    }
}

impl OutboundBody {
    fn new(document: OrderDocument) -> Result<Self, Problem> {
        let outbound = document.outbound().cloned();
        let OutboundDetail {
            connection_id,
            location_id,
            external_id,
            shipping_speed,
            state,
            lines,
            sent,
            code,
            reason,
            checked_at,
            cancel_asked_at,
        } = outbound.ok_or(AppError::NotFound("outbound shipment"))?;
        let packages = |sent: &SentByAmazon| sent.packages.iter().map(TrackingBody::from).collect::<Vec<_>>();
        Ok(Self {
            order_id: document.id.order_id.clone(),
            number: document.id.number,
            id: document.id,
            connection_id,
            location_id,
            external_id,
            shipping_speed,
            state,
            lines: lines.into_iter().map(OutboundLineBody::from).collect(),
            tracking: sent.iter().flat_map(packages).collect(),
            shipment_ids: sent.into_iter().map(|sent| sent.shipment_id).collect(),
            code,
            reason,
            created_by: document.created_by,
            created_at: document.created_at,
            updated_at: checked_at,
            cancel_asked_at,
        })
    }
}

/// Asks Amazon to send lines of the order from the merchant's stock there: only lines whose item is marked as FBA; the
/// others are shipped by the merchant. Where Amazon cannot be reached now, it stays `pending` and is asked for by itself.
#[utoipa::path(post, path = "/v1/orders/{id}/outbound-shipments", tag = "fba", params(("id" = String, Path)),
    request_body = Option<OutboundInput>, responses((status = 201, body = OutboundBody)))]
pub async fn create_outbound_shipment(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<OrderId>,
    request: Option<Extension<RequestId>>,
    OptionalBody(input): OptionalBody<OutboundInput>,
) -> Result<Single<OutboundBody>, Problem> {
    let new = NewOutbound {
        connection_id: input.connection_id,
        lines: input.lines.map(|lines| lines.into_iter().map(LineQuantity::from).collect()),
        speed: input.shipping_speed.unwrap_or_default(),
        request: request.map(|Extension(RequestId(id))| id),
    };
    let made = api.app.create_outbound(&caller.organization_id, &caller.actor(), &id, &new).await?;
    Ok(Single::created(format!("/v1/outbound-shipments/{}", made.id), OutboundBody::new(made)?))
}

/// Oldest first.
#[utoipa::path(get, path = "/v1/orders/{id}/outbound-shipments", tag = "fba", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = List<OutboundBody>)))]
pub async fn list_outbound_shipments(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<OrderId>,
    Filter(query): Filter<PageQuery>,
) -> Result<List<OutboundBody>, Problem> {
    let page = query.request()?;
    let all = api.app.order_documents(&caller.organization_id, &id).await?;
    let outbounds = all.into_iter().filter(|document| document.kind() == DocumentKind::Outbound);
    let bodies = outbounds.map(OutboundBody::new).collect::<Result<Vec<_>, _>>()?;
    List::part(bodies, "outbound-shipments", &page)
}

#[utoipa::path(get, path = "/v1/outbound-shipments/{id}", tag = "fba", params(("id" = String, Path)),
    responses((status = 200, body = OutboundBody)))]
pub async fn get_outbound_shipment(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<DocumentId>,
) -> Result<Single<OutboundBody>, Problem> {
    Ok(Single::ok(OutboundBody::new(api.app.outbound(&caller.organization_id, &id).await?)?))
}

/// Fetches from Amazon what became of it.
#[utoipa::path(post, path = "/v1/outbound-shipments/{id}/refresh", tag = "fba", params(("id" = String, Path)),
    responses((status = 200, body = OutboundBody)))]
pub async fn refresh_outbound_shipment(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<DocumentId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<OutboundBody>, Problem> {
    let document = api.app.refresh_outbound(&caller.organization_id, &id).await?;
    Ok(Single::ok(OutboundBody::new(document)?))
}

/// Takes it back, as long as Amazon has not begun with it.
#[utoipa::path(post, path = "/v1/outbound-shipments/{id}/cancel", tag = "fba", params(("id" = String, Path)),
    responses((status = 200, body = OutboundBody)))]
pub async fn cancel_outbound_shipment(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<DocumentId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<OutboundBody>, Problem> {
    let document = api.app.cancel_outbound(&caller.organization_id, &caller.actor(), &id).await?;
    Ok(Single::ok(OutboundBody::new(document)?))
}
