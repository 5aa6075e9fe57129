//! Many seeds, on as many threads as there are processors: each thread runs whole seeds, one after the other.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::oversell::Tally;
use crate::run::{Options, Report, run};

/// Which seeds.
#[derive(Debug, Clone, Copy)]
pub struct Seeds {
    pub from: u64,
    pub count: u64,
    pub threads: usize,
}

impl Seeds {
    /// Until all have run, or `ended`, which is told of each in the order in which they end, says to stop.
    pub fn run(self, options: Options, ended: impl FnMut(&Report) -> bool + Send) -> Tally {
        let next = AtomicU64::new(self.from);
        let end = self.from.saturating_add(self.count);
        let shared = Mutex::new((Tally::default(), ended));
        thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= end {
                            return;
                        }
                        let report = run(seed, options);
                        let mut shared = shared.lock().unwrap();
                        shared.0.add(&report.tally);
                        if !shared.1(&report) {
                            // Those that run come to their end; no other begins.
                            next.store(end, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        shared.into_inner().unwrap().0
    }

    /// A thread for each processor.
    pub fn of(from: u64, count: u64) -> Self {
        Self { from, count, threads: thread::available_parallelism().map_or(1, usize::from) }
    }
}
