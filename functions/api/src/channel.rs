//! `/v1/channels`.

use channels::Capability;
use domain::ChannelKind;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Reader;
use crate::input::{Filter, PageQuery};
use crate::output::List;
use crate::problem::Problem;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Channel)]
pub struct ChannelBody {
    #[schema(value_type = String)]
    key: ChannelKind,
    name: &'static str,
    #[schema(pattern = "^(oauth2|api_key)$")]
    authorization: &'static str,
    /// What a connection's `credentials` must hold.
    credentials_required: &'static [&'static str],
    credentials_optional: &'static [&'static str],
    /// The store has an address of its own, which a connection names.
    endpoint_required: bool,
    capabilities: CapabilitiesBody,
    batch_limits: BatchLimitsBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelCapabilities)]
pub struct CapabilitiesBody {
    /// Listings can be asked for by time of change.
    listing_changes: bool,
    /// A number can be set only if another is still there.
    stock_compare_and_set: bool,
    /// Stock is counted per location.
    locations: bool,
    /// New orders are looked at before each push.
    order_look_before_push: bool,
}

/// The channel's own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelBatchLimits)]
pub struct BatchLimitsBody {
    /// Listings of one page.
    listings: u32,
    /// Orders of one page.
    orders: u32,
    /// Listings of one stock call.
    stock: u32,
}

impl ChannelBody {
    fn new(key: ChannelKind, capability: &'static Capability) -> Self {
        Self {
            key,
            name: capability.name,
            authorization: capability.authorization.as_str(),
            credentials_required: capability.credentials_required,
            credentials_optional: capability.credentials_optional,
            endpoint_required: capability.home.is_none(),
            capabilities: CapabilitiesBody {
                listing_changes: capability.listing_changes,
                stock_compare_and_set: capability.stock_compare_and_set,
                locations: capability.locations.is_told(),
                order_look_before_push: capability.order_look_before_push,
            },
            batch_limits: BatchLimitsBody {
                listings: capability.listing_page_max,
                orders: capability.order_page_max,
                stock: capability.stock_batch_max,
            },
        }
    }
}

/// Every channel that can be connected, with what it can do.
#[utoipa::path(get, path = "/v1/channels", tag = "connections", params(PageQuery),
    responses((status = 200, body = List<ChannelBody>)))]
pub async fn list_channels(
    _: Reader,
    Filter(query): Filter<PageQuery>,
) -> Result<List<ChannelBody>, Problem> {
    let body = |key| ChannelBody::new(key, channels::adapter(key).capability());
    List::part(ChannelKind::ALL.into_iter().map(body).collect(), "channels", &query.request()?)
}
