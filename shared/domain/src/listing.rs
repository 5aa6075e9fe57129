//! Listings: what a channel offers for sale, and how far it has come to being an item of ours.

use serde::{Deserialize, Serialize};

use crate::channel::Fulfilment;
use crate::{Money, Name, Quantity, Sku};

/// A group's listing may have this many attributes (size, colour, …); one with more is a failed record.
pub const ATTRIBUTES_MAX: usize = 3;

/// The channel's own name for a listing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ListingRef {
    #[serde(rename = "e")]
    pub external_id: String,
    /// `None` for a listing without variations.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub variation_id: Option<String>,
}

/// How a listing stands on its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelStatus {
    Active,
    /// Draft, private, hidden: exists, is not for sale.
    Inactive,
    Archived,
    /// Gone at the last look.
    Deleted,
}

/// One attribute of a variation: `Colour` = `Red`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    pub name: String,
    pub value: String,
}

/// A listing as an adapter read it from its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedListing {
    pub reference: ListingRef,
    /// `None` where the channel has none, or only one inherited from the parent.
    pub sku: Option<Sku>,
    pub title: Name,
    pub price: Option<Money>,
    /// What the channel shows as available; `None` where the channel does not count this listing's stock.
    pub quantity: Option<Quantity>,
    pub status: ChannelStatus,
    pub attributes: Vec<Attribute>,
    pub barcode: Option<String>,
    pub fulfilment: Fulfilment,
    /// The channel's own id under which stock is written, where that is not the listing's (Shopify: the inventory
    /// item; WooCommerce: the parent that holds a variation's stock).
    pub stock_ref: Option<String>,
}

/// A record of a page that could not be read: it fails alone, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordFailure {
    pub external_id: String,
    pub sku: Option<String>,
    pub title: Option<String>,
    /// Stable, snake_case.
    pub code: String,
    /// What to do, for a person.
    pub reason: String,
}

/// What a merchant, or a rule, made of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListingStatus {
    /// Waits for a person.
    Unconfirmed,
    /// Shows an item's stock.
    Linked,
    /// Taken off an item; comes back unconfirmed at the next item sync.
    Unlinked,
    /// Left alone on purpose.
    Dismissed,
}

impl ListingStatus {
    pub const ALL: [Self; 4] = [Self::Unconfirmed, Self::Linked, Self::Unlinked, Self::Dismissed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Linked => "linked",
            Self::Unlinked => "unlinked",
            Self::Dismissed => "dismissed",
        }
    }
}

/// What a listing was found to be equal to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    SkuMatched,
    NameMatched,
    Unmatched,
    EmptySku,
    DuplicateSku,
}

impl Match {
    pub const ALL: [Self; 5] =
        [Self::SkuMatched, Self::NameMatched, Self::Unmatched, Self::EmptySku, Self::DuplicateSku];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::SkuMatched => "sku_matched",
            Self::NameMatched => "name_matched",
            Self::Unmatched => "unmatched",
            Self::EmptySku => "empty_sku",
            Self::DuplicateSku => "duplicate_sku",
        }
    }
}
