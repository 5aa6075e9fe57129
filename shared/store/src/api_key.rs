//! API keys: kept as a digest, found by it.

use std::collections::BTreeSet;

use domain::{ApiKeyId, OrganizationId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::read::Query;
use crate::row::{from_row, to_row};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    Read,
    Write,
    Admin,
    Pii,
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
            Self::Pii => "pii",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub organization_id: OrganizationId,
    pub name: String,
    pub scopes: BTreeSet<Scope>,
    /// SHA-256 of the secret, in hex. The secret has 256 random bits, so no slow hash is needed.
    pub digest: String,
    pub created_at: Timestamp,
}

const WHAT: &str = "api key";

/// The key as the organization's list has it and as its digest finds it: a key never changes, so that the second row can
/// hold all of it, and a request is let in by one read.
pub(crate) fn creation(key: &ApiKey) -> Result<[Step; 2], StoreError> {
    let listed = to_row(WHAT, keys::api_key(&key.organization_id, &key.id), key)?;
    let found = to_row(WHAT, keys::api_key_way(&key.digest), key)?;
    Ok([listed, found].map(|row| Step::put(row).only_if_new(Refused::Exists(WHAT))))
}

impl Store {
    /// [`StoreError::Exists`] where the id or the digest is there.
    pub async fn create_api_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        self.transact("create an api key", creation(key)?.to_vec()).await
    }

    /// Consistent: a new key opens at once, a deleted one no more.
    pub async fn api_key_by_digest(&self, digest: &str) -> Result<Option<ApiKey>, StoreError> {
        let row = self.get("find an api key", &keys::api_key_way(digest)).await?;
        row.map(|row| from_row(WHAT, row)).transpose()
    }

    /// All keys of the organization (at most 100 exist).
    pub async fn api_keys(&self, organization: &OrganizationId) -> Result<Vec<ApiKey>, StoreError> {
        let query = Query::of(keys::organization(organization)).prefix(keys::API_KEY).consistent();
        let rows = self.query_all("list api keys", &query).await?;
        rows.into_iter().map(|row| from_row(WHAT, row)).collect()
    }

    /// Whether there was one.
    pub async fn delete_api_key(
        &self,
        organization: &OrganizationId,
        id: &ApiKeyId,
    ) -> Result<bool, StoreError> {
        let operation = "delete an api key";
        let listed = keys::api_key(organization, id);
        let Some(row) = self.get(operation, &listed).await? else { return Ok(false) };
        let key: ApiKey = from_row(WHAT, row)?;
        let steps = [listed, keys::api_key_way(&key.digest)].map(Step::delete);
        self.transact(operation, steps.to_vec()).await?;
        Ok(true)
    }
}
