//! The merchant's shipments to Amazon: Fulfillment Inbound, version 2024-03-20, as far as it tells of one.

use std::collections::BTreeMap;

use domain::Quantity;
use domain::inbound::InboundRef;

use super::fba_wire::{InboundItems, InboundNode};
use super::outbound::refusal;
use super::{Call, Operation, parse};
use crate::fulfiller::ExpectedInbound;
use crate::{ChannelError, ErrorKind, Limit, Shop};

pub(super) static SHIPMENT: Operation = Operation {
    name: "read a shipment to Amazon",
    limit: Limit { name: "getShipment", burst: 6, rate_micro: 2_000_000 },
};
pub(super) static ITEMS: Operation = Operation {
    name: "read what a shipment to Amazon holds",
    limit: Limit { name: "listShipmentItems", burst: 30, rate_micro: 2_000_000 },
};

/// Items of a page, the most that Amazon gives.
const PAGE: u32 = 1_000;
/// Of one shipment; more is no answer to what was asked.
const PAGES_MAX: u32 = 20;

fn path<'a>(reference: &'a InboundRef, rest: &[&'a str]) -> Vec<&'a str> {
    let (plan, shipment) = (reference.inbound_plan_id.as_str(), reference.shipment_id.as_str());
    let whole = ["inbound", "fba", "2024-03-20", "inboundPlans", plan, "shipments", shipment];
    whole.into_iter().chain(rest.iter().copied()).collect()
}

/// `None` where Amazon has no such plan, or no such shipment in it: it answers 400 for both [S].
pub(super) async fn read(
    shop: &Shop<'_>,
    reference: &InboundRef,
) -> Result<Option<ExpectedInbound>, ChannelError> {
    let response = SHIPMENT.send(shop, Call::get(&path(reference, &[]))).await?;
    if refusal(response.status().as_u16(), response.body()).is_some() {
        return Ok(None);
    }
    let node: InboundNode = parse(SHIPMENT.name, &SHIPMENT.success(shop, response)?)?;
    let units = items(shop, reference).await?;
    let InboundNode { status, shipment_confirmation_id } = node;
    Ok(Some(ExpectedInbound { status, confirmation_id: shipment_confirmation_id, units }))
}

async fn items(shop: &Shop<'_>, reference: &InboundRef) -> Result<BTreeMap<String, Quantity>, ChannelError> {
    let mut units = BTreeMap::<String, Quantity>::new();
    let mut token: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let mut call = Call::get(&path(reference, &["items"])).with("pageSize", PAGE.to_string());
        if let Some(token) = token.take() {
            call = call.with("paginationToken", token);
        }
        let answer: InboundItems = parse(ITEMS.name, &ITEMS.call(shop, call).await?)?;
        for item in answer.items {
            // A SKU has an item for each date of expiry and each lot.
            let sum = units.entry(item.msku).or_insert(Quantity::ZERO);
            *sum = Quantity::clamped(sum.units().saturating_add(item.quantity));
        }
        match answer.pagination.and_then(|pagination| pagination.next_token) {
            Some(next) if !next.is_empty() => token = Some(next),
            _ => return Ok(units),
        }
    }
    Err(ChannelError::new(ErrorKind::Malformed, ITEMS.name, "the list has no end"))
}
