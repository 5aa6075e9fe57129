//! Items: the merchant's goods. The SKU is unique in the organization, held by a row of its own.

use std::collections::{BTreeMap, BTreeSet};

use domain::bundle::Component;
use domain::likeness;
use domain::listing::Attribute;
use domain::stock::Movement;
use domain::{ItemId, MatchKey, Money, Name, OrganizationId, Quantity, Sku, Timestamp};
use serde::{Deserialize, Serialize};

use crate::facts;
use crate::keys::{self, Key};
use crate::link::Link;
use crate::listing::{Listing, put_listing, sku_steps};
use crate::page::List;
use crate::read::Query;
use crate::row::{Reader, Row, from_row, n, one, s, to_row};
use crate::stock::{Freshness, Guard, posting_steps};
use crate::transact::{Refused, Step};
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
    /// What a bundle is made of; a simple item has none, and stays simple.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// [`crate::facts::Facts::base_version`].
    #[serde(default)]
    pub base_version: u64,
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

/// Attribute of a SKU's row: the item that has it.
const HOLDER: &str = "item";
/// Attribute of a name's row, and of a connection's SKU: the set of those who have it.
pub(crate) const HOLDERS: &str = "ids";
/// So many are kept of those who share a name, or a SKU of a connection: enough to know it as ambiguous, and the row
/// stays small however often a channel repeats a placeholder.
const HOLDERS_MAX: u32 = 100;

/// Adds one to the set of a row; not where the set is full.
pub(crate) fn add_holder(key: Key, id: &str) -> Step {
    Step::update(key, "ADD #ids :id")
        .only_if("attribute_not_exists(#ids) OR size(#ids) < :max", Refused::Skip)
        .name("#ids", HOLDERS)
        .value(":id", one(id))
        .value(":max", n(HOLDERS_MAX))
}

/// An emptied row stays, without the set.
pub(crate) fn remove_holder(key: Key, id: &str) -> Step {
    Step::update(key, "DELETE #ids :id").name("#ids", HOLDERS).value(":id", one(id))
}

fn take_sku(organization: &OrganizationId, item: &Item) -> Step {
    let mut row = keys::item_sku(organization, &item.sku.match_key()).into_row();
    row.insert(HOLDER.to_owned(), s(item.id.as_str()));
    Step::put(row).only_if_new(Refused::Exists("sku"))
}

fn give_sku(organization: &OrganizationId, item: &Item) -> Step {
    Step::delete(keys::item_sku(organization, &item.sku.match_key()))
        .only_if("#holder = :holder", Refused::Conflict("item"))
        .name("#holder", HOLDER)
        .value(":holder", s(item.id.as_str()))
}

/// The item's own rows, its names and its facts.
fn creation(organization: &OrganizationId, item: &Item) -> Result<Vec<Step>, StoreError> {
    let mut steps = vec![
        take_sku(organization, item),
        Step::put(item_row(organization, item)?).only_if_new(Refused::Exists("item")),
        add_holder(keys::item_name(organization, &name_key(item)), item.id.as_str()),
    ];
    steps.extend(likeness_steps(organization, None, Some(item)));
    steps.extend(facts::steps(organization, None, Some(item))?);
    Ok(steps)
}

fn alike(item: &Item) -> BTreeSet<MatchKey> {
    likeness::keys(Some(&item.sku), &item.name, item.barcode.as_deref()).into_values().collect()
}

/// What the item is found by that looks like it.
fn likeness_steps(organization: &OrganizationId, before: Option<&Item>, after: Option<&Item>) -> Vec<Step> {
    let (was, is) = (before.map(alike).unwrap_or_default(), after.map(alike).unwrap_or_default());
    let Some(id) = before.or(after).map(|item| item.id.as_str()) else { return Vec::new() };
    let gone = was.difference(&is).map(|key| remove_holder(keys::item_likeness(organization, key), id));
    let come = is.difference(&was).map(|key| add_holder(keys::item_likeness(organization, key), id));
    gone.chain(come).collect()
}

fn name_key(item: &Item) -> MatchKey {
    MatchKey::of(item.name.as_str())
}

/// The compared forms lie beside the item, for the search to filter by.
const SEARCHED: &str = "searched";

fn item_row(organization: &OrganizationId, item: &Item) -> Result<Row, StoreError> {
    let mut row = to_row("an item", keys::item(organization, &item.id), item)?;
    row.insert(SEARCHED.to_owned(), s(searched(item)));
    Ok(row)
}

/// The SKU and the name, apart by what no compared form holds.
fn searched(item: &Item) -> String {
    format!("{}\n{}", item.sku.match_key().as_str(), name_key(item).as_str())
}

fn is_found(item: &Item, filter: &ItemFilter) -> bool {
    filter.sku.as_ref().is_none_or(|sku| *sku == item.sku.match_key())
        && filter.name.as_ref().is_none_or(|name| *name == name_key(item))
        && filter.q.as_ref().is_none_or(|q| searched(item).contains(q.as_str()))
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
        let mut steps = creation(organization, item)?;
        if let Some((listing, link)) = listing {
            steps.push(put_listing(organization, listing)?);
            steps.push(Step::put(link.to_row(organization)?));
            if listing.version <= 1 {
                steps.extend(sku_steps(organization, None, listing));
            }
        }
        steps.extend(posting_steps(organization, opening.iter().map(|movement| (movement, &Guard::None)))?);
        self.transact("create an item", steps).await
    }

    /// A bundle. `components`: the items below it that must be there, bundles at the version given, so that two changes
    /// at once cannot make a circle; [`StoreError::Conflict`] («component») where they are not.
    pub async fn create_bundle(
        &self,
        organization: &OrganizationId,
        bundle: &Item,
        components: &BTreeMap<ItemId, Option<u64>>,
    ) -> Result<(), StoreError> {
        let mut steps = creation(organization, bundle)?;
        steps.extend(facts::demands(organization, components));
        self.transact("create a bundle", steps).await
    }

    /// Consistent.
    pub async fn item(&self, organization: &OrganizationId, id: &ItemId) -> Result<Option<Item>, StoreError> {
        let row = self.get("read an item", &keys::item(organization, id)).await?;
        row.map(|row| from_row("an item", row)).transpose()
    }

    /// Those that exist; any number of ids, in batches of 100.
    pub async fn items_by_ids(
        &self,
        organization: &OrganizationId,
        ids: &BTreeSet<ItemId>,
    ) -> Result<BTreeMap<ItemId, Item>, StoreError> {
        let keys = ids.iter().map(|id| keys::item(organization, id)).collect();
        let rows = self.batch_get("read items", &keys, Freshness::Eventual).await?;
        let items = rows.into_iter().map(|row| from_row::<Item>("an item", row));
        items.map(|item| item.map(|item| (item.id.clone(), item))).collect()
    }

    /// Oldest first.
    pub async fn items(
        &self,
        organization: &OrganizationId,
        filter: &ItemFilter,
        page: &PageRequest,
    ) -> Result<Page<Item>, StoreError> {
        let list = List::new("items", organization, filter);
        if filter.sku.is_some() || filter.name.is_some() {
            return self.items_by_exact(organization, filter, &list, page).await;
        }
        let mut query = Query::of(keys::items(organization));
        match &filter.q {
            Some(q) if !q.as_str().is_empty() => {
                query.filter = Some((format!("contains({SEARCHED}, :filter)"), q.as_str().to_owned()));
            }
            _ => query.limit = Some(page.rows() + 1),
        }
        self.page("list items", &list, &query, page, |row| from_row("an item", row).map(Some)).await
    }

    /// By the rows that say who has a SKU or a name: at most [`HOLDERS_MAX`] items, each half a read unit.
    async fn items_by_exact(
        &self,
        organization: &OrganizationId,
        filter: &ItemFilter,
        list: &List,
        page: &PageRequest,
    ) -> Result<Page<Item>, StoreError> {
        let ids: BTreeSet<ItemId> = match (&filter.sku, &filter.name) {
            (Some(sku), _) => {
                self.items_by_sku(organization, &BTreeSet::from([sku.clone()])).await?.into_values().collect()
            }
            (None, Some(name)) => {
                let found = self.items_by_name(organization, &BTreeSet::from([name.clone()])).await?;
                found.into_values().flatten().collect()
            }
            (None, None) => BTreeSet::new(),
        };
        let items = self.items_by_ids(organization, &ids).await?;
        let found = items.into_values().filter(|item| is_found(item, filter));
        list.page_of(found, page, |item| keys::item(organization, &item.id))
    }

    /// With its names, if the version is the one before; a new SKU that is taken is [`StoreError::Exists`].
    pub async fn update_item(
        &self,
        organization: &OrganizationId,
        before: &Item,
        after: &Item,
    ) -> Result<(), StoreError> {
        self.update_bundle(organization, before, after, &BTreeMap::new()).await
    }

    /// The same where what a bundle is made of changes too ([`Store::create_bundle`]).
    pub async fn update_bundle(
        &self,
        organization: &OrganizationId,
        before: &Item,
        after: &Item,
        components: &BTreeMap<ItemId, Option<u64>>,
    ) -> Result<(), StoreError> {
        let row = item_row(organization, after)?;
        let mut steps = vec![Step::put(row).only_after(after.version, "item")];
        if before.sku.match_key() != after.sku.match_key() {
            steps.push(take_sku(organization, after));
            steps.push(give_sku(organization, before));
        }
        let (name_before, name_after) = (name_key(before), name_key(after));
        if name_before != name_after {
            steps.push(remove_holder(keys::item_name(organization, &name_before), before.id.as_str()));
            steps.push(add_holder(keys::item_name(organization, &name_after), after.id.as_str()));
        }
        steps.extend(likeness_steps(organization, Some(before), Some(after)));
        steps.extend(facts::steps(organization, Some(before), Some(after))?);
        steps.extend(facts::demands(organization, components));
        self.transact("update an item", steps).await
    }

    /// The item and its names. The caller has seen that it has no stock and no listing; its ledger stays.
    /// [`StoreError::Conflict`] where the item was changed or deleted since.
    pub async fn delete_item(&self, organization: &OrganizationId, item: &Item) -> Result<(), StoreError> {
        let row = Step::delete(keys::item(organization, &item.id))
            .only_if("#version = :version", Refused::Conflict("item"))
            .name("#version", "version")
            .value(":version", n(item.version));
        let name = remove_holder(keys::item_name(organization, &name_key(item)), item.id.as_str());
        let mut steps = vec![row, give_sku(organization, item), name];
        steps.extend(likeness_steps(organization, Some(item), None));
        steps.extend(facts::steps(organization, Some(item), None)?);
        self.transact("delete an item", steps).await
    }

    /// The items that have these SKUs. Batches of 100 keys, half a read unit each, consistent reads not needed.
    pub async fn items_by_sku(
        &self,
        organization: &OrganizationId,
        skus: &BTreeSet<MatchKey>,
    ) -> Result<BTreeMap<MatchKey, ItemId>, StoreError> {
        let keys: BTreeMap<Key, &MatchKey> =
            skus.iter().map(|sku| (keys::item_sku(organization, sku), sku)).collect();
        let read = |reader: Reader<'_>| reader.parsed(HOLDER);
        self.by_text("find items by SKU", &keys, Freshness::Eventual, read).await
    }

    /// The items that have these names (at most 100 items are kept for a name).
    pub async fn items_by_name(
        &self,
        organization: &OrganizationId,
        names: &BTreeSet<MatchKey>,
    ) -> Result<BTreeMap<MatchKey, BTreeSet<ItemId>>, StoreError> {
        let keys: BTreeMap<Key, &MatchKey> =
            names.iter().map(|name| (keys::item_name(organization, name), name)).collect();
        let read = |reader: Reader<'_>| reader.set(HOLDERS);
        let mut found = self.by_text("find items by name", &keys, Freshness::Eventual, read).await?;
        found.retain(|_, items: &mut BTreeSet<ItemId>| !items.is_empty());
        Ok(found)
    }

    /// The items that have these likenesses (at most 100 items are kept for each).
    pub async fn items_alike(
        &self,
        organization: &OrganizationId,
        likenesses: &BTreeSet<MatchKey>,
    ) -> Result<BTreeMap<MatchKey, BTreeSet<ItemId>>, StoreError> {
        let keys = likenesses.iter().map(|key| (keys::item_likeness(organization, key), key)).collect();
        let read = |reader: Reader<'_>| reader.set(HOLDERS);
        self.by_text("find items that are alike", &keys, Freshness::Eventual, read).await
    }

    /// Rows keyed by a text, as what `read` makes of them, by their texts.
    pub(crate) async fn by_text<T>(
        &self,
        operation: &'static str,
        keys: &BTreeMap<Key, &MatchKey>,
        freshness: Freshness,
        read: impl Fn(Reader<'_>) -> Result<T, StoreError>,
    ) -> Result<BTreeMap<MatchKey, T>, StoreError> {
        let wanted = keys.keys().cloned().collect();
        let mut found = BTreeMap::new();
        for row in self.batch_get(operation, &wanted, freshness).await? {
            let reader = Reader::new("a row of a text", &row);
            let key = Key::new(reader.text(keys::PK)?, reader.text(keys::SK)?);
            if let Some(text) = keys.get(&key) {
                found.insert((*text).clone(), read(reader)?);
            }
        }
        Ok(found)
    }
}
