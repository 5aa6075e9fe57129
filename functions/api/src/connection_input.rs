//! What a connection's settings look like on their way in.

use app::connection_settings::{
    ImportPatch, MappingMode, MappingPatch, ModulesPatch, RulePatch, SettingsPatch,
};
use domain::availability::Percent;
use domain::connection::{DriftPolicy, StockSync};
use domain::schedule::SyncInterval;
use domain::{LocationId, Quantity};
use serde::{Deserialize, Deserializer};
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
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleInput {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    buffer: Option<Quantity>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    max_listed: Option<Option<Quantity>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u8>, maximum = 100)]
    percent: Option<Percent>,
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
            },
            auto_create: input.auto_create,
            drift: input.drift,
            stock_rule: RulePatch {
                buffer: input.stock_rule.buffer,
                max_listed: input.stock_rule.max_listed,
                percent: input.stock_rule.percent,
            },
            import: ImportPatch { out_of_stock: input.import.out_of_stock, archived: input.import.archived },
        }
    }
}
