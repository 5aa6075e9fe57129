//! What happened, in words, and a number that stands for all of it.

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::time::SimulatedTime;

/// Clones write to the same trace.
#[derive(Debug, Clone)]
pub struct Trace {
    time: SimulatedTime,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Trace {
    pub fn new(time: SimulatedTime) -> Self {
        Self { time, lines: Arc::default() }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn note(&self, text: impl std::fmt::Display) {
        let ms = self.time.elapsed_ms();
        let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        let mut line = String::with_capacity(96);
        let _ = write!(line, "{h:>3}:{m:02}:{s:02}.{:03}  {text}", ms % 1_000);
        self.lines().push(line);
    }

    pub fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// FNV-1a over all lines.
    pub fn hash(&self) -> u64 {
        let mut hash = 0xCBF2_9CE4_8422_2325u64;
        for byte in self.lines().iter().flat_map(|line| line.bytes().chain([b'\n'])) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        hash
    }
}
