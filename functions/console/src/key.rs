//! `/keys`: the organization's API keys. A key's secret is shown on the page that makes it, and nowhere else.

use std::collections::BTreeSet;

use app::AppError;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
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
}

#[derive(Template)]
#[template(path = "keys.html")]
struct KeysPage {
    shell: Shell,
    rows: Vec<KeyRow>,
    scopes: Vec<Choice>,
    name: String,
    fresh: Option<String>,
    refused: Option<String>,
}

const SCOPES: [Scope; 4] = [Scope::Read, Scope::Write, Scope::Admin, Scope::Pii];

fn row(key: ApiKey, visitor: &Visitor) -> KeyRow {
    KeyRow {
        scopes: key.scopes.iter().map(|one| one.as_str()).collect(),
        created: visitor.at(key.created_at),
        own: visitor.actor() == Actor::ApiKey(key.id.to_string()),
        id: key.id.to_string(),
        name: key.name,
    }
}

/// What was said in the form, where it was refused.
#[derive(Default)]
struct Said {
    name: String,
    scopes: BTreeSet<Scope>,
    refused: Option<String>,
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    fresh: Option<String>,
    said: Said,
) -> Result<Response, Fault> {
    let mut keys = console.app.store.api_keys(visitor.id()).await?;
    keys.sort_by_key(|key| std::cmp::Reverse(key.created_at));
    let held = SCOPES.into_iter().filter(|one| visitor.may(*one));
    let choice = |one: Scope| {
        Choice::new(one.as_str(), format!("{}: {}", one.as_str(), scope(one)), said.scopes.contains(&one))
    };
    let view = KeysPage {
        shell: Shell::new(visitor, Section::Keys, ENGLISH.api_keys),
        rows: keys.into_iter().map(|key| row(key, visitor)).collect(),
        scopes: held.map(choice).collect(),
        name: said.name,
        fresh,
        refused: said.refused,
    };
    render(visitor, &view)
}

pub async fn list(State(console): State<Console>, visitor: Visitor) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let said = Said { scopes: BTreeSet::from([Scope::Read]), ..Said::default() };
    page(&console, &visitor, None, said).await
}

pub async fn create(
    State(console): State<Console>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let scopes: BTreeSet<Scope> = fields.all("scope").filter_map(word).collect();
    let made = async {
        let name = fields.bounded("name", TEXT_MAX)?;
        console.app.create_api_key(visitor.id(), visitor.scopes(), name, scopes.clone()).await
    };
    match made.await {
        Ok(issued) => {
            visitor.note(&console.app, AuditAction::ApiKeyCreated, issued.key.id.as_str()).await;
            let secret = issued.secret.expose_secret().to_owned();
            page(&console, &visitor, Some(secret), Said::default()).await
        }
        Err(error) => match explained(&error) {
            Some(text) => {
                let name = fields.text("name").to_owned();
                page(&console, &visitor, None, Said { name, scopes, refused: Some(text) }).await
            }
            None => Err(error.into()),
        },
    }
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
