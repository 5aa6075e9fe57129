//! The contract, through the router, on the embedded engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod bundles;
mod connections;
mod conventions;
mod documents;
mod idempotency;
mod items;
mod listings;
mod locations;
mod openapi;
mod orders;
mod organization;
mod rubbish;
mod stock;
mod syncs;
mod tenancy;
mod trust;
mod world;
