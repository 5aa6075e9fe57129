//! Items: the merchant's goods.

use std::collections::{BTreeMap, BTreeSet};

use domain::bundle::Component;
use domain::stock::{Actor, Change, Movement, Reason, Source, SourceKind};
use domain::{
    Currency, ItemId, LocationId, Money, MovementId, Name, OrganizationId, Quantity, Sku, Timestamp,
};
use store::StoreError;
use store::item::{Item, ItemGroup};

use crate::change::{CHANGES_MAX, check_version, not_hex};
use crate::{App, AppError, FieldError};

/// Locations of one opening stock: each takes two of the 100 places of a transaction, beside the item's own rows.
pub const OPENING_MAX: usize = 20;
/// Characters of a barcode.
pub const BARCODE_MAX: usize = 255;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningStock {
    pub location_id: LocationId,
    pub quantity: Quantity,
}

#[derive(Debug, Clone)]
pub struct NewItem {
    pub sku: Sku,
    pub name: Name,
    pub selling_price: Option<Money>,
    pub purchase_price: Option<Money>,
    pub opening_stock_value: Option<Money>,
    pub barcode: Option<String>,
    pub group: Option<ItemGroup>,
    pub reorder_level: Option<Quantity>,
    pub opening_stock: Vec<OpeningStock>,
    /// Of a bundle; empty for a simple item.
    pub components: Vec<Component>,
}

/// What changes; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ItemPatch {
    pub sku: Option<Sku>,
    pub name: Option<Name>,
    pub selling_price: Option<Option<Money>>,
    pub purchase_price: Option<Option<Money>>,
    pub opening_stock_value: Option<Option<Money>>,
    pub barcode: Option<Option<String>>,
    pub group: Option<Option<ItemGroup>>,
    pub reorder_level: Option<Option<Quantity>>,
    /// Of a bundle: a simple item stays simple.
    pub components: Option<Vec<Component>>,
}

/// Prices are in the base currency and not below zero.
pub(crate) fn check_prices<'a>(
    base: Currency,
    prices: impl IntoIterator<Item = (&'a str, Option<&'a Money>)>,
) -> Result<(), AppError> {
    let mut fields = Vec::new();
    for (pointer, price) in prices {
        let Some(price) = price else { continue };
        if price.currency != base {
            let detail = format!("must be in the organization's base currency, {base}");
            fields.push(FieldError::new(format!("{pointer}/currency"), detail));
        } else if price.minor < 0 {
            fields.push(FieldError::new(format!("{pointer}/amount"), "must not be below zero"));
        }
    }
    match fields.first() {
        None => Ok(()),
        Some(first) => Err(AppError::Invalid { code: "invalid_price", detail: first.detail.clone(), fields }),
    }
}

impl App {
    pub async fn item(&self, organization: &OrganizationId, id: &ItemId) -> Result<Item, AppError> {
        self.store.item(organization, id).await?.ok_or(AppError::NotFound("item"))
    }

    /// The item and its opening movements, together. Errors: 409 `sku_taken`.
    pub async fn create_item(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        new: NewItem,
    ) -> Result<Item, AppError> {
        let base = self.organization(organization).await?.base_currency;
        check_prices(
            base,
            [
                ("/selling_price", new.selling_price.as_ref()),
                ("/purchase_price", new.purchase_price.as_ref()),
                ("/opening_stock_value", new.opening_stock_value.as_ref()),
            ],
        )?;
        self.check_opening(organization, &new.opening_stock, "").await?;
        let now = self.clock.now();
        let id = ItemId::from_body(&self.ids.next(now)).map_err(not_hex)?;
        let components = match new.components.as_slice() {
            [] => None,
            _ if !new.opening_stock.is_empty() => {
                let detail = "must be left out: a bundle has no stock of its own";
                return Err(AppError::invalid("bundle_has_no_stock", "/opening_stock", detail));
            }
            components => Some(self.check_components(organization, &id, components).await?),
        };
        let item = Item {
            id,
            sku: new.sku,
            name: new.name,
            selling_price: new.selling_price,
            purchase_price: new.purchase_price,
            opening_stock_value: new.opening_stock_value,
            barcode: new.barcode,
            group: new.group,
            reorder_level: new.reorder_level,
            components: new.components,
            base_version: 0,
            created_at: now,
            version: 1,
        };
        let opening = opening_movements(&item, &new.opening_stock, actor, now)?;
        let created = match components {
            None => self.store.create_item(organization, &item, &opening, None).await,
            Some(components) => self.store.create_bundle(organization, &item, &components).await,
        };
        match created {
            Err(StoreError::Conflict("component")) => Err(components_changed()),
            Err(StoreError::Exists(_)) => Err(self.sku_taken(organization, &item.sku).await),
            Err(error) => Err(error.into()),
            Ok(()) => {
                self.match_waiting(organization, &item.sku).await;
                Ok(item)
            }
        }
    }

    /// `under`: where in the input the opening stock is.
    pub(crate) async fn check_opening(
        &self,
        organization: &OrganizationId,
        opening: &[OpeningStock],
        under: &str,
    ) -> Result<(), AppError> {
        if opening.is_empty() {
            return Ok(());
        }
        if opening.len() > OPENING_MAX {
            let detail = format!("must name at most {OPENING_MAX} locations");
            return Err(AppError::invalid("invalid_field", format!("{under}/opening_stock"), detail));
        }
        let known: BTreeSet<LocationId> =
            self.store.locations(organization).await?.into_iter().map(|location| location.id).collect();
        let mut seen = BTreeSet::new();
        for (n, line) in opening.iter().enumerate() {
            let pointer = format!("{under}/opening_stock/{n}/location_id");
            if !known.contains(&line.location_id) {
                return Err(AppError::invalid("not_found", pointer, "there is no such location"));
            }
            if !seen.insert(&line.location_id) {
                return Err(AppError::invalid("invalid_field", pointer, "must not name a location twice"));
            }
        }
        Ok(())
    }

    /// The refusal of a SKU that another item has, naming that item.
    pub(crate) async fn sku_taken(&self, organization: &OrganizationId, sku: &Sku) -> AppError {
        let key = sku.match_key();
        match self.store.items_by_sku(organization, &BTreeSet::from([key.clone()])).await {
            Err(error) => error.into(),
            Ok(found) => {
                let owner = found.get(&key).map_or_else(String::new, |item| format!(": {item}"));
                AppError::conflict("sku_taken", format!("another item has the SKU {sku}{owner}"))
            }
        }
    }

    pub async fn change_item(
        &self,
        organization: &OrganizationId,
        id: &ItemId,
        expected: Option<u64>,
        patch: &ItemPatch,
    ) -> Result<Item, AppError> {
        let base = self.organization(organization).await?.base_currency;
        let given = |price: &'_ Option<Option<Money>>| -> Option<Money> { *price.as_ref()? };
        check_prices(
            base,
            [
                ("/selling_price", given(&patch.selling_price).as_ref()),
                ("/purchase_price", given(&patch.purchase_price).as_ref()),
                ("/opening_stock_value", given(&patch.opening_stock_value).as_ref()),
            ],
        )?;
        for _ in 0..CHANGES_MAX {
            let before = self.item(organization, id).await?;
            check_version(before.version, expected)?;
            let mut after = patched(&before, patch);
            if after == before {
                return Ok(before);
            }
            after.version += 1;
            let components = self.change_components(organization, &before, &mut after).await?;
            match self.store.update_bundle(organization, &before, &after, &components).await {
                Err(StoreError::Conflict("component")) => return Err(components_changed()),
                Err(StoreError::Conflict(_)) => {}
                Err(StoreError::Exists(_)) => return Err(self.sku_taken(organization, &after.sku).await),
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(after),
            }
        }
        Err(StoreError::Conflict("item").into())
    }

    /// Whether the bundle may be made of what it is to be made of; its own version rises with the change.
    async fn change_components(
        &self,
        organization: &OrganizationId,
        before: &Item,
        after: &mut Item,
    ) -> Result<BTreeMap<ItemId, Option<u64>>, AppError> {
        if before.components == after.components {
            return Ok(BTreeMap::new());
        }
        if before.components.is_empty() {
            let detail = "cannot be given: a simple item stays one; make a bundle and link its listings";
            return Err(AppError::invalid("invalid_field", "/components", detail));
        }
        let components = self.check_components(organization, &before.id, &after.components).await?;
        after.base_version = self.next_base_version(organization, &before.id).await?;
        Ok(components)
    }

    /// Errors: 409 `item_in_use` while it has stock, commitments or listings.
    pub async fn delete_item(
        &self,
        organization: &OrganizationId,
        id: &ItemId,
        expected: Option<u64>,
    ) -> Result<(), AppError> {
        let item = self.item(organization, id).await?;
        check_version(item.version, expected)?;
        let stock = self.store.item_stock_and_bundles(organization, id).await?;
        let in_use = |detail: &str| Err(AppError::conflict("item_in_use", detail));
        if !stock.links.is_empty() {
            return in_use("listings are linked to the item; unlink them first");
        }
        if let Some(bundle) = stock.bundles.first() {
            return in_use(&format!("the bundle {bundle} is made of it"));
        }
        if stock.levels.iter().any(|level| level.on_hand != 0 || level.committed != 0) {
            return in_use("the item has stock, or orders that wait for it");
        }
        match self.store.delete_item(organization, &item).await {
            Err(StoreError::Conflict(_)) => in_use("the item was changed at the same time"),
            other => Ok(other?),
        }
    }
}

fn components_changed() -> AppError {
    AppError::conflict("components_changed", "a component was changed or deleted at the same time; try again")
}

/// One movement for each location that something lies at.
pub(crate) fn opening_movements(
    item: &Item,
    opening: &[OpeningStock],
    actor: &Actor,
    at: Timestamp,
) -> Result<Vec<Movement>, AppError> {
    opening
        .iter()
        .filter(|line| line.quantity != Quantity::ZERO)
        .map(|line| {
            let key = format!("{}-{}", item.id.body(), line.location_id.body());
            Ok(Movement {
                id: MovementId::from_body(&key).map_err(not_hex)?,
                item_id: item.id.clone(),
                location_id: line.location_id.clone(),
                change: Change { on_hand: line.quantity.units(), committed: 0 },
                reason: Reason::OpeningStock,
                source: Source { kind: SourceKind::Item, id: item.id.to_string() },
                actor: actor.clone(),
                at,
            })
        })
        .collect()
}

fn patched(before: &Item, patch: &ItemPatch) -> Item {
    let patch = patch.clone();
    Item {
        sku: patch.sku.unwrap_or_else(|| before.sku.clone()),
        name: patch.name.unwrap_or_else(|| before.name.clone()),
        selling_price: patch.selling_price.unwrap_or(before.selling_price),
        purchase_price: patch.purchase_price.unwrap_or(before.purchase_price),
        opening_stock_value: patch.opening_stock_value.unwrap_or(before.opening_stock_value),
        barcode: patch.barcode.unwrap_or_else(|| before.barcode.clone()),
        group: patch.group.unwrap_or_else(|| before.group.clone()),
        reorder_level: patch.reorder_level.unwrap_or(before.reorder_level),
        components: patch.components.unwrap_or_else(|| before.components.clone()),
        ..before.clone()
    }
}
