//! The channels there are, and what a listing's goods are shipped by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A sales channel that has an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    Amazon,
    Ebay,
    Etsy,
    Shopify,
    Woocommerce,
}

impl ChannelKind {
    pub const ALL: [Self; 5] = [Self::Amazon, Self::Ebay, Self::Etsy, Self::Shopify, Self::Woocommerce];

    /// As in queue names, keys and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amazon => "amazon",
            Self::Ebay => "ebay",
            Self::Etsy => "etsy",
            Self::Shopify => "shopify",
            Self::Woocommerce => "woocommerce",
        }
    }
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a channel that is supported")]
pub struct UnknownChannel;

impl FromStr for ChannelKind {
    type Err = UnknownChannel;
    fn from_str(text: &str) -> Result<Self, UnknownChannel> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownChannel)
    }
}

/// Who ships what a listing sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fulfilment {
    /// The merchant, from their own locations.
    #[default]
    Mfn,
    /// Amazon, which owns the number that the listing shows.
    Fba,
}
