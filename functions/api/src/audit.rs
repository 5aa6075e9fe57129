//! `/v1/audit`: who did, and saw, what. And what notes it: a reason with each look at personal data, and each change of
//! who may do what.

use app::audit::Witness;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use domain::audit::AuditAction;
use domain::{AuditId, Timestamp};
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use store::audit::AuditRecord;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Admin, Caller};
use crate::input::{Filter, PageQuery};
use crate::output::List;
use crate::problem::Problem;

const NAME: HeaderName = HeaderName::from_static("x-reason");
const REASON_MAX: usize = 500;

/// Why personal data is looked at: the header `X-Reason`, 1 to 500 characters of UTF-8. It may be left out. Not a part of
/// the address, which others than us may log.
pub struct Reason(Option<String>);

impl Reason {
    pub fn of(self, caller: &Caller) -> Witness {
        Witness { actor: caller.actor(), reason: self.0 }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reason {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(NAME) else { return Ok(Self(None)) };
        let text = std::str::from_utf8(value.as_bytes()).ok().map(str::trim);
        let is_fit = |text: &&str| {
            (1..=REASON_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        };
        match text.filter(is_fit) {
            Some(text) => Ok(Self(Some(text.to_owned()))),
            None => {
                let detail = format!("must have 1 to {REASON_MAX} characters of UTF-8");
                Err(Problem::field(StatusCode::BAD_REQUEST, "invalid_reason", "/X-Reason", detail))
            }
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRecord)]
pub struct AuditBody {
    #[schema(value_type = String)]
    id: AuditId,
    /// Who: the id of the key.
    actor: String,
    /// What was done.
    #[schema(value_type = String, example = "customer_revealed")]
    action: AuditAction,
    /// The id of what it was done to.
    object: String,
    /// As given in the header `X-Reason`.
    reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<AuditRecord> for AuditBody {
    fn from(record: AuditRecord) -> Self {
        let AuditRecord { id, actor, action, object, reason, at } = record;
        Self { id, actor, action, object, reason, at }
    }
}

/// Newest first; kept two years.
#[utoipa::path(get, path = "/v1/audit", tag = "privacy", params(PageQuery),
    responses((status = 200, body = List<AuditBody>)))]
pub async fn list_audit(
    State(api): State<Api>,
    Admin(caller): Admin,
    Filter(query): Filter<PageQuery>,
) -> Result<List<AuditBody>, Problem> {
    let records = api.app.store.audits(&caller.organization_id, &query.request()?).await?;
    Ok(List::of(records, AuditBody::from))
}

/// The requests that change who may do what, and where goods and orders go.
fn action_of(method: &Method, path: &str) -> Option<AuditAction> {
    Some(match (method.as_str(), path) {
        ("POST", "/v1/api-keys") => AuditAction::ApiKeyCreated,
        ("DELETE", "/v1/api-keys/{id}") => AuditAction::ApiKeyDeleted,
        ("PATCH", "/v1/organization") => AuditAction::OrganizationChanged,
        ("POST", "/v1/connections") => AuditAction::ConnectionCreated,
        ("PATCH", "/v1/connections/{id}") => AuditAction::ConnectionChanged,
        ("DELETE", "/v1/connections/{id}") => AuditAction::ConnectionDeleted,
        ("POST", "/v1/connections/{id}/enable") => AuditAction::ConnectionEnabled,
        ("POST", "/v1/connections/{id}/disable") => AuditAction::ConnectionDisabled,
        ("POST", "/v1/connections/{id}/authorize") => AuditAction::ConnectionAuthorized,
        _ => return None,
    })
}

/// Which it was: where the answer says what was made is, else the id in the path.
fn object_of(location: Option<&HeaderValue>, path: &str, caller: &Caller) -> String {
    let made = location.and_then(|place| place.to_str().ok()?.rsplit('/').next());
    let named = || path.split('/').nth(3);
    made.or_else(named).map_or_else(|| caller.organization_id.to_string(), str::to_owned)
}

/// Notes each of them that was done. One that was done and cannot be noted is reported in the log.
pub async fn noted(
    State(api): State<Api>,
    path: Option<MatchedPath>,
    reason: Reason,
    request: Request,
    next: Next,
) -> Response {
    let action = path.and_then(|path| action_of(request.method(), path.as_str()));
    let (Some(action), Some(caller)) = (action, request.extensions().get::<Caller>().cloned()) else {
        return next.run(request).await;
    };
    let path = request.uri().path().to_owned();
    let is_plan = request.uri().query().is_some_and(|query| query.contains("dry_run=true"));
    let response = next.run(request).await;
    if response.status().is_success() && !is_plan {
        let object = object_of(response.headers().get(LOCATION), &path, &caller);
        let by = reason.of(&caller);
        if let Err(error) = api.app.note(&caller.organization_id, &by, action, &object).await {
            tracing::error!(%error, ?action, object, "an action was done and could not be noted");
        }
    }
    response
}
