//! What decides an item's number beside its levels: what a bundle is made of, and when stock is low.
//!
//! Kept beside the item's levels and links, so that the one query that a push and the fan-out make tells it. An item
//! with neither components nor reorder level has no such row. Each component knows the bundles that name it, by a row of
//! theirs beside its own levels: the way up from a change of stock to every bundle above.

use std::collections::{BTreeMap, BTreeSet};

use domain::bundle::Component;
use domain::{ItemId, OrganizationId, Quantity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::item::Item;
use crate::keys::{self, Key};
use crate::row::{Reader, Row, from_row, n, time, to_row};
use crate::stock::Freshness;
use crate::transact::{Refused, Step};
use crate::{Store, StoreError};

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Of a bundle; empty for a simple item.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// What is added to the components' stock versions: raised with each change of the components, so that the
    /// bundle's own version never falls.
    #[serde(default)]
    pub base_version: u64,
    pub reorder_level: Option<Quantity>,
}

impl Facts {
    pub(crate) fn of(item: &Item) -> Self {
        Self {
            components: item.components.clone(),
            base_version: item.base_version,
            reorder_level: item.reorder_level,
        }
    }

    fn is_nothing(&self) -> bool {
        self.components.is_empty() && self.reorder_level.is_none()
    }
}

const WHAT: &str = "an item's facts";
const LOW_SINCE: &str = "t";
const AVAILABLE: &str = "a";
const REORDER_LEVEL: &str = "r";

pub(crate) fn facts_of(row: Row) -> Result<Facts, StoreError> {
    from_row(WHAT, row)
}

/// That less is available of an item than its reorder level: what there was when that was first seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LowStock {
    pub since: Timestamp,
    pub available: i64,
    pub reorder_level: i64,
}

pub(crate) fn low_stock(row: &Row) -> Result<LowStock, StoreError> {
    let reader = Reader::new("a low stock", row);
    Ok(LowStock {
        since: reader.time(LOW_SINCE)?,
        available: reader.number(AVAILABLE)?,
        reorder_level: reader.number(REORDER_LEVEL)?,
    })
}

fn components_of(item: Option<&Item>) -> BTreeSet<&ItemId> {
    item.into_iter().flat_map(|item| &item.components).map(|component| &component.item_id).collect()
}

/// The steps from `before` (`None`: a new item) to `after` (`None`: a deleted one).
pub(crate) fn steps(
    organization: &OrganizationId,
    before: Option<&Item>,
    after: Option<&Item>,
) -> Result<Vec<Step>, StoreError> {
    let Some(item) = after.or(before) else { return Ok(Vec::new()) };
    let facts = |item: Option<&Item>| item.map(Facts::of).filter(|facts| !facts.is_nothing());
    let (old, new) = (facts(before), facts(after));
    let key = keys::facts(organization, &item.id);
    let mut steps = Vec::new();
    match &new {
        Some(new) if old.as_ref() != Some(new) => steps.push(Step::put(to_row(WHAT, key, new)?)),
        None if old.is_some() => steps.push(Step::delete(key)),
        _ => {}
    }
    let (gone, come) = (components_of(before), components_of(after));
    let within = |component: &ItemId| keys::within(organization, component, &item.id);
    steps.extend(come.difference(&gone).map(|component| Step::put(within(component).into_row())));
    steps.extend(gone.difference(&come).map(|component| Step::delete(within(component))));
    Ok(steps)
}

/// That the components stand as they were when the bundle was decided upon: bundles unchanged, simple items there.
pub(crate) fn demands(organization: &OrganizationId, seen: &BTreeMap<ItemId, Option<u64>>) -> Vec<Step> {
    let demand = |(item, version): (&ItemId, &Option<u64>)| {
        let key = keys::item(organization, item);
        let refused = Refused::Conflict("component");
        match version {
            None => Step::check(key, "attribute_exists(pk)", refused),
            Some(version) => Step::check(key, "#version = :version", refused)
                .name("#version", "version")
                .value(":version", n(version)),
        }
    };
    seen.iter().map(demand).collect()
}

impl Store {
    /// Of those items that have any: one read unit an item asked for, consistent.
    pub async fn facts(
        &self,
        organization: &OrganizationId,
        items: &BTreeSet<ItemId>,
    ) -> Result<BTreeMap<ItemId, Facts>, StoreError> {
        let wanted: BTreeMap<Key, &ItemId> =
            items.iter().map(|item| (keys::facts(organization, item), item)).collect();
        let keys = wanted.keys().cloned().collect();
        let mut found = BTreeMap::new();
        for row in self.batch_get("read items' facts", &keys, Freshness::Consistent).await? {
            let reader = Reader::new(WHAT, &row);
            let key = Key::new(reader.text(keys::PK)?, reader.text(keys::SK)?);
            if let Some(item) = wanted.get(&key) {
                found.insert((*item).clone(), facts_of(row)?);
            }
        }
        Ok(found)
    }

    /// Marks the item's stock as low, of which an event is told; false where it was marked already.
    pub async fn mark_low(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        low: &LowStock,
    ) -> Result<bool, StoreError> {
        let mut row = keys::low(organization, item).into_row();
        row.insert(LOW_SINCE.to_owned(), time(low.since));
        row.insert(AVAILABLE.to_owned(), n(low.available));
        row.insert(REORDER_LEVEL.to_owned(), n(low.reorder_level));
        let step = Step::put(row).only_if_new(Refused::Exists("low stock"));
        self.write_if("mark a stock as low", step).await
    }

    /// The stock is not low any more, or nobody minds.
    pub async fn unmark_low(&self, organization: &OrganizationId, item: &ItemId) -> Result<(), StoreError> {
        self.transact("unmark a low stock", vec![Step::delete(keys::low(organization, item))]).await
    }
}
