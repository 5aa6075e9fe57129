//! Whether, and where, a connection's goods at Amazon are tracked.

use domain::fba::{Fba, FbaRefused, check_enable};
use domain::{ConnectionId, LocationId, OrganizationId};
use store::connection::Connection;
use store::location::Location;

use crate::change::check_version;
use crate::{App, AppError};

pub(crate) fn fba_refused(why: FbaRefused) -> AppError {
    match why {
        FbaRefused::LocationMapping => AppError::conflict(why.code(), why.to_string()),
        FbaRefused::NotAnFbaLocation => AppError::invalid(why.code(), "/location_id", why),
        FbaRefused::NotInUnitedStates => AppError::invalid(why.code(), "", why),
    }
}

/// Where the connection's goods at Amazon are counted. Errors: 409 `fba_disabled`.
pub(crate) fn fba_of(connection: &Connection) -> Result<&Fba, AppError> {
    connection.settings.fba.as_ref().ok_or_else(fba_disabled)
}

pub(crate) fn fba_disabled() -> AppError {
    AppError::conflict(
        "fba_disabled",
        "FBA is not enabled for the connection: give it a location of the kind fba",
    )
}

/// Whether the connection's channel stores and ships goods itself.
pub(crate) fn has_fulfiller(connection: &Connection) -> bool {
    channels::adapter(connection.channel).fulfiller().is_some()
}

impl App {
    /// Tracks the connection's goods at Amazon in this location from now on; what was tracked in another stays there.
    /// Errors: 422 `fba_needs_country_us`, `location_not_fba`; 409 `fba_excludes_location_mapping`,
    /// `fba_not_supported`, `location_in_use`.
    pub async fn enable_fba(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        expected: Option<u64>,
        location: &LocationId,
    ) -> Result<Connection, AppError> {
        let before = self.connection(organization, id).await?;
        check_version(before.version, expected)?;
        let location = self.fba_location(organization, Some(&before.id), location).await?;
        let country = self.organization(organization).await?.country;
        self.change(organization, id, expected, false, |before| enabled(before, &country, &location)).await
    }

    /// Stock at Amazon is not tracked any more, and Amazon is asked to send nothing. What is in its location stays.
    pub async fn disable_fba(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        expected: Option<u64>,
    ) -> Result<Connection, AppError> {
        self.change(organization, id, expected, false, |before| {
            let mut after = before.clone();
            after.settings.fba = None;
            Ok(after)
        })
        .await
    }

    /// The location, which no other connection counts its goods in. `connection`: `None` for one to come.
    pub(crate) async fn fba_location(
        &self,
        organization: &OrganizationId,
        connection: Option<&ConnectionId>,
        location: &LocationId,
    ) -> Result<Location, AppError> {
        let found = self.store.location(organization, location).await?;
        let unknown = || AppError::invalid("not_found", "/location_id", "there is no such location");
        let found = found.ok_or_else(unknown)?;
        let others = self.store.connections(organization).await?;
        let taken = others.iter().find(|other| {
            Some(&other.id) != connection
                && other.settings.fba.as_ref().is_some_and(|fba| fba.location_id == *location)
        });
        match taken {
            None => Ok(found),
            Some(other) => {
                let detail = format!("the connection {} counts its goods at Amazon there", other.id);
                Err(AppError::conflict("location_in_use", detail))
            }
        }
    }
}

/// The connection with FBA tracked in the location.
pub(crate) fn enabled(
    before: &Connection,
    country: &str,
    location: &Location,
) -> Result<Connection, AppError> {
    if !has_fulfiller(before) {
        let detail = "the channel of the connection does not store goods for the merchant";
        return Err(AppError::conflict("fba_not_supported", detail));
    }
    check_enable(country, &before.settings.location_mapping, location.kind).map_err(fba_refused)?;
    let mut after = before.clone();
    after.settings.fba = Some(Fba { location_id: location.id.clone() });
    Ok(after)
}
