//! Adjustments: documents that change stock by a person's word.

use domain::{AdjustmentId, ItemId, LocationId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::document::{Document, Voiding};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    pub id: AdjustmentId,
    pub location_id: LocationId,
    /// 1 to 45.
    pub lines: Vec<AdjustmentLine>,
    pub reason: Option<String>,
    pub reference: Option<String>,
    /// What is on hand may fall below zero, also when it is voided.
    #[serde(default)]
    pub allow_negative: bool,
    pub created_by: String,
    pub created_at: Timestamp,
    #[serde(default)]
    pub voided: Option<Voiding>,
    pub version: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustmentLine {
    pub item_id: ItemId,
    /// What it changed, also where a quantity was set.
    pub delta: i64,
    /// The quantity that was asked for.
    pub set_to: Option<i64>,
}

impl Document for Adjustment {
    type Id = AdjustmentId;
    const WHAT: &'static str = "adjustment";
    const PARTITION: &'static str = "ADJ";

    fn id(&self) -> &AdjustmentId {
        &self.id
    }

    fn version(&self) -> u64 {
        self.version
    }
}
