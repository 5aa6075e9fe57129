//! The way out: one HTTP request, one answer. The network in production; a replay or a simulation in tests.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use crate::error::{ChannelError, ErrorKind};

/// Longest answer read, in bytes.
pub const RESPONSE_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No answer in time: the request may or may not have been carried out.
    #[error("no answer in time")]
    Timeout(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// The connection failed.
    #[error("the connection failed")]
    Connection(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    #[error("the answer is longer than {RESPONSE_BYTES_MAX} bytes")]
    TooLarge,
    /// The address is private, loopback or link-local and the deployment does not allow that.
    #[error("the address is not allowed")]
    AddressRefused,
}

#[async_trait]
pub trait Transport: Send + Sync {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;
}

impl TransportError {
    /// As the failure of an operation.
    pub fn during(self, operation: &'static str) -> ChannelError {
        let kind = match self {
            Self::Timeout(_) | Self::Connection(_) => ErrorKind::Unavailable,
            Self::TooLarge => ErrorKind::Malformed,
            Self::AddressRefused => ErrorKind::AddressRefused,
        };
        ChannelError::new(kind, operation, self.to_string()).caused_by(self)
    }
}
