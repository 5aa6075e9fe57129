//! A shipment as a channel is told of it.

use domain::{Quantity, Sku, Timestamp};

/// A part of an order that is on its way to the buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// The channel's id of the order.
    pub order: String,
    /// Which marketplace the order is of, where the connection has several.
    pub marketplace: Option<String>,
    /// Ours: 1, 2, 3 … of the order. The same at each try.
    pub number: u32,
    pub carrier: String,
    pub tracking_number: Option<String>,
    pub shipped_at: Timestamp,
    pub lines: Vec<ShippedLine>,
    /// Nothing of the order is left to ship after this.
    pub completes: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippedLine {
    /// The channel's own id of the order's line.
    pub line_id: String,
    pub sku: Option<Sku>,
    pub quantity: Quantity,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShipmentOutcome {
    /// The channel has it, now or since an earlier try; its own id of the shipment where it has one.
    Accepted { external_id: Option<String> },
    /// Will not work without a change of the shipment or of the order.
    Rejected { code: &'static str, reason: String },
}

/// What a channel keeps of a part of an order that was shipped before the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartialShipments {
    /// The units of each line.
    Counted,
    /// The buyer is told; the order stays open as a whole until its last part.
    Told,
    /// Nothing: it ships whole orders.
    None,
}

impl PartialShipments {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Told => "told",
            Self::None => "none",
        }
    }
}
