//! The Lambda function.

use std::path::Path;

use api::{ApiSettings, SlipFonts};
use lambda_http::Error;
use secrecy::ExposeSecret;

/// Where a layer with fonts is: `FontLayer` of the template.
const FONTS: &str = "/opt/fonts";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (app, operator_key) = aws::start::app_with_operator_key().await?;
    let (slip_fonts, refused) = SlipFonts::with_directory(Path::new(FONTS));
    if !refused.is_empty() {
        tracing::warn!(?refused, "fonts cannot be used");
    }
    let operator_key_digest = Some(app::secret::digest(operator_key.expose_secret()));
    lambda_http::run(api::router(app, ApiSettings { operator_key_digest, slip_fonts })).await
}
