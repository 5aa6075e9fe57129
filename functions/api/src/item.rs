//! `/v1/items`.

use app::AppError;
use app::item::{BARCODE_MAX, ItemPatch, NewItem, OpeningStock};
use axum::extract::State;
use domain::bundle::Component;
use domain::listing::{ATTRIBUTES_MAX, Attribute};
use domain::{ItemId, LocationId, MatchKey, Name, Quantity, Sku, Timestamp};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::item::{Item, ItemFilter, ItemGroup};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::auth::{Caller, Reader, Writer};
use crate::input::{Body, Filter, Id, page, present};
use crate::output::{IfMatch, List, Single};
use crate::problem::Problem;
use crate::value::{self, MoneyBody, price};

#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributeBody {
    #[schema(max_length = 500)]
    pub name: String,
    #[schema(max_length = 500)]
    pub value: String,
}

/// What goods with variations have in common.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[schema(as = ItemGroup)]
#[serde(deny_unknown_fields)]
pub struct GroupBody {
    #[schema(max_length = 255)]
    pub id: String,
    #[serde(default)]
    #[schema(max_items = 3)]
    pub attributes: Vec<AttributeBody>,
}

impl GroupBody {
    pub fn parse(&self, pointer: &str) -> Result<ItemGroup, AppError> {
        if self.attributes.len() > ATTRIBUTES_MAX {
            return Err(value::invalid(&format!("{pointer}/attributes"), "must have at most 3 attributes"));
        }
        let mut attributes = Vec::with_capacity(self.attributes.len());
        for (n, attribute) in self.attributes.iter().enumerate() {
            attributes.push(Attribute {
                name: value::text(&attribute.name, &format!("{pointer}/attributes/{n}/name"), 500)?,
                value: value::text(&attribute.value, &format!("{pointer}/attributes/{n}/value"), 500)?,
            });
        }
        Ok(ItemGroup { id: value::text(&self.id, &format!("{pointer}/id"), 255)?, attributes })
    }
}

impl From<ItemGroup> for GroupBody {
    fn from(group: ItemGroup) -> Self {
        Self { id: group.id, attributes: attributes(group.attributes) }
    }
}

pub fn attributes(attributes: Vec<Attribute>) -> Vec<AttributeBody> {
    attributes.into_iter().map(|a| AttributeBody { name: a.name, value: a.value }).collect()
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningStockInput {
    #[schema(value_type = String)]
    location_id: LocationId,
    #[schema(value_type = u32, maximum = 999_999_999)]
    quantity: Quantity,
}

pub fn opening(lines: Vec<OpeningStockInput>) -> Vec<OpeningStock> {
    lines
        .into_iter()
        .map(|line| OpeningStock { location_id: line.location_id, quantity: line.quantity })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    Simple,
    Bundle,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ComponentInput {
    #[schema(value_type = String)]
    item_id: ItemId,
    #[schema(value_type = u32, minimum = 1, maximum = 999_999_999)]
    quantity: Quantity,
}

fn components(lines: Vec<ComponentInput>) -> Vec<Component> {
    lines.into_iter().map(|line| Component { item_id: line.item_id, quantity: line.quantity }).collect()
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Component)]
pub struct ComponentBody {
    #[schema(value_type = String)]
    item_id: ItemId,
    #[schema(value_type = u32)]
    quantity: Quantity,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemInput {
    /// Unique in the organization; case and white space do not count.
    #[schema(value_type = String, min_length = 1, max_length = 255)]
    sku: Sku,
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    name: Name,
    selling_price: Option<MoneyBody>,
    purchase_price: Option<MoneyBody>,
    /// Of one unit.
    opening_stock_value: Option<MoneyBody>,
    #[serde(default)]
    #[schema(max_items = 20)]
    opening_stock: Vec<OpeningStockInput>,
    #[schema(max_length = 255)]
    barcode: Option<String>,
    group: Option<GroupBody>,
    /// Left out: a bundle where there are components.
    kind: Option<ItemKind>,
    /// What a bundle is made of: simple items, and bundles up to five deep.
    #[serde(default)]
    #[schema(max_items = 20)]
    components: Vec<ComponentInput>,
    #[schema(value_type = Option<u32>)]
    reorder_level: Option<Quantity>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemChange {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    sku: Option<Sku>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<MoneyBody>)]
    selling_price: Option<Option<MoneyBody>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<MoneyBody>)]
    purchase_price: Option<Option<MoneyBody>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<MoneyBody>)]
    opening_stock_value: Option<Option<MoneyBody>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    barcode: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<GroupBody>)]
    group: Option<Option<GroupBody>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    reorder_level: Option<Option<Quantity>>,
    /// Of a bundle, all of them: a simple item stays one. Orders keep what they were taken with.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<ComponentInput>>, min_items = 1, max_items = 20)]
    components: Option<Vec<ComponentInput>>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Item)]
pub struct ItemBody {
    #[schema(value_type = String)]
    pub id: ItemId,
    #[schema(value_type = String)]
    sku: Sku,
    #[schema(value_type = String)]
    name: Name,
    selling_price: Option<MoneyBody>,
    purchase_price: Option<MoneyBody>,
    opening_stock_value: Option<MoneyBody>,
    barcode: Option<String>,
    group: Option<GroupBody>,
    kind: ItemKind,
    /// Of a bundle.
    components: Vec<ComponentBody>,
    #[schema(value_type = Option<u32>)]
    reorder_level: Option<Quantity>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Item> for ItemBody {
    fn from(item: Item) -> Self {
        Self {
            id: item.id,
            sku: item.sku,
            name: item.name,
            selling_price: item.selling_price.map(MoneyBody::from),
            purchase_price: item.purchase_price.map(MoneyBody::from),
            opening_stock_value: item.opening_stock_value.map(MoneyBody::from),
            barcode: item.barcode,
            group: item.group.map(GroupBody::from),
            kind: if item.components.is_empty() { ItemKind::Simple } else { ItemKind::Bundle },
            components: item
                .components
                .into_iter()
                .map(|component| ComponentBody { item_id: component.item_id, quantity: component.quantity })
                .collect(),
            reorder_level: item.reorder_level,
            created_at: item.created_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ItemQuery {
    /// Exactly this SKU; case and white space do not count.
    sku: Option<String>,
    /// Exactly this name; case and white space do not count.
    name: Option<String>,
    /// A part of the SKU or the name.
    q: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Oldest first.
#[utoipa::path(get, path = "/v1/items", tag = "items", params(ItemQuery), responses((status = 200, body = List<ItemBody>)))]
pub async fn list_items(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<ItemQuery>,
) -> Result<List<ItemBody>, Problem> {
    let key = |text: Option<String>| text.map(|text| MatchKey::of(&text));
    let filter = ItemFilter { sku: key(query.sku), name: key(query.name), q: key(query.q) };
    let page = page(query.limit, query.cursor)?;
    Ok(List::of(api.app.store.items(&caller.organization_id, &filter, &page).await?, ItemBody::from))
}

#[utoipa::path(post, path = "/v1/items", tag = "items", request_body = ItemInput,
    responses((status = 201, body = ItemBody)))]
pub async fn create_item(
    State(api): State<Api>,
    Writer(caller): Writer,
    Body(input): Body<ItemInput>,
) -> Result<Single<ItemBody>, Problem> {
    match (input.kind, input.components.is_empty()) {
        (Some(ItemKind::Bundle), true) => {
            return Err(value::invalid("/components", "must be given for a bundle").into());
        }
        (Some(ItemKind::Simple), false) => {
            return Err(value::invalid("/components", "must be left out for a simple item").into());
        }
        _ => {}
    }
    let new = NewItem {
        sku: input.sku,
        name: input.name,
        selling_price: price(input.selling_price.as_ref(), "/selling_price")?,
        purchase_price: price(input.purchase_price.as_ref(), "/purchase_price")?,
        opening_stock_value: price(input.opening_stock_value.as_ref(), "/opening_stock_value")?,
        barcode: value::optional_text(input.barcode.as_ref(), "/barcode", BARCODE_MAX)?,
        group: input.group.map(|group| group.parse("/group")).transpose()?,
        reorder_level: input.reorder_level,
        opening_stock: opening(input.opening_stock),
        components: components(input.components),
    };
    let item = api.app.create_item(&caller.organization_id, &caller.actor(), new).await?;
    Ok(Single::created(format!("/v1/items/{}", item.id), item.into()))
}

#[utoipa::path(get, path = "/v1/items/{id}", tag = "items", params(("id" = String, Path)),
    responses((status = 200, body = ItemBody)))]
pub async fn get_item(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<ItemId>,
) -> Result<Single<ItemBody>, Problem> {
    Ok(Single::ok(api.app.item(&caller.organization_id, &id).await?.into()))
}

async fn seen(api: &Api, caller: &Caller, id: &ItemId, if_match: &IfMatch) -> Result<Option<u64>, Problem> {
    if !if_match.is_given() {
        return Ok(None);
    }
    let current = api.app.item(&caller.organization_id, id).await?;
    let version = current.version;
    if_match.check(&ItemBody::from(current))?;
    Ok(Some(version))
}

#[utoipa::path(patch, path = "/v1/items/{id}", tag = "items", params(("id" = String, Path)),
    request_body = ItemChange, responses((status = 200, body = ItemBody)))]
pub async fn change_item(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<ItemId>,
    if_match: IfMatch,
    Body(input): Body<ItemChange>,
) -> Result<Single<ItemBody>, Problem> {
    let money = |given: Option<Option<MoneyBody>>, pointer: &str| match given {
        None => Ok(None),
        Some(given) => price(given.as_ref(), pointer).map(Some),
    };
    let patch = ItemPatch {
        sku: input.sku,
        name: input.name,
        selling_price: money(input.selling_price, "/selling_price")?,
        purchase_price: money(input.purchase_price, "/purchase_price")?,
        opening_stock_value: money(input.opening_stock_value, "/opening_stock_value")?,
        barcode: match &input.barcode {
            None => None,
            Some(barcode) => Some(value::optional_text(barcode.as_ref(), "/barcode", BARCODE_MAX)?),
        },
        group: match &input.group {
            None => None,
            Some(group) => Some(group.as_ref().map(|group| group.parse("/group")).transpose()?),
        },
        reorder_level: input.reorder_level,
        components: input.components.map(components),
    };
    let expected = seen(&api, &caller, &id, &if_match).await?;
    let item = api.app.change_item(&caller.organization_id, &id, expected, &patch).await?;
    Ok(Single::ok(item.into()))
}

/// Refused while it has stock, commitments or listings.
#[utoipa::path(delete, path = "/v1/items/{id}", tag = "items", params(("id" = String, Path)),
    responses((status = 204)))]
pub async fn delete_item(
    State(api): State<Api>,
    Writer(caller): Writer,
    Id(id): Id<ItemId>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let expected = seen(&api, &caller, &id, &if_match).await?;
    api.app.delete_item(&caller.organization_id, &id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
