//! The contract, through the router, on the embedded engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod bundles;
mod channel_locations;
mod connections;
mod consent;
mod contacts;
mod conventions;
mod csv;
mod dead_letters;
mod documents;
mod fba;
mod fba_orders;
mod fba_world;
mod idempotency;
mod items;
mod listings;
mod locations;
mod manual_orders;
mod openapi;
mod order_documents;
mod order_law;
mod order_lines;
mod orders;
mod organization;
mod outbound;
mod privacy;
mod rubbish;
mod shipments;
mod shop;
mod slips;
mod stock;
mod syncs;
mod tenancy;
mod tokens;
mod trust;
mod world;
