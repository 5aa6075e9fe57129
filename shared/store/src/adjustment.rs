//! Adjustments: documents that change stock by a person's word.

use domain::{AdjustmentId, ItemId, LocationId, OrganizationId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::page::List;
use crate::read::Query;
use crate::row::{from_row, to_row};
use crate::stock::{Posting, posting_steps};
use crate::transact::{Refused, Step};
use crate::{Page, PageRequest, Store, StoreError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    pub id: AdjustmentId,
    pub location_id: LocationId,
    /// 1 to 45.
    pub lines: Vec<AdjustmentLine>,
    pub reason: Option<String>,
    pub reference: Option<String>,
    pub created_by: String,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustmentLine {
    pub item_id: ItemId,
    /// What it changed, also where a quantity was set.
    pub delta: i64,
    /// The quantity that was asked for.
    pub set_to: Option<i64>,
}

impl Store {
    /// The document, the levels and the movements in one transaction; [`StoreError::Exists`] for an id that is there.
    pub async fn post_adjustment(
        &self,
        organization: &OrganizationId,
        adjustment: &Adjustment,
        postings: &[Posting],
    ) -> Result<(), StoreError> {
        let row = to_row("an adjustment", keys::adjustment(organization, &adjustment.id), adjustment)?;
        let mut steps = vec![Step::put(row).only_if_new(Refused::Exists("adjustment"))];
        let postings = postings.iter().map(|posting| (&posting.movement, &posting.guard));
        steps.extend(posting_steps(organization, postings)?);
        self.transact("post an adjustment", steps).await
    }

    pub async fn adjustment(
        &self,
        organization: &OrganizationId,
        id: &AdjustmentId,
    ) -> Result<Option<Adjustment>, StoreError> {
        let row = self.get("read an adjustment", &keys::adjustment(organization, id)).await?;
        row.map(|row| from_row("an adjustment", row)).transpose()
    }

    /// Newest first.
    pub async fn adjustments(
        &self,
        organization: &OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<Adjustment>, StoreError> {
        let list = List::new("adjustments", organization, &());
        let mut query = Query::of(keys::adjustments(organization)).newest_first();
        query.limit = Some(page.rows() + 1);
        self.page("list adjustments", &list, &query, page, |row| from_row("an adjustment", row).map(Some))
            .await
    }
}
