//! The street: every shop of the world by its host, and the way from the adapters to them.
//!
//! What a call changes of the numbers that a shop shows is noted by comparing before and after, so that it is known of
//! every channel without reading its language.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use channels::Transport;
use channels::transport::TransportError;
use domain::Timestamp;
use http::{HeaderValue, Method, Request, Response, Uri};
use jiff::fmt::rfc2822::DateTimePrinter;
use marketplace_sim::{Fault, SimClock, SimulatedShop, Sold};

use crate::fault::Weather;
use crate::gate::{Gate, JobId, Passing};
use crate::shops::{Grant, Kind};
use crate::time::SimulatedTime;
use crate::trace::Trace;

/// A shop with its own idea of the time.
pub struct Shop {
    pub host: String,
    pub kind: Kind,
    pub sim: Arc<dyn SimulatedShop>,
    pub wrong_s: i64,
    pub on_sale: Mutex<Vec<Sold>>,
    /// Of those, what the channel stores and ships.
    pub held: Mutex<BTreeSet<Sold>>,
    down_until_ms: AtomicI64,
    time: SimulatedTime,
}

impl Shop {
    pub fn open(host: &str, kind: Kind, wrong_s: i64, time: SimulatedTime) -> Arc<Self> {
        let clock: SimClock = Arc::new(move || time.wrong_by(wrong_s));
        Arc::new(Self {
            host: host.to_owned(),
            kind,
            sim: (kind.open)(clock),
            wrong_s,
            on_sale: Mutex::default(),
            held: Mutex::default(),
            down_until_ms: AtomicI64::new(0),
            time,
        })
    }

    pub fn now(&self) -> Timestamp {
        self.time.wrong_by(self.wrong_s)
    }

    pub fn on_sale(&self) -> Vec<Sold> {
        self.on_sale.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn holds(&self, sold: &Sold) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).contains(sold)
    }

    pub fn go_down_for(&self, length_ms: i64) {
        self.down_until_ms.store(self.time.elapsed_ms() + length_ms, Ordering::Relaxed);
    }

    pub fn is_down(&self) -> bool {
        self.time.elapsed_ms() < self.down_until_ms.load(Ordering::Relaxed)
    }

    fn numbers(&self) -> Vec<(Sold, Option<i64>)> {
        self.on_sale().into_iter().map(|sold| (sold.clone(), self.sim.quantity(&sold))).collect()
    }

    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let mut response = self.sim.handle(request);
        self.date(&mut response);
        response
    }

    fn date(&self, response: &mut Response<Bytes>) {
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&self.now()).unwrap();
        response.headers_mut().insert("date", HeaderValue::try_from(date).unwrap());
    }
}

/// For how long a channel's orders may be shown as they were: less than the windows of two imports overlap.
const STALE_MS: i64 = 60_000;

/// What was answered to looks at orders, when, by what was asked.
type Shown = BTreeMap<String, (i64, Response<Bytes>)>;

/// The hub set a number.
#[derive(Debug, Clone)]
pub struct Push {
    pub host: String,
    pub sold: Sold,
    pub to: Option<i64>,
    /// Of one that the channel set in its own time: when it was given to it.
    pub given: Option<Given>,
}

/// What a channel was given to work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    pub by: JobId,
    /// When that was looked at: what a function wrote before it gave the number is noted at the same time.
    pub at_ms: i64,
}

/// A shop was told of a shipment: what of each line of the order has left by now, by the shop's word.
#[derive(Debug, Clone)]
pub struct Shipped {
    pub host: String,
    pub order: String,
    pub units: Vec<i64>,
    pub at_ms: i64,
    /// By the shop's clock.
    pub at_s: i64,
}

/// Renewals that spend their token.
#[derive(Debug, Default)]
struct Spent {
    /// By functions that have not ended yet.
    open: BTreeMap<JobId, String>,
    /// Shops where one was made whose result may not have come to the hub: it cannot get in again by itself.
    lost: BTreeSet<String>,
}

pub struct Street {
    pub shops: BTreeMap<String, Arc<Shop>>,
    pushes: Mutex<Vec<Push>>,
    shipped: Mutex<Vec<Shipped>>,
    /// Orders of which a shipment may be told.
    told_of: Mutex<BTreeSet<(String, String)>>,
    spent: Mutex<Spent>,
    shown: Mutex<Shown>,
    /// By the shop's host and the channel's id of it.
    given: Mutex<BTreeMap<(String, String), Given>>,
    /// The same, since the last look.
    given_now: Mutex<Vec<((String, String), JobId)>>,
    /// When a shop last showed its orders as they had been.
    stale: Mutex<BTreeMap<String, i64>>,
    gate: Gate,
    weather: Weather,
    trace: Trace,
}

impl Street {
    pub fn new(
        shops: impl IntoIterator<Item = Arc<Shop>>,
        gate: Gate,
        weather: Weather,
        trace: Trace,
    ) -> Arc<Self> {
        let shops = shops.into_iter().map(|shop| (shop.host.clone(), shop)).collect();
        let (pushes, shipped, told_of) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (spent, shown, stale) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (given, given_now) = (Mutex::default(), Mutex::default());
        Arc::new(Self {
            shops,
            pushes,
            shipped,
            told_of,
            spent,
            shown,
            given,
            given_now,
            stale,
            gate,
            weather,
            trace,
        })
    }

    fn spent(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token is spent, and its answer comes (`comes`) or not.
    fn spend(&self, shop: &Shop, job: JobId, comes: bool) {
        let rates = self.weather.rates();
        let mut spent = self.spent();
        // The table may refuse to keep it.
        if comes && rates.table == 0 && rates.busy == 0 {
            spent.open.insert(job, shop.host.clone());
        } else {
            spent.lost.insert(shop.host.clone());
        }
    }

    /// A function ended, by itself or not.
    pub fn ended(&self, job: JobId, killed: bool) {
        let mut spent = self.spent();
        if let Some(host) = spent.open.remove(&job).filter(|_| killed) {
            spent.lost.insert(host);
        }
    }

    /// Whether what lets the hub in may have got lost without its doing.
    pub fn may_have_lost_its_grant(&self, host: &str) -> bool {
        self.spent().lost.contains(host)
    }

    /// From now on it is watched what the hub tells of this order.
    pub fn watch(&self, host: &str, order: &str) {
        let watched = (host.to_owned(), order.to_owned());
        self.told_of.lock().unwrap_or_else(PoisonError::into_inner).insert(watched);
    }

    pub fn take_shipped(&self) -> Vec<Shipped> {
        std::mem::take(&mut *self.shipped.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn take_pushes(&self, now_ms: i64) -> Vec<Push> {
        let mut pushes = Vec::new();
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let new = std::mem::take(&mut *self.given_now.lock().unwrap_or_else(PoisonError::into_inner));
        given.extend(new.into_iter().map(|(id, by)| (id, Given { by, at_ms: now_ms })));
        for shop in self.shops.values() {
            for (id, sold, to) in shop.sim.take_late() {
                let (host, what) = (shop.host.clone(), &sold.external_id);
                self.trace.note(format_args!("  {host} shows {} of {what}, as {id} says", number(to)));
                let given = given.get(&(host.clone(), id)).copied();
                pushes.push(Push { host, sold, to, given });
            }
        }
        pushes.append(&mut self.pushes.lock().unwrap_or_else(PoisonError::into_inner));
        pushes
    }

    /// Whether a shop has shown its orders as they had been, since then.
    pub fn showed_stale(&self, host: &str, since_ms: i64) -> bool {
        let stale = self.stale.lock().unwrap_or_else(PoisonError::into_inner);
        stale.get(host).is_some_and(|at_ms| *at_ms >= since_ms)
    }

    /// The channel's answer, which of its orders may be one of before.
    fn show(&self, shop: &Shop, request: Request<Bytes>, job: JobId) -> Response<Bytes> {
        let looks = request.method() == Method::GET && is_of_orders(request.uri().path());
        if !looks || self.weather.rates().stale_page == 0 {
            return self.handle(shop, request, Some(job));
        }
        let asked = format!("{} {}", shop.host, timeless(request.uri()));
        let now_ms = shop.time.elapsed_ms();
        let before = self.shown.lock().unwrap_or_else(PoisonError::into_inner).get(&asked).cloned();
        if let Some((at_ms, mut answer)) = before.filter(|(at_ms, _)| now_ms - at_ms <= STALE_MS)
            && self.weather.happens(|rates| rates.stale_page)
        {
            self.trace.note(format_args!("  {} shows its orders of {} ms ago", shop.host, now_ms - at_ms));
            self.stale.lock().unwrap_or_else(PoisonError::into_inner).insert(shop.host.clone(), now_ms);
            shop.date(&mut answer);
            return answer;
        }
        let answer = self.handle(shop, request, Some(job));
        if answer.status().is_success() {
            let kept = (now_ms, answer.clone());
            self.shown.lock().unwrap_or_else(PoisonError::into_inner).insert(asked, kept);
        }
        answer
    }

    fn handle(&self, shop: &Shop, request: Request<Bytes>, job: Option<JobId>) -> Response<Bytes> {
        if request.method() == Method::GET {
            return shop.answer(request);
        }
        let before = shop.numbers();
        let had = shop.sim.submissions();
        let sends = request.uri().path().contains("/fulfillmentOrders");
        let response = shop.answer(request);
        for ((sold, from), (_, to)) in before.into_iter().zip(shop.numbers()) {
            let stands_for_none = shop.kind.placeholder && to == Some(1);
            // What the channel is asked to send it takes off its own number.
            let is_sent = sends && shop.holds(&sold);
            if from != to && !stands_for_none && !is_sent {
                let id = sold.variation_id.as_deref().unwrap_or(&sold.external_id);
                self.trace.note(format_args!(
                    "  {} shows {} of {id}, before {}",
                    shop.host,
                    number(to),
                    number(from)
                ));
                let push = Push { host: shop.host.clone(), sold, to, given: None };
                self.pushes.lock().unwrap_or_else(PoisonError::into_inner).push(push);
            }
        }
        if let Some(by) = job {
            let new = shop.sim.submissions().into_iter().filter(|id| !had.contains(id));
            let new = new.map(|id| ((shop.host.clone(), id), by));
            self.given_now.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
        }
        let told_of = self.told_of.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, order) in told_of.iter().filter(|(host, _)| *host == shop.host) {
            let units = shop.sim.shipped(order).into_iter().map(i64::from).collect();
            let (at_ms, at_s) = (shop.time.elapsed_ms(), shop.now().as_second());
            let shipped = Shipped { host: shop.host.clone(), order: order.clone(), units, at_ms, at_s };
            self.shipped.lock().unwrap_or_else(PoisonError::into_inner).push(shipped);
        }
        response
    }
}

fn is_of_orders(path: &str) -> bool {
    ["/orders", "/order", "/receipts"].iter().any(|part| path.contains(part))
}

/// What was asked, but for the times between which: those move with each look.
fn timeless(uri: &Uri) -> String {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let is_time = |value: &str| {
        value.contains("T") && value.contains(':') || value.len() > 8 && value.parse::<i64>().is_ok()
    };
    let rest: Vec<String> =
        query.filter(|(_, value)| !is_time(value)).map(|(name, value)| format!("{name}={value}")).collect();
    format!("{}?{}", uri.path(), rest.join("&"))
}

fn number(shown: Option<i64>) -> String {
    shown.map_or_else(|| "nothing".to_owned(), |shown| shown.to_string())
}

#[async_trait]
impl Transport for Street {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let Some(shop) = self.shops.get(&host) else { return Err(TransportError::Connection(None)) };
        let Some(job) = self.gate.pass(Passing::Effect).await else {
            return Ok(self.handle(shop, request, None));
        };
        let renews = shop.kind.grant == Grant::Spent && request.uri().path().ends_with("/oauth/token");
        let what = format!("{} {}", request.method(), request.uri().path());
        let fault = if shop.is_down() { Fault::Status(503) } else { self.weather.of_channel() };
        if fault != Fault::Pass {
            self.trace.note(format_args!("  [{job}] {host} {what} meets {fault:?}"));
        }
        let half = Duration::from_millis(self.weather.channel_takes_ms() / 2);
        tokio::time::sleep(half).await;
        let html = |status: u16| {
            let response = Response::builder().status(status).header("content-type", "text/html");
            response.body(Bytes::from_static(b"<html><body>out of order</body></html>")).unwrap()
        };
        if renews && matches!(fault, Fault::Pass | Fault::DropAnswer | Fault::Cut) {
            self.spend(shop, job, fault == Fault::Pass);
        }
        let answer = match fault {
            Fault::Pass => {
                let answer = self.show(shop, request, job);
                self.trace.note(format_args!("  [{job}] {host} {what}: {}", answer.status().as_u16()));
                Ok(answer)
            }
            Fault::Status(status) => Ok(html(status)),
            Fault::Throttle { retry_after_s } => {
                let mut response = html(429);
                if let Some(seconds) = retry_after_s {
                    response.headers_mut().insert("retry-after", seconds.into());
                }
                Ok(response)
            }
            Fault::Html => Ok(html(200)),
            Fault::Hang => Err(TransportError::Timeout(None)),
            Fault::DropAnswer => {
                drop(self.handle(shop, request, Some(job)));
                Err(TransportError::Timeout(None))
            }
            Fault::Cut => Ok(self.handle(shop, request, Some(job)).map(|body| body.slice(..body.len() / 2))),
        };
        let rest = if answer.is_err() { Duration::from_secs(29) } else { half };
        tokio::time::sleep(rest).await;
        answer
    }
}
