//! `/v1/listings/bulk`, `/v1/listings/summary`.

use std::collections::BTreeMap;

use app::bulk_listing::{BULK_MAX, BulkAction, BulkOutcome};
use app::plan::Executed;
use axum::extract::State;
use domain::listing::{ListingStatus, Match};
use domain::{ItemId, ListingId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Reader, Writer};
use crate::input::{Body, Filter};
use crate::output::{Single, Warning};
use crate::plan::{Answer, PlanQuery};
use crate::problem::Problem;
use crate::value;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkInput {
    action: ActionInput,
    #[schema(min_items = 1, max_items = 500)]
    listing_ids: Vec<String>,
    /// Why they are dismissed.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionInput {
    Confirm,
    LinkMatches,
    Dismiss,
    Restore,
}

impl From<ActionInput> for BulkAction {
    fn from(action: ActionInput) -> Self {
        match action {
            ActionInput::Confirm => Self::Confirm,
            ActionInput::LinkMatches => Self::LinkMatches,
            ActionInput::Dismiss => Self::Dismiss,
            ActionInput::Restore => Self::Restore,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BulkBody {
    /// In the order of the ids.
    data: Vec<OutcomeBody>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkOutcome)]
pub struct OutcomeBody {
    listing_id: String,
    #[schema(pattern = "^(done|failed)$")]
    outcome: &'static str,
    #[schema(value_type = Option<String>)]
    item_id: Option<ItemId>,
    /// Why it failed: stable, snake_case.
    code: Option<String>,
    detail: Option<String>,
}

impl OutcomeBody {
    fn failed(listing_id: String, problem: &Problem) -> Self {
        Self {
            listing_id,
            outcome: "failed",
            item_id: None,
            code: Some(problem.code().to_owned()),
            detail: Some(problem.detail().to_owned()),
        }
    }
}

impl From<BulkOutcome> for OutcomeBody {
    fn from(outcome: BulkOutcome) -> Self {
        let listing_id = outcome.listing_id.to_string();
        match outcome.result {
            Ok(item_id) => Self { listing_id, outcome: "done", item_id, code: None, detail: None },
            Err(error) => Self::failed(listing_id, &Problem::from(error)),
        }
    }
}

/// One action on many listings; each comes out by itself, one that fails fails alone.
#[utoipa::path(post, path = "/v1/listings/bulk", tag = "listings", params(PlanQuery), request_body = BulkInput,
    responses((status = 200, body = BulkBody)))]
pub async fn bulk_listings(
    State(api): State<Api>,
    Writer(caller): Writer,
    Filter(query): Filter<PlanQuery>,
    Body(input): Body<BulkInput>,
) -> Result<Answer<Single<BulkBody>>, Problem> {
    let how = query.execution()?;
    if input.listing_ids.is_empty() || input.listing_ids.len() > BULK_MAX {
        let detail = format!("must name 1 to {BULK_MAX} listings");
        return Err(value::invalid("/listing_ids", &detail).into());
    }
    let reason = value::optional_text(input.reason.as_ref(), "/reason", 500)?;
    // What is no id is one of nothing: it fails alone, in its place.
    let parsed: Vec<Result<ListingId, String>> =
        input.listing_ids.into_iter().map(|id| id.parse().map_err(|_| id)).collect();
    let ids: Vec<ListingId> = parsed.iter().filter_map(|id| id.clone().ok()).collect();
    let organization = &caller.organization_id;
    let action = input.action.into();
    let (actor, reason) = (caller.actor(), reason.as_deref());
    let outcomes =
        match api.app.bulk_listings_planned(organization, &actor, action, &ids, reason, &how).await? {
            Executed::Plan(plan) => return Ok(Answer::Plan(Box::new(Single::ok(plan.into())))),
            Executed::Done(outcomes) => outcomes,
        };
    let mut outcomes = outcomes.into_iter();
    let not_found = Problem::from(app::AppError::NotFound("listing"));
    let data: Vec<OutcomeBody> = parsed
        .into_iter()
        .filter_map(|id| match id {
            Ok(_) => outcomes.next().map(OutcomeBody::from),
            Err(text) => Some(OutcomeBody::failed(text, &not_found)),
        })
        .collect();
    let confirmed = input.action == ActionInput::Confirm && data.iter().any(|one| one.outcome == "done");
    let warnings = confirmed.then(|| Warning {
        code: "defaults_used",
        detail: "purchase_price, opening_stock_value: not given, so they are the selling_price; opening_stock is the \
                 channel's quantity"
            .to_owned(),
    });
    Ok(Answer::Done(Single::ok(BulkBody { data, warnings: warnings.into_iter().collect() })))
}

/// How many listings there are of each kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct SummaryBody {
    total: u64,
    by_status: BTreeMap<&'static str, u64>,
    /// Of those that wait for a person.
    unconfirmed_by_match: BTreeMap<&'static str, u64>,
    counts: Vec<CountBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingCount)]
pub struct CountBody {
    #[schema(value_type = String)]
    status: ListingStatus,
    #[serde(rename = "match")]
    #[schema(value_type = String)]
    found: Match,
    count: u64,
}

#[utoipa::path(get, path = "/v1/listings/summary", tag = "listings", responses((status = 200, body = SummaryBody)))]
pub async fn get_summary(
    State(api): State<Api>,
    Reader(caller): Reader,
) -> Result<Single<SummaryBody>, Problem> {
    let counted = api.app.store.listing_counts(&caller.organization_id).await?;
    let sum = |keep: &dyn Fn(ListingStatus, Match) -> bool| {
        counted.iter().filter(|((status, found), _)| keep(*status, *found)).map(|(_, count)| *count).sum()
    };
    let counts = |status: ListingStatus| Match::ALL.into_iter().map(move |found| (status, found));
    Ok(Single::ok(SummaryBody {
        total: sum(&|_, _| true),
        by_status: ListingStatus::ALL
            .into_iter()
            .map(|status| (status.as_str(), sum(&|of, _| of == status)))
            .collect(),
        unconfirmed_by_match: Match::ALL
            .into_iter()
            .map(|found| {
                (found.as_str(), sum(&|status, of| status == ListingStatus::Unconfirmed && of == found))
            })
            .collect(),
        counts: ListingStatus::ALL
            .into_iter()
            .flat_map(counts)
            .map(|key| CountBody {
                status: key.0,
                found: key.1,
                count: counted.get(&key).copied().unwrap_or_default(),
            })
            .collect(),
    }))
}
