//! Which call a request belongs to: what its `ClientRequestToken` and its waits are made of.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest;

use crate::StoreError;
use crate::transact::Step;

/// The calls of one process, told apart from each other and from those of every other process.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    process: OnceLock<[u8; 16]>,
    made: AtomicU64,
}

impl Requests {
    /// Of a process that is known by this and not by chance.
    pub fn of(process: [u8; 16]) -> Self {
        Self { process: OnceLock::from(process), made: AtomicU64::new(0) }
    }

    pub fn next(&self) -> Result<Request, StoreError> {
        let process = match self.process.get() {
            Some(process) => *process,
            None => {
                let mut random = [0; 16];
                aws_lc_rs::rand::fill(&mut random).map_err(|error| StoreError::Unavailable {
                    operation: "draw a request token",
                    source: Box::new(error),
                })?;
                *self.process.get_or_init(|| random)
            }
        };
        Ok(Request { process, call: self.made.fetch_add(1, Ordering::Relaxed) })
    }
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    process: [u8; 16],
    call: u64,
}

impl Request {
    /// 36 characters at most. Of the content, so that no two contents share one; of the call, so that a call made twice
    /// is two calls, the second of which meets the condition that the first has made false; and of the process, so that
    /// two functions that count their calls alike do not take each other's answers.
    pub fn token(self, steps: &[Step]) -> String {
        let Self { process, call } = self;
        let digest = digest::digest(&digest::SHA256, format!("{process:?}{call}{steps:?}").as_bytes());
        digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// For [`Backoff::new`](crate::retry::Backoff::new). Not of the content or the key, which may hold what is random (a
    /// sealed value, a keyed hash, a map without an order): a process that is known waits the same way twice.
    pub fn seed(self) -> u64 {
        // FNV-1a.
        let bytes = self.process.into_iter().chain(self.call.to_be_bytes());
        bytes
            .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
    }
}
