//! The single table, and the table of personal data: every key, every access pattern, every condition.
//!
//! Only this crate speaks to DynamoDB. It holds no rule: what may happen is decided in `domain` and `app`; here it is
//! made to happen together or not at all. Keys are built in `keys.rs` and nowhere else; each begins with the
//! organization, so that no id reaches another tenant's row. Access patterns with their units: `docs/data-model.md`.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;

pub mod adjustment;
pub mod api_key;
pub mod audit;
pub mod changed;
pub mod connection;
pub mod consent;
pub mod contact;
pub mod document;
pub mod drift;
pub mod error;
pub mod facts;
pub mod happened;
pub mod idempotency;
pub mod inbound;
pub mod item;
mod keys;
pub mod lease;
pub mod link;
pub mod listing;
pub mod location;
pub mod order;
pub mod order_document;
pub mod organization;
mod packing;
pub mod page;
pub mod personal;
pub mod purchase_receive;
mod read;
mod request;
pub mod retention;
mod retry;
mod row;
pub mod seal;
pub mod session;
pub mod stock;
pub mod sync;
pub mod table;
mod tally;
mod transact;
pub mod transfer;
pub mod verification;

pub use error::StoreError;
pub use page::{Page, PageRequest};
pub use read::Counted;
pub use seal::Sealer;

/// The names of the two tables.
#[derive(Debug, Clone)]
pub struct Tables {
    pub main: String,
    /// Buyers' data, apart, so that it can be kept out of backups.
    pub personal: String,
}

/// The tables, through a DynamoDB client: AWS's, or the embedded engine's.
#[derive(Clone)]
pub struct Store {
    client: Client,
    tables: Tables,
    sealer: Sealer,
    requests: Arc<request::Requests>,
}

impl Store {
    /// The SDK's own retries are switched off: a repeated write must be known as one (`transact.rs`).
    pub fn new(client: Client, tables: Tables, sealer: Sealer) -> Self {
        let config = client.config().to_builder().retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(config), tables, sealer, requests: Arc::default() }
    }

    /// As the process of this name, instead of one of a random name: so that a simulation runs the same way twice. Two
    /// that live at the same time must not share a name.
    #[must_use]
    pub fn in_process(self, name: [u8; 16]) -> Self {
        Self { requests: Arc::new(request::Requests::of(name)), ..self }
    }
}
