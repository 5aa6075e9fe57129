//! Memory of an item sync: it must not grow with the catalogue.
//!
//! Counted is what Rust code holds at a time, beyond what it held before the sync. The shop computes each page when it is
//! asked, so it holds nothing; SQLite keeps the embedded engine's rows in memory of C, which this does not see. What the
//! engine's Rust part keeps is counted against us: it remembers each transaction for ten minutes, and with them grow its
//! memory and its time. So one listing in ten has a SKU, whose row makes its write a transaction.

use bench::{BenchClock, Budget, Section, Wire, World, goods};
use bytes::Bytes;
use domain::ChannelKind;
use domain::sync::{SyncKind, Trigger};
use engine::Units;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::ALLOCATED;

const SMALL: usize = 1_000;
const LARGE: usize = 100_000;
const PAGE: usize = 100;
const SKU_EACH: usize = 10;
const MB: usize = 1_000_000;

pub async fn measure() -> anyhow::Result<Section> {
    // The first one fills what is made once for a process.
    peak_bytes(SMALL).await?;
    let small = peak_bytes(SMALL).await?;
    let large = peak_bytes(LARGE).await?;
    let mb = |bytes: usize| Units::from_milli((bytes / (MB / 1_000)) as u64);
    let mut section = Section::new("Memory of an item sync, MB");
    section.units("peak, 1,000 listings", mb(small), Budget::None);
    section.units("peak, 100,000 listings", mb(large), Budget::None);
    section.units("difference", mb(large.saturating_sub(small)), Budget::at_most(20));
    Ok(section)
}

/// Of a first sync, in one attempt: every listing is new.
async fn peak_bytes(listings: usize) -> anyhow::Result<usize> {
    let wire = Wire::new(move |request| answer(&request, listings));
    let world = World::new(BenchClock::default(), wire).await?;
    let credentials = [("consumer_key", "ck_test"), ("consumer_secret", "cs_test")];
    let credentials = credentials.map(|(field, value)| (field.to_owned(), value.to_owned()));
    let connection = world.connect(ChannelKind::Woocommerce, credentials, false).await?;
    let organization = &world.organization.id;
    let sync = world.app.start_sync(&connection, SyncKind::Items, Trigger::Manual, None).await?;
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    world.app.run_item_sync(organization, &sync.id, &World::unhurried()).await?;
    let peak = ALLOCATED.peak_usage().saturating_sub(before);
    let done = world.app.sync(organization, &sync.id).await?;
    anyhow::ensure!(done.records.synced == listings as u64, "the sync ended as {done:?}");
    Ok(peak)
}

/// A WooCommerce shop as far as a connection and a sync of products ask it.
fn answer(request: &Request<Bytes>, listings: usize) -> Response<Bytes> {
    let path = request.uri().path();
    let json = |body: Value, headers: &[(&str, usize)]| {
        let mut response = Response::builder().header("content-type", "application/json");
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(Bytes::from(body.to_string())).unwrap()
    };
    match path.trim_start_matches("/wp-json/") {
        "" => {
            json(json!({ "name": "Large", "timezone_string": "Europe/Berlin", "namespaces": ["wc/v3"] }), &[])
        }
        "wc/v3/data/currencies/current" => json(json!({ "code": "EUR" }), &[]),
        "wc/v3/products" => {
            let query = request.uri().query().unwrap_or_default();
            let page = query
                .split('&')
                .find_map(|pair| pair.strip_prefix("page="))
                .unwrap()
                .parse::<usize>()
                .unwrap();
            let products = ((page - 1) * PAGE..(page * PAGE).min(listings)).map(product).collect();
            json(
                Value::Array(products),
                &[("x-wp-total", listings), ("x-wp-totalpages", listings.div_ceil(PAGE))],
            )
        }
        _ => Response::builder().status(404).body(Bytes::new()).unwrap(),
    }
}

fn product(n: usize) -> Value {
    json!({
        "id": 10_000 + n,
        "type": "simple",
        "name": goods::title(n),
        "status": "publish",
        "sku": if n.is_multiple_of(SKU_EACH) { goods::sku(n) } else { String::new() },
        "price": "19.90",
        "manage_stock": true,
        "stock_quantity": 1 + n % 40,
        "global_unique_id": "",
        "variations": [],
        "date_modified_gmt": "2026-02-27T10:00:00",
    })
}
