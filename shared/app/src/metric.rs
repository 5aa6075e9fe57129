//! The figures that an operator's alarms look at, told as events of one target; what runs the use cases makes metrics of
//! them.
//!
//! A figure names a channel at most: never a shop, an organization, an item or a person. Each is a time series that costs
//! money, whatever its value.

use domain::ChannelKind;

/// The target of these events, apart from all that is written for people.
pub const TARGET: &str = "metric";

/// A figure. Its alarm and what to do are in `docs/operations.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// From a sync's queueing to its end.
    SyncLag,
    /// Syncs that ended as failed.
    SyncsFailed,
    /// From the message that a stock change makes to the end of the push.
    PushLatency,
    /// Listings that a channel refused a quantity for.
    ListingsFailed,
    /// Listings that the sweep found to show another number than they must.
    ListingsBehind,
    /// Listings that show another number than their channel took.
    DriftFound,
    /// Answers of a channel that it was asked too often.
    ChannelThrottles,
    /// Work that was tried until its end, or cannot be done.
    GivenUp,
    /// Push runs that wait for a person's yes.
    RunsHeld,
    /// Levels that are not what their movements make.
    LedgerDifferences,
}

impl Metric {
    pub const ALL: [Self; 10] = [
        Self::SyncLag,
        Self::SyncsFailed,
        Self::PushLatency,
        Self::ListingsFailed,
        Self::ListingsBehind,
        Self::DriftFound,
        Self::ChannelThrottles,
        Self::GivenUp,
        Self::RunsHeld,
        Self::LedgerDifferences,
    ];

    /// As CloudWatch and the template call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SyncLag => "SyncLag",
            Self::SyncsFailed => "SyncsFailed",
            Self::PushLatency => "PushLatency",
            Self::ListingsFailed => "ListingsFailed",
            Self::ListingsBehind => "ListingsBehind",
            Self::DriftFound => "DriftFound",
            Self::ChannelThrottles => "ChannelThrottles",
            Self::GivenUp => "GivenUp",
            Self::RunsHeld => "RunsHeld",
            Self::LedgerDifferences => "LedgerDifferences",
        }
    }

    /// One of CloudWatch's units.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::SyncLag | Self::PushLatency => "Milliseconds",
            _ => "Count",
        }
    }
}

/// Tells a figure. Of counts only what happened is told: no news is zero.
pub fn record(metric: Metric, channel: Option<ChannelKind>, value: u64) {
    if value == 0 {
        return;
    }
    let channel = channel.map(ChannelKind::as_str);
    tracing::info!(target: TARGET, metric = metric.name(), unit = metric.unit(), value, channel);
}

/// Milliseconds from one time to another; none if the clocks disagree.
pub fn elapsed_ms(from: domain::Timestamp, to: domain::Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}
