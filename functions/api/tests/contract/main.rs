//! The contract, through the router, on the embedded engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod connections;
mod consent;
mod conventions;
mod csv;
mod idempotency;
mod items;
mod listings;
mod openapi;
mod orders;
mod organization;
mod rubbish;
mod stock;
mod syncs;
mod tenancy;
mod world;
