//! What eBay lets an application do in a day, which begins at midnight in California.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Api {
    Inventory,
    Fulfillment,
    Notification,
    Trading,
    /// Tokens for the application itself.
    ApplicationTokens,
    RefreshedTokens,
}

/// Revisions of a listing in a day.
pub(super) const REVISIONS: u32 = 250;

#[derive(Debug)]
pub(super) struct Quota {
    limits: BTreeMap<Api, u64>,
    day: String,
    used: BTreeMap<Api, u64>,
    revised: BTreeMap<String, u32>,
}

impl Quota {
    pub fn new() -> Self {
        let limits = BTreeMap::from([
            (Api::Inventory, 2_000_000),
            (Api::Fulfillment, 100_000),
            (Api::Notification, 10_000),
            (Api::Trading, 5_000),
            (Api::ApplicationTokens, 1_000),
            (Api::RefreshedTokens, 50_000),
        ]);
        Self { limits, day: String::new(), used: BTreeMap::new(), revised: BTreeMap::new() }
    }

    pub fn limit(&mut self, api: Api, calls: u64) {
        self.limits.insert(api, calls);
    }

    fn turn(&mut self, now: Timestamp) {
        let day = now.in_tz("America/Los_Angeles").expect("a zone").date().to_string();
        if self.day != day {
            self.day = day;
            self.used.clear();
            self.revised.clear();
        }
    }

    /// Counts a call, if there is one left.
    pub fn admits(&mut self, api: Api, now: Timestamp) -> bool {
        self.turn(now);
        let used = self.used.entry(api).or_default();
        let left = *used < self.limits[&api];
        *used += u64::from(left);
        left
    }

    /// Counts a revision of a listing, if there is one left.
    pub fn may_revise(&mut self, listing: &str, now: Timestamp) -> bool {
        self.turn(now);
        let revised = self.revised.entry(listing.to_owned()).or_default();
        let left = *revised < REVISIONS;
        *revised += u32::from(left);
        left
    }
}
