//! `/v1/orders`: reading.

use std::collections::BTreeSet;

use app::AppError;
use axum::extract::State;
use domain::order::{Buyer, OrderState};
use domain::{ChannelKind, ConnectionId, ContactId, OrderId};
use serde::{Deserialize, Serialize};
use store::order::OrderFilter;
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::audit::Reason;
use crate::auth::{Reader, Revealer};
use crate::input::{Filter, Id, page};
use crate::order_body::{Names, OrderBody};
use crate::output::{List, Single};
use crate::problem::Problem;

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
    /// Only of this channel.
    #[param(value_type = Option<String>)]
    channel: Option<ChannelKind>,
    #[param(value_type = Option<String>)]
    connection_id: Option<ConnectionId>,
    #[param(value_type = Option<String>)]
    contact_id: Option<ContactId>,
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
    let names = Names::of(&api, &caller).await?;
    let connection_ids: Option<BTreeSet<ConnectionId>> =
        query.channel.map(|channel| names.of_channel(channel));
    let filter = OrderFilter {
        connection_id: query.connection_id,
        connection_ids,
        manual: query.source.map(|source| source == OrderSource::Manual),
        contact_id: query.contact_id,
        state: query.state,
        frozen: query.frozen,
        q: query.q.map(|text| text.trim().to_lowercase()),
    };
    let orders = api.app.store.orders(&caller.organization_id, &filter, &page).await?;
    Ok(List::of(orders, |order| OrderBody::new(&order, &names)))
}

#[utoipa::path(get, path = "/v1/orders/{id}", tag = "orders", params(("id" = String, Path)),
    responses((status = 200, body = OrderBody)))]
pub async fn get_order(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<OrderId>,
) -> Result<Single<OrderBody>, Problem> {
    let order = api.app.order(&caller.organization_id, &id).await?;
    Ok(Single::ok(OrderBody::new(&order, &Names::of(&api, &caller).await?)))
}

/// Who bought, as long as it is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = Customer)]
pub struct CustomerBody {
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderId>,
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

/// The concealed personal data. Needs the scope `pii`; each look is noted in the audit. 404 once it has expired.
#[utoipa::path(get, path = "/v1/orders/{id}/customer", tag = "orders", params(("id" = String, Path),
    ("X-Reason" = Option<String>, Header, description = "Why, for the audit.")),
    responses((status = 200, body = CustomerBody)))]
pub async fn get_customer(
    State(api): State<Api>,
    Revealer(caller): Revealer,
    reason: Reason,
    Id(id): Id<OrderId>,
) -> Result<Single<CustomerBody>, Problem> {
    let buyer = api.app.reveal_buyer(&caller.organization_id, &reason.of(&caller), &id).await?;
    Ok(Single::ok(CustomerBody::new(buyer.ok_or(AppError::NotFound("customer data"))?, Some(id))))
}

impl CustomerBody {
    pub fn new(buyer: Buyer, order_id: Option<OrderId>) -> Self {
        let Buyer { name, email, phone, shipping_address, billing_address } = buyer;
        Self {
            order_id,
            name,
            email,
            phone,
            shipping_address: shipping_address.map(AddressBody::from),
            billing_address: billing_address.map(AddressBody::from),
        }
    }
}
