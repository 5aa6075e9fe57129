//! From the table's stream: the listings of every item whose stock moved, or that was linked, are named to the push
//! queues of their channels.

use std::collections::BTreeSet;

use app::App;
use app::fan_out::ChangedItem;
use aws::event::{ChangeKind, StreamBatchResponse, StreamEvent, StreamRecord};
use store::changed::changed_item;

/// One batch of the stream. It is done as a whole or comes again as a whole: naming a listing twice costs a read, nothing
/// more.
pub async fn handle(app: &App, event: StreamEvent) -> StreamBatchResponse {
    let changed: BTreeSet<ChangedItem> = event.records.iter().filter_map(changed).collect();
    match (app.fan_out(&changed).await, event.records.first()) {
        (Err(error), Some(first)) => {
            tracing::error!(error = %app::sync_orders::chain(&error), "stock changes could not be passed on; tried again");
            StreamBatchResponse::failed_from(first)
        }
        _ => StreamBatchResponse::all_done(),
    }
}

/// Whether a record is for this function: the filter of `template.yaml`, for a runner that has none.
pub fn concerns(record: &StreamRecord) -> bool {
    changed(record).is_some()
}

fn changed(record: &StreamRecord) -> Option<ChangedItem> {
    let key = |name| record.dynamodb.keys.get(name)?.text();
    let inserted = record.event_name == ChangeKind::Insert;
    if record.event_name == ChangeKind::Remove {
        return None;
    }
    let (organization_id, item_id) = changed_item(key("pk")?, key("sk")?, inserted)?;
    Some(ChangedItem { organization_id, item_id })
}
