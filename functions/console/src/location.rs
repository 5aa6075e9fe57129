//! `/stock/locations`: where stock lies.

use app::AppError;
use app::location::{LocationPatch, NewLocation};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::availability::LocationKind;
use domain::{LocationId, Name};
use store::api_key::Scope;

use crate::Console;
use crate::fault::Fault;
use crate::form::{Fields, Posted};
use crate::order::word;
use crate::page::{Section, Shell, render};
use crate::text::{ENGLISH, location_kind};
use crate::visitor::{Visitor, done};

const PLACE: &str = "/stock/locations";
const ADDRESS_MAX: usize = 500;

struct LocationRow {
    id: String,
    name: String,
    kind: &'static str,
    address: String,
    primary: bool,
}

#[derive(Template)]
#[template(path = "locations.html")]
struct LocationsPage {
    shell: Shell,
    rows: Vec<LocationRow>,
}

fn row(location: &store::location::Location, visitor: &Visitor) -> LocationRow {
    LocationRow {
        id: location.id.to_string(),
        name: location.name.as_str().to_owned(),
        kind: location_kind(location.kind),
        address: location.address.clone().unwrap_or_default(),
        primary: location.id == visitor.organization.primary_location_id,
    }
}

pub async fn list(State(console): State<Console>, visitor: Visitor) -> Result<Response, Fault> {
    let locations = console.app.store.locations(visitor.id()).await?;
    let page = LocationsPage {
        shell: Shell::new(&visitor, Section::Stock, ENGLISH.locations),
        rows: locations.iter().map(|location| row(location, &visitor)).collect(),
    };
    render(&visitor, &page)
}

#[derive(Template)]
#[template(path = "location.html")]
struct LocationPage {
    shell: Shell,
    row: LocationRow,
}

fn location_id(text: &str) -> Result<LocationId, AppError> {
    text.parse().map_err(|_| AppError::NotFound("location"))
}

pub async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let location = console.app.location(visitor.id(), &location_id(&id)?).await?;
    let shell = Shell::new(&visitor, Section::Stock, location.name.as_str());
    render(&visitor, &LocationPage { shell, row: row(&location, &visitor) })
}

fn name_of(fields: &Fields) -> Result<Name, AppError> {
    Name::parse(fields.text("name"))
        .map_err(|error| AppError::invalid("invalid_field", "/name", format!("name: {error}")))
}

pub async fn create(
    State(console): State<Console>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let created = async {
        let new = NewLocation {
            name: name_of(&fields)?,
            kind: word(fields.text("kind")).unwrap_or(LocationKind::Warehouse),
            address: fields.bounded_if_any("address", ADDRESS_MAX)?,
            is_primary: false,
        };
        console.app.create_location(visitor.id(), new).await
    };
    done(created.await.map(|_| ENGLISH.location_made), PLACE)
}

pub async fn change(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let changed = async {
        let patch = LocationPatch {
            name: Some(name_of(&fields)?),
            kind: None,
            address: Some(fields.bounded_if_any("address", ADDRESS_MAX)?),
            is_primary: fields.is_on("primary").then_some(true),
        };
        console.app.change_location(visitor.id(), &location_id(&id)?, None, &patch).await
    };
    done(changed.await.map(|_| ENGLISH.saved), &format!("{PLACE}/{id}"))
}

pub async fn delete(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let deleted = console.app.delete_location(visitor.id(), &location_id(&id)?, None).await;
    let place = if deleted.is_ok() { PLACE.to_owned() } else { format!("{PLACE}/{id}") };
    done(deleted.map(|_| ENGLISH.deleted), &place)
}
