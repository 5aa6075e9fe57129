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

/// The requests by which goods arrived, the last [`REQUESTS_MAX`]: one that is tried again must not count them twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReceivedBy(Vec<String>);

/// Far more than are under way within the 24 hours for which a request can be tried again.
const REQUESTS_MAX: usize = 50;

impl ReceivedBy {
    /// Whether what this request tells of was counted.
    pub fn has(&self, request: Option<&str>) -> bool {
        request.is_some_and(|request| self.0.iter().any(|known| known == request))
    }

    pub fn add(&mut self, request: Option<&str>) {
        self.0.extend(request.map(str::to_owned));
        let old = self.0.len().saturating_sub(REQUESTS_MAX);
        self.0.drain(..old);
    }
}

/// What is wrong with a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReceipt {
    #[error("must be an item of the transfer")]
    NotOfTransfer,
    #[error("must not be more than is in transit")]
    TooMany,
    #[error("must not name an item twice")]
    Twice,
}

/// A transfer after a part of it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub lines: Vec<TransferLine>,
    /// What arrived, each with the place of its line.
    pub arrived: Vec<(usize, Quantity)>,
}

/// The lines after `arrived` of each item; an error names the one of `arrived` that is wrong by its place.
pub fn receive(
    lines: &[TransferLine],
    arrived: &[(ItemId, Quantity)],
) -> Result<Receipt, (usize, InvalidReceipt)> {
    let mut after = lines.to_vec();
    let mut received: Vec<(usize, Quantity)> = Vec::with_capacity(arrived.len());
    for (n, (item, quantity)) in arrived.iter().enumerate() {
        let place = after.iter().position(|line| line.item_id == *item);
        let Some((place, line)) = place.and_then(|place| Some((place, after.get_mut(place)?))) else {
            return Err((n, InvalidReceipt::NotOfTransfer));
        };
        if received.iter().any(|(known, _)| *known == place) {
            return Err((n, InvalidReceipt::Twice));
        }
        if *quantity > line.in_transit() {
            return Err((n, InvalidReceipt::TooMany));
        }
        line.received = Quantity::clamped(line.received.units() + quantity.units());
        received.push((place, *quantity));
    }
    Ok(Receipt { lines: after, arrived: received })
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
    fn a_request_is_counted_once_and_only_the_last_are_known() {
        let mut received_by = ReceivedBy::default();
        received_by.add(None);
        for n in 0..=REQUESTS_MAX {
            received_by.add(Some(&n.to_string()));
        }
        assert_eq!(
            [None, Some("0"), Some("1"), Some("50")].map(|one| received_by.has(one)),
            [false, false, true, true]
        );
        assert_eq!(received_by.0.len(), REQUESTS_MAX);
    }

    #[test]
    fn a_transfer_is_received_in_parts_and_never_more_than_left() {
        let line = |body: &str, sent, received| TransferLine {
            item_id: item(body),
            quantity: quantity(sent),
            received: quantity(received),
        };
        let lines = [line("a", 5, 0), line("b", 2, 0)];
        let part = receive(&lines, &[(item("b"), quantity(2)), (item("a"), quantity(3))]).unwrap();
        assert_eq!(part.lines, [line("a", 5, 3), line("b", 2, 2)]);
        assert_eq!(part.arrived, [(1, quantity(2)), (0, quantity(3))]);
        assert_eq!(state_of(&part.lines), TransferState::InTransit);
        let too_many = receive(&part.lines, &[(item("a"), quantity(3))]);
        assert_eq!(too_many, Err((0, InvalidReceipt::TooMany)));
        let other = receive(&part.lines, &[(item("c"), quantity(1))]);
        assert_eq!(other, Err((0, InvalidReceipt::NotOfTransfer)));
        let twice = receive(&lines, &[(item("a"), quantity(1)), (item("a"), quantity(1))]);
        assert_eq!(twice, Err((1, InvalidReceipt::Twice)));
        let whole = receive(&part.lines, &[(item("a"), quantity(2))]).unwrap();
        assert_eq!(state_of(&whole.lines), TransferState::Received);
    }
}
