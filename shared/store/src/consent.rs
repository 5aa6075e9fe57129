//! Consents that were asked for and not answered yet: found by the digest of their state alone, used once, gone by
//! themselves.

use domain::{ConnectionId, OrganizationId, Timestamp};
use jiff::SignedDuration;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use crate::row::{Reader, Row, b, n, s};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

const WHAT: &str = "consent";
const VERIFIER: &str = "verifier";

/// How long the merchant has on the channel's page.
pub const OPEN_FOR: SignedDuration = SignedDuration::from_mins(30);

/// What is asked for.
#[derive(Debug, Clone)]
pub struct OpenConsent {
    pub organization_id: OrganizationId,
    pub connection_id: ConnectionId,
    /// PKCE (RFC 7636): what the code is redeemed with.
    pub code_verifier: SecretString,
}

/// What was found under a state.
#[derive(Debug, Clone)]
pub enum TakenConsent {
    Open(OpenConsent),
    /// The channel's server brought the answer; the merchant's browser comes after it.
    Answered {
        organization_id: OrganizationId,
        connection_id: ConnectionId,
    },
}

fn context(digest: &str) -> String {
    format!("consent/{digest}")
}

impl Store {
    /// `digest` is that of the state, which is told to nobody but the channel.
    pub async fn open_consent(
        &self,
        digest: &str,
        consent: &OpenConsent,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let verifier = consent.code_verifier.expose_secret().as_bytes();
        let sealed = self.sealer.seal(&context(digest), verifier).await?;
        let mut row = row(digest, &consent.organization_id, &consent.connection_id, now);
        row.insert(VERIFIER.to_owned(), b(sealed));
        let step = Step::put(row).only_if_new(Refused::Exists(WHAT));
        self.transact("open a consent", vec![step]).await
    }

    /// That it was answered by the channel's server: for the merchant's browser, which brings the same state.
    pub async fn note_consent_answered(
        &self,
        digest: &str,
        organization: &OrganizationId,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let step = Step::put(row(digest, organization, connection, now)).only_if_new(Refused::Exists(WHAT));
        self.transact("note the answer of a consent", vec![step]).await
    }

    /// Takes it away: of two callers one gets it. `None` where there is none, or it came too late.
    pub async fn take_consent(
        &self,
        digest: &str,
        now: Timestamp,
    ) -> Result<Option<TakenConsent>, StoreError> {
        let key = keys::consent(digest);
        let Some(row) = self.get("find a consent", &key).await? else { return Ok(None) };
        let step = Step::delete(key).only_if("attribute_exists(pk)", Refused::Conflict(WHAT));
        if !self.write_if("take a consent", step).await? {
            return Ok(None);
        }
        let reader = Reader::new(WHAT, &row);
        if reader.has_expired(now)? {
            return Ok(None);
        }
        let organization_id = reader.parsed("organization_id")?;
        let connection_id = reader.parsed("connection_id")?;
        if !reader.has(VERIFIER) {
            return Ok(Some(TakenConsent::Answered { organization_id, connection_id }));
        }
        let plain = Zeroizing::new(self.sealer.open(&context(digest), reader.bytes(VERIFIER)?).await?);
        let verifier =
            std::str::from_utf8(&plain).map_err(|error| StoreError::Unreadable(WHAT, Box::new(error)))?;
        let code_verifier = SecretString::from(verifier);
        Ok(Some(TakenConsent::Open(OpenConsent { organization_id, connection_id, code_verifier })))
    }
}

/// Without a verifier: answered.
fn row(digest: &str, organization: &OrganizationId, connection: &ConnectionId, now: Timestamp) -> Row {
    let mut row = keys::consent(digest).into_row();
    row.insert("organization_id".to_owned(), s(organization.as_str()));
    row.insert("connection_id".to_owned(), s(connection.as_str()));
    let expires_at = now.checked_add(OPEN_FOR).unwrap_or(Timestamp::MAX);
    row.insert(keys::EXPIRES_AT.to_owned(), n(expires_at.as_second()));
    row
}
