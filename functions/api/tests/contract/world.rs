//! A machine in memory: tables, queues, a clock that stands, shops without a socket.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::ApiSettings;
use app::{App, Clock, Ids, Settings, secret};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use channels::transport::TransportError;
use channels::{Credentials, Transport};
use domain::channel::Fulfilment;
use domain::listing::{ChannelStatus, ListingRef, ListingStatus, Match};
use domain::{
    ChannelKind, ConnectionId, Currency, ListingId, Money, Name, OrganizationId, Quantity, Sku, Timestamp,
};
use engine::{Engine, EngineFaults};
use http::{HeaderMap, Request, Response};
use marketplace_sim::shopify::{Access, ShopifyShop};
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{Fault, SimClock, SimulatedShop};
use queue::Queue as _;
use queue::local::LocalQueue;
use serde_json::{Value, json};
use store::listing::Listing;
use store::{Sealer, Store, Tables};
use tower::ServiceExt as _;

pub const OPERATOR_KEY: &str = "op_test";
pub const SHOP: &str = "https://shop.example";

/// Stands until it is moved; waiting moves it.
pub struct StandingClock(Mutex<Timestamp>);

impl StandingClock {
    pub fn advance_minutes(&self, minutes: i64) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(jiff::SignedDuration::from_mins(minutes)).unwrap();
    }

    pub fn advance_hours(&self, hours: i64) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(jiff::SignedDuration::from_hours(hours)).unwrap();
    }
}

#[async_trait]
impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, length: Duration) {
        // Whoever sleeps lets the others go on.
        tokio::task::yield_now().await;
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(length).unwrap();
    }
}

type Event = Box<dyn FnOnce() + Send>;

/// Shops by host.
#[derive(Default)]
pub struct Shops {
    by_host: Mutex<HashMap<String, Arc<dyn SimulatedShop>>>,
    /// By which clock answers are dated, where there is one.
    pub dated: Mutex<Option<SimClock>>,
    after: Mutex<Option<(usize, Event)>>,
}

impl Shops {
    /// What happens right after this many more answers.
    #[allow(dead_code, reason = "the console's tests share this world")]
    pub fn after_answers(&self, answers: usize, happens: impl FnOnce() + Send + 'static) {
        *self.after.lock().unwrap() = Some((answers, Box::new(happens)));
    }

    fn handle(&self, shop: &dyn SimulatedShop, request: Request<Bytes>) -> Response<Bytes> {
        let answer = self.dated(shop.handle(request));
        let mut after = self.after.lock().unwrap();
        match after.take() {
            Some((1, happens)) => happens(),
            waits => *after = waits.map(|(answers, happens)| (answers - 1, happens)),
        }
        answer
    }

    fn dated(&self, mut answer: Response<Bytes>) -> Response<Bytes> {
        if let Some(now) = self.dated.lock().unwrap().as_ref() {
            let date =
                jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now()).unwrap();
            answer.headers_mut().insert("date", date.try_into().unwrap());
        }
        answer
    }
}

#[async_trait]
impl Transport for Shops {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let shop =
            self.by_host.lock().unwrap().get(&host).cloned().ok_or(TransportError::Connection(None))?;
        let html = || Response::new(Bytes::from_static(b"<html>Welcome</html>"));
        // Others go on while the answer is under way.
        tokio::task::yield_now().await;
        match shop.faults().take() {
            Fault::Pass => Ok(self.handle(shop.as_ref(), request)),
            Fault::DropAnswer => {
                drop(shop.handle(request));
                Err(TransportError::Timeout(None))
            }
            Fault::Status(status) => Ok(Response::builder().status(status).body(Bytes::new()).unwrap()),
            Fault::Html => Ok(html()),
            _ => Err(TransportError::Timeout(None)),
        }
    }
}

pub struct World {
    pub app: App,
    pub faults: EngineFaults,
    /// What is asked of the tables, counted.
    #[allow(dead_code, reason = "the console's tests count")]
    pub meter: engine::Meter,
    /// The tables, past the store.
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub clock: Arc<StandingClock>,
    pub queue: Arc<LocalQueue>,
    pub shops: Arc<Shops>,
    pub organization: OrganizationId,
    pub key: String,
    router: Router,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    /// As it came.
    pub raw: Bytes,
}

/// A shop with goods.
pub struct Selling {
    pub shop: Arc<WoocommerceShop>,
    pub sold: HashMap<String, marketplace_sim::Sold>,
    pub connection: ConnectionId,
}

impl Selling {
    /// What buyers see.
    pub fn shows(&self, sku: &str) -> i64 {
        self.shop.quantity(&self.sold[sku]).unwrap()
    }

    pub fn edit(&self, sku: &str, quantity: i64) {
        self.shop.set_quantity(&self.sold[sku], quantity);
    }

    pub fn sell(&self, sku: &str, quantity: u32) -> String {
        self.shop.sell(&[(self.sold[sku].clone(), quantity)])
    }

    pub fn listing(&self, sku: &str) -> ListingId {
        let sold = &self.sold[sku];
        ListingId::of(&self.connection, &sold.external_id, sold.variation_id.as_deref()).unwrap()
    }

    /// Calls that set stock, since the last time asked.
    pub fn pushes(&self) -> usize {
        let calls = self.shop.take_calls();
        calls.iter().filter(|call| call.method != "GET" && call.path.contains("products")).count()
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        self.body
    }

    /// A problem of this status and code; its first pointer where one is expected.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str, pointer: Option<&str>) {
        let place = self.body["errors"][0]["pointer"].as_str();
        let code_found = self.body["code"].as_str().unwrap_or_default();
        assert_eq!((self.status, code_found), (status, code), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status);
        if pointer.is_some() {
            assert_eq!(place, pointer, "{}", self.body);
        }
    }
}

/// Of the simulated Shopify.
fn application() -> BTreeMap<ChannelKind, Credentials> {
    let mut keys = ShopifyShop::new(Arc::new(|| Timestamp::UNIX_EPOCH)).credentials();
    keys.retain(|name, _| name.starts_with("client_"));
    BTreeMap::from([(ChannelKind::Shopify, Credentials::from_exposed(keys))])
}

impl World {
    pub async fn new() -> Self {
        let engine = Engine::memory().unwrap();
        let faults = EngineFaults::default();
        let tables = Tables { main: "main".to_owned(), personal: "personal".to_owned() };
        let store = Store::new(engine.client_with(&faults), tables, Sealer::local([7; 32]));
        store.create_tables().await.unwrap();
        let now: Timestamp = "2026-02-01T10:00:00Z".parse().unwrap();
        let clock = Arc::new(StandingClock(Mutex::new(now)));
        let queue_clock = Arc::clone(&clock);
        let queue = LocalQueue::in_memory(Arc::new(move || queue_clock.now()), NonZeroU32::new(5).unwrap());
        let queue = Arc::new(queue.unwrap());
        let shops = Arc::new(Shops::default());
        let settings = Settings {
            public_url: Some("https://stock.example/".parse().unwrap()),
            custom_endpoints: false,
            applications: application(),
            editions: Default::default(),
        };
        let queue_of_app: Arc<dyn queue::Queue> = queue.clone();
        let app = App::new(store, queue_of_app, shops.clone(), clock.clone(), counted_ids(), settings);
        let settings =
            ApiSettings { operator_key_digest: Some(secret::digest(OPERATOR_KEY)), ..Default::default() };
        let router = api::router(app.clone(), settings);
        let organization = OrganizationId::from_body("none").unwrap();
        let (dynamodb, meter) = (engine.client(), engine.meter());
        let mut world = Self {
            app,
            faults,
            dynamodb,
            meter,
            clock,
            queue,
            shops,
            organization,
            key: String::new(),
            router,
        };
        let (organization, key) = world.new_organization("EUR").await;
        world.organization = organization;
        world.key = key;
        world
    }

    pub async fn new_organization(&self, currency: &str) -> (OrganizationId, String) {
        let body = json!({"name": "Outfitters", "base_currency": currency, "country": "DE",
            "time_zone": "Europe/Berlin"});
        let made = self.request(Some(OPERATOR_KEY), "POST", "/v1/organizations", Some(body), &[]).await.ok();
        let id = made["organization_id"].as_str().unwrap().parse().unwrap();
        (id, made["api_key"].as_str().unwrap().to_owned())
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request(Some(&self.key), "GET", path, None, &[]).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.request(Some(&self.key), "POST", path, Some(body), &[]).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.request(Some(&self.key), "PATCH", path, Some(body), &[]).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Some(&self.key), "DELETE", path, None, &[]).await
    }

    pub async fn request(
        &self,
        key: Option<&str>,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| match body {
            Value::String(raw) => Body::from(raw),
            body => Body::from(body.to_string()),
        });
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, body, raw: bytes }
    }

    pub fn add_shop(&self, host: &str, shop: Arc<dyn SimulatedShop>) {
        self.shops.by_host.lock().unwrap().insert(host.to_owned(), shop);
    }

    /// A shop at `https://<host>`.
    pub fn open_shop(&self, host: &str, currency: &str) -> Arc<WoocommerceShop> {
        let clock = Arc::clone(&self.clock);
        let options =
            Options { currency: currency.to_owned(), ..Options::new(Arc::new(move || clock.now())) };
        let shop = Arc::new(WoocommerceShop::new(options));
        self.shops.by_host.lock().unwrap().insert(host.to_owned(), shop.clone());
        shop
    }

    /// A Shopify shop at `https://<host>`, of the application whose keys the deployment has.
    pub fn open_shopify(&self, host: &str, currency: &str) -> Arc<ShopifyShop> {
        let clock = Arc::clone(&self.clock);
        let clock = Arc::new(move || clock.now());
        let shop = Arc::new(ShopifyShop::with(clock, Access::Lasting, 2_000, 100).in_currency(currency));
        self.shops.by_host.lock().unwrap().insert(host.to_owned(), shop.clone());
        shop
    }

    /// Connected to a shop that is opened for it.
    pub async fn connect(&self) -> ConnectionId {
        self.connect_to("shop.example").await
    }

    pub async fn connect_to(&self, host: &str) -> ConnectionId {
        self.open_shop(host, "EUR");
        let mut input = connection_input();
        input["endpoint"] = json!(format!("https://{host}"));
        let made = self.post("/v1/connections", input).await.ok();
        made["id"].as_str().unwrap().parse().unwrap()
    }

    pub async fn item(&self, sku: &str) -> String {
        let made = self.post("/v1/items", json!({"sku": sku, "name": format!("Item {sku}")})).await.ok();
        made["id"].as_str().unwrap().to_owned()
    }

    pub async fn warehouse(&self, name: &str) -> String {
        let made = self.post("/v1/locations", json!({"name": name, "kind": "warehouse"})).await.ok();
        made["id"].as_str().unwrap().to_owned()
    }

    /// On hand, committed, available.
    pub async fn levels(&self, item: &str) -> (i64, i64, i64) {
        let stock = self.get(&format!("/v1/items/{item}/stock")).await.ok();
        let of = |name: &str| stock[name].as_i64().unwrap();
        (of("on_hand"), of("committed"), of("available"))
    }

    /// On hand at one location.
    pub async fn on_hand_at(&self, item: &str, location: &str) -> i64 {
        let stock = self.get(&format!("/v1/items/{item}/stock")).await.ok();
        let levels = stock["levels"].as_array().unwrap();
        let level = levels.iter().find(|level| level["location_id"] == location);
        level.map_or(0, |level| level["on_hand"].as_i64().unwrap())
    }

    /// What the table's stream starts after stock of these items moved.
    pub async fn moved(&self, items: &[&str]) {
        let changed = |item: &&str| app::fan_out::ChangedItem {
            organization_id: self.organization.clone(),
            item_id: item.parse().unwrap(),
        };
        self.app.fan_out(&items.iter().map(changed).collect()).await.unwrap();
    }

    /// All that waits in WooCommerce's queues is done, what it queues itself too.
    pub async fn work(&self) {
        self.work_of(ChannelKind::Woocommerce).await;
    }

    /// The same of another channel; of Amazon, also what is shipped.
    pub async fn work_of(&self, channel: ChannelKind) {
        let mut works = vec![queue::Work::ItemSync, queue::Work::OrderImport, queue::Work::StockPush];
        if channel == ChannelKind::Amazon {
            works.push(queue::Work::ShipmentPush);
        }
        loop {
            let mut idle = true;
            for work in works.iter().copied() {
                let name = queue::QueueName { work, channel };
                for message in self.queue.receive(name, 10, Duration::from_secs(600)).await.unwrap() {
                    idle = false;
                    self.perform(&queue::Message::decode(&message.body).unwrap()).await;
                    self.queue.delete(name, vec![message.receipt]).await.unwrap();
                }
            }
            if idle {
                return;
            }
        }
    }

    async fn perform(&self, message: &queue::Message) {
        use queue::message::Task;
        let attempt = app::work::Attempt { deadline: Timestamp::MAX, receive_count: 1 };
        let (organization, connection) = (&message.organization_id, &message.connection_id);
        let done = match &message.task {
            Task::SyncItems { sync_id } => self.app.run_item_sync(organization, sync_id, &attempt).await,
            Task::SyncOrders { sync_id } => self.app.run_order_sync(organization, sync_id, &attempt).await,
            Task::SweepStock { sync_id } => self.app.run_stock_sync(organization, sync_id, &attempt).await,
            Task::Reconcile { sync_id } => self.app.run_reconcile(organization, sync_id, &attempt).await,
            Task::PushListings { targets, force } => {
                let targets = targets.clone();
                self.app.push_listings(organization, connection, targets, *force, &attempt).await.map(drop)
            }
            Task::PushShipments => return,
            Task::SyncOutbounds => self.app.sync_outbounds(organization, connection, &attempt).await,
            Task::SettleSubmission { .. } => unreachable!("the shop answers at once"),
            Task::FetchOrders { external_ids, trigger } => {
                self.app.fetch_named_orders(organization, connection, external_ids, *trigger).await
            }
        };
        done.unwrap();
    }

    /// A shop at `https://<host>` that sells these goods (SKU, units there), connected, its listings linked to items of
    /// their SKUs, and each told its number.
    pub async fn selling(&self, host: &str, goods: &[(&str, i64)]) -> Selling {
        let shop = self.open_shop(host, "EUR");
        let sold = goods.iter().map(|(sku, quantity)| {
            let goods = marketplace_sim::Goods {
                sku: Some((*sku).to_owned()),
                title: format!("{sku} of {host}"),
                price: "9.50".to_owned(),
                quantity: Some(*quantity),
                ..marketplace_sim::Goods::default()
            };
            ((*sku).to_owned(), shop.add(goods).remove(0))
        });
        let sold = sold.collect();
        let mut input = connection_input();
        input["endpoint"] = json!(format!("https://{host}"));
        input["import"] = json!({"out_of_stock": true});
        let made = self.post("/v1/connections", input).await.ok();
        let connection: ConnectionId = made["id"].as_str().unwrap().parse().unwrap();
        self.post(&format!("/v1/connections/{connection}/sync"), json!({"kind": "items"})).await.ok();
        self.work().await;
        Selling { shop, sold, connection }
    }

    /// What the stream starts for every item that is linked, and the pushes.
    pub async fn settle(&self) {
        let items = self.get("/v1/items?limit=200").await.ok();
        let ids: Vec<&str> =
            items["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        self.moved(&ids).await;
        self.work().await;
    }

    pub async fn primary(&self) -> String {
        self.get("/v1/organization").await.ok()["primary_location_id"].as_str().unwrap().to_owned()
    }

    /// As an item sync would have left it.
    pub async fn listing(
        &self,
        connection: &ConnectionId,
        number: u32,
        sku: Option<&str>,
        found: Match,
    ) -> ListingId {
        let reference = ListingRef { external_id: number.to_string(), variation_id: None };
        let id = ListingId::of(connection, &reference.external_id, None).unwrap();
        let now = self.clock.now();
        let listing = Listing {
            id: id.clone(),
            connection_id: connection.clone(),
            reference,
            sku: sku.map(|sku| Sku::parse(sku).unwrap()),
            title: Name::parse(&format!("Listing {number}")).unwrap(),
            price: Some(Money::parse("9.99", eur()).unwrap()),
            channel_quantity: Some(Quantity::new(8).unwrap()),
            channel_status: ChannelStatus::Active,
            attributes: Vec::new(),
            barcode: None,
            fulfilment: Fulfilment::Mfn,
            stock_ref: None,
            status: ListingStatus::Unconfirmed,
            found,
            candidate_item_ids: Vec::new(),
            item_id: None,
            rejected_item_ids: Default::default(),
            marked: None,
            counted_at: None,
            dismissed_reason: None,
            stock_rule: Default::default(),
            first_seen_at: now,
            observed_at: now,
            version: 1,
        };
        self.app.store.save_listing(&self.organization, None, &listing, None).await.unwrap();
        id
    }
}

/// In the order in which they are made, also while the clock stands.
fn counted_ids() -> Ids {
    let count = std::sync::atomic::AtomicU64::new(1);
    Ids::from_fn(move |now| {
        let count = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        uuid::Uuid::from_u64_pair(u64::try_from(now.as_millisecond()).unwrap(), count)
    })
}

pub fn eur() -> Currency {
    "EUR".parse().unwrap()
}

pub fn connection_input() -> Value {
    json!({"channel": "woocommerce", "name": "Web shop", "endpoint": SHOP,
        "credentials": {"consumer_key": "ck_test", "consumer_secret": "cs_test"}})
}

/// Every row of a table, past the store.
pub async fn rows(
    dynamodb: &aws_sdk_dynamodb::Client,
    table: &str,
) -> Vec<HashMap<String, aws_sdk_dynamodb::types::AttributeValue>> {
    let pages = dynamodb.scan().table_name(table).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.unwrap()
}
