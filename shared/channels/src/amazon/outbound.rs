//! Multi-channel fulfilment: Amazon sends goods that it stores for a sale made elsewhere. Fulfillment Outbound, version
//! 2020-07-01.
//!
//! Our id of a dispatch is `sellerFulfillmentOrderId`, of which Amazon has one: asked for twice, the second is refused.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::inbound::InboundRef;
use domain::order::Tracking;
use domain::outbound::{OutboundState, ShippingSpeed};
use domain::{Quantity, Timestamp};
use http::Method;
use serde_json::{Map, Value, json};

use super::error::printable;
use super::fba_wire::{OutboundList, OutboundNode, OutboundOrder, OutboundShipment};
use super::wire::{ErrorList, Payload};
use super::{Amazon, Call, Operation, inbound, inventory, marketplace, parse, time};
use crate::fulfiller::{
    CancelOutcome, Dispatch, DispatchOutcome, Dispatched, DispatchedShipment, ExpectedInbound, Fulfiller,
    HeldStock,
};
use crate::{ChannelError, ErrorKind, Limit, Shop};

const fn operation(name: &'static str, limit: &'static str) -> Operation {
    Operation { name, limit: Limit { name: limit, burst: 30, rate_micro: 2_000_000 } }
}

pub(super) static CREATE: Operation = operation("ask Amazon to send goods", "createFulfillmentOrder");
pub(super) static GET: Operation = operation("ask what Amazon has sent", "getFulfillmentOrder");
pub(super) static LIST: Operation =
    operation("ask which of Amazon's dispatches changed", "listAllFulfillmentOrders");
pub(super) static CANCEL: Operation = operation("take a dispatch back from Amazon", "cancelFulfillmentOrder");

/// Lines of an address that Amazon takes.
const ADDRESS_LINES: [&str; 3] = ["addressLine1", "addressLine2", "addressLine3"];
/// What buyers know the order by is cut to this: it only shows on the packing slip.
const NUMBER_CHARACTERS_MAX: usize = 40;
/// Of a list of dispatches.
const PAGES_MAX: u32 = 10;

const PATH: [&str; 4] = ["fba", "outbound", "2020-07-01", "fulfillmentOrders"];

fn path<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    PATH.iter().copied().chain(rest.iter().copied()).collect()
}

fn body_of(shop: &Shop<'_>, dispatch: &Dispatch) -> Value {
    let speed = match dispatch.speed {
        ShippingSpeed::Standard => "Standard",
        ShippingSpeed::Expedited => "Expedited",
        ShippingSpeed::Priority => "Priority",
    };
    let items: Vec<Value> = dispatch
        .lines
        .iter()
        .map(|line| {
            json!({
                "sellerSku": line.sku,
                "sellerFulfillmentOrderItemId": line.number.to_string(),
                "quantity": line.quantity.get(),
            })
        })
        .collect();
    let number: String = dispatch.number.chars().take(NUMBER_CHARACTERS_MAX).collect();
    json!({
        "marketplaceId": marketplace::leading(shop.marketplaces).id,
        "sellerFulfillmentOrderId": dispatch.id,
        "displayableOrderId": if number.is_empty() { &dispatch.id } else { &number },
        "displayableOrderDate": time(dispatch.placed_at),
        "displayableOrderComment": "Thank you for your order.",
        "shippingSpeedCategory": speed,
        "fulfillmentAction": "Ship",
        // What cannot be had is dropped at once, so that another place can serve it.
        "fulfillmentPolicy": "FillAllAvailable",
        "destinationAddress": address_of(dispatch),
        "items": items,
    })
}

fn address_of(dispatch: &Dispatch) -> Value {
    let to = &dispatch.to;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
            fields.insert(name.to_owned(), value.into());
        }
    };
    put("name", to.name.as_deref());
    // What does not fit into three lines goes with the third.
    let rest = to.lines.get(2..).unwrap_or_default().join(", ");
    let lines =
        [to.lines.first().map(String::as_str), to.lines.get(1).map(String::as_str), Some(rest.as_str())];
    for (name, line) in ADDRESS_LINES.into_iter().zip(lines) {
        put(name, line);
    }
    put("city", to.city.as_deref());
    put("stateOrRegion", to.region.as_deref());
    put("postalCode", to.postal_code.as_deref());
    put("countryCode", to.country.as_deref());
    put("phone", dispatch.phone.as_deref());
    Value::Object(fields)
}

/// Amazon's states. `New` and `Received` are one to the merchant; one that is not known yet still goes on.
fn state_of(status: &str) -> OutboundState {
    match status {
        "New" | "Received" => OutboundState::Received,
        "Planning" => OutboundState::Planning,
        "Complete" => OutboundState::Complete,
        "CompletePartialled" => OutboundState::CompletePartial,
        "Cancelled" => OutboundState::Cancelled,
        "Unfulfillable" => OutboundState::Unfulfillable,
        "Invalid" => OutboundState::Invalid,
        _ => OutboundState::Processing,
    }
}

fn read(order: OutboundOrder) -> Dispatched {
    let number = |text: &str| text.parse::<u32>().ok();
    let dropped = order.fulfillment_order_items.iter().filter_map(|item| {
        let units = units(&item.cancelled_quantity) + units(&item.unfulfillable_quantity);
        Some((number(&item.seller_fulfillment_order_item_id)?, Quantity::clamped(units)))
    });
    let shipped = |shipment: &OutboundShipment| shipment.fulfillment_shipment_status == "SHIPPED";
    let shipments = order.fulfillment_shipments.iter().flatten().filter(|shipment| shipped(shipment));
    Dispatched {
        state: state_of(&order.fulfillment_order.fulfillment_order_status),
        dropped: dropped.collect(),
        shipments: shipments.map(shipment).collect(),
    }
}

fn shipment(shipment: &OutboundShipment) -> DispatchedShipment {
    let mut lines = BTreeMap::<u32, Quantity>::new();
    for item in &shipment.fulfillment_shipment_item {
        if let Ok(number) = item.seller_fulfillment_order_item_id.parse() {
            let sum = lines.entry(number).or_insert(Quantity::ZERO);
            *sum = Quantity::clamped(sum.units() + units(&item.quantity));
        }
    }
    let packages = shipment.fulfillment_shipment_package.iter().flatten().filter_map(|package| {
        // Amazon's own carriers give a number of Amazon's.
        let number = package.tracking_number.clone().or(package.amazon_fulfillment_tracking_number.clone());
        Some(Tracking {
            carrier: Some(package.carrier_code.clone()).filter(|carrier| !carrier.is_empty()),
            tracking_number: number.filter(|number| !number.is_empty())?,
        })
    });
    DispatchedShipment {
        id: shipment.amazon_shipment_id.clone(),
        shipped_at: shipment.shipping_date,
        lines,
        packages: packages.collect(),
    }
}

/// Amazon writes quantities as numbers, and in older answers as texts.
fn units(quantity: &Value) -> i64 {
    quantity.as_i64().or_else(|| quantity.as_str()?.parse().ok()).unwrap_or(0).max(0)
}

/// The refusal of an answer, in Amazon's words; `None` for a success, or for what is worth another try.
pub(super) fn refusal(status: u16, body: &[u8]) -> Option<String> {
    match status {
        400 | 404 => ErrorList::first_of(body).map(|refusal| printable(&refusal.code)),
        _ => None,
    }
}

#[async_trait]
impl Fulfiller for Amazon {
    async fn held(
        &self,
        shop: &Shop<'_>,
        skus: &[String],
    ) -> Result<BTreeMap<String, HeldStock>, ChannelError> {
        inventory::held(shop, skus).await
    }

    async fn dispatch(&self, shop: &Shop<'_>, dispatch: &Dispatch) -> Result<DispatchOutcome, ChannelError> {
        let response = CREATE.send(shop, Call::post(&path(&[]), body_of(shop, dispatch))).await?;
        if let Some(code) = refusal(response.status().as_u16(), response.body()) {
            let reason = format!(
                "Amazon refused to send the goods with {code}: look at the address, the SKUs and what Amazon has of them"
            );
            return Ok(DispatchOutcome::Rejected { code: "dispatch_refused", reason });
        }
        match CREATE.success(shop, response) {
            Ok(_) => Ok(DispatchOutcome::Accepted),
            // A refusal in words that are not Amazon's own: nothing is known of what was done.
            Err(error) if error.kind == ErrorKind::Rejected => {
                Err(ChannelError::new(ErrorKind::Malformed, error.operation, error.detail))
            }
            Err(error) => Err(error),
        }
    }

    async fn dispatched(&self, shop: &Shop<'_>, id: &str) -> Result<Option<Dispatched>, ChannelError> {
        let response = GET.send(shop, Call::get(&path(&[id]))).await?;
        // Amazon says 404 or 400 of an id that it does not know [M]; nothing else can be wrong with the request. Taken for
        // missing by mistake, it would be asked for again and refused for its id.
        if refusal(response.status().as_u16(), response.body()).is_some() {
            return Ok(None);
        }
        let answer: Payload<OutboundOrder> = parse(GET.name, &GET.success(shop, response)?)?;
        Ok(Some(read(answer.payload)))
    }

    async fn dispatches_changed(
        &self,
        shop: &Shop<'_>,
        since: Timestamp,
    ) -> Result<Vec<String>, ChannelError> {
        let mut ids = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let call = match token.take() {
                None => Call::get(&path(&[])).with("queryStartDate", time(since)),
                Some(token) => Call::get(&path(&[])).with("nextToken", token),
            };
            let answer: Payload<OutboundList> = parse(LIST.name, &LIST.call(shop, call).await?)?;
            let page = answer.payload.fulfillment_orders.into_iter().flatten();
            ids.extend(page.map(|order: OutboundNode| order.seller_fulfillment_order_id));
            match answer.payload.next_token {
                Some(next) if !next.is_empty() => token = Some(next),
                _ => return Ok(ids),
            }
        }
        Err(ChannelError::new(ErrorKind::Malformed, LIST.name, "the list has no end"))
    }

    async fn cancel(&self, shop: &Shop<'_>, id: &str) -> Result<CancelOutcome, ChannelError> {
        let mut call = Call::get(&path(&[id, "cancel"]));
        call.method = Method::PUT;
        let response = CANCEL.send(shop, call).await?;
        let status = response.status().as_u16();
        match refusal(status, response.body()) {
            Some(_) if status == 404 => Ok(CancelOutcome::Unknown),
            Some(_) => Ok(CancelOutcome::TooLate),
            None => CANCEL.success(shop, response).map(|_| CancelOutcome::Accepted),
        }
    }

    async fn inbound(
        &self,
        shop: &Shop<'_>,
        reference: &InboundRef,
    ) -> Result<Option<ExpectedInbound>, ChannelError> {
        inbound::read(shop, reference).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::order::Address;

    #[test]
    fn f13_each_state_of_amazon_s_has_one_of_ours() {
        use OutboundState::*;
        let table = [
            ("New", Received),
            ("Received", Received),
            ("Planning", Planning),
            ("Processing", Processing),
            ("Complete", Complete),
            ("CompletePartialled", CompletePartial),
            ("Cancelled", Cancelled),
            ("Unfulfillable", Unfulfillable),
            ("Invalid", Invalid),
            ("Teleporting", Processing),
        ];
        for (status, state) in table {
            assert_eq!(state_of(status), state, "{status}");
        }
    }

    #[test]
    fn an_address_keeps_all_its_lines() {
        let lines = ["c/o Someone", "1 Example Street", "Floor 2", "Door 3"];
        let to = Address {
            name: Some("Ada".to_owned()),
            lines: lines.map(str::to_owned).to_vec(),
            postal_code: Some("62701".to_owned()),
            country: Some("US".to_owned()),
            ..Address::default()
        };
        let dispatch = Dispatch {
            id: "MS-1".to_owned(),
            number: String::new(),
            placed_at: Timestamp::UNIX_EPOCH,
            speed: ShippingSpeed::Standard,
            to,
            phone: None,
            lines: Vec::new(),
        };
        let address = address_of(&dispatch);
        assert_eq!(address["addressLine2"], "1 Example Street");
        assert_eq!(address["addressLine3"], "Floor 2, Door 3");
        assert!(address.get("city").is_none());
    }

    #[test]
    fn f13_only_what_has_left_is_shipped_and_each_package_is_followed() {
        let order = json!({
            "fulfillmentOrder": {"sellerFulfillmentOrderId": "MS-1", "fulfillmentOrderStatus": "Processing"},
            "fulfillmentOrderItems": [
                {"sellerFulfillmentOrderItemId": "1", "quantity": 3, "cancelledQuantity": 0, "unfulfillableQuantity": 1},
            ],
            "fulfillmentShipments": [
                {"amazonShipmentId": "D1", "fulfillmentShipmentStatus": "SHIPPED",
                 "shippingDate": "2026-11-21T12:00:00Z",
                 "fulfillmentShipmentItem": [
                    {"sellerFulfillmentOrderItemId": "1", "quantity": 1, "packageNumber": 1},
                    {"sellerFulfillmentOrderItemId": "1", "quantity": 1, "packageNumber": 2}],
                 "fulfillmentShipmentPackage": [
                    {"packageNumber": 1, "carrierCode": "UPS", "trackingNumber": "1Z1"},
                    {"packageNumber": 2, "carrierCode": "AMZL_US", "amazonFulfillmentTrackingNumber": "TBA2"},
                    {"packageNumber": 3, "carrierCode": "UPS"}]},
                {"amazonShipmentId": "D2", "fulfillmentShipmentStatus": "PENDING",
                 "fulfillmentShipmentItem": [{"sellerFulfillmentOrderItemId": "1", "quantity": 1}]},
            ],
        });
        let read = read(serde_json::from_value(order).unwrap());
        assert_eq!(read.dropped, BTreeMap::from([(1, Quantity::new(1).unwrap())]));
        assert_eq!(read.shipments.len(), 1);
        let sent = &read.shipments[0];
        assert_eq!((sent.id.as_str(), sent.lines[&1].get()), ("D1", 2));
        let numbers: Vec<&str> = sent.packages.iter().map(|one| one.tracking_number.as_str()).collect();
        assert_eq!(numbers, ["1Z1", "TBA2"]);
    }
}
