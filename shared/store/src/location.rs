//! Locations: where stock lies.

use std::collections::BTreeSet;

use domain::availability::LocationKind;
use domain::{ItemId, LocationId, Name, OrganizationId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::read::Query;
use crate::row::{Reader, from_row, to_row};
use crate::stock::{self, Freshness};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub id: LocationId,
    pub name: Name,
    pub kind: LocationKind,
    pub address: Option<String>,
    pub created_at: Timestamp,
    pub version: u64,
}

const WHAT: &str = "location";

pub(crate) fn creation(organization: &OrganizationId, location: &Location) -> Result<Step, StoreError> {
    let row = to_row(WHAT, keys::location(organization, &location.id), location)?;
    Ok(Step::put(row).only_if_new(Refused::Exists(WHAT)))
}

impl Store {
    pub async fn create_location(
        &self,
        organization: &OrganizationId,
        location: &Location,
    ) -> Result<(), StoreError> {
        self.transact("create a location", vec![creation(organization, location)?]).await
    }

    /// Consistent.
    pub async fn location(
        &self,
        organization: &OrganizationId,
        id: &LocationId,
    ) -> Result<Option<Location>, StoreError> {
        let row = self.get("read a location", &keys::location(organization, id)).await?;
        row.map(|row| from_row(WHAT, row)).transpose()
    }

    /// All locations of the organization (at most 100 exist), eventually consistent: one query.
    pub async fn locations(&self, organization: &OrganizationId) -> Result<Vec<Location>, StoreError> {
        let query = Query::of(keys::organization(organization)).prefix(keys::LOCATION);
        let rows = self.query_all("list locations", &query).await?;
        rows.into_iter().map(|row| from_row(WHAT, row)).collect()
    }

    /// Stores `after` if the row still has the version before it (`after.version - 1`), else [`StoreError::Conflict`].
    pub async fn update_location(
        &self,
        organization: &OrganizationId,
        after: &Location,
    ) -> Result<(), StoreError> {
        let row = to_row(WHAT, keys::location(organization, &after.id), after)?;
        self.transact("update a location", vec![Step::put(row).only_after(after.version, WHAT)]).await
    }

    /// Nothing where there is none.
    pub async fn delete_location(
        &self,
        organization: &OrganizationId,
        id: &LocationId,
    ) -> Result<(), StoreError> {
        self.transact("delete a location", vec![Step::delete(keys::location(organization, id))]).await
    }

    /// Whether any item has something on hand or committed there. Walks the items: for the rare deletion only.
    pub async fn location_holds_stock(
        &self,
        organization: &OrganizationId,
        id: &LocationId,
    ) -> Result<bool, StoreError> {
        let operation = "look for stock at a location";
        let query = Query::of(keys::items(organization)).consistent();
        let mut start = None;
        loop {
            let (items, next) = self.query(operation, &query, start).await?;
            let mut levels = BTreeSet::new();
            for row in &items {
                let item: ItemId = Reader::new("item", row).parsed(keys::SK)?;
                levels.insert(keys::level(organization, &item, id));
            }
            for row in self.batch_get(operation, &levels, Freshness::Consistent).await? {
                let level = stock::level_of(&row)?;
                if level.on_hand != 0 || level.committed != 0 {
                    return Ok(true);
                }
            }
            start = next;
            if start.is_none() {
                return Ok(false);
            }
        }
    }
}
