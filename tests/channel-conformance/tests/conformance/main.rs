//! The laws of channels, each tried on every adapter with a simulated shop of its channel.
//!
//! A trial's name is the law's and the channel's: `an_order_comes_once::woocommerce`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use channel_conformance::{Aspect, Setting, Subject};
use libtest_mimic::{Arguments, Trial};
use marketplace_sim::SimulatedShop;
use marketplace_sim::amazon::AmazonShop;
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

/// With tokens that outlive a law: their end is tried by the adapter's own tests.
fn amazon(setting: Setting) -> Arc<dyn SimulatedShop> {
    let shop = AmazonShop::new(setting.clock, setting.currency);
    Arc::new(shop.with_tokens_of(jiff::SignedDuration::from_hours(48)))
}

/// The registry: one entry a channel and way to speak to it.
fn subjects() -> Vec<Subject> {
    let woocommerce_at = |name, endpoint| Subject {
        name,
        adapter: &channels::woocommerce::Woocommerce,
        endpoint,
        four_attributes: true,
        lacks: &[],
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
            lacks: &[],
            open: Box::new(shopify),
        },
        Subject {
            name: "amazon",
            adapter: &channels::amazon::Amazon,
            endpoint: "https://sellingpartnerapi-na.amazon.com",
            four_attributes: true,
            lacks: &[
                (Aspect::ListingWithoutSku, "a listing is a seller SKU"),
                (Aspect::OrdersGrow, "buyers cannot add to an order on Amazon"),
                (Aspect::RefundsInOrders, "orders of 2026-01-01 say nothing of money that went back"),
                (
                    Aspect::SignedNotifications,
                    "notifications come through a queue whose policy vouches for them",
                ),
                (Aspect::NewsOfListings, "Amazon tells event buses alone of new listings, not queues"),
            ],
            open: Box::new(amazon),
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
