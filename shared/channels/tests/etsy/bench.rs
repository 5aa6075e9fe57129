//! One shop, and all that is needed to speak to it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use channels::etsy::Etsy;
use channels::transport::TransportError;
use channels::{
    ACCOUNT, Channel, ChannelError, Credentials, Cursor, ErrorKind, OrderQuery, Pace, Retry, Shop, ShopFacts,
    StockOutcome, StockTarget, Tokens, Transport,
};
use domain::listing::{FetchedListing, ListingRef};
use domain::order::FetchedOrder;
use domain::schedule::Window;
use domain::{Quantity, Timestamp};
use http::{Request, Response};
use jiff::SignedDuration;
use marketplace_sim::etsy::EtsyShop;
use marketplace_sim::{Fault, Goods, SimulatedShop, Sold, Variation};
use url::Url;

/// A request as it was sent, and its answer.
pub type Exchange = (Request<Bytes>, Response<Bytes>);

/// From the adapter to the shop, by way of the faults; what went through is kept.
pub struct Direct {
    sim: Arc<EtsyShop>,
    pub exchanges: Mutex<Vec<Exchange>>,
}

#[async_trait]
impl Transport for Direct {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let fault = self.sim.faults().take();
        if fault == Fault::Hang {
            return Err(TransportError::Timeout(None));
        }
        let response = self.sim.handle(request.clone());
        self.exchanges.lock().unwrap().push((request, response.clone()));
        match fault {
            Fault::Pass => Ok(response),
            _ => Err(TransportError::Timeout(None)),
        }
    }
}

pub struct Bench {
    pub sim: Arc<EtsyShop>,
    pub transport: Direct,
    clock: Arc<Mutex<Timestamp>>,
    pub credentials: Credentials,
    pub facts: ShopFacts,
    pub endpoint: Url,
    pub pace: Pace,
}

impl Bench {
    /// With raised limits, open and ready.
    pub async fn new() -> Self {
        Self::with_limits(1_000, 100_000).await
    }

    pub async fn with_limits(per_second: u32, per_day: u32) -> Self {
        let clock = Arc::new(Mutex::new("2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap()));
        let hands = clock.clone();
        let sim = EtsyShop::new(Arc::new(move || *hands.lock().unwrap())).with_limits(per_second, per_day);
        let sim = Arc::new(sim);
        let facts = ShopFacts::from([(ACCOUNT.to_owned(), sim.shop_id().to_string())]);
        let mut bench = Self {
            transport: Direct { sim: sim.clone(), exchanges: Mutex::default() },
            credentials: Credentials::from_exposed(sim.credentials()),
            sim,
            clock,
            facts,
            endpoint: "https://api.etsy.com/".parse().unwrap(),
            pace: Pace::default(),
        };
        bench.credentials = Etsy.refresh(&bench.shop()).await.unwrap();
        bench
    }

    pub fn now(&self) -> Timestamp {
        *self.clock.lock().unwrap()
    }

    pub fn pass(&self, duration: Duration) {
        let mut now = self.clock.lock().unwrap();
        *now = now.checked_add(SignedDuration::try_from(duration).unwrap()).unwrap();
    }

    pub fn shop(&self) -> Shop<'_> {
        Shop {
            endpoint: &self.endpoint,
            marketplaces: &[],
            credentials: &self.credentials,
            facts: &self.facts,
            currency: "USD".parse().unwrap(),
            transport: &self.transport,
            pace: &self.pace,
            now: self.now(),
        }
    }

    /// Waits as it is told, on the shop's clock.
    pub async fn patiently<T>(&self, mut call: impl AsyncFnMut() -> Result<T, ChannelError>) -> T {
        for _ in 0..100 {
            match call().await {
                Ok(done) => return done,
                Err(ChannelError { kind: ErrorKind::Throttled, retry: Retry::After(wait), .. }) => {
                    self.pass(wait)
                }
                Err(error) => panic!("{error}"),
            }
        }
        panic!("it is never admitted")
    }

    pub async fn listings(&self) -> Vec<FetchedListing> {
        let (mut all, mut cursor) = (Vec::new(), None::<Cursor>);
        loop {
            let page =
                self.patiently(async || Etsy.fetch_listings(&self.shop(), None, cursor.as_ref()).await).await;
            all.extend(page.records.into_iter().map(Result::unwrap));
            match page.next {
                Some(next) => cursor = Some(next),
                None => return all,
            }
        }
    }

    pub fn all_time(&self) -> OrderQuery {
        let to = self.now().checked_add(SignedDuration::from_mins(1)).unwrap();
        OrderQuery::Changed(Window::new("2026-11-21T00:00:00Z".parse().unwrap(), to).unwrap())
    }

    pub async fn order(&self, id: &str) -> FetchedOrder {
        let query = OrderQuery::Ids(vec![id.to_owned()]);
        Etsy.fetch_orders(&self.shop(), &query, None).await.unwrap().records.remove(0).unwrap()
    }

    pub async fn push(&self, targets: Vec<StockTarget>) -> Vec<StockOutcome> {
        let mut outcomes = Vec::new();
        for batch in Etsy.plan_stock(targets, &Pace::default()) {
            outcomes
                .extend(self.patiently(async || Etsy.push_stock(&self.shop(), "key", &batch).await).await);
        }
        outcomes
    }

    pub async fn read(&self, sold: &[Sold]) -> Vec<Option<i64>> {
        let targets: Vec<StockTarget> = sold.iter().map(|sold| target(sold, 0, None)).collect();
        Etsy.read_stock(&self.shop(), &targets).await.unwrap()
    }
}

pub fn target(sold: &Sold, quantity: i64, expected: Option<i64>) -> StockTarget {
    StockTarget {
        listing: ListingRef {
            external_id: sold.external_id.clone(),
            variation_id: sold.variation_id.clone(),
        },
        stock_ref: None,
        quantity: Quantity::new(quantity).unwrap(),
        expected,
        locations: Vec::new(),
    }
}

pub fn mug(quantity: i64) -> Goods {
    Goods {
        sku: Some("MUG".to_owned()),
        title: "Mug".to_owned(),
        price: "12.50".to_owned(),
        quantity: Some(quantity),
        ..Goods::default()
    }
}

/// A shirt in sizes, each with its number.
pub fn shirt(sizes: &[(&str, i64)]) -> Goods {
    let variation = |(size, quantity): &(&str, i64)| Variation {
        sku: Some(format!("SHIRT-{size}")),
        price: "19.99".to_owned(),
        quantity: Some(*quantity),
        attributes: vec![("Size".to_owned(), (*size).to_owned())],
    };
    Goods { title: "Shirt".to_owned(), variations: sizes.iter().map(variation).collect(), ..Goods::default() }
}
