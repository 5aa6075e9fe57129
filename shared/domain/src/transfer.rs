//! Transfers: goods on their way from one location to another.
//!
//! What has left and not arrived is on hand nowhere: it is in transit, by the document alone.

use serde::{Deserialize, Serialize};

use crate::{ItemId, Quantity};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// Something of it has not arrived.
    InTransit,
    Received,
    Void,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferLine {
    pub item_id: ItemId,
    pub quantity: Quantity,
    /// At most `quantity`.
    pub received: Quantity,
}

impl TransferLine {
    pub fn in_transit(&self) -> Quantity {
        self.quantity.saturating_sub(self.received)
    }
}

/// What is wrong with a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReceipt {
    #[error("must be an item of the transfer")]
    NotOfTransfer,
    #[error("must not be more than is in transit")]
    TooMany,
}

/// The lines after `arrived` of each item, in the order of the lines' numbers with what arrived of each.
pub fn receive(
    lines: &[TransferLine],
    arrived: &[(ItemId, Quantity)],
) -> Result<(Vec<TransferLine>, Vec<(usize, Quantity)>), (usize, InvalidReceipt)> {
    let mut after = lines.to_vec();
    let mut received = Vec::with_capacity(arrived.len());
    for (n, (item, quantity)) in arrived.iter().enumerate() {
        let place = after.iter().position(|line| line.item_id == *item);
        let Some((place, line)) = place.and_then(|place| Some((place, after.get_mut(place)?))) else {
            return Err((n, InvalidReceipt::NotOfTransfer));
        };
        if *quantity > line.in_transit() {
            return Err((n, InvalidReceipt::TooMany));
        }
        line.received = Quantity::clamped(line.received.units() + quantity.units());
        received.push((place, *quantity));
    }
    Ok((after, received))
}

/// Where a transfer with these lines stands, if it is not void.
pub fn state_of(lines: &[TransferLine]) -> TransferState {
    if lines.iter().all(|line| line.in_transit() == Quantity::ZERO) {
        TransferState::Received
    } else {
        TransferState::InTransit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(body: &str) -> ItemId {
        ItemId::from_body(body).unwrap()
    }

    fn quantity(units: i64) -> Quantity {
        Quantity::new(units).unwrap()
    }

    #[test]
    fn a_transfer_is_received_in_parts_and_never_more_than_left() {
        let line = |body: &str, sent, received| TransferLine {
            item_id: item(body),
            quantity: quantity(sent),
            received: quantity(received),
        };
        let lines = [line("a", 5, 0), line("b", 2, 0)];
        let (after, received) =
            receive(&lines, &[(item("b"), quantity(2)), (item("a"), quantity(3))]).unwrap();
        assert_eq!(
            (after.as_slice(), state_of(&after)),
            ([line("a", 5, 3), line("b", 2, 2)].as_slice(), TransferState::InTransit)
        );
        assert_eq!(received, [(1, quantity(2)), (0, quantity(3))]);
        assert_eq!(receive(&after, &[(item("a"), quantity(3))]), Err((0, InvalidReceipt::TooMany)));
        assert_eq!(receive(&after, &[(item("c"), quantity(1))]), Err((0, InvalidReceipt::NotOfTransfer)));
        let (whole, _) = receive(&after, &[(item("a"), quantity(2))]).unwrap();
        assert_eq!(state_of(&whole), TransferState::Received);
    }
}
