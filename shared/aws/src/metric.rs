//! Figures as CloudWatch's embedded metric format: a line of the log from which CloudWatch makes metrics, without a call.
//!
//! No dimension: each combination of dimensions is a metric of its own, paid by the month. The channel stands beside the
//! figure, where a query of the log finds it.

use std::io::Write;
use std::sync::Arc;

use app::Clock;
use app::metric::TARGET;
use domain::Timestamp;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Writes each figure as a line.
pub struct Metrics<W> {
    namespace: String,
    clock: Arc<dyn Clock>,
    writer: W,
}

impl<W> Metrics<W> {
    pub fn new(namespace: &str, clock: Arc<dyn Clock>, writer: W) -> Self {
        Self { namespace: namespace.to_owned(), clock, writer }
    }
}

impl<S: Subscriber, W: Fn(&str) + 'static> Layer<S> for Metrics<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != TARGET {
            return;
        }
        let mut figure = Figure::default();
        event.record(&mut figure);
        if let Some(line) = figure.line(&self.namespace, self.clock.now()) {
            (self.writer)(&line);
        }
    }
}

/// To standard output, a line at once, so that lines of others do not run into it.
pub fn to_stdout(line: &str) {
    // Nobody could be told that nobody is told.
    let _lost = std::io::stdout().lock().write_all(line.as_bytes());
}

#[derive(Default)]
struct Figure {
    metric: Option<String>,
    unit: Option<String>,
    value: Option<u64>,
    channel: Option<String>,
}

impl Figure {
    fn line(self, namespace: &str, now: Timestamp) -> Option<String> {
        let (metric, unit, value) = (self.metric?, self.unit?, self.value?);
        let mut line = Map::new();
        line.insert(
            "_aws".into(),
            json!({
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": namespace,
                    "Dimensions": [[]],
                    "Metrics": [{"Name": metric, "Unit": unit}],
                }],
            }),
        );
        line.insert(metric, value.into());
        if let Some(channel) = self.channel {
            line.insert("channel".into(), channel.into());
        }
        Some(format!("{}\n", Value::Object(line)))
    }
}

impl Visit for Figure {
    fn record_str(&mut self, field: &Field, text: &str) {
        match field.name() {
            "metric" => self.metric = Some(text.to_owned()),
            "unit" => self.unit = Some(text.to_owned()),
            "channel" => self.channel = Some(text.to_owned()),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, number: u64) {
        if field.name() == "value" {
            self.value = Some(number);
        }
    }

    /// Nothing else is a figure's: whatever is said beside it stays out of the line.
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use app::metric::{Metric, record};
    use async_trait::async_trait;
    use domain::ChannelKind;
    use tracing_subscriber::prelude::*;

    use super::*;

    struct Noon;

    #[async_trait]
    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            "2026-06-01T12:00:00Z".parse().unwrap()
        }
        async fn sleep(&self, _: Duration) {}
    }

    fn lines(tell: impl FnOnce()) -> Vec<Value> {
        let written = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&written);
        let writer = move |line: &str| into.lock().unwrap().push_str(line);
        let metrics = Metrics::new("Masterstock/prod", Arc::new(Noon), writer);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(metrics), tell);
        let text = written.lock().unwrap().clone();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_figure_is_a_line_of_the_embedded_format() {
        let lines = lines(|| record(Metric::PushLatency, Some(ChannelKind::Shopify), 1_250));
        assert_eq!(
            lines,
            [json!({
                "_aws": {
                    "Timestamp": 1_780_315_200_000_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "Masterstock/prod",
                        "Dimensions": [[]],
                        "Metrics": [{"Name": "PushLatency", "Unit": "Milliseconds"}],
                    }],
                },
                "PushLatency": 1_250,
                "channel": "shopify",
            })]
        );
    }

    #[test]
    fn every_figure_is_written_and_zero_is_not() {
        let lines = lines(|| {
            for metric in Metric::ALL {
                record(metric, None, 7);
                record(metric, None, 0);
            }
        });
        let names: Vec<&str> = Metric::ALL.into_iter().map(Metric::name).collect();
        assert_eq!(lines.len(), names.len());
        for (line, name) in lines.iter().zip(names) {
            assert_eq!(line[name], 7, "{name}");
            assert_eq!(line.as_object().unwrap().len(), 2, "{name} has more than itself");
        }
    }

    #[test]
    fn nothing_but_figures_gets_into_the_lines() {
        let lines = lines(|| {
            tracing::info!(target: "stock-push", metric = "Stolen", unit = "Count", value = 1_u64, "no figure");
            tracing::info!(target: TARGET, metric = "GivenUp", unit = "Count", value = 1_u64, buyer = "name", "text");
        });
        assert_eq!(lines.len(), 1);
        assert!(!lines[0].to_string().contains("name\"") && !lines[0].to_string().contains("text"));
    }
}
