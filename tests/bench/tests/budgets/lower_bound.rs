//! Pushing 10,000 SKUs: calls, and the time that keeping within the channel's limits adds, each beside the least that the
//! published limits allow. Time is the bench's own: calls take none, so that what is left is waiting.
//!
//! The bounds are the channels' published numbers: `shared/channels/src/*/README.md`.

use std::sync::Arc;
use std::time::Duration;

use bench::{Budget, Section, goods};
use channel_conformance::{Nature, Setting, Stage, Subject};
use channels::StockTarget;
use marketplace_sim::amazon::AmazonShop;
use marketplace_sim::ebay::{self, EbayShop};
use marketplace_sim::etsy::EtsyShop;
use marketplace_sim::shopify::{Access, ShopifyShop};
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{SimulatedShop, Sold};

const SKUS: usize = 10_000;

/// A way to push, and the least that the channel's limits allow.
struct Bound {
    name: &'static str,
    subject: Subject,
    /// Told together at most; the adapter makes its batches of them.
    at_once: usize,
    calls: u64,
    /// Without the calls' own time.
    wait: Duration,
}

fn subject(
    name: &'static str,
    adapter: &'static dyn channels::Channel,
    endpoint: &'static str,
    open: impl Fn(Setting) -> Arc<dyn SimulatedShop> + Send + Sync + 'static,
) -> Subject {
    Subject {
        name,
        adapter,
        endpoint,
        four_attributes: false,
        nature: Nature::default(),
        open: Box::new(open),
    }
}

fn amazon() -> Subject {
    subject("amazon", &channels::amazon::Amazon, "https://sellingpartnerapi-na.amazon.com", |setting| {
        let shop = AmazonShop::new(setting.clock, setting.currency);
        Arc::new(shop.with_tokens_of(jiff::SignedDuration::from_hours(48)))
    })
}

fn ebay() -> Subject {
    let ebay = subject("ebay", &channels::ebay::Ebay, "https://api.ebay.com", |setting| {
        let options = ebay::Options {
            marketplace: "EBAY_DE".to_owned(),
            currency: setting.currency.to_owned(),
            ..ebay::Options::new(setting.clock)
        };
        Arc::new(EbayShop::new(options))
    });
    let nature = Nature { marketplaces: |_| vec!["EBAY_DE".to_owned()], ..Nature::default() };
    Subject { nature, ..ebay }
}

fn bounds() -> Vec<Bound> {
    let none = Duration::ZERO;
    vec![
        // createFeedDocument, the upload, createFeed: bursts of each hold it.
        Bound { name: "Amazon, one feed", subject: amazon(), at_once: SKUS, calls: 3, wait: none },
        // patchListingsItem: 5 at once, 5 a second.
        Bound {
            name: "Amazon, call by call",
            subject: amazon(),
            at_once: 1,
            calls: 10_000,
            wait: Duration::from_secs(1_999),
        },
        // 25 a call; 2,000,000 calls a day, kept as 23.1 a second since the whole application shares them.
        Bound { name: "eBay", subject: ebay(), at_once: SKUS, calls: 400, wait: Duration::from_secs(17) },
        // A listing's inventory is read and written whole; 150 calls a second of a raised application.
        Bound {
            name: "Etsy, raised limits",
            subject: subject("etsy", &channels::etsy::Etsy, "https://api.etsy.com", |setting| {
                let shop = EtsyShop::new(setting.clock).with_limits(150, 100_000);
                Arc::new(shop.in_currency(setting.currency, setting.decimals))
            }),
            at_once: SKUS,
            calls: 20_000,
            wait: Duration::from_secs(133),
        },
        // 250 a call at 10 points; the bucket of 2,000 holds it.
        Bound {
            name: "Shopify, Standard",
            subject: subject(
                "shopify",
                &channels::shopify::Shopify,
                "https://shop.myshopify.com",
                |setting| {
                    Arc::new(
                        ShopifyShop::with(setting.clock, Access::Lasting, 2_000, 100)
                            .in_currency(setting.currency),
                    )
                },
            ),
            at_once: SKUS,
            calls: 40,
            wait: none,
        },
        Bound {
            name: "WooCommerce",
            subject: subject(
                "woocommerce",
                &channels::woocommerce::Woocommerce,
                "https://shop.example",
                |setting| {
                    let options =
                        Options { currency: setting.currency.to_owned(), ..Options::new(setting.clock) };
                    Arc::new(WoocommerceShop::new(options))
                },
            ),
            at_once: SKUS,
            calls: 100,
            wait: none,
        },
    ]
}

pub async fn measure() -> anyhow::Result<Section> {
    let mut section = Section::new("Pushing 10,000 SKUs");
    for bound in bounds() {
        let mut stage = bound.subject.stage().await?;
        let on_sale: Vec<Sold> = (0..SKUS).flat_map(|n| stage.shop.add(goods::simple(n, 50))).collect();
        let targets = targets(&stage, &on_sale).await?;
        // Whatever the walk through the listings has drawn on is full again.
        stage.pass(Duration::from_secs(24 * 60 * 60));
        stage.renew_if_stale().await?;
        stage.shop.take_calls();
        let begun = stage.now();
        let mut targets = targets.into_iter();
        loop {
            let some: Vec<StockTarget> = targets.by_ref().take(bound.at_once).collect();
            if some.is_empty() {
                break;
            }
            stage.push(some).await?;
        }
        let waited = Duration::try_from(stage.now().duration_since(begun))?;
        let calls = stage.shop.take_calls();
        anyhow::ensure!(calls.iter().all(|call| call.status < 400), "{}: a call was refused", bound.name);
        let calls = u64::try_from(calls.len())?;
        section.count("calls", bound.name, calls, Budget::exactly(bound.calls));
        anyhow::ensure!(waited >= bound.wait * 95 / 100, "{}: {waited:?} keep no limit", bound.name);
        let (waited, least) = (waited.as_millis().div_ceil(1_000).try_into()?, bound.wait.as_secs());
        section.count("seconds of waiting", bound.name, waited, Budget::at_most(least + least / 20));
    }
    Ok(section)
}

/// As a fetch leaves them: the channel's own names of each, and the number it showed. One listing fewer of each.
async fn targets(stage: &Stage, on_sale: &[Sold]) -> anyhow::Result<Vec<StockTarget>> {
    let wanted: Vec<(Sold, i64)> = on_sale.iter().map(|sold| (sold.clone(), 49)).collect();
    stage.targets(&wanted).await
}
