//! Budgets that a channel publishes and does not report: calls of an API in a day, revisions of a listing in a day.
//!
//! Like [`Pace`](crate::Pace), of which they are a part, they know the calls of one connection in one process. What other
//! processes and other merchants spend of a budget that they share, the channel alone knows: its refusal is the last word.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::Timestamp;

/// A bucket whose size and refill the channel's documentation tells. In thousandths of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// Unique among the lanes of one channel.
    pub name: &'static str,
    /// Calls that may come at once after a pause.
    pub burst_milli: i64,
    /// Calls a second.
    pub restored_milli: i64,
}

impl Lane {
    /// A lane that never lets more than `calls` through in any 24 hours, `burst` of them at once.
    pub const fn of_a_day(name: &'static str, calls: i64, burst: i64) -> Self {
        const DAY_S: i64 = 86_400;
        Self { name, burst_milli: burst * 1000, restored_milli: (calls - burst - 1) * 1000 / DAY_S }
    }
}

#[derive(Debug, Clone, Copy)]
struct Balance {
    milli: i64,
    as_of: Timestamp,
}

/// What is left of each budget.
#[derive(Debug, Default)]
pub struct Budgets {
    lanes: Mutex<BTreeMap<&'static str, Balance>>,
    counted: Mutex<Counted>,
}

/// What is counted by the day.
#[derive(Debug, Default)]
struct Counted {
    day: i64,
    counts: BTreeMap<String, u32>,
}

impl Budgets {
    /// Lets an operation of `calls` begin, or says how long until it may. It begins as soon as the budget is not overdrawn,
    /// and may overdraw it: what follows waits until that is made up for.
    pub fn admit(&self, lane: &Lane, calls: usize, now: Timestamp) -> Result<(), Duration> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let balance = lanes.entry(lane.name).or_insert(Balance { milli: lane.burst_milli, as_of: now });
        let passed_ms =
            i64::try_from(now.duration_since(balance.as_of).as_millis()).unwrap_or(i64::MAX).max(0);
        // Rounded down: never more than the channel gives.
        let restored = lane.restored_milli.saturating_mul(passed_ms) / 1000;
        if restored > 0 {
            balance.milli = balance.milli.saturating_add(restored).min(lane.burst_milli);
            balance.as_of = now;
        }
        if balance.milli < 0 {
            let rate = lane.restored_milli.max(1);
            let wait_ms = (-balance.milli * 1000 + rate - 1) / rate;
            return Err(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)));
        }
        balance.milli -= Self::milli(calls);
        Ok(())
    }

    /// More calls of an operation that was let through.
    pub fn charge(&self, lane: &Lane, calls: usize) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(balance) = lanes.get_mut(lane.name) {
            balance.milli -= Self::milli(calls);
        }
    }

    fn milli(calls: usize) -> i64 {
        i64::try_from(calls).unwrap_or(i64::MAX / 1000).saturating_mul(1000)
    }

    /// How often `what` was counted on `day` (any number that grows from one day to the next).
    pub fn counted(&self, what: &str, day: i64) -> u32 {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.day == day { counted.counts.get(what).copied().unwrap_or(0) } else { 0 }
    }

    /// Counts one more. The counts of earlier days are forgotten.
    pub fn count(&self, what: &str, day: i64) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.day != day {
            *counted = Counted { day, counts: BTreeMap::new() };
        }
        *counted.counts.entry(what.to_owned()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn an_overdraft_is_made_up_for() {
        const LANE: Lane = Lane { name: "l", burst_milli: 2_000, restored_milli: 10_000 };
        let budgets = Budgets::default();
        assert_eq!(budgets.admit(&LANE, 1, at(0)), Ok(()));
        assert_eq!(budgets.admit(&LANE, 21, at(0)), Ok(()));
        assert_eq!(budgets.admit(&LANE, 1, at(0)), Err(Duration::from_secs(2)));
        assert_eq!(budgets.admit(&LANE, 1, at(1_999)), Err(Duration::from_millis(1)));
        assert_eq!(budgets.admit(&LANE, 1, at(2_000)), Ok(()));
        budgets.charge(&LANE, 9);
        assert_eq!(budgets.admit(&LANE, 1, at(2_000)), Err(Duration::from_secs(1)));
    }

    /// Whoever waits exactly as told gets as many calls in a day as the lane is for, and no more.
    #[test]
    fn a_day_holds_what_it_is_for() {
        const LANE: Lane = Lane::of_a_day("l", 10_000, 100);
        let budgets = Budgets::default();
        let (mut ms, mut calls) = (0, 0);
        while ms < 86_400_000 {
            match budgets.admit(&LANE, 1, at(ms)) {
                Ok(()) => calls += 1,
                Err(wait) => ms += i64::try_from(wait.as_millis()).unwrap(),
            }
        }
        assert!((9_900..=10_000).contains(&calls), "{calls}");
    }

    #[test]
    fn a_new_day_begins_at_nothing() {
        let budgets = Budgets::default();
        budgets.count("a", 1);
        budgets.count("a", 1);
        assert_eq!((budgets.counted("a", 1), budgets.counted("b", 1), budgets.counted("a", 2)), (2, 0, 0));
        budgets.count("b", 2);
        assert_eq!((budgets.counted("a", 2), budgets.counted("b", 2)), (0, 1));
    }
}
