//! What a law is tried on: fresh queues, and a way to let time go on.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Context;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use domain::{ChannelKind, Timestamp};
use queue::local::{Clock, LocalQueue};
use queue::sqs::{QueueUrls, Sqs};
use queue::{Queue, QueueName, Work};
use tempfile::TempDir;

/// The queue that a law uses, and another to tell it from.
pub const FIRST: QueueName = QueueName { work: Work::ItemSync, channel: ChannelKind::Shopify };
pub const SECOND: QueueName = QueueName { work: Work::OrderImport, channel: ChannelKind::Woocommerce };

/// After so many receives a message is a dead letter.
pub const RECEIVES_MAX: u32 = 3;

#[async_trait::async_trait]
pub trait Bench: Send + Sync {
    fn queue(&self) -> &dyn Queue;

    /// Moves the clock on; where the clock is not ours it waits, so laws ask for it only where nothing else does, and
    /// for a second or two.
    async fn pass(&self, time: Duration);
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_800_000_000_000)))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub fn advance(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn as_clock(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

pub struct LocalBench {
    pub local: LocalQueue,
    pub clock: ManualClock,
    dir: Option<TempDir>,
}

impl LocalBench {
    pub fn in_memory() -> Self {
        let clock = ManualClock::new();
        let local = LocalQueue::in_memory(clock.as_clock(), NonZeroU32::new(RECEIVES_MAX).unwrap()).unwrap();
        Self { local, clock, dir: None }
    }

    pub fn on_file() -> Self {
        let clock = ManualClock::new();
        let dir = TempDir::new().unwrap();
        let local = open(&dir.path().join("queue.db"), &clock);
        Self { local, clock, dir: Some(dir) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.as_ref().unwrap().path().join(name)
    }
}

pub fn open(path: &Path, clock: &ManualClock) -> LocalQueue {
    LocalQueue::open(path, clock.as_clock(), NonZeroU32::new(RECEIVES_MAX).unwrap()).unwrap()
}

#[async_trait::async_trait]
impl Bench for LocalBench {
    fn queue(&self) -> &dyn Queue {
        &self.local
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}

pub struct SqsBench {
    sqs: Sqs,
}

impl SqsBench {
    /// Makes queues of its own, which stay there: an endpoint for tests is thrown away as a whole.
    pub async fn new(endpoint: &str) -> anyhow::Result<Self> {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(endpoint)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .build();
        let client = Client::from_conf(config);
        let run = uuid::Uuid::new_v4().simple().to_string();
        let mut queues = BTreeMap::new();
        for queue in [FIRST, SECOND] {
            queues.insert(queue, make(&client, queue, &run).await?);
        }
        Ok(Self { sqs: Sqs::new(client, queues) })
    }
}

async fn make(client: &Client, queue: QueueName, run: &str) -> anyhow::Result<QueueUrls> {
    let dead_letter_url = make_fifo(client, &format!("{run}-{queue}-dead.fifo"), None).await?;
    let arn = client
        .get_queue_attributes()
        .queue_url(&dead_letter_url)
        .attribute_names(QueueAttributeName::QueueArn)
        .send()
        .await?
        .attributes
        .and_then(|mut attributes| attributes.remove(&QueueAttributeName::QueueArn))
        .context("no ARN")?;
    let redrive =
        serde_json::json!({ "deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES_MAX.to_string() })
            .to_string();
    let url = make_fifo(client, &format!("{run}-{queue}.fifo"), Some(redrive)).await?;
    Ok(QueueUrls { url, dead_letter_url: Some(dead_letter_url) })
}

async fn make_fifo(client: &Client, name: &str, redrive: Option<String>) -> anyhow::Result<String> {
    let mut attributes =
        std::collections::HashMap::from([(QueueAttributeName::FifoQueue, "true".to_owned())]);
    attributes.extend(redrive.map(|redrive| (QueueAttributeName::RedrivePolicy, redrive)));
    let made = client.create_queue().queue_name(name).set_attributes(Some(attributes)).send().await?;
    made.queue_url.context("no URL")
}

#[async_trait::async_trait]
impl Bench for SqsBench {
    fn queue(&self) -> &dyn Queue {
        &self.sqs
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
