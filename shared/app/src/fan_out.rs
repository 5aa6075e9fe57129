//! From a change of an item's stock to the listings that show it, its own and those of every bundle above: one message per
//! connection, naming listings.

use std::collections::{BTreeMap, BTreeSet};

use domain::bundle::DEPTH_MAX;
use domain::stock::stock_version;
use domain::{ChannelKind, ConnectionId, ItemId, OrganizationId};
use futures_util::{StreamExt, TryStreamExt, stream};
use queue::message::{PushTarget, Task};
use queue::{QueueName, Work};
use store::stock::ItemStock;

use crate::{App, AppError};

/// Items read at the same time.
const READS_AT_ONCE: usize = 16;
/// Listings of one message: about 150 bytes each, so that it stays well below the queue's limit.
const TARGETS_MAX: usize = 500;

/// An item whose stock moved, that was linked, or whose facts changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedItem {
    pub organization_id: OrganizationId,
    pub item_id: ItemId,
}

impl App {
    /// Queues a push of every listing of the items and of the bundles above them. Many changes of one item are one.
    pub async fn fan_out(&self, changed: &BTreeSet<ChangedItem>) -> Result<(), AppError> {
        self.queue_pushes(changed, None).await
    }

    /// Push Stock: every listing of the item is sent its number, changed or not.
    pub async fn push_item(&self, organization: &OrganizationId, item: &ItemId) -> Result<(), AppError> {
        let changed = ChangedItem { organization_id: organization.clone(), item_id: item.clone() };
        let request = self.ids.next(self.clock.now());
        self.queue_pushes(&BTreeSet::from([changed]), Some(&request)).await
    }

    /// `forced`: the id of a person's request to send what is known already.
    async fn queue_pushes(
        &self,
        changed: &BTreeSet<ChangedItem>,
        forced: Option<&str>,
    ) -> Result<(), AppError> {
        let mut targets =
            BTreeMap::<(OrganizationId, ConnectionId, ChannelKind), Vec<(PushTarget, String)>>::new();
        for (item, Reached { stock, causes }) in self.reached(changed, forced.is_none()).await? {
            let causes = causes.into_iter().collect::<Vec<_>>().join(" ");
            let is_bundle = !stock.facts.components.is_empty();
            // A bundle's levels are read consistently by whoever pushes it.
            let version = if is_bundle { 0 } else { stock_version(&stock.levels) };
            if forced.is_none() && changed.contains(&item) {
                self.watch_reorder_level(&item, &stock).await?;
            }
            for link in stock.links {
                let key = (item.organization_id.clone(), link.connection_id, link.channel);
                let target =
                    PushTarget { item_id: item.item_id.clone(), listing_id: link.listing_id, version };
                targets.entry(key).or_default().push((target, format!("{} {causes}", link.linked_at)));
            }
        }
        for ((organization, connection, channel), targets) in targets {
            for targets in targets.chunks(TARGETS_MAX) {
                let deduplication_id = fingerprint(forced.unwrap_or_default(), targets);
                let targets = targets.iter().map(|(target, _)| target.clone()).collect();
                let task = Task::PushListings { targets, force: forced.is_some() };
                let queue = QueueName { work: Work::StockPush, channel };
                self.enqueue(queue, &organization, &connection, deduplication_id, task).await?;
            }
        }
        Ok(())
    }

    /// The changed items, and with `upwards` every bundle above them, each with what changed below it.
    async fn reached(
        &self,
        changed: &BTreeSet<ChangedItem>,
        upwards: bool,
    ) -> Result<BTreeMap<ChangedItem, Reached>, AppError> {
        let mut reached = BTreeMap::<ChangedItem, Reached>::new();
        let mut layer: BTreeMap<ChangedItem, BTreeSet<String>> =
            changed.iter().map(|item| (item.clone(), BTreeSet::new())).collect();
        for _ in 0..=DEPTH_MAX {
            self.read_stocks(layer.keys(), &mut reached).await?;
            let mut above = BTreeMap::<ChangedItem, BTreeSet<String>>::new();
            for (item, causes) in layer {
                let Some(known) = reached.get_mut(&item) else { continue };
                known.causes.extend(causes);
                for bundle in known.stock.bundles.iter().filter(|_| upwards) {
                    let organization_id = item.organization_id.clone();
                    let bundle = ChangedItem { organization_id, item_id: bundle.clone() };
                    above.entry(bundle).or_default().extend(known.causes.iter().cloned());
                }
            }
            if above.is_empty() {
                break;
            }
            layer = above;
        }
        Ok(reached)
    }

    /// Consistent: the stream's record may be ahead of an eventual read, and a push of the older version would wait for
    /// the next sweep.
    async fn read_stocks(
        &self,
        items: impl Iterator<Item = &ChangedItem>,
        reached: &mut BTreeMap<ChangedItem, Reached>,
    ) -> Result<(), AppError> {
        // Collected before they are polled: the compiler cannot see through a stream of borrowing closures.
        let reads: Vec<_> = items
            .filter(|item| !reached.contains_key(*item))
            .cloned()
            .map(|item| async move {
                let (organization, id) = (&item.organization_id, &item.item_id);
                let stock = self.store.item_stock_and_bundles(organization, id).await?;
                let version = stock_version(&stock.levels).saturating_add(stock.facts.base_version);
                let causes = BTreeSet::from([format!("{id}@{version}")]);
                Ok::<_, AppError>((item, Reached { stock, causes }))
            })
            .collect();
        let read: Vec<_> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
        reached.extend(read);
        Ok(())
    }
}

/// An item whose listings are to be told, and the versions of what made that so.
struct Reached {
    stock: ItemStock,
    causes: BTreeSet<String>,
}

/// The same listings, linked since the same time, because of the same versions, are the same message.
fn fingerprint(request: &str, targets: &[(PushTarget, String)]) -> String {
    let mut text = request.to_owned();
    for (target, cause) in targets {
        text.push_str(&format!("\n{} {} {} {cause}", target.item_id, target.listing_id, target.version));
    }
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string()
}
