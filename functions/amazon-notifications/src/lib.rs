//! From the queue that Amazon writes to: what changed for a seller, as a hint to each connection of that seller.

use std::collections::BTreeSet;

use app::App;
use app::intake::IntakeError;
use aws::batch::response;
use aws::event::{SqsBatchResponse, SqsEvent};
use domain::ChannelKind;

/// One batch of the queue, which has no order: each message stands for itself. What could not be read or queued is named
/// in the answer; tried in vain it becomes a dead letter, and the next order sync fetches the same.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    let mut done = BTreeSet::new();
    for record in &event.records {
        let message_id = &record.message_id;
        match app.take_account_notification(ChannelKind::Amazon, record.body.as_bytes()).await {
            Ok(()) => {
                done.insert(message_id.clone());
            }
            Err(error @ (IntakeError::Refused(_) | IntakeError::NoConnection)) => {
                tracing::error!(message_id, error = %app::sync_orders::chain(&error), "a notification cannot be read");
            }
            Err(error @ IntakeError::Failed(_)) => {
                tracing::warn!(message_id, error = %app::sync_orders::chain(&error), "a notification could not be queued; it comes again");
            }
        }
    }
    response(&event, &done)
}
