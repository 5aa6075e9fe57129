//! Sending numbers to a channel, in its batches, and keeping what became of each.

use std::collections::{BTreeMap, BTreeSet};

use channels::{StockBatch, StockOutcome};
use domain::listing::ListingRef;
use domain::push::{Acknowledged, PushFailure, Submitted};
use domain::{ListingId, OrganizationId};
use futures_util::{StreamExt, TryStreamExt, stream};
use queue::message::{PushTarget, Task};
use queue::{QueueName, Work};
use store::link::Stored;
use store::organization::Organization;

use crate::decide_push::{Sending, as_target};
use crate::hold::PushMode;
use crate::push_stock::Progress;
use crate::shop::OpenShop;
use crate::work::Attempt;
use crate::{App, AppError};

/// Acknowledgements written at the same time.
const ROWS_AT_ONCE: usize = 16;

/// What was kept of an outcome.
enum Kept {
    /// `zeroed`: the listing went to nothing though no order took the goods.
    Accepted {
        zeroed: bool,
    },
    Failed,
    /// A newer number was acknowledged before: this one was made of levels that lagged behind, and has replaced it.
    Overtaken(Sending),
    /// `zeroed`: as above, once the channel has worked on it.
    Submitted {
        ticket: String,
        target: PushTarget,
        zeroed: bool,
    },
}

impl App {
    /// Sends in full batches and keeps what came back. Those to be told again, because the channel compared and
    /// disagreed or a newer number was replaced, are returned.
    pub(crate) async fn send(
        &self,
        organization: &Organization,
        shop: &mut OpenShop,
        sending: Vec<Sending>,
        mode: PushMode,
        attempt: &Attempt,
        progress: &mut Progress,
    ) -> Result<Vec<Sending>, AppError> {
        let mut by_listing: BTreeMap<ListingRef, Vec<Sending>> = BTreeMap::new();
        let mut targets = Vec::with_capacity(sending.len());
        for one in sending {
            targets.push(one.target.clone());
            by_listing.entry(one.target.listing.clone()).or_default().push(one);
        }
        let mut again = Vec::new();
        let mut batches = shop.channel.plan_stock(targets, shop.as_shop().pace).into_iter();
        while let Some(batch) = batches.next() {
            if self.clock.now() >= attempt.deadline {
                let rest = std::iter::once(batch).chain(batches).flat_map(|batch| batch.targets);
                let rest = rest.filter_map(|target| by_listing.get(&target.listing)?.first().map(as_target));
                self.queue_rest(organization, shop, rest.collect(), mode.sends_known()).await?;
                return Ok(again);
            }
            let outcomes = self.push_batch(shop, &batch).await?;
            let accepted = outcomes.iter().filter(|outcome| **outcome == StockOutcome::Accepted).count();
            tracing::info!(
                target: "stock-push",
                shop = shop.connection.name.as_str(),
                listings = batch.targets.len(),
                accepted,
                quantities = %shown(&batch),
                "quantities sent"
            );
            let mut settled = Vec::new();
            for (target, outcome) in batch.targets.iter().zip(outcomes) {
                for one in by_listing.remove(&target.listing).unwrap_or_default() {
                    match outcome {
                        StockOutcome::Stale { .. } => again.push(one),
                        StockOutcome::Failed { code: "batch_not_applied", .. } => again.push(one),
                        _ => settled.push((one, outcome.clone())),
                    }
                }
            }
            let told: BTreeSet<ListingId> = settled.iter().map(|(one, _)| one.listing_id.clone()).collect();
            let keeping: Vec<_> = settled
                .into_iter()
                .map(|(one, outcome)| self.keep_outcome(organization, one, outcome))
                .collect();
            let kept: Vec<Kept> = stream::iter(keeping).buffer_unordered(ROWS_AT_ONCE).try_collect().await?;
            progress.left.retain(|target| !told.contains(&target.listing_id));
            let pushed = &mut progress.pushed;
            let mut waiting = BTreeMap::<String, Vec<PushTarget>>::new();
            for one in kept {
                match one {
                    Kept::Accepted { zeroed } => {
                        pushed.accepted += 1;
                        pushed.zeroed += u64::from(zeroed);
                    }
                    Kept::Failed => pushed.failed += 1,
                    Kept::Overtaken(one) => again.push(one),
                    Kept::Submitted { ticket, target, zeroed } => {
                        pushed.submitted += 1;
                        pushed.zeroed += u64::from(zeroed);
                        waiting.entry(ticket).or_default().push(target);
                    }
                }
            }
            self.queue_results(organization, shop, waiting, false).await?;
        }
        Ok(again)
    }

    async fn push_batch(
        &self,
        shop: &mut OpenShop,
        batch: &StockBatch,
    ) -> Result<Vec<StockOutcome>, AppError> {
        let key = self.ids.next(self.clock.now());
        self.call(shop, |call| {
            let key = key.as_str();
            Box::pin(async move { call.channel.push_stock(&call.shop, key, batch).await })
        })
        .await
    }

    async fn keep_outcome(
        &self,
        organization: &Organization,
        one: Sending,
        outcome: StockOutcome,
    ) -> Result<Kept, AppError> {
        let now = self.clock.now();
        let zeroed = one.zeroes;
        let (code, reason) = match outcome {
            StockOutcome::Accepted => {
                let taken = Acknowledged { quantity: one.target.quantity, version: one.version, at: now };
                let (id, item, listing) = (&organization.id, &one.item_id, &one.listing_id);
                let stored = match &one.shares {
                    None => self.store.acknowledge(id, item, listing, &taken).await?,
                    Some(shares) => {
                        self.store.acknowledge_by_location(id, item, listing, &taken, shares).await?
                    }
                };
                return Ok(match stored {
                    Stored::Stored => Kept::Accepted { zeroed },
                    Stored::Superseded => Kept::Overtaken(one),
                });
            }
            StockOutcome::Submitted { ticket } => {
                let (quantity, version) = (one.target.quantity, one.version);
                let submitted = Submitted { ticket: ticket.clone(), quantity, version, at: now };
                self.store
                    .note_submission(&organization.id, &one.item_id, &one.listing_id, &submitted)
                    .await?;
                return Ok(Kept::Submitted { ticket, target: as_target(&one), zeroed });
            }
            StockOutcome::Rejected { code, reason } | StockOutcome::Failed { code, reason } => (code, reason),
            StockOutcome::Stale { .. } => ("number_kept_changing", String::new()),
        };
        let failure = PushFailure { code: code.to_owned(), reason, since: now };
        self.store.note_push_failure(&organization.id, &one.item_id, &one.listing_id, &failure).await?;
        Ok(Kept::Failed)
    }

    pub(crate) async fn note_failures(
        &self,
        organization: &OrganizationId,
        targets: &[PushTarget],
        code: &str,
        reason: &str,
    ) -> Result<(), AppError> {
        let failure =
            PushFailure { code: code.to_owned(), reason: reason.to_owned(), since: self.clock.now() };
        let noting: Vec<_> = targets
            .iter()
            .map(|target| {
                self.store.note_push_failure(organization, &target.item_id, &target.listing_id, &failure)
            })
            .collect();
        stream::iter(noting).buffer_unordered(ROWS_AT_ONCE).try_collect::<Vec<_>>().await?;
        Ok(())
    }

    pub(crate) async fn queue_rest(
        &self,
        organization: &Organization,
        shop: &OpenShop,
        targets: Vec<PushTarget>,
        force: bool,
    ) -> Result<(), AppError> {
        let queue = QueueName { work: Work::StockPush, channel: shop.connection.channel };
        let task = Task::PushListings { targets, force };
        let deduplication_id = self.ids.next(self.clock.now());
        self.enqueue(queue, &organization.id, &shop.connection.id, deduplication_id, task).await
    }
}

/// The first few of a batch, for the log.
fn shown(batch: &StockBatch) -> String {
    const FEW: usize = 5;
    let mut text: Vec<String> = batch
        .targets
        .iter()
        .take(FEW)
        .map(|target| format!("{}={}", target.listing.external_id, target.quantity))
        .collect();
    if batch.targets.len() > FEW {
        text.push("…".to_owned());
    }
    text.join(" ")
}
