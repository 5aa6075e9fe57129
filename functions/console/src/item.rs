//! `/items`: the list, and marking many as shipped by Amazon or by the merchant.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use domain::channel::Fulfilment;
use domain::stock::Level;
use domain::{ItemId, MatchKey};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use store::api_key::Scope;
use store::item::{Item, ItemFilter};
use store::stock::Freshness;

use crate::Console;
use crate::fault::{Fault, sentence};
use crate::form::Posted;
use crate::order::word;
use crate::page::{Pager, Section, Shell, money, render, request};
use crate::text::ENGLISH;
use crate::visitor::{Visitor, done};

/// Items whose stock is read at the same time.
const AT_ONCE: usize = 8;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ItemQuery {
    q: String,
    cursor: String,
}

struct ItemRow {
    id: String,
    name: String,
    sku: String,
    price: Option<String>,
    bundle: bool,
    on_hand: i64,
    committed: i64,
    available: i64,
    listings: usize,
    low: bool,
}

#[derive(Template)]
#[template(path = "items.html")]
struct ItemsPage {
    shell: Shell,
    q: String,
    rows: Vec<ItemRow>,
    pager: Pager,
}

async fn row(console: &Console, visitor: &Visitor, item: Item) -> Result<ItemRow, store::StoreError> {
    let stock = console.app.store.item_stock(visitor.id(), &item.id, Freshness::Eventual).await?;
    Ok(ItemRow {
        id: item.id.to_string(),
        name: item.name.as_str().to_owned(),
        sku: item.sku.as_str().to_owned(),
        price: item.selling_price.map(money),
        bundle: !item.components.is_empty(),
        on_hand: stock.levels.iter().map(|level| level.on_hand).sum(),
        committed: stock.levels.iter().map(|level| level.committed).sum(),
        available: stock.levels.iter().map(Level::available).sum(),
        listings: stock.links.len(),
        low: stock.low_since.is_some(),
    })
}

pub async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<ItemQuery>,
) -> Result<Response, Fault> {
    let q = Some(MatchKey::of(&query.q)).filter(|key| !key.as_str().is_empty());
    let filter = ItemFilter { q, ..ItemFilter::default() };
    let found = console.app.store.items(visitor.id(), &filter, &request(&query.cursor)).await?;
    let reading: Vec<_> = found.data.into_iter().map(|item| row(&console, &visitor, item)).collect();
    let rows = stream::iter(reading).buffered(AT_ONCE).try_collect().await?;
    let asked = [("q", query.q.as_str())];
    let page = ItemsPage {
        shell: Shell::new(&visitor, Section::Items, ENGLISH.items),
        rows,
        pager: Pager::new("/items", &asked, &query.cursor, found.next_cursor.as_deref()),
        q: query.q,
    };
    render(&visitor, &page)
}

/// Whose the numbers of the ticked items are: Amazon's, or the merchant's.
pub async fn mark(
    State(console): State<Console>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let items: Vec<ItemId> = fields.all("item_id").filter_map(|id| id.parse().ok()).collect();
    let Some(wanted) = word::<Fulfilment>(fields.text("fulfilment")).filter(|_| !items.is_empty()) else {
        let nothing = app::AppError::invalid("invalid_field", "/item_ids", ENGLISH.nothing_ticked);
        return done(Err::<String, _>(nothing), "/items");
    };
    let outcomes = console.app.mark_fulfilment(visitor.id(), &visitor.actor(), &items, wanted).await?;
    let failed: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| outcome.result.as_ref().err())
        .map(|error| sentence(&error.to_string()))
        .collect();
    let marked = outcomes.len() - failed.len();
    match failed.first() {
        None => done(Ok::<_, app::AppError>(format!("{marked} {}", ENGLISH.n_marked)), "/items"),
        Some(first) => {
            let said =
                format!("{marked} {}. {} {}: {first}", ENGLISH.n_marked, failed.len(), ENGLISH.n_failed);
            done(Err::<String, _>(app::AppError::conflict("not_marked", said)), "/items")
        }
    }
}
