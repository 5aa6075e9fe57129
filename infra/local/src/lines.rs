//! What the local run says while it works: a line a step, for a person.

use std::fmt::Write as _;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// `stock-push    quantities sent: shop=Own shop listings=2 accepted=2`, with a mark before what is wrong.
pub struct Lines;

#[derive(Default)]
struct Parts {
    message: String,
    fields: String,
}

impl Visit for Parts {
    fn record_str(&mut self, field: &Field, value: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.fields, " {}={value}", field.name());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut parts = Parts::default();
        event.record(&mut parts);
        let mark = match *event.metadata().level() {
            Level::ERROR => "ERROR ",
            Level::WARN => "WARN  ",
            _ => "",
        };
        let target = event.metadata().target();
        let target = target.split("::").next().unwrap_or(target);
        let colon = if parts.fields.is_empty() { "" } else { ":" };
        writeln!(out, "{mark}{target:<13} {}{colon}{}", parts.message, parts.fields)
    }
}
