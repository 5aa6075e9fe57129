//! A channel's own locations: which of ours is shown at which of them, and how a listing's number is handed out.
//!
//! The number itself is decided by [`allocate`](crate::availability::allocate) alone; a [`LocationSplit`] is made of it and
//! sums to it by construction.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::stock::Level;
use crate::{LocationId, Quantity};

/// Where a channel counts stock, by the channel's own id: 1 to 100 bytes without spaces.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChannelLocationId(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 100 bytes without spaces")]
pub struct InvalidChannelLocationId;

impl ChannelLocationId {
    const BYTES_MAX: usize = 100;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChannelLocationId {
    type Err = InvalidChannelLocationId;
    fn from_str(text: &str) -> Result<Self, InvalidChannelLocationId> {
        let fits = !text.is_empty() && text.len() <= Self::BYTES_MAX;
        if fits && !text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidChannelLocationId)
    }
}

impl TryFrom<String> for ChannelLocationId {
    type Error = InvalidChannelLocationId;
    fn try_from(text: String) -> Result<Self, InvalidChannelLocationId> {
        text.parse()
    }
}

impl From<ChannelLocationId> for String {
    fn from(id: ChannelLocationId) -> String {
        id.0
    }
}

impl fmt::Display for ChannelLocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ChannelLocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One of our locations and where its stock is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedLocation {
    #[serde(rename = "l")]
    pub location_id: LocationId,
    #[serde(rename = "c")]
    pub channel_location_id: ChannelLocationId,
}

/// Which of our locations is shown at which of the channel's, in the order in which a number is handed out: each of ours
/// once, several to one. Empty: the channel is told one number a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<MappedLocation>", into = "Vec<MappedLocation>")]
pub struct ChannelLocations(Vec<MappedLocation>);

/// What is wrong with a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChannelLocations {
    #[error("must not have more than {} entries", ChannelLocations::MAX)]
    TooMany,
    /// The entry at this position names a location once more.
    #[error("must not name a location twice")]
    Twice(usize),
}

impl ChannelLocations {
    /// With what was told before, a listing's quantities stay below the fewest that any channel takes in one call (250).
    pub const MAX: usize = 100;

    pub fn new(mapped: Vec<MappedLocation>) -> Result<Self, InvalidChannelLocations> {
        if mapped.len() > Self::MAX {
            return Err(InvalidChannelLocations::TooMany);
        }
        let mut seen = BTreeSet::new();
        match mapped.iter().position(|one| !seen.insert(&one.location_id)) {
            Some(position) => Err(InvalidChannelLocations::Twice(position)),
            None => Ok(Self(mapped)),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, MappedLocation> {
        self.0.iter()
    }

    /// Where the stock of one of ours is shown.
    pub fn shown_at(&self, location: &LocationId) -> Option<&ChannelLocationId> {
        self.iter().find(|one| one.location_id == *location).map(|one| &one.channel_location_id)
    }

    /// Whose stock a sale at one of the channel's takes: of several the first.
    pub fn sold_from(&self, at: &ChannelLocationId) -> Option<&LocationId> {
        self.iter().find(|one| one.channel_location_id == *at).map(|one| &one.location_id)
    }
}

impl TryFrom<Vec<MappedLocation>> for ChannelLocations {
    type Error = InvalidChannelLocations;
    fn try_from(mapped: Vec<MappedLocation>) -> Result<Self, InvalidChannelLocations> {
        Self::new(mapped)
    }
}

impl From<ChannelLocations> for Vec<MappedLocation> {
    fn from(map: ChannelLocations) -> Self {
        map.0
    }
}

/// Where a connection's numbers are shown on a channel that counts by location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelPlaces {
    pub map: ChannelLocations,
    /// Where what has no place of its own is shown.
    pub home: ChannelLocationId,
    /// Where the connection's orders take their stock from: a bundle is shown there, since its components may lie in
    /// different places.
    pub orders_from: LocationId,
}

/// What each of a channel's locations was last told of a listing; `None`: the channel does not keep the goods there, and
/// there was nothing to tell.
pub type Shares = BTreeMap<ChannelLocationId, Option<Quantity>>;

/// What one of a channel's locations shows of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub at: ChannelLocationId,
    pub quantity: Quantity,
}

/// A listing's number, handed out to the channel's locations: each once, those of the map in its order, the home among
/// them or last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocationSplit(Vec<Share>);

impl LocationSplit {
    /// In the map's order each location gets at most what it has; the rest goes home.
    pub(crate) fn of(number: Quantity, levels: &[Level], places: &ChannelPlaces) -> Self {
        let has = |location: &LocationId| {
            let level = levels.iter().find(|level| level.location_id == *location);
            Quantity::clamped(level.map_or(0, Level::available))
        };
        let wants = places.map.iter().map(|one| (&one.channel_location_id, has(&one.location_id)));
        Self::hand_out(number, wants, &places.home)
    }

    /// A bundle's: no location can make one where the sum can.
    pub(crate) fn of_bundle(number: Quantity, places: &ChannelPlaces) -> Self {
        let at = places.map.shown_at(&places.orders_from);
        let wants = places.map.iter().map(|one| {
            let all = at == Some(&one.channel_location_id);
            (&one.channel_location_id, if all { number } else { Quantity::ZERO })
        });
        Self::hand_out(number, wants, &places.home)
    }

    fn hand_out<'a>(
        number: Quantity,
        wants: impl Iterator<Item = (&'a ChannelLocationId, Quantity)>,
        home: &ChannelLocationId,
    ) -> Self {
        let mut split = Self(Vec::new());
        let mut left = number;
        for (at, wanted) in wants {
            let given = wanted.min(left);
            left = left.saturating_sub(given);
            split.give(at, given);
        }
        split.give(home, left);
        split
    }

    fn give(&mut self, at: &ChannelLocationId, quantity: Quantity) {
        match self.0.iter_mut().find(|share| share.at == *at) {
            Some(share) => share.quantity = Quantity::clamped(share.quantity.units() + quantity.units()),
            None => self.0.push(Share { at: at.clone(), quantity }),
        }
    }

    pub fn shares(&self) -> &[Share] {
        &self.0
    }

    pub fn total(&self) -> Quantity {
        Quantity::clamped(self.0.iter().map(|share| share.quantity.units()).sum())
    }

    /// Whether one of the shares is at this location.
    pub fn names(&self, at: &ChannelLocationId) -> bool {
        self.0.iter().any(|share| share.at == *at)
    }

    /// Whether the channel was told just this.
    pub fn is_told(&self, told: &Shares) -> bool {
        let as_told = |share: &Share| told.get(&share.at).map(|one| one.unwrap_or_default());
        told.len() == self.0.len() && self.0.iter().all(|share| as_told(share) == Some(share.quantity))
    }

    /// What is to be told: this, and nothing any more at locations that were told before and are not of it.
    pub fn to_tell(&self, told: &Shares) -> Vec<Share> {
        let given_up = told.keys().filter(|at| !self.names(at));
        let given_up = given_up.map(|at| Share { at: at.clone(), quantity: Quantity::ZERO });
        self.0.iter().cloned().chain(given_up).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(id: &str) -> ChannelLocationId {
        id.parse().unwrap()
    }

    fn here(id: &str) -> LocationId {
        LocationId::from_body(id).unwrap()
    }

    fn units(units: i64) -> Quantity {
        Quantity::new(units).unwrap()
    }

    fn map(pairs: &[(&str, &str)]) -> ChannelLocations {
        let mapped = pairs.iter().map(|(location, channel)| MappedLocation {
            location_id: here(location),
            channel_location_id: at(channel),
        });
        ChannelLocations::new(mapped.collect()).unwrap()
    }

    fn places(pairs: &[(&str, &str)]) -> ChannelPlaces {
        ChannelPlaces { map: map(pairs), home: at("9"), orders_from: here("b") }
    }

    fn levels(available: &[(&str, i64)]) -> Vec<Level> {
        let level =
            |(location, on_hand): &(&str, i64)| Level { on_hand: *on_hand, ..Level::empty(here(location)) };
        available.iter().map(level).collect()
    }

    fn told(split: &LocationSplit) -> Vec<(&str, u32)> {
        split.shares().iter().map(|share| (share.at.as_str(), share.quantity.get())).collect()
    }

    #[test]
    fn a_number_is_handed_out_in_the_map_s_order_and_the_rest_goes_home() {
        type Pairs = &'static [(&'static str, &'static str)];
        type Case = (&'static str, Pairs, i64, &'static [(&'static str, u32)]);
        let table: [Case; 7] = [
            ("as they have it", &[("a", "1"), ("b", "2")], 10, &[("1", 3), ("2", 4), ("9", 3)]),
            ("less than there is", &[("a", "1"), ("b", "2")], 5, &[("1", 3), ("2", 2), ("9", 0)]),
            ("the other way round", &[("b", "2"), ("a", "1")], 5, &[("2", 4), ("1", 1), ("9", 0)]),
            ("several to one", &[("a", "1"), ("b", "1")], 6, &[("1", 6), ("9", 0)]),
            ("home is mapped", &[("a", "9"), ("b", "2")], 10, &[("9", 6), ("2", 4)]),
            ("nothing is there", &[("c", "1"), ("d", "2")], 2, &[("1", 0), ("2", 0), ("9", 2)]),
            ("no map", &[], 7, &[("9", 7)]),
        ];
        let levels = levels(&[("a", 3), ("b", 4), ("c", -2)]);
        for (case, pairs, number, expected) in table {
            assert_eq!(told(&LocationSplit::of(units(number), &levels, &places(pairs))), expected, "{case}");
        }
    }

    #[test]
    fn l11_a_bundle_is_shown_where_its_orders_are_taken_from() {
        let shown = |pairs| LocationSplit::of_bundle(units(5), &places(pairs));
        assert_eq!(told(&shown(&[("a", "1"), ("b", "2")])), [("1", 0), ("2", 5), ("9", 0)]);
        assert_eq!(told(&shown(&[("a", "2"), ("b", "2")])), [("2", 5), ("9", 0)]);
        assert_eq!(told(&shown(&[("a", "1")])), [("1", 0), ("9", 5)], "not mapped");
    }

    #[test]
    fn what_is_no_longer_mapped_is_told_nothing_any_more() {
        let split = LocationSplit::of(units(5), &levels(&[("a", 3)]), &places(&[("a", "1")]));
        let before = Shares::from([(at("1"), Some(units(3))), (at("7"), Some(units(4)))]);
        let shares: Vec<_> = split.to_tell(&before).into_iter().map(|one| (one.at, one.quantity)).collect();
        assert_eq!(shares, [(at("1"), units(3)), (at("9"), units(2)), (at("7"), units(0))]);
        let now = Shares::from([(at("1"), Some(units(3))), (at("9"), Some(units(2)))]);
        assert!(!split.is_told(&before) && split.is_told(&now));
        let sold = LocationSplit::of(units(2), &levels(&[("a", 3)]), &places(&[("a", "1")]));
        assert!(sold.is_told(&Shares::from([(at("1"), Some(units(2))), (at("9"), None)])), "not kept there");
    }

    #[test]
    fn a_map_names_each_of_ours_once_and_is_bounded() {
        let one =
            |n: usize| MappedLocation { location_id: here(&n.to_string()), channel_location_id: at("1") };
        assert_eq!(
            ChannelLocations::new(vec![one(1), one(2), one(1)]),
            Err(InvalidChannelLocations::Twice(2))
        );
        assert!(ChannelLocations::new((0..100).map(one).collect()).is_ok());
        assert_eq!(ChannelLocations::new((0..101).map(one).collect()), Err(InvalidChannelLocations::TooMany));
        assert_eq!(map(&[("a", "1"), ("b", "1")]).sold_from(&at("1")), Some(&here("a")));
        for wrong in ["", "a b", "\u{7}", &"x".repeat(101)] {
            assert!(wrong.parse::<ChannelLocationId>().is_err(), "{wrong:?}");
        }
    }

    proptest! {
        /// Whatever the map and the levels: the shares sum to the number, and but for the home none has more than what lies
        /// at the locations that are shown there.
        #[test]
        fn f17_the_shares_sum_to_the_number(
            number in 0i64..500, have in prop::collection::vec(-20i64..100, 6),
            mapped in prop::collection::btree_map(0usize..6, 0u8..4, 0..6), home in 0u8..5, bundle in any::<bool>(),
        ) {
            let levels: Vec<Level> = have.iter().enumerate()
                .map(|(n, on_hand)| Level { on_hand: *on_hand, ..Level::empty(here(&n.to_string())) }).collect();
            let entry = |(location, channel): (&usize, &u8)| MappedLocation {
                location_id: here(&location.to_string()), channel_location_id: at(&channel.to_string()),
            };
            let map = ChannelLocations::new(mapped.iter().map(entry).collect()).unwrap();
            let places = ChannelPlaces { map, home: at(&home.to_string()), orders_from: here("0") };
            let number = units(number);
            let split = if bundle { LocationSplit::of_bundle(number, &places) } else { LocationSplit::of(number, &levels, &places) };
            prop_assert_eq!(split.total(), number);
            let named: BTreeSet<_> = split.shares().iter().map(|share| &share.at).collect();
            prop_assert_eq!(named.len(), split.shares().len(), "each once");
            for share in split.shares().iter().filter(|share| share.at != places.home && !bundle) {
                let there: i64 = places.map.iter().filter(|one| one.channel_location_id == share.at)
                    .map(|one| have[one.location_id.body().parse::<usize>().unwrap()].max(0)).sum();
                prop_assert!(share.quantity.units() <= there);
            }
        }
    }
}
