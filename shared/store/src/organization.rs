//! Organizations: the tenants.

use domain::availability::RuleSetting;
pub use domain::fulfilment::StockDeductedOn;
use domain::matching::AutoLink;
use domain::order::OrderPreference;
use domain::retention::Policy;
use domain::{Currency, LocationId, Name, OrganizationId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::api_key::{self, ApiKey};
use crate::location::{self, Location};
use crate::row::{from_row, to_row};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};
use crate::{retention, verification};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    pub id: OrganizationId,
    pub name: Name,
    pub base_currency: Currency,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// IANA name.
    pub time_zone: String,
    pub taxes_enabled: bool,
    pub order_sync: OrderPreference,
    pub stock_deducted_on: StockDeductedOn,
    pub primary_location_id: LocationId,
    pub auto_link: AutoLink,
    /// For all listings, where neither they nor their connections say otherwise.
    #[serde(default)]
    pub stock_rule: RuleSetting,
    /// From when on orders fall under the policy for buyers' data; `None`: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy_policy_starts_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// Grows by one with each change.
    pub version: u64,
}

const WHAT: &str = "organization";

impl Organization {
    pub fn privacy_policy(&self) -> Policy {
        Policy { starts_at: self.privacy_policy_starts_at.unwrap_or(Timestamp::MIN) }
    }
}

impl Store {
    /// The organization, its first location, its first key, its first check of the ledger and its first sweep, together.
    pub async fn create_organization(
        &self,
        organization: &Organization,
        primary: &Location,
        key: &ApiKey,
    ) -> Result<(), StoreError> {
        let own = to_row(WHAT, keys::organization_row(&organization.id), organization)?;
        let mut steps = vec![Step::put(own).only_if_new(Refused::Exists(WHAT))];
        steps.push(location::creation(&organization.id, primary)?);
        steps.extend(api_key::creation(key)?);
        steps.push(verification::first(organization)?);
        steps.push(retention::first(organization)?);
        self.transact("create an organization", steps).await
    }

    /// Consistent.
    pub async fn organization(&self, id: &OrganizationId) -> Result<Option<Organization>, StoreError> {
        let row = self.get("read an organization", &keys::organization_row(id)).await?;
        row.map(|row| from_row(WHAT, row)).transpose()
    }

    /// Stores `after` if the row still has the version before it (`after.version - 1`), else [`StoreError::Conflict`].
    pub async fn update_organization(&self, after: &Organization) -> Result<(), StoreError> {
        let row = to_row(WHAT, keys::organization_row(&after.id), after)?;
        let step = Step::put(row).only_after(after.version, WHAT);
        self.transact("update an organization", vec![step]).await
    }
}
