//! `/v1/organizations`, `/v1/organization`.

use app::organization::{NewOrganization, OrganizationPatch};
use axum::extract::State;
use domain::matching::AutoLink;
use domain::order::OrderPreference;
use domain::{Currency, LocationId, Name, OrganizationId, Timestamp};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use store::organization::{Organization, StockDeductedOn};
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Admin, Reader};
use crate::connection_input::{RuleInput, RuleSettingBody, object};
use crate::idempotency::HoldsSecret;
use crate::input::{Body, Filter, present};
use crate::output::{IfMatch, Single};
use crate::plan::{Answer, PlanQuery};
use crate::problem::Problem;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationInput {
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    name: Name,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    base_currency: Currency,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "US")]
    country: String,
    /// IANA name.
    #[schema(example = "America/New_York")]
    time_zone: String,
    /// From when on its orders fall under the policy for buyers' data: all of them where it is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    privacy_policy_starts_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedOrganization {
    #[schema(value_type = String)]
    organization_id: OrganizationId,
    /// A key with every scope. Shown once.
    api_key: String,
}

/// Makes an organization, with its first location and key. With the operator's key.
#[utoipa::path(post, path = "/v1/organizations", tag = "organizations", request_body = OrganizationInput,
    responses((status = 201, body = CreatedOrganization)))]
pub async fn create_organization(
    State(api): State<Api>,
    Body(input): Body<OrganizationInput>,
) -> Result<HoldsSecret<Single<CreatedOrganization>>, Problem> {
    let new = NewOrganization {
        name: input.name,
        base_currency: input.base_currency,
        country: input.country,
        time_zone: input.time_zone,
        privacy_policy_starts_at: input.privacy_policy_starts_at,
    };
    let (organization, issued) = api.app.create_organization(new).await?;
    let body = CreatedOrganization {
        organization_id: organization.id,
        api_key: issued.secret.expose_secret().to_owned(),
    };
    Ok(HoldsSecret(Single::created("/v1/organization".to_owned(), body)))
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organization)]
pub struct OrganizationBody {
    #[schema(value_type = String)]
    id: OrganizationId,
    #[schema(value_type = String)]
    name: Name,
    #[schema(value_type = String)]
    base_currency: Currency,
    country: String,
    time_zone: String,
    taxes_enabled: bool,
    #[schema(value_type = String, pattern = "^(confirmed|confirmed_and_fulfilled)$")]
    order_sync: OrderPreference,
    #[schema(value_type = String, pattern = "^(shipment|invoice)$")]
    stock_deducted_on: StockDeductedOn,
    #[schema(value_type = String)]
    primary_location_id: LocationId,
    #[schema(value_type = String, pattern = "^(sku_or_name|sku|off)$")]
    auto_link: AutoLink,
    /// For all listings, where neither they nor their connections say otherwise.
    stock_rule: RuleSettingBody,
    /// Orders imported before are not touched by the policy for buyers' data; `null`: it protects all of them.
    #[schema(value_type = Option<String>, format = DateTime)]
    privacy_policy_starts_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<&Organization> for OrganizationBody {
    fn from(organization: &Organization) -> Self {
        let o = organization.clone();
        Self {
            id: o.id,
            name: o.name,
            base_currency: o.base_currency,
            country: o.country,
            time_zone: o.time_zone,
            taxes_enabled: o.taxes_enabled,
            order_sync: o.order_sync,
            stock_deducted_on: o.stock_deducted_on,
            primary_location_id: o.primary_location_id,
            auto_link: o.auto_link,
            stock_rule: o.stock_rule.into(),
            privacy_policy_starts_at: o.privacy_policy_starts_at,
            created_at: o.created_at,
        }
    }
}

/// The organization of the key.
#[utoipa::path(get, path = "/v1/organization", tag = "organizations",
    responses((status = 200, body = OrganizationBody)))]
pub async fn get_organization(
    State(api): State<Api>,
    Reader(caller): Reader,
) -> Result<Single<OrganizationBody>, Problem> {
    let organization = api.app.organization(&caller.organization_id).await?;
    Ok(Single::ok(OrganizationBody::from(&organization)))
}

/// What changes; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationChange {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    name: Option<Name>,
    /// Only while there are no items and connections.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    base_currency: Option<Currency>,
    #[serde(default, deserialize_with = "present")]
    country: Option<String>,
    #[serde(default, deserialize_with = "present")]
    time_zone: Option<String>,
    #[serde(default, deserialize_with = "present")]
    taxes_enabled: Option<bool>,
    /// For all connections.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^(confirmed|confirmed_and_fulfilled)$")]
    order_sync: Option<OrderPreference>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^(shipment|invoice)$")]
    stock_deducted_on: Option<StockDeductedOn>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    primary_location_id: Option<LocationId>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^(sku_or_name|sku|off)$")]
    auto_link: Option<AutoLink>,
    #[serde(default, deserialize_with = "object")]
    stock_rule: RuleInput,
    /// To an earlier time only: 409 `privacy_policy_started` for a later one.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    privacy_policy_starts_at: Option<Timestamp>,
}

/// Another stock rule starts a stock sync of every active connection.
#[utoipa::path(patch, path = "/v1/organization", tag = "organizations", params(PlanQuery),
    request_body = OrganizationChange, responses((status = 200, body = OrganizationBody)))]
pub async fn change_organization(
    State(api): State<Api>,
    Admin(caller): Admin,
    if_match: IfMatch,
    Filter(query): Filter<PlanQuery>,
    Body(input): Body<OrganizationChange>,
) -> Result<Answer<Single<OrganizationBody>>, Problem> {
    let how = query.execution()?;
    let patch = OrganizationPatch {
        name: input.name,
        base_currency: input.base_currency,
        country: input.country,
        time_zone: input.time_zone,
        taxes_enabled: input.taxes_enabled,
        order_sync: input.order_sync,
        stock_deducted_on: input.stock_deducted_on,
        primary_location_id: input.primary_location_id,
        auto_link: input.auto_link,
        stock_rule: input.stock_rule.into(),
        privacy_policy_starts_at: input.privacy_policy_starts_at,
    };
    let mut expected = None;
    if if_match.is_given() {
        let current = api.app.organization(&caller.organization_id).await?;
        if_match.check(&OrganizationBody::from(&current))?;
        expected = Some(current.version);
    }
    let changed =
        api.app.change_organization_planned(&caller.organization_id, expected, &patch, &how).await?;
    Ok(Answer::of(changed, |organization| Single::ok(OrganizationBody::from(&organization))))
}
