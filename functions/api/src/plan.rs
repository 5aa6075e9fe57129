//! `?dry_run=true`, `?plan_id=`: what a call would change on the channels, and that it does exactly that.

use app::plan::{ChangeAt, Executed, Execution, Plan, Totals};
use axum::response::{IntoResponse, Response};
use domain::{ChannelLocationId, ListingId, Quantity};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::output::Single;
use crate::problem::Problem;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlanQuery {
    /// Changes nothing, and answers 200 with the plan.
    dry_run: Option<bool>,
    /// Does exactly what that plan said; 409 `plan_stale` where it would be something else by now.
    plan_id: Option<String>,
}

impl PlanQuery {
    pub fn execution(self) -> Result<Execution, Problem> {
        match (self.dry_run.unwrap_or(false), self.plan_id) {
            (true, Some(_)) => {
                let detail = "cannot be given with dry_run";
                Err(Problem::field(StatusCode::BAD_REQUEST, "invalid_field", "/plan_id", detail))
            }
            (true, None) => Ok(Execution::DryRun),
            (false, Some(id)) => Ok(Execution::Planned(id)),
            (false, None) => Ok(Execution::Now),
        }
    }
}

/// What would change on the channels.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub struct PlanBody {
    /// For the same call with `plan_id`.
    plan_id: String,
    changes: Vec<ChangeBody>,
    totals: TotalsBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlannedChange)]
pub struct ChangeBody {
    #[schema(value_type = String)]
    listing_id: ListingId,
    /// What the channel is thought to show; `null` where nobody knows.
    from: Option<i64>,
    #[schema(value_type = u32)]
    to: Quantity,
    /// `push`, `stock_rule`, `location_mapping`, `settings`, `confirm`, `link`, `auto_link`.
    why: &'static str,
    /// Where the channel is told by location: those that would show another number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<ChangeAtBody>,
}

/// One of a channel's own locations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlannedChangeAt)]
pub struct ChangeAtBody {
    #[schema(value_type = String)]
    channel_location_id: ChannelLocationId,
    /// What it was told last; `null` where it was told none.
    #[schema(value_type = Option<u32>)]
    from: Option<Quantity>,
    #[schema(value_type = u32)]
    to: Quantity,
}

impl From<ChangeAt> for ChangeAtBody {
    fn from(change: ChangeAt) -> Self {
        Self { channel_location_id: change.at, from: change.from, to: change.to }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlanTotals)]
pub struct TotalsBody {
    changed: u64,
    to_zero: u64,
    raised: u64,
    lowered: u64,
}

impl From<Plan> for PlanBody {
    fn from(plan: Plan) -> Self {
        let Totals { changed, to_zero, raised, lowered, moved: _ } = plan.totals();
        let totals = TotalsBody { changed, to_zero, raised, lowered };
        let body = |change: app::plan::Change| ChangeBody {
            listing_id: change.listing_id,
            from: change.from,
            to: change.to,
            why: change.why,
            locations: change.locations.into_iter().map(ChangeAtBody::from).collect(),
        };
        Self { plan_id: plan.id, changes: plan.changes.into_iter().map(body).collect(), totals }
    }
}

/// The plan, or what the call answers otherwise.
pub enum Answer<T> {
    Plan(Box<Single<PlanBody>>),
    Done(T),
}

impl<T> Answer<T> {
    pub fn of<D>(executed: Executed<D>, done: impl FnOnce(D) -> T) -> Self {
        match executed {
            Executed::Plan(plan) => Self::Plan(Box::new(Single::ok(plan.into()))),
            Executed::Done(answer) => Self::Done(done(answer)),
        }
    }
}

impl<T: IntoResponse> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Plan(plan) => plan.into_response(),
            Self::Done(answer) => answer.into_response(),
        }
    }
}
