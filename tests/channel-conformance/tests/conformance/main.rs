//! The laws of channels, each tried on every adapter with a simulated shop of its channel.
//!
//! A trial's name is the law's and the channel's: `an_order_comes_once::woocommerce`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use channel_conformance::{Nature, Setting, Subject};
use libtest_mimic::{Arguments, Trial};
use marketplace_sim::SimulatedShop;
use marketplace_sim::ebay::{self, EbayShop};
use marketplace_sim::shopify::{Access, ShopifyShop};
use marketplace_sim::woocommerce::{Options, WoocommerceShop};

mod failures;
mod listings;
mod orders;
mod stock;
mod webhooks;

type Verdict<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

/// A law's name, and how it is tried.
pub type Law = (&'static str, fn(&Subject) -> Verdict<'_>);

/// Names each function of a list as a law.
#[macro_export]
macro_rules! laws {
    ($($law:ident),+ $(,)?) => {
        pub const LAWS: &[$crate::Law] = &[$((stringify!($law), |subject| Box::pin($law(subject)))),+];
    };
}

fn woocommerce(setting: Setting) -> Arc<dyn SimulatedShop> {
    let options = Options {
        currency: setting.currency.to_owned(),
        decimals: setting.decimals,
        ..Options::new(setting.clock)
    };
    Arc::new(WoocommerceShop::new(options))
}

/// On the Plus plan: laws that count calls do not wait for a small bucket.
fn shopify(setting: Setting) -> Arc<dyn SimulatedShop> {
    Arc::new(ShopifyShop::with(setting.clock, Access::Lasting, 20_000, 1_000).in_currency(setting.currency))
}

fn marketplace(currency: &str) -> String {
    match currency {
        "JPY" => "EBAY_JP".to_owned(),
        _ => "EBAY_DE".to_owned(),
    }
}

fn ebay(setting: Setting) -> Arc<dyn SimulatedShop> {
    let options = ebay::Options {
        marketplace: marketplace(setting.currency),
        currency: setting.currency.to_owned(),
        ..ebay::Options::new(setting.clock)
    };
    Arc::new(EbayShop::new(options))
}

/// Offers are asked for item by item; and at the end all that is on sale is compared, 25 SKUs a call, with what the
/// Inventory API knows.
fn ebay_listing_calls(listings: usize, pages: usize) -> usize {
    pages + listings + listings.div_ceil(25)
}

/// Prints why a law, or a part of it, is not tried on a channel.
pub fn set_aside(subject: &Subject, law: &str, why: &str) {
    println!("{law}::{}: set aside: {why}", subject.name);
}

/// The registry: one entry a channel and way to speak to it.
fn subjects() -> Vec<Subject> {
    let woocommerce_at = |name, endpoint| Subject {
        name,
        adapter: &channels::woocommerce::Woocommerce,
        endpoint,
        four_attributes: true,
        nature: Nature::default(),
        open: Box::new(woocommerce),
    };
    vec![
        woocommerce_at("woocommerce", "https://shop.example/store"),
        // Over http each request is signed instead.
        woocommerce_at("woocommerce_http", "http://shop.example"),
        Subject {
            name: "shopify",
            adapter: &channels::shopify::Shopify,
            endpoint: "https://shop.myshopify.com",
            four_attributes: true,
            nature: Nature::default(),
            open: Box::new(shopify),
        },
        Subject {
            name: "ebay",
            adapter: &channels::ebay::Ebay,
            endpoint: "https://api.ebay.com",
            four_attributes: true,
            nature: Nature {
                listing_calls: ebay_listing_calls,
                sku_is_the_key: true,
                marketplaces: |currency| vec![marketplace(currency)],
                not_in: &["KWD"],
                orders_can_be_edited: false,
                refunds_name_units: false,
                tells_new_listings: false,
                tells_of_orders: &["placed", "paid"],
            },
            open: Box::new(ebay),
        },
    ]
}

fn main() {
    let arguments = Arguments::from_args();
    let laws = [listings::LAWS, orders::LAWS, stock::LAWS, failures::LAWS, webhooks::LAWS].concat();
    let mut trials = Vec::new();
    for subject in subjects().into_iter().map(Arc::new) {
        for (name, law) in &laws {
            let (subject, law) = (subject.clone(), *law);
            trials.push(Trial::test(format!("{name}::{}", subject.name), move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build()?;
                Ok(runtime.block_on(law(&subject))?)
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}
