//! From the channel's shipment queue: shipments made here, told to the channels of their orders.

use app::{App, AppError};
use aws::event::{SqsBatchResponse, SqsEvent};
use queue::message::Task;

/// One batch of the queue. Messages that were not done are named in the answer.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    aws::worker::work_through(app, event, |app, message, attempt| {
        Box::pin(async move {
            match &message.task {
                Task::PushShipments => {
                    app.push_shipments(&message.organization_id, &message.connection_id, attempt).await
                }
                _ => Err(AppError::Internal("a message that shipment-push does not know")),
            }
        })
    })
    .await
}
