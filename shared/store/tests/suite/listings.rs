//! Laws of listings: links, lists and counts, repeated SKUs.

use std::collections::{BTreeMap, BTreeSet};

use domain::channel::Fulfilment;
use domain::listing::{ListingStatus, Match};
use domain::{ListingId, MatchKey, Name, OrganizationId, Sku};
use store::listing::{Listing, ListingFilter};
use store::stock::Freshness;
use store::{Store, StoreError};

use super::bench::Bench;
use super::samples::{
    at, connection, first, item, item_id, linked, listing, location, movement, organization, taken,
};
use super::{Outcome, laws};

laws!(
    a_listing_reads_back_and_keeps_its_version,
    linking_and_unlinking_happen_together,
    a_listing_cannot_be_linked_to_what_is_not_there,
    linked_elsewhere_the_old_link_goes,
    a_renewed_link_keeps_what_was_acknowledged,
    repeated_skus_follow_the_listings,
    a_placeholder_sku_stops_no_listing,
    lists_and_counts_follow_status_and_match,
    pages_of_listings_give_each_once,
    a_connection_lists_its_own,
);

async fn a_listing_reads_back_and_keeps_its_version(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("listing");
    let mut seen = listing(&connection(1), "gid://1", Some("A"));
    seen.id = ListingId::of(&connection(1), "gid://1", Some("2"))?;
    seen.reference.variation_id = Some("2".to_owned());
    seen.rejected_item_ids = BTreeSet::from([item_id(4), item_id(5)]);
    seen.candidate_item_ids = vec![item_id(6)];
    seen.dismissed_reason = Some("not ours".to_owned());
    seen.observed_at = at(1) + std::time::Duration::from_nanos(123_456_789);
    assert_eq!(store.listing(&o, &seen.id).await?, None);
    store.save_listing(&o, None, &seen, None).await?;
    assert_eq!(store.listing(&o, &seen.id).await?, Some(seen.clone()));
    assert_eq!(store.listing(&organization("other"), &seen.id).await?, None);
    let second = Listing { version: 2, dismissed_reason: None, ..seen.clone() };
    store.save_listing(&o, Some(&seen), &second, None).await?;
    for stale in [&seen, &second] {
        let refused = store.save_listing(&o, Some(&seen), stale, None).await;
        let rival = matches!(refused, Err(StoreError::Conflict("listing")));
        assert!(rival, "{refused:?}");
    }
    let ids = BTreeSet::from([seen.id.clone(), ListingId::of(&connection(1), "3", None)?]);
    let found = store.listings_by_ids(&o, &ids).await?;
    assert_eq!(found, BTreeMap::from([(seen.id.clone(), second)]));
    Ok(())
}

async fn make(store: &Store, o: &OrganizationId, n: u64) -> Result<(), StoreError> {
    store.create_item(o, &item(n, &format!("I{n}"), &format!("Item {n}")), &[], None).await
}

async fn links(store: &Store, o: &OrganizationId, n: u64) -> Result<Vec<store::link::Link>, StoreError> {
    Ok(store.item_stock(o, &item_id(n), Freshness::Consistent).await?.links)
}

async fn linking_and_unlinking_happen_together(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("link");
    make(store, &o, 1).await?;
    let seen = listing(&connection(1), "11", Some("A"));
    // New, and linked in the same breath.
    let (mut fresh, link) = linked(&seen, &item_id(1));
    fresh.version = 1;
    store.link_listing(&o, None, &fresh, &link).await?;
    assert_eq!(links(store, &o, 1).await?, std::slice::from_ref(&link));
    assert_eq!(store.listing(&o, &seen.id).await?, Some(fresh.clone()));

    let apart = Listing { status: ListingStatus::Unlinked, item_id: None, version: 2, ..fresh.clone() };
    store.unlink_listing(&o, &fresh, &apart).await?;
    assert!(links(store, &o, 1).await?.is_empty());
    assert_eq!(store.listing(&o, &seen.id).await?, Some(apart));

    // From the version before: neither the listing nor the link.
    let refused = store.link_listing(&o, Some(&fresh), &Listing { version: 2, ..fresh.clone() }, &link).await;
    assert!(matches!(refused, Err(StoreError::Conflict("listing"))), "{refused:?}");
    assert!(links(store, &o, 1).await?.is_empty());
    Ok(())
}

async fn a_listing_cannot_be_linked_to_what_is_not_there(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("nothing");
    let seen = listing(&connection(1), "11", Some("A"));
    store.save_listing(&o, None, &seen, None).await?;
    let (after, link) = linked(&seen, &item_id(1));
    let refused = store.link_listing(&o, Some(&seen), &after, &link).await;
    assert!(matches!(refused, Err(StoreError::Conflict("item"))), "{refused:?}");
    assert_eq!(store.listing(&o, &seen.id).await?, Some(seen));
    assert!(links(store, &o, 1).await?.is_empty());
    Ok(())
}

async fn linked_elsewhere_the_old_link_goes(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("relink");
    for n in [1, 2] {
        make(store, &o, n).await?;
    }
    let seen = listing(&connection(1), "11", Some("A"));
    store.save_listing(&o, None, &seen, None).await?;
    let (one, link) = linked(&seen, &item_id(1));
    store.link_listing(&o, Some(&seen), &one, &link).await?;
    let (two, link) = linked(&one, &item_id(2));
    store.link_listing(&o, Some(&one), &two, &link).await?;
    assert!(links(store, &o, 1).await?.is_empty());
    assert_eq!(links(store, &o, 2).await?, [link]);
    Ok(())
}

async fn a_renewed_link_keeps_what_was_acknowledged(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("renew");
    make(store, &o, 1).await?;
    let seen = listing(&connection(1), "11", Some("A"));
    store.save_listing(&o, None, &seen, None).await?;
    let (after, link) = linked(&seen, &item_id(1));
    store.link_listing(&o, Some(&seen), &after, &link).await?;
    store.acknowledge(&o, &item_id(1), &seen.id, &taken(5, 1, 9)).await?;
    for (stock_ref, observed, fulfilment) in
        [(Some("inv-1"), Some(3), Fulfilment::Fba), (None, None, Fulfilment::Mfn)]
    {
        let before = store.listing(&o, &seen.id).await?.ok_or(StoreError::Conflict("test"))?;
        let stock_ref = stock_ref.map(str::to_owned);
        let after = Listing { stock_ref: stock_ref.clone(), version: before.version + 1, ..before.clone() };
        let renewed = store::link::Link { stock_ref, observed, fulfilment, ..link.clone() };
        store.save_listing(&o, Some(&before), &after, Some(&renewed)).await?;
        let taken = taken(5, 1, 9);
        let (previous, acknowledged) = (Some(taken.quantity), Some(taken));
        let wanted = store::link::Link { acknowledged, previous, ..renewed };
        assert_eq!(links(store, &o, 1).await?, [wanted]);
    }
    Ok(())
}

async fn repeated_skus_follow_the_listings(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let (o, here, there) = (organization("repeat"), connection(1), connection(2));
    let [one, two] = ["1", "2"].map(|external| listing(&here, external, Some("red mug")));
    let elsewhere = listing(&there, "1", Some("RED MUG"));
    let wanted: BTreeSet<MatchKey> = ["red mug", "blue"].map(MatchKey::of).into();
    let repeated = async || store.repeated_skus(&o, &here, &wanted).await;
    for seen in [&one, &elsewhere] {
        store.save_listing(&o, None, seen, None).await?;
    }
    assert!(repeated().await?.is_empty(), "another connection's listing does not count");
    store.save_listing(&o, None, &two, None).await?;
    assert_eq!(repeated().await?, BTreeSet::from([MatchKey::of("red mug")]));
    let same = Listing { title: Name::parse("New title")?, version: 2, ..two.clone() };
    store.save_listing(&o, Some(&two), &same, None).await?;
    assert_eq!(repeated().await?.len(), 1);
    let renamed = Listing { sku: Some(Sku::parse("blue")?), version: 3, ..same.clone() };
    store.save_listing(&o, Some(&same), &renamed, None).await?;
    assert!(repeated().await?.is_empty());
    let bare = Listing { sku: None, version: 4, ..renamed.clone() };
    store.save_listing(&o, Some(&renamed), &bare, None).await?;
    store.save_listing(&o, None, &listing(&here, "3", Some("Blue")), None).await?;
    assert!(repeated().await?.is_empty());
    Ok(())
}

async fn a_placeholder_sku_stops_no_listing(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let (o, here) = (organization("placeholder"), connection(1));
    for n in 1..=102 {
        store.save_listing(&o, None, &listing(&here, &n.to_string(), Some("N/A")), None).await?;
    }
    let wanted = BTreeSet::from([MatchKey::of("n/a")]);
    assert_eq!(store.repeated_skus(&o, &here, &wanted).await?, wanted);
    assert_eq!(store.connection_listings(&o, &here, None, &first(200)).await?.data.len(), 102);
    Ok(())
}

/// 40 listings of two connections; statuses and matches spread over them.
async fn catalogue(store: &Store, o: &OrganizationId) -> anyhow::Result<Vec<Listing>> {
    let mut all = Vec::new();
    for n in 0..40_usize {
        let mut seen = listing(&connection(1 + n as u64 % 2), &format!("{n:03}"), Some(&format!("SKU{n}")));
        seen.status = ListingStatus::ALL[n / 2 % 4];
        seen.found = Match::ALL[n % 5];
        seen.title = Name::parse(if n % 3 == 0 { "Red  Mug" } else { "Blue mug" })?;
        store.save_listing(o, None, &seen, None).await?;
        all.push(seen);
    }
    Ok(all)
}

async fn lists_and_counts_follow_status_and_match(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("counts");
    let mut all = catalogue(store, &o).await?;
    catalogue(store, &organization("counts2")).await?;
    for n in [0, 9, 17] {
        let after = Listing { status: ListingStatus::Dismissed, version: 2, ..all[n].clone() };
        store.save_listing(&o, Some(&all[n]), &after, None).await?;
        all[n] = after;
    }
    let mut wanted = BTreeMap::new();
    for seen in &all {
        *wanted.entry((seen.status, seen.found)).or_insert(0_u64) += 1;
    }
    assert_eq!(store.listing_counts(&o).await?, wanted);
    let all = wanted.iter().map(|((status, found), count)| (*status, Some(*found), *count));
    let of_status = ListingStatus::ALL.map(|status| {
        let count = wanted.iter().filter(|((of, _), _)| *of == status).map(|(_, count)| *count).sum();
        (status, None, count)
    });
    for (status, found, count) in all.chain(of_status) {
        let count = u32::try_from(count).unwrap();
        for most in [1, count.saturating_sub(1), count, count + 1] {
            let counted = store.listing_count(&o, status, found, most).await?;
            let expected = store::Counted { count: count.min(most), complete: count <= most };
            assert_eq!(counted, expected, "{status:?} {found:?} {most}");
        }
    }
    Ok(())
}

async fn pages_of_listings_give_each_once(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("listingpages");
    let all = catalogue(store, &o).await?;
    let none = ListingFilter::default();
    let red = Some(MatchKey::of("red mug"));
    let unconfirmed = Some(ListingStatus::Unconfirmed);
    let here = Some(connection(1));
    for filter in [
        none.clone(),
        ListingFilter { status: unconfirmed, ..none.clone() },
        ListingFilter { found: Some(Match::EmptySku), ..none.clone() },
        ListingFilter { status: unconfirmed, found: Some(Match::Unmatched), ..none.clone() },
        ListingFilter { connection_id: here.clone(), ..none.clone() },
        ListingFilter { connection_id: here.clone(), status: unconfirmed, ..none.clone() },
        ListingFilter { connection_id: here.clone(), found: Some(Match::Unmatched), ..none.clone() },
        ListingFilter {
            connection_id: here.clone(),
            status: unconfirmed,
            found: Some(Match::SkuMatched),
            ..none.clone()
        },
        ListingFilter { q: red.clone(), ..none.clone() },
        ListingFilter { q: red, found: Some(Match::SkuMatched), ..none.clone() },
        ListingFilter { q: Some(MatchKey::of("sku3")), connection_id: here, ..none },
    ] {
        let is_wanted = |seen: &&Listing| {
            let text = format!("{} {}", seen.sku.as_ref().map_or("", Sku::as_str), seen.title.as_str());
            filter.status.is_none_or(|status| status == seen.status)
                && filter.found.is_none_or(|found| found == seen.found)
                && filter.connection_id.as_ref().is_none_or(|c| *c == seen.connection_id)
                && filter.q.as_ref().is_none_or(|q| MatchKey::of(&text).as_str().contains(q.as_str()))
        };
        let mut wanted: Vec<ListingId> = all.iter().filter(is_wanted).map(|seen| seen.id.clone()).collect();
        assert!(!wanted.is_empty(), "{filter:?} finds nothing: it tests nothing");
        wanted.sort();
        for limit in [1, 3, 10, 200] {
            let list = |page| {
                let (store, o, filter) = (store.clone(), o.clone(), filter.clone());
                async move { store.listings(&o, &filter, &page).await }
            };
            let walked = super::fixture::walk(limit, list).await?;
            let mut walked: Vec<ListingId> = walked.into_iter().map(|seen| seen.id).collect();
            walked.sort();
            assert_eq!(walked, wanted, "{filter:?} {limit}");
        }
    }
    // Of an item: by its links.
    make(store, &o, 1).await?;
    let mut wanted = Vec::new();
    for seen in all.iter().take(5) {
        let (after, link) = linked(seen, &item_id(1));
        store.link_listing(&o, Some(seen), &after, &link).await?;
        wanted.push(after.id);
    }
    wanted.sort();
    let filter = ListingFilter { item_id: Some(item_id(1)), ..ListingFilter::default() };
    let list = |page| {
        let (store, o, filter) = (store.clone(), o.clone(), filter.clone());
        async move { store.listings(&o, &filter, &page).await }
    };
    let walked = super::fixture::walk(2, list).await?;
    assert_eq!(walked.into_iter().map(|seen| seen.id).collect::<Vec<_>>(), wanted);
    Ok(())
}

async fn a_connection_lists_its_own(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("own");
    let all = catalogue(store, &o).await?;
    for status in [None, Some(ListingStatus::Linked)] {
        let list = |page| {
            let (store, o) = (store.clone(), o.clone());
            async move { store.connection_listings(&o, &connection(2), status, &page).await }
        };
        let walked = super::fixture::walk(3, list).await?;
        let is_wanted =
            |seen: &&Listing| seen.connection_id == connection(2) && status.is_none_or(|s| s == seen.status);
        let mut wanted: Vec<Listing> = all.iter().filter(is_wanted).cloned().collect();
        wanted.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(walked, wanted);
    }
    // What only moves the stock is not the connection's listing.
    let document = movement("x.1", &item_id(1), &location(1), 1, 0, 1);
    store.create_item(&o, &item(1, "X", "X"), &[document], None).await?;
    assert_eq!(store.connection_listings(&o, &connection(2), None, &first(200)).await?.data.len(), 20);
    Ok(())
}
