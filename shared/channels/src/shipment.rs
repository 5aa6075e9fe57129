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
