//! Submissions: quantities that a channel took in and works on in its own time.
//!
//! The ticket lies on each listing's link before the message that submitted it is done, and while it lies there the
//! listing is told nothing else. Asking for the result is a message of its own, in a group of its own: it rests while the
//! channel works, and holds up no other push.

use std::collections::BTreeMap;

use channels::{ChannelError, ErrorKind, StockOutcome, StockResult};
use domain::push::{Acknowledged, PushFailure, Submitted};
use domain::stock::stock_version;
use domain::{ConnectionId, OrganizationId};
use futures_util::{StreamExt, TryStreamExt, stream};
use queue::message::{PushTarget, Task};
use queue::{QueueName, Work};
use store::link::{Link, Stored};
use store::organization::Organization;
use store::stock::Freshness;

use crate::push_stock::newest;
use crate::shop::OpenShop;
use crate::work::Attempt;
use crate::{App, AppError};

/// Listings settled at the same time.
const ROWS_AT_ONCE: usize = 16;
/// Listings of one message: up to some 450 bytes each where SKUs are long.
const TARGETS_MAX: usize = 500;

/// A listing to be looked at again.
struct Look {
    target: PushTarget,
    /// It is told again whatever was acknowledged: what the channel worked on has replaced a newer number, or somebody
    /// asked for it meanwhile.
    force: bool,
}

impl App {
    /// Has the results of submissions asked for. The same listings of the same submission are the same message. `force`:
    /// they are to be told again then, whatever is known.
    pub(crate) async fn queue_results(
        &self,
        organization: &Organization,
        shop: &OpenShop,
        waiting: BTreeMap<String, Vec<PushTarget>>,
        force: bool,
    ) -> Result<(), AppError> {
        let connection = &shop.connection;
        for (ticket, targets) in waiting {
            for targets in targets.chunks(TARGETS_MAX) {
                let mut text = format!("{ticket} {force}");
                for target in targets {
                    text.push_str(&format!("\n{}", target.listing_id));
                }
                let deduplication_id =
                    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string();
                let task =
                    Task::SettleSubmission { ticket: ticket.clone(), targets: targets.to_vec(), force };
                let queue = QueueName { work: Work::StockPush, channel: connection.channel };
                let group = format!("{}.submissions", connection.id);
                self.enqueue_in(group, queue, &organization.id, &connection.id, deduplication_id, task)
                    .await?;
            }
        }
        Ok(())
    }

    /// Asks the channel what became of a submission and keeps it; then has pushed what changed meanwhile. While the
    /// channel works on it: the error that has the message rest.
    pub async fn settle_submission(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        ticket: &str,
        targets: &[PushTarget],
        force: bool,
        attempt: &Attempt,
    ) -> Result<(), AppError> {
        let mut shop = self.open_shop(organization, connection).await?;
        let result = self
            .call(&mut shop, |call| {
                Box::pin(async move { call.channel.stock_result(&call.shop, ticket).await })
            })
            .await;
        let result = match result {
            Ok(Some(result)) => result,
            // Whatever it comes to, the next sweep tells the number again.
            _ if attempt.is_last() => StockResult {
                named: BTreeMap::new(),
                others: StockOutcome::Failed {
                    code: "submission_unanswered",
                    reason: "The channel did not say what became of it. It is told again by itself."
                        .to_owned(),
                },
            },
            Ok(None) => {
                let detail = "the channel still works on the submission";
                let error =
                    ChannelError::new(ErrorKind::Unavailable, "ask for the result of a submission", detail);
                return Err(error.into());
            }
            Err(error) => return Err(error),
        };
        let targets = newest(targets.to_vec());
        let settling: Vec<_> = targets
            .iter()
            .map(|target| self.settle_target(organization, ticket, target, &result, force))
            .collect();
        let looked: Vec<Option<Look>> =
            stream::iter(settling).buffer_unordered(ROWS_AT_ONCE).try_collect().await?;
        let (forced, plain): (Vec<Look>, Vec<Look>) =
            looked.into_iter().flatten().partition(|look| look.force);
        tracing::info!(
            target: "stock-push",
            shop = shop.connection.name.as_str(),
            ticket,
            again = forced.len() + plain.len(),
            "submission settled"
        );
        for (looks, force) in [(plain, false), (forced, true)] {
            if looks.is_empty() {
                continue;
            }
            let targets = looks.into_iter().map(|look| look.target).collect();
            let queue = QueueName { work: Work::StockPush, channel: shop.connection.channel };
            let deduplication_id = self.ids.next(self.clock.now());
            let task = Task::PushListings { targets, force };
            self.enqueue(queue, organization, connection, deduplication_id, task).await?;
        }
        Ok(())
    }

    /// Keeps the outcome of one listing. The listing, if it must be looked at again: its number may have changed while
    /// nothing could be told. One that was refused is, only if its stock moved since: else it would be refused for ever.
    async fn settle_target(
        &self,
        organization: &OrganizationId,
        ticket: &str,
        target: &PushTarget,
        result: &StockResult,
        force: bool,
    ) -> Result<Option<Look>, AppError> {
        let item = &target.item_id;
        let stock = self.store.item_stock(organization, item, Freshness::Consistent).await?;
        let version = stock_version(&stock.levels);
        let link = stock.links.into_iter().find(|link| link.listing_id == target.listing_id);
        let Some(Link { listing_id, listing, submitted, .. }) = link else { return Ok(None) };
        let target = PushTarget { item_id: item.clone(), listing_id: listing_id.clone(), version };
        let Some(submitted) = submitted.filter(|submitted| submitted.ticket == ticket) else {
            return Ok(force.then_some(Look { target, force }));
        };
        let outcome = result.named.get(&listing).unwrap_or(&result.others);
        let Submitted { quantity, version: told, .. } = submitted;
        let at = self.clock.now();
        let mut overtaken = false;
        let look = match outcome {
            StockOutcome::Accepted => {
                let taken = Acknowledged { quantity, version: told, at };
                let stored = self.store.acknowledge(organization, item, &listing_id, &taken).await?;
                overtaken = stored == Stored::Superseded;
                true
            }
            StockOutcome::Rejected { code, reason } | StockOutcome::Failed { code, reason } => {
                let failure = PushFailure { code: (*code).to_owned(), reason: reason.clone(), since: at };
                self.store.note_push_failure(organization, item, &listing_id, &failure).await?;
                version > told
            }
            StockOutcome::Stale { .. } | StockOutcome::Submitted { .. } => true,
        };
        self.store.end_submission(organization, item, &listing_id, ticket).await?;
        let force = force || overtaken;
        Ok((look || force).then_some(Look { target, force }))
    }
}
