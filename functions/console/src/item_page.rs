//! `/items/{id}`: an item's stock, its listings with what each shows and why, its ledger, and what can be done with it.

use std::collections::BTreeSet;

use app::AppError;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::channel::Fulfilment;
use domain::stock::{Level, Movement, SourceKind};
use domain::{ConnectionId, ItemId};
use serde::Deserialize;
use store::api_key::Scope;

use crate::Console;
use crate::fault::{Fault, sentence};
use crate::form::Posted;
use crate::listing::PushView;
use crate::names::{Connections, Locations};
use crate::order::word;
use crate::page::{Badge, Choice, Moment, Pager, Section, Shell, money, render, request};
use crate::text::{ENGLISH, fulfilment, movement};
use crate::visitor::{Visitor, done, go_saying};

struct LevelRow {
    location: String,
    on_hand: i64,
    committed: i64,
    available: i64,
}

struct LinkRow {
    id: String,
    title: String,
    connection: String,
    seen: String,
    fulfilment: Badge,
    /// Amazon has a number of its own that can be compared.
    at_amazon: bool,
    push: PushView,
}

struct MovementRow {
    at: Moment,
    what: &'static str,
    location: String,
    on_hand: String,
    committed: String,
    place: Option<String>,
}

struct ComponentRow {
    id: String,
    name: String,
    quantity: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct LedgerQuery {
    cursor: String,
}

#[derive(Template)]
#[template(path = "item.html")]
struct ItemPage {
    shell: Shell,
    id: String,
    name: String,
    sku: String,
    facts: Vec<(&'static str, String)>,
    bundle: bool,
    components: Vec<ComponentRow>,
    levels: Vec<LevelRow>,
    on_hand: i64,
    committed: i64,
    available: i64,
    low_since: Option<Moment>,
    links: Vec<LinkRow>,
    connections: Vec<Choice>,
    has_amazon: bool,
    ledger: Vec<MovementRow>,
    pager: Pager,
}

pub fn item_id(text: &str) -> Result<ItemId, AppError> {
    text.parse().map_err(|_| AppError::NotFound("item"))
}

fn place(id: &ItemId) -> String {
    format!("/items/{id}")
}

fn signed(units: i64) -> String {
    match units {
        0 => String::new(),
        units if units > 0 => format!("+{units}"),
        units => units.to_string(),
    }
}

fn ledger_row(movement_: &Movement, visitor: &Visitor, locations: &Locations) -> MovementRow {
    let id = &movement_.source.id;
    let place = match movement_.source.kind {
        SourceKind::Order => Some(format!("/orders/{id}")),
        SourceKind::Adjustment => Some(format!("/stock/adjustments/{id}")),
        SourceKind::PurchaseReceive => Some(format!("/stock/receives/{id}")),
        SourceKind::Transfer => Some(format!("/stock/transfers/{id}")),
        SourceKind::InboundShipment => Some(format!("/stock/inbound-shipments/{id}")),
        SourceKind::Item => None,
    };
    MovementRow {
        at: visitor.at(movement_.at),
        what: movement(movement_.reason),
        location: locations.name(&movement_.location_id),
        on_hand: signed(movement_.change.on_hand),
        committed: signed(movement_.change.committed),
        place,
    }
}

pub async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(query): Query<LedgerQuery>,
) -> Result<Response, Fault> {
    let app = &console.app;
    let id = item_id(&id)?;
    let item = app.item(visitor.id(), &id).await?;
    let stock = app.stock_of(visitor.id(), &id).await?;
    let locations = Locations::of(app, visitor.id()).await?;
    let connections = Connections::of(app, visitor.id()).await?;
    let deciders = app.deciders(visitor.id()).await?;
    let pushes = app.listing_pushes(visitor.id(), &id, &deciders).await?;
    let ids = pushes.iter().map(|push| push.listing_id.clone()).collect();
    let listings = app.store.listings_by_ids(visitor.id(), &ids).await?;
    let link = |push: &app::availability::ListingPush| {
        let listing = listings.get(&push.listing_id)?;
        Some(LinkRow {
            id: listing.id.to_string(),
            title: listing.title.as_str().to_owned(),
            connection: connections.name(&listing.connection_id),
            seen: listing.channel_quantity.map_or_else(|| "–".to_owned(), |units| units.to_string()),
            fulfilment: fulfilment(listing.shipping().tracked()),
            at_amazon: listing.shipping().tracked() == Fulfilment::Fba
                && connections.get(&listing.connection_id).is_some_and(|c| c.settings.fba.is_some()),
            push: PushView::new(push),
        })
    };
    let linked: BTreeSet<&ConnectionId> = listings.values().map(|listing| &listing.connection_id).collect();
    let component_ids = item.components.iter().map(|component| component.item_id.clone()).collect();
    let components = app.store.items_by_ids(visitor.id(), &component_ids).await?;
    let ledger = app.store.movements(visitor.id(), &id, &request(&query.cursor)).await?;
    let mut facts = vec![(ENGLISH.sku, item.sku.as_str().to_owned())];
    facts.extend(item.selling_price.map(|price| (ENGLISH.selling_price, money(price))));
    facts.extend(item.purchase_price.map(|price| (ENGLISH.purchase_price, money(price))));
    facts.extend(item.barcode.clone().map(|barcode| (ENGLISH.barcode, barcode)));
    facts.extend(item.reorder_level.map(|level| (ENGLISH.reorder_level, level.to_string())));
    let page = ItemPage {
        shell: Shell::new(&visitor, Section::Items, item.name.as_str()),
        id: id.to_string(),
        name: item.name.as_str().to_owned(),
        sku: item.sku.as_str().to_owned(),
        facts,
        bundle: !item.components.is_empty(),
        components: item
            .components
            .iter()
            .map(|component| ComponentRow {
                id: component.item_id.to_string(),
                name: components
                    .get(&component.item_id)
                    .map_or_else(|| component.item_id.to_string(), |item| item.name.as_str().to_owned()),
                quantity: component.quantity.get(),
            })
            .collect(),
        on_hand: stock.levels.iter().map(|level| level.on_hand).sum(),
        committed: stock.levels.iter().map(|level| level.committed).sum(),
        available: stock.levels.iter().map(Level::available).sum(),
        levels: stock
            .levels
            .iter()
            .map(|level| LevelRow {
                location: locations.name(&level.location_id),
                on_hand: level.on_hand,
                committed: level.committed,
                available: level.available(),
            })
            .collect(),
        low_since: visitor.at_if_any(stock.low_since),
        links: pushes.iter().filter_map(link).collect(),
        connections: linked
            .into_iter()
            .map(|id| Choice::new(id.as_str(), connections.name(id), false))
            .collect(),
        has_amazon: connections.0.iter().any(|c| c.settings.fba.is_some()),
        ledger: ledger.data.iter().map(|one| ledger_row(one, &visitor, &locations)).collect(),
        pager: Pager::new(&place(&id), &[], &query.cursor, ledger.next_cursor.as_deref()),
    };
    render(&visitor, &page)
}

/// Push Stock.
pub async fn push(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let id = item_id(&id)?;
    let pushed = async {
        console.app.item(visitor.id(), &id).await?;
        console.app.push_item(visitor.id(), &id).await
    };
    done(pushed.await.map(|()| ENGLISH.pushed), &place(&id))
}

pub async fn mark(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let id = item_id(&id)?;
    let wanted: Fulfilment = word(fields.text("fulfilment"))
        .ok_or_else(|| AppError::invalid("invalid_field", "/fulfilment", ENGLISH.kind_missing))?;
    let ids = [id.clone()];
    let outcomes = console.app.mark_fulfilment(visitor.id(), &visitor.actor(), &ids, wanted).await?;
    let failed = outcomes.into_iter().find_map(|outcome| outcome.result.err());
    done(failed.map_or(Ok(ENGLISH.marked), Err), &place(&id))
}

/// Off the listings of one connection.
pub async fn unlink(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let id = item_id(&id)?;
    let unlinked = async {
        let connection: ConnectionId = fields.parsed("connection_id")?;
        console.app.unlink_item(visitor.id(), &id, &BTreeSet::from([connection])).await
    };
    done(unlinked.await.map(|off| sentence(&format!("{} {}", off.len(), ENGLISH.n_unlinked))), &place(&id))
}

pub async fn delete(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let id = item_id(&id)?;
    match console.app.delete_item(visitor.id(), &id, None).await {
        Ok(()) => Ok(go_saying("/items", ENGLISH.deleted)),
        Err(error) => done(Err::<String, _>(error), &place(&id)),
    }
}
