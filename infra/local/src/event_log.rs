//! On one machine domain events go to the log, at the level `debug`.

use app::event_bus::{BusError, EventBus};
use async_trait::async_trait;
use domain::event::Event;

pub struct EventLog;

#[async_trait]
impl EventBus for EventLog {
    async fn tell(&self, events: &[Event]) -> Result<(), BusError> {
        for event in events {
            let detail = serde_json::to_string(event).unwrap_or_default();
            tracing::debug!(target: "event", name = event.kind.name(), %detail, "told");
        }
        Ok(())
    }
}
