//! Amazon's own stock, and what it sends for sales made elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use channels::amazon::Amazon;
use channels::fulfiller::{CancelOutcome, Dispatch, DispatchLine, DispatchOutcome, HeldStock};
use channels::{Channel, ErrorKind, Fulfiller, NOT_SOLD_HERE, OrderQuery};
use domain::Quantity;
use domain::channel::Fulfilment;
use domain::inbound::InboundRef;
use domain::order::Address;
use domain::outbound::{OutboundState, ShippingSpeed};
use marketplace_sim::{Fault, SimulatedShop, Sold};

use crate::stage::{Stage, mug, target};

fn to(city: Option<&str>) -> Address {
    Address {
        name: Some("Ada Buyer".to_owned()),
        lines: vec!["1 Example Street".to_owned()],
        city: city.map(str::to_owned),
        region: Some("IL".to_owned()),
        postal_code: Some("62701".to_owned()),
        country: Some("US".to_owned()),
    }
}

fn dispatch(stage: &Stage, id: &str, lines: &[(&Sold, i64)]) -> Dispatch {
    let line = |(n, (sold, units)): (usize, &(&Sold, i64))| DispatchLine {
        number: u32::try_from(n + 1).unwrap(),
        sku: sold.external_id.clone(),
        quantity: Quantity::new(*units).unwrap(),
    };
    Dispatch {
        id: id.to_owned(),
        number: "SO-1".to_owned(),
        placed_at: stage.now(),
        speed: ShippingSpeed::Standard,
        to: to(Some("Springfield")),
        phone: None,
        lines: lines.iter().enumerate().map(line).collect(),
    }
}

async fn held(stage: &Stage, sold: &[&Sold]) -> BTreeMap<String, HeldStock> {
    let skus: Vec<String> = sold.iter().map(|sold| sold.external_id.clone()).collect();
    stage.patiently(async || Amazon.held(&stage.shop(), &skus).await).await
}

async fn asked(stage: &Stage, dispatch: &Dispatch) -> DispatchOutcome {
    stage.patiently(async || Amazon.dispatch(&stage.shop(), dispatch).await).await
}

async fn state(stage: &Stage, id: &str) -> OutboundState {
    let found = stage.patiently(async || Amazon.dispatched(&stage.shop(), id).await).await;
    found.unwrap().state
}

#[tokio::test]
async fn f7_what_amazon_holds_is_read_by_sku_and_50_at_a_time() {
    let stage = Stage::new().await;
    let ours = stage.sim.add(mug(0)).remove(0);
    let theirs: Vec<Sold> = (1..=60).map(|n| stage.sim.add_fba(mug(n)).remove(0)).collect();
    stage.sim.sell(&[(theirs[0].clone(), 2)]);
    stage.sim.send_in(&theirs[1], 30);
    stage.sim.receive(&theirs[1], 10);
    stage.sim.take_calls();
    let all: Vec<&Sold> = theirs.iter().chain([&ours]).collect();
    let found = held(&stage, &all).await;
    assert_eq!((found.len(), stage.sim.take_calls().len()), (60, 2));
    let first = found[&theirs[0].external_id];
    assert_eq!((first.sellable, first.reserved), (3, 2));
    let second = found[&theirs[1].external_id];
    assert_eq!((second.sellable, second.inbound_shipped, second.inbound_receiving), (15, 0, 20));
    assert!(!found.contains_key(&ours.external_id), "what the merchant ships is not Amazon's");
    let comma = marketplace_sim::Goods { sku: Some("A,B".to_owned()), ..mug(99) };
    let comma = stage.sim.add_fba(comma).remove(0);
    assert_eq!(held(&stage, &[&comma]).await["A,B"].sellable, 5);
}

#[tokio::test]
async fn f6_no_way_of_pushing_reaches_an_fba_listing() {
    let stage = Stage::new().await;
    let fba = stage.sim.add_fba(mug(1)).remove(0);
    let fetched = stage.listings().await.remove(0);
    assert_eq!((fetched.fulfilment, fetched.stock_ref.is_some()), (Fulfilment::Fba, true));
    stage.sim.take_calls();
    let mut targets = vec![target(&fba, 9)];
    targets[0].stock_ref = fetched.stock_ref.clone();
    for batch in Amazon.plan_stock(targets, &channels::Pace::default()) {
        let outcome = stage.push(&batch).await.remove(0);
        assert!(matches!(outcome, channels::StockOutcome::Rejected { code: "fulfilled_by_amazon", .. }));
    }
    assert!(stage.sim.take_calls().is_empty());
}

#[tokio::test]
async fn f12_goods_are_asked_for_once_and_their_way_is_followed() {
    let mut stage = Stage::new().await;
    let [a, b] = [1, 2].map(|n| stage.sim.add_fba(mug(n)).remove(0));
    assert_eq!(stage.patiently(async || Amazon.dispatched(&stage.shop(), "MS-1").await).await, None);
    let wanted = dispatch(&stage, "MS-1", &[(&a, 2), (&b, 7)]);
    assert_eq!(asked(&stage, &wanted).await, DispatchOutcome::Accepted);
    // Asked for again, there is still one.
    let again = asked(&stage, &wanted).await;
    assert!(matches!(again, DispatchOutcome::Rejected { code: "dispatch_refused", .. }));
    assert_eq!(stage.sim.dispatches(), ["MS-1"]);
    let stock = held(&stage, &[&a, &b]).await;
    assert_eq!((stock[&a.external_id].sellable, stock[&b.external_id].sellable), (3, 0));
    let mut seen = vec![state(&stage, "MS-1").await];
    for minutes in [5, 10, 45] {
        stage.pass(Duration::from_secs(minutes * 60));
        stage.renew().await.unwrap();
        seen.push(state(&stage, "MS-1").await);
    }
    use OutboundState::{CompletePartial, Planning, Processing, Received};
    assert_eq!(seen, [Received, Planning, Processing, CompletePartial]);
    let sent = stage.patiently(async || Amazon.dispatched(&stage.shop(), "MS-1").await).await.unwrap();
    let units = |n: i64| Quantity::new(n).unwrap();
    assert_eq!(sent.dropped, BTreeMap::from([(1, units(0)), (2, units(2))]));
    assert_eq!(sent.shipments[0].lines, BTreeMap::from([(1, units(2)), (2, units(5))]));
    assert_eq!(sent.shipments[0].packages[0].tracking_number, "1ZMS-1");
    assert!(stage.refused().is_empty());
}

#[tokio::test]
async fn f12_a_lost_answer_is_found_again() {
    let stage = Stage::new().await;
    let mug = stage.sim.add_fba(mug(1)).remove(0);
    let wanted = dispatch(&stage, "MS-1", &[(&mug, 1)]);
    stage.sim.faults().push(Fault::DropAnswer);
    let lost = Amazon.dispatch(&stage.shop(), &wanted).await.unwrap_err();
    assert_eq!(lost.kind, ErrorKind::Unavailable);
    assert_eq!(state(&stage, "MS-1").await, OutboundState::Received);
}

#[tokio::test]
async fn f12_what_amazon_cannot_do_is_refused_with_its_reason() {
    let stage = Stage::new().await;
    let (fba, ours) = (stage.sim.add_fba(mug(1)).remove(0), stage.sim.add(mug(2)).remove(0));
    let nowhere = Dispatch { to: to(None), ..dispatch(&stage, "MS-1", &[(&fba, 1)]) };
    let not_there = dispatch(&stage, "MS-2", &[(&ours, 1)]);
    for wanted in [nowhere, not_there] {
        let outcome = asked(&stage, &wanted).await;
        assert!(matches!(outcome, DispatchOutcome::Rejected { .. }), "{outcome:?}");
    }
    assert!(stage.sim.dispatches().is_empty());
}

#[tokio::test]
async fn f12_a_dispatch_is_taken_back_while_amazon_has_not_begun() {
    let stage = Stage::new().await;
    let mug = stage.sim.add_fba(mug(1)).remove(0);
    for id in ["MS-1", "MS-2"] {
        asked(&stage, &dispatch(&stage, id, &[(&mug, 1)])).await;
    }
    let cancel = async |id: &str| stage.patiently(async || Amazon.cancel(&stage.shop(), id).await).await;
    assert_eq!(cancel("MS-1").await, CancelOutcome::Accepted);
    assert_eq!(state(&stage, "MS-1").await, OutboundState::Cancelled);
    stage.pass(Duration::from_secs(16 * 60));
    assert_eq!(cancel("MS-2").await, CancelOutcome::TooLate);
    assert_eq!(cancel("MS-3").await, CancelOutcome::Unknown);
    assert_eq!(held(&stage, &[&mug]).await[&mug.external_id].sellable, 4);
}

#[tokio::test]
async fn f13_one_call_tells_which_dispatches_changed() {
    let stage = Stage::new().await;
    let mug = stage.sim.add_fba(marketplace_sim::Goods { quantity: Some(100), ..mug(1) }).remove(0);
    for n in 0..25 {
        asked(&stage, &dispatch(&stage, &format!("MS-{n:02}"), &[(&mug, 1)])).await;
    }
    let since = async |at| stage.patiently(async || Amazon.dispatches_changed(&stage.shop(), at).await).await;
    assert_eq!(since(stage.now()).await.len(), 25);
    stage.pass(Duration::from_secs(60));
    assert!(since(stage.now()).await.is_empty());
    let asked_at = stage.now();
    stage.pass(Duration::from_secs(5 * 60));
    assert_eq!(since(asked_at).await.len(), 25);
}

#[tokio::test]
async fn f12_the_order_that_amazon_makes_of_a_dispatch_is_not_a_sale() {
    let stage = Stage::new().await;
    let mug = stage.sim.add_fba(mug(1)).remove(0);
    asked(&stage, &dispatch(&stage, "MS-1", &[(&mug, 1)])).await;
    let page = stage.order_page(&OrderQuery::Changed(stage.all_time())).await;
    let codes: Vec<&str> = page.records.iter().map(|one| one.as_ref().unwrap_err().code.as_str()).collect();
    assert_eq!(codes, [NOT_SOLD_HERE]);
}

#[tokio::test]
async fn f22_packages_are_told_where_amazon_tells_them() {
    let stage = Stage::new().await;
    let mug = stage.sim.add(mug(1)).remove(0);
    let id = stage.sim.sell(&[(mug, 1)]);
    assert!(stage.order(&id).await.tracking.is_empty());
    let line = stage.order(&id).await.lines.remove(0).line_id;
    let shipment = channels::Shipment {
        order: id.clone(),
        marketplace: None,
        number: 1,
        carrier: "UPS".to_owned(),
        tracking_number: Some("1Z9".to_owned()),
        shipped_at: stage.now(),
        lines: vec![channels::ShippedLine { line_id: line, sku: None, quantity: Quantity::new(1).unwrap() }],
        completes: true,
    };
    stage.patiently(async || Amazon.push_shipment(&stage.shop(), &shipment).await).await;
    let order = stage.order(&id).await;
    assert_eq!(order.tracking[0].tracking_number, "1Z9");
}

fn reference((plan, shipment): &(String, String)) -> InboundRef {
    InboundRef { inbound_plan_id: plan.parse().unwrap(), shipment_id: shipment.parse().unwrap() }
}

#[tokio::test]
async fn f10_a_shipment_to_amazon_is_read_whole_page_by_page() {
    let stage = Stage::new().await;
    // Of one SKU there are several items; together they are more than a page.
    let skus: Vec<String> = (0..1_500).map(|n| format!("MUG-{n:04}")).collect();
    let units: Vec<(&str, i64)> = skus.iter().map(|sku| (sku.as_str(), 2)).chain([("MUG-0000", 3)]).collect();
    let ids = stage.sim.plan_inbound(&units);
    stage.sim.take_calls();
    let read = async || {
        let reference = reference(&ids);
        stage.patiently(async || Amazon.inbound(&stage.shop(), &reference).await).await.unwrap()
    };
    let found = read().await;
    let calls: Vec<String> = stage.sim.take_calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(calls, ["getShipment", "listShipmentItems", "listShipmentItems"]);
    assert_eq!(
        (found.units.len(), found.units["MUG-0000"].get(), found.units["MUG-1499"].get()),
        (1_500, 5, 2)
    );
    assert_eq!(found.status.as_deref(), Some("WORKING"));
    assert!(found.confirmation_id.unwrap().starts_with("FBA"));
    stage.sim.set_inbound_status(&ids.1, "RECEIVING");
    assert_eq!(read().await.status.as_deref(), Some("RECEIVING"));
    // As fast as it may be asked, Amazon refuses nothing.
    for _ in 0..12 {
        read().await;
    }
    assert!(stage.refused().is_empty());
}

#[tokio::test]
async fn f10_a_plan_or_a_shipment_that_amazon_does_not_have_is_none() {
    let stage = Stage::new().await;
    let [one, two] = [1, 2].map(|n| stage.sim.plan_inbound(&[("MUG-1", n)]));
    let nowhere = "sh00000000-0000-4000-8000-ffffffffffff".to_owned();
    for ids in [(nowhere.clone(), one.1.clone()), (one.0.clone(), nowhere), (one.0.clone(), two.1)] {
        let found = Amazon.inbound(&stage.shop(), &reference(&ids)).await.unwrap();
        assert_eq!(found, None, "{ids:?}");
    }
    stage.sim.faults().push(Fault::Hang);
    let lost = Amazon.inbound(&stage.shop(), &reference(&one)).await.unwrap_err();
    assert_eq!(lost.kind, ErrorKind::Unavailable);
}
