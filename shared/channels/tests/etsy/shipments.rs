//! Shipments: told once, since each telling mails the buyer.

use channels::etsy::Etsy;
use channels::{Channel, ErrorKind, Shipment, ShipmentOutcome};
use marketplace_sim::{Fault, Goods, SimulatedShop};

use crate::bench::{Bench, mug};

fn shipment(order: &str, carrier: &str, tracking: Option<&str>, completes: bool) -> Shipment {
    Shipment {
        order: order.to_owned(),
        marketplace: None,
        number: 1,
        carrier: carrier.to_owned(),
        tracking_number: tracking.map(str::to_owned),
        shipped_at: "2026-11-21T12:00:00Z".parse().unwrap(),
        lines: Vec::new(),
        completes,
    }
}

async fn sold(bench: &Bench, price: &str) -> String {
    let goods = bench.sim.add(Goods { price: price.to_owned(), ..mug(9) });
    bench.sim.sell(&[(goods[0].clone(), 1)])
}

fn code(outcome: &ShipmentOutcome) -> &'static str {
    match outcome {
        ShipmentOutcome::Rejected { code, .. } => code,
        ShipmentOutcome::Accepted { .. } => "",
    }
}

#[tokio::test]
async fn a_shipment_is_told_once_also_when_the_answer_was_lost() {
    for lost in [None, Some(Fault::Hang), Some(Fault::DropAnswer)] {
        let bench = Bench::new().await;
        let order = sold(&bench, "12.50").await;
        let told = shipment(&order, "USPS", Some("9400 1000 0000"), true);
        if let Some(fault) = lost.clone() {
            bench.sim.faults().push(Fault::Pass);
            bench.sim.faults().push(fault);
            let error = Etsy.push_shipment(&bench.shop(), &told).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unavailable);
        }
        let mut ids = Vec::new();
        for _ in 0..2 {
            match Etsy.push_shipment(&bench.shop(), &told).await.unwrap() {
                ShipmentOutcome::Accepted { external_id } => ids.push(external_id),
                refused => panic!("{lost:?}: {refused:?}"),
            }
        }
        assert!(ids[0].is_some() && ids[0] == ids[1], "{ids:?}");
        assert_eq!((bench.sim.mails(), bench.sim.shipments(&order).len()), (1, 1), "{lost:?}");
        let shipped = bench.sim.shipments(&order).remove(0);
        assert_eq!(shipped.carrier.as_deref(), Some("USPS"));
        assert_eq!(shipped.tracking_number.as_deref(), Some("9400 1000 0000"));
    }
}

#[tokio::test]
async fn a_carrier_that_etsy_does_not_know_is_another() {
    let bench = Bench::new().await;
    let order = sold(&bench, "12.50").await;
    let told = shipment(&order, "Pigeon Post", Some("P-1"), true);
    assert_eq!(code(&Etsy.push_shipment(&bench.shop(), &told).await.unwrap()), "");
    assert_eq!(bench.sim.shipments(&order)[0].carrier.as_deref(), Some("other"));
    assert_eq!(bench.sim.mails(), 1);
}

#[tokio::test]
async fn each_parcel_has_its_own_code() {
    let bench = Bench::new().await;
    let order = sold(&bench, "12.50").await;
    for (number, tracking) in [(1, "A-1"), (2, "A-2")] {
        let parcel = Shipment { number, ..shipment(&order, "ups", Some(tracking), number == 2) };
        assert_eq!(code(&Etsy.push_shipment(&bench.shop(), &parcel).await.unwrap()), "");
    }
    let codes: Vec<_> =
        bench.sim.shipments(&order).into_iter().filter_map(|shipped| shipped.tracking_number).collect();
    assert_eq!(codes, ["A-1", "A-2"]);
}

#[tokio::test]
async fn without_a_code_only_the_whole_order_is_told() {
    let bench = Bench::new().await;
    let (cheap, dear) = (sold(&bench, "5.00").await, sold(&bench, "12.50").await);
    let part = shipment(&cheap, "", None, false);
    assert_eq!(code(&Etsy.push_shipment(&bench.shop(), &part).await.unwrap()), "part_without_tracking");
    let whole = shipment(&cheap, "", None, true);
    for _ in 0..2 {
        assert_eq!(code(&Etsy.push_shipment(&bench.shop(), &whole).await.unwrap()), "");
    }
    assert_eq!((bench.sim.mails(), bench.sim.shipments(&cheap).len()), (1, 1));
    // Above $10 within the USA Etsy wants a code.
    let refused = Etsy.push_shipment(&bench.shop(), &shipment(&dear, "", None, true)).await.unwrap();
    assert_eq!(code(&refused), "shipment_refused");
}

#[tokio::test]
async fn what_is_cancelled_or_gone_is_not_shipped() {
    let bench = Bench::new().await;
    let order = sold(&bench, "12.50").await;
    bench.sim.cancel(&order);
    let told = Etsy.push_shipment(&bench.shop(), &shipment(&order, "ups", Some("A"), true)).await.unwrap();
    assert_eq!(code(&told), "order_canceled");
    for gone in ["77", "x"] {
        let told = Etsy.push_shipment(&bench.shop(), &shipment(gone, "ups", Some("A"), true)).await.unwrap();
        assert_eq!(code(&told), "order_gone");
    }
    assert_eq!(bench.sim.mails(), 0);
}
