//! The outbox of domain events: written with what they are about, or not at all.
//!
//! Whoever brings them to a bus takes them from the table's stream, as insertions in this partition, or reads them here
//! in the order of time. Kept 14 days.

use domain::event::DomainEvent;
use domain::{OrganizationId, Timestamp};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::page::List;
use crate::read::Query;
use crate::row::{from_row, n, to_row};
use crate::transact::Step;
use crate::{Page, PageRequest, Store, StoreError};

const WHAT: &str = "an event";
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedEvent {
    /// Unique in the organization: who has seen it has seen the event.
    pub id: String,
    pub at: Timestamp,
    pub event: DomainEvent,
}

pub(crate) fn step(
    organization: &OrganizationId,
    id: &str,
    at: Timestamp,
    event: &DomainEvent,
) -> Result<Step, StoreError> {
    let recorded = RecordedEvent { id: id.to_owned(), at, event: event.clone() };
    let mut row = to_row(WHAT, keys::event(organization, at, id), &recorded)?;
    let expires_at = at.checked_add(KEPT).unwrap_or(Timestamp::MAX).as_second();
    row.insert(keys::EXPIRES_AT.to_owned(), n(expires_at));
    Ok(Step::put(row))
}

impl Store {
    /// Oldest first.
    pub async fn events(
        &self,
        organization: &OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<RecordedEvent>, StoreError> {
        let list = List::new("events", organization, &());
        let mut query = Query::of(keys::events(organization));
        query.limit = Some(page.rows() + 1);
        self.page("list events", &list, &query, page, |row| from_row(WHAT, row).map(Some)).await
    }
}
