//! Laws of bundles' rows, low stock, drift and the ledger's checks.

use std::collections::{BTreeMap, BTreeSet};

use domain::bundle::Component;
use domain::drift::{Action, Cause};
use domain::{ItemId, Quantity, SyncId};
use store::StoreError;
use store::drift::Drift;
use store::facts::LowStock;
use store::item::Item;
use store::link::Link;
use store::stock::Freshness;
use store::verification::{EVERY, Verification};

use super::bench::Bench;
use super::samples::{at, connection, first, item, item_id, linked, listing, organization, taken};
use super::{Outcome, laws};

laws!(
    components_know_their_bundles_as_long_as_they_are,
    a_bundle_is_stored_only_over_what_it_was_decided_upon,
    a_low_stock_is_said_once,
    an_acknowledgement_keeps_the_one_before,
    drifts_are_kept_by_listing_and_listed_by_connection,
    a_check_is_due_until_it_is_finished_and_begins_the_next,
);

fn bundle(n: u64, components: &[u64]) -> Item {
    let of = |n: &u64| Component { item_id: item_id(*n), quantity: Quantity::new(2).unwrap() };
    Item {
        components: components.iter().map(of).collect(),
        ..item(n, &format!("B{n}"), &format!("Bundle {n}"))
    }
}

fn there(items: &[u64]) -> BTreeMap<ItemId, Option<u64>> {
    items.iter().map(|n| (item_id(*n), None)).collect()
}

async fn components_know_their_bundles_as_long_as_they_are(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("bundlerows");
    for n in 1..=3 {
        store.create_item(&o, &item(n, &format!("I{n}"), &format!("Item {n}")), &[], None).await?;
    }
    let above = async |n| Ok::<_, StoreError>(store.item_stock_and_bundles(&o, &item_id(n)).await?.bundles);
    let made = bundle(9, &[1, 2]);
    store.create_bundle(&o, &made, &there(&[1, 2])).await?;
    assert_eq!(
        (above(1).await?, above(2).await?, above(3).await?),
        (vec![item_id(9)], vec![item_id(9)], vec![])
    );
    assert!(store.item_stock(&o, &item_id(1), Freshness::Consistent).await?.bundles.is_empty());
    let changed = Item { version: 2, base_version: 77, ..bundle(9, &[2, 3]) };
    store.update_bundle(&o, &made, &changed, &there(&[2, 3])).await?;
    assert_eq!(
        (above(1).await?, above(2).await?, above(3).await?),
        (vec![], vec![item_id(9)], vec![item_id(9)])
    );
    let facts = store.facts(&o, &BTreeSet::from([item_id(1), item_id(9)])).await?;
    assert_eq!(facts.len(), 1);
    assert_eq!((&facts[&item_id(9)].components, facts[&item_id(9)].base_version), (&changed.components, 77));
    assert_eq!(store.item_stock(&o, &item_id(9), Freshness::Eventual).await?.facts, facts[&item_id(9)]);
    store.delete_item(&o, &changed).await?;
    assert_eq!((above(2).await?, above(3).await?), (vec![], vec![]));
    assert!(store.facts(&o, &BTreeSet::from([item_id(9)])).await?.is_empty());
    Ok(())
}

async fn a_bundle_is_stored_only_over_what_it_was_decided_upon(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("bundledemands");
    store.create_item(&o, &item(1, "I1", "Item 1"), &[], None).await?;
    let gone = store.create_bundle(&o, &bundle(8, &[1, 2]), &there(&[1, 2])).await;
    assert!(matches!(gone, Err(StoreError::Conflict("component"))), "{gone:?}");
    let inner = bundle(8, &[1]);
    store.create_bundle(&o, &inner, &there(&[1])).await?;
    let renamed = Item { version: 2, reorder_level: Some(Quantity::ZERO), ..inner.clone() };
    store.update_item(&o, &inner, &renamed).await?;
    let seen = BTreeMap::from([(item_id(8), Some(1))]);
    let stale = store.create_bundle(&o, &bundle(9, &[8]), &seen).await;
    assert!(matches!(stale, Err(StoreError::Conflict("component"))), "{stale:?}");
    let seen = BTreeMap::from([(item_id(8), Some(2))]);
    store.create_bundle(&o, &bundle(9, &[8]), &seen).await?;
    Ok(())
}

async fn a_low_stock_is_said_once(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("lowstock");
    let id = item_id(1);
    let low = |second, available| LowStock { since: at(second), available, reorder_level: 5 };
    assert!(store.mark_low(&o, &id, &low(9, 4)).await?);
    assert!(!store.mark_low(&o, &id, &low(10, 3)).await?);
    assert_eq!(store.item_stock(&o, &id, Freshness::Consistent).await?.low_since, Some(at(9)));
    store.unmark_low(&o, &id).await?;
    assert!(store.mark_low(&o, &id, &low(11, 2)).await?);
    assert_eq!(store.item_stock(&o, &id, Freshness::Consistent).await?.low_since, Some(at(11)));
    Ok(())
}

async fn an_acknowledgement_keeps_the_one_before(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("previous");
    store.create_item(&o, &item(1, "I1", "Item 1"), &[], None).await?;
    let fetched = listing(&connection(1), "10", Some("I1"));
    let (after, link) = linked(&fetched, &item_id(1));
    store.save_listing(&o, None, &fetched, None).await?;
    store.link_listing(&o, Some(&fetched), &after, &link).await?;
    let read = async || {
        let stock = store.item_stock(&o, &item_id(1), Freshness::Consistent).await?;
        Ok::<Link, StoreError>(stock.links[0].clone())
    };
    store.acknowledge(&o, &item_id(1), &link.listing_id, &taken(5, 1, 10)).await?;
    assert_eq!(read().await?.previous, Some(Quantity::new(5).unwrap()));
    store.acknowledge(&o, &item_id(1), &link.listing_id, &taken(3, 2, 20)).await?;
    let now = read().await?;
    assert_eq!((now.previous, now.acknowledged), (Some(Quantity::new(5).unwrap()), Some(taken(3, 2, 20))));
    store.note_observed(&o, &item_id(1), &link.listing_id, (9, at(30)), true).await?;
    let held = read().await?;
    assert_eq!((held.observed, held.observed_at, held.held_since), (Some(9), Some(at(30)), Some(at(30))));
    assert!(store.release_link(&o, &item_id(1), &link.listing_id).await?);
    assert!(!store.release_link(&o, &item_id(1), &link.listing_id).await?);
    assert_eq!(read().await?.held_since, None);
    assert_eq!(store.linked_count(&o, &connection(1)).await?, 1);
    assert_eq!(store.linked_count(&o, &connection(2)).await?, 0);
    Ok(())
}

async fn drifts_are_kept_by_listing_and_listed_by_connection(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("drifts");
    let drift = |n: u64, external: &str, action| Drift {
        listing_id: listing(&connection(n), external, None).id,
        item_id: item_id(1),
        connection_id: connection(n),
        desired: Quantity::new(5).unwrap(),
        acknowledged: None,
        observed: 9,
        locations: Vec::new(),
        observed_at: at(0),
        cause: Cause::Unknown,
        action,
    };
    let (alerted, overwritten) = (drift(1, "1", Action::Alerted), drift(1, "2", Action::Overwritten));
    let other = drift(2, "1", Action::Held);
    for drift in [&alerted, &overwritten, &other] {
        store.note_drift(&o, drift).await?;
    }
    let listed = async |n: Option<u64>, now| {
        let connection = n.map(connection);
        Ok::<_, StoreError>(store.drifts(&o, connection.as_ref(), at(now), &first(10)).await?.data)
    };
    assert_eq!(listed(Some(1), 1).await?, [alerted.clone(), overwritten.clone()]);
    assert_eq!(listed(None, 1).await?.len(), 3);
    let later = listed(Some(1), 32 * 86_400).await?;
    assert_eq!(later, std::slice::from_ref(&alerted), "what was made good is history");
    let open =
        async || store.open_drifts(&o, [&overwritten.listing_id, &alerted.listing_id].into_iter()).await;
    assert_eq!(open().await?, BTreeSet::from([alerted.listing_id.clone()]), "those of the connection");
    store.forget_drift(&o, &alerted.listing_id).await?;
    store.forget_drift(&o, &overwritten.listing_id).await?;
    assert_eq!(open().await?, BTreeSet::new());
    assert_eq!(listed(Some(1), 1).await?, [overwritten]);
    Ok(())
}

async fn a_check_is_due_until_it_is_finished_and_begins_the_next(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("checks");
    let id = |body: &str| SyncId::from_body(body).unwrap();
    let due = async |second| Ok::<_, StoreError>(store.due_verifications(at(second), 10).await?);
    let check = Verification::new(id("1"), true, at(0), at(5));
    store.save_verification(&o, &check, None).await?;
    assert!(matches!(store.save_verification(&o, &check, None).await, Err(StoreError::Exists(_))));
    assert_eq!((due(4).await?, due(5).await?), (vec![], vec![(o.clone(), id("1"))]));
    let next = Verification::new(id("2"), true, at(6), at(6).checked_add(EVERY)?);
    let done = Verification { finished_at: Some(at(6)), items: 3, version: 2, ..check.clone() };
    store.save_verification(&o, &done, Some(&next)).await?;
    let late = Verification { items: 4, version: 2, ..check };
    assert!(matches!(store.save_verification(&o, &late, None).await, Err(StoreError::Conflict(_))));
    assert_eq!(due(86_000).await?, vec![]);
    assert_eq!(due(90_000).await?, vec![(o.clone(), id("2"))]);
    assert_eq!(store.verification(&o, &id("1")).await?, Some(done));
    Ok(())
}
