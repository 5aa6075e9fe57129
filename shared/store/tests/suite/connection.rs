use std::collections::{BTreeMap, BTreeSet};

use domain::ChannelKind;
use domain::connection::ConnectionStatus;
use secrecy::SecretString;
use store::StoreError;
use store::connection::{Connection, ConnectionState};
use store::sync::BegunSync;

use super::bench::{Bench, text_of};
use super::fixture::{STATE, at, con, connect, connection, credentials, name, org, sync};
use super::{Outcome, laws};

laws!(
    made_together_and_found_from_its_id,
    a_taken_id_changes_nothing,
    an_update_needs_the_version_before,
    only_an_active_one_loses_its_authorization,
    a_deleted_one_leaves_nothing_to_work_with,
    the_watermark_never_goes_back,
    found_from_the_account_that_is_notified,
);

async fn made_together_and_found_from_its_id(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let own = connection("a", "1");
    let state = ConnectionState {
        orders_watermark: at(5),
        items_watermark: None,
        webhooks_checked_at: Some(at(6)),
        reconciled_at: Some(at(7)),
        zeroed: Some((3, at(8))),
    };
    store.create_connection(&own, &credentials("cs_9"), &SecretString::from("whsec"), &state).await?;
    connect(store, &connection("a", "2")).await?;
    connect(store, &connection("b", "3")).await?;
    assert_eq!(store.connection(&org("a"), &own.id).await?, Some(own.clone()));
    assert_eq!(store.connections(&org("a")).await?, [own.clone(), connection("a", "2")]);
    assert_eq!(store.connection_owner(&own.id).await?, Some(org("a")));
    assert_eq!(store.connection_owner(&con("9")).await?, None);
    assert_eq!(store.connection_state(&org("a"), &own.id).await?, Some(state));
    assert_eq!(store.connection_state(&org("b"), &own.id).await?, None);
    Ok(())
}

/// Also where another organization has it: the way from the id alone leads to one connection.
async fn a_taken_id_changes_nothing(bench: &Bench) -> Outcome {
    let store = &bench.store;
    connect(store, &connection("a", "1")).await?;
    for organization in ["a", "b"] {
        let rival = Connection { name: name("Rival"), ..connection(organization, "1") };
        let outcome = connect(store, &rival).await;
        let error = outcome.expect_err("taken").downcast::<StoreError>()?;
        assert!(matches!(error, StoreError::Exists("connection")), "{error:?}");
    }
    assert_eq!(store.connections(&org("a")).await?, [connection("a", "1")]);
    assert_eq!(store.connections(&org("b")).await?, []);
    assert_eq!(store.connection_owner(&con("1")).await?, Some(org("a")));
    Ok(())
}

async fn an_update_needs_the_version_before(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let own = connection("a", "1");
    connect(store, &own).await?;
    let second = Connection { name: name("Second"), version: 2, ..own.clone() };
    let rival = Connection { name: name("Rival"), version: 2, ..own.clone() };
    store.update_connection(&second).await?;
    let unknown = Connection { version: 2, ..connection("a", "9") };
    for stale in [&rival, &unknown] {
        let outcome = store.update_connection(stale).await;
        assert!(matches!(outcome, Err(StoreError::Conflict("connection"))), "{outcome:?}");
    }
    assert_eq!(store.connections(&org("a")).await?, [second]);
    Ok(())
}

/// A worker's finding leaves the version, so that a person's change in the meantime still goes through.
async fn only_an_active_one_loses_its_authorization(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let own = connection("a", "1");
    connect(store, &own).await?;
    store.mark_needs_authorization(&org("b"), &own.id, "foreign").await?;
    assert_eq!(store.connections(&org("b")).await?, []);
    store.mark_needs_authorization(&org("a"), &own.id, "key revoked").await?;
    let marked = Connection {
        status: ConnectionStatus::NeedsAuthorization,
        status_reason: Some("key revoked".to_owned()),
        next_sync_at: None,
        ..own.clone()
    };
    assert_eq!(store.connection(&org("a"), &own.id).await?, Some(marked.clone()));
    assert_eq!(store.due_connections(at(9_999), 10).await?, []);
    store.mark_needs_authorization(&org("a"), &own.id, "again").await?;
    assert_eq!(store.connection(&org("a"), &own.id).await?, Some(marked));

    let off = Connection { status: ConnectionStatus::Inactive, version: 2, ..own };
    store.update_connection(&off).await?;
    store.mark_needs_authorization(&org("a"), &off.id, "late").await?;
    assert_eq!(store.connection(&org("a"), &off.id).await?, Some(off));
    Ok(())
}

async fn a_deleted_one_leaves_nothing_to_work_with(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let (own, other) = (connection("a", "1"), connection("a", "2"));
    connect(store, &own).await?;
    connect(store, &other).await?;
    store.delete_connection(&org("b"), &own.id).await?;
    assert_eq!(store.connections(&org("a")).await?, [own.clone(), other.clone()]);
    store.delete_connection(&org("a"), &own.id).await?;
    store.delete_connection(&org("a"), &own.id).await?;

    assert_eq!(store.connections(&org("a")).await?, std::slice::from_ref(&other));
    assert_eq!(store.connection_owner(&own.id).await?, None);
    assert_eq!(store.connection_state(&org("a"), &own.id).await?, None);
    assert!(store.credentials(&org("a"), &own.id).await?.is_none());
    let due = store.due_connections(at(9_999), 10).await?;
    assert_eq!(due, [(org("a"), other.id.clone(), at(1_800))]);
    let rows = bench.rows(&bench.tables.main).await?;
    let left = rows.iter().filter(|row| text_of(row, "sk").ends_with("con_1") || text_of(row, "pk") == "C#1");
    assert_eq!(left.count(), 0);

    // What workers do late makes no row anew.
    let gone = [
        store.begin_sync(&org("a"), &sync("1", "1")).await.map(drop),
        store.replace_credentials(&org("a"), &own.id, &credentials("late")).await,
    ];
    for outcome in gone {
        assert!(matches!(outcome, Err(StoreError::Conflict("connection"))), "{outcome:?}");
    }
    store.advance_orders_watermark(&org("a"), &own.id, at(9)).await?;
    store.note_webhooks_checked(&org("a"), &own.id, at(9)).await?;
    store.mark_needs_authorization(&org("a"), &own.id, "late").await?;
    assert_eq!(bench.rows(&bench.tables.main).await?.len(), rows.len());
    assert_eq!(store.begin_sync(&org("a"), &sync("2", "2")).await?, BegunSync::Started);
    Ok(())
}

async fn the_watermark_never_goes_back(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let own = connection("a", "1");
    connect(store, &own).await?;
    store.note_webhooks_checked(&org("a"), &own.id, at(3)).await?;
    for (to, stands) in
        [(at(10), at(10)), (at(9), at(10)), (at(10), at(10)), (at(0), at(10)), (at(11), at(11))]
    {
        store.advance_orders_watermark(&org("a"), &own.id, to).await?;
        let state = ConnectionState {
            orders_watermark: stands,
            items_watermark: None,
            webhooks_checked_at: Some(at(3)),
            reconciled_at: None,
            zeroed: None,
        };
        assert_eq!(store.connection_state(&org("a"), &own.id).await?, Some(state));
    }
    store.advance_orders_watermark(&org("b"), &own.id, at(99)).await?;
    assert_eq!(store.connection_state(&org("b"), &own.id).await?, None);
    assert_ne!(store.connection_state(&org("a"), &own.id).await?, Some(STATE()));
    assert_eq!(store.connection(&org("a"), &own.id).await?, Some(own), "the settings know nothing of it");
    Ok(())
}

/// By a seller's notifications: its connections of all regions and organizations, and no others.
async fn found_from_the_account_that_is_notified(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let of = |organization, body, account: &str| Connection {
        channel: ChannelKind::Amazon,
        facts: BTreeMap::from([(channels::ACCOUNT.to_owned(), account.to_owned())]),
        ..connection(organization, body)
    };
    let found = async |account| -> anyhow::Result<BTreeSet<_>> {
        let found = store.connections_of_account(ChannelKind::Amazon, account).await?;
        Ok(found.into_iter().map(|(_, id)| id).collect())
    };
    let (america, europe, foreign) =
        (of("a", "1", "SELLER.na"), of("a", "2", "SELLER.eu"), of("b", "3", "SELLER.na"));
    // Its account is not known before the merchant consents.
    let waiting = Connection {
        status: ConnectionStatus::NeedsAuthorization,
        facts: BTreeMap::new(),
        ..of("b", "4", "SELLER.eu")
    };
    let others = [of("a", "5", "SELLER2.na"), connection("a", "6")];
    for connection in [&america, &europe, &foreign, &waiting].into_iter().chain(&others) {
        connect(store, connection).await?;
    }
    assert_eq!(found("SELLER").await?, BTreeSet::from([con("1"), con("2"), con("3")]));
    assert_eq!(found("SELLER2").await?, BTreeSet::from([con("5")]));
    assert_eq!(found("NOBODY").await?, BTreeSet::new());
    assert_eq!(store.connections_of_account(ChannelKind::Woocommerce, "SELLER").await?, []);

    store.update_connection(&Connection { version: 2, ..of("b", "4", "SELLER.eu") }).await?;
    store.delete_connection(&org("a"), &america.id).await?;
    assert_eq!(found("SELLER").await?, BTreeSet::from([con("2"), con("3"), con("4")]));
    // Also what a person changes later keeps it.
    store.update_connection(&Connection { name: name("Second"), version: 2, ..foreign }).await?;
    assert_eq!(found("SELLER").await?, BTreeSet::from([con("2"), con("3"), con("4")]));
    Ok(())
}
