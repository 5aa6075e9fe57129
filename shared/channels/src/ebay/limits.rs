//! eBay's published limits, each API's own, as lanes of the connection's budgets.
//!
//! eBay counts calls per application and day, all merchants together, and starts anew at midnight in California. A lane
//! keeps one connection in one process within the whole of it; how several share it is for whoever runs them.

use domain::Timestamp;

use crate::Lane;

/// Calls of an application in a day. The burst is small, so that a large push takes the time that the quota allows.
pub static INVENTORY: Lane = Lane::of_a_day("inventory", INVENTORY_CALLS, 10);
pub const INVENTORY_CALLS: i64 = 2_000_000;

pub static FULFILLMENT: Lane = Lane::of_a_day("fulfillment", FULFILLMENT_CALLS, 500);
pub const FULFILLMENT_CALLS: i64 = 100_000;

pub static NOTIFICATION: Lane = Lane::of_a_day("notification", NOTIFICATION_CALLS, 100);
pub const NOTIFICATION_CALLS: i64 = 10_000;

pub static TRADING: Lane = Lane::of_a_day("trading", TRADING_CALLS, 100);
pub const TRADING_CALLS: i64 = 5_000;

/// Tokens for the application itself. Asked for rarely, and cached.
pub static APPLICATION_TOKENS: Lane = Lane::of_a_day("application_tokens", APPLICATION_TOKENS_CALLS, 10);
pub const APPLICATION_TOKENS_CALLS: i64 = 1_000;

/// Keys to verify notifications with: whoever forges one can make us ask, so this is far less than the API's quota.
pub static KEYS: Lane = Lane::of_a_day("keys", 1_000, 10);

/// Revisions of one listing, all its variations together, in a calendar day.
pub const REVISIONS: u32 = 250;

/// Of these, kept for telling a listing that nothing is left: the number that prevents an oversale.
pub const REVISIONS_FOR_ZERO: u32 = 25;

/// Where eBay's day begins.
const ZONE: &str = "America/Los_Angeles";

/// The number of eBay's calendar day, counted from an arbitrary one.
pub fn day(now: Timestamp) -> i64 {
    match now.in_tz(ZONE) {
        Ok(local) => i64::from(local.year()) * 366 + i64::from(local.day_of_year()),
        Err(_) => now.as_second().div_euclid(86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_begins_at_midnight_in_california() {
        let day = |text: &str| day(text.parse().unwrap());
        assert_eq!(day("2026-11-21T08:00:00Z"), day("2026-11-22T07:59:59Z"));
        assert_eq!(day("2026-11-22T07:59:59Z") + 1, day("2026-11-22T08:00:00Z"));
        assert!(day("2026-12-31T12:00:00Z") < day("2027-01-01T12:00:00Z"));
        // In summer an hour earlier.
        assert!(day("2026-07-01T06:59:59Z") < day("2026-07-01T07:00:00Z"));
    }
}
