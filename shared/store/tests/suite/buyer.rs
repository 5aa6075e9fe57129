use aws_sdk_dynamodb::types::AttributeValue;
use domain::order::{Address, Buyer};
use store::StoreError;

use super::bench::Bench;
use super::fixture::{at, order_id, org};
use super::{Outcome, laws};

laws!(
    sealed_and_apart,
    gone_once_expired,
    deleted_with_the_only_key,
    another_organization_finds_none,
    a_seal_opens_in_its_own_row_only,
);

fn buyer(email: &str) -> Buyer {
    Buyer {
        name: Some("Ada Clear".to_owned()),
        email: Some(email.to_owned()),
        shipping_address: Some(Address { city: Some("Cleartown".to_owned()), ..Address::default() }),
        ..Buyer::default()
    }
}

async fn sealed_and_apart(bench: &Bench) -> Outcome {
    let (store, order) = (&bench.store, order_id("1", "77"));
    store.put_buyer(&org("a"), &order, &buyer("ada@clear.example"), None).await?;
    assert_eq!(store.buyer(&org("a"), &order, at(0)).await?, Some(buyer("ada@clear.example")));
    store.put_buyer(&org("a"), &order, &buyer("new@clear.example"), None).await?;
    assert_eq!(store.buyer(&org("a"), &order, at(0)).await?, Some(buyer("new@clear.example")));
    assert_eq!(bench.rows(&bench.tables.main).await?.len(), 0);
    assert_eq!(bench.rows(&bench.tables.personal).await?.len(), 1);
    bench.assert_nowhere(&["Ada Clear", "clear.example", "Cleartown"]).await
}

/// Whether the table has deleted the row or not.
async fn gone_once_expired(bench: &Bench) -> Outcome {
    let (store, a, order) = (&bench.store, org("a"), order_id("1", "77"));
    let is_there = async |now| anyhow::Ok(store.buyer(&a, &order, at(now)).await?.is_some());
    store.put_buyer(&a, &order, &buyer("x"), Some(at(100))).await?;
    assert!(is_there(99).await?);
    assert!(!is_there(100).await?);
    store.set_buyer_expiry(&a, &order, Some(at(200)), at(0)).await?;
    assert!(is_there(199).await?);
    assert!(!is_there(200).await?);
    store.set_buyer_expiry(&a, &order, None, at(0)).await?;
    assert!(is_there(1_000_000_000).await?);
    let expiry = &bench.rows(&bench.tables.personal).await?[0].get("expires_at").cloned();
    assert_eq!(*expiry, None);
    store.set_buyer_expiry(&a, &order, Some(at(300)), at(0)).await?;
    let expiry = bench.rows(&bench.tables.personal).await?[0]["expires_at"].clone();
    assert_eq!(
        expiry,
        AttributeValue::N(at(300).as_second().to_string()),
        "as the table's own deletion wants it"
    );
    Ok(())
}

async fn deleted_with_the_only_key(bench: &Bench) -> Outcome {
    let (store, order) = (&bench.store, order_id("1", "77"));
    store.put_buyer(&org("a"), &order, &buyer("x"), None).await?;
    store.delete_buyer(&org("a"), &order).await?;
    store.delete_buyer(&org("a"), &order).await?;
    store.set_buyer_expiry(&org("a"), &order, Some(at(1)), at(0)).await?;
    assert_eq!(store.buyer(&org("a"), &order, at(0)).await?, None);
    assert_eq!(bench.rows(&bench.tables.personal).await?.len(), 0);
    Ok(())
}

async fn another_organization_finds_none(bench: &Bench) -> Outcome {
    let (store, order) = (&bench.store, order_id("1", "77"));
    store.put_buyer(&org("a"), &order, &buyer("x"), None).await?;
    assert_eq!(store.buyer(&org("b"), &order, at(0)).await?, None);
    store.set_buyer_expiry(&org("b"), &order, Some(at(0)), at(0)).await?;
    store.delete_buyer(&org("b"), &order).await?;
    assert_eq!(store.buyer(&org("a"), &order, at(0)).await?, Some(buyer("x")));
    Ok(())
}

async fn a_seal_opens_in_its_own_row_only(bench: &Bench) -> Outcome {
    let (store, order, other) = (&bench.store, order_id("1", "77"), order_id("1", "78"));
    store.put_buyer(&org("a"), &order, &buyer("x"), None).await?;
    let mut row = bench.rows(&bench.tables.personal).await?.remove(0);
    row.insert("sk".to_owned(), AttributeValue::S(format!("ORD#{other}")));
    bench.put(&bench.tables.personal, row).await?;
    let moved = store.buyer(&org("a"), &other, at(0)).await;
    assert!(matches!(moved, Err(StoreError::Seal(_))), "{moved:?}");
    Ok(())
}
