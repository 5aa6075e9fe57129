//! One JSON object a line on standard output, where Lambda takes it to the log group; figures as
//! [metrics](crate::metric), whatever the level.

use std::str::FromStr;
use std::sync::Arc;

use app::SystemClock;
use app::metric::TARGET;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::metric::{Metrics, to_stdout};

/// How much is logged, of our own code; libraries say warnings and errors only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLevel(LevelFilter);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of error, warn, info, debug and trace")]
pub struct UnknownLevel;

impl FromStr for LogLevel {
    type Err = UnknownLevel;
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let filter = match text {
            "error" => LevelFilter::ERROR,
            "warn" => LevelFilter::WARN,
            "info" => LevelFilter::INFO,
            "debug" => LevelFilter::DEBUG,
            "trace" => LevelFilter::TRACE,
            _ => return Err(UnknownLevel),
        };
        Ok(Self(filter))
    }
}

/// Prefixes of the libraries whose inner life is of no use, and may show a request's content, below a warning.
const QUIET: [&str; 8] = ["aws_", "hyper", "h2", "rustls", "reqwest", "tower", "lambda_", "axum"];

fn targets(level: LogLevel) -> Targets {
    let libraries = level.0.min(LevelFilter::WARN);
    Targets::new()
        .with_default(level.0)
        .with_targets(QUIET.map(|prefix| (prefix, libraries)))
        .with_target(TARGET, LevelFilter::OFF)
}

/// Starts logging; once in a process, later calls change nothing.
pub fn start(level: LogLevel, metric_namespace: &str) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_filter(targets(level));
    let figures = Targets::new().with_target(TARGET, LevelFilter::INFO);
    let metrics = Metrics::new(metric_namespace, Arc::new(SystemClock), to_stdout).with_filter(figures);
    let _already_started = tracing_subscriber::registry().with(lines).with(metrics).try_init();
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn knows_five_levels_in_lower_case() {
        for name in ["error", "warn", "info", "debug", "trace"] {
            assert!(name.parse::<LogLevel>().is_ok(), "{name}");
        }
        for other in ["", "INFO", "verbose", "info,aws=debug"] {
            assert_eq!(other.parse::<LogLevel>(), Err(UnknownLevel), "{other}");
        }
    }

    #[test]
    fn libraries_are_quiet_and_we_are_not() {
        let targets = targets("debug".parse().unwrap());
        for (target, level, shown) in [
            ("item_sync", Level::DEBUG, true),
            ("aws::clients", Level::DEBUG, true),
            ("app::push", Level::TRACE, false),
            ("aws_smithy_runtime::client", Level::INFO, false),
            ("aws_smithy_runtime::client", Level::WARN, true),
            ("hyper_util::client", Level::DEBUG, false),
            (TARGET, Level::INFO, false),
        ] {
            assert_eq!(targets.would_enable(target, &level), shown, "{target} {level}");
        }
        let errors_only = super::targets("error".parse().unwrap());
        assert!(!errors_only.would_enable("aws_config", &Level::WARN));
    }
}
