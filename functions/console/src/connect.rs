//! Connecting a shop: its channel, its keys or the consent on the channel's own page.

use app::AppError;
use app::connection::{ConnectionPatch, CredentialFields, NewConnection};
use app::connection_settings::SettingsPatch;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use channels::Capability;
use domain::audit::AuditAction;
use domain::connection::ConnectionStatus;
use domain::{ChannelKind, Name};
use store::api_key::Scope;

use crate::Console;
use crate::connection::{connection_id, place};
use crate::fault::{Fault, explained};
use crate::form::{Fields, Posted};
use crate::names::channel;
use crate::page::{Section, Shell, render};
use crate::text::{ENGLISH, connect_help, credential};
use crate::visitor::{Visitor, done, go_saying};

struct ChannelCard {
    key: &'static str,
    name: &'static str,
    how: &'static str,
}

#[derive(Template)]
#[template(path = "connect_choose.html")]
struct ChoosePage {
    shell: Shell,
    channels: Vec<ChannelCard>,
}

pub async fn choose(visitor: Visitor) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let card = |kind: ChannelKind| ChannelCard {
        key: kind.as_str(),
        name: channel(kind),
        how: if channels::adapter(kind).consent().is_some() { ENGLISH.by_consent } else { ENGLISH.by_keys },
    };
    let page = ChoosePage {
        shell: Shell::new(&visitor, Section::Connections, ENGLISH.connect_shop),
        channels: ChannelKind::ALL.into_iter().map(card).collect(),
    };
    render(&visitor, &page)
}

struct CredentialField {
    name: &'static str,
    label: &'static str,
}

#[derive(Template)]
#[template(path = "connect.html")]
struct ConnectPage {
    shell: Shell,
    key: &'static str,
    channel: &'static str,
    steps: &'static [&'static str],
    has_consent: bool,
    wants_endpoint: bool,
    wants_marketplace: bool,
    taxes_missing: bool,
    fields: Vec<CredentialField>,
    name: String,
    endpoint: String,
    marketplace: String,
    currency: String,
    refused: Option<String>,
}

fn channel_of(text: &str) -> Result<ChannelKind, AppError> {
    text.parse().map_err(|_| AppError::NotFound("channel"))
}

/// What a person can bring; the application's own keys come last.
fn credential_fields(capability: &'static Capability) -> Vec<CredentialField> {
    let all = || capability.credentials_required.iter().chain(capability.credentials_optional).copied();
    let of_application = |name: &&str| capability.application_keys.contains(name);
    let own = all().filter(|name| !of_application(name));
    own.chain(all().filter(of_application))
        .map(|name| CredentialField { name, label: credential(name) })
        .collect()
}

fn form_page(
    console: &Console,
    visitor: &Visitor,
    kind: ChannelKind,
    said: &Fields,
    refused: Option<String>,
) -> Result<Response, Fault> {
    let adapter = channels::adapter(kind);
    let capability = adapter.capability();
    let page = ConnectPage {
        shell: Shell::new(visitor, Section::Connections, format!("{} {}", ENGLISH.connect, channel(kind))),
        key: kind.as_str(),
        channel: channel(kind),
        steps: connect_help(kind),
        has_consent: adapter.consent().is_some(),
        wants_endpoint: capability.home.is_none() || console.app.settings.custom_endpoints,
        wants_marketplace: matches!(kind, ChannelKind::Amazon | ChannelKind::Ebay),
        taxes_missing: capability.taxes_required && !visitor.organization.taxes_enabled,
        fields: credential_fields(capability),
        name: said.filled("name").map_or_else(|| channel(kind).to_owned(), str::to_owned),
        endpoint: said.text("endpoint").to_owned(),
        marketplace: said.text("marketplace").to_owned(),
        currency: visitor.organization.base_currency.to_string(),
        refused,
    };
    render(visitor, &page)
}

pub async fn form(
    State(console): State<Console>,
    visitor: Visitor,
    Path(kind): Path<String>,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    form_page(&console, &visitor, channel_of(&kind)?, &Fields::default(), None)
}

fn credentials(fields: &Fields, capability: &'static Capability) -> CredentialFields {
    let names = capability.credentials_required.iter().chain(capability.credentials_optional);
    names
        .filter_map(|name| Some(((*name).to_owned(), fields.filled(&format!("credential_{name}"))?.into())))
        .collect()
}

async fn try_connect(
    console: &Console,
    visitor: &Visitor,
    kind: ChannelKind,
    fields: &Fields,
) -> Result<store::connection::Connection, AppError> {
    let name = Name::parse(fields.text("name"))
        .map_err(|error| AppError::invalid("invalid_field", "/name", format!("name: {error}")))?;
    let marketplace = fields.text("marketplace").split([',', ' ']).filter(|name| !name.is_empty());
    let new = NewConnection {
        channel: kind,
        name,
        endpoint: fields.filled("endpoint").map(str::to_owned),
        marketplace: marketplace.map(|name| name.chars().take(100).collect()).take(30).collect(),
        credentials: credentials(fields, channels::adapter(kind).capability()),
        settings: SettingsPatch::default(),
        fba: None,
    };
    console.app.connect(visitor.id(), new).await
}

/// The shop is tried before it is kept. What was refused is said in the form, which keeps all but the secrets.
pub async fn connect(
    State(console): State<Console>,
    Path(kind): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let kind = channel_of(&kind)?;
    match try_connect(&console, &visitor, kind, &fields).await {
        Ok(connection) => {
            visitor.note(&console.app, AuditAction::ConnectionCreated, connection.id.as_str()).await;
            let waits = connection.status == ConnectionStatus::NeedsAuthorization;
            let said = if waits { ENGLISH.consent_next } else { ENGLISH.connected };
            Ok(go_saying(&place(&connection.id), said))
        }
        Err(error) => match explained(&error) {
            Some(text) => form_page(&console, &visitor, kind, &fields, Some(text)),
            None => Err(error.into()),
        },
    }
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage {
    shell: Shell,
    id: String,
    name: String,
    channel: &'static str,
    address: String,
}

/// The way to the channel's own page: a link, since a form of ours leads nowhere else.
pub async fn authorize(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let id = connection_id(&id)?;
    let connection = console.app.connection(visitor.id(), &id).await?;
    match console.app.authorize_connection(visitor.id(), &id).await {
        Ok(address) => {
            visitor.note(&console.app, AuditAction::ConnectionAuthorized, id.as_str()).await;
            let page = ConsentPage {
                shell: Shell::new(&visitor, Section::Connections, ENGLISH.authorize),
                id: id.to_string(),
                name: connection.name.as_str().to_owned(),
                channel: channel(connection.channel),
                address: address.into(),
            };
            render(&visitor, &page)
        }
        Err(error) => done(Err::<String, _>(error), &place(&id)),
    }
}

/// New keys, tried before they are kept.
pub async fn renew(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let id = connection_id(&id)?;
    let renewed = async {
        let connection = console.app.connection(visitor.id(), &id).await?;
        let given = credentials(&fields, channels::adapter(connection.channel).capability());
        let patch = ConnectionPatch { credentials: Some(given), ..ConnectionPatch::default() };
        console.app.change_connection(visitor.id(), &id, None, patch).await
    };
    let renewed = renewed.await;
    if renewed.is_ok() {
        visitor.note(&console.app, AuditAction::ConnectionChanged, id.as_str()).await;
    }
    done(renewed.map(|_| ENGLISH.keys_renewed), &place(&id))
}

/// The fields of new keys, for the settings of a connection.
pub struct KeyForm {
    pub fields: Vec<(&'static str, &'static str)>,
}

impl KeyForm {
    pub fn of(kind: ChannelKind) -> Self {
        let fields = credential_fields(channels::adapter(kind).capability());
        Self { fields: fields.into_iter().map(|field| (field.name, field.label)).collect() }
    }
}
