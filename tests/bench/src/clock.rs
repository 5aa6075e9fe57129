//! A clock that stands still until it is moved; waiting moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use app::Clock;
use async_trait::async_trait;
use domain::Timestamp;

/// 2026-03-02T09:00:00Z.
const START_MS: i64 = 1_772_442_000_000;

/// Clones show the same time.
#[derive(Debug, Clone)]
pub struct BenchClock(Arc<AtomicI64>);

impl Default for BenchClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(START_MS)))
    }
}

impl BenchClock {
    pub fn advance(&self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).expect("some years at most");
        self.0.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// For those that take time as a function.
    pub fn reader(&self) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

#[async_trait]
impl Clock for BenchClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).expect("a time of this age")
    }

    async fn sleep(&self, length: Duration) {
        self.advance(length);
    }
}
