//! `/v1/connections`.

use std::collections::BTreeMap;

use app::connection::{ConnectionPatch, CredentialFields, NewConnection};
use app::plan::Executed;
use axum::extract::State;
use domain::availability::{LocationMapping, Percent, RuleSetting, rule_of};
use domain::connection::{ConnectionStatus, DriftPolicy, ImportRule, Modules, StockSync};
use domain::schedule::SyncInterval;
use domain::{ChannelKind, ConnectionId, Currency, LocationId, Name, Timestamp};
use http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use store::connection::Connection;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Admin, Caller, Reader};
use crate::connection_input::{
    ImportInput, MappedLocationBody, MappingInput, ModulesInput, RuleInput, RuleSettingBody, SettingsInput,
    object,
};
use crate::fba::{FbaBody, FbaInput};
use crate::input::{Body, Filter, Id, Nothing, OptionalBody, PageQuery, present};
use crate::item_stock::RuleBody;
use crate::output::{IfMatch, List, Single};
use crate::plan::{Answer, PlanQuery};
use crate::problem::Problem;
use crate::value;

/// Amazon has fewer; so many are no marketplaces.
const MARKETPLACES_MAX: usize = 30;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionInput {
    /// One of `GET /v1/channels`.
    #[schema(value_type = String, example = "woocommerce")]
    channel: ChannelKind,
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    name: Name,
    /// By the channel's names for them. Never returned.
    #[schema(value_type = BTreeMap<String, String>)]
    credentials: BTreeMap<String, SecretString>,
    /// The store's address.
    #[schema(example = "https://shop.example")]
    endpoint: Option<String>,
    #[serde(default)]
    marketplace: Vec<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u16>)]
    sync_interval_minutes: Option<SyncInterval>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    stock_sync: Option<StockSync>,
    #[serde(default, deserialize_with = "object")]
    modules: ModulesInput,
    #[serde(default, deserialize_with = "object")]
    location_mapping: MappingInput,
    #[serde(default, deserialize_with = "present")]
    auto_create: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    drift: Option<DriftPolicy>,
    #[serde(default, deserialize_with = "object")]
    stock_rule: RuleInput,
    #[serde(default, deserialize_with = "object")]
    import: ImportInput,
    /// Of the linked listings, so many in a hundred may go to zero within an hour without a person's yes, and never fewer
    /// than ten; 100 asks never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u8>, maximum = 100)]
    blast_radius_percent: Option<Percent>,
    /// Tracks the goods that Amazon stores, as `PUT /v1/connections/{id}/fba` does.
    #[serde(default, deserialize_with = "present")]
    fba: Option<FbaInput>,
}

/// What changes; what is left out stays, in the objects too.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionChange {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    /// All of them; tried before they are stored.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    credentials: Option<BTreeMap<String, SecretString>>,
    /// One of 30, 60, 90, 120, 150, 180, 210, 240.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u16>)]
    sync_interval_minutes: Option<SyncInterval>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^(active|inactive)$")]
    stock_sync: Option<StockSync>,
    #[serde(default, deserialize_with = "object")]
    modules: ModulesInput,
    #[serde(default, deserialize_with = "object")]
    location_mapping: MappingInput,
    #[serde(default, deserialize_with = "present")]
    auto_create: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^(overwrite|alert|hold)$")]
    drift: Option<DriftPolicy>,
    #[serde(default, deserialize_with = "object")]
    stock_rule: RuleInput,
    #[serde(default, deserialize_with = "object")]
    import: ImportInput,
    /// Of the linked listings, so many in a hundred may go to zero within an hour without a person's yes, and never fewer
    /// than ten; 100 asks never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u8>, maximum = 100)]
    blast_radius_percent: Option<Percent>,
}

/// A merchant's shop on a channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub struct ConnectionBody {
    #[schema(value_type = String)]
    id: ConnectionId,
    #[schema(value_type = String)]
    channel: ChannelKind,
    #[schema(value_type = String)]
    name: Name,
    endpoint: String,
    marketplace: Vec<String>,
    #[schema(value_type = String)]
    currency: Currency,
    #[schema(value_type = String, pattern = "^(active|inactive|needs_authorization)$")]
    status: ConnectionStatus,
    status_reason: Option<String>,
    #[schema(value_type = u16)]
    sync_interval_minutes: SyncInterval,
    #[schema(value_type = Option<String>, format = DateTime)]
    next_sync_at: Option<Timestamp>,
    #[schema(value_type = String, pattern = "^(active|inactive)$")]
    stock_sync: StockSync,
    #[schema(value_type = Object)]
    modules: Modules,
    location_mapping: MappingBody,
    auto_create: bool,
    #[schema(value_type = String)]
    drift: DriftPolicy,
    /// Where the goods that Amazon stores are counted; `null` where they are not tracked.
    fba: Option<FbaBody>,
    /// As it takes effect, the organization's included.
    stock_rule: RuleBody,
    /// What the connection itself sets.
    stock_rule_set: RuleSettingBody,
    #[schema(value_type = Object)]
    import: ImportRule,
    blast_radius_percent: u8,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LocationMapping)]
pub struct MappingBody {
    #[schema(pattern = "^(all|selected|none)$")]
    mode: &'static str,
    #[schema(value_type = Vec<String>)]
    location_ids: Vec<LocationId>,
    /// `null` for the primary location.
    #[schema(value_type = Option<String>)]
    order_location_id: Option<LocationId>,
    /// Which of ours is shown at which of the channel's own, in the order in which a number is handed out.
    channel_locations: Vec<MappedLocationBody>,
}

impl ConnectionBody {
    /// `organization`: the rule of the organization.
    pub fn new(connection: Connection, organization: &RuleSetting) -> Self {
        let settings = connection.settings;
        let stock_sync = settings.stock_sync();
        let (mode, location_ids) = match settings.location_mapping {
            LocationMapping::All => ("all", Vec::new()),
            LocationMapping::Selected { location_ids } => ("selected", location_ids),
            LocationMapping::None => ("none", Vec::new()),
        };
        Self {
            id: connection.id,
            channel: connection.channel,
            name: connection.name,
            endpoint: connection.endpoint,
            marketplace: connection.marketplace,
            currency: connection.currency,
            status: connection.status,
            status_reason: connection.status_reason,
            sync_interval_minutes: settings.sync_interval_minutes,
            next_sync_at: connection.next_sync_at,
            stock_sync,
            modules: settings.modules,
            location_mapping: MappingBody {
                mode,
                location_ids,
                order_location_id: settings.order_location_id,
                channel_locations: settings.channel_locations.iter().map(MappedLocationBody::from).collect(),
            },
            auto_create: settings.auto_create,
            drift: settings.drift,
            fba: settings.fba.map(FbaBody::from),
            stock_rule: rule_of([&settings.stock_rule, organization]).into(),
            stock_rule_set: settings.stock_rule.into(),
            import: settings.import,
            blast_radius_percent: settings.blast_radius.percent.get(),
            created_at: connection.created_at,
        }
    }
}

pub async fn shown(api: &Api, caller: &Caller, connection: Connection) -> Result<ConnectionBody, Problem> {
    let organization = api.app.organization(&caller.organization_id).await?;
    Ok(ConnectionBody::new(connection, &organization.stock_rule))
}

fn fields(credentials: BTreeMap<String, SecretString>) -> CredentialFields {
    credentials.into_iter().collect()
}

pub async fn seen(
    api: &Api,
    caller: &Caller,
    id: &ConnectionId,
    if_match: &IfMatch,
) -> Result<Option<u64>, Problem> {
    if !if_match.is_given() {
        return Ok(None);
    }
    let current = api.app.connection(&caller.organization_id, id).await?;
    let version = current.version;
    if_match.check(&shown(api, caller, current).await?)?;
    Ok(Some(version))
}

#[utoipa::path(get, path = "/v1/connections", tag = "connections", params(PageQuery),
    responses((status = 200, body = List<ConnectionBody>)))]
pub async fn list_connections(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<PageQuery>,
) -> Result<List<ConnectionBody>, Problem> {
    let page = query.request()?;
    let connections = api.app.store.connections(&caller.organization_id).await?;
    let rule = api.app.organization(&caller.organization_id).await?.stock_rule;
    let body = |connection| ConnectionBody::new(connection, &rule);
    List::part(connections.into_iter().map(body).collect(), "connections", &page)
}

/// Connects a shop. It is tried before anything is stored.
#[utoipa::path(post, path = "/v1/connections", tag = "connections", request_body = ConnectionInput,
    responses((status = 201, body = ConnectionBody)))]
pub async fn create_connection(
    State(api): State<Api>,
    Admin(caller): Admin,
    Body(input): Body<ConnectionInput>,
) -> Result<Single<ConnectionBody>, Problem> {
    if input.marketplace.len() > MARKETPLACES_MAX {
        return Err(value::invalid("/marketplace", "must name at most 30 marketplaces").into());
    }
    let mut marketplace = Vec::with_capacity(input.marketplace.len());
    for (n, name) in input.marketplace.iter().enumerate() {
        marketplace.push(value::text(name, &format!("/marketplace/{n}"), 100)?);
    }
    let settings = SettingsInput {
        sync_interval_minutes: input.sync_interval_minutes,
        stock_sync: input.stock_sync,
        modules: input.modules,
        location_mapping: input.location_mapping,
        auto_create: input.auto_create,
        drift: input.drift,
        stock_rule: input.stock_rule,
        import: input.import,
        blast_radius_percent: input.blast_radius_percent,
    };
    let new = NewConnection {
        channel: input.channel,
        name: input.name,
        endpoint: input.endpoint,
        marketplace,
        credentials: fields(input.credentials),
        settings: settings.into(),
        fba: input.fba.map(|fba| fba.location_id),
    };
    let connection = api.app.connect(&caller.organization_id, new).await?;
    let place = format!("/v1/connections/{}", connection.id);
    Ok(Single::created(place, shown(&api, &caller, connection).await?))
}

#[utoipa::path(get, path = "/v1/connections/{id}", tag = "connections", params(("id" = String, Path)),
    responses((status = 200, body = ConnectionBody)))]
pub async fn get_connection(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<ConnectionId>,
) -> Result<Single<ConnectionBody>, Problem> {
    let connection = api.app.connection(&caller.organization_id, &id).await?;
    Ok(Single::ok(shown(&api, &caller, connection).await?))
}

/// What makes listings show another number also starts a stock sync.
#[utoipa::path(patch, path = "/v1/connections/{id}", tag = "connections", params(("id" = String, Path), PlanQuery),
    request_body = ConnectionChange, responses((status = 200, body = ConnectionBody)))]
pub async fn change_connection(
    State(api): State<Api>,
    Admin(caller): Admin,
    Id(id): Id<ConnectionId>,
    if_match: IfMatch,
    Filter(query): Filter<PlanQuery>,
    Body(input): Body<ConnectionChange>,
) -> Result<Answer<Single<ConnectionBody>>, Problem> {
    let how = query.execution()?;
    let settings = SettingsInput {
        sync_interval_minutes: input.sync_interval_minutes,
        stock_sync: input.stock_sync,
        modules: input.modules,
        location_mapping: input.location_mapping,
        auto_create: input.auto_create,
        drift: input.drift,
        stock_rule: input.stock_rule,
        import: input.import,
        blast_radius_percent: input.blast_radius_percent,
    };
    let patch = ConnectionPatch {
        name: input.name,
        credentials: input.credentials.map(fields),
        settings: settings.into(),
    };
    let expected = seen(&api, &caller, &id, &if_match).await?;
    let organization = &caller.organization_id;
    Ok(match api.app.change_connection_planned(organization, &id, expected, patch, &how).await? {
        Executed::Done(connection) => Answer::Done(Single::ok(shown(&api, &caller, connection).await?)),
        Executed::Plan(plan) => Answer::Plan(Box::new(Single::ok(plan.into()))),
    })
}

/// Its listings and orders stay for history.
#[utoipa::path(delete, path = "/v1/connections/{id}", tag = "connections", params(("id" = String, Path)),
    responses((status = 204)))]
pub async fn delete_connection(
    State(api): State<Api>,
    Admin(caller): Admin,
    Id(id): Id<ConnectionId>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let expected = seen(&api, &caller, &id, &if_match).await?;
    api.app.delete_connection(&caller.organization_id, &id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fetches and pushes again, with settings and links as they were.
#[utoipa::path(post, path = "/v1/connections/{id}/enable", tag = "connections", params(("id" = String, Path)),
    responses((status = 200, body = ConnectionBody)))]
pub async fn enable_connection(
    State(api): State<Api>,
    Admin(caller): Admin,
    Id(id): Id<ConnectionId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<ConnectionBody>, Problem> {
    let connection = api.app.enable_connection(&caller.organization_id, &id).await?;
    Ok(Single::ok(shown(&api, &caller, connection).await?))
}

/// Nothing is fetched or pushed any more; everything is kept.
#[utoipa::path(post, path = "/v1/connections/{id}/disable", tag = "connections", params(("id" = String, Path)),
    responses((status = 200, body = ConnectionBody)))]
pub async fn disable_connection(
    State(api): State<Api>,
    Admin(caller): Admin,
    Id(id): Id<ConnectionId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<ConnectionBody>, Problem> {
    let connection = api.app.disable_connection(&caller.organization_id, &id).await?;
    Ok(Single::ok(shown(&api, &caller, connection).await?))
}
