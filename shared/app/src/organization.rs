//! Organizations and their API keys.

use std::collections::BTreeSet;

use domain::availability::{LocationKind, RuleSetting};
use domain::matching::AutoLink;
use domain::order::OrderPreference;
use domain::{ApiKeyId, Currency, LocationId, Name, OrganizationId, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use store::StoreError;
use store::api_key::{ApiKey, Scope};
use store::item::ItemFilter;
use store::location::Location;
use store::organization::{Organization, StockDeductedOn};

use crate::change::{CHANGES_MAX, check_version, not_hex};
use crate::connection_settings::RulePatch;
use crate::{App, AppError, secret};

/// Keys of an organization.
pub const API_KEYS_MAX: usize = 100;

/// The code of a key that an earlier sending of the same request made.
pub const KEY_MADE_BEFORE: &str = "api_key_made_before";

/// The scopes there are, of which the first key has all.
pub const SCOPES: [Scope; 4] = [Scope::Read, Scope::Write, Scope::Admin, Scope::Pii];

#[derive(Debug, Clone)]
pub struct NewApiKey {
    pub name: String,
    pub scopes: BTreeSet<Scope>,
    /// The request's own, 32 hex digits: sent again, it makes no second key.
    pub id: Option<String>,
}

#[derive(Debug, Clone)]
pub struct NewOrganization {
    pub name: Name,
    pub base_currency: Currency,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// IANA name.
    pub time_zone: String,
    /// From when on orders fall under the policy for buyers' data; `None`: all of them.
    pub privacy_policy_starts_at: Option<Timestamp>,
}

/// What changes; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct OrganizationPatch {
    pub name: Option<Name>,
    pub base_currency: Option<Currency>,
    pub country: Option<String>,
    pub time_zone: Option<String>,
    pub taxes_enabled: Option<bool>,
    pub order_sync: Option<OrderPreference>,
    pub stock_deducted_on: Option<StockDeductedOn>,
    pub primary_location_id: Option<LocationId>,
    pub auto_link: Option<AutoLink>,
    pub stock_rule: RulePatch,
    pub privacy_policy_starts_at: Option<Timestamp>,
}

/// A key with its secret, which is shown once and kept nowhere.
#[derive(Debug, Clone)]
pub struct IssuedKey {
    pub key: ApiKey,
    pub secret: SecretString,
}

fn check_country(country: &str) -> Result<(), AppError> {
    if country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(AppError::invalid("invalid_field", "/country", "must be an ISO 3166-1 code, two capital letters"))
}

fn check_time_zone(name: &str) -> Result<(), AppError> {
    match jiff::tz::TimeZone::get(name) {
        Ok(_) => Ok(()),
        Err(_) => Err(AppError::invalid("invalid_field", "/time_zone", "must be an IANA time zone name")),
    }
}

/// What the policy protects already stays protected: its start is only ever moved to an earlier time.
fn check_policy_start(before: &Organization, starts_at: Option<Timestamp>) -> Result<(), AppError> {
    match starts_at {
        Some(at) if at > before.privacy_policy().starts_at => Err(AppError::conflict(
            "privacy_policy_started",
            "the policy for buyers' data can begin earlier than it does, not later",
        )),
        _ => Ok(()),
    }
}

impl App {
    /// An organization with a first location, which is its primary one, and a key with every scope.
    pub async fn create_organization(
        &self,
        new: NewOrganization,
    ) -> Result<(Organization, IssuedKey), AppError> {
        check_country(&new.country)?;
        check_time_zone(&new.time_zone)?;
        let now = self.clock.now();
        let organization = Organization {
            id: OrganizationId::from_body(&self.ids.next(now)).map_err(not_hex)?,
            name: new.name,
            base_currency: new.base_currency,
            country: new.country,
            time_zone: new.time_zone,
            taxes_enabled: false,
            order_sync: OrderPreference::default(),
            stock_deducted_on: StockDeductedOn::default(),
            primary_location_id: LocationId::from_body(&self.ids.next(now)).map_err(not_hex)?,
            auto_link: AutoLink::default(),
            stock_rule: RuleSetting::default(),
            privacy_policy_starts_at: new.privacy_policy_starts_at,
            created_at: now,
            version: 1,
        };
        let primary = Location {
            id: organization.primary_location_id.clone(),
            name: Name::parse("Main warehouse")
                .map_err(|_| AppError::Internal("a name of ours is not one"))?,
            kind: LocationKind::Warehouse,
            address: None,
            created_at: now,
            version: 1,
        };
        let first = NewApiKey { name: "First key".to_owned(), scopes: SCOPES.into(), id: None };
        let issued = self.issue_key(&organization.id, first)?;
        self.store.create_organization(&organization, &primary, &issued.key).await?;
        Ok((organization, issued))
    }

    pub async fn organization(&self, id: &OrganizationId) -> Result<Organization, AppError> {
        self.store.organization(id).await?.ok_or(AppError::NotFound("organization"))
    }

    /// Another rule starts a stock sync of each connection. Errors: 409 `base_currency_in_use` once there are connections
    /// or items, whose prices are in it; `fba_enabled` for another country than the US while a connection tracks FBA.
    pub async fn change_organization(
        &self,
        id: &OrganizationId,
        expected: Option<u64>,
        patch: &OrganizationPatch,
    ) -> Result<Organization, AppError> {
        self.change_organization_as(id, expected, patch, false).await
    }

    /// `approved`: a person saw what it takes to zero.
    pub(crate) async fn change_organization_as(
        &self,
        id: &OrganizationId,
        expected: Option<u64>,
        patch: &OrganizationPatch,
        approved: bool,
    ) -> Result<Organization, AppError> {
        if let Some(country) = &patch.country {
            check_country(country)?;
        }
        if let Some(time_zone) = &patch.time_zone {
            check_time_zone(time_zone)?;
        }
        if let Some(location) = &patch.primary_location_id {
            self.check_primary(id, location).await?;
        }
        for _ in 0..CHANGES_MAX {
            let before = self.organization(id).await?;
            check_version(before.version, expected)?;
            check_policy_start(&before, patch.privacy_policy_starts_at)?;
            let mut after = patched(&before, patch);
            if after == before {
                return Ok(before);
            }
            if after.base_currency != before.base_currency {
                self.check_currency_unused(id).await?;
            }
            if after.country != before.country && after.country != domain::fba::COUNTRY {
                self.check_no_fba(id).await?;
            }
            after.version += 1;
            match self.store.update_organization(&after).await {
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    if after.stock_rule != before.stock_rule {
                        self.push_all_connections(id, approved).await?;
                    }
                    return Ok(after);
                }
            }
        }
        Err(StoreError::Conflict("organization").into())
    }

    async fn push_all_connections(&self, id: &OrganizationId, approved: bool) -> Result<(), AppError> {
        for connection in self.store.connections(id).await? {
            if connection.settings.pushes(connection.status).is_ok() {
                self.start_stock_sync(&connection, approved).await?;
            }
        }
        Ok(())
    }

    async fn check_primary(&self, id: &OrganizationId, location: &LocationId) -> Result<(), AppError> {
        const POINTER: &str = "/primary_location_id";
        match self.store.location(id, location).await? {
            None => Err(AppError::invalid("not_found", POINTER, "there is no such location")),
            Some(location) if location.kind == LocationKind::Fba => Err(AppError::invalid(
                "invalid_field",
                POINTER,
                "must be a warehouse of the organization's own",
            )),
            Some(_) => Ok(()),
        }
    }

    async fn check_no_fba(&self, id: &OrganizationId) -> Result<(), AppError> {
        let connections = self.store.connections(id).await?;
        match connections.iter().find(|connection| connection.settings.fba.is_some()) {
            None => Ok(()),
            Some(connection) => {
                let detail = format!("the connection {} tracks FBA, which is for the US only", connection.id);
                Err(AppError::conflict("fba_enabled", detail))
            }
        }
    }

    async fn check_currency_unused(&self, id: &OrganizationId) -> Result<(), AppError> {
        let one = store::PageRequest { limit: 1, cursor: None };
        let items = self.store.items(id, &ItemFilter::default(), &one).await?;
        if items.data.is_empty() && self.store.connections(id).await?.is_empty() {
            return Ok(());
        }
        Err(AppError::conflict(
            "base_currency_in_use",
            "the base currency cannot change while there are items or connections",
        ))
    }

    /// `granted_by`: the scopes of who asks; nobody gives what they do not have. Errors: 409 [`KEY_MADE_BEFORE`] for a
    /// request that made its key already, whose secret nobody can say again.
    pub async fn create_api_key(
        &self,
        organization: &OrganizationId,
        granted_by: &BTreeSet<Scope>,
        new: NewApiKey,
    ) -> Result<IssuedKey, AppError> {
        let NewApiKey { scopes, .. } = &new;
        if scopes.is_empty() {
            return Err(AppError::invalid("invalid_field", "/scopes", "must name at least one scope"));
        }
        if !scopes.is_subset(granted_by) {
            let detail = "a key can be given only scopes that the key which makes it has";
            return Err(AppError::invalid("scope_not_held", "/scopes", detail));
        }
        let keys = self.store.api_keys(organization).await?;
        if let Some(made) = new.id.as_deref().and_then(|id| keys.iter().find(|key| key.id.body() == id)) {
            return Err(made_before(&made.id));
        }
        if keys.len() >= API_KEYS_MAX {
            return Err(AppError::conflict(
                "too_many_api_keys",
                format!("there are {API_KEYS_MAX} keys already"),
            ));
        }
        let issued = self.issue_key(organization, new)?;
        match self.store.create_api_key(&issued.key).await {
            // Another sending of the same request was faster.
            Err(StoreError::Exists(_)) => Err(made_before(&issued.key.id)),
            Err(error) => Err(error.into()),
            Ok(()) => Ok(issued),
        }
    }

    fn issue_key(&self, organization: &OrganizationId, new: NewApiKey) -> Result<IssuedKey, AppError> {
        let now = self.clock.now();
        let secret = secret::random("ms_")?;
        let id = new.id.unwrap_or_else(|| self.ids.next(now));
        let key = ApiKey {
            id: ApiKeyId::from_body(&id).map_err(not_hex)?,
            organization_id: organization.clone(),
            name: new.name,
            scopes: new.scopes,
            digest: secret::digest(secret.expose_secret()),
            created_at: now,
        };
        Ok(IssuedKey { key, secret })
    }

    /// Errors: 409 `last_admin_key` for the last one that could make another.
    pub async fn delete_api_key(&self, organization: &OrganizationId, id: &ApiKeyId) -> Result<(), AppError> {
        let keys = self.store.api_keys(organization).await?;
        if !keys.iter().any(|key| key.id == *id) {
            return Err(AppError::NotFound("api key"));
        }
        if !keys.iter().any(|key| key.id != *id && key.scopes.contains(&Scope::Admin)) {
            return Err(AppError::conflict("last_admin_key", "no key with the scope admin would be left"));
        }
        self.store.delete_api_key(organization, id).await?;
        Ok(())
    }
}

fn made_before(id: &ApiKeyId) -> AppError {
    let detail = format!(
        "this request made the key {id} before, and its secret was given out once: if it is lost, delete the key and make \
         another"
    );
    AppError::conflict(KEY_MADE_BEFORE, detail)
}

pub(crate) fn patched(before: &Organization, patch: &OrganizationPatch) -> Organization {
    let patch = patch.clone();
    Organization {
        name: patch.name.unwrap_or_else(|| before.name.clone()),
        base_currency: patch.base_currency.unwrap_or(before.base_currency),
        country: patch.country.unwrap_or_else(|| before.country.clone()),
        time_zone: patch.time_zone.unwrap_or_else(|| before.time_zone.clone()),
        taxes_enabled: patch.taxes_enabled.unwrap_or(before.taxes_enabled),
        order_sync: patch.order_sync.unwrap_or(before.order_sync),
        stock_deducted_on: patch.stock_deducted_on.unwrap_or(before.stock_deducted_on),
        primary_location_id: patch.primary_location_id.unwrap_or_else(|| before.primary_location_id.clone()),
        auto_link: patch.auto_link.unwrap_or(before.auto_link),
        stock_rule: patch.stock_rule.applied_to(before.stock_rule),
        privacy_policy_starts_at: patch.privacy_policy_starts_at.or(before.privacy_policy_starts_at),
        ..before.clone()
    }
}
