//! The Lambda function.

use api::ApiSettings;
use lambda_http::Error;
use secrecy::ExposeSecret;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (app, operator_key) = aws::start::app_with_operator_key().await?;
    let operator_key_digest = Some(app::secret::digest(operator_key.expose_secret()));
    lambda_http::run(api::router(app, ApiSettings { operator_key_digest })).await
}
