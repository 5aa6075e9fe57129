//! Sessions: an API key exchanged for a token that a browser may hold.
//!
//! A session stands for its key and can do no more: where the key is deleted, its sessions open nothing.

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use store::api_key::ApiKey;

use crate::{App, AppError, secret};

/// A working day, and no more.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(12);

impl App {
    /// The token of a new session; `None` for a key that opens nothing.
    pub async fn sign_in(&self, key: &str) -> Result<Option<SecretString>, AppError> {
        let key_digest = secret::digest(key);
        if self.store.api_key_by_digest(&key_digest).await?.is_none() {
            return Ok(None);
        }
        let token = secret::random("")?;
        let expires_at = self.clock.now().checked_add(LIFETIME).unwrap_or(domain::Timestamp::MAX);
        let digest = secret::digest(token.expose_secret());
        self.store.open_session(&digest, &key_digest, expires_at).await?;
        Ok(Some(token))
    }

    /// Whose session it is, while it lasts and the key does.
    pub async fn signed_in(&self, token: &str) -> Result<Option<ApiKey>, AppError> {
        let found = self.store.session(&secret::digest(token), self.clock.now()).await?;
        let Some(key_digest) = found else { return Ok(None) };
        Ok(self.store.api_key_by_digest(&key_digest).await?)
    }

    /// Nothing where there is no such session.
    pub async fn sign_out(&self, token: &str) -> Result<(), AppError> {
        Ok(self.store.end_session(&secret::digest(token)).await?)
    }
}
