//! New ids, from outside: UUIDv7, so that what is made later sorts later.

use std::sync::Arc;

use domain::Timestamp;
use uuid::Uuid;

/// Makes the bodies of ids.
#[derive(Clone)]
pub struct Ids(Arc<dyn Fn(Timestamp) -> Uuid + Send + Sync>);

impl Ids {
    /// Random ones.
    pub fn random() -> Self {
        Self(Arc::new(|now| {
            let seconds = u64::try_from(now.as_second()).unwrap_or(0);
            let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
            Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos))
        }))
    }

    /// By another rule, such as a seed.
    pub fn from_fn(next: impl Fn(Timestamp) -> Uuid + Send + Sync + 'static) -> Self {
        Self(Arc::new(next))
    }

    /// 32 hex digits that sort by `now`.
    pub fn next(&self, now: Timestamp) -> String {
        (self.0)(now).simple().to_string()
    }
}
