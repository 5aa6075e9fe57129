//! Shipments: told once, also when an answer was lost.

use channels::ebay::Ebay;
use channels::{Channel, ErrorKind, Shipment, ShipmentOutcome, ShippedLine};
use domain::Quantity;
use domain::order::ChannelOrderState;
use marketplace_sim::{Fault, SimulatedShop};

use crate::bench::{Bench, mug};

async fn sold(bench: &Bench) -> (String, Vec<String>) {
    let one = bench.sim.add(mug(1)).remove(0);
    let two = bench.sim.add(mug(2)).remove(0);
    let order = bench.sim.sell(&[(one, 3), (two, 1)]);
    let lines = bench.orders().await.remove(0).lines.into_iter().map(|line| line.line_id).collect();
    bench.pass_a_minute();
    (order, lines)
}

fn shipment(
    bench: &Bench,
    order: &str,
    number: u32,
    tracking: Option<&str>,
    lines: &[(&String, i64)],
) -> Shipment {
    Shipment {
        order: order.to_owned(),
        marketplace: None,
        number,
        carrier: "dhl".to_owned(),
        tracking_number: tracking.map(str::to_owned),
        shipped_at: bench.now(),
        lines: lines
            .iter()
            .map(|(id, units)| ShippedLine {
                line_id: (*id).clone(),
                sku: None,
                quantity: Quantity::new(*units).unwrap(),
            })
            .collect(),
        completes: false,
    }
}

#[tokio::test]
async fn a_shipment_is_told_with_its_lines_carrier_and_number() {
    let bench = Bench::new().await;
    let (order, lines) = sold(&bench).await;
    let first = shipment(&bench, &order, 1, Some("0034 0434-1"), &[(&lines[0], 2)]);
    let outcome = Ebay.push_shipment(&bench.shop(), &first).await.unwrap();
    assert_eq!(outcome, ShipmentOutcome::Accepted { external_id: Some("003404341".to_owned()) });
    let told = bench.sim.shipments(&order);
    assert_eq!(told[0].carrier.as_deref(), Some("DHL"));
    assert_eq!(told[0].tracking_number.as_deref(), Some("003404341"));
    assert_eq!(told[0].lines, [(lines[0].clone(), 2)]);
    assert_eq!(bench.orders().await[0].state, ChannelOrderState::PartFulfilled);
    let rest = shipment(&bench, &order, 2, None, &[(&lines[0], 1), (&lines[1], 1)]);
    Ebay.push_shipment(&bench.shop(), &rest).await.unwrap();
    let told = bench.sim.shipments(&order);
    assert_eq!((told.len(), &told[1].carrier, &told[1].tracking_number), (2, &None, &None));
    assert_eq!(bench.orders().await[0].state, ChannelOrderState::Fulfilled);
}

#[tokio::test]
async fn a_shipment_told_again_is_the_same_one() {
    for tracking in [Some("TRACK1"), None] {
        for (lost, fault) in [("the answer", Fault::DropAnswer), ("the request", Fault::Hang)] {
            let bench = Bench::new().await;
            let (order, lines) = sold(&bench).await;
            let one = shipment(&bench, &order, 1, tracking, &[(&lines[0], 1)]);
            bench.sim.faults().push(Fault::Pass);
            bench.sim.faults().push(fault.clone());
            let error = Ebay.push_shipment(&bench.shop(), &one).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unavailable);
            bench.pass_a_minute();
            let first = Ebay.push_shipment(&bench.shop(), &one).await.unwrap();
            let again = Ebay.push_shipment(&bench.shop(), &one).await.unwrap();
            assert_eq!(first, again, "{lost} was lost");
            assert_eq!(bench.sim.shipments(&order).len(), 1, "{lost} was lost");
            // The next one of the same goods in the same second is another.
            let other =
                Shipment { number: 2, tracking_number: tracking.map(|_| "TRACK2".to_owned()), ..one.clone() };
            Ebay.push_shipment(&bench.shop(), &other).await.unwrap();
            assert_eq!(bench.sim.shipments(&order).len(), 2);
        }
    }
}

#[tokio::test]
async fn what_ebay_refuses_is_said_by_its_reason() {
    let bench = Bench::new().await;
    let (order, lines) = sold(&bench).await;
    let unknown = "999".to_owned();
    let table = [
        (shipment(&bench, "00-00000-00000", 1, None, &[(&lines[0], 1)]), "order_unknown"),
        (shipment(&bench, &order, 1, None, &[(&unknown, 1)]), "line_unknown"),
        (shipment(&bench, &order, 1, None, &[(&lines[0], 9)]), "channel_rejected"),
        (shipment(&bench, &order, 1, None, &[]), "no_lines"),
    ];
    for (shipment, expected) in table {
        let outcome = Ebay.push_shipment(&bench.shop(), &shipment).await.unwrap();
        let ShipmentOutcome::Rejected { code, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(code, expected);
    }
    assert!(bench.sim.shipments(&order).is_empty());
}
