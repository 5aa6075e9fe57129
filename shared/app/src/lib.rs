//! The use cases: each joins the domain's rules to the table, the queues, a channel and a clock.
//!
//! A function of AWS and the one-machine runner call the same use case; no use case knows which. No HTTP but through a
//! channel's adapter, no AWS type.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use channels::{Credentials, Editions, Pace, Transport};
use domain::{ChannelKind, ConnectionId};
use queue::Queue;
use store::Store;
use url::Url;

pub mod adjustment;
pub mod audit;
pub mod availability;
pub mod bulk_listing;
mod bundle;
pub mod change;
pub mod channel_location;
pub mod channel_time;
pub mod clock;
pub mod confirm_listing;
pub mod connection;
pub mod connection_settings;
pub mod consent;
pub mod contact;
pub mod dead_letter;
mod decide_push;
pub mod document;
pub mod error;
pub mod event_bus;
pub mod fan_out;
pub mod fba;
pub mod fba_stock;
pub mod fetch_orders;
mod hold;
pub mod id;
pub mod import_order;
pub mod inbound;
pub mod inbound_amazon;
pub mod intake;
pub mod item;
pub mod listing;
pub mod location;
mod low_stock;
pub mod manual_order;
pub mod mark_fulfilment;
pub mod match_listings;
mod match_waiting;
pub mod member;
pub mod metric;
pub mod order;
mod order_change;
pub mod order_document;
#[cfg(test)]
mod order_law;
pub mod order_line;
pub mod organization;
pub mod outbound;
mod outbound_sku;
mod outbound_word;
pub mod plan;
pub mod privacy;
pub mod purchase_receive;
mod push_shipments;
pub mod push_stock;
pub mod reconcile;
pub mod resolve;
mod retention;
pub mod schedule;
pub mod secret;
mod send_stock;
pub mod session;
pub mod shop;
pub mod slip;
pub mod start_sync;
pub mod submission;
pub mod suggestion;
pub mod sweep_stock;
pub mod sync;
pub mod sync_items;
pub mod sync_orders;
pub mod sync_outbounds;
pub mod table;
pub mod transfer;
pub mod verification;
pub mod work;

use channel_time::ChannelTime;
pub use clock::{Clock, SystemClock};
pub use error::{AppError, FieldError};
pub use id::Ids;

/// What a deployment decides.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where channels reach us: the base of webhook and callback addresses. `None`: nobody can, polling alone.
    pub public_url: Option<Url>,
    /// The hosted marketplaces may be given another address (tests, the demo).
    pub custom_endpoints: bool,
    /// The keys of our application at each channel, for connections that bring none of their own.
    pub applications: BTreeMap<ChannelKind, Credentials>,
    /// The countries of Amazon's marketplaces that may be connected.
    pub editions: Editions,
}

/// Everything a use case needs from outside.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub queue: Arc<dyn Queue>,
    pub transport: Arc<dyn Transport>,
    pub clock: Arc<dyn Clock>,
    pub ids: Ids,
    pub settings: Settings,
    learned: Arc<Mutex<HashMap<ConnectionId, Learned>>>,
    contact_keys: contact::ContactKeys,
}

impl App {
    pub fn new(
        store: Store,
        queue: Arc<dyn Queue>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        ids: Ids,
        settings: Settings,
    ) -> Self {
        Self {
            store,
            queue,
            transport,
            clock,
            ids,
            settings,
            learned: Arc::default(),
            contact_keys: Arc::default(),
        }
    }

    /// What this process has learned of a connection. A few hundred bytes each; a process sees few connections.
    fn learned(&self, connection: &ConnectionId) -> Learned {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.entry(connection.clone()).or_default().clone()
    }
}

/// A channel's limits and clock, as its answers told them.
#[derive(Clone, Default)]
struct Learned {
    pace: Arc<Pace>,
    time: Arc<ChannelTime>,
}
