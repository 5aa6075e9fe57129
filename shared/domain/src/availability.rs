//! The quantity that a listing shows, and each step to it.
//!
//! [`allocate`] is the only place that decides it.

use serde::{Deserialize, Serialize};

use crate::stock::{Level, stock_version};
use crate::{LocationId, Quantity};

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

/// 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 0 to 100")]
pub struct PercentOutOfRange;

impl Percent {
    pub const ALL: Self = Self(100);

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
    /// The sum of `on_hand − committed` over the locations that count.
    Available,
    AfterPercent,
    AfterBuffer,
    NotBelowZero,
    NotAboveMaxListed,
}

/// The result, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Availability {
    pub result: Quantity,
    /// The levels that counted.
    pub levels: Vec<Level>,
    pub steps: Vec<Step>,
}

/// What a listing asks for: its rule and whose stock it shows.
#[derive(Debug, Clone, Copy)]
pub struct Demand<'a> {
    pub rule: &'a StockRule,
    pub mapping: &'a LocationMapping,
}

/// What each listing of an item must show now, all decided at once from the item's levels, with the version of the
/// stock it was decided from. `None` where the listing's connection has no locations mapped.
///
/// Shared mode: each listing sees all that is available to it.
pub fn allocate(levels: &[PlacedLevel], demands: &[Demand<'_>]) -> (u64, Vec<Option<Availability>>) {
    let version = stock_version(&levels.iter().map(|placed| placed.level.clone()).collect::<Vec<_>>());
    (version, demands.iter().map(|demand| show(levels, demand)).collect())
}

fn show(levels: &[PlacedLevel], demand: &Demand<'_>) -> Option<Availability> {
    let counts = |placed: &&PlacedLevel| match demand.mapping {
        LocationMapping::All => placed.kind == LocationKind::Warehouse,
        LocationMapping::Selected { location_ids } => location_ids.contains(&placed.level.location_id),
        LocationMapping::None => false,
    };
    if *demand.mapping == LocationMapping::None {
        return None;
    }
    let levels: Vec<Level> = levels.iter().filter(counts).map(|placed| placed.level.clone()).collect();
    let rule = demand.rule;
    let available: i64 = levels.iter().map(Level::available).sum();
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
    Some(Availability { result: Quantity::clamped(result), levels, steps })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn placed(location: &str, on_hand: i64, committed: i64, kind: LocationKind) -> PlacedLevel {
        let location_id = LocationId::from_body(location).unwrap();
        PlacedLevel { level: Level { location_id, on_hand, committed, version: 1 }, kind }
    }

    fn result(levels: &[PlacedLevel], mapping: LocationMapping, rule: StockRule) -> Option<i64> {
        let (_, shown) = allocate(levels, &[Demand { rule: &rule, mapping: &mapping }]);
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
            let (version, shown) = allocate(&levels, &[Demand { rule: &rule, mapping: &LocationMapping::All }]);
            let shown = shown[0].clone().unwrap();
            let available: i64 = stock.iter().map(|(h, c)| h - c).sum();
            prop_assert!(shown.result.units() <= available.max(0));
            prop_assert_eq!(shown.steps.last().unwrap().value, shown.result.units());
            prop_assert_eq!(version, levels.len() as u64);
        }
    }
}
