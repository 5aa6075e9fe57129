//! Keeping within limits of so many calls in any second, and so many in a day.
//!
//! Calls of the last second are remembered one by one: a bucket that refills would let through up to twice the limit
//! within one second, or half of it in the long run. An operation of several calls asks for all of them at once, so
//! that it is never stopped in its middle, and gives back what it did not need.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Timestamp;

const SECOND_MS: i64 = 1_000;

/// The calls of one connection in one process, and what the channel said of its limits.
#[derive(Debug, Default)]
pub struct CallLimits(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// As the channel told it.
    per_second: Option<u32>,
    /// When each call of the last second was admitted; the oldest first.
    taken_ms: VecDeque<i64>,
    day: Option<Day>,
}

#[derive(Debug, Clone, Copy)]
struct Day {
    left: u32,
    /// By when some of the day's calls are free again.
    recovers_ms: i64,
}

impl CallLimits {
    /// Takes `calls`, or says how long until they may be made. `per_second` holds until the channel has told its own
    /// limit. More than a second's limit is admitted when nothing else was called: the channel has the last word.
    pub fn admit(&self, calls: u32, per_second: u32, now: Timestamp) -> Result<(), Duration> {
        let now_ms = now.as_millisecond();
        let mut state = self.state();
        state.forget(now_ms);
        if let Some(day) = state.day.filter(|day| day.left < calls && now_ms < day.recovers_ms) {
            return Err(wait_ms(day.recovers_ms - now_ms));
        }
        let limit = state.per_second.unwrap_or(per_second).max(1);
        let calls = calls.min(limit);
        let taken = u32::try_from(state.taken_ms.len()).unwrap_or(u32::MAX);
        let too_many = taken.saturating_add(calls).saturating_sub(limit);
        if let Some(last) = too_many.checked_sub(1) {
            let index = usize::try_from(last).unwrap_or(usize::MAX);
            let free_ms = state.taken_ms.get(index).map_or(now_ms, |taken_ms| taken_ms + SECOND_MS);
            return Err(wait_ms(free_ms - now_ms));
        }
        state.take(calls, now_ms);
        if let Some(day) = &mut state.day {
            day.left = day.left.saturating_sub(calls);
        }
        Ok(())
    }

    /// Calls that were admitted and not made.
    pub fn give_back(&self, calls: u32) {
        let mut state = self.state();
        for _ in 0..calls {
            state.taken_ms.pop_back();
        }
        if let Some(day) = &mut state.day {
            day.left = day.left.saturating_add(calls);
        }
    }

    /// What the channel says of this second. Calls that are not ours (of another process, of another merchant of the
    /// same application) count as made now.
    pub fn observe_second(&self, limit: u32, remaining: u32, now: Timestamp) {
        let now_ms = now.as_millisecond();
        let mut state = self.state();
        state.per_second = Some(limit.max(1));
        state.forget(now_ms);
        let ours = u32::try_from(state.taken_ms.len()).unwrap_or(u32::MAX);
        let others = limit.saturating_sub(remaining).saturating_sub(ours);
        state.take(others, now_ms);
    }

    /// What the channel says of the day: `remaining` calls, some more after `recovers_in` at the latest.
    pub fn observe_day(&self, remaining: u32, recovers_in: Duration, now: Timestamp) {
        let recovers_in_ms = i64::try_from(recovers_in.as_millis()).unwrap_or(i64::MAX);
        let recovers_ms = now.as_millisecond().saturating_add(recovers_in_ms);
        self.state().day = Some(Day { left: remaining, recovers_ms });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, now_ms: i64) {
        while self.taken_ms.front().is_some_and(|taken_ms| taken_ms + SECOND_MS <= now_ms) {
            self.taken_ms.pop_front();
        }
    }

    fn take(&mut self, calls: u32, now_ms: i64) {
        for _ in 0..calls {
            self.taken_ms.push_back(now_ms);
        }
    }
}

fn wait_ms(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn a_second_holds_its_limit_and_no_more() {
        let limits = CallLimits::default();
        assert_eq!(limits.admit(7, 10, at(0)), Ok(()));
        assert_eq!(limits.admit(3, 10, at(400)), Ok(()));
        assert_eq!(limits.admit(1, 10, at(500)), Err(Duration::from_millis(500)));
        assert_eq!(limits.admit(8, 10, at(500)), Err(Duration::from_millis(900)));
        assert_eq!(limits.admit(7, 10, at(1_000)), Ok(()));
        assert_eq!(limits.admit(1, 10, at(1_399)), Err(Duration::from_millis(1)));
    }

    #[test]
    fn what_was_not_called_is_given_back() {
        let limits = CallLimits::default();
        assert_eq!(limits.admit(10, 10, at(0)), Ok(()));
        limits.give_back(9);
        assert_eq!(limits.admit(9, 10, at(0)), Ok(()));
        assert!(limits.admit(1, 10, at(0)).is_err());
    }

    #[test]
    fn the_channel_s_word_counts_others_calls_too() {
        let limits = CallLimits::default();
        assert_eq!(limits.admit(1, 10, at(0)), Ok(()));
        limits.observe_second(5, 1, at(0));
        assert_eq!(limits.admit(1, 10, at(0)), Ok(()));
        assert!(limits.admit(1, 10, at(0)).is_err());
        limits.observe_second(5, 5, at(1_000));
        assert_eq!(limits.admit(5, 10, at(1_000)), Ok(()));
    }

    #[test]
    fn more_than_a_second_holds_is_left_to_the_channel() {
        let limits = CallLimits::default();
        assert_eq!(limits.admit(4, 2, at(0)), Ok(()));
        assert_eq!(limits.admit(4, 2, at(0)), Err(Duration::from_secs(1)));
    }

    #[test]
    fn a_day_that_is_used_up_is_waited_for() {
        let limits = CallLimits::default();
        limits.observe_day(3, Duration::from_secs(7_200), at(0));
        assert_eq!(limits.admit(2, 10, at(0)), Ok(()));
        assert_eq!(limits.admit(2, 10, at(1_000)), Err(Duration::from_secs(7_199)));
        assert_eq!(limits.admit(1, 10, at(1_000)), Ok(()));
        // Some are free again; how many, the channel's answer tells.
        assert_eq!(limits.admit(2, 10, at(7_200_000)), Ok(()));
    }

    proptest! {
        /// However operations of 1 to 3 calls follow one another: no second of any position has more than the limit,
        /// and who waits as told is admitted.
        #[test]
        fn no_second_has_too_many(operations in prop::collection::vec((1u32..4, 0i64..300), 1..80)) {
            const LIMIT: u32 = 10;
            let limits = CallLimits::default();
            let (mut now_ms, mut made) = (0, Vec::new());
            for (calls, pause_ms) in operations {
                now_ms += pause_ms;
                if let Err(wait) = limits.admit(calls, LIMIT, at(now_ms)) {
                    now_ms += i64::try_from(wait.as_millis()).unwrap();
                    prop_assert_eq!(limits.admit(calls, LIMIT, at(now_ms)), Ok(()));
                }
                made.extend(std::iter::repeat_n(now_ms, usize::try_from(calls).unwrap()));
            }
            for (index, start) in made.iter().enumerate() {
                let within = made[index..].iter().take_while(|ms| **ms < start + SECOND_MS).count();
                prop_assert!(within <= usize::try_from(LIMIT).unwrap(), "{within} from {start}");
            }
        }
    }
}
