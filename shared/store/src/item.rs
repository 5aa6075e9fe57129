//! Items: the merchant's goods. The SKU is unique in the organization, held by a row of its own.

use std::collections::{BTreeMap, BTreeSet};

use domain::listing::Attribute;
use domain::stock::Movement;
use domain::{ItemId, MatchKey, Money, Name, OrganizationId, Quantity, Sku, Timestamp};
use serde::{Deserialize, Serialize};

use crate::link::Link;
use crate::listing::Listing;
use crate::{Page, PageRequest, Store, StoreError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub id: ItemId,
    pub sku: Sku,
    pub name: Name,
    pub selling_price: Option<Money>,
    pub purchase_price: Option<Money>,
    /// Value of one unit of the opening stock.
    pub opening_stock_value: Option<Money>,
    pub barcode: Option<String>,
    pub group: Option<ItemGroup>,
    pub reorder_level: Option<Quantity>,
    pub created_at: Timestamp,
    pub version: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemGroup {
    pub id: String,
    /// At most three.
    pub attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, Default)]
pub struct ItemFilter {
    /// Exactly this SKU, in its compared form.
    pub sku: Option<MatchKey>,
    /// Exactly this name, in its compared form.
    pub name: Option<MatchKey>,
    /// Part of the SKU or name, in their compared forms.
    pub q: Option<MatchKey>,
}

impl Store {
    /// The item with its names and, where given, its opening movements and the listing that it was made from, linked:
    /// all together. [`StoreError::Exists`] («sku») where the SKU is taken, [`StoreError::Conflict`] where the listing
    /// was changed since.
    pub async fn create_item(
        &self,
        organization: &OrganizationId,
        item: &Item,
        opening: &[Movement],
        listing: Option<(&Listing, &Link)>,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// Consistent.
    pub async fn item(
        &self,
        organization: &OrganizationId,
        id: &ItemId,
    ) -> Result<Option<Item>, StoreError> {
        todo!()
    }

    /// Those that exist; any number of ids, in batches of 100.
    pub async fn items_by_ids(
        &self,
        organization: &OrganizationId,
        ids: &BTreeSet<ItemId>,
    ) -> Result<BTreeMap<ItemId, Item>, StoreError> {
        todo!()
    }

    /// Oldest first.
    pub async fn items(
        &self,
        organization: &OrganizationId,
        filter: &ItemFilter,
        page: &PageRequest,
    ) -> Result<Page<Item>, StoreError> {
        todo!()
    }

    /// With its names, if the version is the one before; a new SKU that is taken is [`StoreError::Exists`].
    pub async fn update_item(
        &self,
        organization: &OrganizationId,
        before: &Item,
        after: &Item,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// The item and its names. The caller has seen that it has no stock and no listing; its ledger stays.
    pub async fn delete_item(&self, organization: &OrganizationId, item: &Item) -> Result<(), StoreError> {
        todo!()
    }

    /// The items that have these SKUs. Batches of 100 keys, half a read unit each, consistent reads not needed.
    pub async fn items_by_sku(
        &self,
        organization: &OrganizationId,
        skus: &BTreeSet<MatchKey>,
    ) -> Result<BTreeMap<MatchKey, ItemId>, StoreError> {
        todo!()
    }

    /// The items that have these names (at most 100 items are kept for a name).
    pub async fn items_by_name(
        &self,
        organization: &OrganizationId,
        names: &BTreeSet<MatchKey>,
    ) -> Result<BTreeMap<MatchKey, BTreeSet<ItemId>>, StoreError> {
        todo!()
    }
}
