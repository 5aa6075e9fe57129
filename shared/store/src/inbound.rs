//! Inbound shipments: goods from a warehouse to Amazon, in transit until Amazon received them.

use domain::inbound::{InboundRef, InboundWord};
use domain::transfer::{ReceivedBy, TransferLine, TransferState};
use domain::{ConnectionId, InboundShipmentId, LocationId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::document::Document;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundShipment {
    pub id: InboundShipmentId,
    pub connection_id: ConnectionId,
    pub from_location_id: LocationId,
    /// The connection's FBA location when it was sent; it arrives there, wherever later ones do.
    pub to_location_id: LocationId,
    pub state: TransferState,
    /// 1 to 24.
    pub lines: Vec<TransferLine>,
    pub reference: Option<String>,
    /// Amazon's own shipment, where a person said which it is.
    #[serde(default)]
    pub amazon: Option<AtAmazon>,
    pub created_by: String,
    pub created_at: Timestamp,
    /// When Amazon received the last of it.
    pub received_at: Option<Timestamp>,
    #[serde(default)]
    pub received_by: ReceivedBy,
    pub version: u64,
}

/// Which of Amazon's shipments it is, and what Amazon said of it when it was last asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtAmazon {
    pub reference: InboundRef,
    pub word: Option<InboundWord>,
}

impl AtAmazon {
    /// Amazon was not asked yet.
    pub fn unasked(reference: InboundRef) -> Self {
        Self { reference, word: None }
    }
}

impl Document for InboundShipment {
    type Id = InboundShipmentId;
    const WHAT: &'static str = "inbound shipment";
    const PARTITION: &'static str = "INB";

    fn id(&self) -> &InboundShipmentId {
        &self.id
    }

    fn version(&self) -> u64 {
        self.version
    }
}
