//! A bucket for each operation, with the rates and bursts that Amazon publishes for it.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Amazon's name of the operation, calls a second in ten-thousandths, and burst: the usage plans of the official models,
/// August 2026.
pub const PUBLISHED: [(&str, i64, i64); 25] = [
    ("getMarketplaceParticipations", 160, 15),
    ("searchListingsItems", 50_000, 5),
    ("getListingsItem", 50_000, 10),
    ("patchListingsItem", 50_000, 5),
    ("searchOrders", 56, 20),
    ("getOrder", 5_000, 30),
    ("confirmShipment", 20_000, 10),
    ("createFeedDocument", 5_000, 15),
    ("createFeed", 83, 15),
    ("getFeed", 20_000, 15),
    ("getFeedDocument", 222, 10),
    ("createReport", 167, 15),
    ("getReport", 20_000, 15),
    ("getReportDocument", 167, 15),
    ("getInventorySummaries", 20_000, 2),
    ("createFulfillmentOrder", 20_000, 30),
    ("getFulfillmentOrder", 20_000, 30),
    ("listAllFulfillmentOrders", 20_000, 30),
    ("cancelFulfillmentOrder", 20_000, 30),
    ("getShipment", 20_000, 6),
    ("listShipmentItems", 20_000, 30),
    ("getSubscription", 10_000, 5),
    ("createSubscription", 10_000, 5),
    ("getDestinations", 10_000, 5),
    ("createDestination", 10_000, 5),
];

/// In ten-millionths of a call, so that a millisecond of any rate is a whole number.
const CALL: i64 = 10_000_000;

#[derive(Debug, Default)]
pub(super) struct Buckets {
    /// Of this account, in place of what is published.
    pub rates: BTreeMap<&'static str, i64>,
    /// What is available, as of when.
    taken: BTreeMap<&'static str, (i64, Timestamp)>,
}

impl Buckets {
    /// Takes one call; `false` where there is none.
    pub fn take(&mut self, operation: &str, now: Timestamp) -> bool {
        let Some((name, published, burst)) = PUBLISHED.iter().find(|(name, ..)| *name == operation) else {
            return true;
        };
        let rate = self.rates.get(name).unwrap_or(published);
        let capacity = burst * CALL;
        let (available, as_of) = self.taken.entry(name).or_insert((capacity, now));
        let passed_ms = i64::try_from(now.duration_since(*as_of).as_millis()).unwrap_or(0).max(0);
        *available = available.saturating_add(rate.saturating_mul(passed_ms)).min(capacity);
        *as_of = now.max(*as_of);
        let there = *available >= CALL;
        if there {
            *available -= CALL;
        }
        there
    }

    /// `x-amzn-RateLimit-Limit`.
    pub fn rate(&self, operation: &str) -> Option<String> {
        let (name, published, _) = PUBLISHED.iter().find(|(name, ..)| *name == operation)?;
        let rate = self.rates.get(name).unwrap_or(published);
        let text = format!("{}.{:04}", rate / 10_000, rate % 10_000);
        let text = text.trim_end_matches('0');
        Some(if text.ends_with('.') { format!("{text}0") } else { text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_refills_at_the_published_rate() {
        let at = |ms: i64| Timestamp::from_millisecond(ms).unwrap();
        let mut buckets = Buckets::default();
        assert!((0..20).all(|_| buckets.take("searchOrders", at(0))));
        assert!(!buckets.take("searchOrders", at(178_571)));
        assert!(buckets.take("searchOrders", at(178_572)));
        assert!(!buckets.take("searchOrders", at(178_572)));
        assert_eq!(buckets.rate("searchOrders").as_deref(), Some("0.0056"));
        assert_eq!(buckets.rate("getListingsItem").as_deref(), Some("5.0"));
        buckets.rates.insert("getListingsItem", 600);
        assert_eq!(buckets.rate("getListingsItem").as_deref(), Some("0.06"));
    }
}
