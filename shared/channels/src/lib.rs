//! The channels: one trait, one folder an adapter.
//!
//! An adapter turns intent into HTTP requests and answers into domain values. It keeps no state, knows no table and no
//! queue, never sleeps and never retries: what must wait or be tried again is said in the [`ChannelError`] it returns.
//! Only `<channel>/wire.rs` knows that channel's JSON.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::listing::{FetchedListing, ListingRef, RecordFailure};
use domain::order::FetchedOrder;
use domain::schedule::Window;
use domain::{ChannelKind, ChannelLocationId, Currency, Quantity, Timestamp};
use http::HeaderMap;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

pub mod amazon;
pub mod budget;
mod call_limits;
pub mod capability;
pub mod consent;
pub mod credentials;
pub mod ebay;
pub mod edition;
mod entity;
pub mod error;
pub mod etsy;
pub mod fulfiller;
pub mod memo;
pub mod network;
pub mod pace;
pub mod shipment;
pub mod shopify;
pub mod transport;
mod walk;
pub mod woocommerce;

pub use budget::{Budgets, Lane};
pub use call_limits::CallLimits;
pub use capability::{Authorization, ByLocation, Capability};
pub use consent::{Consent, ConsentAnswer, ConsentRequest};
pub use credentials::Credentials;
pub use edition::{Closed, Editions};
pub use error::{ChannelError, ErrorKind, Retry};
pub use fulfiller::Fulfiller;
pub use memo::Memo;
pub use pace::{Limit, Pace};
pub use shipment::{PartialShipments, Shipment, ShipmentOutcome, ShippedLine};
pub use transport::Transport;

/// The adapter of a channel. The one line of registration.
pub fn adapter(kind: ChannelKind) -> &'static dyn Channel {
    match kind {
        ChannelKind::Amazon => &amazon::Amazon,
        ChannelKind::Ebay => &ebay::Ebay,
        ChannelKind::Etsy => &etsy::Etsy,
        ChannelKind::Shopify => &shopify::Shopify,
        ChannelKind::Woocommerce => &woocommerce::Woocommerce,
    }
}

/// Everything needed to speak to one shop, for one operation.
#[derive(Clone, Copy)]
pub struct Shop<'a> {
    /// The store's address, or what stands in for every host of a hosted channel: [`Shop::host`].
    pub endpoint: &'a Url,
    /// The marketplaces that the merchant sells in, by the channel's ids, the leading one first; empty where a shop is
    /// all there is.
    pub marketplaces: &'a [String],
    pub credentials: &'a Credentials,
    /// What [`Channel::identify`] found and the connection keeps.
    pub facts: &'a ShopFacts,
    pub currency: Currency,
    pub transport: &'a dyn Transport,
    pub pace: &'a Pace,
    pub now: Timestamp,
}

impl Shop<'_> {
    /// Where one of a hosted channel's hosts is: itself, or the endpoint where the connection names another than the
    /// channel's home.
    pub fn host(&self, home: &str, host: &'static str) -> &str {
        if self.endpoint.as_str().trim_end_matches('/') == home {
            host
        } else {
            self.endpoint.as_str().trim_end_matches('/')
        }
    }
}

/// What an adapter must remember of a shop between calls, by names of its own (Shopify: `location_id`).
pub type ShopFacts = BTreeMap<String, String>;

/// The fact that tells the accounts of a hosted channel apart: each adapter of one gives it.
pub const ACCOUNT: &str = "account";

/// The code of a record that is no sale of this channel's: its order is left out, and the history says so.
pub const NOT_SOLD_HERE: &str = "not_sold_here";

/// Who answers at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopIdentity {
    pub name: String,
    pub currency: Currency,
    /// IANA name or the channel's own text, for people.
    pub time_zone: Option<String>,
    /// The channel's software and version where it says so.
    pub version: Option<String>,
    pub facts: ShopFacts,
}

/// Where a walk through pages goes on: the adapter's own text, kept in the table between pages. At most 16 KiB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// A page of records; a record that could not be read fails alone.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub records: Vec<Result<T, RecordFailure>>,
    /// `None` after the last page.
    pub next: Option<Cursor>,
    /// How many records there are in all, where the channel says.
    pub total: Option<u64>,
}

/// Which orders to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderQuery {
    /// Changed in the window, oldest change first.
    Changed(Window),
    /// These, by the channel's ids: at most [`Capability::order_ids_max`].
    Ids(Vec<String>),
}

/// A listing and the quantity that it must show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockTarget {
    pub listing: ListingRef,
    /// [`FetchedListing::stock_ref`] as it was fetched.
    pub stock_ref: Option<String>,
    pub quantity: Quantity,
    /// What the channel is thought to show now, for a channel that compares before it sets. `None`: do not compare.
    pub expected: Option<i64>,
    /// Where the channel is told by its own locations: what each shows, each once; they sum to the quantity. Empty: it is
    /// told the one number.
    pub locations: Vec<StockAt>,
}

/// What one of a channel's own locations must show of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockAt {
    pub location: ChannelLocationId,
    pub quantity: Quantity,
    pub shown: ShownAt,
}

/// What one of a channel's own locations is thought to show of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownAt {
    /// Nobody looked, or the channel has no number: do not compare.
    Unknown,
    /// The channel does not keep the goods there yet.
    NotStocked,
    Number(i64),
}

/// What a channel shows of a listing at some of its locations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShownByLocation {
    /// The listing's own number, of a channel that has one beside what lies where.
    pub number: Option<i64>,
    pub at: BTreeMap<ChannelLocationId, ShownAt>,
}

impl ShownByLocation {
    /// What buyers see: the listing's own number, else what the locations show together; `None` where one of them has no
    /// number that can be known.
    pub fn total(&self) -> Option<i64> {
        let number = |shown: &ShownAt| match shown {
            ShownAt::Number(number) => Some(*number),
            ShownAt::NotStocked => Some(0),
            ShownAt::Unknown => None,
        };
        self.number.or_else(|| self.at.values().map(number).sum())
    }
}

/// One of a channel's own locations, at which stock can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelLocation {
    pub id: ChannelLocationId,
    pub name: String,
}

/// What one call to the channel can carry, made by [`Channel::plan_stock`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockBatch {
    /// Where the batch belongs, in the adapter's own words (WooCommerce: the parent of the variations).
    pub group: Option<String>,
    pub targets: Vec<StockTarget>,
}

/// What became of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StockOutcome {
    /// The channel shows the quantity, by its own answer.
    Accepted,
    /// The channel had another number than `expected` and did nothing.
    Stale { observed: Option<i64> },
    /// Will not work without a change on the channel.
    Rejected { code: &'static str, reason: String },
    /// Did not work now; may later.
    Failed { code: &'static str, reason: String },
    /// The channel took it in and works on it: [`Channel::stock_result`] tells what became of it. Until then the listing
    /// must not be told another number by another way.
    Submitted { ticket: String },
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockResult {
    /// Of the listings that the channel names.
    pub named: BTreeMap<ListingRef, StockOutcome>,
    /// Of all others that were submitted with them.
    pub others: StockOutcome,
}

/// A notification of a channel, verified and reduced to a hint: what it says is read again from the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The channel's own id of the delivery, for deduplication.
    pub delivery_id: Option<String>,
    /// Whose it is, as [`Channel::notified_as`] has it, of one that came without naming a connection; `None` where it
    /// does not say so, or concerns no account.
    pub account: Option<String>,
    pub hint: Hint,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// These orders changed.
    Orders(Vec<String>),
    /// Listings changed or came.
    Listings,
    /// The merchant took the authorization back.
    Revoked,
    /// The application's own secret ends then, and with it every connection that uses it: the operator must renew it.
    SecretEnds(Timestamp),
    /// Nothing to do: a greeting, or a topic we do not use.
    Nothing,
}

/// Why a notification is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefused {
    #[error("the signature is missing")]
    Unsigned,
    #[error("the signature does not verify")]
    BadSignature,
    #[error("the body cannot be read")]
    Unreadable,
    /// Nothing is known of the signature: the channel may deliver again.
    #[error("the channel's key to verify it with cannot be had now")]
    KeyUnavailable,
}

/// What upkeep of the channel's notifications did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WebhookUpkeep {
    /// Subscriptions that were missing or switched off and are active now: what they would have told is lost, so the
    /// time since must be fetched.
    pub restored: u32,
}

/// A sales channel.
#[async_trait]
pub trait Channel: Send + Sync {
    fn kind(&self) -> ChannelKind;

    /// What the channel can do, and its limits.
    fn capability(&self) -> &'static Capability;

    /// Tries the credentials and asks who is there.
    async fn identify(&self, shop: &Shop<'_>) -> Result<ShopIdentity, ChannelError>;

    /// One page of listings; all of them, or those that changed in the window where the channel can tell.
    async fn fetch_listings(
        &self,
        shop: &Shop<'_>,
        changed: Option<Window>,
        cursor: Option<&Cursor>,
    ) -> Result<Page<FetchedListing>, ChannelError>;

    /// One page of orders.
    async fn fetch_orders(
        &self,
        shop: &Shop<'_>,
        query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<Page<FetchedOrder>, ChannelError>;

    /// The fewest calls that carry all targets, at the rate that the channel gives this connection. Pure.
    fn plan_stock(&self, targets: Vec<StockTarget>, pace: &Pace) -> Vec<StockBatch>;

    /// One call. Outcomes in the order of the batch's targets. `key` is the same for each try of the same batch, and
    /// another for every other: the idempotency key of channels that take one.
    async fn push_stock(
        &self,
        shop: &Shop<'_>,
        key: &str,
        batch: &StockBatch,
    ) -> Result<Vec<StockOutcome>, ChannelError>;

    /// What became of a [`StockOutcome::Submitted`]; `None` while the channel works on it.
    async fn stock_result(
        &self,
        _shop: &Shop<'_>,
        _ticket: &str,
    ) -> Result<Option<StockResult>, ChannelError> {
        let detail = "the channel takes no submissions";
        Err(ChannelError::new(ErrorKind::Rejected, "ask for the result of a submission", detail))
    }

    /// What the channel shows now for each target, in their order; `None` where it has no number.
    async fn read_stock(
        &self,
        shop: &Shop<'_>,
        targets: &[StockTarget],
    ) -> Result<Vec<Option<i64>>, ChannelError>;

    /// The channel's own locations, at which stock can be set. None of a channel that counts by listing alone
    /// ([`Capability::locations`]).
    async fn locations(&self, _shop: &Shop<'_>) -> Result<Vec<ChannelLocation>, ChannelError> {
        Ok(Vec::new())
    }

    /// The location that a shop's one number is set at, where no location is named.
    fn home_location(&self, _facts: &ShopFacts) -> Option<ChannelLocationId> {
        None
    }

    /// What these of the channel's own locations show of each target, in the targets' order. At most
    /// [`Capability::stock_batch_max`] targets, and as many locations as it answers at once ([`ByLocation::asked_at_once`]).
    async fn read_stock_at(
        &self,
        _shop: &Shop<'_>,
        _locations: &[ChannelLocationId],
        targets: &[StockTarget],
    ) -> Result<Vec<ShownByLocation>, ChannelError> {
        Ok(vec![ShownByLocation::default(); targets.len()])
    }

    /// Which of its own locations the channel ships each of these orders from, by the channel's ids: at most
    /// [`Capability::order_ids_max`]. What is not assigned yet is left out.
    async fn assigned_locations(
        &self,
        _shop: &Shop<'_>,
        _orders: &[String],
    ) -> Result<BTreeMap<String, ChannelLocationId>, ChannelError> {
        Ok(BTreeMap::new())
    }

    /// Sees to it that the channel notifies `callback` of orders and listings, signed with `secret` where the channel
    /// lets us choose one: creates what is missing, switches on what is off.
    async fn ensure_webhooks(
        &self,
        shop: &Shop<'_>,
        callback: &Url,
        secret: &SecretString,
    ) -> Result<WebhookUpkeep, ChannelError>;

    /// Verifies and reads a notification that came over HTTP. `secret` is the one given to
    /// [`Channel::ensure_webhooks`]. The token in `shop` may have ended.
    async fn read_webhook(
        &self,
        shop: &Shop<'_>,
        secret: &SecretString,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Notification, WebhookRefused>;

    /// What to answer to a channel that asks, by `GET` on `callback`, whether the receiver of its notifications is ours.
    fn answer_challenge(&self, _secret: &SecretString, _callback: &Url, _query: &str) -> Option<String> {
        None
    }

    /// Reads a notification that came through a queue or an event bus of our own, whose policy vouches for it.
    fn read_queued_notification(&self, _body: &[u8]) -> Result<Notification, WebhookRefused> {
        Err(WebhookRefused::Unreadable)
    }

    /// What notifications through a queue or an event bus of our own call the account that has these facts; `None` where
    /// the channel sends none.
    fn notified_as(&self, _facts: &ShopFacts) -> Option<String> {
        None
    }

    /// What a buyer is called where the true name is concealed. `marketplaces` as in [`Shop::marketplaces`].
    fn customer_name(&self, _marketplaces: &[String]) -> String {
        format!("{} - Customer", self.capability().name)
    }

    /// The first of these marketplaces (as in [`Shop::marketplaces`]) that the deployment has not opened. One that nobody
    /// knows is refused by [`Channel::identify`].
    fn closed_marketplace(&self, _marketplaces: &[String], _open: &Editions) -> Option<Closed> {
        None
    }

    /// What the channel keeps of a part of an order.
    fn partial_shipments(&self) -> PartialShipments {
        PartialShipments::Counted
    }

    /// Tells the channel that a part of an order was shipped. The same shipment told twice, also after an answer that
    /// was lost, is one shipment there.
    async fn push_shipment(
        &self,
        shop: &Shop<'_>,
        shipment: &Shipment,
    ) -> Result<ShipmentOutcome, ChannelError>;

    /// The side of a channel that stores and ships the merchant's goods itself; `None` for one that does not.
    fn fulfiller(&self) -> Option<&dyn Fulfiller> {
        None
    }

    /// The token side of a channel whose access expires; `None` for channels with lasting keys.
    fn tokens(&self) -> Option<&dyn Tokens>;

    /// The merchant's consent on the channel's own page; `None` for a channel that has none.
    fn consent(&self) -> Option<&dyn Consent>;
}

/// Access that expires and is renewed. A refresh token may be spent by its use: whoever calls [`Tokens::refresh`] holds
/// the connection's lease and stores the answer before using it.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// When the access token in `credentials` ends; `None` for one that lasts. A time in the past where there is none.
    fn expires_at(&self, credentials: &Credentials) -> Option<Timestamp>;

    /// Whole new credentials.
    async fn refresh(&self, shop: &Shop<'_>) -> Result<Credentials, ChannelError>;
}
