//! The hub: API, functions, queue, stream and schedule, each a step at a time.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::ApiSettings;
use app::{App, Clock as _, Ids, Settings, secret};
use async_trait::async_trait;
use aws::event::{ScheduleEvent, SqsBatchResponse, SqsEvent, SqsRecord, StreamEvent};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use channels::transport::TransportError;
use channels::{Credentials, Editions, Transport};
use domain::ChannelKind;
use engine::{Engine, EngineFaults, Position};
use futures_util::future::join_all;
use http::{HeaderMap, Request, Response};
use jiff::SignedDuration;
use marketplace_sim::shopify::ShopifyShop;
use marketplace_sim::{Delivery, Fault, SimulatedShop};
use queue::local::LocalQueue;
use queue::{Queue, QueueName, Work};
use serde_json::{Value, json};
use store::{Sealer, Store, Tables};
use tower::ServiceExt as _;

use crate::DayClock;
use crate::shop::CURRENCY;

const OPERATOR_KEY: &str = "op_test";
const START: &str = "2026-03-02T09:00:00Z";
const MAIN: &str = "main";
const PERSONAL: &str = "personal";
/// As in `template.yaml`.
const VISIBILITY: Duration = Duration::from_secs(540);
const RECEIVES_MAX: NonZeroU32 = NonZeroU32::new(20).unwrap();
const BATCH: u32 = 10;
/// Rounds of everything after which nothing may be left to do.
const ROUNDS_MAX: usize = 200;

/// Shops by host: the network.
#[derive(Default)]
pub struct Shops {
    open: Mutex<BTreeMap<String, Arc<dyn SimulatedShop>>>,
    /// What becomes of each answer on its way, and what was sent.
    tap: Mutex<Tap>,
}

type Change = Box<dyn Fn(Bytes) -> Bytes + Send>;

#[derive(Default)]
struct Tap {
    change: Option<Change>,
    /// Address and body of each request.
    sent: Vec<String>,
}

impl Shops {
    pub fn add(&self, host: &str, shop: Arc<dyn SimulatedShop>) {
        self.open.lock().unwrap().insert(host.to_owned(), shop);
    }

    /// From now on the bodies of all answers go through this, and what is sent is kept for [`Shops::sent`].
    pub fn tap(&self, change: impl Fn(Bytes) -> Bytes + Send + 'static) {
        self.tap.lock().unwrap().change = Some(Box::new(change));
    }

    /// Address and body of each request since the wire is tapped.
    pub fn sent(&self) -> Vec<String> {
        self.tap.lock().unwrap().sent.clone()
    }

    fn tapped(&self, shop: &dyn SimulatedShop, request: Request<Bytes>) -> Response<Bytes> {
        let mut tap = self.tap.lock().unwrap();
        if tap.change.is_none() {
            return shop.handle(request);
        }
        tap.sent.push(format!("{} {}", request.uri(), String::from_utf8_lossy(request.body())));
        let answer = shop.handle(request);
        match &tap.change {
            Some(change) => answer.map(change),
            None => answer,
        }
    }

    /// What waits to be delivered.
    fn deliveries(&self) -> Vec<Delivery> {
        self.open.lock().unwrap().values().flat_map(|shop| shop.take_deliveries()).collect()
    }
}

#[async_trait]
impl Transport for Shops {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let shop = self.open.lock().unwrap().get(&host).cloned().ok_or(TransportError::Connection(None))?;
        let html = |status: u16| {
            let answer = Response::builder().status(status).header("content-type", "text/html");
            answer.body(Bytes::from_static(b"<html>out of order</html>")).unwrap()
        };
        match shop.faults().take() {
            Fault::Pass => Ok(self.tapped(shop.as_ref(), request)),
            Fault::Status(status) => Ok(html(status)),
            Fault::Html => Ok(html(200)),
            Fault::Throttle { .. } => Ok(html(429)),
            _ => Err(TransportError::Timeout(None)),
        }
    }
}

pub struct Hub {
    pub app: App,
    pub clock: DayClock,
    pub shops: Arc<Shops>,
    pub key: String,
    queue: Arc<LocalQueue>,
    engine: Engine,
    router: Router,
    read_up_to: Mutex<Option<Position>>,
    queued: Mutex<Vec<String>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    /// As it came.
    pub raw: Bytes,
}

impl Answer {
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        self.body
    }

    /// A problem of this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        let found = (self.status, self.body["code"].as_str().unwrap_or_default());
        assert_eq!(found, (status, code), "{}", self.body);
        self.body
    }
}

/// What the deployment brings: the keys of the application of all simulated shops.
fn applications() -> BTreeMap<ChannelKind, Credentials> {
    let now: marketplace_sim::SimClock = Arc::new(|| START.parse().unwrap());
    let mut keys = ShopifyShop::new(now).credentials();
    keys.retain(|name, _| name.starts_with("client_"));
    BTreeMap::from([(ChannelKind::Shopify, Credentials::from_exposed(keys))])
}

impl Hub {
    /// An organization in euro, and no shop yet.
    pub async fn new() -> Self {
        Self::with(&EngineFaults::new(), Editions::default()).await
    }

    /// In a deployment that opens Amazon in these countries.
    pub async fn with_editions(countries: &str) -> Self {
        Self::with(&EngineFaults::new(), countries.parse().expect("countries")).await
    }

    /// The same, on a table that meets these faults.
    pub async fn with_faults(faults: &EngineFaults) -> Self {
        Self::with(faults, Editions::default()).await
    }

    async fn with(faults: &EngineFaults, editions: Editions) -> Self {
        let clock = DayClock::at(START);
        let seconds = clock.clone();
        let engine = Engine::memory_with_clock(move || seconds.now().as_second()).unwrap();
        let tables = Tables { main: MAIN.to_owned(), personal: PERSONAL.to_owned() };
        let store = Store::new(engine.client_with(faults), tables, Sealer::local([7; 32]));
        store.create_tables().await.unwrap();
        let queue = Arc::new(LocalQueue::in_memory(clock.reader(), RECEIVES_MAX).unwrap());
        let shops = Arc::new(Shops::default());
        let settings = Settings {
            public_url: Some("https://stock.example/".parse().unwrap()),
            custom_endpoints: true,
            applications: applications(),
            editions,
        };
        let queue_of_app: Arc<dyn Queue> = queue.clone();
        let app =
            App::new(store, queue_of_app, shops.clone(), Arc::new(clock.clone()), Ids::random(), settings);
        let settings =
            ApiSettings { operator_key_digest: Some(secret::digest(OPERATOR_KEY)), ..Default::default() };
        let router = api::router(app.clone(), settings).merge(webhook_intake::router(app.clone()));
        let (read_up_to, queued) = (Mutex::default(), Mutex::default());
        let key = String::new();
        let mut hub = Self { app, clock, shops, key, queue, engine, router, read_up_to, queued };
        hub.key = hub.new_organization(CURRENCY).await;
        // Where a channel collects taxes itself.
        hub.patch("/v1/organization", json!({"taxes_enabled": true})).await.ok();
        hub
    }

    /// Its key.
    pub async fn new_organization(&self, currency: &str) -> String {
        let body = json!({"name": "Outfitters", "base_currency": currency, "country": "US",
            "time_zone": "America/New_York"});
        let made = self.send(Some(OPERATOR_KEY), "POST", "/v1/organizations", Some(body), &[]).await.ok();
        made["api_key"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Some(&self.key), "GET", path, None, &[]).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Some(&self.key), "POST", path, Some(body), &[]).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Some(&self.key), "PATCH", path, Some(body), &[]).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Some(&self.key), "DELETE", path, None, &[]).await
    }

    pub async fn send(
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
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.answer(request.body(body).unwrap()).await
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, body, raw: bytes }
    }

    /// Every page of a list.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut page = format!("{path}{}limit=200", if path.contains('?') { '&' } else { '?' });
            if let Some(cursor) = &cursor {
                let query = url::form_urlencoded::Serializer::new(String::new());
                page = format!("{page}&{}", { query }.append_pair("cursor", cursor).finish());
            }
            let answer = self.get(&page).await.ok();
            all.extend(answer["data"].as_array().unwrap().iter().cloned());
            match answer["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return all,
            }
        }
    }

    /// One delivery of a shop's notifications.
    pub async fn deliver(&self, delivery: &Delivery) -> u16 {
        let path = delivery.url.find("/v1/").map_or("", |start| &delivery.url[start..]);
        let mut request = Request::builder().method("POST").uri(path);
        for (name, value) in &delivery.headers {
            request = request.header(name, value);
        }
        self.answer(request.body(Body::from(delivery.body.clone())).unwrap()).await.status
    }

    /// Everything that is due now is done: notifications, queues, stream. Nothing of the schedule.
    pub async fn settle(&self) {
        for _ in 0..ROUNDS_MAX {
            if !self.round().await {
                return;
            }
        }
        panic!("the hub does not come to rest");
    }

    /// The same, also of one to a queue of ours, which names no connection. Whether it was taken.
    pub async fn tell(&self, delivery: &Delivery) -> bool {
        if delivery.url.starts_with("arn:") {
            return self.app.take_account_notification(ChannelKind::Amazon, &delivery.body).await.is_ok();
        }
        self.deliver(delivery).await < 300
    }

    async fn take_deliveries(&self) -> bool {
        let mut busy = false;
        for delivery in self.shops.deliveries() {
            busy |= self.tell(&delivery).await;
        }
        busy
    }

    async fn round(&self) -> bool {
        let mut busy = self.take_deliveries().await;
        busy |= self.pump().await;
        for channel in ChannelKind::ALL {
            for work in Work::ALL {
                busy |= self.work(QueueName { work, channel }).await;
            }
        }
        busy
    }

    /// Like [`Hub::settle`], with all queues at work side by side.
    pub async fn rush(&self) {
        for _ in 0..ROUNDS_MAX {
            let mut busy = self.take_deliveries().await;
            busy |= self.pump().await;
            let queues = ChannelKind::ALL
                .into_iter()
                .flat_map(|channel| Work::ALL.into_iter().map(move |work| QueueName { work, channel }));
            let worked = join_all(queues.map(|queue| self.work(queue))).await;
            busy |= worked.contains(&true);
            if !busy {
                return;
            }
        }
        panic!("the hub does not come to rest");
    }

    async fn pump(&self) -> bool {
        let after = *self.read_up_to.lock().unwrap();
        let read = self.engine.stream_records(MAIN, after, usize::MAX).unwrap();
        *self.read_up_to.lock().unwrap() = read.position;
        let event: StreamEvent = serde_json::from_value(read.to_lambda_event()).unwrap();
        let records: Vec<_> = event.records.into_iter().filter(stock_fanout::concerns).collect();
        if records.is_empty() {
            return false;
        }
        let answer = stock_fanout::handle(&self.app, StreamEvent { records }).await;
        assert!(answer.batch_item_failures.is_empty(), "stock-fanout failed");
        true
    }

    async fn work(&self, queue: QueueName) -> bool {
        let received = self.queue.receive(queue, BATCH, VISIBILITY).await.unwrap();
        if received.is_empty() {
            return false;
        }
        self.queued.lock().unwrap().extend(received.iter().map(|message| message.body.clone()));
        let mut receipts: BTreeMap<String, String> =
            received.iter().map(|message| (message.message_id.clone(), message.receipt.clone())).collect();
        let records = received.into_iter().map(|message| SqsRecord::delivered(queue, message)).collect();
        let answer = self.invoke(queue.work, SqsEvent { records }).await;
        for failure in answer.batch_item_failures {
            receipts.remove(&failure.item_identifier);
        }
        self.queue.delete(queue, receipts.into_values().collect()).await.unwrap();
        true
    }

    async fn invoke(&self, work: Work, event: SqsEvent) -> SqsBatchResponse {
        match work {
            Work::ItemSync => item_sync::handle(&self.app, event).await,
            Work::OrderImport => order_import::handle(&self.app, event).await,
            Work::StockPush => stock_push::handle(&self.app, event).await,
            Work::ShipmentPush => shipment_push::handle(&self.app, event).await,
        }
    }

    /// The bodies of all messages that were worked on.
    pub fn queued(&self) -> Vec<String> {
        self.queued.lock().unwrap().clone()
    }

    /// The tables, past the store.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.engine.client()
    }

    /// All that the main table's stream ever told.
    pub fn stream(&self) -> StreamEvent {
        let read = self.engine.stream_records(MAIN, None, usize::MAX).unwrap();
        serde_json::from_value(read.to_lambda_event()).unwrap()
    }

    /// Time passes, minute by minute as the schedule ticks; what has expired is deleted.
    pub async fn pass(&self, time: SignedDuration) {
        let mut left = time;
        while left > SignedDuration::ZERO {
            let step = left.min(SignedDuration::from_mins(1));
            self.clock.advance(step);
            left -= step;
            schedule_dispatch::handle(&self.app, ScheduleEvent { time: self.clock.now() }).await.unwrap();
            self.settle().await;
        }
        self.forget_expired();
    }

    /// Time passes at once, without the schedule: for months.
    pub fn skip(&self, time: SignedDuration) {
        self.clock.advance(time);
        self.forget_expired();
    }

    fn forget_expired(&self) {
        let now = self.clock.now().as_second();
        for table in [MAIN, PERSONAL] {
            self.engine.sweep_expired(table, "expires_at", now).unwrap();
        }
    }

    /// A sync by hand, to its end.
    pub async fn sync(&self, connection: &str, kind: &str) -> Value {
        self.sync_with(connection, json!({"kind": kind})).await
    }

    pub async fn sync_with(&self, connection: &str, body: Value) -> Value {
        let sync = self.post(&format!("/v1/connections/{connection}/sync"), body).await.ok();
        self.settle().await;
        self.get(&format!("/v1/syncs/{}", sync["id"].as_str().unwrap())).await.ok()
    }

    pub async fn records(&self, sync: &Value, outcome: &str) -> Vec<Value> {
        self.list(&format!("/v1/syncs/{}/records?outcome={outcome}", sync["id"].as_str().unwrap())).await
    }

    /// An item with so much of it at the primary location.
    pub async fn item(&self, sku: &str, name: &str, on_hand: i64) -> String {
        let primary = self.get("/v1/organization").await.ok()["primary_location_id"].clone();
        let opening = json!([{"location_id": primary, "quantity": on_hand}]);
        let item = json!({"sku": sku, "name": name, "opening_stock": opening});
        self.post("/v1/items", item).await.ok()["id"].as_str().unwrap().to_owned()
    }

    /// `(on hand, committed)`.
    pub async fn stock(&self, item: &str) -> (i64, i64) {
        let stock = self.get(&format!("/v1/items/{item}/stock")).await.ok();
        (stock["on_hand"].as_i64().unwrap(), stock["committed"].as_i64().unwrap())
    }

    pub async fn adjust(&self, item: &str, delta: i64) {
        let primary = self.get("/v1/organization").await.ok()["primary_location_id"].clone();
        let body = json!({"location_id": primary, "lines": [{"item_id": item, "delta": delta}]});
        self.post("/v1/adjustments", body).await.ok();
        self.settle().await;
    }

    /// The one listing with this SKU on the connection.
    pub async fn listing(&self, connection: &str, sku: &str) -> Value {
        let listings = self.list(&format!("/v1/listings?connection_id={connection}")).await;
        let mut found = listings.iter().filter(|listing| listing["sku"] == sku);
        let listing = found.next().unwrap_or_else(|| panic!("no listing {sku}: {listings:?}")).clone();
        assert!(found.next().is_none(), "more than one listing {sku}: {listings:?}");
        listing
    }
}
