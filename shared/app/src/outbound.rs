//! Outbound shipments: lines of an order that Amazon is asked to send from the merchant's stock there.
//!
//! Written first, with the promise of the stock moved to the FBA location, then asked for: a process that dies in between
//! leaves one that says it is pending, and whoever finds it asks Amazon whether it has it before asking again
//! ([`crate::sync_outbounds`]).

use domain::channel::Fulfilment;
use domain::fulfilment::{Elsewhere, LineStand};
use domain::order::{Address, Buyer, ChannelOrderState};
use domain::order_document::DocumentKind;
use domain::outbound::{LINES_MAX, OutboundLine, OutboundState, ShippingSpeed, UNITS_MAX};
use domain::stock::Actor;
use domain::{ConnectionId, DocumentId, LocationId, OrderId, OrganizationId, Quantity};
use store::connection::Connection;
use store::order::{Order, OrderLine};
use store::order_document::{Detail, DocumentLine, OrderDocument, OutboundDetail};

use crate::fba::{fba_disabled, fba_of, has_fulfiller};
use crate::order_change::{Change, Decision, Standing, check_not_frozen, check_not_void, check_ours_to_ship};
use crate::order_document::{LineQuantity, Measure, left_to_pack, made_before, next_document, only, plus};
use crate::outbound_sku::Sources;
use crate::sync_outbounds::Try;
use crate::{App, AppError};

const OUTBOUND: Measure =
    Measure { kind: DocumentKind::Outbound, code: "over_outbound", what: "to be sent by Amazon" };

#[derive(Debug, Clone, Default)]
pub struct NewOutbound {
    /// The one that tracks FBA where it is left out.
    pub connection_id: Option<ConnectionId>,
    /// All that Amazon can send and nobody has sent, where they are left out.
    pub lines: Option<Vec<LineQuantity>>,
    pub speed: ShippingSpeed,
    /// The request's id, where one that is tried again must not make another.
    pub request: Option<String>,
}

/// Our name of an outbound shipment at Amazon: the same however often it is asked for.
fn external_id(organization: &OrganizationId, id: &DocumentId) -> String {
    let text = format!("{organization} {id}");
    format!("MS-{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()).simple())
}

/// Where the goods go: what Amazon cannot do without is there.
pub(crate) fn address_of(buyer: Option<Buyer>) -> Result<(Address, Option<String>), AppError> {
    let buyer = buyer.unwrap_or_default();
    let mut to = buyer.shipping_address.or(buyer.billing_address).unwrap_or_default();
    to.name = to.name.or(buyer.name);
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    let japan = to.country.as_deref() == Some("JP");
    let missing: Vec<&str> = [
        ("name", given(&to.name)),
        ("lines", to.lines.first().is_some_and(|line| !line.trim().is_empty())),
        ("city", given(&to.city) || japan),
        ("postal_code", given(&to.postal_code)),
        ("country", given(&to.country)),
    ]
    .into_iter()
    .filter(|(_, given)| !given)
    .map(|(name, _)| name)
    .collect();
    if missing.is_empty() {
        return Ok((to, buyer.phone));
    }
    let detail = format!(
        "Amazon cannot send goods without the buyer's address: {} missing or expired",
        missing.join(", ")
    );
    Err(AppError::conflict("no_shipping_address", detail))
}

/// Counts what a line has at another place, and forgets the place when nothing is left of it.
pub(crate) fn move_elsewhere(line: &mut OrderLine, location: &LocationId, open: i64, gone: i64) {
    let known = line.elsewhere.iter().position(|part| part.location_id == *location);
    let at = known.unwrap_or_else(|| {
        let (open, gone) = (Quantity::ZERO, Quantity::ZERO);
        line.elsewhere.push(Elsewhere { location_id: location.clone(), open, gone });
        line.elsewhere.len() - 1
    });
    if let Some(part) = line.elsewhere.get_mut(at) {
        part.open = Quantity::clamped(part.open.units() + open);
        part.gone = Quantity::clamped(part.gone.units() + gone);
    }
    line.elsewhere.retain(|part| part.open > Quantity::ZERO || part.gone > Quantity::ZERO);
}

impl App {
    /// Asks Amazon to send lines of the order; only those whose item has stock of its own there. Where Amazon cannot be
    /// reached it stays pending and is asked for by itself; where it must first say which SKU has goods, nothing is written.
    /// Errors: 409 `fba_disabled`, `no_fba_lines`, `no_shipping_address`, `over_outbound`, `not_enough_at_amazon`; 422
    /// `line_not_fba`, `too_many_units`.
    pub async fn create_outbound(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
        new: &NewOutbound,
    ) -> Result<OrderDocument, AppError> {
        let order = self.order(organization, id).await?;
        let made = self.store.order_documents(organization, id).await?;
        let standing = Standing { order: &order, documents: &made, now: self.clock.now() };
        if let Some(made) = made_before(&standing, DocumentKind::Outbound, new.request.as_ref()) {
            // It was made, whether or not Amazon can be asked of it now: what is open is asked for by itself.
            return Ok(self.refresh_outbound(organization, &made.id).await.unwrap_or_else(|error| {
                tracing::warn!(outbound = %made.id, code = error.code(), "an outbound shipment made before could not be followed");
                made
            }));
        }
        check_open(&order)?;
        let connection = self.sending_connection(organization, new.connection_id.as_ref()).await?;
        let location = fba_of(&connection)?.location_id.clone();
        address_of(self.store.buyer(organization, id, self.clock.now()).await?)?;
        // Nothing is written while the connection cannot be spoken to for good.
        let mut shop = self.open_shop(organization, &connection.id).await?;
        let sources = self.sources_of(organization, &mut shop, &order, new.lines.as_deref()).await?;
        let decide = |standing: &Standing<'_>| {
            if let Some(made) = made_before(standing, DocumentKind::Outbound, new.request.as_ref()) {
                return Ok(Decision::Nothing(vec![made]));
            }
            check_open(standing.order)?;
            let (papers, lines) = chosen(standing.order, new.lines.as_deref(), &sources)?;
            let mut after = standing.order.clone();
            for booked in &lines {
                if let Some(line) = after.lines.iter_mut().find(|line| line.id == booked.line_id) {
                    move_elsewhere(line, &location, booked.quantity.units(), 0);
                }
            }
            let detail = Detail::Outbound(OutboundDetail {
                connection_id: connection.id.clone(),
                location_id: location.clone(),
                external_id: String::new(),
                shipping_speed: new.speed,
                state: OutboundState::Pending,
                lines,
                sent: Vec::new(),
                code: None,
                reason: None,
                checked_at: None,
                cancel_asked_at: None,
            });
            let (kind, request) = (DocumentKind::Outbound, new.request.clone());
            let mut document = next_document(standing, &mut after, kind, papers, detail, actor, request);
            let name = external_id(organization, &document.id);
            if let Detail::Outbound(outbound) = &mut document.detail {
                outbound.external_id = name;
            }
            Ok(Decision::Change(Box::new(Change { after, documents: vec![document], reason: None })))
        };
        let document = only(self.change_order(organization, id, actor, decide).await?.1)?;
        match self.settle_outbound(organization, &mut shop, &document.id, Try::First).await {
            Ok(settled) => Ok(settled),
            Err(error) => Ok(self.ask_later(organization, &connection, document, &error).await),
        }
    }

    /// What Amazon says of it now. One that is over is as it is.
    pub async fn refresh_outbound(
        &self,
        organization: &OrganizationId,
        id: &DocumentId,
    ) -> Result<OrderDocument, AppError> {
        let document = self.outbound(organization, id).await?;
        let Some(outbound) = document.outbound().filter(|outbound| !outbound.state.is_over()) else {
            return Ok(document);
        };
        let mut shop = self.open_shop(organization, &outbound.connection_id).await?;
        self.settle_outbound(organization, &mut shop, id, Try::Again).await
    }

    /// Takes it back, if Amazon has not begun. What Amazon cannot be asked of now is asked by itself. Errors: 409
    /// `outbound_not_cancellable`.
    pub async fn cancel_outbound(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &DocumentId,
    ) -> Result<OrderDocument, AppError> {
        let document = self.outbound(organization, id).await?;
        let outbound = document.outbound().ok_or(AppError::NotFound("outbound shipment"))?;
        if outbound.state == OutboundState::Cancelled {
            return Ok(document);
        }
        if !outbound.state.can_be_cancelled() {
            return Err(not_cancellable(outbound.state));
        }
        let connection = outbound.connection_id.clone();
        let document = self.ask_to_cancel(organization, actor, id).await?;
        let mut shop = self.open_shop(organization, &connection).await?;
        let settled = match self.settle_outbound(organization, &mut shop, id, Try::Again).await {
            Ok(settled) => settled,
            Err(error) => {
                return Ok(self.ask_later(organization, &shop.connection, document, &error).await);
            }
        };
        match settled.outbound() {
            Some(OutboundDetail { state, cancel_asked_at: None, .. })
                if *state != OutboundState::Cancelled =>
            {
                Err(not_cancellable(*state))
            }
            _ => Ok(settled),
        }
    }

    pub async fn outbound(
        &self,
        organization: &OrganizationId,
        id: &DocumentId,
    ) -> Result<OrderDocument, AppError> {
        let found = match id.kind {
            DocumentKind::Outbound => self.store.order_document(organization, id).await?,
            _ => None,
        };
        found.ok_or(AppError::NotFound("outbound shipment"))
    }

    /// The connection whose stock at Amazon is sent: the one named, or the only one that tracks FBA.
    async fn sending_connection(
        &self,
        organization: &OrganizationId,
        named: Option<&ConnectionId>,
    ) -> Result<Connection, AppError> {
        if let Some(id) = named {
            let found = self.store.connection(organization, id).await?;
            let unknown = || AppError::invalid("not_found", "/connection_id", "there is no such connection");
            let found = found.ok_or_else(unknown)?;
            fba_of(&found)?;
            return Ok(found);
        }
        let all = self.store.connections(organization).await?;
        let mut sending = all.into_iter().filter(|one| one.settings.fba.is_some() && has_fulfiller(one));
        match (sending.next(), sending.next()) {
            (None, _) => Err(fba_disabled()),
            (Some(one), None) => Ok(one),
            _ => {
                let detail = "must be given: several connections track FBA";
                Err(AppError::invalid("invalid_field", "/connection_id", detail))
            }
        }
    }
}

fn not_cancellable(state: OutboundState) -> AppError {
    let detail = format!("Amazon has it as {} and does not take it back", state.as_str());
    AppError::conflict("outbound_not_cancellable", detail)
}

fn check_open(order: &Order) -> Result<(), AppError> {
    check_not_frozen(order)?;
    check_not_void(order)?;
    check_ours_to_ship(order)?;
    if order.fulfilled_by == Fulfilment::Mfn && order.channel_state == ChannelOrderState::Fulfilled {
        return Err(AppError::conflict("nothing_left", "the order is fulfilled already"));
    }
    Ok(())
}

/// The lines that Amazon is asked for: those named, or all that it can send and nobody has sent; and from which SKUs.
fn chosen(
    order: &Order,
    asked: Option<&[LineQuantity]>,
    sources: &Sources,
) -> Result<(Vec<DocumentLine>, Vec<OutboundLine>), AppError> {
    let can_send: Vec<OrderLine> =
        order.lines.iter().filter(|line| sources.can_send(line)).cloned().collect();
    if let Some(asked) = asked {
        let is = |lines: &[OrderLine], one: &LineQuantity| lines.iter().any(|line| line.id == one.line_id);
        let strange = |one: &LineQuantity| is(&order.lines, one) && !is(&can_send, one);
        if let Some(n) = asked.iter().position(strange) {
            let detail = "is of an item that has no listing marked as FBA on the connection";
            return Err(AppError::invalid("line_not_fba", format!("/lines/{n}/line_id"), detail));
        }
    } else if can_send.is_empty() {
        let detail = "no line of the order is of an item that is marked as FBA";
        return Err(AppError::conflict("no_fba_lines", detail));
    }
    let left = left_to_pack(order);
    let sendable = Order { lines: can_send, ..order.clone() };
    let of = if asked.is_some() { order } else { &sendable };
    let lines = OUTBOUND.choose(of, asked, |stand: &LineStand| left(stand))?;
    let mut units = Quantity::ZERO;
    lines.iter().for_each(|line| plus(&mut units, line.quantity));
    let too_many = || {
        let detail =
            format!("Amazon takes {LINES_MAX} lines and {UNITS_MAX} units in one request; name fewer");
        AppError::invalid("too_many_units", "/lines", detail)
    };
    if units.units() > UNITS_MAX {
        return Err(too_many());
    }
    let shared = sources.share(&lines)?;
    // A line that is split takes several of Amazon's.
    if shared.len() > LINES_MAX {
        return Err(too_many());
    }
    Ok((lines, shared))
}
