//! The whole pipeline under faults, from a seed.
//!
//! The real functions, use cases, store code and adapters run on one thread against the embedded engine in memory,
//! simulated queues and simulated shops. Time is the runtime's paused clock; all else that could be chance comes from the
//! seed, so that a run that fails can be run again to the last call. What each part is: `docs/simulation.md`.
//!
//! Order of reading: `founding` (how it begins), `run` (what happens), `buyer`, `person` and `fba` (who does what), `job` (how functions run and die),
//! `model` (what must be), `law` and `settle` (what is checked), `fault`, `table`, `queue`, `street` (the seams).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![allow(clippy::large_futures, reason = "a run is one future, on one thread")]

/// Half of a run is making and dropping small things.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod buyer;
mod chance;
mod fault;
mod fba;
mod founding;
mod gate;
mod job;
mod law;
mod many;
mod mirror;
mod model;
mod oversell;
mod person;
mod planted;
mod queue;
mod run;
mod settle;
mod shops;
mod street;
mod table;
mod time;
mod trace;
mod world;

pub use many::Seeds;
pub use oversell::Tally;
pub use planted::Bug;
pub use run::{About, Options, Report, run};
