//! Orders, shipments and notifications.

use channels::amazon::Amazon;
use channels::{Channel, ErrorKind, Hint, NOT_SOLD_HERE, OrderQuery, Shipment, ShipmentOutcome, ShippedLine};
use domain::channel::Fulfilment;
use domain::order::ChannelOrderState;
use domain::schedule::Window;
use domain::{Quantity, Sku};
use marketplace_sim::{Fault, Goods, SimulatedShop, Sold};
use std::time::Duration;

use crate::stage::{Stage, mug};

#[tokio::test]
async fn who_ships_an_order_is_told() {
    let stage = Stage::new().await;
    let own = stage.sim.add(mug(1)).remove(0);
    let fba = stage.sim.add_fba(Goods { sku: Some("FBA".to_owned()), ..mug(2) }).remove(0);
    let (own, fba) = (stage.sim.sell(&[(own, 1)]), stage.sim.sell(&[(fba, 1)]));
    assert_eq!(stage.order(&own).await.fulfilment, Fulfilment::Mfn);
    assert_eq!(stage.order(&fba).await.fulfilment, Fulfilment::Fba);
}

/// Our own orders from Amazon's stock come back as orders: left out by their code, found by time or by id.
#[tokio::test]
async fn our_own_multi_channel_orders_are_not_sales() {
    let stage = Stage::new().await;
    let fba = stage.sim.add_fba(mug(1)).remove(0);
    let id = stage.sim.send_elsewhere(&[(fba, 1)]);
    for query in [OrderQuery::Changed(stage.all_time()), OrderQuery::Ids(vec![id.clone()])] {
        let failure = stage.order_page(&query).await.records.remove(0).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.external_id.as_str()), (NOT_SOLD_HERE, id.as_str()));
    }
}

/// A state that says nothing of what the merchant is to do is pending, and reported by its name.
#[tokio::test]
async fn a_state_that_is_not_ours_is_pending_and_reported() {
    let stage = Stage::new().await;
    let sold = stage.sim.add(mug(1)).remove(0);
    let id = stage.sim.sell(&[(sold, 1)]);
    stage.sim.set_status(&id, "UNFULFILLABLE");
    let order = stage.order(&id).await;
    assert_eq!(
        (order.state, order.unknown_state.as_deref()),
        (ChannelOrderState::Pending, Some("UNFULFILLABLE"))
    );
}

/// An order that Amazon does not know is left as it is known here.
#[tokio::test]
async fn an_unknown_order_is_no_failure() {
    let stage = Stage::new().await;
    let page = stage.order_page(&OrderQuery::Ids(vec!["902-0000000-0000001".to_owned()])).await;
    assert!(page.records.is_empty() && page.next.is_none());
}

/// An end that is too near is left out of the call, and kept all the same.
#[tokio::test]
async fn a_window_that_ends_now_is_asked_for_without_its_end() {
    let stage = Stage::new().await;
    let sold = stage.sim.add(mug(1)).remove(0);
    let first = stage.sim.sell(&[(sold.clone(), 1)]);
    stage.pass(Duration::from_secs(60));
    let window = Window::new("2026-11-21T00:00:00Z".parse().unwrap(), stage.now()).unwrap();
    stage.sim.sell(&[(sold, 1)]);
    for wait in [0, 600] {
        stage.pass(Duration::from_secs(wait));
        let page = stage.order_page(&OrderQuery::Changed(window)).await;
        let ids: Vec<_> = page.records.into_iter().map(|order| order.unwrap().external_id).collect();
        assert_eq!(ids, [first.as_str()]);
    }
}

async fn shipment(stage: &Stage, order: &str, number: u32, units: i64) -> Shipment {
    let order = stage.order(order).await;
    Shipment {
        order: order.external_id,
        marketplace: None,
        number,
        carrier: "ups".to_owned(),
        tracking_number: Some(format!("1Z{number}")),
        shipped_at: stage.now(),
        lines: vec![ShippedLine {
            line_id: order.lines[0].line_id.clone(),
            sku: order.lines[0].sku.as_deref().map(|sku| Sku::parse(sku).unwrap()),
            quantity: Quantity::new(units).unwrap(),
        }],
        completes: false,
    }
}

async fn tell(stage: &Stage, shipment: &Shipment) -> ShipmentOutcome {
    stage.patiently(async || Amazon.push_shipment(&stage.shop(), shipment).await).await
}

fn one_order(stage: &Stage, units: u32) -> (Sold, String) {
    let sold = stage.sim.add(mug(1)).remove(0);
    let id = stage.sim.sell(&[(sold.clone(), units)]);
    (sold, id)
}

/// A shipment told twice, also after its answer was lost, is one; a second number is another.
#[tokio::test]
async fn a_shipment_told_twice_is_one() {
    let stage = Stage::new().await;
    let (_, id) = one_order(&stage, 3);
    let first = shipment(&stage, &id, 1, 2).await;
    stage.sim.faults().push(Fault::DropAnswer);
    let error = Amazon.push_shipment(&stage.shop(), &first).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let accepted = ShipmentOutcome::Accepted { external_id: Some("1".to_owned()) };
    assert_eq!(tell(&stage, &first).await, accepted);
    assert_eq!(stage.sim.shipments(&id).len(), 1);
    let order = stage.order(&id).await;
    assert_eq!((order.state, order.lines[0].shipped.get()), (ChannelOrderState::PartFulfilled, 2));
    let second = shipment(&stage, &id, 2, 1).await;
    tell(&stage, &second).await;
    let told = stage.sim.shipments(&id);
    assert_eq!(
        (told.len(), told[0].carrier.as_deref(), told[0].tracking_number.as_deref()),
        (2, Some("UPS"), Some("1Z1"))
    );
    assert_eq!(stage.order(&id).await.state, ChannelOrderState::Fulfilled);
}

/// More than is to be shipped is refused for good; a carrier that Amazon has no code for goes by its name.
#[tokio::test]
async fn a_wrong_shipment_is_rejected_and_an_odd_carrier_is_named() {
    let stage = Stage::new().await;
    let (_, id) = one_order(&stage, 1);
    let too_much = shipment(&stage, &id, 1, 2).await;
    assert!(matches!(
        tell(&stage, &too_much).await,
        ShipmentOutcome::Rejected { code: "shipment_refused", .. }
    ));
    let bike = Shipment {
        carrier: "Bike courier".to_owned(),
        tracking_number: None,
        ..shipment(&stage, &id, 1, 1).await
    };
    tell(&stage, &bike).await;
    assert_eq!(stage.sim.shipments(&id)[0].carrier.as_deref(), Some("Bike courier"));
}

/// With several marketplaces, a shipment is told in its order's own.
#[tokio::test]
async fn a_shipment_is_told_in_its_order_s_marketplace() {
    let ids = ["A1F83G8C2ARO7P", "A1PA6795UKMFR9"];
    let mut stage = Stage::with(|sim| sim.in_marketplaces(&ids)).await;
    stage.marketplaces = ids.iter().map(|id| (*id).to_owned()).collect();
    let (_, id) = one_order(&stage, 1);
    stage.sim.set_marketplace(&id, ids[1]);
    let whole = shipment(&stage, &id, 1, 1).await;
    assert!(matches!(tell(&stage, &whole).await, ShipmentOutcome::Accepted { .. }));
}

/// What the queue delivers is as Amazon's own schema says, and names the order.
#[tokio::test]
async fn a_notification_is_as_amazon_s_schema_says() {
    let stage = Stage::new().await;
    let callback = "https://hub.example/x".parse().unwrap();
    let secret = "unused".to_owned().into();
    assert_eq!(Amazon.ensure_webhooks(&stage.shop(), &callback, &secret).await.unwrap().restored, 1);
    let (_, id) = one_order(&stage, 1);
    let told = stage.sim.take_deliveries().remove(0);
    let read = Amazon.read_queued_notification(&told.body).unwrap();
    assert_eq!(read.hint, Hint::Orders(vec![id]));
    assert!(read.delivery_id.is_some());
    if let Some(schema) = crate::model::file("OrderChangeNotification.json") {
        let mut problems = Vec::new();
        let body = serde_json::from_slice(&told.body).unwrap();
        crate::model::judge(&schema, &schema, &body, "notification", &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        for example in schema["examples"].as_array().into_iter().flatten() {
            let read = Amazon.read_queued_notification(example.to_string().as_bytes()).unwrap();
            assert_eq!(read.hint, Hint::Orders(vec!["903-8868176-2219830".to_owned()]));
        }
    }
}
