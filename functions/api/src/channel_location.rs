//! `/v1/connections/{id}/channel-locations`: the channel's own locations, which ours can be mapped to.

use axum::extract::State;
use channels::adapter;
use domain::{ChannelLocationId, ConnectionId, LocationId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::Reader;
use crate::input::{Filter, Id, PageQuery};
use crate::output::List;
use crate::problem::Problem;

/// A location as the channel has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelLocation)]
pub struct ChannelLocationBody {
    /// The channel's own id.
    #[schema(value_type = String)]
    id: ChannelLocationId,
    name: String,
    /// Shows what has no place of its own.
    is_home: bool,
    /// Ours that are shown there, in the map's order.
    #[schema(value_type = Vec<String>)]
    location_ids: Vec<LocationId>,
}

/// Asked of the channel. None of a channel that counts by listing alone.
#[utoipa::path(get, path = "/v1/connections/{id}/channel-locations", tag = "connections",
    params(("id" = String, Path), PageQuery), responses((status = 200, body = List<ChannelLocationBody>)))]
pub async fn list_channel_locations(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<ConnectionId>,
    Filter(query): Filter<PageQuery>,
) -> Result<List<ChannelLocationBody>, Problem> {
    let page = query.request()?;
    let connection = api.app.connection(&caller.organization_id, &id).await?;
    let home = adapter(connection.channel).home_location(&connection.facts);
    let found = api.app.channel_locations(&caller.organization_id, &id).await?;
    let body = |location: channels::ChannelLocation| {
        let ours = connection.settings.channel_locations.iter();
        let ours = ours.filter(|one| one.channel_location_id == location.id);
        ChannelLocationBody {
            is_home: home.as_ref() == Some(&location.id),
            location_ids: ours.map(|one| one.location_id.clone()).collect(),
            id: location.id,
            name: location.name,
        }
    };
    List::part(found.into_iter().map(body).collect(), "channel-locations", &page)
}
