//! `/v1/listings`.

use std::collections::BTreeMap;

use app::AppError;
use app::availability::ListingPush;
use app::confirm_listing::{Confirmed, ItemOverrides};
use app::plan::Executed;
use axum::extract::State;
use domain::channel::Fulfilment;
use domain::listing::{ChannelStatus, ListingStatus, Match};
use domain::push::PushState;
use domain::{ConnectionId, ItemId, ListingId, MatchKey, Name, Quantity, Sku, Timestamp};
use serde::{Deserialize, Serialize};
use store::link::LinkedBy;
use store::listing::{Listing, ListingFilter};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::auth::{Caller, Reader, Writer};
use crate::connection_input::{RuleInput, RuleSettingBody, object};
use crate::input::{Body, Filter, Id, Nothing, OptionalBody, page};
use crate::item::{AttributeBody, GroupBody, ItemBody, OpeningStockInput, attributes, opening};
use crate::output::{IfMatch, List, Single, Warning};
use crate::plan::{Answer, PlanQuery};
use crate::problem::Problem;
use crate::value::{self, MoneyBody, price};

/// A sales channel item.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Listing)]
pub struct ListingBody {
    #[schema(value_type = String)]
    id: ListingId,
    #[schema(value_type = String)]
    connection_id: ConnectionId,
    external_id: String,
    variation_id: Option<String>,
    #[schema(value_type = Option<String>)]
    sku: Option<Sku>,
    #[schema(value_type = String)]
    title: Name,
    price: Option<MoneyBody>,
    /// As last fetched; `null` where the channel does not count it.
    #[schema(value_type = Option<u32>)]
    channel_quantity: Option<Quantity>,
    /// `active`, `inactive`, `archived`, `deleted`.
    #[schema(value_type = String)]
    channel_status: ChannelStatus,
    attributes: Vec<AttributeBody>,
    barcode: Option<String>,
    #[schema(value_type = String, pattern = "^(mfn|fba)$")]
    fulfilment: Fulfilment,
    #[schema(value_type = String, pattern = "^(unconfirmed|linked|unlinked|dismissed)$")]
    status: ListingStatus,
    #[serde(rename = "match")]
    #[schema(value_type = String, pattern = "^(sku_matched|name_matched|unmatched|empty_sku|duplicate_sku)$")]
    found: Match,
    #[schema(value_type = Vec<String>)]
    candidate_item_ids: Vec<ItemId>,
    /// Of a `duplicate_sku`, read alone: the other listings of the connection that have the SKU.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    duplicate_listing_ids: Vec<ListingId>,
    #[schema(value_type = Option<String>)]
    item_id: Option<ItemId>,
    /// What a person can do with it now.
    actions: &'static [&'static str],
    dismissed_reason: Option<String>,
    /// What it sets of its rule, over its connection's and the organization's; `null` leaves it to these.
    stock_rule: RuleSettingBody,
    #[schema(value_type = String, format = DateTime)]
    first_seen_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    observed_at: Timestamp,
    /// How its number stands, where it is linked and that was asked for.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    push: Option<PushBody>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ListingPush)]
pub struct PushBody {
    /// `sku`, `name`, `person`.
    #[schema(value_type = String)]
    linked_by: LinkedBy,
    #[schema(value_type = Option<u32>)]
    desired_quantity: Option<Quantity>,
    #[schema(value_type = Option<u32>)]
    pushed_quantity: Option<Quantity>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pushed_at: Option<Timestamp>,
    #[schema(value_type = String, pattern = "^(in_sync|pending|failed|disabled)$")]
    push_state: PushState,
    /// Why it is not in sync: stable, snake_case.
    reason: Option<String>,
    reason_detail: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
}

impl From<ListingPush> for PushBody {
    fn from(push: ListingPush) -> Self {
        Self {
            linked_by: push.linked_by,
            desired_quantity: push.desired,
            pushed_quantity: push.pushed,
            pushed_at: push.pushed_at,
            push_state: push.state,
            reason: push.reason,
            reason_detail: push.detail,
            since: push.since,
        }
    }
}

fn actions(status: ListingStatus) -> &'static [&'static str] {
    match status {
        ListingStatus::Unconfirmed | ListingStatus::Unlinked => &["confirm", "update", "link"],
        ListingStatus::Linked => &["unlink"],
        ListingStatus::Dismissed => &["restore"],
    }
}

impl ListingBody {
    pub fn new(listing: Listing, push: Option<ListingPush>) -> Self {
        Self {
            id: listing.id,
            connection_id: listing.connection_id,
            external_id: listing.reference.external_id,
            variation_id: listing.reference.variation_id,
            sku: listing.sku,
            title: listing.title,
            price: listing.price.map(MoneyBody::from),
            channel_quantity: listing.channel_quantity,
            channel_status: listing.channel_status,
            attributes: attributes(listing.attributes),
            barcode: listing.barcode,
            fulfilment: listing.fulfilment,
            status: listing.status,
            found: listing.found,
            candidate_item_ids: listing.candidate_item_ids,
            duplicate_listing_ids: Vec::new(),
            item_id: listing.item_id,
            actions: actions(listing.status),
            dismissed_reason: listing.dismissed_reason,
            stock_rule: listing.stock_rule.into(),
            first_seen_at: listing.first_seen_at,
            observed_at: listing.observed_at,
            push: push.map(PushBody::from),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListingQuery {
    #[param(value_type = Option<String>)]
    status: Option<ListingStatus>,
    #[serde(rename = "match")]
    #[param(value_type = Option<String>)]
    found: Option<Match>,
    #[param(value_type = Option<String>)]
    connection_id: Option<ConnectionId>,
    #[param(value_type = Option<String>)]
    item_id: Option<ItemId>,
    /// A part of the SKU or the title.
    q: Option<String>,
    /// `in_sync`, `pending`, `failed`, `disabled`: linked listings whose number stands so, each with why and since when.
    #[param(value_type = Option<String>)]
    push_state: Option<PushState>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    cursor: Option<String>,
}

#[utoipa::path(get, path = "/v1/listings", tag = "listings", params(ListingQuery),
    responses((status = 200, body = List<ListingBody>)))]
pub async fn list_listings(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<ListingQuery>,
) -> Result<List<ListingBody>, Problem> {
    let page = page(query.limit, query.cursor)?;
    let status = match query.push_state {
        Some(_) if query.status.is_some_and(|status| status != ListingStatus::Linked) => {
            return Ok(List::empty());
        }
        Some(_) => Some(ListingStatus::Linked),
        None => query.status,
    };
    let filter = ListingFilter {
        status,
        found: query.found,
        connection_id: query.connection_id,
        item_id: query.item_id,
        q: query.q.map(|text| MatchKey::of(&text)),
    };
    let found = api.app.store.listings(&caller.organization_id, &filter, &page).await?;
    let Some(wanted) = query.push_state else {
        return Ok(List::of(found, |listing| ListingBody::new(listing, None)));
    };
    let bodies = with_pushes(&api, &caller, found.data).await?;
    let stands = |body: &ListingBody| body.push.as_ref().is_some_and(|push| push.push_state == wanted);
    Ok(List { data: bodies.into_iter().filter(stands).collect(), next_cursor: found.next_cursor })
}

/// Linked listings with how their numbers stand: one read for each item.
async fn with_pushes(
    api: &Api,
    caller: &Caller,
    listings: Vec<Listing>,
) -> Result<Vec<ListingBody>, AppError> {
    let organization = &caller.organization_id;
    let deciders = api.app.deciders(organization).await?;
    let mut pushes = BTreeMap::<ItemId, BTreeMap<ListingId, ListingPush>>::new();
    let mut bodies = Vec::with_capacity(listings.len());
    for listing in listings {
        let Some(item) = listing.item_id.clone() else {
            bodies.push(ListingBody::new(listing, None));
            continue;
        };
        if !pushes.contains_key(&item) {
            let of_item = api.app.listing_pushes(organization, &item, &deciders).await?;
            let of_item = of_item.into_iter().map(|push| (push.listing_id.clone(), push)).collect();
            pushes.insert(item.clone(), of_item);
        }
        let push = pushes.get(&item).and_then(|of_item| of_item.get(&listing.id)).cloned();
        bodies.push(ListingBody::new(listing, push));
    }
    Ok(bodies)
}

async fn twins(api: &Api, caller: &Caller, listing: &Listing) -> Result<Vec<ListingId>, Problem> {
    let (Match::DuplicateSku, Some(sku)) = (listing.found, &listing.sku) else { return Ok(Vec::new()) };
    let store = &api.app.store;
    let mut twins =
        store.listings_with_sku(&caller.organization_id, &listing.connection_id, &sku.match_key()).await?;
    twins.remove(&listing.id);
    Ok(twins.into_iter().collect())
}

async fn shown(api: &Api, caller: &Caller, listing: Listing) -> Result<Single<ListingBody>, Problem> {
    let linked = listing.status == ListingStatus::Linked;
    if !linked {
        let twins = twins(api, caller, &listing).await?;
        return Ok(Single::ok(ListingBody {
            duplicate_listing_ids: twins,
            ..ListingBody::new(listing, None)
        }));
    }
    let bodies = with_pushes(api, caller, vec![listing]).await?;
    bodies.into_iter().next().map(Single::ok).ok_or_else(|| AppError::NotFound("listing").into())
}

#[utoipa::path(get, path = "/v1/listings/{id}", tag = "listings", params(("id" = String, Path)),
    responses((status = 200, body = ListingBody)))]
pub async fn get_listing(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<ListingId>,
) -> Result<Single<ListingBody>, Problem> {
    let listing = api.app.listing(&caller.organization_id, &id).await?;
    shown(&api, &caller, listing).await
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmInput {
    /// What is to be another than the listing says.
    item: Option<OverridesInput>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverridesInput {
    #[schema(value_type = Option<String>)]
    sku: Option<Sku>,
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    selling_price: Option<MoneyBody>,
    purchase_price: Option<MoneyBody>,
    /// Of one unit.
    opening_stock_value: Option<MoneyBody>,
    opening_stock: Option<Vec<OpeningStockInput>>,
    barcode: Option<String>,
    group: Option<GroupBody>,
    #[schema(value_type = Option<u32>)]
    reorder_level: Option<Quantity>,
}

impl OverridesInput {
    fn parse(self) -> Result<ItemOverrides, AppError> {
        Ok(ItemOverrides {
            sku: self.sku,
            name: self.name,
            selling_price: price(self.selling_price.as_ref(), "/item/selling_price")?,
            purchase_price: price(self.purchase_price.as_ref(), "/item/purchase_price")?,
            opening_stock_value: price(self.opening_stock_value.as_ref(), "/item/opening_stock_value")?,
            barcode: value::optional_text(self.barcode.as_ref(), "/item/barcode", 255)?,
            group: self.group.map(|group| group.parse("/item/group")).transpose()?,
            reorder_level: self.reorder_level,
            opening_stock: self.opening_stock.map(opening),
        })
    }
}

/// The item of the listing, with the listing.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfirmedBody {
    #[serde(flatten)]
    item: ItemBody,
    #[schema(value_type = String)]
    item_id: ItemId,
    listing: ListingBody,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

const DEFAULTS_USED: &str = "defaults_used";

fn defaults_warning(confirmed: &Confirmed) -> Option<Warning> {
    if confirmed.defaulted.is_empty() {
        return None;
    }
    let fields = confirmed.defaulted.join(", ");
    let price = confirmed
        .item
        .selling_price
        .map_or_else(|| "has none".to_owned(), |price| format!("is {} {}", price.amount(), price.currency));
    let detail = format!(
        "{fields}: not given, so costs are the selling_price, which {price}, and the stock is the channel's quantity"
    );
    Some(Warning { code: DEFAULTS_USED, detail })
}

/// Makes an item from the listing, or joins the item that has its SKU; once more, the same item again.
#[utoipa::path(post, path = "/v1/listings/{id}/confirm", tag = "listings", params(("id" = String, Path)),
    request_body = Option<ConfirmInput>, responses((status = 200, body = ConfirmedBody)))]
pub async fn confirm_listing(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<ListingId>,
    OptionalBody(input): OptionalBody<ConfirmInput>,
) -> Result<Single<ConfirmedBody>, Problem> {
    let overrides = input.item.unwrap_or_default().parse()?;
    let confirmed =
        api.app.confirm_listing(&caller.organization_id, &caller.actor(), &id, &overrides).await?;
    let warnings = defaults_warning(&confirmed).into_iter().collect();
    Ok(Single::ok(ConfirmedBody {
        item_id: confirmed.item.id.clone(),
        item: confirmed.item.into(),
        listing: ListingBody::new(confirmed.listing, None),
        warnings,
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkInput {
    #[schema(value_type = String)]
    item_id: ItemId,
}

/// Links the listing to an item that exists; the item stays as it is and its number goes to the channel.
#[utoipa::path(post, path = "/v1/listings/{id}/link", tag = "listings", params(("id" = String, Path)),
    request_body = LinkInput, responses((status = 200, body = ListingBody)))]
pub async fn link_listing(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<ListingId>,
    Body(input): Body<LinkInput>,
) -> Result<Single<ListingBody>, Problem> {
    let listing = api.app.link_listing(&caller.organization_id, &caller.actor(), &id, &input.item_id).await?;
    shown(&api, &caller, listing).await
}

/// Takes the listing off its item. No sync puts the two together again by itself.
#[utoipa::path(post, path = "/v1/listings/{id}/unlink", tag = "listings", params(("id" = String, Path)),
    responses((status = 200, body = ListingBody)))]
pub async fn unlink_listing(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<ListingId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<ListingBody>, Problem> {
    let listing = api.app.unlink_listing(&caller.organization_id, &id).await?;
    shown(&api, &caller, listing).await
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListingChange {
    #[serde(default, deserialize_with = "object")]
    stock_rule: RuleInput,
}

/// Sets the listing's own rule. All else of a listing is its channel's.
#[utoipa::path(patch, path = "/v1/listings/{id}", tag = "listings", params(("id" = String, Path), PlanQuery),
    request_body = ListingChange, responses((status = 200, body = ListingBody)))]
pub async fn change_listing(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<ListingId>,
    if_match: IfMatch,
    Filter(query): Filter<PlanQuery>,
    Body(input): Body<ListingChange>,
) -> Result<Answer<Single<ListingBody>>, Problem> {
    let how = query.execution()?;
    let organization = &caller.organization_id;
    let expected = match if_match.is_given() {
        false => None,
        true => {
            let current = api.app.listing(organization, &id).await?;
            let version = current.version;
            if_match.check(&shown(&api, &caller, current).await?.into_body())?;
            Some(version)
        }
    };
    let patch = input.stock_rule.into();
    Ok(match api.app.change_listing_rule_planned(organization, &id, expected, patch, &how).await? {
        Executed::Done(listing) => Answer::Done(shown(&api, &caller, listing).await?),
        Executed::Plan(plan) => Answer::Plan(Box::new(Single::ok(plan.into()))),
    })
}

/// Sends the number again of a listing that was held since it was changed on its channel.
#[utoipa::path(post, path = "/v1/listings/{id}/release", tag = "trust", params(("id" = String, Path)),
    responses((status = 200, body = ListingBody)))]
pub async fn release_listing(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<ListingId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<Single<ListingBody>, Problem> {
    let listing = api.app.release_listing(&caller.organization_id, &id).await?;
    shown(&api, &caller, listing).await
}
