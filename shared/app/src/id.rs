//! New ids, from outside: UUIDv7, so that what is made later sorts later.

use std::sync::Arc;

use domain::Timestamp;
use uuid::Uuid;

/// The same for the same request: sorts by `first_at` as others do, the rest is the request's.
pub fn of_request(first_at: Timestamp, request: &str) -> String {
    let millis = u64::try_from(first_at.as_millisecond()).unwrap_or(0);
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, request.as_bytes());
    let mut rest = [0; 10];
    for (to, from) in rest.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid().simple().to_string()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_id_and_it_sorts_by_its_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(of_request(at(1_000), "a"), of_request(at(1_000), "a"));
        assert_ne!(of_request(at(1_000), "a"), of_request(at(1_000), "b"));
        assert!(of_request(at(1_000), "b") < of_request(at(1_001), "a"));
        assert!(of_request(at(1_000), "b") < Ids::random().next(at(1_001)));
    }
}
