//! Goods that Amazon stores and ships (FBA): when a connection may track them, whose a listing's number is, and what a
//! difference between Amazon's count and ours comes to.
//!
//! Tracking is for the United States only, and excludes a mapping of locations. The location holds Amazon's stock and
//! nothing else, so that what is available there is what Amazon can send.

use serde::{Deserialize, Serialize};

use crate::LocationId;
use crate::availability::{LocationKind, LocationMapping};
use crate::channel::Fulfilment;

/// Where a connection's goods at Amazon are counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fba {
    pub location_id: LocationId,
}

/// The only country that FBA is tracked in: goods that Amazon moves across borders are not followed.
pub const COUNTRY: &str = "US";

/// Why FBA cannot be tracked so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FbaRefused {
    #[error(
        "FBA can be enabled only where the organization's country is US: stock across borders is not tracked"
    )]
    NotInUnitedStates,
    #[error(
        "FBA and a location mapping exclude each other: set the mapping to all, or disable FBA, before the other"
    )]
    LocationMapping,
    #[error("must be a location of the kind fba")]
    NotAnFbaLocation,
}

impl FbaRefused {
    /// Stable, snake_case.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotInUnitedStates => "fba_needs_country_us",
            Self::LocationMapping => "fba_excludes_location_mapping",
            Self::NotAnFbaLocation => "location_not_fba",
        }
    }
}

/// Whether FBA may be tracked by an organization of this country in a location of this kind.
pub fn check_enable(
    country: &str,
    mapping: &LocationMapping,
    location: LocationKind,
) -> Result<(), FbaRefused> {
    if country != COUNTRY {
        return Err(FbaRefused::NotInUnitedStates);
    }
    if location != LocationKind::Fba {
        return Err(FbaRefused::NotAnFbaLocation);
    }
    check_together(true, mapping)
}

/// That tracking and a mapping are not both on.
pub fn check_together(fba: bool, mapping: &LocationMapping) -> Result<(), FbaRefused> {
    match mapping {
        LocationMapping::Selected { .. } if fba => Err(FbaRefused::LocationMapping),
        _ => Ok(()),
    }
}

/// Who ships what a listing sells: by its channel's word, and by the merchant's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipping {
    pub by_channel: Fulfilment,
    /// `None`: as the channel says.
    pub marked: Option<Fulfilment>,
}

impl Shipping {
    /// By which it is tracked, and which people see: the merchant's word before the channel's.
    pub fn tracked(self) -> Fulfilment {
        self.marked.unwrap_or(self.by_channel)
    }

    /// Whose the listing's number is: Amazon's as soon as either says so. A listing that the merchant calls their own and
    /// Amazon still ships would change hands by being told a quantity.
    pub fn number_of(self) -> Fulfilment {
        match (self.by_channel, self.marked) {
            (Fulfilment::Fba, _) | (_, Some(Fulfilment::Fba)) => Fulfilment::Fba,
            (Fulfilment::Mfn, _) => Fulfilment::Mfn,
        }
    }

    /// The mark that makes it tracked as `wanted`: none where the channel says the same.
    pub fn mark_for(self, wanted: Fulfilment) -> Option<Fulfilment> {
        (self.by_channel != wanted).then_some(wanted)
    }
}

/// How far Amazon's count is above ours, in units: positive where Amazon has more.
pub fn mismatch(amazon: i64, hub: i64) -> i64 {
    amazon.saturating_sub(hub)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Fulfilment::{Fba, Mfn};

    #[test]
    fn f2_f3_what_must_be_before_fba_can_be_enabled() {
        let selected = || LocationMapping::Selected { location_ids: Vec::new() };
        let table = [
            ("US", LocationMapping::All, LocationKind::Fba, Ok(())),
            ("US", LocationMapping::None, LocationKind::Fba, Ok(())),
            ("US", selected(), LocationKind::Fba, Err(FbaRefused::LocationMapping)),
            ("US", LocationMapping::All, LocationKind::Warehouse, Err(FbaRefused::NotAnFbaLocation)),
            ("CA", LocationMapping::All, LocationKind::Fba, Err(FbaRefused::NotInUnitedStates)),
            ("us", LocationMapping::All, LocationKind::Fba, Err(FbaRefused::NotInUnitedStates)),
        ];
        for (country, mapping, kind, expected) in table {
            assert_eq!(check_enable(country, &mapping, kind), expected, "{country} {mapping:?} {kind:?}");
        }
        assert_eq!(check_together(false, &selected()), Ok(()));
    }

    #[test]
    fn f6_a_number_is_amazon_s_as_soon_as_either_says_so() {
        let table = [
            (Mfn, None, Mfn, Mfn),
            (Mfn, Some(Fba), Fba, Fba),
            (Fba, None, Fba, Fba),
            (Fba, Some(Mfn), Mfn, Fba),
        ];
        for (by_channel, marked, tracked, number_of) in table {
            let shipping = Shipping { by_channel, marked };
            assert_eq!((shipping.tracked(), shipping.number_of()), (tracked, number_of), "{shipping:?}");
            for wanted in [Mfn, Fba] {
                let marked = Shipping { marked: shipping.mark_for(wanted), ..shipping };
                assert_eq!(marked.tracked(), wanted);
            }
        }
    }

    #[test]
    fn f8_a_mismatch_says_which_way() {
        assert_eq!((mismatch(10, 8), mismatch(8, 10), mismatch(3, 3)), (2, -2, 0));
        assert_eq!(mismatch(i64::MAX, -1), i64::MAX);
    }
}
