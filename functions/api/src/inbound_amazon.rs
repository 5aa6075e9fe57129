//! Amazon's own shipment beside an inbound one: which it is, what Amazon says of it, and where the two differ.

use domain::inbound::{AmazonInboundId, ExpectedSku, InboundRef, InboundTask};
use domain::transfer::TransferLine;
use domain::{ItemId, Quantity, Timestamp};
use serde::{Deserialize, Serialize};
use store::inbound::{AtAmazon, InboundShipment};
use utoipa::ToSchema;

use crate::output::Warning;

/// Which of Amazon's shipments it is, by the ids of Fulfillment Inbound 2024-03-20.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AmazonShipmentInput {
    #[schema(value_type = String, min_length = 38, max_length = 38, pattern = "^[a-zA-Z0-9-]*$")]
    inbound_plan_id: AmazonInboundId,
    #[schema(value_type = String, min_length = 38, max_length = 38, pattern = "^[a-zA-Z0-9-]*$")]
    shipment_id: AmazonInboundId,
}

impl From<AmazonShipmentInput> for InboundRef {
    fn from(input: AmazonShipmentInput) -> Self {
        Self { inbound_plan_id: input.inbound_plan_id, shipment_id: input.shipment_id }
    }
}

/// Amazon's shipment, and what Amazon said of it when it was last asked: how far it is and what should come, never how
/// much of it came.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AmazonShipment)]
pub struct AmazonShipmentBody {
    #[schema(value_type = String)]
    inbound_plan_id: AmazonInboundId,
    #[schema(value_type = String)]
    shipment_id: AmazonInboundId,
    /// In Amazon's words, such as `SHIPPED`, `RECEIVING` or `CLOSED`; also words that are new.
    status: Option<String>,
    /// The number on the labels.
    confirmation_id: Option<String>,
    skus: Vec<ExpectedSkuBody>,
    /// SKUs of Amazon's shipment that are in none of our lines and are not shown: it shows 100 of them.
    skus_left_out: u32,
    /// When Amazon was last asked; `null` before the first time.
    #[schema(value_type = Option<String>, format = DateTime)]
    checked_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExpectedSku)]
pub struct ExpectedSkuBody {
    sku: String,
    quantity: u32,
    /// Of one of the lines; `null` for what was not sent from here.
    #[schema(value_type = Option<String>)]
    item_id: Option<ItemId>,
}

impl From<ExpectedSku> for ExpectedSkuBody {
    fn from(sku: ExpectedSku) -> Self {
        Self { sku: sku.sku, quantity: sku.quantity.get(), item_id: sku.item_id }
    }
}

impl From<AtAmazon> for AmazonShipmentBody {
    fn from(AtAmazon { reference, word }: AtAmazon) -> Self {
        let InboundRef { inbound_plan_id, shipment_id } = reference;
        let checked_at = word.as_ref().map(|word| word.checked_at);
        let (status, confirmation_id, skus, left_out) = match word {
            None => (None, None, Vec::new(), 0),
            Some(word) => (word.status, word.confirmation_id, word.skus, word.left_out),
        };
        Self {
            inbound_plan_id,
            shipment_id,
            status,
            confirmation_id,
            skus: skus.into_iter().map(ExpectedSkuBody::from).collect(),
            skus_left_out: left_out,
            checked_at,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboundLine)]
pub struct InboundLineBody {
    #[schema(value_type = String)]
    item_id: ItemId,
    #[schema(value_type = u32)]
    quantity: Quantity,
    #[schema(value_type = u32)]
    received: Quantity,
    #[schema(value_type = u32)]
    in_transit: Quantity,
    /// What Amazon expects of the item's SKUs less `quantity`: 0 where the two agree, `null` before Amazon was asked.
    mismatch: Option<i64>,
}

impl InboundLineBody {
    pub fn new(line: &TransferLine, amazon: Option<&AtAmazon>) -> Self {
        let word = amazon.and_then(|at| at.word.as_ref());
        Self {
            item_id: line.item_id.clone(),
            quantity: line.quantity,
            received: line.received,
            in_transit: line.in_transit(),
            mismatch: word.map(|word| word.mismatch(line)),
        }
    }
}

/// What a person has to do about it, by Amazon's word.
pub fn warnings(shipment: &InboundShipment) -> Vec<Warning> {
    let word = shipment.amazon.as_ref().and_then(|at| at.word.as_ref());
    let task = word.and_then(|word| word.task(shipment.state));
    let warning = task.map(|task| {
        let detail = match task {
            InboundTask::ClosedAtAmazon => {
                "Amazon closed the shipment, and a part is in transit here: look in Seller Central how much Amazon \
                 received, receive that, then compare both numbers of the listings"
            }
            InboundTask::GoneAtAmazon => {
                "Amazon does not expect the shipment any more, and a part is in transit here: receive it and move it \
                 back by a transfer, or say which of Amazon's shipments it is now"
            }
        };
        Warning { code: task.code(), detail: detail.to_owned() }
    });
    warning.into_iter().collect()
}
