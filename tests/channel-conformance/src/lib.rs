//! The laws of channels are in `tests/conformance`; here is what they are tried on: an adapter and a simulated shop, joined
//! without a socket and under a clock that the law moves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use channels::transport::TransportError;
use channels::{
    Channel, ChannelError, Credentials, Cursor, ErrorKind, OrderQuery, Pace, Page, Retry, Shipment,
    ShipmentOutcome, Shop, ShopFacts, StockBatch, StockOutcome, StockTarget, Transport,
};
use domain::listing::{FetchedListing, ListingRef};
use domain::order::FetchedOrder;
use domain::schedule::Window;
use domain::{Currency, Quantity, Timestamp};
use http::{Request, Response};
use marketplace_sim::{Fault, SimClock, SimulatedShop, Sold};
use url::Url;

/// What a shop is opened with.
pub struct Setting {
    pub currency: &'static str,
    /// Decimals of the currency.
    pub decimals: u32,
    pub clock: SimClock,
}

/// An adapter and the shops that it is tried on.
pub struct Subject {
    /// As it stands behind `::` in a trial's name.
    pub name: &'static str,
    pub adapter: &'static dyn Channel,
    /// The address that the connection names.
    pub endpoint: &'static str,
    /// A merchant can make a group with four attributes.
    pub four_attributes: bool,
    pub nature: Nature,
    pub open: Box<dyn Fn(Setting) -> Arc<dyn SimulatedShop> + Send + Sync>,
}

/// How a channel differs from what laws expect of most, by its nature: said here, so that no law looks away silently.
pub struct Nature {
    /// Calls that a walk through so many listings without variations takes, in so many pages.
    pub listing_calls: fn(listings: usize, pages: usize) -> usize,
    /// Every listing has a SKU: the channel knows it by that.
    pub sku_is_the_key: bool,
    /// The marketplaces that count in a currency, where the connection names them.
    pub marketplaces: fn(currency: &str) -> Vec<String>,
    /// What the channel cannot count in.
    pub not_in: &'static [&'static str],
    /// The quantity of an order's line can be changed after checkout.
    pub orders_can_be_edited: bool,
    /// A refund says which units it is for.
    pub refunds_name_units: bool,
    /// An order tells of the money that went back.
    pub refunds_in_orders: bool,
    /// Notifications come over HTTP and are signed, not through a queue whose policy vouches for them.
    pub signed_notifications: bool,
    /// A new listing is told by a notification.
    pub tells_new_listings: bool,
    /// Which changes of an order are told by notifications.
    pub tells_of_orders: &'static [&'static str],
    /// The adapter subscribes to notifications; else somebody does by hand.
    pub subscribes: bool,
    /// Calls that one batch of stock may take.
    pub stock_calls_max: usize,
}

impl Default for Nature {
    fn default() -> Self {
        Self {
            listing_calls: |_, pages| pages,
            sku_is_the_key: false,
            marketplaces: |_| Vec::new(),
            not_in: &[],
            orders_can_be_edited: true,
            refunds_name_units: true,
            refunds_in_orders: true,
            signed_notifications: true,
            tells_new_listings: true,
            tells_of_orders: &["placed", "paid", "refunded", "cancelled"],
            subscribes: true,
            stock_calls_max: 1,
        }
    }
}

/// One shop, and all that is needed to speak to it.
pub struct Stage {
    pub adapter: &'static dyn Channel,
    pub shop: Arc<dyn SimulatedShop>,
    pub credentials: Credentials,
    endpoint: Url,
    marketplaces: Vec<String>,
    facts: ShopFacts,
    currency: Currency,
    pace: Pace,
    transport: Direct,
    /// Batches pushed so far: each has a key of its own.
    keys: AtomicI64,
    /// In milliseconds since 1970.
    clock_ms: Arc<AtomicI64>,
}

/// Calls of one operation that pacing may put off before a law gives up.
const PATIENCE: usize = 1_000;

impl Subject {
    /// A shop that counts in euro.
    pub async fn stage(&self) -> anyhow::Result<Stage> {
        self.stage_in("EUR", 2).await
    }

    pub async fn stage_in(&self, currency: &'static str, decimals: u32) -> anyhow::Result<Stage> {
        let opened: Timestamp = "2026-11-21T12:00:00Z".parse()?;
        let clock_ms = Arc::new(AtomicI64::new(opened.as_millisecond()));
        let hand = clock_ms.clone();
        let clock: SimClock = Arc::new(move || at_ms(hand.load(Ordering::SeqCst)));
        let shop = (self.open)(Setting { currency, decimals, clock });
        let mut stage = Stage {
            adapter: self.adapter,
            credentials: Credentials::from_exposed(shop.credentials()),
            endpoint: self.endpoint.parse()?,
            marketplaces: (self.nature.marketplaces)(currency),
            facts: ShopFacts::new(),
            currency: currency.parse()?,
            pace: Pace::default(),
            transport: Direct { shop: shop.clone() },
            keys: AtomicI64::new(1),
            clock_ms,
            shop,
        };
        stage.renew_if_stale().await?;
        let identity = self.adapter.identify(&stage.shop()).await?;
        anyhow::ensure!(identity.currency == stage.currency, "the shop counts in {}", identity.currency);
        stage.facts = identity.facts;
        stage.shop.take_calls();
        Ok(stage)
    }
}

impl Stage {
    pub fn shop(&self) -> Shop<'_> {
        Shop {
            endpoint: &self.endpoint,
            marketplaces: &self.marketplaces,
            credentials: &self.credentials,
            facts: &self.facts,
            currency: self.currency,
            transport: &self.transport,
            pace: &self.pace,
            now: self.now(),
        }
    }

    pub fn now(&self) -> Timestamp {
        at_ms(self.clock_ms.load(Ordering::SeqCst))
    }

    pub fn pass(&self, time: Duration) {
        self.clock_ms.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Long enough that what comes now is later, in any channel's opinion.
    pub fn pass_a_minute(&self) {
        self.pass(Duration::from_secs(60));
    }

    /// A window from the opening of the shop to the end of this minute.
    pub fn all_time(&self) -> Window {
        let from = "2026-11-21T00:00:00Z".parse().unwrap();
        Window::new(from, at_ms(self.now().as_millisecond() + 60_000)).unwrap()
    }

    /// Waits, by the law's clock, when pacing says so, or the channel is still at work; gives up on any other failure.
    fn wait_for(&self, error: ChannelError) -> Result<(), ChannelError> {
        match (error.kind, error.retry) {
            (ErrorKind::Throttled | ErrorKind::Unavailable, Retry::After(wait)) => {
                self.pass(wait);
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// Renews the token, as its holder does.
    pub async fn renew(&mut self) -> Result<(), ChannelError> {
        if let Some(tokens) = self.adapter.tokens() {
            self.credentials = tokens.refresh(&self.shop()).await?;
        }
        Ok(())
    }

    /// A fresh token, where one is needed and the one at hand has ended.
    pub async fn renew_if_stale(&mut self) -> Result<(), ChannelError> {
        let ends = self.adapter.tokens().and_then(|tokens| tokens.expires_at(&self.credentials));
        if ends.is_some_and(|end| end <= self.now()) { self.renew().await } else { Ok(()) }
    }

    /// Tells of a shipment, tried again while pacing says so.
    pub async fn ship(&self, shipment: &Shipment) -> Result<ShipmentOutcome, ChannelError> {
        loop {
            match self.adapter.push_shipment(&self.shop(), shipment).await {
                Ok(outcome) => return Ok(outcome),
                Err(error) => self.wait_for(error)?,
            }
        }
    }

    pub async fn listing_page(
        &self,
        changed: Option<Window>,
        cursor: Option<&Cursor>,
    ) -> Result<Page<FetchedListing>, ChannelError> {
        loop {
            match self.adapter.fetch_listings(&self.shop(), changed, cursor).await {
                Ok(page) => return Ok(page),
                Err(error) => self.wait_for(error)?,
            }
        }
    }

    /// Every page of listings.
    pub async fn pages(&self, changed: Option<Window>) -> Result<Vec<Page<FetchedListing>>, ChannelError> {
        let mut pages: Vec<Page<FetchedListing>> = Vec::new();
        for _ in 0..PATIENCE {
            let cursor = pages.last().and_then(|page| page.next.clone());
            pages.push(self.listing_page(changed, cursor.as_ref()).await?);
            if pages.last().is_some_and(|page| page.next.is_none()) {
                break;
            }
        }
        Ok(pages)
    }

    /// Every listing that can be read.
    pub async fn listings(&self) -> Result<Vec<FetchedListing>, ChannelError> {
        Ok(self.pages(None).await?.into_iter().flat_map(|page| page.records).filter_map(Result::ok).collect())
    }

    pub async fn order_page(
        &self,
        query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<Page<FetchedOrder>, ChannelError> {
        loop {
            match self.adapter.fetch_orders(&self.shop(), query, cursor).await {
                Ok(page) => return Ok(page),
                Err(error) => self.wait_for(error)?,
            }
        }
    }

    /// Every order of a query, in the order of the pages.
    pub async fn orders(&self, query: &OrderQuery) -> Result<Vec<FetchedOrder>, ChannelError> {
        let (mut found, mut cursor) = (Vec::new(), None);
        for _ in 0..PATIENCE {
            let page = self.order_page(query, cursor.as_ref()).await?;
            found.extend(page.records.into_iter().filter_map(Result::ok));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// The one order there is, as a walk through all time finds it.
    pub async fn only_order(&self) -> anyhow::Result<FetchedOrder> {
        let mut orders = self.orders(&OrderQuery::Changed(self.all_time())).await?;
        anyhow::ensure!(orders.len() == 1, "{} orders instead of one", orders.len());
        Ok(orders.remove(0))
    }

    /// What the adapter found of each listing: what a push needs to know of it.
    pub async fn targets(&self, wanted: &[(Sold, i64)]) -> anyhow::Result<Vec<StockTarget>> {
        let known: BTreeMap<ListingRef, FetchedListing> =
            self.listings().await?.into_iter().map(|listing| (listing.reference.clone(), listing)).collect();
        let target = |(sold, quantity): &(Sold, i64)| {
            let listing = reference(sold);
            let found = known.get(&listing);
            Ok(StockTarget {
                stock_ref: found.and_then(|found| found.stock_ref.clone()),
                expected: found.and_then(|found| found.quantity).map(Quantity::units),
                quantity: Quantity::new(*quantity)?,
                listing,
                locations: Vec::new(),
            })
        };
        wanted.iter().map(target).collect()
    }

    /// What one call carries each, at the rate that the channel has told.
    pub fn plan(&self, targets: Vec<StockTarget>) -> Vec<StockBatch> {
        self.adapter.plan_stock(targets, &self.pace)
    }

    /// Pushes all, each batch tried again while pacing says so; outcomes by listing, and how many batches it took.
    pub async fn push(
        &self,
        targets: Vec<StockTarget>,
    ) -> anyhow::Result<(BTreeMap<ListingRef, StockOutcome>, usize)> {
        let batches = self.plan(targets);
        let mut outcomes = BTreeMap::new();
        for batch in &batches {
            let key = format!("{:032x}", self.keys.fetch_add(1, Ordering::SeqCst));
            let done = loop {
                match self.adapter.push_stock(&self.shop(), &key, batch).await {
                    Ok(done) => break done,
                    Err(error) => self.wait_for(error)?,
                }
            };
            anyhow::ensure!(done.len() == batch.targets.len(), "an outcome for each target");
            outcomes.extend(batch.targets.iter().map(|target| target.listing.clone()).zip(done));
        }
        Ok((outcomes, batches.len()))
    }
}

impl Stage {
    /// What the channel shows of each target.
    pub async fn read(&self, targets: &[StockTarget]) -> Result<Vec<Option<i64>>, ChannelError> {
        loop {
            match self.adapter.read_stock(&self.shop(), targets).await {
                Ok(shown) => return Ok(shown),
                Err(error) => self.wait_for(error)?,
            }
        }
    }
}

/// The adapter's name for what the simulation sold.
pub fn reference(sold: &Sold) -> ListingRef {
    ListingRef { external_id: sold.external_id.clone(), variation_id: sold.variation_id.clone() }
}

fn at_ms(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

thread_local! {
    /// Each law is tried on a thread of its own.
    static THROTTLED: Cell<usize> = const { Cell::new(0) };
}

/// How often a shop of this thread has refused a call as one too many since the last time asked. A fault's refusals,
/// which no pacing could have avoided, are not counted.
pub fn take_throttled() -> usize {
    THROTTLED.replace(0)
}

/// From the adapter to the shop, by way of the faults.
struct Direct {
    shop: Arc<dyn SimulatedShop>,
}

impl Direct {
    fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let response = self.shop.handle(request);
        // Shopify says it in the body of a success.
        let throttled = response.status() == 429
            || response.body().windows(THROTTLED_CODE.len()).any(|part| part == THROTTLED_CODE);
        if throttled {
            THROTTLED.set(THROTTLED.get() + 1);
        }
        response
    }
}

const THROTTLED_CODE: &[u8] = br#""code":"THROTTLED""#;

#[async_trait]
impl Transport for Direct {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let html = |status: u16| {
            let response = Response::builder().status(status).header("content-type", "text/html");
            response.body(Bytes::from_static(b"<html><body>out of order</body></html>")).unwrap()
        };
        match self.shop.faults().take() {
            Fault::Pass => Ok(self.handle(request)),
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
                drop(self.handle(request));
                Err(TransportError::Timeout(None))
            }
            Fault::Cut => Ok(self.handle(request).map(|body| body.slice(..body.len() / 2))),
        }
    }
}
