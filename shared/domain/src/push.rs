//! Planning a push: which listings must be told a number, and in which batches.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::channel::Fulfilment;
use crate::listing::ListingStatus;
use crate::{Quantity, Timestamp};

/// What the channel last took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    pub quantity: Quantity,
    /// The version of the item's stock that the quantity was computed from.
    pub version: u64,
    pub at: Timestamp,
}

/// What a channel took in and still works on: until its result is known, the listing is told nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// The channel's own name of the submission.
    pub ticket: String,
    pub quantity: Quantity,
    pub version: u64,
    pub at: Timestamp,
}

impl Submitted {
    /// After this nobody waits for it any more: its result was lost, and the number is told again.
    const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(6);

    pub fn is_open(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) < Self::FORGOTTEN_AFTER
    }
}

/// Why a listing does not show what it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushFailure {
    /// Stable, snake_case.
    pub code: String,
    pub reason: String,
    pub since: Timestamp,
}

impl PushFailure {
    /// The channel gave a reason that no further try changes.
    pub fn is_lasting(&self) -> bool {
        [NotPushed::ListingGone, NotPushed::StockNotManaged].iter().any(|why| why.code() == self.code)
    }
}

/// Why nothing is sent to a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotPushed {
    NotLinked,
    /// Amazon owns the number of an FBA listing.
    FulfilledByAmazon,
    ConnectionInactive,
    NeedsAuthorization,
    StockSyncInactive,
    NoLocationsMapped,
    /// The listing is deleted or archived on its channel.
    ListingGone,
    /// The channel does not count this listing's stock.
    StockNotManaged,
    /// Its number was changed on the channel, and the connection holds it until a person decides.
    DriftHeld,
    /// It would go to zero with more others than may at once: a person is asked.
    HeldForApproval,
}

impl NotPushed {
    /// Stable, snake_case.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotLinked => "not_linked",
            Self::FulfilledByAmazon => "fulfilled_by_amazon",
            Self::ConnectionInactive => "connection_inactive",
            Self::NeedsAuthorization => "needs_authorization",
            Self::StockSyncInactive => "stock_sync_inactive",
            Self::NoLocationsMapped => "no_locations_mapped",
            Self::ListingGone => "listing_gone",
            Self::StockNotManaged => "stock_not_managed",
            Self::DriftHeld => "drift_held",
            Self::HeldForApproval => "held_for_approval",
        }
    }
}

/// A listing that may be told a number: what a quantity can be sent to.
///
/// Only [`Pushable::check`] makes one, so no path leads from an unlinked or FBA listing to a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushable(());

impl Pushable {
    pub fn check(status: ListingStatus, fulfilment: Fulfilment) -> Result<Self, NotPushed> {
        match (status, fulfilment) {
            (_, Fulfilment::Fba) => Err(NotPushed::FulfilledByAmazon),
            (ListingStatus::Linked, Fulfilment::Mfn) => Ok(Self(())),
            _ => Err(NotPushed::NotLinked),
        }
    }

    /// Whether the channel must be told: it has nothing yet, has another number, or took its number before the stock
    /// last moved (what the channel did with it since is not known). `force` sends whatever is known.
    pub fn must_send(
        self,
        desired: Quantity,
        version: u64,
        acknowledged: Option<Acknowledged>,
        force: bool,
    ) -> bool {
        match acknowledged {
            None => true,
            Some(acknowledged) => force || acknowledged.version < version || acknowledged.quantity != desired,
        }
    }
}

/// How a listing's number stands, as merchants see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushState {
    InSync,
    Pending,
    Failed,
    Disabled,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_a_linked_listing_of_the_merchant_s_own_stock_can_be_pushed() {
        for status in ListingStatus::ALL {
            let mfn = Pushable::check(status, Fulfilment::Mfn);
            assert_eq!(mfn.is_ok(), status == ListingStatus::Linked, "{status:?}");
            assert_eq!(Pushable::check(status, Fulfilment::Fba), Err(NotPushed::FulfilledByAmazon));
        }
    }

    proptest! {
        #[test]
        fn what_was_acknowledged_for_this_version_is_not_sent_again(quantity in 0i64..100, version in 0u64..100, older in 1u64..10) {
            let quantity = Quantity::new(quantity).unwrap();
            let pushable = Pushable::check(ListingStatus::Linked, Fulfilment::Mfn).unwrap();
            let at = Timestamp::UNIX_EPOCH;
            let same = Some(Acknowledged { quantity, version, at });
            prop_assert!(!pushable.must_send(quantity, version, same, false));
            prop_assert!(pushable.must_send(quantity, version, same, true));
            prop_assert!(pushable.must_send(quantity, version + older, same, false));
            prop_assert!(pushable.must_send(Quantity::clamped(quantity.units() + 1), version, same, false));
            prop_assert!(pushable.must_send(quantity, version, None, false));
        }
    }
}
