//! From the channel's push queue: listings brought to the quantity that they must show now.

use app::{App, AppError};
use aws::event::{SqsBatchResponse, SqsEvent};
use queue::message::Task;

/// One batch of the queue. Messages that were not done are named in the answer.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    aws::worker::work_through(app, event, |app, message, attempt| {
        Box::pin(async move {
            let organization = &message.organization_id;
            match &message.task {
                Task::PushListings { targets, force } => {
                    let targets = targets.clone();
                    app.push_listings(organization, &message.connection_id, targets, *force, attempt).await?;
                    Ok(())
                }
                Task::SettleSubmission { ticket, targets, force } => {
                    let connection = &message.connection_id;
                    app.settle_submission(organization, connection, ticket, targets, *force, attempt).await
                }
                Task::SweepStock { sync_id } => app.run_stock_sync(organization, sync_id, attempt).await,
                Task::Reconcile { sync_id } => app.run_reconcile(organization, sync_id, attempt).await,
                _ => Err(AppError::Internal("a message that stock-push does not know")),
            }
        })
    })
    .await
}
