//! The queue on AWS: SQS FIFO queues, each with its dead letter queue.
//!
//! Limits worth knowing:
//! - A batch call may fail in part. What failed is sent again a few times; the messages of one group are then no longer
//!   in the order they were given in. Our messages say where to look, so their order saves work and decides nothing.
//! - Receiving asks without waiting and may be answered with nothing while there is something: an empty answer is not
//!   an empty queue.
//! - SQS has no way to look: dead letters are received, hidden for the seconds of the look, and shown again. Each look counts
//!   as a receive, and two who look at once see different ones. While messages of a group are held no more of it are given
//!   out, so that of one group not more than 10 are seen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, DeleteMessageBatchRequestEntry, MessageSystemAttributeName,
    SendMessageBatchRequestEntry,
};
use domain::Timestamp;

use crate::limit::{self, BATCH_MAX, BODY_BYTES_MAX};
use crate::{Outgoing, Queue, QueueError, QueueName, Received};

/// How often a batch is called before what is left of it is an error.
const ATTEMPTS: u32 = 4;

/// Before the second attempt; doubled for each after it.
const PAUSE: Duration = Duration::from_millis(100);

/// How long dead letters are hidden from others while they are looked at, unless they are shown again before.
const LOOK: Duration = Duration::from_secs(20);
/// So that SQS asks all of its hosts: dead letters are few, and one that is not seen is not put back.
const LOOK_WAIT_S: i32 = 1;
/// Dead letters among which one is looked for.
const REDRIVE_MAX: u32 = 1_000;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Where a queue is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrls {
    pub url: String,
    /// Absent where it is not looked at.
    pub dead_letter_url: Option<String>,
}

#[derive(Debug, thiserror::Error)]
enum SqsError {
    #[error("no queue is configured by that name")]
    NotConfigured,
    #[error("no dead letter queue is configured by that name")]
    NoDeadLetterQueue,
    #[error("{failed} of a batch refused, the first with {code}")]
    Batch { failed: usize, code: String },
    #[error("an answer without {0}")]
    Incomplete(&'static str),
}

impl QueueUrls {
    /// A queue `….fifo` has its dead letters in `…-dead.fifo`, as the template names them.
    pub fn with_dead_letters(url: String) -> Self {
        let dead_letter_url = url.strip_suffix(".fifo").map(|stem| format!("{stem}-dead.fifo"));
        Self { url, dead_letter_url }
    }
}

pub struct Sqs {
    client: Client,
    queues: BTreeMap<QueueName, QueueUrls>,
}

impl Sqs {
    /// A queue that is not in the map is one of a channel that is not enabled: using it is an error.
    pub fn new(client: Client, queues: BTreeMap<QueueName, QueueUrls>) -> Self {
        Self { client, queues }
    }

    fn urls(&self, queue: QueueName) -> Result<&QueueUrls, SqsError> {
        self.queues.get(&queue).ok_or(SqsError::NotConfigured)
    }

    async fn send_all(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<(), Source> {
        let url = &self.urls(queue)?.url;
        for message in &messages {
            limit::check_outgoing(message)?;
        }
        for batch in batches(messages) {
            self.send_batch(url, send_entries(batch)?).await?;
        }
        Ok(())
    }

    async fn send_batch(
        &self,
        url: &str,
        mut entries: Vec<SendMessageBatchRequestEntry>,
    ) -> Result<(), Source> {
        for attempt in 0..ATTEMPTS {
            pause(attempt).await;
            let answer = self
                .client
                .send_message_batch()
                .queue_url(url)
                .set_entries(Some(entries.clone()))
                .send()
                .await?;
            let again = failed_ids(answer.failed(), attempt)?;
            entries.retain(|entry| again.contains(entry.id()));
            if entries.is_empty() {
                break;
            }
        }
        Ok(())
    }

    async fn delete_all(&self, queue: QueueName, receipts: Vec<String>) -> Result<(), Source> {
        let url = &self.urls(queue)?.url;
        for batch in receipts.chunks(BATCH_MAX) {
            self.delete_batch(url, delete_entries(batch)?).await?;
        }
        Ok(())
    }

    async fn delete_batch(
        &self,
        url: &str,
        mut entries: Vec<DeleteMessageBatchRequestEntry>,
    ) -> Result<(), Source> {
        for attempt in 0..ATTEMPTS {
            pause(attempt).await;
            let answer = self
                .client
                .delete_message_batch()
                .queue_url(url)
                .set_entries(Some(entries.clone()))
                .send()
                .await?;
            let failed: Vec<_> = answer
                .failed()
                .iter()
                .filter(|entry| !is_stale_receipt(Some(entry.code()), entry.message()))
                .cloned()
                .collect();
            let again = failed_ids(&failed, attempt)?;
            entries.retain(|entry| again.contains(entry.id()));
            if entries.is_empty() {
                break;
            }
        }
        Ok(())
    }

    async fn receive_from(&self, url: &str, max: u32, visibility: Duration) -> Result<Vec<Received>, Source> {
        self.receive_waiting(url, max, visibility, 0).await
    }

    /// `wait_s`: how long SQS looks for messages, on all of its hosts where it is not zero.
    async fn receive_waiting(
        &self,
        url: &str,
        max: u32,
        visibility: Duration,
        wait_s: i32,
    ) -> Result<Vec<Received>, Source> {
        let max = i32::try_from(limit::check_max(max)?)?;
        let visibility = i32::try_from(limit::visibility_seconds(visibility)?)?;
        let answer = self
            .client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(max)
            .visibility_timeout(visibility)
            .wait_time_seconds(wait_s)
            .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .send()
            .await?;
        answer.messages.unwrap_or_default().into_iter().map(|message| Ok(received(message)?)).collect()
    }

    async fn change(&self, queue: QueueName, receipt: &str, visibility: Duration) -> Result<(), Source> {
        self.change_at(&self.urls(queue)?.url, receipt, visibility).await
    }

    async fn change_at(&self, url: &str, receipt: &str, visibility: Duration) -> Result<(), Source> {
        let outcome = self
            .client
            .change_message_visibility()
            .queue_url(url)
            .receipt_handle(receipt)
            .visibility_timeout(i32::try_from(limit::visibility_seconds(visibility)?)?)
            .send()
            .await;
        match outcome {
            Err(error) if !is_stale_receipt(error.code(), error.message()) => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn dead_letter_url(&self, queue: QueueName) -> Result<&str, SqsError> {
        self.urls(queue)?.dead_letter_url.as_deref().ok_or(SqsError::NoDeadLetterQueue)
    }

    async fn look(&self, queue: QueueName, max: u32) -> Result<Vec<Received>, Source> {
        let max = limit::check_dead_letters_max(max)?;
        let url = self.dead_letter_url(queue)?;
        let mut held = Vec::new();
        let looked = self.hold(url, max, &mut held, |_| false).await;
        self.show(url, &held).await?;
        looked?;
        Ok(held)
    }

    /// Receives into `held` until there is nothing more, `max` are there, or one is what is looked for.
    async fn hold(
        &self,
        url: &str,
        max: u32,
        held: &mut Vec<Received>,
        is_wanted: impl Fn(&Received) -> bool,
    ) -> Result<(), Source> {
        loop {
            let left = usize::try_from(max)?.saturating_sub(held.len()).min(BATCH_MAX);
            if left == 0 {
                return Ok(());
            }
            let found = self.receive_waiting(url, u32::try_from(left)?, LOOK, LOOK_WAIT_S).await?;
            let is_end = found.is_empty() || found.iter().any(&is_wanted);
            held.extend(found);
            if is_end {
                return Ok(());
            }
        }
    }

    /// What was held is visible again, so that the next look finds it. Where this fails, [`LOOK`] ends it.
    async fn show(&self, url: &str, held: &[Received]) -> Result<(), Source> {
        for message in held {
            self.change_at(url, &message.receipt, Duration::ZERO).await?;
        }
        Ok(())
    }

    async fn put_back(&self, queue: QueueName, message_id: &str) -> Result<bool, Source> {
        let url = self.dead_letter_url(queue)?;
        let mut held = Vec::new();
        let is_wanted = |message: &Received| message.message_id == message_id;
        let looked = self.hold(url, REDRIVE_MAX, &mut held, is_wanted).await;
        let found = held.iter().position(is_wanted).map(|at| held.remove(at));
        self.show(url, &held).await?;
        looked?;
        let Some(dead) = found else { return Ok(false) };
        // Sent before it is deleted. Where the second fails, a repetition within five minutes is the same message to SQS;
        // a later one is work that is done twice, which changes nothing.
        let again = Outgoing {
            group: dead.group,
            deduplication_id: format!("redrive-{message_id}"),
            body: dead.body,
        };
        self.send_all(queue, vec![again]).await?;
        self.delete_batch(url, delete_entries(&[dead.receipt])?).await?;
        Ok(true)
    }
}

fn fail(operation: &'static str, queue: QueueName) -> impl FnOnce(Source) -> QueueError {
    move |source| QueueError { operation, queue: queue.to_string(), source }
}

#[async_trait]
impl Queue for Sqs {
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        self.send_all(queue, messages).await.map_err(fail("send", queue))
    }

    async fn receive(
        &self,
        queue: QueueName,
        max: u32,
        visibility: Duration,
    ) -> Result<Vec<Received>, QueueError> {
        let received = match self.urls(queue) {
            Ok(urls) => self.receive_from(&urls.url, max, visibility).await,
            Err(error) => Err(error.into()),
        };
        received.map_err(fail("receive", queue))
    }

    async fn delete(&self, queue: QueueName, receipts: Vec<String>) -> Result<(), QueueError> {
        self.delete_all(queue, receipts).await.map_err(fail("delete", queue))
    }

    async fn change_visibility(
        &self,
        queue: QueueName,
        receipt: &str,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        self.change(queue, receipt, visibility).await.map_err(fail("change visibility", queue))
    }

    async fn dead_letters(&self, queue: QueueName, max: u32) -> Result<Vec<Received>, QueueError> {
        self.look(queue, max).await.map_err(fail("look at dead letters", queue))
    }

    async fn redrive(&self, queue: QueueName, message_id: &str) -> Result<bool, QueueError> {
        self.put_back(queue, message_id).await.map_err(fail("redrive", queue))
    }
}

async fn pause(attempt: u32) {
    if let Some(doublings) = attempt.checked_sub(1) {
        tokio::time::sleep(PAUSE.saturating_mul(1 << doublings)).await;
    }
}

/// In order, each of at most 10 messages and 256 KiB.
fn batches(messages: Vec<Outgoing>) -> Vec<Vec<Outgoing>> {
    let mut batches = Vec::new();
    let mut batch: Vec<Outgoing> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        if batch.len() == BATCH_MAX || bytes + message.body.len() > BODY_BYTES_MAX {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += message.body.len();
        batch.push(message);
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

fn send_entries(batch: Vec<Outgoing>) -> Result<Vec<SendMessageBatchRequestEntry>, BuildError> {
    batch
        .into_iter()
        .enumerate()
        .map(|(index, message)| {
            SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_group_id(message.group)
                .message_deduplication_id(message.deduplication_id)
                .message_body(message.body)
                .build()
        })
        .collect()
}

fn delete_entries(receipts: &[String]) -> Result<Vec<DeleteMessageBatchRequestEntry>, BuildError> {
    receipts
        .iter()
        .enumerate()
        .map(|(index, receipt)| {
            DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt).build()
        })
        .collect()
}

/// The entries to call again for; an error when one failed through our fault, or at the last attempt.
fn failed_ids(failed: &[BatchResultErrorEntry], attempt: u32) -> Result<BTreeSet<String>, SqsError> {
    let final_failure = failed.iter().find(|entry| entry.sender_fault() || attempt + 1 == ATTEMPTS);
    if let Some(entry) = final_failure {
        return Err(SqsError::Batch { failed: failed.len(), code: entry.code().to_owned() });
    }
    if let Some(entry) = failed.first() {
        tracing::warn!(failed = failed.len(), code = entry.code(), "part of a batch failed, calling again");
    }
    Ok(failed.iter().map(|entry| entry.id().to_owned()).collect())
}

/// A receipt of a message that is gone, was received again, or is visible again. A FIFO queue answers the last with
/// `InvalidParameterValue`, and only its text tells it from other values that are invalid.
/// <https://repost.aws/knowledge-center/sqs-receipt-handle-error>
fn is_stale_receipt(code: Option<&str>, message: Option<&str>) -> bool {
    let code = code.unwrap_or_default().rsplit('.').next().unwrap_or_default();
    match code {
        "ReceiptHandleIsInvalid" | "MessageNotInflight" => true,
        "InvalidParameterValue" => message.is_some_and(|text| text.contains("ReceiptHandle")),
        _ => false,
    }
}

fn received(mut message: aws_sdk_sqs::types::Message) -> Result<Received, SqsError> {
    let mut attributes = message.attributes.take().unwrap_or_default();
    let group = attributes
        .remove(&MessageSystemAttributeName::MessageGroupId)
        .ok_or(SqsError::Incomplete("a message group"))?;
    let receive_count = attributes
        .remove(&MessageSystemAttributeName::ApproximateReceiveCount)
        .and_then(|count| count.parse().ok())
        .ok_or(SqsError::Incomplete("a receive count"))?;
    let sent_at = attributes
        .remove(&MessageSystemAttributeName::SentTimestamp)
        .and_then(|sent_ms| Timestamp::from_millisecond(sent_ms.parse().ok()?).ok());
    Ok(Received {
        sent_at,
        message_id: message.message_id.ok_or(SqsError::Incomplete("a message id"))?,
        receipt: message.receipt_handle.ok_or(SqsError::Incomplete("a receipt"))?,
        group,
        body: message.body.ok_or(SqsError::Incomplete("a body"))?,
        receive_count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(bytes: usize) -> Outgoing {
        Outgoing { group: "g".into(), deduplication_id: "d".into(), body: "x".repeat(bytes) }
    }

    #[test]
    fn batches_are_of_at_most_ten_messages_and_256_kib() {
        let kib = 1024;
        let cases: [(Vec<usize>, Vec<usize>); 6] = [
            (vec![], vec![]),
            (vec![1; 10], vec![10]),
            (vec![1; 25], vec![10, 10, 5]),
            (vec![256 * kib, 1, 256 * kib], vec![1, 1, 1]),
            (vec![128 * kib, 128 * kib, 1], vec![2, 1]),
            (vec![200 * kib; 3], vec![1, 1, 1]),
        ];
        for (sizes, expected) in cases {
            let messages: Vec<_> = sizes.iter().map(|bytes| outgoing(*bytes)).collect();
            let batches = batches(messages.clone());
            assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), expected, "{sizes:?}");
            assert_eq!(batches.into_iter().flatten().collect::<Vec<_>>(), messages);
        }
    }

    #[test]
    fn a_stale_receipt_is_told_from_another_failure() {
        let expired =
            "Value abc for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.";
        let cases = [
            (Some("ReceiptHandleIsInvalid"), None, true),
            (Some("AWS.SimpleQueueService.MessageNotInflight"), None, true),
            (Some("InvalidParameterValue"), Some(expired), true),
            (
                Some("InvalidParameterValue"),
                Some("Value 99999 for parameter VisibilityTimeout is invalid."),
                false,
            ),
            (Some("InvalidParameterValue"), None, false),
            (Some("AccessDenied"), Some("ReceiptHandle"), false),
            (None, None, false),
        ];
        for (code, message, stale) in cases {
            assert_eq!(is_stale_receipt(code, message), stale, "{code:?} {message:?}");
        }
    }
}
