use domain::{LocationId, OrganizationId};
use store::StoreError;
use store::location::Location;

use super::bench::Bench;
use super::fixture::{location, name, org};
use super::{Outcome, laws, samples};

laws!(kept_changed_and_deleted, an_update_needs_the_version_before, holds_stock_while_any_item_does);

async fn kept_changed_and_deleted(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let a: OrganizationId = org("a");
    let mut north = location("north");
    north.address = Some("1 Pier".to_owned());
    store.create_location(&a, &north).await?;
    store.create_location(&a, &location("south")).await?;
    let outcome = store.create_location(&a, &location("north")).await;
    assert!(matches!(outcome, Err(StoreError::Exists("location"))), "{outcome:?}");
    assert_eq!(store.location(&a, &north.id).await?, Some(north.clone()));
    assert_eq!(store.location(&org("b"), &north.id).await?, None);
    assert_eq!(store.locations(&a).await?, [north.clone(), location("south")]);
    store.delete_location(&org("b"), &north.id).await?;
    assert_eq!(store.location(&a, &north.id).await?, Some(north.clone()));
    store.delete_location(&a, &north.id).await?;
    store.delete_location(&a, &north.id).await?;
    assert_eq!(store.locations(&a).await?, [location("south")]);
    assert!(!store.location_holds_stock(&a, &LocationId::from_body("south")?).await?);
    Ok(())
}

async fn an_update_needs_the_version_before(bench: &Bench) -> Outcome {
    let store = &bench.store;
    store.create_location(&org("a"), &location("north")).await?;
    let second = Location { name: name("Second"), version: 2, ..location("north") };
    let rival = Location { name: name("Rival"), version: 2, ..location("north") };
    store.update_location(&org("a"), &second).await?;
    for (organization, stale) in [("a", &rival), ("b", &second)] {
        let outcome = store.update_location(&org(organization), stale).await;
        assert!(matches!(outcome, Err(StoreError::Conflict("location"))), "{outcome:?}");
    }
    assert_eq!(store.location(&org("a"), &second.id).await?, Some(second));
    assert_eq!(store.locations(&org("b")).await?, []);
    Ok(())
}

/// On hand or committed, of whichever item; above or below zero.
async fn holds_stock_while_any_item_does(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let [north, south, east, west] = [1, 2, 3, 4].map(samples::location);
    for n in 0..105 {
        let item = samples::item(n, &format!("SKU-{n}"), "Lamp");
        let at = |place, on_hand, committed| {
            let id = format!("{n}-{on_hand}-{committed}");
            samples::movement(&id, &item.id, place, on_hand, committed, 0)
        };
        let opening = match n {
            7 => vec![at(&south, 0, 2)],
            50 => vec![at(&east, 5, 0), at(&east, -5, 0)],
            104 => vec![at(&north, 3, 0)],
            _ => Vec::new(),
        };
        store.create_item(&a, &item, &opening, None).await?;
    }
    for (place, holds) in [(&north, true), (&south, true), (&east, false), (&west, false)] {
        assert_eq!(store.location_holds_stock(&a, place).await?, holds, "{place}");
        assert!(!store.location_holds_stock(&org("b"), place).await?, "{place} of another organization");
    }
    Ok(())
}
