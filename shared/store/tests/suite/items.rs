//! Laws of items: one holder a SKU, all or nothing, lists that give each row once.

use std::collections::BTreeSet;

use domain::{MatchKey, Name, Quantity, Sku};
use futures_util::future::join_all;
use store::item::{Item, ItemFilter};
use store::{PageRequest, StoreError};

use super::bench::Bench;
use super::samples::{
    at, connection, first, item, item_id, linked, listing, location, movement, organization,
};
use super::{Outcome, laws};

laws!(
    a_sku_has_one_holder_however_many_ask_at_once,
    an_item_from_a_listing_is_all_or_nothing,
    an_update_moves_the_names,
    a_long_name_is_found,
    a_name_that_everybody_has_stops_no_item,
    pages_of_items_give_each_once,
    a_foreign_cursor_is_refused,
);

/// Of many who take one SKU at once, in any writing, one gets it; the others leave nothing behind.
async fn a_sku_has_one_holder_however_many_ask_at_once(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("skurace");
    let items: Vec<Item> = (1..=8)
        .map(|n| item(n, if n % 2 == 0 { "Red  Mug" } else { "red mug" }, &format!("Mug {n}")))
        .collect();
    let done = join_all(items.iter().map(|item| store.create_item(&o, item, &[], None))).await;
    let won: Vec<&Item> =
        items.iter().zip(&done).filter(|(_, done)| done.is_ok()).map(|(item, _)| item).collect();
    assert_eq!(won.len(), 1);
    for lost in done.iter().filter_map(|done| done.as_ref().err()) {
        assert!(matches!(lost, StoreError::Exists("sku")), "{lost:?}");
    }
    let all = store.items(&o, &ItemFilter::default(), &first(200)).await.unwrap().data;
    assert_eq!(all, vec![won[0].clone()]);
    let names = items.iter().map(|item| MatchKey::of(item.name.as_str())).collect();
    let named = store.items_by_name(&o, &names).await.unwrap();
    assert_eq!(named.into_values().collect::<Vec<_>>(), vec![BTreeSet::from([won[0].id.clone()])]);
    Ok(())
}

/// An item made from a listing comes with its stock, the link and the linked listing; or, where the listing was changed
/// since, with nothing.
async fn an_item_from_a_listing_is_all_or_nothing(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("fromlisting");
    let seen = listing(&connection(1), "11", Some("A-1"));
    store.save_listing(&o, None, &seen, None).await.unwrap();
    let made = item(1, "A-1", "Mug");
    let (after, link) = linked(&seen, &made.id);
    let opening = [movement("open.1", &made.id, &location(1), 7, 0, 1)];

    let changed = store::listing::Listing { version: 2, observed_at: at(9), ..seen.clone() };
    store.save_listing(&o, Some(&seen), &changed, None).await.unwrap();
    let refused = store.create_item(&o, &made, &opening, Some((&after, &link))).await;
    assert!(matches!(refused, Err(StoreError::Conflict("listing"))), "{refused:?}");
    assert_eq!(store.item(&o, &made.id).await.unwrap(), None);
    assert_eq!(store.listing(&o, &seen.id).await.unwrap(), Some(changed.clone()));
    assert_eq!(store.level(&o, &made.id, &location(1)).await.unwrap().version, 0);
    assert!(store.items_by_sku(&o, &BTreeSet::from([made.sku.match_key()])).await.unwrap().is_empty());

    let (after, link) = linked(&changed, &made.id);
    store.create_item(&o, &made, &opening, Some((&after, &link))).await.unwrap();
    assert_eq!(store.item(&o, &made.id).await.unwrap(), Some(made.clone()));
    assert_eq!(store.listing(&o, &seen.id).await.unwrap(), Some(after));
    let stock = store.item_stock(&o, &made.id, store::stock::Freshness::Consistent).await.unwrap();
    assert_eq!(stock.links, vec![link]);
    assert_eq!(stock.levels.iter().map(|level| (level.on_hand, level.version)).collect::<Vec<_>>(), [(7, 1)]);
    Ok(())
}

/// A new SKU or name is found by the next look, the old one is free; an older version conflicts; a taken SKU stays.
async fn an_update_moves_the_names(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("itemupdate");
    let (red, blue) = (item(1, "RED", "Red mug"), item(2, "BLUE", "Blue mug"));
    for item in [&red, &blue] {
        store.create_item(&o, item, &[], None).await.unwrap();
    }
    let taken = Item { sku: Sku::parse("blue").unwrap(), version: 2, ..red.clone() };
    let refused = store.update_item(&o, &red, &taken).await;
    assert!(matches!(refused, Err(StoreError::Exists("sku"))), "{refused:?}");

    let renamed = Item {
        sku: Sku::parse("GREEN").unwrap(),
        name: Name::parse("Green mug").unwrap(),
        version: 2,
        ..red.clone()
    };
    store.update_item(&o, &red, &renamed).await.unwrap();
    let stale =
        store.update_item(&o, &red, &Item { reorder_level: Some(Quantity::ZERO), ..renamed.clone() }).await;
    assert!(matches!(stale, Err(StoreError::Conflict("item"))), "{stale:?}");
    assert_eq!(store.item(&o, &red.id).await.unwrap(), Some(renamed.clone()));
    let skus = ["red", "green", "blue"].map(MatchKey::of).into_iter().collect();
    let found = store.items_by_sku(&o, &skus).await.unwrap();
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        [(MatchKey::of("blue"), item_id(2)), (MatchKey::of("green"), item_id(1))]
    );
    let names = ["red mug", "green mug"].map(MatchKey::of).into_iter().collect();
    let found = store.items_by_name(&o, &names).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [MatchKey::of("green mug")]);

    store.delete_item(&o, &renamed).await.unwrap();
    assert_eq!(store.item(&o, &red.id).await.unwrap(), None);
    store.create_item(&o, &item(3, "Green", "Another"), &[], None).await.unwrap();
    Ok(())
}

/// A name of 500 long characters is found like any other.
async fn a_long_name_is_found(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("longname");
    let name = "\u{1F375}".repeat(500);
    store.create_item(&o, &item(1, &"\u{1F375}".repeat(255), &name), &[], None).await.unwrap();
    let wanted = BTreeSet::from([MatchKey::of(&name), MatchKey::of(&"\u{1F375}".repeat(499))]);
    let found = store.items_by_name(&o, &wanted).await.unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [(MatchKey::of(&name), BTreeSet::from([item_id(1)]))]);
    Ok(())
}

/// Of those who share a name 100 are kept, and the 101st is made all the same.
async fn a_name_that_everybody_has_stops_no_item(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("samename");
    for n in 1..=101 {
        store.create_item(&o, &item(n, &format!("S{n}"), "Placeholder"), &[], None).await.unwrap();
    }
    let name = MatchKey::of("placeholder");
    let found = store.items_by_name(&o, &BTreeSet::from([name.clone()])).await.unwrap();
    assert_eq!(found[&name].len(), 100);
    let ids = (1..=101).map(item_id).collect();
    assert_eq!(store.items_by_ids(&o, &ids).await.unwrap().len(), 101);
    Ok(())
}

/// Walking the pages of a list, filtered or not, gives each row once, in order.
async fn pages_of_items_give_each_once(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("itempages");
    for n in 1..=25 {
        let colour = if n % 3 == 0 { "red" } else { "blue" };
        store
            .create_item(&o, &item(n, &format!("SKU-{n}"), &format!("{colour} Mug {n}")), &[], None)
            .await
            .unwrap();
    }
    let q = |text: &str| ItemFilter { q: Some(MatchKey::of(text)), ..ItemFilter::default() };
    let exactly = ItemFilter { sku: Some(MatchKey::of("sku-7")), ..ItemFilter::default() };
    for (filter, wanted) in [
        (ItemFilter::default(), (1..=25).collect::<Vec<u64>>()),
        (q("RED"), (1..=25).filter(|n| n % 3 == 0).collect()),
        (q("sku-2"), vec![2, 20, 21, 22, 23, 24, 25]),
        (exactly, vec![7]),
        (q("nothing"), vec![]),
    ] {
        for limit in [1, 4, 7, 25, 200] {
            let mut walked = Vec::new();
            let mut page = first(limit);
            loop {
                let found = store.items(&o, &filter, &page).await.unwrap();
                assert!(found.data.len() <= usize::try_from(limit).unwrap());
                walked.extend(found.data.into_iter().map(|item| item.id));
                let Some(cursor) = found.next_cursor else { break };
                page.cursor = Some(cursor);
            }
            assert_eq!(walked, wanted.iter().copied().map(item_id).collect::<Vec<_>>(), "{filter:?} {limit}");
        }
    }
    Ok(())
}

/// A cursor of another filter, list or organization is refused.
async fn a_foreign_cursor_is_refused(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let (o, other) = (organization("cursora"), organization("cursorb"));
    for n in 1..=3 {
        store.create_item(&o, &item(n, &format!("S{n}"), "Mug"), &[], None).await.unwrap();
    }
    let page = store.items(&o, &ItemFilter::default(), &first(1)).await.unwrap();
    let page = PageRequest { limit: 1, cursor: page.next_cursor };
    assert!(page.cursor.is_some());
    store.items(&o, &ItemFilter::default(), &page).await.unwrap();
    let filter = ItemFilter { q: Some(MatchKey::of("mug")), ..ItemFilter::default() };
    assert!(matches!(store.items(&o, &filter, &page).await, Err(StoreError::BadCursor)));
    assert!(matches!(store.items(&other, &ItemFilter::default(), &page).await, Err(StoreError::BadCursor)));
    assert!(matches!(
        store.documents::<store::adjustment::Adjustment>(&o, &page).await,
        Err(StoreError::BadCursor)
    ));
    Ok(())
}
