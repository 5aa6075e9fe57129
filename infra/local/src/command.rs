//! What `cargo run` does, from the command line to the end of the process.

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::lines::Lines;
use crate::options::Options;
use crate::{Started, start};

/// Runs until SIGTERM or Ctrl-C.
pub async fn run() -> anyhow::Result<()> {
    let options = Options::parse();
    // Ours at info; of the libraries only what is wrong.
    let quiet = ["aws_config", "aws_smithy_runtime", "hyper", "hyper_util", "reqwest", "dynoxide"];
    let levels = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_targets(quiet.into_iter().map(|library| (library, LevelFilter::ERROR)))
        // Nobody takes metrics of them here; what they count is logged for people too.
        .with_target(app::metric::TARGET, LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).event_format(Lines);
    tracing_subscriber::registry().with(lines).with(levels).init();

    let started = start(&options).await?;
    announce(&options, &started)?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    tracing::info!("stopping: what is in flight is ended first");
    started.stop().await;
    Ok(())
}

/// For the user's eyes, and for scripts: on standard output, each on a line of its own.
fn announce(options: &Options, started: &Started) -> std::io::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "Listening on http://{}", started.address)?;
    writeln!(out, "Console: open the same address in a browser and sign in with an API key")?;
    if let Some(keys) = &started.keys {
        writeln!(out, "API key: {}", keys.api)?;
        writeln!(out, "Operator key: {}", keys.operator)?;
        writeln!(out, "Keep both: they are shown once. --show-keys makes new ones.")?;
    }
    for shop in &started.practice {
        writeln!(out, "Practice shop: {shop}")?;
    }
    writeln!(out, "Data: {}", options.data_dir.display())?;
    if started.demo {
        writeln!(out, "Demo: simulated shops sell by themselves; --no-demo starts without them.")?;
    }
    out.flush()
}
