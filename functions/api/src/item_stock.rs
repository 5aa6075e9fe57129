//! `/v1/items/{id}/…`: stock, ledger, listings, availability, push, unlink.

use std::collections::{BTreeMap, BTreeSet};

use app::AppError;
use axum::extract::State;
use domain::availability::{Availability, PartAvailability, StepName};
use domain::stock::{Level, Movement, Reason, SourceKind};
use domain::{ChannelLocationId, ConnectionId, ItemId, ListingId, LocationId, MovementId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::auth::{Reader, Writer};
use crate::input::{Body, Filter, Id, Nothing, OptionalBody, PageQuery};
use crate::listing::ListingBody;
use crate::output::{List, Single};
use crate::plan::{Answer, PlanBody, PlanQuery};
use crate::problem::Problem;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Level)]
pub struct LevelBody {
    #[schema(value_type = String)]
    location_id: LocationId,
    on_hand: i64,
    committed: i64,
    available: i64,
}

impl From<&Level> for LevelBody {
    fn from(level: &Level) -> Self {
        Self {
            location_id: level.location_id.clone(),
            on_hand: level.on_hand,
            committed: level.committed,
            available: level.available(),
        }
    }
}

/// Levels by location, and their sums. A bundle has none of its own.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemStockBody {
    #[schema(value_type = String)]
    item_id: ItemId,
    levels: Vec<LevelBody>,
    on_hand: i64,
    committed: i64,
    available: i64,
    /// The time that was asked for.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// Since when less is available than the item's reorder level.
    #[schema(value_type = Option<String>, format = DateTime)]
    below_reorder_level_since: Option<Timestamp>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StockQuery {
    /// As it was then, what moved at that instant included; left out, as it is.
    #[param(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
}

#[utoipa::path(get, path = "/v1/items/{id}/stock", tag = "items", params(("id" = String, Path), StockQuery),
    responses((status = 200, body = ItemStockBody)))]
pub async fn get_item_stock(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<ItemId>,
    Filter(query): Filter<StockQuery>,
) -> Result<Single<ItemStockBody>, Problem> {
    let organization = &caller.organization_id;
    let (levels, low_since) = match query.at {
        Some(at) => (api.app.levels_at(organization, &id, at).await?, None),
        None => {
            let stock = api.app.stock_of(organization, &id).await?;
            (stock.levels, stock.low_since)
        }
    };
    Ok(Single::ok(ItemStockBody {
        item_id: id,
        on_hand: levels.iter().map(|level| level.on_hand).sum(),
        committed: levels.iter().map(|level| level.committed).sum(),
        available: levels.iter().map(Level::available).sum(),
        levels: levels.iter().map(LevelBody::from).collect(),
        at: query.at,
        below_reorder_level_since: low_since,
    }))
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Movement)]
pub struct MovementBody {
    #[schema(value_type = String)]
    id: MovementId,
    #[schema(value_type = String)]
    item_id: ItemId,
    #[schema(value_type = String)]
    location_id: LocationId,
    on_hand_delta: i64,
    committed_delta: i64,
    /// `opening_stock`, `adjustment`, `purchase_received`, `transferred_out`, `transferred_in`, `voided`, `order_committed`,
    /// `order_released`, `order_shipped`, `order_unshipped`.
    #[schema(value_type = String)]
    reason: Reason,
    source: SourceBody,
    /// A key's id, or a connection's for what its channel caused.
    actor: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// The document that a movement belongs to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MovementSource)]
pub struct SourceBody {
    /// `item`, `adjustment`, `purchase_receive`, `transfer`, `order`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: SourceKind,
    id: String,
}

impl From<Movement> for MovementBody {
    fn from(movement: Movement) -> Self {
        Self {
            id: movement.id,
            item_id: movement.item_id,
            location_id: movement.location_id,
            on_hand_delta: movement.change.on_hand,
            committed_delta: movement.change.committed,
            reason: movement.reason,
            source: SourceBody { kind: movement.source.kind, id: movement.source.id },
            actor: movement.actor.into(),
            at: movement.at,
        }
    }
}

/// The stock ledger of the item, newest first. All movements summed give the levels.
#[utoipa::path(get, path = "/v1/items/{id}/movements", tag = "items", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = List<MovementBody>)))]
pub async fn list_movements(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<ItemId>,
    Filter(query): Filter<PageQuery>,
) -> Result<List<MovementBody>, Problem> {
    let page = query.request()?;
    api.app.item(&caller.organization_id, &id).await?;
    let movements = api.app.store.movements(&caller.organization_id, &id, &page).await?;
    Ok(List::of(movements, MovementBody::from))
}

/// The item's listings, each with how its number stands.
#[utoipa::path(get, path = "/v1/items/{id}/listings", tag = "items", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = List<ListingBody>)))]
pub async fn list_item_listings(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<ItemId>,
    Filter(query): Filter<PageQuery>,
) -> Result<List<ListingBody>, Problem> {
    let page = query.request()?;
    List::part(item_listings(&api, &caller.organization_id, &id).await?, id.as_str(), &page)
}

async fn item_listings(
    api: &Api,
    organization: &domain::OrganizationId,
    id: &ItemId,
) -> Result<Vec<ListingBody>, Problem> {
    api.app.item(organization, id).await?;
    let deciders = api.app.deciders(organization).await?;
    let pushes: BTreeMap<_, _> = api
        .app
        .listing_pushes(organization, id, &deciders)
        .await?
        .into_iter()
        .map(|push| (push.listing_id.clone(), push))
        .collect();
    let ids = pushes.keys().cloned().collect();
    let listings = api.app.store.listings_by_ids(organization, &ids).await?;
    Ok(listings
        .into_values()
        .map(|listing| {
            let push = pushes.get(&listing.id).cloned();
            ListingBody::new(listing, push)
        })
        .collect())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AvailabilityQuery {
    /// Whose number; left out, that of a connection with nothing set.
    connection_id: Option<String>,
    /// Which listing's, where the item has several on the connection, each with a rule of its own.
    listing_id: Option<String>,
}

/// Why a channel shows the item's number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Availability)]
pub struct AvailabilityBody {
    #[schema(value_type = String)]
    item_id: ItemId,
    #[schema(value_type = Option<String>)]
    connection_id: Option<ConnectionId>,
    /// `null` where no location is mapped.
    #[schema(value_type = Option<u32>)]
    result: Option<i64>,
    /// The levels that count.
    locations: Vec<LevelBody>,
    /// Of a bundle: the simple items that it comes down to. The least of `floor(available / quantity)` is available.
    components: Vec<PartBody>,
    rule: RuleBody,
    /// Each can be recomputed from the one before; the last is the result. Where the channel is told by location, one more
    /// for each: what is shown there, in all the result.
    steps: Vec<StepBody>,
    /// Why the number is not sent, if it is not.
    not_pushed: Option<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AvailabilityComponent)]
pub struct PartBody {
    #[schema(value_type = String)]
    item_id: ItemId,
    /// Of one bundle.
    quantity: i64,
    available: i64,
    /// The levels that count.
    locations: Vec<LevelBody>,
}

impl From<PartAvailability> for PartBody {
    fn from(part: PartAvailability) -> Self {
        Self {
            item_id: part.item_id,
            quantity: part.quantity,
            available: part.available,
            locations: part.levels.iter().map(LevelBody::from).collect(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StockRule)]
pub struct RuleBody {
    pub percent: u8,
    pub buffer: u32,
    pub max_listed: Option<u32>,
}

impl From<domain::availability::StockRule> for RuleBody {
    fn from(rule: domain::availability::StockRule) -> Self {
        Self {
            percent: rule.percent.get(),
            buffer: rule.buffer.get(),
            max_listed: rule.max_listed.map(domain::Quantity::get),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Step)]
pub struct StepBody {
    /// `available`, `after_percent`, `after_buffer`, `not_below_zero`, `not_above_max_listed`, `at_location`.
    #[schema(value_type = String)]
    step: StepName,
    value: i64,
    /// With `at_location`: which of the channel's own.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_location_id: Option<ChannelLocationId>,
}

fn steps_of(shown: &Availability) -> Vec<StepBody> {
    let rule = shown.steps.iter().map(|step| StepBody {
        step: step.step,
        value: step.value,
        channel_location_id: None,
    });
    let shares = shown.split.iter().flat_map(|split| split.shares());
    let shares = shares.map(|share| StepBody {
        step: StepName::AtLocation,
        value: share.quantity.units(),
        channel_location_id: Some(share.at.clone()),
    });
    rule.chain(shares).collect()
}

#[utoipa::path(get, path = "/v1/items/{id}/availability", tag = "items",
    params(("id" = String, Path), AvailabilityQuery), responses((status = 200, body = AvailabilityBody)))]
pub async fn get_availability(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<ItemId>,
    Filter(query): Filter<AvailabilityQuery>,
) -> Result<Single<AvailabilityBody>, Problem> {
    let connection_id = match query.connection_id.map(|text| text.parse::<ConnectionId>()) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return Err(AppError::NotFound("connection").into()),
    };
    let listing_id = match query.listing_id.map(|text| text.parse::<ListingId>()) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return Err(AppError::NotFound("listing of the item").into()),
    };
    let (connection, listing) = (connection_id.as_ref(), listing_id.as_ref());
    let explained = api.app.explain_availability(&caller.organization_id, &id, connection, listing).await?;
    let (levels, components, steps, result) = match explained.availability {
        Some(shown) => {
            let steps = steps_of(&shown);
            (shown.levels, shown.components, steps, Some(shown.result.units()))
        }
        None => (Vec::new(), Vec::new(), Vec::new(), None),
    };
    Ok(Single::ok(AvailabilityBody {
        item_id: id,
        connection_id,
        result,
        locations: levels.iter().map(LevelBody::from).collect(),
        components: components.into_iter().map(PartBody::from).collect(),
        rule: explained.rule.into(),
        steps,
        not_pushed: explained.not_pushed.map(domain::push::NotPushed::code),
    }))
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PushAccepted {
    #[schema(value_type = String)]
    item_id: ItemId,
    /// As they stand now; `Location` says where to look again.
    listings: Vec<ListingBody>,
}

/// Push Stock: every linked listing is sent its number, changed or not.
#[utoipa::path(post, path = "/v1/items/{id}/push", tag = "items", params(("id" = String, Path), PlanQuery),
    responses((status = 202, body = PushAccepted), (status = 200, description = "The plan", body = PlanBody)))]
pub async fn push_item(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<ItemId>,
    Filter(query): Filter<PlanQuery>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Answer<Single<PushAccepted>>, Problem> {
    let how = query.execution()?;
    let listings = item_listings(&api, &caller.organization_id, &id).await?;
    let pushed = api.app.push_item_planned(&caller.organization_id, &id, &how).await?;
    let place = format!("/v1/items/{id}/listings");
    Ok(Answer::of(pushed, |()| Single::accepted(place, PushAccepted { item_id: id, listings })))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlinkInput {
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 100)]
    connection_ids: BTreeSet<ConnectionId>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Unlinked {
    #[schema(value_type = String)]
    item_id: ItemId,
    /// Those that were taken off.
    listings: Vec<ListingBody>,
}

/// Takes the item's listings on these connections off it; those on others stay.
#[utoipa::path(post, path = "/v1/items/{id}/unlink", tag = "items", params(("id" = String, Path)),
    request_body = UnlinkInput, responses((status = 200, body = Unlinked)))]
pub async fn unlink_item(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<ItemId>,
    Body(input): Body<UnlinkInput>,
) -> Result<Single<Unlinked>, Problem> {
    let listings = api.app.unlink_item(&caller.organization_id, &id, &input.connection_ids).await?;
    let listings = listings.into_iter().map(|listing| ListingBody::new(listing, None)).collect();
    Ok(Single::ok(Unlinked { item_id: id, listings }))
}
