//! Domain events onto an EventBridge bus.
//!
//! Names: source [`SOURCE`], the event's name as the detail's type, the event as the detail. EventBridge takes ten
//! entries of 256 KB together in one call; ours have a few hundred bytes.

use app::event_bus::{BusError, EventBus};
use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use domain::event::Event;

/// What rules on the bus match by.
pub const SOURCE: &str = "masterstock";

/// Entries of one call.
const CALL_MAX: usize = 10;

pub struct EventBridge {
    client: Client,
    /// Name or ARN.
    bus: String,
}

impl EventBridge {
    pub fn new(client: Client, bus: String) -> Self {
        Self { client, bus }
    }
}

#[async_trait]
impl EventBus for EventBridge {
    async fn tell(&self, events: &[Event]) -> Result<(), BusError> {
        let failed = |refused, source| BusError { refused, of: events.len(), source };
        for part in events.chunks(CALL_MAX) {
            let mut request = self.client.put_events();
            for event in part {
                let detail = serde_json::to_string(event).map_err(|error| failed(1, Some(error.into())))?;
                request = request.entries(
                    PutEventsRequestEntry::builder()
                        .event_bus_name(&self.bus)
                        .source(SOURCE)
                        .detail_type(event.kind.name())
                        .detail(detail)
                        .build(),
                );
            }
            let answer = request.send().await.map_err(|error| failed(part.len(), Some(error.into())))?;
            match usize::try_from(answer.failed_entry_count()) {
                Ok(0) => {}
                refused => return Err(failed(refused.unwrap_or(part.len()), None)),
            }
        }
        Ok(())
    }
}
