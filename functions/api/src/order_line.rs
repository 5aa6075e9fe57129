//! `/v1/orders/{id}/confirm-lines`, `/v1/orders/{id}/lines/{line_id}/link`.

use app::AppError;
use app::order_line::LineOutcome;
use axum::extract::{Path, State};
use domain::{ItemId, ListingId, OrderId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::auth::Writer;
use crate::input::{Body, Id, OptionalBody};
use crate::order_body::{Names, OrderBody};
use crate::output::Single;
use crate::problem::Problem;
use crate::value;

/// Lines of one call.
const LINES_MAX: usize = 500;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmLinesInput {
    /// All that wait where it is left out.
    #[schema(min_items = 1, max_items = 500)]
    line_ids: Option<Vec<String>>,
}

/// What became of a line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineOutcome)]
pub struct LineOutcomeBody {
    line_id: String,
    #[schema(value_type = Option<String>)]
    listing_id: Option<ListingId>,
    #[schema(pattern = "^(done|failed)$")]
    outcome: &'static str,
    #[schema(value_type = Option<String>)]
    item_id: Option<ItemId>,
    /// Why it failed: stable, snake_case.
    code: Option<String>,
    detail: Option<String>,
}

impl From<LineOutcome> for LineOutcomeBody {
    fn from(outcome: LineOutcome) -> Self {
        let LineOutcome { line_id, listing_id, result } = outcome;
        match result {
            Ok(confirmed) => Self {
                line_id,
                listing_id,
                outcome: "done",
                item_id: Some(confirmed.item.id),
                code: None,
                detail: None,
            },
            Err(error) => {
                let problem = Problem::from(error);
                let (code, detail) = (problem.code().to_owned(), problem.detail().to_owned());
                let (code, detail) = (Some(code), Some(detail));
                Self { line_id, listing_id, outcome: "failed", item_id: None, code, detail }
            }
        }
    }
}

/// The order, and what became of each line.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfirmedLinesBody {
    #[serde(flatten)]
    order: OrderBody,
    outcomes: Vec<LineOutcomeBody>,
}

/// Makes items of the lines' listings, as `POST /v1/listings/{id}/confirm` does. The last one resolved thaws the order,
/// and each other order that waited for its listing. Errors: the first line's, where every line failed.
#[utoipa::path(post, path = "/v1/orders/{id}/confirm-lines", tag = "orders", params(("id" = String, Path)),
    request_body = Option<ConfirmLinesInput>, responses((status = 200, body = ConfirmedLinesBody)))]
pub async fn confirm_lines(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<OrderId>,
    OptionalBody(input): OptionalBody<ConfirmLinesInput>,
) -> Result<Single<ConfirmedLinesBody>, Problem> {
    if input.line_ids.as_ref().is_some_and(|ids| ids.is_empty() || ids.len() > LINES_MAX) {
        let detail = format!("must name 1 to {LINES_MAX} lines");
        return Err(value::invalid("/line_ids", &detail).into());
    }
    let organization = &caller.organization_id;
    let confirmed =
        api.app.confirm_lines(organization, &caller.actor(), &id, input.line_ids.as_deref()).await?;
    let defaulted = confirmed
        .lines
        .iter()
        .any(|line| line.result.as_ref().is_ok_and(|confirmed| !confirmed.defaulted.is_empty()));
    let mut order = OrderBody::new(&confirmed.order, &Names::of(&api, &caller).await?);
    if defaulted {
        order.warn(
            "defaults_used",
            "purchase_price, opening_stock_value: not given, so they are the selling_price; opening_stock is the \
             channel's quantity",
        );
    }
    Ok(Single::ok(ConfirmedLinesBody {
        order,
        outcomes: confirmed.lines.into_iter().map(LineOutcomeBody::from).collect(),
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkLineInput {
    #[schema(value_type = String)]
    item_id: ItemId,
}

/// Gives a line its item, by linking the line's listing to it: each order that waited for the listing thaws.
#[utoipa::path(post, path = "/v1/orders/{id}/lines/{line_id}/link", tag = "orders",
    params(("id" = String, Path), ("line_id" = String, Path)), request_body = LinkLineInput,
    responses((status = 200, body = OrderBody)))]
pub async fn link_line(
    State(api): State<Api>,
    Writer(caller): Writer,
    Path((id, line_id)): Path<(String, String)>,
    Body(input): Body<LinkLineInput>,
) -> Result<Single<OrderBody>, Problem> {
    let id: OrderId = id.parse().map_err(|_| AppError::NotFound("order"))?;
    let organization = &caller.organization_id;
    let order = api.app.link_line(organization, &caller.actor(), &id, &line_id, &input.item_id).await?;
    Ok(Single::ok(OrderBody::new(&order, &Names::of(&api, &caller).await?)))
}
