//! The quantity that a listing shows, and each step to it.
//!
//! [`allocate`] is the only place that decides it.

use serde::{Deserialize, Serialize};

use crate::channel_location::{ChannelPlaces, LocationSplit};
use crate::stock::Level;
use crate::{ItemId, LocationId, Quantity};

/// What a listing may show of what is available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockRule {
    /// Units kept back, taken off after `percent`.
    pub buffer: Quantity,
    /// The listing never shows more.
    pub max_listed: Option<Quantity>,
    /// 0 to 100 of the available stock, rounded down.
    pub percent: Percent,
}

impl Default for StockRule {
    fn default() -> Self {
        Self { buffer: Quantity::ZERO, max_listed: None, percent: Percent::ALL }
    }
}

/// What one of listing, connection and organization sets of the rule; what it leaves open is decided by the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleSetting {
    pub buffer: Option<Quantity>,
    pub max_listed: Option<Quantity>,
    pub percent: Option<Percent>,
}

impl RuleSetting {
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }
}

/// The rule of a listing: each part as the first of `settings` has it that sets it.
pub fn rule_of<const N: usize>(settings: [&RuleSetting; N]) -> StockRule {
    let base = StockRule::default();
    StockRule {
        buffer: settings.iter().find_map(|setting| setting.buffer).unwrap_or(base.buffer),
        max_listed: settings.iter().find_map(|setting| setting.max_listed).or(base.max_listed),
        percent: settings.iter().find_map(|setting| setting.percent).unwrap_or(base.percent),
    }
}

/// 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 0 to 100")]
pub struct PercentOutOfRange;

impl Percent {
    pub const ALL: Self = Self(100);
    pub const FIFTH: Self = Self(20);

    pub fn new(percent: u8) -> Result<Self, PercentOutOfRange> {
        if percent <= 100 { Ok(Self(percent)) } else { Err(PercentOutOfRange) }
    }

    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Percent {
    type Error = PercentOutOfRange;
    fn try_from(percent: u8) -> Result<Self, PercentOutOfRange> {
        Self::new(percent)
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> u8 {
        percent.0
    }
}

/// Whose stock a connection shows: explicit, never inferred from an empty list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum LocationMapping {
    /// Every warehouse of the organization.
    #[default]
    All,
    Selected {
        location_ids: Vec<LocationId>,
    },
    /// Nothing is pushed.
    None,
}

/// Which of the organization's locations are Amazon's: they count only where they are mapped by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LocationKind {
    Warehouse,
    Fba,
}

/// An item's level with the kind of its location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedLevel {
    pub level: Level,
    pub kind: LocationKind,
}

/// How the number came about; each step can be recomputed from the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub step: StepName,
    pub value: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// The sum of `on_hand − committed` over the locations that count; of a bundle the least of what its components'
    /// suffice for.
    Available,
    AfterPercent,
    AfterBuffer,
    NotBelowZero,
    NotAboveMaxListed,
    /// What one of the channel's own locations shows of the result.
    AtLocation,
}

/// One of the simple items that a bundle comes down to, and its stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub item_id: ItemId,
    /// Of one bundle, at least 1.
    pub quantity: i64,
    pub levels: Vec<PlacedLevel>,
}

/// What an item's number is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Supply {
    Simple(Vec<PlacedLevel>),
    Bundle(Vec<Part>),
}

/// The supply, and the version of the stock that it was read at: of two numbers computed from an item's goods the one of
/// the higher version is the newer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goods {
    pub supply: Supply,
    pub version: u64,
}

impl Goods {
    /// A simple item's.
    pub fn simple(levels: Vec<PlacedLevel>) -> Self {
        let version = levels.iter().map(|placed| placed.level.version).sum();
        Self { supply: Supply::Simple(levels), version }
    }
}

/// What a component has, of the locations that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartAvailability {
    pub item_id: ItemId,
    /// Of one bundle.
    pub quantity: i64,
    pub available: i64,
    /// The levels that counted.
    pub levels: Vec<Level>,
}

/// The result, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Availability {
    pub result: Quantity,
    /// The levels that counted; none of a bundle.
    pub levels: Vec<Level>,
    /// Of a bundle, in the order of their ids.
    pub components: Vec<PartAvailability>,
    pub steps: Vec<Step>,
    /// The result, handed out to the channel's own locations, where it is told by location.
    pub split: Option<LocationSplit>,
    /// Nothing is available because orders took it: the goods are there and promised.
    pub sold_out: bool,
}

/// What a listing asks for: its rule and whose stock it shows.
#[derive(Debug, Clone, Copy)]
pub struct Demand<'a> {
    pub rule: StockRule,
    pub mapping: &'a LocationMapping,
    /// Where the number is shown on a channel that is told it by location.
    pub places: Option<&'a ChannelPlaces>,
}

/// What each listing of an item must show now, all decided at once from the item's goods. `None` where the listing's
/// connection has no locations mapped.
///
/// Shared mode: each listing sees all that is available to it.
pub fn allocate(goods: &Goods, demands: &[Demand<'_>]) -> Vec<Option<Availability>> {
    demands.iter().map(|demand| show(&goods.supply, demand)).collect()
}

/// The levels that count for the mapping.
fn counted(levels: &[PlacedLevel], mapping: &LocationMapping) -> Vec<Level> {
    let counts = |placed: &&PlacedLevel| match mapping {
        LocationMapping::All => placed.kind == LocationKind::Warehouse,
        LocationMapping::Selected { location_ids } => location_ids.contains(&placed.level.location_id),
        LocationMapping::None => false,
    };
    levels.iter().filter(counts).map(|placed| placed.level.clone()).collect()
}

fn show(supply: &Supply, demand: &Demand<'_>) -> Option<Availability> {
    if *demand.mapping == LocationMapping::None {
        return None;
    }
    let available_of = |levels: &[Level]| levels.iter().map(Level::available).sum::<i64>();
    let promised = |levels: &[Level]| levels.iter().map(|level| level.on_hand).sum::<i64>() > 0;
    let (available, levels, components, sold_out) = match supply {
        Supply::Simple(levels) => {
            let levels = counted(levels, demand.mapping);
            let available = available_of(&levels);
            let sold_out = available <= 0 && promised(&levels);
            (available, levels, Vec::new(), sold_out)
        }
        Supply::Bundle(parts) => {
            let of_part = |part: &Part| {
                let levels = counted(&part.levels, demand.mapping);
                let available = available_of(&levels);
                PartAvailability { item_id: part.item_id.clone(), quantity: part.quantity, available, levels }
            };
            let components: Vec<PartAvailability> = parts.iter().map(of_part).collect();
            let made = |part: &PartAvailability| part.available.div_euclid(part.quantity.max(1));
            let available = components.iter().map(made).min().unwrap_or(0);
            let short = |part: &&PartAvailability| made(part) <= 0;
            let sold_out =
                available <= 0 && components.iter().filter(short).all(|part| promised(&part.levels));
            (available, Vec::new(), components, sold_out)
        }
    };
    let rule = demand.rule;
    let after_percent = (available * i64::from(rule.percent.get())).div_euclid(100);
    let after_buffer = after_percent - rule.buffer.units();
    let not_below_zero = after_buffer.max(0);
    let mut steps = vec![
        Step { step: StepName::Available, value: available },
        Step { step: StepName::AfterPercent, value: after_percent },
        Step { step: StepName::AfterBuffer, value: after_buffer },
        Step { step: StepName::NotBelowZero, value: not_below_zero },
    ];
    let mut result = not_below_zero;
    if let Some(max) = rule.max_listed {
        result = result.min(max.units());
        steps.push(Step { step: StepName::NotAboveMaxListed, value: result });
    }
    let result = Quantity::clamped(result);
    let split = demand.places.map(|places| match supply {
        Supply::Simple(_) => LocationSplit::of(result, &levels, places),
        Supply::Bundle(_) => LocationSplit::of_bundle(result, places),
    });
    Some(Availability { result, levels, components, steps, split, sold_out })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel_location::{ChannelLocations, MappedLocation};
    use proptest::prelude::*;

    fn placed(location: &str, on_hand: i64, committed: i64, kind: LocationKind) -> PlacedLevel {
        let location_id = LocationId::from_body(location).unwrap();
        PlacedLevel { level: Level { location_id, on_hand, committed, version: 1 }, kind }
    }

    fn result(levels: &[PlacedLevel], mapping: LocationMapping, rule: StockRule) -> Option<i64> {
        let shown =
            allocate(&Goods::simple(levels.to_vec()), &[Demand { rule, mapping: &mapping, places: None }]);
        shown.into_iter().next().flatten().map(|a| a.result.units())
    }

    fn selected(ids: &[&str]) -> LocationMapping {
        let location_ids = ids.iter().map(|id| LocationId::from_body(id).unwrap()).collect();
        LocationMapping::Selected { location_ids }
    }

    #[test]
    fn locations_count_as_mapped() {
        let levels = [
            placed("a", 3, 0, LocationKind::Warehouse),
            placed("b", 5, 1, LocationKind::Warehouse),
            placed("c", 9, 0, LocationKind::Warehouse),
            placed("f", 50, 0, LocationKind::Fba),
        ];
        let rule = StockRule::default();
        assert_eq!(result(&levels, LocationMapping::All, rule), Some(16));
        assert_eq!(result(&levels, selected(&["a", "b"]), rule), Some(7));
        assert_eq!(result(&levels, selected(&["f"]), rule), Some(50));
        assert_eq!(result(&levels, selected(&[]), rule), Some(0));
        assert_eq!(result(&levels, LocationMapping::None, rule), None);
        assert_eq!(result(&[], LocationMapping::All, rule), Some(0));
    }

    #[test]
    fn a_rule_takes_percent_then_buffer_then_bounds() {
        let levels = [placed("a", 15, 0, LocationKind::Warehouse)];
        let rule = |percent, buffer, max: Option<i64>| StockRule {
            percent: Percent::new(percent).unwrap(),
            buffer: Quantity::new(buffer).unwrap(),
            max_listed: max.map(|m| Quantity::new(m).unwrap()),
        };
        assert_eq!(result(&levels, LocationMapping::All, rule(50, 2, None)), Some(5));
        assert_eq!(result(&levels, LocationMapping::All, rule(50, 9, None)), Some(0));
        assert_eq!(result(&levels, LocationMapping::All, rule(100, 0, Some(4))), Some(4));
        assert_eq!(result(&levels, LocationMapping::All, rule(0, 0, None)), Some(0));
        let owed = [placed("a", 1, 4, LocationKind::Warehouse)];
        assert_eq!(result(&owed, LocationMapping::All, rule(50, 0, None)), Some(0));
    }

    fn part(item: &str, quantity: i64, levels: Vec<PlacedLevel>) -> Part {
        Part { item_id: ItemId::from_body(item).unwrap(), quantity, levels }
    }

    #[test]
    fn l11_a_bundle_shows_what_its_scarcest_component_suffices_for() {
        let warehouse =
            |location, on_hand, committed| placed(location, on_hand, committed, LocationKind::Warehouse);
        let shown = |parts: Vec<Part>, mapping: &LocationMapping| {
            let goods = Goods { supply: Supply::Bundle(parts), version: 1 };
            allocate(&goods, &[Demand { rule: StockRule::default(), mapping, places: None }])[0]
                .clone()
                .unwrap()
        };
        let parts = vec![
            part("a", 2, vec![warehouse("x", 4, 0), warehouse("y", 3, 0)]),
            part("b", 1, vec![warehouse("x", 9, 1), warehouse("y", 5, 0)]),
        ];
        let all = shown(parts.clone(), &LocationMapping::All);
        assert_eq!(
            (all.result.units(), all.components[0].available, all.components[1].available),
            (3, 7, 13)
        );
        assert_eq!(shown(parts, &selected(&["x"])).result.units(), 2);
        let gone = shown(vec![part("a", 1, vec![])], &LocationMapping::All);
        assert_eq!((gone.result.units(), gone.sold_out), (0, false));
        let promised = shown(
            vec![part("a", 2, vec![warehouse("x", 3, 2)]), part("b", 1, vec![warehouse("x", 9, 0)])],
            &LocationMapping::All,
        );
        assert_eq!((promised.result.units(), promised.sold_out), (0, true));
    }

    #[test]
    fn a_rule_is_the_listing_s_over_the_connection_s_over_the_organization_s() {
        let quantity = |units| Some(Quantity::new(units).unwrap());
        let organization = RuleSetting {
            buffer: quantity(1),
            max_listed: quantity(10),
            percent: Some(Percent::new(50).unwrap()),
        };
        let connection = RuleSetting { buffer: quantity(2), ..RuleSetting::default() };
        let listing = RuleSetting { max_listed: quantity(3), ..RuleSetting::default() };
        let rule = rule_of([&listing, &connection, &organization]);
        assert_eq!((rule.buffer.get(), rule.max_listed, rule.percent.get()), (2, quantity(3), 50));
        let open = RuleSetting::default();
        assert_eq!(rule_of([&open, &open, &open]), StockRule::default());
    }

    #[test]
    fn f17_what_is_handed_out_is_the_number_after_its_rule_and_of_the_locations_that_count() {
        let levels = [
            placed("a", 6, 0, LocationKind::Warehouse),
            placed("b", 5, 1, LocationKind::Warehouse),
            placed("c", 9, 0, LocationKind::Warehouse),
        ];
        let mapped = |location: &str, channel: &str| MappedLocation {
            location_id: LocationId::from_body(location).unwrap(),
            channel_location_id: channel.parse().unwrap(),
        };
        let map = ChannelLocations::new(vec![mapped("c", "3"), mapped("b", "2"), mapped("a", "1")]).unwrap();
        let orders_from = LocationId::from_body("a").unwrap();
        let places = ChannelPlaces { map, home: "1".parse().unwrap(), orders_from };
        let rule = StockRule { buffer: Quantity::new(3).unwrap(), ..StockRule::default() };
        let demand = Demand { rule, mapping: &selected(&["a", "b"]), places: Some(&places) };
        let shown = allocate(&Goods::simple(levels.to_vec()), &[demand])[0].clone().unwrap();
        let split = shown.split.unwrap();
        let shares: Vec<_> = split.shares().iter().map(|one| (one.at.as_str(), one.quantity.get())).collect();
        assert_eq!((shown.result.units(), shares), (7, vec![("3", 0), ("2", 4), ("1", 3)]));
    }

    proptest! {
        #[test]
        fn never_more_than_available_and_the_last_step_is_the_result(
            stock in prop::collection::vec((0i64..1000, 0i64..1200), 0..5), percent in 0u8..=100, buffer in 0i64..50,
            max in proptest::option::of(0i64..100),
        ) {
            let levels: Vec<_> = stock.iter().enumerate()
                .map(|(n, (on_hand, committed))| placed(&n.to_string(), *on_hand, *committed, LocationKind::Warehouse)).collect();
            let rule = StockRule {
                percent: Percent::new(percent).unwrap(), buffer: Quantity::new(buffer).unwrap(),
                max_listed: max.map(|m| Quantity::new(m).unwrap()),
            };
            let goods = Goods::simple(levels.clone());
            let shown = allocate(&goods, &[Demand { rule, mapping: &LocationMapping::All, places: None }])[0].clone().unwrap();
            let available: i64 = stock.iter().map(|(h, c)| h - c).sum();
            prop_assert!(shown.result.units() <= available.max(0));
            prop_assert_eq!(shown.steps.last().unwrap().value, shown.result.units());
            prop_assert_eq!(goods.version, levels.len() as u64);
        }

        /// From what the explanation tells (levels that counted, components, rule) anyone comes to the same number.
        #[test]
        fn l6_the_explanation_recomputes_to_the_result(
            stocks in prop::collection::vec((1i64..4, prop::collection::vec((0u8..3, -3i64..50, 0i64..40, any::<bool>()), 0..4)), 1..4),
            bundle in any::<bool>(), chosen in prop::collection::vec(0u8..3, 0..3), all in any::<bool>(),
            percent in 0u8..=100, buffer in 0i64..10, max in proptest::option::of(0i64..30),
        ) {
            let id = |location: u8| LocationId::from_body(&location.to_string()).unwrap();
            let parts: Vec<Part> = stocks.iter().enumerate().map(|(n, (quantity, levels))| {
                let levels = levels.iter().map(|(location, on_hand, committed, own)| {
                    let kind = if *own { LocationKind::Warehouse } else { LocationKind::Fba };
                    placed(&location.to_string(), *on_hand, *committed, kind)
                });
                part(&n.to_string(), *quantity, levels.collect())
            }).collect();
            let supply = if bundle { Supply::Bundle(parts) } else { Supply::Simple(parts[0].levels.clone()) };
            let mapping = if all { LocationMapping::All } else { LocationMapping::Selected { location_ids: chosen.iter().map(|n| id(*n)).collect() } };
            let rule = StockRule {
                percent: Percent::new(percent).unwrap(), buffer: Quantity::new(buffer).unwrap(),
                max_listed: max.map(|m| Quantity::new(m).unwrap()),
            };
            let shown = allocate(&Goods { supply, version: 0 }, &[Demand { rule, mapping: &mapping, places: None }])[0].clone().unwrap();
            let sum = |levels: &[Level]| levels.iter().map(|level| level.on_hand - level.committed).sum::<i64>();
            let available = if bundle {
                for component in &shown.components {
                    prop_assert_eq!(sum(&component.levels), component.available);
                }
                shown.components.iter().map(|c| c.available.div_euclid(c.quantity)).min().unwrap()
            } else {
                sum(&shown.levels)
            };
            let mut number = ((available * i64::from(percent)).div_euclid(100) - buffer).max(0);
            if let Some(max) = max {
                number = number.min(max);
            }
            prop_assert_eq!(number, shown.result.units());
            prop_assert_eq!(shown.steps[0].value, available);
            prop_assert_eq!(shown.steps.last().unwrap().value, number);
        }
    }
}
