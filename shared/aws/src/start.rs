//! A function's start: logging, configuration, clients, and the use cases over them.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::{App, Ids, Settings, SystemClock};
use channels::network::{AddressPolicy, NetworkTransport};
use secrecy::{ExposeSecret, SecretString};

use crate::applications::ApplicationsError;
use crate::bus::EventBridge;
use crate::clients::SecretError;
use crate::config::ConfigError;
use crate::{Clients, Config, applications, telemetry};

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the configuration cannot be used")]
    Config(#[from] ConfigError),
    #[error("the network cannot be used")]
    Network(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("a secret cannot be had")]
    Secret(#[from] SecretError),
    #[error("the secret of the applications' keys cannot be used")]
    Applications(#[from] ApplicationsError),
}

/// The use cases, for a function that needs nothing else.
pub async fn app() -> Result<App, StartError> {
    let config = Config::from_env()?;
    telemetry::start(config.log_level, &config.metric_namespace);
    build(&config, &Clients::new(&config).await).await
}

/// The use cases, and the operator's key.
pub async fn app_with_operator_key() -> Result<(App, SecretString), StartError> {
    let config = Config::from_env()?;
    telemetry::start(config.log_level, &config.metric_namespace);
    let clients = Clients::new(&config).await;
    let operator_key = clients.secret(config.require_operator_key_secret()?).await?;
    Ok((build(&config, &clients).await?, operator_key))
}

/// The bus that domain events go to.
pub async fn event_bus() -> Result<EventBridge, StartError> {
    let config = Config::from_env()?;
    telemetry::start(config.log_level, &config.metric_namespace);
    Ok(Clients::new(&config).await.event_bus(config.require_event_bus()?))
}

async fn build(config: &Config, clients: &Clients) -> Result<App, StartError> {
    let policy = if config.private_addresses { AddressPolicy::AllowPrivate } else { AddressPolicy::Public };
    let transport = NetworkTransport::new(policy).map_err(|error| StartError::Network(error.into()))?;
    let applications = match &config.application_keys_secret {
        Some(secret) => applications::parse(clients.secret(secret).await?.expose_secret())?,
        None => BTreeMap::new(),
    };
    let settings = Settings {
        public_url: Some(config.public_url.clone()),
        custom_endpoints: config.custom_endpoints,
        applications,
        editions: config.editions.clone(),
    };
    Ok(App::new(
        clients.store.clone(),
        Arc::clone(&clients.queue),
        Arc::new(transport),
        Arc::new(SystemClock),
        Ids::random(),
        settings,
    ))
}
