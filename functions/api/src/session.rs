//! `/v1/sessions`: a team's token becomes a session of the console, which a browser may hold.

use app::member::Member;
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use http::StatusCode;
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::Reader;
use crate::idempotency::HoldsSecret;
use crate::problem::Problem;

#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedSession {
    /// Shown once. The value of the console's cookie.
    session: String,
    /// With the token, and after 12 hours at the latest.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Opens a session of the console for the person whose token the request bears. An API key opens none here.
#[utoipa::path(post, path = "/v1/sessions", tag = "organizations", responses((status = 201, body = CreatedSession)))]
pub async fn create_session(
    State(api): State<Api>,
    Reader(caller): Reader,
) -> Result<HoldsSecret<(StatusCode, Json<CreatedSession>)>, Problem> {
    let Some(until) = caller.token_ends_at else {
        let detail = "a session is opened with a token of the team's identity provider, not with an API key";
        return Err(Problem::new(StatusCode::FORBIDDEN, "token_needed", detail));
    };
    let member =
        Member { organization_id: caller.organization_id, scopes: caller.scopes, actor: caller.actor, until };
    let (session, expires_at) = api.app.sign_in_member(&member).await?;
    let session = session.expose_secret().to_owned();
    Ok(HoldsSecret((StatusCode::CREATED, Json(CreatedSession { session, expires_at }))))
}
