//! Channels that store and ship the merchant's goods, for sales made anywhere: [`crate::Channel::fulfiller`].

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::inbound::InboundRef;
use domain::order::{Address, Tracking};
use domain::outbound::{OutboundState, ShippingSpeed};
use domain::{Quantity, Timestamp};

use crate::{ChannelError, Shop};

/// What a channel holds of a SKU, in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeldStock {
    /// Can be sold and sent now.
    pub sellable: i64,
    /// There and promised, or being moved or measured.
    pub reserved: i64,
    pub unsellable: i64,
    /// Told of, not sent.
    pub inbound_working: i64,
    /// On their way.
    pub inbound_shipped: i64,
    /// Of shipments of which the channel has received a part.
    pub inbound_receiving: i64,
    pub updated_at: Option<Timestamp>,
}

/// Goods to be sent to a buyer.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// Ours, at most 40 characters. Asked again by it, the channel has one.
    pub id: String,
    /// What the buyer knows the order by.
    pub number: String,
    pub placed_at: Timestamp,
    pub speed: ShippingSpeed,
    pub to: Address,
    pub phone: Option<String>,
    pub lines: Vec<DispatchLine>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatchLine {
    /// 1, 2, 3 … in the dispatch.
    pub number: u32,
    pub sku: String,
    pub quantity: Quantity,
}

/// What became of asking for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DispatchOutcome {
    Accepted,
    /// Will not work without a change of what was asked for. The channel's own code may be in the reason.
    Rejected {
        code: &'static str,
        reason: String,
    },
}

/// A dispatch as the channel has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatched {
    pub state: OutboundState,
    /// Units of a line, by its number, that will not be sent.
    pub dropped: BTreeMap<u32, Quantity>,
    /// That have left.
    pub shipments: Vec<DispatchedShipment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatchedShipment {
    /// The channel's own.
    pub id: String,
    pub shipped_at: Option<Timestamp>,
    /// By the number of the line.
    pub lines: BTreeMap<u32, Quantity>,
    pub packages: Vec<Tracking>,
}

/// What became of taking one back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The channel stops, as far as it still can: [`Fulfiller::dispatched`] tells what became of it.
    Accepted,
    TooLate,
    /// The channel knows of no such dispatch.
    Unknown,
}

/// A shipment of the merchant's to the channel, as the channel expects it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedInbound {
    /// In the channel's own words.
    pub status: Option<String>,
    /// What people know it by.
    pub confirmation_id: Option<String>,
    /// Units by the merchant's SKU: what should come, not what came.
    pub units: BTreeMap<String, Quantity>,
}

/// A channel that stores and ships.
#[async_trait]
pub trait Fulfiller: Send + Sync {
    /// What the channel holds of each SKU, fetched now; a SKU that it never held is left out.
    async fn held(
        &self,
        shop: &Shop<'_>,
        skus: &[String],
    ) -> Result<BTreeMap<String, HeldStock>, ChannelError>;

    /// Asks for goods to be sent. Not to be repeated before [`Fulfiller::dispatched`] said that it is not there.
    async fn dispatch(&self, shop: &Shop<'_>, dispatch: &Dispatch) -> Result<DispatchOutcome, ChannelError>;

    /// The dispatch by our id of it; `None` where the channel has none.
    async fn dispatched(&self, shop: &Shop<'_>, id: &str) -> Result<Option<Dispatched>, ChannelError>;

    /// Which dispatches changed since, by our ids of them: one call for many.
    async fn dispatches_changed(
        &self,
        shop: &Shop<'_>,
        since: Timestamp,
    ) -> Result<Vec<String>, ChannelError>;

    /// Takes a dispatch back.
    async fn cancel(&self, shop: &Shop<'_>, id: &str) -> Result<CancelOutcome, ChannelError>;

    /// A shipment of the merchant's to the channel; `None` where the channel has none of these ids.
    async fn inbound(
        &self,
        shop: &Shop<'_>,
        reference: &InboundRef,
    ) -> Result<Option<ExpectedInbound>, ChannelError>;
}
