//! Sales orders of a person's making: taken, changed, voided, copied. They commit stock as a channel's orders do, by the
//! same rule.

use std::collections::{BTreeMap, BTreeSet};

use domain::channel::Fulfilment;
use domain::fulfilment::LineProgress;
use domain::order::{Buyer, ChannelOrderState, PaymentStatus};
use domain::order_document::DocumentCounts;
use domain::stock::Actor;
use domain::{ContactId, Currency, ItemId, LocationId, Money, OrderId, OrganizationId, Quantity, Timestamp};
use store::StoreError;
use store::item::Item;
use store::order::{Comment, Order, OrderLine, Origin};
use store::organization::Organization;

use crate::change::{check_version, not_hex};
use crate::item::check_prices;
use crate::order_change::{Change, Decision, Standing, check_not_frozen, check_not_void, is_over, recompute};
use crate::retention::buyer_expires_at;
use crate::{App, AppError, FieldError};

/// Lines of a manual order, each with at most two of the 100 places of a transaction.
pub const LINES_MAX: usize = 45;
/// Notes of an order: they are kept in its row.
pub const COMMENTS_MAX: usize = 20;
/// The code of a change that goes below what was done already: the state forbids it and a line says where, so it is
/// answered 409 with pointers.
pub const BELOW_DONE: &str = "quantity_below_done";

/// Whether anything of the order can be changed: all of a manual one, the location of a channel's.
pub fn is_editable(order: &Order) -> bool {
    !is_over(order.state)
}

#[derive(Debug, Clone)]
pub struct NewOrderLine {
    /// A line that is there already; `None` for a new one.
    pub id: Option<String>,
    pub item_id: ItemId,
    pub quantity: Quantity,
    /// The item's selling price where it is left out.
    pub unit_price: Option<Money>,
    pub tax: Option<Money>,
    /// The item's name where it is left out.
    pub title: Option<String>,
}

/// Who buys.
#[derive(Debug, Clone)]
pub enum NewContact {
    Known(ContactId),
    Person(Box<Buyer>),
}

#[derive(Debug, Clone)]
pub struct NewOrder {
    pub number: Option<String>,
    pub lines: Vec<NewOrderLine>,
    /// The organization's primary one where it is left out.
    pub location_id: Option<LocationId>,
    pub contact: Option<NewContact>,
    pub payment: PaymentStatus,
    pub placed_at: Option<Timestamp>,
    pub comments: Vec<String>,
    /// The body of the order's id, where a request that is tried again must not make another.
    pub id: Option<String>,
}

/// What changes; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct OrderPatch {
    pub number: Option<String>,
    pub lines: Option<Vec<NewOrderLine>>,
    pub location_id: Option<LocationId>,
    pub contact: Option<NewContact>,
    pub payment: Option<PaymentStatus>,
}

impl OrderPatch {
    /// Whether it changes what a channel decides of its own orders.
    fn is_beyond_location(&self) -> bool {
        self.number.is_some() || self.lines.is_some() || self.contact.is_some() || self.payment.is_some()
    }
}

pub(crate) fn of_channel(what: &str) -> AppError {
    AppError::conflict("order_of_channel", format!("the order is its channel's: {what}"))
}

impl App {
    /// The order with its commitments, together. Errors: not found, by pointer, for items, location and contact.
    pub async fn create_order(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        new: &NewOrder,
    ) -> Result<Order, AppError> {
        let now = self.clock.now();
        let body = new.id.clone().unwrap_or_else(|| self.ids.next(now));
        let id = OrderId::from_body(&body).map_err(not_hex)?;
        if new.id.is_some() && self.store.order(organization, &id).await?.is_some() {
            return self.order(organization, &id).await;
        }
        let of = self.organization(organization).await?;
        let location_id = new.location_id.clone().unwrap_or_else(|| of.primary_location_id.clone());
        self.check_location(organization, &location_id, "/location_id").await?;
        let items = self.items_of_lines(organization, of.base_currency, &new.lines).await?;
        let lines = made_lines(&new.lines, &items, &[]);
        let contact_id = self.contact_for(organization, new.contact.as_ref()).await?;
        let note = |text: &String| Comment { text: text.clone(), by: actor.clone().into(), at: now };
        let mut order = Order {
            number: new.number.clone().unwrap_or_else(|| default_number(&body)),
            id,
            origin: Origin::Manual,
            state: domain::order::OrderState::Confirmed,
            channel_state: ChannelOrderState::Confirmed,
            unknown_state: None,
            payment: new.payment,
            currency: of.base_currency,
            total: total_of(&lines, of.base_currency),
            lines,
            location_id,
            frozen: false,
            applied: BTreeMap::new(),
            complete: false,
            no_stock_effect: false,
            fulfilled_by: Fulfilment::Mfn,
            tracking: Vec::new(),
            deducted_on: of.stock_deducted_on,
            contact_id,
            erased: false,
            documents: DocumentCounts::default(),
            comments: new.comments.iter().map(note).collect(),
            placed_at: new.placed_at.unwrap_or(now),
            changed_at: now,
            imported_at: now,
            version: 0,
        };
        recompute(&mut order);
        self.keep_named_buyer(&of, &order, new.contact.as_ref()).await?;
        match self.settle_order(&of, &mut order, &BTreeSet::new(), actor).await {
            Ok(()) => Ok(order),
            // An attempt at the same request got there first.
            Err(AppError::Store(StoreError::Conflict("order"))) if new.id.is_some() => {
                self.order(organization, &order.id).await
            }
            Err(error) => Err(error),
        }
    }

    /// Errors: 409 `order_not_editable` for one that is over, `order_of_channel` for what its channel decides,
    /// [`BELOW_DONE`] for less than was packed, shipped or invoiced.
    pub async fn change_manual_order(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
        expected: Option<u64>,
        patch: &OrderPatch,
    ) -> Result<Order, AppError> {
        self.check_patch(&self.order(organization, id).await?, patch)?;
        if let Some(location) = &patch.location_id {
            self.check_location(organization, location, "/location_id").await?;
        }
        let items = match &patch.lines {
            None => BTreeMap::new(),
            Some(lines) => {
                let base = self.organization(organization).await?.base_currency;
                self.items_of_lines(organization, base, lines).await?
            }
        };
        let contact_id = self.contact_for(organization, patch.contact.as_ref()).await?;
        let decide = |standing: &Standing<'_>| {
            let before = standing.order;
            check_version(before.version, expected)?;
            self.check_patch(before, patch)?;
            let mut after = before.clone();
            if let Some(number) = &patch.number {
                after.number.clone_from(number);
            }
            if let Some(location) = &patch.location_id {
                after.location_id = location.clone();
            }
            if let Some(payment) = patch.payment {
                after.payment = payment;
            }
            if contact_id.is_some() {
                after.contact_id.clone_from(&contact_id);
                after.erased = false;
            }
            if let Some(lines) = &patch.lines {
                check_lines_kept(before, lines)?;
                after.lines = made_lines(lines, &items, &before.lines);
                after.total = total_of(&after.lines, after.currency);
            }
            if after == *before {
                return Ok(Decision::Nothing(Vec::new()));
            }
            if before.origin == Origin::Manual {
                after.changed_at = standing.now;
            }
            Ok(Decision::Change(Box::new(Change::of(after))))
        };
        let (order, _) = self.change_order(organization, id, actor, decide).await?;
        if patch.contact.is_some() {
            let of = self.organization(organization).await?;
            self.keep_named_buyer(&of, &order, patch.contact.as_ref()).await?;
        }
        Ok(order)
    }

    /// What a person said of an order's buyer.
    async fn keep_named_buyer(
        &self,
        organization: &Organization,
        order: &Order,
        contact: Option<&NewContact>,
    ) -> Result<(), AppError> {
        if let Some(contact) = &order.contact_id {
            self.store.put_contact_order(&organization.id, contact, &order.id).await?;
        }
        let Some(NewContact::Person(buyer)) = contact else { return Ok(()) };
        let expires_at = buyer_expires_at(organization, order, self.clock.now());
        Ok(self.store.put_buyer(&organization.id, &order.id, buyer, expires_at).await?)
    }

    fn check_patch(&self, order: &Order, patch: &OrderPatch) -> Result<(), AppError> {
        if !is_editable(order) {
            let detail = format!("the order is {} and cannot be changed", order.state.as_str());
            return Err(AppError::conflict("order_not_editable", detail));
        }
        if order.origin != Origin::Manual && patch.is_beyond_location() {
            return Err(of_channel("only its location can be changed here"));
        }
        let moves = patch.location_id.as_ref().is_some_and(|location| *location != order.location_id);
        let deducted = order.applied.values().any(|effect| effect.deducted != 0);
        if moves && deducted {
            let detail = "goods of the order have left its location already";
            return Err(AppError::conflict("order_partly_shipped", detail));
        }
        Ok(())
    }

    /// Takes the order back, with what it has committed. Void already: nothing.
    pub async fn void_order(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
    ) -> Result<Order, AppError> {
        let decide = |standing: &Standing<'_>| {
            let order = standing.order;
            check_not_frozen(order)?;
            if order.origin != Origin::Manual {
                return Err(of_channel("cancel it there, and it is void here"));
            }
            if order.channel_state == ChannelOrderState::Cancelled {
                return Ok(Decision::Nothing(Vec::new()));
            }
            if order.lines.iter().any(|line| line.stand().awaited > Quantity::ZERO) {
                let detail = "Amazon is to send goods of the order; cancel the outbound shipment first";
                return Err(AppError::conflict("outbound_open", detail));
            }
            let out =
                order.lines.iter().any(|line| line.stand().left_to_return(order.channel_state).get() > 0);
            if out {
                let detail = "goods of the order were shipped; take them back first";
                return Err(AppError::conflict("order_shipped", detail));
            }
            let mut after = order.clone();
            after.channel_state = ChannelOrderState::Cancelled;
            after.changed_at = standing.now;
            if after.payment == PaymentStatus::Pending {
                after.payment = PaymentStatus::Voided;
            }
            Ok(Decision::Change(Box::new(Change::of(after))))
        };
        Ok(self.change_order(organization, id, actor, decide).await?.0)
    }

    /// Closes a manual order: what is still open counts as gone.
    pub async fn fulfil_order(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
    ) -> Result<Order, AppError> {
        let decide = |standing: &Standing<'_>| {
            let order = standing.order;
            check_not_frozen(order)?;
            check_not_void(order)?;
            if order.origin != Origin::Manual {
                return Err(of_channel("it is fulfilled when the channel says so"));
            }
            if order.channel_state == ChannelOrderState::Fulfilled {
                return Ok(Decision::Nothing(Vec::new()));
            }
            let mut after = order.clone();
            after.channel_state = ChannelOrderState::Fulfilled;
            after.changed_at = standing.now;
            Ok(Decision::Change(Box::new(Change::of(after))))
        };
        Ok(self.change_order(organization, id, actor, decide).await?.0)
    }

    /// A new manual order of the same goods, for nobody: personal data, notes and papers stay behind.
    pub async fn clone_order(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
        request: Option<String>,
    ) -> Result<Order, AppError> {
        let order = self.order(organization, id).await?;
        check_not_frozen(&order)?;
        let money = |minor: Option<i64>| minor.map(|minor| Money { minor, currency: order.currency });
        let lines = order.lines.iter().filter(|line| line.quantity.get() > 0).filter_map(|line| {
            Some(NewOrderLine {
                id: None,
                item_id: line.item_id.clone()?,
                quantity: line.quantity,
                unit_price: money(line.unit_price_minor),
                tax: money(line.tax_minor),
                title: Some(line.title.clone()),
            })
        });
        let new = NewOrder {
            number: None,
            lines: lines.collect(),
            location_id: Some(order.location_id.clone()),
            contact: None,
            payment: PaymentStatus::Pending,
            placed_at: None,
            comments: Vec::new(),
            id: request,
        };
        self.create_order(organization, actor, &new).await
    }

    /// Notes something on the order, whatever its state.
    pub async fn comment_order(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
        text: &str,
    ) -> Result<Order, AppError> {
        let decide = |standing: &Standing<'_>| {
            let mut after = standing.order.clone();
            if after.comments.len() >= COMMENTS_MAX {
                let detail = format!("the order has {COMMENTS_MAX} comments already");
                return Err(AppError::conflict("too_many_comments", detail));
            }
            let by = actor.clone().into();
            after.comments.push(Comment { text: text.to_owned(), by, at: standing.now });
            Ok(Decision::Change(Box::new(Change::of(after))))
        };
        Ok(self.change_order(organization, id, actor, decide).await?.0)
    }

    /// The items of the lines, which are found to be in order.
    async fn items_of_lines(
        &self,
        organization: &OrganizationId,
        currency: Currency,
        lines: &[NewOrderLine],
    ) -> Result<BTreeMap<ItemId, Item>, AppError> {
        if lines.is_empty() || lines.len() > LINES_MAX {
            let detail = format!("must have 1 to {LINES_MAX} lines");
            return Err(AppError::invalid("invalid_field", "/lines", detail));
        }
        let ids: BTreeSet<ItemId> = lines.iter().map(|line| line.item_id.clone()).collect();
        let items = self.store.items_by_ids(organization, &ids).await?;
        for (n, line) in lines.iter().enumerate() {
            if !items.contains_key(&line.item_id) {
                let pointer = format!("/lines/{n}/item_id");
                return Err(AppError::invalid("not_found", pointer, "there is no such item"));
            }
            if line.quantity == Quantity::ZERO {
                let pointer = format!("/lines/{n}/quantity");
                return Err(AppError::invalid("invalid_field", pointer, "must be at least 1"));
            }
            let (price, tax) = (format!("/lines/{n}/unit_price"), format!("/lines/{n}/tax"));
            let prices = [(price.as_str(), line.unit_price.as_ref()), (tax.as_str(), line.tax.as_ref())];
            check_prices(currency, prices)?;
        }
        Ok(items)
    }

    async fn contact_for(
        &self,
        organization: &OrganizationId,
        contact: Option<&NewContact>,
    ) -> Result<Option<ContactId>, AppError> {
        match contact {
            None => Ok(None),
            Some(NewContact::Known(id)) => match self.store.contact(organization, id).await? {
                Some(known) => Ok(Some(known.id)),
                None => Err(AppError::invalid("not_found", "/contact/id", "there is no such contact")),
            },
            Some(NewContact::Person(buyer)) => {
                let made = self.create_contact(organization, buyer).await;
                let made = made.map_err(|error| match error {
                    AppError::Invalid { code, detail, .. } => AppError::invalid(code, "/contact", detail),
                    other => other,
                })?;
                Ok(Some(made.id))
            }
        }
    }
}

/// `SO-` and the end of the id: told apart by people, not counted.
fn default_number(body: &str) -> String {
    let skipped = body.len().saturating_sub(8);
    format!("SO-{}", body.get(skipped..).unwrap_or(body).to_uppercase())
}

/// In their order; those that are there already keep what was done with them.
fn made_lines(new: &[NewOrderLine], items: &BTreeMap<ItemId, Item>, before: &[OrderLine]) -> Vec<OrderLine> {
    let used = before.iter().filter_map(|line| line.id.parse::<u32>().ok()).max().unwrap_or(0);
    let mut fresh = used + 1..;
    let make = |line: &NewOrderLine| {
        let item = items.get(&line.item_id)?;
        let known = line.id.as_ref().and_then(|id| before.iter().find(|line| line.id == *id));
        let id = known.map(|line| line.id.clone()).or_else(|| fresh.next().map(|n| n.to_string()))?;
        Some(OrderLine {
            id,
            listing: None,
            item_id: Some(item.id.clone()),
            parts: known
                .filter(|line| line.item_id.as_ref() == Some(&item.id))
                .and_then(|line| line.parts.clone()),
            sku: Some(item.sku.to_string()),
            title: line.title.clone().unwrap_or_else(|| item.name.as_str().to_owned()),
            quantity: line.quantity,
            shipped: Quantity::ZERO,
            unit_price_minor: line.unit_price.or(item.selling_price).map(|price| price.minor),
            tax_minor: line.tax.map(|tax| tax.minor),
            done: known.map_or_else(LineProgress::default, |line| line.done),
            elsewhere: known.map(|line| line.elsewhere.clone()).unwrap_or_default(),
            untracked: false,
        })
    };
    new.iter().filter_map(make).collect()
}

/// What was done with a line stays true of the lines that are to be.
fn check_lines_kept(before: &Order, lines: &[NewOrderLine]) -> Result<(), AppError> {
    let mut seen = BTreeSet::new();
    let mut fields = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let Some(id) = &line.id else { continue };
        let pointer = format!("/lines/{n}/id");
        let Some(known) = before.lines.iter().find(|known| known.id == *id) else {
            return Err(AppError::invalid("not_found", pointer, "the order has no such line"));
        };
        if !seen.insert(id) {
            return Err(AppError::invalid("invalid_field", pointer, "must not name a line twice"));
        }
        let stand = known.stand();
        let gone = known.done.packed.max(known.done.shipped).units() + stand.awaited.units();
        let done = known.done.invoiced.max(Quantity::clamped(gone));
        if line.quantity < done {
            let detail = format!("{done} are invoiced, packed, shipped or to be sent by Amazon already");
            fields.push(FieldError::new(format!("/lines/{n}/quantity"), detail));
        }
        if known.item_id.as_ref() != Some(&line.item_id) && !known.is_untouched() {
            let detail = "the line's item is invoiced, packed or shipped already";
            fields.push(FieldError::new(format!("/lines/{n}/item_id"), detail));
        }
    }
    let gone = before.lines.iter().find(|line| !line.is_untouched() && !seen.contains(&line.id));
    if let Some(line) = gone {
        let detail = format!("line {} is invoiced, packed or shipped already and must stay", line.id);
        fields.push(FieldError::new("/lines", detail));
    }
    match fields.first() {
        None => Ok(()),
        Some(first) => Err(AppError::Invalid { code: BELOW_DONE, detail: first.detail.clone(), fields }),
    }
}

/// Of all lines with their tax; `None` where a price is not known, or the sum is too large for an amount.
fn total_of(lines: &[OrderLine], currency: Currency) -> Option<Money> {
    let minor = lines.iter().try_fold(0_i64, |sum, line| {
        let goods = line.unit_price_minor?.checked_mul(line.quantity.units())?;
        sum.checked_add(goods)?.checked_add(line.tax_minor.unwrap_or(0))
    })?;
    Some(Money { minor, currency })
}
