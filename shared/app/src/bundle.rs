//! Bundles: what they come down to, when a number is computed, an order is taken, or one is made or changed.

use std::collections::{BTreeMap, BTreeSet};

use domain::availability::{Goods, Part, Supply};
use domain::bundle::{Bills, COMPONENTS_MAX, Component, DEPTH_MAX, InvalidBundle, PARTS_MAX, flatten};
use domain::stock::stock_version;
use domain::{ItemId, OrganizationId, Quantity};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::facts::Facts;
use store::order::{LinePart, OrderLine};
use store::stock::{Freshness, ItemStock};

use crate::availability::LocationKinds;
use crate::{App, AppError};

/// Items read at the same time.
const READS_AT_ONCE: usize = 16;
/// How far a bundle's own version is raised when its components change: more than stock can move between reading the
/// version before and writing the one after.
const VERSION_STEP: u64 = 1 << 20;

/// Bundles by their ids, as far down as they go.
type Tree = BTreeMap<ItemId, Facts>;

fn bills(tree: &Tree) -> Bills {
    tree.iter().map(|(item, facts)| (item.clone(), facts.components.clone())).collect()
}

impl App {
    /// The bundles among the items and below them. Each layer is one batch of reads, consistent.
    async fn tree(&self, organization: &OrganizationId, items: BTreeSet<ItemId>) -> Result<Tree, AppError> {
        let mut tree = Tree::new();
        let mut layer = items;
        // One layer more than there may be, of the simple items at the bottom; a circle ends here.
        for _ in 0..=DEPTH_MAX {
            if layer.is_empty() {
                break;
            }
            let mut below = BTreeSet::new();
            for (item, facts) in self.store.facts(organization, &layer).await? {
                if !facts.components.is_empty() {
                    below.extend(facts.components.iter().map(|component| component.item_id.clone()));
                    tree.insert(item, facts);
                }
            }
            below.retain(|item| !tree.contains_key(item));
            layer = below;
        }
        Ok(tree)
    }

    /// What the item's number is made of: its own levels, or those of what the bundle comes down to, read anew.
    pub(crate) async fn goods(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        stock: &ItemStock,
        kinds: &LocationKinds,
    ) -> Result<Goods, AppError> {
        if stock.facts.components.is_empty() {
            return Ok(Goods::simple(kinds.placed(&stock.levels)));
        }
        let below = stock.facts.components.iter().map(|component| component.item_id.clone()).collect();
        let mut tree = self.tree(organization, below).await?;
        tree.insert(item.clone(), stock.facts.clone());
        let parts = flatten(item, &bills(&tree)).map_err(broken)?;
        let reads: Vec<_> = parts
            .into_iter()
            .map(|(part, quantity)| async move {
                let stock = self.store.item_stock(organization, &part, Freshness::Consistent).await?;
                Ok::<_, AppError>((part, quantity, stock.levels))
            })
            .collect();
        let read: Vec<_> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
        let versions = read.iter().map(|(part, _, levels)| (part.clone(), stock_version(levels))).collect();
        let version = version_of(item, &tree, &versions);
        let part = |(item_id, quantity, levels): (ItemId, i64, Vec<domain::stock::Level>)| Part {
            item_id,
            quantity,
            levels: kinds.placed(&levels),
        };
        Ok(Goods { supply: Supply::Bundle(read.into_iter().map(part).collect()), version })
    }

    /// Notes with each line that has an item what one of it was made of, where that is not noted yet. What was noted
    /// stays: an order holds what its bundles were when it was taken.
    pub(crate) async fn note_parts(
        &self,
        organization: &OrganizationId,
        lines: &mut [OrderLine],
    ) -> Result<(), AppError> {
        let open = |line: &&mut OrderLine| line.parts.is_none() && line.item_id.is_some();
        let items: BTreeSet<ItemId> =
            lines.iter_mut().filter(open).filter_map(|line| line.item_id.clone()).collect();
        if items.is_empty() {
            return Ok(());
        }
        let tree = self.tree(organization, items).await?;
        let bills = bills(&tree);
        for line in lines.iter_mut().filter(open) {
            let Some(item) = line.item_id.clone() else { continue };
            let parts = match bills.get(&item) {
                None => Vec::new(),
                Some(_) => {
                    let parts = flatten(&item, &bills).map_err(broken)?;
                    parts.into_iter().map(|(item_id, quantity)| LinePart { item_id, quantity }).collect()
                }
            };
            line.parts = Some(parts);
        }
        Ok(())
    }

    /// That `item` may be made of these; the items below it as they stand, bundles with their version.
    pub(crate) async fn check_components(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        components: &[Component],
    ) -> Result<BTreeMap<ItemId, Option<u64>>, AppError> {
        if components.is_empty() || components.len() > COMPONENTS_MAX {
            let detail = format!("must have 1 to {COMPONENTS_MAX} components");
            return Err(AppError::invalid("invalid_field", "/components", detail));
        }
        let mut direct = BTreeSet::new();
        for (n, component) in components.iter().enumerate() {
            if component.quantity == Quantity::ZERO {
                let pointer = format!("/components/{n}/quantity");
                return Err(AppError::invalid("invalid_field", pointer, "must be at least 1"));
            }
            if !direct.insert(component.item_id.clone()) {
                let pointer = format!("/components/{n}/item_id");
                return Err(AppError::invalid("invalid_field", pointer, "must not name an item twice"));
            }
        }
        let known = self.store.items_by_ids(organization, &direct).await?;
        for (n, component) in components.iter().enumerate() {
            if component.item_id != *item && !known.contains_key(&component.item_id) {
                let pointer = format!("/components/{n}/item_id");
                return Err(AppError::invalid("not_found", pointer, "there is no such item"));
            }
        }
        let mut tree = self.tree(organization, direct.clone()).await?;
        let below: BTreeSet<ItemId> = tree.keys().filter(|bundle| *bundle != item).cloned().collect();
        tree.insert(item.clone(), Facts { components: components.to_vec(), ..Facts::default() });
        flatten(item, &bills(&tree)).map_err(|why| {
            let code = if matches!(why, InvalidBundle::Cycle(_)) { "bundle_cycle" } else { "invalid_bundle" };
            AppError::invalid(code, "/components", why)
        })?;
        let bundles = self.store.items_by_ids(organization, &below).await?;
        let mut seen: BTreeMap<ItemId, Option<u64>> =
            bundles.into_values().map(|bundle| (bundle.id, Some(bundle.version))).collect();
        for component in direct {
            seen.entry(component).or_insert(None);
        }
        // Each is a demand of the transaction that stores the bundle.
        if seen.len() > PARTS_MAX {
            return Err(AppError::invalid("invalid_bundle", "/components", InvalidBundle::TooManyParts));
        }
        Ok(seen)
    }

    /// What the bundle's own version is to begin with after its components change: above all that were computed.
    pub(crate) async fn next_base_version(
        &self,
        organization: &OrganizationId,
        bundle: &ItemId,
    ) -> Result<u64, AppError> {
        let stock = self.store.item_stock(organization, bundle, Freshness::Consistent).await?;
        let goods = self.goods(organization, bundle, &stock, &LocationKinds::default()).await?;
        Ok(goods.version + VERSION_STEP)
    }
}

/// Grows with every movement of every component, and with every change of what is below.
fn version_of(item: &ItemId, tree: &Tree, versions: &BTreeMap<ItemId, u64>) -> u64 {
    match tree.get(item) {
        None => versions.get(item).copied().unwrap_or(0),
        Some(facts) => facts.components.iter().fold(facts.base_version, |sum, component| {
            sum.saturating_add(version_of(&component.item_id, tree, versions))
        }),
    }
}

/// What was checked when it was stored does not hold.
fn broken(why: InvalidBundle) -> AppError {
    tracing::error!(%why, "a stored bundle is none");
    AppError::Internal("a stored bundle is none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l11_a_bundle_s_version_grows_with_all_below() {
        let item = |body: &str| ItemId::from_body(body).unwrap();
        let bundle = |base_version, below: &[&str]| Facts {
            base_version,
            components: below
                .iter()
                .map(|body| Component { item_id: item(body), quantity: Quantity::clamped(2) })
                .collect(),
            reorder_level: None,
        };
        let tree = Tree::from([(item("a"), bundle(100, &["b", "x"])), (item("b"), bundle(10, &["x", "y"]))]);
        let versions = BTreeMap::from([(item("x"), 3), (item("y"), 4)]);
        assert_eq!(version_of(&item("a"), &tree, &versions), 100 + (10 + 3 + 4) + 3);
        assert_eq!(version_of(&item("y"), &tree, &versions), 4);
    }
}
