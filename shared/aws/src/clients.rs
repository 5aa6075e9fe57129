//! The clients of the AWS services, made once at a function's start and kept for all its calls.
//!
//! Region, credentials and, for a local double, `AWS_ENDPOINT_URL` are what the SDK finds in the environment.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use queue::Queue;
use queue::sqs::{QueueUrls, Sqs};
use secrecy::SecretString;
use store::{Sealer, Store};

use crate::Config;
use crate::bus::EventBridge;

/// Of one attempt. DynamoDB and SQS answer in milliseconds; what takes longer is asked again rather than waited for.
const CONNECT_MAX: Duration = Duration::from_secs(2);
const ATTEMPT_MAX: Duration = Duration::from_secs(5);
/// Of a call with its attempts, short against the shortest time of a function (10 s).
const CALL_MAX: Duration = Duration::from_secs(9);
const ATTEMPTS_MAX: u32 = 3;

#[derive(Clone)]
pub struct Clients {
    pub store: Store,
    pub queue: Arc<dyn Queue>,
    secrets: aws_sdk_secretsmanager::Client,
    events: aws_sdk_eventbridge::Client,
}

#[derive(Debug, thiserror::Error)]
#[error("could not read the secret {name}")]
pub struct SecretError {
    name: String,
    /// Absent when the secret is there and has no text.
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Clients {
    pub async fn new(config: &Config) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_MAX)
            .operation_attempt_timeout(ATTEMPT_MAX)
            .operation_timeout(CALL_MAX)
            .build();
        let sdk = aws_config::from_env()
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
            .load()
            .await;
        let sealer = Sealer::kms(aws_sdk_kms::Client::new(&sdk), config.kms_key_id.clone());
        let queues =
            config.queue_urls.iter().map(|(&queue, url)| (queue, QueueUrls::with_dead_letters(url.clone())));
        Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(&sdk), config.tables.clone(), sealer),
            queue: Arc::new(Sqs::new(aws_sdk_sqs::Client::new(&sdk), queues.collect())),
            secrets: aws_sdk_secretsmanager::Client::new(&sdk),
            events: aws_sdk_eventbridge::Client::new(&sdk),
        }
    }

    pub fn event_bus(&self, name: &str) -> EventBridge {
        EventBridge::new(self.events.clone(), name.to_owned())
    }

    /// The text of a secret, by name or ARN.
    pub async fn secret(&self, name: &str) -> Result<SecretString, SecretError> {
        let failed = |source| SecretError { name: name.to_owned(), source };
        let answer = self
            .secrets
            .get_secret_value()
            .secret_id(name)
            .send()
            .await
            .map_err(|error| failed(Some(error.into())))?;
        answer.secret_string.map(SecretString::from).ok_or_else(|| failed(None))
    }
}
