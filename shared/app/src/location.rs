//! Locations: where stock lies. One of them is the organization's primary.

use domain::availability::{LocationKind, LocationMapping};
use domain::{LocationId, Name, OrganizationId};
use store::StoreError;
use store::location::Location;

use crate::change::{CHANGES_MAX, check_version, not_hex};
use crate::organization::OrganizationPatch;
use crate::{App, AppError};

/// Locations of an organization.
pub const LOCATIONS_MAX: usize = 100;

#[derive(Debug, Clone)]
pub struct NewLocation {
    pub name: Name,
    pub kind: LocationKind,
    pub address: Option<String>,
    pub is_primary: bool,
}

/// What changes; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct LocationPatch {
    pub name: Option<Name>,
    pub kind: Option<LocationKind>,
    pub address: Option<Option<String>>,
    pub is_primary: Option<bool>,
}

fn primary_must_be_own() -> AppError {
    AppError::invalid("invalid_field", "/kind", "the primary location must be a warehouse")
}

impl App {
    pub async fn location(
        &self,
        organization: &OrganizationId,
        id: &LocationId,
    ) -> Result<Location, AppError> {
        self.store.location(organization, id).await?.ok_or(AppError::NotFound("location"))
    }

    pub async fn create_location(
        &self,
        organization: &OrganizationId,
        new: NewLocation,
    ) -> Result<Location, AppError> {
        if new.is_primary && new.kind != LocationKind::Warehouse {
            return Err(primary_must_be_own());
        }
        if self.store.locations(organization).await?.len() >= LOCATIONS_MAX {
            let detail = format!("there are {LOCATIONS_MAX} locations already");
            return Err(AppError::conflict("too_many_locations", detail));
        }
        let now = self.clock.now();
        let location = Location {
            id: LocationId::from_body(&self.ids.next(now)).map_err(not_hex)?,
            name: new.name,
            kind: new.kind,
            address: new.address,
            created_at: now,
            version: 1,
        };
        self.store.create_location(organization, &location).await?;
        if new.is_primary {
            self.make_primary(organization, &location.id).await?;
        }
        Ok(location)
    }

    async fn make_primary(&self, organization: &OrganizationId, id: &LocationId) -> Result<(), AppError> {
        let patch =
            OrganizationPatch { primary_location_id: Some(id.clone()), ..OrganizationPatch::default() };
        self.change_organization(organization, None, &patch).await?;
        Ok(())
    }

    pub async fn change_location(
        &self,
        organization: &OrganizationId,
        id: &LocationId,
        expected: Option<u64>,
        patch: &LocationPatch,
    ) -> Result<Location, AppError> {
        for _ in 0..CHANGES_MAX {
            let before = self.location(organization, id).await?;
            check_version(before.version, expected)?;
            let is_primary = self.organization(organization).await?.primary_location_id == *id;
            if is_primary && patch.is_primary == Some(false) {
                let detail = "make another location the primary one instead";
                return Err(AppError::conflict("location_is_primary", detail));
            }
            let mut after = before.clone();
            if let Some(name) = &patch.name {
                after.name = name.clone();
            }
            if let Some(address) = &patch.address {
                after.address = address.clone();
            }
            if let Some(kind) = patch.kind {
                after.kind = kind;
            }
            if after.kind != LocationKind::Warehouse && (is_primary || patch.is_primary == Some(true)) {
                return Err(primary_must_be_own());
            }
            if after.kind != before.kind {
                self.check_not_fba_location(organization, id).await?;
            }
            if after != before {
                after.version += 1;
                match self.store.update_location(organization, &after).await {
                    Err(StoreError::Conflict(_)) => continue,
                    Err(error) => return Err(error.into()),
                    Ok(()) => {}
                }
            }
            if patch.is_primary == Some(true) && !is_primary {
                self.make_primary(organization, id).await?;
            }
            return Ok(after);
        }
        Err(StoreError::Conflict("location").into())
    }

    /// The location of a connection's goods at Amazon stays of its kind. Errors: 409 `location_in_use`.
    async fn check_not_fba_location(
        &self,
        organization: &OrganizationId,
        id: &LocationId,
    ) -> Result<(), AppError> {
        match self
            .store
            .connections(organization)
            .await?
            .into_iter()
            .find(|connection| connection.settings.fba.as_ref().is_some_and(|fba| fba.location_id == *id))
        {
            None => Ok(()),
            Some(connection) => {
                let detail = format!("the connection {} counts its goods at Amazon there", connection.id);
                Err(AppError::conflict("location_in_use", detail))
            }
        }
    }

    /// Errors: 409 while it is the primary one, is mapped by a connection, or holds stock.
    pub async fn delete_location(
        &self,
        organization: &OrganizationId,
        id: &LocationId,
        expected: Option<u64>,
    ) -> Result<(), AppError> {
        let location = self.location(organization, id).await?;
        check_version(location.version, expected)?;
        if self.organization(organization).await?.primary_location_id == *id {
            return Err(AppError::conflict("location_is_primary", "the primary location cannot be deleted"));
        }
        for connection in self.store.connections(organization).await? {
            let settings = &connection.settings;
            let mapped = match &settings.location_mapping {
                LocationMapping::Selected { location_ids } => location_ids.contains(id),
                LocationMapping::All | LocationMapping::None => false,
            };
            let shown = settings.channel_locations.shown_at(id).is_some();
            let at_amazon = settings.fba.as_ref().is_some_and(|fba| fba.location_id == *id);
            if mapped || shown || at_amazon || settings.order_location_id.as_ref() == Some(id) {
                let detail = format!("the connection {} is mapped to it", connection.id);
                return Err(AppError::conflict("location_in_use", detail));
            }
        }
        if self.store.location_holds_stock(organization, id).await? {
            return Err(AppError::conflict("location_in_use", "there is stock at the location"));
        }
        Ok(self.store.delete_location(organization, id).await?)
    }
}
