//! What opens a shop: named secrets. Sealed before they are stored, never logged, never returned.

use std::collections::BTreeMap;

use domain::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::capability::Capability;

/// Named secrets of one connection.
#[derive(Clone, Default)]
pub struct Credentials(BTreeMap<String, SecretString>);

/// What is wrong with credentials as they were sent in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredentials {
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{0} is not a credential of this channel")]
    Unknown(String),
    #[error("{0} must have 1 to 4096 printable ASCII characters")]
    Malformed(String),
}

impl InvalidCredentials {
    /// The field that is wrong.
    pub fn field(&self) -> &str {
        match self {
            Self::Missing(field) => field,
            Self::Unknown(field) | Self::Malformed(field) => field,
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Credentials {
    /// Checks names against what the channel takes, and values for what cannot be sent in a header.
    pub fn parse(
        fields: impl IntoIterator<Item = (String, SecretString)>,
        capability: &Capability,
    ) -> Result<Self, InvalidCredentials> {
        let mut parsed = BTreeMap::new();
        for (field, value) in fields {
            let known = capability
                .credentials_required
                .iter()
                .chain(capability.credentials_optional)
                .any(|name| *name == field);
            if !known {
                return Err(InvalidCredentials::Unknown(field));
            }
            let text = value.expose_secret();
            if text.is_empty() || text.len() > 4096 || !text.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(InvalidCredentials::Malformed(field));
            }
            parsed.insert(field, value);
        }
        Ok(Self(parsed))
    }

    /// Whether all is there that the channel requires, the application's keys included.
    pub fn check_complete(&self, capability: &Capability) -> Result<(), InvalidCredentials> {
        match capability.credentials_required.iter().find(|field| !self.0.contains_key(**field)) {
            Some(field) => Err(InvalidCredentials::Missing(field)),
            None => Ok(()),
        }
    }

    /// With the application's keys where these bring none of their own.
    #[must_use]
    pub fn or_application(mut self, application: &Self, capability: &Capability) -> Self {
        for key in capability.application_keys {
            if let (false, Some(value)) = (self.0.contains_key(*key), application.0.get(*key)) {
                self.0.insert((*key).to_owned(), value.clone());
            }
        }
        self
    }

    /// Without what is the application's: what a connection keeps.
    #[must_use]
    pub fn without_application(mut self, application: &Self) -> Self {
        self.0.retain(|field, value| {
            application
                .0
                .get(field)
                .is_none_or(|of_application| of_application.expose_secret() != value.expose_secret())
        });
        self
    }

    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(|secret| secret.expose_secret())
    }

    /// With a field set, for a refreshed token.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<SecretString>) -> Self {
        self.0.insert(field.to_owned(), value.into());
        self
    }

    /// A field that holds an instant, such as a token's end.
    pub fn instant(&self, field: &str) -> Option<Timestamp> {
        self.get(field).and_then(|text| text.parse().ok())
    }

    /// The plain form, to be sealed at once.
    pub fn expose(&self) -> BTreeMap<&str, &str> {
        self.0.iter().map(|(field, secret)| (field.as_str(), secret.expose_secret())).collect()
    }

    /// From the plain form, just unsealed.
    pub fn from_exposed(fields: BTreeMap<String, String>) -> Self {
        Self(fields.into_iter().map(|(field, value)| (field, value.into())).collect())
    }
}
