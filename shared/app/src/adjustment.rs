//! Adjustments: stock changed by a person's word, all lines or none.

use std::collections::BTreeSet;

use domain::stock::{Actor, Change, Level, Movement, Reason, Source, SourceKind};
use domain::{AdjustmentId, ItemId, LocationId, MovementId, OrganizationId, Quantity, Timestamp};
use store::StoreError;
use store::adjustment::{Adjustment, AdjustmentLine};
use store::stock::{Guard, Posting};

use crate::change::{CHANGES_MAX, not_hex};
use crate::{App, AppError, FieldError};

/// Lines of an adjustment: each takes two of the 100 places of a transaction.
pub const LINES_MAX: usize = 45;

#[derive(Debug, Clone, Copy)]
pub enum Amount {
    /// More or less by this.
    Delta(i64),
    /// This and no other.
    SetTo(Quantity),
}

#[derive(Debug, Clone)]
pub struct NewLine {
    pub item_id: ItemId,
    pub amount: Amount,
}

#[derive(Debug, Clone)]
pub struct NewAdjustment {
    pub location_id: LocationId,
    pub lines: Vec<NewLine>,
    pub reason: Option<String>,
    pub reference: Option<String>,
    /// What is on hand may fall below zero.
    pub allow_negative: bool,
    /// The body of the document's id, where a request that is tried again must not post another.
    pub id: Option<String>,
}

impl App {
    pub async fn adjustment(
        &self,
        organization: &OrganizationId,
        id: &AdjustmentId,
    ) -> Result<Adjustment, AppError> {
        self.store.adjustment(organization, id).await?.ok_or(AppError::NotFound("adjustment"))
    }

    /// Errors: 409 `not_enough_stock` where a line would take more than is on hand.
    pub async fn adjust_stock(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        new: &NewAdjustment,
    ) -> Result<Adjustment, AppError> {
        let now = self.clock.now();
        let body = new.id.clone().unwrap_or_else(|| self.ids.next(now));
        let id = AdjustmentId::from_body(&body).map_err(not_hex)?;
        if new.id.is_some()
            && let Some(posted) = self.store.adjustment(organization, &id).await?
        {
            return Ok(posted);
        }
        self.check_lines(organization, new).await?;
        for _ in 0..CHANGES_MAX {
            let levels = self.levels(organization, new).await?;
            check_enough(new, &levels)?;
            let (adjustment, postings) = plan(&id, new, &levels, actor, now)?;
            match self.store.post_adjustment(organization, &adjustment, &postings).await {
                // A level moved between reading and writing: decide again from what it is now.
                Err(StoreError::Conflict(_) | StoreError::NotEnoughStock) => {}
                // It is ours: an answer got lost, or an attempt at the same request died after its work.
                Err(StoreError::Exists(_)) => return self.adjustment(organization, &id).await,
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(adjustment),
            }
        }
        Err(StoreError::Conflict("level").into())
    }

    async fn check_lines(&self, organization: &OrganizationId, new: &NewAdjustment) -> Result<(), AppError> {
        if new.lines.is_empty() || new.lines.len() > LINES_MAX {
            let detail = format!("must have 1 to {LINES_MAX} lines");
            return Err(AppError::invalid("invalid_field", "/lines", detail));
        }
        if self.store.location(organization, &new.location_id).await?.is_none() {
            return Err(AppError::invalid("not_found", "/location_id", "there is no such location"));
        }
        let ids: BTreeSet<ItemId> = new.lines.iter().map(|line| line.item_id.clone()).collect();
        let known = self.store.items_by_ids(organization, &ids).await?;
        let mut seen = BTreeSet::new();
        for (n, line) in new.lines.iter().enumerate() {
            let pointer = format!("/lines/{n}/item_id");
            if !known.contains_key(&line.item_id) {
                return Err(AppError::invalid("not_found", pointer, "there is no such item"));
            }
            if !seen.insert(&line.item_id) {
                return Err(AppError::invalid("invalid_field", pointer, "must not name an item twice"));
            }
        }
        Ok(())
    }

    /// Of each line, in their order.
    async fn levels(
        &self,
        organization: &OrganizationId,
        new: &NewAdjustment,
    ) -> Result<Vec<Level>, AppError> {
        let reads =
            new.lines.iter().map(|line| self.store.level(organization, &line.item_id, &new.location_id));
        Ok(futures_util::future::try_join_all(reads).await?)
    }
}

/// Names the lines that would take more than there is.
fn check_enough(new: &NewAdjustment, levels: &[Level]) -> Result<(), AppError> {
    let mut fields = Vec::new();
    for (n, (line, level)) in new.lines.iter().zip(levels).enumerate() {
        if let Amount::Delta(delta) = line.amount {
            let after = level.on_hand.saturating_add(delta);
            if delta < 0 && after < 0 && !new.allow_negative {
                let detail = format!("only {} on hand", level.on_hand);
                fields.push(FieldError::new(format!("/lines/{n}/delta"), detail));
            } else if after.unsigned_abs() > u64::from(Quantity::MAX.get()) {
                let detail = format!("would make more than {} on hand", Quantity::MAX);
                return Err(AppError::invalid("invalid_field", format!("/lines/{n}/delta"), detail));
            }
        }
    }
    if fields.is_empty() {
        return Ok(());
    }
    let detail = "there is not enough stock on hand".to_owned();
    Err(AppError::Invalid { code: NOT_ENOUGH_STOCK, detail, fields })
}

/// The state forbids it and a line says where, so it is both: answered 409 with pointers.
pub const NOT_ENOUGH_STOCK: &str = "not_enough_stock";

fn plan(
    id: &AdjustmentId,
    new: &NewAdjustment,
    levels: &[Level],
    actor: &Actor,
    at: Timestamp,
) -> Result<(Adjustment, Vec<Posting>), AppError> {
    let mut lines = Vec::with_capacity(new.lines.len());
    let mut postings = Vec::with_capacity(new.lines.len());
    for (n, (line, level)) in new.lines.iter().zip(levels).enumerate() {
        let (delta, set_to, guard) = match line.amount {
            Amount::Delta(delta) if delta < 0 && !new.allow_negative => {
                (delta, None, Guard::OnHandNotNegative)
            }
            Amount::Delta(delta) => (delta, None, Guard::None),
            Amount::SetTo(quantity) => {
                (quantity.units() - level.on_hand, Some(quantity.units()), Guard::Version(level.version))
            }
        };
        lines.push(AdjustmentLine { item_id: line.item_id.clone(), delta, set_to });
        if delta == 0 {
            continue;
        }
        let movement = Movement {
            id: MovementId::from_body(&format!("{}-{n}", id.body())).map_err(not_hex)?,
            item_id: line.item_id.clone(),
            location_id: new.location_id.clone(),
            change: Change { on_hand: delta, committed: 0 },
            reason: Reason::Adjustment,
            source: Source { kind: SourceKind::Adjustment, id: id.to_string() },
            actor: actor.clone(),
            at,
        };
        postings.push(Posting { movement, guard });
    }
    let adjustment = Adjustment {
        id: id.clone(),
        location_id: new.location_id.clone(),
        lines,
        reason: new.reason.clone(),
        reference: new.reference.clone(),
        created_by: actor.clone().into(),
        created_at: at,
    };
    Ok((adjustment, postings))
}
