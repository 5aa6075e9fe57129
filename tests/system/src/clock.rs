//! The time that the shops of a test share with its hub.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use marketplace_sim::SimClock;

/// The machine's time, moved on by what the hub's clock was told.
#[derive(Clone, Default)]
pub struct SharedClock {
    ahead_ms: Arc<AtomicI64>,
}

impl SharedClock {
    #[allow(clippy::disallowed_methods, reason = "the hub's process goes by the machine's clock too")]
    pub fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_millis(self.ahead_ms.load(Ordering::SeqCst));
        Timestamp::now() + ahead
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.ahead_ms.fetch_add(i64::try_from(by.as_millis()).expect("some years"), Ordering::SeqCst);
    }

    pub fn for_shops(&self) -> SimClock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}
