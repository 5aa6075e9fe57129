//! What stock documents have in common: what they may name, and how they are posted and voided.

use std::collections::{BTreeMap, BTreeSet};

use domain::stock::{Actor, Change, Movement, Reason, Source};
use domain::{ItemId, LocationId, MovementId, OrganizationId, Timestamp};
use store::StoreError;
use store::document::{Document, Voiding};
use store::item::Item;
use store::stock::{Guard, Posting};

use crate::change::{CHANGES_MAX, not_hex};
use crate::{App, AppError, FieldError};

/// Lines of a document that moves one level each: two of the 100 places of a transaction.
pub const LINES_MAX: usize = 45;

/// The state forbids it and a line says where, so it is both: answered 409 with pointers.
pub const NOT_ENOUGH_STOCK: &str = "not_enough_stock";

/// The code of a document that was voided before.
const VOID: &str = "document_void";

/// Who posts a document, and when.
#[derive(Clone, Copy)]
pub(crate) struct Poster<'a> {
    pub source: &'a Source,
    pub actor: &'a Actor,
    pub at: Timestamp,
}

impl Poster<'_> {
    /// What is on hand changes by `units`; below zero only where `allow_negative`. `key` is the movement's own in the
    /// organization.
    pub fn posting(
        self,
        key: &str,
        item: &ItemId,
        location: &LocationId,
        units: i64,
        reason: Reason,
        allow_negative: bool,
    ) -> Result<Posting, AppError> {
        let movement = Movement {
            id: MovementId::from_body(key).map_err(not_hex)?,
            item_id: item.clone(),
            location_id: location.clone(),
            change: Change { on_hand: units, committed: 0 },
            reason,
            source: self.source.clone(),
            actor: self.actor.clone(),
            at: self.at,
        };
        let guard = if units < 0 && !allow_negative { Guard::OnHandNotNegative } else { Guard::None };
        Ok(Posting { movement, guard })
    }

    pub fn voiding(self) -> Voiding {
        Voiding { at: self.at, by: self.actor.clone() }
    }
}

/// That it was not voided before.
pub(crate) fn check_not_void(voided: Option<&Voiding>) -> Result<(), AppError> {
    match voided {
        None => Ok(()),
        Some(voiding) => Err(AppError::conflict(VOID, format!("the document was voided at {}", voiding.at))),
    }
}

pub(crate) fn check_line_count(lines: usize, max: usize) -> Result<(), AppError> {
    if (1..=max).contains(&lines) {
        return Ok(());
    }
    Err(AppError::invalid("invalid_field", "/lines", format!("must have 1 to {max} lines")))
}

impl App {
    /// That there is such a location.
    pub(crate) async fn check_location(
        &self,
        organization: &OrganizationId,
        location: &LocationId,
        pointer: &str,
    ) -> Result<(), AppError> {
        match self.store.location(organization, location).await? {
            Some(_) => Ok(()),
            None => Err(AppError::invalid("not_found", pointer, "there is no such location")),
        }
    }

    /// That each line's item is there, once, and has stock of its own; the items.
    pub(crate) async fn check_items(
        &self,
        organization: &OrganizationId,
        items: &[&ItemId],
    ) -> Result<BTreeMap<ItemId, Item>, AppError> {
        let ids: BTreeSet<ItemId> = items.iter().map(|item| (*item).clone()).collect();
        let known = self.store.items_by_ids(organization, &ids).await?;
        let mut seen = BTreeSet::new();
        for (n, item) in items.iter().enumerate() {
            let pointer = format!("/lines/{n}/item_id");
            let Some(found) = known.get(*item) else {
                return Err(AppError::invalid("not_found", pointer, "there is no such item"));
            };
            if !found.components.is_empty() {
                let detail = "is a bundle, which has no stock of its own: name its components";
                return Err(AppError::invalid("bundle_has_no_stock", pointer, detail));
            }
            if !seen.insert(item) {
                return Err(AppError::invalid("invalid_field", pointer, "must not name an item twice"));
            }
        }
        Ok(known)
    }

    /// Posts the document as it is. Where there is not enough stock, the postings that would take too much are named,
    /// each by its pointer. [`StoreError::Exists`] and [`StoreError::Conflict`] as the store has them.
    pub(crate) async fn post<D: Document>(
        &self,
        organization: &OrganizationId,
        document: &D,
        postings: &[Posting],
        pointer: impl Fn(usize) -> String,
    ) -> Result<(), AppError> {
        for _ in 0..CHANGES_MAX {
            match self.store.post_document(organization, document, postings).await {
                Err(StoreError::NotEnoughStock) => {}
                other => return Ok(other?),
            }
            let short = self.short(organization, postings, &pointer).await?;
            if !short.is_empty() {
                return Err(not_enough_stock(short));
            }
            // It came meanwhile.
        }
        Err(StoreError::Conflict("level").into())
    }

    async fn short(
        &self,
        organization: &OrganizationId,
        postings: &[Posting],
        pointer: impl Fn(usize) -> String,
    ) -> Result<Vec<FieldError>, AppError> {
        let mut short = Vec::new();
        for (n, Posting { movement, guard }) in postings.iter().enumerate() {
            if *guard != Guard::OnHandNotNegative {
                continue;
            }
            let level = self.store.level(organization, &movement.item_id, &movement.location_id).await?;
            if level.on_hand + movement.change.on_hand < 0 {
                let detail = format!("only {} on hand", level.on_hand);
                short.push(FieldError::new(pointer(n), detail));
            }
        }
        Ok(short)
    }

    /// The document; 404 under its name where there is none.
    pub(crate) async fn document<D: Document>(
        &self,
        organization: &OrganizationId,
        id: &D::Id,
    ) -> Result<D, AppError> {
        self.store.document(organization, id).await?.ok_or(AppError::NotFound(D::WHAT))
    }
}

pub(crate) fn not_enough_stock(fields: Vec<FieldError>) -> AppError {
    let detail = "there is not enough stock on hand".to_owned();
    AppError::Invalid { code: NOT_ENOUGH_STOCK, detail, fields }
}
