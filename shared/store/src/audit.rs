//! The audit: who did, or saw, what, when and why. Records are written once, never changed, and deleted after two years.

use domain::audit::AuditAction;
use domain::{AuditId, OrganizationId, Timestamp};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::page::List;
use crate::read::Query;
use crate::row::{from_row, n, to_row};
use crate::transact::{Refused, Step};
use crate::{Page, PageRequest, Store, StoreError, keys};

const WHAT: &str = "audit record";
/// How long a record is kept.
pub const KEPT: SignedDuration = SignedDuration::from_hours(2 * 365 * 24);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    pub id: AuditId,
    /// Who: the id of the key.
    pub actor: String,
    pub action: AuditAction,
    /// To what: an id, which names no person but by a keyed hash.
    pub object: String,
    /// Why, in the words of who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub at: Timestamp,
}

impl Store {
    pub async fn put_audit(
        &self,
        organization: &OrganizationId,
        record: &AuditRecord,
    ) -> Result<(), StoreError> {
        let mut row = to_row(WHAT, keys::audit(organization, &record.id), record)?;
        let expires_at = record.at.checked_add(KEPT).unwrap_or(Timestamp::MAX).as_second();
        row.insert(keys::EXPIRES_AT.to_owned(), n(expires_at));
        self.transact("store an audit record", vec![Step::put(row).only_if_new(Refused::Exists(WHAT))]).await
    }

    /// Newest first.
    pub async fn audits(
        &self,
        organization: &OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError> {
        let list = List::new("audit", organization, &());
        let mut query = Query::of(keys::audits(organization)).newest_first().consistent();
        query.limit = Some(page.rows() + 1);
        self.page("list audit records", &list, &query, page, |row| from_row(WHAT, row).map(Some)).await
    }
}
