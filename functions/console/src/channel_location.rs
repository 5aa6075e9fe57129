//! `/connections/{id}/locations`: whose stock each location of the shop shows, on a channel that has locations of its own.
//!
//! A row for each of the shop's locations, a field for each of ours that is shown there and one more that is free: so any
//! map can be made, also several of ours at one of theirs, without a script.

use app::AppError;
use app::channel_location::MAP;
use app::connection::ConnectionPatch;
use app::connection_settings::{MappingPatch, SettingsPatch};
use app::plan::Executed;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use channels::{ChannelLocation, adapter};
use domain::audit::AuditAction;
use domain::channel_location::MappedLocation;
use domain::{ChannelLocationId, LocationId};
use store::api_key::Scope;
use store::connection::Connection;

use crate::Console;
use crate::connection::connection_id;
use crate::fault::{Fault, explained, sentence};
use crate::form::{Fields, Posted};
use crate::listing_page::execution;
use crate::names::{Locations, channel};
use crate::page::{Choice, Section, Shell, render};
use crate::plan::PlanView;
use crate::text::ENGLISH;
use crate::visitor::{Visitor, go_saying};

/// One of the shop's locations.
struct PlaceRow {
    id: String,
    name: String,
    /// Shows what has no place of its own.
    is_home: bool,
    /// It is mapped, and stock cannot be shown there any more.
    is_gone: bool,
    fields: Vec<PlaceField>,
}

/// One of ours that is shown there, or none yet.
struct PlaceField {
    choices: Vec<Choice>,
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "channel_locations.html")]
struct PlacesPage {
    shell: Shell,
    id: String,
    name: String,
    channel: &'static str,
    rows: Vec<PlaceRow>,
    /// The shop told which locations it has.
    is_told: bool,
    plan: Option<PlanView>,
    refused: Option<String>,
}

/// What the form has in its fields, and what came of it.
struct Draft {
    map: Vec<MappedLocation>,
    plan: Option<PlanView>,
    refused: Option<String>,
    /// The entry that is not right, and why.
    wrong: Option<(usize, String)>,
}

impl Draft {
    fn new(map: Vec<MappedLocation>) -> Self {
        Self { map, plan: None, refused: None, wrong: None }
    }

    /// Where the error is an entry's, it stands at its field. `None` for a failure of ours.
    fn refused(map: Vec<MappedLocation>, error: &AppError) -> Option<Self> {
        let why = explained(error)?;
        let wrong = wrong_entry(error);
        let refused = if wrong.is_some() { ENGLISH.places_wrong.to_owned() } else { why };
        Some(Self { wrong, refused: Some(refused), ..Self::new(map) })
    }
}

/// `/location_mapping/channel_locations/3/location_id`: the entry 3.
fn wrong_entry(error: &AppError) -> Option<(usize, String)> {
    let AppError::Invalid { fields, .. } = error else { return None };
    let field = fields.first()?;
    let entry = field.pointer.strip_prefix(MAP)?.strip_prefix('/')?.split('/').next()?.parse().ok()?;
    Some((entry, sentence(&field.detail)))
}

fn rows(
    connection: &Connection,
    known: Vec<ChannelLocation>,
    ours: &Locations,
    draft: &Draft,
) -> Vec<PlaceRow> {
    // Where the channel names none itself, the map's first is it.
    let first = || draft.map.first().map(|one| one.channel_location_id.clone());
    let home = adapter(connection.channel).home_location(&connection.facts).or_else(first);
    let mut places: Vec<(ChannelLocation, bool)> = known.into_iter().map(|place| (place, false)).collect();
    for MappedLocation { channel_location_id: id, .. } in &draft.map {
        if !places.iter().any(|(place, _)| place.id == *id) {
            places.push((ChannelLocation { id: id.clone(), name: id.to_string() }, true));
        }
    }
    let filled = |place: &ChannelLocationId| {
        let here = draft.map.iter().enumerate().filter(|(_, one)| one.channel_location_id == *place);
        let field = |(entry, one): (usize, &MappedLocation)| PlaceField {
            choices: ours.choices(Some(&one.location_id)),
            wrong: draft.wrong.as_ref().filter(|(wrong, _)| *wrong == entry).map(|(_, why)| why.clone()),
        };
        here.map(field).collect::<Vec<_>>()
    };
    let row = |(place, is_gone): (ChannelLocation, bool)| {
        let mut fields = filled(&place.id);
        if !is_gone && fields.len() < ours.all.len() {
            fields.push(PlaceField { choices: ours.choices(None), wrong: None });
        }
        let is_home = home.as_ref() == Some(&place.id);
        PlaceRow { id: place.id.to_string(), name: place.name, is_home, is_gone, fields }
    };
    places.into_iter().map(row).collect()
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    connection: &Connection,
    mut draft: Draft,
) -> Result<Response, Fault> {
    let ours = Locations::of(&console.app, visitor.id()).await?;
    let known = match console.app.channel_locations(visitor.id(), &connection.id).await {
        Ok(known) => Some(known),
        Err(error) => {
            draft.refused = Some(explained(&error).ok_or(error)?);
            None
        }
    };
    if let (Some(plan), Some(known)) = (&mut draft.plan, &known) {
        plan.name_places(|id| {
            known.iter().find(|place| place.id.as_str() == id).map(|place| place.name.clone())
        });
    }
    let view = PlacesPage {
        shell: Shell::new(visitor, Section::Connections, ENGLISH.places),
        id: connection.id.to_string(),
        name: connection.name.as_str().to_owned(),
        channel: channel(connection.channel),
        is_told: known.is_some(),
        rows: known.map(|known| rows(connection, known, &ours, &draft)).unwrap_or_default(),
        plan: draft.plan,
        refused: draft.refused,
    };
    render(visitor, &view)
}

/// The connection, on a channel that has locations.
async fn with_locations(console: &Console, visitor: &Visitor, id: &str) -> Result<Connection, AppError> {
    let connection = console.app.connection(visitor.id(), &connection_id(id)?).await?;
    if adapter(connection.channel).capability().locations.is_told() {
        return Ok(connection);
    }
    Err(AppError::NotFound("map: the channel has no locations of its own"))
}

pub async fn form(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let connection = with_locations(&console, &visitor, &id).await?;
    let map = connection.settings.channel_locations.iter().cloned().collect();
    page(&console, &visitor, &connection, Draft::new(map)).await
}

/// The entries of the form that name one of ours. Those that were there before stay in their order, which decides who is
/// served first; what is new comes after.
fn said(fields: &Fields, before: &Connection) -> Result<Vec<MappedLocation>, AppError> {
    let refused = |error: &dyn std::fmt::Display| AppError::invalid("invalid_field", MAP, error);
    let mut map = Vec::new();
    for (place, location) in fields.all("place").zip(fields.all("location_id")) {
        if location.is_empty() {
            continue;
        }
        let location_id: LocationId = location.parse().map_err(|error| refused(&error))?;
        let channel_location_id = place.parse().map_err(|error| refused(&error))?;
        map.push(MappedLocation { location_id, channel_location_id });
    }
    let rank = |one: &MappedLocation| before.settings.channel_locations.iter().position(|known| known == one);
    map.sort_by_key(|one| rank(one).unwrap_or(usize::MAX));
    Ok(map)
}

/// First what would change on the channel; with the plan's id, that and nothing else.
pub async fn save(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let connection = with_locations(&console, &visitor, &id).await?;
    let map = said(&fields, &connection)?;
    let location_mapping = MappingPatch { channel_locations: Some(map.clone()), ..MappingPatch::default() };
    let settings = SettingsPatch { location_mapping, ..SettingsPatch::default() };
    let patch = ConnectionPatch { settings, ..ConnectionPatch::default() };
    let how = execution(&fields);
    match console.app.change_connection_planned(visitor.id(), &connection.id, None, patch, &how).await {
        Ok(Executed::Done(_)) => {
            visitor.note(&console.app, AuditAction::ConnectionChanged, connection.id.as_str()).await;
            Ok(go_saying(&format!("/connections/{}/locations", connection.id), ENGLISH.places_saved))
        }
        Ok(Executed::Plan(plan)) => {
            let plan = PlanView::new(&console.app, visitor.id(), plan).await?;
            page(&console, &visitor, &connection, Draft { plan: Some(plan), ..Draft::new(map) }).await
        }
        Err(error) => match Draft::refused(map, &error) {
            Some(draft) => page(&console, &visitor, &connection, draft).await,
            None => Err(error.into()),
        },
    }
}
