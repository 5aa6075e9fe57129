//! How long what is known of a buyer is kept.
//!
//! The clock of an order's data starts when the order is over (fulfilled or void), stands still while it is open again, and
//! starts anew when it is over once more. An order that never ends does not keep its buyer for ever either.

use jiff::SignedDuration;

use crate::Timestamp;

/// After the order was fulfilled or void: features H3 and H4, and Amazon's policy for its buyers' data.
pub const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(30 * 24);
/// After the last word on an order that is still open: longer than any channel lets an order wait to be shipped.
pub const KEPT_OPEN: SignedDuration = SignedDuration::from_hours(180 * 24);

/// From when on an organization's orders fall under the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    pub starts_at: Timestamp,
}

/// Where an order stands, as far as its buyer's data is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Since the instant at which it was last heard of.
    Open(Timestamp),
    /// Since the instant at which it was fulfilled or void.
    Over(Timestamp),
}

impl Policy {
    /// When the buyer's data of an order is gone; `None`: an order from before the policy, which does not touch it.
    pub fn expires_at(self, imported_at: Timestamp, stand: Stand) -> Option<Timestamp> {
        let (from, kept) = match stand {
            Stand::Open(at) => (at, KEPT_OPEN),
            Stand::Over(at) => (at, KEPT_AFTER_END),
        };
        (imported_at >= self.starts_at).then(|| from.checked_add(kept).unwrap_or(Timestamp::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(imported_at: &str, stand: Stand, expected: Option<&str>) {
        let policy = Policy { starts_at: at("2026-02-01T00:00:00Z") };
        assert_eq!(policy.expires_at(at(imported_at), stand), expected.map(at));
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn data_is_kept_thirty_days_after_the_end_and_half_a_year_without_one() {
        let stand = at("2026-03-01T12:00:00Z");
        check("2026-02-01T00:00:00Z", Stand::Over(stand), Some("2026-03-31T12:00:00Z"));
        check("2026-02-01T00:00:00Z", Stand::Open(stand), Some("2026-08-28T12:00:00Z"));
        check("2026-01-31T23:59:59Z", Stand::Over(stand), None);
        check("2026-01-31T23:59:59Z", Stand::Open(stand), None);
        check("2026-02-01T00:00:00Z", Stand::Over(Timestamp::MAX), Some(&Timestamp::MAX.to_string()));
    }
}
