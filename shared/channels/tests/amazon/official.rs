//! Amazon's own sandbox pairs, as oracle: every answer that its models show for an operation of ours can be read.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use channels::amazon::Amazon;
use channels::transport::TransportError;
use channels::{
    Channel, Cursor, ErrorKind, Fulfiller, NOT_SOLD_HERE, OrderQuery, Pace, Shipment, ShipmentOutcome, Shop,
    ShopFacts, StockOutcome, Transport,
};
use domain::inbound::InboundRef;
use domain::listing::RecordFailure;
use domain::order::FetchedOrder;
use domain::schedule::Window;
use http::{Request, Response};
use marketplace_sim::Sold;
use serde_json::Value;

use crate::model::file;
use crate::stage::{Stage, target};

/// Gives these answers to whatever it is asked, in order.
struct Replay(Mutex<VecDeque<(u16, String)>>);

#[async_trait]
impl Transport for Replay {
    async fn send(&self, _request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let (status, body) = self.0.lock().unwrap().pop_front().expect("no more calls than answers");
        Ok(Response::builder().status(status).body(body.into()).unwrap())
    }
}

/// Each official answer of an operation, with its status.
fn answers(name: &str, pointer: &str) -> Vec<(u16, Value)> {
    let Some(model) = file(name) else { return Vec::new() };
    let responses = model.pointer(pointer).unwrap()["responses"].as_object().unwrap().clone();
    let mut found = Vec::new();
    for (status, said) in responses {
        for pair in said["x-amzn-api-sandbox"]["static"].as_array().into_iter().flatten() {
            found.push((status.parse().unwrap(), pair["response"].clone()));
        }
    }
    assert!(!found.is_empty(), "{name} {pointer} has no pairs");
    found
}

macro_rules! with {
    ($stage:ident, each $answers:expr, $transport:ident, $shop:ident) => {
        let answers = $answers.into_iter().map(|(status, body)| (status, body.to_string()));
        let $transport = Replay(Mutex::new(answers.collect()));
        let pace = Pace::default();
        let facts = ShopFacts::new();
        let $shop = Shop { transport: &$transport, pace: &pace, facts: &facts, ..$stage.shop() };
    };
    ($stage:ident, $answer:expr, $transport:ident, $shop:ident) => {
        with!($stage, each[$answer], $transport, $shop);
    };
}

const LISTINGS: &str = "listingsItems_2021-08-01.json";
const ORDERS: &str = "orders_2026-01-01.json";

/// One order, read or left out by its own code.
fn check_read(record: &Result<FetchedOrder, RecordFailure>) -> usize {
    if let Err(failure) = record {
        assert_eq!(failure.code, NOT_SOLD_HERE, "{failure:?}");
    }
    1
}

#[tokio::test]
async fn official_orders_are_read() {
    let stage = Stage::new().await;
    let far = Window::new("2020-01-01T00:00:00Z".parse().unwrap(), "2021-01-01T00:00:00Z".parse().unwrap())
        .unwrap();
    let mut read = 0;
    for (status, body) in answers(ORDERS, "/paths/~1orders~12026-01-01~1orders/get") {
        let count = body["orders"].as_array().map_or(0, Vec::len);
        // The window must hold what the answer shows.
        let window = body["orders"][0]["lastUpdatedTime"].as_str().map_or(far, |at| {
            let at: domain::Timestamp = at.parse().unwrap();
            let day = jiff::SignedDuration::from_hours(24 * 300);
            Window::new(at.checked_sub(day).unwrap(), at.checked_add(day).unwrap()).unwrap()
        });
        with!(stage, (status, body), transport, shop);
        let page = Amazon.fetch_orders(&shop, &OrderQuery::Changed(window), None).await;
        match status {
            200 => {
                let records = page.unwrap().records;
                assert_eq!(records.len(), count);
                read += records.iter().map(check_read).sum::<usize>();
            }
            _ => assert_eq!(page.unwrap_err().kind, ErrorKind::Rejected),
        }
    }
    for (status, body) in answers(ORDERS, "/paths/~1orders~12026-01-01~1orders~1{orderId}/get") {
        with!(stage, (status, body), transport, shop);
        let page = Amazon.fetch_orders(&shop, &OrderQuery::Ids(vec!["1".to_owned()]), None).await;
        match status {
            200 => {
                read += page.unwrap().records.iter().map(check_read).sum::<usize>();
            }
            _ => assert_eq!(page.unwrap_err().kind, ErrorKind::Rejected),
        }
    }
    println!("{read} official orders read");
}

#[tokio::test]
async fn official_listings_are_read() {
    let stage = Stage::new().await;
    let sold = Sold { external_id: "GM-ZDPI-9B4E".to_owned(), variation_id: None };
    for (status, body) in answers(LISTINGS, "/paths/~1listings~12021-08-01~1items~1{sellerId}/get") {
        with!(stage, (status, body), transport, shop);
        match Amazon.fetch_listings(&shop, None, None).await {
            Ok(page) => {
                assert_eq!(status, 200);
                let found: Vec<_> = page.records.into_iter().map(Result::unwrap).collect();
                assert_eq!((found.len(), found[0].quantity.map(|units| units.get())), (1, Some(100)));
                assert!(page.next.is_some());
            }
            Err(error) => assert_eq!((status, error.kind), (400, ErrorKind::Rejected)),
        }
    }
    let one = "/paths/~1listings~12021-08-01~1items~1{sellerId}~1{sku}";
    for (status, body) in answers(LISTINGS, &format!("{one}/get")) {
        with!(stage, (status, body), transport, shop);
        match Amazon.read_stock(&shop, &[target(&sold, 1)]).await {
            Ok(shown) => assert_eq!((status, shown), (200, vec![Some(100)])),
            Err(error) => assert_eq!((status, error.kind), (400, ErrorKind::Rejected)),
        }
    }
    for (status, body) in answers(LISTINGS, &format!("{one}/patch")) {
        let wanted = body["status"].as_str().map(str::to_owned);
        with!(stage, (status, body), transport, shop);
        let batch = Amazon.plan_stock(vec![target(&sold, 1)], &Pace::default()).remove(0);
        let outcome = Amazon.push_stock(&shop, "k", &batch).await.map(|mut told| told.remove(0));
        match (wanted.as_deref(), outcome) {
            (Some("ACCEPTED"), Ok(StockOutcome::Accepted)) => {}
            // VALID is said to a preview, which is not what we ask for: nothing was set.
            (Some("INVALID" | "VALID"), Ok(StockOutcome::Rejected { .. })) => {}
            (None, Err(error)) => assert_eq!(error.kind, ErrorKind::Rejected),
            (wanted, outcome) => panic!("{wanted:?}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn official_feeds_reports_and_shipments_are_read() {
    let stage = Stage::new().await;
    for (status, body) in answers("feeds_2021-06-30.json", "/paths/~1feeds~12021-06-30~1feeds~1{feedId}/get")
    {
        with!(stage, (status, body), transport, shop);
        match Amazon.stock_result(&shop, "1").await {
            Ok(result) => assert_eq!((status, result.is_some()), (200, true)),
            Err(error) => assert_eq!((status, error.kind), (400, ErrorKind::Rejected)),
        }
    }
    let reading = |text: &str| Some(Cursor(text.to_owned()));
    for (status, body) in answers("reports_2021-06-30.json", "/paths/~1reports~12021-06-30~1reports/post") {
        with!(stage, (status, body), transport, shop);
        let page = Amazon.fetch_listings(&shop, None, reading(r#"{"in":"report"}"#).as_ref()).await;
        assert_eq!(page.is_ok(), status == 202);
    }
    for (status, body) in
        answers("reports_2021-06-30.json", "/paths/~1reports~12021-06-30~1reports~1{reportId}/get")
    {
        with!(stage, (status, body), transport, shop);
        let page =
            Amazon.fetch_listings(&shop, None, reading(r#"{"in":"waiting","report":"1"}"#).as_ref()).await;
        match page {
            Ok(_) => assert_eq!(status, 200),
            Err(error) => {
                assert!(matches!(error.kind, ErrorKind::Rejected | ErrorKind::Unavailable), "{error}")
            }
        }
    }
    let shipment = Shipment {
        order: "902-1106328-1059050".to_owned(),
        marketplace: Some("ATVPDKIKX0DER".to_owned()),
        number: 1,
        carrier: "FedEx".to_owned(),
        tracking_number: Some("112345678".to_owned()),
        shipped_at: stage.now(),
        lines: Vec::new(),
        completes: true,
    };
    let confirm = "/paths/~1orders~1v0~1orders~1{orderId}~1shipmentConfirmation/post";
    for (status, body) in answers("ordersV0.json", confirm) {
        with!(stage, (status, body), transport, shop);
        let outcome = Amazon.push_shipment(&shop, &shipment).await.unwrap();
        assert_eq!(matches!(outcome, ShipmentOutcome::Accepted { .. }), status == 204, "{outcome:?}");
    }
    for (status, body) in answers("sellers.json", "/paths/~1sellers~1v1~1marketplaceParticipations/get") {
        with!(stage, (status, body), transport, shop);
        let identity = Amazon.identify(&shop).await;
        assert!(identity.is_ok() || identity.is_err_and(|error| error.kind == ErrorKind::Rejected));
    }
}

#[tokio::test]
async fn f10_official_shipments_to_amazon_are_read() {
    let stage = Stage::new().await;
    let file = "fulfillmentInbound_2024-03-20.json";
    let one = "/paths/~1inbound~1fba~12024-03-20~1inboundPlans~1{inboundPlanId}~1shipments~1{shipmentId}";
    let reference = InboundRef {
        inbound_plan_id: "wf1234abcd-1234-abcd-5678-1234abcd5678".parse().unwrap(),
        shipment_id: "sh1234abcd-1234-abcd-5678-1234abcd5678".parse().unwrap(),
    };
    let pages = answers(file, &format!("{one}~1items/get"));
    let pages: Vec<(u16, Value)> = pages.into_iter().filter(|(status, _)| *status == 200).collect();
    for (status, body) in answers(file, &format!("{one}/get")) {
        // The page that Amazon shows has one behind it.
        let last = (200, serde_json::json!({"items": []}));
        let all: Vec<(u16, Value)> =
            [(status, body)].into_iter().chain(pages.clone()).chain([last]).collect();
        with!(stage, each all, transport, shop);
        let read = Amazon.inbound(&shop, &reference).await.unwrap();
        let found = read.map(|read| (read.status, read.confirmation_id, read.units["msku"].get()));
        let shown = (Some("WORKING".to_owned()), Some("FBA1234ABCD".to_owned()), 5);
        assert_eq!(found, (status == 200).then_some(shown), "{status}");
    }
}
