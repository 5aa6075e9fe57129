use domain::ApiKeyId;
use store::StoreError;

use super::bench::Bench;
use super::fixture::{api_key, org};
use super::{Outcome, laws};

laws!(a_key_opens_until_it_is_deleted, an_id_or_a_digest_is_taken_once);

async fn a_key_opens_until_it_is_deleted(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let (first, second) = (api_key("a", "1"), api_key("a", "2"));
    store.create_api_key(&first).await?;
    store.create_api_key(&second).await?;
    assert_eq!(store.api_keys(&org("a")).await?, [first.clone(), second.clone()]);
    assert_eq!(store.api_key_by_digest(&first.digest).await?, Some(first.clone()));
    assert_eq!(store.api_key_by_digest("no such digest").await?, None);

    assert!(!store.delete_api_key(&org("b"), &first.id).await?, "another organization's");
    assert_eq!(store.api_key_by_digest(&first.digest).await?, Some(first.clone()));
    assert!(store.delete_api_key(&org("a"), &first.id).await?);
    assert_eq!(store.api_key_by_digest(&first.digest).await?, None);
    assert!(!store.delete_api_key(&org("a"), &first.id).await?, "a second time");
    assert_eq!(store.api_keys(&org("a")).await?, [second]);
    Ok(())
}

async fn an_id_or_a_digest_is_taken_once(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let first = api_key("a", "1");
    store.create_api_key(&first).await?;
    let mut same_id = first.clone();
    same_id.digest = "another".to_owned();
    let mut same_digest = api_key("b", "9");
    same_digest.digest.clone_from(&first.digest);
    for taken in [&same_id, &same_digest] {
        let outcome = store.create_api_key(taken).await;
        assert!(matches!(outcome, Err(StoreError::Exists("api key"))), "{outcome:?}");
    }
    assert_eq!(store.api_key_by_digest("another").await?, None);
    assert_eq!(store.api_key_by_digest(&first.digest).await?, Some(first));
    assert!(!store.delete_api_key(&org("b"), &ApiKeyId::from_body("9")?).await?);
    Ok(())
}
