//! A merchant's shop on a channel, and how it is connected.

use std::sync::Arc;

use domain::ChannelKind;
use marketplace_sim::amazon::AmazonShop;
use marketplace_sim::ebay::{self, EbayShop};
use marketplace_sim::etsy::EtsyShop;
use marketplace_sim::shopify::{Access, ShopifyShop};
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{Goods, SimulatedShop, Sold, Variation};
use serde_json::{Value, json};

use crate::{DayClock, Hub};

/// The currency of every organization and shop, where a test does not say otherwise.
pub const CURRENCY: &str = "EUR";

pub struct Shop {
    pub kind: ChannelKind,
    pub shop: Arc<dyn SimulatedShop>,
    pub endpoint: String,
    /// Its connection's id, once it is connected.
    pub connection: String,
    currency: String,
}

/// Goods with one SKU; none where it is empty.
pub fn goods(sku: &str, title: &str, quantity: i64) -> Goods {
    Goods {
        sku: (!sku.is_empty()).then(|| sku.to_owned()),
        title: title.to_owned(),
        price: "9.50".to_owned(),
        quantity: Some(quantity),
        ..Goods::default()
    }
}

/// Goods in one variation that has so many attributes.
pub fn varied(sku: &str, title: &str, attributes: usize) -> Goods {
    let attributes = (0..attributes).map(|n| (format!("Attribute {n}"), format!("Value {n}"))).collect();
    let variation =
        Variation { sku: Some(sku.to_owned()), price: "9.50".to_owned(), quantity: Some(3), attributes };
    Goods { title: title.to_owned(), variations: vec![variation], ..Goods::default() }
}

/// Where an account that counts in `currency` sells.
fn ebay_marketplace(currency: &str) -> &'static str {
    if currency == "USD" { "EBAY_US" } else { "EBAY_DE" }
}

pub fn ebay_account(clock: &DayClock, currency: &str) -> EbayShop {
    EbayShop::new(ebay::Options {
        marketplace: ebay_marketplace(currency).to_owned(),
        currency: currency.to_owned(),
        ..ebay::Options::new(clock.reader())
    })
}

/// A shop of a channel that counts in `currency`.
pub fn open(kind: ChannelKind, clock: &DayClock, currency: &str) -> Arc<dyn SimulatedShop> {
    match kind {
        ChannelKind::Amazon => Arc::new(AmazonShop::new(clock.reader(), currency)),
        ChannelKind::Ebay => Arc::new(ebay_account(clock, currency)),
        // Of an application with raised limits, for the reason below.
        ChannelKind::Etsy => {
            let shop = EtsyShop::new(clock.reader()).with_limits(150, 100_000);
            Arc::new(shop.in_currency(currency, 2))
        }
        ChannelKind::Shopify => {
            // On the Plus plan: days do not wait for a small bucket.
            let shop = ShopifyShop::with(clock.reader(), Access::Lasting, 20_000, 1_000);
            Arc::new(shop.in_currency(currency))
        }
        ChannelKind::Woocommerce => {
            let options = Options { currency: currency.to_owned(), ..Options::new(clock.reader()) };
            Arc::new(WoocommerceShop::new(options))
        }
    }
}

impl Shop {
    /// Opened at an address of its own, `name` in it; not connected.
    pub fn open(hub: &Hub, kind: ChannelKind, name: &str) -> Self {
        Self::open_in(hub, kind, name, CURRENCY)
    }

    pub fn open_in(hub: &Hub, kind: ChannelKind, name: &str, currency: &str) -> Self {
        Self::of(hub, kind, name, currency, open(kind, &hub.clock, currency))
    }

    pub fn of(
        hub: &Hub,
        kind: ChannelKind,
        name: &str,
        currency: &str,
        shop: Arc<dyn SimulatedShop>,
    ) -> Self {
        let host = format!("{name}.{kind}.example");
        hub.shops.add(&host, Arc::clone(&shop));
        Self {
            kind,
            shop,
            endpoint: format!("https://{host}"),
            connection: String::new(),
            currency: currency.to_owned(),
        }
    }

    /// What is sent to connect it.
    pub fn input(&self) -> Value {
        let mut input = json!({
            "channel": self.kind, "name": "Shop", "endpoint": self.endpoint,
            "credentials": self.shop.credentials(),
        });
        if self.kind == ChannelKind::Ebay {
            input["marketplace"] = json!([ebay_marketplace(&self.currency)]);
        }
        input
    }

    pub async fn connect(&mut self, hub: &Hub) -> Value {
        let connection = hub.post("/v1/connections", self.input()).await.ok();
        self.connection = connection["id"].as_str().unwrap().to_owned();
        // What the merchant of a channel does by hand that takes no subscriptions from an application.
        self.shop.register_endpoint(&format!("https://stock.example/v1/webhooks/{}", self.connection));
        connection
    }

    pub fn path(&self) -> String {
        format!("/v1/connections/{}", self.connection)
    }

    pub fn add(&self, goods: Goods) -> Sold {
        self.shop.add(goods).remove(0)
    }
}
