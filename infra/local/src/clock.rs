//! The machine's clock, moved on by what `POST /_local/clock` was told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use app::{Clock, SystemClock};
use async_trait::async_trait;
use domain::Timestamp;
use jiff::SignedDuration;

#[derive(Debug, Clone, Default)]
pub struct ShiftedClock {
    /// In milliseconds; only grows.
    ahead_ms: Arc<AtomicI64>,
}

impl ShiftedClock {
    /// Moves on; how far ahead it is then, in milliseconds.
    pub fn advance(&self, by: SignedDuration) -> i64 {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(0).max(0);
        self.ahead_ms.fetch_add(by_ms, Ordering::SeqCst) + by_ms
    }

    pub fn set(&self, ahead_ms: i64) {
        self.ahead_ms.store(ahead_ms, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let now = SystemClock.now();
        let ahead = SignedDuration::from_millis(self.ahead_ms.load(Ordering::SeqCst));
        now.checked_add(ahead).unwrap_or(now)
    }

    async fn sleep(&self, length: Duration) {
        SystemClock.sleep(length).await;
    }
}
