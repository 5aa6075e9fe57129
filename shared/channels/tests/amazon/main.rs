//! The Amazon adapter: what only this channel has, against the simulated account; and both against Amazon's own models.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

mod catalogue;
mod consent;
mod limits;
mod model;
mod official;
mod orders;
mod stage;
mod stock;
