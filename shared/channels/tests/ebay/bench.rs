//! An adapter and a simulated account, joined without a socket, under a clock that the test moves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use channels::ebay::Ebay;
use channels::transport::TransportError;
use channels::{
    Channel, ChannelError, Credentials, Cursor, ErrorKind, OrderQuery, Pace, Page, Retry, Shop, ShopFacts,
    StockOutcome, StockTarget, Tokens, Transport,
};
use domain::listing::{FetchedListing, ListingRef, RecordFailure};
use domain::order::FetchedOrder;
use domain::schedule::Window;
use domain::{Currency, Quantity, Timestamp};
use http::{Request, Response};
use jiff::SignedDuration;
use marketplace_sim::ebay::{EbayShop, Options};
use marketplace_sim::{Fault, Goods, SimulatedShop, Sold};
use url::Url;

/// A call and its answer.
pub type Exchange = (Request<Bytes>, Response<Bytes>);

/// From the adapter to the account, by way of its faults, with all of it written down.
struct Wire {
    sim: Arc<EbayShop>,
    seen: Mutex<Vec<Exchange>>,
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let fault = self.sim.faults().take();
        if fault == Fault::Hang {
            return Err(TransportError::Timeout(None));
        }
        let response = self.sim.handle(request.clone());
        self.seen.lock().unwrap().push((request, response.clone()));
        match fault {
            Fault::DropAnswer => Err(TransportError::Timeout(None)),
            Fault::Status(status) => Ok(Response::builder().status(status).body(Bytes::new()).unwrap()),
            _ => Ok(response),
        }
    }
}

pub struct Bench {
    pub sim: Arc<EbayShop>,
    wire: Wire,
    clock: Arc<Mutex<Timestamp>>,
    pub credentials: Credentials,
    pub facts: ShopFacts,
    pub marketplaces: Vec<String>,
    pub endpoint: Url,
    pub pace: Pace,
}

pub fn mug(number: u32) -> Goods {
    Goods {
        sku: Some(format!("MUG-{number}")),
        title: format!("Mug {number}"),
        price: "12.50".to_owned(),
        quantity: Some(9),
        ..Goods::default()
    }
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(|options| options).await
    }

    /// With a fresh token, and who the merchant is.
    pub async fn with(set: impl FnOnce(Options) -> Options) -> Self {
        let mut bench = Self::unauthorized(set);
        bench.credentials = Ebay.refresh(&bench.shop()).await.unwrap();
        bench.facts = Ebay.identify(&bench.shop()).await.unwrap().facts;
        bench
    }

    pub fn unauthorized(set: impl FnOnce(Options) -> Options) -> Self {
        let clock = Arc::new(Mutex::new("2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap()));
        let hands = clock.clone();
        let sim = Arc::new(EbayShop::new(set(Options::new(Arc::new(move || *hands.lock().unwrap())))));
        Self {
            wire: Wire { sim: sim.clone(), seen: Mutex::default() },
            credentials: Credentials::from_exposed(sim.credentials()),
            sim,
            clock,
            facts: ShopFacts::new(),
            marketplaces: vec!["EBAY_DE".to_owned()],
            endpoint: "https://api.ebay.com".parse().unwrap(),
            pace: Pace::default(),
        }
    }

    pub fn now(&self) -> Timestamp {
        *self.clock.lock().unwrap()
    }

    pub fn pass(&self, time: Duration) {
        let mut now = self.clock.lock().unwrap();
        *now = now.checked_add(SignedDuration::try_from(time).unwrap()).unwrap();
    }

    pub fn pass_a_minute(&self) {
        self.pass(Duration::from_secs(60));
    }

    pub fn shop(&self) -> Shop<'_> {
        Shop {
            endpoint: &self.endpoint,
            marketplaces: &self.marketplaces,
            credentials: &self.credentials,
            facts: &self.facts,
            currency: "EUR".parse::<Currency>().unwrap(),
            transport: &self.wire,
            pace: &self.pace,
            now: self.now(),
        }
    }

    /// The calls since the last time asked, with their answers.
    pub fn take_exchanges(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.wire.seen.lock().unwrap())
    }

    /// Names of the calls since the last time asked.
    pub fn take_calls(&self) -> Vec<String> {
        self.sim.take_calls().into_iter().map(|call| call.operation).collect()
    }

    /// Waits as it is told.
    pub async fn patiently<T>(&self, mut call: impl AsyncFnMut() -> Result<T, ChannelError>) -> T {
        for _ in 0..50 {
            match call().await {
                Ok(done) => return done,
                Err(ChannelError { kind: ErrorKind::Throttled, retry: Retry::After(wait), .. }) => {
                    self.pass(wait)
                }
                Err(error) => panic!("{error}"),
            }
        }
        panic!("it is never let through")
    }

    pub async fn listings(&self) -> (Vec<FetchedListing>, Vec<RecordFailure>) {
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        let mut cursor: Option<Cursor> = None;
        loop {
            let page: Page<FetchedListing> =
                self.patiently(async || Ebay.fetch_listings(&self.shop(), None, cursor.as_ref()).await).await;
            for record in page.records {
                match record {
                    Ok(listing) => found.push(listing),
                    Err(failure) => failed.push(failure),
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return (found, failed);
            }
        }
    }

    pub async fn orders(&self) -> Vec<FetchedOrder> {
        let from: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let query =
            OrderQuery::Changed(Window::new(from, self.now() + SignedDuration::from_secs(60)).unwrap());
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page =
                self.patiently(async || Ebay.fetch_orders(&self.shop(), &query, cursor.as_ref()).await).await;
            found.extend(page.records.into_iter().map(Result::unwrap));
            cursor = page.next;
            if cursor.is_none() {
                return found;
            }
        }
    }

    /// What a push needs to know of each listing, as it was fetched.
    pub async fn targets(&self, wanted: &[(&Sold, i64)]) -> Vec<StockTarget> {
        let (found, _) = self.listings().await;
        let target = |(sold, quantity): &(&Sold, i64)| {
            let listing =
                ListingRef { external_id: sold.external_id.clone(), variation_id: sold.variation_id.clone() };
            let known = found.iter().find(|one| one.reference == listing).unwrap();
            StockTarget {
                stock_ref: known.stock_ref.clone(),
                quantity: Quantity::new(*quantity).unwrap(),
                expected: None,
                listing,
                locations: Vec::new(),
            }
        };
        wanted.iter().map(target).collect()
    }

    /// Pushes all; outcomes in the order of the plan.
    pub async fn push(&self, targets: Vec<StockTarget>) -> Vec<StockOutcome> {
        let mut outcomes = Vec::new();
        for batch in Ebay.plan_stock(targets, &Pace::default()) {
            outcomes
                .extend(self.patiently(async || Ebay.push_stock(&self.shop(), "key", &batch).await).await);
        }
        outcomes
    }
}
