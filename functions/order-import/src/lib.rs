//! From the channel's order queue: orders fetched, by window or by name, and imported.

use app::{App, AppError};
use aws::event::{SqsBatchResponse, SqsEvent};
use queue::message::Task;

/// One batch of the queue. Messages that were not done are named in the answer.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    aws::worker::work_through(app, event, |app, message, attempt| {
        Box::pin(async move {
            let organization = &message.organization_id;
            match &message.task {
                Task::SyncOrders { sync_id } => app.run_order_sync(organization, sync_id, attempt).await,
                Task::FetchOrders { external_ids, trigger } => {
                    app.fetch_named_orders(organization, &message.connection_id, external_ids, *trigger).await
                }
                _ => Err(AppError::Internal("a message that order-import does not know")),
            }
        })
    })
    .await
}
