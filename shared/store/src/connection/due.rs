//! Which connections are to be synced, over all organizations: a sparse index by time.

use domain::{ConnectionId, OrganizationId, Timestamp};

use super::WHAT;
use crate::read::Query;
use crate::row::{Reader, b, s};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

const CLAIM: &str = "claim";

impl Store {
    /// Connections whose next sync is at or before `now`, oldest first, over all organizations: one query of a sparse
    /// index, at most `limit`. The index may lag behind: [`Store::claim_due`] has the last word.
    pub async fn due_connections(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(OrganizationId, ConnectionId, Timestamp)>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let query = Query::index(keys::DUE).between("0", keys::due_until(now));
        let query = Query { limit: Some(limit.max(1)), ..query };
        let mut due = Vec::new();
        let mut start = None;
        while due.len() < limit {
            let (rows, next) = self.query("list what is due", &query, start).await?;
            for row in rows.iter().take(limit - due.len()) {
                let sort = Reader::new(WHAT, row).text(keys::ISK)?;
                let (at, organization, id) = keys::parse_due(sort)
                    .ok_or_else(|| StoreError::Unreadable(WHAT, format!("due key {sort:?}").into()))?;
                due.push((organization, id, at));
            }
            start = next;
            if start.is_none() {
                break;
            }
        }
        Ok(due)
    }

    /// Moves the next sync from `due` to `next`; false if another did, or if the connection is not active any more.
    pub async fn claim_due(
        &self,
        organization: &OrganizationId,
        id: &ConnectionId,
        due: Timestamp,
        next: Timestamp,
    ) -> Result<bool, StoreError> {
        let operation = "claim a due sync";
        // Every claimer computes the same `next`; the nonce says whose claim it was when an answer was lost.
        let mut nonce = [0; 16];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|error| StoreError::Unreadable(WHAT, error.into()))?;
        let key = keys::connection(organization, id);
        let step = Step::update(key.clone(), "SET next_sync_at = :next, isk = :isk_next, #claim = :claim")
            .only_if("isk = :isk_due", Refused::Conflict(WHAT))
            .name("#claim", CLAIM)
            .value(":next", s(next.to_string()))
            .value(":isk_next", s(keys::due_sort(next, organization, id)))
            .value(":isk_due", s(keys::due_sort(due, organization, id)))
            .value(":claim", b(nonce));
        if self.write_if(operation, step).await? {
            return Ok(true);
        }
        let Some(row) = self.get(operation, &key).await? else { return Ok(false) };
        let reader = Reader::new(WHAT, &row);
        Ok(reader.has(CLAIM) && reader.bytes(CLAIM)? == nonce)
    }
}
