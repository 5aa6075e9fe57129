//! `POST /v1/imports/items.csv`: items from a table, each row by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use app::AppError;
use app::item::{ItemPatch, NewItem, OpeningStock};
use axum::extract::State;
use bytes::Bytes;
use domain::{Currency, ItemId, MatchKey, Money, Name, Quantity, Sku};
use http::HeaderMap;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use store::item::Item;
use utoipa::{IntoParams, ToSchema};

use super::unsafe_again;
use crate::Api;
use crate::auth::{Caller, Writer};
use crate::input::Filter;
use crate::item::BARCODE_MAX;
use crate::problem::Problem;
use crate::value;

/// Each row is a few reads and a transaction, and API Gateway hangs up after 30 s.
const ROWS_MAX: usize = 1_000;

/// The columns that are read. `sku` must be there; others of an export are passed over and named in the answer.
const COLUMNS: [&str; 9] = [
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

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Says what would happen, and does nothing.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    dry_run: bool,
}

/// What became of a table, or would.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportReport)]
pub struct ReportBody {
    dry_run: bool,
    totals: TotalsBody,
    /// Of rows that fail all; of the others those that change something.
    rows: Vec<RowBody>,
    /// Columns of the table that an import does not read.
    ignored_columns: Vec<String>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ImportTotals)]
pub struct TotalsBody {
    created: usize,
    updated: usize,
    unchanged: usize,
    failed: usize,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportRow)]
pub struct RowBody {
    /// As a spreadsheet counts: the header is row 1.
    row: usize,
    sku: String,
    outcome: Outcome,
    #[schema(value_type = Option<String>)]
    item_id: Option<ItemId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<CellError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Created,
    Updated,
    Unchanged,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportError)]
pub struct CellError {
    /// `null` where it is the row as a whole.
    column: Option<&'static str>,
    /// Stable, snake_case.
    code: &'static str,
    detail: String,
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
            let parsed = value::text(&text, "/barcode", BARCODE_MAX);
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

/// Items from a table: a SKU that is known changes that item, a new one makes one (then `name` must be given, and
/// `opening_stock` lies at the primary location). Rows are done one by one: what is right lands, what is not is named.
/// Sent again, the same table changes nothing. At most 1,000 rows.
#[utoipa::path(post, path = "/v1/imports/items.csv", tag = "exports", params(ImportQuery),
    request_body(content = String, content_type = "text/csv"), responses((status = 200, body = ReportBody)))]
pub async fn import_items(
    State(api): State<Api>,
    Writer(caller): Writer,
    Filter(query): Filter<ImportQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::Json<ReportBody>, Problem> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type.split(';').next().map(str::trim) != Some("text/csv") {
        let detail = "the body must be text/csv";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    let table = Table::read(&body)?;
    let organization = api.app.organization(&caller.organization_id).await?;
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
    let known = known_items(&api, &caller, &seen).await?;
    let mut report = ReportBody {
        dry_run: query.dry_run,
        totals: TotalsBody::default(),
        rows: Vec::new(),
        ignored_columns: table.ignored,
    };
    for (row, sku, read) in read {
        let done = match read {
            Err(errors) => Err(errors),
            Ok(read) => match known.get(&read.sku.match_key()) {
                Some(item) => update(&api, &caller, item, read, query.dry_run).await,
                None => create(&api, &caller, &organization, read, query.dry_run).await,
            },
        };
        let (outcome, item_id, errors) = match done {
            Ok((outcome, item_id)) => (outcome, item_id, Vec::new()),
            Err(errors) => (Outcome::Failed, None, errors),
        };
        let totals = &mut report.totals;
        let total = match outcome {
            Outcome::Created => &mut totals.created,
            Outcome::Updated => &mut totals.updated,
            Outcome::Unchanged => &mut totals.unchanged,
            Outcome::Failed => &mut totals.failed,
        };
        *total += 1;
        if outcome != Outcome::Unchanged {
            report.rows.push(RowBody { row, sku, outcome, item_id, errors });
        }
    }
    Ok(axum::Json(report))
}

struct Table {
    places: BTreeMap<&'static str, usize>,
    ignored: Vec<String>,
    records: Vec<csv::StringRecord>,
}

impl Table {
    fn read(body: &[u8]) -> Result<Self, Problem> {
        let refused =
            |detail: String| Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "malformed_csv", "", detail);
        // Spreadsheets write it before the first name.
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(body);
        let header =
            reader.headers().map_err(|error| refused(format!("the table cannot be read: {error}")))?;
        let mut places = BTreeMap::new();
        let mut ignored = Vec::new();
        for (n, name) in header.iter().enumerate() {
            match COLUMNS.into_iter().find(|column| column.eq_ignore_ascii_case(name.trim())) {
                Some(column) if places.insert(column, n).is_some() => {
                    return Err(refused(format!("the column {column} is there twice")));
                }
                Some(_) => {}
                None => ignored.push(name.chars().take(100).collect()),
            }
        }
        if !places.contains_key("sku") {
            return Err(refused("the first row must name the columns, sku among them".to_owned()));
        }
        let mut records = Vec::new();
        for record in reader.into_records() {
            records.push(record.map_err(|error| refused(format!("the table cannot be read: {error}")))?);
            if records.len() > ROWS_MAX {
                return Err(refused(format!(
                    "the table must have at most {ROWS_MAX} rows; send it in parts"
                )));
            }
        }
        Ok(Self { places, ignored, records })
    }
}

async fn known_items(
    api: &Api,
    caller: &Caller,
    skus: &BTreeSet<MatchKey>,
) -> Result<BTreeMap<MatchKey, Item>, Problem> {
    let store = &api.app.store;
    let ids = store.items_by_sku(&caller.organization_id, skus).await?;
    let items = store.items_by_ids(&caller.organization_id, &ids.values().cloned().collect()).await?;
    Ok(ids.into_iter().filter_map(|(sku, id)| Some((sku, items.get(&id)?.clone()))).collect())
}

type Done = Result<(Outcome, Option<ItemId>), Vec<CellError>>;

async fn create(
    api: &Api,
    caller: &Caller,
    organization: &store::organization::Organization,
    row: Row,
    dry_run: bool,
) -> Done {
    let Some(name) = row.name else {
        let detail = "must be given for a new item".to_owned();
        return Err(vec![CellError { column: Some("name"), code: "missing_field", detail }]);
    };
    if dry_run {
        return Ok((Outcome::Created, None));
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
    let made = api.app.create_item(&caller.organization_id, &caller.actor(), new).await;
    made.map(|item| (Outcome::Created, Some(item.id))).map_err(of_row)
}

async fn update(api: &Api, caller: &Caller, item: &Item, row: Row, dry_run: bool) -> Done {
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
    let outcome = if changes(item, &patch) { Outcome::Updated } else { Outcome::Unchanged };
    if outcome == Outcome::Updated && !dry_run {
        api.app.change_item(&caller.organization_id, &item.id, None, &patch).await.map_err(of_row)?;
    }
    Ok((outcome, Some(item.id.clone())))
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
    let problem = Problem::from(error);
    let code = match problem.code() {
        "sku_taken" => "sku_taken",
        _ if problem.status.is_server_error() => "not_stored",
        _ => "refused",
    };
    vec![CellError { column: None, code, detail: problem.detail().to_owned() }]
}
