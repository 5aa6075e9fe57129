//! Laws of the ledger: levels are the sum of their movements, and nothing else changes them.

use domain::channel_location::Shares;
use domain::push::PushFailure;
use domain::stock::{Level, Movement, replay};
use domain::{AdjustmentId, ItemId, LocationId, OrganizationId, Quantity};
use futures_util::future::join_all;
use store::adjustment::{Adjustment, AdjustmentLine};
use store::link::Stored;
use store::stock::{Freshness, Guard, Posting};
use store::{Store, StoreError};

use super::bench::Bench;
use super::samples::{
    at, connection, first, item, item_id, linked, listing, location, movement, organization, taken,
};
use super::{Outcome, laws};

laws!(
    movements_replay_to_the_levels,
    a_movement_reads_back,
    nothing_falls_below_zero_under_guard,
    a_computed_quantity_meets_its_version_or_conflicts,
    a_document_is_all_or_nothing,
    lines_of_one_item_are_summed,
    concurrent_movements_sum_up,
    an_acknowledgement_never_goes_back,
    what_each_location_took_is_kept_with_it,
    a_failure_stays_since_it_began,
    an_item_s_stock_is_its_own,
);

fn document(n: u64, postings: &[Posting]) -> Adjustment {
    Adjustment {
        id: AdjustmentId::from_body(&format!("{n:08}")).unwrap(),
        location_id: location(1),
        lines: postings
            .iter()
            .map(|posting| AdjustmentLine {
                item_id: posting.movement.item_id.clone(),
                delta: posting.movement.change.on_hand,
                set_to: None,
            })
            .collect(),
        reason: Some("counted".to_owned()),
        reference: None,
        allow_negative: false,
        created_by: "key_1".to_owned(),
        created_at: at(0),
        voided: None,
        version: 1,
    }
}

fn posting(id: &str, item: &ItemId, on_hand: i64, guard: Guard) -> Posting {
    Posting { movement: movement(id, item, &location(1), on_hand, 0, 1), guard }
}

async fn post(store: &Store, o: &OrganizationId, n: u64, postings: &[Posting]) -> Result<(), StoreError> {
    store.post_document(o, &document(n, postings), postings).await
}

async fn on_hand(store: &Store, o: &OrganizationId, item: &ItemId) -> i64 {
    store.level(o, item, &location(1)).await.unwrap().on_hand
}

async fn all_movements(store: &Store, o: &OrganizationId, item: &ItemId) -> Vec<Movement> {
    let mut page = first(7);
    let mut all = Vec::new();
    loop {
        let found = store.movements(o, item, &page).await.unwrap();
        all.extend(found.data);
        let Some(cursor) = found.next_cursor else { return all };
        page.cursor = Some(cursor);
    }
}

/// Whatever was posted, refusals included, the movements replay to the levels, and are listed newest first.
async fn movements_replay_to_the_levels(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("replay");
    let mut seed: u64 = 42;
    let mut random = |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    let mut refused = 0;
    for n in 0..60 {
        let lines = 1 + random(3);
        let postings: Vec<Posting> = (0..lines)
            .map(|line| {
                let (item, place) = (item_id(1 + random(2)), location(1 + random(2)));
                let (on_hand, committed) =
                    (i64::try_from(random(21)).unwrap() - 9, i64::try_from(random(5)).unwrap() - 2);
                let guard = if random(2) == 0 { Guard::None } else { Guard::OnHandNotNegative };
                let second = i64::try_from(n).unwrap();
                Posting {
                    movement: movement(&format!("{n}.{line}"), &item, &place, on_hand, committed, second),
                    guard,
                }
            })
            .collect();
        match post(store, &o, n, &postings).await {
            Ok(()) => {}
            Err(StoreError::NotEnoughStock) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!((1..60).contains(&refused), "{refused} refused: the seed tests too little");
    for item in [item_id(1), item_id(2)] {
        let movements = all_movements(store, &o, &item).await;
        assert!(!movements.is_empty());
        assert!(movements.is_sorted_by(|a, b| a.at >= b.at));
        let mut levels = store.item_stock(&o, &item, Freshness::Consistent).await.unwrap().levels;
        levels.sort_by(|a, b| a.location_id.cmp(&b.location_id));
        assert_eq!(replay(&movements), levels);
    }
    Ok(())
}

/// A movement reads back as it was posted.
async fn a_movement_reads_back(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("movement");
    let one = posting("m.1", &item_id(1), 3, Guard::None);
    post(store, &o, 1, std::slice::from_ref(&one)).await.unwrap();
    assert_eq!(all_movements(store, &o, &item_id(1)).await, vec![one.movement]);
    Ok(())
}

/// What has no row has nothing on hand: a guard takes it so, from either side of zero.
async fn nothing_falls_below_zero_under_guard(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("guard");
    let item = item_id(1);
    let guarded = |id: &str, delta| [posting(id, &item, delta, Guard::OnHandNotNegative)];
    for (n, delta, allowed, left) in [
        (1, -1, false, 0),
        (2, 0, true, 0),
        (3, 5, true, 5),
        (4, -6, false, 5),
        (5, -5, true, 0),
        (6, -1, false, 0),
    ] {
        let done = post(store, &o, n, &guarded(&format!("g.{n}"), delta)).await;
        match done {
            Ok(()) => assert!(allowed, "{n}"),
            Err(error) => assert!(!allowed && matches!(error, StoreError::NotEnoughStock), "{n} {error:?}"),
        }
        assert_eq!(on_hand(store, &o, &item).await, left, "{n}");
    }
    post(store, &o, 7, &[posting("g.7", &item, -4, Guard::None)]).await.unwrap();
    assert!(matches!(post(store, &o, 8, &guarded("g.8", 3)).await, Err(StoreError::NotEnoughStock)));
    post(store, &o, 9, &guarded("g.9", 4)).await.unwrap();
    Ok(())
}

/// A quantity computed from a version is posted on that version only.
async fn a_computed_quantity_meets_its_version_or_conflicts(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("levelversion");
    let item = item_id(1);
    let set = |id: &str, delta, version| [posting(id, &item, delta, Guard::Version(version))];
    post(store, &o, 1, &set("v.1", 5, 0)).await.unwrap();
    for (n, version) in [(2, 0), (3, 2)] {
        let stale = post(store, &o, n, &set(&format!("v.{n}"), 5, version)).await;
        assert!(matches!(stale, Err(StoreError::Conflict("level"))), "{stale:?}");
    }
    post(store, &o, 4, &set("v.4", -2, 1)).await.unwrap();
    let level = store.level(&o, &item, &location(1)).await.unwrap();
    assert_eq!(level, Level { location_id: location(1), on_hand: 3, committed: 0, version: 2 });
    Ok(())
}

/// Where one line of a document is refused, none of it happened; the document posted again is there already.
async fn a_document_is_all_or_nothing(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("document");
    let (rich, poor) = (item_id(1), item_id(2));
    let lines = [
        posting("d.1", &rich, 5, Guard::OnHandNotNegative),
        posting("d.2", &poor, -1, Guard::OnHandNotNegative),
    ];
    assert!(matches!(post(store, &o, 1, &lines).await, Err(StoreError::NotEnoughStock)));
    assert_eq!(on_hand(store, &o, &rich).await, 0);
    assert!(all_movements(store, &o, &rich).await.is_empty());
    assert_eq!(store.document::<Adjustment>(&o, &document(1, &lines).id).await.unwrap(), None);

    post(store, &o, 1, &lines[..1]).await.unwrap();
    let again = post(store, &o, 1, &lines[..1]).await;
    assert!(matches!(again, Err(StoreError::Exists("adjustment"))), "{again:?}");
    assert_eq!(on_hand(store, &o, &rich).await, 5);
    let kept = document(1, &lines[..1]);
    assert_eq!(store.document::<Adjustment>(&o, &kept.id).await.unwrap(), Some(kept.clone()));
    post(store, &o, 2, &[posting("d.3", &poor, 1, Guard::None)]).await.unwrap();
    let listed = store.documents::<Adjustment>(&o, &first(10)).await.unwrap().data;
    assert_eq!(listed.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(), ["adj_00000002", "adj_00000001"]);
    Ok(())
}

/// Two lines of one item in one document are one change of its level, and two movements.
async fn lines_of_one_item_are_summed(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("sum");
    let item = item_id(1);
    let lines = [
        posting("s.1", &item, -2, Guard::OnHandNotNegative),
        posting("s.2", &item, 5, Guard::OnHandNotNegative),
    ];
    post(store, &o, 1, &lines).await.unwrap();
    let level = store.level(&o, &item, &location(1)).await.unwrap();
    assert_eq!((level.on_hand, level.version), (3, 2));
    assert_eq!(all_movements(store, &o, &item).await.len(), 2);
    Ok(())
}

/// Movements posted at the same time all count.
async fn concurrent_movements_sum_up(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("concurrent");
    let item = item_id(1);
    let all: Vec<[Posting; 1]> =
        (1..=20).map(|n| [posting(&format!("c.{n}"), &item, n, Guard::None)]).collect();
    let done = join_all(all.iter().zip(1..).map(|(postings, n)| post(store, &o, n, postings))).await;
    for done in done {
        done.unwrap();
    }
    let level = store.level(&o, &item, &location(1)).await.unwrap();
    assert_eq!((level.on_hand, level.version), (210, 20));
    Ok(())
}

async fn linked_item(store: &Store, o: &OrganizationId) -> (ItemId, domain::ListingId) {
    let made = item(1, "A", "Mug");
    store.create_item(o, &made, &[movement("o.1", &made.id, &location(1), 5, 0, 0)], None).await.unwrap();
    let seen = listing(&connection(1), "11", Some("A"));
    store.save_listing(o, None, &seen, None).await.unwrap();
    let (after, link) = linked(&seen, &made.id);
    store.link_listing(o, Some(&seen), &after, &link).await.unwrap();
    (made.id, seen.id)
}

/// An acknowledgement of an older version changes nothing; a newer one clears the failure.
async fn an_acknowledgement_never_goes_back(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("ack");
    let (item, listing) = linked_item(store, &o).await;
    for (quantity, version, second, stored) in [
        (5, 3, 10, Stored::Stored),
        (9, 2, 11, Stored::Superseded),
        (5, 3, 12, Stored::Stored),
        (4, 7, 13, Stored::Stored),
        (5, 3, 14, Stored::Superseded),
    ] {
        let done = store.acknowledge(&o, &item, &listing, &taken(quantity, version, second)).await.unwrap();
        assert_eq!(done, stored, "{version}");
    }
    let link = |stock: store::stock::ItemStock| stock.links.into_iter().next().unwrap();
    let stock = store.item_stock(&o, &item, Freshness::Consistent).await.unwrap();
    assert_eq!(link(stock).acknowledged, Some(taken(4, 7, 13)));

    let elsewhere = store.acknowledge(&o, &item_id(9), &listing, &taken(1, 9, 1)).await.unwrap();
    assert_eq!(elsewhere, Stored::Superseded);
    assert!(store.item_stock(&o, &item_id(9), Freshness::Consistent).await.unwrap().links.is_empty());
    Ok(())
}

/// By location, what was taken is kept and overtaken together with the quantity; told in one number again, it is gone.
async fn what_each_location_took_is_kept_with_it(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("shares");
    let (item, listing) = linked_item(store, &o).await;
    let share =
        |at: &str, units: Option<i64>| (at.parse().unwrap(), units.map(|n| Quantity::new(n).unwrap()));
    let first = Shares::from([share("501", Some(3)), share("502", None)]);
    let second = Shares::from([share("501", Some(0)), share("store-2", Some(9))]);
    let none = Shares::new();
    for (version, shares, kept, before) in [
        (3, &first, &first, &first),
        (2, &second, &first, &first),
        (4, &second, &second, &first),
        (5, &none, &none, &none),
    ] {
        let taken = taken(9, version, 10);
        store.acknowledge_by_location(&o, &item, &listing, &taken, shares).await.unwrap();
        let stock = store.item_stock(&o, &item, Freshness::Consistent).await.unwrap();
        let link = &stock.links[0];
        assert_eq!((&link.shares, &link.previous_shares), (kept, before), "{version}");
    }
    Ok(())
}

/// A failure is kept since it began, for as long as it is the same, until the channel takes a number.
async fn a_failure_stays_since_it_began(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("failure");
    let (item, listing) = linked_item(store, &o).await;
    let failure = |code: &str, reason: &str, second| PushFailure {
        code: code.to_owned(),
        reason: reason.to_owned(),
        since: at(second),
    };
    let kept = async || {
        let stock = store.item_stock(&o, &item, Freshness::Consistent).await.unwrap();
        stock.links.into_iter().next().unwrap().failure
    };
    let behind = async || {
        let mut found = Vec::new();
        assert!(store.for_each_behind(&o, |since, listing| found.push((since, listing))).await.unwrap());
        found
    };
    for (noted, wanted) in [
        (failure("gone", "one", 20), failure("gone", "one", 20)),
        (failure("gone", "two", 30), failure("gone", "two", 20)),
        (failure("refused", "three", 40), failure("refused", "three", 40)),
    ] {
        assert_eq!(store.note_push_failure(&o, &item, &listing, &noted).await.unwrap(), Stored::Stored);
        assert_eq!(behind().await, [(wanted.since, listing.clone())]);
        assert_eq!(kept().await, Some(wanted));
    }
    let lasting = failure("stock_not_managed", "never", 45);
    store.note_push_failure(&o, &item, &listing, &lasting).await.unwrap();
    assert_eq!(behind().await, []);
    store.note_push_failure(&o, &item, &listing, &failure("refused", "four", 46)).await.unwrap();
    store.acknowledge(&o, &item, &listing, &taken(5, 1, 50)).await.unwrap();
    assert_eq!(kept().await, None);
    assert_eq!(behind().await, []);
    let late = store.note_push_failure(&o, &item, &listing, &failure("gone", "late", 45)).await.unwrap();
    assert_eq!((late, kept().await), (Stored::Superseded, None));
    let nowhere =
        store.note_push_failure(&o, &item_id(9), &listing, &failure("gone", "x", 60)).await.unwrap();
    assert_eq!(nowhere, Stored::Superseded);
    Ok(())
}

/// Levels and links of an item are its own.
async fn an_item_s_stock_is_its_own(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("own");
    let places: Vec<LocationId> = (1..=3).map(location).collect();
    for (n, place) in places.iter().enumerate() {
        for item in [item_id(1), item_id(2)] {
            let id = format!("w.{n}.{}", item.body());
            let posting = Posting { movement: movement(&id, &item, place, 1, 0, 1), guard: Guard::None };
            let number = u64::try_from(n).unwrap() * 10 + u64::from(item == item_id(2));
            post(store, &o, number, &[posting]).await.unwrap();
        }
    }
    let stock = store.item_stock(&o, &item_id(1), Freshness::Eventual).await.unwrap();
    assert_eq!(stock.levels.len(), 3);
    let other = store.item_stock(&organization("own2"), &item_id(1), Freshness::Eventual).await.unwrap();
    assert_eq!(other, store::stock::ItemStock::default());
    Ok(())
}
