//! From the channel's item queue: listings fetched page by page, kept, and matched.

use app::{App, AppError};
use aws::event::{SqsBatchResponse, SqsEvent};
use queue::message::Task;

/// One batch of the queue. Messages that were not done are named in the answer.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    aws::worker::work_through(app, event, |app, message, attempt| {
        Box::pin(async move {
            match &message.task {
                Task::SyncItems { sync_id } => {
                    app.run_item_sync(&message.organization_id, sync_id, attempt).await
                }
                _ => Err(AppError::Internal("a message that item-sync does not know")),
            }
        })
    })
    .await
}
