//! `/v1/orders`: orders of a person's making, and what a person does to an order: change, void, fulfil, copy, note.

use app::AppError;
use app::manual_order::{NewContact, NewOrder, NewOrderLine, OrderPatch};
use axum::Extension;
use axum::extract::State;
use domain::order::{Address, Buyer, PaymentStatus};
use domain::{ContactId, ItemId, LocationId, OrderId, Quantity, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Caller, Reader, Writer};
use crate::idempotency::RequestId;
use crate::input::{Body, Id, Nothing, OptionalBody, PageQuery, present};
use crate::order_body::{Names, OrderBody};
use crate::output::{IfMatch, List, Single};
use crate::problem::Problem;
use crate::value::{self, MoneyBody, price};

const TEXT_MAX: usize = 500;
/// Longest e-mail address (RFC 5321, a path less its brackets).
const EMAIL_MAX: usize = 254;
const PHONE_MAX: usize = 50;
const ADDRESS_LINES_MAX: usize = 10;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderInput {
    #[schema(min_items = 1, max_items = 45)]
    lines: Vec<OrderLineInput>,
    /// The organization's primary one where it is left out.
    #[schema(value_type = Option<String>)]
    location_id: Option<LocationId>,
    contact: Option<ContactChoice>,
    /// What people call it; made where it is left out.
    #[schema(max_length = 500)]
    number: Option<String>,
    /// `pending` where it is left out.
    #[schema(value_type = Option<String>, pattern = "^(pending|paid)$")]
    payment_status: Option<PaymentStatus>,
    #[schema(value_type = Option<String>, format = DateTime)]
    placed_at: Option<Timestamp>,
    #[schema(max_items = 20)]
    #[serde(default)]
    comments: Vec<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderLineInput {
    /// Of a change: the line that stays; left out for a new one.
    id: Option<String>,
    #[schema(value_type = String)]
    item_id: ItemId,
    #[schema(value_type = u32, minimum = 1, maximum = 999_999_999)]
    quantity: Quantity,
    /// The item's selling price where it is left out.
    unit_price: Option<MoneyBody>,
    /// Of the whole line.
    tax: Option<MoneyBody>,
    /// The item's name where it is left out.
    #[schema(max_length = 500)]
    title: Option<String>,
}

impl OrderLineInput {
    fn parse(self, n: usize, known: bool) -> Result<NewOrderLine, AppError> {
        if self.id.is_some() && !known {
            return Err(value::invalid(
                &format!("/lines/{n}/id"),
                "is of the lines of an order that is there",
            ));
        }
        Ok(NewOrderLine {
            id: self.id,
            item_id: self.item_id,
            quantity: self.quantity,
            unit_price: price(self.unit_price.as_ref(), &format!("/lines/{n}/unit_price"))?,
            tax: price(self.tax.as_ref(), &format!("/lines/{n}/tax"))?,
            title: value::optional_text(self.title.as_ref(), &format!("/lines/{n}/title"), TEXT_MAX)?,
        })
    }
}

fn lines(lines: Vec<OrderLineInput>, known: bool) -> Result<Vec<NewOrderLine>, AppError> {
    lines.into_iter().enumerate().map(|(n, line)| line.parse(n, known)).collect()
}

/// Who buys: a contact by its id, or a person, who becomes one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactChoice {
    #[schema(value_type = Option<String>)]
    id: Option<ContactId>,
    #[schema(max_length = 500)]
    name: Option<String>,
    #[schema(max_length = 254)]
    email: Option<String>,
    #[schema(max_length = 50)]
    phone: Option<String>,
    shipping_address: Option<AddressInput>,
    billing_address: Option<AddressInput>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressInput {
    name: Option<String>,
    #[serde(default)]
    #[schema(max_items = 10)]
    lines: Vec<String>,
    city: Option<String>,
    region: Option<String>,
    postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    country: Option<String>,
}

impl AddressInput {
    fn parse(&self, at: &str) -> Result<Address, AppError> {
        let text = |text: &Option<String>, name: &str| {
            value::optional_text(text.as_ref(), &format!("{at}/{name}"), TEXT_MAX)
        };
        if self.lines.len() > ADDRESS_LINES_MAX {
            return Err(value::invalid(&format!("{at}/lines"), "must have at most 10 lines"));
        }
        let lines = self.lines.iter().enumerate();
        let lines = lines.map(|(n, line)| value::text(line, &format!("{at}/lines/{n}"), TEXT_MAX));
        Ok(Address {
            name: text(&self.name, "name")?,
            lines: lines.collect::<Result<_, _>>()?,
            city: text(&self.city, "city")?,
            region: text(&self.region, "region")?,
            postal_code: text(&self.postal_code, "postal_code")?,
            country: text(&self.country, "country")?,
        })
    }
}

impl ContactChoice {
    /// What a person says of a buyer.
    pub fn person(&self, at: &str) -> Result<Buyer, AppError> {
        if self.id.is_some() {
            return Err(value::invalid(
                &format!("{at}/id"),
                "must not be given together with what a person is",
            ));
        }
        let text = |text: &Option<String>, name: &str, max| {
            value::optional_text(text.as_ref(), &format!("{at}/{name}"), max)
        };
        let email = text(&self.email, "email", EMAIL_MAX)?;
        if email.as_ref().is_some_and(|email| !email.contains('@')) {
            return Err(value::invalid(&format!("{at}/email"), "must be an e-mail address"));
        }
        let address = |address: &Option<AddressInput>, name: &str| {
            address.as_ref().map(|address| address.parse(&format!("{at}/{name}"))).transpose()
        };
        Ok(Buyer {
            name: text(&self.name, "name", TEXT_MAX)?,
            email,
            phone: text(&self.phone, "phone", PHONE_MAX)?,
            shipping_address: address(&self.shipping_address, "shipping_address")?,
            billing_address: address(&self.billing_address, "billing_address")?,
        })
    }

    fn parse(&self) -> Result<NewContact, AppError> {
        let alone = self.name.is_none()
            && self.email.is_none()
            && self.phone.is_none()
            && self.shipping_address.is_none()
            && self.billing_address.is_none();
        match &self.id {
            Some(id) if alone => Ok(NewContact::Known(id.clone())),
            _ => Ok(NewContact::Person(Box::new(self.person("/contact")?))),
        }
    }
}

async fn shown(api: &Api, caller: &Caller, order: &store::order::Order) -> Result<OrderBody, Problem> {
    Ok(OrderBody::new(order, &Names::of(api, caller).await?))
}

async fn created(
    api: &Api,
    caller: &Caller,
    order: &store::order::Order,
) -> Result<Single<OrderBody>, Problem> {
    Ok(Single::created(format!("/v1/orders/{}", order.id), shown(api, caller, order).await?))
}

/// A manual order, confirmed: it commits stock as a channel's does.
#[utoipa::path(post, path = "/v1/orders", tag = "orders", request_body = OrderInput,
    responses((status = 201, body = OrderBody)))]
pub async fn create_order(
    State(api): State<Api>,
    Writer(caller): Writer,
    request: Option<Extension<RequestId>>,
    Body(input): Body<OrderInput>,
) -> Result<Single<OrderBody>, Problem> {
    let payment = input.payment_status.unwrap_or(PaymentStatus::Pending);
    if !matches!(payment, PaymentStatus::Pending | PaymentStatus::Paid) {
        return Err(value::invalid("/payment_status", "must be pending or paid").into());
    }
    if input.comments.len() > app::manual_order::COMMENTS_MAX {
        return Err(value::invalid("/comments", "must have at most 20 comments").into());
    }
    let comments = input.comments.iter().enumerate();
    let comments = comments.map(|(n, text)| value::text(text, &format!("/comments/{n}"), TEXT_MAX));
    let new = NewOrder {
        number: value::optional_text(input.number.as_ref(), "/number", TEXT_MAX)?,
        lines: lines(input.lines, false)?,
        location_id: input.location_id,
        contact: input.contact.as_ref().map(ContactChoice::parse).transpose()?,
        payment,
        placed_at: input.placed_at,
        comments: comments.collect::<Result<_, _>>()?,
        id: request.map(|Extension(RequestId(id))| id),
    };
    let order = api.app.create_order(&caller.organization_id, &caller.actor(), &new).await?;
    created(&api, &caller, &order).await
}

/// What changes; what is left out stays. Of a channel's order, its location alone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderChange {
    /// All lines that are to be.
    #[schema(min_items = 1, max_items = 45)]
    #[serde(default, deserialize_with = "present")]
    lines: Option<Vec<OrderLineInput>>,
    #[schema(value_type = Option<String>)]
    #[serde(default, deserialize_with = "present")]
    location_id: Option<LocationId>,
    #[serde(default, deserialize_with = "present")]
    contact: Option<ContactChoice>,
    #[schema(max_length = 500)]
    #[serde(default, deserialize_with = "present")]
    number: Option<String>,
    #[schema(value_type = Option<String>, pattern = "^(pending|paid|part_refunded|refunded|voided)$")]
    #[serde(default, deserialize_with = "present")]
    payment_status: Option<PaymentStatus>,
}

/// Changes an open order: only the difference of its commitments moves.
#[utoipa::path(patch, path = "/v1/orders/{id}", tag = "orders", params(("id" = String, Path)),
    request_body = OrderChange, responses((status = 200, body = OrderBody)))]
pub async fn change_order(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<OrderId>,
    if_match: IfMatch,
    Body(input): Body<OrderChange>,
) -> Result<Single<OrderBody>, Problem> {
    let patch = OrderPatch {
        number: value::optional_text(input.number.as_ref(), "/number", TEXT_MAX)?,
        lines: input.lines.map(|given| lines(given, true)).transpose()?,
        location_id: input.location_id,
        contact: input.contact.as_ref().map(ContactChoice::parse).transpose()?,
        payment: input.payment_status,
    };
    let mut expected = None;
    if if_match.is_given() {
        let order = api.app.order(&caller.organization_id, &id).await?;
        if_match.check(&shown(&api, &caller, &order).await?)?;
        expected = Some(order.version);
    }
    let actor = caller.actor();
    let order = api.app.change_manual_order(&caller.organization_id, &actor, &id, expected, &patch).await?;
    Ok(Single::ok(shown(&api, &caller, &order).await?))
}

/// Takes a manual order back: its commitments are released. A channel's order is cancelled on its channel.
#[utoipa::path(post, path = "/v1/orders/{id}/void", tag = "orders", params(("id" = String, Path)),
    responses((status = 200, body = OrderBody)))]
pub async fn void_order(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<OrderId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<OrderBody>, Problem> {
    let order = api.app.void_order(&caller.organization_id, &caller.actor(), &id).await?;
    Ok(Single::ok(shown(&api, &caller, &order).await?))
}

/// Closes a manual order: what is still open counts as gone.
#[utoipa::path(post, path = "/v1/orders/{id}/fulfil", tag = "orders", params(("id" = String, Path)),
    responses((status = 200, body = OrderBody)))]
pub async fn fulfil_order(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<OrderId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<OrderBody>, Problem> {
    let order = api.app.fulfil_order(&caller.organization_id, &caller.actor(), &id).await?;
    Ok(Single::ok(shown(&api, &caller, &order).await?))
}

/// A new manual order of the same goods. Who bought, comments and papers stay behind.
#[utoipa::path(post, path = "/v1/orders/{id}/clone", tag = "orders", params(("id" = String, Path)),
    responses((status = 201, body = OrderBody)))]
pub async fn clone_order(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<OrderId>,
    request: Option<Extension<RequestId>>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<OrderBody>, Problem> {
    let request = request.map(|Extension(RequestId(id))| id);
    let order = api.app.clone_order(&caller.organization_id, &caller.actor(), &id, request).await?;
    created(&api, &caller, &order).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentInput {
    #[schema(min_length = 1, max_length = 500)]
    text: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Comment)]
pub struct CommentBody {
    text: String,
    /// The key that it was written with.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// Notes something on an order; 20 at most.
#[utoipa::path(post, path = "/v1/orders/{id}/comments", tag = "orders", params(("id" = String, Path)),
    request_body = CommentInput, responses((status = 201, body = OrderBody)))]
pub async fn comment_order(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<OrderId>,
    Body(input): Body<CommentInput>,
) -> Result<Single<OrderBody>, Problem> {
    let text = value::text(&input.text, "/text", TEXT_MAX)?;
    let order = api.app.comment_order(&caller.organization_id, &caller.actor(), &id, &text).await?;
    created(&api, &caller, &order).await
}

/// People's comments with who wrote them and when, oldest first.
#[utoipa::path(get, path = "/v1/orders/{id}/comments", tag = "orders",
    params(("id" = String, Path), PageQuery), responses((status = 200, body = List<CommentBody>)))]
pub async fn list_comments(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<OrderId>,
    crate::input::Filter(query): crate::input::Filter<PageQuery>,
) -> Result<List<CommentBody>, Problem> {
    let page = query.request()?;
    let order = api.app.order(&caller.organization_id, &id).await?;
    let body = |comment: store::order::Comment| CommentBody {
        text: comment.text,
        created_by: comment.by,
        created_at: comment.at,
    };
    List::part(order.comments.into_iter().map(body).collect(), "comments", &page)
}
