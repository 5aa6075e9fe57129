//! `/v1/locations`.

use app::AppError;
use app::location::{LocationPatch, NewLocation};
use axum::extract::State;
use domain::availability::LocationKind;
use domain::{LocationId, Name, Timestamp};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::location::Location;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Caller, Reader, Writer};
use crate::input::{Body, Filter, Id, PageQuery, present};
use crate::output::{IfMatch, List, Single};
use crate::problem::Problem;
use crate::value;

const ADDRESS_MAX: usize = 1_000;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationInput {
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    name: Name,
    #[serde(default = "warehouse")]
    #[schema(value_type = String, pattern = "^(warehouse|fba)$", default = "warehouse")]
    kind: LocationKind,
    #[schema(max_length = 1000)]
    address: Option<String>,
    #[serde(default)]
    is_primary: bool,
}

fn warehouse() -> LocationKind {
    LocationKind::Warehouse
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationChange {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^(warehouse|fba)$")]
    kind: Option<LocationKind>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    address: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    is_primary: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Location)]
pub struct LocationBody {
    #[schema(value_type = String)]
    id: LocationId,
    #[schema(value_type = String)]
    name: Name,
    #[schema(value_type = String, pattern = "^(warehouse|fba)$")]
    kind: LocationKind,
    address: Option<String>,
    is_primary: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl LocationBody {
    fn new(location: Location, primary: &LocationId) -> Self {
        Self {
            is_primary: location.id == *primary,
            id: location.id,
            name: location.name,
            kind: location.kind,
            address: location.address,
            created_at: location.created_at,
        }
    }
}

async fn shown(api: &Api, caller: &Caller, location: Location) -> Result<LocationBody, AppError> {
    let primary = api.app.organization(&caller.organization_id).await?.primary_location_id;
    Ok(LocationBody::new(location, &primary))
}

async fn seen(
    api: &Api,
    caller: &Caller,
    id: &LocationId,
    if_match: &IfMatch,
) -> Result<Option<u64>, Problem> {
    if !if_match.is_given() {
        return Ok(None);
    }
    let current = api.app.location(&caller.organization_id, id).await?;
    let version = current.version;
    if_match.check(&shown(api, caller, current).await?)?;
    Ok(Some(version))
}

#[utoipa::path(get, path = "/v1/locations", tag = "locations", params(PageQuery),
    responses((status = 200, body = List<LocationBody>)))]
pub async fn list_locations(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<PageQuery>,
) -> Result<List<LocationBody>, Problem> {
    let page = query.request()?;
    let primary = api.app.organization(&caller.organization_id).await?.primary_location_id;
    let locations = api.app.store.locations(&caller.organization_id).await?;
    List::part(locations.into_iter().map(|l| LocationBody::new(l, &primary)).collect(), "locations", &page)
}

#[utoipa::path(post, path = "/v1/locations", tag = "locations", request_body = LocationInput,
    responses((status = 201, body = LocationBody)))]
pub async fn create_location(
    State(api): State<Api>,
    Writer(caller): Writer,
    Body(input): Body<LocationInput>,
) -> Result<Single<LocationBody>, Problem> {
    let new = NewLocation {
        name: input.name,
        kind: input.kind,
        address: value::optional_text(input.address.as_ref(), "/address", ADDRESS_MAX)?,
        is_primary: input.is_primary,
    };
    let location = api.app.create_location(&caller.organization_id, new).await?;
    let place = format!("/v1/locations/{}", location.id);
    Ok(Single::created(place, shown(&api, &caller, location).await?))
}

#[utoipa::path(get, path = "/v1/locations/{id}", tag = "locations", params(("id" = String, Path)),
    responses((status = 200, body = LocationBody)))]
pub async fn get_location(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<LocationId>,
) -> Result<Single<LocationBody>, Problem> {
    let location = api.app.location(&caller.organization_id, &id).await?;
    Ok(Single::ok(shown(&api, &caller, location).await?))
}

#[utoipa::path(patch, path = "/v1/locations/{id}", tag = "locations", params(("id" = String, Path)),
    request_body = LocationChange, responses((status = 200, body = LocationBody)))]
pub async fn change_location(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<LocationId>,
    if_match: IfMatch,
    Body(input): Body<LocationChange>,
) -> Result<Single<LocationBody>, Problem> {
    let address = match &input.address {
        None => None,
        Some(address) => Some(value::optional_text(address.as_ref(), "/address", ADDRESS_MAX)?),
    };
    let patch = LocationPatch { name: input.name, kind: input.kind, address, is_primary: input.is_primary };
    let expected = seen(&api, &caller, &id, &if_match).await?;
    let location = api.app.change_location(&caller.organization_id, &id, expected, &patch).await?;
    Ok(Single::ok(shown(&api, &caller, location).await?))
}

/// Refused while it is the primary one, is mapped, or holds stock.
#[utoipa::path(delete, path = "/v1/locations/{id}", tag = "locations", params(("id" = String, Path)),
    responses((status = 204)))]
pub async fn delete_location(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<LocationId>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let expected = seen(&api, &caller, &id, &if_match).await?;
    api.app.delete_location(&caller.organization_id, &id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
