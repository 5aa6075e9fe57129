//! Items from a table, each row by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use domain::stock::Actor;
use domain::{Currency, ItemId, MatchKey, Money, Name, OrganizationId, Quantity, Sku};
use store::item::Item;
use store::organization::Organization;

use super::unsafe_again;
use crate::item::{BARCODE_MAX, ItemPatch, NewItem, OpeningStock};
use crate::{App, AppError};

/// Each row is a few reads and a transaction, and API Gateway hangs up after 30 s.
pub const ROWS_MAX: usize = 1_000;

/// The columns that are read. `sku` must be there; others of an export are passed over and named in the report.
pub const COLUMNS: [&str; 9] = [
    "sku",
    "name",
    "currency",
    "selling_price",
    "purchase_price",
    "opening_stock_value",
    "barcode",
    "reorder_level",
    "opening_stock",
];

/// What became of a table, or would.
#[derive(Debug, Default)]
pub struct ImportReport {
    pub totals: Totals,
    /// Of rows that fail all; of the others those that change something.
    pub rows: Vec<ImportRow>,
    /// Columns of the table that an import does not read.
    pub ignored_columns: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
    pub failed: usize,
}

#[derive(Debug)]
pub struct ImportRow {
    /// As a spreadsheet counts: the header is row 1.
    pub row: usize,
    pub sku: String,
    pub outcome: RowOutcome,
    pub item_id: Option<ItemId>,
    pub errors: Vec<CellError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOutcome {
    Created,
    Updated,
    Unchanged,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellError {
    /// `None` where it is the row as a whole.
    pub column: Option<&'static str>,
    /// Stable, snake_case.
    pub code: &'static str,
    pub detail: String,
}

/// A row that could be read. An empty cell says nothing: what the item has stays.
struct Row {
    sku: Sku,
    name: Option<Name>,
    selling_price: Option<Money>,
    purchase_price: Option<Money>,
    opening_stock_value: Option<Money>,
    barcode: Option<String>,
    reorder_level: Option<Quantity>,
    opening_stock: Option<Quantity>,
}

struct Cells<'a> {
    places: &'a BTreeMap<&'static str, usize>,
    record: &'a csv::StringRecord,
    errors: Vec<CellError>,
}

impl Cells<'_> {
    fn text(&self, column: &'static str) -> Option<String> {
        let text = unsafe_again(self.record.get(*self.places.get(column)?)?.trim());
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn refuse(&mut self, column: &'static str, code: &'static str, detail: impl ToString) {
        self.errors.push(CellError { column: Some(column), code, detail: detail.to_string() });
    }

    fn parsed<T>(&mut self, column: &'static str) -> Option<T>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let parsed = self.text(column)?.parse();
        parsed.map_err(|error| self.refuse(column, "invalid_field", error)).ok()
    }

    fn units(&mut self, column: &'static str) -> Option<Quantity> {
        let units: i64 = self.parsed(column)?;
        Quantity::new(units).map_err(|error| self.refuse(column, "invalid_field", error)).ok()
    }

    fn price(&mut self, column: &'static str, currency: Currency) -> Option<Money> {
        match Money::parse(&self.text(column)?, currency) {
            Ok(price) if price.minor >= 0 => Some(price),
            Ok(_) => {
                self.refuse(column, "invalid_price", "must not be below zero");
                None
            }
            Err(error) => {
                self.refuse(column, "invalid_price", error);
                None
            }
        }
    }

    fn read(mut self, base: Currency) -> Result<Row, Vec<CellError>> {
        match self.parsed::<Currency>("currency") {
            Some(currency) if currency != base => {
                self.refuse("currency", "invalid_price", format!("must be the base currency, {base}"));
            }
            _ => {}
        }
        let sku = match self.text("sku").map(|text| Sku::parse(&text)) {
            Some(Ok(sku)) => Some(sku),
            Some(Err(error)) => {
                self.refuse("sku", "invalid_field", error);
                None
            }
            None => {
                self.refuse("sku", "missing_field", "must be given");
                None
            }
        };
        let name = self.text("name").and_then(|text| {
            Name::parse(&text).map_err(|error| self.refuse("name", "invalid_field", error)).ok()
        });
        let barcode = self.text("barcode").and_then(|text| {
            let parsed = domain::text::parse_bounded(&text, BARCODE_MAX);
            parsed.map_err(|error| self.refuse("barcode", "invalid_field", error)).ok()
        });
        let row = sku.map(|sku| Row {
            sku,
            name,
            selling_price: self.price("selling_price", base),
            purchase_price: self.price("purchase_price", base),
            opening_stock_value: self.price("opening_stock_value", base),
            barcode,
            reorder_level: self.units("reorder_level"),
            opening_stock: self.units("opening_stock"),
        });
        row.filter(|_| self.errors.is_empty()).ok_or(self.errors)
    }
}

struct Table {
    places: BTreeMap<&'static str, usize>,
    ignored: Vec<String>,
    records: Vec<csv::StringRecord>,
}

fn malformed(detail: impl std::fmt::Display) -> AppError {
    AppError::invalid("malformed_csv", "", detail)
}

impl Table {
    fn read(body: &[u8]) -> Result<Self, AppError> {
        // Spreadsheets write it before the first name.
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(body);
        let unreadable = |error| malformed(format!("the table cannot be read: {error}"));
        let header = reader.headers().map_err(unreadable)?;
        let mut places = BTreeMap::new();
        let mut ignored = Vec::new();
        for (n, name) in header.iter().enumerate() {
            match COLUMNS.into_iter().find(|column| column.eq_ignore_ascii_case(name.trim())) {
                Some(column) if places.insert(column, n).is_some() => {
                    return Err(malformed(format!("the column {column} is there twice")));
                }
                Some(_) => {}
                None => ignored.push(name.chars().take(100).collect()),
            }
        }
        if !places.contains_key("sku") {
            return Err(malformed("the first row must name the columns, sku among them"));
        }
        let mut records = Vec::new();
        for record in reader.into_records() {
            records.push(record.map_err(unreadable)?);
            if records.len() > ROWS_MAX {
                let detail = format!("the table must have at most {ROWS_MAX} rows; send it in parts");
                return Err(malformed(detail));
            }
        }
        Ok(Self { places, ignored, records })
    }
}

type Done = Result<(RowOutcome, Option<ItemId>), Vec<CellError>>;

impl App {
    /// A SKU that is known changes that item, a new one makes one (then `name` must be given, and `opening_stock` lies at
    /// the primary location). Rows are done one by one: what is right lands, what is not is named. Sent again, the same
    /// table changes nothing. `dry_run` says what would happen, and does nothing. Errors: 422 `malformed_csv`.
    pub async fn import_items(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        table: &[u8],
        dry_run: bool,
    ) -> Result<ImportReport, AppError> {
        let table = Table::read(table)?;
        let organization = self.organization(organization).await?;
        let mut read = Vec::new();
        let mut seen = BTreeSet::new();
        for (n, record) in table.records.iter().enumerate() {
            let cells = Cells { places: &table.places, record, errors: Vec::new() };
            let sku = cells.text("sku").unwrap_or_default();
            let mut row = cells.read(organization.base_currency);
            if let Ok(found) = &row
                && !seen.insert(found.sku.match_key())
            {
                let detail = "an earlier row has this SKU".to_owned();
                row = Err(vec![CellError { column: Some("sku"), code: "duplicate_sku", detail }]);
            }
            read.push((n + 2, sku, row));
        }
        let known = self.items_of_skus(&organization.id, &seen).await?;
        let mut report = ImportReport { ignored_columns: table.ignored, ..ImportReport::default() };
        for (row, sku, read) in read {
            let done = match read {
                Err(errors) => Err(errors),
                Ok(read) => match known.get(&read.sku.match_key()) {
                    Some(item) => self.update_by_row(&organization.id, item, read, dry_run).await,
                    None => self.create_by_row(&organization, actor, read, dry_run).await,
                },
            };
            let (outcome, item_id, errors) = match done {
                Ok((outcome, item_id)) => (outcome, item_id, Vec::new()),
                Err(errors) => (RowOutcome::Failed, None, errors),
            };
            let totals = &mut report.totals;
            let total = match outcome {
                RowOutcome::Created => &mut totals.created,
                RowOutcome::Updated => &mut totals.updated,
                RowOutcome::Unchanged => &mut totals.unchanged,
                RowOutcome::Failed => &mut totals.failed,
            };
            *total += 1;
            if outcome != RowOutcome::Unchanged {
                report.rows.push(ImportRow { row, sku, outcome, item_id, errors });
            }
        }
        Ok(report)
    }

    async fn items_of_skus(
        &self,
        organization: &OrganizationId,
        skus: &BTreeSet<MatchKey>,
    ) -> Result<BTreeMap<MatchKey, Item>, AppError> {
        let ids = self.store.items_by_sku(organization, skus).await?;
        let items = self.store.items_by_ids(organization, &ids.values().cloned().collect()).await?;
        Ok(ids.into_iter().filter_map(|(sku, id)| Some((sku, items.get(&id)?.clone()))).collect())
    }

    async fn create_by_row(
        &self,
        organization: &Organization,
        actor: &Actor,
        row: Row,
        dry_run: bool,
    ) -> Done {
        let Some(name) = row.name else {
            let detail = "must be given for a new item".to_owned();
            return Err(vec![CellError { column: Some("name"), code: "missing_field", detail }]);
        };
        if dry_run {
            return Ok((RowOutcome::Created, None));
        }
        let opening = row
            .opening_stock
            .map(|quantity| OpeningStock { location_id: organization.primary_location_id.clone(), quantity });
        let new = NewItem {
            sku: row.sku,
            name,
            selling_price: row.selling_price,
            purchase_price: row.purchase_price,
            opening_stock_value: row.opening_stock_value,
            barcode: row.barcode,
            group: None,
            reorder_level: row.reorder_level,
            opening_stock: opening.into_iter().collect(),
            components: Vec::new(),
        };
        let made = self.create_item(&organization.id, actor, new).await;
        made.map(|item| (RowOutcome::Created, Some(item.id))).map_err(of_row)
    }

    async fn update_by_row(
        &self,
        organization: &OrganizationId,
        item: &Item,
        row: Row,
        dry_run: bool,
    ) -> Done {
        if row.opening_stock.is_some_and(|quantity| quantity != Quantity::ZERO) {
            let detail = "is for new items; an adjustment changes the stock of this one".to_owned();
            return Err(vec![CellError { column: Some("opening_stock"), code: "item_exists", detail }]);
        }
        let patch = ItemPatch {
            name: row.name,
            selling_price: row.selling_price.map(Some),
            purchase_price: row.purchase_price.map(Some),
            opening_stock_value: row.opening_stock_value.map(Some),
            barcode: row.barcode.map(Some),
            reorder_level: row.reorder_level.map(Some),
            ..ItemPatch::default()
        };
        let outcome = if changes(item, &patch) { RowOutcome::Updated } else { RowOutcome::Unchanged };
        if outcome == RowOutcome::Updated && !dry_run {
            self.change_item(organization, &item.id, None, &patch).await.map_err(of_row)?;
        }
        Ok((outcome, Some(item.id.clone())))
    }
}

fn changes(item: &Item, patch: &ItemPatch) -> bool {
    patch.name.as_ref().is_some_and(|name| *name != item.name)
        || patch.selling_price.is_some_and(|price| price != item.selling_price)
        || patch.purchase_price.is_some_and(|price| price != item.purchase_price)
        || patch.opening_stock_value.is_some_and(|price| price != item.opening_stock_value)
        || patch.barcode.as_ref().is_some_and(|barcode| *barcode != item.barcode)
        || patch.reorder_level.is_some_and(|level| level != item.reorder_level)
}

/// Loses nothing of the rows behind: a table that fails in the middle tells how far it came.
fn of_row(error: AppError) -> Vec<CellError> {
    let (code, detail) = match &error {
        AppError::Invalid { code: "sku_taken", .. } | AppError::Conflict { code: "sku_taken", .. } => {
            ("sku_taken", error.to_string())
        }
        AppError::Store(_) | AppError::Queue(_) | AppError::Internal(_) => {
            tracing::error!(error = crate::sync_orders::chain(&error), "a row was not stored");
            ("not_stored", "could not be stored; send the row again".to_owned())
        }
        _ => ("refused", error.to_string()),
    };
    vec![CellError { column: None, code, detail }]
}
