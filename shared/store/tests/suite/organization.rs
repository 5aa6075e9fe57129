use store::StoreError;
use store::organization::Organization;

use super::bench::Bench;
use super::fixture::{api_key, connect, connection, location, name, org, organization};
use super::{Outcome, laws};

laws!(
    made_together_or_not_at_all,
    an_update_needs_the_version_before,
    a_neighbour_with_a_longer_id_is_another_tenant,
);

/// The organization, its location and its key are there together; a taken id or digest leaves nothing behind.
async fn made_together_or_not_at_all(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let (own, place, key) = (organization("a"), location("main"), api_key("a", "1"));
    store.create_organization(&own, &place, &key).await?;
    assert_eq!(store.organization(&own.id).await?, Some(own.clone()));
    assert_eq!(store.locations(&own.id).await?, std::slice::from_ref(&place));
    assert_eq!(store.api_key_by_digest(&key.digest).await?, Some(key.clone()));

    let again = Organization { name: name("Other"), ..own.clone() };
    let outcome = store.create_organization(&again, &location("second"), &api_key("a", "2")).await;
    assert!(matches!(outcome, Err(StoreError::Exists("organization"))), "{outcome:?}");
    assert_eq!(store.organization(&own.id).await?, Some(own.clone()));
    assert_eq!(store.locations(&own.id).await?, std::slice::from_ref(&place));

    let mut taken = api_key("b", "1");
    taken.digest.clone_from(&key.digest);
    let outcome = store.create_organization(&organization("b"), &place, &taken).await;
    assert!(matches!(outcome, Err(StoreError::Exists("api key"))), "{outcome:?}");
    assert_eq!(store.organization(&org("b")).await?, None);
    assert_eq!(store.locations(&org("b")).await?, []);
    assert_eq!(store.api_key_by_digest(&key.digest).await?, Some(key));
    Ok(())
}

async fn an_update_needs_the_version_before(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let own = organization("a");
    store.create_organization(&own, &location("main"), &api_key("a", "1")).await?;
    let second = Organization { name: name("Second"), version: 2, ..own.clone() };
    let rival = Organization { name: name("Rival"), version: 2, ..own.clone() };
    store.update_organization(&second).await?;
    let outcome = store.update_organization(&rival).await;
    assert!(matches!(outcome, Err(StoreError::Conflict("organization"))), "{outcome:?}");
    assert_eq!(store.organization(&own.id).await?, Some(second));
    let unknown = Organization { version: 2, ..organization("z") };
    assert!(matches!(store.update_organization(&unknown).await, Err(StoreError::Conflict(_))));
    assert_eq!(store.organization(&unknown.id).await?, None);
    Ok(())
}

/// Same ids below two organizations, one of which begins with the other's id: nothing of one is found from the other.
async fn a_neighbour_with_a_longer_id_is_another_tenant(bench: &Bench) -> Outcome {
    let store = &bench.store;
    for body in ["a", "ab"] {
        let mut place = location("main");
        place.name = name(body);
        store.create_organization(&organization(body), &place, &api_key(body, "1")).await?;
        connect(store, &connection(body, &format!("con-{body}"))).await?;
    }
    for (body, foreign) in [("a", "ab"), ("ab", "a")] {
        let places = store.locations(&org(body)).await?;
        assert_eq!(places.iter().map(|place| place.name.as_str()).collect::<Vec<_>>(), [body]);
        let keys = store.api_keys(&org(body)).await?;
        assert!(keys.len() == 1 && keys[0].organization_id == org(body));
        let connections = store.connections(&org(body)).await?;
        assert!(connections.len() == 1 && connections[0].organization_id == org(body));
        let id = connection(foreign, &format!("con-{foreign}")).id;
        assert_eq!(store.connection(&org(body), &id).await?, None);
        assert!(store.credentials(&org(body), &id).await?.is_none());
        assert!(store.webhook_secret(&org(body), &id).await?.is_none());
        assert_eq!(store.connection_state(&org(body), &id).await?, None);
        store.delete_connection(&org(body), &id).await?;
        assert_eq!(store.connection_owner(&id).await?, Some(org(foreign)));
        assert!(store.connection(&org(foreign), &id).await?.is_some());
    }
    Ok(())
}
