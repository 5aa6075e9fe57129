//! What a merchant may set of a connection, and what goes together.

use std::collections::BTreeSet;

use domain::availability::{LocationMapping, Percent, RuleSetting};
use domain::channel_location::{ChannelLocations, InvalidChannelLocations, MappedLocation};
use domain::connection::{BlastRadius, ConnectionSettings, DriftPolicy, ImportRule, Modules, StockSync};
use domain::fba::check_together;
use domain::schedule::SyncInterval;
use domain::{LocationId, Quantity};
use store::location::Location;

use crate::AppError;
use crate::channel_location::MAP;
use crate::fba::fba_refused;

/// What changes; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct SettingsPatch {
    pub sync_interval_minutes: Option<SyncInterval>,
    pub stock_sync: Option<StockSync>,
    pub modules: ModulesPatch,
    pub location_mapping: MappingPatch,
    pub auto_create: Option<bool>,
    pub drift: Option<DriftPolicy>,
    pub stock_rule: RulePatch,
    pub import: ImportPatch,
    pub blast_radius_percent: Option<Percent>,
}

#[derive(Debug, Clone, Default)]
pub struct ModulesPatch {
    pub items: Option<bool>,
    pub orders: Option<bool>,
    pub stock: Option<bool>,
    pub shipments: Option<bool>,
}

/// `Some(None)` leaves it open to whoever decides next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RulePatch {
    pub buffer: Option<Option<Quantity>>,
    pub max_listed: Option<Option<Quantity>>,
    pub percent: Option<Option<Percent>>,
}

impl RulePatch {
    pub(crate) fn applied_to(self, before: RuleSetting) -> RuleSetting {
        RuleSetting {
            buffer: self.buffer.unwrap_or(before.buffer),
            max_listed: self.max_listed.unwrap_or(before.max_listed),
            percent: self.percent.unwrap_or(before.percent),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct ImportPatch {
    pub out_of_stock: Option<bool>,
    pub archived: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingMode {
    All,
    Selected,
    None,
}

#[derive(Debug, Clone, Default)]
pub struct MappingPatch {
    pub mode: Option<MappingMode>,
    pub location_ids: Option<Vec<LocationId>>,
    pub order_location_id: Option<Option<LocationId>>,
    /// The whole map; empty: the channel is told one number a listing.
    pub channel_locations: Option<Vec<MappedLocation>>,
}

/// The settings after the patch. Errors: 409 `single_location` for a selection where there is nothing to select from,
/// `fba_excludes_location_mapping`.
pub(crate) fn patched(
    before: &ConnectionSettings,
    patch: &SettingsPatch,
    locations: &[Location],
) -> Result<ConnectionSettings, AppError> {
    let (location_mapping, order_location_id) = patched_mapping(before, &patch.location_mapping, locations)?;
    check_together(before.fba.is_some(), &location_mapping).map_err(fba_refused)?;
    let (modules, import) = (before.modules, before.import);
    Ok(ConnectionSettings {
        sync_interval_minutes: patch.sync_interval_minutes.unwrap_or(before.sync_interval_minutes),
        modules: Modules {
            items: patch.modules.items.unwrap_or(modules.items),
            orders: patch.modules.orders.unwrap_or(modules.orders),
            stock: patched_stock(modules.stock, patch)?,
            shipments: patch.modules.shipments.unwrap_or(modules.shipments),
        },
        location_mapping,
        order_location_id,
        channel_locations: patched_map(before, &patch.location_mapping, locations)?,
        auto_create: patch.auto_create.unwrap_or(before.auto_create),
        drift: patch.drift.unwrap_or(before.drift),
        stock_rule: patch.stock_rule.applied_to(before.stock_rule),
        import: ImportRule {
            out_of_stock: patch.import.out_of_stock.unwrap_or(import.out_of_stock),
            archived: patch.import.archived.unwrap_or(import.archived),
        },
        blast_radius: BlastRadius {
            percent: patch.blast_radius_percent.unwrap_or(before.blast_radius.percent),
        },
        fba: before.fba.clone(),
    })
}

/// Two names for one switch.
fn patched_stock(before: bool, patch: &SettingsPatch) -> Result<bool, AppError> {
    let by_name = patch.stock_sync.map(|stock_sync| stock_sync == StockSync::Active);
    match (by_name, patch.modules.stock) {
        (Some(one), Some(other)) if one != other => Err(AppError::invalid(
            "invalid_field",
            "/modules/stock",
            "says the opposite of stock_sync: they are the same switch",
        )),
        (one, other) => Ok(one.or(other).unwrap_or(before)),
    }
}

const IDS: &str = "/location_mapping/location_ids";
const ORDERS: &str = "/location_mapping/order_location_id";

fn patched_mapping(
    before: &ConnectionSettings,
    patch: &MappingPatch,
    locations: &[Location],
) -> Result<(LocationMapping, Option<LocationId>), AppError> {
    let given = patch.location_ids.as_deref().unwrap_or_default();
    for (n, id) in given.iter().enumerate() {
        check_known(id, &format!("{IDS}/{n}"), locations)?;
    }
    if given.iter().collect::<BTreeSet<_>>().len() != given.len() {
        return Err(AppError::invalid("invalid_field", IDS, "must not name a location twice"));
    }
    let mode_before = match before.location_mapping {
        LocationMapping::All => MappingMode::All,
        LocationMapping::Selected { .. } => MappingMode::Selected,
        LocationMapping::None => MappingMode::None,
    };
    let mode = patch.mode.unwrap_or(mode_before);
    let mapping = match (mode, &before.location_mapping) {
        (MappingMode::Selected, LocationMapping::Selected { location_ids })
            if patch.location_ids.is_none() =>
        {
            LocationMapping::Selected { location_ids: location_ids.clone() }
        }
        (MappingMode::Selected, _) if locations.len() < 2 => {
            let detail = "there is one location only, so there is nothing to select from";
            return Err(AppError::conflict("single_location", detail));
        }
        (MappingMode::Selected, _) if given.is_empty() => {
            return Err(AppError::invalid(
                "invalid_field",
                IDS,
                "must name at least one location for the mode selected",
            ));
        }
        (MappingMode::Selected, _) => LocationMapping::Selected { location_ids: given.to_vec() },
        (_, _) if !given.is_empty() => {
            return Err(AppError::invalid("invalid_field", IDS, "can be given only with the mode selected"));
        }
        (MappingMode::All, _) => LocationMapping::All,
        (MappingMode::None, _) => LocationMapping::None,
    };
    let order_location = order_location(before, patch, &mapping, locations)?;
    Ok((mapping, order_location))
}

/// A connection's orders go where its stock is taken from: to the mapped location, and back to the primary one when the
/// mapping ends.
fn order_location(
    before: &ConnectionSettings,
    patch: &MappingPatch,
    mapping: &LocationMapping,
    locations: &[Location],
) -> Result<Option<LocationId>, AppError> {
    if let Some(Some(id)) = &patch.order_location_id {
        check_known(id, ORDERS, locations)?;
        return match mapping {
            LocationMapping::Selected { location_ids } if !location_ids.contains(id) => {
                Err(AppError::invalid("invalid_field", ORDERS, "must be one of the selected locations"))
            }
            _ => Ok(Some(id.clone())),
        };
    }
    match mapping {
        LocationMapping::Selected { location_ids } => {
            let kept = before.order_location_id.as_ref().filter(|id| location_ids.contains(id));
            let kept = if patch.order_location_id.is_some() { None } else { kept };
            Ok(kept.or(location_ids.first()).cloned())
        }
        _ if *mapping != before.location_mapping || patch.order_location_id.is_some() => Ok(None),
        _ => Ok(before.order_location_id.clone()),
    }
}

/// That the channel has its side of the map is another's to check: it must be asked.
fn patched_map(
    before: &ConnectionSettings,
    patch: &MappingPatch,
    locations: &[Location],
) -> Result<ChannelLocations, AppError> {
    let Some(given) = &patch.channel_locations else { return Ok(before.channel_locations.clone()) };
    for (n, one) in given.iter().enumerate().take(ChannelLocations::MAX) {
        check_known(&one.location_id, &format!("{MAP}/{n}/location_id"), locations)?;
    }
    ChannelLocations::new(given.clone()).map_err(|error| {
        let pointer = match error {
            InvalidChannelLocations::TooMany => MAP.to_owned(),
            InvalidChannelLocations::Twice(n) => format!("{MAP}/{n}/location_id"),
        };
        AppError::invalid("invalid_field", pointer, error)
    })
}

fn check_known(id: &LocationId, pointer: &str, locations: &[Location]) -> Result<(), AppError> {
    if locations.iter().any(|location| location.id == *id) {
        return Ok(());
    }
    Err(AppError::invalid("not_found", pointer, "there is no such location"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::availability::LocationKind;
    use domain::{Name, Timestamp};

    fn id(body: &str) -> LocationId {
        LocationId::from_body(body).unwrap()
    }

    fn locations(bodies: &[&str]) -> Vec<Location> {
        let location = |body: &&str| Location {
            id: id(body),
            name: Name::parse(body).unwrap(),
            kind: LocationKind::Warehouse,
            address: None,
            created_at: Timestamp::UNIX_EPOCH,
            version: 1,
        };
        bodies.iter().map(location).collect()
    }

    fn selected(ids: &[&str]) -> ConnectionSettings {
        ConnectionSettings {
            location_mapping: LocationMapping::Selected { location_ids: ids.iter().map(|b| id(b)).collect() },
            order_location_id: ids.first().map(|body| id(body)),
            ..ConnectionSettings::default()
        }
    }

    fn select(ids: &[&str]) -> MappingPatch {
        let location_ids = Some(ids.iter().map(|body| id(body)).collect());
        MappingPatch { mode: Some(MappingMode::Selected), location_ids, ..MappingPatch::default() }
    }

    #[track_caller]
    fn check(before: &ConnectionSettings, patch: MappingPatch, orders: Result<Option<&str>, &str>) {
        let patch = SettingsPatch { location_mapping: patch, ..SettingsPatch::default() };
        let got = patched(before, &patch, &locations(&["a", "b", "c"]));
        match (got, orders) {
            (Ok(after), Ok(orders)) => assert_eq!(after.order_location_id, orders.map(id)),
            (Err(AppError::Invalid { fields, .. }), Err(pointer)) => assert_eq!(fields[0].pointer, pointer),
            (got, expected) => panic!("{got:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn orders_follow_the_mapping() {
        let fresh = ConnectionSettings::default();
        check(&fresh, MappingPatch::default(), Ok(None));
        check(&fresh, select(&["b", "c"]), Ok(Some("b")));
        check(&selected(&["a", "b"]), select(&["b", "a"]), Ok(Some("a")));
        check(&selected(&["a", "b"]), select(&["c"]), Ok(Some("c")));
        let all = MappingPatch { mode: Some(MappingMode::All), ..MappingPatch::default() };
        check(&selected(&["a"]), all, Ok(None));
        let given = MappingPatch { order_location_id: Some(Some(id("c"))), ..select(&["a", "c"]) };
        check(&fresh, given, Ok(Some("c")));
        let reset = MappingPatch { order_location_id: Some(None), ..MappingPatch::default() };
        check(&selected(&["a", "b"]), reset, Ok(Some("a")));
    }

    #[test]
    fn what_does_not_go_together_is_named() {
        let fresh = ConnectionSettings::default();
        check(&fresh, select(&[]), Err(IDS));
        check(&fresh, select(&["a", "x"]), Err("/location_mapping/location_ids/1"));
        check(&fresh, select(&["a", "a"]), Err(IDS));
        check(&fresh, MappingPatch { mode: None, ..select(&["a"]) }, Err(IDS));
        let elsewhere = MappingPatch { order_location_id: Some(Some(id("c"))), ..select(&["a"]) };
        check(&fresh, elsewhere, Err(ORDERS));
    }

    #[test]
    fn f17_a_map_of_locations_names_each_of_ours_once() {
        let fresh = ConnectionSettings::default();
        let map = |pairs: &[(&str, &str)]| {
            let mapped = |(location, at): &(&str, &str)| MappedLocation {
                location_id: id(location),
                channel_location_id: at.parse().unwrap(),
            };
            let channel_locations = Some(pairs.iter().map(mapped).collect());
            MappingPatch { channel_locations, ..MappingPatch::default() }
        };
        check(&fresh, map(&[("a", "1"), ("b", "1")]), Ok(None));
        check(&fresh, map(&[("a", "1"), ("x", "2")]), Err(&format!("{MAP}/1/location_id")));
        check(&fresh, map(&[("a", "1"), ("b", "2"), ("a", "3")]), Err(&format!("{MAP}/2/location_id")));
        check(&fresh, map(&[("a", "1"); 101]), Err(MAP));
    }

    #[test]
    fn f18_one_location_leaves_nothing_to_select() {
        let patch = SettingsPatch { location_mapping: select(&["a"]), ..SettingsPatch::default() };
        let refused = patched(&ConnectionSettings::default(), &patch, &locations(&["a"]));
        assert!(matches!(refused, Err(AppError::Conflict { code: "single_location", .. })));
    }
}
