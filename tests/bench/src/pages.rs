//! What the console's pages cost with a large catalogue: so many listings, nine in ten linked, ten to an item, laid into a table,
//! and each heavy page asked for as a browser does.
//!
//! Requests and read units are counted, the same on every machine. The CPU is that of the page's own work, on the one thread
//! that does it: the routing, the session, the use cases, what the SDK writes and reads, the page's text and its packing.
//! What the embedded table takes is told apart: on AWS another machine does that.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use app::connection_settings::SettingsPatch;
use app::manual_order::{NewOrder, NewOrderLine};
use app::organization::{NewApiKey, SCOPES};
use aws_smithy_runtime_api::client::http::{
    HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
    http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use axum::Router;
use axum::body::{Body, to_bytes};
use console::ConsoleSettings;
use domain::availability::RuleSetting;
use domain::channel::Fulfilment;
use domain::channel_location::Shares;
use domain::listing::{ChannelStatus, ListingRef, ListingStatus, Match};
use domain::order::PaymentStatus;
use domain::push::Acknowledged;
use domain::stock::Actor;
use domain::sync::SyncKind;
use domain::{ChannelKind, ConnectionId, ItemId, ListingId, Name, OrderId, Quantity, Sku, Timestamp};
use engine::{Engine, EngineFaults, Meter, Units};
use http::Request;
use secrecy::ExposeSecret;
use store::link::{Link, LinkedBy};
use store::listing::Listing;
use store::{Sealer, Store, Tables};
use tower::ServiceExt as _;

use crate::catalogue::Catalogue;
use crate::world::{MAIN, PERSONAL};
use crate::{BenchClock, Wire, World, goods};

/// Listings of one item.
const LISTINGS_OF_AN_ITEM: usize = 10;
/// Of the first listing: beyond those of the shop's own catalogue.
const FIRST_EXTERNAL_ID: usize = 1_000_000;
/// Orders, whatever the catalogue.
const ORDERS: usize = 40;

/// A page, as it was asked for.
#[derive(Debug, Clone)]
pub struct Cost {
    pub page: &'static str,
    pub requests: u64,
    pub reads: Units,
    /// Of the page's own work, as the mean of all times: where the kernel counts in ticks, one time alone says little.
    pub own: Duration,
    /// Of the embedded table, beside it; the mean too.
    pub beside: Duration,
    /// Packed.
    pub sent_bytes: usize,
}

/// CPU of this thread so far, by the kernel's count.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells a thread's time");
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// The table's own share of the thread.
#[derive(Debug)]
struct Timed {
    table: SharedHttpConnector,
    spent_ns: Arc<AtomicU64>,
}

impl HttpConnector for Timed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let begin = cpu();
        // The embedded table answers before it returns.
        let answer = self.table.call(request);
        let spent = u64::try_from((cpu() - begin).as_nanos()).unwrap();
        self.spent_ns.fetch_add(spent, Ordering::Relaxed);
        answer
    }
}

/// Everything through `table` is timed.
fn timed(table: SharedHttpClient, spent_ns: Arc<AtomicU64>) -> SharedHttpClient {
    http_client_fn(move |settings, components| {
        let table = table.http_connector(settings, components);
        SharedHttpConnector::new(Timed { table, spent_ns: Arc::clone(&spent_ns) })
    })
}

fn listing(connection: &ConnectionId, n: usize, item: Option<&ItemId>, now: Timestamp) -> Listing {
    let external = (FIRST_EXTERNAL_ID + n).to_string();
    Listing {
        id: ListingId::of(connection, &external, None).unwrap(),
        connection_id: connection.clone(),
        reference: ListingRef { external_id: external, variation_id: None },
        sku: Some(Sku::parse(&goods::sku(n)).unwrap()),
        title: Name::parse(&goods::title(n)).unwrap(),
        price: None,
        channel_quantity: Some(Quantity::clamped(7)),
        channel_status: ChannelStatus::Active,
        attributes: Vec::new(),
        barcode: None,
        fulfilment: Fulfilment::Mfn,
        stock_ref: None,
        status: if item.is_some() { ListingStatus::Linked } else { ListingStatus::Unconfirmed },
        found: if item.is_some() { Match::SkuMatched } else { Match::Unmatched },
        candidate_item_ids: Vec::new(),
        item_id: item.cloned(),
        rejected_item_ids: BTreeSet::new(),
        marked: None,
        counted_at: None,
        dismissed_reason: None,
        stock_rule: RuleSetting::default(),
        first_seen_at: now,
        observed_at: now,
        version: 1,
    }
}

fn link(listing: &Listing, item: &ItemId, now: Timestamp) -> Link {
    Link {
        listing_id: listing.id.clone(),
        item_id: item.clone(),
        connection_id: listing.connection_id.clone(),
        channel: ChannelKind::Woocommerce,
        listing: listing.reference.clone(),
        stock_ref: None,
        fulfilment: Fulfilment::Mfn,
        observed: Some(7),
        observed_at: None,
        linked_by: LinkedBy::Sku,
        linked_at: now,
        acknowledged: Some(Acknowledged { quantity: Quantity::clamped(50), version: 1, at: now }),
        previous: None,
        shares: Shares::default(),
        previous_shares: Shares::default(),
        submitted: None,
        failure: None,
        rule: RuleSetting::default(),
        held_since: None,
    }
}

/// So many listings, nine in ten of them linked; the first item.
async fn fill(world: &World, connection: &ConnectionId, listings: usize) -> anyhow::Result<ItemId> {
    let (store, organization) = (&world.app.store, &world.organization.id);
    let now = world.app.clock.now();
    let mut first = None;
    for n in 0..listings.div_ceil(LISTINGS_OF_AN_ITEM) {
        let item = world.item(n, 50).await?;
        for n in n * LISTINGS_OF_AN_ITEM..listings.min((n + 1) * LISTINGS_OF_AN_ITEM) {
            if n % LISTINGS_OF_AN_ITEM == 0 {
                store.save_listing(organization, None, &listing(connection, n, None, now), None).await?;
                continue;
            }
            let listing = listing(connection, n, Some(&item), now);
            store.link_listing(organization, None, &listing, &link(&listing, &item, now)).await?;
        }
        first.get_or_insert(item);
    }
    first.ok_or_else(|| anyhow::anyhow!("no listing, no item"))
}

/// Orders of the item; the last of them.
async fn sell(world: &World, item: &ItemId) -> anyhow::Result<OrderId> {
    let actor = Actor::ApiKey("key_bench".to_owned());
    let mut last = None;
    for n in 0..ORDERS {
        let line = NewOrderLine {
            id: None,
            item_id: item.clone(),
            quantity: Quantity::clamped(1),
            unit_price: None,
            tax: None,
            title: None,
        };
        let new = NewOrder {
            number: Some(format!("B-{n}")),
            lines: vec![line],
            location_id: None,
            contact: None,
            payment: PaymentStatus::Paid,
            placed_at: None,
            comments: Vec::new(),
            id: None,
        };
        last = Some(world.app.create_order(&world.organization.id, &actor, &new).await?.id);
    }
    last.ok_or_else(|| anyhow::anyhow!("no order"))
}

/// Each page asked for so many `times` over a catalogue of so many listings.
pub async fn measure(listings: usize, times: u32) -> anyhow::Result<Vec<Cost>> {
    let shop = Arc::new(Catalogue::new(1, 7));
    let wire = Wire::new(move |request| shop.answer(&request));
    let engine = Engine::memory()?;
    let mut world = World::on(engine.clone(), BenchClock::default(), wire).await?;
    let spent_ns = Arc::new(AtomicU64::new(0));
    let faults = EngineFaults::default();
    let table = timed(engine.http_client(&faults), Arc::clone(&spent_ns));
    let client = aws_sdk_dynamodb::Client::from_conf(engine.config(&faults).http_client(table).build());
    let tables = Tables { main: MAIN.to_owned(), personal: PERSONAL.to_owned() };
    world.app.store = Store::new(client, tables, Sealer::local([7; 32]));

    let credentials = [("consumer_key", "ck_test"), ("consumer_secret", "cs_test")];
    let credentials = credentials.map(|(field, value)| (field.to_owned(), value.to_owned()));
    let connection = world.connect(ChannelKind::Woocommerce, credentials, SettingsPatch::default()).await?;
    let sync = world.sync(&connection, SyncKind::Items).await?;
    let item = fill(&world, &connection.id, listings).await?;
    let order = sell(&world, &item).await?;
    let browser = Browser::signed_in(&world).await?;
    let (shop, meter) = (format!("/connections/{}", connection.id), engine.meter());
    let pages = [
        ("dashboard", "/".to_owned()),
        ("pending actions", "/listings".to_owned()),
        ("listings, linked", "/listings?status=linked".to_owned()),
        ("items", "/items".to_owned()),
        ("items, found by name", "/items?q=mug".to_owned()),
        ("an item with nine listings", format!("/items/{item}")),
        (
            "a listing",
            format!(
                "/listings/{}",
                ListingId::of(&connection.id, &(FIRST_EXTERNAL_ID + 1).to_string(), None)?
            ),
        ),
        ("orders", "/orders".to_owned()),
        ("an order", format!("/orders/{order}")),
        ("stock", "/stock".to_owned()),
        ("shops", "/connections".to_owned()),
        ("a shop", shop.clone()),
        ("its history", format!("{shop}/history")),
        ("a sync of it", format!("{shop}/history/{}", sync.id)),
    ];
    let mut costs = Vec::new();
    for (page, path) in pages {
        costs.push(ask(&browser, &meter, &spent_ns, page, &path, times).await?);
    }
    Ok(costs)
}

async fn ask(
    browser: &Browser,
    meter: &Meter,
    spent_ns: &AtomicU64,
    page: &'static str,
    path: &str,
    times: u32,
) -> anyhow::Result<Cost> {
    // What is made once in a process is made.
    let sent_bytes = browser.get(path).await?;
    meter.take();
    spent_ns.store(0, Ordering::Relaxed);
    let begin = cpu();
    for _ in 0..times {
        browser.get(path).await?;
    }
    let (all, table) = (cpu() - begin, Duration::from_nanos(spent_ns.load(Ordering::Relaxed)));
    let (own, beside) = (all.saturating_sub(table) / times, table / times);
    let usage = meter.take();
    let requests: u64 = usage.calls.values().map(|calls| calls.done + calls.refused).sum();
    let reads = Units::from_milli(usage.reads().milli() / u64::from(times));
    Ok(Cost { page, requests: requests / u64::from(times), reads, own, beside, sent_bytes })
}

struct Browser {
    router: Router,
    cookie: String,
}

impl Browser {
    async fn signed_in(world: &World) -> anyhow::Result<Self> {
        let router = console::router(world.app.clone(), ConsoleSettings::default());
        let all: BTreeSet<_> = SCOPES.into();
        let new = NewApiKey { name: "Bench".to_owned(), scopes: all.clone(), id: None };
        let issued = world.app.create_api_key(&world.organization.id, &all, new).await?;
        let form = format!("key={}", issued.secret.expose_secret());
        let request = Request::post("/sign-in")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form))?;
        let answer = router.clone().oneshot(request).await?;
        let cookie = answer.headers()["set-cookie"].to_str()?.split(';').next().unwrap().to_owned();
        Ok(Self { router, cookie })
    }

    /// The page as it is sent, packed.
    async fn get(&self, path: &str) -> anyhow::Result<usize> {
        let request = Request::get(path)
            .header("cookie", &self.cookie)
            .header("accept-encoding", "gzip")
            .body(Body::empty())?;
        let answer = self.router.clone().oneshot(request).await?;
        anyhow::ensure!(answer.status() == 200, "{path}: {}", answer.status());
        Ok(to_bytes(answer.into_body(), usize::MAX).await?.len())
    }
}
