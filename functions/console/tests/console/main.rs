//! The console, through its router, on the embedded engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod browser;
mod connections;
mod items;
mod listings;
mod orders;
mod pages;
mod sessions;
#[allow(dead_code)]
#[path = "../../../api/tests/contract/shop.rs"]
mod shop;
mod stock;
#[allow(dead_code)]
#[path = "../../../api/tests/contract/world.rs"]
mod world;
