//! The papers of an order: what may be invoiced, packed, shipped or taken back, and what each does to the order. The
//! stock follows the order by its one rule.

use std::collections::{BTreeMap, BTreeSet};

use domain::fulfilment::{LineProgress, LineStand};
use domain::order_document::DocumentKind;
use domain::stock::{Actor, Reason};
use domain::{DocumentId, OrderId, OrganizationId, Quantity, Timestamp};
use store::order::{Order, OrderLine, Origin};
use store::order_document::{
    Detail, DocumentLine, OrderDocument, ReturnDetail, ShipmentDetail, ShipmentPush, ShipmentPushState,
};

use crate::order_change::{Change, Decision, Standing, check_not_frozen, check_not_void, check_ours_to_ship};
use crate::{App, AppError, FieldError};

/// The codes of papers that would take more than is left: the state forbids it and a line says where, so each is
/// answered 409 with pointers.
pub const BEYOND: [&str; 5] =
    ["over_invoice", "over_package", "over_shipment", "over_return", "over_outbound"];

/// Packages of one shipment.
pub const PACKAGES_MAX: usize = 100;

/// A line and how much of it.
#[derive(Debug, Clone)]
pub struct LineQuantity {
    pub line_id: String,
    pub quantity: Quantity,
}

#[derive(Debug, Clone, Default)]
pub struct NewDocument {
    /// All that is left where it is left out.
    pub lines: Option<Vec<LineQuantity>>,
    /// The request's id, where one that is tried again must not make another.
    pub request: Option<String>,
}

#[derive(Debug, Clone)]
pub struct NewShipment {
    /// These packages. With neither these nor lines: every package that is not shipped, and all that is in none.
    pub package_ids: Option<Vec<DocumentId>>,
    pub document: NewDocument,
    pub carrier: String,
    pub tracking_number: Option<String>,
    pub shipped_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub struct NewReturn {
    pub document: NewDocument,
    pub restock: bool,
    pub reason: Option<String>,
}

/// Of which field the paper's units are, and how much of it is left.
pub(crate) struct Measure {
    pub kind: DocumentKind,
    pub code: &'static str,
    /// What was to be done, for people: `to ship`.
    pub what: &'static str,
}

const INVOICE: Measure = Measure { kind: DocumentKind::Invoice, code: "over_invoice", what: "to invoice" };
const PACKAGE: Measure = Measure { kind: DocumentKind::Package, code: "over_package", what: "to pack" };
const SHIPMENT: Measure = Measure { kind: DocumentKind::Shipment, code: "over_shipment", what: "to ship" };
const RETURN: Measure = Measure { kind: DocumentKind::Return, code: "over_return", what: "to take back" };

impl Measure {
    fn beyond(&self, fields: Vec<FieldError>) -> AppError {
        let detail = fields.first().map_or_else(String::new, |field| field.detail.clone());
        AppError::Invalid { code: self.code, detail, fields }
    }

    /// The lines asked for, or all that is left; refused where it is more than is left.
    pub fn choose(
        &self,
        order: &Order,
        asked: Option<&[LineQuantity]>,
        left: impl Fn(&LineStand) -> Quantity,
    ) -> Result<Vec<DocumentLine>, AppError> {
        let Some(asked) = asked else {
            let open = order.lines.iter().map(|line| (line, left(&line.stand())));
            let open: Vec<DocumentLine> = open
                .filter(|(_, left)| *left > Quantity::ZERO)
                .map(|(line, quantity)| DocumentLine {
                    line_id: line.id.clone(),
                    item_id: line.item_id.clone(),
                    quantity,
                })
                .collect();
            if open.is_empty() {
                let detail = format!("nothing of the order is left {}", self.what);
                return Err(AppError::conflict("nothing_left", detail));
            }
            return Ok(open);
        };
        if asked.is_empty() {
            return Err(AppError::invalid("invalid_field", "/lines", "must have at least one line"));
        }
        let mut seen = BTreeSet::new();
        let (mut lines, mut beyond) = (Vec::with_capacity(asked.len()), Vec::new());
        for (n, one) in asked.iter().enumerate() {
            let pointer = format!("/lines/{n}/line_id");
            let Some(line) = order.lines.iter().find(|line| line.id == one.line_id) else {
                return Err(AppError::invalid("not_found", pointer, "the order has no such line"));
            };
            if !seen.insert(&one.line_id) {
                return Err(AppError::invalid("invalid_field", pointer, "must not name a line twice"));
            }
            let pointer = format!("/lines/{n}/quantity");
            if one.quantity == Quantity::ZERO {
                return Err(AppError::invalid("invalid_field", pointer, "must be at least 1"));
            }
            let left = left(&line.stand());
            if one.quantity > left {
                beyond.push(FieldError::new(
                    pointer,
                    format!("only {left} of the line are left {}", self.what),
                ));
            }
            lines.push(DocumentLine {
                line_id: line.id.clone(),
                item_id: line.item_id.clone(),
                quantity: one.quantity,
            });
        }
        if beyond.is_empty() { Ok(lines) } else { Err(self.beyond(beyond)) }
    }
}

/// Adds what a paper did to the lines of its order.
pub(crate) fn book(order: &mut Order, lines: &[DocumentLine], add: impl Fn(&mut LineProgress, Quantity)) {
    for booked in lines {
        if let Some(line) = order.lines.iter_mut().find(|line| line.id == booked.line_id) {
            add(&mut line.done, booked.quantity);
        }
    }
}

pub(crate) fn plus(sum: &mut Quantity, more: Quantity) {
    *sum = Quantity::clamped(sum.units() + more.units());
}

/// The paper that the same request made before.
pub(crate) fn made_before(
    standing: &Standing<'_>,
    kind: DocumentKind,
    request: Option<&String>,
) -> Option<OrderDocument> {
    let request = request?;
    let found = standing
        .documents
        .iter()
        .find(|document| document.kind() == kind && document.request.as_ref() == Some(request));
    found.cloned()
}

/// The next paper of its kind, counted in `order`.
pub(crate) fn next_document(
    standing: &Standing<'_>,
    order: &mut Order,
    kind: DocumentKind,
    lines: Vec<DocumentLine>,
    detail: Detail,
    actor: &Actor,
    request: Option<String>,
) -> OrderDocument {
    let number = order.documents.take_next(kind);
    OrderDocument {
        id: DocumentId { kind, order_id: order.id.clone(), number },
        lines,
        detail,
        created_by: actor.clone().into(),
        created_at: standing.now,
        request,
        version: 1,
    }
}

pub(crate) fn only(documents: Vec<OrderDocument>) -> Result<OrderDocument, AppError> {
    documents.into_iter().next().ok_or(AppError::Internal("a paper was lost"))
}

impl App {
    pub async fn create_invoice(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
        new: &NewDocument,
    ) -> Result<OrderDocument, AppError> {
        self.create_plain(organization, actor, id, new, &INVOICE).await
    }

    pub async fn create_package(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
        new: &NewDocument,
    ) -> Result<OrderDocument, AppError> {
        self.create_plain(organization, actor, id, new, &PACKAGE).await
    }

    async fn create_plain(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
        new: &NewDocument,
        measure: &Measure,
    ) -> Result<OrderDocument, AppError> {
        let decide = |standing: &Standing<'_>| {
            if let Some(made) = made_before(standing, measure.kind, new.request.as_ref()) {
                return Ok(Decision::Nothing(vec![made]));
            }
            check_not_frozen(standing.order)?;
            check_not_void(standing.order)?;
            if measure.kind != DocumentKind::Invoice {
                check_ours_to_ship(standing.order)?;
            }
            let mut after = standing.order.clone();
            let (lines, detail) = if measure.kind == DocumentKind::Invoice {
                let lines = measure.choose(&after, new.lines.as_deref(), LineStand::left_to_invoice)?;
                book(&mut after, &lines, |done, units| plus(&mut done.invoiced, units));
                (lines, Detail::Invoice)
            } else {
                let left = left_to_pack(standing.order);
                let lines = measure.choose(&after, new.lines.as_deref(), left)?;
                book(&mut after, &lines, |done, units| plus(&mut done.packed, units));
                (lines, Detail::Package)
            };
            let request = new.request.clone();
            let document = next_document(standing, &mut after, measure.kind, lines, detail, actor, request);
            Ok(Decision::Change(Box::new(Change { after, documents: vec![document], reason: None })))
        };
        only(self.change_order(organization, id, actor, decide).await?.1)
    }

    /// A part of the order leaves: the stock on hand falls, where it falls with shipments, and the order's channel is
    /// told, where there is one. Errors: 409 `over_shipment` for more than is left.
    pub async fn create_shipment(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
        new: &NewShipment,
    ) -> Result<OrderDocument, AppError> {
        if new.package_ids.is_some() && new.document.lines.is_some() {
            let detail = "must not be given together with package_ids";
            return Err(AppError::invalid("invalid_field", "/lines", detail));
        }
        let order = self.order(organization, id).await?;
        let push = self.shipment_push_of(organization, &order).await?;
        let decide = |standing: &Standing<'_>| {
            let request = new.document.request.clone();
            if let Some(made) = made_before(standing, DocumentKind::Shipment, request.as_ref()) {
                return Ok(Decision::Nothing(vec![made]));
            }
            check_not_frozen(standing.order)?;
            check_not_void(standing.order)?;
            check_ours_to_ship(standing.order)?;
            let mut after = standing.order.clone();
            let (packages, loose) = shipped_parts(standing, new)?;
            let lines = united(packages.iter().flat_map(|package| &package.lines).chain(&loose));
            check_left_to_ship(standing.order, &lines)?;
            book(&mut after, &lines, |done, units| plus(&mut done.shipped, units));
            book(&mut after, &loose, |done, units| plus(&mut done.packed, units));
            let detail = ShipmentDetail {
                package_ids: packages.iter().map(|package| package.id.clone()).collect(),
                carrier: new.carrier.clone(),
                tracking_number: new.tracking_number.clone(),
                shipped_at: new.shipped_at.unwrap_or(standing.now),
                delivered_at: None,
                completes: is_shipped_whole(&after),
                push: push.map(|state| first_push(state, standing.now)),
            };
            let detail = Detail::Shipment(detail);
            let kind = DocumentKind::Shipment;
            let document = next_document(standing, &mut after, kind, lines, detail, actor, request);
            Ok(Decision::Change(Box::new(Change { after, documents: vec![document], reason: None })))
        };
        let document = only(self.change_order(organization, id, actor, decide).await?.1)?;
        self.queue_shipment(organization, &order, &document).await?;
        Ok(document)
    }

    /// The buyer has it. Once more: nothing.
    pub async fn deliver_shipment(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &DocumentId,
        delivered_at: Option<Timestamp>,
    ) -> Result<OrderDocument, AppError> {
        if id.kind != DocumentKind::Shipment {
            return Err(AppError::NotFound("shipment"));
        }
        let decide = |standing: &Standing<'_>| {
            let found = standing.documents.iter().find(|document| document.id == *id);
            let mut document = found.cloned().ok_or(AppError::NotFound("shipment"))?;
            let Detail::Shipment(shipment) = &mut document.detail else {
                return Err(AppError::NotFound("shipment"));
            };
            if shipment.delivered_at.is_some() {
                return Ok(Decision::Nothing(vec![document]));
            }
            shipment.delivered_at = Some(delivered_at.unwrap_or(standing.now));
            document.version += 1;
            let mut after = standing.order.clone();
            book(&mut after, &document.lines, |done, units| plus(&mut done.delivered, units));
            Ok(Decision::Change(Box::new(Change { after, documents: vec![document], reason: None })))
        };
        only(self.change_order(organization, &id.order_id, actor, decide).await?.1)
    }

    /// Goods come back, into stock or not. Errors: 409 `over_return` for more than is out.
    pub async fn create_return(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
        new: &NewReturn,
    ) -> Result<OrderDocument, AppError> {
        let decide = |standing: &Standing<'_>| {
            let request = new.document.request.clone();
            if let Some(made) = made_before(standing, DocumentKind::Return, request.as_ref()) {
                return Ok(Decision::Nothing(vec![made]));
            }
            check_not_frozen(standing.order)?;
            check_ours_to_ship(standing.order)?;
            let mut after = standing.order.clone();
            let state = after.channel_state;
            let left = |stand: &LineStand| stand.left_to_return(state);
            let lines = RETURN.choose(&after, new.document.lines.as_deref(), left)?;
            book(&mut after, &lines, |done, units| {
                plus(&mut done.returned, units);
                if new.restock {
                    plus(&mut done.restocked, units);
                }
            });
            let detail = Detail::Return(ReturnDetail { restock: new.restock, reason: new.reason.clone() });
            let document =
                next_document(standing, &mut after, DocumentKind::Return, lines, detail, actor, request);
            let reason = Some(Reason::OrderReturned);
            Ok(Decision::Change(Box::new(Change { after, documents: vec![document], reason })))
        };
        only(self.change_order(organization, id, actor, decide).await?.1)
    }

    /// Whether the order's channel is to be told of its shipments; `None` where it has none.
    pub(crate) async fn shipment_push_of(
        &self,
        organization: &OrganizationId,
        order: &Order,
    ) -> Result<Option<ShipmentPushState>, AppError> {
        let Origin::Channel { connection_id, .. } = &order.origin else { return Ok(None) };
        let connection = self.store.connection(organization, connection_id).await?;
        let told = connection.is_some_and(|connection| connection.settings.modules.shipments);
        Ok(Some(if told { ShipmentPushState::Pending } else { ShipmentPushState::Disabled }))
    }
}

/// Nothing of the order is left to ship, by us or by another.
pub(crate) fn is_shipped_whole(order: &Order) -> bool {
    order.lines.iter().map(OrderLine::stand).all(|stand| stand.quantity <= stand.shipped())
}

/// How far a channel knows of a shipment that was just made.
pub(crate) fn first_push(state: ShipmentPushState, now: Timestamp) -> ShipmentPush {
    let disabled = state == ShipmentPushState::Disabled;
    let code = disabled.then(|| "module_inactive".to_owned());
    ShipmentPush { state, code, reason: None, since: now, external_id: None }
}

/// Of an order that its channel calls fulfilled, nothing is left to pack or to ship.
pub(crate) fn left_to_pack(order: &Order) -> impl Fn(&LineStand) -> Quantity + use<> {
    let over = order.channel_state == domain::order::ChannelOrderState::Fulfilled;
    move |stand| if over { Quantity::ZERO } else { stand.left_to_pack() }
}

fn check_left_to_ship(order: &Order, lines: &[DocumentLine]) -> Result<(), AppError> {
    let over = order.channel_state == domain::order::ChannelOrderState::Fulfilled;
    let mut beyond = Vec::new();
    for (n, shipped) in lines.iter().enumerate() {
        let line = order.lines.iter().find(|line| line.id == shipped.line_id);
        let left = line.map_or(Quantity::ZERO, |line| line.stand().left_to_ship());
        let left = if over { Quantity::ZERO } else { left };
        if shipped.quantity > left {
            let detail = format!("only {left} of line {} are left to ship", shipped.line_id);
            beyond.push(FieldError::new(format!("/lines/{n}/quantity"), detail));
        }
    }
    if beyond.is_empty() { Ok(()) } else { Err(SHIPMENT.beyond(beyond)) }
}

/// The packages of the shipment, and the lines that are in none.
fn shipped_parts(
    standing: &Standing<'_>,
    new: &NewShipment,
) -> Result<(Vec<OrderDocument>, Vec<DocumentLine>), AppError> {
    let shipped: BTreeSet<&DocumentId> =
        standing.documents.iter().filter_map(OrderDocument::shipment).flat_map(|s| &s.package_ids).collect();
    let is_open =
        |package: &&OrderDocument| package.kind() == DocumentKind::Package && !shipped.contains(&package.id);
    let open = || standing.documents.iter().filter(is_open);
    let left = left_to_pack(standing.order);
    if let Some(ids) = &new.package_ids {
        if ids.is_empty() || ids.len() > PACKAGES_MAX {
            let detail = format!("must name 1 to {PACKAGES_MAX} packages");
            return Err(AppError::invalid("invalid_field", "/package_ids", detail));
        }
        let mut packages = Vec::with_capacity(ids.len());
        let mut seen = BTreeSet::new();
        for (n, id) in ids.iter().enumerate() {
            let pointer = format!("/package_ids/{n}");
            if shipped.contains(id) {
                return Err(AppError::conflict("package_shipped", format!("{id} is shipped already")));
            }
            if !seen.insert(id) {
                return Err(AppError::invalid("invalid_field", pointer, "must not name a package twice"));
            }
            let package = open().find(|package| package.id == *id).cloned();
            let none = || AppError::invalid("not_found", pointer, "the order has no such package");
            packages.push(package.ok_or_else(none)?);
        }
        return Ok((packages, Vec::new()));
    }
    if let Some(asked) = &new.document.lines {
        return Ok((Vec::new(), SHIPMENT.choose(standing.order, Some(asked), left)?));
    }
    let packages: Vec<OrderDocument> = open().take(PACKAGES_MAX).cloned().collect();
    match SHIPMENT.choose(standing.order, None, left) {
        Ok(loose) => Ok((packages, loose)),
        Err(AppError::Conflict { .. }) if !packages.is_empty() => Ok((packages, Vec::new())),
        Err(error) => Err(error),
    }
}

/// One line of each, summed.
pub(crate) fn united<'l>(lines: impl Iterator<Item = &'l DocumentLine>) -> Vec<DocumentLine> {
    let mut sums = BTreeMap::<&str, DocumentLine>::new();
    for line in lines {
        match sums.get_mut(line.line_id.as_str()) {
            Some(sum) => plus(&mut sum.quantity, line.quantity),
            None => {
                sums.insert(&line.line_id, line.clone());
            }
        }
    }
    sums.into_values().collect()
}
