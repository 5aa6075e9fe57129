//! Sessions of people at the console: found by the digest of their token alone, gone by themselves.

use std::collections::BTreeSet;

use domain::stock::Actor;
use domain::{OrganizationId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::api_key::Scope;
use crate::row::{Reader, from_row, n, s, to_row};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

const WHAT: &str = "session";
const KEY_DIGEST: &str = "key";

/// Who a session stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// The API key with this digest.
    Key(String),
    /// Someone of a team, by the word of their identity provider.
    Member(SessionMember),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionMember {
    pub organization_id: OrganizationId,
    pub actor: Actor,
    pub scopes: BTreeSet<Scope>,
}

impl Store {
    /// `digest` is that of the session's token.
    pub async fn open_session(
        &self,
        digest: &str,
        holder: &Holder,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let key = keys::session(digest);
        let mut row = match holder {
            Holder::Key(key_digest) => {
                let mut row = key.into_row();
                row.insert(KEY_DIGEST.to_owned(), s(key_digest));
                row
            }
            Holder::Member(member) => to_row(WHAT, key, member)?,
        };
        row.insert(keys::EXPIRES_AT.to_owned(), n(expires_at.as_second()));
        let step = Step::put(row).only_if_new(Refused::Exists(WHAT));
        self.transact("open a session", vec![step]).await
    }

    /// Who the session stands for. Consistent: one that was ended opens no more.
    pub async fn session(&self, digest: &str, now: Timestamp) -> Result<Option<Holder>, StoreError> {
        let Some(row) = self.get("find a session", &keys::session(digest)).await? else { return Ok(None) };
        let reader = Reader::new(WHAT, &row);
        if reader.has_expired(now)? {
            return Ok(None);
        }
        if reader.has(KEY_DIGEST) {
            return Ok(Some(Holder::Key(reader.text(KEY_DIGEST)?.to_owned())));
        }
        from_row(WHAT, row).map(|member| Some(Holder::Member(member)))
    }

    /// Nothing where there is none.
    pub async fn end_session(&self, digest: &str) -> Result<(), StoreError> {
        self.transact("end a session", vec![Step::delete(keys::session(digest))]).await
    }
}
