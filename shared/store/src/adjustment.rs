//! Adjustments: documents that change stock by a person's word.

use domain::{AdjustmentId, ItemId, LocationId, OrganizationId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::stock::Posting;
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
        todo!()
    }

    pub async fn adjustment(
        &self,
        organization: &OrganizationId,
        id: &AdjustmentId,
    ) -> Result<Option<Adjustment>, StoreError> {
        todo!()
    }

    /// Newest first.
    pub async fn adjustments(
        &self,
        organization: &OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<Adjustment>, StoreError> {
        todo!()
    }
}
