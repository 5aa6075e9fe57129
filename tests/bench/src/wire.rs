//! From the adapters to a shop in the same process. Each call is counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use channels::Transport;
use channels::transport::TransportError;
use http::{Request, Response};
use marketplace_sim::SimulatedShop;

type Answer = Box<dyn Fn(Request<Bytes>) -> Response<Bytes> + Send + Sync>;

pub struct Wire {
    answer: Answer,
    calls: AtomicU64,
}

impl Wire {
    pub fn new(answer: impl Fn(Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { answer: Box::new(answer), calls: AtomicU64::new(0) })
    }

    pub fn to(shop: Arc<dyn SimulatedShop>) -> Arc<Self> {
        Self::new(move |request| shop.handle(request))
    }

    /// Calls since the last time asked.
    pub fn take_calls(&self) -> u64 {
        self.calls.swap(0, Ordering::SeqCst)
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok((self.answer)(request))
    }
}

/// The calls that reached the shop since the last time asked, by what they were. One that the shop refused is under its
/// status, so that it is missing where it is looked for.
pub fn by_operation(shop: &dyn SimulatedShop) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for call in shop.take_calls() {
        let name =
            if call.status == 200 { call.operation } else { format!("{} {}", call.status, call.operation) };
        *counts.entry(name).or_default() += 1;
    }
    counts
}
