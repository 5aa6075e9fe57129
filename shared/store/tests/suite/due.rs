use domain::connection::ConnectionStatus;
use store::connection::Connection;

use super::bench::Bench;
use super::fixture::{at, con, connect, connection, org};
use super::{Outcome, laws};

laws!(
    oldest_first_over_all_organizations,
    one_that_is_not_active_is_never_due,
    of_two_claimers_one_wins,
    a_claim_leaves_a_persons_change_alone,
    many_are_due,
);

fn due_at(organization: &str, body: &str, seconds: i64) -> Connection {
    Connection { next_sync_at: Some(at(seconds)), ..connection(organization, body) }
}

async fn oldest_first_over_all_organizations(bench: &Bench) -> Outcome {
    let store = &bench.store;
    for (organization, body, seconds) in [("a", "1", 30), ("b", "2", 10), ("ab", "3", 20), ("a", "4", 31)] {
        connect(store, &due_at(organization, body, seconds)).await?;
    }
    let all = [(org("b"), con("2"), at(10)), (org("ab"), con("3"), at(20)), (org("a"), con("1"), at(30))];
    assert_eq!(store.due_connections(at(9), 10).await?, []);
    assert_eq!(store.due_connections(at(30), 10).await?, all, "at the very instant too");
    assert_eq!(store.due_connections(at(30), 2).await?, all[..2]);
    assert_eq!(store.due_connections(at(30), 0).await?, []);
    Ok(())
}

async fn one_that_is_not_active_is_never_due(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let off = Connection { status: ConnectionStatus::Inactive, ..due_at("a", "1", 10) };
    let unscheduled = Connection { next_sync_at: None, ..connection("a", "2") };
    let refused = Connection { status: ConnectionStatus::NeedsAuthorization, ..due_at("a", "3", 10) };
    for connection in [&off, &unscheduled, &refused] {
        connect(store, connection).await?;
        assert!(!store.claim_due(&org("a"), &connection.id, at(10), at(20)).await?);
        assert_eq!(store.connection(&org("a"), &connection.id).await?.as_ref(), Some(connection));
    }
    assert_eq!(store.due_connections(at(99), 10).await?, []);

    let on = Connection { status: ConnectionStatus::Active, version: 2, ..off };
    store.update_connection(&on).await?;
    assert_eq!(store.due_connections(at(99), 10).await?, [(org("a"), con("1"), at(10))]);
    let off = Connection { status: ConnectionStatus::Inactive, version: 3, ..on };
    store.update_connection(&off).await?;
    assert_eq!(store.due_connections(at(99), 10).await?, []);
    assert!(!store.claim_due(&org("a"), &off.id, at(10), at(20)).await?);
    Ok(())
}

async fn of_two_claimers_one_wins(bench: &Bench) -> Outcome {
    let store = &bench.store;
    connect(store, &due_at("a", "1", 10)).await?;
    let (a, id) = (org("a"), con("1"));
    let claim = || store.claim_due(&a, &id, at(10), at(20));
    let won = futures_util::future::try_join_all([claim(), claim(), claim()]).await?;
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    assert_eq!(store.due_connections(at(19), 10).await?, []);
    assert_eq!(store.due_connections(at(20), 10).await?, [(a.clone(), id.clone(), at(20))]);
    assert!(!store.claim_due(&a, &id, at(10), at(30)).await?, "for a time that has passed");
    assert!(!store.claim_due(&org("b"), &id, at(20), at(30)).await?, "for another organization");
    assert!(store.claim_due(&a, &id, at(20), at(30)).await?);
    assert_eq!(store.connection(&a, &id).await?.and_then(|found| found.next_sync_at), Some(at(30)));
    Ok(())
}

async fn a_claim_leaves_a_persons_change_alone(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let own = due_at("a", "1", 10);
    connect(store, &own).await?;
    assert!(store.claim_due(&org("a"), &own.id, at(10), at(20)).await?);
    let claimed = Connection { next_sync_at: Some(at(20)), ..own };
    assert_eq!(store.connection(&org("a"), &claimed.id).await?, Some(claimed.clone()));
    let changed = Connection { endpoint: "https://new.example".to_owned(), version: 2, ..claimed };
    store.update_connection(&changed).await?;
    assert!(store.claim_due(&org("a"), &changed.id, at(20), at(30)).await?);
    let found = store.connection(&org("a"), &changed.id).await?;
    assert_eq!(found, Some(Connection { next_sync_at: Some(at(30)), ..changed }));
    Ok(())
}

async fn many_are_due(bench: &Bench) -> Outcome {
    let store = &bench.store;
    for n in 0..25 {
        connect(store, &due_at(&format!("o{}", n % 5), &n.to_string(), n)).await?;
    }
    let due = store.due_connections(at(23), 100).await?;
    assert_eq!(due.iter().map(|(_, _, at)| *at).collect::<Vec<_>>(), (0..24).map(at).collect::<Vec<_>>());
    assert_eq!(store.due_connections(at(23), 7).await?, due[..7]);
    Ok(())
}
