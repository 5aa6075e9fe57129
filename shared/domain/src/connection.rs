//! A merchant's shop on a channel: how it stands and how it is synced.

use serde::{Deserialize, Serialize};

use crate::LocationId;
use crate::availability::{LocationMapping, Percent, RuleSetting};
use crate::channel_location::ChannelLocations;
use crate::fba::Fba;
use crate::push::NotPushed;
use crate::schedule::SyncInterval;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionStatus {
    Active,
    /// Disabled by the merchant: nothing fetched, nothing pushed, everything kept.
    Inactive,
    /// The channel refuses the credentials.
    NeedsAuthorization,
}

impl ConnectionStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::NeedsAuthorization => "needs_authorization",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StockSync {
    #[default]
    Active,
    Inactive,
}

/// What is done with a number that was edited on the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftPolicy {
    #[default]
    Overwrite,
    Alert,
    Hold,
}

/// Which parts of a connection are in sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modules {
    pub items: bool,
    pub orders: bool,
    pub stock: bool,
    pub shipments: bool,
}

impl Default for Modules {
    fn default() -> Self {
        Self { items: true, orders: true, stock: true, shipments: true }
    }
}

/// Which listings come in besides those for sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImportRule {
    pub out_of_stock: bool,
    pub archived: bool,
}

/// How much of a connection one push run, and those of the hour before it, may take to zero before a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlastRadius {
    /// Of its linked listings; 100 asks never.
    pub percent: Percent,
}

impl BlastRadius {
    /// Never fewer than these, so that a small shop may sell out.
    pub const LISTINGS_MIN: u64 = 10;

    /// Listings that may go to zero, of so many that are linked. `None`: all.
    pub fn limit(self, linked: u64) -> Option<u64> {
        let share = u64::from(self.percent.get());
        (share < 100).then(|| (linked * share / 100).max(Self::LISTINGS_MIN))
    }
}

impl Default for BlastRadius {
    fn default() -> Self {
        Self { percent: Percent::FIFTH }
    }
}

/// What a merchant can set of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConnectionSettings {
    pub sync_interval_minutes: SyncInterval,
    pub modules: Modules,
    pub location_mapping: LocationMapping,
    /// Where the connection's orders take their stock from; the organization's primary location when `None`.
    pub order_location_id: Option<LocationId>,
    /// Which of our locations is shown at which of the channel's own.
    #[serde(default, skip_serializing_if = "ChannelLocations::is_empty")]
    pub channel_locations: ChannelLocations,
    pub auto_create: bool,
    pub drift: DriftPolicy,
    /// What it leaves open is the organization's.
    pub stock_rule: RuleSetting,
    pub import: ImportRule,
    #[serde(default)]
    pub blast_radius: BlastRadius,
    /// Where the goods that Amazon stores are counted; `None`: they are not tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fba: Option<Fba>,
}

impl ConnectionSettings {
    /// The module of stock by the name that merchants know it by.
    pub fn stock_sync(&self) -> StockSync {
        if self.modules.stock { StockSync::Active } else { StockSync::Inactive }
    }

    /// Whether numbers go out at all, and if not, why.
    pub fn pushes(&self, status: ConnectionStatus) -> Result<(), NotPushed> {
        match status {
            ConnectionStatus::Inactive => return Err(NotPushed::ConnectionInactive),
            ConnectionStatus::NeedsAuthorization => return Err(NotPushed::NeedsAuthorization),
            ConnectionStatus::Active => {}
        }
        if self.stock_sync() == StockSync::Inactive {
            return Err(NotPushed::StockSyncInactive);
        }
        if self.location_mapping == LocationMapping::None {
            return Err(NotPushed::NoLocationsMapped);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_not_to_push_is_named() {
        let settings = ConnectionSettings::default();
        assert_eq!(settings.pushes(ConnectionStatus::Active), Ok(()));
        assert_eq!(settings.pushes(ConnectionStatus::Inactive), Err(NotPushed::ConnectionInactive));
        assert_eq!(settings.pushes(ConnectionStatus::NeedsAuthorization), Err(NotPushed::NeedsAuthorization));
        let modules = Modules { stock: false, ..settings.modules };
        let off = ConnectionSettings { modules, ..settings.clone() };
        assert_eq!(off.stock_sync(), StockSync::Inactive);
        assert_eq!(off.pushes(ConnectionStatus::Active), Err(NotPushed::StockSyncInactive));
        let unmapped = ConnectionSettings { location_mapping: LocationMapping::None, ..settings };
        assert_eq!(unmapped.pushes(ConnectionStatus::Active), Err(NotPushed::NoLocationsMapped));
    }

    #[test]
    fn l8_a_fifth_and_at_least_ten_may_go_to_zero() {
        let limit = |percent, linked| BlastRadius { percent: Percent::new(percent).unwrap() }.limit(linked);
        for (percent, linked, expected) in [
            (20, 0, Some(10)),
            (20, 50, Some(10)),
            (20, 51, Some(10)),
            (20, 100, Some(20)),
            (0, 1_000, Some(10)),
            (100, 9, None),
        ] {
            assert_eq!(limit(percent, linked), expected, "{percent} % of {linked}");
        }
        assert_eq!(BlastRadius::default().percent.get(), 20);
    }
}
