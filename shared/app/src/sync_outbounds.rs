//! Following what Amazon was asked to send: asked for where it was not yet, taken back where a person wants it back, and
//! brought to Amazon's word. Which are open is in the table, so a message only says that there are some.
//!
//! Of many open ones, one call to Amazon tells which have changed, and only those are read.

use std::collections::{BTreeMap, BTreeSet};

use channels::fulfiller::{CancelOutcome, Dispatch, DispatchLine, DispatchOutcome, Dispatched};
use domain::order::ChannelOrderState;
use domain::outbound::{OutboundLine, OutboundState};
use domain::stock::Actor;
use domain::{ConnectionId, DocumentId, OrganizationId, Timestamp};
use jiff::SignedDuration;
use queue::message::Task;
use queue::{QueueName, Work};
use store::PageRequest;
use store::connection::Connection;
use store::order_document::{Detail, OrderDocument, OutboundDetail};

use crate::fba::has_fulfiller;
use crate::fba_stock::no_fulfiller;
use crate::order_change::{Change, Decision, Standing};
use crate::order_document::only;
use crate::outbound::address_of;
use crate::outbound_word::found;
use crate::shop::OpenShop;
use crate::work::{Attempt, Next};
use crate::{App, AppError};

/// Outbound shipments of one message; what is behind them is another's.
const OPEN_MAX: u32 = 100;
/// Up to so many are read one by one; of more, one call tells which have changed.
const READ_ALONE: usize = 2;
/// Our clock may be ahead of Amazon's by so much.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
const FORGOTTEN: &str =
    "Amazon does not know of it: look in Seller Central, and cancel it here if the goods were not sent";

/// Whether Amazon may have it already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Try {
    /// Just written: nobody has asked yet.
    First,
    Again,
}

impl App {
    /// Follows everything that the connection's channel was asked to send and has not ended.
    pub async fn sync_outbounds(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        attempt: &Attempt,
    ) -> Result<(), AppError> {
        let request = PageRequest { limit: OPEN_MAX, cursor: None };
        let page = self.store.open_outbounds(organization, connection, &request).await?;
        if page.data.is_empty() {
            return Ok(());
        }
        let mut shop = match self.open_shop(organization, connection).await {
            // Disabled or not authorized: the next sync after that finds them again.
            Err(AppError::Conflict { .. } | AppError::NotFound(_)) => return Ok(()),
            other => other?,
        };
        let mut open = Vec::with_capacity(page.data.len());
        for id in &page.data {
            self.take_back_cancelled(organization, &shop.connection, id).await?;
            open.extend(self.store.order_document(organization, id).await?);
        }
        let wanted = self.changed(&mut shop, &open).await?;
        let mut failure = None;
        let mut more = page.next_cursor.is_some();
        for document in open.iter().filter(|document| wanted.contains(&document.id)) {
            if self.clock.now() >= attempt.deadline {
                more = true;
                break;
            }
            if let Err(error) = self.settle_outbound(organization, &mut shop, &document.id, Try::Again).await
            {
                let again = matches!(error.next(attempt.receive_count), Next::Again(_));
                tracing::warn!(outbound = %document.id, code = error.code(), "an outbound shipment could not be followed");
                if again {
                    failure = Some(error);
                    break;
                }
            }
        }
        match failure {
            // Worth another try, but not for ever: the next order sync finds it again.
            Some(error) if !attempt.is_last() => Err(error),
            _ if more => {
                let cause = self.ids.next(self.clock.now());
                self.queue_outbounds(&shop.connection, &cause).await
            }
            _ => Ok(()),
        }
    }

    /// One message where the connection's channel was asked to send something that has not ended. `cause` tells messages
    /// apart.
    pub(crate) async fn queue_open_outbounds(
        &self,
        connection: &Connection,
        cause: &str,
    ) -> Result<(), AppError> {
        if !has_fulfiller(connection) {
            return Ok(());
        }
        let one = PageRequest { limit: 1, cursor: None };
        let open = self.store.open_outbounds(&connection.organization_id, &connection.id, &one).await?;
        if open.data.is_empty() {
            return Ok(());
        }
        self.queue_outbounds(connection, cause).await
    }

    async fn queue_outbounds(&self, connection: &Connection, cause: &str) -> Result<(), AppError> {
        let queue = QueueName { work: Work::ShipmentPush, channel: connection.channel };
        let id = format!("outbounds {} {cause}", connection.id);
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, id.as_bytes()).simple().to_string();
        let organization = &connection.organization_id;
        self.enqueue(queue, organization, &connection.id, id, Task::SyncOutbounds).await
    }

    /// Amazon could not be asked, or what it said could not be kept: why is kept with it, and it is asked by itself. What
    /// is written of it stands in any case, and is the answer.
    pub(crate) async fn ask_later(
        &self,
        organization: &OrganizationId,
        connection: &Connection,
        document: OrderDocument,
        error: &AppError,
    ) -> OrderDocument {
        match self.try_ask_later(organization, connection, &document, error).await {
            Ok(noted) => noted,
            Err(cause) => {
                tracing::error!(outbound = %document.id, error = %cause, "an outbound shipment waits for the next sync");
                document
            }
        }
    }

    async fn try_ask_later(
        &self,
        organization: &OrganizationId,
        connection: &Connection,
        document: &OrderDocument,
        error: &AppError,
    ) -> Result<OrderDocument, AppError> {
        let actor = Actor::Connection(connection.id.to_string());
        let noted = self
            .change_outbound(organization, &document.id, &actor, |outbound| {
                outbound.code = Some(error.code().to_owned());
                outbound.reason = Some(error.advice());
            })
            .await?;
        let cause = format!("{} {}", document.id, noted.version);
        self.queue_outbounds(connection, &cause).await?;
        Ok(noted)
    }

    /// A person wants it back: kept, so that Amazon is asked until it answers.
    pub(crate) async fn ask_to_cancel(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &DocumentId,
    ) -> Result<OrderDocument, AppError> {
        let now = self.clock.now();
        self.change_outbound(organization, id, actor, |outbound| {
            if outbound.state.can_be_cancelled() {
                outbound.cancel_asked_at.get_or_insert(now);
            }
        })
        .await
    }

    /// The buyer's order is void: what Amazon has not begun with is taken back.
    async fn take_back_cancelled(
        &self,
        organization: &OrganizationId,
        connection: &Connection,
        id: &DocumentId,
    ) -> Result<(), AppError> {
        let order = self.store.order(organization, &id.order_id).await?;
        if order.is_some_and(|order| order.channel_state == ChannelOrderState::Cancelled) {
            let actor = Actor::Connection(connection.id.to_string());
            self.ask_to_cancel(organization, &actor, id).await?;
        }
        Ok(())
    }

    /// Changes what is kept of it beside the order; one that is over stays as it is.
    async fn change_outbound(
        &self,
        organization: &OrganizationId,
        id: &DocumentId,
        actor: &Actor,
        change: impl Fn(&mut OutboundDetail) + Send + Sync,
    ) -> Result<OrderDocument, AppError> {
        let decide = |standing: &Standing<'_>| {
            let (mut document, before) = found(standing, id)?;
            let mut after = before.clone();
            change(&mut after);
            if before.state.is_over() || after == before {
                return Ok(Decision::Nothing(vec![document]));
            }
            document.detail = Detail::Outbound(after);
            document.version += 1;
            let after = standing.order.clone();
            Ok(Decision::Change(Box::new(Change { after, documents: vec![document], reason: None })))
        };
        only(self.change_order(organization, &id.order_id, actor, decide).await?.1)
    }

    /// Those that are worth a call each: not asked for yet, to be taken back, or changed by Amazon's word.
    async fn changed(
        &self,
        shop: &mut OpenShop,
        open: &[OrderDocument],
    ) -> Result<BTreeSet<DocumentId>, AppError> {
        let of = |document: &OrderDocument| {
            let outbound = document.outbound()?;
            let at_amazon = outbound.state != OutboundState::Pending && outbound.cancel_asked_at.is_none();
            at_amazon
                .then(|| (outbound.external_id.clone(), outbound.checked_at.unwrap_or(document.created_at)))
        };
        let waiting: Vec<(String, Timestamp)> = open.iter().filter_map(of).collect();
        let all = || open.iter().map(|document| document.id.clone()).collect();
        let Some(oldest) = waiting.iter().map(|(_, at)| *at).min().filter(|_| waiting.len() > READ_ALONE)
        else {
            return Ok(all());
        };
        let since = oldest.checked_sub(OVERLAP).unwrap_or(oldest);
        let changed = self
            .call(shop, |call| {
                Box::pin(async move {
                    let fulfiller = call.channel.fulfiller().ok_or_else(no_fulfiller)?;
                    fulfiller.dispatches_changed(&call.shop, since).await
                })
            })
            .await?;
        let quiet = |document: &&OrderDocument| {
            of(document).is_some_and(|(external_id, _)| !changed.contains(&external_id))
        };
        Ok(open.iter().filter(|document| !quiet(document)).map(|document| document.id.clone()).collect())
    }

    /// Brings one to Amazon's word: asks for it where Amazon does not have it, takes it back where a person wants that.
    pub(crate) async fn settle_outbound(
        &self,
        organization: &OrganizationId,
        shop: &mut OpenShop,
        id: &DocumentId,
        first: Try,
    ) -> Result<OrderDocument, AppError> {
        let document = self.outbound(organization, id).await?;
        let outbound = document.outbound().ok_or(AppError::NotFound("outbound shipment"))?;
        if outbound.state.is_over() {
            return Ok(document);
        }
        let name = outbound.external_id.as_str();
        let told = match first {
            Try::First => None,
            Try::Again => self.dispatched(shop, name).await?,
        };
        match told {
            Some(told) if outbound.cancel_asked_at.is_some() => {
                let taken = self.take_back(shop, name, told).await?;
                self.note_told(organization, shop, id, &taken, true).await
            }
            Some(told) => self.note_told(organization, shop, id, &told, false).await,
            // Amazon does not have it, and had not begun with it: it needs not be asked.
            None if outbound.cancel_asked_at.is_some() && outbound.state.can_be_cancelled() => {
                self.note_told(organization, shop, id, &nothing(OutboundState::Cancelled), true).await
            }
            None if outbound.state == OutboundState::Pending => {
                self.ask(organization, shop, &document, outbound).await
            }
            None => {
                let actor = Actor::Connection(shop.connection.id.to_string());
                self.change_outbound(organization, id, &actor, |outbound| {
                    outbound.code = Some("unknown_at_amazon".to_owned());
                    outbound.reason = Some(FORGOTTEN.to_owned());
                })
                .await
            }
        }
    }

    async fn ask(
        &self,
        organization: &OrganizationId,
        shop: &mut OpenShop,
        document: &OrderDocument,
        outbound: &OutboundDetail,
    ) -> Result<OrderDocument, AppError> {
        let (id, name) = (&document.id, outbound.external_id.as_str());
        let order = self.order(organization, &id.order_id).await?;
        let buyer = self.store.buyer(organization, &id.order_id, self.clock.now()).await?;
        let (to, phone) = match address_of(buyer) {
            Ok(to) => to,
            Err(error) => {
                return self.note_failed(organization, shop, id, error.code(), &error.to_string()).await;
            }
        };
        let line = |(n, line): (usize, &OutboundLine)| DispatchLine {
            number: number(n),
            sku: line.sku.clone(),
            quantity: line.quantity,
        };
        let dispatch = Dispatch {
            id: name.to_owned(),
            number: order.number.clone(),
            placed_at: order.placed_at,
            speed: outbound.shipping_speed,
            to,
            phone,
            lines: outbound.lines.iter().enumerate().map(line).collect(),
        };
        let asked = self
            .call(shop, |call| {
                let dispatch = &dispatch;
                Box::pin(async move {
                    let fulfiller = call.channel.fulfiller().ok_or_else(no_fulfiller)?;
                    fulfiller.dispatch(&call.shop, dispatch).await
                })
            })
            .await?;
        match asked {
            DispatchOutcome::Accepted => {
                let now = self.outbound(organization, id).await?;
                // Taken back here while it was asked for there: Amazon must hear of that too.
                let wanted = |outbound: &OutboundDetail| {
                    outbound.cancel_asked_at.is_none() && !outbound.state.is_over()
                };
                if !now.outbound().is_some_and(wanted) {
                    let taken = self.take_back(shop, name, nothing(OutboundState::Received)).await?;
                    return self.note_told(organization, shop, id, &taken, true).await;
                }
                let told = nothing(OutboundState::Received);
                self.note_told(organization, shop, id, &told, false).await
            }
            DispatchOutcome::Rejected { code, reason } => match self.dispatched(shop, name).await? {
                // Refused for being there already: another asked for it.
                Some(told) => self.note_told(organization, shop, id, &told, false).await,
                None => self.note_failed(organization, shop, id, code, &reason).await,
            },
        }
    }

    async fn dispatched(&self, shop: &mut OpenShop, name: &str) -> Result<Option<Dispatched>, AppError> {
        self.call(shop, |call| {
            Box::pin(async move {
                let fulfiller = call.channel.fulfiller().ok_or_else(no_fulfiller)?;
                fulfiller.dispatched(&call.shop, name).await
            })
        })
        .await
    }

    /// What became of it after Amazon was asked to stop.
    async fn take_back(
        &self,
        shop: &mut OpenShop,
        name: &str,
        told: Dispatched,
    ) -> Result<Dispatched, AppError> {
        if !told.state.can_be_cancelled() {
            return Ok(told);
        }
        let outcome = self
            .call(shop, |call| {
                Box::pin(async move {
                    let fulfiller = call.channel.fulfiller().ok_or_else(no_fulfiller)?;
                    fulfiller.cancel(&call.shop, name).await
                })
            })
            .await?;
        match outcome {
            CancelOutcome::Unknown => Ok(nothing(OutboundState::Cancelled)),
            CancelOutcome::Accepted | CancelOutcome::TooLate => {
                Ok(self.dispatched(shop, name).await?.unwrap_or(told))
            }
        }
    }
}

pub(crate) fn number(place: usize) -> u32 {
    u32::try_from(place + 1).unwrap_or(u32::MAX)
}

pub(crate) fn nothing(state: OutboundState) -> Dispatched {
    Dispatched { state, dropped: BTreeMap::new(), shipments: Vec::new() }
}
