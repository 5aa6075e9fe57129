//! The two channels' shops, and where their minimum is.

use std::sync::Arc;

use bench::{BenchClock, Wire, World};
use domain::ChannelKind;
use marketplace_sim::shopify::{Access, ShopifyShop};
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{Goods, SimulatedShop, Sold};
use store::connection::Connection;

/// A channel, and what its shop calls the calls that are counted.
pub struct Measured {
    pub kind: ChannelKind,
    pub name: &'static str,
    pub set_stock: &'static str,
    pub look_at_orders: &'static str,
    pub listing_page: &'static str,
}

pub const CHANNELS: [Measured; 2] = [
    Measured {
        kind: ChannelKind::Woocommerce,
        name: "WooCommerce",
        set_stock: "POST products/batch",
        look_at_orders: "GET orders",
        listing_page: "GET products",
    },
    Measured {
        kind: ChannelKind::Shopify,
        name: "Shopify",
        set_stock: "mutation inventorySetQuantities",
        look_at_orders: "query orders",
        listing_page: "query productVariants",
    },
];

/// A shop with goods on sale, connected; nothing of it is fetched yet.
pub struct Opened {
    pub world: World,
    pub shop: Arc<dyn SimulatedShop>,
    pub connection: Connection,
    pub on_sale: Vec<Sold>,
}

impl Opened {
    pub async fn with(kind: ChannelKind, goods: impl IntoIterator<Item = Goods>) -> anyhow::Result<Self> {
        let clock = BenchClock::default();
        let shop: Arc<dyn SimulatedShop> = match kind {
            ChannelKind::Woocommerce => Arc::new(WoocommerceShop::new(Options::new(clock.reader()))),
            ChannelKind::Shopify => {
                Arc::new(ShopifyShop::with(clock.reader(), Access::Lasting, 2_000, 100).in_currency("EUR"))
            }
        };
        let on_sale = goods.into_iter().flat_map(|goods| shop.add(goods)).collect();
        let world = World::new(clock, Wire::to(Arc::clone(&shop))).await?;
        let connection = world.connect(kind, shop.credentials(), true).await?;
        Ok(Self { world, shop, connection, on_sale })
    }

    /// What was counted so far does not count.
    pub fn forget_calls(&self) {
        self.shop.take_calls();
        self.world.wire.take_calls();
    }
}
