//! Transfers: goods from one location to another, in transit in between.

use domain::transfer::{ReceivedBy, TransferLine, TransferState};
use domain::{LocationId, Timestamp, TransferId};
use serde::{Deserialize, Serialize};

use crate::document::{Document, Voiding};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    pub id: TransferId,
    pub from_location_id: LocationId,
    pub to_location_id: LocationId,
    pub state: TransferState,
    /// 1 to 24.
    pub lines: Vec<TransferLine>,
    pub reason: Option<String>,
    pub reference: Option<String>,
    pub created_by: String,
    pub created_at: Timestamp,
    /// When the last of it arrived.
    #[serde(default)]
    pub received_at: Option<Timestamp>,
    #[serde(default)]
    pub voided: Option<Voiding>,
    #[serde(default)]
    pub received_by: ReceivedBy,
    pub version: u64,
}

impl Document for Transfer {
    type Id = TransferId;
    const WHAT: &'static str = "transfer";
    const PARTITION: &'static str = "TRF";

    fn id(&self) -> &TransferId {
        &self.id
    }

    fn version(&self) -> u64 {
        self.version
    }
}
