//! The Lambda function.

use std::path::Path;

use console::{ConsoleSettings, SlipFonts};
use lambda_http::Error;

/// Where a layer with fonts is: `FontLayer` of the template.
const FONTS: &str = "/opt/fonts";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = aws::start::app().await?;
    let (slip_fonts, refused) = SlipFonts::with_directory(Path::new(FONTS));
    if !refused.is_empty() {
        tracing::warn!(?refused, "fonts cannot be used");
    }
    lambda_http::run(console::router(app, ConsoleSettings { slip_fonts })).await
}
