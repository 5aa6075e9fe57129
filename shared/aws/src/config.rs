//! What the deployment tells a function, read once at its start from the environment, and nowhere else.
//!
//! `template.yaml` sets exactly the variables of [`VARIABLES`], those of queues for each channel that is enabled; a test
//! compares the two. A missing or unreadable variable ends the start with its name.

use std::collections::BTreeMap;
use std::str::FromStr;

use channels::Editions;
use domain::ChannelKind;
use queue::{QueueName, Work};
use store::Tables;

use crate::telemetry::LogLevel;

/// Everything read, but for the queues' variables, which are named by [`queue_variable`].
pub const VARIABLES: [&str; 13] = [
    MAIN_TABLE,
    PERSONAL_TABLE,
    KMS_KEY_ID,
    PUBLIC_URL,
    ENABLED_CHANNELS,
    CUSTOM_ENDPOINTS,
    PRIVATE_ADDRESSES,
    AMAZON_MARKETPLACES,
    LOG_LEVEL,
    METRIC_NAMESPACE,
    EVENT_BUS,
    OPERATOR_KEY_SECRET,
    APPLICATION_KEYS_SECRET,
];

const MAIN_TABLE: &str = "MAIN_TABLE";
const PERSONAL_TABLE: &str = "PERSONAL_TABLE";
const KMS_KEY_ID: &str = "KMS_KEY_ID";
const PUBLIC_URL: &str = "PUBLIC_URL";
const ENABLED_CHANNELS: &str = "ENABLED_CHANNELS";
const CUSTOM_ENDPOINTS: &str = "CUSTOM_ENDPOINTS";
const PRIVATE_ADDRESSES: &str = "PRIVATE_ADDRESSES";
const AMAZON_MARKETPLACES: &str = "AMAZON_MARKETPLACES";
const LOG_LEVEL: &str = "LOG_LEVEL";
const METRIC_NAMESPACE: &str = "METRIC_NAMESPACE";
const EVENT_BUS: &str = "EVENT_BUS";
const OPERATOR_KEY_SECRET: &str = "OPERATOR_KEY_SECRET";
const APPLICATION_KEYS_SECRET: &str = "APPLICATION_KEYS_SECRET";

/// The variable that has a queue's URL: `QUEUE_ITEM_SYNC_SHOPIFY`.
pub fn queue_variable(queue: QueueName) -> String {
    format!("QUEUE_{queue}").to_uppercase().replace('-', "_")
}

#[derive(Debug, Clone)]
pub struct Config {
    pub tables: Tables,
    /// The key that seals credentials and buyers' data: id or ARN.
    pub kms_key_id: String,
    /// Where the API is reached from outside, without a slash at the end.
    pub public_url: url::Url,
    /// The URL of each queue of each enabled channel.
    pub queue_urls: BTreeMap<QueueName, String>,
    pub enabled_channels: Vec<ChannelKind>,
    /// Whether a connection may give a hosted marketplace another address.
    pub custom_endpoints: bool,
    /// Whether a shop's address may be private, loopback or link-local.
    pub private_addresses: bool,
    /// The countries of Amazon's marketplaces that may be connected.
    pub editions: Editions,
    pub log_level: LogLevel,
    /// What this deployment's metrics are found under.
    pub metric_namespace: String,
    /// The name of the bus that domain events go to; only who tells them is told.
    pub event_bus: Option<String>,
    /// The name or ARN of the secret that is the operator's key; only the API is told.
    pub operator_key_secret: Option<String>,
    /// The ARN of the secret with our applications' keys at the channels; only who calls channels is told, and only where
    /// the deployment has applications of its own.
    pub application_keys_secret: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the environment variable {0} is missing")]
    Missing(String),
    #[error("the environment variable {name} cannot be used")]
    Unusable {
        name: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Config {
    #[allow(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// An empty variable counts as missing.
    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let optional = |name: &str| variable(name).filter(|value| !value.is_empty());
        let required = |name: &str| optional(name).ok_or_else(|| ConfigError::Missing(name.to_owned()));
        let enabled_channels = required(ENABLED_CHANNELS)?
            .split(',')
            .map(|name| parse::<ChannelKind>(ENABLED_CHANNELS, name.trim()))
            .collect::<Result<Vec<_>, _>>()?;
        let mut queue_urls = BTreeMap::new();
        for &channel in &enabled_channels {
            for work in Work::ALL {
                let queue = QueueName { work, channel };
                queue_urls.insert(queue, required(&queue_variable(queue))?);
            }
        }
        Ok(Self {
            tables: Tables { main: required(MAIN_TABLE)?, personal: required(PERSONAL_TABLE)? },
            kms_key_id: required(KMS_KEY_ID)?,
            public_url: parse(PUBLIC_URL, &required(PUBLIC_URL)?)?,
            queue_urls,
            enabled_channels,
            custom_endpoints: parse(CUSTOM_ENDPOINTS, &required(CUSTOM_ENDPOINTS)?)?,
            private_addresses: parse(PRIVATE_ADDRESSES, &required(PRIVATE_ADDRESSES)?)?,
            editions: parse(AMAZON_MARKETPLACES, &required(AMAZON_MARKETPLACES)?)?,
            log_level: parse(LOG_LEVEL, &required(LOG_LEVEL)?)?,
            metric_namespace: required(METRIC_NAMESPACE)?,
            event_bus: optional(EVENT_BUS),
            operator_key_secret: optional(OPERATOR_KEY_SECRET),
            application_keys_secret: optional(APPLICATION_KEYS_SECRET),
        })
    }

    /// For the function that cannot do without it.
    pub fn require_event_bus(&self) -> Result<&str, ConfigError> {
        self.event_bus.as_deref().ok_or_else(|| ConfigError::Missing(EVENT_BUS.to_owned()))
    }

    /// For the function that cannot do without it.
    pub fn require_operator_key_secret(&self) -> Result<&str, ConfigError> {
        self.operator_key_secret
            .as_deref()
            .ok_or_else(|| ConfigError::Missing(OPERATOR_KEY_SECRET.to_owned()))
    }
}

fn parse<T>(name: &'static str, value: &str) -> Result<T, ConfigError>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    value.parse().map_err(|source: T::Err| ConfigError::Unusable { name, source: source.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: [(&str, &str); 15] = [
        ("MAIN_TABLE", "main"),
        ("PERSONAL_TABLE", "personal"),
        ("KMS_KEY_ID", "key"),
        ("PUBLIC_URL", "https://stock.example"),
        ("ENABLED_CHANNELS", "shopify"),
        ("CUSTOM_ENDPOINTS", "false"),
        ("PRIVATE_ADDRESSES", "true"),
        ("AMAZON_MARKETPLACES", "US,GB,DE"),
        ("LOG_LEVEL", "info"),
        ("METRIC_NAMESPACE", "Masterstock/test"),
        ("OPERATOR_KEY_SECRET", "secret"),
        ("QUEUE_ITEM_SYNC_SHOPIFY", "https://sqs/1"),
        ("QUEUE_ORDER_IMPORT_SHOPIFY", "https://sqs/2"),
        ("QUEUE_STOCK_PUSH_SHOPIFY", "https://sqs/3"),
        ("QUEUE_SHIPMENT_PUSH_SHOPIFY", "https://sqs/4"),
    ];

    fn read(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let mut variables = BTreeMap::from(COMPLETE);
        variables.extend(changes.iter().copied());
        Config::read(|name| variables.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn reads_a_complete_environment() {
        let config = read(&[]).unwrap();
        assert_eq!(config.tables.main, "main");
        assert_eq!(config.tables.personal, "personal");
        assert_eq!(config.enabled_channels, [ChannelKind::Shopify]);
        assert_eq!(
            config.queue_urls.get(&QueueName { work: Work::StockPush, channel: ChannelKind::Shopify }),
            Some(&"https://sqs/3".to_owned())
        );
        assert_eq!(config.queue_urls.len(), Work::ALL.len());
        assert!(!config.custom_endpoints);
        assert!(config.private_addresses);
        assert!(config.editions.has("DE") && !config.editions.has("IN"));
        assert_eq!(config.require_operator_key_secret().unwrap(), "secret");
    }

    #[test]
    fn names_what_is_missing() {
        for (name, _) in COMPLETE {
            let read = read(&[(name, "")]);
            let missing = match name {
                "OPERATOR_KEY_SECRET" => read.unwrap().require_operator_key_secret().unwrap_err(),
                _ => read.unwrap_err(),
            };
            assert_eq!(missing.to_string(), format!("the environment variable {name} is missing"));
        }
    }

    #[test]
    fn every_channel_that_is_enabled_needs_its_queues() {
        let error = read(&[("ENABLED_CHANNELS", "shopify, woocommerce")]).unwrap_err();
        assert_eq!(error.to_string(), "the environment variable QUEUE_ITEM_SYNC_WOOCOMMERCE is missing");
    }

    #[test]
    fn names_what_cannot_be_used() {
        for (name, value) in [
            ("PUBLIC_URL", "stock.example"),
            ("ENABLED_CHANNELS", "shopify,bazaar"),
            ("CUSTOM_ENDPOINTS", "yes"),
            ("PRIVATE_ADDRESSES", "1"),
            ("AMAZON_MARKETPLACES", "US,ATLANTIS"),
            ("LOG_LEVEL", "loud"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert_eq!(error.to_string(), format!("the environment variable {name} cannot be used"));
            assert!(std::error::Error::source(&error).is_some(), "{name}");
        }
    }
}
