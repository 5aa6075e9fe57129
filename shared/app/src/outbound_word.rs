//! Amazon's word of an outbound shipment, kept with its order.

use channels::fulfiller::{Dispatched, DispatchedShipment};
use domain::order_document::DocumentKind;
use domain::outbound::{OutboundLine, OutboundState, ToldLine, follow};
use domain::stock::Actor;
use domain::{DocumentId, OrganizationId, Quantity};
use store::order::Order;
use store::order_document::{
    Detail, DocumentLine, OrderDocument, OutboundDetail, SentByAmazon, ShipmentDetail, ShipmentPushState,
};

use crate::order_change::{Change, Decision, Standing};
use crate::order_document::{book, first_push, is_shipped_whole, next_document, plus, united};
use crate::outbound::move_elsewhere;
use crate::shop::OpenShop;
use crate::sync_outbounds::{nothing, number};
use crate::{App, AppError};

/// Amazon's shipments that one transaction notes: each brings a paper of three rows.
const SHIPMENTS_MAX: usize = 1;
/// So many shipments of one order, at most, are noted in one go.
const NOTES_MAX: usize = 250;

impl App {
    pub(crate) async fn note_failed(
        &self,
        organization: &OrganizationId,
        shop: &OpenShop,
        id: &DocumentId,
        code: &str,
        reason: &str,
    ) -> Result<OrderDocument, AppError> {
        let why = Some((code, reason));
        self.keep_word(organization, shop, id, &nothing(OutboundState::Failed), false, why).await
    }

    pub(crate) async fn note_told(
        &self,
        organization: &OrganizationId,
        shop: &OpenShop,
        id: &DocumentId,
        told: &Dispatched,
        cancel_answered: bool,
    ) -> Result<OrderDocument, AppError> {
        self.keep_word(organization, shop, id, told, cancel_answered, None).await
    }

    /// Keeps Amazon's word with the order: the promise of what was sent or dropped is given back, what was sent is taken
    /// off the FBA location, and each shipment that left gets its paper, of which the order's channel is told.
    async fn keep_word(
        &self,
        organization: &OrganizationId,
        shop: &OpenShop,
        id: &DocumentId,
        told: &Dispatched,
        cancel_answered: bool,
        why: Option<(&str, &str)>,
    ) -> Result<OrderDocument, AppError> {
        let actor = Actor::Connection(shop.connection.id.to_string());
        let order = self.order(organization, &id.order_id).await?;
        let push = self.shipment_push_of(organization, &order).await?;
        let mut rounds = 0;
        loop {
            let decide = |standing: &Standing<'_>| {
                let (mut document, before) = found(standing, id)?;
                let mut order = standing.order.clone();
                let mut after = before.clone();
                let unseen = told.shipments.iter().filter(|shipment| !is_noted(&before, shipment));
                let mut unseen: Vec<&DispatchedShipment> = unseen.collect();
                let last = unseen.len() <= SHIPMENTS_MAX;
                unseen.truncate(SHIPMENTS_MAX);
                let mut papers = Vec::new();
                for shipment in unseen {
                    let lines = sent_lines(&after, shipment);
                    // Parts of one line that came from several SKUs are one to the order and its channel.
                    let united = united(lines.iter().map(|(_, sent)| sent));
                    let paper = paper_of(standing, &mut order, shipment, &united, &actor, push);
                    for (place, sent) in &lines {
                        let line = after.lines.get_mut(*place);
                        line.into_iter().for_each(|line| plus(&mut line.shipped, sent.quantity));
                    }
                    after.sent.push(SentByAmazon {
                        amazon_shipment_id: shipment.id.clone(),
                        shipment_id: paper.id.clone(),
                        packages: shipment.packages.clone(),
                    });
                    papers.push(paper);
                }
                // Not over before each of its shipments has its paper.
                after.state = if last { told.state } else { OutboundState::Processing };
                after.lines = follow(&after.lines, &told_lines(&after, told), after.state);
                settle_lines(&mut order, &before, &after);
                after.code = why.map(|(code, _)| code.to_owned());
                after.reason = why.map(|(_, reason)| reason.to_owned());
                if cancel_answered && last {
                    after.cancel_asked_at = None;
                }
                if after == before {
                    return Ok(Decision::Nothing(vec![document]));
                }
                after.checked_at = Some(standing.now);
                document.detail = Detail::Outbound(after);
                document.version += 1;
                let documents = std::iter::once(document).chain(papers).collect();
                Ok(Decision::Change(Box::new(Change { after: order, documents, reason: None })))
            };
            let (order, documents) = self.change_order(organization, &id.order_id, &actor, decide).await?;
            let of_kind = |kind| documents.iter().filter(move |document| document.id.kind == kind);
            let outbound = of_kind(DocumentKind::Outbound).next().cloned();
            let outbound = outbound.ok_or(AppError::Internal("a paper was lost"))?;
            for paper in of_kind(DocumentKind::Shipment) {
                self.queue_shipment(organization, &order, paper).await?;
            }
            rounds += 1;
            let noted = |outbound: &OutboundDetail| told.shipments.iter().all(|one| is_noted(outbound, one));
            if rounds >= NOTES_MAX || outbound.outbound().is_none_or(noted) {
                tracing::info!(
                    target: "shipment-push",
                    shop = shop.connection.name.as_str(),
                    order = order.number,
                    outbound = outbound.id.number,
                    state = outbound.outbound().map(|outbound| outbound.state.as_str()),
                    "outbound shipment followed"
                );
                return Ok(outbound);
            }
        }
    }
}

pub(crate) fn found(
    standing: &Standing<'_>,
    id: &DocumentId,
) -> Result<(OrderDocument, OutboundDetail), AppError> {
    let missing = || AppError::NotFound("outbound shipment");
    let document = standing.documents.iter().find(|document| document.id == *id).ok_or_else(missing)?;
    let outbound = document.outbound().cloned().ok_or_else(missing)?;
    Ok((document.clone(), outbound))
}

fn is_noted(outbound: &OutboundDetail, shipment: &DispatchedShipment) -> bool {
    outbound.sent.iter().any(|sent| sent.amazon_shipment_id == shipment.id)
}

/// What of the lines left with the shipment, by their places: never more than was asked for.
fn sent_lines(outbound: &OutboundDetail, shipment: &DispatchedShipment) -> Vec<(usize, DocumentLine)> {
    let sent = outbound.lines.iter().enumerate().filter_map(|(n, line)| {
        let told = shipment.lines.get(&number(n)).copied()?;
        let quantity = told.min(line.quantity.saturating_sub(line.shipped));
        let (line_id, item_id) = (line.line_id.clone(), Some(line.item_id.clone()));
        (quantity > Quantity::ZERO).then_some((n, DocumentLine { line_id, item_id, quantity }))
    });
    sent.collect()
}

/// Our paper of a shipment of Amazon's, booked in the order: of that, the order's channel is told.
fn paper_of(
    standing: &Standing<'_>,
    order: &mut Order,
    shipment: &DispatchedShipment,
    lines: &[DocumentLine],
    actor: &Actor,
    push: Option<ShipmentPushState>,
) -> OrderDocument {
    book(order, lines, |done, units| {
        plus(&mut done.packed, units);
        plus(&mut done.shipped, units);
    });
    let package = shipment.packages.first();
    let detail = Detail::Shipment(ShipmentDetail {
        package_ids: Vec::new(),
        carrier: package.and_then(|one| one.carrier.clone()).unwrap_or_else(|| "Amazon".to_owned()),
        tracking_number: package.map(|one| one.tracking_number.clone()),
        shipped_at: shipment.shipped_at.unwrap_or(standing.now),
        delivered_at: None,
        completes: is_shipped_whole(order),
        push: push.map(|state| first_push(state, standing.now)),
    });
    next_document(standing, order, DocumentKind::Shipment, lines.to_vec(), detail, actor, None)
}

/// Amazon's word of each line, beside the shipments that were noted.
fn told_lines(after: &OutboundDetail, told: &Dispatched) -> Vec<ToldLine> {
    let line = |(n, line): (usize, &OutboundLine)| ToldLine {
        shipped: line.shipped,
        dropped: told.dropped.get(&number(n)).copied().unwrap_or(Quantity::ZERO),
    };
    after.lines.iter().enumerate().map(line).collect()
}

/// Moves in the order's lines what moved in those of the outbound shipment.
fn settle_lines(order: &mut Order, before: &OutboundDetail, after: &OutboundDetail) {
    for (old, new) in before.lines.iter().zip(&after.lines) {
        let open = new.open().units() - old.open().units();
        let gone = new.shipped.units() - old.shipped.units();
        if let Some(line) = order.lines.iter_mut().find(|line| line.id == new.line_id) {
            move_elsewhere(line, &after.location_id, open, gone);
        }
    }
}
