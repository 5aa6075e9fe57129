//! Sessions: an API key, or a team's token, exchanged for a token that a browser may hold.
//!
//! A session stands for who opened it and can do no more: where the key is deleted, its sessions open nothing; a member's
//! ends with the token that opened it.

use std::collections::BTreeSet;

use domain::stock::Actor;
use domain::{OrganizationId, Timestamp};
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use store::api_key::Scope;
use store::session::{Holder, SessionMember};

use crate::member::Member;
use crate::{App, AppError, secret};

/// A working day, and no more.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(12);

/// Whose session it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    pub organization_id: OrganizationId,
    pub actor: Actor,
    pub scopes: BTreeSet<Scope>,
}

impl App {
    /// The token of a new session; `None` for a key that opens nothing.
    pub async fn sign_in(&self, key: &str) -> Result<Option<SecretString>, AppError> {
        let key_digest = secret::digest(key);
        if self.store.api_key_by_digest(&key_digest).await?.is_none() {
            return Ok(None);
        }
        self.open_session(&Holder::Key(key_digest), Timestamp::MAX).await.map(|(token, _)| Some(token))
    }

    /// The token of a new session of someone of a team, and when it ends.
    pub async fn sign_in_member(&self, member: &Member) -> Result<(SecretString, Timestamp), AppError> {
        let holder = Holder::Member(SessionMember {
            organization_id: member.organization_id.clone(),
            actor: member.actor.clone(),
            scopes: member.scopes.clone(),
        });
        self.open_session(&holder, member.until).await
    }

    async fn open_session(
        &self,
        holder: &Holder,
        until: Timestamp,
    ) -> Result<(SecretString, Timestamp), AppError> {
        let token = secret::random("")?;
        let expires_at = self.clock.now().checked_add(LIFETIME).unwrap_or(Timestamp::MAX).min(until);
        self.store.open_session(&secret::digest(token.expose_secret()), holder, expires_at).await?;
        Ok((token, expires_at))
    }

    /// Whose session it is, while it lasts and its key does.
    pub async fn signed_in(&self, token: &str) -> Result<Option<SignedIn>, AppError> {
        let found = self.store.session(&secret::digest(token), self.clock.now()).await?;
        Ok(match found {
            None => None,
            Some(Holder::Member(SessionMember { organization_id, actor, scopes })) => {
                Some(SignedIn { organization_id, actor, scopes })
            }
            Some(Holder::Key(digest)) => self.store.api_key_by_digest(&digest).await?.map(|key| SignedIn {
                organization_id: key.organization_id,
                actor: Actor::ApiKey(key.id.to_string()),
                scopes: key.scopes,
            }),
        })
    }

    /// Nothing where there is no such session.
    pub async fn sign_out(&self, token: &str) -> Result<(), AppError> {
        Ok(self.store.end_session(&secret::digest(token)).await?)
    }
}
