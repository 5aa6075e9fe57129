//! Keeping within a channel's limits: a bucket that leaks, as the channel counts it.
//!
//! One [`Pace`] belongs to one connection in one process. It never sleeps: an operation that does not fit yet is told
//! how long to wait.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::Timestamp;

use crate::CallLimits;
use crate::budget::Budgets;
use crate::memo::Memo;

/// The state of a channel's bucket, in the channel's own points; unlimited until the channel has told a limit.
#[derive(Debug, Default)]
pub struct Pace {
    bucket: Mutex<Option<Bucket>>,
    /// Limits that the channel counts in calls, and tells.
    pub calls: CallLimits,
    /// Limits that the channel publishes and does not report.
    pub budgets: Budgets,
    pub memo: Memo,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// In thousandths of a point.
    available_milli: i64,
    capacity_milli: i64,
    /// Per second.
    restored_milli: i64,
    as_of: Timestamp,
}

impl Pace {
    /// What the channel says it has left for us.
    pub fn observe(&self, available: u32, capacity: u32, restored_per_s: u32, now: Timestamp) {
        let milli = |points: u32| i64::from(points) * 1000;
        let bucket = Bucket {
            available_milli: milli(available),
            capacity_milli: milli(capacity),
            restored_milli: milli(restored_per_s).max(1),
            as_of: now,
        };
        *self.bucket.lock().unwrap_or_else(PoisonError::into_inner) = Some(bucket);
    }

    /// Takes `points`, or says how long until they are there. More than the bucket can ever hold is admitted when it
    /// is full: the channel has the last word.
    pub fn admit(&self, points: u32, now: Timestamp) -> Result<(), Duration> {
        let mut guard = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = guard.as_mut() else { return Ok(()) };
        let passed_ms =
            i64::try_from(now.duration_since(bucket.as_of).as_millis()).unwrap_or(i64::MAX).max(0);
        let restored = bucket.restored_milli.saturating_mul(passed_ms) / 1000;
        bucket.available_milli = bucket.available_milli.saturating_add(restored).min(bucket.capacity_milli);
        bucket.as_of = bucket.as_of.max(now);
        let needed = (i64::from(points) * 1000).min(bucket.capacity_milli);
        if bucket.available_milli >= needed {
            bucket.available_milli -= needed;
            return Ok(());
        }
        let missing = needed - bucket.available_milli;
        let wait_ms = (missing * 1000 + bucket.restored_milli - 1) / bucket.restored_milli;
        Err(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn what_is_not_there_yet_is_waited_for_and_no_longer() {
        let pace = Pace::default();
        assert_eq!(pace.admit(1_000_000, at(0)), Ok(()));
        pace.observe(15, 2000, 100, at(0));
        assert_eq!(pace.admit(10, at(0)), Ok(()));
        assert_eq!(pace.admit(10, at(0)), Err(Duration::from_millis(50)));
        assert_eq!(pace.admit(10, at(49)), Err(Duration::from_millis(1)));
        assert_eq!(pace.admit(10, at(50)), Ok(()));
    }

    #[test]
    fn a_bucket_does_not_run_over() {
        let pace = Pace::default();
        pace.observe(0, 20, 100, at(0));
        assert_eq!(pace.admit(20, at(60_000)), Ok(()));
        assert!(pace.admit(1, at(60_000)).is_err());
    }
}
