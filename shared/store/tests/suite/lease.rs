use std::time::Duration;

use super::bench::Bench;
use super::fixture::{at, org};
use super::{Outcome, laws};

laws!(one_holder_at_a_time, of_many_takers_one_has_it, each_name_of_each_organization_is_a_lease);

const LENGTH: Duration = Duration::from_secs(30);

async fn one_holder_at_a_time(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let take = async |holder, now| store.acquire_lease(&a, "token", holder, at(now), LENGTH).await;
    assert!(take("one", 0).await?);
    assert!(!take("two", 29).await?);
    assert!(take("one", 10).await?, "its holder has it anew");
    assert!(!take("two", 39).await?, "and until later");
    assert!(take("two", 40).await?, "from the very end on");
    store.release_lease(&a, "token", "one").await?;
    assert!(!take("one", 41).await?, "it was not the first holder's to give");
    store.release_lease(&a, "token", "two").await?;
    store.release_lease(&a, "token", "two").await?;
    assert!(take("one", 41).await?);
    Ok(())
}

async fn of_many_takers_one_has_it(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let takers = ["1", "2", "3", "4"].map(|holder| store.acquire_lease(&a, "token", holder, at(0), LENGTH));
    let taken = futures_util::future::try_join_all(takers).await?;
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "{taken:?}");
    Ok(())
}

async fn each_name_of_each_organization_is_a_lease(bench: &Bench) -> Outcome {
    let store = &bench.store;
    for (organization, name) in [("a", "token"), ("b", "token"), ("a", "token#2"), ("a", "push")] {
        assert!(
            store.acquire_lease(&org(organization), name, "one", at(0), LENGTH).await?,
            "{organization} {name}"
        );
    }
    store.release_lease(&org("b"), "token", "one").await?;
    assert!(!store.acquire_lease(&org("a"), "token", "two", at(1), LENGTH).await?);
    Ok(())
}
