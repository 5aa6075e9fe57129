//! Walking a list from its oldest change on, when what is walked changes under the walk.
//!
//! Pages by number would skip: a record that changes moves to the end, all behind it move up by one, and the first of the
//! next page is on no page. So each step asks again for what changed from the second of the last record on, and leaves
//! out what it has had of that second. Page numbers are used only within one second that fills a page; what hides then,
//! the overlap of the windows finds.
//!
//! Invariant: what changed after `after` and is not in `seen` has not been given out.

use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a walk stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Walk {
    /// What changed after this second is still to come; in seconds since 1970.
    #[serde(rename = "a")]
    pub after: i64,
    /// From 1.
    #[serde(rename = "p")]
    pub page: u32,
    /// Ids given out already that will come again, all of the second after `after`.
    #[serde(rename = "s", default)]
    pub seen: Vec<u64>,
}

/// A record of a page, given out or left out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub id: u64,
    /// Second of its last change.
    pub changed_s: i64,
}

impl Walk {
    /// All that changed at `from` or later.
    pub fn from(from: Timestamp) -> Self {
        Self { after: from.as_second() - 1, page: 1, seen: Vec::new() }
    }

    /// Whether a record is still to be given out.
    pub fn is_new(&self, step: Step) -> bool {
        // What changed again since it was given out is another state of it, and new.
        let again = step.changed_s == self.after + 1 && self.seen.contains(&step.id);
        step.changed_s > self.after && !again
    }

    /// The walk after a page of which `steps` were taken: all of it, or a beginning.
    pub fn next(&self, steps: &[Step], whole_page: bool) -> Self {
        let last = steps.iter().map(|step| step.changed_s).max().unwrap_or(self.after);
        if last > self.after + 1 {
            let seen = steps.iter().filter(|step| step.changed_s == last).map(|step| step.id).collect();
            return Self { after: last - 1, page: 1, seen };
        }
        if whole_page {
            return Self { after: self.after, page: self.page.saturating_add(1), seen: Vec::new() };
        }
        let mut seen = self.seen.clone();
        seen.extend(steps.iter().map(|step| step.id).filter(|id| !self.seen.contains(id)));
        Self { after: self.after, page: self.page, seen }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A shop's list: (second of change, id), and a page of it.
    fn page(shop: &[(i64, u64)], walk: &Walk, size: usize) -> (Vec<Step>, bool) {
        let mut due: Vec<_> = shop.iter().filter(|(at, _)| *at > walk.after).collect();
        due.sort();
        let start = (walk.page as usize - 1) * size;
        let steps =
            due.iter().skip(start).take(size).map(|(at, id)| Step { id: *id, changed_s: *at }).collect();
        (steps, due.len() > start + size)
    }

    #[test]
    fn what_changes_after_it_was_given_out_comes_again() {
        let walk = Walk { after: 10, page: 1, seen: vec![6] };
        assert!(!walk.is_new(Step { id: 6, changed_s: 11 }));
        assert!(walk.is_new(Step { id: 6, changed_s: 12 }));
        assert!(!walk.is_new(Step { id: 7, changed_s: 10 }));
    }

    proptest! {
        /// Whatever changes between two pages, nothing is missed while no one second fills a page; every state comes once.
        #[test]
        fn nothing_is_missed(
            changed in prop::collection::vec(0i64..12, 1..40), size in 1usize..6,
            edits in prop::collection::vec((0usize..40, 0usize..20), 0..6), taken in 1usize..6,
        ) {
            let mut shop: Vec<(i64, u64)> = changed.iter().zip(1u64..).map(|(at, id)| (*at, id)).collect();
            let crowded = (0..12).any(|second| changed.iter().filter(|at| **at == second).count() >= size);
            let edits = if crowded { Vec::new() } else { edits };
            let mut walk = Walk::from(Timestamp::from_second(0).unwrap());
            let mut given = Vec::new();
            for round in 0..1_000 {
                let (steps, more) = page(&shop, &walk, size);
                let taken = taken.min(steps.len());
                let steps_taken = if round % 3 == 1 { &steps[..taken] } else { &steps[..] };
                let whole = steps_taken.len() == steps.len();
                given.extend(steps_taken.iter().filter(|step| walk.is_new(**step)).map(|step| (step.changed_s, step.id)));
                if whole && !more {
                    break;
                }
                walk = walk.next(steps_taken, whole);
                for (who, _) in edits.iter().filter(|(_, when)| *when == round) {
                    let count = shop.len();
                    shop[who % count].0 = 100 + i64::try_from(round).unwrap();
                }
            }
            for state in &shop {
                prop_assert!(given.contains(state), "{:?} was missed", state);
            }
            let times = |state: &(i64, u64)| given.iter().filter(|g| *g == state).count();
            prop_assert!(given.iter().all(|state| times(state) == 1));
        }
    }
}
