//! `/listings/{id}`: a listing beside the item that it may be, and what a person makes of it.

use std::collections::BTreeMap;

use app::AppError;
use app::confirm_listing::ItemOverrides;
use app::connection_settings::RulePatch;
use app::item::OpeningStock;
use app::plan::{Executed, Execution};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::listing::{ListingStatus, Match};
use domain::{ItemId, ListingId, Name, Sku};
use http::HeaderMap;
use serde::Deserialize;
use store::api_key::Scope;
use store::item::Item;
use store::listing::Listing;
use store::stock::Freshness;

use crate::Console;
use crate::fault::Fault;
use crate::form::{Fields, Posted};
use crate::listing::PushView;
use crate::names::Connections;
use crate::order_page::{OffersPart, TEXT_MAX};
use crate::page::{Badge, Choice, Moment, Section, Shell, money, part, render};
use crate::pick::{Offer, offers, wants_part};
use crate::plan::PlanView;
use crate::text::{ENGLISH, channel_status, fulfilment, listing_status, match_help, matched};
use crate::visitor::{Visitor, done, go_saying};

/// Beside a listing; more is no help.
const CANDIDATES_MAX: usize = 5;

/// One thing that both have, side by side.
struct Fact {
    label: &'static str,
    listing: String,
    item: String,
    same: bool,
}

struct Candidate {
    id: String,
    name: String,
    /// What makes it look alike, where nothing is equal.
    why: Vec<&'static str>,
    facts: Vec<Fact>,
}

struct Twin {
    id: String,
    title: String,
}

#[derive(Template)]
#[template(path = "listing.html")]
struct ListingPage {
    shell: Shell,
    id: String,
    title: String,
    sku: String,
    connection: String,
    status: Badge,
    found: Badge,
    help: &'static str,
    channel_status: Badge,
    fulfilment: Badge,
    price: Option<String>,
    price_amount: String,
    quantity: Option<u32>,
    barcode: Option<String>,
    attributes: Vec<(String, String)>,
    seen: Moment,
    dismissed_reason: Option<String>,
    pending: bool,
    linked: bool,
    dismissed: bool,
    candidates: Vec<Candidate>,
    twins: Vec<Twin>,
    item: Option<Offer>,
    push: Option<PushView>,
    held: bool,
    currency: String,
    locations: Vec<Choice>,
    buffer: String,
    max_listed: String,
    percent: String,
    plan: Option<PlanView>,
    search: String,
    action: String,
    q: String,
    offers: Vec<Offer>,
}

pub fn listing_id(text: &str) -> Result<ListingId, AppError> {
    text.parse().map_err(|_| AppError::NotFound("listing"))
}

fn place(id: &ListingId) -> String {
    format!("/listings/{id}")
}

fn shown(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

async fn candidate(
    console: &Console,
    visitor: &Visitor,
    listing: &Listing,
    item: &Item,
) -> Result<Candidate, AppError> {
    let stock = console.app.store.item_stock(visitor.id(), &item.id, Freshness::Eventual).await?;
    let available: i64 = stock.levels.iter().map(domain::stock::Level::available).sum();
    let fact = |label, listing: String, item: String, same: bool| Fact { label, listing, item, same };
    let key = |text: &str| domain::MatchKey::of(text);
    let (name, title) = (item.name.as_str(), listing.title.as_str());
    let sku = listing.sku.as_ref().map(|sku| sku.as_str().to_owned());
    let quantity = listing.channel_quantity.map(|quantity| quantity.units());
    Ok(Candidate {
        id: item.id.to_string(),
        name: name.to_owned(),
        why: Vec::new(),
        facts: vec![
            fact(ENGLISH.name, title.to_owned(), name.to_owned(), key(name) == key(title)),
            fact(
                ENGLISH.sku,
                shown(sku.clone()),
                item.sku.as_str().to_owned(),
                sku.as_deref().is_some_and(|sku| key(sku) == item.sku.match_key()),
            ),
            fact(
                ENGLISH.price,
                shown(listing.price.map(money)),
                shown(item.selling_price.map(money)),
                listing.price == item.selling_price,
            ),
            fact(
                ENGLISH.stock,
                shown(quantity.map(|units| units.to_string())),
                available.to_string(),
                quantity == Some(available),
            ),
            fact(
                ENGLISH.barcode,
                shown(listing.barcode.clone()),
                shown(item.barcode.clone()),
                listing.barcode == item.barcode,
            ),
        ],
    })
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    listing: Listing,
    q: String,
    plan: Option<(PlanView, RulePatch)>,
) -> Result<Response, Fault> {
    let app = &console.app;
    let connections = Connections::of(app, visitor.id()).await?;
    let pending = matches!(listing.status, ListingStatus::Unconfirmed | ListingStatus::Unlinked);
    let mut alike = BTreeMap::new();
    if pending {
        let suggestions = app.suggestions(visitor.id(), &listing.id).await?;
        alike.extend(suggestions.into_iter().map(|suggestion| (suggestion.item.id, suggestion.alike)));
    }
    let mut offered: Vec<&ItemId> = listing.candidate_item_ids.iter().collect();
    offered.extend(alike.keys().filter(|id| !listing.candidate_item_ids.contains(id)));
    offered.truncate(CANDIDATES_MAX);
    let ids = offered.iter().copied().chain(&listing.item_id).cloned().collect();
    let items = app.store.items_by_ids(visitor.id(), &ids).await?;
    let mut candidates = Vec::new();
    for id in offered.into_iter().filter(|_| pending) {
        if let Some(item) = items.get(id) {
            let why = alike.get(id).into_iter().flatten().map(|likeness| likeness.reason()).collect();
            candidates.push(Candidate { why, ..candidate(console, visitor, &listing, item).await? });
        }
    }
    let mut twins = Vec::new();
    if let (Match::DuplicateSku, Some(sku)) = (listing.found, &listing.sku) {
        let key = sku.match_key();
        let mut ids = app.store.listings_with_sku(visitor.id(), &listing.connection_id, &key).await?;
        ids.remove(&listing.id);
        let others = app.store.listings_by_ids(visitor.id(), &ids.into_iter().take(10).collect()).await?;
        twins = others
            .into_values()
            .map(|twin| Twin { id: twin.id.to_string(), title: twin.title.as_str().to_owned() })
            .collect();
    }
    let mut push = None;
    let mut held = false;
    if let Some(item) = &listing.item_id {
        let deciders = app.deciders(visitor.id()).await?;
        let pushes = app.listing_pushes(visitor.id(), item, &deciders).await?;
        let own = pushes.iter().find(|push| push.listing_id == listing.id);
        held =
            own.is_some_and(|push| push.reason.as_deref() == Some(domain::push::NotPushed::DriftHeld.code()));
        push = own.map(PushView::new);
    }
    let rule = match &plan {
        Some((_, patch)) => domain::availability::RuleSetting {
            buffer: patch.buffer.flatten(),
            max_listed: patch.max_listed.flatten(),
            percent: patch.percent.flatten(),
        },
        None => listing.stock_rule,
    };
    let primary = &visitor.organization.primary_location_id;
    let locations = crate::names::Locations::of(app, visitor.id()).await?;
    let action = format!("{}/link", place(&listing.id));
    let offers = offers(app, visitor.id(), &q).await?;
    let view = ListingPage {
        shell: Shell::new(visitor, Section::Listings, listing.title.as_str()),
        id: listing.id.to_string(),
        title: listing.title.as_str().to_owned(),
        sku: listing.sku.as_ref().map_or("", Sku::as_str).to_owned(),
        connection: connections.name(&listing.connection_id),
        status: listing_status(listing.status),
        found: matched(listing.found),
        help: match_help(listing.found),
        channel_status: channel_status(listing.channel_status),
        fulfilment: fulfilment(listing.shipping().tracked()),
        price: listing.price.map(money),
        price_amount: listing.price.map(|price| price.amount()).unwrap_or_default(),
        quantity: listing.channel_quantity.map(domain::Quantity::get),
        barcode: listing.barcode.clone(),
        attributes: listing.attributes.iter().map(|a| (a.name.clone(), a.value.clone())).collect(),
        seen: visitor.at(listing.observed_at),
        dismissed_reason: listing.dismissed_reason.clone(),
        pending,
        linked: listing.status == ListingStatus::Linked,
        dismissed: listing.status == ListingStatus::Dismissed,
        candidates,
        twins,
        item: listing.item_id.as_ref().and_then(|id| items.get(id)).map(Offer::from),
        push,
        held,
        currency: visitor.organization.base_currency.to_string(),
        locations: locations.choices(Some(primary)),
        buffer: rule.buffer.map(|units| units.to_string()).unwrap_or_default(),
        max_listed: rule.max_listed.map(|units| units.to_string()).unwrap_or_default(),
        percent: rule.percent.map(|percent| percent.get().to_string()).unwrap_or_default(),
        plan: plan.map(|(plan, _)| plan),
        search: place(&listing.id),
        action,
        q,
        offers,
    };
    render(visitor, &view)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PickQuery {
    q: String,
}

pub async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(query): Query<PickQuery>,
) -> Result<Response, Fault> {
    let id = listing_id(&id)?;
    if wants_part(&headers) {
        let shell = Shell::new(&visitor, Section::Listings, ENGLISH.listing);
        let offers = offers(&console.app, visitor.id(), &query.q).await?;
        return part(&OffersPart { shell, action: format!("{}/link", place(&id)), q: query.q, offers });
    }
    let listing = console.app.listing(visitor.id(), &id).await?;
    page(&console, &visitor, listing, query.q, None).await
}

fn overrides(fields: &Fields, visitor: &Visitor) -> Result<ItemOverrides, AppError> {
    let currency = visitor.organization.base_currency;
    let text = |error: domain::text::InvalidText| AppError::invalid("invalid_field", "/item", error);
    let opening = match fields.units("opening_stock")? {
        Some(quantity) => Some(vec![OpeningStock { location_id: fields.parsed("location_id")?, quantity }]),
        None => None,
    };
    Ok(ItemOverrides {
        sku: fields.filled("sku").map(Sku::parse).transpose().map_err(text)?,
        name: fields.filled("name").map(Name::parse).transpose().map_err(text)?,
        selling_price: fields.money("selling_price", currency)?,
        purchase_price: fields.money("purchase_price", currency)?,
        opening_stock_value: None,
        barcode: fields.bounded_if_any("barcode", 255)?,
        group: None,
        reorder_level: fields.units("reorder_level")?,
        opening_stock: opening,
    })
}

/// The listing becomes an item: as it is, or with what the form says instead.
pub async fn confirm(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let id = listing_id(&id)?;
    let confirmed = async {
        let overrides = overrides(&fields, &visitor)?;
        console.app.confirm_listing(visitor.id(), &visitor.actor(), &id, &overrides).await
    };
    match confirmed.await {
        Ok(confirmed) if confirmed.defaulted.is_empty() => {
            Ok(go_saying(&format!("/items/{}", confirmed.item.id), ENGLISH.confirmed))
        }
        Ok(confirmed) => {
            let said = format!("{} {}", ENGLISH.confirmed, ENGLISH.defaults_warning);
            Ok(go_saying(&format!("/items/{}", confirmed.item.id), said))
        }
        Err(error) => done(Err::<String, _>(error), &place(&id)),
    }
}

pub async fn link(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let id = listing_id(&id)?;
    let linked = async {
        let item: ItemId = fields.parsed("item_id")?;
        console.app.link_listing(visitor.id(), &visitor.actor(), &id, &item).await
    };
    done(linked.await.map(|_| ENGLISH.linked_now), &place(&id))
}

pub async fn unlink(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let id = listing_id(&id)?;
    let unlinked = console.app.unlink_listing(visitor.id(), &id).await;
    done(unlinked.map(|_| ENGLISH.unlinked_now), &place(&id))
}

pub async fn dismiss(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let id = listing_id(&id)?;
    let dismissed = async {
        let why = fields.bounded_if_any("reason", TEXT_MAX)?;
        console.app.dismiss_listing(visitor.id(), &id, why.as_deref()).await
    };
    done(dismissed.await.map(|_| ENGLISH.dismissed_now), &place(&id))
}

pub async fn restore(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let id = listing_id(&id)?;
    done(console.app.restore_listing(visitor.id(), &id).await.map(|_| ENGLISH.restored_now), &place(&id))
}

/// Sends the number again of one that was held.
pub async fn release(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let id = listing_id(&id)?;
    done(console.app.release_listing(visitor.id(), &id).await.map(|_| ENGLISH.released), &place(&id))
}

/// What a form says of a rule; an empty field leaves it to who decides less closely.
pub fn rule_of(fields: &Fields) -> Result<RulePatch, AppError> {
    Ok(RulePatch {
        buffer: Some(fields.units("buffer")?),
        max_listed: Some(fields.units("max_listed")?),
        percent: Some(fields.percent("percent")?),
    })
}

/// How a form with a preview is meant: to look first, or to do what was looked at.
pub fn execution(fields: &Fields) -> Execution {
    match fields.filled("plan_id") {
        Some(id) => Execution::Planned(id.to_owned()),
        None => Execution::DryRun,
    }
}

pub async fn rule(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let id = listing_id(&id)?;
    let how = execution(&fields);
    let changed = async {
        let patch = rule_of(&fields)?;
        let done = console.app.change_listing_rule_planned(visitor.id(), &id, None, patch, &how).await?;
        Ok((done, patch))
    };
    match changed.await {
        Ok((Executed::Done(_), _)) => Ok(go_saying(&place(&id), ENGLISH.rule_saved)),
        Ok((Executed::Plan(plan), patch)) => {
            let listing = console.app.listing(visitor.id(), &id).await?;
            let plan = PlanView::new(&console.app, visitor.id(), plan).await?;
            page(&console, &visitor, listing, String::new(), Some((plan, patch))).await
        }
        Err(error) => done(Err::<String, AppError>(error), &place(&id)),
    }
}
