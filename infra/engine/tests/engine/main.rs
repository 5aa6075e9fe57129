//! The engine as its users see it: through the SDK client, in memory and on a file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod data;
mod faults;
mod metering;
mod streams;
mod table;
