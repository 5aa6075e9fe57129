//! `/stock`: the papers of the stockroom, and each by itself.

use app::AppError;
use app::transfer::Arrival;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::transfer::{TransferLine, TransferState};
use domain::{ItemId, Quantity, Timestamp};
use serde::Deserialize;
use store::adjustment::Adjustment;
use store::api_key::Scope;
use store::inbound::{AtAmazon, InboundShipment};
use store::purchase_receive::PurchaseReceive;
use store::transfer::Transfer;

use crate::Console;
use crate::fault::Fault;
use crate::form::{Fields, Posted, units_of};
use crate::inbound_amazon::AmazonPart;
use crate::names::Locations;
use crate::page::{Badge, Moment, Pager, Section, Shell, Tone, render, request};
use crate::text::ENGLISH;
use crate::visitor::{Visitor, done};

/// What was done with stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Adjustments,
    Receives,
    Transfers,
    /// To Amazon.
    Inbounds,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Adjustments, Self::Receives, Self::Transfers, Self::Inbounds];

    pub fn parse(text: &str) -> Result<Self, AppError> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or(AppError::NotFound("kind of stock document"))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adjustments => "adjustments",
            Self::Receives => "receives",
            Self::Transfers => "transfers",
            Self::Inbounds => "inbound-shipments",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Adjustments => ENGLISH.adjustments,
            Self::Receives => ENGLISH.receives,
            Self::Transfers => ENGLISH.transfers,
            Self::Inbounds => ENGLISH.inbounds,
        }
    }

    pub fn new_label(self) -> &'static str {
        match self {
            Self::Adjustments => ENGLISH.new_adjustment,
            Self::Receives => ENGLISH.new_receive,
            Self::Transfers => ENGLISH.new_transfer,
            Self::Inbounds => ENGLISH.new_inbound,
        }
    }
}

struct Line {
    item: ItemId,
    quantity: String,
    /// Of a transfer: what has not arrived.
    open: u32,
    /// To Amazon: by how much it expects more, or fewer, where it was asked.
    mismatch: Option<i64>,
}

/// A paper of any kind.
struct Paper {
    id: String,
    made: Timestamp,
    location: String,
    state: Option<Badge>,
    can_void: bool,
    in_transit: bool,
    reason: Option<String>,
    reference: Option<String>,
    lines: Vec<Line>,
    /// Of one to Amazon.
    way: Option<WayToAmazon>,
}

struct WayToAmazon {
    state: TransferState,
    at: Option<AtAmazon>,
}

const VOID: fn() -> Badge = || Badge::new(Tone::Plain, ENGLISH.void_word);

fn of_adjustment(paper: Adjustment, locations: &Locations) -> Paper {
    let line = |line: &store::adjustment::AdjustmentLine| Line {
        item: line.item_id.clone(),
        quantity: match line.set_to {
            Some(set_to) => format!("{:+} ({} {set_to})", line.delta, ENGLISH.set_to_short),
            None => format!("{:+}", line.delta),
        },
        open: 0,
        mismatch: None,
    };
    Paper {
        id: paper.id.to_string(),
        made: paper.created_at,
        location: locations.name(&paper.location_id),
        state: paper.voided.as_ref().map(|_| VOID()),
        can_void: paper.voided.is_none(),
        in_transit: false,
        lines: paper.lines.iter().map(line).collect(),
        reason: paper.reason,
        reference: paper.reference,
        way: None,
    }
}

fn of_receive(paper: PurchaseReceive, locations: &Locations) -> Paper {
    let line = |line: &store::purchase_receive::ReceivedLine| Line {
        item: line.item_id.clone(),
        quantity: format!("+{}", line.quantity),
        open: 0,
        mismatch: None,
    };
    Paper {
        id: paper.id.to_string(),
        made: paper.created_at,
        location: locations.name(&paper.location_id),
        state: paper.voided.as_ref().map(|_| VOID()),
        can_void: paper.voided.is_none(),
        in_transit: false,
        lines: paper.lines.iter().map(line).collect(),
        reason: paper.reason,
        reference: paper.reference,
        way: None,
    }
}

fn way_line(line: &TransferLine) -> Line {
    Line {
        item: line.item_id.clone(),
        quantity: line.quantity.to_string(),
        open: line.in_transit().get(),
        mismatch: None,
    }
}

fn way_state(state: TransferState) -> Badge {
    match state {
        TransferState::InTransit => Badge::new(Tone::Busy, ENGLISH.in_transit),
        TransferState::Received => Badge::new(Tone::Good, ENGLISH.received),
        TransferState::Void => VOID(),
    }
}

fn of_transfer(paper: Transfer, locations: &Locations) -> Paper {
    let (from, to) = (locations.name(&paper.from_location_id), locations.name(&paper.to_location_id));
    Paper {
        id: paper.id.to_string(),
        made: paper.created_at,
        location: format!("{from} → {to}"),
        state: Some(way_state(paper.state)),
        can_void: paper.state != TransferState::Void,
        in_transit: paper.state == TransferState::InTransit,
        lines: paper.lines.iter().map(way_line).collect(),
        reason: paper.reason,
        reference: paper.reference,
        way: None,
    }
}

fn of_inbound(paper: InboundShipment, locations: &Locations) -> Paper {
    let word = paper.amazon.as_ref().and_then(|at| at.word.as_ref());
    let line =
        |line: &TransferLine| Line { mismatch: word.map(|word| word.mismatch(line)), ..way_line(line) };
    let (from, to) = (locations.name(&paper.from_location_id), locations.name(&paper.to_location_id));
    Paper {
        id: paper.id.to_string(),
        made: paper.created_at,
        location: format!("{from} → {to}"),
        state: Some(way_state(paper.state)),
        // Goods on their way to Amazon are received there, or come back by a transfer.
        can_void: false,
        in_transit: paper.state == TransferState::InTransit,
        lines: paper.lines.iter().map(line).collect(),
        reason: None,
        reference: paper.reference,
        way: Some(WayToAmazon { state: paper.state, at: paper.amazon }),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StockQuery {
    kind: String,
    cursor: String,
}

struct PaperRow {
    id: String,
    made: Moment,
    location: String,
    state: Option<Badge>,
    lines: usize,
    note: String,
}

#[derive(Template)]
#[template(path = "stock.html")]
struct StockPage {
    shell: Shell,
    kind: &'static str,
    new_label: &'static str,
    tabs: Vec<(&'static str, &'static str, bool)>,
    rows: Vec<PaperRow>,
    pager: Pager,
}

pub async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<StockQuery>,
) -> Result<Response, Fault> {
    let kind = Kind::parse(&query.kind).unwrap_or(Kind::Adjustments);
    let (store, page) = (&console.app.store, request(&query.cursor));
    let locations = Locations::of(&console.app, visitor.id()).await?;
    let (papers, next): (Vec<Paper>, _) = match kind {
        Kind::Adjustments => {
            let found = store.documents::<Adjustment>(visitor.id(), &page).await?;
            (found.data.into_iter().map(|p| of_adjustment(p, &locations)).collect(), found.next_cursor)
        }
        Kind::Receives => {
            let found = store.documents::<PurchaseReceive>(visitor.id(), &page).await?;
            (found.data.into_iter().map(|p| of_receive(p, &locations)).collect(), found.next_cursor)
        }
        Kind::Transfers => {
            let found = store.documents::<Transfer>(visitor.id(), &page).await?;
            (found.data.into_iter().map(|p| of_transfer(p, &locations)).collect(), found.next_cursor)
        }
        Kind::Inbounds => {
            let found = store.documents::<InboundShipment>(visitor.id(), &page).await?;
            (found.data.into_iter().map(|p| of_inbound(p, &locations)).collect(), found.next_cursor)
        }
    };
    let row = |paper: Paper| PaperRow {
        id: paper.id,
        made: visitor.at(paper.made),
        location: paper.location,
        state: paper.state,
        lines: paper.lines.len(),
        note: paper.reason.into_iter().chain(paper.reference).collect::<Vec<_>>().join(", "),
    };
    let asked = [("kind", kind.as_str())];
    let view = StockPage {
        shell: Shell::new(&visitor, Section::Stock, ENGLISH.stock),
        kind: kind.as_str(),
        new_label: kind.new_label(),
        tabs: Kind::ALL.into_iter().map(|one| (one.as_str(), one.label(), one == kind)).collect(),
        rows: papers.into_iter().map(row).collect(),
        pager: Pager::new("/stock", &asked, &query.cursor, next.as_deref()),
    };
    render(&visitor, &view)
}

struct LineRow {
    item_id: String,
    name: String,
    sku: String,
    quantity: String,
    open: u32,
    mismatch: Option<String>,
}

#[derive(Template)]
#[template(path = "stock_paper.html")]
struct PaperPage {
    shell: Shell,
    kind: &'static str,
    label: &'static str,
    id: String,
    made: Moment,
    location: String,
    state: Option<Badge>,
    can_void: bool,
    in_transit: bool,
    /// The id of its form of what arrived.
    once: String,
    reason: Option<String>,
    reference: Option<String>,
    lines: Vec<LineRow>,
    amazon: Option<AmazonPart>,
}

async fn paper(console: &Console, visitor: &Visitor, kind: Kind, id: &str) -> Result<Paper, AppError> {
    let (app, organization) = (&console.app, visitor.id());
    let locations = Locations::of(app, organization).await?;
    let missing = |_| AppError::NotFound("stock document");
    Ok(match kind {
        Kind::Adjustments => {
            of_adjustment(app.adjustment(organization, &id.parse().map_err(missing)?).await?, &locations)
        }
        Kind::Receives => {
            of_receive(app.purchase_receive(organization, &id.parse().map_err(missing)?).await?, &locations)
        }
        Kind::Transfers => {
            of_transfer(app.transfer(organization, &id.parse().map_err(missing)?).await?, &locations)
        }
        Kind::Inbounds => {
            let shipment = app.inbound_shipment(organization, &id.parse().map_err(missing)?).await?;
            of_inbound(shipment, &locations)
        }
    })
}

pub async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let kind = Kind::parse(&kind)?;
    let paper = paper(&console, &visitor, kind, &id).await?;
    let ids = paper.lines.iter().map(|line| line.item.clone()).collect();
    let items = console.app.store.items_by_ids(visitor.id(), &ids).await?;
    let line = |line: &Line| {
        let item = items.get(&line.item);
        LineRow {
            item_id: line.item.to_string(),
            name: item.map_or_else(|| line.item.to_string(), |item| item.name.as_str().to_owned()),
            sku: item.map(|item| item.sku.as_str().to_owned()).unwrap_or_default(),
            quantity: line.quantity.clone(),
            open: line.open,
            mismatch: line.mismatch.filter(|units| *units != 0).map(|units| format!("{units:+}")),
        }
    };
    let view = PaperPage {
        shell: Shell::new(&visitor, Section::Stock, kind.label()),
        kind: kind.as_str(),
        label: kind.label(),
        lines: paper.lines.iter().map(line).collect(),
        amazon: paper.way.map(|way| AmazonPart::new(way.at.as_ref(), way.state, &visitor)),
        made: visitor.at(paper.made),
        id: paper.id,
        location: paper.location,
        state: paper.state,
        can_void: paper.can_void,
        in_transit: paper.in_transit,
        once: console.app.ids.next(visitor.now),
        reason: paper.reason,
        reference: paper.reference,
    };
    render(&visitor, &view)
}

/// Takes back what the paper did.
pub async fn void(
    State(console): State<Console>,
    Path((kind, id)): Path<(String, String)>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let kind = Kind::parse(&kind)?;
    let (app, organization, actor) = (&console.app, visitor.id(), visitor.actor());
    let missing = |_| AppError::NotFound("stock document");
    let voided = async {
        match kind {
            Kind::Adjustments => {
                app.void_adjustment(organization, &actor, &id.parse().map_err(missing)?).await.map(drop)
            }
            Kind::Receives => {
                app.void_purchase_receive(organization, &actor, &id.parse().map_err(missing)?).await.map(drop)
            }
            Kind::Transfers => {
                app.void_transfer(organization, &actor, &id.parse().map_err(missing)?).await.map(drop)
            }
            Kind::Inbounds => Err(AppError::NotFound("stock document")),
        }
    };
    done(voided.await.map(|()| ENGLISH.voided), &format!("/stock/{}/{id}", kind.as_str()))
}

/// What has arrived of what was on its way; all of it where nothing is said.
pub async fn receive(
    State(console): State<Console>,
    Path((kind, id)): Path<(String, String)>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let kind = Kind::parse(&kind)?;
    let (app, organization, actor) = (&console.app, visitor.id(), visitor.actor());
    let missing = |_| AppError::NotFound("stock document");
    let received = async {
        let lines = arrived(&fields)?;
        let arrival = Arrival { lines: (!lines.is_empty()).then_some(lines), request: fields.once() };
        match kind {
            Kind::Transfers => {
                let id = id.parse().map_err(missing)?;
                app.receive_transfer(organization, &actor, &id, &arrival).await.map(drop)
            }
            Kind::Inbounds => {
                let id = id.parse().map_err(missing)?;
                app.receive_inbound(organization, &actor, &id, &arrival).await.map(drop)
            }
            Kind::Adjustments | Kind::Receives => Err(AppError::NotFound("stock document on its way")),
        }
    };
    done(received.await.map(|()| ENGLISH.received_now), &format!("/stock/{}/{id}", kind.as_str()))
}

/// The lines that have a quantity.
fn arrived(fields: &Fields) -> Result<Vec<(ItemId, Quantity)>, AppError> {
    let mut arrived = Vec::new();
    for (item, quantity) in fields.all("item_id").zip(fields.all("quantity")) {
        let quantity = if quantity.is_empty() { Quantity::ZERO } else { units_of("quantity", quantity)? };
        if quantity > Quantity::ZERO {
            arrived.push((item.parse().map_err(|_| AppError::NotFound("item"))?, quantity));
        }
    }
    Ok(arrived)
}
