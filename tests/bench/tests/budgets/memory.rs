//! Memory of an item sync: it must not grow with the catalogue.
//!
//! Counted is what Rust code holds at a time, beyond what it held before the sync. The shop computes each page when it is
//! asked, so it holds nothing; SQLite keeps the embedded engine's rows in memory of C, which this does not see. What the
//! engine's Rust part keeps, each transaction for ten minutes, is counted against us.
//!
//! Every listing is new. Of 20 one is stored and matched; the others are sold out, which the connection leaves out: they
//! are read, compared and recorded like the rest. To store all would take the embedded engine many minutes. So what is
//! said of 100,000 listings holds for fetching, and of 5,000 for storing and matching.

use app::connection_settings::{ImportPatch, SettingsPatch};
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
/// One listing in so many is stored.
const STORED_EACH: usize = 20;
const MB: usize = 1_000_000;

pub async fn measure() -> anyhow::Result<Section> {
    // The first one fills what is made once for a process.
    peak_bytes(SMALL).await?;
    let small = peak_bytes(SMALL).await?;
    let large = peak_bytes(LARGE).await?;
    let mb = |bytes: usize| Units::from_milli((bytes / (MB / 1_000)) as u64);
    let mut section = Section::new("Memory of an item sync, in MB");
    section.units("1,000 listings, 50 of them stored", "peak", mb(small), Budget::None);
    section.units("100,000 listings, 5,000 of them stored", "peak", mb(large), Budget::None);
    section.units("difference", "peak", mb(large.saturating_sub(small)), Budget::at_most(20));
    Ok(section)
}

/// Of a first sync, in one attempt: every listing is new.
async fn peak_bytes(listings: usize) -> anyhow::Result<usize> {
    let wire = Wire::new(move |request| answer(&request, listings));
    let world = World::new(BenchClock::default(), wire).await?;
    let credentials = [("consumer_key", "ck_test"), ("consumer_secret", "cs_test")];
    let credentials = credentials.map(|(field, value)| (field.to_owned(), value.to_owned()));
    let connection = world.connect(ChannelKind::Woocommerce, credentials, stored_only_in_stock()).await?;
    let organization = &world.organization.id;
    let sync = world.app.start_sync(&connection, SyncKind::Items, Trigger::Manual, None).await?;
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    world.app.run_item_sync(organization, &sync.id, &World::unhurried()).await?;
    let peak = ALLOCATED.peak_usage().saturating_sub(before);
    let done = world.app.sync(organization, &sync.id).await?;
    let stored = listings.div_ceil(STORED_EACH);
    let counted = (done.records.synced, done.records.skipped);
    anyhow::ensure!(counted == (stored as u64, (listings - stored) as u64), "the sync ended as {done:?}");
    Ok(peak)
}

fn stored_only_in_stock() -> SettingsPatch {
    let import = ImportPatch { out_of_stock: Some(false), archived: None };
    SettingsPatch { import, ..SettingsPatch::default() }
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
        "sku": goods::sku(n),
        "price": "19.90",
        "manage_stock": true,
        "stock_quantity": if n.is_multiple_of(STORED_EACH) { 12 } else { 0 },
        "global_unique_id": "",
        "variations": [],
        "date_modified_gmt": "2026-02-27T10:00:00",
    })
}
