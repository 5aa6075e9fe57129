//! Adjustments: stock changed by a person's word, all lines or none.

use domain::stock::{Actor, Level, Reason, Source, SourceKind};
use domain::{AdjustmentId, ItemId, LocationId, OrganizationId, Quantity};
use store::StoreError;
use store::adjustment::{Adjustment, AdjustmentLine};
use store::stock::{Guard, Posting};

use crate::change::{CHANGES_MAX, not_hex};
use crate::document::{Poster, check_line_count, check_not_void, not_enough_stock};
use crate::{App, AppError, FieldError};

pub use crate::document::LINES_MAX;

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
        self.document(organization, id).await
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
            && let Some(posted) = self.store.document(organization, &id).await?
        {
            return Ok(posted);
        }
        check_line_count(new.lines.len(), LINES_MAX)?;
        self.check_location(organization, &new.location_id, "/location_id").await?;
        let items: Vec<&ItemId> = new.lines.iter().map(|line| &line.item_id).collect();
        self.check_items(organization, &items).await?;
        let source = source(&id);
        for _ in 0..CHANGES_MAX {
            let levels = self.levels(organization, new).await?;
            check_enough(new, &levels)?;
            let poster = Poster { source: &source, actor, at: now };
            let (adjustment, postings) = plan(&id, new, &levels, poster)?;
            match self.store.post_document(organization, &adjustment, &postings).await {
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

    /// Posts the reverse of what the adjustment did; it stays, as void. Errors: 409 `document_void`,
    /// `not_enough_stock`.
    pub async fn void_adjustment(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &AdjustmentId,
    ) -> Result<Adjustment, AppError> {
        let mut after = self.adjustment(organization, id).await?;
        check_not_void(after.voided.as_ref())?;
        let source = source(id);
        let poster = Poster { source: &source, actor, at: self.clock.now() };
        let mut postings = Vec::with_capacity(after.lines.len());
        let mut pointers = Vec::with_capacity(after.lines.len());
        for (n, line) in after.lines.iter().enumerate().filter(|(_, line)| line.delta != 0) {
            let (key, negative) = (format!("{}-{n}-v", id.body()), after.allow_negative);
            let (item, location) = (&line.item_id, &after.location_id);
            postings.push(poster.posting(&key, item, location, -line.delta, Reason::Voided, negative)?);
            pointers.push(format!("/lines/{n}"));
        }
        after.voided = Some(poster.voiding());
        after.version += 1;
        self.post(organization, &after, &postings, |n| pointers.get(n).cloned().unwrap_or_default()).await?;
        Ok(after)
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

fn source(id: &AdjustmentId) -> Source {
    Source { kind: SourceKind::Adjustment, id: id.to_string() }
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
    if fields.is_empty() { Ok(()) } else { Err(not_enough_stock(fields)) }
}

fn plan(
    id: &AdjustmentId,
    new: &NewAdjustment,
    levels: &[Level],
    poster: Poster<'_>,
) -> Result<(Adjustment, Vec<Posting>), AppError> {
    let mut lines = Vec::with_capacity(new.lines.len());
    let mut postings = Vec::with_capacity(new.lines.len());
    for (n, (line, level)) in new.lines.iter().zip(levels).enumerate() {
        let (delta, set_to) = match line.amount {
            Amount::Delta(delta) => (delta, None),
            Amount::SetTo(quantity) => (quantity.units() - level.on_hand, Some(quantity.units())),
        };
        lines.push(AdjustmentLine { item_id: line.item_id.clone(), delta, set_to });
        if delta == 0 {
            continue;
        }
        let (key, location) = (format!("{}-{n}", id.body()), &new.location_id);
        let (reason, negative) = (Reason::Adjustment, new.allow_negative);
        let mut posting = poster.posting(&key, &line.item_id, location, delta, reason, negative)?;
        if set_to.is_some() {
            posting.guard = Guard::Version(level.version);
        }
        postings.push(posting);
    }
    let adjustment = Adjustment {
        id: id.clone(),
        location_id: new.location_id.clone(),
        lines,
        reason: new.reason.clone(),
        reference: new.reference.clone(),
        allow_negative: new.allow_negative,
        created_by: poster.actor.clone().into(),
        created_at: poster.at,
        voided: None,
        version: 1,
    };
    Ok((adjustment, postings))
}
