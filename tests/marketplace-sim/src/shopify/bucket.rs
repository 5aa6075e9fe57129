//! Calculated cost, in a bucket that refills.

use jiff::Timestamp;
use serde_json::{Value, json};

/// In thousandths of a point.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    available: i64,
    capacity: i64,
    /// In a second.
    restored: i64,
    as_of: Timestamp,
}

impl Bucket {
    pub fn new(capacity: u32, restored: u32, now: Timestamp) -> Self {
        let capacity = i64::from(capacity) * 1000;
        Self { available: capacity, capacity, restored: i64::from(restored) * 1000, as_of: now }
    }

    fn refill(&mut self, now: Timestamp) {
        let passed = i64::try_from(now.duration_since(self.as_of).as_millis()).unwrap_or(0).max(0);
        self.available = (self.available + self.restored.saturating_mul(passed) / 1000).min(self.capacity);
        self.as_of = self.as_of.max(now);
    }

    /// Sets the requested cost aside, if there is as much.
    pub fn reserve(&mut self, points: u64, now: Timestamp) -> bool {
        self.refill(now);
        let milli = i64::try_from(points).unwrap_or(i64::MAX).saturating_mul(1000);
        let there = self.available >= milli;
        if there {
            self.available -= milli;
        }
        there
    }

    /// Gives back what was set aside and not needed.
    pub fn refund(&mut self, requested: u64, actual: u64) {
        let unused = i64::try_from(requested.saturating_sub(actual)).unwrap_or(0) * 1000;
        self.available = (self.available + unused).min(self.capacity);
    }

    /// `extensions.cost`, with the decimals that Shopify writes.
    pub fn report(&self, requested: u64, actual: Option<u64>) -> Value {
        json!({
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": (self.capacity / 1000) as f64,
                "currentlyAvailable": self.available / 1000,
                "restoreRate": (self.restored / 1000) as f64,
            }
        })
    }
}
