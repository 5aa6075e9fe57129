//! A connection's credentials and webhook secret: sealed, in a row of their own, each in its own place.

use std::collections::BTreeMap;

use channels::Credentials;
use domain::{ConnectionId, OrganizationId};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::WHAT;
use crate::row::{Reader, Row, b, s};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

const CREDENTIALS: &str = "credentials";
const WEBHOOK_SECRET: &str = "webhook_secret";

/// Where a seal belongs: it opens in no other row and as nothing else.
fn context(organization: &OrganizationId, id: &ConnectionId, purpose: &str) -> String {
    format!("{organization}/{purpose}/{id}")
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unreadable("secrets of a connection", Box::new(error))
}

impl Store {
    pub(super) async fn secrets_row(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        credentials: &Credentials,
        webhook_secret: &SecretString,
    ) -> Result<Row, StoreError> {
        let credentials = self.sealed_credentials(organization, id, credentials).await?;
        let context = context(organization, id, WEBHOOK_SECRET);
        let webhook_secret = self.sealer.seal(&context, webhook_secret.expose_secret().as_bytes()).await?;
        let mut row = keys::connection_secrets(organization, id).into_row();
        row.insert(CREDENTIALS.to_owned(), b(credentials));
        row.insert(WEBHOOK_SECRET.to_owned(), b(webhook_secret));
        Ok(row)
    }

    async fn sealed_credentials(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        credentials: &Credentials,
    ) -> Result<Vec<u8>, StoreError> {
        let plain = Zeroizing::new(serde_json::to_vec(&credentials.expose()).map_err(unreadable)?);
        self.sealer.seal(&context(organization, id, CREDENTIALS), &plain).await
    }

    /// The plain text of one of the two; consistent, because a spent token must not be used again.
    async fn opened(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        purpose: &'static str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let key = keys::connection_secrets(organization, id);
        let Some(row) = self.get("read secrets of a connection", &key).await? else { return Ok(None) };
        let sealed = Reader::new(WHAT, &row).bytes(purpose)?;
        let plain = self.sealer.open(&context(organization, id, purpose), sealed).await?;
        Ok(Some(Zeroizing::new(plain)))
    }

    pub async fn credentials(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Option<Credentials>, StoreError> {
        let Some(plain) = self.opened(organization, id, CREDENTIALS).await? else { return Ok(None) };
        let fields: BTreeMap<String, String> = serde_json::from_slice(&plain).map_err(unreadable)?;
        Ok(Some(Credentials::from_exposed(fields)))
    }

    pub async fn webhook_secret(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Option<SecretString>, StoreError> {
        let Some(plain) = self.opened(organization, id, WEBHOOK_SECRET).await? else { return Ok(None) };
        let text = std::str::from_utf8(&plain).map_err(unreadable)?;
        Ok(Some(SecretString::from(text)))
    }

    /// Seals and stores credentials that a person gave; the webhook secret stays. [`StoreError::Conflict`] where the
    /// connection is gone.
    pub async fn replace_credentials(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        credentials: &Credentials,
    ) -> Result<(), StoreError> {
        let step = self.replacement(organization, id, credentials).await?;
        self.transact("replace credentials", vec![step]).await
    }

    /// As [`Store::replace_credentials`], but only while `holder` has the `lease`: whoever was so slow that another took
    /// the lease and renewed would put a spent token over the one that replaced it. False: it was so, and nothing was
    /// done.
    pub async fn renew_credentials(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        credentials: &Credentials,
        lease: &str,
        holder: &str,
    ) -> Result<bool, StoreError> {
        const OVERTAKEN: &str = "lease";
        let step = self.replacement(organization, id, credentials).await?;
        let held = Step::check(
            keys::lease(organization, lease),
            "lease_holder = :holder",
            Refused::Conflict(OVERTAKEN),
        )
        .value(":holder", s(holder));
        match self.transact("renew credentials", vec![step, held]).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict(OVERTAKEN)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn replacement(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        credentials: &Credentials,
    ) -> Result<Step, StoreError> {
        let sealed = self.sealed_credentials(organization, id, credentials).await?;
        Ok(Step::update(keys::connection_secrets(organization, id), "SET credentials = :sealed")
            .only_if("attribute_exists(pk)", Refused::Conflict(WHAT))
            .value(":sealed", b(sealed)))
    }
}
