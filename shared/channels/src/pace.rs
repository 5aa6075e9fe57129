//! Keeping within a channel's limits: buckets that leak, as the channel counts them.
//!
//! One [`Pace`] belongs to one connection in one process. It never sleeps: an operation that does not fit yet is told
//! how long to wait. A channel that counts all calls together has one bucket, told by its answers ([`Pace::observe`]); one
//! that publishes a limit for each operation has a bucket for each ([`Pace::admit_to`]).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Timestamp;

use crate::CallLimits;
use crate::budget::Budgets;
use crate::memo::Memo;

/// The state of a channel's buckets: the one in the channel's own points, unlimited until the channel has told a limit,
/// and those of the operations that were called.
#[derive(Debug, Default)]
pub struct Pace {
    state: Mutex<State>,
    /// Limits that the channel counts in calls, and tells.
    pub calls: CallLimits,
    /// Limits that the channel publishes and does not report.
    pub budgets: Budgets,
    pub memo: Memo,
}

#[derive(Debug, Default)]
struct State {
    points: Option<Bucket>,
    named: BTreeMap<&'static str, Named>,
}

/// What a channel publishes for one of its operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Operations of one name share a bucket.
    pub name: &'static str,
    /// Calls that a full bucket holds.
    pub burst: u32,
    /// Calls that come back in a second, in millionths.
    pub rate_micro: u32,
}

impl Limit {
    /// How long an empty bucket takes to hold one call.
    pub fn interval(&self) -> Duration {
        Duration::from_millis(u64::from(1_000_000_000 / self.rate_micro.max(1)))
    }
}

/// In millionths of a call.
#[derive(Debug, Clone, Copy)]
struct Named {
    available_micro: i64,
    rate_micro: i64,
    as_of: Timestamp,
}

const CALL_MICRO: i64 = 1_000_000;

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
        self.state().points = Some(bucket);
    }

    /// Takes `points`, or says how long until they are there. More than the bucket can ever hold is admitted when it
    /// is full: the channel has the last word.
    pub fn admit(&self, points: u32, now: Timestamp) -> Result<(), Duration> {
        let mut state = self.state();
        let Some(bucket) = state.points.as_mut() else { return Ok(()) };
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

    /// Takes one call of an operation's bucket, or says how long until it is there. A bucket that was not used yet is
    /// full.
    pub fn admit_to(&self, limit: &Limit, now: Timestamp) -> Result<(), Duration> {
        let mut state = self.state();
        let bucket = bucket_of(&mut state, limit, now);
        if bucket.available_micro >= CALL_MICRO {
            bucket.available_micro -= CALL_MICRO;
            return Ok(());
        }
        let missing = (CALL_MICRO - bucket.available_micro) * 1000;
        let wait_ms = (missing + bucket.rate_micro - 1) / bucket.rate_micro;
        Err(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)))
    }

    /// The channel refused a call of the operation: others share its bucket, and it is empty.
    pub fn exhaust(&self, limit: &Limit, now: Timestamp) {
        bucket_of(&mut self.state(), limit, now).available_micro = 0;
    }

    /// The channel told another rate for the operation than it publishes.
    pub fn observe_rate(&self, limit: &Limit, rate_micro: u32, now: Timestamp) {
        bucket_of(&mut self.state(), limit, now).rate_micro = i64::from(rate_micro.max(1));
    }

    /// Calls of the operation that come back in so many seconds: at the rate that the channel told, else that it publishes.
    pub fn calls_in(&self, limit: &Limit, seconds: u32) -> u32 {
        let told = self.state().named.get(limit.name).map(|bucket| bucket.rate_micro);
        let rate_micro = told.unwrap_or_else(|| i64::from(limit.rate_micro));
        let calls = rate_micro.saturating_mul(i64::from(seconds)) / CALL_MICRO;
        u32::try_from(calls).unwrap_or(u32::MAX)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The operation's bucket, filled up to `now`.
fn bucket_of<'a>(state: &'a mut State, limit: &Limit, now: Timestamp) -> &'a mut Named {
    let capacity = i64::from(limit.burst.max(1)) * CALL_MICRO;
    let bucket = state.named.entry(limit.name).or_insert_with(|| Named {
        available_micro: capacity,
        rate_micro: i64::from(limit.rate_micro.max(1)),
        as_of: now,
    });
    let passed_ms = i64::try_from(now.duration_since(bucket.as_of).as_millis()).unwrap_or(i64::MAX).max(0);
    let restored = bucket.rate_micro.saturating_mul(passed_ms) / 1000;
    bucket.available_micro = bucket.available_micro.saturating_add(restored).min(capacity);
    bucket.as_of = bucket.as_of.max(now);
    bucket
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
    const SLOW: Limit = Limit { name: "slow", burst: 2, rate_micro: 5_600 };

    #[test]
    fn each_operation_has_a_bucket_of_its_own() {
        let pace = Pace::default();
        assert_eq!(pace.admit_to(&SLOW, at(0)), Ok(()));
        assert_eq!(pace.admit_to(&SLOW, at(0)), Ok(()));
        assert_eq!(pace.admit_to(&SLOW, at(0)), Err(Duration::from_millis(178_572)));
        assert_eq!(pace.admit_to(&Limit { name: "other", ..SLOW }, at(0)), Ok(()));
        assert!(pace.admit_to(&SLOW, at(178_571)).is_err());
        assert_eq!(pace.admit_to(&SLOW, at(178_572)), Ok(()));
        assert!(pace.admit_to(&SLOW, at(178_572)).is_err());
    }

    #[test]
    fn a_refusal_empties_the_bucket_and_a_told_rate_refills_it() {
        let pace = Pace::default();
        pace.exhaust(&SLOW, at(0));
        assert!(pace.admit_to(&SLOW, at(0)).is_err());
        assert_eq!((pace.calls_in(&SLOW, 178), pace.calls_in(&SLOW, 179)), (0, 1));
        pace.observe_rate(&SLOW, 1_000_000, at(0));
        assert_eq!(pace.calls_in(&SLOW, 30), 30);
        assert_eq!(pace.admit_to(&SLOW, at(0)), Err(Duration::from_secs(1)));
        assert_eq!(pace.admit_to(&SLOW, at(1_000)), Ok(()));
    }
}
