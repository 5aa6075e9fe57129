//! What a person does to an order: read, decided, and stored with its movements and papers, if nothing came between.

use domain::channel::Fulfilment;
use domain::fulfilment::{LineStand, state_by};
use domain::order::{ChannelOrderState, OrderState};
use domain::stock::{Actor, Reason};
use domain::{OrderId, OrganizationId, Timestamp};
use store::StoreError;
use store::order::{Order, OrderLine};
use store::order_document::OrderDocument;
use store::organization::Organization;

use crate::change::CHANGES_MAX;
use crate::import_order::{is_frozen, is_open, waits_for};
use crate::{App, AppError};

/// An order and its papers as they are.
pub(crate) struct Standing<'a> {
    pub order: &'a Order,
    pub documents: &'a [OrderDocument],
    pub now: Timestamp,
}

/// What becomes of them.
pub(crate) struct Change {
    pub after: Order,
    /// New ones, or in their next version.
    pub documents: Vec<OrderDocument>,
    /// Why stock moves, where the movement itself does not say it.
    pub reason: Option<Reason>,
}

impl Change {
    pub fn of(after: Order) -> Self {
        Self { after, documents: Vec::new(), reason: None }
    }
}

/// A decision: the change, or what there is already.
pub(crate) enum Decision {
    Change(Box<Change>),
    Nothing(Vec<OrderDocument>),
}

pub(crate) fn is_over(state: OrderState) -> bool {
    matches!(state, OrderState::Fulfilled | OrderState::Void)
}

/// Refuses what cannot be made of an order as long as lines have no item.
pub(crate) fn check_not_frozen(order: &Order) -> Result<(), AppError> {
    if !order.frozen {
        return Ok(());
    }
    let open = order.lines.iter().filter(|line| is_open(line));
    Err(AppError::OrderFrozen { line_ids: open.map(|line| line.id.clone()).collect() })
}

pub(crate) fn check_not_void(order: &Order) -> Result<(), AppError> {
    if order.channel_state == ChannelOrderState::Cancelled {
        return Err(AppError::conflict("order_void", "the order is void"));
    }
    Ok(())
}

/// Refuses what would change how an order is shipped that Amazon ships.
pub(crate) fn check_ours_to_ship(order: &Order) -> Result<(), AppError> {
    if order.fulfilled_by == Fulfilment::Fba {
        let detail = "Amazon ships the order: it is fulfilled, and nothing of it can be changed here";
        return Err(AppError::conflict("order_fulfilled_by_amazon", detail));
    }
    Ok(())
}

/// What follows from the lines: the state, and whether it is frozen.
pub(crate) fn recompute(order: &mut Order) {
    let stands: Vec<LineStand> = order.lines.iter().map(OrderLine::stand).collect();
    order.state = state_by(order.fulfilled_by, order.channel_state, &stands);
    order.frozen = is_frozen(order.state, &order.lines);
}

impl App {
    /// Brings the order and its papers to what `decide` makes of them; decided anew where another was quicker. The papers
    /// that were written, or found.
    pub(crate) async fn change_order(
        &self,
        organization: &OrganizationId,
        id: &OrderId,
        actor: &Actor,
        decide: impl Fn(&Standing<'_>) -> Result<Decision, AppError> + Send + Sync,
    ) -> Result<(Order, Vec<OrderDocument>), AppError> {
        let organization = self.organization(organization).await?;
        for _ in 0..CHANGES_MAX {
            let before = self.order(&organization.id, id).await?;
            let documents = self.store.order_documents(&organization.id, id).await?;
            let now = self.clock.now();
            let standing = Standing { order: &before, documents: &documents, now };
            let Change { mut after, documents, reason } = match decide(&standing)? {
                Decision::Nothing(documents) => return Ok((before, documents)),
                Decision::Change(change) => *change,
            };
            recompute(&mut after);
            match self.settle_changed(&organization, &before, &mut after, actor, &documents, reason).await {
                Err(AppError::Store(StoreError::Conflict(_))) => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok((after, documents)),
            }
        }
        Err(StoreError::Conflict("order").into())
    }

    async fn settle_changed(
        &self,
        organization: &Organization,
        before: &Order,
        after: &mut Order,
        actor: &Actor,
        documents: &[OrderDocument],
        reason: Option<Reason>,
    ) -> Result<(), AppError> {
        let waited = waits_for(before);
        self.settle_order_with(organization, after, &waited, actor, documents, reason).await?;
        if is_over(before.state) != is_over(after.state) {
            self.begin_expiry(organization, after, self.clock.now()).await?;
        }
        Ok(())
    }

    /// Goes on with an order of a person's making that was left in the middle. One of a channel is gone on with by
    /// whoever imports it next.
    pub(crate) async fn resume_manual(
        &self,
        organization: &OrganizationId,
        order: &mut Order,
    ) -> Result<(), AppError> {
        let of = self.organization(organization).await?;
        let actor = Actor::ApiKey("key_resumed".to_owned());
        self.settle_order(&of, order, &waits_for(order), &actor).await
    }
}
