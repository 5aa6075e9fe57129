//! Confirming a listing: an item is made from it, or it joins the item that has its SKU already.

use std::collections::BTreeSet;

use domain::listing::{ListingStatus, Match};
use domain::stock::Actor;
use domain::{ItemId, ListingId, Money, Name, OrganizationId, Quantity, Sku};
use store::StoreError;
use store::item::{Item, ItemGroup};
use store::link::LinkedBy;
use store::listing::Listing;
use store::organization::Organization;

use crate::change::{CHANGES_MAX, not_hex};
use crate::item::{OpeningStock, check_prices, opening_movements};
use crate::listing::{check_open, linked};
use crate::{App, AppError};

/// What a person says instead of the listing; `None` takes the listing's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemOverrides {
    pub sku: Option<Sku>,
    pub name: Option<Name>,
    pub selling_price: Option<Money>,
    pub purchase_price: Option<Money>,
    pub opening_stock_value: Option<Money>,
    pub barcode: Option<String>,
    pub group: Option<ItemGroup>,
    pub reorder_level: Option<Quantity>,
    pub opening_stock: Option<Vec<OpeningStock>>,
}

/// A listing that has its item.
#[derive(Debug, Clone)]
pub struct Confirmed {
    pub item: Item,
    pub listing: Listing,
    /// What of the item's cost and stock nobody said, so that it follows from the listing; empty where no item was made.
    pub defaulted: Vec<&'static str>,
}

impl App {
    /// The item of the listing. Made from it with `overrides`, or, with none and where exactly one item has the
    /// listing's SKU that no person took the listing off, that one. A listing that is linked already has its item.
    ///
    /// Errors: 422 `sku_required` without a SKU; 409 `sku_taken`, naming the item that has it.
    pub async fn confirm_listing(
        &self,
        organization: &OrganizationId,
        actor: &Actor,
        id: &ListingId,
        overrides: &ItemOverrides,
    ) -> Result<Confirmed, AppError> {
        let mut taken = None;
        for _ in 0..CHANGES_MAX {
            let before = self.listing(organization, id).await?;
            if let (ListingStatus::Linked, Some(item)) = (before.status, &before.item_id) {
                self.resolve_listing(organization, id, item, actor).await?;
                let item = self.item(organization, item).await?;
                return Ok(Confirmed { item, listing: before, defaulted: Vec::new() });
            }
            check_open(&before)?;
            if let Some(item) = self.item_to_join(organization, &before, overrides).await? {
                let listing = self.link_listing(organization, actor, id, &item).await?;
                let item = self.item(organization, &item).await?;
                return Ok(Confirmed { item, listing, defaulted: Vec::new() });
            }
            if let Some(sku) = taken {
                return Err(self.sku_taken(organization, &sku).await);
            }
            let of = self.organization(organization).await?;
            match self.make_item(&of, actor, &before, overrides, LinkedBy::Person).await {
                Err(AppError::Store(StoreError::Conflict(_))) => {}
                // Another took the SKU since, perhaps by confirming a listing that has the same: look once more.
                Err(AppError::Store(StoreError::Exists(_))) => {
                    taken = overrides.sku.clone().or_else(|| before.sku.clone());
                }
                other => return other,
            }
        }
        Err(StoreError::Conflict("listing").into())
    }

    pub(crate) async fn item_to_join(
        &self,
        organization: &OrganizationId,
        listing: &Listing,
        overrides: &ItemOverrides,
    ) -> Result<Option<ItemId>, AppError> {
        let Some(sku) = &listing.sku else { return Ok(None) };
        if listing.found == Match::DuplicateSku || *overrides != ItemOverrides::default() {
            return Ok(None);
        }
        let key = sku.match_key();
        let mut found = self.store.items_by_sku(organization, &BTreeSet::from([key.clone()])).await?;
        Ok(found.remove(&key).filter(|item| !listing.rejected_item_ids.contains(item)))
    }

    /// An item from the listing alone, linked: what `auto_create` does with no person asked. Errors: 409 `sku_taken`.
    pub(crate) async fn create_from_listing(
        &self,
        organization: &Organization,
        listing: &Listing,
        actor: &Actor,
    ) -> Result<Confirmed, AppError> {
        let nothing_said = ItemOverrides::default();
        match self.make_item(organization, actor, listing, &nothing_said, LinkedBy::Sku).await {
            Err(AppError::Store(StoreError::Exists(_))) => {
                Err(AppError::conflict("sku_taken", "another item took the SKU"))
            }
            other => other,
        }
    }

    async fn make_item(
        &self,
        organization: &Organization,
        actor: &Actor,
        before: &Listing,
        overrides: &ItemOverrides,
        linked_by: LinkedBy,
    ) -> Result<Confirmed, AppError> {
        let organization_id = &organization.id;
        let connection = self.listing_connection(organization_id, before).await?;
        check_prices(
            organization.base_currency,
            [
                ("/item/selling_price", overrides.selling_price.as_ref()),
                ("/item/purchase_price", overrides.purchase_price.as_ref()),
                ("/item/opening_stock_value", overrides.opening_stock_value.as_ref()),
            ],
        )?;
        let opening = match &overrides.opening_stock {
            Some(opening) => {
                self.check_opening(organization_id, opening, "/item").await?;
                opening.clone()
            }
            None => vec![OpeningStock {
                location_id: organization.primary_location_id.clone(),
                quantity: before.channel_quantity.unwrap_or(Quantity::ZERO),
            }],
        };
        let sku = overrides.sku.clone().or_else(|| before.sku.clone()).ok_or_else(|| {
            AppError::invalid("sku_required", "/item/sku", "must be given, for the listing has no SKU")
        })?;
        let now = self.clock.now();
        let selling_price = overrides.selling_price.or(before.price);
        let item = Item {
            id: ItemId::from_body(&self.ids.next(now)).map_err(not_hex)?,
            sku,
            name: overrides.name.clone().unwrap_or_else(|| before.title.clone()),
            selling_price,
            purchase_price: overrides.purchase_price.or(selling_price),
            opening_stock_value: overrides.opening_stock_value.or(selling_price),
            barcode: overrides.barcode.clone().or_else(|| before.barcode.clone()),
            group: overrides.group.clone(),
            reorder_level: overrides.reorder_level,
            components: Vec::new(),
            base_version: 0,
            created_at: now,
            version: 1,
        };
        let movements = opening_movements(&item, &opening, actor, now)?;
        let (after, link) = linked(self, before, &connection, &item.id, linked_by);
        self.store.create_item(organization_id, &item, &movements, Some((&after, &link))).await?;
        self.resolve_listing(organization_id, &after.id, &item.id, actor).await?;
        self.match_waiting(organization_id, &item.sku).await;
        Ok(Confirmed { item, listing: after, defaulted: defaulted(overrides) })
    }
}

/// Said together or not at all: who gives the true cost knows what they do, and the quantity is the channel's own.
fn defaulted(overrides: &ItemOverrides) -> Vec<&'static str> {
    let mut fields = Vec::new();
    if overrides.purchase_price.is_none() {
        fields.push("purchase_price");
    }
    if overrides.opening_stock_value.is_none() {
        fields.push("opening_stock_value");
    }
    if !fields.is_empty() && overrides.opening_stock.is_none() {
        fields.push("opening_stock");
    }
    fields
}
