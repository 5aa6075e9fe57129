//! The application's limits: so many calls in the clock's second, so many in the last 24 hours, which are counted in
//! twelve parts.

use std::collections::VecDeque;

use jiff::Timestamp;

const PART_S: i64 = 2 * 3_600;
const PARTS: i64 = 12;

/// What a call is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Admitted { left_this_second: u32, left_today: u32 },
    SecondExceeded,
    DayExceeded { retry_after_s: i64 },
}

#[derive(Debug)]
pub(super) struct Limits {
    pub per_second: u32,
    pub per_day: u32,
    second: i64,
    in_second: u32,
    /// Each part's number, and its calls; the oldest first.
    parts: VecDeque<(i64, u32)>,
}

impl Limits {
    pub fn new(per_second: u32, per_day: u32) -> Self {
        Self { per_second, per_day, second: 0, in_second: 0, parts: VecDeque::new() }
    }

    pub fn count(&mut self, now: Timestamp) -> Verdict {
        let second = now.as_second();
        if second != self.second {
            self.second = second;
            self.in_second = 0;
        }
        let part = second.div_euclid(PART_S);
        while self.parts.front().is_some_and(|(oldest, _)| *oldest <= part - PARTS) {
            self.parts.pop_front();
        }
        if self.in_second >= self.per_second {
            return Verdict::SecondExceeded;
        }
        let today: u32 = self.parts.iter().map(|(_, calls)| calls).sum();
        if today >= self.per_day {
            let oldest = self.parts.front().map_or(part, |(oldest, _)| *oldest);
            return Verdict::DayExceeded { retry_after_s: (oldest + PARTS) * PART_S - second };
        }
        self.in_second += 1;
        match self.parts.back_mut() {
            Some((newest, calls)) if *newest == part => *calls += 1,
            _ => self.parts.push_back((part, 1)),
        }
        Verdict::Admitted {
            left_this_second: self.per_second - self.in_second,
            left_today: self.per_day - today - 1,
        }
    }
}
