//! The Lambda function.

use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = aws::start::app().await?;
    lambda_http::run(webhook_intake::router(app)).await
}
