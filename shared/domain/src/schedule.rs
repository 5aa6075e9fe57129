//! When a connection is synced, and which window of time a sync covers.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{ChannelKind, Timestamp};

/// How often a connection is synced: exactly these eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct SyncInterval(u16);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of 30, 60, 90, 120, 150, 180, 210 and 240 minutes")]
pub struct InvalidInterval;

impl SyncInterval {
    /// In minutes.
    pub const ALL: [u16; 8] = [30, 60, 90, 120, 150, 180, 210, 240];

    pub fn minutes(self) -> u16 {
        self.0
    }

    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.0))
    }
}

impl Default for SyncInterval {
    fn default() -> Self {
        Self(240)
    }
}

impl TryFrom<u16> for SyncInterval {
    type Error = InvalidInterval;
    fn try_from(minutes: u16) -> Result<Self, InvalidInterval> {
        if Self::ALL.contains(&minutes) { Ok(Self(minutes)) } else { Err(InvalidInterval) }
    }
}

impl From<SyncInterval> for u16 {
    fn from(interval: SyncInterval) -> u16 {
        interval.0
    }
}

/// How long after connecting the first sync starts: 30 minutes, so that a merchant can set rules before anything
/// moves (15 for Amazon).
pub fn first_sync_after(channel: ChannelKind) -> SignedDuration {
    match channel {
        ChannelKind::Amazon => SignedDuration::from_mins(15),
        ChannelKind::Ebay | ChannelKind::Etsy | ChannelKind::Shopify | ChannelKind::Woocommerce => {
            SignedDuration::from_mins(30)
        }
    }
}

/// The next time on the connection's own grid after `now`: a late run does not shift those that follow, and what was
/// missed while nothing ran is not made up one by one.
pub fn next_sync_at(due: Timestamp, interval: SyncInterval, now: Timestamp) -> Timestamp {
    let step = interval.duration().as_millis().max(1);
    let late = now.duration_since(due).as_millis().max(0);
    let steps = i64::try_from(late / step + 1).unwrap_or(1);
    let ahead =
        interval.duration().checked_mul(i32::try_from(steps).unwrap_or(1)).unwrap_or(interval.duration());
    due.checked_add(ahead).unwrap_or(now)
}

/// A half-open period `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub from: Timestamp,
    pub to: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWindow {
    #[error("must end after it begins")]
    Empty,
    #[error("must not be longer than two years")]
    TooLong,
}

impl Window {
    /// Two years, of 366 days.
    pub const LENGTH_MAX: SignedDuration = SignedDuration::from_hours(2 * 366 * 24);

    /// How far a window reaches back into the one before: channels' lists are eventually consistent and their clocks
    /// are not ours.
    pub const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

    pub fn new(from: Timestamp, to: Timestamp) -> Result<Self, InvalidWindow> {
        if to <= from {
            return Err(InvalidWindow::Empty);
        }
        if to.duration_since(from) > Self::LENGTH_MAX {
            return Err(InvalidWindow::TooLong);
        }
        Ok(Self { from, to })
    }

    /// How far a window that ends now is asked for beyond: what changes while its pages are read belongs to it, and the
    /// channel's clock may be ahead of what we heard.
    pub const AHEAD: SignedDuration = SignedDuration::from_hours(24);

    /// The same window, open at its end.
    pub fn open_ended(self) -> Self {
        Self { from: self.from, to: self.to.checked_add(Self::AHEAD).unwrap_or(self.to) }
    }

    /// From where the last complete window ended, less the overlap, to now.
    pub fn since(watermark: Timestamp, now: Timestamp) -> Self {
        let from = watermark.checked_sub(Self::OVERLAP).unwrap_or(watermark);
        Self { from, to: now.max(watermark) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn exactly_eight_intervals() {
        let taken: Vec<u16> = (0..=1000).filter(|m| SyncInterval::try_from(*m).is_ok()).collect();
        assert_eq!(taken, SyncInterval::ALL);
        assert_eq!(SyncInterval::default().minutes(), 240);
    }

    #[test]
    fn a_window_is_bounded() {
        assert_eq!(Window::new(at(5), at(5)), Err(InvalidWindow::Empty));
        assert_eq!(Window::new(at(0), at(3 * 366 * 86_400)), Err(InvalidWindow::TooLong));
        assert!(Window::new(at(0), at(1)).is_ok());
    }

    proptest! {
        #[test]
        fn the_next_sync_is_ahead_on_the_same_grid(due in 0i64..1_000_000_000, late in 0i64..10_000_000, which in 0usize..8) {
            let interval = SyncInterval::try_from(SyncInterval::ALL[which]).unwrap();
            let (due, now) = (at(due), at(due + late));
            let next = next_sync_at(due, interval, now);
            let step = interval.duration().as_secs();
            prop_assert!(next > now);
            prop_assert!(next.duration_since(now).as_secs() <= step);
            prop_assert_eq!(next.duration_since(due).as_secs() % step, 0);
        }

        /// Windows that follow each other leave nothing out.
        #[test]
        fn windows_overlap(steps in prop::collection::vec(1i64..100_000, 1..10)) {
            let mut watermark = at(1_000_000);
            for step in steps {
                let now = watermark.checked_add(SignedDuration::from_secs(step)).unwrap();
                let window = Window::since(watermark, now);
                prop_assert!(window.from < watermark && window.to == now);
                watermark = window.to;
            }
        }
    }
}
