//! `/v1/api-keys`.

use std::collections::BTreeSet;

use app::AppError;
use app::organization::NewApiKey;
use axum::Extension;
use axum::extract::State;
use domain::{ApiKeyId, Timestamp};
use http::StatusCode;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use store::api_key::{ApiKey, Scope};
use utoipa::ToSchema;

use crate::Api;
use crate::auth::Admin;
use crate::idempotency::{HoldsSecret, RequestId};
use crate::input::{Body, Filter, Id, PageQuery};
use crate::output::{IfMatch, List, Single};
use crate::problem::Problem;
use crate::value;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyInput {
    #[schema(min_length = 1, max_length = 500)]
    name: String,
    /// Of those that the key has with which it is made: `read`, `write`, `admin`, `pii`.
    #[schema(value_type = Vec<String>, min_items = 1)]
    scopes: BTreeSet<Scope>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct ApiKeyBody {
    #[schema(value_type = String)]
    id: ApiKeyId,
    name: String,
    #[schema(value_type = Vec<String>)]
    scopes: BTreeSet<Scope>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedApiKey {
    #[serde(flatten)]
    key: ApiKeyBody,
    /// Shown once.
    api_key: String,
}

impl From<ApiKey> for ApiKeyBody {
    fn from(key: ApiKey) -> Self {
        Self { id: key.id, name: key.name, scopes: key.scopes, created_at: key.created_at }
    }
}

/// Makes a key. Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/api-keys", tag = "organizations", request_body = ApiKeyInput,
    responses((status = 201, body = CreatedApiKey)))]
pub async fn create_api_key(
    State(api): State<Api>,
    Admin(caller): Admin,
    request: Option<Extension<RequestId>>,
    Body(input): Body<ApiKeyInput>,
) -> Result<HoldsSecret<Single<CreatedApiKey>>, Problem> {
    let new = NewApiKey {
        name: value::text(&input.name, "/name", 500)?,
        scopes: input.scopes,
        id: request.map(|Extension(RequestId(id))| id),
    };
    let issued = api.app.create_api_key(&caller.organization_id, &caller.scopes, new).await?;
    let location = format!("/v1/api-keys/{}", issued.key.id);
    let api_key = issued.secret.expose_secret().to_owned();
    Ok(HoldsSecret(Single::created(location, CreatedApiKey { key: issued.key.into(), api_key })))
}

#[utoipa::path(get, path = "/v1/api-keys", tag = "organizations", params(PageQuery),
    responses((status = 200, body = List<ApiKeyBody>)))]
pub async fn list_api_keys(
    State(api): State<Api>,
    Admin(caller): Admin,
    Filter(query): Filter<PageQuery>,
) -> Result<List<ApiKeyBody>, Problem> {
    let page = query.request()?;
    let keys = api.app.store.api_keys(&caller.organization_id).await?;
    List::part(keys.into_iter().map(ApiKeyBody::from).collect(), "keys", &page)
}

async fn find(api: &Api, caller: &crate::auth::Caller, id: &ApiKeyId) -> Result<ApiKeyBody, Problem> {
    let keys = api.app.store.api_keys(&caller.organization_id).await?;
    let key = keys.into_iter().find(|key| key.id == *id).ok_or(AppError::NotFound("api key"))?;
    Ok(key.into())
}

#[utoipa::path(get, path = "/v1/api-keys/{id}", tag = "organizations", params(("id" = String, Path)),
    responses((status = 200, body = ApiKeyBody)))]
pub async fn get_api_key(
    State(api): State<Api>,
    Admin(caller): Admin,
    Id(id): Id<ApiKeyId>,
) -> Result<Single<ApiKeyBody>, Problem> {
    Ok(Single::ok(find(&api, &caller, &id).await?))
}

/// From now on the key opens nothing.
#[utoipa::path(delete, path = "/v1/api-keys/{id}", tag = "organizations", params(("id" = String, Path)),
    responses((status = 204)))]
pub async fn delete_api_key(
    State(api): State<Api>,
    Admin(caller): Admin,
    Id(id): Id<ApiKeyId>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    if if_match.is_given() {
        if_match.check(&find(&api, &caller, &id).await?)?;
    }
    api.app.delete_api_key(&caller.organization_id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
