//! A merchant's day in one process: the whole hub behind its HTTP API, simulated shops, and a clock that the test moves.
//!
//! `tests/rows` has a test for each row of what the product must do, named by the row's id, and tries it on every channel.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

pub mod clock;
pub mod hub;
pub mod shop;

pub use clock::DayClock;
pub use hub::{Answer, Hub};
pub use shop::{Shop, goods};
