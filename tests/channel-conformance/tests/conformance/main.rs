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
use marketplace_sim::amazon::AmazonShop;
use marketplace_sim::ebay::{self, EbayShop};
use marketplace_sim::etsy::EtsyShop;
use marketplace_sim::shopify::{Access, ShopifyShop};
use marketplace_sim::woocommerce::{Options, TrackingExtension, WoocommerceShop};

mod access;
mod failures;
mod listings;
mod orders;
mod shipments;
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

fn woocommerce(setting: Setting, tracking: TrackingExtension) -> Arc<dyn SimulatedShop> {
    let options = Options {
        currency: setting.currency.to_owned(),
        decimals: setting.decimals,
        tracking,
        ..Options::new(setting.clock)
    };
    Arc::new(WoocommerceShop::new(options))
}

/// On the Plus plan: laws that count calls do not wait for a small bucket.
fn shopify(setting: Setting, access: Access) -> Arc<dyn SimulatedShop> {
    Arc::new(ShopifyShop::with(setting.clock, access, 20_000, 1_000).in_currency(setting.currency))
}

/// Of an application with raised limits, for the same reason. Its endpoint is registered, as merchants do by hand.
fn etsy(setting: Setting) -> Arc<dyn SimulatedShop> {
    let shop = EtsyShop::new(setting.clock).with_limits(150, 100_000);
    let shop = shop.in_currency(setting.currency, setting.decimals);
    shop.register_endpoint("https://sync.example/hooks/1");
    Arc::new(shop)
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

/// With tokens that outlive every law but those of access.
fn amazon(setting: Setting) -> Arc<dyn SimulatedShop> {
    let shop = AmazonShop::new(setting.clock, setting.currency);
    Arc::new(shop.with_tokens_of(jiff::SignedDuration::from_hours(48)))
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
    let woocommerce_at = |name, endpoint, tracking| Subject {
        name,
        adapter: &channels::woocommerce::Woocommerce,
        endpoint,
        four_attributes: true,
        nature: Nature::default(),
        open: Box::new(move |setting| woocommerce(setting, tracking)),
    };
    let shopify_with = |name, access| Subject {
        name,
        adapter: &channels::shopify::Shopify,
        endpoint: "https://shop.myshopify.com",
        four_attributes: true,
        nature: Nature::default(),
        open: Box::new(move |setting| shopify(setting, access)),
    };
    vec![
        woocommerce_at("woocommerce", "https://shop.example/store", TrackingExtension::None),
        // Over http each request is signed instead.
        woocommerce_at("woocommerce_http", "http://shop.example", TrackingExtension::AnyCarrier),
        shopify_with("shopify", Access::Lasting),
        shopify_with("shopify_expiring", Access::Expiring),
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
                refunds_in_orders: true,
                signed_notifications: true,
                tells_new_listings: false,
                tells_of_orders: &["placed", "paid"],
                ..Nature::default()
            },
            open: Box::new(ebay),
        },
        Subject {
            name: "amazon",
            adapter: &channels::amazon::Amazon,
            endpoint: "https://sellingpartnerapi-na.amazon.com",
            four_attributes: true,
            nature: Nature {
                sku_is_the_key: true,
                orders_can_be_edited: false,
                refunds_in_orders: false,
                signed_notifications: false,
                tells_new_listings: false,
                ..Nature::default()
            },
            open: Box::new(amazon),
        },
        Subject {
            name: "etsy",
            adapter: &channels::etsy::Etsy,
            endpoint: "https://api.etsy.com",
            four_attributes: false,
            nature: Nature {
                orders_can_be_edited: false,
                refunds_name_units: false,
                tells_new_listings: false,
                tells_of_orders: &["paid", "cancelled"],
                subscribes: false,
                // The whole inventory is read, written, and the state set where the listing comes to none or from there.
                stock_calls_max: 3,
                ..Nature::default()
            },
            open: Box::new(etsy),
        },
    ]
}

fn main() {
    let arguments = Arguments::from_args();
    let laws = [
        listings::LAWS,
        orders::LAWS,
        stock::LAWS,
        shipments::LAWS,
        access::LAWS,
        failures::LAWS,
        webhooks::LAWS,
    ]
    .concat();
    let mut trials = Vec::new();
    for subject in subjects().into_iter().map(Arc::new) {
        for (name, law) in &laws {
            let (subject, law) = (subject.clone(), *law);
            trials.push(Trial::test(format!("{name}::{}", subject.name), move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build()?;
                channel_conformance::take_throttled();
                runtime.block_on(law(&subject))?;
                // In every law: no call is refused as one too many that pacing could have put off.
                match channel_conformance::take_throttled() {
                    0 => Ok(()),
                    times => Err(format!("{times} calls drew a refusal that pacing avoids").into()),
                }
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}
