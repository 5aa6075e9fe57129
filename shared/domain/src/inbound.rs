//! Shipments to Amazon as Amazon knows them: by which of its ids, how far they are there, and where its quantities differ
//! from ours.
//!
//! Amazon says what a shipment should hold and how far it is, never how much of it arrived. So its word moves no stock; at
//! most it says that a person has something to do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::transfer::{TransferLine, TransferState};
use crate::{ItemId, Quantity, Timestamp};

/// Amazon's own length of the ids of its inbound plans and shipments.
const ID_LENGTH: usize = 38;

/// SKUs that are kept of those that are in none of our lines.
pub const OTHERS_MAX: usize = 100;

/// An id of an inbound plan or of a shipment in one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AmazonInboundId(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be Amazon's own id: 38 letters, digits and hyphens")]
pub struct InvalidAmazonInboundId;

impl AmazonInboundId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AmazonInboundId {
    type Err = InvalidAmazonInboundId;
    fn from_str(text: &str) -> Result<Self, InvalidAmazonInboundId> {
        let fits = text.len() == ID_LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidAmazonInboundId) }
    }
}

impl TryFrom<String> for AmazonInboundId {
    type Error = InvalidAmazonInboundId;
    fn try_from(text: String) -> Result<Self, InvalidAmazonInboundId> {
        text.parse()
    }
}

impl From<AmazonInboundId> for String {
    fn from(id: AmazonInboundId) -> String {
        id.0
    }
}

impl fmt::Display for AmazonInboundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which of Amazon's shipments it is: a shipment is known in its plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundRef {
    pub inbound_plan_id: AmazonInboundId,
    pub shipment_id: AmazonInboundId,
}

/// What Amazon expects of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedSku {
    pub sku: String,
    pub quantity: Quantity,
    /// The item of one of our lines that the SKU was linked to when Amazon was asked; `None` for what we did not send.
    pub item_id: Option<ItemId>,
}

/// What Amazon said of a shipment when it was last asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundWord {
    /// In Amazon's own words, also those that are new to us; of a shipment that is still planned there may be none.
    pub status: Option<String>,
    /// The number on the labels: `FBA15DJ8K9`.
    pub confirmation_id: Option<String>,
    pub skus: Vec<ExpectedSku>,
    /// SKUs beyond [`OTHERS_MAX`] that are in none of our lines.
    pub left_out: u32,
    pub checked_at: Timestamp,
}

/// What a shipment's status means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboundStage {
    /// Planned, on its way, or being received; or a status that is new to us.
    Open,
    /// Amazon receives nothing more of it.
    Closed,
    /// Amazon does not expect it.
    Gone,
}

pub fn stage_of(status: &str) -> InboundStage {
    match status {
        "CLOSED" => InboundStage::Closed,
        "ABANDONED" | "CANCELLED" | "DELETED" => InboundStage::Gone,
        _ => InboundStage::Open,
    }
}

/// What a person has to do about a shipment, by Amazon's word of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboundTask {
    /// Amazon closed it, and a part is in transit by our count: receive what Amazon says it received.
    ClosedAtAmazon,
    /// Amazon does not expect what is in transit by our count.
    GoneAtAmazon,
}

impl InboundTask {
    /// Stable, snake_case.
    pub fn code(self) -> &'static str {
        match self {
            Self::ClosedAtAmazon => "closed_at_amazon",
            Self::GoneAtAmazon => "gone_at_amazon",
        }
    }
}

impl InboundWord {
    /// Units by which Amazon expects more of the line than was sent; below zero where it expects fewer.
    pub fn mismatch(&self, line: &TransferLine) -> i64 {
        let of_line = self.skus.iter().filter(|sku| sku.item_id.as_ref() == Some(&line.item_id));
        of_line.map(|sku| sku.quantity.units()).sum::<i64>() - line.quantity.units()
    }

    /// Of what Amazon expects, the SKUs that we did not send.
    pub fn others(&self) -> impl Iterator<Item = &ExpectedSku> {
        self.skus.iter().filter(|sku| sku.item_id.is_none())
    }

    pub fn task(&self, state: TransferState) -> Option<InboundTask> {
        let stage = self.status.as_deref().map_or(InboundStage::Open, stage_of);
        match (state, stage) {
            (TransferState::InTransit, InboundStage::Closed) => Some(InboundTask::ClosedAtAmazon),
            (TransferState::InTransit, InboundStage::Gone) => Some(InboundTask::GoneAtAmazon),
            _ => None,
        }
    }
}

/// All SKUs of our lines, and as many others as are kept; and how many are not.
pub fn kept(skus: Vec<ExpectedSku>) -> (Vec<ExpectedSku>, u32) {
    let mut others = 0;
    let all = skus.len();
    let keep = |sku: &ExpectedSku| {
        others += usize::from(sku.item_id.is_none());
        sku.item_id.is_some() || others <= OTHERS_MAX
    };
    let kept: Vec<ExpectedSku> = skus.into_iter().filter(keep).collect();
    let left_out = u32::try_from(all - kept.len()).unwrap_or(u32::MAX);
    (kept, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(body: &str) -> ItemId {
        ItemId::from_body(body).unwrap()
    }

    fn sku(sku: &str, quantity: i64, of: Option<&str>) -> ExpectedSku {
        let quantity = Quantity::new(quantity).unwrap();
        ExpectedSku { sku: sku.to_owned(), quantity, item_id: of.map(item) }
    }

    fn word(status: Option<&str>, skus: Vec<ExpectedSku>) -> InboundWord {
        let (skus, left_out) = kept(skus);
        let (status, checked_at) = (status.map(str::to_owned), Timestamp::UNIX_EPOCH);
        InboundWord { status, confirmation_id: None, skus, left_out, checked_at }
    }

    #[test]
    fn f10_an_id_of_amazon_s_has_its_length_and_its_letters() {
        for (text, fits) in [
            ("wf1234abcd-1234-abcd-5678-1234abcd5678", true),
            ("WF1234ABCD-1234-ABCD-5678-1234ABCD5678", true),
            ("wf1234abcd-1234-abcd-5678-1234abcd567", false),
            ("wf1234abcd-1234-abcd-5678-1234abcd56789", false),
            ("wf1234abcd-1234-abcd-5678-1234abcd567/", false),
            ("wf1234abcd-1234-abcd-5678-1234abcd56é", false),
            ("FBA15DJ8K9", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<AmazonInboundId>().is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn f10_a_line_is_compared_with_all_skus_of_its_item() {
        let word = word(None, vec![sku("A", 3, Some("a")), sku("A-2", 4, Some("a")), sku("C", 9, None)]);
        let line = |of: &str, quantity: i64| TransferLine {
            item_id: item(of),
            quantity: Quantity::new(quantity).unwrap(),
            received: Quantity::ZERO,
        };
        for (line, mismatch) in [(line("a", 7), 0), (line("a", 6), 1), (line("a", 9), -2), (line("b", 2), -2)]
        {
            assert_eq!(word.mismatch(&line), mismatch, "{line:?}");
        }
        assert_eq!(word.others().map(|one| one.sku.as_str()).collect::<Vec<_>>(), ["C"]);
    }

    #[test]
    fn f10_amazon_s_status_says_what_is_to_be_done_and_no_more() {
        use InboundTask::{ClosedAtAmazon, GoneAtAmazon};
        let open =
            ["UNCONFIRMED", "WORKING", "READY_TO_SHIP", "SHIPPED", "IN_TRANSIT", "DELIVERED", "CHECKED_IN"];
        let table = open.into_iter().chain(["RECEIVING", "MIXED", "TELEPORTED"]).map(|one| (one, None));
        let table = table.chain([("CLOSED", Some(ClosedAtAmazon))]);
        let gone = ["ABANDONED", "CANCELLED", "DELETED"].map(|one| (one, Some(GoneAtAmazon)));
        for (status, task) in table.chain(gone) {
            let word = word(Some(status), Vec::new());
            assert_eq!(word.task(TransferState::InTransit), task, "{status}");
            assert_eq!(word.task(TransferState::Received), None, "{status}");
        }
        assert_eq!(word(None, Vec::new()).task(TransferState::InTransit), None);
    }

    #[test]
    fn f10_our_skus_are_all_kept_and_of_others_a_hundred() {
        let others = (0..OTHERS_MAX + 7).map(|n| sku(&format!("X-{n:03}"), 1, None));
        let skus: Vec<ExpectedSku> = others.chain([sku("Z", 1, Some("a"))]).collect();
        let word = word(None, skus);
        assert_eq!((word.skus.len(), word.left_out, word.others().count()), (OTHERS_MAX + 1, 7, OTHERS_MAX));
    }
}
