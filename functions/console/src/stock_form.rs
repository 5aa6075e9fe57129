//! A new paper of the stockroom: lines of SKU and quantity, posted once however often the form is sent.

use app::AppError;
use app::adjustment::{Amount, NewAdjustment, NewLine};
use app::inbound::NewInbound;
use app::purchase_receive::NewPurchaseReceive;
use app::transfer::NewTransfer;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::{ItemId, Quantity};
use serde::Deserialize;
use store::api_key::Scope;

use crate::Console;
use crate::fault::{Fault, explained};
use crate::form::{Fields, Posted, units_of};
use crate::item_form::item_of_sku;
use crate::names::{Connections, Locations};
use crate::order_page::TEXT_MAX;
use crate::page::{Choice, Section, Shell, render};
use crate::stock::Kind;
use crate::text::ENGLISH;
use crate::visitor::{Visitor, go_saying};

/// Lines that a blank form has.
const LINES: usize = 5;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BlankQuery {
    sku: String,
}

#[derive(Template)]
#[template(path = "stock_form.html")]
struct FormPage {
    shell: Shell,
    kind: &'static str,
    label: &'static str,
    locations: Vec<Choice>,
    to_locations: Vec<Choice>,
    connections: Vec<Choice>,
    lines: Vec<(String, String)>,
    sets: bool,
    in_transit: bool,
    reason: String,
    reference: String,
    once: String,
    refused: Option<String>,
}

fn lines_said(fields: &Fields) -> Vec<(String, String)> {
    let pairs = fields.all("sku").zip(fields.all("quantity"));
    pairs.map(|(sku, quantity)| (sku.to_owned(), quantity.to_owned())).collect()
}

async fn form_page(
    console: &Console,
    visitor: &Visitor,
    kind: Kind,
    said: &Fields,
    mut lines: Vec<(String, String)>,
    refused: Option<String>,
) -> Result<Response, Fault> {
    let locations = Locations::of(&console.app, visitor.id()).await?;
    let connections = match kind {
        Kind::Inbounds => Connections::of(&console.app, visitor.id()).await?.tracking_fba(),
        Kind::Adjustments | Kind::Receives | Kind::Transfers => Vec::new(),
    };
    lines.resize(lines.len().max(LINES), (String::new(), String::new()));
    let chosen = |name: &str| said.text(name).parse().ok();
    let primary = Some(visitor.organization.primary_location_id.clone());
    let page = FormPage {
        shell: Shell::new(visitor, Section::Stock, kind.new_label()),
        kind: kind.as_str(),
        label: kind.new_label(),
        locations: locations.choices(chosen("location_id").or(primary).as_ref()),
        to_locations: locations.choices(chosen("to_location_id").as_ref()),
        connections,
        lines,
        sets: said.text("mode") == "set",
        in_transit: said.is_on("in_transit"),
        reason: said.text("reason").to_owned(),
        reference: said.text("reference").to_owned(),
        // What was refused was not posted: the same form may be sent again under its id.
        once: said.once().unwrap_or_else(|| console.app.ids.next(visitor.now)),
        refused,
    };
    render(visitor, &page)
}

pub async fn form(
    State(console): State<Console>,
    visitor: Visitor,
    Path(kind): Path<String>,
    Query(query): Query<BlankQuery>,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let kind = Kind::parse(&kind)?;
    let lines = vec![(query.sku, String::new())];
    form_page(&console, &visitor, kind, &Fields::default(), lines, None).await
}

async fn quantities(
    console: &Console,
    visitor: &Visitor,
    fields: &Fields,
) -> Result<Vec<(ItemId, Quantity)>, AppError> {
    let mut lines = Vec::new();
    for (sku, quantity) in lines_said(fields).into_iter().filter(|(sku, _)| !sku.is_empty()) {
        let item = item_of_sku(console, visitor.id(), &sku).await?;
        lines.push((item, units_of("quantity", &quantity)?));
    }
    Ok(lines)
}

async fn adjust(console: &Console, visitor: &Visitor, fields: &Fields) -> Result<String, AppError> {
    let sets = fields.text("mode") == "set";
    let mut lines = Vec::new();
    for (sku, quantity) in lines_said(fields).into_iter().filter(|(sku, _)| !sku.is_empty()) {
        let item_id = item_of_sku(console, visitor.id(), &sku).await?;
        let amount = if sets {
            Amount::SetTo(units_of("quantity", &quantity)?)
        } else {
            let text = quantity.strip_prefix('+').unwrap_or(&quantity);
            let delta = text.parse::<i64>().map_err(|error| {
                AppError::invalid("invalid_field", "/quantity", format!("quantity: {error}"))
            })?;
            Amount::Delta(delta)
        };
        lines.push(NewLine { item_id, amount });
    }
    let new = NewAdjustment {
        location_id: fields.parsed("location_id")?,
        lines,
        reason: fields.bounded_if_any("reason", TEXT_MAX)?,
        reference: fields.bounded_if_any("reference", TEXT_MAX)?,
        allow_negative: false,
        id: fields.once(),
    };
    let made = console.app.adjust_stock(visitor.id(), &visitor.actor(), &new).await?;
    Ok(made.id.to_string())
}

async fn receive(console: &Console, visitor: &Visitor, fields: &Fields) -> Result<String, AppError> {
    let new = NewPurchaseReceive {
        location_id: fields.parsed("location_id")?,
        lines: quantities(console, visitor, fields).await?,
        reason: fields.bounded_if_any("reason", TEXT_MAX)?,
        reference: fields.bounded_if_any("reference", TEXT_MAX)?,
        id: fields.once(),
    };
    let made = console.app.receive_purchase(visitor.id(), &visitor.actor(), &new).await?;
    Ok(made.id.to_string())
}

async fn transfer(console: &Console, visitor: &Visitor, fields: &Fields) -> Result<String, AppError> {
    let new = NewTransfer {
        from_location_id: fields.parsed("location_id")?,
        to_location_id: fields.parsed("to_location_id")?,
        lines: quantities(console, visitor, fields).await?,
        in_transit: fields.is_on("in_transit"),
        reason: fields.bounded_if_any("reason", TEXT_MAX)?,
        reference: fields.bounded_if_any("reference", TEXT_MAX)?,
        id: fields.once(),
    };
    let made = console.app.transfer_stock(visitor.id(), &visitor.actor(), &new).await?;
    Ok(made.id.to_string())
}

async fn send_inbound(console: &Console, visitor: &Visitor, fields: &Fields) -> Result<String, AppError> {
    let new = NewInbound {
        connection_id: fields.parsed("connection_id")?,
        from_location_id: fields.parsed("location_id")?,
        lines: quantities(console, visitor, fields).await?,
        reference: fields.bounded_if_any("reference", TEXT_MAX)?,
        // Said on the paper's own page, when Amazon's plan stands.
        amazon: None,
        id: fields.once(),
    };
    let made = console.app.send_inbound(visitor.id(), &visitor.actor(), &new).await?;
    Ok(made.id.to_string())
}

pub async fn post(
    State(console): State<Console>,
    Path(kind): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let kind = Kind::parse(&kind)?;
    let posted = match kind {
        Kind::Adjustments => adjust(&console, &visitor, &fields).await,
        Kind::Receives => receive(&console, &visitor, &fields).await,
        Kind::Transfers => transfer(&console, &visitor, &fields).await,
        Kind::Inbounds => send_inbound(&console, &visitor, &fields).await,
    };
    match posted {
        Ok(id) => Ok(go_saying(&format!("/stock/{}/{id}", kind.as_str()), ENGLISH.posted)),
        Err(error) => match explained(&error) {
            Some(text) => {
                let lines = lines_said(&fields);
                form_page(&console, &visitor, kind, &fields, lines, Some(text)).await
            }
            None => Err(error.into()),
        },
    }
}
