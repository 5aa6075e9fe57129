//! Time: the runtime's own paused clock, so that whoever sleeps on it and whoever asks us for the time agree.

use std::time::Duration;

use app::Clock;
use async_trait::async_trait;
use domain::Timestamp;
use jiff::SignedDuration;
use tokio::time::Instant;

/// 2026-03-02T09:00:00Z.
const START_MS: i64 = 1_772_442_000_000;

/// Made within the runtime whose time it shows.
#[derive(Debug, Clone, Copy)]
pub struct SimulatedTime {
    began: Instant,
    ahead_ms: i64,
}

impl SimulatedTime {
    pub fn begin() -> Self {
        Self { began: Instant::now(), ahead_ms: 0 }
    }

    /// The clock of a process that is this much ahead of the others.
    pub fn ahead_by(self, ahead_ms: i64) -> Self {
        Self { ahead_ms, ..self }
    }

    /// Milliseconds since the beginning of the run.
    pub fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap()
    }

    /// By a clock that is wrong by this.
    pub fn wrong_by(&self, wrong_s: i64) -> Timestamp {
        self.now().checked_add(SignedDuration::from_secs(wrong_s)).unwrap()
    }
}

#[async_trait]
impl Clock for SimulatedTime {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(START_MS + self.elapsed_ms() + self.ahead_ms).unwrap()
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}
