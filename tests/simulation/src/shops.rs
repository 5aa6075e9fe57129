//! The registry: one line for each channel, and way to be let in, that the simulated world sells through.

use std::sync::Arc;

use domain::ChannelKind;
use marketplace_sim::shopify::{Access, ShopifyShop};
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{SimClock, SimulatedShop};

/// A kind of shop.
#[derive(Clone, Copy)]
pub struct Kind {
    pub channel: ChannelKind,
    /// Its access ends and is renewed.
    pub expires: bool,
    pub open: fn(SimClock) -> Arc<dyn SimulatedShop>,
}

/// All count in euro.
pub const KINDS: &[Kind] = &[
    Kind { channel: ChannelKind::Woocommerce, expires: false, open: woocommerce },
    Kind { channel: ChannelKind::Shopify, expires: false, open: |clock| shopify(clock, Access::Lasting) },
    Kind { channel: ChannelKind::Shopify, expires: true, open: |clock| shopify(clock, Access::Expiring) },
];

fn woocommerce(clock: SimClock) -> Arc<dyn SimulatedShop> {
    Arc::new(WoocommerceShop::new(Options::new(clock)))
}

fn shopify(clock: SimClock, access: Access) -> Arc<dyn SimulatedShop> {
    Arc::new(ShopifyShop::with(clock, access, 20_000, 1_000).in_currency("EUR"))
}
