//! `/v1/connections/{id}/authorize`, `/v1/oauth/callback`: the merchant's consent on the channel's own page.

use std::collections::BTreeMap;

use app::consent::BroughtBy;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use domain::ConnectionId;
use http::HeaderMap;
use http::header::ACCEPT;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::Admin;
use crate::connection::ConnectionBody;
use crate::input::{Body, Id, Nothing, OptionalBody};
use crate::output::Single;
use crate::problem::Problem;

/// What a channel sends back: a code, a state, and a few more.
const PARAMETERS_MAX: usize = 30;
const PARAMETER_BYTES_MAX: usize = 4_096;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Authorization)]
pub struct AuthorizationBody {
    /// Where the merchant consents, within 30 minutes.
    authorization_url: String,
}

/// Where the merchant consents, or consents again. Each call gives a new address; the connection works on meanwhile.
#[utoipa::path(post, path = "/v1/connections/{id}/authorize", tag = "connections", params(("id" = String, Path)),
    responses((status = 200, body = AuthorizationBody)))]
pub async fn authorize_connection(
    State(api): State<Api>,
    Admin(caller): Admin,
    Id(id): Id<ConnectionId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<axum::Json<AuthorizationBody>, Problem> {
    let page = api.app.authorize_connection(&caller.organization_id, &id).await?;
    Ok(axum::Json(AuthorizationBody { authorization_url: page.into() }))
}

/// Where the channel sends the merchant back to: the `state` stands in for a key. A browser gets a page, a program the
/// connection. A denial leaves nothing of a connection that was never authorized.
#[utoipa::path(get, path = "/v1/oauth/callback", tag = "connections",
    responses((status = 200, body = ConnectionBody)))]
pub async fn finish_consent(
    State(api): State<Api>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_size(&query)?;
    let connection = api.app.finish_consent(&query, BroughtBy::Browser).await?;
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") {
        const PAGE: &str = "<!DOCTYPE html><html lang=\"en\"><title>Connected</title>\
            <p>The shop is connected. You can close this page.</p></html>";
        return Ok(Html(PAGE).into_response());
    }
    let of = api.app.organization(&connection.organization_id).await?;
    Ok(Single::ok(ConnectionBody::new(connection, &of.stock_rule)).into_response())
}

/// Where the shop's own server posts what the merchant consented to (WooCommerce: the keys), before it sends the merchant
/// back: the `state` of the query stands in for a key.
#[utoipa::path(post, path = "/v1/oauth/callback", tag = "connections",
    request_body = BTreeMap<String, Value>, responses((status = 200)))]
pub async fn take_consent(
    State(api): State<Api>,
    Query(query): Query<BTreeMap<String, String>>,
    Body(posted): Body<BTreeMap<String, Value>>,
) -> Result<(), Problem> {
    let text = |value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let posted = posted.into_iter().filter_map(|(name, value)| Some((name, text(value)?)));
    // The query is ours: nothing that is posted takes its place.
    let brought: BTreeMap<String, String> = posted.chain(query).collect();
    check_size(&brought)?;
    api.app.finish_consent(&brought, BroughtBy::Server).await?;
    Ok(())
}

fn check_size(brought: &BTreeMap<String, String>) -> Result<(), Problem> {
    let fits = |(name, value): (&String, &String)| name.len() + value.len() <= PARAMETER_BYTES_MAX;
    if brought.len() <= PARAMETERS_MAX && brought.iter().all(fits) {
        return Ok(());
    }
    Err(Problem::of_status(http::StatusCode::BAD_REQUEST))
}
