//! Connections: tried against the channel before they are stored, changed, switched off and on.

use std::sync::Arc;

use channels::credentials::InvalidCredentials;
use channels::{
    ACCOUNT, Authorization, ChannelError, Closed, Credentials, ErrorKind, Pace, Shop, ShopFacts, ShopIdentity,
};
use domain::connection::{ConnectionSettings, ConnectionStatus};
use domain::schedule::first_sync_after;
use domain::{ChannelKind, ConnectionId, Currency, LocationId, Name, OrganizationId, Timestamp};
use secrecy::SecretString;
use store::StoreError;
use store::connection::{Connection, ConnectionState};
use url::Url;

use crate::change::{CHANGES_MAX, check_version, not_hex};
use crate::channel_location::{MAP, check_has_locations};
use crate::channel_time::{ChannelTime, Listening};
use crate::connection_settings::{SettingsPatch, patched};
use crate::{App, AppError, secret};

/// Connections of an organization.
pub const CONNECTIONS_MAX: usize = 100;
const ENDPOINT_BYTES_MAX: usize = 2_048;

/// Named secrets as they were sent in.
pub type CredentialFields = Vec<(String, SecretString)>;

#[derive(Debug, Clone)]
pub struct NewConnection {
    pub channel: ChannelKind,
    pub name: Name,
    pub endpoint: Option<String>,
    pub marketplace: Vec<String>,
    pub credentials: CredentialFields,
    pub settings: SettingsPatch,
    /// Where its goods at Amazon are counted from the beginning.
    pub fba: Option<LocationId>,
}

/// What a trial needs beside credentials.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    kind: ChannelKind,
    endpoint: &'a Url,
    marketplaces: &'a [String],
    facts: &'a ShopFacts,
    currency: Currency,
}

impl<'a> Place<'a> {
    pub(crate) fn of(connection: &'a Connection, endpoint: &'a Url) -> Self {
        Self {
            kind: connection.channel,
            endpoint,
            marketplaces: &connection.marketplace,
            facts: &connection.facts,
            currency: connection.currency,
        }
    }
}

/// A shop that was reached.
pub(crate) struct Trial {
    pub identity: ShopIdentity,
    /// As they are now: a token may have been renewed; without the application's keys.
    pub credentials: Credentials,
    pub channel_time: Timestamp,
}

/// What changes; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ConnectionPatch {
    pub name: Option<Name>,
    pub credentials: Option<CredentialFields>,
    pub settings: SettingsPatch,
}

/// The store's address, or the home of a hosted channel, without a slash at its end. Another address than its home is a
/// hosted channel's only where `custom` says so.
fn parse_endpoint(endpoint: Option<&str>, home: Option<&str>, custom: bool) -> Result<Url, AppError> {
    let refused = |detail: &str| AppError::invalid("invalid_field", "/endpoint", detail);
    let text = endpoint.or(home).ok_or_else(|| refused("must be given: the address of the store"))?.trim();
    if home.is_some_and(|home| home != text.trim_end_matches('/')) && !custom {
        return Err(refused("must be left out: this deployment speaks to the marketplace itself"));
    }
    if text.len() > ENDPOINT_BYTES_MAX {
        return Err(refused("must not be longer than 2048 bytes"));
    }
    let mut url = Url::parse(text).map_err(|_| refused("must be an absolute http or https address"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refused("must be an absolute http or https address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("must not hold a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("must not have a query or fragment"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

const CONSENT_TO_COME: &str = "The merchant's consent is still to come: open the address that POST /v1/connections/{id}/authorize gives.";

/// Whether what was sent in lacks what the channel's own page gives: something required that is not the application's,
/// or everything. Of a channel of keys everything: half a pair is a mistake.
fn waits_for_consent(channel: ChannelKind, credentials: &Credentials) -> bool {
    let channel = channels::adapter(channel);
    let capability = channel.capability();
    let lacks =
        |field: &&&str| !capability.application_keys.contains(*field) && credentials.get(field).is_none();
    let nothing = credentials.expose().is_empty();
    let partly = || capability.credentials_required.iter().any(|field| lacks(&field));
    channel.consent().is_some() && (nothing || capability.authorization == Authorization::Oauth2 && partly())
}

fn invalid_credentials(error: InvalidCredentials) -> AppError {
    let field = error.field().replace('~', "~0").replace('/', "~1");
    AppError::invalid("invalid_credentials", format!("/credentials/{field}"), error)
}

/// What of the input a trial proved wrong. An outage of the channel says nothing about the input.
pub(crate) fn trial_failed(error: ChannelError) -> AppError {
    let pointer = match error.kind {
        ErrorKind::Unauthorized | ErrorKind::Forbidden => "/credentials",
        ErrorKind::AddressRefused | ErrorKind::NotThisChannel => "/endpoint",
        ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Rejected | ErrorKind::Malformed => {
            return error.into();
        }
    };
    AppError::invalid(error.kind.code(), pointer, error)
}

impl App {
    pub async fn connection(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Connection, AppError> {
        self.store.connection(organization, id).await?.ok_or(AppError::NotFound("connection"))
    }

    /// Tried against the channel before it is stored. One that brings no authorization waits for the merchant's consent
    /// ([`App::authorize_connection`]), where the channel has a page for it.
    ///
    /// Errors: 422 with the channel's own code where the trial fails, `currency_mismatch`, `taxes_disabled`,
    /// `marketplace_not_enabled`; 409
    /// `already_connected`; those of [`App::enable_fba`].
    pub async fn connect(
        &self,
        organization_id: &OrganizationId,
        new: NewConnection,
    ) -> Result<Connection, AppError> {
        let organization = self.organization(organization_id).await?;
        let capability = channels::adapter(new.channel).capability();
        let home = capability.home;
        if capability.taxes_required && !organization.taxes_enabled {
            let detail =
                format!("{} needs taxes: switch taxes_enabled on in the organization first", capability.name);
            return Err(AppError::invalid("taxes_disabled", "/channel", detail));
        }
        self.check_open(new.channel, &new.marketplace)?;
        let endpoint = parse_endpoint(new.endpoint.as_deref(), home, self.settings.custom_endpoints)?;
        let credentials = Credentials::parse(new.credentials, capability).map_err(invalid_credentials)?;
        let waits = waits_for_consent(new.channel, &credentials);
        let credentials = self.with_application(new.channel, credentials);
        if !waits {
            credentials.check_complete(capability).map_err(invalid_credentials)?;
        }
        let locations = self.store.locations(organization_id).await?;
        let settings = patched(&ConnectionSettings::default(), &new.settings, &locations)?;
        if let Some(map) = new.settings.location_mapping.channel_locations.filter(|map| !map.is_empty()) {
            check_has_locations(new.channel, &map)?;
            return Err(AppError::invalid("invalid_field", MAP, "can be given once the shop is connected"));
        }
        let stored_endpoint = endpoint.as_str().trim_end_matches('/').to_owned();
        if home.is_none() {
            self.check_not_connected(organization_id, new.channel, &stored_endpoint, None).await?;
        }
        let now = self.clock.now();
        let mut connection = Connection {
            id: ConnectionId::from_body(&self.ids.next(now)).map_err(not_hex)?,
            organization_id: organization_id.clone(),
            channel: new.channel,
            name: new.name,
            endpoint: stored_endpoint,
            marketplace: new.marketplace,
            status: ConnectionStatus::NeedsAuthorization,
            status_reason: Some(CONSENT_TO_COME.to_owned()),
            settings,
            currency: organization.base_currency,
            facts: ShopFacts::default(),
            created_at: now,
            connected_at: None,
            next_sync_at: None,
            version: 1,
        };
        if let Some(location) = &new.fba {
            let location = self.fba_location(organization_id, None, location).await?;
            connection = crate::fba::enabled(&connection, &organization.country, &location)?;
        }
        if waits {
            let kept = self.without_application(new.channel, credentials);
            return self.keep_connection(connection, &kept, now).await;
        }
        let trial = self.try_shop(Place::of(&connection, &endpoint), credentials).await?;
        if home.is_some() {
            let account = trial.identity.facts.get(ACCOUNT).map(String::as_str);
            let endpoint = &connection.endpoint;
            self.check_not_connected(organization_id, new.channel, endpoint, account).await?;
        }
        let now = self.clock.now();
        connection.status = ConnectionStatus::Active;
        connection.status_reason = None;
        connection.facts = trial.identity.facts;
        connection.created_at = now;
        connection.connected_at = Some(trial.channel_time);
        connection.next_sync_at = now.checked_add(first_sync_after(new.channel)).ok();
        self.keep_connection(connection, &trial.credentials, trial.channel_time).await
    }

    /// The deployment decides in which countries a channel may be connected that is opened country by country.
    fn check_open(&self, channel: ChannelKind, marketplaces: &[String]) -> Result<(), AppError> {
        let channel = channels::adapter(channel);
        let open = &self.settings.editions;
        let Some(Closed { position, country }) = channel.closed_marketplace(marketplaces, open) else {
            return Ok(());
        };
        let pointer = position.map_or_else(|| "/marketplace".to_owned(), |at| format!("/marketplace/{at}"));
        let name = channel.capability().name;
        let detail = format!(
            "{name} {country} is not enabled in this deployment, which connects {name} in {open}; whoever runs it can add {country} to AmazonMarketplaces (--amazon-marketplaces on one machine)"
        );
        Err(AppError::invalid("marketplace_not_enabled", pointer, detail))
    }

    /// Orders placed before `orders_from`, by the channel's clock, are not fetched by themselves: the shop's stock is
    /// without them already.
    async fn keep_connection(
        &self,
        connection: Connection,
        credentials: &Credentials,
        orders_from: Timestamp,
    ) -> Result<Connection, AppError> {
        let state = ConnectionState {
            orders_watermark: orders_from,
            items_watermark: None,
            webhooks_checked_at: None,
            reconciled_at: None,
            zeroed: None,
        };
        let webhook_secret = secret::random("")?;
        self.store.create_connection(&connection, credentials, &webhook_secret, &state).await?;
        Ok(connection)
    }

    pub(crate) async fn check_not_connected(
        &self,
        organization: &OrganizationId,
        channel: ChannelKind,
        endpoint: &str,
        account: Option<&str>,
    ) -> Result<(), AppError> {
        let connections = self.store.connections(organization).await?;
        let is_same = |c: &&Connection| {
            c.channel == channel
                && c.endpoint == endpoint
                && c.facts.get(ACCOUNT).map(String::as_str) == account
        };
        if let Some(same) = connections.iter().find(is_same) {
            let detail = format!("this store is connected already: {}", same.id);
            return Err(AppError::conflict("already_connected", detail));
        }
        if connections.len() >= CONNECTIONS_MAX {
            let detail = format!("there are {CONNECTIONS_MAX} connections already");
            return Err(AppError::conflict("too_many_connections", detail));
        }
        Ok(())
    }

    /// Asks who is there, with a fresh token where the channel's access expires. The credentials may have been renewed:
    /// they are the ones to keep.
    pub(crate) async fn try_shop(
        &self,
        place: Place<'_>,
        mut credentials: Credentials,
    ) -> Result<Trial, AppError> {
        let Place { kind, endpoint, marketplaces, facts, currency } = place;
        let channel = channels::adapter(kind);
        let pace = Pace::default();
        let time = Arc::<ChannelTime>::default();
        let listening = Listening {
            transport: Arc::clone(&self.transport),
            clock: Arc::clone(&self.clock),
            time: Arc::clone(&time),
        };
        let transport = &listening;
        let mut ahead_ms = 0;
        let now = self.clock.now();
        let mut stale =
            channel.tokens().and_then(|tokens| tokens.expires_at(&credentials)).is_some_and(|end| end <= now);
        loop {
            let now = time.at_channel(self.clock.now());
            let shop = Shop {
                endpoint,
                marketplaces,
                credentials: &credentials,
                facts,
                currency,
                transport,
                pace: &pace,
                now,
            };
            if let (true, Some(tokens)) = (stale, channel.tokens()) {
                let renewed = tokens.refresh(&shop).await.map_err(trial_failed)?;
                credentials = renewed;
            }
            let shop = Shop {
                endpoint,
                marketplaces,
                credentials: &credentials,
                facts,
                currency,
                transport,
                pace: &pace,
                now,
            };
            match channel.identify(&shop).await {
                Ok(identity) if identity.currency != currency => {
                    let detail = format!(
                        "the shop sells in {}, the organization's base currency is {currency}",
                        identity.currency
                    );
                    return Err(AppError::invalid("currency_mismatch", "/endpoint", detail));
                }
                Ok(identity) => {
                    let channel_time = time.said(self.clock.now());
                    let credentials = self.without_application(kind, credentials);
                    return Ok(Trial { identity, credentials, channel_time });
                }
                // Signed by the wrong clock; the refusal told the right one.
                Err(error)
                    if matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Unavailable)
                        && time.ahead_ms() != ahead_ms =>
                {
                    ahead_ms = time.ahead_ms();
                }
                // A token given without its end may be spent: one renewal tells.
                Err(error)
                    if error.kind == ErrorKind::Unauthorized && !stale && channel.tokens().is_some() =>
                {
                    stale = true;
                }
                Err(error) => return Err(trial_failed(error)),
            }
        }
    }

    /// New credentials are tried first. What makes listings show another number starts a stock sync.
    pub async fn change_connection(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        expected: Option<u64>,
        patch: ConnectionPatch,
    ) -> Result<Connection, AppError> {
        self.change_connection_as(organization, id, expected, patch, false).await
    }

    /// `approved`: a person saw what it takes to zero.
    pub(crate) async fn change_connection_as(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        expected: Option<u64>,
        patch: ConnectionPatch,
        approved: bool,
    ) -> Result<Connection, AppError> {
        let before = self.connection(organization, id).await?;
        check_version(before.version, expected)?;
        let locations = self.store.locations(organization).await?;
        // What is wrong with the settings is said before a channel is asked.
        patched(&before.settings, &patch.settings, &locations)?;
        let map = patch.settings.location_mapping.channel_locations.as_deref();
        self.check_channel_locations(&before, map).await?;
        let renewed = match patch.credentials {
            None => None,
            Some(fields) => Some(self.try_credentials(&before, fields).await?),
        };
        if let Some(Trial { credentials, .. }) = &renewed {
            self.store.replace_credentials(organization, id, credentials).await?;
        }
        let now = self.clock.now();
        self.change(organization, id, expected, approved, |before| {
            let mut after = before.clone();
            after.settings = patched(&before.settings, &patch.settings, &locations)?;
            if let Some(name) = &patch.name {
                after.name = name.clone();
            }
            if let Some(Trial { identity, .. }) = &renewed {
                after.facts = identity.facts.clone();
                if after.status == ConnectionStatus::NeedsAuthorization {
                    activate(&mut after, now);
                }
            }
            let interval = after.settings.sync_interval_minutes;
            if interval != before.settings.sync_interval_minutes {
                let soonest = now.checked_add(interval.duration()).ok();
                after.next_sync_at =
                    after.next_sync_at.map(|at| soonest.map_or(at, |soonest| at.min(soonest)));
            }
            Ok(after)
        })
        .await
    }

    async fn try_credentials(
        &self,
        connection: &Connection,
        fields: CredentialFields,
    ) -> Result<Trial, AppError> {
        let capability = channels::adapter(connection.channel).capability();
        let credentials = Credentials::parse(fields, capability).map_err(invalid_credentials)?;
        let credentials = self.with_application(connection.channel, credentials);
        credentials.check_complete(capability).map_err(invalid_credentials)?;
        let endpoint = Url::parse(&connection.endpoint)
            .map_err(|_| AppError::Internal("a stored endpoint cannot be read"))?;
        let trial = self.try_shop(Place::of(connection, &endpoint), credentials).await?;
        self.check_same_account(connection, &trial).await?;
        Ok(trial)
    }

    /// A hosted channel's account stays a connection's own: its listings and orders are that account's.
    pub(crate) async fn check_same_account(
        &self,
        connection: &Connection,
        trial: &Trial,
    ) -> Result<(), AppError> {
        let account = trial.identity.facts.get(ACCOUNT);
        match connection.facts.get(ACCOUNT) {
            Some(known) if account != Some(known) => {
                let detail = "The authorization is another account's than the one that is connected. Connect that account on its own.";
                Err(AppError::conflict("another_account", detail))
            }
            None if channels::adapter(connection.channel).capability().home.is_some() => {
                self.check_not_connected(
                    &connection.organization_id,
                    connection.channel,
                    &connection.endpoint,
                    account.map(String::as_str),
                )
                .await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Errors: 409 `needs_authorization` where the channel refuses the credentials: new ones make it active.
    pub async fn enable_connection(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Connection, AppError> {
        let now = self.clock.now();
        self.change(organization, id, None, false, |before| {
            let mut after = before.clone();
            match before.status {
                ConnectionStatus::Active => {}
                ConnectionStatus::Inactive => activate(&mut after, now),
                ConnectionStatus::NeedsAuthorization => {
                    let detail = "the channel refuses the connection's credentials; give new ones";
                    return Err(AppError::conflict("needs_authorization", detail));
                }
            }
            Ok(after)
        })
        .await
    }

    /// Nothing is fetched or pushed any more; settings and links stay.
    pub async fn disable_connection(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
    ) -> Result<Connection, AppError> {
        self.change(organization, id, None, false, |before| {
            let mut after = before.clone();
            after.status = ConnectionStatus::Inactive;
            after.status_reason = None;
            after.next_sync_at = None;
            Ok(after)
        })
        .await
    }

    pub async fn delete_connection(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        expected: Option<u64>,
    ) -> Result<(), AppError> {
        let connection = self.connection(organization, id).await?;
        check_version(connection.version, expected)?;
        Ok(self.store.delete_connection(organization, id).await?)
    }

    pub(crate) async fn change(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        expected: Option<u64>,
        approved: bool,
        decide: impl Fn(&Connection) -> Result<Connection, AppError> + Send + Sync,
    ) -> Result<Connection, AppError> {
        for _ in 0..CHANGES_MAX {
            let before = self.connection(organization, id).await?;
            check_version(before.version, expected)?;
            let mut after = decide(&before)?;
            if after == before {
                return Ok(before);
            }
            after.version += 1;
            match self.store.update_connection(&after).await {
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    if shows_other_numbers(&before, &after) {
                        self.start_stock_sync(&after, approved).await?;
                    }
                    return Ok(after);
                }
            }
        }
        Err(StoreError::Conflict("connection").into())
    }
}

/// What was missed meanwhile is fetched at once, but not before the connection's first sync is due.
pub(crate) fn activate(connection: &mut Connection, now: Timestamp) {
    connection.status = ConnectionStatus::Active;
    connection.status_reason = None;
    let first = connection.created_at.checked_add(first_sync_after(connection.channel)).unwrap_or(now);
    connection.next_sync_at = Some(first.max(now));
}

/// By location, a bundle is shown where its orders are taken from.
fn shows_bundles_where_it_did(before: &Connection, after: &Connection) -> bool {
    after.settings.channel_locations.is_empty()
        || before.settings.order_location_id == after.settings.order_location_id
}

fn shows_other_numbers(before: &Connection, after: &Connection) -> bool {
    let pushes = |connection: &Connection| connection.settings.pushes(connection.status).is_ok();
    let same = before.settings.stock_rule == after.settings.stock_rule
        && before.settings.location_mapping == after.settings.location_mapping
        && before.settings.channel_locations == after.settings.channel_locations
        && shows_bundles_where_it_did(before, after);
    pushes(after) && (!pushes(before) || !same)
}
