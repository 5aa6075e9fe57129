//! Goods at Amazon: where a shop's are counted, and both numbers of a listing beside each other.

use app::fba_stock::{AdjustmentNote, FbaSku};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::audit::AuditAction;
use store::api_key::Scope;

use crate::Console;
use crate::connection::connection_id;
use crate::fault::Fault;
use crate::form::Posted;
use crate::listing_page::listing_id;
use crate::names::Locations;
use crate::order_page::TEXT_MAX;
use crate::page::{Moment, Section, Shell, render};
use crate::text::ENGLISH;
use crate::visitor::{Visitor, done};

/// Counts the shop's goods at Amazon in a location from now on, or counts them no more.
pub async fn set(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Admin)?;
    let id = connection_id(&id)?;
    let (app, organization) = (&console.app, visitor.id());
    let changed = async {
        if fields.is_on("disable") {
            app.disable_fba(organization, &id, None).await?;
            return Ok(ENGLISH.fba_disabled);
        }
        app.enable_fba(organization, &id, None, &fields.parsed("location_id")?).await?;
        Ok(ENGLISH.fba_enabled)
    };
    let changed = changed.await;
    if changed.is_ok() {
        visitor.note(app, AuditAction::ConnectionChanged, id.as_str()).await;
    }
    done(changed, &format!("/connections/{id}/settings"))
}

struct SkuRow {
    listing_id: String,
    sku: String,
    sellable: i64,
    reserved: i64,
    unsellable: i64,
    inbound: i64,
}

impl From<FbaSku> for SkuRow {
    fn from(sku: FbaSku) -> Self {
        let held = sku.held.unwrap_or_default();
        Self {
            listing_id: sku.listing_id.to_string(),
            sku: sku.sku,
            sellable: held.sellable,
            reserved: held.reserved,
            unsellable: held.unsellable,
            inbound: held.inbound_working + held.inbound_shipped + held.inbound_receiving,
        }
    }
}

#[derive(Template)]
#[template(path = "fba_stock.html")]
struct FbaPage {
    shell: Shell,
    id: String,
    item_id: String,
    item: String,
    location: String,
    amazon: i64,
    hub: i64,
    mismatch: i64,
    difference: String,
    observed: Moment,
    skus: Vec<SkuRow>,
    once: String,
}

/// Asks Amazon now.
pub async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let (app, organization) = (&console.app, visitor.id());
    let stock = app.fba_stock(organization, &listing_id(&id)?).await?;
    let item = app.item(organization, &stock.item_id).await?;
    let locations = Locations::of(app, organization).await?;
    let page = FbaPage {
        shell: Shell::new(&visitor, Section::Items, ENGLISH.fba_stock),
        id,
        item_id: stock.item_id.to_string(),
        item: item.name.as_str().to_owned(),
        location: locations.name(&stock.location_id),
        amazon: stock.amazon,
        hub: stock.hub,
        mismatch: stock.mismatch,
        difference: format!("{:+}", stock.mismatch),
        observed: visitor.at(stock.observed_at),
        skus: stock.skus.into_iter().map(SkuRow::from).collect(),
        once: app.ids.next(visitor.now),
    };
    render(&visitor, &page)
}

/// Brings what is counted here to what Amazon has.
pub async fn adjust(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let adjusted = async {
        let note = AdjustmentNote {
            reason: fields.bounded_if_any("reason", TEXT_MAX)?,
            reference: None,
            id: fields.once(),
        };
        console.app.adjust_fba_stock(visitor.id(), &visitor.actor(), &listing_id(&id)?, &note).await
    };
    match adjusted.await {
        Ok(paper) => {
            Ok(crate::visitor::go_saying(&format!("/stock/adjustments/{}", paper.id), ENGLISH.posted))
        }
        Err(error) => done(Err::<String, _>(error), &format!("/listings/{id}/fba-stock")),
    }
}
