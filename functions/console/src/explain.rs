//! `/items/{id}/explain`: a listing's number as a little sum that one can read.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::ListingId;
use serde::Deserialize;

use crate::Console;
use crate::fault::Fault;
use crate::item_page::item_id;
use crate::names::Locations;
use crate::page::{Section, Shell, render};
use crate::text::{ENGLISH, at_location, reason, step};
use crate::visitor::Visitor;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExplainQuery {
    listing: String,
}

/// `Main warehouse: 12 on hand − 3 committed = 9`.
struct Summand {
    label: String,
    on_hand: i64,
    committed: i64,
    available: i64,
}

struct PartRow {
    name: String,
    each: i64,
    available: i64,
    makes: i64,
}

#[derive(Template)]
#[template(path = "explain.html")]
struct ExplainPage {
    shell: Shell,
    id: String,
    name: String,
    listing: Option<(String, String)>,
    summands: Vec<Summand>,
    parts: Vec<PartRow>,
    steps: Vec<(String, i64)>,
    result: Option<i64>,
    not_pushed: Option<String>,
}

pub async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(query): Query<ExplainQuery>,
) -> Result<Response, Fault> {
    let app = &console.app;
    let id = item_id(&id)?;
    let item = app.item(visitor.id(), &id).await?;
    let listing_id: Option<ListingId> = query.listing.parse().ok();
    let explained = app.explain_availability(visitor.id(), &id, None, listing_id.as_ref()).await?;
    let listing = match &listing_id {
        Some(id) => app.store.listing(visitor.id(), id).await?,
        None => None,
    };
    let locations = Locations::of(app, visitor.id()).await?;
    let (mut summands, mut parts, mut steps, mut result) = (Vec::new(), Vec::new(), Vec::new(), None);
    if let Some(shown) = explained.availability {
        let summand = |level: &domain::stock::Level| Summand {
            label: locations.name(&level.location_id),
            on_hand: level.on_hand,
            committed: level.committed,
            available: level.available(),
        };
        summands = shown.levels.iter().map(summand).collect();
        let ids = shown.components.iter().map(|part| part.item_id.clone()).collect();
        let items = app.store.items_by_ids(visitor.id(), &ids).await?;
        let part = |part: &domain::availability::PartAvailability| PartRow {
            name: items
                .get(&part.item_id)
                .map_or_else(|| part.item_id.to_string(), |item| item.name.as_str().to_owned()),
            each: part.quantity,
            available: part.available,
            makes: part.available.div_euclid(part.quantity.max(1)),
        };
        parts = shown.components.iter().map(part).collect();
        let rule = explained.rule;
        steps = shown.steps.iter().map(|one| (step(one.step, &rule), one.value)).collect();
        let shares = shown.split.iter().flat_map(|split| split.shares());
        steps.extend(shares.map(|share| (at_location(share.at.as_str()), share.quantity.units())));
        result = Some(shown.result.units());
    }
    let page = ExplainPage {
        shell: Shell::new(&visitor, Section::Items, ENGLISH.explain),
        id: id.to_string(),
        name: item.name.as_str().to_owned(),
        listing: listing.map(|listing| (listing.id.to_string(), listing.title.as_str().to_owned())),
        summands,
        parts,
        steps,
        result,
        not_pushed: explained.not_pushed.map(|why| reason(why.code())),
    };
    render(&visitor, &page)
}
