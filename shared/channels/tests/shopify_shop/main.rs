//! The Shopify adapter against the simulated shop: what only this channel has.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use channels::shopify::Shopify;
use channels::transport::TransportError;
use channels::{
    Channel, ChannelError, Credentials, Cursor, ErrorKind, Hint, OrderQuery, Pace, Retry, Shop, ShopFacts,
    StockBatch, StockOutcome, StockTarget, Tokens, Transport,
};
use domain::listing::{ChannelStatus, FetchedListing, ListingRef};
use domain::order::{ChannelOrderState, FetchedOrder, PaymentStatus};
use domain::schedule::Window;
use domain::{Currency, Quantity, Timestamp};
use http::{HeaderMap, Request, Response};
use jiff::SignedDuration;
use marketplace_sim::shopify::{Access, ShopifyShop};
use marketplace_sim::{Goods, SimulatedShop, Sold, Variation};
use secrecy::SecretString;
use url::Url;

mod consent;
mod locations;
mod shipments;

struct Direct(Arc<ShopifyShop>);

#[async_trait]
impl Transport for Direct {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        Ok(self.0.handle(request))
    }
}

struct Bench {
    sim: Arc<ShopifyShop>,
    transport: Direct,
    clock: Arc<Mutex<Timestamp>>,
    credentials: Credentials,
    facts: ShopFacts,
    endpoint: Url,
    pace: Pace,
}

fn usd() -> Currency {
    "USD".parse().unwrap()
}

impl Bench {
    fn new() -> Self {
        Self::with(Access::Lasting, 2_000)
    }

    fn with(access: Access, capacity: u32) -> Self {
        let clock = Arc::new(Mutex::new("2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap()));
        let hands = clock.clone();
        let sim =
            Arc::new(ShopifyShop::with(Arc::new(move || *hands.lock().unwrap()), access, capacity, 100));
        Self {
            transport: Direct(sim.clone()),
            credentials: Credentials::from_exposed(sim.credentials()),
            sim,
            clock,
            facts: BTreeMap::from([("location_id".to_owned(), "501".to_owned())]),
            endpoint: "https://simulated.myshopify.com/".parse().unwrap(),
            pace: Pace::default(),
        }
    }

    fn now(&self) -> Timestamp {
        *self.clock.lock().unwrap()
    }

    fn pass(&self, duration: Duration) {
        let mut now = self.clock.lock().unwrap();
        *now = now.checked_add(SignedDuration::try_from(duration).unwrap()).unwrap();
    }

    fn shop(&self) -> Shop<'_> {
        Shop {
            endpoint: &self.endpoint,
            marketplaces: &[],
            credentials: &self.credentials,
            facts: &self.facts,
            currency: usd(),
            transport: &self.transport,
            pace: &self.pace,
            now: self.now(),
        }
    }

    /// Waits as it is told, on the shop's clock.
    async fn patiently<T>(&self, mut call: impl AsyncFnMut() -> Result<T, ChannelError>) -> T {
        for _ in 0..50 {
            match call().await {
                Ok(done) => return done,
                Err(ChannelError { kind: ErrorKind::Throttled, retry: Retry::After(wait), .. }) => {
                    self.pass(wait)
                }
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the bucket is never full enough")
    }

    async fn listings(&self, changed: Option<Window>) -> Vec<FetchedListing> {
        let mut all = Vec::new();
        let mut cursor: Option<Cursor> = None;
        loop {
            let page = self
                .patiently(async || Shopify.fetch_listings(&self.shop(), changed, cursor.as_ref()).await)
                .await;
            all.extend(page.records.into_iter().map(Result::unwrap));
            match page.next {
                Some(next) => cursor = Some(next),
                None => return all,
            }
        }
    }

    async fn orders(&self, query: OrderQuery) -> Vec<FetchedOrder> {
        let mut all = Vec::new();
        let mut cursor: Option<Cursor> = None;
        for _ in 0..100 {
            let page = self
                .patiently(async || Shopify.fetch_orders(&self.shop(), &query, cursor.as_ref()).await)
                .await;
            all.extend(page.records.into_iter().map(Result::unwrap));
            match page.next {
                Some(next) => cursor = Some(next),
                None => return all,
            }
        }
        panic!("the walk has no end")
    }

    async fn order(&self, id: &str) -> FetchedOrder {
        self.orders(OrderQuery::Ids(vec![id.to_owned()])).await.remove(0)
    }

    async fn push(&self, key: &str, targets: Vec<StockTarget>) -> Vec<StockOutcome> {
        let batch = StockBatch { group: None, targets };
        Shopify.push_stock(&self.shop(), key, &batch).await.unwrap()
    }
}

fn mug(sku: &str, quantity: i64) -> Goods {
    Goods {
        sku: Some(sku.to_owned()),
        title: "Mug".to_owned(),
        price: "12.50".to_owned(),
        quantity: Some(quantity),
        ..Goods::default()
    }
}

fn target(listing: &FetchedListing, quantity: i64, expected: Option<i64>) -> StockTarget {
    StockTarget {
        listing: listing.reference.clone(),
        stock_ref: listing.stock_ref.clone(),
        quantity: Quantity::new(quantity).unwrap(),
        expected,
        locations: Vec::new(),
    }
}

fn units(order: &FetchedOrder) -> Vec<(u32, u32)> {
    order.lines.iter().map(|line| (line.quantity.get(), line.shipped.get())).collect()
}

#[tokio::test]
async fn the_shop_is_identified_with_its_own_location() {
    let bench = Bench::new();
    let identity = Shopify.identify(&bench.shop()).await.unwrap();
    assert_eq!(identity.name, "Simulated shop");
    assert_eq!(identity.currency, usd());
    assert_eq!(identity.facts.get("location_id").map(String::as_str), Some("501"));
}

#[tokio::test]
async fn each_variant_is_a_listing() {
    let bench = Bench::new();
    bench.sim.add(mug("MUG", 5));
    let shirt = Goods {
        title: "Shirt".to_owned(),
        variations: vec![Variation {
            sku: None,
            price: "20".to_owned(),
            quantity: None,
            attributes: vec![("Colour".to_owned(), "Red".to_owned()), ("Size".to_owned(), "L".to_owned())],
        }],
        ..Goods::default()
    };
    let sold = bench.sim.add(shirt);
    bench.sim.set_status(&sold[0], "UNLISTED");
    let listings = bench.listings(None).await;
    let [plain, red] = listings.as_slice() else { panic!("{listings:?}") };
    assert_eq!((plain.title.as_str(), plain.attributes.len()), ("Mug", 0));
    assert_eq!(plain.quantity, Some(Quantity::new(5).unwrap()));
    assert_eq!(plain.price.map(|price| price.minor), Some(1250));
    assert_eq!(plain.status, ChannelStatus::Active);
    assert_eq!((red.title.as_str(), red.attributes.len()), ("Shirt - Red / L", 2));
    assert_eq!((red.sku.as_ref(), red.quantity), (None, None));
    assert_eq!(red.status, ChannelStatus::Inactive);
    assert_eq!(red.reference.variation_id, sold[0].variation_id);
}

#[tokio::test]
async fn four_attributes_fail_alone() {
    let bench = Bench::new();
    let attributes = ["A", "B", "C", "D"].map(|name| (name.to_owned(), "x".to_owned())).to_vec();
    let variation = Variation { price: "1".to_owned(), attributes, ..Variation::default() };
    bench.sim.add(Goods { title: "Odd".to_owned(), variations: vec![variation], ..Goods::default() });
    bench.sim.add(mug("MUG", 5));
    let page = Shopify.fetch_listings(&bench.shop(), None, None).await.unwrap();
    assert_eq!(page.records[0].as_ref().unwrap_err().code, "too_many_attributes");
    assert!(page.records[1].is_ok());
}

#[tokio::test]
async fn a_walk_finds_each_listing_once_and_a_window_only_what_changed() {
    let bench = Bench::new();
    let sold: Vec<Sold> = (0..500).flat_map(|n| bench.sim.add(mug(&format!("M{n}"), n))).collect();
    let all = bench.listings(None).await;
    let found: Vec<_> = all.iter().filter_map(|listing| listing.reference.variation_id.clone()).collect();
    assert_eq!(found, sold.iter().filter_map(|sold| sold.variation_id.clone()).collect::<Vec<_>>());
    bench.pass(Duration::from_secs(3600));
    let from = bench.now();
    bench.pass(Duration::from_millis(500));
    bench.sim.rename(&sold[7], Some(Some("NEW".to_owned())), None);
    let window = Window { from, to: from.checked_add(SignedDuration::from_millis(900)).unwrap() };
    let changed = bench.listings(Some(window)).await;
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].sku.as_ref().map(|sku| sku.as_str()), Some("NEW"));
}

#[tokio::test]
async fn an_order_is_followed_through_its_life() {
    use ChannelOrderState::*;
    let bench = Bench::new();
    let mug = bench.sim.add(mug("MUG", 10)).remove(0);
    let id = bench.sim.sell_unpaid(&[(mug.clone(), 4)]);
    let order = bench.order(&id).await;
    assert_eq!((order.state, order.payment), (Pending, PaymentStatus::Pending));
    assert_eq!(order.number, "#1001");
    assert_eq!(order.total.map(|total| total.minor), Some(5000));
    assert_eq!(order.buyer.email.as_deref(), Some("buyer@example.com"));
    let reference =
        ListingRef { external_id: mug.external_id.clone(), variation_id: mug.variation_id.clone() };
    assert_eq!(order.lines[0].listing, Some(reference));
    bench.sim.pay(&id);
    assert_eq!(bench.order(&id).await.state, Confirmed);
    bench.sim.edit(&id, 0, 3);
    assert_eq!(units(&bench.order(&id).await), [(3, 0)]);
    bench.sim.fulfil_line(&id, 0, 2);
    let order = bench.order(&id).await;
    assert_eq!((order.state, units(&order)), (PartFulfilled, vec![(3, 2)]));
    bench.sim.fulfil(&id);
    let order = bench.order(&id).await;
    assert_eq!((order.state, units(&order)), (Fulfilled, vec![(3, 3)]));
    bench.sim.refund_without_restock(&id, 0, 1);
    let order = bench.order(&id).await;
    assert_eq!(
        (order.state, order.payment, units(&order)),
        (Fulfilled, PaymentStatus::PartRefunded, vec![(3, 3)])
    );
    bench.sim.take_back(&id, 0, 1);
    assert_eq!(units(&bench.order(&id).await), [(2, 2)]);
    assert_eq!(bench.sim.quantity(&mug), Some(8));
}

#[tokio::test]
async fn a_cancelled_order_holds_nothing_and_an_unknown_status_is_reported() {
    let bench = Bench::new();
    let mug = bench.sim.add(mug("MUG", 10)).remove(0);
    let id = bench.sim.sell(&[(mug.clone(), 4)]);
    bench.sim.cancel(&id);
    let order = bench.order(&id).await;
    assert_eq!((order.state, units(&order)), (ChannelOrderState::Cancelled, vec![(0, 0)]));
    let id = bench.sim.sell(&[(mug.clone(), 1)]);
    bench.sim.set_financial_status(&id, "VOIDED");
    let order = bench.order(&id).await;
    assert_eq!((order.state, order.payment), (ChannelOrderState::Pending, PaymentStatus::Voided));
    bench.sim.delete(&mug);
    assert_eq!(bench.order(&id).await.lines[0].listing, None);
}

/// An order of up to 500 lines comes whole, within a Standard plan's bucket, and so do those around it.
#[tokio::test]
async fn long_orders_lose_no_line() {
    let bench = Bench::new();
    let sold: Vec<Sold> = (0..500).flat_map(|n| bench.sim.add(mug(&format!("M{n}"), 100))).collect();
    let lines = |count: usize| -> Vec<(Sold, u32)> {
        sold.iter().take(count).map(|sold| (sold.clone(), 1)).collect()
    };
    let sizes = [1, 10, 11, 500, 71, 300, 500, 2, 260, 450, 499, 70];
    let start = bench.now();
    for size in sizes {
        let id = bench.sim.sell(&lines(size));
        if size == 300 {
            bench.sim.refund(&id, 299, 1);
        }
        bench.pass(Duration::from_secs(1));
    }
    let window = Window { from: start, to: bench.now() };
    let orders = bench.orders(OrderQuery::Changed(window)).await;
    assert_eq!(orders.iter().map(|order| order.lines.len()).collect::<Vec<_>>(), sizes);
    assert_eq!(orders[5].lines[299].quantity, Quantity::ZERO);
    assert!(orders[4].lines.iter().take(70).all(|line| line.unit_price.is_some()));
    let ids: Vec<String> = orders.iter().map(|order| order.external_id.clone()).collect();
    let again = bench.orders(OrderQuery::Ids(ids)).await;
    assert_eq!(again.iter().map(|order| order.lines.len()).collect::<Vec<_>>(), sizes);
}

#[tokio::test]
async fn orders_that_are_not_there_are_left_out() {
    let bench = Bench::new();
    let mug = bench.sim.add(mug("MUG", 10)).remove(0);
    let id = bench.sim.sell(&[(mug, 1)]);
    let orders = bench.orders(OrderQuery::Ids(vec!["1".to_owned(), id.clone()])).await;
    assert_eq!(orders.iter().map(|order| &order.external_id).collect::<Vec<_>>(), [&id]);
    assert!(bench.orders(OrderQuery::Ids(Vec::new())).await.is_empty());
}

#[tokio::test]
async fn stock_is_set_and_compared() {
    let bench = Bench::new();
    bench.sim.add(mug("A", 5));
    let b = bench.sim.add(mug("B", 5)).remove(0);
    let listings = bench.listings(None).await;
    let outcomes =
        bench.push("1", vec![target(&listings[0], 3, Some(5)), target(&listings[1], 3, None)]).await;
    assert_eq!(outcomes, [StockOutcome::Accepted, StockOutcome::Accepted]);
    bench.sim.sell(&[(b.clone(), 1)]);
    let outcomes =
        bench.push("2", vec![target(&listings[0], 9, Some(3)), target(&listings[1], 9, Some(3))]).await;
    assert!(matches!(outcomes[0], StockOutcome::Failed { code: "batch_not_applied", .. }), "{outcomes:?}");
    assert_eq!(outcomes[1], StockOutcome::Stale { observed: None });
    let targets = [target(&listings[0], 0, None), target(&listings[1], 0, None)];
    assert_eq!(Shopify.read_stock(&bench.shop(), &targets).await.unwrap(), [Some(3), Some(2)]);
}

#[tokio::test]
async fn a_key_is_good_for_one_batch() {
    let bench = Bench::new();
    let mug = bench.sim.add(mug("A", 5)).remove(0);
    let listing = bench.listings(None).await.remove(0);
    assert_eq!(bench.push("k", vec![target(&listing, 3, Some(5))]).await, [StockOutcome::Accepted]);
    bench.sim.set_quantity(&mug, 7);
    assert_eq!(bench.push("k", vec![target(&listing, 3, Some(5))]).await, [StockOutcome::Accepted]);
    assert_eq!(bench.sim.quantity(&mug), Some(7));
    let outcomes = bench.push("k", vec![target(&listing, 4, Some(7))]).await;
    assert!(
        matches!(outcomes[0], StockOutcome::Failed { code: "previous_attempt_failed", .. }),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn what_shopify_no_longer_has_is_rejected_alone() {
    let bench = Bench::new();
    let gone = bench.sim.add(mug("A", 5)).remove(0);
    bench.sim.add(mug("B", 5));
    let listings = bench.listings(None).await;
    bench.sim.delete(&gone);
    let mut unfetched = target(&listings[1], 1, None);
    unfetched.stock_ref = None;
    let targets = vec![unfetched, target(&listings[0], 3, None), target(&listings[1], 3, None)];
    let outcomes = bench.push("1", targets).await;
    assert!(matches!(outcomes[0], StockOutcome::Rejected { code: "no_inventory_item", .. }));
    assert!(matches!(outcomes[1], StockOutcome::Rejected { code: "invalid_inventory_item", .. }));
    assert!(matches!(outcomes[2], StockOutcome::Failed { code: "batch_not_applied", .. }));
}

#[tokio::test]
async fn a_full_batch_fits_one_call() {
    let bench = Bench::new();
    for n in 0..250 {
        bench.sim.add(mug(&format!("M{n}"), 1));
    }
    let listings = bench.listings(None).await;
    let targets: Vec<StockTarget> = listings.iter().map(|listing| target(listing, 2, Some(1))).collect();
    bench.sim.take_calls();
    let outcomes = bench.push("1", targets.clone()).await;
    assert!(outcomes.iter().all(|outcome| *outcome == StockOutcome::Accepted));
    let read = bench.patiently(async || Shopify.read_stock(&bench.shop(), &targets).await).await;
    assert!(read.iter().all(|quantity| *quantity == Some(2)));
    let operations: Vec<String> = bench.sim.take_calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(operations, ["mutation inventorySetQuantities", "query nodes"]);
}

#[tokio::test]
async fn a_refresh_token_is_spent_by_the_use_of_its_successor() {
    let mut bench = Bench::with(Access::Expiring, 2_000);
    assert_eq!(Shopify.expires_at(&bench.credentials), Some(Timestamp::UNIX_EPOCH));
    let first = bench.credentials.clone();
    bench.credentials = Shopify.refresh(&bench.shop()).await.unwrap();
    assert!(Shopify.expires_at(&bench.credentials).unwrap() > bench.now());
    Shopify.identify(&bench.shop()).await.unwrap();
    bench.pass(Duration::from_secs(3600));
    assert_eq!(Shopify.identify(&bench.shop()).await.unwrap_err().kind, ErrorKind::Unauthorized);
    let second = bench.credentials.clone();
    bench.credentials = Shopify.refresh(&bench.shop()).await.unwrap();
    assert_ne!(second.get("refresh_token"), bench.credentials.get("refresh_token"));
    Shopify.identify(&bench.shop()).await.unwrap();
    bench.credentials = first;
    assert_eq!(Shopify.refresh(&bench.shop()).await.unwrap_err().kind, ErrorKind::Unauthorized);
    // The answer to the second refresh may have been lost: its token works until the third is used.
    bench.credentials = second;
    bench.credentials = Shopify.refresh(&bench.shop()).await.unwrap();
    Shopify.identify(&bench.shop()).await.unwrap();
}

#[tokio::test]
async fn an_application_of_the_own_organization_gets_a_token_of_a_day() {
    let mut bench = Bench::with(Access::ClientCredentials, 2_000);
    assert_eq!(Shopify.identify(&bench.shop()).await.unwrap_err().kind, ErrorKind::Unauthorized);
    bench.credentials = Shopify.refresh(&bench.shop()).await.unwrap();
    Shopify.identify(&bench.shop()).await.unwrap();
    assert_eq!(bench.credentials.get("refresh_token"), None);
    let end = Shopify.expires_at(&bench.credentials).unwrap();
    assert!(end.duration_since(bench.now()) > SignedDuration::from_hours(23));
}

#[tokio::test]
async fn an_empty_bucket_costs_no_call() {
    let bench = Bench::with(Access::Lasting, 1_000);
    for n in 0..240 {
        bench.sim.add(mug(&format!("M{n}"), 1));
    }
    Shopify.fetch_listings(&bench.shop(), None, None).await.unwrap();
    let calls = bench.sim.take_calls().len();
    let error = Shopify.fetch_listings(&bench.shop(), None, None).await.unwrap_err();
    assert_eq!((error.kind, calls), (ErrorKind::Throttled, 1));
    assert!(bench.sim.take_calls().is_empty());
    // Another process, which has not heard of the bucket, is told by the shop.
    let unaware = Pace::default();
    let shop = Shop { pace: &unaware, ..bench.shop() };
    let told = Shopify.fetch_listings(&shop, None, None).await.unwrap_err();
    assert_eq!((told.kind, told.retry), (ErrorKind::Throttled, error.retry));
    let Retry::After(wait) = told.retry else { panic!("{told:?}") };
    bench.pass(wait);
    Shopify.fetch_listings(&bench.shop(), None, None).await.unwrap();
}

#[tokio::test]
async fn notifications_are_subscribed_to_once_and_believed() {
    let bench = Bench::new();
    let callback: Url = "https://example.com/v1/webhooks/con_1".parse().unwrap();
    let secret = SecretString::from("unused");
    let ensure = async || Shopify.ensure_webhooks(&bench.shop(), &callback, &secret).await.unwrap().restored;
    assert_eq!(ensure().await, 7);
    assert_eq!(ensure().await, 0);
    bench.sim.drop_subscriptions();
    assert_eq!(ensure().await, 7);
    let mug = bench.sim.add(mug("MUG", 10)).remove(0);
    let id = bench.sim.sell(&[(mug, 2)]);
    bench.sim.edit(&id, 0, 1);
    bench.sim.refund(&id, 0, 1);
    bench.sim.revoke();
    let mut hints = Vec::new();
    for delivery in bench.sim.take_deliveries() {
        let headers: HeaderMap = delivery
            .headers
            .iter()
            .map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap()))
            .collect::<HeaderMap>();
        let read = Shopify.read_webhook(&bench.shop(), &secret, &headers, &delivery.body).await.unwrap();
        assert!(read.delivery_id.is_some());
        assert!(!String::from_utf8_lossy(&delivery.body).contains("buyer@"));
        hints.push(read.hint);
    }
    let orders = || Hint::Orders(vec![id.clone()]);
    assert_eq!(hints, [Hint::Listings, orders(), orders(), orders(), orders(), orders(), Hint::Revoked]);
}

#[tokio::test]
async fn what_is_not_an_answer_is_no_answer() {
    struct Fixed(u16, &'static str);
    #[async_trait]
    impl Transport for Fixed {
        async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
            Ok(Response::builder().status(self.0).body(Bytes::from_static(self.1.as_bytes())).unwrap())
        }
    }
    let bench = Bench::new();
    let table = [
        (Fixed(200, "<html>Welcome</html>"), ErrorKind::Unavailable),
        (Fixed(200, r#"{"data":{"shop":{"na"#), ErrorKind::Malformed),
        (Fixed(200, r#"{"data":{"shop":{}}}"#), ErrorKind::Malformed),
        (Fixed(200, "{}"), ErrorKind::Malformed),
        (
            Fixed(200, r#"{"data":null,"errors":[{"message":"no","extensions":{"code":"ACCESS_DENIED"}}]}"#),
            ErrorKind::Forbidden,
        ),
        (Fixed(402, "{}"), ErrorKind::Unavailable),
        (Fixed(404, "<html>Not found</html>"), ErrorKind::NotThisChannel),
        (Fixed(502, "<html>Bad gateway</html>"), ErrorKind::Unavailable),
    ];
    for (transport, kind) in table {
        let shop = Shop { transport: &transport, ..bench.shop() };
        assert_eq!(Shopify.identify(&shop).await.unwrap_err().kind, kind, "{}", transport.1);
    }
}

/// An app without consent to personal data imports orders all the same.
#[tokio::test]
async fn an_order_without_its_buyer_is_an_order() {
    struct Concealing(Direct);
    #[async_trait]
    impl Transport for Concealing {
        async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
            let response = self.0.send(request).await?;
            let mut answer: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            for (field, value) in answer["data"]["nodes"][0].as_object_mut().unwrap() {
                if ["email", "shippingAddress", "billingAddress"].contains(&field.as_str()) {
                    *value = serde_json::Value::Null;
                }
            }
            answer["errors"] = serde_json::json!([
                { "message": "denied", "path": ["nodes", 0, "email"], "extensions": { "code": "ACCESS_DENIED" } }
            ]);
            Ok(response.map(|_| Bytes::from(answer.to_string())))
        }
    }
    let bench = Bench::new();
    let mug = bench.sim.add(mug("MUG", 10)).remove(0);
    let id = bench.sim.sell(&[(mug, 1)]);
    let transport = Concealing(Direct(bench.sim.clone()));
    let shop = Shop { transport: &transport, ..bench.shop() };
    let page = Shopify.fetch_orders(&shop, &OrderQuery::Ids(vec![id]), None).await.unwrap();
    let order = page.records[0].as_ref().unwrap();
    assert_eq!((order.buyer.email.as_deref(), order.lines.len()), (None, 1));
}
