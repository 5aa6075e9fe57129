//! Speaking to a merchant's shop: credentials opened, tokens fresh, limits kept, refusals noted.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use channels::{Channel, ChannelError, Credentials, ErrorKind, Pace, Retry, Shop};
use domain::connection::ConnectionStatus;
use domain::{ChannelKind, ConnectionId, OrganizationId, Timestamp};
use futures_util::future::BoxFuture;
use store::connection::Connection;
use url::Url;

use crate::channel_time::Listening;
use crate::metric::{Metric, record};
use crate::{App, AppError, Learned};

/// How long before its end a token is renewed.
const TOKEN_MARGIN: Duration = Duration::from_secs(120);
/// How long one process may take for a refresh before another may try: longer than any function lives (90 s), so that none
/// is overtaken by another and asks with a token that the other has spent.
const REFRESH_LEASE: Duration = Duration::from_secs(120);
/// How long another's refresh is waited for before the work goes back to its queue.
const REFRESH_WAIT: Duration = PATIENCE;
/// Waits for the channel's limits are sat out up to this in all; longer ones go back to the queue. More than the 9.7 s
/// that a page of Shopify listings takes to earn on the Standard plan, and short enough that with the work's 45 s and a
/// call's 30 s a function ends within its timeout of 90 s.
const PATIENCE: Duration = Duration::from_secs(12);

/// A connection that can be spoken to.
pub struct OpenShop {
    pub connection: Connection,
    pub channel: &'static dyn Channel,
    pub(crate) endpoint: Url,
    /// With the application's keys.
    credentials: Credentials,
    pace: Arc<Pace>,
    transport: Listening,
}

/// What one call has to go by. `'e` is of whatever the caller's closure borrows: it outlives the call.
pub struct Call<'s, 'e> {
    pub channel: &'static dyn Channel,
    pub shop: Shop<'s>,
    outlived: PhantomData<&'s &'e ()>,
}

impl App {
    /// An active connection with its credentials, a fresh token where it needs one.
    pub async fn open_shop(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<OpenShop, AppError> {
        let connection =
            self.store.connection(organization, id).await?.ok_or(AppError::NotFound("connection"))?;
        match connection.status {
            ConnectionStatus::Active => {}
            ConnectionStatus::Inactive => {
                return Err(AppError::conflict(
                    "connection_inactive",
                    "The connection is disabled; enable it first.",
                ));
            }
            ConnectionStatus::NeedsAuthorization => {
                let detail = "The channel refuses the connection's credentials; authorize it again.";
                return Err(AppError::conflict("needs_authorization", detail));
            }
        }
        let mut shop = self.shop_of(connection).await?;
        if self.token_is_stale(&shop) {
            self.renew_token(&mut shop).await?;
        }
        Ok(shop)
    }

    /// As it stands, whatever its status and its token.
    pub(crate) async fn shop_of(&self, connection: Connection) -> Result<OpenShop, AppError> {
        let credentials = self.credentials_of(&connection).await?;
        let endpoint = Url::parse(&connection.endpoint)
            .map_err(|_| AppError::Internal("a stored endpoint cannot be read"))?;
        let Learned { pace, time } = self.learned(&connection.id);
        let transport =
            Listening { transport: Arc::clone(&self.transport), clock: Arc::clone(&self.clock), time };
        let channel = channels::adapter(connection.channel);
        Ok(OpenShop { connection, channel, endpoint, credentials, pace, transport })
    }

    async fn credentials_of(&self, connection: &Connection) -> Result<Credentials, AppError> {
        let kept = self.store.credentials(&connection.organization_id, &connection.id).await?;
        Ok(self.with_application(connection.channel, kept.ok_or(AppError::NotFound("connection"))?))
    }

    /// With our application's keys where the connection brings none of its own.
    pub(crate) fn with_application(&self, channel: ChannelKind, credentials: Credentials) -> Credentials {
        match self.settings.applications.get(&channel) {
            Some(keys) => credentials.or_application(keys, channels::adapter(channel).capability()),
            None => credentials,
        }
    }

    /// What a connection keeps: the application's keys change with the deployment.
    pub(crate) fn without_application(&self, channel: ChannelKind, credentials: Credentials) -> Credentials {
        match self.settings.applications.get(&channel) {
            Some(keys) => credentials.without_application(keys),
            None => credentials,
        }
    }

    fn token_is_stale(&self, shop: &OpenShop) -> bool {
        let ends = shop.channel.tokens().and_then(|tokens| tokens.expires_at(&shop.credentials));
        let now = shop.channel_time();
        ends.is_some_and(|ends| ends <= now || ends.duration_since(now).unsigned_abs() < TOKEN_MARGIN)
    }

    /// Renews the token once, whoever asks: a refresh token may be spent by its use.
    async fn renew_token(&self, shop: &mut OpenShop) -> Result<(), AppError> {
        let Some(tokens) = shop.channel.tokens() else { return Ok(()) };
        let organization = shop.connection.organization_id.clone();
        let id = shop.connection.id.clone();
        let lease = format!("token-{id}");
        let holder = self.ids.next(self.clock.now());
        let stale = shop.credentials.get("access_token").map(str::to_owned);
        for _ in 0..REFRESH_WAIT.as_secs() {
            let held = self
                .store
                .acquire_lease(&organization, &lease, &holder, self.clock.now(), REFRESH_LEASE)
                .await?;
            // Another may have done it while we waited or asked.
            let stored = self.credentials_of(&shop.connection).await?;
            if stored.get("access_token").map(str::to_owned) != stale {
                shop.credentials = stored;
                if held {
                    self.store.release_lease(&organization, &lease, &holder).await?;
                }
                return Ok(());
            }
            if !held {
                self.clock.sleep(Duration::from_secs(1)).await;
                continue;
            }
            shop.credentials = stored;
            let refreshed = tokens.refresh(&shop.as_shop()).await;
            let outcome = match refreshed {
                Ok(credentials) => {
                    let store = &self.store;
                    let kept = self.without_application(shop.connection.channel, credentials.clone());
                    match store.renew_credentials(&organization, &id, &kept, &lease, &holder).await {
                        Ok(true) => {
                            shop.credentials = credentials;
                            Ok(())
                        }
                        // Overtaken: what the other stored is the newer, and is found at the top.
                        Ok(false) => continue,
                        Err(error) => Err(error.into()),
                    }
                }
                Err(error) => Err(self.note_refusal(shop, error).await),
            };
            self.store.release_lease(&organization, &lease, &holder).await?;
            return outcome;
        }
        let error =
            ChannelError::new(ErrorKind::Unavailable, "renew the access token", "another renews it still");
        Err(error.into())
    }

    /// One call to the channel. Short waits that the channel's limits ask for are sat out; a token that is refused
    /// before its time is renewed once; credentials that stay refused put the connection into
    /// `needs_authorization`.
    pub async fn call<'e, T: Send>(
        &self,
        shop: &mut OpenShop,
        operation: impl for<'s> Fn(Call<'s, 'e>) -> BoxFuture<'s, Result<T, ChannelError>> + Send + Sync,
    ) -> Result<T, AppError> {
        let mut renewed = false;
        let mut corrected = false;
        let mut waited = Duration::ZERO;
        loop {
            let ahead_ms = shop.transport.time.ahead_ms();
            let call = Call { channel: shop.channel, shop: shop.as_shop(), outlived: PhantomData };
            let result = operation(call).await;
            let error = match result {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if error.kind == ErrorKind::Throttled {
                record(Metric::ChannelThrottles, Some(shop.connection.channel), 1);
            }
            match (error.kind, error.retry) {
                // Signed by the wrong clock; the refusal told the right one.
                (ErrorKind::Unauthorized | ErrorKind::Unavailable, _)
                    if !corrected && shop.transport.time.ahead_ms() != ahead_ms =>
                {
                    corrected = true;
                }
                (ErrorKind::Unauthorized, _) if !renewed && shop.channel.tokens().is_some() => {
                    renewed = true;
                    self.renew_token(shop).await?;
                }
                (ErrorKind::Throttled, Retry::After(wait)) if waited + wait <= PATIENCE => {
                    waited += wait;
                    self.clock.sleep(wait).await;
                }
                _ => return Err(self.note_refusal(shop, error).await),
            }
        }
    }

    async fn note_refusal(&self, shop: &OpenShop, error: ChannelError) -> AppError {
        if error.kind == ErrorKind::Unauthorized {
            let connection = &shop.connection;
            let reason =
                AppError::Channel(ChannelError::new(error.kind, error.operation, error.detail.clone()))
                    .advice();
            let noted = self
                .store
                .mark_needs_authorization(&connection.organization_id, &connection.id, &reason)
                .await;
            if let Err(cause) = noted {
                return cause.into();
            }
        }
        error.into()
    }
}

impl OpenShop {
    /// What time it is at the channel, as far as it was heard.
    pub fn channel_time(&self) -> Timestamp {
        self.transport.time.at_channel(self.transport.clock.now())
    }

    /// When the channel's last answer was true, by the channel itself: how far a list was read that it gave. Our own clock
    /// does not stand between, which may be set while the answer is worked on.
    pub(crate) fn answered_at(&self) -> Timestamp {
        self.transport.time.said(self.transport.clock.now())
    }

    pub(crate) fn as_shop(&self) -> Shop<'_> {
        Shop {
            endpoint: &self.endpoint,
            marketplaces: &self.connection.marketplace,
            credentials: &self.credentials,
            facts: &self.connection.facts,
            currency: self.connection.currency,
            transport: &self.transport,
            pace: &self.pace,
            now: self.channel_time(),
        }
    }
}
