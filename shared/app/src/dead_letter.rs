//! Messages that were given up by their queues: which there are, why, and put back to be done after all.
//!
//! Work that fails in a way that can be said is recorded where it belongs and is no dead letter. What comes here killed the
//! function that did it, every time, or cannot be read. A message holds no personal data, and is not shown: only what kind
//! of work it asks for.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use domain::audit::AuditAction;
use domain::{ChannelKind, ConnectionId, OrganizationId, Timestamp};
use futures_util::future::try_join_all;
use queue::limit::DEAD_LETTERS_MAX;
use queue::message::{Message, Task, UnreadableMessage};
use queue::{QueueName, Received, Work};

use crate::audit::Witness;
use crate::{App, AppError};

/// `dlq_<queue>_<message's id>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterId {
    pub queue: QueueName,
    message_id: String,
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dlq_{}_{}", self.queue, self.message_id)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not the id of a dead letter")]
pub struct NoDeadLetterId;

impl FromStr for DeadLetterId {
    type Err = NoDeadLetterId;

    fn from_str(text: &str) -> Result<Self, NoDeadLetterId> {
        let parts = text.strip_prefix("dlq_").and_then(|rest| rest.split_once('_'));
        let (queue, message_id) = parts.ok_or(NoDeadLetterId)?;
        let is_id = (1..=128).contains(&message_id.len())
            && message_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match queue.parse() {
            Ok(queue) if is_id => Ok(Self { queue, message_id: message_id.to_owned() }),
            _ => Err(NoDeadLetterId),
        }
    }
}

#[derive(Debug, Clone)]
pub struct DeadLetter {
    pub id: DeadLetterId,
    /// Whose work it is, where that can be read.
    pub connection_id: Option<ConnectionId>,
    /// What was to be done; `None` where it cannot be read.
    pub task: Option<&'static str>,
    /// Why it was given up: stable, snake_case.
    pub code: &'static str,
    pub reason: &'static str,
    pub receive_count: u32,
    pub sent_at: Option<Timestamp>,
}

fn name_of(task: &Task) -> &'static str {
    match task {
        Task::SyncItems { .. } => "sync_items",
        Task::SyncOrders { .. } => "sync_orders",
        Task::FetchOrders { .. } => "fetch_orders",
        Task::PushListings { .. } => "push_listings",
        Task::SettleSubmission { .. } => "settle_submission",
        Task::SweepStock { .. } => "sweep_stock",
        Task::Reconcile { .. } => "reconcile",
        Task::PushShipments => "push_shipments",
        Task::SyncOutbounds => "sync_outbounds",
    }
}

fn explained(queue: QueueName, received: &Received) -> DeadLetter {
    let decoded = Message::decode(&received.body);
    let (code, reason) = match &decoded {
        Ok(_) => (
            "never_finished",
            "The function that does it ended each time before it could say why: out of time or memory, or crashed. \
             Redrive it after the cause is gone; its log has the connection's id.",
        ),
        Err(UnreadableMessage::Malformed(_)) => {
            ("unreadable_message", "It is not a message of this software. Redriving it changes nothing.")
        }
        Err(UnreadableMessage::Version(_)) => (
            "unknown_message_version",
            "It was made by another version of the software. Redrive it when that one runs again.",
        ),
    };
    DeadLetter {
        id: DeadLetterId { queue, message_id: received.message_id.clone() },
        connection_id: decoded
            .as_ref()
            .ok()
            .map(|message| message.connection_id.clone())
            .or_else(|| received.group.parse().ok()),
        task: decoded.as_ref().ok().map(|message| name_of(&message.task)),
        code,
        reason,
        receive_count: received.receive_count,
        sent_at: received.sent_at,
    }
}

impl App {
    /// The organization's, of all queues, oldest first. Of each queue the first 100 of all organizations are looked through.
    pub async fn dead_letters(
        &self,
        organization: &OrganizationId,
        channels: &[ChannelKind],
    ) -> Result<Vec<DeadLetter>, AppError> {
        let queues = channels
            .iter()
            .flat_map(|&channel| Work::ALL.into_iter().map(move |work| QueueName { work, channel }));
        let looks = queues.map(|queue| async move {
            let found = self.queue.dead_letters(queue, DEAD_LETTERS_MAX).await?;
            Ok::<_, AppError>(found.into_iter().map(|received| (queue, received)).collect::<Vec<_>>())
        });
        let found = try_join_all(looks).await?;
        let mut owners = HashMap::new();
        let mut own = Vec::new();
        for (queue, received) in found.into_iter().flatten() {
            if self.owner_of(&received, &mut owners).await?.as_ref() == Some(organization) {
                own.push(explained(queue, &received));
            }
        }
        own.sort_by_key(|letter| (letter.sent_at, letter.id.to_string()));
        Ok(own)
    }

    /// Puts it back into its queue, as a message that was never received.
    pub async fn redrive(
        &self,
        organization: &OrganizationId,
        by: &Witness,
        id: &DeadLetterId,
    ) -> Result<DeadLetter, AppError> {
        let gone = || AppError::NotFound("dead letter");
        let channels = self.channels_of(organization).await?;
        if !channels.contains(&id.queue.channel) {
            return Err(gone());
        }
        let own = self.dead_letters(organization, &[id.queue.channel]).await?;
        let letter = own.into_iter().find(|letter| letter.id == *id).ok_or_else(gone)?;
        self.note(organization, by, AuditAction::DeadLetterRedriven, &id.to_string()).await?;
        if self.queue.redrive(id.queue, &id.message_id).await? { Ok(letter) } else { Err(gone()) }
    }

    /// The channels that the organization has connections to: others' queues hold nothing of it.
    pub async fn channels_of(&self, organization: &OrganizationId) -> Result<Vec<ChannelKind>, AppError> {
        let connections = self.store.connections(organization).await?;
        let has = |kind: &ChannelKind| connections.iter().any(|connection| connection.channel == *kind);
        Ok(ChannelKind::ALL.into_iter().filter(has).collect())
    }

    /// Whose message it is: by what it says, or, where it cannot be read, by its group, which is a connection.
    async fn owner_of(
        &self,
        received: &Received,
        known: &mut HashMap<String, Option<OrganizationId>>,
    ) -> Result<Option<OrganizationId>, AppError> {
        if let Ok(message) = Message::decode(&received.body) {
            return Ok(Some(message.organization_id));
        }
        if let Some(owner) = known.get(&received.group) {
            return Ok(owner.clone());
        }
        let owner = match received.group.parse() {
            Ok(connection) => self.store.connection_owner(&connection).await?,
            Err(_) => None,
        };
        known.insert(received.group.clone(), owner.clone());
        Ok(owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_the_queue_and_the_message() {
        for text in ["dlq_order-import-shopify_17", "dlq_stock-push-amazon_1c9b-7f"] {
            assert_eq!(text.parse::<DeadLetterId>().unwrap().to_string(), text);
        }
        for text in
            ["", "dlq_", "dlq_17", "dlq_order-import-shopify_", "dlq_nothing_17", "dlq_stock-push-amazon_a/b"]
        {
            assert!(text.parse::<DeadLetterId>().is_err(), "{text}");
        }
    }
}
