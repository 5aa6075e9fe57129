//! `/connections/{id}/settings`: Account, Modules in Sync, and what each listing shows, with a preview.

use app::AppError;
use app::connection::ConnectionPatch;
use app::connection_settings::{ImportPatch, MappingMode, MappingPatch, ModulesPatch, SettingsPatch};
use app::plan::Executed;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::audit::AuditAction;
use domain::availability::{LocationMapping, RuleSetting};
use domain::connection::{ConnectionSettings, DriftPolicy};
use domain::schedule::SyncInterval;
use domain::{LocationId, Name};
use store::api_key::Scope;
use store::connection::Connection;

use crate::Console;
use crate::connect::KeyForm;
use crate::connection::{connection_id, place};
use crate::fault::{Fault, explained};
use crate::form::{Fields, Posted};
use crate::listing_page::{execution, rule_of};
use crate::names::{Locations, channel};
use crate::order::word;
use crate::page::{Choice, Section, Shell, render};
use crate::plan::PlanView;
use crate::text::ENGLISH;
use crate::visitor::{Visitor, go_saying};

#[derive(Template)]
#[template(path = "connection_settings.html")]
struct SettingsPage {
    shell: Shell,
    id: String,
    name: String,
    channel: &'static str,
    intervals: Vec<Choice>,
    items: bool,
    orders: bool,
    stock: bool,
    shipments: bool,
    auto_create: bool,
    out_of_stock: bool,
    archived: bool,
    modes: Vec<Choice>,
    locations: Vec<Choice>,
    order_locations: Vec<Choice>,
    drifts: Vec<Choice>,
    blast_radius: u8,
    buffer: String,
    max_listed: String,
    percent: String,
    /// On a channel that has locations of its own: whether each is told a number.
    by_location: Option<bool>,
    /// Whether the channel stores goods for the merchant.
    stores_goods: bool,
    fba: Option<String>,
    fba_locations: Vec<Choice>,
    keys: KeyForm,
    plan: Option<PlanView>,
    refused: Option<String>,
}

/// What the form has in its fields: what is stored, or what was just said.
struct Draft {
    name: String,
    settings: ConnectionSettings,
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    connection: &Connection,
    draft: Draft,
    plan: Option<PlanView>,
    refused: Option<String>,
) -> Result<Response, Fault> {
    let locations = Locations::of(&console.app, visitor.id()).await?;
    let Draft { name, settings } = draft;
    let selected: &[LocationId] = match &settings.location_mapping {
        LocationMapping::Selected { location_ids } => location_ids,
        LocationMapping::All | LocationMapping::None => &[],
    };
    let mode = match &settings.location_mapping {
        LocationMapping::All => "all",
        LocationMapping::Selected { .. } => "selected",
        LocationMapping::None => "none",
    };
    let interval = |minutes: u16| {
        Choice::new(
            minutes.to_string(),
            format!("{minutes} {}", ENGLISH.minutes),
            minutes == settings.sync_interval_minutes.minutes(),
        )
    };
    let drift =
        |policy: DriftPolicy, value: &str, label: &str| Choice::new(value, label, policy == settings.drift);
    let ticked = |location: &store::location::Location| {
        Choice::new(location.id.as_str(), location.name.as_str(), selected.contains(&location.id))
    };
    let RuleSetting { buffer, max_listed, percent } = settings.stock_rule;
    let adapter = channels::adapter(connection.channel);
    let view = SettingsPage {
        shell: Shell::new(visitor, Section::Connections, ENGLISH.settings),
        id: connection.id.to_string(),
        name,
        channel: channel(connection.channel),
        intervals: SyncInterval::ALL.into_iter().map(interval).collect(),
        items: settings.modules.items,
        orders: settings.modules.orders,
        stock: settings.modules.stock,
        shipments: settings.modules.shipments,
        auto_create: settings.auto_create,
        out_of_stock: settings.import.out_of_stock,
        archived: settings.import.archived,
        modes: vec![
            Choice::new("all", ENGLISH.mapping_all, mode == "all"),
            Choice::new("selected", ENGLISH.mapping_selected, mode == "selected"),
            Choice::new("none", ENGLISH.mapping_none, mode == "none"),
        ],
        locations: locations.all.iter().map(ticked).collect(),
        order_locations: locations.choices(settings.order_location_id.as_ref()),
        drifts: vec![
            drift(DriftPolicy::Overwrite, "overwrite", ENGLISH.drift_overwrite),
            drift(DriftPolicy::Alert, "alert", ENGLISH.drift_alert),
            drift(DriftPolicy::Hold, "hold", ENGLISH.drift_hold),
        ],
        blast_radius: settings.blast_radius.percent.get(),
        buffer: buffer.map(|units| units.to_string()).unwrap_or_default(),
        max_listed: max_listed.map(|units| units.to_string()).unwrap_or_default(),
        percent: percent.map(|percent| percent.get().to_string()).unwrap_or_default(),
        by_location: adapter
            .capability()
            .locations
            .is_told()
            .then_some(!settings.channel_locations.is_empty()),
        stores_goods: adapter.fulfiller().is_some(),
        fba: settings.fba.as_ref().map(|fba| locations.name(&fba.location_id)),
        fba_locations: locations.of_amazon(settings.fba.as_ref().map(|fba| &fba.location_id)),
        keys: KeyForm::of(connection.channel),
        plan,
        refused,
    };
    render(visitor, &view)
}

fn stored(connection: &Connection) -> Draft {
    Draft { name: connection.name.as_str().to_owned(), settings: connection.settings.clone() }
}

pub async fn form(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let connection = console.app.connection(visitor.id(), &connection_id(&id)?).await?;
    page(&console, &visitor, &connection, stored(&connection), None, None).await
}

fn mode_of(text: &str) -> Option<MappingMode> {
    match text {
        "all" => Some(MappingMode::All),
        "selected" => Some(MappingMode::Selected),
        "none" => Some(MappingMode::None),
        _ => None,
    }
}

/// Every field of the form: a box that is not ticked says no.
fn patch_of(fields: &Fields) -> Result<ConnectionPatch, AppError> {
    let refused = |name: &str, error: &dyn std::fmt::Display| {
        AppError::invalid("invalid_field", format!("/{name}"), format!("{name}: {error}"))
    };
    let name = Name::parse(fields.text("name")).map_err(|error| refused("name", &error))?;
    let minutes: u16 = fields.parsed("sync_interval_minutes")?;
    let interval = SyncInterval::try_from(minutes).map_err(|error| refused("interval", &error))?;
    let mode = mode_of(fields.text("mapping"));
    let mut selected = Vec::new();
    for id in fields.all("location_id").filter(|_| mode == Some(MappingMode::Selected)) {
        selected.push(id.parse().map_err(|error| refused("location", &error))?);
    }
    let order_location: Option<LocationId> = fields.parsed_if_any("order_location_id")?;
    let settings = SettingsPatch {
        sync_interval_minutes: Some(interval),
        stock_sync: None,
        modules: ModulesPatch {
            items: Some(fields.is_on("items")),
            orders: Some(fields.is_on("orders")),
            stock: Some(fields.is_on("stock")),
            shipments: Some(fields.is_on("shipments")),
        },
        location_mapping: MappingPatch {
            mode,
            location_ids: (mode == Some(MappingMode::Selected)).then_some(selected),
            order_location_id: Some(order_location),
            channel_locations: None,
        },
        auto_create: Some(fields.is_on("auto_create")),
        drift: word(fields.text("drift")),
        stock_rule: rule_of(fields)?,
        import: ImportPatch {
            out_of_stock: Some(fields.is_on("out_of_stock")),
            archived: Some(fields.is_on("archived")),
        },
        blast_radius_percent: fields.percent("blast_radius_percent")?,
    };
    Ok(ConnectionPatch { name: Some(name), credentials: None, settings })
}

/// The form as it was sent, for the page that shows what it would do.
fn said(connection: &Connection, patch: &ConnectionPatch) -> Draft {
    let (before, settings) = (&connection.settings, &patch.settings);
    let mapping = match (&settings.location_mapping.mode, &settings.location_mapping.location_ids) {
        (Some(MappingMode::Selected), ids) => {
            LocationMapping::Selected { location_ids: ids.clone().unwrap_or_default() }
        }
        (Some(MappingMode::None), _) => LocationMapping::None,
        (Some(MappingMode::All) | None, _) => LocationMapping::All,
    };
    let rule = settings.stock_rule;
    let mut draft = stored(connection);
    if let Some(name) = &patch.name {
        draft.name = name.as_str().to_owned();
    }
    let modules = &settings.modules;
    draft.settings = ConnectionSettings {
        sync_interval_minutes: settings.sync_interval_minutes.unwrap_or(before.sync_interval_minutes),
        modules: domain::connection::Modules {
            items: modules.items.unwrap_or(before.modules.items),
            orders: modules.orders.unwrap_or(before.modules.orders),
            stock: modules.stock.unwrap_or(before.modules.stock),
            shipments: modules.shipments.unwrap_or(before.modules.shipments),
        },
        location_mapping: mapping,
        order_location_id: settings.location_mapping.order_location_id.clone().flatten(),
        channel_locations: before.channel_locations.clone(),
        auto_create: settings.auto_create.unwrap_or(before.auto_create),
        drift: settings.drift.unwrap_or(before.drift),
        stock_rule: RuleSetting {
            buffer: rule.buffer.flatten(),
            max_listed: rule.max_listed.flatten(),
            percent: rule.percent.flatten(),
        },
        import: domain::connection::ImportRule {
            out_of_stock: settings.import.out_of_stock.unwrap_or(before.import.out_of_stock),
            archived: settings.import.archived.unwrap_or(before.import.archived),
        },
        blast_radius: domain::connection::BlastRadius {
            percent: settings.blast_radius_percent.unwrap_or(before.blast_radius.percent),
        },
        fba: before.fba.clone(),
    };
    draft
}

/// First what would change on the channel; with the plan's id, that and nothing else.
pub async fn save(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let id = connection_id(&id)?;
    let connection = console.app.connection(visitor.id(), &id).await?;
    let how = execution(&fields);
    let patch = match patch_of(&fields) {
        Ok(patch) => patch,
        Err(error) => {
            return page(&console, &visitor, &connection, stored(&connection), None, explained(&error)).await;
        }
    };
    let draft = said(&connection, &patch);
    match console.app.change_connection_planned(visitor.id(), &id, None, patch, &how).await {
        Ok(Executed::Done(_)) => {
            visitor.note(&console.app, AuditAction::ConnectionChanged, id.as_str()).await;
            Ok(go_saying(&place(&id), ENGLISH.settings_saved))
        }
        Ok(Executed::Plan(plan)) => {
            let plan = PlanView::new(&console.app, visitor.id(), plan).await?;
            page(&console, &visitor, &connection, draft, Some(plan), None).await
        }
        Err(error) => match explained(&error) {
            Some(text) => page(&console, &visitor, &connection, draft, None, Some(text)).await,
            None => Err(error.into()),
        },
    }
}
