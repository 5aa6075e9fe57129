//! The adapter and a simulated account under one clock. Every request and answer between them is kept, and held to
//! Amazon's models where these lie beside the repository.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use channels::amazon::Amazon;
use channels::transport::TransportError;
use channels::{
    Channel, ChannelError, Credentials, Cursor, OrderQuery, Pace, Page, Retry, Shop, ShopFacts, StockBatch,
    StockTarget, Tokens, Transport,
};
use domain::listing::{FetchedListing, ListingRef};
use domain::order::FetchedOrder;
use domain::schedule::Window;
use domain::{Quantity, Timestamp};
use http::{Request, Response};
use jiff::SignedDuration;
use marketplace_sim::amazon::AmazonShop;
use marketplace_sim::{Fault, Goods, SimulatedShop, Sold};
use url::Url;

use crate::model::Models;

pub struct Stage {
    pub sim: Arc<AmazonShop>,
    pub credentials: Credentials,
    pub marketplaces: Vec<String>,
    pub facts: ShopFacts,
    pub pace: Pace,
    transport: Held,
    endpoint: Url,
    clock: Arc<Mutex<Timestamp>>,
}

struct Held {
    sim: Arc<AmazonShop>,
    models: Option<Models>,
}

#[async_trait]
impl Transport for Held {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        match self.sim.faults().take() {
            Fault::Hang => return Err(TransportError::Timeout(None)),
            Fault::DropAnswer => {
                drop(self.sim.handle(request));
                return Err(TransportError::Timeout(None));
            }
            _ => {}
        }
        let response = self.sim.handle(request.clone());
        if let Some(models) = &self.models {
            models.check(&request, &response);
        }
        Ok(response)
    }
}

pub fn mug(number: usize) -> Goods {
    Goods {
        sku: Some(format!("MUG-{number}")),
        title: format!("Mug {number}"),
        price: "12.50".to_owned(),
        quantity: Some(5),
        ..Goods::default()
    }
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(|sim| sim).await
    }

    /// With an account that was changed before anybody speaks to it.
    pub async fn with(change: impl FnOnce(AmazonShop) -> AmazonShop) -> Self {
        let mut stage = Self::cold(change);
        stage.renew().await.unwrap();
        stage
    }

    /// Without an access token.
    pub fn cold(change: impl FnOnce(AmazonShop) -> AmazonShop) -> Self {
        let clock = Arc::new(Mutex::new("2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap()));
        let hands = clock.clone();
        let sim = AmazonShop::new(Arc::new(move || *hands.lock().unwrap()), "USD");
        let sim = Arc::new(change(sim));
        Self {
            credentials: Credentials::from_exposed(sim.credentials()),
            marketplaces: Vec::new(),
            facts: ShopFacts::new(),
            pace: Pace::default(),
            transport: Held { sim: sim.clone(), models: Models::beside_the_repository() },
            endpoint: "https://sellingpartnerapi-na.amazon.com".parse().unwrap(),
            clock,
            sim,
        }
    }

    pub fn now(&self) -> Timestamp {
        *self.clock.lock().unwrap()
    }

    pub fn pass(&self, time: Duration) {
        let mut now = self.clock.lock().unwrap();
        *now = now.checked_add(SignedDuration::try_from(time).unwrap()).unwrap();
    }

    pub fn shop(&self) -> Shop<'_> {
        Shop {
            endpoint: &self.endpoint,
            marketplaces: &self.marketplaces,
            credentials: &self.credentials,
            facts: &self.facts,
            currency: "USD".parse().unwrap(),
            transport: &self.transport,
            pace: &self.pace,
            now: self.now(),
        }
    }

    pub async fn renew(&mut self) -> Result<(), ChannelError> {
        self.credentials = Amazon.refresh(&self.shop()).await?;
        Ok(())
    }

    /// Waits as it is told, on the account's clock.
    pub async fn patiently<T>(&self, mut call: impl AsyncFnMut() -> Result<T, ChannelError>) -> T {
        for _ in 0..1_000 {
            match call().await {
                Ok(done) => return done,
                Err(ChannelError { retry: Retry::After(wait), .. }) => self.pass(wait),
                Err(error) => panic!("{error}"),
            }
        }
        panic!("it never ends")
    }

    /// Every page of listings; waits of more than an hour need a new token, which this does not get.
    pub async fn pages(&self) -> Vec<Page<FetchedListing>> {
        let (mut pages, mut cursor) = (Vec::new(), None::<Cursor>);
        loop {
            let page = self
                .patiently(async || Amazon.fetch_listings(&self.shop(), None, cursor.as_ref()).await)
                .await;
            cursor = page.next.clone();
            pages.push(page);
            if cursor.is_none() {
                return pages;
            }
        }
    }

    pub async fn listings(&self) -> Vec<FetchedListing> {
        self.pages().await.into_iter().flat_map(|page| page.records).map(Result::unwrap).collect()
    }

    pub async fn order_page(&self, query: &OrderQuery) -> Page<FetchedOrder> {
        self.patiently(async || Amazon.fetch_orders(&self.shop(), query, None).await).await
    }

    pub async fn order(&self, id: &str) -> FetchedOrder {
        self.order_page(&OrderQuery::Ids(vec![id.to_owned()])).await.records.remove(0).unwrap()
    }

    pub fn all_time(&self) -> Window {
        Window::new("2026-11-21T00:00:00Z".parse().unwrap(), self.now()).unwrap().open_ended()
    }

    pub async fn push(&self, batch: &StockBatch) -> Vec<channels::StockOutcome> {
        self.patiently(async || Amazon.push_stock(&self.shop(), "key", batch).await).await
    }

    /// Refused calls since the last time asked; there must be none that pacing could have avoided.
    pub fn refused(&self) -> Vec<String> {
        let calls = self.sim.take_calls();
        calls.into_iter().filter(|call| call.status == 429).map(|call| call.operation).collect()
    }
}

pub fn target(sold: &Sold, quantity: i64) -> StockTarget {
    StockTarget {
        listing: ListingRef { external_id: sold.external_id.clone(), variation_id: None },
        stock_ref: None,
        quantity: Quantity::new(quantity).unwrap(),
        expected: None,
        locations: Vec::new(),
    }
}
