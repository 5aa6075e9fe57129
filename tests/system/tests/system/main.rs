//! The contract, through HTTP, against the run on one machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod bad_record;
mod demo;
mod drift;
mod first_sync;
mod guide;
mod kill;
mod lifecycle;
mod outage;
mod refusal;
mod story;
