//! What a connection's settings look like on their way in.

use app::connection_settings::{
    ImportPatch, MappingMode, MappingPatch, ModulesPatch, RulePatch, SettingsPatch,
};
use domain::availability::{Percent, RuleSetting};
use domain::channel_location::MappedLocation;
use domain::connection::{DriftPolicy, StockSync};
use domain::schedule::SyncInterval;
use domain::{ChannelLocationId, LocationId, Quantity};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::input::present;

/// Left out: nothing changes. `null` is refused.
pub fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(reader: D) -> Result<T, D::Error> {
    T::deserialize(reader)
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModulesInput {
    #[serde(default, deserialize_with = "present")]
    items: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    orders: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    stock: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    shipments: Option<bool>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MappingModeInput {
    All,
    Selected,
    None,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingInput {
    #[serde(default, deserialize_with = "present")]
    mode: Option<MappingModeInput>,
    /// With the mode `selected`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>, max_items = 100)]
    location_ids: Option<Vec<LocationId>>,
    /// Where the connection's orders take their stock from; `null` for the primary location, or the first of those
    /// selected.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    order_location_id: Option<Option<LocationId>>,
    /// On a channel that counts by locations of its own: which of ours is shown at which of them, in the order in which a
    /// listing's number is handed out; the rest is shown at the channel's own first. The whole map; empty ends it.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_items = 100)]
    channel_locations: Option<Vec<MappedLocationBody>>,
}

/// One of our locations and where its stock is shown.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = MappedLocation)]
#[serde(deny_unknown_fields)]
pub struct MappedLocationBody {
    #[schema(value_type = String)]
    location_id: LocationId,
    /// One of `GET /v1/connections/{id}/channel-locations`.
    #[schema(value_type = String)]
    channel_location_id: ChannelLocationId,
}

impl From<MappedLocationBody> for MappedLocation {
    fn from(body: MappedLocationBody) -> Self {
        Self { location_id: body.location_id, channel_location_id: body.channel_location_id }
    }
}

impl From<&MappedLocation> for MappedLocationBody {
    fn from(mapped: &MappedLocation) -> Self {
        let MappedLocation { location_id, channel_location_id } = mapped.clone();
        Self { location_id, channel_location_id }
    }
}

/// What is set here, over those that decide less closely: a listing over its connection over the organization. `null`
/// leaves it to them; where nobody sets it, all that is available is shown.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleInput {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    buffer: Option<Option<Quantity>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    max_listed: Option<Option<Quantity>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u8>, maximum = 100)]
    percent: Option<Option<Percent>>,
}

impl From<RuleInput> for RulePatch {
    fn from(input: RuleInput) -> Self {
        Self { buffer: input.buffer, max_listed: input.max_listed, percent: input.percent }
    }
}

/// What is set of a rule; `null` is left to those that decide less closely.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = StockRuleSetting)]
pub struct RuleSettingBody {
    buffer: Option<u32>,
    max_listed: Option<u32>,
    percent: Option<u8>,
}

impl From<RuleSetting> for RuleSettingBody {
    fn from(rule: RuleSetting) -> Self {
        Self {
            buffer: rule.buffer.map(Quantity::get),
            max_listed: rule.max_listed.map(Quantity::get),
            percent: rule.percent.map(Percent::get),
        }
    }
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportInput {
    #[serde(default, deserialize_with = "present")]
    out_of_stock: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    archived: Option<bool>,
}

/// The settings of either input; both name the same fields.
pub struct SettingsInput {
    pub sync_interval_minutes: Option<SyncInterval>,
    pub stock_sync: Option<StockSync>,
    pub modules: ModulesInput,
    pub location_mapping: MappingInput,
    pub auto_create: Option<bool>,
    pub drift: Option<DriftPolicy>,
    pub stock_rule: RuleInput,
    pub import: ImportInput,
    pub blast_radius_percent: Option<Percent>,
}

impl From<SettingsInput> for SettingsPatch {
    fn from(input: SettingsInput) -> Self {
        let mode = |mode| match mode {
            MappingModeInput::All => MappingMode::All,
            MappingModeInput::Selected => MappingMode::Selected,
            MappingModeInput::None => MappingMode::None,
        };
        Self {
            sync_interval_minutes: input.sync_interval_minutes,
            stock_sync: input.stock_sync,
            modules: ModulesPatch {
                items: input.modules.items,
                orders: input.modules.orders,
                stock: input.modules.stock,
                shipments: input.modules.shipments,
            },
            location_mapping: MappingPatch {
                mode: input.location_mapping.mode.map(mode),
                location_ids: input.location_mapping.location_ids,
                order_location_id: input.location_mapping.order_location_id,
                channel_locations: input
                    .location_mapping
                    .channel_locations
                    .map(|map| map.into_iter().map(MappedLocation::from).collect()),
            },
            auto_create: input.auto_create,
            drift: input.drift,
            stock_rule: input.stock_rule.into(),
            blast_radius_percent: input.blast_radius_percent,
            import: ImportPatch { out_of_stock: input.import.out_of_stock, archived: input.import.archived },
        }
    }
}
