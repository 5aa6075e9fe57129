//! Lines that no item is known for: confirmed together, or linked one by one. Each resolves its listing, so that every
//! order that waited for it thaws in the same step.

use std::collections::BTreeSet;

use domain::listing::ListingStatus;
use domain::stock::Actor;
use domain::{ItemId, ListingId, OrderId, OrganizationId};
use store::order::{Order, OrderLine};

use crate::confirm_listing::{Confirmed, ItemOverrides};
use crate::import_order::is_open;
use crate::order_change::{Change, Decision, check_not_void};
use crate::{App, AppError};

/// What became of a line.
#[derive(Debug)]
pub struct LineOutcome {
    pub line_id: String,
    pub listing_id: Option<ListingId>,
    pub result: Result<Confirmed, AppError>,
}

/// The order after its lines were confirmed.
#[derive(Debug)]
pub struct ConfirmedLines {
    pub order: Order,
    pub lines: Vec<LineOutcome>,
}

fn line_of<'o>(order: &'o Order, id: &str, pointer: &str) -> Result<&'o OrderLine, AppError> {
    let found = order.lines.iter().find(|line| line.id == id);
    found.ok_or_else(|| AppError::invalid("not_found", pointer, "the order has no such line"))
}

impl App {
    /// Makes items of the listings of these lines, or of all that wait; each comes out by itself. A line that has its
    /// item already is passed over. Errors: the first line's, where every line failed.
    pub async fn confirm_lines(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
        line_ids: Option<&[String]>,
    ) -> Result<ConfirmedLines, AppError> {
        let order = self.order(organization, id).await?;
        check_not_void(&order)?;
        let wanted: Vec<&OrderLine> = match line_ids {
            None => order.lines.iter().filter(|line| is_open(line)).collect(),
            Some(ids) => {
                let mut lines = Vec::with_capacity(ids.len());
                let mut seen = BTreeSet::new();
                for (n, id) in ids.iter().enumerate() {
                    let line = line_of(&order, id, &format!("/line_ids/{n}"))?;
                    if line.item_id.is_none() && seen.insert(id) {
                        lines.push(line);
                    }
                }
                lines
            }
        };
        let mut lines = Vec::with_capacity(wanted.len());
        for line in wanted {
            let listing_id = order.listing_of(line);
            let result = self.confirm_line(organization, actor, listing_id.as_ref()).await;
            lines.push(LineOutcome { line_id: line.id.clone(), listing_id, result });
        }
        let all_failed = !lines.is_empty() && lines.iter().all(|line| line.result.is_err());
        if all_failed && let Some(LineOutcome { result: Err(error), .. }) = lines.drain(..).next() {
            return Err(error);
        }
        Ok(ConfirmedLines { order: self.order(organization, id).await?, lines })
    }

    async fn confirm_line(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        listing: Option<&ListingId>,
    ) -> Result<Confirmed, AppError> {
        let nothing = "the channel no longer knows what the line sold; link the line to an item";
        let listing = listing.ok_or_else(|| AppError::conflict("line_without_listing", nothing))?;
        match self.confirm_listing(organization, actor, listing, &ItemOverrides::default()).await {
            Err(AppError::NotFound("listing")) => {
                let detail = "the listing was not fetched yet; sync the connection's items, or link the line to an item";
                Err(AppError::conflict("listing_not_fetched", detail))
            }
            other => other,
        }
    }

    /// Gives a line its item: the line's listing is linked to it, so that all its orders thaw and later ones need no
    /// hand. Where the channel knows no listing of the line, the line alone. Errors: 409 `line_resolved` where it has
    /// another item.
    pub async fn link_line(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
        line_id: &str,
        item: &ItemId,
    ) -> Result<Order, AppError> {
        let order = self.order(organization, id).await?;
        let line = order.lines.iter().find(|line| line.id == line_id).ok_or(AppError::NotFound("line"))?;
        if self.store.item(organization, item).await?.is_none() {
            return Err(AppError::invalid("not_found", "/item_id", "there is no such item"));
        }
        match &line.item_id {
            Some(known) if known == item => return Ok(order),
            Some(_) => return Err(AppError::conflict("line_resolved", "the line has another item already")),
            None => check_not_void(&order)?,
        }
        let Some(listing_id) = order.listing_of(line) else {
            return self.give_item(organization, actor, id, line_id, item).await;
        };
        match self.store.listing(organization, &listing_id).await? {
            // Known from orders alone: those that wait for it can be resolved all the same.
            None => {
                self.resolve_listing(organization, &listing_id, item, actor).await?;
            }
            Some(listing) if listing.status == ListingStatus::Dismissed => {
                return self.give_item(organization, actor, id, line_id, item).await;
            }
            Some(_) => {
                self.link_listing(organization, actor, &listing_id, item).await?;
            }
        }
        self.order(organization, id).await
    }

    async fn give_item(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &OrderId,
        line_id: &str,
        item: &ItemId,
    ) -> Result<Order, AppError> {
        let decide = |standing: &crate::order_change::Standing<'_>| {
            let mut after = standing.order.clone();
            for line in after.lines.iter_mut().filter(|line| line.id == line_id && line.item_id.is_none()) {
                line.item_id = Some(item.clone());
            }
            if after == *standing.order {
                return Ok(Decision::Nothing(Vec::new()));
            }
            Ok(Decision::Change(Box::new(Change::of(after))))
        };
        Ok(self.change_order(organization, id, actor, decide).await?.0)
    }
}
