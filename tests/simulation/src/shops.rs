//! The registry: one line for each channel, and way to be let in, that the simulated world sells through.

use std::sync::Arc;

use domain::ChannelKind;
use marketplace_sim::amazon::AmazonShop;
use marketplace_sim::ebay::{self, EbayShop};
use marketplace_sim::shopify::{Access, ShopifyShop};
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{SimClock, SimulatedShop};

/// A kind of shop.
#[derive(Clone, Copy)]
pub struct Kind {
    pub channel: ChannelKind,
    /// Those that a connection names.
    pub marketplaces: &'static [&'static str],
    /// Its access ends and is renewed.
    pub expires: bool,
    /// A buyer can have the units of an order changed.
    pub edits: bool,
    /// A refund before shipping says which units are not wanted any more.
    pub refunds: bool,
    pub open: fn(SimClock) -> Arc<dyn SimulatedShop>,
}

/// All count in euro.
pub const KINDS: &[Kind] = &[
    Kind { expires: false, ..kind(ChannelKind::Woocommerce, woocommerce) },
    Kind { expires: false, ..kind(ChannelKind::Shopify, |clock| shopify(clock, Access::Lasting)) },
    kind(ChannelKind::Shopify, |clock| shopify(clock, Access::Expiring)),
    Kind { marketplaces: &["EBAY_DE"], edits: false, refunds: false, ..kind(ChannelKind::Ebay, ebay) },
    Kind { marketplaces: &[GERMANY], edits: false, ..kind(ChannelKind::Amazon, amazon) },
];

/// Amazon's name of it.
const GERMANY: &str = "A1PA6795UKMFR9";

/// A channel whose access ends, and whose orders can be changed in every way.
const fn kind(channel: ChannelKind, open: fn(SimClock) -> Arc<dyn SimulatedShop>) -> Kind {
    Kind { channel, marketplaces: &[], expires: true, edits: true, refunds: true, open }
}

fn ebay(clock: SimClock) -> Arc<dyn SimulatedShop> {
    Arc::new(EbayShop::new(ebay::Options::new(clock)))
}

fn amazon(clock: SimClock) -> Arc<dyn SimulatedShop> {
    Arc::new(AmazonShop::new(clock, "EUR").in_marketplaces(&[GERMANY]))
}

fn woocommerce(clock: SimClock) -> Arc<dyn SimulatedShop> {
    Arc::new(WoocommerceShop::new(Options::new(clock)))
}

fn shopify(clock: SimClock, access: Access) -> Arc<dyn SimulatedShop> {
    Arc::new(ShopifyShop::with(clock, access, 20_000, 1_000).in_currency("EUR"))
}
