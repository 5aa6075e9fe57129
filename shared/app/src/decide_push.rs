//! What the listings of an item are told now, and what they are thought to show.

use std::collections::BTreeMap;

use channels::{ShownAt, StockAt, StockTarget};
use domain::availability::{Demand, Goods, RuleSetting, allocate, rule_of};
use domain::channel_location::{ChannelPlaces, LocationSplit, Shares};
use domain::connection::ConnectionSettings;
use domain::listing::ListingStatus;
use domain::push::Pushable;
use domain::{ChannelLocationId, ItemId, ListingId, Quantity};
use queue::message::PushTarget;
use store::link::Link;

use crate::channel_location::places_for;

/// A listing on its way to the channel.
#[derive(Debug, Clone)]
pub(crate) struct Sending {
    pub item_id: ItemId,
    pub listing_id: ListingId,
    pub version: u64,
    pub target: StockTarget,
    /// The channel shows something, and is to show nothing though no order took the goods.
    pub zeroes: bool,
    /// What is kept once it is taken, of one that is told by location.
    pub shares: Option<Shares>,
}

impl Sending {
    /// A location that nobody looked at, so that nothing can be compared there.
    pub fn is_unseen(&self) -> bool {
        self.target.locations.iter().any(|at| at.shown == ShownAt::Unknown)
    }
}

/// What the channel was just seen to show.
#[derive(Debug)]
pub(crate) struct Observed {
    pub number: i64,
    /// Of one that is told by location.
    pub at: BTreeMap<ChannelLocationId, ShownAt>,
}

/// By what it is decided what a connection's listings are told.
pub(crate) struct Told<'a> {
    /// The organization's rule.
    pub organization: &'a RuleSetting,
    pub settings: &'a ConnectionSettings,
    /// Where the numbers are shown, were they told by location.
    pub places: Option<&'a ChannelPlaces>,
    pub force: bool,
    /// What the channel was just seen to show.
    pub observed: &'a BTreeMap<ListingId, Observed>,
}

impl Told<'_> {
    /// What each of the channel's locations must show of a listing, and what it is thought to show.
    fn at_locations(&self, link: &Link, split: &LocationSplit) -> Vec<StockAt> {
        let seen = self.observed.get(&link.listing_id);
        // What a location does not keep was perhaps stocked there since.
        let look_again = self.force || link.failure.is_some();
        let thought = |at: &ChannelLocationId| match link.shares.get(at) {
            Some(Some(units)) => ShownAt::Number(units.units()),
            Some(None) if !look_again => ShownAt::NotStocked,
            Some(None) | None => ShownAt::Unknown,
        };
        let shares = split.to_tell(&link.shares).into_iter().map(|share| StockAt {
            shown: seen
                .and_then(|seen| seen.at.get(&share.at))
                .copied()
                .unwrap_or_else(|| thought(&share.at)),
            location: share.at,
            quantity: share.quantity,
        });
        shares.collect()
    }

    /// What is kept once the locations have taken it: nothing where the map has ended.
    fn shares_of(&self, split: &LocationSplit, locations: &[StockAt]) -> Shares {
        let mapped = self.places.is_some_and(|places| !places.map.is_empty());
        let kept = locations.iter().filter(|at| mapped && split.names(&at.location));
        let nothing = |at: &StockAt| at.shown == ShownAt::NotStocked && at.quantity == Quantity::ZERO;
        kept.map(|at| (at.location.clone(), (!nothing(at)).then_some(at.quantity))).collect()
    }
}

pub(crate) fn decide(item: &ItemId, goods: &Goods, links: Vec<&Link>, told: &Told<'_>) -> Vec<Sending> {
    let demand = |link: &&Link| Demand {
        rule: rule_of([&link.rule, &told.settings.stock_rule, told.organization]),
        mapping: &told.settings.location_mapping,
        places: places_for(told.places, &link.shares),
    };
    let demands: Vec<Demand<'_>> = links.iter().map(demand).collect();
    let shown = allocate(goods, &demands);
    let decided = links.into_iter().zip(shown).filter_map(|(link, availability)| {
        let pushable = Pushable::check(ListingStatus::Linked, link.fulfilment).ok()?;
        let availability = availability.filter(|_| link.held_since.is_none())?;
        let quantity = availability.result;
        let seen = told.observed.get(&link.listing_id).map(|seen| seen.number);
        let split = availability.split.as_ref();
        let elsewhere = split.is_some_and(|split| !split.is_told(&link.shares));
        // One whose last push failed is told again, also where it shows its number: the failure ends with that.
        let again = seen.is_some() || link.failure.is_some() || elsewhere;
        if !again && !pushable.must_send(quantity, goods.version, link.acknowledged, told.force) {
            return None;
        }
        let acknowledged = link.acknowledged.map(|acknowledged| acknowledged.quantity.units());
        let expected = seen.or(acknowledged).or(link.observed);
        let shows_something = expected.is_some_and(|expected| expected > 0);
        let locations = split.map(|split| told.at_locations(link, split)).unwrap_or_default();
        Some(Sending {
            item_id: item.clone(),
            listing_id: link.listing_id.clone(),
            version: goods.version,
            zeroes: quantity == Quantity::ZERO && shows_something && !availability.sold_out,
            shares: split.map(|split| told.shares_of(split, &locations)),
            target: StockTarget {
                listing: link.listing.clone(),
                stock_ref: link.stock_ref.clone(),
                quantity,
                expected,
                locations,
            },
        })
    });
    decided.collect()
}

pub(crate) fn as_target(sending: &Sending) -> PushTarget {
    PushTarget {
        item_id: sending.item_id.clone(),
        listing_id: sending.listing_id.clone(),
        version: sending.version,
    }
}
