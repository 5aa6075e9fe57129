//! What the code and what surrounds it must agree on: `template.yaml` against the crates, the crates against the
//! architecture, the files against the house's size.

#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod alarm;
mod architecture;
mod cost;
mod document;
mod entrance;
mod environment;
mod function;
mod queue;
mod release;
mod role;
mod size;
mod table;
