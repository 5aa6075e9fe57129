//! Sessions of people at the console: found by the digest of their token alone, gone by themselves.

use domain::Timestamp;

use crate::row::{Reader, n, s};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

const WHAT: &str = "session";
const KEY_DIGEST: &str = "key";

impl Store {
    /// `digest` is that of the session's token, `key_digest` that of the API key it stands for.
    pub async fn open_session(
        &self,
        digest: &str,
        key_digest: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut row = keys::session(digest).into_row();
        row.insert(KEY_DIGEST.to_owned(), s(key_digest));
        row.insert(keys::EXPIRES_AT.to_owned(), n(expires_at.as_second()));
        let step = Step::put(row).only_if_new(Refused::Exists(WHAT));
        self.transact("open a session", vec![step]).await
    }

    /// The digest of the API key that the session stands for. Consistent: one that was ended opens no more.
    pub async fn session(&self, digest: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
        let Some(row) = self.get("find a session", &keys::session(digest)).await? else { return Ok(None) };
        let reader = Reader::new(WHAT, &row);
        if reader.has_expired(now)? {
            return Ok(None);
        }
        reader.text(KEY_DIGEST).map(|digest| Some(digest.to_owned()))
    }

    /// Nothing where there is none.
    pub async fn end_session(&self, digest: &str) -> Result<(), StoreError> {
        self.transact("end a session", vec![Step::delete(keys::session(digest))]).await
    }
}
