use aws_sdk_dynamodb::types::AttributeValue;
use secrecy::{ExposeSecret, SecretString};
use store::StoreError;

use super::bench::Bench;
use super::fixture::{STATE, con, connect, connection, credentials, org};
use super::{Outcome, laws};

laws!(
    come_back_and_are_nowhere_in_clear,
    replaced_ones_leave_the_webhook_secret,
    a_seal_opens_in_its_own_row_only,
);

async fn come_back_and_are_nowhere_in_clear(bench: &Bench) -> Outcome {
    let (store, own) = (&bench.store, connection("a", "1"));
    let secret = SecretString::from("whsec_clear");
    store.create_connection(&own, &credentials("cs_clear"), &secret, &STATE()).await?;
    let found = store.credentials(&org("a"), &own.id).await?.expect("stored");
    assert_eq!(found.expose(), credentials("cs_clear").expose());
    let found = store.webhook_secret(&org("a"), &own.id).await?.expect("stored");
    assert_eq!(found.expose_secret(), "whsec_clear");
    bench.assert_nowhere(&["cs_clear", "whsec_clear", "ck_1"]).await
}

async fn replaced_ones_leave_the_webhook_secret(bench: &Bench) -> Outcome {
    let (store, own) = (&bench.store, connection("a", "1"));
    connect(store, &own).await?;
    store.replace_credentials(&org("a"), &own.id, &credentials("cs_new")).await?;
    let found = store.credentials(&org("a"), &own.id).await?.expect("stored");
    assert_eq!(found.get("consumer_secret"), Some("cs_new"));
    assert_eq!(store.webhook_secret(&org("a"), &own.id).await?.expect("stored").expose_secret(), "whsec");
    for (organization, id) in [("b", "1"), ("a", "9")] {
        let outcome = store.replace_credentials(&org(organization), &con(id), &credentials("x")).await;
        assert!(matches!(outcome, Err(StoreError::Conflict("connection"))), "{outcome:?}");
        assert!(store.credentials(&org(organization), &con(id)).await?.is_none());
    }
    bench.assert_nowhere(&["cs_new", "cs_1"]).await
}

/// Whoever can write to the table but has no key cannot give one shop's credentials to another, nor pass a webhook
/// secret off as credentials.
async fn a_seal_opens_in_its_own_row_only(bench: &Bench) -> Outcome {
    let store = &bench.store;
    connect(store, &connection("a", "1")).await?;
    connect(store, &connection("a", "2")).await?;
    let mut row = bench.row("O#a", "CONSEC#con_1").await?;
    row.insert("sk".to_owned(), AttributeValue::S("CONSEC#con_2".to_owned()));
    bench.put(&bench.tables.main, row.clone()).await?;
    let moved = store.credentials(&org("a"), &con("2")).await;
    assert!(matches!(moved, Err(StoreError::Seal(_))), "{moved:?}");
    row.insert("sk".to_owned(), AttributeValue::S("CONSEC#con_1".to_owned()));
    row.insert("credentials".to_owned(), row["webhook_secret"].clone());
    bench.put(&bench.tables.main, row).await?;
    let exchanged = store.credentials(&org("a"), &con("1")).await;
    assert!(matches!(exchanged, Err(StoreError::Seal(_))), "{exchanged:?}");
    assert!(store.webhook_secret(&org("a"), &con("1")).await?.is_some());
    Ok(())
}
