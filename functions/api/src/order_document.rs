//! The papers of orders: `/v1/orders/{id}/invoices`, `/packages`, `/shipments`, `/returns`, and each by its own id.

use app::AppError;
use app::order_document::{LineQuantity, NewDocument, NewReturn, NewShipment};
use axum::Extension;
use axum::extract::State;
use domain::order_document::DocumentKind;
use domain::{DocumentId, ItemId, OrderId, Quantity, Timestamp};
use serde::{Deserialize, Serialize};
use store::order_document::{Detail, DocumentLine, OrderDocument, ShipmentPushState};
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Caller, Reader, Writer};
use crate::idempotency::RequestId;
use crate::input::{Body, Filter, Id, Nothing, OptionalBody, PageQuery};
use crate::output::{List, Single};
use crate::problem::Problem;
use crate::value;

const TEXT_MAX: usize = 500;

/// A line of the order, and how much of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineQuantityInput {
    line_id: String,
    #[schema(value_type = u32, minimum = 1, maximum = 999_999_999)]
    quantity: Quantity,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentInput {
    /// All that is left where it is left out.
    lines: Option<Vec<LineQuantityInput>>,
}

fn new_document(lines: Option<Vec<LineQuantityInput>>, request: Option<Extension<RequestId>>) -> NewDocument {
    let line = |line: LineQuantityInput| LineQuantity { line_id: line.line_id, quantity: line.quantity };
    NewDocument {
        lines: lines.map(|lines| lines.into_iter().map(line).collect()),
        request: request.map(|Extension(RequestId(id))| id),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipmentInput {
    /// With neither these nor `lines`: every package that is not shipped, and all that is in none.
    #[schema(value_type = Option<Vec<String>>)]
    package_ids: Option<Vec<DocumentId>>,
    /// What is shipped without a package.
    lines: Option<Vec<LineQuantityInput>>,
    #[schema(min_length = 1, max_length = 500)]
    carrier: String,
    #[schema(max_length = 500)]
    tracking_number: Option<String>,
    /// Now where it is left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    shipped_at: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnInput {
    /// All that is out where it is left out.
    lines: Option<Vec<LineQuantityInput>>,
    /// Whether it goes back into stock: `true` where it is left out.
    restock: Option<bool>,
    #[schema(max_length = 500)]
    reason: Option<String>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryInput {
    /// Now where it is left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
}

/// An invoice, package, shipment or return of an order. Who bought is not in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderDocument)]
pub struct DocumentBody {
    #[schema(value_type = String)]
    id: DocumentId,
    #[schema(value_type = String)]
    order_id: OrderId,
    #[schema(value_type = String, pattern = "^(invoice|package|shipment|return)$")]
    kind: DocumentKind,
    /// 1, 2, 3 … of its kind and order.
    number: u32,
    lines: Vec<DocumentLineBody>,
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Of a package.
    #[serde(flatten)]
    package: Option<PackagePart>,
    #[serde(flatten)]
    shipment: Option<ShipmentPart>,
    #[serde(flatten)]
    taken_back: Option<ReturnPart>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentLine)]
pub struct DocumentLineBody {
    line_id: String,
    #[schema(value_type = Option<String>)]
    item_id: Option<ItemId>,
    quantity: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PackageFields)]
pub struct PackagePart {
    /// The shipment that it left with.
    #[schema(value_type = Option<String>)]
    shipment_id: Option<DocumentId>,
    #[schema(pattern = "^(packed|shipped|delivered)$")]
    state: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShipmentFields)]
pub struct ShipmentPart {
    #[schema(value_type = Vec<String>)]
    package_ids: Vec<DocumentId>,
    #[schema(pattern = "^(shipped|delivered)$")]
    state: &'static str,
    carrier: String,
    tracking_number: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    shipped_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
    /// Whether the order's channel knows of it; `null` for an order of no channel.
    #[schema(value_type = Option<String>, pattern = "^(in_sync|pending|failed|disabled)$")]
    push_state: Option<ShipmentPushState>,
    /// Why it does not, or not yet: stable, snake_case.
    code: Option<String>,
    reason: Option<String>,
    /// Since when it is so.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// The channel's own id of it.
    external_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReturnFields)]
pub struct ReturnPart {
    restock: bool,
    reason: Option<String>,
}

impl DocumentBody {
    /// `siblings`: the order's other papers, of which the shipments say where packages are.
    fn new(document: OrderDocument, siblings: &[OrderDocument]) -> Self {
        let line = |line: DocumentLine| DocumentLineBody {
            line_id: line.line_id,
            item_id: line.item_id,
            quantity: line.quantity.get(),
        };
        let (mut package, mut shipment, mut taken_back) = (None, None, None);
        match document.detail {
            Detail::Invoice => {}
            Detail::Package => {
                let of = siblings.iter().find_map(|other| {
                    let shipment = other.shipment()?;
                    shipment.package_ids.contains(&document.id).then_some((other, shipment))
                });
                package = Some(PackagePart {
                    shipment_id: of.map(|(other, _)| other.id.clone()),
                    state: of.map_or("packed", |(_, shipment)| arrived(shipment.delivered_at)),
                });
            }
            Detail::Shipment(detail) => {
                let push = detail.push;
                shipment = Some(ShipmentPart {
                    package_ids: detail.package_ids,
                    state: arrived(detail.delivered_at),
                    carrier: detail.carrier,
                    tracking_number: detail.tracking_number,
                    shipped_at: detail.shipped_at,
                    delivered_at: detail.delivered_at,
                    push_state: push.as_ref().map(|push| push.state),
                    code: push.as_ref().and_then(|push| push.code.clone()),
                    reason: push.as_ref().and_then(|push| push.reason.clone()),
                    since: push.as_ref().map(|push| push.since),
                    external_id: push.and_then(|push| push.external_id),
                });
            }
            Detail::Return(detail) => {
                taken_back = Some(ReturnPart { restock: detail.restock, reason: detail.reason });
            }
        }
        Self {
            order_id: document.id.order_id.clone(),
            kind: document.id.kind,
            number: document.id.number,
            id: document.id,
            lines: document.lines.into_iter().map(line).collect(),
            created_by: document.created_by,
            created_at: document.created_at,
            package,
            shipment,
            taken_back,
        }
    }
}

fn arrived(delivered_at: Option<Timestamp>) -> &'static str {
    if delivered_at.is_some() { "delivered" } else { "shipped" }
}

/// The path of a kind's papers.
fn path_of(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Invoice => "invoices",
        DocumentKind::Package => "packages",
        DocumentKind::Shipment => "shipments",
        DocumentKind::Return => "returns",
    }
}

fn created(document: OrderDocument) -> Single<DocumentBody> {
    let path = format!("/v1/{}/{}", path_of(document.kind()), document.id);
    Single::created(path, DocumentBody::new(document, &[]))
}

async fn listed(
    api: &Api,
    caller: &Caller,
    order: &OrderId,
    kind: DocumentKind,
    query: PageQuery,
) -> Result<List<DocumentBody>, Problem> {
    let page = query.request()?;
    let all = api.app.order_documents(&caller.organization_id, order).await?;
    let of_kind = all.iter().filter(|document| document.kind() == kind);
    let bodies = of_kind.map(|document| DocumentBody::new(document.clone(), &all)).collect();
    List::part(bodies, path_of(kind), &page)
}

async fn one(
    api: &Api,
    caller: &Caller,
    id: DocumentId,
    kind: DocumentKind,
) -> Result<Single<DocumentBody>, Problem> {
    if id.kind != kind {
        return Err(AppError::NotFound("document").into());
    }
    let organization = &caller.organization_id;
    let document = api.app.order_document(organization, &id).await?;
    let siblings = match kind {
        DocumentKind::Package => api.app.order_documents(organization, &id.order_id).await?,
        _ => Vec::new(),
    };
    Ok(Single::ok(DocumentBody::new(document, &siblings)))
}

/// Bills lines of the order. Where the organization deducts stock on invoice, the stock on hand falls now.
#[utoipa::path(post, path = "/v1/orders/{id}/invoices", tag = "orders", params(("id" = String, Path)),
    request_body = Option<DocumentInput>, responses((status = 201, body = DocumentBody)))]
pub async fn create_invoice(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<OrderId>,
    request: Option<Extension<RequestId>>,
    OptionalBody(input): OptionalBody<DocumentInput>,
) -> Result<Single<DocumentBody>, Problem> {
    let new = new_document(input.lines, request);
    Ok(created(api.app.create_invoice(&caller.organization_id, &caller.actor(), &id, &new).await?))
}

/// Puts lines of the order into a package.
#[utoipa::path(post, path = "/v1/orders/{id}/packages", tag = "orders", params(("id" = String, Path)),
    request_body = Option<DocumentInput>, responses((status = 201, body = DocumentBody)))]
pub async fn create_package(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<OrderId>,
    request: Option<Extension<RequestId>>,
    OptionalBody(input): OptionalBody<DocumentInput>,
) -> Result<Single<DocumentBody>, Problem> {
    let new = new_document(input.lines, request);
    Ok(created(api.app.create_package(&caller.organization_id, &caller.actor(), &id, &new).await?))
}

/// Sends packages, or lines without one. Where the organization deducts stock on shipment, the stock on hand falls now.
/// The channel of a marketplace's order is told: see `push_state`.
#[utoipa::path(post, path = "/v1/orders/{id}/shipments", tag = "orders", params(("id" = String, Path)),
    request_body = ShipmentInput, responses((status = 201, body = DocumentBody)))]
pub async fn create_shipment(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<OrderId>,
    request: Option<Extension<RequestId>>,
    Body(input): Body<ShipmentInput>,
) -> Result<Single<DocumentBody>, Problem> {
    let new = NewShipment {
        package_ids: input.package_ids,
        document: new_document(input.lines, request),
        carrier: value::text(&input.carrier, "/carrier", TEXT_MAX)?,
        tracking_number: value::optional_text(input.tracking_number.as_ref(), "/tracking_number", TEXT_MAX)?,
        shipped_at: input.shipped_at,
    };
    Ok(created(api.app.create_shipment(&caller.organization_id, &caller.actor(), &id, &new).await?))
}

/// Takes shipped goods back, into stock or not.
#[utoipa::path(post, path = "/v1/orders/{id}/returns", tag = "orders", params(("id" = String, Path)),
    request_body = Option<ReturnInput>, responses((status = 201, body = DocumentBody)))]
pub async fn create_return(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<OrderId>,
    request: Option<Extension<RequestId>>,
    OptionalBody(input): OptionalBody<ReturnInput>,
) -> Result<Single<DocumentBody>, Problem> {
    let new = NewReturn {
        document: new_document(input.lines, request),
        restock: input.restock.unwrap_or(true),
        reason: value::optional_text(input.reason.as_ref(), "/reason", TEXT_MAX)?,
    };
    Ok(created(api.app.create_return(&caller.organization_id, &caller.actor(), &id, &new).await?))
}

macro_rules! reading {
    ($list:ident, $get:ident, $kind:expr, $of_order:literal, $by_id:literal) => {
        /// Oldest first.
        #[utoipa::path(get, path = $of_order, tag = "orders", params(("id" = String, Path), PageQuery),
                                                    responses((status = 200, body = List<DocumentBody>)))]
        pub async fn $list(
            State(api): State<Api>,
            Reader(caller): Reader,
            Id(id): Id<OrderId>,
            Filter(query): Filter<PageQuery>,
        ) -> Result<List<DocumentBody>, Problem> {
            listed(&api, &caller, &id, $kind, query).await
        }

        #[utoipa::path(get, path = $by_id, tag = "orders", params(("id" = String, Path)),
                                                    responses((status = 200, body = DocumentBody)))]
        pub async fn $get(
            State(api): State<Api>,
            Reader(caller): Reader,
            Id(id): Id<DocumentId>,
        ) -> Result<Single<DocumentBody>, Problem> {
            one(&api, &caller, id, $kind).await
        }
    };
}

reading!(list_invoices, get_invoice, DocumentKind::Invoice, "/v1/orders/{id}/invoices", "/v1/invoices/{id}");
reading!(list_packages, get_package, DocumentKind::Package, "/v1/orders/{id}/packages", "/v1/packages/{id}");
reading!(
    list_shipments,
    get_shipment,
    DocumentKind::Shipment,
    "/v1/orders/{id}/shipments",
    "/v1/shipments/{id}"
);
reading!(list_returns, get_return, DocumentKind::Return, "/v1/orders/{id}/returns", "/v1/returns/{id}");

/// The buyer has it.
#[utoipa::path(post, path = "/v1/shipments/{id}/deliver", tag = "orders", params(("id" = String, Path)),
    request_body = Option<DeliveryInput>, responses((status = 200, body = DocumentBody)))]
pub async fn deliver_shipment(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<DocumentId>,
    OptionalBody(input): OptionalBody<DeliveryInput>,
) -> Result<Single<DocumentBody>, Problem> {
    let organization = &caller.organization_id;
    let delivered = api.app.deliver_shipment(organization, &caller.actor(), &id, input.delivered_at).await?;
    Ok(Single::ok(DocumentBody::new(delivered, &[])))
}

/// Tells the order's channel of the shipment once more, after what it refused was put right.
#[utoipa::path(post, path = "/v1/shipments/{id}/push", tag = "orders", params(("id" = String, Path)),
    responses((status = 202, body = DocumentBody)))]
pub async fn push_shipment(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<DocumentId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<DocumentBody>, Problem> {
    let document = api.app.retry_shipment(&caller.organization_id, &id).await?;
    let path = format!("/v1/shipments/{}", document.id);
    Ok(Single::accepted(path, DocumentBody::new(document, &[])))
}
