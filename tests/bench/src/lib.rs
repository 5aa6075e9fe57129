//! What the work costs, counted: calls to the channels, units of DynamoDB, bytes of memory.
//!
//! Owns the ground on which `tests/budgets` counts: the functions' own handlers and use cases over the embedded engine,
//! which reports the units that DynamoDB bills, with a clock, ids and shops that do not change from run to run. So the
//! counts are the same on every machine and no time is measured. What needs the compiled Lambda binaries, their start
//! and their size, is in `src/bin/lambda-figures.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

pub mod catalogue;
pub mod clock;
pub mod figure;
pub mod goods;
pub mod pages;
pub mod spent;
pub mod wire;
pub mod world;

pub use clock::BenchClock;
pub use figure::{Budget, Section};
pub use spent::Spent;
pub use wire::Wire;
pub use world::World;
