//! What one function asks of another, and how the asking is kept until it is done.
//!
//! Queues are FIFO, one per channel and kind of work; a message's group is its connection, so one connection's work of
//! one kind is done one message at a time and a slow shop delays nobody else. Two implementations of [`Queue`]: SQS,
//! and a durable file on one machine; one suite holds both to the same behaviour.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use domain::{ChannelKind, Timestamp};
use serde::{Deserialize, Serialize};

pub mod limit;
pub mod local;
pub mod message;
pub mod sqs;

pub use message::Message;

/// The kinds of work, in the order in which data flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    ItemSync,
    OrderImport,
    StockPush,
    ShipmentPush,
}

impl Work {
    pub const ALL: [Self; 4] = [Self::ItemSync, Self::OrderImport, Self::StockPush, Self::ShipmentPush];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ItemSync => "item-sync",
            Self::OrderImport => "order-import",
            Self::StockPush => "stock-push",
            Self::ShipmentPush => "shipment-push",
        }
    }
}

/// A queue: `<work>-<channel>`, as `order-import-shopify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueName {
    pub work: Work,
    pub channel: ChannelKind,
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.work.as_str(), self.channel)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a queue")]
pub struct UnknownQueue;

impl FromStr for QueueName {
    type Err = UnknownQueue;
    fn from_str(text: &str) -> Result<Self, UnknownQueue> {
        Work::ALL
            .into_iter()
            .find_map(|work| {
                let channel = text.strip_prefix(work.as_str())?.strip_prefix('-')?.parse().ok()?;
                Some(Self { work, channel })
            })
            .ok_or(UnknownQueue)
    }
}

/// A message on its way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The message group: work of one group is done in order, one batch at a time.
    pub group: String,
    /// Two messages of one id within five minutes are one. At most 128 characters of those that SQS allows.
    pub deduplication_id: String,
    /// At most 256 KiB.
    pub body: String,
}

/// A message on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub message_id: String,
    /// Names this receipt, for deletion and visibility.
    pub receipt: String,
    pub group: String,
    pub body: String,
    /// How often the message was received, this time included.
    pub receive_count: u32,
    /// When it was sent; `None` where the queue was not asked.
    pub sent_at: Option<Timestamp>,
}

#[derive(Debug, thiserror::Error)]
#[error("could not {operation} on queue {queue}")]
pub struct QueueError {
    pub operation: &'static str,
    pub queue: String,
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// A set of durable FIFO queues with the semantics of SQS: at least once, in order within a group, a group blocked
/// while one of its messages is in flight, dead-lettered after too many receives.
#[async_trait]
pub trait Queue: Send + Sync {
    /// All are kept before this returns, or some may not be and the error says so; sending again is safe within the
    /// deduplication interval.
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<(), QueueError>;

    /// At most `max` (1 to 10) messages that become visible again after `visibility` unless they are deleted.
    async fn receive(
        &self,
        queue: QueueName,
        max: u32,
        visibility: Duration,
    ) -> Result<Vec<Received>, QueueError>;

    /// Done. A receipt that is no longer valid is ignored.
    async fn delete(&self, queue: QueueName, receipts: Vec<String>) -> Result<(), QueueError>;

    /// Visible again after `visibility` from now; zero for at once.
    async fn change_visibility(
        &self,
        queue: QueueName,
        receipt: &str,
        visibility: Duration,
    ) -> Result<(), QueueError>;

    /// The dead letters of a queue, oldest first, at most `max` (1 to 100): looked at, not taken. Of one group ten may be
    /// all that is seen.
    async fn dead_letters(&self, queue: QueueName, max: u32) -> Result<Vec<Received>, QueueError>;

    /// Puts a dead letter back at the end of its queue, as a new message that was never received. False where there is no
    /// such dead letter, or others hide it for the moment.
    async fn redrive(&self, queue: QueueName, message_id: &str) -> Result<bool, QueueError>;
}
