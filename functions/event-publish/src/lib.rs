//! From the table's stream: what was stored is told to the merchant's own software, as domain events.
//!
//! Their schema: `docs/events.md`.

use app::event_bus::EventBus;
use aws::event::{StreamBatchResponse, StreamEvent, StreamRecord};
use aws::image::to_row;
use domain::event::Event;
use store::happened::{RowChange, happened, is_told_of};

/// One batch of the stream. It is told as a whole or comes again as a whole: an event told twice has the same id.
pub async fn handle(bus: &dyn EventBus, event: StreamEvent) -> StreamBatchResponse {
    let first = event.records.first().cloned();
    let events: Vec<Event> = event.records.into_iter().filter(concerns).flat_map(told).collect();
    if events.is_empty() {
        return StreamBatchResponse::all_done();
    }
    match (bus.tell(&events).await, first) {
        (Err(error), Some(first)) => {
            tracing::error!(error = %app::sync_orders::chain(&error), "events could not be told; tried again");
            StreamBatchResponse::failed_from(&first)
        }
        _ => StreamBatchResponse::all_done(),
    }
}

/// Whether a record is for this function: the filter of `template.yaml`, for a runner that has none.
pub fn concerns(record: &StreamRecord) -> bool {
    let key = |name: &str| record.dynamodb.keys.get(name).and_then(|value| value.text());
    matches!((key("pk"), key("sk")), (Some(pk), Some(sk)) if is_told_of(pk, sk))
}

/// A row that cannot be read is reported and passed over: it would hold up all behind it.
fn told(record: StreamRecord) -> Vec<Event> {
    let id = record.event_id;
    let read = || -> Result<Vec<Event>, Box<dyn std::error::Error + Send + Sync>> {
        let before = record.dynamodb.old_image.map(to_row).transpose()?;
        let after = record.dynamodb.new_image.map(to_row).transpose()?;
        Ok(happened(RowChange { id: id.clone(), before, after })?)
    };
    read().unwrap_or_else(|error| {
        tracing::error!(change = %id, error = %app::sync_orders::chain(error.as_ref()), "a change cannot be read; no event is told of it");
        Vec::new()
    })
}
