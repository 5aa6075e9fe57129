//! `/v1/orders`: reading.

use std::collections::BTreeMap;

use app::AppError;
use axum::extract::State;
use domain::order::{Buyer, OrderState, PaymentStatus};
use domain::{ChannelKind, ConnectionId, ItemId, ListingId, LocationId, Money, OrderId, Timestamp};
use serde::{Deserialize, Serialize};
use store::order::{Order, OrderFilter, OrderLine};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::auth::{Caller, Reader, Revealer};
use crate::input::{Filter, Id, page};
use crate::output::{List, Single};
use crate::problem::Problem;
use crate::value::MoneyBody;

/// A sales order. Who bought is not in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderBody {
    #[schema(value_type = String)]
    id: OrderId,
    number: String,
    #[schema(pattern = "^(marketplace|manual)$")]
    source: &'static str,
    #[schema(value_type = String)]
    connection_id: ConnectionId,
    external_id: String,
    #[schema(value_type = String, pattern = "^(pending|confirmed|packed|shipped|delivered|fulfilled|void)$")]
    state: OrderState,
    /// It holds lines that no item is known for.
    frozen: bool,
    warnings: Vec<OrderWarning>,
    editable: bool,
    lines: Vec<LineBody>,
    totals: TotalsBody,
    payment: PaymentBody,
    #[schema(value_type = String)]
    location_id: LocationId,
    contact: ContactBody,
    comments: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    placed_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    imported_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct OrderWarning {
    code: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    line_ids: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderLine)]
pub struct LineBody {
    id: String,
    #[schema(value_type = Option<String>)]
    listing_id: Option<ListingId>,
    #[schema(value_type = Option<String>)]
    item_id: Option<ItemId>,
    sku: Option<String>,
    title: String,
    quantity: u32,
    unit_price: Option<MoneyBody>,
    tax: Option<MoneyBody>,
    shipped_quantity: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderTotals)]
pub struct TotalsBody {
    total: Option<MoneyBody>,
    /// Of the lines, where all say theirs.
    tax: Option<MoneyBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentBody {
    /// `pending`, `paid`, `part_refunded`, `refunded`, `voided`.
    #[schema(value_type = String)]
    status: PaymentStatus,
    comment: &'static str,
}

/// The default name of the channel's buyers; the true one is concealed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderContact)]
pub struct ContactBody {
    id: Option<String>,
    display_name: String,
}

fn comment(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Pending => "Payment pending",
        PaymentStatus::Paid => "Paid",
        PaymentStatus::PartRefunded => "Refunded in part",
        PaymentStatus::Refunded => "Refunded",
        PaymentStatus::Voided => "Voided",
    }
}

fn warnings(order: &Order) -> Vec<OrderWarning> {
    let mut warnings = Vec::new();
    if order.frozen {
        let open = order.lines.iter().filter(|line| line.item_id.is_none());
        warnings.push(OrderWarning {
            code: "unconfirmed_lines",
            detail: "lines are of listings that have no item: confirm each listing, or link it to an item"
                .to_owned(),
            line_ids: open.map(|line| line.id.clone()).collect(),
        });
    }
    if let Some(state) = &order.unknown_state {
        warnings.push(OrderWarning {
            code: "unknown_channel_state",
            detail: format!("the channel says «{state}», which is not known; the order counts as pending"),
            line_ids: Vec::new(),
        });
    }
    warnings
}

fn line(order: &Order, line: &OrderLine) -> LineBody {
    let money = |minor: Option<i64>| minor.map(|minor| Money { minor, currency: order.currency }.into());
    LineBody {
        id: line.id.clone(),
        listing_id: line.listing_id(&order.connection_id),
        item_id: line.item_id.clone(),
        sku: line.sku.clone(),
        title: line.title.clone(),
        quantity: line.quantity.get(),
        unit_price: money(line.unit_price_minor),
        tax: money(line.tax_minor),
        shipped_quantity: line.shipped.get(),
    }
}

impl OrderBody {
    pub fn new(order: &Order, channels: &BTreeMap<ConnectionId, ChannelKind>) -> Self {
        let channel = channels.get(&order.connection_id);
        let channel = channel.map_or("Marketplace", |kind| channels::adapter(*kind).capability().name);
        let tax: Option<i64> = order.lines.iter().map(|line| line.tax_minor).sum();
        Self {
            id: order.id.clone(),
            number: order.number.clone(),
            source: "marketplace",
            connection_id: order.connection_id.clone(),
            external_id: order.external_id.clone(),
            state: order.state,
            frozen: order.frozen,
            warnings: warnings(order),
            editable: !matches!(order.state, OrderState::Void | OrderState::Fulfilled),
            lines: order.lines.iter().map(|one| line(order, one)).collect(),
            totals: TotalsBody {
                total: order.total.map(MoneyBody::from),
                tax: tax.map(|minor| Money { minor, currency: order.currency }.into()),
            },
            payment: PaymentBody { status: order.payment, comment: comment(order.payment) },
            location_id: order.location_id.clone(),
            contact: ContactBody { id: None, display_name: format!("{channel} - Customer") },
            comments: vec![comment(order.payment).to_owned()],
            placed_at: order.placed_at,
            imported_at: order.imported_at,
        }
    }
}

pub async fn kinds(api: &Api, caller: &Caller) -> Result<BTreeMap<ConnectionId, ChannelKind>, AppError> {
    let connections = api.app.store.connections(&caller.organization_id).await?;
    Ok(connections.into_iter().map(|connection| (connection.id, connection.channel)).collect())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderSource {
    Marketplace,
    Manual,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrderQuery {
    /// `marketplace`, `manual`.
    #[param(value_type = Option<String>)]
    source: Option<OrderSource>,
    #[param(value_type = Option<String>)]
    connection_id: Option<ConnectionId>,
    #[param(value_type = Option<String>)]
    state: Option<OrderState>,
    frozen: Option<bool>,
    /// A part of the number or of the channel's own id.
    q: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Newest placed first.
#[utoipa::path(get, path = "/v1/orders", tag = "orders", params(OrderQuery), responses((status = 200, body = List<OrderBody>)))]
pub async fn list_orders(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<OrderQuery>,
) -> Result<List<OrderBody>, Problem> {
    let page = page(query.limit, query.cursor)?;
    if query.source == Some(OrderSource::Manual) {
        return Ok(List::empty());
    }
    let filter = OrderFilter {
        connection_id: query.connection_id,
        state: query.state,
        frozen: query.frozen,
        q: query.q.map(|text| text.trim().to_lowercase()),
    };
    let kinds = kinds(&api, &caller).await?;
    let orders = api.app.store.orders(&caller.organization_id, &filter, &page).await?;
    Ok(List::of(orders, |order| OrderBody::new(&order, &kinds)))
}

#[utoipa::path(get, path = "/v1/orders/{id}", tag = "orders", params(("id" = String, Path)),
    responses((status = 200, body = OrderBody)))]
pub async fn get_order(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<OrderId>,
) -> Result<Single<OrderBody>, Problem> {
    let order = api.app.order(&caller.organization_id, &id).await?;
    Ok(Single::ok(OrderBody::new(&order, &kinds(&api, &caller).await?)))
}

/// Who bought, as long as it is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = Customer)]
pub struct CustomerBody {
    #[schema(value_type = String)]
    order_id: OrderId,
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    shipping_address: Option<AddressBody>,
    billing_address: Option<AddressBody>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Address)]
pub struct AddressBody {
    name: Option<String>,
    lines: Vec<String>,
    city: Option<String>,
    region: Option<String>,
    postal_code: Option<String>,
    country: Option<String>,
}

impl From<domain::order::Address> for AddressBody {
    fn from(address: domain::order::Address) -> Self {
        Self {
            name: address.name,
            lines: address.lines,
            city: address.city,
            region: address.region,
            postal_code: address.postal_code,
            country: address.country,
        }
    }
}

/// The concealed personal data. Needs the scope `pii`; each look is logged. 404 once it has expired.
#[utoipa::path(get, path = "/v1/orders/{id}/customer", tag = "orders", params(("id" = String, Path)),
    responses((status = 200, body = CustomerBody)))]
pub async fn get_customer(
    State(api): State<Api>,
    Revealer(caller): Revealer,
    Id(id): Id<OrderId>,
) -> Result<Single<CustomerBody>, Problem> {
    let buyer = api.app.reveal_buyer(&caller.organization_id, &caller.actor(), &id).await?;
    let Buyer { name, email, phone, shipping_address, billing_address } =
        buyer.ok_or(AppError::NotFound("customer data"))?;
    Ok(Single::ok(CustomerBody {
        order_id: id,
        name,
        email,
        phone,
        shipping_address: shipping_address.map(AddressBody::from),
        billing_address: billing_address.map(AddressBody::from),
    }))
}
