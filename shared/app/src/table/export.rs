//! Items, orders and the ledger as tables.

use domain::stock::Movement;
use domain::{ItemId, Money, OrganizationId};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use store::item::{Item, ItemFilter};
use store::order::{Order, OrderFilter, OrderLine, Origin};
use store::stock::Freshness;
use store::{PageRequest, StoreError};

use super::{Sheet, Writer, safe, safe_if_any, word};
use crate::{App, AppError};

/// Items whose stock is read at the same time.
const READS_AT_ONCE: usize = 16;
/// Rows of one query.
const QUERY_ROWS: u32 = 200;

/// The last three in whole units, over all locations.
const ITEM: [&str; 13] = [
    "id",
    "sku",
    "name",
    "currency",
    "selling_price",
    "purchase_price",
    "opening_stock_value",
    "barcode",
    "reorder_level",
    "created_at",
    "on_hand",
    "committed",
    "available",
];
const ORDER: [&str; 12] = [
    "order_id",
    "number",
    "source",
    "connection_id",
    "external_id",
    "state",
    "frozen",
    "payment_status",
    "location_id",
    "placed_at",
    "currency",
    "order_total",
];
const LINE: [&str; 9] =
    ["line_id", "listing_id", "item_id", "sku", "title", "quantity", "shipped_quantity", "unit_price", "tax"];
const MOVEMENT: [&str; 10] = [
    "id",
    "at",
    "item_id",
    "location_id",
    "on_hand_delta",
    "committed_delta",
    "reason",
    "source_type",
    "source_id",
    "actor",
];

fn whole_page(cursor: Option<String>) -> PageRequest {
    PageRequest { limit: QUERY_ROWS, cursor }
}

fn amount(price: Option<Money>) -> String {
    safe_if_any(price.map(|price| price.amount()))
}

fn item_cells(item: &Item, on_hand: i64, committed: i64) -> [String; 13] {
    [
        safe(&item.id),
        safe(item.sku.as_str()),
        safe(item.name.as_str()),
        safe_if_any(item.selling_price.map(|price| price.currency)),
        amount(item.selling_price),
        amount(item.purchase_price),
        amount(item.opening_stock_value),
        safe_if_any(item.barcode.as_ref()),
        item.reorder_level.map(|level| level.to_string()).unwrap_or_default(),
        safe(item.created_at),
        on_hand.to_string(),
        committed.to_string(),
        (on_hand - committed).to_string(),
    ]
}

fn order_cells(order: &Order) -> [String; 12] {
    [
        safe(&order.id),
        safe(&order.number),
        if order.origin == Origin::Manual { "manual" } else { "marketplace" }.to_owned(),
        safe_if_any(order.connection_id()),
        safe_if_any(order.external_id()),
        order.state.as_str().to_owned(),
        order.frozen.to_string(),
        word(order.payment),
        safe(&order.location_id),
        safe(order.placed_at),
        safe_if_any(order.total.map(|total| total.currency)),
        amount(order.total),
    ]
}

fn line_cells(order: &Order, line: &OrderLine) -> [String; 9] {
    let money = |minor: Option<i64>| amount(minor.map(|minor| Money { minor, currency: order.currency }));
    [
        safe(&line.id),
        safe_if_any(order.listing_of(line)),
        safe_if_any(line.item_id.as_ref()),
        safe_if_any(line.sku.as_ref()),
        safe(&line.title),
        line.quantity.to_string(),
        line.stand().shipped().to_string(),
        money(line.unit_price_minor),
        money(line.tax_minor),
    ]
}

fn movement_cells(movement: &Movement) -> [String; 10] {
    [
        safe(&movement.id),
        safe(movement.at),
        safe(&movement.item_id),
        safe(&movement.location_id),
        movement.change.on_hand.to_string(),
        movement.change.committed.to_string(),
        word(movement.reason),
        word(movement.source.kind),
        safe(&movement.source.id),
        safe(String::from(movement.actor.clone())),
    ]
}

/// Where the walk over all items and their movements is.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Place {
    items: Option<String>,
    movements: Option<String>,
}

impl Place {
    fn parse(text: &str) -> Result<Self, AppError> {
        serde_json::from_str(text).map_err(|_| StoreError::BadCursor.into())
    }

    fn text(&self) -> Result<String, AppError> {
        serde_json::to_string(self).map_err(super::unwritable)
    }
}

impl App {
    /// Items with their stock over all locations, in the order of their creation.
    pub async fn export_items(
        &self,
        organization: &OrganizationId,
        mut cursor: Option<String>,
    ) -> Result<Sheet, AppError> {
        let mut sheet = Writer::new(&ITEM)?;
        loop {
            let filter = ItemFilter::default();
            let page = self.store.items(organization, &filter, &whole_page(cursor)).await?;
            let reads: Vec<_> = page
                .data
                .into_iter()
                .map(|item| async move {
                    let stock = self.store.item_stock(organization, &item.id, Freshness::Eventual).await?;
                    Ok::<_, AppError>((item, stock))
                })
                .collect();
            let items: Vec<_> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
            for (item, stock) in items {
                let on_hand = stock.levels.iter().map(|level| level.on_hand).sum();
                let committed = stock.levels.iter().map(|level| level.committed).sum();
                sheet.row(item_cells(&item, on_hand, committed))?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() || sheet.is_full() {
                return sheet.finish(cursor);
            }
        }
    }

    /// A row a line of an order, newest orders first. Who bought is not in it.
    pub async fn export_orders(
        &self,
        organization: &OrganizationId,
        mut cursor: Option<String>,
    ) -> Result<Sheet, AppError> {
        let mut sheet = Writer::new(ORDER.iter().chain(&LINE))?;
        loop {
            let filter = OrderFilter::default();
            let page = self.store.orders(organization, &filter, &whole_page(cursor)).await?;
            for order in &page.data {
                let of_order = order_cells(order);
                for line in &order.lines {
                    sheet.row(of_order.iter().cloned().chain(line_cells(order, line)))?;
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() || sheet.is_full() {
                return sheet.finish(cursor);
            }
        }
    }

    /// The stock ledger: item by item in the order of their creation, of each the newest movements first; or of one item
    /// alone.
    pub async fn export_movements(
        &self,
        organization: &OrganizationId,
        item: Option<&ItemId>,
        cursor: Option<String>,
    ) -> Result<Sheet, AppError> {
        let mut sheet = Writer::new(&MOVEMENT)?;
        if let Some(id) = item {
            self.item(organization, id).await?;
            let rest = self.write_movements(organization, &mut sheet, id, cursor).await?;
            return sheet.finish(rest);
        }
        let mut place = cursor.as_deref().map(Place::parse).transpose()?.unwrap_or_default();
        loop {
            let request = PageRequest { limit: 1, cursor: place.items.clone() };
            let items = self.store.items(organization, &ItemFilter::default(), &request).await?;
            if let Some(item) = items.data.first() {
                let from = place.movements.take();
                place.movements = self.write_movements(organization, &mut sheet, &item.id, from).await?;
            }
            if place.movements.is_none() {
                match items.next_cursor {
                    Some(next) => place.items = Some(next),
                    None => return sheet.finish(None),
                }
            }
            if sheet.is_full() {
                return sheet.finish(Some(place.text()?));
            }
        }
    }

    /// Until the sheet is full: then where the rest begins.
    async fn write_movements(
        &self,
        organization: &OrganizationId,
        sheet: &mut Writer,
        item: &ItemId,
        mut cursor: Option<String>,
    ) -> Result<Option<String>, AppError> {
        loop {
            let page = self.store.movements(organization, item, &whole_page(cursor)).await?;
            for movement in &page.data {
                sheet.row(movement_cells(movement))?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() || sheet.is_full() {
                return Ok(cursor);
            }
        }
    }
}
