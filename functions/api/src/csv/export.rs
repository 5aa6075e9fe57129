//! `/v1/exports/{items|orders|movements}.csv`.

use axum::extract::State;
use axum::response::Response;
use domain::ItemId;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::PageRequest;
use store::item::{Item, ItemFilter};
use store::order::OrderFilter;
use store::stock::Freshness;
use utoipa::IntoParams;

use super::{Column, Sheet, cell};
use crate::Api;
use crate::auth::{Caller, Reader};
use crate::input::{Filter, LIMIT_MAX};
use crate::item::ItemBody;
use crate::item_stock::MovementBody;
use crate::order_body::{Names, OrderBody};
use crate::problem::Problem;

/// Items whose stock is read at the same time.
const READS_AT_ONCE: usize = 16;

const ITEM: [Column; 10] = [
    ("id", "/id"),
    ("sku", "/sku"),
    ("name", "/name"),
    ("currency", "/selling_price/currency"),
    ("selling_price", "/selling_price/amount"),
    ("purchase_price", "/purchase_price/amount"),
    ("opening_stock_value", "/opening_stock_value/amount"),
    ("barcode", "/barcode"),
    ("reorder_level", "/reorder_level"),
    ("created_at", "/created_at"),
];
/// Whole units, over all locations.
const ITEM_STOCK: [Column; 3] = [("on_hand", ""), ("committed", ""), ("available", "")];

const ORDER: [Column; 12] = [
    ("order_id", "/id"),
    ("number", "/number"),
    ("source", "/source"),
    ("connection_id", "/connection_id"),
    ("external_id", "/external_id"),
    ("state", "/state"),
    ("frozen", "/frozen"),
    ("payment_status", "/payment/status"),
    ("location_id", "/location_id"),
    ("placed_at", "/placed_at"),
    ("currency", "/totals/total/currency"),
    ("order_total", "/totals/total/amount"),
];
const LINE: [Column; 9] = [
    ("line_id", "/id"),
    ("listing_id", "/listing_id"),
    ("item_id", "/item_id"),
    ("sku", "/sku"),
    ("title", "/title"),
    ("quantity", "/quantity"),
    ("shipped_quantity", "/shipped_quantity"),
    ("unit_price", "/unit_price/amount"),
    ("tax", "/tax/amount"),
];

const MOVEMENT: [Column; 10] = [
    ("id", "/id"),
    ("at", "/at"),
    ("item_id", "/item_id"),
    ("location_id", "/location_id"),
    ("on_hand_delta", "/on_hand_delta"),
    ("committed_delta", "/committed_delta"),
    ("reason", "/reason"),
    ("source_type", "/source/type"),
    ("source_id", "/source/id"),
    ("actor", "/actor"),
];

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// Of the `Link` header with `rel="next"` that an answer of 10,000 rows has.
    cursor: Option<String>,
}

fn whole_page(cursor: Option<String>) -> PageRequest {
    PageRequest { limit: LIMIT_MAX, cursor }
}

fn next_address(table: &str, cursor: Option<String>) -> Option<String> {
    let cursor = cursor?;
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("cursor", &cursor).finish();
    Some(format!("/v1/exports/{table}.csv?{query}"))
}

fn as_json(body: impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(body).map_err(super::unwritable)
}

/// Items with their stock over all locations.
#[utoipa::path(get, path = "/v1/exports/items.csv", tag = "exports", params(ExportQuery),
    responses((status = 200, content_type = "text/csv", body = String)))]
pub async fn export_items(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<ExportQuery>,
) -> Result<Response, Problem> {
    let mut sheet = Sheet::new("items", ITEM.iter().chain(&ITEM_STOCK))?;
    let mut cursor = query.cursor;
    loop {
        let store = &api.app.store;
        let organization = &caller.organization_id;
        let page = store.items(organization, &ItemFilter::default(), &whole_page(cursor)).await?;
        let reads: Vec<_> = page
            .data
            .into_iter()
            .map(|item| async move {
                let stock = store.item_stock(organization, &item.id, Freshness::Eventual).await?;
                Ok::<_, Problem>((item, stock))
            })
            .collect();
        let items: Vec<_> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
        for (item, stock) in items {
            let on_hand: i64 = stock.levels.iter().map(|level| level.on_hand).sum();
            let committed: i64 = stock.levels.iter().map(|level| level.committed).sum();
            let body = as_json(ItemBody::from(item))?;
            let cells = ITEM.iter().map(|(_, pointer)| cell(&body, pointer));
            let numbers = [on_hand, committed, on_hand - committed].map(|number| number.to_string());
            sheet.row(cells.chain(numbers))?;
        }
        cursor = page.next_cursor;
        if cursor.is_none() || sheet.is_full() {
            return sheet.answer(next_address("items", cursor));
        }
    }
}

/// A row a line of an order, newest orders first. Who bought is not in it.
#[utoipa::path(get, path = "/v1/exports/orders.csv", tag = "exports", params(ExportQuery),
    responses((status = 200, content_type = "text/csv", body = String)))]
pub async fn export_orders(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<ExportQuery>,
) -> Result<Response, Problem> {
    let mut sheet = Sheet::new("orders", ORDER.iter().chain(&LINE))?;
    let names = Names::of(&api, &caller).await?;
    let mut cursor = query.cursor;
    loop {
        let page = whole_page(cursor);
        let page = api.app.store.orders(&caller.organization_id, &OrderFilter::default(), &page).await?;
        for order in &page.data {
            let body = as_json(OrderBody::new(order, &names))?;
            let of_order: Vec<String> = ORDER.iter().map(|(_, pointer)| cell(&body, pointer)).collect();
            for line in body.get("lines").and_then(Value::as_array).into_iter().flatten() {
                let of_line = LINE.iter().map(|(_, pointer)| cell(line, pointer));
                sheet.row(of_order.iter().cloned().chain(of_line))?;
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() || sheet.is_full() {
            return sheet.answer(next_address("orders", cursor));
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MovementQuery {
    /// Of one item alone.
    #[param(value_type = Option<String>)]
    item_id: Option<ItemId>,
    /// Of the `Link` header with `rel="next"` that a full answer has.
    cursor: Option<String>,
}

/// The stock ledger: item by item in the order of their creation, of each the newest movements first.
#[utoipa::path(get, path = "/v1/exports/movements.csv", tag = "exports", params(MovementQuery),
    responses((status = 200, content_type = "text/csv", body = String)))]
pub async fn export_movements(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<MovementQuery>,
) -> Result<Response, Problem> {
    let mut sheet = Sheet::new("movements", &MOVEMENT)?;
    if let Some(id) = query.item_id {
        api.app.item(&caller.organization_id, &id).await?;
        let rest = of_item(&api, &caller, &mut sheet, &id, query.cursor).await?;
        let next = next_address("movements", rest).map(|next| format!("{next}&item_id={id}"));
        return sheet.answer(next);
    }
    let mut place = query.cursor.as_deref().map(Place::parse).transpose()?.unwrap_or_default();
    loop {
        let items = next_item(&api, &caller, place.items.clone()).await?;
        if let Some(item) = &items.item {
            place.movements = of_item(&api, &caller, &mut sheet, &item.id, place.movements).await?;
        }
        if place.movements.is_none() {
            match items.next {
                Some(next) => place.items = Some(next),
                None => return sheet.answer(None),
            }
        }
        if sheet.is_full() {
            return sheet.answer(next_address("movements", Some(place.text()?)));
        }
    }
}

/// Where the walk over all items and their movements is.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Place {
    items: Option<String>,
    movements: Option<String>,
}

impl Place {
    fn parse(text: &str) -> Result<Self, Problem> {
        serde_json::from_str(text).map_err(|_| {
            let detail = "is not of this list";
            Problem::field(http::StatusCode::BAD_REQUEST, "invalid_cursor", "/cursor", detail)
        })
    }

    fn text(&self) -> Result<String, Problem> {
        serde_json::to_string(self).map_err(super::unwritable)
    }
}

struct Found {
    item: Option<Item>,
    next: Option<String>,
}

async fn next_item(api: &Api, caller: &Caller, cursor: Option<String>) -> Result<Found, Problem> {
    let request = PageRequest { limit: 1, cursor };
    let page = api.app.store.items(&caller.organization_id, &ItemFilter::default(), &request).await?;
    Ok(Found { item: page.data.into_iter().next(), next: page.next_cursor })
}

/// Until the sheet is full: then where the rest begins.
async fn of_item(
    api: &Api,
    caller: &Caller,
    sheet: &mut Sheet,
    item: &ItemId,
    mut cursor: Option<String>,
) -> Result<Option<String>, Problem> {
    loop {
        let page = whole_page(cursor);
        let page = api.app.store.movements(&caller.organization_id, item, &page).await?;
        for movement in page.data {
            let body = as_json(MovementBody::from(movement))?;
            sheet.row(MOVEMENT.iter().map(|(_, pointer)| cell(&body, pointer)))?;
        }
        cursor = page.next_cursor;
        if cursor.is_none() || sheet.is_full() {
            return Ok(cursor);
        }
    }
}
