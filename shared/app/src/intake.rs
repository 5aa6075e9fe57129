//! A channel's notification: believed only if signed, reduced to a hint, queued.

use channels::{Hint, Notification, WebhookRefused};
use domain::connection::ConnectionStatus;
use domain::sync::{SyncKind, Trigger};
use domain::{ChannelKind, ConnectionId, Timestamp};
use http::HeaderMap;
use queue::message::Task;
use queue::{QueueName, Work};
use store::connection::Connection;
use url::Url;

use crate::{App, AppError};

/// Orders of one message.
const ORDERS_MAX: usize = 50;

/// Why a notification was not taken.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error("there is no such connection")]
    NoConnection,
    #[error("the notification does not verify")]
    Refused(#[source] WebhookRefused),
    #[error("the notification could not be queued")]
    Failed(#[from] AppError),
}

impl From<store::StoreError> for IntakeError {
    fn from(error: store::StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl App {
    /// Verifies a notification and queues what it hints at. A disabled connection's is taken and dropped unread: the
    /// channel must not switch its notifications off meanwhile, and verifying can cost a call to it.
    pub async fn take_notification(
        &self,
        id: &ConnectionId,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), IntakeError> {
        let organization = self.store.connection_owner(id).await?.ok_or(IntakeError::NoConnection)?;
        let connection = self.store.connection(&organization, id).await?.ok_or(IntakeError::NoConnection)?;
        if connection.status == ConnectionStatus::Inactive {
            return Ok(());
        }
        let secret = self.store.webhook_secret(&organization, id).await?.ok_or(IntakeError::NoConnection)?;
        let shop = self.shop_of(connection).await?;
        let notification = shop
            .channel
            .read_webhook(&shop.as_shop(), &secret, headers, body)
            .await
            .map_err(IntakeError::Refused)?;
        self.follow(&shop.connection, notification).await
    }

    /// Queues what a notification that came through a queue or an event bus of our own hints at.
    pub async fn take_queued_notification(&self, id: &ConnectionId, body: &[u8]) -> Result<(), IntakeError> {
        let organization = self.store.connection_owner(id).await?.ok_or(IntakeError::NoConnection)?;
        let connection = self.store.connection(&organization, id).await?.ok_or(IntakeError::NoConnection)?;
        if connection.status == ConnectionStatus::Inactive {
            return Ok(());
        }
        let notification = channels::adapter(connection.channel)
            .read_queued_notification(body)
            .map_err(IntakeError::Refused)?;
        self.follow(&connection, notification).await
    }

    /// Queues what a notification hints at that came through a queue of ours and names an account of the channel, for
    /// each connection of that account. One of an account that nobody has connected (any more) is dropped.
    pub async fn take_account_notification(
        &self,
        channel: ChannelKind,
        body: &[u8],
    ) -> Result<(), IntakeError> {
        let adapter = channels::adapter(channel);
        let notification = adapter.read_queued_notification(body).map_err(IntakeError::Refused)?;
        match notification.hint {
            Hint::Nothing => return Ok(()),
            Hint::SecretEnds(at) => {
                secret_ends(channel, at);
                return Ok(());
            }
            Hint::Orders(_) | Hint::Listings | Hint::Revoked => {}
        }
        let account = notification.account.as_deref();
        let account = account.ok_or(IntakeError::Refused(WebhookRefused::Unreadable))?;
        let mut told = 0_u32;
        for (organization, id) in self.store.connections_of_account(channel, account).await? {
            let connection = self.store.connection(&organization, &id).await?;
            // Deleted while we looked.
            let Some(connection) = connection else { continue };
            if connection.status != ConnectionStatus::Inactive {
                self.follow(&connection, notification.clone()).await?;
            }
            told += 1;
        }
        if told == 0 {
            tracing::info!(%channel, account, "a notification of an account that nobody has connected is dropped");
        }
        Ok(())
    }

    /// What a channel wants to hear that asks whether the receiver of its notifications is ours; `None` where it does
    /// not ask so.
    pub async fn answer_challenge(
        &self,
        id: &ConnectionId,
        query: &str,
    ) -> Result<Option<String>, IntakeError> {
        let organization = self.store.connection_owner(id).await?.ok_or(IntakeError::NoConnection)?;
        let connection = self.store.connection(&organization, id).await?.ok_or(IntakeError::NoConnection)?;
        let secret = self.store.webhook_secret(&organization, id).await?.ok_or(IntakeError::NoConnection)?;
        let callback = self.webhook_address(id);
        Ok(callback.and_then(|callback| {
            channels::adapter(connection.channel).answer_challenge(&secret, &callback, query)
        }))
    }

    /// Where a connection's channel sends its notifications; `None` where no channel can reach us.
    pub(crate) fn webhook_address(&self, id: &ConnectionId) -> Option<Url> {
        self.settings.public_url.as_ref()?.join(&format!("v1/webhooks/{id}")).ok()
    }

    /// Queues what a notification hints at.
    async fn follow(&self, connection: &Connection, notification: Notification) -> Result<(), IntakeError> {
        let (organization, id) = (&connection.organization_id, &connection.id);
        match notification.hint {
            Hint::Orders(mut external_ids) => {
                external_ids.truncate(ORDERS_MAX);
                let delivery = notification.delivery_id.unwrap_or_default();
                let text = format!("{id} {delivery} {}", external_ids.join(" "));
                // One without an id of its own is told apart by the second: doubled, it costs a call, nothing more.
                let text = if delivery.is_empty() {
                    format!("{text} {}", self.clock.now().as_second())
                } else {
                    text
                };
                let deduplication_id =
                    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string();
                let queue = QueueName { work: Work::OrderImport, channel: connection.channel };
                let task = Task::FetchOrders { external_ids, trigger: Trigger::Webhook };
                self.enqueue(queue, organization, id, deduplication_id, task).await?;
            }
            Hint::Listings => {
                // Also our own writes come back as news of listings; the sync that they start reads only what changed,
                // and while it waits or runs the rest joins it.
                self.start_sync(connection, SyncKind::Items, Trigger::Webhook, None).await?;
            }
            Hint::Revoked => {
                let reason =
                    "The authorization was taken back on the channel. Authorize the connection again.";
                self.store.mark_needs_authorization(organization, id, reason).await?;
            }
            Hint::SecretEnds(at) => secret_ends(connection.channel, at),
            Hint::Nothing => {}
        }
        Ok(())
    }
}

fn secret_ends(channel: ChannelKind, at: Timestamp) {
    tracing::error!(%channel, %at, "the secret of our application ends then: renew it before");
}
