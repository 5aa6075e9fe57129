//! `/v1/privacy`: what a person may ask for. Both calls may be repeated as they are; an `Idempotency-Key` is not needed and
//! not kept, so that neither address nor answer is.

use app::privacy::{Erased, Kept, KeptOrder};
use axum::extract::State;
use domain::{OrderId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::audit::Reason;
use crate::auth::Revealer;
use crate::contact::ContactBody;
use crate::input::{Body, page};
use crate::order::CustomerBody;
use crate::output::{Single, Warning};
use crate::problem::Problem;
use crate::value::MoneyBody;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportInput {
    email: String,
    /// Orders of one answer.
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// As the answer before gave it.
    cursor: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureInput {
    email: String,
}

/// All that is kept of one person, orders in pages.
#[derive(Serialize, ToSchema)]
pub struct PersonalData {
    contact: Option<ContactBody>,
    /// What a person wrote of the contact.
    details: Option<CustomerBody>,
    orders: Vec<PersonalOrder>,
    /// For the next orders; `null` where these are the last.
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct PersonalOrder {
    #[schema(value_type = String)]
    id: OrderId,
    number: String,
    #[schema(value_type = String, format = DateTime)]
    placed_at: Timestamp,
    state: &'static str,
    total: Option<MoneyBody>,
    lines: Vec<PersonalLine>,
    /// `null` once it has expired.
    customer: Option<CustomerBody>,
}

#[derive(Serialize, ToSchema)]
pub struct PersonalLine {
    sku: Option<String>,
    title: String,
    quantity: u32,
}

impl From<KeptOrder> for PersonalOrder {
    fn from(KeptOrder { order, buyer }: KeptOrder) -> Self {
        let lines = order.lines.into_iter().map(|line| PersonalLine {
            sku: line.sku,
            title: line.title,
            quantity: line.quantity.get(),
        });
        Self {
            id: order.id,
            number: order.number,
            placed_at: order.placed_at,
            state: order.state.as_str(),
            total: order.total.map(MoneyBody::from),
            lines: lines.collect(),
            customer: buyer.map(|buyer| CustomerBody::new(buyer, None)),
        }
    }
}

impl From<Kept> for PersonalData {
    fn from(kept: Kept) -> Self {
        Self {
            contact: kept.contact.map(ContactBody::from),
            details: kept.details.map(|details| CustomerBody::new(details, None)),
            orders: kept.orders.into_iter().map(PersonalOrder::from).collect(),
            next_cursor: kept.next_cursor,
        }
    }
}

/// All that is kept of the person with this e-mail address, over all channels. Needs the scope `pii`; noted in the audit.
/// Nothing where nobody has the address.
#[utoipa::path(post, path = "/v1/privacy/export", tag = "privacy",
    params(("X-Reason" = Option<String>, Header, description = "Why, for the audit.")),
    request_body = ExportInput, responses((status = 200, body = PersonalData)))]
pub async fn export_person(
    State(api): State<Api>,
    Revealer(caller): Revealer,
    reason: Reason,
    Body(input): Body<ExportInput>,
) -> Result<axum::Json<PersonalData>, Problem> {
    let page = page(input.limit, input.cursor)?;
    let by = reason.of(&caller);
    let kept = api.app.export_person(&caller.organization_id, &by, &input.email, &page).await?;
    Ok(axum::Json(kept.into()))
}

/// What was erased. Zero where nothing was kept, as when it is asked for again.
#[derive(Serialize, ToSchema)]
pub struct ErasureBody {
    /// The contact that was deleted.
    contacts: u32,
    /// Orders that are nobody's now.
    orders: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

impl From<Erased> for ErasureBody {
    fn from(erased: Erased) -> Self {
        let open = erased.open_order_ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let warning = || Warning {
            code: "orders_without_address",
            detail: format!("these orders are still to be sent and have no address now: {open}"),
        };
        Self {
            contacts: u32::from(erased.contact),
            orders: erased.orders,
            warnings: (!open.is_empty()).then(warning).into_iter().collect(),
        }
    }
}

/// Deletes all that is kept of the person with this e-mail address, over all channels. Needs the scope `pii`; noted in the
/// audit. Orders and stock stay, as nobody's; what their channels tell of the buyer later is not taken in.
#[utoipa::path(post, path = "/v1/privacy/erase", tag = "privacy",
    params(("X-Reason" = Option<String>, Header, description = "Why, for the audit.")),
    request_body = ErasureInput, responses((status = 200, body = ErasureBody)))]
pub async fn erase_person(
    State(api): State<Api>,
    Revealer(caller): Revealer,
    reason: Reason,
    Body(input): Body<ErasureInput>,
) -> Result<Single<ErasureBody>, Problem> {
    let by = reason.of(&caller);
    let erased = api.app.erase_person(&caller.organization_id, &by, &input.email).await?;
    Ok(Single::ok(erased.into()))
}
