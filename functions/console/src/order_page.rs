//! `/orders/{id}`: one order with its papers, its story, and who bought it behind Reveal.

use app::AppError;
use app::audit::Witness;
use app::manual_order::is_editable;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::channel::Fulfilment;
use domain::order::{Address, Buyer, OrderState};
use domain::order_document::DocumentKind;
use domain::{Money, OrderId, Timestamp};
use http::HeaderMap;
use serde::Deserialize;
use store::api_key::Scope;
use store::order::{Order, OrderLine, Origin};
use store::order_document::{Detail, OrderDocument};

use crate::Console;
use crate::fault::Fault;
use crate::form::Posted;
use crate::names::{Connections, Locations};
use crate::order::source_of;
use crate::order_paper::PaperKind;
use crate::page::{Badge, Moment, Section, Shell, money, part, render};
use crate::pick::{Offer, offers, wants_part};
use crate::text::{ENGLISH, order_state, outbound_state, payment, reason, shipment_push};
use crate::visitor::Visitor;

/// Characters of a reason, and of a comment.
pub const TEXT_MAX: usize = 500;

struct LineView {
    id: String,
    title: String,
    sku: Option<String>,
    quantity: u32,
    price: Option<String>,
    shipped: u32,
    packed: u32,
    returned: u32,
    item_id: Option<String>,
    listing_id: Option<String>,
    /// Waits for an item.
    open: bool,
}

struct DocumentView {
    id: String,
    title: String,
    made: Moment,
    lines: Vec<String>,
    detail: Option<String>,
    state: Option<Badge>,
    why: Option<String>,
    has_slip: bool,
    can_deliver: bool,
    can_push: bool,
    can_refresh: bool,
    can_cancel: bool,
}

struct Event {
    at: Timestamp,
    when: Moment,
    text: String,
}

pub struct BuyerView {
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub shipping: Vec<String>,
    pub billing: Vec<String>,
}

/// What the page has of the buyer.
pub enum Shown {
    Concealed,
    Revealed(BuyerView),
    Gone,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    shell: Shell,
    id: String,
    number: String,
    source: String,
    state: Badge,
    payment: Badge,
    frozen: bool,
    placed: Moment,
    location: String,
    by_amazon: bool,
    lines: Vec<LineView>,
    total: Option<String>,
    warning: Option<String>,
    papers: Vec<DocumentView>,
    timeline: Vec<Event>,
    comments: Vec<(Moment, String)>,
    tracking: Vec<String>,
    can_invoice: bool,
    can_pack: bool,
    can_ship: bool,
    can_return: bool,
    can_void: bool,
    /// Papers that can be made of a part: their kind and what that is called.
    parts: Vec<(&'static str, &'static str)>,
    contact: Option<String>,
    once: String,
    buyer: Shown,
}

fn line_view(order: &Order, line: &OrderLine) -> LineView {
    let stand = line.stand();
    LineView {
        id: line.id.clone(),
        title: line.title.clone(),
        sku: line.sku.clone(),
        quantity: line.quantity.get(),
        price: line.unit_price_minor.map(|minor| money(Money { minor, currency: order.currency })),
        shipped: stand.shipped().get(),
        packed: line.done.packed.get(),
        returned: line.done.returned.get(),
        item_id: line.item_id.as_ref().map(ToString::to_string),
        listing_id: order.listing_of(line).map(|id| id.to_string()),
        open: line.item_id.is_none() && line.quantity.get() > 0,
    }
}

pub fn title_of(document: &OrderDocument) -> String {
    let kind = match document.kind() {
        DocumentKind::Invoice => ENGLISH.invoice,
        DocumentKind::Package => ENGLISH.package,
        DocumentKind::Shipment => ENGLISH.shipment,
        DocumentKind::Return => ENGLISH.return_,
        DocumentKind::Outbound => ENGLISH.outbound,
    };
    format!("{kind} {}", document.id.number)
}

fn paper(document: &OrderDocument, order: &Order, visitor: &Visitor) -> DocumentView {
    let line = |line: &store::order_document::DocumentLine| {
        let of = order.lines.iter().find(|known| known.id == line.line_id);
        format!("{} × {}", line.quantity, of.map_or("", |known| &known.title))
    };
    let mut view = DocumentView {
        id: document.id.to_string(),
        title: title_of(document),
        made: visitor.at(document.created_at),
        lines: document.lines.iter().map(line).collect(),
        detail: None,
        state: None,
        why: None,
        has_slip: matches!(document.kind(), DocumentKind::Package | DocumentKind::Shipment),
        can_deliver: false,
        can_push: false,
        can_refresh: false,
        can_cancel: false,
    };
    match &document.detail {
        Detail::Invoice | Detail::Package => {}
        Detail::Shipment(shipment) => {
            let tracking = shipment.tracking_number.as_deref().unwrap_or_default();
            view.detail = Some(format!("{} {tracking}", shipment.carrier).trim().to_owned());
            view.can_deliver = shipment.delivered_at.is_none();
            if let Some(push) = &shipment.push {
                view.state = Some(shipment_push(push.state));
                view.can_push = push.state == store::order_document::ShipmentPushState::Failed;
                view.why = push.reason.clone().or_else(|| push.code.as_deref().map(reason));
            }
        }
        Detail::Return(detail) => {
            let stock = if detail.restock { ENGLISH.restocked } else { ENGLISH.not_restocked };
            view.detail = Some(match &detail.reason {
                Some(why) => format!("{stock}, {why}"),
                None => stock.to_owned(),
            });
        }
        Detail::Outbound(outbound) => {
            view.lines =
                outbound.lines.iter().map(|line| format!("{} × {}", line.quantity, line.sku)).collect();
            view.why = outbound.reason.clone();
            view.state = Some(outbound_state(outbound.state));
            view.can_refresh = !outbound.state.is_over();
            view.can_cancel = outbound.state.can_be_cancelled() && outbound.cancel_asked_at.is_none();
            let sent = outbound.sent.iter().flat_map(|sent| &sent.packages).map(tracked);
            let known =
                outbound.checked_at.map(|at| format!("{} {}", ENGLISH.known_at, visitor.at(at).text()));
            view.detail = Some(sent.chain(known).collect::<Vec<_>>().join(" · ")).filter(|d| !d.is_empty());
        }
    }
    view
}

fn tracked(tracking: &domain::order::Tracking) -> String {
    format!("{} {}", tracking.carrier.as_deref().unwrap_or_default(), tracking.tracking_number)
}

/// Oldest first.
fn timeline(order: &Order, papers: &[OrderDocument], visitor: &Visitor) -> Vec<Event> {
    let event = |at, text: String| Event { at, when: visitor.at(at), text };
    let mut events = vec![event(order.placed_at, ENGLISH.placed.to_owned())];
    if order.origin != Origin::Manual {
        events.push(event(order.imported_at, ENGLISH.imported.to_owned()));
    }
    for document in papers {
        events.push(event(document.created_at, format!("{} {}", title_of(document), ENGLISH.was_made)));
        if let Some(at) = document.shipment().and_then(|shipment| shipment.delivered_at) {
            events.push(event(at, format!("{} {}", title_of(document), ENGLISH.was_delivered)));
        }
    }
    events.extend(order.comments.iter().map(|comment| event(comment.at, comment.text.clone())));
    events.sort_by_key(|event| event.at);
    events
}

fn address(address: Address) -> Vec<String> {
    let Address { name, lines, city, region, postal_code, country } = address;
    let place = [postal_code, city, region].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let all = name.into_iter().chain(lines).chain([place]).chain(country);
    all.filter(|line| !line.trim().is_empty()).collect()
}

pub fn buyer_view(buyer: Buyer) -> BuyerView {
    BuyerView {
        name: buyer.name,
        email: buyer.email,
        phone: buyer.phone,
        shipping: buyer.shipping_address.map(address).unwrap_or_default(),
        billing: buyer.billing_address.map(address).unwrap_or_default(),
    }
}

pub fn order_id(text: &str) -> Result<OrderId, AppError> {
    text.parse().map_err(|_| AppError::NotFound("order"))
}

async fn page(console: &Console, visitor: &Visitor, id: &OrderId, buyer: Shown) -> Result<Response, Fault> {
    let app = &console.app;
    let order = app.order(visitor.id(), id).await?;
    let papers = app.store.order_documents(visitor.id(), id).await?;
    let connections = Connections::of(app, visitor.id()).await?;
    let locations = Locations::of(app, visitor.id()).await?;
    let by_amazon = order.fulfilled_by == Fulfilment::Fba;
    let works = !order.frozen && order.state != OrderState::Void;
    let tracks_fba = !connections.tracking_fba().is_empty();
    let left = |kind: PaperKind| kind.units_left(&order, tracks_fba);
    let view = OrderPage {
        shell: Shell::new(visitor, Section::Orders, format!("{} {}", ENGLISH.order, order.number)),
        id: id.to_string(),
        number: order.number.clone(),
        source: source_of(&order, &connections),
        state: order_state(order.state),
        payment: payment(order.payment),
        frozen: order.frozen,
        placed: visitor.at(order.placed_at),
        location: locations.name(&order.location_id),
        by_amazon,
        lines: order.lines.iter().map(|line| line_view(&order, line)).collect(),
        total: order.total.map(money),
        warning: order.unknown_state.as_ref().map(|state| format!("{}: {state}", ENGLISH.unknown_state)),
        papers: papers.iter().map(|document| paper(document, &order, visitor)).collect(),
        timeline: timeline(&order, &papers, visitor),
        comments: order.comments.iter().map(|c| (visitor.at(c.at), c.text.clone())).collect(),
        tracking: order.tracking.iter().map(tracked).collect(),
        can_invoice: left(PaperKind::Invoices) > 0,
        can_pack: left(PaperKind::Packages) > 0,
        can_ship: left(PaperKind::Shipments) > 0,
        can_return: left(PaperKind::Returns) > 0,
        can_void: works && order.origin == Origin::Manual && is_editable(&order),
        parts: PaperKind::ALL
            .into_iter()
            .filter(|kind| left(*kind) > 1 || *kind == PaperKind::Outbounds && left(*kind) > 0)
            .map(|kind| (kind.as_str(), kind.part_label()))
            .collect(),
        contact: order.contact_id.as_ref().map(ToString::to_string),
        once: app.ids.next(visitor.now),
        buyer,
    };
    render(visitor, &view)
}

pub async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    page(&console, &visitor, &order_id(&id)?, Shown::Concealed).await
}

/// The page with who bought. The look and its reason are noted first.
pub async fn reveal(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Pii)?;
    let id = order_id(&id)?;
    let by = Witness { actor: visitor.actor(), reason: Some(fields.bounded("reason", TEXT_MAX)?) };
    let buyer = console.app.reveal_buyer(visitor.id(), &by, &id).await?;
    let shown = buyer.map_or(Shown::Gone, |buyer| Shown::Revealed(buyer_view(buyer)));
    page(&console, &visitor, &id, shown).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PickQuery {
    q: String,
}

#[derive(Template)]
#[template(path = "order_line.html")]
struct LinePage {
    shell: Shell,
    order_id: String,
    number: String,
    line: LineView,
    q: String,
    search: String,
    action: String,
    offers: Vec<Offer>,
}

#[derive(Template)]
#[template(path = "offers.html")]
pub struct OffersPart {
    pub shell: Shell,
    pub action: String,
    pub q: String,
    pub offers: Vec<Offer>,
}

/// Which item a line is.
pub async fn line(
    State(console): State<Console>,
    visitor: Visitor,
    headers: HeaderMap,
    Path((id, line)): Path<(String, String)>,
    Query(query): Query<PickQuery>,
) -> Result<Response, Fault> {
    let id = order_id(&id)?;
    let order = console.app.order(visitor.id(), &id).await?;
    let of = order.lines.iter().find(|known| known.id == line).ok_or(AppError::NotFound("line"))?;
    let action = format!("/orders/{id}/lines/{line}");
    let shell = Shell::new(&visitor, Section::Orders, ENGLISH.link_line);
    let offers = offers(&console.app, visitor.id(), &query.q).await?;
    if wants_part(&headers) {
        return part(&OffersPart { shell, action, q: query.q, offers });
    }
    let page = LinePage {
        shell,
        order_id: id.to_string(),
        number: order.number.clone(),
        line: line_view(&order, of),
        q: query.q,
        search: action.clone(),
        action,
        offers,
    };
    render(&visitor, &page)
}
