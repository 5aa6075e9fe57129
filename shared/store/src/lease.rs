//! Leases: one holder at a time, for what must be done once (a token refresh).

use std::time::Duration;

use domain::{OrganizationId, Timestamp};

use crate::row::{n, s, time};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

impl Store {
    /// Takes the lease `name` (up to 900 bytes) for `holder` until `now + length`; false while another has it. Who has
    /// it already has it anew.
    pub async fn acquire_lease(
        &self,
        organization: &OrganizationId,
        name: &str,
        holder: &str,
        now: Timestamp,
        length: Duration,
    ) -> Result<bool, StoreError> {
        let until = now.checked_add(length).unwrap_or(Timestamp::MAX);
        let mut row = keys::lease(organization, name).into_row();
        row.insert("lease_holder".to_owned(), s(holder));
        row.insert("lease_until".to_owned(), time(until));
        row.insert(keys::EXPIRES_AT.to_owned(), n(until.as_second()));
        let step = Step::put(row)
            .only_if(
                "attribute_not_exists(pk) OR lease_until <= :now OR lease_holder = :holder",
                Refused::Exists("lease"),
            )
            .value(":now", time(now))
            .value(":holder", s(holder));
        self.write_if("take a lease", step).await
    }

    /// Gives the lease back if `holder` still has it.
    pub async fn release_lease(
        &self,
        organization: &OrganizationId,
        name: &str,
        holder: &str,
    ) -> Result<(), StoreError> {
        let step = Step::delete(keys::lease(organization, name))
            .only_if("lease_holder = :holder", Refused::Conflict("lease"))
            .value(":holder", s(holder));
        self.write_if("give a lease back", step).await.map(drop)
    }
}
