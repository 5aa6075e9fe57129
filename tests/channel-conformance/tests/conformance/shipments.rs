//! Laws of shipments.

use std::collections::BTreeMap;

use anyhow::ensure;
use channel_conformance::{Stage, Subject};
use channels::{PartialShipments, Retry, Shipment, ShipmentOutcome, ShippedLine};
use domain::order::{ChannelOrderState, FetchedOrder};
use domain::{Quantity, Sku};
use marketplace_sim::{Fault, Shipped};

use crate::listings::mug;

crate::laws![
    a_shipment_reaches_the_shop,
    a_shipment_told_twice_is_one,
    a_lost_answer_makes_no_second_shipment,
    a_part_leaves_the_rest_open,
    a_shipment_without_a_number_is_told_or_refused_by_name,
    a_shipment_of_an_unknown_order_is_refused,
    a_cancelled_order_is_not_shipped,
];

const CARRIER: &str = "DHL";

fn tracking_number(shipment: u32) -> String {
    format!("JD01460000{shipment:02}")
}

/// Of units of the order's lines, by their positions.
fn shipment(
    order: &FetchedOrder,
    number: u32,
    lines: &[(usize, i64)],
    completes: bool,
    stage: &Stage,
) -> Shipment {
    let line = |(position, units): &(usize, i64)| ShippedLine {
        line_id: order.lines[*position].line_id.clone(),
        sku: order.lines[*position].sku.as_deref().and_then(|sku| Sku::parse(sku).ok()),
        quantity: Quantity::new(*units).unwrap(),
    };
    Shipment {
        order: order.external_id.clone(),
        marketplace: None,
        number,
        carrier: CARRIER.to_owned(),
        tracking_number: Some(tracking_number(number)),
        shipped_at: stage.now(),
        lines: lines.iter().map(line).collect(),
        completes,
    }
}

/// A paid order of two mugs of one kind and one of another.
async fn sold(stage: &Stage) -> anyhow::Result<FetchedOrder> {
    let (first, second) = (stage.shop.add(mug(9)).remove(0), stage.shop.add(mug(8)).remove(0));
    stage.shop.sell(&[(first, 2), (second, 1)]);
    stage.pass_a_minute();
    let order = stage.only_order().await?;
    stage.pass_a_minute();
    Ok(order)
}

fn whole(order: &FetchedOrder, stage: &Stage) -> Shipment {
    let lines: Vec<_> =
        order.lines.iter().enumerate().map(|(at, line)| (at, line.quantity.units())).collect();
    shipment(order, 1, &lines, true, stage)
}

#[track_caller]
fn accepted(outcome: &ShipmentOutcome) -> anyhow::Result<()> {
    ensure!(matches!(outcome, ShipmentOutcome::Accepted { .. }), "{outcome:?}");
    Ok(())
}

/// The shop has it with carrier and tracking number, and with the units of each line where it counts them.
fn is_there(stage: &Stage, there: &Shipped, told: &Shipment) -> anyhow::Result<()> {
    let holds = |text: &Option<String>, part: &str| {
        text.as_ref().is_some_and(|text| text.to_lowercase().contains(&part.to_lowercase()))
    };
    ensure!(holds(&there.carrier, CARRIER), "the carrier is {:?}", there.carrier);
    ensure!(
        holds(&there.tracking_number, &tracking_number(told.number)),
        "the tracking number is {:?}",
        there.tracking_number
    );
    if stage.adapter.partial_shipments() == PartialShipments::Counted {
        let units: BTreeMap<_, _> = there.lines.iter().cloned().collect();
        let wanted: BTreeMap<_, _> =
            told.lines.iter().map(|line| (line.line_id.clone(), line.quantity.get())).collect();
        ensure!(units == wanted, "{units:?} instead of {wanted:?}");
    }
    Ok(())
}

/// A shipment reaches the shop with carrier, tracking number and units, and its order is read as fulfilled.
async fn a_shipment_reaches_the_shop(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let order = sold(&stage).await?;
    let told = whole(&order, &stage);
    accepted(&stage.ship(&told).await?)?;
    let there = stage.shop.shipments(&order.external_id);
    ensure!(there.len() == 1, "{} shipments", there.len());
    is_there(&stage, &there[0], &told)?;
    stage.pass_a_minute();
    let after = stage.only_order().await?;
    ensure!(after.state == ChannelOrderState::Fulfilled, "{:?}", after.state);
    ensure!(after.lines.iter().all(|line| line.shipped == line.quantity), "{:?}", after.lines);
    ensure!(after.changed_at > order.changed_at, "the order has no later version");
    Ok(())
}

/// The same shipment told twice is one, and has the same name both times.
async fn a_shipment_told_twice_is_one(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let order = sold(&stage).await?;
    let told = whole(&order, &stage);
    let once = stage.ship(&told).await?;
    accepted(&once)?;
    stage.pass_a_minute();
    let twice = stage.ship(&told).await?;
    ensure!(once == twice, "{once:?}, then {twice:?}");
    ensure!(stage.shop.shipments(&order.external_id).len() == 1, "there are two");
    Ok(())
}

/// Whichever of its calls loses its answer, never arrives, or is answered by a proxy's page, the shipment tried again ends
/// as one.
async fn a_lost_answer_makes_no_second_shipment(subject: &Subject) -> anyhow::Result<()> {
    let calls = {
        let stage = subject.stage().await?;
        let order = sold(&stage).await?;
        stage.shop.take_calls();
        stage.ship(&whole(&order, &stage)).await?;
        stage.shop.take_calls().len()
    };
    ensure!(calls > 0, "nothing was told");
    for fault in [Fault::DropAnswer, Fault::Hang, Fault::Status(502), Fault::Html] {
        for before in 0..calls {
            let stage = subject.stage().await?;
            let order = sold(&stage).await?;
            let told = whole(&order, &stage);
            (0..before).for_each(|_| stage.shop.faults().push(Fault::Pass));
            stage.shop.faults().push(fault.clone());
            let there = || stage.shop.shipments(&order.external_id).len();
            match stage.ship(&told).await {
                Err(error) => ensure!(error.retry != Retry::Never, "{fault:?} at {before}: {error:?}"),
                // What the page stood for was not needed.
                Ok(outcome) => {
                    accepted(&outcome)?;
                    ensure!(fault == Fault::Html && there() == 1, "accepted after {fault:?} at {before}");
                }
            }
            accepted(&stage.ship(&told).await?)?;
            ensure!(there() == 1, "{} shipments after {fault:?} at {before}", there());
            stage.pass_a_minute();
            let state = stage.only_order().await?.state;
            ensure!(state == ChannelOrderState::Fulfilled, "{state:?} after {fault:?} at {before}");
        }
    }
    Ok(())
}

/// A part leaves the rest open, and the rest is another shipment.
async fn a_part_leaves_the_rest_open(subject: &Subject) -> anyhow::Result<()> {
    let parts = subject.adapter.partial_shipments();
    if parts == PartialShipments::None {
        eprintln!("{}: ships whole orders only", subject.name);
        return Ok(());
    }
    let stage = subject.stage().await?;
    let order = sold(&stage).await?;
    let first = shipment(&order, 1, &[(0, 1)], false, &stage);
    accepted(&stage.ship(&first).await?)?;
    stage.pass_a_minute();
    let between = stage.only_order().await?;
    let shipped: Vec<u32> = between.lines.iter().map(|line| line.shipped.get()).collect();
    match parts {
        PartialShipments::Counted => {
            ensure!(between.state == ChannelOrderState::PartFulfilled, "{:?}", between.state);
            ensure!(shipped == [1, 0], "{shipped:?} were shipped");
        }
        PartialShipments::Told | PartialShipments::None => {
            eprintln!("{}: counts no shipped units before the whole order is", subject.name);
            ensure!(between.state == ChannelOrderState::Confirmed, "{:?}", between.state);
        }
    }
    let second = shipment(&order, 2, &[(0, 1), (1, 1)], true, &stage);
    accepted(&stage.ship(&second).await?)?;
    // Told again, the first is still the first.
    accepted(&stage.ship(&first).await?)?;
    let there = stage.shop.shipments(&order.external_id);
    ensure!(there.len() == 2, "{} shipments", there.len());
    is_there(&stage, &there[0], &first)?;
    is_there(&stage, &there[1], &second)?;
    stage.pass_a_minute();
    let state = stage.only_order().await?.state;
    ensure!(state == ChannelOrderState::Fulfilled, "{state:?}");
    Ok(())
}

/// Without a tracking number it is told, once, or refused with a code of what is missing.
async fn a_shipment_without_a_number_is_told_or_refused_by_name(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let order = sold(&stage).await?;
    let told = Shipment { tracking_number: None, ..whole(&order, &stage) };
    let outcome = stage.ship(&told).await?;
    let again = stage.ship(&told).await?;
    ensure!(outcome == again, "{outcome:?}, then {again:?}");
    let there = stage.shop.shipments(&order.external_id).len();
    match outcome {
        ShipmentOutcome::Accepted { .. } => ensure!(there == 1, "{there} shipments"),
        ShipmentOutcome::Rejected { code, reason } => {
            eprintln!("{}: takes no shipment without a number: {code}", subject.name);
            ensure!(!code.is_empty() && !reason.is_empty() && there == 0, "{code} {reason}, {there} there");
        }
    }
    Ok(())
}

/// A shipment of an order that the channel does not know is refused for good, and not tried again.
async fn a_shipment_of_an_unknown_order_is_refused(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let order = sold(&stage).await?;
    // An id of the same form: each digit is another.
    let other = |c: char| c.to_digit(10).and_then(|n| char::from_digit(9 - n, 10)).unwrap_or(c);
    let unknown = order.external_id.chars().map(other).collect();
    let outcome = stage.ship(&Shipment { order: unknown, ..whole(&order, &stage) }).await?;
    ensure!(matches!(outcome, ShipmentOutcome::Rejected { .. }), "{outcome:?}");
    ensure!(stage.shop.shipments(&order.external_id).is_empty(), "another order was shipped");
    Ok(())
}

/// An order that the buyer cancelled before it was sent is refused, and stays cancelled.
async fn a_cancelled_order_is_not_shipped(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let order = sold(&stage).await?;
    stage.shop.cancel(&order.external_id);
    stage.pass_a_minute();
    let outcome = stage.ship(&whole(&order, &stage)).await?;
    ensure!(matches!(outcome, ShipmentOutcome::Rejected { .. }), "{outcome:?}");
    ensure!(stage.shop.shipments(&order.external_id).is_empty(), "it was shipped");
    let state = stage.only_order().await?.state;
    ensure!(state == ChannelOrderState::Cancelled, "{state:?}");
    Ok(())
}
