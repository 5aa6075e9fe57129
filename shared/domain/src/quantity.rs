//! Whole units of goods.

use std::fmt;

use serde::{Deserialize, Serialize};

/// 0 to 999,999,999 whole units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Quantity(u32);

/// Outside 0 to 999,999,999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 0 to {}", Quantity::MAX.0)]
pub struct QuantityOutOfRange;

impl Quantity {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(999_999_999);

    pub fn new(units: i64) -> Result<Self, QuantityOutOfRange> {
        match u32::try_from(units) {
            Ok(units) if units <= Self::MAX.0 => Ok(Self(units)),
            _ => Err(QuantityOutOfRange),
        }
    }

    /// The nearest quantity: what is below zero is zero, what is above the maximum is the maximum.
    pub fn clamped(units: i64) -> Self {
        let units = units.clamp(0, i64::from(Self::MAX.0));
        Self(u32::try_from(units).unwrap_or(Self::MAX.0))
    }

    pub fn get(self) -> u32 {
        self.0
    }

    /// Signed, for sums and differences.
    pub fn units(self) -> i64 {
        i64::from(self.0)
    }

    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl TryFrom<i64> for Quantity {
    type Error = QuantityOutOfRange;
    fn try_from(units: i64) -> Result<Self, QuantityOutOfRange> {
        Self::new(units)
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> i64 {
        quantity.units()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
