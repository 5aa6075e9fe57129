//! A clock that stands until it is moved; waiting moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use app::Clock;
use async_trait::async_trait;
use domain::Timestamp;
use jiff::SignedDuration;

/// Clones show the same time.
#[derive(Debug, Clone)]
pub struct DayClock(Arc<AtomicI64>);

impl DayClock {
    pub fn at(start: &str) -> Self {
        let start: Timestamp = start.parse().expect("a time");
        Self(Arc::new(AtomicI64::new(start.as_millisecond())))
    }

    pub fn advance(&self, by: SignedDuration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).expect("some years at most"), Ordering::SeqCst);
    }

    /// For those that take time as a function.
    pub fn reader(&self) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

#[async_trait]
impl Clock for DayClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).expect("a time of this age")
    }

    async fn sleep(&self, length: Duration) {
        self.advance(SignedDuration::try_from(length).expect("a short wait"));
    }
}
