//! Where domain events go: an EventBridge bus on AWS, the log on one machine.

use async_trait::async_trait;
use domain::event::Event;

/// The bus did not take them all; those that it took may be told again.
#[derive(Debug, thiserror::Error)]
#[error("the event bus did not take {refused} of {of} events")]
pub struct BusError {
    pub refused: usize,
    pub of: usize,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[async_trait]
pub trait EventBus: Send + Sync {
    /// Tells all of them, or fails.
    async fn tell(&self, events: &[Event]) -> Result<(), BusError>;
}
