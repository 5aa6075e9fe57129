//! The Etsy adapter against the simulated shop: what only this channel has; and both against Etsy's own specification.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

mod access;
mod bench;
mod limits;
mod orders;
mod shipments;
mod specification;
mod stock;
mod webhooks;
