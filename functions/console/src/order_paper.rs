//! `/orders/{id}/{kind}`: a paper of an order, of all that is left or of a part of it, line by line.

use std::collections::BTreeSet;

use app::AppError;
use app::order_document::{LineQuantity, NewDocument, NewReturn, NewShipment};
use app::outbound::NewOutbound;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::channel::Fulfilment;
use domain::fulfilment::LineStand;
use domain::order::OrderState;
use domain::order_document::DocumentKind;
use domain::outbound::ShippingSpeed;
use domain::{DocumentId, Quantity};
use store::api_key::Scope;
use store::order::{Order, OrderLine};
use store::order_document::OrderDocument;

use crate::Console;
use crate::fault::Fault;
use crate::form::{Fields, Posted, units_of};
use crate::names::Connections;
use crate::order::word;
use crate::order_action::place;
use crate::order_page::{TEXT_MAX, order_id, title_of};
use crate::page::{Choice, Section, Shell, render};
use crate::text::{ENGLISH, speed};
use crate::visitor::{Visitor, done};

/// What can be made of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaperKind {
    Invoices,
    Packages,
    Shipments,
    Returns,
    Outbounds,
}

impl PaperKind {
    pub const ALL: [Self; 5] =
        [Self::Invoices, Self::Packages, Self::Shipments, Self::Returns, Self::Outbounds];

    fn parse(text: &str) -> Result<Self, AppError> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or(AppError::NotFound("kind of document"))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invoices => "invoices",
            Self::Packages => "packages",
            Self::Shipments => "shipments",
            Self::Returns => "returns",
            Self::Outbounds => "outbound-shipments",
        }
    }

    pub fn part_label(self) -> &'static str {
        match self {
            Self::Invoices => ENGLISH.invoice_part,
            Self::Packages => ENGLISH.pack_part,
            Self::Shipments => ENGLISH.ship_part,
            Self::Returns => ENGLISH.return_part,
            Self::Outbounds => ENGLISH.outbound_part,
        }
    }

    fn made(self) -> &'static str {
        match self {
            Self::Invoices => ENGLISH.invoiced,
            Self::Packages => ENGLISH.packed,
            Self::Shipments => ENGLISH.shipped_told,
            Self::Returns => ENGLISH.taken_back,
            Self::Outbounds => ENGLISH.outbound_asked,
        }
    }

    /// What is left of the line for a paper of this kind. `tracks_fba`: some connection has goods at Amazon.
    fn left(self, order: &Order, stand: &LineStand, tracks_fba: bool) -> Quantity {
        let ours = order.fulfilled_by != Fulfilment::Fba;
        let open = !order.frozen && order.state != OrderState::Void;
        match self {
            Self::Invoices if open => stand.left_to_invoice(),
            Self::Packages if open && ours => stand.left_to_pack(),
            Self::Shipments if open && ours => stand.left_to_ship(),
            Self::Returns if !order.frozen && ours => stand.left_to_return(order.channel_state),
            Self::Outbounds if open && ours && tracks_fba => stand.left_to_pack(),
            _ => Quantity::ZERO,
        }
    }

    /// Units left, all lines together.
    pub fn units_left(self, order: &Order, tracks_fba: bool) -> i64 {
        order.lines.iter().map(|line| self.left(order, &line.stand(), tracks_fba).units()).sum()
    }
}

struct LeftRow {
    id: String,
    title: String,
    sku: String,
    left: u32,
}

#[derive(Template)]
#[template(path = "order_paper.html")]
struct PaperPage {
    shell: Shell,
    id: String,
    number: String,
    kind: &'static str,
    label: &'static str,
    lines: Vec<LeftRow>,
    /// Not shipped yet, for a shipment.
    packages: Vec<(String, String)>,
    connections: Vec<Choice>,
    speeds: Vec<Choice>,
    once: String,
}

/// Packages that no shipment names.
fn open_packages(papers: &[OrderDocument]) -> Vec<(String, String)> {
    let shipments = papers.iter().filter_map(OrderDocument::shipment);
    let shipped: BTreeSet<&DocumentId> = shipments.flat_map(|shipment| &shipment.package_ids).collect();
    let open = papers.iter().filter(|paper| paper.kind() == DocumentKind::Package);
    let open = open.filter(|paper| !shipped.contains(&paper.id));
    open.map(|paper| (paper.id.to_string(), title_of(paper))).collect()
}

/// What of each line, and how.
pub async fn form(
    State(console): State<Console>,
    visitor: Visitor,
    Path((id, kind)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let (id, kind) = (order_id(&id)?, PaperKind::parse(&kind)?);
    let (app, organization) = (&console.app, visitor.id());
    let order = app.order(organization, &id).await?;
    let tracking = Connections::of(app, organization).await?.tracking_fba();
    let row = |line: &OrderLine| LeftRow {
        id: line.id.clone(),
        title: line.title.clone(),
        sku: line.sku.clone().unwrap_or_else(|| ENGLISH.no_sku.to_owned()),
        left: kind.left(&order, &line.stand(), !tracking.is_empty()).get(),
    };
    let packages = match kind {
        PaperKind::Shipments => open_packages(&app.order_documents(organization, &id).await?),
        _ => Vec::new(),
    };
    let speeds = [ShippingSpeed::Standard, ShippingSpeed::Expedited, ShippingSpeed::Priority];
    let view = PaperPage {
        shell: Shell::new(&visitor, Section::Orders, kind.part_label()),
        id: id.to_string(),
        number: order.number.clone(),
        kind: kind.as_str(),
        label: kind.part_label(),
        lines: order.lines.iter().map(row).filter(|row| row.left > 0).collect(),
        packages,
        connections: tracking,
        speeds: speeds.into_iter().map(|one| Choice::new(speed(one).0, speed(one).1, false)).collect(),
        once: app.ids.next(visitor.now),
    };
    render(&visitor, &view)
}

/// The lines that have a quantity, once for each form that was shown; all that is left where the form has no lines.
fn document_of(fields: &Fields) -> Result<NewDocument, AppError> {
    let mut lines = Vec::new();
    let mut asked = false;
    for (line, quantity) in fields.all("line_id").zip(fields.all("line_quantity")) {
        asked = true;
        let quantity = if quantity.is_empty() { Quantity::ZERO } else { units_of("quantity", quantity)? };
        if quantity > Quantity::ZERO {
            lines.push(LineQuantity { line_id: line.to_owned(), quantity });
        }
    }
    if asked && lines.is_empty() {
        return Err(AppError::invalid("invalid_field", "/lines", ENGLISH.nothing_chosen));
    }
    Ok(NewDocument { lines: asked.then_some(lines), request: fields.once() })
}

fn shipment_of(fields: &Fields, visitor: &Visitor) -> Result<NewShipment, AppError> {
    let mut packages = Vec::new();
    for id in fields.all("package_id") {
        packages.push(id.parse().map_err(|_| AppError::NotFound("package"))?);
    }
    let package_ids = (!packages.is_empty()).then_some(packages);
    let document = match &package_ids {
        // Whole packages leave as they were packed: what the lines' fields still say is not asked for.
        Some(_) => NewDocument { lines: None, request: fields.once() },
        None => document_of(fields)?,
    };
    Ok(NewShipment {
        package_ids,
        document,
        carrier: fields.bounded("carrier", TEXT_MAX)?,
        tracking_number: fields.bounded_if_any("tracking_number", TEXT_MAX)?,
        shipped_at: fields.moment("shipped_at", &visitor.zone)?,
    })
}

pub async fn make(
    State(console): State<Console>,
    Path((id, kind)): Path<(String, String)>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let kind = PaperKind::parse(&kind)?;
    let (app, organization, actor) = (&console.app, visitor.id(), visitor.actor());
    let made = async {
        let order = order_id(&id)?;
        match kind {
            PaperKind::Invoices => {
                app.create_invoice(organization, &actor, &order, &document_of(&fields)?).await
            }
            PaperKind::Packages => {
                app.create_package(organization, &actor, &order, &document_of(&fields)?).await
            }
            PaperKind::Shipments => {
                let new = shipment_of(&fields, &visitor)?;
                app.create_shipment(organization, &actor, &order, &new).await
            }
            PaperKind::Returns => {
                let new = NewReturn {
                    document: document_of(&fields)?,
                    restock: fields.is_on("restock"),
                    reason: fields.bounded_if_any("reason", TEXT_MAX)?,
                };
                app.create_return(organization, &actor, &order, &new).await
            }
            PaperKind::Outbounds => {
                let NewDocument { lines, request } = document_of(&fields)?;
                let new = NewOutbound {
                    connection_id: fields.parsed_if_any("connection_id")?,
                    lines,
                    speed: word(fields.text("speed")).unwrap_or_default(),
                    request,
                };
                app.create_outbound(organization, &actor, &order, &new).await
            }
        }
    };
    let made = made.await;
    // A form of parts that was refused is shown again, with why.
    let back = match &made {
        Err(_) if fields.is_on("part") => format!("{}/{}", place(&id), kind.as_str()),
        _ => place(&id),
    };
    done(made.map(|_| kind.made()), &back)
}
