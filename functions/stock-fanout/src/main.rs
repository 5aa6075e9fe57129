//! The Lambda function.

use aws::event::StreamEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = aws::start::app().await?;
    let app = &app;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<StreamEvent>| async move {
        Ok::<_, Error>(stock_fanout::handle(app, event.payload).await)
    }))
    .await
}
