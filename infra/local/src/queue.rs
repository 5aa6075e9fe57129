//! The durable queue, with a bell: whoever waits for messages is woken when one is sent.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use queue::local::LocalQueue;
use queue::{Outgoing, Queue, QueueError, QueueName, Received};
use tokio::sync::Notify;

#[derive(Clone)]
pub struct BellQueue {
    pub file: Arc<LocalQueue>,
    pub bell: Arc<Notify>,
}

impl BellQueue {
    pub fn new(file: LocalQueue) -> Self {
        Self { file: Arc::new(file), bell: Arc::new(Notify::new()) }
    }
}

#[async_trait]
impl Queue for BellQueue {
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        self.file.send(queue, messages).await?;
        self.bell.notify_waiters();
        Ok(())
    }

    async fn receive(
        &self,
        queue: QueueName,
        max: u32,
        visibility: Duration,
    ) -> Result<Vec<Received>, QueueError> {
        self.file.receive(queue, max, visibility).await
    }

    async fn delete(&self, queue: QueueName, receipts: Vec<String>) -> Result<(), QueueError> {
        self.file.delete(queue, receipts).await?;
        // The group may go on.
        self.bell.notify_waiters();
        Ok(())
    }

    async fn change_visibility(
        &self,
        queue: QueueName,
        receipt: &str,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        self.file.change_visibility(queue, receipt, visibility).await
    }

    async fn dead_letters(&self, queue: QueueName, max: u32) -> Result<Vec<Received>, QueueError> {
        self.file.dead_letters(queue, max).await
    }

    async fn redrive(&self, queue: QueueName, message_id: &str) -> Result<bool, QueueError> {
        let found = self.file.redrive(queue, message_id).await?;
        self.bell.notify_waiters();
        Ok(found)
    }
}
