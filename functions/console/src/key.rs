//! `/keys`: the organization's API keys. A key's secret is shown on the page that makes it, and nowhere else.

use std::collections::BTreeSet;

use app::AppError;
use app::organization::{KEY_MADE_BEFORE, NewApiKey};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::ApiKeyId;
use domain::audit::AuditAction;
use domain::stock::Actor;
use secrecy::ExposeSecret;
use store::api_key::{ApiKey, Scope};

use crate::Console;
use crate::fault::{Fault, explained};
use crate::form::Posted;
use crate::order::word;
use crate::order_page::TEXT_MAX;
use crate::page::{Choice, Moment, Section, Shell, render};
use crate::text::{ENGLISH, scope};
use crate::visitor::{Visitor, done};

struct KeyRow {
    id: String,
    name: String,
    scopes: Vec<&'static str>,
    created: Moment,
    /// The session's own: revoked, it ends with it.
    own: bool,
    /// Made by an earlier sending of the form that was just sent.
    again: bool,
}

#[derive(Template)]
#[template(path = "keys.html")]
struct KeysPage {
    shell: Shell,
    rows: Vec<KeyRow>,
    scopes: Vec<Choice>,
    name: String,
    once: String,
    fresh: Option<String>,
    again: bool,
    refused: Option<String>,
}

const SCOPES: [Scope; 4] = [Scope::Read, Scope::Write, Scope::Admin, Scope::Pii];

fn row(key: ApiKey, visitor: &Visitor, again: Option<&ApiKeyId>) -> KeyRow {
    KeyRow {
        again: again == Some(&key.id),
        scopes: key.scopes.iter().map(|one| one.as_str()).collect(),
        created: visitor.at(key.created_at),
        own: visitor.actor() == Actor::ApiKey(key.id.to_string()),
        id: key.id.to_string(),
        name: key.name,
    }
}

/// What the form came to.
enum Outcome {
    /// It was not sent yet.
    Blank,
    /// The new key's secret.
    Made(String),
    /// It was sent before and made this key then, whose secret was shown then.
    MadeBefore(ApiKeyId),
    /// Why not, with what was said.
    Refused { why: String, name: String, scopes: BTreeSet<Scope>, once: Option<String> },
}

async fn page(console: &Console, visitor: &Visitor, outcome: Outcome) -> Result<Response, Fault> {
    let mut keys = console.app.store.api_keys(visitor.id()).await?;
    keys.sort_by_key(|key| std::cmp::Reverse(key.created_at));
    let (mut name, mut scopes, mut once) = (String::new(), BTreeSet::from([Scope::Read]), None);
    let (mut fresh, mut again, mut refused) = (None, None, None);
    match outcome {
        Outcome::Blank => {}
        Outcome::Made(secret) => fresh = Some(secret),
        Outcome::MadeBefore(id) => again = Some(id),
        Outcome::Refused { why, name: said, scopes: ticked, once: sent } => {
            (name, scopes, once, refused) = (said, ticked, sent, Some(why));
        }
    }
    let held = SCOPES.into_iter().filter(|one| visitor.may(*one));
    let choice = |one: Scope| {
        Choice::new(one.as_str(), format!("{}: {}", one.as_str(), scope(one)), scopes.contains(&one))
    };
    let view = KeysPage {
        shell: Shell::new(visitor, Section::Keys, ENGLISH.api_keys),
        rows: keys.into_iter().map(|key| row(key, visitor, again.as_ref())).collect(),
        scopes: held.map(choice).collect(),
        name,
        // What was refused made no key: the same form may be sent again under its id.
        once: once.unwrap_or_else(|| console.app.ids.next(visitor.now)),
        fresh,
        again: again.is_some(),
        refused,
    };
    render(visitor, &view)
}

pub async fn list(State(console): State<Console>, visitor: Visitor) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    page(&console, &visitor, Outcome::Blank).await
}

pub async fn create(
    State(console): State<Console>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let scopes: BTreeSet<Scope> = fields.all("scope").filter_map(word).collect();
    let made = async {
        let name = fields.bounded("name", TEXT_MAX)?;
        let new = NewApiKey { name, scopes: scopes.clone(), id: fields.once() };
        console.app.create_api_key(visitor.id(), visitor.scopes(), new).await
    };
    let outcome = match made.await {
        Ok(issued) => {
            visitor.note(&console.app, AuditAction::ApiKeyCreated, issued.key.id.as_str()).await;
            Outcome::Made(issued.secret.expose_secret().to_owned())
        }
        Err(error) => match (&error, fields.once().map(|id| ApiKeyId::from_body(&id))) {
            (AppError::Conflict { code: KEY_MADE_BEFORE, .. }, Some(Ok(id))) => Outcome::MadeBefore(id),
            _ => {
                let Some(why) = explained(&error) else { return Err(error.into()) };
                Outcome::Refused { why, name: fields.text("name").to_owned(), scopes, once: fields.once() }
            }
        },
    };
    page(&console, &visitor, outcome).await
}

/// From now on the key opens nothing, and the sessions that it opened are over.
pub async fn revoke(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let id = id.parse().map_err(|_| AppError::NotFound("API key"))?;
    let revoked = console.app.delete_api_key(visitor.id(), &id).await;
    if revoked.is_ok() {
        visitor.note(&console.app, AuditAction::ApiKeyDeleted, id.as_str()).await;
    }
    done(revoked.map(|()| ENGLISH.key_revoked), "/keys")
}
