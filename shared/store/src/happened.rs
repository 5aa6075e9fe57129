//! What a change of a row means to the outside: domain events, read from the table's stream.
//!
//! Told from the stream and not by who wrote, so that what was stored is told even if the writer died right after.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::connection::ConnectionStatus;
use domain::event::{Event, EventKind};
use domain::listing::ListingStatus;
use domain::sync::SyncState;
use domain::{ItemId, OrganizationId};

use crate::StoreError;
use crate::connection::Connection;
use crate::facts::low_stock;
use crate::keys::{CONNECTION, LEVEL, LOW, PK, SK};
use crate::listing::Listing;
use crate::order::Order;
use crate::row::{Reader, from_row};
use crate::stock::level_of;
use crate::sync::Sync;

/// A row before and after, as the stream tells it.
#[derive(Debug, Clone, Default)]
pub struct RowChange {
    pub id: String,
    pub before: Option<HashMap<String, AttributeValue>>,
    pub after: Option<HashMap<String, AttributeValue>>,
}

/// The kinds of rows that events are told of.
enum Kind {
    Order,
    Level(ItemId),
    Low(ItemId),
    Listing,
    Sync,
    Connection,
}

/// Whose row of which kind, by its keys; `None` for rows of which nothing is told.
fn kind_of(pk: &str, sk: &str) -> Option<(OrganizationId, Kind)> {
    let mut parts = pk.split('#');
    let ("O", organization) = (parts.next()?, OrganizationId::from_body(parts.next()?).ok()?) else {
        return None;
    };
    let kind = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (None, None, None, None) if sk.starts_with(CONNECTION) => Kind::Connection,
        (Some("ORD"), None, None, None) => Kind::Order,
        (Some("SYN"), None, None, None) => Kind::Sync,
        (Some("I"), Some(item), None, None) if sk.starts_with(LEVEL) => {
            Kind::Level(ItemId::from_body(item).ok()?)
        }
        (Some("I"), Some(item), None, None) if sk == LOW => Kind::Low(ItemId::from_body(item).ok()?),
        (Some("C"), Some(_), Some("LST"), None) => Kind::Listing,
        _ => return None,
    };
    Some((organization, kind))
}

/// Whether events may be told of a row with these keys: what the template's filter lets through.
pub fn is_told_of(pk: &str, sk: &str) -> bool {
    kind_of(pk, sk).is_some()
}

/// The events of a change, in the order in which they are to be told.
pub fn happened(change: RowChange) -> Result<Vec<Event>, StoreError> {
    let RowChange { id, before, after } = change;
    // What was deleted is history.
    let Some(after) = after else { return Ok(Vec::new()) };
    let reader = Reader::new("a changed row", &after);
    let Some((organization_id, kind)) = kind_of(reader.text(PK)?, reader.text(SK)?) else {
        return Ok(Vec::new());
    };
    let kinds = match kind {
        Kind::Order => {
            let before = before.as_ref().map(Order::of_row).transpose()?.filter(|before| before.complete);
            of_order(before.as_ref(), &Order::of_row(&after)?)
        }
        Kind::Level(item) => {
            let before = before.as_ref().map(level_of).transpose()?;
            let level = level_of(&after)?;
            let moved =
                before.is_none_or(|old| (old.on_hand, old.committed) != (level.on_hand, level.committed));
            let told = EventKind::StockChanged {
                item_id: item,
                available: level.on_hand - level.committed,
                on_hand: level.on_hand,
                committed: level.committed,
                location_id: level.location_id,
            };
            moved.then_some(told).into_iter().collect()
        }
        Kind::Low(item_id) => {
            let low = low_stock(&after)?;
            let (available, reorder_level) = (low.available, low.reorder_level);
            let told = EventKind::StockBelowReorderLevel { item_id, available, reorder_level };
            before.is_none().then_some(told).into_iter().collect()
        }
        Kind::Listing => {
            let waited = match before {
                Some(row) => from_row::<Listing>("a listing", row)?.status == ListingStatus::Unconfirmed,
                None => false,
            };
            let listing: Listing = from_row("a listing", after)?;
            let waits = listing.status == ListingStatus::Unconfirmed && !waited;
            let told = EventKind::ListingUnconfirmed {
                listing_id: listing.id,
                connection_id: listing.connection_id,
                found: listing.found,
            };
            waits.then_some(told).into_iter().collect()
        }
        Kind::Sync => {
            let state = |row| from_row::<Sync>("a sync", row).map(|sync| sync.state);
            let had_failed = before.map(state).transpose()? == Some(SyncState::Failed);
            let sync: Sync = from_row("a sync", after)?;
            let failed = sync.state == SyncState::Failed && !had_failed;
            let told = EventKind::SyncFailed {
                sync_id: sync.id,
                connection_id: sync.connection_id,
                kind: sync.kind,
                code: sync.failure.map(|failure| failure.code),
            };
            failed.then_some(told).into_iter().collect()
        }
        Kind::Connection => {
            let refused = |connection: &Connection| connection.status == ConnectionStatus::NeedsAuthorization;
            // One that waits for its first consent was not refused.
            let Some(before) = before else { return Ok(Vec::new()) };
            let before: Connection = from_row("a connection", before)?;
            let connection: Connection = from_row("a connection", after)?;
            let told = EventKind::ConnectionNeedsAuthorization { connection_id: connection.id.clone() };
            (refused(&connection) && !refused(&before)).then_some(told).into_iter().collect()
        }
    };
    let event = |(n, kind)| Event { id: format!("{id}-{n}"), organization_id: organization_id.clone(), kind };
    Ok(kinds.into_iter().enumerate().map(event).collect())
}

fn of_order(before: Option<&Order>, order: &Order) -> Vec<EventKind> {
    let mut told = Vec::new();
    if !order.complete {
        return told;
    }
    // Whoever makes an order by hand knows of it.
    let Some(connection_id) = order.connection_id().cloned() else { return told };
    let order_id = order.id.clone();
    if before.is_none() {
        let (order_id, connection_id) = (order_id.clone(), connection_id.clone());
        let (state, frozen) = (order.state, order.frozen);
        told.push(EventKind::OrderImported { order_id, connection_id, state, frozen });
    }
    if order.frozen && !before.is_some_and(|before| before.frozen) {
        told.push(EventKind::OrderFrozen { order_id, connection_id });
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;

    #[test]
    fn rows_that_nothing_is_told_of_are_passed_over() {
        for (pk, sk) in [
            ("O#1", "ORG"),
            ("O#1", "KEY#key_1"),
            ("O#1", "CONSEC#con_1"),
            ("O#1", "CONSTATE#con_1"),
            ("O#1#I#2", "MOV#0000000000001#1"),
            ("O#1#I#2", "LNK#lst_1_2"),
            ("O#1#C#2#SKU#=A", "SKU"),
            ("O#1#SYR#3", "failed#1"),
            ("K#digest", "K"),
        ] {
            assert!(!is_told_of(pk, sk), "{pk} {sk}");
        }
        for (pk, sk) in [
            ("O#1", "CON#con_1"),
            ("O#1#ORD", "ord_1"),
            ("O#1#SYN", "syn_1"),
            ("O#1#I#2", "LVL#loc_1"),
            ("O#1#I#2", "LOW"),
            ("O#1#C#2#LST", "lst_2_3"),
        ] {
            assert!(is_told_of(pk, sk), "{pk} {sk}");
        }
    }

    #[test]
    fn the_keys_are_those_that_are_written() {
        let organization = OrganizationId::from_body("1").unwrap();
        let connection = domain::ConnectionId::from_body("2").unwrap();
        for key in [
            keys::connection(&organization, &connection),
            keys::order(&organization, &"ord_2_3".parse().unwrap()),
            keys::listing(&organization, &"lst_2_3".parse().unwrap()).unwrap(),
            keys::sync(&organization, &"syn_4".parse().unwrap()),
            keys::level(&organization, &"itm_5".parse().unwrap(), &"loc_6".parse().unwrap()),
            keys::low(&organization, &"itm_5".parse().unwrap()),
        ] {
            assert!(is_told_of(&key.pk, &key.sk), "{key:?}");
        }
    }
}
