//! New items, bundles among them, and changes of what there is.

use app::AppError;
use app::item::{ItemPatch, NewItem, OpeningStock};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::bundle::Component;
use domain::{ItemId, LocationId, MatchKey, Name, OrganizationId, Quantity, Sku};
use store::api_key::Scope;
use store::item::Item;

use crate::Console;
use crate::fault::{Fault, explained};
use crate::form::{Fields, Posted, units_of};
use crate::item_page::item_id;
use crate::names::Locations;
use crate::page::{Choice, Section, Shell, render};
use crate::text::ENGLISH;
use crate::visitor::{Visitor, go_saying};

/// Lines for components that the form has at least.
const COMPONENT_LINES: usize = 4;

#[derive(Template)]
#[template(path = "item_form.html")]
struct FormPage {
    shell: Shell,
    action: String,
    is_new: bool,
    has_components: bool,
    sku: String,
    name: String,
    selling_price: String,
    purchase_price: String,
    barcode: String,
    reorder_level: String,
    opening_stock: String,
    currency: String,
    locations: Vec<Choice>,
    components: Vec<(String, String)>,
    refused: Option<String>,
}

/// A SKU and a quantity for each line.
fn lines_said(fields: &Fields) -> Vec<(String, String)> {
    fields
        .all("component_sku")
        .zip(fields.all("component_quantity"))
        .map(|(sku, quantity)| (sku.to_owned(), quantity.to_owned()))
        .collect()
}

async fn form_page(
    console: &Console,
    visitor: &Visitor,
    item: Option<&Item>,
    said: &Fields,
    refused: Option<String>,
) -> Result<Response, Fault> {
    let locations = Locations::of(&console.app, visitor.id()).await?;
    let mut components = lines_said(said);
    if let Some(item) = item.filter(|_| refused.is_none()) {
        let ids = item.components.iter().map(|component| component.item_id.clone()).collect();
        let known = console.app.store.items_by_ids(visitor.id(), &ids).await?;
        components = item
            .components
            .iter()
            .filter_map(|part| {
                Some((known.get(&part.item_id)?.sku.as_str().to_owned(), part.quantity.to_string()))
            })
            .collect();
    }
    components.resize(components.len().max(COMPONENT_LINES), (String::new(), String::new()));
    let stored = |name: &str| -> String {
        let Some(item) = item.filter(|_| refused.is_none()) else { return said.text(name).to_owned() };
        let amount = |price: Option<domain::Money>| price.map(|price| price.amount()).unwrap_or_default();
        match name {
            "sku" => item.sku.as_str().to_owned(),
            "name" => item.name.as_str().to_owned(),
            "selling_price" => amount(item.selling_price),
            "purchase_price" => amount(item.purchase_price),
            "barcode" => item.barcode.clone().unwrap_or_default(),
            "reorder_level" => item.reorder_level.map(|level| level.to_string()).unwrap_or_default(),
            _ => String::new(),
        }
    };
    let title = if item.is_some() { ENGLISH.edit_item } else { ENGLISH.new_item };
    let page = FormPage {
        shell: Shell::new(visitor, Section::Items, title),
        action: item.map_or_else(|| "/items/new".to_owned(), |item| format!("/items/{}/edit", item.id)),
        is_new: item.is_none(),
        has_components: item.is_none_or(|item| !item.components.is_empty()),
        sku: stored("sku"),
        name: stored("name"),
        selling_price: stored("selling_price"),
        purchase_price: stored("purchase_price"),
        barcode: stored("barcode"),
        reorder_level: stored("reorder_level"),
        opening_stock: said.text("opening_stock").to_owned(),
        currency: visitor.organization.base_currency.to_string(),
        locations: locations.choices(Some(&visitor.organization.primary_location_id)),
        components,
        refused,
    };
    render(visitor, &page)
}

/// The item that has the SKU.
pub async fn item_of_sku(
    console: &Console,
    organization: &OrganizationId,
    sku: &str,
) -> Result<ItemId, AppError> {
    let key = MatchKey::of(sku);
    let found = console.app.store.items_by_sku(organization, &[key.clone()].into()).await?;
    let missing = || AppError::invalid("not_found", "/sku", format!("{}: {sku}", ENGLISH.no_item_of_sku));
    found.get(&key).cloned().ok_or_else(missing)
}

async fn components_of(
    console: &Console,
    visitor: &Visitor,
    fields: &Fields,
) -> Result<Vec<Component>, AppError> {
    let mut components = Vec::new();
    for (sku, quantity) in lines_said(fields) {
        if sku.is_empty() {
            continue;
        }
        let quantity =
            if quantity.is_empty() { Quantity::clamped(1) } else { units_of("quantity", &quantity)? };
        components.push(Component { item_id: item_of_sku(console, visitor.id(), &sku).await?, quantity });
    }
    Ok(components)
}

fn sku_and_name(fields: &Fields) -> Result<(Sku, Name), AppError> {
    let sku = Sku::parse(fields.text("sku"))
        .map_err(|error| AppError::invalid("invalid_field", "/sku", format!("SKU: {error}")))?;
    let name = Name::parse(fields.text("name"))
        .map_err(|error| AppError::invalid("invalid_field", "/name", format!("name: {error}")))?;
    Ok((sku, name))
}

async fn try_create(console: &Console, visitor: &Visitor, fields: &Fields) -> Result<Item, AppError> {
    let currency = visitor.organization.base_currency;
    let (sku, name) = sku_and_name(fields)?;
    let opening = match fields.units("opening_stock")? {
        Some(quantity) if quantity > Quantity::ZERO => {
            let location: Option<LocationId> = fields.parsed_if_any("location_id")?;
            let primary = || visitor.organization.primary_location_id.clone();
            vec![OpeningStock { location_id: location.unwrap_or_else(primary), quantity }]
        }
        _ => Vec::new(),
    };
    let new = NewItem {
        sku,
        name,
        selling_price: fields.money("selling_price", currency)?,
        purchase_price: fields.money("purchase_price", currency)?,
        opening_stock_value: None,
        barcode: fields.bounded_if_any("barcode", 255)?,
        group: None,
        reorder_level: fields.units("reorder_level")?,
        opening_stock: opening,
        components: components_of(console, visitor, fields).await?,
    };
    console.app.create_item(visitor.id(), &visitor.actor(), new).await
}

async fn try_change(
    console: &Console,
    visitor: &Visitor,
    before: &Item,
    fields: &Fields,
) -> Result<Item, AppError> {
    let currency = visitor.organization.base_currency;
    let (sku, name) = sku_and_name(fields)?;
    let components = match before.components.as_slice() {
        [] => None,
        _ => Some(components_of(console, visitor, fields).await?),
    };
    let patch = ItemPatch {
        sku: Some(sku),
        name: Some(name),
        selling_price: Some(fields.money("selling_price", currency)?),
        purchase_price: Some(fields.money("purchase_price", currency)?),
        opening_stock_value: None,
        barcode: Some(fields.bounded_if_any("barcode", 255)?),
        group: None,
        reorder_level: Some(fields.units("reorder_level")?),
        components,
    };
    console.app.change_item(visitor.id(), &before.id, None, &patch).await
}

pub async fn blank(State(console): State<Console>, visitor: Visitor) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    form_page(&console, &visitor, None, &Fields::default(), None).await
}

pub async fn create(
    State(console): State<Console>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    match try_create(&console, &visitor, &fields).await {
        Ok(item) => Ok(go_saying(&format!("/items/{}", item.id), ENGLISH.item_made)),
        Err(error) => match explained(&error) {
            Some(text) => form_page(&console, &visitor, None, &fields, Some(text)).await,
            None => Err(error.into()),
        },
    }
}

pub async fn edit(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let item = console.app.item(visitor.id(), &item_id(&id)?).await?;
    form_page(&console, &visitor, Some(&item), &Fields::default(), None).await
}

pub async fn change(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let before = console.app.item(visitor.id(), &item_id(&id)?).await?;
    match try_change(&console, &visitor, &before, &fields).await {
        Ok(item) => Ok(go_saying(&format!("/items/{}", item.id), ENGLISH.item_saved)),
        Err(error) => match explained(&error) {
            Some(text) => form_page(&console, &visitor, Some(&before), &fields, Some(text)).await,
            None => Err(error.into()),
        },
    }
}
