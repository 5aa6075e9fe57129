//! Where every effect of a running function passes: who may go on, how far, and when it dies.
//!
//! The scheduler polls one function at a time and says so; each seam (table, queue, channel) asks the gate before it does
//! anything. A function that is out of leave waits; one that has had its last effect never comes back from the gate, so
//! that it is dropped between two effects, as a process that is killed.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

pub type JobId = u64;

/// What passes the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// Changes nothing outside: it costs leave, but is nothing to die after.
    Read,
    Effect,
}

/// What kind of function it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    #[default]
    ItemSync,
    OrderImport,
    StockPush,
    ShipmentPush,
    StockFanout,
    Schedule,
    Webhook,
    Api,
}

#[derive(Debug, Default)]
struct Held {
    role: Role,
    /// Passings that are still allowed before the function waits.
    leave: u64,
    /// Effects that are still to happen before the function dies.
    lives: Option<u64>,
    passed: u64,
    waiting: Vec<Waker>,
    dead: bool,
}

#[derive(Debug, Default)]
struct State {
    running: Option<JobId>,
    held: BTreeMap<JobId, Held>,
}

/// How a function that did not come to its end stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It waits for time to pass, or for nothing but to be polled.
    Busy,
    OutOfLeave,
    Dead,
}

#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Mutex<State>>);

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A function that dies after `lives` effects, if it is to die.
    pub fn admit(&self, job: JobId, role: Role, lives: Option<u64>) {
        self.state().held.insert(job, Held { role, lives, ..Held::default() });
    }

    pub fn dismiss(&self, job: JobId) -> u64 {
        self.state().held.remove(&job).map_or(0, |held| held.passed)
    }

    /// Lets it pass `leave` times more.
    pub fn allow(&self, job: JobId, leave: u64) {
        let mut state = self.state();
        let Some(held) = state.held.get_mut(&job) else { return };
        held.leave = leave;
        let waiting = std::mem::take(&mut held.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// What runs within `poll` is this function's.
    pub fn within<T>(&self, job: JobId, poll: impl FnOnce() -> T) -> T {
        self.state().running = Some(job);
        let result = poll();
        self.state().running = None;
        result
    }

    pub fn role(&self, job: JobId) -> Option<Role> {
        self.state().held.get(&job).map(|held| held.role)
    }

    pub fn standing(&self, job: JobId) -> Standing {
        match self.state().held.get(&job) {
            Some(held) if held.dead => Standing::Dead,
            Some(held) if !held.waiting.is_empty() => Standing::OutOfLeave,
            _ => Standing::Busy,
        }
    }

    /// Whose effect it is, once it may happen. `None`: nobody's that is simulated; it passes freely.
    pub async fn pass(&self, passing: Passing) -> Option<JobId> {
        poll_fn(|context| {
            let mut state = self.state();
            let Some(job) = state.running else { return Poll::Ready(None) };
            let Some(held) = state.held.get_mut(&job) else { return Poll::Ready(None) };
            if held.dead || held.lives == Some(0) {
                held.dead = true;
                return Poll::Pending;
            }
            if held.leave == 0 {
                held.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            held.leave -= 1;
            held.passed += 1;
            if passing == Passing::Effect {
                held.lives = held.lives.map(|lives| lives - 1);
            }
            Poll::Ready(Some(job))
        })
        .await
    }
}
