//! The daily sweep of buyers' data: where an organization's stands, and which are due.

use domain::{OrganizationId, Timestamp};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::organization::Organization;
use crate::read::Query;
use crate::row::{Reader, Row, from_row, s, to_row};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

const WHAT: &str = "sweep";
/// How often every buyer of an organization is looked at.
pub const EVERY: SignedDuration = SignedDuration::from_hours(24);

/// The one sweep of an organization, which begins anew each day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// When to begin, or to go on.
    pub due_at: Timestamp,
    /// Behind which buyer; `None` at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Deleted since it began.
    pub deleted: u64,
    pub version: u64,
}

/// The first sweep of an organization.
pub(crate) fn first(organization: &Organization) -> Result<Step, StoreError> {
    let due_at = organization.created_at.checked_add(EVERY).unwrap_or(Timestamp::MAX);
    let sweep = Sweep { due_at, cursor: None, deleted: 0, version: 1 };
    Ok(Step::put(row(&organization.id, &sweep)?).only_if_new(Refused::Exists(WHAT)))
}

fn row(organization: &OrganizationId, sweep: &Sweep) -> Result<Row, StoreError> {
    let mut row = to_row(WHAT, keys::sweep(organization), sweep)?;
    row.insert(keys::IPK.to_owned(), s(keys::SWEEPS_DUE));
    row.insert(keys::ISK.to_owned(), s(keys::sweep_due_sort(sweep.due_at, organization)));
    Ok(row)
}

impl Store {
    /// Consistent.
    pub async fn sweep(&self, organization: &OrganizationId) -> Result<Option<Sweep>, StoreError> {
        let row = self.get("read a sweep", &keys::sweep(organization)).await?;
        row.map(|row| from_row(WHAT, row)).transpose()
    }

    /// Stores `after` if the row still has the version before it, else [`StoreError::Conflict`].
    pub async fn save_sweep(&self, organization: &OrganizationId, after: &Sweep) -> Result<(), StoreError> {
        let step = Step::put(row(organization, after)?).only_after(after.version, WHAT);
        self.transact("store a step of a sweep", vec![step]).await
    }

    /// Those to begin or go on with by `now`, over all organizations, at most `limit`: one query of a sparse index, which
    /// may lag behind.
    pub async fn due_sweeps(&self, now: Timestamp, limit: usize) -> Result<Vec<OrganizationId>, StoreError> {
        let query = Query::index(keys::SWEEPS_DUE).between("0", keys::due_until(now));
        let query = Query { limit: Some(limit.max(1)), ..query };
        let (rows, _) = self.query("list sweeps that are due", &query, None).await?;
        let read = |row: &Row| {
            let sort = Reader::new(WHAT, row).text(keys::ISK)?;
            keys::parse_sweep_due(sort)
                .ok_or_else(|| StoreError::Unreadable(WHAT, format!("due key {sort:?}").into()))
        };
        rows.iter().map(read).collect()
    }
}
