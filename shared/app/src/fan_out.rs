//! From a change of an item's stock to the listings that show it: one message per connection, naming listings.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ChannelKind, ConnectionId, ItemId, OrganizationId, Timestamp};
use futures_util::{StreamExt, TryStreamExt, stream};
use queue::message::{PushTarget, Task};
use queue::{QueueName, Work};
use store::stock::{Freshness, ItemStock};

use crate::{App, AppError};

/// Items read at the same time.
const READS_AT_ONCE: usize = 16;
/// Listings of one message: about 150 bytes each, so that it stays well below the queue's limit.
const TARGETS_MAX: usize = 500;

/// An item whose stock moved, or that was linked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedItem {
    pub organization_id: OrganizationId,
    pub item_id: ItemId,
}

impl App {
    /// Queues a push of every listing of the items. Many changes of one item are one.
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
        // Consistent: the stream's record may be ahead of an eventual read, and a push of the older version would wait
        // for the next sweep.
        // Collected before they are polled: the compiler cannot see through a stream of borrowing closures.
        let reads: Vec<_> = changed
            .iter()
            .map(|item| async move {
                let stock = self
                    .store
                    .item_stock(&item.organization_id, &item.item_id, Freshness::Consistent)
                    .await?;
                Ok::<_, AppError>((item, stock))
            })
            .collect();
        let stocks: Vec<(&ChangedItem, ItemStock)> =
            stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
        let mut targets =
            BTreeMap::<(OrganizationId, ConnectionId, ChannelKind), Vec<(PushTarget, Timestamp)>>::new();
        for (item, stock) in stocks {
            let version = domain::stock::stock_version(&stock.levels);
            for link in stock.links {
                let key = (item.organization_id.clone(), link.connection_id, link.channel);
                let target =
                    PushTarget { item_id: item.item_id.clone(), listing_id: link.listing_id, version };
                targets.entry(key).or_default().push((target, link.linked_at));
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
}

/// The same listings, linked since the same time, at the same versions, are the same message.
fn fingerprint(request: &str, targets: &[(PushTarget, Timestamp)]) -> String {
    let mut text = request.to_owned();
    for (target, linked_at) in targets {
        text.push_str(&format!("\n{} {} {} {linked_at}", target.item_id, target.listing_id, target.version));
    }
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string()
}
