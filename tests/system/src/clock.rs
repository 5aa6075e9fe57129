//! The shops' clock: the machine's. What the hub's own clock is moved on by does not concern them, as it does not concern
//! a real shop.

use std::sync::Arc;

use jiff::Timestamp;
use marketplace_sim::SimClock;

#[allow(clippy::disallowed_methods, reason = "the shops' answers bear the machine's date as well")]
pub fn machine_clock() -> SimClock {
    Arc::new(Timestamp::now)
}
