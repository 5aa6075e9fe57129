//! Waiting for what the hub does by itself.

use std::time::{Duration, Instant};

/// How long a change may take to come through, in a debug build on a busy machine. «Within seconds» is what users see;
/// this is only where a test gives up.
pub const SOON: Duration = Duration::from_secs(120);

const STEP: Duration = Duration::from_millis(50);

/// Looks every 50 ms until `look` has found it; after `deadline` fails with what it said last.
///
/// The one place where a test waits on real time: the hub is another process, and nothing in its contract tells when it
/// has done what it does by itself.
pub async fn eventually<T>(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let started = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(so_far) if started.elapsed() > deadline => {
                panic!("not within {deadline:?}: {what}; at last: {so_far}")
            }
            Err(_) => tokio::time::sleep(STEP).await,
        }
    }
}
