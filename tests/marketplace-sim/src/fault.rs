//! What goes wrong between us and a shop.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// One fault, for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Let this one through.
    Pass,
    /// An answer of this status in the shop's place, with a body that is not JSON.
    Status(u16),
    /// 429, with `Retry-After` in seconds where given.
    Throttle { retry_after_s: Option<u32> },
    /// 200, and a page of HTML.
    Html,
    /// No answer; the shop has not seen the request.
    Hang,
    /// No answer; the shop has done the work.
    DropAnswer,
    /// The answer is cut in the middle.
    Cut,
}

/// Faults for the requests to come, in order; and one for all of them, while it is set.
#[derive(Debug, Default)]
pub struct Faults(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    next: VecDeque<Fault>,
    always: Option<Fault>,
}

impl Faults {
    /// For the next request that has none yet.
    pub fn push(&self, fault: Fault) {
        self.state().next.push_back(fault);
    }

    /// For every request from now on; `None` ends it.
    pub fn always(&self, fault: Option<Fault>) {
        self.state().always = fault;
    }

    /// What happens to the request at hand.
    pub fn take(&self) -> Fault {
        let mut state = self.state();
        match state.next.pop_front() {
            Some(fault) => fault,
            None => state.always.clone().unwrap_or(Fault::Pass),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
