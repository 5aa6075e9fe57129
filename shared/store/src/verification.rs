//! Checks of the ledger: an organization's movements replayed and compared with its levels, a page of items a step.
//!
//! Whoever goes on with one that is not finished finds it in the index of what is due.

use domain::stock::Difference;
use domain::{ItemId, OrganizationId, SyncId, Timestamp};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::organization::Organization;
use crate::read::Query;
use crate::row::{Reader, Row, from_row, n, s, to_row};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

const WHAT: &str = "verification";
/// How long a finished one is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(62 * 24);

/// Differences that one keeps by name; more are counted. Each takes some 300 bytes of the row's 400 KB.
pub const DIFFERENCES_MAX: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Of the same form as a sync's, so that one way leads to both.
    pub id: SyncId,
    /// Whether the schedule began it, and begins the next.
    pub scheduled: bool,
    pub queued_at: Timestamp,
    /// Not before this.
    pub due_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Items replayed.
    pub items: u64,
    /// Levels that are not what the ledger says.
    pub different: u64,
    #[serde(default)]
    pub differences: Vec<ItemDifference>,
    /// Where the next step goes on.
    pub cursor: Option<String>,
    /// Grows by one with each step.
    pub version: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemDifference {
    pub item_id: ItemId,
    #[serde(flatten)]
    pub difference: Difference,
}

/// How long after one scheduled check the next begins.
pub const EVERY: SignedDuration = SignedDuration::from_hours(24);

impl Verification {
    /// One that begins at `due_at`.
    pub fn new(id: SyncId, scheduled: bool, queued_at: Timestamp, due_at: Timestamp) -> Self {
        Self {
            id,
            scheduled,
            queued_at,
            due_at,
            started_at: None,
            finished_at: None,
            items: 0,
            different: 0,
            differences: Vec::new(),
            cursor: None,
            version: 1,
        }
    }
}

/// The first scheduled check of an organization.
pub(crate) fn first(organization: &Organization) -> Result<Step, StoreError> {
    let unreadable = |error| StoreError::Unreadable(WHAT, Box::new(error));
    let id = SyncId::from_body(organization.id.body()).map_err(unreadable)?;
    let created_at = organization.created_at;
    let due_at = created_at.checked_add(EVERY).unwrap_or(created_at);
    step(&organization.id, &Verification::new(id, true, created_at, due_at))
}

fn step(organization: &OrganizationId, after: &Verification) -> Result<Step, StoreError> {
    let mut row: Row = to_row(WHAT, keys::verification(organization, &after.id), after)?;
    match after.finished_at {
        Some(at) => {
            let expires_at = at.checked_add(KEPT).unwrap_or(Timestamp::MAX).as_second();
            row.insert(keys::EXPIRES_AT.to_owned(), n(expires_at));
        }
        None => {
            row.insert(keys::IPK.to_owned(), s(keys::CHECKS_DUE));
            row.insert(keys::ISK.to_owned(), s(keys::check_due_sort(after.due_at, organization, &after.id)));
        }
    }
    let put = Step::put(row);
    Ok(match after.version {
        1 => put.only_if_new(Refused::Exists(WHAT)),
        version => put.only_after(version, WHAT),
    })
}

impl Store {
    /// A new one (version 1; [`StoreError::Exists`] where it is there), or a step of one that stands at the version
    /// before; `next`, the one that follows it, together with it.
    pub async fn save_verification(
        &self,
        organization: &OrganizationId,
        after: &Verification,
        next: Option<&Verification>,
    ) -> Result<(), StoreError> {
        let mut steps = vec![step(organization, after)?];
        steps.extend(next.map(|next| step(organization, next)).transpose()?);
        self.transact("store a step of a verification", steps).await
    }

    /// Consistent.
    pub async fn verification(
        &self,
        organization: &OrganizationId,
        id: &SyncId,
    ) -> Result<Option<Verification>, StoreError> {
        let row = self.get("read a verification", &keys::verification(organization, id)).await?;
        row.map(|row| from_row(WHAT, row)).transpose()
    }

    /// Those to go on with by `now`, over all organizations, at most `limit`: one query of a sparse index, which may lag
    /// behind.
    pub async fn due_verifications(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OrganizationId, SyncId)>, StoreError> {
        let query = Query::index(keys::CHECKS_DUE).between("0", keys::due_until(now));
        let query = Query { limit: Some(limit.max(1)), ..query };
        let (rows, _) = self.query("list verifications that are due", &query, None).await?;
        let read = |row: &Row| {
            let sort = Reader::new(WHAT, row).text(keys::ISK)?;
            keys::parse_check_due(sort)
                .ok_or_else(|| StoreError::Unreadable(WHAT, format!("due key {sort:?}").into()))
        };
        rows.iter().map(read).collect()
    }
}
