//! A sync's records: written with its steps, read in pages across the rows that they fill.

use domain::sync::Outcome;
use domain::{OrganizationId, SyncId, Timestamp};

use super::{FAILED_KEPT, KEPT, Sync, SyncRecord, chunk, expiry};
use crate::keys::{EXPIRES_AT, ISK, SK};
use crate::page::List;
use crate::read::{QUERIES_MAX, Query};
use crate::row::{Reader, Row, b, n, s};
use crate::transact::Step;
use crate::{Page, PageRequest, Store, StoreError, keys};

const WHAT: &str = "records of a sync";
const BODY: &str = "body";
/// Rows per request: a row holds a page of the channel or more, a list's page seldom needs a second one.
const ROWS: usize = 4;
/// Above every sort key that begins with the text before it.
const END: char = '~';

/// One row per outcome that the step's records have, more where they do not fit.
pub(super) fn steps(
    organization: &OrganizationId,
    sync: &Sync,
    records: &[SyncRecord],
    at: Timestamp,
) -> Result<Vec<Step>, StoreError> {
    let mut steps = Vec::new();
    for (outcome, kept) in [(Outcome::Failed, FAILED_KEPT), (Outcome::Skipped, KEPT), (Outcome::Synced, KEPT)]
    {
        let of_outcome: Vec<&SyncRecord> =
            records.iter().filter(|record| record.outcome == outcome).collect();
        for (part, body) in chunk::pack(&of_outcome)?.into_iter().enumerate() {
            let mut row = keys::sync_chunk(organization, &sync.id, outcome, sync.step, part).into_row();
            row.insert(BODY.to_owned(), b(body));
            row.insert(EXPIRES_AT.to_owned(), n(expiry(at, kept)));
            steps.push(Step::put(row));
        }
    }
    Ok(steps)
}

/// The next record to give out: a row, and how many of its records were given out before. A row that has expired since
/// is passed over; one that was added behind is met.
struct Position {
    row: String,
    given: usize,
}

impl Position {
    fn of(list: &List, page: &PageRequest) -> Result<Option<Self>, StoreError> {
        let Some(start) = list.start(page)? else { return Ok(None) };
        let reader = Reader::new("a cursor", &start);
        let row = reader.text(SK).map_err(|_| StoreError::BadCursor)?.to_owned();
        let given = reader.parsed(ISK).map_err(|_| StoreError::BadCursor)?;
        Ok(Some(Self { row, given }))
    }

    /// The count takes the place of the index's key, which this list has no use for.
    fn cursor(self, list: &List, pk: &str) -> Result<String, StoreError> {
        let mut row: Row = keys::Key::new(pk, self.row).into_row();
        row.insert(ISK.to_owned(), s(self.given.to_string()));
        list.cursor(&row)
    }
}

impl Store {
    /// Failed ones first, then skipped, then synced; within each in the order of the sync's steps. Expired ones left
    /// out.
    pub async fn sync_records(
        &self,
        organization: &OrganizationId,
        sync: &SyncId,
        outcome: Option<Outcome>,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<SyncRecord>, StoreError> {
        let list = List::new("sync records", organization, &(sync, outcome));
        let position = Position::of(&list, page)?;
        let pk = keys::sync_records(organization, sync);
        let prefix = outcome.map(|outcome| format!("{}#", outcome.as_str())).unwrap_or_default();
        let from = match &position {
            Some(position) => position.row.clone(),
            // "!" is below every sort key, and a key may not be empty.
            None => format!("{prefix}!"),
        };
        let query = Query { limit: Some(ROWS), ..Query::of(&pk).between(from, format!("{prefix}{END}")) };
        let mut data = Vec::new();
        let mut start = None;
        let mut last = None;
        for _ in 0..QUERIES_MAX {
            let (rows, next) = self.query("list records of a sync", &query, start).await?;
            for row in rows {
                let reader = Reader::new(WHAT, &row);
                let name = reader.text(SK)?;
                last = Some(name.to_owned());
                if reader.has_expired(now)? {
                    continue;
                }
                let given = position.as_ref().filter(|at| at.row == name).map_or(0, |at| at.given);
                let records = chunk::unpack(reader.bytes(BODY)?)?;
                for (index, record) in records.into_iter().enumerate().skip(given) {
                    if data.len() == page.rows() {
                        let next = Position { row: name.to_owned(), given: index };
                        return Ok(Page { data, next_cursor: Some(next.cursor(&list, &pk)?) });
                    }
                    data.push(record);
                }
            }
            start = next;
            if start.is_none() {
                return Ok(Page { data, next_cursor: None });
            }
        }
        // The bound of one page was met: the next one goes on behind the last row looked at.
        let next = last.map(|row| Position { row, given: usize::MAX }.cursor(&list, &pk)).transpose()?;
        Ok(Page { data, next_cursor: next })
    }
}
