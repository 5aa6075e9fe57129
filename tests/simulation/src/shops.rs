//! The registry: one line for each channel, and way to be let in, that the simulated world sells through.

use std::sync::Arc;

use domain::ChannelKind;
use marketplace_sim::amazon::AmazonShop;
use marketplace_sim::ebay::{self, EbayShop};
use marketplace_sim::etsy::EtsyShop;
use marketplace_sim::shopify::{Access, ShopifyShop};
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{SimClock, SimulatedShop};

/// How a connection stays let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// For good.
    Lasts,
    /// Its access ends and is renewed, always with the same token.
    Renewed,
    /// Each renewal brings another token for the next; the one before works until the new one is used.
    Replaced,
    /// The token of a renewal is spent by it: whoever renews and cannot keep what came of it is let in no more.
    Spent,
}

impl Grant {
    /// Two renewals at once may lose it.
    pub fn changes(self) -> bool {
        matches!(self, Self::Replaced | Self::Spent)
    }
}

/// A kind of shop.
#[derive(Clone, Copy)]
pub struct Kind {
    pub channel: ChannelKind,
    /// Those that a connection names.
    pub marketplaces: &'static [&'static str],
    pub grant: Grant,
    /// A buyer can have the units of an order changed.
    pub edits: bool,
    /// A refund before shipping says which units are not wanted any more.
    pub refunds: bool,
    /// Only the whole of a product with variations can be written: what sold of another one meanwhile is overwritten, which
    /// nobody can tell from a stale number. None are sold there.
    pub whole: bool,
    /// It cannot hold a product without units: one stands there for none, until the product is taken off sale.
    pub placeholder: bool,
    /// The channel stores and ships some of the goods.
    pub fba: bool,
    pub open: fn(SimClock) -> Arc<dyn SimulatedShop>,
}

/// Those of a merchant in the United States, where a channel's stock is followed: all count in dollars.
pub const AMERICAN: &[Kind] = &[
    Kind { marketplaces: &[UNITED_STATES], edits: false, fba: true, ..kind(ChannelKind::Amazon, amazon_us) },
    Kind {
        grant: Grant::Lasts,
        ..kind(ChannelKind::Shopify, |clock| shopify(clock, Access::Lasting, "USD"))
    },
    Kind { grant: Grant::Lasts, ..kind(ChannelKind::Woocommerce, |clock| woocommerce(clock, "USD")) },
];

/// All count in euro.
pub const KINDS: &[Kind] = &[
    Kind { grant: Grant::Lasts, ..kind(ChannelKind::Woocommerce, |clock| woocommerce(clock, "EUR")) },
    Kind {
        grant: Grant::Lasts,
        ..kind(ChannelKind::Shopify, |clock| shopify(clock, Access::Lasting, "EUR"))
    },
    Kind {
        grant: Grant::Replaced,
        ..kind(ChannelKind::Shopify, |clock| shopify(clock, Access::Expiring, "EUR"))
    },
    Kind { marketplaces: &["EBAY_DE"], edits: false, refunds: false, ..kind(ChannelKind::Ebay, ebay) },
    Kind { marketplaces: &[GERMANY], edits: false, ..kind(ChannelKind::Amazon, amazon) },
    Kind {
        grant: Grant::Spent,
        edits: false,
        refunds: false,
        whole: true,
        placeholder: true,
        ..kind(ChannelKind::Etsy, etsy)
    },
];

/// Amazon's names of them.
const GERMANY: &str = "A1PA6795UKMFR9";
const UNITED_STATES: &str = "ATVPDKIKX0DER";

/// In the half minute beyond which patches become a feed: one.
const PATCHES_PER_10000_S: i64 = 600;

/// A channel whose access ends, and whose orders can be changed in every way.
const fn kind(channel: ChannelKind, open: fn(SimClock) -> Arc<dyn SimulatedShop>) -> Kind {
    Kind {
        channel,
        marketplaces: &[],
        grant: Grant::Renewed,
        edits: true,
        refunds: true,
        whole: false,
        placeholder: false,
        fba: false,
        open,
    }
}

fn ebay(clock: SimClock) -> Arc<dyn SimulatedShop> {
    Arc::new(EbayShop::new(ebay::Options::new(clock)))
}

/// A seller whom Amazon lets change few listings: two at once already go as a feed.
fn amazon(clock: SimClock) -> Arc<dyn SimulatedShop> {
    let shop = AmazonShop::new(clock, "EUR").in_marketplaces(&[GERMANY]);
    Arc::new(shop.with_rate("patchListingsItem", PATCHES_PER_10000_S))
}

fn amazon_us(clock: SimClock) -> Arc<dyn SimulatedShop> {
    Arc::new(AmazonShop::new(clock, "USD").in_marketplaces(&[UNITED_STATES]))
}

fn etsy(clock: SimClock) -> Arc<dyn SimulatedShop> {
    Arc::new(EtsyShop::new(clock).in_currency("EUR", 2))
}

fn woocommerce(clock: SimClock, currency: &str) -> Arc<dyn SimulatedShop> {
    Arc::new(WoocommerceShop::new(Options { currency: currency.to_owned(), ..Options::new(clock) }))
}

fn shopify(clock: SimClock, access: Access, currency: &str) -> Arc<dyn SimulatedShop> {
    Arc::new(ShopifyShop::with(clock, access, 20_000, 1_000).in_currency(currency))
}
