//! The Lambda function.

use aws::event::StreamEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let bus = aws::start::event_bus().await?;
    let bus = &bus;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<StreamEvent>| async move {
        Ok::<_, Error>(event_publish::handle(bus, event.payload).await)
    }))
    .await
}
