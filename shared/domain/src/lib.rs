//! The rules of Masterstock, and the words they are said in.
//!
//! Pure: values in, values out. No clock, no randomness, no I/O, no AWS type. What a channel, the table or a request
//! holds is parsed into these types at the edge; a value of one of them is right by construction.

pub mod audit;
pub mod availability;
pub mod bundle;
pub mod channel;
pub mod channel_location;
pub mod connection;
pub mod drift;
pub mod event;
pub mod fba;
pub mod fulfilment;
pub mod id;
pub mod inbound;
pub mod likeness;
pub mod listing;
pub mod matching;
pub mod money;
pub mod order;
pub mod order_document;
pub mod outbound;
pub mod push;
pub mod quantity;
pub mod retention;
pub mod schedule;
pub mod sku;
pub mod stock;
pub mod sync;
pub mod text;
pub mod transfer;

pub use channel::ChannelKind;
pub use channel_location::ChannelLocationId;
pub use id::{
    AdjustmentId, ApiKeyId, AuditId, ConnectionId, ContactId, InboundShipmentId, ItemId, ListingId,
    LocationId, MovementId, OrderId, OrganizationId, PurchaseReceiveId, SyncId, TransferId,
};
pub use jiff::Timestamp;
pub use money::{Currency, Money};
pub use order_document::DocumentId;
pub use quantity::Quantity;
pub use sku::{MatchKey, Sku};
pub use text::Name;
