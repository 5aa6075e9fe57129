//! Purchase receives: goods that came from a supplier.

use domain::{ItemId, LocationId, PurchaseReceiveId, Quantity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::document::{Document, Voiding};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseReceive {
    pub id: PurchaseReceiveId,
    pub location_id: LocationId,
    /// 1 to 45.
    pub lines: Vec<ReceivedLine>,
    pub reason: Option<String>,
    pub reference: Option<String>,
    pub created_by: String,
    pub created_at: Timestamp,
    #[serde(default)]
    pub voided: Option<Voiding>,
    pub version: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedLine {
    pub item_id: ItemId,
    pub quantity: Quantity,
}

impl Document for PurchaseReceive {
    type Id = PurchaseReceiveId;
    const WHAT: &'static str = "purchase receive";
    const PARTITION: &'static str = "RCV";

    fn id(&self) -> &PurchaseReceiveId {
        &self.id
    }

    fn version(&self) -> u64 {
        self.version
    }
}
