//! The two channels' shops, and what they call the calls that are counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::connection_settings::SettingsPatch;
use bench::{BenchClock, Wire, World, goods, wire};
use domain::ChannelKind;
use marketplace_sim::shopify::{Access, ShopifyShop};
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{Goods, SimulatedShop, Sold};
use store::connection::Connection;
use tokio::sync::OnceCell;

/// Listings of the shops that several trials share.
pub const LISTINGS: usize = 1_000;

/// A channel, and what its shop calls the calls that are counted.
pub struct Measured {
    pub kind: ChannelKind,
    pub name: &'static str,
    pub set_stock: &'static str,
    pub look_at_orders: &'static str,
    pub listing_page: &'static str,
    large: OnceCell<Opened>,
}

pub static CHANNELS: [Measured; 2] = [
    Measured {
        kind: ChannelKind::Woocommerce,
        name: "WooCommerce",
        set_stock: "POST products/batch",
        look_at_orders: "GET orders",
        listing_page: "GET products",
        large: OnceCell::const_new(),
    },
    Measured {
        kind: ChannelKind::Shopify,
        name: "Shopify",
        set_stock: "mutation inventorySetQuantities",
        look_at_orders: "query orders",
        listing_page: "query productVariants",
        large: OnceCell::const_new(),
    },
];

impl Measured {
    /// A shop of [`LISTINGS`], made once: whoever changes it leaves it settled.
    pub async fn large(&self) -> anyhow::Result<&Opened> {
        let make = || Opened::with(self.kind, (0..LISTINGS).map(|n| goods::simple(n, 50)));
        self.large.get_or_try_init(make).await
    }
}

/// A shop with goods on sale, connected and settled: each listing is linked to an item of its own and shows its number.
pub struct Opened {
    pub world: World,
    pub shop: Arc<dyn SimulatedShop>,
    pub connection: Connection,
    pub on_sale: Vec<Sold>,
    /// The calls that settled it.
    pub first_calls: BTreeMap<String, u64>,
}

impl Opened {
    pub async fn with(kind: ChannelKind, goods: impl IntoIterator<Item = Goods>) -> anyhow::Result<Self> {
        let clock = BenchClock::default();
        let shop: Arc<dyn SimulatedShop> = match kind {
            ChannelKind::Woocommerce => Arc::new(WoocommerceShop::new(Options::new(clock.reader()))),
            ChannelKind::Shopify => {
                Arc::new(ShopifyShop::with(clock.reader(), Access::Lasting, 2_000, 100).in_currency("EUR"))
            }
            other => anyhow::bail!("{other} is not counted"),
        };
        let on_sale: Vec<Sold> = goods.into_iter().flat_map(|goods| shop.add(goods)).collect();
        let world = World::new(clock, Wire::to(Arc::clone(&shop))).await?;
        let settings = SettingsPatch { auto_create: Some(true), ..SettingsPatch::default() };
        let connection = world.connect(kind, shop.credentials(), settings).await?;
        let mut opened = Self { world, shop, connection, on_sale, first_calls: BTreeMap::new() };
        opened.take_calls()?;
        opened.world.settle(&opened.connection).await?;
        opened.first_calls = opened.take_calls()?;
        let items = opened.world.items(&opened.connection).await?;
        anyhow::ensure!(items.len() == opened.on_sale.len(), "{} listings are linked", items.len());
        Ok(opened)
    }

    /// What the shop was asked since the last time, by what it was.
    pub fn take_calls(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let calls = wire::by_operation(self.shop.as_ref());
        anyhow::ensure!(calls.values().sum::<u64>() == self.world.wire.take_calls(), "each call is known");
        Ok(calls)
    }
}

/// How many of a kind there are among the calls.
pub fn of(calls: &BTreeMap<String, u64>, name: &str) -> u64 {
    calls.get(name).copied().unwrap_or(0)
}
