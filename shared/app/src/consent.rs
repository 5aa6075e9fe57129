//! The merchant's consent on the channel's own page: asked for, answered once, turned into credentials.
//!
//! OAuth 2.0 with `state` and PKCE (RFC 6749, RFC 7636, RFC 9700). A connection that waits for its first consent is made
//! by [`App::connect`] and goes again with a denial: an integration that was never allowed leaves nothing.
//!
//! Where the channel's server brings the answer itself (WooCommerce posts its keys), the merchant's browser comes after it
//! with the same state and is told how it went.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use channels::{ConsentAnswer, ConsentRequest};
use domain::connection::ConnectionStatus;
use domain::schedule::first_sync_after;
use domain::{ConnectionId, OrganizationId};
use secrecy::ExposeSecret;
use store::connection::Connection;
use store::consent::{OpenConsent, TakenConsent};
use url::Url;

use crate::connection::{Place, Trial, activate, trial_failed};
use crate::{App, AppError, secret};

/// Where channels send the merchant back to, below the public address.
pub const CALLBACK_PATH: &str = "v1/oauth/callback";

/// Who brought the answer to the callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BroughtBy {
    Browser,
    /// The channel's own, by a POST.
    Server,
}

impl App {
    /// The page where the merchant consents; good for [`store::consent::OPEN_FOR`].
    ///
    /// Errors: 409 `no_consent_page` for a channel that has none, `public_url_missing` where no channel can reach us.
    pub async fn authorize_connection(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Url, AppError> {
        let connection = self.connection(organization, id).await?;
        let shop = self.shop_of(connection).await?;
        let consent = shop.channel.consent().ok_or_else(|| {
            let detail =
                "This channel is connected by keys that its own settings page gives; PATCH the credentials.";
            AppError::conflict("no_consent_page", detail)
        })?;
        let redirect_uri = self.callback()?;
        let (state, code_verifier) = (secret::random("")?, secret::random("")?);
        let challenge = digest::digest(&digest::SHA256, code_verifier.expose_secret().as_bytes());
        let request = ConsentRequest {
            redirect_uri: &redirect_uri,
            state: state.expose_secret(),
            code_challenge: &URL_SAFE_NO_PAD.encode(challenge),
        };
        let page = consent.page(&shop.as_shop(), &request)?;
        let open =
            OpenConsent { organization_id: organization.clone(), connection_id: id.clone(), code_verifier };
        let digest = secret::digest(state.expose_secret());
        self.store.open_consent(&digest, &open, self.clock.now()).await?;
        Ok(page)
    }

    fn callback(&self) -> Result<Url, AppError> {
        self.settings.public_url.as_ref().and_then(|url| url.join(CALLBACK_PATH).ok()).ok_or_else(|| {
            let detail =
                "The deployment has no public address, so the channel could not send the merchant back.";
            AppError::conflict("public_url_missing", detail)
        })
    }

    /// What the merchant came back with, by the query of the callback and what was posted to it. The connection is active
    /// afterwards.
    ///
    /// Errors: 422 `consent_unknown` where nobody asked, or it was answered or is too old; `currency_mismatch` and the
    /// channel's own codes as for [`App::connect`]; 409 `consent_denied`, `another_account`, `already_connected`.
    pub async fn finish_consent(
        &self,
        query: &BTreeMap<String, String>,
        by: BroughtBy,
    ) -> Result<Connection, AppError> {
        let unknown = || {
            let detail = "This answer belongs to no open request, or to one that is too old. Start the authorization again.";
            AppError::invalid("consent_unknown", "/state", detail)
        };
        let state = query.get("state").ok_or_else(unknown)?;
        let now = self.clock.now();
        let digest = secret::digest(state);
        let open = match self.store.take_consent(&digest, now).await?.ok_or_else(unknown)? {
            TakenConsent::Open(open) => open,
            TakenConsent::Answered { organization_id, connection_id } if by == BroughtBy::Browser => {
                return self.connection(&organization_id, &connection_id).await;
            }
            TakenConsent::Answered { .. } => return Err(unknown()),
        };
        let before = self.connection(&open.organization_id, &open.connection_id).await?;
        let page = channels::adapter(before.channel).consent();
        let trial = if page.is_some_and(|page| page.is_denied(query)) {
            let detail = "The consent was refused on the channel's page; nothing was connected.";
            Err(AppError::conflict("consent_denied", detail))
        } else {
            self.redeem(&before, &open, query).await
        };
        match trial {
            Ok(trial) => {
                let connection = self.consented(&before, trial).await?;
                if by == BroughtBy::Server {
                    let (organization, id) = (&connection.organization_id, &connection.id);
                    self.store.note_consent_answered(&digest, organization, id, now).await?;
                }
                Ok(connection)
            }
            Err(error) => {
                let refused = matches!(error, AppError::Conflict { .. } | AppError::Invalid { .. });
                if before.connected_at.is_none() && refused {
                    self.store.delete_connection(&before.organization_id, &before.id).await?;
                }
                Err(error)
            }
        }
    }

    async fn redeem(
        &self,
        connection: &Connection,
        open: &OpenConsent,
        query: &BTreeMap<String, String>,
    ) -> Result<Trial, AppError> {
        let shop = self.shop_of(connection.clone()).await?;
        let consent = shop.channel.consent().ok_or(AppError::Internal("a channel lost its consent page"))?;
        let answer = ConsentAnswer {
            query,
            redirect_uri: &self.callback()?,
            code_verifier: open.code_verifier.expose_secret(),
        };
        let credentials = consent.redeem(&shop.as_shop(), &answer).await.map_err(trial_failed)?;
        let trial = self.try_shop(Place::of(connection, &shop.endpoint), credentials).await?;
        self.check_same_account(connection, &trial).await?;
        Ok(trial)
    }

    async fn consented(&self, before: &Connection, trial: Trial) -> Result<Connection, AppError> {
        let (organization, id) = (&before.organization_id, &before.id);
        self.store.replace_credentials(organization, id, &trial.credentials).await?;
        if before.connected_at.is_none() {
            // Orders placed before are not fetched by themselves: the shop's stock is without them already.
            self.store.advance_orders_watermark(organization, id, trial.channel_time).await?;
        }
        let now = self.clock.now();
        self.change(organization, id, None, false, |before| {
            let mut after = before.clone();
            after.facts = trial.identity.facts.clone();
            if before.status == ConnectionStatus::NeedsAuthorization {
                activate(&mut after, now);
            }
            if before.connected_at.is_none() {
                after.connected_at = Some(trial.channel_time);
                after.next_sync_at = now.checked_add(first_sync_after(before.channel)).ok();
            }
            Ok(after)
        })
        .await
    }
}
