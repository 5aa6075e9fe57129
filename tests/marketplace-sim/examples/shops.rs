//! One stocked shop of each channel, each at an address of its own, until standard input ends: for clients that are not
//! ours (`tests/clients`). What there is, is told on standard output in one line of JSON.
//!
//! Each shop sells the same goods and has taken the same three orders; eBay's has taken 200 more.
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;
use marketplace_sim::amazon::AmazonShop;
use marketplace_sim::ebay::{self, EbayShop};
use marketplace_sim::etsy::EtsyShop;
use marketplace_sim::shopify::ShopifyShop;
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{Goods, SimClock, SimulatedShop, Sold, Variation, serve};
use serde_json::{Value, json};

/// More than one of eBay's largest pages.
const FURTHER_ORDERS: u32 = 200;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    #[allow(clippy::disallowed_methods, reason = "clients that are not ours know no other clock")]
    let clock: SimClock = Arc::new(Timestamp::now);
    let on_ebay = EbayShop::new(ebay::Options {
        marketplace: "EBAY_US".to_owned(),
        currency: "USD".to_owned(),
        ..ebay::Options::new(Arc::clone(&clock))
    });
    let own = Options { currency: "USD".to_owned(), ..Options::new(Arc::clone(&clock)) };
    let shops: [Arc<dyn SimulatedShop>; 5] = [
        Arc::new(WoocommerceShop::new(own)),
        Arc::new(ShopifyShop::new(Arc::clone(&clock))),
        Arc::new(on_ebay),
        Arc::new(AmazonShop::new(Arc::clone(&clock), "USD")),
        // The libraries do not pace themselves: the limits of a larger application.
        Arc::new(EtsyShop::new(clock).with_limits(150, 100_000)),
    ];
    let mut servers = Vec::new();
    let mut told = serde_json::Map::new();
    for shop in shops {
        let (listings, orders) = stock(shop.as_ref());
        let (channel, credentials) = (shop.channel(), shop.credentials());
        let server = serve(shop, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        told.insert(
            channel.to_owned(),
            json!({
                "address": server.address.to_string(), "credentials": credentials, "listings": listings,
                "orders": orders,
            }),
        );
        servers.push(server);
    }
    println!("{}", Value::Object(told));
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    Ok(())
}

/// What was put on sale, by SKU, and the orders that came.
fn stock(shop: &dyn SimulatedShop) -> (BTreeMap<&'static str, Value>, Vec<String>) {
    let plain = |sku: &str, title: &str, price: &str, quantity| {
        let (title, price) = (title.to_owned(), price.to_owned());
        Goods { sku: Some(sku.to_owned()), title, price, quantity: Some(quantity), ..Goods::default() }
    };
    let size = |sku: &str, size: &str, quantity| Variation {
        sku: Some(sku.to_owned()),
        price: "19.00".to_owned(),
        quantity: Some(quantity),
        attributes: vec![("Size".to_owned(), size.to_owned())],
    };
    let shirt = Goods {
        title: "Shirt".to_owned(),
        variations: vec![size("TEE-S", "S", 30), size("TEE-M", "M", 25)],
        ..Goods::default()
    };
    let mut sold: BTreeMap<&'static str, Sold> = BTreeMap::new();
    for (sku, title, price, quantity) in [
        ("MUG-RED", "Mug, red", "9.50", 24),
        ("MUG-BLUE", "Mug, blue", "9.50", 18),
        // One segment of a path, whatever it holds.
        ("BAG/01 L", "Canvas bag, größer", "14.00", 12),
        ("LAMP-07", "Desk lamp", "49.00", 8),
    ] {
        sold.extend(shop.add(plain(sku, title, price, quantity)).pop().map(|listing| (sku, listing)));
    }
    sold.extend(["TEE-S", "TEE-M"].into_iter().zip(shop.add(shirt)));
    let line = |sku: &str, units: u32| sold.get(sku).map(|listing| (listing.clone(), units));
    let lines =
        |all: &[(&str, u32)]| all.iter().filter_map(|(sku, units)| line(sku, *units)).collect::<Vec<_>>();
    let paid = shop.sell(&lines(&[("MUG-RED", 2)]));
    let unpaid = shop.sell_unpaid(&lines(&[("LAMP-07", 1)]));
    let sent = shop.sell(&lines(&[("BAG/01 L", 3), ("TEE-S", 1)]));
    shop.fulfil(&sent);
    if shop.channel() == "ebay" {
        let pens = shop.add(plain("PEN", "Pen", "1.25", i64::from(FURTHER_ORDERS)));
        for pen in pens.iter().cycle().take(FURTHER_ORDERS as usize) {
            shop.sell(&[(pen.clone(), 1)]);
        }
    }
    let name = |listing: &Sold| json!({ "id": listing.external_id, "variation": listing.variation_id });
    (sold.iter().map(|(sku, listing)| (*sku, name(listing))).collect(), vec![paid, unpaid, sent])
}
