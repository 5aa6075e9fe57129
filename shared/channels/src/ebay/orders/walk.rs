//! A walk through the orders of a span of time, one answer after the other.
//!
//! Invariant: all orders whose last change is before `from` were given out; those at `from` or later, up to `bound`, are
//! still to come, but for those in `seen`. An order that changes meanwhile moves on in time: to a span still to come, or
//! beyond the bound, where the next window finds it.

use std::collections::BTreeSet;

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Orders that a span is meant to hold: four fifths of what one answer can.
const ROOMY: i64 = 160;

/// An order of an answer, as much as the walk must know of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub id: String,
    /// Milliseconds since 1970 of its last change.
    pub changed_ms: i64,
    pub node: Value,
}

impl Found {
    pub fn of(node: Value) -> Self {
        let text = |field: &str| node.get(field).and_then(Value::as_str).unwrap_or_default();
        let changed = text("lastModifiedDate").parse::<Timestamp>().ok();
        let (id, changed_ms) = (text("orderId").to_owned(), changed.map_or(0, Timestamp::as_millisecond));
        Self { id, changed_ms, node }
    }
}

/// Times in milliseconds since 1970, all included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Walk {
    #[serde(rename = "f")]
    from: i64,
    /// Where the answer asked for now ends.
    #[serde(rename = "t")]
    to: i64,
    #[serde(rename = "b")]
    bound: i64,
    /// Orders from `from` to `bound`, as far as an answer told; 0 where none did.
    #[serde(rename = "l", default)]
    left: usize,
    /// Within a single millisecond that fills more than one answer.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    crowd: Option<Crowd>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Crowd {
    #[serde(rename = "o")]
    offset: usize,
    #[serde(rename = "n")]
    total: usize,
    /// Ids of the answer before.
    #[serde(rename = "s")]
    seen: BTreeSet<String>,
}

impl Walk {
    /// Through `[from, until)`, as far as `now`.
    pub fn new(from: Timestamp, until: Timestamp, now: Timestamp) -> Self {
        let bound = (until.as_millisecond() - 1).min(now.as_millisecond());
        Self { from: from.as_millisecond(), to: bound, bound, left: 0, crowd: None }
    }

    /// The span and offset to ask for; `None` when nothing is left.
    pub fn question(&self) -> Option<(i64, i64, usize)> {
        let offset = self.crowd.as_ref().map_or(0, |crowd| crowd.offset);
        (self.from <= self.bound).then_some((self.from, self.to, offset))
    }

    /// Where to ask again because orders left the crowd: those behind them moved up.
    pub fn again_from(&self, total: usize) -> Option<usize> {
        let crowd = self.crowd.as_ref()?;
        let gone = crowd.total.checked_sub(total).filter(|gone| *gone > 0)?;
        Some(crowd.offset.saturating_sub(gone))
    }

    /// What an answer with these orders gives out, oldest change first, and where the walk goes on.
    pub fn take(self, total: usize, mut found: Vec<Found>) -> (Vec<Found>, Option<Self>) {
        found.sort_by(|a, b| (a.changed_ms, &a.id).cmp(&(b.changed_ms, &b.id)));
        if let Some(crowd) = &self.crowd {
            let asked = self.again_from(total).unwrap_or(crowd.offset);
            let offset = asked + found.len();
            let more = offset < total && !found.is_empty();
            let ids = found.iter().map(|one| one.id.clone()).collect();
            found.retain(|one| !crowd.seen.contains(&one.id));
            let next = if more {
                Some(Self { crowd: Some(Crowd { offset, total, seen: ids }), ..self })
            } else {
                self.after_span(total)
            };
            return (found, next);
        }
        if total <= found.len() {
            let next = self.after_span(total);
            return (found, next);
        }
        if self.from == self.to {
            let ids = found.iter().map(|one| one.id.clone()).collect();
            let crowd = Crowd { offset: found.len(), total, seen: ids };
            return (found, Some(Self { crowd: Some(crowd), ..self }));
        }
        let left = if self.to == self.bound { total } else { self.left };
        (Vec::new(), Some(Self { to: self.shorter(total, &found), left, ..self }))
    }

    /// The end of a span that one answer probably holds: if orders came evenly, or as those that this answer showed, which
    /// are any of them. The nearer of both is taken.
    fn shorter(&self, total: usize, found: &[Found]) -> i64 {
        let (length, total) = (self.to - self.from, i64::try_from(total.max(1)).unwrap_or(i64::MAX));
        let even = self.from + length.min(length / total * ROOMY + length % total * ROOMY / total);
        let shown = usize::try_from(ROOMY).unwrap_or(1) * found.len() / usize::try_from(total).unwrap_or(1);
        let like_shown = found.get(shown).map_or(even, |one| one.changed_ms - 1);
        let half = self.from + length / 2;
        [even, like_shown].into_iter().filter(|at| (self.from..self.to).contains(at)).min().unwrap_or(half)
    }

    /// After all of a span, with its orders, was given out: the next one is as long as is probably filled, if what is left
    /// came evenly; twice as long as one that was empty; or all that is left.
    fn after_span(&self, orders: usize) -> Option<Self> {
        if self.to >= self.bound {
            return None;
        }
        let from = self.to + 1;
        let left = self.left.saturating_sub(orders);
        let rest = self.bound - from;
        let even =
            i64::try_from(left).ok().filter(|left| *left > ROOMY).map_or(rest, |left| rest / left * ROOMY);
        let length = if orders == 0 { even.max((self.to - self.from).saturating_mul(2)) } else { even };
        Some(Self {
            from,
            to: from.saturating_add(length).min(self.bound),
            bound: self.bound,
            left,
            crowd: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAGE_LEN: usize = super::super::PAGE as usize;

    /// (Last change, id).
    type Orders = Vec<(i64, String)>;

    /// eBay's list, answered in the order of ids, which is not that of changes.
    fn answer(orders: &[(i64, String)], question: (i64, i64, usize)) -> (usize, Vec<Found>) {
        let (from, to, offset) = question;
        let mut due: Vec<_> = orders.iter().filter(|(at, _)| (from..=to).contains(at)).collect();
        due.sort_by(|a, b| b.1.cmp(&a.1));
        let page = due.iter().skip(offset).take(PAGE_LEN);
        let found =
            page.map(|(at, id)| Found { id: id.clone(), changed_ms: *at, node: Value::Null }).collect();
        (due.len(), found)
    }

    fn walk_all(mut orders: Orders, until: i64, edits: &[(usize, usize)]) -> (Orders, Orders, usize) {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let mut walk = Walk::new(at(0), at(until), at(until));
        let (mut given, mut calls) = (Vec::new(), 0);
        while let Some(question) = walk.question() {
            calls += 1;
            let (mut total, mut found) = answer(&orders, question);
            if let Some(offset) = walk.again_from(total) {
                (total, found) = answer(&orders, (question.0, question.1, offset));
            }
            let (taken, next) = walk.take(total, found);
            given.extend(taken.into_iter().map(|one| (one.changed_ms, one.id)));
            for (who, _) in edits.iter().filter(|(_, when)| *when == calls) {
                let count = orders.len();
                if count > 0 {
                    orders[who % count].0 = until + 5;
                }
            }
            match next {
                Some(next) if calls < 10_000 => walk = next,
                _ => break,
            }
        }
        (given, orders, calls)
    }

    fn numbered(times: impl IntoIterator<Item = i64>) -> Orders {
        times.into_iter().zip(0..).map(|(at, n): (i64, u32)| (at, format!("{n:05}"))).collect()
    }

    #[test]
    fn what_fits_is_one_call_and_what_does_not_is_few() {
        for (count, most) in [(0i64, 1), (1, 1), (200, 1), (201, 9), (1_000, 20), (5_000, 70)] {
            let (given, _, calls) = walk_all(numbered((0..count).map(|n| n * 1_000)), 10_000_000, &[]);
            assert_eq!(given.len(), usize::try_from(count).unwrap());
            assert!(given.is_sorted(), "{count}");
            assert!(calls <= most, "{count}: {calls} calls");
        }
    }

    #[test]
    fn a_crowded_moment_is_paged_through() {
        let times = (0..7).chain(std::iter::repeat_n(500_000, 450)).chain(999_990..999_999);
        let (given, orders, calls) = walk_all(numbered(times), 1_000_000, &[]);
        assert_eq!(given.iter().collect::<BTreeSet<_>>(), orders.iter().collect());
        assert_eq!(given.len(), orders.len());
        assert!(calls < 30, "{calls} calls");
    }

    proptest! {
        /// Whatever leaves the window between two answers, nothing that stays is missed and nothing comes twice.
        #[test]
        fn nothing_is_missed(
            spots in prop::collection::vec((0i64..2_000, 1usize..260), 1..6),
            edits in prop::collection::vec((0usize..900, 1usize..9), 0..12),
        ) {
            let times = spots.iter().flat_map(|(at, count)| std::iter::repeat_n(*at, *count));
            let (given, orders, _) = walk_all(numbered(times), 3_000, &edits);
            let ids: BTreeSet<_> = given.iter().map(|(_, id)| id).collect();
            prop_assert_eq!(ids.len(), given.len());
            for (at, id) in orders.iter().filter(|(at, _)| *at < 3_000) {
                prop_assert!(ids.contains(id), "{} at {} was missed", id, at);
            }
        }
    }
}
