//! Every kind of call that the adapter makes, and every answer of the simulated account, by eBay's own documents.

use std::collections::BTreeSet;

use channels::ebay::Ebay;
use channels::{
    Channel, Consent, ConsentAnswer, ConsentRequest, OrderQuery, Shipment, ShippedLine, ShownAt, StockAt,
    StockTarget,
};
use domain::Quantity;
use http::{HeaderMap, HeaderName};
use marketplace_sim::{Goods, SimulatedShop, Variation};
use secrecy::SecretString;
use url::Url;

use crate::bench::{Bench, Exchange, mug};
use crate::spec::documents;

/// What the four documents are asked for: each must have been seen.
const OPERATIONS: [&str; 20] = [
    "commerce_identity_v1 getUser",
    "commerce_notification_v1 createDestination",
    "commerce_notification_v1 createSubscription",
    "commerce_notification_v1 enableSubscription",
    "commerce_notification_v1 getDestinations",
    "commerce_notification_v1 getPublicKey",
    "commerce_notification_v1 getSubscriptions",
    "commerce_notification_v1 updateDestination",
    "commerce_notification_v1 updateSubscription",
    "sell_fulfillment_v1 createShippingFulfillment",
    "sell_fulfillment_v1 getOrders",
    "sell_fulfillment_v1 getShippingFulfillments",
    "sell_inventory_v1 bulkGetInventoryItem",
    "sell_inventory_v1 bulkUpdatePriceQuantity",
    "sell_inventory_v1 getInventoryItemGroup",
    "sell_inventory_v1 getInventoryItems",
    "sell_inventory_v1 getInventoryLocations",
    "sell_inventory_v1 getOffer",
    "sell_inventory_v1 getOffers",
    "tokens and trading",
];

/// A story that makes every kind of call, refusals among them.
async fn story() -> Vec<Exchange> {
    let mut bench = Bench::new().await;
    let redirect_uri: Url = "https://hub.example/".parse().unwrap();
    let request = ConsentRequest { redirect_uri: &redirect_uri, state: "s", code_challenge: "c" };
    let page = Ebay.page(&bench.shop(), &request).unwrap();
    let query = bench.sim.consent(&page).unwrap().query_pairs().into_owned().collect();
    let answer = ConsentAnswer { query: &query, redirect_uri: &redirect_uri, code_verifier: "v" };
    bench.credentials = Ebay.redeem(&bench.shop(), &answer).await.unwrap();
    let secret = SecretString::from("s3cret".to_owned());
    let ensure = async |bench: &Bench, callback: &str| {
        bench.pass_a_minute();
        Ebay.ensure_webhooks(&bench.shop(), &callback.parse().unwrap(), &secret).await.unwrap()
    };
    ensure(&bench, "https://hub.example/a").await;
    ensure(&bench, "https://hub.example/b").await;
    bench.sim.mark_destination_down();
    bench.sim.disable_subscriptions();
    ensure(&bench, "https://hub.example/b").await;

    let variation = |sku: &str| Variation {
        sku: Some(sku.to_owned()),
        price: "20.00".to_owned(),
        quantity: Some(3),
        attributes: vec![("Size".to_owned(), sku.to_owned())],
    };
    bench.sim.add(Goods {
        title: "Shirt".to_owned(),
        variations: vec![variation("A/B 1"), variation("Größe 42")],
        ..Goods::default()
    });
    let sold: Vec<_> = (0..3)
        .flat_map(|n| bench.sim.add(Goods { barcode: Some("4006381333931".to_owned()), ..mug(n) }))
        .collect();
    bench.sim.distribute(&sold[0], &["home"]);
    bench.sim.open_location("store");
    Ebay.locations(&bench.shop()).await.unwrap();
    bench.sim.list_elsewhere(Some("OLD"), "Elsewhere");
    let targets = bench.targets(&[(&sold[0], 4), (&sold[1], 5), (&sold[2], 6)]).await;
    bench.pass_a_minute();
    Ebay.read_stock(&bench.shop(), &targets).await.unwrap();
    bench.pass_a_minute();
    bench.push(targets.clone()).await;
    bench.sim.set_fulfillment_days(&sold[0], "home", 2);
    let at = |key: &str| StockAt {
        location: key.parse().unwrap(),
        quantity: Quantity::new(2).unwrap(),
        shown: ShownAt::Unknown,
    };
    let spread = StockTarget { locations: vec![at("home"), at("store")], ..targets[0].clone() };
    bench.push(vec![spread]).await;
    bench.push(targets.clone()).await;

    let order = bench.sim.sell(&[(sold[0].clone(), 3), (sold[1].clone(), 1)]);
    for delivery in bench.sim.take_deliveries() {
        let mut headers = HeaderMap::new();
        for (name, value) in &delivery.headers {
            headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        Ebay.read_webhook(&bench.shop(), &secret, &headers, &delivery.body).await.unwrap();
    }
    bench.sim.refund(&order, 1, 1);
    bench.pass_a_minute();
    let line = bench.orders().await[0].lines[0].line_id.clone();
    for (number, tracking) in [(1, Some("T1".to_owned())), (2, None)] {
        let lines =
            vec![ShippedLine { line_id: line.clone(), sku: None, quantity: Quantity::new(1).unwrap() }];
        let shipment = Shipment {
            order: order.clone(),
            marketplace: None,
            number,
            carrier: "DHL".to_owned(),
            tracking_number: tracking,
            shipped_at: bench.now(),
            lines,
            completes: false,
        };
        Ebay.push_shipment(&bench.shop(), &shipment).await.unwrap();
        Ebay.push_shipment(&bench.shop(), &Shipment { order: "0".to_owned(), ..shipment }).await.unwrap();
    }
    bench.orders().await;
    bench.sim.cancel(&order);
    bench.orders().await;
    Ebay.fetch_orders(&bench.shop(), &OrderQuery::Ids(vec![order]), None).await.unwrap();
    bench.sim.delete(&sold[1]);
    bench.push(targets.clone()).await;
    bench.pass_a_minute();
    Ebay.read_stock(&bench.shop(), &targets).await.unwrap();
    bench.sim.revoke();
    Ebay.identify(&bench.shop()).await.unwrap_err();
    bench.take_exchanges()
}

#[tokio::test]
async fn calls_and_answers_are_as_ebay_s_documents_say() {
    let exchanges = story().await;
    let Some(documents) = documents() else { return };
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (request, response) in &exchanges {
        match documents.iter().find(|document| document.has(request)) {
            Some(document) => match document.check(request, response) {
                Ok(name) => drop(seen.insert(name)),
                Err(error) => wrong.push(error),
            },
            // The token endpoint and the Trading API have no such document.
            None => {
                assert!(
                    matches!(request.uri().path(), "/identity/v1/oauth2/token" | "/ws/api.dll"),
                    "{request:?}"
                );
                seen.insert("tokens and trading".to_owned());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(
        seen.iter().map(String::as_str).collect::<Vec<_>>(),
        OPERATIONS,
        "not every kind of call was made"
    );
    println!("{} calls of {} kinds are as documented", exchanges.len(), seen.len());
}
