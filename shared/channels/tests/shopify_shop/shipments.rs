//! Shipments: what only Shopify has.

use channels::{Shipment, ShipmentOutcome, ShippedLine};

use super::*;

fn shipment(order: &FetchedOrder, number: u32, units: &[i64], tracking_number: Option<&str>) -> Shipment {
    let lines = order.lines.iter().zip(units).filter(|(_, units)| **units > 0);
    let line = |(line, units): (&domain::order::FetchedLine, &i64)| ShippedLine {
        line_id: line.line_id.clone(),
        sku: None,
        quantity: Quantity::new(*units).unwrap(),
    };
    Shipment {
        order: order.external_id.clone(),
        marketplace: None,
        number,
        carrier: "DHL".to_owned(),
        tracking_number: tracking_number.map(str::to_owned),
        shipped_at: order.changed_at,
        lines: lines.map(line).collect(),
        completes: false,
    }
}

/// `accepted`, or the code of the refusal.
async fn ship(bench: &Bench, shipment: &Shipment) -> String {
    match bench.patiently(async || Shopify.push_shipment(&bench.shop(), shipment).await).await {
        ShipmentOutcome::Accepted { .. } => "accepted".to_owned(),
        ShipmentOutcome::Rejected { code, .. } => code.to_owned(),
    }
}

async fn sold(bench: &Bench, units: &[u32]) -> FetchedOrder {
    let lines: Vec<(Sold, u32)> =
        units.iter().map(|units| (bench.sim.add(mug("MUG", 900)).remove(0), *units)).collect();
    let id = bench.sim.sell(&lines);
    bench.order(&id).await
}

fn told(bench: &Bench, order: &FetchedOrder) -> Vec<(Option<String>, Option<String>, Vec<u32>)> {
    let of = |shipped: marketplace_sim::Shipped| {
        let units = shipped.lines.into_iter().map(|(_, units)| units).collect();
        (shipped.carrier, shipped.tracking_number, units)
    };
    bench.sim.shipments(&order.external_id).into_iter().map(of).collect()
}

#[tokio::test]
async fn parts_without_a_number_are_told_apart_by_their_own() {
    let bench = Bench::new();
    let order = sold(&bench, &[2]).await;
    for number in [1, 1, 2, 1, 2] {
        assert_eq!(ship(&bench, &shipment(&order, number, &[1], None)).await, "accepted");
    }
    let carrier = |name: &str| (Some(name.to_owned()), None, vec![1]);
    assert_eq!(told(&bench, &order), [carrier("DHL (shipment 1)"), carrier("DHL (shipment 2)")]);
}

#[tokio::test]
async fn what_the_merchant_shipped_holds_back_or_cancelled_counts() {
    let bench = Bench::new();
    let order = sold(&bench, &[3]).await;
    let (two, one) = (shipment(&order, 1, &[2], Some("T1")), shipment(&order, 2, &[1], Some("T2")));
    bench.sim.hold(&order.external_id, true);
    assert_eq!(ship(&bench, &one).await, "fulfilment_on_hold");
    bench.sim.hold(&order.external_id, false);
    bench.sim.fulfil_line(&order.external_id, 0, 2);
    assert_eq!(ship(&bench, &two).await, "more_than_open");
    assert_eq!(ship(&bench, &one).await, "accepted");
    assert_eq!(ship(&bench, &shipment(&order, 3, &[1], Some("T3"))).await, "more_than_open");
    bench.sim.cancel_fulfilment(&order.external_id);
    assert_eq!(told(&bench, &order), [(None, None, vec![2])]);
    assert_eq!(ship(&bench, &one).await, "accepted");
    assert_eq!(told(&bench, &order).len(), 2);
}

#[tokio::test]
async fn what_was_refunded_before_it_was_sent_is_not_shipped() {
    let bench = Bench::new();
    let order = sold(&bench, &[2, 1]).await;
    bench.sim.refund(&order.external_id, 1, 1);
    assert_eq!(ship(&bench, &shipment(&order, 1, &[2, 1], Some("T1"))).await, "more_than_open");
    assert_eq!(ship(&bench, &shipment(&order, 1, &[2, 0], Some("T1"))).await, "accepted");
}

#[tokio::test]
async fn an_order_of_many_lines_is_shipped_whole_and_once() {
    let bench = Bench::new();
    let order = sold(&bench, &[1; 300]).await;
    let all = shipment(&order, 1, &[1; 300], Some("T1"));
    for _ in 0..2 {
        bench.pass(Duration::from_secs(60));
        assert_eq!(ship(&bench, &all).await, "accepted");
        let sizes: Vec<usize> = told(&bench, &order).iter().map(|(_, _, units)| units.len()).collect();
        assert_eq!(sizes, [250, 50]);
    }
    assert_eq!(bench.order(&order.external_id).await.state, ChannelOrderState::Fulfilled);
}

/// Between what is read and what is written another ships the same units.
#[tokio::test]
async fn a_refusal_is_believed_after_another_look() {
    struct Overtaking(Direct, Mutex<Option<String>>);
    #[async_trait]
    impl Transport for Overtaking {
        async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
            let order = match String::from_utf8_lossy(request.body()).contains("fulfillmentCreate") {
                true => self.1.lock().unwrap().take(),
                false => None,
            };
            if let Some(order) = order {
                self.0.0.fulfil(&order);
            }
            self.0.send(request).await
        }
    }
    let bench = Bench::new();
    let order = sold(&bench, &[1]).await;
    let transport = Overtaking(Direct(bench.sim.clone()), Mutex::new(Some(order.external_id.clone())));
    let shop = Shop { transport: &transport, ..bench.shop() };
    let outcome = Shopify.push_shipment(&shop, &shipment(&order, 1, &[1], Some("T1"))).await.unwrap();
    assert!(matches!(outcome, ShipmentOutcome::Rejected { code: "more_than_open", .. }), "{outcome:?}");
    assert_eq!(told(&bench, &order), [(None, None, vec![1])]);
}

#[tokio::test]
async fn what_is_no_order_s_number_costs_no_call() {
    let bench = Bench::new();
    let order = sold(&bench, &[1]).await;
    bench.sim.take_calls();
    let odd = Shipment { order: "no/number".to_owned(), ..shipment(&order, 1, &[1], None) };
    assert_eq!(ship(&bench, &odd).await, "order_not_found");
    assert_eq!(bench.sim.take_calls(), []);
}
