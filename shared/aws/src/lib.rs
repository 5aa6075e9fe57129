//! What the functions have in common on AWS: the shapes of their events, the answer to a batch, configuration, logging
//! and clients.
//!
//! The event shapes are plain data, so the one-machine runner feeds the same handlers with them. No rule of the product
//! lives here.

pub mod applications;
pub mod batch;
pub mod bus;
pub mod clients;
pub mod config;
pub mod event;
pub mod image;
pub mod metric;
pub mod start;
pub mod telemetry;
pub mod worker;

pub use clients::Clients;
pub use config::Config;
