//! The eBay adapter against the simulated account: what only this channel has, and what eBay's own specifications say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

mod access;
mod bench;
mod faithful;
mod limits;
mod listings;
mod locations;
mod notifications;
mod orders;
mod shipments;
mod spec;
