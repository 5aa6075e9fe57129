//! The console, through its router, on the embedded engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod browser;
mod catalogue;
mod channel_locations;
mod connections;
mod contacts;
mod fba;
#[allow(dead_code)]
#[path = "../../../api/tests/contract/fba_world.rs"]
mod fba_world;
mod items;
mod keys;
mod listings;
mod members;
mod orders;
mod pages;
mod papers;
mod sessions;
#[allow(dead_code)]
#[path = "../../../api/tests/contract/shop.rs"]
mod shop;
mod stock;
mod tables;
#[allow(dead_code)]
#[path = "../../../api/tests/contract/world.rs"]
mod world;
