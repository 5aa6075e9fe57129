//! Simulated shops: the channels' own HTTP, limits, paging, errors and quirks, over a shop that lives in memory.
//!
//! A shop is a state and a pure function from request to answer ([`SimulatedShop::handle`]), so a test can call it
//! without a socket and under a clock of its own; [`serve`] puts it behind a real HTTP server. Faults stand between the
//! two ([`Faults`]): they are the network's and the host's, not the shop's.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use url::Url;

pub mod amazon;
pub mod ebay;
pub mod etsy;
mod fault;
mod serve;
pub mod shopify;
pub mod woocommerce;

pub use fault::{Fault, Faults};
pub use serve::{Served, serve};

/// The clock of a simulated shop, in its own server's opinion.
pub type SimClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Goods to put on sale.
#[derive(Debug, Clone, Default)]
pub struct Goods {
    pub sku: Option<String>,
    pub title: String,
    /// Decimal text in the shop's currency.
    pub price: String,
    /// `None`: the shop does not count this product's stock.
    pub quantity: Option<i64>,
    /// A product with variations: each has its own SKU, price and stock, and up to any number of attributes.
    pub variations: Vec<Variation>,
    pub barcode: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Variation {
    pub sku: Option<String>,
    pub price: String,
    pub quantity: Option<i64>,
    pub attributes: Vec<(String, String)>,
}

/// The channel's own name of what can be sold, as the adapter's `ListingRef` has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sold {
    pub external_id: String,
    pub variation_id: Option<String>,
}

/// A call that reached the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub at: Timestamp,
    pub method: String,
    pub path: String,
    /// What it was, by the channel's name for it: `PUT products/batch`, `mutation inventorySetQuantities`.
    pub operation: String,
    pub status: u16,
}

/// A notification the shop wants to send: what its webhooks would deliver.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub url: String,
    pub headers: BTreeMap<String, String>,
    pub body: Bytes,
}

/// A shipment as the shop has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    pub carrier: Option<String>,
    pub tracking_number: Option<String>,
    /// By the order's line ids, with units; empty where the channel ships whole orders.
    pub lines: Vec<(String, u32)>,
}

/// What a channel was asked to send for a sale made elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatched {
    /// The number that its buyer knows the order by.
    pub order: String,
    /// Units that are to be sent.
    pub open: i64,
    pub sent: i64,
}

/// What every simulated shop can be told and asked, beside speaking its channel's HTTP.
pub trait SimulatedShop: Send + Sync {
    /// `woocommerce`, `shopify`, …
    fn channel(&self) -> &'static str;

    /// What a connection to this shop brings, by the API's field names.
    fn credentials(&self) -> BTreeMap<String, String>;

    /// The channel's HTTP, without faults.
    fn handle(&self, request: Request<Bytes>) -> Response<Bytes>;

    /// Faults to come, applied by [`serve`] and by the tests' own transports.
    fn faults(&self) -> &Faults;

    /// Puts goods on sale; the names of what can be sold: one, or one for each variation.
    fn add(&self, goods: Goods) -> Vec<Sold>;

    /// The same of goods that the channel stores and ships; nothing where there is no such thing.
    fn add_fba(&self, _goods: Goods) -> Vec<Sold> {
        Vec::new()
    }

    /// Changes a listing's SKU or title, as the merchant would in the shop.
    fn rename(&self, listing: &Sold, sku: Option<Option<String>>, title: Option<String>);

    /// Takes a listing off the shop for good.
    fn delete(&self, listing: &Sold);

    /// A buyer orders and pays; the shop takes the units off its own stock. The channel's order id.
    fn sell(&self, lines: &[(Sold, u32)]) -> String;

    /// A buyer orders and has not paid yet.
    fn sell_unpaid(&self, lines: &[(Sold, u32)]) -> String;

    fn pay(&self, order: &str);

    /// Cancels, with the units back on the shop's own stock.
    fn cancel(&self, order: &str);

    /// Sets the quantity of the order's `line` (from 0).
    fn edit(&self, order: &str, line: usize, quantity: u32);

    /// Refunds `quantity` units of the order's `line`, with restock.
    fn refund(&self, order: &str, line: usize, quantity: u32);

    /// Ships everything.
    fn fulfil(&self, order: &str);

    /// The shipments of an order, in the order in which they were told.
    fn shipments(&self, _order: &str) -> Vec<Shipped> {
        Vec::new()
    }

    /// Units of each of the order's lines that have left, by the shop's word; empty where the simulation does not say.
    fn shipped(&self, _order: &str) -> Vec<u32> {
        Vec::new()
    }

    /// All that it was asked to send for sales made elsewhere.
    fn dispatched(&self) -> Vec<Dispatched> {
        Vec::new()
    }

    /// What the channel was given to work on in its own time, by its ids.
    fn submissions(&self) -> Vec<String> {
        Vec::new()
    }

    /// The numbers that it set in its own time since the last time asked, with the ids of their submissions.
    fn take_late(&self) -> Vec<(String, Sold, Option<i64>)> {
        Vec::new()
    }

    /// What the shop shows buyers.
    fn quantity(&self, listing: &Sold) -> Option<i64>;

    /// Edited by hand in the shop.
    fn set_quantity(&self, listing: &Sold, quantity: i64);

    /// The ids of all orders.
    fn orders(&self) -> Vec<String>;

    /// Calls that reached the shop since the last time asked.
    fn take_calls(&self) -> Vec<Call>;

    /// Notifications waiting to be delivered, oldest first; asking takes them.
    fn take_deliveries(&self) -> Vec<Delivery>;

    /// Something of the shop's own, such as a plugin, makes this listing unreadable from now on. `false` where the
    /// simulation does not know how.
    fn spoil(&self, _listing: &Sold) -> bool {
        false
    }

    /// Loses one subscription to notifications, as merchants and shops do. `false` where there is none, or where the
    /// simulation does not know how.
    fn forget_webhook(&self) -> bool {
        false
    }

    /// Where notifications go on a channel that takes no subscriptions from an application: the merchant enters it by
    /// hand.
    fn register_endpoint(&self, _url: &str) {}

    /// Gives an order a state that nobody knows yet. `false` where the simulation does not know how.
    fn unknown_status(&self, _order: &str) -> bool {
        false
    }

    /// The merchant opens the channel's page of consent and agrees: where the browser is sent then, with the code; what the
    /// channel's server sends before it is a delivery. `None` for a page that the channel would not show, and where it has
    /// none.
    fn consent(&self, _page: &Url) -> Option<Url> {
        None
    }

    /// The same, and the merchant says no.
    fn deny(&self, _page: &Url) -> Option<Url> {
        None
    }

    /// From now on the credentials are refused.
    fn revoke(&self);

    /// The merchant lets us in again, with the credentials of now. `false` where the simulation does not know how.
    fn admit(&self) -> bool {
        false
    }

    /// Shipped units of the order's `line` come back to the shelf. `false` where there is no such thing, or where the
    /// simulation does not know how.
    fn returned(&self, _order: &str, _line: usize, _quantity: u32) -> bool {
        false
    }
}
