//! The Lambda function.

use aws::event::ScheduleEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = aws::start::app().await?;
    let app = &app;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<ScheduleEvent>| async move {
        schedule_dispatch::handle(app, event.payload).await.map_err(Error::from)
    }))
    .await
}
