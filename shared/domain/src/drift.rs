//! Drift: a channel that shows another number than it took, and why.

use serde::{Deserialize, Serialize};

use crate::connection::DriftPolicy;
use crate::push::Acknowledged;
use crate::{ChannelLocationId, Quantity, Timestamp};

/// Why a channel shows another number than it acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Somebody changed it there.
    EditedOnChannel,
    /// The channel took a number and shows the one before.
    LostUpdate,
    /// It sold there, and the order had not come here.
    MissedOrder,
    /// Stock moved here since the channel took its number, and nothing explains what it shows.
    Unknown,
}

impl Cause {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EditedOnChannel => "edited_on_channel",
            Self::LostUpdate => "lost_update",
            Self::MissedOrder => "missed_order",
            Self::Unknown => "unknown",
        }
    }
}

/// What was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The number that it must show was sent.
    Overwritten,
    /// Noted; the next change of stock overwrites it.
    Alerted,
    /// Noted, and nothing is sent until a person says so.
    Held,
}

impl Action {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Overwritten => "overwritten",
            Self::Alerted => "alerted",
            Self::Held => "held",
        }
    }
}

/// What is known of a listing's number when it is looked at on its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub desired: Quantity,
    /// The version of the stock that `desired` was computed from.
    pub version: u64,
    pub acknowledged: Option<Acknowledged>,
    /// The quantity acknowledged before that one.
    pub previous: Option<Quantity>,
    /// What was seen at the last look, and when it was first seen so.
    pub last_seen: Option<(i64, Timestamp)>,
    /// Units of the listing in orders placed some time ago that only this look brought in.
    pub missed_units: i64,
    pub observed: i64,
}

/// What the channel's number says; `None` where it shows what it must, or what it took last, or was never told any: that
/// is no drift, at most a push that is due.
pub fn classify(seen: &Seen) -> Option<Cause> {
    let acknowledged = seen.acknowledged?;
    let took = acknowledged.quantity.units();
    // Also where both numbers are right by now: that the order was missed is what is to be known.
    if seen.missed_units > 0 && seen.observed != took && seen.observed == (took - seen.missed_units).max(0) {
        return Some(Cause::MissedOrder);
    }
    if seen.observed == seen.desired.units() || seen.observed == took {
        return None;
    }
    let never_changed =
        seen.last_seen.is_some_and(|(number, at)| number == seen.observed && at < acknowledged.at);
    if never_changed || seen.previous.is_some_and(|previous| previous.units() == seen.observed) {
        return Some(Cause::LostUpdate);
    }
    Some(if seen.version > acknowledged.version { Cause::Unknown } else { Cause::EditedOnChannel })
}

/// One of a channel's own locations when a listing is looked at there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenAt {
    pub channel_location_id: ChannelLocationId,
    pub desired: Quantity,
    /// What it took last.
    pub acknowledged: Quantity,
    /// What it took before that; `None` where that explains nothing.
    #[serde(skip)]
    pub previous: Option<Quantity>,
    pub observed: i64,
}

/// What the numbers say of a listing that is told by location: the sum first, and where that is right, each location.
/// While stock has moved since, a push is due that compares each location by itself.
pub fn classify_by_location(seen: &Seen, at: &[SeenAt]) -> Option<Cause> {
    if let Some(cause) = classify(seen) {
        return Some(cause);
    }
    let acknowledged = seen.acknowledged.filter(|acknowledged| acknowledged.version >= seen.version)?;
    at.iter().find_map(|one| {
        classify(&Seen {
            desired: one.desired,
            acknowledged: Some(Acknowledged { quantity: one.acknowledged, ..acknowledged }),
            previous: one.previous,
            last_seen: None,
            observed: one.observed,
            ..*seen
        })
    })
}

/// What to do. The policy is about what people did on the channel; what got lost on the way is always made good. Where a
/// push is due and nothing says that a person changed the number, nobody is waited for: a sale would hold its listing.
pub fn action(cause: Cause, policy: DriftPolicy) -> Action {
    match (cause, policy) {
        (Cause::LostUpdate | Cause::MissedOrder, _) | (_, DriftPolicy::Overwrite) => Action::Overwritten,
        (_, DriftPolicy::Alert) | (Cause::Unknown, DriftPolicy::Hold) => Action::Alerted,
        (Cause::EditedOnChannel, DriftPolicy::Hold) => Action::Held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn seen(desired: i64, took: Option<(i64, u64)>, observed: i64) -> Seen {
        let quantity = |units| Quantity::new(units).unwrap();
        Seen {
            desired: quantity(desired),
            version: 7,
            acknowledged: took.map(|(units, version)| Acknowledged {
                quantity: quantity(units),
                version,
                at: at(100),
            }),
            previous: None,
            last_seen: None,
            missed_units: 0,
            observed,
        }
    }

    #[test]
    fn l3_what_a_channel_shows_is_classified() {
        let same = Some((5, 7));
        for (case, seen, cause) in [
            ("as it must be", seen(5, same, 5), None),
            ("took it, and stock moved since", seen(3, Some((5, 6)), 5), None),
            ("never told", seen(5, None, 9), None),
            ("right by chance", seen(3, Some((5, 6)), 3), None),
            ("edited", seen(5, same, 10), Some(Cause::EditedOnChannel)),
            ("edited down", seen(5, same, 0), Some(Cause::EditedOnChannel)),
            (
                "the one before",
                Seen { previous: Some(Quantity::new(8).unwrap()), ..seen(5, same, 8) },
                Some(Cause::LostUpdate),
            ),
            (
                "never changed",
                Seen { last_seen: Some((8, at(50))), ..seen(5, same, 8) },
                Some(Cause::LostUpdate),
            ),
            (
                "seen so since",
                Seen { last_seen: Some((8, at(150))), ..seen(5, same, 8) },
                Some(Cause::EditedOnChannel),
            ),
            ("sold there", Seen { missed_units: 2, ..seen(4, Some((6, 6)), 4) }, Some(Cause::MissedOrder)),
            (
                "sold and something else",
                Seen { missed_units: 2, ..seen(3, Some((6, 6)), 1) },
                Some(Cause::Unknown),
            ),
            ("moved meanwhile", seen(3, Some((5, 6)), 9), Some(Cause::Unknown)),
        ] {
            assert_eq!(classify(&seen), cause, "{case}");
        }
    }

    #[test]
    fn l3_one_location_may_be_wrong_and_the_sum_right() {
        let one = |location: &str, took: i64, observed: i64| SeenAt {
            channel_location_id: location.parse().unwrap(),
            desired: Quantity::new(took).unwrap(),
            acknowledged: Quantity::new(took).unwrap(),
            previous: None,
            observed,
        };
        let lost = |one: SeenAt| SeenAt { previous: Some(Quantity::clamped(one.observed)), ..one };
        let same = Some((5, 7));
        let moved = [one("1", 3, 1), one("2", 2, 4)];
        let right = [one("1", 3, 3), one("2", 2, 2)];
        for (case, seen, at, cause) in [
            ("as it must be", seen(5, same, 5), &right, None),
            ("moved there", seen(5, same, 5), &moved, Some(Cause::EditedOnChannel)),
            ("as before", seen(5, same, 5), &moved.clone().map(lost), Some(Cause::LostUpdate)),
            ("moved there, and a push is due", seen(5, Some((5, 6)), 5), &moved, None),
            ("the sum is wrong", seen(5, same, 9), &right, Some(Cause::EditedOnChannel)),
            ("never told", seen(5, None, 5), &moved, None),
        ] {
            assert_eq!(classify_by_location(&seen, at), cause, "{case}");
        }
    }

    #[test]
    fn l3_only_what_people_did_is_left_to_the_policy() {
        use DriftPolicy::*;
        for policy in [Overwrite, Alert, Hold] {
            assert_eq!(action(Cause::LostUpdate, policy), Action::Overwritten);
            assert_eq!(action(Cause::MissedOrder, policy), Action::Overwritten);
        }
        assert_eq!(action(Cause::EditedOnChannel, Overwrite), Action::Overwritten);
        assert_eq!(action(Cause::EditedOnChannel, Alert), Action::Alerted);
        assert_eq!(action(Cause::EditedOnChannel, Hold), Action::Held);
        assert_eq!(action(Cause::Unknown, Hold), Action::Alerted);
    }
}
