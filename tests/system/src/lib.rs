//! What the system tests stand on: the real binary with a data directory of its own, spoken to through HTTP alone, and
//! simulated shops that live in the test's process, so that they outlive a hub that is killed.
//!
//! Nothing here looks into the hub's files or calls its code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod answer;
mod clock;
mod eventually;
mod hub;
mod laws;
mod shop;
mod story;

pub use answer::Answer;
pub use eventually::{SOON, eventually};
pub use hub::Hub;
pub use laws::{assert_laws, settled};
pub use shop::{Post, Shop, goods, notification};
pub use story::{Market, STORY, Step};
